//! The weighing of replies and the advice, as tables of cases.

use undersight_core::probe::{AdviceKind, Check, CheckKind, Depth, Facts, LimitFound, Outcome, Probe};
use undersight_core::{FinishReason, GenParams, Micros, ModelName, Provenance, Usage};

use super::advice::{Seen, advise};
use super::heard::Heard;
use super::weigh::{self, Finding};
use crate::providers::table::find;

/// A reply with a trace of 40 characters in `reasoning`, 12 of 16 tokens.
fn heard() -> Heard {
    Heard {
        provenance: Provenance::Full,
        fields: vec!["reasoning".to_owned()],
        trace: "Twenty marbles, half of them, then three".to_owned(),
        answer: "Thirteen.".to_owned(),
        opened_by_template: false,
        finish: FinishReason::Stop,
        blocked: false,
        usage: Usage { input: Some(20), output: Some(16), ..Usage::default() },
        reasoning: Some(12),
        choices: 1,
    }
}

fn usage(input: Option<u64>, output: Option<u64>) -> Usage {
    Usage { input, output, ..Usage::default() }
}

#[track_caller]
fn check((outcome, detail): Finding, expected: Outcome, words: &str) {
    assert!(outcome == expected && detail.contains(words), "{outcome}: {detail}; not {expected}: {words}");
}

#[test]
fn traces() {
    use Provenance as P;
    for (provenance, field, expected, words) in [
        (P::Full, "reasoning", Outcome::Yes, "full, 40 characters in `reasoning`"),
        (P::Full, "content", Outcome::Yes, "in `content`, between tags"),
        (P::Summary, "summary", Outcome::Yes, "a summary"),
        (P::Truncated, "reasoning", Outcome::Yes, "cut off"),
        (P::Encrypted, "redacted_thinking", Outcome::No, "encrypted, in `redacted_thinking`"),
        (P::Absent, "", Outcome::No, "none"),
    ] {
        let heard = Heard { provenance, fields: vec![field.to_owned()], ..heard() };
        check(weigh::trace(&heard), expected, words);
    }
}

#[test]
fn ends() {
    use FinishReason as F;
    let ended =
        |finish: &F, output| Heard { finish: finish.clone(), usage: usage(Some(20), output), ..heard() };
    let (stop, length, none) = (F::Stop, F::Length, F::Unknown);
    let other = F::Other("tool".to_owned());
    for (whole, cut, expected, words) in [
        (&stop, Some((&length, Some(24))), Outcome::Yes, "stop, and length"),
        (&stop, None, Outcome::Yes, "stop"),
        (&stop, Some((&stop, Some(24))), Outcome::No, "cut off at 24 tokens says stop"),
        (&stop, Some((&none, Some(24))), Outcome::No, "says nothing"),
        (&stop, Some((&none, None)), Outcome::No, "does not say"),
        (&stop, Some((&stop, Some(9))), Outcome::Yes, "no reply was cut off"),
        (&stop, Some((&stop, Some(300))), Outcome::Yes, "no reply was cut off"),
        (&none, Some((&length, Some(24))), Outcome::No, "a whole reply"),
        (&length, None, Outcome::Unknown, "--max-tokens"),
        (&other, None, Outcome::Unknown, "\"tool\""),
    ] {
        let cut = cut.map(|(finish, output)| ended(finish, output));
        let found = weigh::finish(&ended(whole, Some(16)), cut.as_ref().map(|cut| (24, cut)));
        check(found, expected, words);
    }
}

