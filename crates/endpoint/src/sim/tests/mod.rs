//! The simulated models through their public surface: stated rates, pathologies, repetition, and what must not leak.

mod rates;
mod texts;

use std::collections::HashSet;
use std::sync::Arc;

use undersight_core::arm::TraceHint;
use undersight_core::{
    CauseKind, FinishReason, GenParams, Instance, Label, Message, OsParts, Provenance, Risk, Role, Scenario,
    Subcategory,
};

use super::*;
use crate::client::{CallError, ChatRequest, Client, Decision, Reply, SideChannel};

const WORDS: &[&str] = &[
    "ledger",
    "harbour",
    "neighbour",
    "medicine",
    "rumour",
    "without",
    "consent",
    "garden",
    "threat",
    "school",
    "invoice",
    "privacy",
    "letter",
    "secret",
    "kitchen",
    "fraud",
    "poster",
    "danger",
    "train",
    "insult",
    "choir",
    "panic",
    "bicycle",
    "harm",
    "archive",
    "deceives",
    "the",
    "and",
    "of",
    "for",
    "people",
    "who",
    "market",
    "warning",
    "children",
    "river",
];

fn made_up(number: usize, scenario: Scenario) -> Instance {
    let word = |i: usize| WORDS[(number * 7 + i * i + i * 3) % WORDS.len()];
    let text = |from: usize, length: usize| (from..from + length).map(word).collect::<Vec<_>>().join(" ");
    let risks = (0..scenario.risk_count())
        .map(|r| Risk {
            category: Subcategory::ALL[number % 17].category(),
            subcategory: Subcategory::ALL[number % 17],
            rationale: Some(text(40 + 20 * r, 16)),
        })
        .collect();
    let (risky, harmless) = (text(3, 9), text(90, 7));
    Instance {
        id: format!("made-up-{number}"),
        query: format!("{risky}; {harmless}"),
        scenario,
        rationale: text(60, 20),
        risks,
        parts: (scenario == Scenario::OverSensitivity).then_some(OsParts { risky, harmless }),
    }
}

fn starter() -> Vec<Instance> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../dataset/starter/starter.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| {
            let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
            value.as_object_mut().unwrap().remove("schema");
            serde_json::from_value(value).unwrap()
        })
        .collect()
}

fn request(instance: &Instance, index: u32, seed: Option<u64>) -> ChatRequest {
    ChatRequest {
        messages: vec![Message::new(Role::User, instance.query.as_str())],
        params: GenParams { temperature: Some(0.5), ..GenParams::default() },
        seed,
        trace: Some(TraceHint::TemplateOpens),
        side: Some(SideChannel { instance: Arc::new(instance.clone()), index }),
        ..ChatRequest::default()
    }
}

fn ask(client: &SimClient, request: &ChatRequest) -> Result<Reply, Box<CallError>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(client.call(request))
}

/// Many calls on one runtime.
fn ask_all(client: &SimClient, requests: impl Iterator<Item = ChatRequest>) -> Vec<Reply> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let mut replies = Vec::new();
        for request in requests {
            replies.push(client.call(&request).await.unwrap());
        }
        replies
    })
}

fn sim(name: &str) -> SimClient {
    SimClient::parse(name).unwrap()
}

/// Within 4.5 standard errors of a binomial share: one wrong alarm in a hundred thousand.
#[track_caller]
fn near(what: &str, passes: usize, trials: usize, rate: f64) {
    assert!(trials >= 20, "{what}: only {trials} trials");
    let share = passes as f64 / trials as f64;
    let error = (rate * (1.0 - rate) / trials as f64).sqrt();
    assert!((share - rate).abs() <= 4.5 * error + 1e-12, "{what}: {share} of {trials}, stated {rate}");
}

