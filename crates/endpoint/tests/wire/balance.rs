//! Several servers of one model, on paused time: who gets the calls, and what happens when one goes away.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};
use undersight_core::CauseKind as K;
use undersight_endpoint::{Budget, Decision, Endpoint, Gate, Limiter, Member, PriceTable, SetAside};

use crate::played::{Calls, Play, Played, endpoint, member, priced};
use crate::server::ask;

const MS: Duration = Duration::from_millis(1);

fn count(calls: &Calls) -> usize {
    calls.lock().unwrap().len()
}

/// A run: so many calls, with so many callers.
async fn run(endpoint: &Endpoint, calls: usize, callers: usize) -> Vec<Option<K>> {
    let share = |caller: usize| async move {
        let mut ends = Vec::new();
        for _ in (caller..calls).step_by(callers) {
            ends.push(ask(endpoint).await.err().map(|failed| failed.cause.kind));
        }
        ends
    };
    join_all((0..callers).map(share)).await.concat()
}

#[tokio::test(start_paused = true)]
async fn unequal_servers_both_stay_full() {
    // Capacities in calls a second: the one is faster, or has more room, or both.
    for (a, b) in [((100, 4), (25, 4)), ((50, 16), (50, 2)), ((10, 1), (200, 32)), ((40, 8), (40, 8))] {
        let capacity = |(ms, at_a_time): (u32, usize)| at_a_time as f64 * 1_000.0 / f64::from(ms);
        let server = |host, (ms, at_a_time)| {
            let (client, made) = Played::new(host, move |_| Play::answer(MS * ms));
            (member(client, at_a_time, None), made)
        };
        let ((one, first), (two, second)) = (server("a", a), server("b", b));
        let endpoint = endpoint(vec![one, two]);
        let start = Instant::now();
        let ends = run(&endpoint, 4_000, 80).await;
        assert!(ends.iter().all(Option::is_none));
        let ideal = 4_000.0 / (capacity(a) + capacity(b));
        let share = ideal / start.elapsed().as_secs_f64();
        assert!(share >= 0.9, "{a:?} and {b:?}: {share:.2} of their capacity");
        let expected = capacity(a) / (capacity(a) + capacity(b));
        let found = count(&first) as f64 / (count(&first) + count(&second)) as f64;
        assert!((found - expected).abs() < 0.05, "{a:?} and {b:?}: {found:.2} instead of {expected:.2}");
    }
}

