//! The fake provider over raw HTTP: shapes, faults, journal. No client library, so nothing hides what is sent.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::server::{Kind, QUOTES, read_journal};
use testkit::{Config, Dialect, FakeServer, Fault, Habit, RetryAfter};

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
    /// The connection ended before the body did.
    cut: bool,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

/// One request on a connection of its own.
fn send(address: &str, method: &str, path: &str, headers: &str, body: &str) -> std::io::Result<Reply> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    write!(stream, "{head}{headers}Content-Length: {length}\r\n\r\n{body}")?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw)?;
    let end = raw.windows(4).position(|w| w == b"\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let status = head[9..12].parse().expect("a status");
    let mut reply = Reply { status, head, body: raw[end + 4..].to_vec(), cut: false };
    match reply.header("content-length").map(|l| l.parse::<usize>().expect("a length")) {
        Some(declared) => reply.cut = reply.body.len() < declared,
        None => (reply.body, reply.cut) = unchunk(&reply.body),
    }
    Ok(reply)
}

fn unchunk(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line) = raw.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(&raw[..line]), 16).expect("a chunk size");
        if size == 0 {
            return (body, false);
        }
        body.extend_from_slice(&raw[line + 2..line + 2 + size]);
        raw = &raw[line + 4 + size..];
    }
    (body, true)
}

fn post(server: &FakeServer, body: &Value) -> Reply {
    send(&server.address().to_string(), "POST", "/v1/chat/completions", "", &body.to_string())
        .expect("a reply")
}

fn chat(text: &str) -> Value {
    json!({ "model": "fake/reasoner", "messages": [{ "role": "user", "content": text }] })
}

fn with_schema(text: &str, labels: &[&str], indices: &[usize]) -> Value {
    let mut properties = json!({ "label": { "type": "string", "enum": labels } });
    if !indices.is_empty() {
        let index = json!({ "type": "integer", "enum": indices });
        properties["risks"] = json!({ "type": "array", "items": { "properties": { "index": index } } });
    }
    let schema = json!({ "name": "verdict", "schema": { "type": "object", "properties": properties } });
    let mut body = chat(text);
    body["response_format"] = json!({ "type": "json_schema", "json_schema": schema });
    body
}

fn message(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200);
    reply.json()["choices"][0]["message"].clone()
}

