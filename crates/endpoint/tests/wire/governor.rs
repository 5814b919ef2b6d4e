//! Limits per minute, declared and learnt, on paused time; and the headers they are learnt from.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use proptest::prelude::*;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use undersight_core::{CauseKind as K, GenParams};
use undersight_endpoint::{ChatRequest, Counted as C, Decision, Governor, MAX_WAIT, RateHeaders};

use crate::played::{Calls, Play, Played, endpoint, member, tokens};
use crate::server::{self, Script, Server, ask, question};

const SECOND: Duration = Duration::from_secs(1);

/// Makes so many calls at once and says when each was made, in seconds.
async fn calls(
    n: usize,
    governor: &Arc<Governor>,
    request: &ChatRequest,
    play: fn(usize) -> Play,
) -> Vec<f64> {
    let (client, made) = Played::new("h", play);
    let endpoint = endpoint(vec![member(client, 1_000, Some(governor))]);
    let start = Instant::now();
    let all = (0..n).map(|_| endpoint.call(request, &|_| {}));
    assert!(join_all(all).await.iter().all(Result::is_ok));
    seconds(&made, start)
}

fn seconds(made: &Calls, start: Instant) -> Vec<f64> {
    made.lock().unwrap().iter().map(|at| at.duration_since(start).as_secs_f64()).collect()
}

/// The most calls within any minute, both ends included.
fn busiest(at: &[f64]) -> usize {
    at.iter()
        .map(|start| at.iter().filter(|t| (*start..=start + 60.0).contains(*t)).count())
        .max()
        .unwrap_or(0)
}

fn paused<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_minute_holds_more_requests_than_declared(rpm in 1_u64..120, n in 1_usize..300) {
        let at = paused(calls(n, &Governor::new(Some(rpm), None), &question(), |i| {
            Play::answer(SECOND * u32::try_from(i % 7).unwrap())
        }));
        let most = usize::try_from(rpm).unwrap();
        prop_assert!(busiest(&at) <= most, "{} in a minute at {rpm}", busiest(&at));
        // Neither slower than declared: the last call leaves when its share of the minutes has passed.
        let minutes = (n as f64 / rpm as f64).ceil();
        prop_assert!(at.last().unwrap() <= &(minutes * 60.1), "{at:?}");
    }

    #[test]
    fn no_minute_holds_more_tokens_than_declared(tpm in 100_u64..3_000, n in 1_usize..60) {
        let limited = ChatRequest {
            params: GenParams { max_tokens: Some(46), ..GenParams::default() },
            ..question()
        };
        // 14 characters are four tokens.
        let play = |_| Play { end: Ok(tokens(4, 46)), ..Play::answer(SECOND) };
        let at = paused(calls(n, &Governor::new(None, Some(tpm)), &limited, play));
        let most = usize::try_from(tpm / 50).unwrap();
        prop_assert!(busiest(&at) <= most, "{} calls of 50 tokens in a minute at {tpm}", busiest(&at));
    }
}