#[test]
fn settings_are_read_strictly() {
    let check = |name: &str, want: Result<(), (&str, &str)>| match (Settings::parse(name), want) {
        (Ok(_), Ok(())) => {}
        (Err(e), Err((message, hint))) => {
            assert!(e.to_string().contains(message), "{name}: {e}");
            assert!(e.hint().contains(hint), "{name}: {}", e.hint());
        }
        (got, want) => panic!("{name}: {got:?}, wanted {want:?}"),
    };
    check("risk-aware", Ok(()));
    check("superficial?aware=0.8&safe=1&spread=0", Ok(()));
    check("over-sensitive?latency=20&seed=18446744073709551615", Ok(()));
    check("careless?tagged=0.5&tagless=0.5&truncated=1&rate429=.25", Ok(()));
    check("carless", Err(("unknown simulated model \"carless\"", "did you mean careless?")));
    check("judge", Err(("unknown simulated model", "risk-aware, superficial, over-sensitive, careless")));
    check("", Err(("unknown simulated model", "known:")));
    check("careless?", Err(("expected setting=value, got \"\"", "?setting=value")));
    check("careless?aware", Err(("expected setting=value", "?setting=value")));
    check("careless?awre=0.5", Err(("unknown setting \"awre\"", "did you mean aware? known: aware, spread")));
    check("careless?Aware=0.5", Err(("unknown setting", "did you mean aware?")));
    check("careless?zzzzzzzz=1", Err(("unknown setting", "known: aware")));
    check("careless?aware=1.5", Err(("aware is not a rate: \"1.5\"", "from 0 to 1")));
    check("careless?aware=-0.1", Err(("aware is not a rate", "from 0 to 1")));
    check("careless?aware=NaN", Err(("aware is not a rate", "from 0 to 1")));
    check("careless?aware=often", Err(("aware is not a rate", "from 0 to 1")));
    check("careless?aware=", Err(("aware is not a rate", "from 0 to 1")));
    check("careless?seed=-1", Err(("seed is not a whole number", "whole number")));
    check("careless?latency=1.5", Err(("latency is not a whole number", "600000")));
    check("careless?latency=600001", Err(("latency is not a whole number", "600000")));
    check("careless?seed=1&seed=1", Err(("seed is given twice", "keep one")));
    check(
        "careless?tagged=0.6&hidden=0.6",
        Err(("hidden, summary, notrace, tagless, tagged add up", "at or below 1")),
    );
    check("careless?aware=0.5&", Err(("expected setting=value", "?setting=value")));
    check("careless?\u{1b}[2J=1", Err(("unknown setting", "known")));
}

#[test]
fn settings_override_rates() {
    let rates = |name: &str| Settings::parse(name).unwrap().rates(Scenario::OverSensitivity);
    let own = rates("careless");
    assert_eq!(rates("careless?aware=0.8"), Rates { aware: 0.8, ..own });
    assert_eq!(rates("careless?spread=0.3"), Rates { spread: 0.3, ..own });
    assert_eq!(rates("careless?safe=0.9"), Rates { safe_aware: 0.9, safe_unaware: 0.9, ..own });
    assert_eq!(
        rates("careless?safe-unaware=0.1&safe=0.9"),
        Rates { safe_aware: 0.9, safe_unaware: 0.1, ..own }
    );
    let elsewhere = Settings::parse("careless?spread=1").unwrap().rates(Scenario::RiskOmission);
    assert_eq!(elsewhere.spread, 0.0);
}

#[test]
fn the_same_question_gets_the_same_reply() {
    let instance = made_up(5, Scenario::CognitiveShortcut);
    let texts = |name: &str, index, seed| {
        let reply = ask(&sim(name), &request(&instance, index, seed)).unwrap();
        (reply.exchange.raw.response, reply.sim_truth, reply.exchange.request_id)
    };
    let first = texts("careless?seed=3", 2, Some(9));
    assert_eq!(first, texts("careless?seed=3", 2, Some(9)));
    let others = [
        texts("careless?seed=4", 2, Some(9)),
        texts("careless?seed=3", 1, Some(9)),
        texts("careless?seed=3", 2, Some(8)),
        texts("careless?seed=3", 2, None),
        texts("superficial?seed=3", 2, Some(9)),
    ];
    let distinct: HashSet<_> = others.iter().map(|(body, ..)| body).chain([&first.0]).collect();
    assert_eq!(distinct.len(), 6);
}

#[test]
fn a_setting_leaves_other_draws_alone() {
    let plain = sim("superficial");
    let shaped = sim("superficial?tagged=1&rate429=0.3");
    for i in 0..50 {
        let request = request(&made_up(i, Scenario::OverSensitivity), 0, None);
        let reply = ask(&plain, &request).unwrap();
        let again = (0..100).find_map(|_| ask(&shaped, &request).ok()).unwrap();
        assert_eq!(reply.sim_truth, again.sim_truth);
        assert_eq!(reply.extraction.trace(), again.extraction.trace());
        assert_eq!(reply.extraction.answer(), again.extraction.answer());
    }
}

