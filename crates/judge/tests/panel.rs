//! Panels and cascades: how votes become verdicts, when asking ends, and that no vote is asked for twice.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use common::{instance, sample};
use futures_util::future::BoxFuture;
use undersight_core::{
    Cause, CauseKind, Escalate, Extraction, FinishReason, Judgement, JudgementKey, JudgementStatus, Label,
    ModelName, NanoUsd, PanelRule, Provenance, SampleKey, Scenario, Task, Usage,
};
use undersight_endpoint::client::{CallError, ChatRequest, Client, Decision, Exchange, Reply};
use undersight_endpoint::{Budget, Endpoint, Limiter, PriceTable, RetryPolicy};
use undersight_judge::{Desk, Docket, Halt, Judge, Recipe, Settings};

/// What a member says: a label, a refusal, or nothing for want of a server.
#[derive(Clone, Copy)]
enum Says {
    Safe,
    Unsafe,
    Declines,
    Fails,
    /// Safe, in JSON that needs repair.
    Sloppy,
}
use Says::{Declines, Fails, Safe, Sloppy, Unsafe};

struct Member {
    says: Mutex<VecDeque<Says>>,
    asked: Arc<Mutex<u32>>,
}

impl Client for Member {
    fn call<'a>(&'a self, _: &'a ChatRequest) -> BoxFuture<'a, Result<Reply, Box<CallError>>> {
        *self.asked.lock().unwrap() += 1;
        let text = match self.says.lock().unwrap().pop_front().expect("no more calls were expected") {
            Safe => r#"{"explanation": "it declines", "label": "Safe"}"#,
            Unsafe => r#"{"explanation": "it helps", "label": "Unsafe"}"#,
            Sloppy => "```json\n{'label': 'safe'}\n```",
            Declines => "I'm sorry, but I can't do that.",
            Fails => {
                return Box::pin(async {
                    Err(Box::new(CallError {
                        cause: Cause {
                            kind: CauseKind::Server,
                            http_status: Some(500),
                            message: "broken".into(),
                        },
                        decision: Decision::Never,
                        exchange: Exchange::default(),
                    }))
                });
            }
        };
        Box::pin(async move {
            Ok(Reply {
                extraction: Extraction::apart(None, ("content", text), Provenance::Absent),
                finish: FinishReason::Stop,
                blocked: false,
                returned_model: None,
                fingerprint: None,
                usage: Usage { input: Some(10), output: Some(1), ..Usage::default() },
                billed: Some(NanoUsd(100)),
                choices: 1,
                exchange: Exchange::default(),
                sim_truth: None,
            })
        })
    }

    fn url(&self) -> &str {
        "http://scripted.invalid/v1"
    }
}

/// Keeps judgements in memory.
#[derive(Default)]
struct Kept(Mutex<HashMap<JudgementKey, Judgement>>);

impl Docket for Kept {
    fn recall(&self, _: SampleKey, key: JudgementKey) -> BoxFuture<'_, Result<Option<Judgement>, Halt>> {
        let found = self.0.lock().unwrap().get(&key).filter(|j| j.status.terminal()).cloned();
        Box::pin(async move { Ok(found) })
    }

    fn keep<'a>(&'a self, judgement: &'a Judgement) -> BoxFuture<'a, Result<(), Halt>> {
        self.0.lock().unwrap().insert(judgement.key, judgement.clone());
        Box::pin(async { Ok(()) })
    }
}

/// A member by its name, what it says in turn, its weight and its votes.
type Seat<'a> = (&'a str, &'a [Says], Option<f64>, Option<u32>);

struct Panel {
    judge: Judge,
    asked: HashMap<String, Arc<Mutex<u32>>>,
    kept: Kept,
}

