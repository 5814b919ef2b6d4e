//! Batches from the command line: killed and resumed, interrupted, refused; and files for offline engines. The provider
//! and its batches are simulated.

mod common;

use std::collections::HashSet;
use std::time::Duration;

use common::{Place, arg};
use serde_json::{Value, json};
use testkit::server::Kind;
use testkit::{Batches, Config, FakeServer};

fn server(looks: u32) -> FakeServer {
    FakeServer::start(Config { batches: Batches { looks, ..Batches::default() }, ..Config::default() })
}

/// `eval` of six instances, twice each.
fn eval<'a>(url: &'a str, store: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "eval",
        "--dataset",
        "starter",
        "--limit",
        "6",
        "--samples",
        "2",
        "--model",
        "openai/fake",
        "--judge",
        "openai/fake-judge",
        "--model-base-url",
        url,
        "--judge-base-url",
        url,
        "--name",
        "it",
        "--store",
        store,
    ];
    args.extend(more);
    args
}

const BATCHED: [&str; 4] = ["--batch", "--judge-batch", "--batch-wait", "0.2"];

/// What has been scored, without what depends on the way.
fn scores(place: &Place, store: &str) -> Value {
    let mut scored = place.json(&["score", "it", "--store", store, "--json"]);
    strip(&mut scored);
    scored
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["created", "cost", "usage", "timing"] {
                members.remove(name);
            }
            members.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

#[test]
fn killed_after_handing_in_nothing_is_handed_in_again() {
    let (place, server) = (Place::new(), server(3));
    let url = server.url();
    let args = eval(&url, "sqlite:batched.db", &BATCHED);
    // The samples' batch, then the verdicts'.
    for taken in 1..=2 {
        let mut child = place.command(&args).stderr(std::process::Stdio::null()).spawn().expect("it starts");
        while server.batched().len() < taken {
            assert!(child.try_wait().expect("a child").is_none(), "it waits for its batch");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().expect("a child can be killed");
        child.wait().expect("a child can be waited for");
    }
    let ran = place.run(&args).expect(0);
    assert!(ran.stderr.contains("waiting for it"), "{}", ran.stderr);
    assert_eq!(server.count(Kind::Generate) + server.count(Kind::Judge), 0, "nothing was called live");
    let all: Vec<String> = server.batched().concat();
    let distinct: HashSet<&String> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (36, 36), "12 samples and 24 verdicts, each handed in once");

    place.run(&eval(&url, "sqlite:live.db", &[])).expect(0);
    assert_eq!(scores(&place, "sqlite:batched.db"), scores(&place, "sqlite:live.db"));
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_the_batch_and_says_so() {
    let (place, server) = (Place::new(), server(u32::MAX));
    let url = server.url();
    let child = place.spawn(&eval(&url, "sqlite:it.db", &BATCHED));
    while !server.journal().iter().any(|entry| entry.path.ends_with("/batches/batch_0")) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill is there").success());
    let ran = place.ran(&child.wait_with_output().expect("a child"));
    let ran = ran.expect(130);
    assert!(ran.stderr.contains("the provider goes on with the batch (batch_0)"), "{}", ran.stderr);
}

#[test]
fn models_without_batches_are_refused() {
    let place = Place::new();
    let ran = place.run(&["eval", "--model", "sim/careless", "--batch"]).expect(2);
    assert!(ran.stderr.contains("has no batch API") && ran.stderr.contains("hint: "), "{}", ran.stderr);
}

#[test]
fn an_offline_engine_generates_and_the_rest_is_as_usual() {
    let (place, server) = (Place::new(), server(0));
    let url = server.url();
    let base = [
        "eval",
        "--dataset",
        "starter",
        "--limit",
        "4",
        "--samples",
        "2",
        "--model",
        "vllm/tiny",
        "--judge",
        "sim/judge",
        "--model-base-url",
        &url,
        "--store",
        "sqlite:it.db",
    ];
    let with =
        |more: &[&'static str]| base.iter().copied().chain(more.iter().copied()).collect::<Vec<&str>>();
    let ran = place.run(&with(&["--export-batch", "requests.jsonl"])).expect(0);
    assert!(ran.stderr.contains("8 requests for vllm/tiny written to requests.jsonl"), "{}", ran.stderr);
    place.run(&with(&["--export-batch", "requests.jsonl"])).expect(2);

    let requests = std::fs::read_to_string(place.path("requests.jsonl")).expect("it was written");
    let requests: Vec<Value> = requests.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let ids: Vec<&str> = requests.iter().map(|r| r["custom_id"].as_str().expect("an id")).collect();
    assert!(requests.iter().all(|r| r["method"] == "POST" && r["url"] == "/v1/chat/completions"));
    assert!(requests.iter().all(|r| r["body"]["model"] == "tiny" && r["body"]["messages"].is_array()));

    let result = |id: &str| {
        let message = json!({ "role": "assistant", "content": "I would rather not.", "reasoning_content": "This is risky." });
        let choice = json!({ "index": 0, "message": message, "finish_reason": "stop" });
        let body = json!({ "id": "c", "object": "chat.completion", "model": "tiny", "choices": [choice],
            "usage": { "prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12 } });
        let response = json!({ "status_code": 200, "request_id": "r", "body": body });
        json!({ "id": "vllm-1", "custom_id": id, "response": response, "error": null }).to_string()
    };
    let refused =
        json!({ "status_code": 400, "request_id": "r", "body": { "error": { "message": "too long" } } });
    let refused =
        json!({ "id": "vllm-2", "custom_id": ids[6], "response": refused, "error": null }).to_string();
    let mut lines: Vec<String> = ids[..6].iter().map(|id| result(id)).collect();
    lines.extend([refused, "{\"custom_id\":".to_owned(), result(ids[0]), result(&"ab".repeat(32))]);
    place.write("out.jsonl", lines.join("\n"));

    let ran = place.run(&with(&["--import-batch", "out.jsonl"])).expect(3);
    for said in
        ["out.jsonl:8: no result", "1 results are of no sample of this plan ([short-hash])", "too long"]
    {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    // The same again changes nothing, and neither run called anybody.
    place.run(&with(&["--import-batch", "out.jsonl"])).expect(3);
    assert_eq!(server.count(Kind::Generate), 0);
    let run = place.json(&["runs", "list", "--store", "sqlite:it.db", "--json"]);
    assert!(run.to_string().contains("tiny"), "{run}");
    let rows = place.run(&["export", &name(&run), "--store", "sqlite:it.db"]).expect(0).stdout;
    let rows: Vec<Value> = rows.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(rows.len(), 6);
    assert!(rows.iter().all(|row| row.to_string().contains("This is risky.")), "{}", rows[0]);

    // What is missing is generated live, once a server is there.
    place.run(&base).expect(0);
    assert_eq!(server.count(Kind::Generate), 2);
    assert!(arg(&place.path("it.db")).ends_with("it.db"));
}

fn name(runs: &Value) -> String {
    runs.pointer("/runs/0/name").and_then(Value::as_str).expect("a run").to_owned()
}