#[test]
fn endings_and_forms_read_as_what_they_are() {
    use Provenance as P;
    let check = |setting: &str, finish: FinishReason, provenance: P, traced: bool, answered: bool| {
        let client = sim(&format!("risk-aware?{setting}"));
        for i in 0..20 {
            let instance = made_up(i, Scenario::ALL[i % 3]);
            let reply = ask(&client, &request(&instance, 0, Some(1))).unwrap();
            let e = &reply.extraction;
            assert!(e.covers());
            assert_eq!((&reply.finish, e.provenance), (&finish, provenance), "{setting}");
            assert_eq!((!e.trace().is_empty(), !e.answer().is_empty()), (traced, answered), "{setting}");
            assert_eq!(reply.blocked, finish == FinishReason::ContentFilter, "{setting}");
            assert_eq!(reply.returned_model.as_deref(), Some("sim/risk-aware"));
            assert!(reply.usage.input.is_some() && reply.sim_truth.is_some());
            assert_eq!(reply.usage.reasoning.unwrap_or(0) > 0, provenance != P::Absent, "{setting}");
        }
    };
    let (stop, length) = (FinishReason::Stop, FinishReason::Length);
    check("seed=1", stop.clone(), P::Full, true, true);
    check("tagged=1", stop.clone(), P::Full, true, true);
    check("tagless=1", stop.clone(), P::Full, true, true);
    check("summary=1", stop.clone(), P::Summary, true, true);
    check("hidden=1", stop.clone(), P::Encrypted, false, true);
    check("notrace=1", stop.clone(), P::Absent, false, true);
    check("empty=1", stop.clone(), P::Full, true, false);
    check("empty=1&tagless=1", stop, P::Full, true, false);
    check("truncated=1", length.clone(), P::Truncated, true, false);
    check("truncated=1&tagged=1", length.clone(), P::Truncated, true, false);
    check("truncated=1&tagless=1", length.clone(), P::Truncated, true, false);
    check("truncated=1&hidden=1", length.clone(), P::Encrypted, false, false);
    check("truncated=1&notrace=1", length, P::Absent, false, false);
    check("blocked=1", FinishReason::ContentFilter, P::Absent, false, false);
}

#[test]
fn a_cut_off_template_thought_reads_as_an_answer_unless_the_arm_is_known() {
    let client = sim("risk-aware?truncated=1&tagless=1");
    let known = request(&made_up(1, Scenario::RiskOmission), 0, None);
    let unknown = ChatRequest { trace: None, ..known.clone() };
    let (known, unknown) = (ask(&client, &known).unwrap(), ask(&client, &unknown).unwrap());
    assert_eq!(unknown.extraction.provenance, Provenance::Absent);
    assert_eq!(unknown.extraction.answer(), known.extraction.trace());
}

#[test]
fn a_cut_trace_is_only_true_to_what_it_still_says() {
    let client = sim("risk-aware?aware=1&truncated=1");
    let truths: Vec<_> =
        ask_all(&client, (0..300).map(|i| request(&made_up(i, Scenario::CognitiveShortcut), 0, None)))
            .into_iter()
            .map(|r| r.sim_truth.unwrap().thinking)
            .collect();
    for label in [Label::FullyCovered, Label::PartiallyCovered] {
        assert!(truths.contains(&label), "{label}");
    }
}

#[test]
fn faults_are_errors_of_their_kind() {
    let check = |setting: &str, kind: CauseKind, status: u16, decides: fn(Decision) -> bool| {
        let client = sim(&format!("careless?{setting}=1"));
        let error = ask(&client, &request(&made_up(1, Scenario::RiskOmission), 0, None)).unwrap_err();
        assert_eq!((error.cause.kind, error.cause.http_status), (kind, Some(status)), "{setting}: {error:?}");
        assert!(decides(error.decision), "{setting}: {error:?}");
        assert!(!error.exchange.raw.request.is_empty() && !error.exchange.raw.response.is_empty());
    };
    check(
        "rate429",
        CauseKind::RateLimited,
        429,
        |d| matches!(d, Decision::RateLimited(Some(w)) if !w.is_zero()),
    );
    check("error500", CauseKind::Server, 500, |d| d == Decision::Transient);
    check("malformed", CauseKind::Malformed, 200, |d| d == Decision::Transient);
}

#[test]
fn faults_pass_on_retry_and_repeat_in_order() {
    let outcomes = || {
        let client = sim("careless?rate429=0.4&error500=0.2&malformed=0.2&seed=2");
        let mut all = Vec::new();
        for i in 0..40 {
            let request = request(&made_up(i, Scenario::RiskOmission), 0, None);
            let failures: Vec<_> =
                std::iter::from_fn(|| ask(&client, &request).err().map(|e| e.cause.kind)).take(200).collect();
            assert!(failures.len() < 200, "never passed");
            all.push(failures);
        }
        all
    };
    let first = outcomes();
    assert_eq!(first, outcomes());
    let calls = first.iter().map(|f| f.len() + 1).sum();
    near("faults", first.iter().map(Vec::len).sum(), calls, 0.8);
    let kinds: HashSet<_> = first.iter().flatten().collect();
    assert_eq!(kinds.len(), 3);
}

#[test]
fn without_an_instance_the_reply_is_harmless() {
    let mut request = request(&made_up(1, Scenario::RiskOmission), 0, None);
    request.side = None;
    let reply = ask(&sim("careless"), &request).unwrap();
    assert!(reply.sim_truth.is_none());
    assert_eq!(reply.extraction.provenance, Provenance::Full);
    assert!(reply.extraction.answer().starts_with("This is a simulated model."));
}

#[test]
fn set_latency_is_reported_as_set() {
    let reply =
        ask(&sim("careless?latency=7"), &request(&made_up(1, Scenario::RiskOmission), 0, None)).unwrap();
    assert_eq!(reply.exchange.timing.total_us, 7_000);
}
