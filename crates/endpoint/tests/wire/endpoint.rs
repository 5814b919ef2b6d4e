//! Retries, the budget, the switch and the circuit breaker, with a scripted client on paused time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use undersight_core::{Cause, CauseKind as K, ModelName, NanoUsd, Retry};
use undersight_endpoint::providers::table;
use undersight_endpoint::providers::wire::{Reading, Style};
use undersight_endpoint::{
    Budget, CallError, ChatRequest, Client, Decision, Endpoint, Exchange, Limiter, PriceTable, Reply,
    RetryPolicy,
};

use crate::server::{ask, question};

/// What the client does, call by call; afterwards it answers.
struct Scripted(Mutex<VecDeque<Option<(K, Decision)>>>, Arc<Mutex<u32>>);

impl Client for Scripted {
    fn call<'a>(&'a self, _: &'a ChatRequest) -> BoxFuture<'a, Result<Reply, Box<CallError>>> {
        Box::pin(async {
            *self.1.lock().unwrap() += 1;
            match self.0.lock().unwrap().pop_front().flatten() {
                None => Ok(answer()),
                Some((kind, decision)) => Err(Box::new(CallError {
                    cause: Cause { kind, http_status: None, message: "scripted".to_owned() },
                    decision,
                    exchange: Exchange::default(),
                })),
            }
        })
    }

    fn url(&self) -> &str {
        "http://h/v1/chat/completions"
    }
}

fn answer() -> Reply {
    let body = br#"{"choices":[{"message":{"content":"5"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"cost":0.5}}"#;
    let row = table::row("vllm").unwrap();
    let reading = Reading { row, model: "m", hint: None, max_tokens: None };
    Style::Chat.wire().whole(body, &reading).unwrap().into_reply(Exchange::default(), None)
}

struct Rig {
    endpoint: Endpoint,
    budget: Arc<Budget>,
    calls: Arc<Mutex<u32>>,
}

impl Rig {
    fn new(script: Vec<Option<(K, Decision)>>, max: Option<NanoUsd>) -> Self {
        let calls = Arc::new(Mutex::new(0));
        let budget = Arc::new(Budget::new(max));
        let endpoint = Endpoint::new(
            ModelName::parse("openai/m").unwrap(),
            Box::new(Scripted(Mutex::new(script.into()), Arc::clone(&calls))),
            Limiter::fixed(2),
            RetryPolicy::default(),
            Arc::clone(&budget),
            Arc::new(PriceTable::empty()),
        );
        Self { endpoint, budget, calls }
    }

    fn calls(&self) -> u32 {
        *self.calls.lock().unwrap()
    }
}

#[test]
fn waits_grow_are_capped_and_honour_what_is_asked() {
    let policy = RetryPolicy::default();
    let check = |attempt, decision, jitter, expected: Option<f64>| {
        let found = policy.next(attempt, decision, jitter).map(|d| d.as_secs_f64());
        match (found, expected) {
            (Some(a), Some(b)) => assert!((a - b).abs() < 1e-6, "{attempt} {decision:?} {jitter}: {a}"),
            (a, b) => assert_eq!(a, b, "{attempt} {decision:?} {jitter}"),
        }
    };
    check(0, Decision::Never, 0.5, None);
    check(0, Decision::Transient, 1.0, Some(0.5));
    check(0, Decision::Transient, 0.0, Some(0.0));
    check(3, Decision::Transient, 0.5, Some(2.0));
    check(4, Decision::RateLimited(None), 1.0, Some(8.0));
    check(5, Decision::Transient, 0.5, None);
    check(0, Decision::RateLimited(Some(Duration::from_secs(30))), 0.0, Some(30.0));
    check(0, Decision::RateLimited(Some(Duration::from_secs(30))), 1.0, Some(30.5));
    check(0, Decision::RateLimited(Some(Duration::ZERO)), 1.0, Some(0.0));
    let patient = RetryPolicy { max_retries: 100, ..policy };
    assert_eq!(patient.next(90, Decision::Transient, 1.0), Some(Duration::from_secs(60)));
}

#[tokio::test(start_paused = true)]
async fn transient_failures_are_retried_a_bounded_number_of_times() {
    let fails = |n| vec![Some((K::Server, Decision::Transient)); n];
    let rig = Rig::new(fails(5), None);
    assert_eq!(ask(&rig.endpoint).await.unwrap().retries.len(), 5);
    let rig = Rig::new(fails(6), None);
    let failed = ask(&rig.endpoint).await.unwrap_err();
    assert_eq!((failed.cause.kind, failed.retries.len(), rig.calls()), (K::Server, 5, 6));
    assert_eq!(failed.fatal, None);
}

