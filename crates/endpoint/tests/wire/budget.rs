//! The purse on paused time: what is reserved, what is given back, and that the ceiling holds.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use proptest::prelude::*;
use tokio::time::sleep;
use undersight_core::{CauseKind as K, GenParams, NanoUsd, Usage};
use undersight_endpoint::{Budget, ChatRequest, Decision, PriceTable};

use crate::played::{Play, Played, member, priced, tokens};
use crate::server::{ask, question};

const MS: Duration = Duration::from_millis(1);

/// One nano-dollar a token.
fn prices() -> PriceTable {
    PriceTable::parse("version = \"t\"\n[[price]]\nmodel = \"openai/m\"\ninput = 0.001\noutput = 0.001\n")
        .unwrap()
}

/// What the question may cost at most, with so many tokens of reply.
fn bound(reply: i64) -> i64 {
    7 + 64 + 64 + reply
}

fn limited(max_tokens: u32) -> ChatRequest {
    let params = GenParams { max_tokens: Some(max_tokens), ..GenParams::default() };
    ChatRequest { params, ..question() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn spent_and_reserved_never_exceed_the_ceiling(
        max in 1_i64..3_000,
        calls in prop::collection::vec((1_i64..300, 0.0_f64..=1.0, 0_u32..50, 0_u32..20, 0_u8..4), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let budget = Arc::new(Budget::new(Some(NanoUsd(max))));
            let check = || assert!(budget.spent().0 + budget.reserved().0 <= max, "{budget:?}");
            let made = calls.iter().map(|&(bound, share, begins, takes, end)| {
                let budget = Arc::clone(&budget);
                async move {
                    sleep(MS * begins).await;
                    let Some(mut reserved) = budget.reserve(NanoUsd(bound)).await else { return 0 };
                    check();
                    if end == 0 {
                        // Given up before it was sent.
                        return 0;
                    }
                    reserved.sent();
                    sleep(MS * takes).await;
                    check();
                    #[expect(clippy::cast_possible_truncation, reason = "a share of a small number")]
                    let cost = (bound as f64 * share) as i64;
                    if end == 1 {
                        return bound;
                    }
                    reserved.spend(NanoUsd(cost));
                    drop(reserved);
                    check();
                    cost
                }
            });
            let costs: i64 = join_all(made).await.iter().sum();
            assert_eq!((budget.spent().0, budget.reserved().0), (costs, 0));
            let refused = calls.iter().any(|(bound, ..)| costs + bound > max);
            assert!(refused || budget.shortfall().is_none(), "it stops only when something does not fit");
        });
    }
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_what_others_give_back() {
    // Two bounds fit, and each call costs far less: all ten are made, never more than a few at a time.
    let (client, calls) = Played::new("h", |_| Play { end: Ok(tokens(1, 9)), ..Play::answer(MS) });
    let budget = Arc::new(Budget::new(Some(NanoUsd(2 * bound(1_000)))));
    let endpoint = priced(vec![member(client, 64, None)], Arc::clone(&budget), prices());
    let request = limited(1_000);
    let ends = join_all((0..10).map(|_| endpoint.call(&request, &|_| {}))).await;
    assert!(ends.iter().all(Result::is_ok));
    assert_eq!((budget.spent(), budget.exhausted()), (NanoUsd(100), false));
    let calls = calls.lock().unwrap();
    assert!(calls.iter().all(|at| calls.iter().filter(|other| *other == at).count() <= 2), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_when_nothing_is_in_flight_ends_the_run() {
    let (client, calls) = Played::new("h", |_| Play { end: Ok(tokens(10, 90)), ..Play::answer(MS) });
    let budget = Arc::new(Budget::new(Some(NanoUsd(bound(1_000) + 150))));
    let endpoint = priced(vec![member(client, 64, None)], Arc::clone(&budget), prices());
    let request = limited(1_000);
    let ends = join_all((0..5).map(|_| endpoint.call(&request, &|_| {}))).await;
    let kinds: Vec<_> = ends.into_iter().map(|end| end.err().map(|failed| failed.cause.kind)).collect();
    let stopped = Some(K::Stopped);
    assert_eq!(kinds, [None, None, stopped, stopped, stopped]);
    assert_eq!(calls.lock().unwrap().len(), 2);
    let short = budget.shortfall().unwrap();
    assert_eq!((short.needed, short.left), (NanoUsd(bound(1_000)), NanoUsd(bound(1_000) - 50)));
    assert!(budget.exhausted() && budget.halted() && !budget.stopped());
}

/// What one call leaves spent of a purse that holds its bound.
async fn left_spent(play: fn(usize) -> Play) -> i64 {
    let (client, _) = Played::new("h", play);
    let budget = Arc::new(Budget::new(Some(NanoUsd(10 * bound(1_000)))));
    let endpoint = priced(vec![member(client, 1, None)], Arc::clone(&budget), prices());
    let _ = endpoint.call(&limited(1_000), &|_| {}).await;
    assert_eq!(budget.reserved(), NanoUsd(0));
    budget.spent().0
}

#[tokio::test(start_paused = true)]
async fn what_nobody_knows_stays_spent() {
    assert_eq!(left_spent(|_| Play { end: Ok(tokens(3, 4)), ..Play::answer(MS) }).await, 7);
    assert_eq!(left_spent(|_| Play { end: Ok(Usage::default()), ..Play::answer(MS) }).await, bound(1_000));
    // Turned down for certain.
    assert_eq!(left_spent(|_| Play::failure(K::BadRequest, Decision::Never)).await, 0);
    assert_eq!(left_spent(|_| Play::failure(K::Unreachable, Decision::Transient)).await, 0);
    // Broken off: the first attempt and five more.
    assert_eq!(left_spent(|_| Play::failure(K::Timeout, Decision::Transient)).await, 6 * bound(1_000));
    assert_eq!(left_spent(|_| Play::failure(K::Disconnected, Decision::Never)).await, bound(1_000));
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_a_reply_is_reckoned_with_at_length() {
    let (client, _) = Played::new("h", |_| Play { end: Ok(tokens(1, 40_000)), ..Play::answer(MS) });
    let budget = Arc::new(Budget::new(Some(NanoUsd(bound(32_768) + 40_001))));
    let endpoint = priced(vec![member(client, 1, None)], Arc::clone(&budget), prices());
    ask(&endpoint).await.unwrap();
    // Twice the largest reply is more now.
    let failed = ask(&endpoint).await.unwrap_err();
    assert_eq!(failed.cause.kind, K::Stopped);
    assert_eq!(budget.shortfall().unwrap().needed, NanoUsd(bound(80_000)));
}

#[tokio::test(start_paused = true)]
async fn what_is_free_reserves_nothing() {
    let free = "version = \"t\"\n[[price]]\nmodel = \"openai/m\"\ninput = 0\noutput = 0\n";
    let (client, _) = Played::new("h", |_| Play::answer(MS));
    let budget = Arc::new(Budget::new(Some(NanoUsd(1))));
    let prices = PriceTable::parse(free).unwrap();
    let endpoint = priced(vec![member(client, 64, None)], Arc::clone(&budget), prices);
    let ends = join_all((0..100).map(|_| ask(&endpoint))).await;
    assert!(ends.iter().all(Result::is_ok));
    assert_eq!((budget.spent(), budget.exhausted()), (NanoUsd(0), false));
}