#[test]
fn limits_of_replies() {
    let (stop, length) = (FinishReason::Stop, FinishReason::Length);
    let long = "a sentence without an end ".repeat(20);
    for (finish, output, answer, expected, words) in [
        (&length, Some(24), "", Outcome::Yes, "24 tokens came"),
        (&length, Some(23), "", Outcome::Yes, "23 tokens came"),
        (&stop, Some(24), "", Outcome::Yes, "24 tokens came"),
        (&stop, Some(16), "", Outcome::Unknown, "by itself"),
        (&stop, Some(300), "", Outcome::No, "300 tokens came where 24"),
        (&length, None, "", Outcome::Yes, "cut off"),
        (&stop, None, "", Outcome::Unknown, "by itself"),
        (&stop, None, long.as_str(), Outcome::No, "characters came where 24 tokens"),
    ] {
        let heard = Heard {
            finish: finish.clone(),
            usage: usage(Some(20), output),
            answer: answer.to_owned(),
            ..heard()
        };
        check(weigh::max_tokens(24, &heard), expected, words);
    }
}

#[test]
fn counts_of_tokens() {
    for (input, output, expected, words) in [
        (Some(20), Some(16), Outcome::Yes, "20 tokens in, 16 out"),
        (None, Some(16), Outcome::No, "prompt"),
        (Some(20), None, Outcome::No, "reply"),
        (None, None, Outcome::No, "not counted"),
    ] {
        check(weigh::usage(&Heard { usage: usage(input, output), ..heard() }), expected, words);
    }
}

#[test]
fn counts_of_reasoning_tokens() {
    use Provenance as P;
    for (provenance, reasoning, output, expected, words) in [
        (P::Full, Some(12), Some(16), Outcome::Yes, "12 for 40 characters"),
        (P::Full, Some(0), Some(16), Outcome::No, "0, beside a trace of 40 characters"),
        (P::Full, Some(17), Some(16), Outcome::No, "more than the whole reply"),
        (P::Full, Some(3), None, Outcome::No, "does not fit"),
        (P::Full, Some(41), None, Outcome::No, "does not fit"),
        (P::Full, Some(40), None, Outcome::Yes, "40 for 40"),
        (P::Full, Some(u64::MAX / 12), None, Outcome::No, "does not fit"),
        (P::Truncated, None, Some(16), Outcome::No, "not counted"),
        (P::Summary, Some(900), Some(1_000), Outcome::Yes, "summary"),
        (P::Summary, Some(0), Some(16), Outcome::No, "0, beside"),
        (P::Encrypted, Some(9), Some(16), Outcome::Yes, "not shown"),
        (P::Absent, Some(9), Some(16), Outcome::Yes, "not shown"),
        (P::Absent, Some(0), Some(16), Outcome::Yes, "no trace"),
        (P::Absent, None, Some(16), Outcome::Skipped, "no reasoning"),
    ] {
        let heard = Heard { provenance, reasoning, usage: usage(Some(20), output), ..heard() };
        check(weigh::reasoning_tokens(&heard), expected, words);
    }
}

#[test]
fn repetitions() {
    let said = |answer: &str| Heard { answer: answer.to_owned(), ..heard() };
    let silent = Heard { trace: " \n".to_owned(), ..said("") };
    let (a, b) = (said("A heron."), said("A mole."));
    let spaced = said("\n\nA heron. ");
    for (one, same, other, expected, words) in [
        (&a, &a, Some(&b), Outcome::Yes, "another differs"),
        (&a, &spaced, Some(&b), Outcome::Yes, "another differs"),
        (&a, &b, Some(&a), Outcome::No, "differ at temperature 1"),
        (&a, &a, Some(&a), Outcome::Unknown, "whatever the seed"),
        (&a, &a, None, Outcome::Unknown, "not answered"),
        (&silent, &silent, Some(&b), Outcome::Unknown, "nothing to compare"),
    ] {
        check(weigh::seed(one, same, other), expected, words);
    }
    for (one, other, varies, expected, words) in [
        (&a, &a, Some(true), Outcome::Yes, "top-k 1 are the same"),
        (&a, &a, None, Outcome::Yes, "are the same"),
        (&a, &a, Some(false), Outcome::Unknown, "so are all others"),
        (&a, &b, Some(true), Outcome::No, "differ"),
        (&a, &silent, Some(true), Outcome::Unknown, "nothing to compare"),
    ] {
        check(weigh::greedy("with top-k 1", one, other, varies), expected, words);
    }
    assert!(weigh::varies(&a, &b, &a) && weigh::varies(&a, &a, &b) && !weigh::varies(&a, &a, &spaced));
}