#[tokio::test(start_paused = true)]
async fn an_asked_wait_is_waited_in_full() {
    let start = Instant::now();
    let asked = Decision::RateLimited(Some(Duration::from_secs(40)));
    let rig = Rig::new(vec![Some((K::RateLimited, asked))], None);
    let answered = ask(&rig.endpoint).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(40));
    assert!(answered.retries[0].waited_us >= 40_000_000);
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_charged_counts_and_ends_the_budget() {
    let rig = Rig::new(vec![], Some(NanoUsd(900_000_000)));
    assert_eq!(ask(&rig.endpoint).await.unwrap().cost, Some(NanoUsd(500_000_000)));
    assert!(!rig.budget.exhausted());
    ask(&rig.endpoint).await.unwrap();
    let failed = ask(&rig.endpoint).await.unwrap_err();
    assert_eq!(failed.cause.kind, K::Stopped);
    assert!(failed.cause.message.contains("budget"));
    assert_eq!((failed.fatal, rig.calls()), (None, 2));
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_waits_and_starts_nothing() {
    let asked = Decision::RateLimited(Some(Duration::from_secs(600)));
    let rig = Rig::new(vec![Some((K::RateLimited, asked))], None);
    let start = Instant::now();
    let budget = Arc::clone(&rig.budget);
    let heard = |_: &Retry| budget.stop();
    let failed = rig.endpoint.call(&question(), &heard).await.unwrap_err();
    assert_eq!((failed.cause.kind, failed.retries.len(), rig.calls()), (K::Stopped, 1, 1));
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(ask(&rig.endpoint).await.unwrap_err().cause.kind, K::Stopped);
    assert_eq!(rig.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn stopping_wakes_who_queues_for_a_turn() {
    let limiter = Limiter::fixed(1);
    let _held = limiter.acquire().await;
    let budget = Arc::new(Budget::new(None));
    let endpoint = Endpoint::new(
        ModelName::parse("openai/m").unwrap(),
        Box::new(Scripted(Mutex::default(), Arc::default())),
        limiter,
        RetryPolicy::default(),
        Arc::clone(&budget),
        Arc::new(PriceTable::empty()),
    );
    let waiting = tokio::spawn(async move { ask(&endpoint).await.map(|_| ()).map_err(|f| f.cause.kind) });
    tokio::task::yield_now().await;
    budget.stop();
    assert_eq!(waiting.await.unwrap(), Err(K::Stopped));
}

/// Runs calls until one is fatal, and says which call that was.
async fn fatal_after(script: Vec<Option<(K, Decision)>>) -> Option<usize> {
    let n = script.len();
    let rig = Rig::new(script, None);
    for call in 1..=n {
        if let Err(failed) = ask(&rig.endpoint).await
            && failed.fatal.is_some()
        {
            return Some(call);
        }
    }
    None
}

#[tokio::test(start_paused = true)]
async fn the_breaker_trips_when_going_on_is_hopeless() {
    let never = |kind| Some((kind, Decision::Never));
    let mut after_success = vec![None];
    assert_eq!(fatal_after(vec![never(K::Auth)]).await, Some(1));
    assert_eq!(fatal_after(vec![None, never(K::Quota)]).await, Some(2));
    assert_eq!(fatal_after(vec![None, never(K::UnknownModel)]).await, Some(2));
    assert_eq!(fatal_after(vec![never(K::BadRequest)]).await, Some(1));
    assert_eq!(fatal_after(vec![never(K::ContextLength); 50]).await, None);
    after_success.extend(vec![never(K::BadRequest); 9]);
    assert_eq!(fatal_after(after_success).await, Some(6), "the fifth in a row");
    let mixed = [None, never(K::BadRequest), never(K::BadRequest), None];
    assert_eq!(fatal_after(mixed.repeat(10)).await, None);
    assert_eq!(fatal_after(vec![never(K::Timeout); 30]).await, Some(20));
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_host_gets_two_quick_knocks_then_patience() {
    let down = Some((K::Unreachable, Decision::Transient));
    let rig = Rig::new(vec![down; 9], None);
    let start = Instant::now();
    let failed = ask(&rig.endpoint).await.unwrap_err();
    assert_eq!(failed.retries.len(), 2);
    assert!(start.elapsed() <= Duration::from_secs(1));
    assert!(failed.fatal.unwrap().message.contains("h cannot be reached for openai/m"));
    let rig = Rig::new([vec![None], vec![down; 6]].concat(), None);
    ask(&rig.endpoint).await.unwrap();
    let failed = ask(&rig.endpoint).await.unwrap_err();
    assert_eq!((failed.retries.len(), failed.fatal), (5, None));
}
