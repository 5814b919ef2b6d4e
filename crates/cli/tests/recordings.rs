//! Recorded exchanges: a run is repeated offline to the byte, without keys, and with nothing secret in the files.

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::Place;
use testkit::server::{Habit, Kind, RetryAfter};
use testkit::{Config, FakeServer, Fault};

const KEY: &str = "sk-planted-recordings-0123456789";

/// A place, a server and the run that is recorded from it.
struct Recorded {
    place: Place,
    server: FakeServer,
}

fn args<'a>(model: &'a str, judge: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "eval",
        "--model",
        model,
        "--judge",
        judge,
        "--limit",
        "6",
        "--samples",
        "2",
        "--seed",
        "1",
        "--name",
        "r",
    ];
    args.extend(more);
    args
}

impl Recorded {
    fn new(config: Config) -> Self {
        let server = FakeServer::start(Config { key: Some(KEY.to_owned()), ..config });
        let place = Place::new();
        let url = server.url();
        let keys = [("OPENAI_API_KEY", KEY), ("VLLM_API_KEY", KEY)];
        let more =
            ["--model-base-url", &url, "--judge-base-url", &url, "--record", "tape", "--max-retries", "1"];
        let ran = place.run_with(&args("openai/fake", "vllm/judge", &more), &keys);
        assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.snapshot());
        Self { place, server }
    }
}

/// Every sample and judgement of a store, in an order that does not depend on which verdict came first.
fn export(place: &Place, store: &str) -> Vec<String> {
    let rows = ["export", "r", "--store", store, "--format", "jsonl"];
    let samples = place.run(&rows).expect(0).stdout;
    let judgements = place.run(&[&rows[..], &["--judgements"]].concat()).expect(0).stdout;
    let mut lines: Vec<String> = samples.lines().chain(judgements.lines()).map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_run_is_repeated_offline_to_the_byte() {
    let Recorded { place, server } = &Recorded::new(Config::default());
    let calls = (server.count(Kind::Generate), server.count(Kind::Judge));
    assert_eq!(calls, (12, 24));
    assert_eq!(files(&place.path("tape")).len(), 36);
    let elsewhere = ["--replay", "tape", "--store", "sqlite:again.db"];
    place.run(&args("openai/fake", "vllm/judge", &elsewhere)).expect(0);
    assert_eq!((server.count(Kind::Generate), server.count(Kind::Judge)), calls, "nobody was called");
    let (first, again) = (export(place, "sqlite:undersight.db"), export(place, "sqlite:again.db"));
    assert_eq!((first.len(), again.len()), (36, 36));
    assert!(first == again, "the records differ");
    // One model alone: the other is called as ever.
    let url = server.url();
    let mixed = ["--replay", "tape", "--store", "sqlite:mixed.db", "--judge-base-url", &url];
    let keys = [("VLLM_API_KEY", KEY)];
    place.run_with(&args("replay/openai/fake", "vllm/judge", &mixed), &keys).expect(0);
    assert_eq!((server.count(Kind::Generate), server.count(Kind::Judge)), (12, 48));
}

#[test]
fn what_failed_fails_again_and_at_once() {
    for fault in [
        Fault::RateLimited(RetryAfter::Seconds),
        Fault::ServerError,
        Fault::ContextLength,
        Fault::Truncated,
        Fault::Empty,
        Fault::Cut,
    ] {
        repeats_with(fault);
    }
}

/// The same requests meet the fault each time, whatever their order.
fn repeats_with(fault: Fault) {
    let habits = vec![("fake".to_owned(), Habit::Meets(fault, 3))];
    let config = Config { habits, retry_after: Duration::from_millis(10), ..Config::default() };
    let Recorded { place, .. } = &Recorded::new(config);
    let elsewhere = ["--replay", "tape", "--store", "sqlite:again.db"];
    let ran = place.run(&args("openai/fake", "vllm/judge", &elsewhere));
    assert!(matches!(ran.code, Some(0 | 3)), "{fault:?}: {}", ran.snapshot());
    let statuses = |store: &str| {
        let rows = export(place, store).into_iter();
        let rows = rows.map(|line| serde_json::from_str::<serde_json::Value>(&line).expect("a row"));
        let mut found: Vec<String> =
            rows.map(|r| format!("{} {} {} {}", r["id"], r["index"], r["task"], r["status"])).collect();
        found.sort_unstable();
        found
    };
    let recorded = statuses("sqlite:undersight.db");
    assert!(recorded.iter().any(|row| !row.ends_with("\"ok\"")), "{fault:?} was met: {recorded:?}");
    assert_eq!(recorded, statuses("sqlite:again.db"), "{fault:?}");
}

#[test]
fn recordings_hold_no_key_and_say_what_is_missing() {
    let Recorded { place, .. } = &Recorded::new(Config::default());
    for file in files(&place.path("tape")) {
        let text = std::fs::read_to_string(&file).expect("a recording");
        assert!(!text.contains(KEY) && !text.to_lowercase().contains("bearer"), "{}", file.display());
    }
    let check = |arguments: &[&str], code: i32, words: &str| {
        let ran = place.run(arguments).expect(code);
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    };
    let other = ["--replay", "tape", "--store", "sqlite:other.db"];
    check(&args("openai/other", "vllm/judge", &other), 1, "no recording of this call of openai/other");
    check(&args("replay/openai/fake", "sim/judge", &[]), 2, "--replay DIR");
    let streamed = ["--replay", "tape", "--store", "sqlite:streamed.db", "--stream"];
    check(&args("openai/fake", "vllm/judge", &streamed), 1, "is of another request");
    let both = ["--replay", "tape", "--record", "tape"];
    check(&args("openai/fake", "vllm/judge", &both), 2, "cannot be used with");
    let file = place.write("file", "");
    check(
        &args("sim/superficial", "sim/judge", &["--record", common::arg(&file)]),
        2,
        "cannot be recorded into",
    );
}
