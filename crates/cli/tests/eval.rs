//! The main job against a real HTTP server: what is called, stored, resumed, refused and reported.

mod common;

use std::time::Duration;

use common::{Place, Ran, arg};
use testkit::server::{Kind, RetryAfter};
use testkit::{Config, FakeServer, Fault};

/// An `eval` of 30 instances × 2 with the model and the judge on one server.
struct Job {
    place: Place,
    server: FakeServer,
}

impl Job {
    fn new(config: Config) -> Self {
        Self { place: Place::new(), server: FakeServer::start(config) }
    }

    fn args<'a>(&self, url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let mut args = vec![
            "eval",
            "--model",
            "vllm/fake",
            "--judge",
            "vllm/fake-judge",
            "--model-base-url",
            url,
            "--judge-base-url",
            url,
            "--limit",
            "30",
            "--samples",
            "2",
            "--seed",
            "1",
            "--max-connections",
            "8",
        ];
        args.extend(more);
        args
    }

    fn run(&self, more: &[&str]) -> Ran {
        let url = self.server.url();
        self.place.run(&self.args(&url, more))
    }

    fn calls(&self) -> (u64, u64) {
        (self.server.count(Kind::Generate), self.server.count(Kind::Judge))
    }

    fn scores(&self) -> serde_json::Value {
        self.place.json(&["score", "--json"])["runs"][0].clone()
    }
}

#[test]
fn one_generation_and_two_verdicts_a_sample_and_nothing_twice() {
    let job = Job::new(Config::default());
    let first = job.run(&[]).expect(0);
    assert_eq!(job.calls(), (60, 120));
    let again = job.run(&[]).expect(0);
    assert_eq!(job.calls(), (60, 120), "a finished run calls nobody");
    assert_eq!(first.stdout, again.stdout);
    assert!(
        again.stderr.contains("60 of 60 samples and 120 of 120 judgements are already stored"),
        "{}",
        again.stderr
    );
}

#[test]
fn growing_k_and_swapping_the_judge_pay_only_for_what_is_new() {
    let job = Job::new(Config::default());
    job.run(&[]).expect(0);
    let url = job.server.url();
    let mut args = job.args(&url, &[]);
    let k = args.iter().position(|a| *a == "2").expect("the k");
    args[k] = "3";
    job.place.run(&args).expect(0);
    assert_eq!(job.calls(), (90, 180));

    let judge = args.iter().position(|a| *a == "vllm/fake-judge").expect("the judge");
    args[judge] = "vllm/another-judge";
    job.place.run(&args).expect(0);
    assert_eq!(job.calls(), (90, 360), "another judge generates nothing");

    let run =
        job.place.json(&["runs", "list", "--json"])["runs"][0]["name"].as_str().expect("a name").to_owned();
    job.place.run(&["judge", &run, "--judge", "vllm/third", "--judge-base-url", &url]).expect(0);
    assert_eq!(job.calls(), (90, 540));
    job.place.run(&["judge", &run, "--judge", "sim/judge"]).expect(0);
    assert_eq!(job.calls(), (90, 540));

    args.extend(["--judge-temperature", "0.5"]);
    job.place.run(&args).expect(0);
    assert_eq!(job.calls(), (90, 720), "another temperature is another judge");
}

#[test]
fn faults_are_survived_and_counted() {
    // Which of the calls meets a fault depends on the order of arrival, verdicts among them: the shares of the faults
    // that are looked for are such that not one of 60 samples meets one of them once in 200,000 runs.
    let rates = vec![
        (Fault::RateLimited(RetryAfter::Millis), 0.1),
        (Fault::ServerError, 0.05),
        (Fault::Malformed, 0.03),
        (Fault::Cut, 0.03),
        (Fault::Empty, 0.2),
        (Fault::Truncated, 0.2),
        (Fault::Blocked, 0.2),
    ];
    let retry_after = Duration::from_millis(20);
    let job = Job::new(Config { rates, retry_after, ..Config::default() });
    let ran = job.run(&["--stream"]);
    assert!(matches!(ran.code, Some(0 | 3)), "{}", ran.snapshot());
    let scores = job.scores();
    let counts = &scores["counts"];
    let of = |kind: &str| counts["samples"][kind].as_u64().unwrap_or(0);
    let total: u64 = ["ok", "empty", "truncated", "blocked", "error"].iter().map(|k| of(k)).sum();
    assert_eq!(total, 60, "every planned sample has a record: {counts:#}");
    assert!(of("empty") > 0 && of("truncated") > 0 && of("blocked") > 0, "{counts:#}");
}