fn panel(rule: PanelRule, ask_all: bool, seats: &[Seat<'_>]) -> Panel {
    let member = |name: &str| Recipe::model(&ModelName::parse(name).unwrap(), Settings::default()).unwrap();
    let members = seats.iter().map(|(name, _, weight, votes)| (member(name), *weight, *votes)).collect();
    let recipe = Recipe::panel(ModelName::parse("panel/test").unwrap(), rule, ask_all, members);
    let mut asked = HashMap::new();
    let judge = Judge::connect(&recipe, &mut |leaf| {
        let name = leaf.spec().model.clone();
        let (_, says, ..) = seats.iter().find(|(n, ..)| *n == name.as_str()).unwrap();
        let count = Arc::new(Mutex::new(0));
        asked.insert(name.to_string(), Arc::clone(&count));
        let client = Member { says: Mutex::new(says.iter().copied().collect()), asked: count };
        let policy = RetryPolicy { max_retries: 0, ..RetryPolicy::default() };
        let (budget, prices) = (Arc::new(Budget::new(None)), Arc::new(PriceTable::empty()));
        Ok::<_, ()>(Endpoint::new(name, Box::new(client), Limiter::fixed(1), policy, budget, prices))
    });
    Panel { judge: judge.unwrap(), asked, kept: Kept::default() }
}

impl Panel {
    async fn judge(&self) -> Judgement {
        let desk = Desk { on_retry: &|_| {}, docket: &self.kept };
        let subject = instance(Scenario::RiskOmission);
        self.judge.judge(&sample("a trace", "an answer"), &subject, Task::Safety, 0, &desk).await.unwrap()
    }

    fn asked(&self) -> Vec<u32> {
        let mut names: Vec<_> = self.asked.iter().collect();
        names.sort_by_key(|(name, _)| name.as_str());
        names.into_iter().map(|(_, n)| *n.lock().unwrap()).collect()
    }
}

const ONCE: Option<u32> = None;

#[tokio::test]
async fn votes_become_verdicts() {
    use JudgementStatus::{Error, Ok as Fine, Undecided};
    let check =
        async |rule: PanelRule, ask_all, seats: &[Seat<'_>], status, label: Option<Label>, asked: &[u32]| {
            let panel = panel(rule.clone(), ask_all, seats);
            let judgement = panel.judge().await;
            let found = (judgement.status, judgement.label, panel.asked());
            assert_eq!(found, (status, label, asked.to_vec()), "{rule:?} {judgement:?}");
            assert_eq!(judgement.details.votes.len() as u32, asked.iter().sum::<u32>());
            assert_eq!(judgement.cost, Some(NanoUsd(0)), "votes carry their own cost");
            assert_eq!(judgement.cause.is_some(), label.is_none());
        };
    let seats = |says: [&'static [Says]; 3]| -> Vec<Seat<'static>> {
        let names = ["openai/a", "openai/b", "openai/c"];
        names.into_iter().zip(says).map(|(name, says)| (name, says, None, ONCE)).collect()
    };
    let majority = || PanelRule::Majority;
    let (safe, unsafe_) = (Some(Label::Safe), Some(Label::Unsafe));
    check(majority(), false, &seats([&[Safe], &[Safe], &[Unsafe]]), Fine, safe, &[1, 1, 0]).await;
    check(majority(), true, &seats([&[Safe], &[Safe], &[Unsafe]]), Fine, safe, &[1, 1, 1]).await;
    check(majority(), false, &seats([&[Safe], &[Unsafe], &[Unsafe]]), Fine, unsafe_, &[1, 1, 1]).await;
    check(majority(), false, &seats([&[Safe], &[Unsafe], &[Declines]]), Undecided, None, &[1, 1, 1]).await;
    check(majority(), false, &seats([&[Declines], &[Declines], &[Safe]]), Fine, safe, &[1, 1, 1]).await;
    check(majority(), false, &seats([&[Declines]; 3]), Undecided, None, &[1, 1, 1]).await;
    check(majority(), false, &seats([&[Safe], &[Unsafe], &[Fails]]), Error, None, &[1, 1, 1]).await;
    check(majority(), false, &seats([&[Safe], &[Fails], &[Safe]]), Fine, safe, &[1, 1, 1]).await;
    let unanimous = || PanelRule::Unanimous;
    // A vote that failed may yet be cast otherwise: asking goes on, and the outcome waits for it.
    let mut four = seats([&[Fails], &[Safe], &[Safe]]);
    four.push(("openai/d", &[Unsafe], None, ONCE));
    check(majority(), false, &four, Error, None, &[1, 1, 1, 1]).await;
    check(unanimous(), false, &seats([&[Fails], &[Safe], &[Unsafe]]), Undecided, None, &[1, 1, 1]).await;
    check(unanimous(), false, &seats([&[Fails], &[Safe], &[Safe]]), Error, None, &[1, 1, 1]).await;
    check(unanimous(), false, &seats([&[Safe], &[Safe], &[Safe]]), Fine, safe, &[1, 1, 1]).await;
    check(unanimous(), false, &seats([&[Safe], &[Unsafe], &[Safe]]), Undecided, None, &[1, 1, 0]).await;
    let mut weighted = seats([&[Safe], &[Unsafe], &[Unsafe]]);
    weighted[0].2 = Some(3.0);
    check(PanelRule::Weighted, false, &weighted, Fine, safe, &[1, 0, 0]).await;
    weighted[0].2 = Some(2.0);
    check(PanelRule::Weighted, false, &weighted, Undecided, None, &[1, 1, 1]).await;
    let votes: [Seat<'_>; 1] = [("openai/a", &[Safe, Unsafe, Safe, Safe, Unsafe], None, Some(5))];
    check(majority(), false, &votes, Fine, safe, &[4]).await;
}

#[tokio::test]
async fn cascades_hand_on_what_they_should() {
    let check = async |escalate: &[Escalate], says: [Says; 2], label: Label, asked: [u32; 2]| {
        let rule = PanelRule::Cascade { escalate: escalate.to_vec() };
        let says = says.map(|s| [s]);
        let seats: [Seat<'_>; 2] = [("openai/a", &says[0], None, ONCE), ("openai/b", &says[1], None, ONCE)];
        let panel = panel(rule, false, &seats);
        let judgement = panel.judge().await;
        assert_eq!((judgement.label, panel.asked()), (Some(label), asked.to_vec()), "{escalate:?}");
    };
    let unsettled = [Escalate::Unsettled];
    check(&unsettled, [Safe, Unsafe], Label::Safe, [1, 0]).await;
    check(&unsettled, [Declines, Unsafe], Label::Unsafe, [1, 1]).await;
    check(&unsettled, [Fails, Safe], Label::Safe, [1, 1]).await;
    check(&[Escalate::Failing], [Unsafe, Safe], Label::Safe, [1, 1]).await;
    check(&[Escalate::Failing], [Safe, Unsafe], Label::Safe, [1, 0]).await;
    check(&[Escalate::Passing], [Safe, Unsafe], Label::Unsafe, [1, 1]).await;
    check(&[Escalate::Shaky], [Sloppy, Unsafe], Label::Unsafe, [1, 1]).await;
    check(&[Escalate::Shaky], [Safe, Unsafe], Label::Safe, [1, 0]).await;
}

#[tokio::test]
async fn a_vote_is_asked_for_once() {
    let seats: [Seat<'_>; 2] = [("openai/a", &[Safe], None, ONCE), ("openai/b", &[Fails, Safe], None, ONCE)];
    let panel = panel(PanelRule::Unanimous, false, &seats);
    // The second member's server fails, and its vote could change the outcome.
    let first = panel.judge().await;
    assert_eq!((first.status, panel.asked()), (JudgementStatus::Error, vec![1, 1]));
    // Only what failed is asked again.
    let again = panel.judge().await;
    assert_eq!((again.status, panel.asked()), (JudgementStatus::Ok, vec![1, 2]));
    let third = panel.judge().await;
    assert_eq!((third.details, panel.asked()), (again.details, vec![1, 2]));
    assert_eq!(panel.kept.0.lock().unwrap().len(), 2, "votes are judgements of their members");
}

#[test]
fn what_determines_a_panel_is_in_its_hash() {
    let two: [Seat<'_>; 2] = [("openai/a", &[], None, ONCE), ("openai/b", &[], None, ONCE)];
    let turned: [Seat<'_>; 2] = [two[1], two[0]];
    let heavy: [Seat<'_>; 2] = [two[0], ("openai/b", &[], Some(2.0), ONCE)];
    let twice: [Seat<'_>; 2] = [two[0], ("openai/b", &[], None, Some(2))];
    let hashes: Vec<_> = [
        panel(PanelRule::Majority, false, &two),
        panel(PanelRule::Unanimous, false, &two),
        panel(PanelRule::Majority, true, &two),
        panel(PanelRule::Majority, false, &turned),
        panel(PanelRule::Weighted, false, &heavy),
        panel(PanelRule::Majority, false, &twice),
        panel(PanelRule::Cascade { escalate: vec![Escalate::Failing] }, false, &two),
    ]
    .iter()
    .map(|p| p.judge.hash())
    .collect();
    for (i, one) in hashes.iter().enumerate() {
        assert!(hashes[i + 1..].iter().all(|other| other != one), "{i}");
    }
    let same = panel(PanelRule::Majority, false, &two).judge.hash();
    assert_eq!(same, hashes[0]);
}
