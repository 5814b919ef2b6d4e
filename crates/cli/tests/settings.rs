//! Where settings come from: each layer above the next, each value remembering its own.

mod common;

use common::Place;

#[test]
fn a_flag_wins_over_the_environment_over_dotenv_over_the_file() {
    let place = Place::new();
    place.write("undersight.toml", "model = [\"sim/careless\", \"sim/superficial\"]\nsamples = 2\ntemperature = 0.1\ntop-p = 0.9\nlimit = 7\n");
    place.write(".env", "UNDERSIGHT_SAMPLES=3\nUNDERSIGHT_TEMPERATURE=0.2\nUNDERSIGHT_TOP_P=0.8\n");
    let env = [("UNDERSIGHT_SAMPLES", "4"), ("UNDERSIGHT_TEMPERATURE", "0.3")];
    let ran = place.run_with(&["eval", "--samples", "5", "--show-config", "--json"], &env).expect(0);
    let shown: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let setting = |name: &str| {
        let s = &shown["settings"][name];
        (s["value"].as_str().unwrap_or("").to_owned(), s["from"].as_str().unwrap_or("").to_owned())
    };
    let pair = |value: &str, from: &str| (value.to_owned(), from.to_owned());
    assert_eq!(setting("samples"), pair("5", "flag"));
    assert_eq!(setting("temperature"), pair("0.3", "environment"));
    assert_eq!(setting("top-p"), pair("0.8", ".env"));
    assert_eq!(setting("limit"), pair("7", "undersight.toml"));
    assert_eq!(setting("model"), pair("sim/careless, sim/superficial", "undersight.toml"));
    assert_eq!(setting("alpha"), pair("0.7639364807041505", "default"));
}

#[test]
fn keys_are_found_in_the_environment_and_in_dotenv() {
    let place = Place::new();
    let server =
        testkit::FakeServer::start(testkit::Config { key: Some("k-right".to_owned()), ..Default::default() });
    let url = server.url();
    let args = ["eval", "--model", "vllm/fake", "--judge", "sim/judge", "--limit", "3", "--samples", "1"];
    place.write(".env", format!("VLLM_API_KEY=k-right\nVLLM_BASE_URL={url}\n"));
    place.run(&args).expect(0);
    place.run_with(&[&args[..], &["--seed", "2"]].concat(), &[("VLLM_API_KEY", "k-wrong")]).expect(1);
}

#[test]
fn a_bad_value_names_its_place() {
    let place = Place::new();
    place.write("undersight.toml", "model = \"sim/careless\"\n\nsamples = \"many\"\n");
    let ran = place.run(&["eval"]).expect(2);
    assert!(
        ran.stderr.starts_with("error: undersight.toml:3: `samples`: expected a whole number from 1"),
        "{}",
        ran.stderr
    );
    let ran = place.run_with(&["eval"], &[("UNDERSIGHT_SAMPLES", "0")]).expect(2);
    assert!(ran.stderr.starts_with("error: UNDERSIGHT_SAMPLES: expected"), "{}", ran.stderr);
    place.write("undersight.toml", "model = \"sim/careless\"\n# a comment\nsample = 3\n");
    let ran = place.run(&["eval"]).expect(2);
    assert!(
        ran.stderr.contains("undersight.toml:3: unknown setting `sample`\nhint: did you mean `samples`?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_starter_set_runs_by_default_and_one_run_a_model() {
    let place = Place::new();
    let ran = place.run(&[
        "eval",
        "--model",
        "sim/careless",
        "--model",
        "sim/risk-aware?truncated=0.2",
        "--samples",
        "1",
    ]);
    let ran = ran.expect(0);
    assert!(ran.stdout.contains("sim-careless") && ran.stdout.contains("sim-risk-aware"), "{}", ran.stdout);
    let runs = place.json(&["runs", "list", "--json"]);
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(2));
    assert_eq!(runs["runs"][0]["instances"], 60);
}

#[test]
fn a_system_prompt_makes_another_arm() {
    let place = Place::new();
    place.write("rules.txt", "Think about who could be harmed before answering.");
    let eval = ["eval", "--model", "sim/careless", "--limit", "3", "--samples", "1"];
    place.run(&eval).expect(0);
    place.run(&[&eval[..], &["--system-prompt", "rules.txt"]].concat()).expect(0);
    let runs = place.json(&["runs", "list", "--json"]);
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_parameter_nobody_would_honour_is_refused_or_recorded() {
    let place = Place::new();
    let server = testkit::FakeServer::start(testkit::Config::default());
    let url = server.url();
    let args = [
        "eval",
        "--model",
        "deepseek/m",
        "--judge",
        "sim/judge",
        "--limit",
        "2",
        "--samples",
        "1",
        "--name",
        "r",
        "--top-k",
        "5",
        "--seed",
        "3",
        "--model-base-url",
        &url,
    ];
    for more in [&[][..], &["--dry-run"]] {
        let ran = place.run(&[&args[..], more].concat()).expect(2);
        assert!(ran.stderr.contains("deepseek does not take top-k or seed"), "{}", ran.stderr);
        assert!(ran.stderr.contains("--allow-unsupported"), "{}", ran.stderr);
    }
    assert_eq!(server.count(testkit::server::Kind::Generate), 0);
    place.run(&[&args[..], &["--allow-unsupported"]].concat()).expect(0);
    let shown = place.json(&["runs", "show", "r", "--json"]);
    assert_eq!(shown["arm"]["settings"]["unsupported"], serde_json::json!(["top-k", "seed"]));
    let sample = place.run(&["export", "r"]).expect(0).stdout;
    let sample: serde_json::Value =
        serde_json::from_str(sample.lines().next().expect("a row")).expect("JSON");
    assert!(sample["request_seed"].is_null(), "a seed that was not sent is none");
    // A judge's settings are all to be honoured.
    let judge = ["--judge", "deepseek/j", "--judge-seed", "1", "--judge-base-url", &url];
    let judged = ["eval", "--model", "sim/superficial", "--limit", "1"];
    for more in [&[][..], &["--dry-run"]] {
        let ran = place.run(&[&judged[..], &judge, more].concat()).expect(2);
        assert!(ran.stderr.contains("deepseek does not take seed"), "{}", ran.stderr);
    }
}
