//! Trouble on the way, made by a proxy of ours: every call ends in a record with its cause, memory stays bounded, and the
//! run goes on.

mod common;

use std::net::TcpListener;
use std::time::Duration;

use common::Place;
use testkit::{Config, FakeServer, Trouble, TroubleProxy};

/// A run through a proxy with this script after one good reply; the status and cause of each further sample, in the
/// order of calling.
fn run(script: &[Trouble], more: &[&str]) -> Vec<(String, String)> {
    let server = FakeServer::start(Config::default());
    let mut troubles = vec![Trouble::Pass];
    troubles.extend_from_slice(script);
    troubles.push(Trouble::Pass);
    let proxy = TroubleProxy::start(server.address(), troubles);
    let (place, url, limit) = (Place::new(), proxy.url(), (script.len() + 2).to_string());
    let mut args = vec![
        "eval",
        "--model",
        "vllm/fake",
        "--judge",
        "sim/judge",
        "--model-base-url",
        &url,
        "--limit",
        &limit,
        "--samples",
        "1",
        "--seed",
        "1",
        "--max-connections",
        "1",
        "--max-retries",
        "0",
        "--timeout",
        "2",
        "--name",
        "r",
    ];
    args.extend(more);
    let ran = place.run(&args);
    assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.snapshot());
    assert_eq!(proxy.seen(), script.len() + 2, "the run went on to its end");
    let rows = place.run(&["export", "r"]).expect(0).stdout;
    let mut rows: Vec<serde_json::Value> =
        rows.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    rows.sort_by_key(|row| row["started"].as_i64());
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut found: Vec<_> = rows.iter().map(|row| (text(&row["status"]), text(&row["cause"]))).collect();
    let good = || ("ok".to_owned(), String::new());
    assert_eq!((found.remove(0), found.pop()), (good(), Some(good())));
    found
}

fn check(cases: &[(Trouble, &str, &str)], more: &[&str]) {
    let script: Vec<Trouble> = cases.iter().map(|(trouble, ..)| trouble.clone()).collect();
    let found = run(&script, more);
    assert_eq!(found.len(), cases.len());
    for ((trouble, status, cause), found) in cases.iter().zip(found) {
        assert_eq!(found, ((*status).to_owned(), (*cause).to_owned()), "{trouble:?}");
    }
}

#[test]
fn every_trouble_ends_in_a_record_with_its_cause() {
    // Nobody is to be called here.
    let elsewhere = TcpListener::bind("127.0.0.1:0").expect("a port");
    elsewhere.set_nonblocking(true).expect("a socket that does not wait");
    let away = format!("http://{}/v1/chat/completions", elsewhere.local_addr().expect("an address"));
    check(
        &[
            (Trouble::Latency(Duration::from_millis(300)), "ok", ""),
            (Trouble::Reset, "error", "disconnected"),
            (Trouble::HalfOpen, "error", "timeout"),
            (Trouble::Drip(Duration::from_millis(20)), "error", "timeout"),
            (Trouble::GzipBomb, "error", "too-large"),
            (Trouble::Huge, "error", "too-large"),
            (Trouble::InvalidUtf8, "error", "malformed"),
            (Trouble::Type("image/png"), "ok", ""),
            (Trouble::Type("text/event-stream"), "ok", ""),
            (Trouble::Redirect(away), "error", "bad-request"),
        ],
        &[],
    );
    assert!(elsewhere.accept().is_err(), "the redirect was not followed");
}

#[test]
fn endless_streams_end() {
    check(
        &[
            (Trouble::EndlessComments, "error", "too-large"),
            (Trouble::EndlessWords, "error", "too-large"),
            (Trouble::Reset, "error", "disconnected"),
            (Trouble::HalfOpen, "error", "timeout"),
        ],
        &["--stream", "--timeout", "60"][..1],
    );
}

/// Sixty-four bombs at once would be a tebibyte unpacked, and more than 4 GiB if each were let grow to what one reply
/// may have.
#[cfg(target_os = "linux")]
#[test]
fn many_bombs_at_once_leave_memory_bounded() {
    let server = FakeServer::start(Config::default());
    let proxy = TroubleProxy::start(server.address(), vec![Trouble::GzipBomb]);
    let (place, url) = (Place::new(), proxy.url());
    let mut child = place.spawn(&[
        "eval",
        "--model",
        "vllm/fake",
        "--judge",
        "sim/judge",
        "--model-base-url",
        &url,
        "--limit",
        "32",
        "--samples",
        "2",
        "--max-connections",
        "64",
        "--max-retries",
        "0",
        "--timeout",
        "120",
    ]);
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(peak > 0 && peak < 1_800_000, "{peak} KiB");
}
