//! `undersight probe` against a real HTTP server, and what `eval` asks before it samples.

mod common;

use common::{Place, Ran};
use testkit::server::Kind;
use testkit::{Config, Dialect, FakeServer, Fault, Habit, Manners};

fn vllm(config: Config) -> FakeServer {
    FakeServer::start(Config { dialect: Dialect::Vllm, manners: Manners::Obedient, ..config })
}

fn probe(url: &str, more: &[&str]) -> Ran {
    let args = ["probe", "vllm/fake", "--model-base-url", url, "--max-retries", "0"];
    Place::new().run(&[&args[..], more].concat())
}

/// Questions that arrived, whatever became of them.
fn chats(server: &FakeServer) -> usize {
    server.journal().iter().filter(|entry| entry.path.ends_with("/chat/completions")).count()
}

fn closed() -> String {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    format!("http://{free}/v1")
}

#[test]
fn a_good_server() {
    let server = vllm(Config::default());
    let ran = probe(&server.url(), &[]).expect(0);
    insta::assert_snapshot!("probe-good", ran.snapshot());
    assert_eq!(chats(&server), 12);
}

#[test]
fn a_server_without_a_reasoning_parser() {
    let server = vllm(Config { rates: vec![(Fault::StrayClose, 1.0)], ..Config::default() });
    insta::assert_snapshot!("probe-no-parser", probe(&server.url(), &[]).expect(0).snapshot());
}

#[test]
fn a_host_where_nothing_answers() {
    insta::assert_snapshot!("probe-unreachable", probe(&closed(), &["--no-engine"]).expect(1).snapshot());
}

#[test]
fn a_key_that_is_refused() {
    let server = vllm(Config { key: Some("k-right".to_owned()), ..Config::default() });
    let url = server.url();
    let args = ["probe", "vllm/fake", "--model-base-url", &url];
    let ran = Place::new().run_with(&args, &[("VLLM_API_KEY", "k-planted-wrong")]).expect(1);
    assert!(!ran.snapshot().contains("k-planted-wrong"));
    insta::assert_snapshot!("probe-wrong-key", ran.snapshot());
}

/// What came of a check of the first model of a document.
fn outcome(document: &serde_json::Value, kind: &str) -> String {
    let checks = document["probes"][0]["checks"].as_array().expect("checks");
    let found = checks.iter().find(|check| check["kind"] == kind).expect("the check was made");
    found["outcome"].as_str().expect("an outcome").to_owned()
}

#[test]
fn parameters_that_nobody_honours_are_found_out() {
    let server = FakeServer::start(Config { manners: Manners::Restless, ..Config::default() });
    let place = Place::new();
    let document =
        place.json(&["probe", "vllm/fake", "--model-base-url", &server.url(), "--json", "--stream"]);
    assert_eq!(document["schema"], "undersight.probe/v1");
    for (kind, found) in [
        ("seed", "no"),
        ("temperature", "no"),
        ("top-k", "no"),
        ("n", "no"),
        ("max-tokens", "no"),
        ("structured-output", "yes"),
        ("streaming", "yes"),
        ("streamed-usage", "yes"),
        ("reasoning-tokens", "yes"),
        ("price", "no"),
    ] {
        assert_eq!(outcome(&document, kind), found, "{kind}: {document:#}");
    }
    let advice = document["probes"][0]["advice"].as_array().expect("advice");
    let kinds: Vec<_> = advice.iter().filter_map(|a| a["kind"].as_str()).collect();
    assert_eq!(kinds, ["max-tokens", "seed", "top-k", "price"], "{document:#}");
    assert!(document["probes"][0]["cost_nano_usd"].is_null(), "no price is no cost of 0");
}

