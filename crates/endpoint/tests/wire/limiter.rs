//! The limiter on paused time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use undersight_endpoint::Limiter;
use undersight_endpoint::limiter::{Load, Permit};

const QUICK: Load = Load::Answered(Duration::from_millis(100));

/// Takes every free slot.
async fn fill(limiter: &Arc<Limiter>) -> Vec<Permit> {
    let mut permits = Vec::new();
    while limiter.stats().in_flight < limiter.stats().limit {
        permits.push(limiter.acquire().await);
    }
    permits
}

/// One round trip at full load, every call ending alike.
async fn round(limiter: &Arc<Limiter>, load: Load) -> usize {
    for permit in fill(limiter).await {
        permit.finish(load);
    }
    limiter.stats().limit
}

#[tokio::test(start_paused = true)]
async fn it_climbs_while_saturated_and_stops_at_the_maximum() {
    let limiter = Limiter::adaptive(64);
    assert_eq!(limiter.stats().limit, 8);
    let mut limits = Vec::new();
    for _ in 0..6 {
        limits.push(round(&limiter, QUICK).await);
    }
    assert!(limits.windows(2).all(|w| w[0] <= w[1]), "{limits:?}");
    assert!(limits[0] > 8, "{limits:?}");
    let idle = Limiter::adaptive(64);
    for _ in 0..100 {
        idle.acquire().await.finish(QUICK);
    }
    assert_eq!(idle.stats().limit, 8, "an idle host says nothing about its capacity");
    let small = Limiter::adaptive(3);
    for _ in 0..20 {
        assert!(round(&small, QUICK).await <= 3);
    }
}

#[tokio::test(start_paused = true)]
async fn it_halves_once_a_round_trip_and_never_below_one() {
    let limiter = Limiter::adaptive(64);
    let permits = fill(&limiter).await;
    assert_eq!(permits.len(), 8);
    for permit in permits {
        permit.finish(Load::Overloaded(None));
    }
    assert_eq!(limiter.stats().limit, 4, "eight refusals of one round trip cut once");
    assert_eq!(fill(&limiter).await.len(), 4, "the withheld slots stay withheld");
    for expected in [2, 1, 1, 1] {
        assert_eq!(round(&limiter, Load::Overloaded(None)).await, expected);
    }
    assert_eq!(limiter.stats().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_cut_it_gains_one_a_round_trip() {
    let limiter = Limiter::adaptive(64);
    round(&limiter, Load::Overloaded(None)).await;
    let mut calls = 0;
    while limiter.stats().limit == 4 {
        // One call ends at a time while the rest keep the host saturated.
        let mut permits = fill(&limiter).await;
        permits.remove(0).finish(QUICK);
        calls += 1;
    }
    assert_eq!((calls, limiter.stats().limit), (4, 5));
}

#[tokio::test(start_paused = true)]
async fn it_holds_while_latency_is_twice_its_minimum() {
    let limiter = Limiter::adaptive(1000);
    for _ in 0..4 {
        round(&limiter, QUICK).await;
    }
    for _ in 0..3 {
        round(&limiter, Load::Answered(Duration::from_secs(2))).await;
    }
    let held = limiter.stats().limit;
    assert_eq!(round(&limiter, Load::Answered(Duration::from_secs(2))).await, held);
    for _ in 0..100 {
        round(&limiter, QUICK).await;
    }
    assert!(limiter.stats().limit > held, "it goes on when latency is back");
}

#[tokio::test(start_paused = true)]
async fn a_named_wait_pauses_the_whole_host() {
    let start = Instant::now();
    let limiter = Limiter::fixed(4);
    limiter.acquire().await.finish(Load::Overloaded(Some(Duration::from_secs(7))));
    limiter.acquire().await.finish(Load::Overloaded(Some(Duration::from_secs(3))));
    assert_eq!(start.elapsed().as_secs(), 7);
    assert_eq!(limiter.stats().paused, Some(Duration::from_secs(3)));
    let first = limiter.acquire().await;
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(limiter.stats().paused, None);
    first.finish(Load::Unrelated);
    assert_eq!(limiter.stats().limit, 4, "a fixed number stays");
}

#[tokio::test(start_paused = true)]
async fn first_come_first_served() {
    let limiter = Limiter::fixed(1);
    let held = limiter.acquire().await;
    let (tx, mut rx) = tokio::sync::mpsc::unbounded_channel();
    for i in 0..5 {
        let (limiter, tx) = (Arc::clone(&limiter), tx.clone());
        tokio::spawn(async move {
            let permit = limiter.acquire().await;
            tx.send(i).unwrap();
            sleep(Duration::from_millis(1)).await;
            permit.finish(Load::Unrelated);
        });
        tokio::task::yield_now().await;
    }
    drop(tx);
    held.finish(Load::Unrelated);
    let mut order = Vec::new();
    while let Some(i) = rx.recv().await {
        order.push(i);
    }
    assert_eq!(order, [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_turn_is_given_back() {
    let limiter = Limiter::fixed(1);
    let held = limiter.acquire().await;
    let waiting = tokio::time::timeout(Duration::from_secs(1), limiter.acquire()).await;
    assert!(waiting.is_err());
    drop(held);
    let permit = limiter.acquire().await;
    assert_eq!(limiter.stats().in_flight, 1);
    drop(permit);
    assert_eq!(limiter.stats().in_flight, 0);
}