#[tokio::test(start_paused = true)]
async fn servers_whose_room_is_not_known_are_filled_too() {
    for (a, b) in [((40, 16), (160, 8)), ((20, 2), (20, 40)), ((500, 64), (50, 4)), ((100, 32), (100, 32))] {
        let capacity = |(ms, workers): (u32, usize)| workers as f64 * 1_000.0 / f64::from(ms);
        let server = |host, (ms, workers)| {
            let (client, _) = Played::with_workers(host, workers, move |_| Play::answer(MS * ms));
            Member::new(client, Gate::new(Limiter::adaptive(256), None))
        };
        let time = async |members: Vec<Member>, calls| {
            let endpoint = endpoint(members);
            let start = Instant::now();
            run(&endpoint, calls, 1_024).await;
            calls as f64 / start.elapsed().as_secs_f64()
        };
        let calls = |capacity: f64| (capacity * 20.0) as usize;
        let first = time(vec![server("a", a)], calls(capacity(a))).await;
        let second = time(vec![server("b", b)], calls(capacity(b))).await;
        let both = time(vec![server("a", a), server("b", b)], calls(capacity(a) + capacity(b))).await;
        assert!(both >= 0.9 * (first + second), "{a:?} and {b:?}: {both:.0} of {first:.0} and {second:.0}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_free_servers_the_one_that_answers_sooner_is_preferred() {
    let (slow, slowly) = Played::new("slow", |_| Play::answer(MS * 400));
    let (fast, quickly) = Played::new("fast", |_| Play::answer(MS * 20));
    let endpoint = endpoint(vec![member(slow, 8, None), member(fast, 8, None)]);
    run(&endpoint, 100, 1).await;
    assert!(count(&slowly) <= 2, "{}", count(&slowly));
    assert_eq!(count(&slowly) + count(&quickly), 100);
}

#[tokio::test(start_paused = true)]
async fn a_dead_server_is_drained_its_calls_move_on_and_it_comes_back() {
    // Answers, is gone for four calls, and answers again.
    let (flaky, at_flaky) = Played::new("flaky", move |n| match n {
        50..54 => Play::failure(K::Unreachable, Decision::Transient),
        _ => Play::answer(MS * 10),
    });
    let (steady, _) = Played::new("steady", |_| Play::answer(MS * 50));
    let endpoint = endpoint(vec![member(flaky, 1, None), member(steady, 4, None)]);
    let ends = run(&endpoint, 4_000, 16).await;
    assert!(ends.iter().all(Option::is_none), "no call is lost");
    let calls = at_flaky.lock().unwrap();
    let waits: Vec<u64> =
        calls[50..=54].windows(2).map(|w| w[1].duration_since(w[0]).as_secs_f64().round() as u64).collect();
    assert_eq!(waits, [1, 2, 4, 8], "one call at a time, at growing distances");
    assert!(calls.len() > 1_000, "it works again: {}", calls.len());
}

#[tokio::test(start_paused = true)]
async fn moving_on_costs_no_patience() {
    let (down, _) = Played::new("down", |_| Play::failure(K::Unreachable, Decision::Transient));
    let (up, _) = Played::new("up", |_| Play::answer(MS));
    let endpoint = endpoint(vec![member(down, 4, None), member(up, 4, None)]);
    let start = Instant::now();
    let answered = ask(&endpoint).await.unwrap();
    assert_eq!(start.elapsed(), MS * 2);
    assert_eq!(answered.retries.len(), 1);
    assert_eq!((answered.retries[0].cause.kind, answered.retries[0].waited_us), (K::Unreachable, 0));
    assert_eq!(answered.reply.exchange.url, "http://up/v1/chat/completions");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_keeps_failing_is_left_alone() {
    for kind in [K::Server, K::Timeout, K::Disconnected] {
        let (bad, at_bad) = Played::new("bad", move |_| Play::failure(kind, Decision::Transient));
        let (good, _) = Played::new("good", |_| Play::answer(MS * 100));
        let endpoint = endpoint(vec![member(bad, 1, None), member(good, 4, None)]);
        let ends = run(&endpoint, 200, 4).await;
        assert!(ends.iter().all(Option::is_none));
        // Three in a row, and a knock after 1, 2 and 4 seconds of the five that 200 calls take.
        assert!((3..=6).contains(&count(&at_bad)), "{kind:?}: {}", count(&at_bad));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_the_key_is_set_aside_and_only_the_last_is_fatal() {
    let refuse = |_| Play::failure(K::Auth, Decision::Never);
    let (closed, at_closed) = Played::new("closed", refuse);
    let (open, _) = Played::new("open", move |n| if n < 20 { Play::answer(MS * 5) } else { refuse(n) });
    let endpoint = endpoint(vec![member(closed, 2, None), member(open, 2, None)]);
    for _ in 0..20 {
        ask(&endpoint).await.unwrap();
    }
    assert_eq!(count(&at_closed), 1);
    let url = "http://closed/v1/chat/completions".to_owned();
    assert_eq!(endpoint.set_aside(), [SetAside { url, message: "played".to_owned() }]);
    let fatal = ask(&endpoint).await.unwrap_err().fatal.unwrap();
    assert!(fatal.message.contains("open refused the key"), "{}", fatal.message);
    assert!(fatal.message.contains("none of its other servers works"), "{}", fatal.message);
    assert_eq!(ask(&endpoint).await.unwrap_err().cause.kind, K::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_waits_for_servers_that_are_only_down() {
    let (closed, _) = Played::new("closed", |_| Play::failure(K::Auth, Decision::Never));
    let (away, _) = Played::new("away", |n| match n {
        0..2 => Play::failure(K::Unreachable, Decision::Transient),
        _ => Play::answer(MS),
    });
    let endpoint = endpoint(vec![member(away, 2, None), member(closed, 2, None)]);
    let answered = ask(&endpoint).await.unwrap();
    assert_eq!(answered.reply.exchange.url, "http://away/v1/chat/completions");
}

#[tokio::test(start_paused = true)]
async fn when_all_are_down_patience_and_the_breaker_are_as_for_one() {
    let gone = |_| Play::failure(K::Unreachable, Decision::Transient);
    let ((a, at_a), (b, at_b)) = (Played::new("a", gone), Played::new("b", gone));
    let endpoint = endpoint(vec![member(a, 2, None), member(b, 2, None)]);
    let failed = ask(&endpoint).await.unwrap_err();
    assert!(failed.fatal.unwrap().message.contains("cannot be reached"));
    assert_eq!(count(&at_a) + count(&at_b), 4, "both at once, then two knocks");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_wrong_is_wrong_everywhere() {
    let refuse = |_| Play::failure(K::ContextLength, Decision::Never);
    let ((a, at_a), (b, at_b)) = (Played::new("a", refuse), Played::new("b", refuse));
    let endpoint = endpoint(vec![member(a, 2, None), member(b, 2, None)]);
    assert_eq!(ask(&endpoint).await.unwrap_err().cause.kind, K::ContextLength);
    assert_eq!(count(&at_a) + count(&at_b), 1);
}

#[tokio::test(start_paused = true)]
async fn stopping_wakes_who_waits_for_any_server() {
    let ((a, _), (b, _)) =
        (Played::new("a", |_| Play::answer(MS * 100_000)), Played::new("b", |_| Play::answer(MS * 100_000)));
    let budget = Arc::new(Budget::new(None));
    let members = vec![member(a, 1, None), member(b, 1, None)];
    let endpoint = priced(members, Arc::clone(&budget), PriceTable::empty());
    let start = Instant::now();
    let stop = async {
        sleep(MS * 1_000).await;
        budget.stop();
    };
    let (ends, ()) = tokio::join!(run(&endpoint, 3, 3), stop);
    assert_eq!(ends.iter().filter(|end| **end == Some(K::Stopped)).count(), 1);
    assert_eq!(start.elapsed(), MS * 100_000, "what was in flight ended by itself");
    assert_eq!(endpoint.urls().count(), 2);
}