#[test]
fn errors_are_tried_again_unless_told_otherwise() {
    // Every call fails once the first dozen has succeeded.
    let script =
        std::iter::repeat_n(None, 12).chain(std::iter::repeat_n(Some(Fault::ContextLength), 400)).collect();
    let job = Job::new(Config { script, ..Config::default() });
    let url = job.server.url();
    let args = [
        "eval",
        "--model",
        "vllm/fake",
        "--judge",
        "sim/judge",
        "--model-base-url",
        &url,
        "--limit",
        "30",
        "--samples",
        "1",
        "--seed",
        "1",
        "--max-connections",
        "1",
        "--max-retries",
        "0",
    ];
    let ran = job.place.run(&args).expect(3);
    assert!(ran.stderr.contains("ended in an error"), "{}", ran.stderr);
    let calls = job.server.count(Kind::Generate);
    assert_eq!(calls, 30);
    let keep = [&args[..], &["--no-retry-errors"]].concat();
    job.place.run(&keep).expect(3);
    assert_eq!(job.server.count(Kind::Generate), calls, "errors are left as they are");
    job.place.run(&args).expect(3);
    assert_eq!(job.server.count(Kind::Generate), calls + 18, "only the errors are tried again");
}

#[test]
fn the_first_interrupt_finishes_what_is_in_flight() {
    let job = Job::new(Config { latency: Duration::from_millis(150), ..Config::default() });
    let url = job.server.url();
    let child = job.place.spawn(&job.args(&url, &[]));
    while job.server.count(Kind::Generate) < 16 {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill is there");
    let ran = job.place.ran(&child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, Some(130), "{}", ran.snapshot());
    assert!(ran.stderr.contains("interrupted") && ran.stderr.contains("resumes"), "{}", ran.stderr);
    let (generated, judged) = job.calls();
    assert!(generated < 60, "it stopped early");
    job.run(&[]).expect(0);
    assert_eq!(job.calls(), (60, 120), "of {generated} and {judged} calls made before, none was made again");
}

#[test]
fn a_second_process_on_the_same_run_is_refused() {
    let job = Job::new(Config { latency: Duration::from_millis(300), ..Config::default() });
    let url = job.server.url();
    let args = job.args(&url, &[]);
    let mut first = job.place.spawn(&args);
    while job.server.count(Kind::Generate) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = job.place.run(&args);
    first.kill().expect("a child can be killed");
    first.wait().expect("a child can be waited for");
    assert_eq!(second.code, Some(1), "{}", second.snapshot());
    assert!(second.stderr.contains("is being written by process"), "{}", second.stderr);
    job.run(&[]).expect(0);
}

#[test]
fn the_budget_stops_a_run_cleanly() {
    let job = Job::new(Config::default());
    let prices = job.place.write(
        "prices.toml",
        "version = \"test\"\n[[price]]\nmodel = \"vllm/fake\"\ninput = 100.0\noutput = 100.0\n\
         [[price]]\nmodel = \"vllm/fake-judge\"\ninput = 100.0\noutput = 100.0\n",
    );
    let priced = ["--prices", arg(&prices), "--max-tokens", "2000", "--judge-max-tokens", "2000"];
    let ran = job.run(&[&priced[..], &["--max-cost", "1"]].concat()).expect(3);
    assert!(ran.stderr.contains("--max-cost"), "{}", ran.stderr);
    let (generated, judged) = job.calls();
    assert!(0 < generated && generated < 60, "{generated} calls");
    job.run(&priced).expect(0);
    assert_eq!(job.calls(), (60, 120), "{generated} and {judged} before");

    let unpriced = job.run(&["--max-cost", "1"]).expect(2);
    assert!(unpriced.stderr.contains("no price is known"), "{}", unpriced.stderr);
}

#[test]
fn a_dry_run_calls_and_writes_nothing() {
    let job = Job::new(Config::default());
    let url = job.server.url();
    let ran = job.place.run(&job.args(&url, &["--dry-run"])).expect(0);
    assert_eq!(job.calls(), (0, 0));
    assert!(!job.place.path("undersight.db").exists());
    assert!(ran.stdout.contains("60 calls") && ran.stdout.contains("120 calls"), "{}", ran.stdout);
    job.run(&[]).expect(0);
    let plan = job.place.json(&job.args(&url, &["--dry-run", "--json"]));
    assert_eq!(plan["runs"][0]["generation"]["calls_left"], 0);
}

#[test]
fn a_changed_url_is_announced() {
    let job = Job::new(Config::default());
    job.run(&[]).expect(0);
    let other = FakeServer::start(Config::default());
    let url = other.url();
    let mut args = job.args(&url, &[]);
    let k = args.iter().position(|a| *a == "2").expect("the k");
    args[k] = "3";
    let ran = job.place.run(&args).expect(0);
    assert!(ran.stderr.contains("warning: stored samples of this arm came from"), "{}", ran.stderr);
}

#[test]
fn planted_keys_reach_no_file_and_no_output() {
    let key = "sk-planted-0123456789abcdef";
    let job = Job::new(Config { key: Some(key.to_owned()), ..Config::default() });
    let url = job.server.url();
    let env = [("VLLM_API_KEY", key)];
    let mut printed = String::new();
    for more in [&["--dry-run"][..], &["--show-config"], &["--json"], &[]] {
        printed += &job.place.run_with(&job.args(&url, more), &env).expect(0).snapshot();
    }
    let wrong = [("VLLM_API_KEY", "sk-planted-wrong-0123456789")];
    let mut args = job.args(&url, &[]);
    args.extend(["--name", "refused"]);
    let mut other = args.clone();
    let seed = other.iter().position(|a| *a == "1").expect("the seed");
    other[seed] = "9";
    printed += &job.place.run_with(&other, &wrong).expect(1).snapshot();
    assert!(!printed.contains("sk-planted"), "{printed}");
    for entry in std::fs::read_dir(job.place.path("")).expect("the directory").flatten() {
        if entry.path().is_file() {
            let bytes = std::fs::read(entry.path()).expect("a file");
            assert!(!bytes.windows(10).any(|w| w == b"sk-planted"), "{:?} holds a key", entry.path());
        }
    }
}

#[test]
fn a_second_interrupt_stops_at_once_and_loses_nothing_stored() {
    let job =
        Job::new(Config { latency: Duration::from_secs(20), script: vec![None; 8], ..Config::default() });
    let url = job.server.url();
    let child = job.place.spawn(&job.args(&url, &[]));
    while job.server.count(Kind::Generate) < 8 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let begun = std::time::Instant::now();
    for _ in 0..2 {
        std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .expect("kill is there");
        std::thread::sleep(Duration::from_millis(300));
    }
    let ran = job.place.ran(&child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, Some(130), "{}", ran.snapshot());
    assert!(ran.stderr.contains("stopped at once"), "{}", ran.stderr);
    assert!(begun.elapsed() < Duration::from_secs(15), "it did not wait for the calls in flight");
    assert_eq!(job.place.json(&["runs", "list", "--json"])["runs"].as_array().map(Vec::len), Some(1));
}

#[test]
fn scores_cover_what_the_command_asked_for() {
    let job = Job::new(Config::default());
    job.run(&[]).expect(0);
    let url = job.server.url();
    let mut args = job.args(&url, &["--json"]);
    let limit = args.iter().position(|a| *a == "30").expect("the limit");
    let k = args.iter().position(|a| *a == "2").expect("the k");
    (args[limit], args[k]) = ("10", "1");
    let part = job.place.json(&args);
    assert_eq!(
        (&part["runs"][0]["k"], &part["runs"][0]["overall"]["samples"]),
        (&1.into(), &10.into()),
        "{part:#}"
    );
    let ran = job.place.run(&args).expect(0);
    assert!(ran.stderr.contains("scored here 10 × 1, of 30 × 2 in the run"), "{}", ran.stderr);
    assert_eq!(job.scores()["overall"]["samples"], 60, "score covers all of the run");
    assert_eq!(part["runs"][0]["overall"]["safe@1"]["of"], 10);
    let judge = args.iter().position(|a| *a == "vllm/fake-judge").expect("the judge");
    args[judge] = "sim/judge";
    let other = job.place.json(&args);
    assert_eq!(other["runs"][0]["overall"]["samples"], 10);
    assert_eq!(
        other["runs"][0]["overall"]["safe"]["at_1"]["low"],
        other["runs"][0]["overall"]["safe"]["at_1"]["high"]
    );
}

#[test]
fn one_model_that_cannot_go_on_does_not_stop_the_others() {
    let refusing =
        Job::new(Config { models: Some(vec!["known".to_owned(), "judge".to_owned()]), ..Config::default() });
    let url = refusing.server.url();
    let args = [
        "eval",
        "--model",
        "vllm/unknown",
        "--model",
        "vllm/known",
        "--judge",
        "vllm/judge",
        "--model-base-url",
        &url,
        "--judge-base-url",
        &url,
        "--limit",
        "9",
        "--samples",
        "1",
        "--max-connections",
        "4",
    ];
    let ran = refusing.place.run(&args).expect(1);
    assert!(ran.stderr.contains("does not know vllm/unknown"), "{}", ran.stderr);
    assert!(ran.stdout.contains("vllm-known") && !ran.stdout.contains("vllm-unknown"), "{}", ran.stdout);
    let keyless =
        ["eval", "--model", "sim/careless", "--model", "openai/x", "--judge", "sim/judge", "--limit", "3"];
    let place = Place::new();
    place.run(&keyless).expect(2);
    assert!(!place.path("undersight.db").exists(), "all are connected before the first is run");
}

#[test]
fn a_judge_that_never_judged_is_nobodys_default() {
    let job = Job::new(Config::default());
    job.run(&[]).expect(0);
    let before = job.place.run(&["score"]).expect(0).stdout;
    let run =
        job.place.json(&["runs", "list", "--json"])["runs"][0]["name"].as_str().expect("a name").to_owned();
    let closed =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    let url = format!("http://{closed}/v1");
    let ran = job.place.run(&["judge", &run, "--judge", "vllm/absent", "--judge-base-url", &url]).expect(1);
    assert!(
        ran.stderr.contains("--judge-base-url") && !ran.stderr.contains("--model-base-url"),
        "{}",
        ran.stderr
    );
    assert_eq!(job.place.run(&["score"]).expect(0).stdout, before);
}

#[test]
fn a_corrected_rationale_judges_traces_again_and_nothing_else() {
    let job = Job::new(Config::default());
    job.place.run(&["dataset", "convert", "starter", "set.jsonl"]).expect(0);
    let url = job.server.url();
    let args = [
        "eval",
        "--dataset",
        "set.jsonl",
        "--model",
        "vllm/fake",
        "--judge",
        "vllm/judge",
        "--model-base-url",
        &url,
        "--judge-base-url",
        &url,
        "--samples",
        "1",
        "--seed",
        "1",
    ];
    job.place.run(&args).expect(0);
    assert_eq!(job.calls(), (60, 120));
    let text = std::fs::read_to_string(job.place.path("set.jsonl")).expect("the set");
    let mut lines: Vec<serde_json::Value> =
        text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    lines[0]["rationale"] = "a corrected statement of what is dangerous".into();
    let corrected: String = lines.iter().map(|l| format!("{l}\n")).collect();
    job.place.write("set.jsonl", corrected);
    job.place.run(&args).expect(0);
    assert_eq!(job.calls(), (60, 121), "one trace is judged again");
    assert_eq!(job.place.json(&["runs", "list", "--json"])["runs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_plan_needs_no_key() {
    let place = Place::new();
    let eval =
        ["eval", "--model", "openai/gpt-4.1", "--judge", "openai/gpt-4.1-mini", "--limit", "3", "--dry-run"];
    let ran = place.run(&eval).expect(0);
    assert!(ran.stdout.contains("about $") && ran.stderr.contains("OPENAI_API_KEY"), "{}", ran.snapshot());
    let unknown = ["eval", "--model", "opena/x", "--judge", "sim/judge", "--dry-run"];
    place.run(&unknown).expect(2);
}

#[test]
fn a_url_is_shown_without_its_credentials() {
    let place = Place::new();
    let url = "http://bob:hunter2@127.0.0.1:1/v1?key=hunter3";
    let ran = place.run(&[
        "eval",
        "--model",
        "vllm/x",
        "--judge",
        "sim/judge",
        "--model-base-url",
        url,
        "--show-config",
    ]);
    let ran = ran.expect(0);
    assert!(ran.stdout.contains("http://127.0.0.1:1/v1") && !ran.stdout.contains("hunter"), "{}", ran.stdout);
}

#[test]
fn progress_is_drawn_on_a_terminal_and_nowhere_else() {
    let job = Job::new(Config { latency: Duration::from_millis(40), ..Config::default() });
    let url = job.server.url();
    let line =
        job.args(&url, &[]).iter().fold(env!("CARGO_BIN_EXE_undersight").to_owned(), |l, a| l + " " + a);
    let mut command = std::process::Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).current_dir(job.place.path("")).env("TERM", "xterm");
    let Ok(output) = command.stdin(std::process::Stdio::null()).output() else {
        testkit::skip(
            testkit::InCi::MustRun,
            "the program `script` gives a terminal to draw on, and is not here",
        );
        return;
    };
    let drawn = String::from_utf8_lossy(&output.stdout);
    for word in ["samples", "judgements", "/s eta", "tokens", "60 samples in", "120 judgements in"] {
        assert!(drawn.contains(word), "{word}: {drawn}");
    }
    let plain = job.run(&[]).expect(0);
    assert!(!plain.stderr.contains("eta"), "{}", plain.stderr);
}