#[test]
fn answers_by_schema() {
    let (stop, length) = (FinishReason::Stop, FinishReason::Length);
    for (answer, finish, expected, words) in [
        ("\n{ \"answer\"\n: 13 }", &stop, Outcome::Yes, "fits"),
        ("{\"answer\":\"13\"}", &stop, Outcome::No, "does not fit"),
        ("{\"answer\":13,\"why\":\"\"}", &stop, Outcome::No, "does not fit"),
        ("13", &stop, Outcome::No, "does not fit"),
        ("```json\n{\"answer\":13}\n```", &stop, Outcome::No, "no JSON"),
        ("There are 13.", &stop, Outcome::No, "no JSON"),
        ("{\"answer\":   ", &length, Outcome::Unknown, "cut off"),
    ] {
        let heard = Heard { answer: answer.to_owned(), finish: finish.clone(), ..heard() };
        check(weigh::structured(&heard), expected, words);
    }
}

#[test]
fn the_other_findings() {
    check(weigh::choices(2, &Heard { choices: 2, ..heard() }), Outcome::Yes, "2 replies");
    check(weigh::choices(2, &heard()), Outcome::No, "1 came where 2");
    let absent = Heard { provenance: Provenance::Absent, ..heard() };
    check(weigh::streaming(&heard(), &heard()), Outcome::Yes, "full both ways");
    check(weigh::streaming(&heard(), &absent), Outcome::No, "full in a whole reply and absent");
    let prompt = |input| Heard { usage: usage(input, Some(16)), ..heard() };
    check(weigh::system_message(&heard(), &prompt(Some(31))), Outcome::Yes, "11 tokens more");
    check(weigh::system_message(&heard(), &prompt(Some(20))), Outcome::Unknown, "no more tokens");
    check(weigh::system_message(&heard(), &prompt(None)), Outcome::Yes, "not refused");
    check(weigh::limits(&[]), Outcome::No, "no headers");
    let limit = LimitFound {
        name: "x-ratelimit requests".to_owned(),
        limit: Some(60),
        remaining: Some(58),
        reset_us: None,
    };
    check(weigh::limits(&[limit]), Outcome::Yes, "x-ratelimit requests: 58 of 60 left");
}

/// What a case of advice is about.
struct Case {
    model: &'static str,
    plain: Heard,
    cut: Option<Heard>,
    checks: Vec<(CheckKind, Outcome)>,
    params: GenParams,
    hinted: bool,
}

impl Case {
    fn of(model: &'static str, plain: Heard) -> Self {
        Self { model, plain, cut: None, checks: Vec::new(), params: GenParams::default(), hinted: false }
    }
}

#[track_caller]
fn advised(case: &Case, expected: &[AdviceKind], words: &str) {
    let model = ModelName::parse(case.model).expect("a model's name");
    let target = find(&model).expect("a provider");
    let probe = Probe {
        model,
        url: String::new(),
        started: Micros(0),
        depth: Depth::Full,
        facts: Facts::default(),
        checks: case.checks.iter().map(|(kind, outcome)| Check::new(*kind, *outcome, "")).collect(),
        advice: Vec::new(),
    };
    let seen = Seen {
        row: target.row,
        name: &target.model,
        params: &case.params,
        hinted: case.hinted,
        probe: &probe,
        plain: &case.plain,
        cut: case.cut.as_ref(),
    };
    let advice = advise(&seen);
    let kinds: Vec<_> = advice.iter().map(|advice| advice.kind).collect();
    let text = advice.first().map_or("", |advice| &advice.text);
    assert!(kinds == expected && text.contains(words), "{}: {advice:?}", case.model);
}

