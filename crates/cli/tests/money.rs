//! Limits and money of the main job against real HTTP servers: the ceiling, the pace, and several servers of one model.

mod common;

use std::time::Duration;

use common::{Place, arg};
use serde_json::Value;
use testkit::server::Kind;
use testkit::{Config, FakeServer};

const PRICES: &str = "version = \"test\"\n\
    [[price]]\nmodel = \"vllm/fake\"\ninput = 100.0\noutput = 100.0\n\
    [[price]]\nmodel = \"vllm/fake-judge\"\ninput = 50.0\noutput = 200.0\n";

/// An `eval` of 60 instances × 2 with the model and the judge on one server.
fn args<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["eval", "--model", "vllm/fake", "--judge", "vllm/fake-judge", "--name", "run"];
    args.extend(["--model-base-url", url, "--judge-base-url", url, "--limit", "60", "--samples", "2"]);
    args.extend(more);
    args
}

fn shown(place: &Place) -> Value {
    place.json(&["runs", "show", "run", "--json"])
}

#[test]
fn the_ceiling_is_never_exceeded_however_many_calls_are_in_flight() {
    let place = Place::new();
    let server = FakeServer::start(Config { latency: Duration::from_millis(5), ..Config::default() });
    let (url, prices) = (server.url(), place.write("prices.toml", PRICES));
    let bounded = ["--prices", arg(&prices), "--max-tokens", "2000", "--judge-max-tokens", "2000"];
    let bounded = [&bounded[..], &["--max-connections", "64"]].concat();
    let mut before = 0;
    // Each command has its own purse; the store adds up what they spent.
    for ceiling in ["0.7", "1.5", "4"] {
        let ran = place.run(&args(&url, &[&bounded[..], &["--max-cost", ceiling]].concat())).expect(3);
        assert!(ran.stderr.contains("stopped at --max-cost"), "{}", ran.stderr);
        assert!(ran.stderr.contains("the next call may cost up to $"), "{}", ran.stderr);
        let shown = shown(&place);
        let spent = shown["cost_nano_usd"].as_i64().expect("a cost");
        let most = ceiling.parse::<f64>().expect("a number") * 1e9;
        let here = (spent - before) as f64;
        assert!(here <= most, "{here} of {most}");
        assert!(here > 0.0, "{here} of {most}");
        assert!(shown["spend"].as_array().expect("a list").iter().all(|part| part["cost_unknown"] == 0));
        before = spent;
    }
}

#[test]
fn a_call_that_cannot_be_afforded_is_not_made_and_explained() {
    let place = Place::new();
    let server = FakeServer::start(Config::default());
    let (url, prices) = (server.url(), place.write("prices.toml", PRICES));
    let ran = place.run(&args(&url, &["--prices", arg(&prices), "--max-cost", "1"])).expect(3);
    assert!(ran.stderr.contains("and $1.00 is left: set --max-tokens"), "{}", ran.stderr);
    assert_eq!(server.count(Kind::Generate), 0);
}

#[test]
fn what_a_run_took_is_told_by_stage_and_model() {
    let place = Place::new();
    let server = FakeServer::start(Config { dialect: testkit::Dialect::Vllm, ..Config::default() });
    let (url, prices) = (server.url(), place.write("prices.toml", PRICES));
    place.run(&args(&url, &["--prices", arg(&prices)])).expect(0);
    let document = shown(&place);
    let spend = document["spend"].as_array().expect("a list");
    let parts: Vec<(&str, &str, i64)> = spend
        .iter()
        .map(|part| {
            let text = |name: &str| part[name].as_str().expect("text");
            (text("stage"), text("model"), part["records"].as_i64().expect("a number"))
        })
        .collect();
    assert_eq!(parts, [("generate", "vllm/fake", 120), ("judge", "vllm/fake-judge", 240)]);
    let costs: i64 = spend.iter().map(|part| part["cost_nano_usd"].as_i64().expect("a cost")).sum();
    assert_eq!(document["cost_nano_usd"], costs);
    // This server reports no reasoning tokens though there were some.
    let generate = &spend[0];
    assert_eq!(generate["reasoning_tokens"]["unknown"], 120);
    let (guess, all) = (&generate["reasoning_tokens_estimated"], &generate["output_tokens"]["sum"]);
    let (guess, all) = (guess.as_i64().expect("a number"), all.as_i64().expect("a number"));
    assert!(0 < guess && guess < all, "{guess} of {all}");
    let card = place.run(&["runs", "show", "run"]).expect(0).stdout;
    assert!(card.contains("cost, generate") && card.contains("of them reasoning (estimated)"), "{card}");
    assert!(card.contains("cost, judge"), "{card}");
}

#[test]
fn the_pace_is_kept() {
    let place = Place::new();
    let server = FakeServer::start(Config::default());
    let url = server.url();
    let paced = ["eval", "--model", "vllm/fake", "--judge", "sim/judge", "--model-base-url", &url];
    let paced = [&paced[..], &["--limit", "6", "--samples", "1", "--rpm", "60"]].concat();
    place.run(&paced).expect(0);
    let at: Vec<i64> =
        server.journal().iter().filter(|call| call.kind == Kind::Generate).map(|call| call.t_us).collect();
    assert_eq!(at.len(), 6);
    // A burst of four, and then one a second.
    let took = at.iter().max().expect("calls") - at.iter().min().expect("calls");
    assert!(took >= 1_000_000, "{took} µs");
    let ran = place.run(&[&paced[..], &["--tpm", "none"]].concat()).expect(2);
    assert!(ran.stderr.contains("--tpm"), "{}", ran.stderr);
}

#[test]
fn several_servers_share_the_work_and_a_dead_one_costs_none_of_it() {
    let place = Place::new();
    let slow = Config { latency: Duration::from_millis(2), ..Config::default() };
    let servers = [FakeServer::start(slow.clone()), FakeServer::start(slow)];
    let gone = FakeServer::start(Config::default());
    let (one, two, dead) = (servers[0].url(), servers[1].url(), gone.url());
    drop(gone);
    let urls = ["--model-base-url", &one, "--model-base-url", &two, "--model-base-url", &dead];
    let rest = ["--name", "run", "--limit", "60", "--samples", "2", "--max-connections", "4"];
    let model = ["eval", "--model", "vllm/fake", "--judge", "sim/judge"];
    place.run(&[&model[..], &urls, &rest].concat()).expect(0);
    let counts = servers.each_ref().map(|server| server.count(Kind::Generate));
    assert_eq!(counts.iter().sum::<u64>(), 120);
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
    let document = shown(&place);
    assert_eq!(document["samples"]["ok"], 120);
    assert_eq!(document["urls"].as_object().expect("an object").len(), 2);

    // In the environment with commas; what is stored came from known servers.
    let both = format!("{one}, {two}");
    let more = ["--name", "run", "--limit", "60", "--samples", "3"];
    let ran = place.run_with(&[&model[..], &more].concat(), &[("VLLM_BASE_URL", &both)]).expect(0);
    assert!(!ran.stderr.contains("came from"), "{}", ran.stderr);
    let env = [("UNDERSIGHT_MODEL_BASE_URL", both.as_str()), ("UNDERSIGHT_RPM", "90")];
    let config = place.run_with(&[&model[..], &["--show-config", "--json"]].concat(), &env).expect(0).stdout;
    let config: Value = serde_json::from_str(&config).expect("JSON");
    let masked = "http://127.0.0.1:[port]/v1";
    assert_eq!(config["settings"]["model-base-url"]["value"], format!("{masked},{masked}"));
    assert_eq!(config["settings"]["rpm"]["value"], "90");
}