#[test]
fn replies_have_the_size_and_shape_asked_for_and_repeat() {
    for (dialect, key) in [(Dialect::OpenAi, "reasoning_content"), (Dialect::Vllm, "reasoning")] {
        let server = FakeServer::start(Config { dialect, body_bytes: 8_000, ..Config::default() });
        let first = post(&server, &chat("one"));
        assert!((7_900..=8_100).contains(&first.body.len()), "{}", first.body.len());
        let said = message(&first);
        assert!(QUOTES.iter().all(|q| said[key].as_str().unwrap().contains(q)));
        assert!(said["content"].as_str().unwrap().len() > 1_000);
        assert_eq!(first.json()["model"], "fake/reasoner");
        assert_eq!(first.json()["choices"][0]["finish_reason"], "stop");
        let thought =
            first.json()["usage"]["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap();
        assert_eq!(thought > 0, dialect == Dialect::OpenAi);
        assert_eq!(post(&server, &chat("one")).body, first.body);
        assert_ne!(post(&server, &chat("two")).body, first.body);
    }
}

#[test]
fn streams_carry_the_same_text_as_whole_replies() {
    for (dialect, key) in [(Dialect::OpenAi, "reasoning_content"), (Dialect::Vllm, "reasoning")] {
        let server = FakeServer::start(Config { dialect, ..Config::default() });
        let mut body = chat("streamed");
        body["stream"] = json!(true);
        body["stream_options"] = json!({ "include_usage": true });
        let reply = post(&server, &body);
        assert_eq!(reply.header("content-type"), Some("text/event-stream"));
        let text = String::from_utf8(reply.body).unwrap();
        let events: Vec<&str> = text.split("\n\n").filter_map(|e| e.strip_prefix("data: ")).collect();
        assert_eq!(events.last(), Some(&"[DONE]"));
        let chunks: Vec<Value> =
            events[..events.len() - 1].iter().map(|e| serde_json::from_str(e).unwrap()).collect();
        let join = |key: &str| -> String {
            chunks.iter().filter_map(|c| c["choices"][0]["delta"][key].as_str()).collect()
        };
        assert!(QUOTES.iter().all(|q| join(key).contains(q)));
        assert!(join("content").starts_with("Reply "));
        assert!(chunks.iter().any(|c| c["choices"][0]["finish_reason"] == "stop"));
        assert_eq!(chunks.last().unwrap()["choices"], json!([]));
        assert!(chunks.last().unwrap()["usage"]["completion_tokens"].as_u64().unwrap() > 0);
    }
}

#[test]
fn verdicts_fit_the_schema_and_quote_the_trace() {
    let server = FakeServer::start(Config::default());
    let trace = message(&post(&server, &chat("any")))["reasoning_content"].clone();
    let labels = ["Fully Covered", "Partially Covered", "Not Covered"];
    let mut seen = BTreeSet::new();
    for n in 0..40 {
        let reply = post(&server, &with_schema(&n.to_string(), &labels, &[0, 1]));
        let verdict: Value = serde_json::from_str(message(&reply)["content"].as_str().unwrap()).unwrap();
        let risks = verdict["risks"].as_array().unwrap();
        for (index, risk) in risks.iter().enumerate() {
            assert_eq!(risk["index"], index);
            assert_eq!(risk["quote"].is_string(), risk["recognised"] == true);
            assert!(risk["quote"].as_str().is_none_or(|q| trace.as_str().unwrap().contains(q)));
        }
        let recognised = risks.iter().filter(|r| r["recognised"] == true).count();
        let label = verdict["label"].as_str().unwrap().to_owned();
        assert_eq!(labels[2 - recognised], label);
        seen.insert(label);
    }
    assert_eq!(seen.len(), 3);
    let safety = message(&post(&server, &with_schema("x", &["Safe", "Unsafe"], &[])));
    let verdict: Value = serde_json::from_str(safety["content"].as_str().unwrap()).unwrap();
    assert_eq!(verdict.get("risks"), None);
}

#[test]
fn every_fault_shows_on_the_wire() {
    let check = |fault: Fault, test: &dyn Fn(&Reply)| {
        let config = Config {
            script: vec![Some(fault)],
            retry_after: Duration::from_millis(1_500),
            slow: Duration::from_millis(1),
            ..Config::default()
        };
        let server = FakeServer::start(config);
        test(&post(&server, &chat("faulty")));
        let recovered = post(&server, &chat("faulty"));
        assert_eq!(recovered.status, 200, "only the first request meets {fault:?}");
    };
    let status = |fault, expected: u16| check(fault, &|r| assert_eq!(r.status, expected, "{fault:?}"));
    let limited = |how, name: &'static str, value: &'static str| {
        check(Fault::RateLimited(how), &|r| {
            assert_eq!((r.status, r.header(name)), (429, Some(value)));
        });
    };
    limited(RetryAfter::Seconds, "retry-after", "2");
    limited(RetryAfter::Millis, "retry-after-ms", "1500");
    limited(RetryAfter::Proxied, "llm_provider-retry-after", "2");
    check(Fault::RateLimited(RetryAfter::Date), &|r| {
        assert!(r.header("retry-after").unwrap().ends_with(" GMT"), "{}", r.head);
    });
    check(Fault::RateLimited(RetryAfter::Absent), &|r| {
        assert_eq!((r.status, r.head.contains("retry-after")), (429, false));
    });
    check(Fault::ServerError, &|r| {
        assert_eq!((r.status, r.body.as_slice()), (500, &b"Internal Server Error"[..]));
        assert!(r.header("content-type").unwrap().starts_with("text/plain"));
    });
    status(Fault::Unavailable, 503);
    status(Fault::Overloaded, 529);
    status(Fault::ContextLength, 400);
    status(Fault::Refused, 400);
    status(Fault::NoCredit, 429);
    check(Fault::ErrorString, &|r| assert!(r.status == 503 && r.json()["error"].is_string()));
    check(Fault::Malformed, &|r| {
        assert!(r.status == 200 && !r.cut && serde_json::from_slice::<Value>(&r.body).is_err());
    });
    check(Fault::Html, &|r| assert!(r.status == 200 && r.body.starts_with(b"<!doctype")));
    check(Fault::Empty, &|r| assert_eq!(message(r)["content"], ""));
    check(Fault::Truncated, &|r| {
        assert_eq!(
            (&message(r)["content"], &r.json()["choices"][0]["finish_reason"]),
            (&Value::Null, &json!("length"))
        );
    });
    check(Fault::Blocked, &|r| assert_eq!(r.json()["choices"][0]["finish_reason"], "content_filter"));
    check(Fault::Slow, &|r| assert_eq!(r.status, 200));
    check(Fault::Cut, &|r| assert!(r.cut && !r.body.is_empty()));
    check(Fault::Tags, &|r| assert!(message(r)["content"].as_str().unwrap().starts_with("<think>\n")));
    check(Fault::StrayClose, &|r| {
        let content = message(r)["content"].as_str().unwrap().to_owned();
        assert!(!content.contains("<think>") && content.contains("\n</think>\n\nReply "));
    });
}

#[test]
fn a_cut_stream_ends_without_its_last_chunk() {
    let server = FakeServer::start(Config { script: vec![Some(Fault::Cut)], ..Config::default() });
    let mut body = chat("streamed");
    body["stream"] = json!(true);
    let reply = post(&server, &body);
    assert!(reply.cut && !String::from_utf8_lossy(&reply.body).contains("[DONE]"));
}

#[test]
fn a_hanging_request_is_journalled_and_ends_with_the_server() {
    let server = FakeServer::start(Config { script: vec![Some(Fault::Hang)], ..Config::default() });
    let address = server.address().to_string();
    let asking = std::thread::spawn(move || {
        send(&address, "POST", "/v1/chat/completions", "", &chat("x").to_string()).is_err()
    });
    while server.count(Kind::Generate) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(server.journal()[0].status, 0);
    drop(server);
    assert!(asking.join().unwrap(), "no reply came");
}

#[test]
fn keys_models_and_routes_are_checked() {
    let check = |dialect, method: &str, path: &str, headers: &str, body: &Value, expected: (u16, Value)| {
        let config = Config {
            dialect,
            key: Some("secret".to_owned()),
            models: Some(vec!["known".to_owned()]),
            ..Config::default()
        };
        let server = FakeServer::start(config);
        let reply = send(&server.address().to_string(), method, path, headers, &body.to_string()).unwrap();
        let error = &reply.json()["error"];
        let code = error.get("code").unwrap_or(error);
        assert_eq!((reply.status, code), (expected.0, &expected.1), "{method} {path} {headers}");
    };
    let chat_path = "/v1/chat/completions";
    let key = "Authorization: Bearer secret\r\n";
    let wrong = "Authorization: Bearer other\r\n";
    let (openai, vllm) = (Dialect::OpenAi, Dialect::Vllm);
    check(openai, "POST", chat_path, wrong, &chat("x"), (401, json!("invalid_api_key")));
    check(openai, "GET", "/v1/models", "", &json!({}), (401, json!("invalid_api_key")));
    check(vllm, "POST", chat_path, wrong, &chat("x"), (401, json!("Unauthorized")));
    check(openai, "POST", chat_path, key, &chat("x"), (404, json!("model_not_found")));
    check(vllm, "POST", chat_path, key, &chat("x"), (404, json!(404)));
    check(openai, "POST", chat_path, key, &json!({ "model": 5 }), (400, json!("invalid_json")));
    check(openai, "GET", "/v1/nothing", key, &json!({}), (404, json!("not_found")));
    check(openai, "GET", "/v1/models", key, &json!({}), (200, Value::Null));
}

#[test]
fn the_journal_file_outlives_a_killed_server() {
    let dir = std::env::temp_dir().join(format!("undersight-journal-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("journal.jsonl");
    let mut sent = Vec::new();
    for round in 0..2 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fake-provider"))
            .args(["--port", "0", "--body-bytes", "600", "--script", "ok,rate-limit", "--journal"])
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        let address = url.trim().strip_prefix("http://").unwrap().strip_suffix("/v1").unwrap();
        for n in 0..3 {
            let body = chat(&format!("{round}/{n}")).to_string();
            let reply = send(address, "POST", "/v1/chat/completions", "", &body).unwrap();
            assert_eq!(reply.status, if n == 1 { 429 } else { 200 });
            sent.push((body, reply.status));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let entries = read_journal(&file).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(entries.len(), sent.len());
    for (entry, (body, status)) in entries.iter().zip(&sent) {
        assert_eq!(entry.sha, undersight_core::Digest::of_bytes(body.as_bytes()));
        assert_eq!((entry.kind, entry.status), (Kind::Generate, *status));
        assert_eq!(entry.model.as_deref(), Some("fake/reasoner"));
        assert!(entry.t_us > 1_700_000_000_000_000);
    }
    assert_eq!(entries.iter().map(|e| e.n).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
}

#[test]
fn a_wrong_flag_is_answered_with_the_usage() {
    for args in [&["--nonsense", "1"][..], &["--port"], &["--fault", "html"], &["--fault", "fire=0.1"]] {
        let out = Command::new(env!("CARGO_BIN_EXE_fake-provider")).args(args).output().unwrap();
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8_lossy(&out.stderr).contains("usage: fake-provider"), "{args:?}");
    }
}

#[test]
fn habits_are_those_of_a_model() {
    let habits = vec![
        ("parrot".to_owned(), Habit::Says(|last| format!("You said: {last}"))),
        ("strict".to_owned(), Habit::Verdict(1)),
        ("broken".to_owned(), Habit::Meets(Fault::Refused, 1)),
    ];
    let server = FakeServer::start(Config { habits, keep_bodies: true, ..Config::default() });
    let address = server.address().to_string();
    let ask = |model: &str, schema: bool| {
        let mut request = json!({ "model": model, "messages": [{ "role": "user", "content": "Hello." }] });
        if schema {
            let schema = json!({ "properties": { "label": { "enum": ["Safe", "Unsafe"] } } });
            request["response_format"] = json!({ "json_schema": { "schema": schema } });
        }
        send(&address, "POST", "/v1/chat/completions", "", &request.to_string()).expect("a reply")
    };
    let content = |reply: &Reply| reply.json()["choices"][0]["message"]["content"].clone();
    assert_eq!(content(&ask("parrot", false)), "You said: Hello.");
    let verdict = content(&ask("strict", true));
    assert!(verdict.as_str().expect("text").contains("\"label\":\"Unsafe\""), "{verdict}");
    assert_eq!((ask("broken", false).status, ask("another", true).status), (400, 200));
    let bodies: Vec<_> = server.journal().into_iter().map(|entry| entry.body.expect("a body")).collect();
    assert!(bodies.len() == 4 && bodies[0].contains("Hello."), "{bodies:?}");
}