#[tokio::test(start_paused = true)]
async fn the_pace_is_even_after_a_small_burst() {
    let at = calls(60, &Governor::new(Some(60), None), &question(), |_| Play::answer(SECOND)).await;
    let first = at.iter().filter(|t| **t < 1.0).count();
    assert!((2..=6).contains(&first), "{at:?}");
    assert!(at.windows(2).skip(6).all(|w| (0.9..1.1).contains(&(w[1] - w[0]))), "{at:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_reported_replaces_the_estimate() {
    // Nothing is known of the first reply: a thousand tokens are assumed, and ten are used.
    let governor = Governor::new(None, Some(1_200));
    let (client, made) = Played::new("h", |_| Play { end: Ok(tokens(5, 5)), ..Play::answer(SECOND) });
    let endpoint = endpoint(vec![member(client, 10, Some(&governor))]);
    let start = Instant::now();
    for _ in 0..50 {
        ask(&endpoint).await.unwrap();
    }
    let at = seconds(&made, start);
    assert!(at[49] < 55.0, "{at:?}");
    assert_eq!(busiest(&at), 50, "500 of 1,200 tokens");
}

#[tokio::test(start_paused = true)]
async fn a_call_larger_than_the_limit_has_a_minute_to_itself() {
    let play = |_| Play { end: Ok(tokens(500, 500)), ..Play::answer(SECOND) };
    let at = calls(3, &Governor::new(None, Some(100)), &question(), play).await;
    assert!(at.windows(2).all(|w| w[1] - w[0] >= 60.0), "{at:?}");
}

/// Two calls, the second after what the headers of the first say; the seconds between them.
async fn gap(headers: &'static [(&'static str, &'static str)]) -> f64 {
    let governor = Governor::new(None, None);
    let (client, made) = Played::new("h", |_| Play {
        headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        ..Play::answer(Duration::ZERO)
    });
    let endpoint = endpoint(vec![member(client, 10, Some(&governor))]);
    for _ in 0..2 {
        ask(&endpoint).await.unwrap();
    }
    let made = made.lock().unwrap();
    made[1].duration_since(made[0]).as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn learnt_limits_hold_back_only_when_little_is_left() {
    async fn check(
        headers: &'static [(&'static str, &'static str)],
        expected: std::ops::RangeInclusive<f64>,
    ) {
        let gap = gap(headers).await;
        assert!(expected.contains(&gap), "{gap} after {headers:?}");
    }
    const LEFT: &str = "x-ratelimit-remaining-requests";
    const RESET: &str = "x-ratelimit-reset-requests";
    const LIMIT: &str = "x-ratelimit-limit-requests";
    check(&[], 0.0..=0.0).await;
    check(&[(LIMIT, "100"), (LEFT, "90"), (RESET, "60s")], 0.0..=0.0).await;
    check(&[(LIMIT, "100"), (LEFT, "10"), (RESET, "60s")], 6.0..=6.1).await;
    check(&[(LEFT, "9"), (RESET, "90s")], 10.0..=10.1).await;
    check(&[(LIMIT, "100"), (LEFT, "0"), (RESET, "90s")], 90.0..=90.1).await;
    check(&[(LIMIT, "100"), (LEFT, "0")], 0.0..=0.0).await;
    check(&[(LIMIT, "14400"), (LEFT, "14370"), (RESET, "86400s")], 0.0..=0.0).await;
    check(&[(LIMIT, "14400"), (LEFT, "0"), (RESET, "7h12m")], MAX_WAIT.as_secs_f64()..=600.1).await;
    // A thousand tokens are expected at first; ten were used then.
    check(
        &[
            ("x-ratelimit-limit-tokens", "10000"),
            ("x-ratelimit-remaining-tokens", "3"),
            ("x-ratelimit-reset-tokens", "30s"),
        ],
        30.0..=30.1,
    )
    .await;
    check(
        &[
            ("anthropic-ratelimit-output-tokens-limit", "1000"),
            ("anthropic-ratelimit-output-tokens-remaining", "100"),
            ("anthropic-ratelimit-output-tokens-reset", "60"),
        ],
        6.0..=6.1,
    )
    .await;
}

#[tokio::test]
async fn the_same_model_on_one_host_has_one_governor_and_other_models_do_not_wait() {
    let body = r#"{"choices":[{"message":{"content":"5"},"finish_reason":"stop"}]}"#;
    let spent = "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 10m\r\n";
    let server =
        Server::start(vec![Script::whole("200 OK", spent, body), Script::json("200 OK", body)]).await;
    let generator = server.endpoint(|_| {});
    let hosts = Arc::default();
    let on_hosts = |model: &str| server::endpoint(model, &server.base, |o| o.hosts = Arc::clone(&hosts));
    let (model, judge, other) = (on_hosts("vllm/m"), on_hosts("vllm/m"), on_hosts("vllm/n"));
    ask(&model).await.unwrap();
    let held = ask(&judge);
    let passed = async {
        ask(&other).await.unwrap();
        ask(&generator).await.unwrap();
    };
    tokio::select! {
        biased;
        _ = held => panic!("the judge did not wait"),
        () = passed => {}
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_asked_for_counts_more_than_a_reset() {
    let governor = Governor::new(None, None);
    let (client, made) = Played::new("h", |n| match n {
        0 => Play {
            headers: vec![
                ("retry-after", "2".to_owned()),
                ("x-ratelimit-remaining-tokens", "0".to_owned()),
                ("x-ratelimit-reset-tokens", "6m0s".to_owned()),
            ],
            ..Play::failure(K::RateLimited, Decision::RateLimited(Some(SECOND * 2)))
        },
        _ => Play::answer(SECOND),
    });
    let endpoint = endpoint(vec![member(client, 10, Some(&governor))]);
    let start = Instant::now();
    ask(&endpoint).await.unwrap();
    let at = seconds(&made, start);
    assert!((2.0..3.0).contains(&at[1]), "{at:?}");
}

/// Name, what is counted, limit, remaining, seconds to the reset.
type Told<'a> = (&'a str, C, Option<u64>, Option<u64>, Option<u64>);

#[test]
fn headers_are_read_whoever_sends_them() {
    // 2026-11-23 00:00:00 UTC.
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_392_000);
    let check = |headers: &[(&'static str, &str)], expected: &[Told<'_>]| {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        let found = RateHeaders::read(&map, now);
        let mut found: Vec<_> = found
            .allowances
            .iter()
            .map(|a| (a.name.as_str(), a.counts, a.limit, a.remaining, a.reset.map(|r| r.as_secs())))
            .collect();
        found.sort_by_key(|a| a.0);
        assert_eq!(found, expected, "{headers:?}");
    };
    check(&[("content-type", "text/plain"), ("x-request-id", "1")], &[]);
    check(
        &[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ],
        &[
            ("x-ratelimit requests", C::Requests, Some(60), Some(59), Some(1)),
            ("x-ratelimit tokens", C::Tokens, Some(150_000), Some(149_984), Some(360)),
        ],
    );
    check(
        &[
            ("anthropic-ratelimit-input-tokens-limit", "50000"),
            ("anthropic-ratelimit-input-tokens-remaining", "49000"),
            ("anthropic-ratelimit-input-tokens-reset", "2026-11-23T00:00:07Z"),
            ("anthropic-ratelimit-output-tokens-remaining", "10"),
            ("anthropic-ratelimit-requests-remaining", "3"),
        ],
        &[
            ("anthropic-ratelimit input-tokens", C::InputTokens, Some(50_000), Some(49_000), Some(7)),
            ("anthropic-ratelimit output-tokens", C::OutputTokens, None, Some(10), None),
            ("anthropic-ratelimit requests", C::Requests, None, Some(3), None),
        ],
    );
    check(
        &[
            ("x-ratelimit-limit", "20"),
            ("x-ratelimit-remaining", "19"),
            ("x-ratelimit-reset", "1795392009000"),
        ],
        &[("x-ratelimit", C::Requests, Some(20), Some(19), Some(9))],
    );
    check(
        &[("ratelimit-limit", "100, 100;w=60"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "12")],
        &[("ratelimit", C::Requests, Some(100), Some(0), Some(12))],
    );
    check(
        &[("llm_provider-x-ratelimit-remaining-requests", "5")],
        &[("llm_provider-x-ratelimit requests", C::Requests, None, Some(5), None)],
    );
    check(&[("x-ratelimit-remaining", "-1"), ("x-ratelimit-reset", "3")], &[]);
    check(&[("x-ratelimit-remaining-images", "1"), ("anthropic-ratelimit-unified-status", "allowed")], &[]);
}