#[test]
fn one_model_that_cannot_be_used_does_not_stop_the_others() {
    let server = vllm(Config { models: Some(vec!["known".to_owned()]), ..Config::default() });
    let url = server.url();
    let ran = Place::new()
        .run(&["probe", "litellm/unknown", "litellm/known", "--model-base-url", &url, "--cheap", "--json"])
        .expect(1);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let told = |at: usize, member: &str| document["probes"][at][member].clone();
    assert_eq!((told(0, "usable"), told(1, "usable")), (false.into(), true.into()));
    assert_eq!(told(0, "unusable")["cause"], "unknown-model");
    assert_eq!((told(1, "calls"), told(1, "trace")["provenance"].clone()), (1.into(), "full".into()));
    assert!(ran.stderr.ends_with("error: cannot be used: litellm/unknown\n"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_probed_is_refused() {
    let place = Place::new();
    assert!(place.run(&["probe"]).expect(2).stderr.contains("no model given"));
    assert!(place.run(&["probe", "sim/careless"]).expect(2).stderr.contains("is simulated"));
    assert!(place.run(&["probe", "openai/x"]).expect(2).stderr.contains("OPENAI_API_KEY"));
}

/// An `eval` of 9 instances once, with a probe first.
struct Job {
    place: Place,
    server: FakeServer,
}

impl Job {
    fn new(config: Config) -> Self {
        Self { place: Place::new(), server: FakeServer::start(config) }
    }

    fn run(&self, models: &[&str], more: &[&str]) -> Ran {
        let url = self.server.url();
        let named = models.iter().flat_map(|model| ["--model", model]);
        let rest = ["--judge", "sim/judge", "--model-base-url", &url, "--samples", "1"];
        let limit = if more.contains(&"--limit") { &[][..] } else { &["--limit", "9"] };
        let args: Vec<&str> =
            ["eval"].into_iter().chain(named).chain(rest).chain(limit.iter().chain(more).copied()).collect();
        let mut command = self.place.command(&args);
        let output = command.env_remove("UNDERSIGHT_ALLOW_NO_TRACE").output().expect("the binary starts");
        self.place.ran(&output)
    }

    fn calls(&self) -> u64 {
        self.server.count(Kind::Generate)
    }
}

/// Answers, and shows nothing of a thought.
fn mute(model: &str) -> (String, Habit) {
    (model.to_owned(), Habit::Says(|_| "There are 13 marbles.".to_owned()))
}

#[test]
fn a_trace_that_arrives_costs_one_call_more_and_is_asked_for_once() {
    let job = Job::new(Config::default());
    job.run(&["vllm/fake"], &[]).expect(0);
    assert_eq!(job.calls(), 10);
    job.run(&["vllm/fake"], &["--limit", "12"]).expect(0);
    assert_eq!(job.calls(), 13, "a stored sample has shown a trace");
    job.run(&["vllm/fake"], &["--seed", "1", "--allow-no-trace"]).expect(0);
    assert_eq!(job.calls(), 22);
}

#[test]
fn a_model_without_a_trace_is_refused_before_it_is_sampled() {
    let job = Job::new(Config { habits: vec![mute("mute")], ..Config::default() });
    let ran = job.run(&["vllm/mute"], &[]).expect(2);
    insta::assert_snapshot!("eval-no-trace", ran.snapshot());
    assert_eq!(job.calls(), 2, "a second question, then no more");
    job.run(&["vllm/mute"], &["--allow-no-trace"]).expect(0);
    assert_eq!(job.calls(), 11);
    let more = job.run(&["vllm/mute"], &["--limit", "12"]).expect(2);
    assert!(more.stderr.contains("what was stored is kept"), "{}", more.stderr);
    job.run(&["vllm/mute"], &[]).expect(0);
    assert_eq!(job.calls(), 13, "nothing is asked where nothing is left");
}

#[test]
fn the_other_models_of_a_command_go_on() {
    let job = Job::new(Config { habits: vec![mute("mute")], ..Config::default() });
    let ran = job.run(&["vllm/mute", "vllm/fake"], &[]).expect(2);
    assert!(ran.stdout.contains("vllm-fake") && !ran.stdout.contains("vllm-mute"), "{}", ran.stdout);
    assert!(ran.stderr.contains("vllm/mute yields no trace"), "{}", ran.stderr);
    assert_eq!(job.calls(), 2 + 1 + 9);
}

#[test]
fn a_summary_is_only_warned_of() {
    let job = Job::new(Config::default());
    let ran = job.run(&["litellm/gpt-5"], &[]).expect(0);
    assert!(ran.stderr.contains("warning: litellm/gpt-5: the trace is a summary"), "{}", ran.stderr);
}

#[test]
fn a_call_that_fails_is_reported_as_ever() {
    let job = Job::new(Config { key: Some("k-right".to_owned()), ..Config::default() });
    let ran = job.run(&["vllm/fake"], &[]).expect(1);
    assert!(ran.stderr.contains("refused the key for vllm/fake"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: set VLLM_API_KEY"), "{}", ran.stderr);
    assert_eq!(chats(&job.server), 1);
}

#[test]
fn an_accident_of_the_first_question_is_only_warned_of() {
    let job = Job::new(Config { script: vec![Some(Fault::ServerError)], ..Config::default() });
    let ran = job.run(&["vllm/fake"], &["--max-retries", "0"]).expect(0);
    assert!(ran.stderr.contains("warning: vllm/fake could not be probed: "), "{}", ran.stderr);
    assert_eq!(job.calls(), 10);
}

#[test]
fn what_the_first_question_cost_counts() {
    let job = Job::new(Config::default());
    let prices = "version = \"t\"\n[[price]]\nmodel = \"vllm/fake\"\ninput = 0\noutput = 1000\n";
    job.place.write("prices.toml", prices);
    // 9 samples of about 500 tokens at a tenth of a cent each would take 4.5 dollars, the question half a dollar.
    let cost = |more: &[&str], budget: &str| {
        let money = ["--prices", "prices.toml", "--max-tokens", "600", "--max-cost", budget];
        let alone = ["--max-connections", "1"];
        job.run(&["vllm/fake"], &[&money[..], &alone, more].concat())
    };
    cost(&[], "0.7").expect(3);
    assert_eq!(job.calls(), 1, "nothing is left for a sample");
    cost(&["--allow-no-trace"], "0.7").expect(3);
    assert_eq!(job.calls(), 2);
}

#[test]
fn a_dry_run_says_that_it_will_ask() {
    let job = Job::new(Config::default());
    let told = |more: &[&str]| job.run(&["vllm/fake"], more).expect(0).stdout.contains("probe    :");
    assert!(told(&["--dry-run"]));
    assert!(!told(&["--dry-run", "--allow-no-trace"]));
    assert_eq!(job.calls(), 0);
}