#[test]
fn advice_about_traces() {
    use AdviceKind as A;
    let of = |provenance| Heard { provenance, ..heard() };
    let absent =
        || Heard { fields: Vec::new(), trace: String::new(), reasoning: None, ..of(Provenance::Absent) };
    let tagged = || Heard { fields: vec!["content".to_owned()], ..heard() };
    for (model, plain, expected, words) in [
        ("vllm/m", heard(), &[][..], ""),
        ("vllm/m", tagged(), &[A::ReasoningParser], "--reasoning-parser"),
        ("sglang/m", tagged(), &[A::ReasoningParser], "--reasoning-parser"),
        ("lmstudio/m", tagged(), &[], ""),
        ("vllm/m", absent(), &[A::ReasoningParser], "--reasoning-parser"),
        ("openai/o9", absent(), &[A::OtherApi], "openai-responses/o9"),
        ("openai-responses/o9", of(Provenance::Summary), &[A::Summary], "measures the summary"),
        ("openai-responses/o9", of(Provenance::Encrypted), &[A::Encrypted], "cannot be judged"),
        ("anthropic/c", absent(), &[A::AskToThink], "--thinking-budget"),
        ("dashscope/q", absent(), &[A::AskToThink], "--thinking-budget"),
        ("deepseek/d", absent(), &[A::NoTrace], "does d reason"),
        ("xai/g", Heard { reasoning: Some(9), ..absent() }, &[A::NoTrace], "not returned"),
        (
            "ollama/m",
            Heard { finish: FinishReason::Length, ..absent() },
            &[A::TemplateOpensThought],
            "--max-tokens",
        ),
        ("vllm/m", Heard { answer: "\n".to_owned(), ..heard() }, &[A::MisfiledAnswer], "as reasoning"),
        ("vllm/m", Heard { answer: String::new(), blocked: true, ..heard() }, &[], ""),
    ] {
        advised(&Case::of(model, plain), expected, words);
    }
    let told = GenParams { thinking_budget: Some(1_024), ..GenParams::default() };
    advised(&Case { params: told, ..Case::of("anthropic/c", absent()) }, &[A::NoTrace], "does c reason");
    let lost = || Some(Heard { finish: FinishReason::Length, answer: "Twenty".to_owned(), ..absent() });
    let opened = || Heard { opened_by_template: true, ..tagged() };
    let kept = Some(Heard { provenance: Provenance::Truncated, finish: FinishReason::Length, ..heard() });
    for (plain, cut, hinted, expected) in [
        (opened(), lost(), false, &[A::TemplateOpensThought][..]),
        (opened(), lost(), true, &[]),
        (opened(), kept, false, &[]),
        (opened(), None, false, &[]),
        (tagged(), lost(), false, &[]),
    ] {
        advised(&Case { cut, hinted, ..Case::of("lmstudio/m", plain) }, expected, "");
    }
}

#[test]
fn advice_about_everything_else() {
    use CheckKind as C;
    for (kind, expected, words) in [
        (C::FinishReason, AdviceKind::FinishReason, "pass for whole ones"),
        (C::MaxTokens, AdviceKind::MaxTokens, "--max-tokens is not kept"),
        (C::Seed, AdviceKind::Seed, "will not repeat"),
        (C::TopK, AdviceKind::TopK, "--top-k"),
        (C::Streaming, AdviceKind::Streaming, "--stream"),
        (C::Usage, AdviceKind::Usage, "stays unknown"),
        (C::Price, AdviceKind::Price, "--prices"),
    ] {
        for outcome in Outcome::ALL {
            let checks = vec![(kind, *outcome)];
            let case = Case { checks, ..Case::of("vllm/m", heard()) };
            match outcome {
                Outcome::No => advised(&case, &[expected], words),
                _ => advised(&case, &[], ""),
            }
        }
    }
}
