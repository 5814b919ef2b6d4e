//! Real HTTP over loopback.

use std::time::Duration;

use proptest::prelude::*;
use undersight_core::{CauseKind, FinishReason, Provenance};
use undersight_endpoint::{Failed, Options};

use crate::server::{KEY, Script, Server, ask, endpoint};

const REPLY: &str = r#"{"model":"m-1","system_fingerprint":"fp","choices":[{"index":0,"message":{"role":"assistant","reasoning":"R","content":"5"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
const STREAM: &str = concat!(
    "data: {\"model\":\"m-1\",\"system_fingerprint\":\"fp\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
    ": keep-alive\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"R\u{e9}\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"5\u{1f600}\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n",
    "data: [DONE]\n\n",
);

fn streamed(options: &mut Options) {
    options.stream = true;
    options.max_retries = 0;
}

fn once(options: &mut Options) {
    options.max_retries = 0;
}

async fn failure(scripts: Vec<Script>, change: impl FnOnce(&mut Options)) -> (Box<Failed>, Server) {
    let server = Server::start(scripts).await;
    let failed = ask(&server.endpoint(change)).await.unwrap_err();
    (failed, server)
}

#[tokio::test]
async fn a_whole_reply_is_read_and_kept() {
    let script = Script::whole("200 OK", "content-type: application/json\r\nx-request-id: req-7\r\n", REPLY);
    let server = Server::start(vec![script]).await;
    let endpoint = server.endpoint(once);
    let answered = ask(&endpoint).await.unwrap();
    let reply = answered.reply;
    assert_eq!((reply.extraction.trace().as_str(), reply.extraction.answer().as_str()), ("R", "5"));
    assert_eq!(reply.extraction.provenance, Provenance::Full);
    assert_eq!(reply.returned_model.as_deref(), Some("m-1"));
    assert_eq!(reply.fingerprint.as_deref(), Some("fp"));
    assert_eq!(reply.exchange.request_id.as_deref(), Some("req-7"));
    assert_eq!(reply.exchange.raw.response, REPLY.as_bytes());
    assert_eq!(
        reply.exchange.raw.request,
        br#"{"model":"m","messages":[{"role":"user","content":"what is 2 + 3?"}]}"#
    );
    assert!(reply.exchange.timing.started.0 > 0);
    assert!(reply.exchange.timing.first_byte_us.unwrap() <= reply.exchange.timing.total_us);
    assert!(answered.retries.is_empty());
    assert_eq!(answered.cost, None, "no price is known");
    let request = &server.requests()[0];
    assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("authorization: Bearer {KEY}")), "{request}");
    assert!(request.contains("accept-encoding: gzip"), "{request}");
    for _ in 0..3 {
        ask(&endpoint).await.unwrap();
    }
    assert_eq!(server.connections(), 1, "connections are pooled");
}

#[tokio::test]
async fn a_stream_is_read_and_its_connection_used_again() {
    let server = Server::start(vec![Script::stream(&[STREAM.as_bytes()])]).await;
    let endpoint = server.endpoint(streamed);
    for _ in 0..3 {
        let reply = ask(&endpoint).await.unwrap().reply;
        assert_eq!(reply.extraction.answer(), "5\u{1f600}");
        assert_eq!(reply.usage.output, Some(4));
        assert_eq!(reply.exchange.raw.response.trim_ascii_end(), STREAM.trim_end().as_bytes());
    }
    assert_eq!(server.connections(), 1);
    assert!(server.requests()[0].contains(r#""stream":true,"stream_options":{"include_usage":true}"#));
}

#[tokio::test]
async fn a_reply_is_read_for_what_it_is() {
    // Whole although streaming was asked, and the other way round without a declared type.
    let server = Server::start(vec![Script::json("200 OK", REPLY)]).await;
    assert_eq!(ask(&server.endpoint(streamed)).await.unwrap().reply.extraction.trace(), "R");
    let server = Server::start(vec![Script::stream(&[REPLY.as_bytes()])]).await;
    assert_eq!(ask(&server.endpoint(streamed)).await.unwrap().reply.extraction.trace(), "R");
    let server = Server::start(vec![Script::whole("200 OK", "", STREAM)]).await;
    assert_eq!(ask(&server.endpoint(once)).await.unwrap().reply.extraction.trace(), "R\u{e9}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_split_of_a_stream_gives_the_same_reply(mut cuts in prop::collection::vec(0..STREAM.len(), 0..12)) {
        cuts.extend([0, STREAM.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &STREAM.as_bytes()[w[0]..w[1]]).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let reply = runtime.block_on(async {
            let server = Server::start(vec![Script::stream(&pieces)]).await;
            ask(&server.endpoint(streamed)).await.unwrap().reply
        });
        prop_assert_eq!(reply.extraction.trace(), "R\u{e9}");
        prop_assert_eq!(reply.extraction.answer(), "5\u{1f600}");
        prop_assert_eq!(reply.finish, FinishReason::Stop);
        // What follows the end mark may come too late to be waited for.
        prop_assert_eq!(reply.exchange.raw.response.trim_ascii_end(), STREAM.trim_end().as_bytes());
    }
}

#[tokio::test]
async fn limits_and_server_errors_are_survived() {
    for (status, headers, kind) in [
        ("429 Too Many Requests", "retry-after: 0\r\n", CauseKind::RateLimited),
        ("500 Internal Server Error", "retry-after-ms: 1\r\n", CauseKind::Server),
    ] {
        let scripts = vec![Script::whole(status, headers, "later"), Script::json("200 OK", REPLY)];
        let server = Server::start(scripts).await;
        let heard = std::sync::Mutex::new(Vec::new());
        let answered = server
            .endpoint(|_| {})
            .call(&crate::server::question(), &|retry| heard.lock().unwrap().push(retry.clone()))
            .await
            .unwrap();
        assert_eq!(answered.retries.len(), 1, "{status}");
        assert_eq!(answered.retries[0].cause.kind, kind, "{status}");
        assert_eq!(*heard.lock().unwrap(), answered.retries);
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn hopeless_calls_stop_the_run_with_a_hint() {
    let html = Script::whole("200 OK", "content-type: text/html\r\n", "<!doctype html><html>");
    let moved = Script::whole("301 Moved", "location: https://other.example/v1\r\n", "");
    for (script, kind, message, hint) in [
        (
            Script::json("401 Unauthorized", r#"{"error":"no"}"#),
            CauseKind::Auth,
            "refused the key",
            "set VLLM_API_KEY",
        ),
        (
            Script::json("404 Not Found", r#"{"error":{"message":"The model `m` does not exist."}}"#),
            CauseKind::UnknownModel,
            "does not exist",
            "check the name \"m\"",
        ),
        (html, CauseKind::Malformed, "web page", "base URL"),
        (moved, CauseKind::BadRequest, "redirected to other.example", "base URL"),
        (Script::json("402 Payment Required", "{}"), CauseKind::Quota, "no credit", "add credit"),
    ] {
        let server = Server::start(vec![script]).await;
        let endpoint = server.endpoint(|_| {});
        let failed = ask(&endpoint).await.unwrap_err();
        assert_eq!(failed.cause.kind, kind);
        let fatal = failed.fatal.unwrap();
        assert!(fatal.message.contains(message), "{}", fatal.message);
        assert!(fatal.message.contains("127.0.0.1:"), "{}", fatal.message);
        assert!(fatal.message.contains("vllm/m"), "{}", fatal.message);
        assert!(fatal.hint.contains(hint), "{}", fatal.hint);
        assert_eq!(server.requests().len(), 1, "{kind} is not tried again");
        let next = ask(&endpoint).await.unwrap_err();
        assert_eq!((next.cause.kind, next.fatal.is_some()), (CauseKind::Stopped, true));
        assert_eq!(server.requests().len(), 1, "and nothing is called after it");
    }
}

#[tokio::test]
async fn a_refused_connection_is_unreachable_after_two_knocks() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = endpoint("vllm/org/m", &format!("http://{free}/v1"), |_| {});
    let failed = ask(&endpoint).await.unwrap_err();
    assert_eq!(failed.cause.kind, CauseKind::Unreachable);
    assert_eq!(failed.retries.len(), 2);
    assert!(failed.fatal.unwrap().hint.contains("`vllm serve org/m`"));
}

#[tokio::test]
async fn broken_exchanges_say_how_they_broke() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n";
    let cut = Script::raw(vec![head.as_bytes().to_vec(), REPLY.as_bytes()[..40].to_vec()]);
    let (failed, _) = failure(vec![cut], once).await;
    assert_eq!(failed.cause.kind, CauseKind::Disconnected);
    assert_eq!(failed.exchange.raw.response, &REPLY.as_bytes()[..40], "what arrived is kept");

    let chunked = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let first = format!("{:x}\r\n{}\r\n", 100, &STREAM[..100]);
    let cut = Script::raw(vec![chunked.as_bytes().to_vec(), first.into_bytes()]);
    let (failed, _) = failure(vec![cut], streamed).await;
    assert_eq!(failed.cause.kind, CauseKind::Disconnected);

    let ended = Script::stream(&[&STREAM.as_bytes()[..STREAM.find("data: [DONE]").unwrap() - 150]]);
    let (failed, _) = failure(vec![ended], streamed).await;
    assert_eq!(failed.cause.kind, CauseKind::Disconnected, "{}", failed.cause.message);

    let (failed, _) = failure(vec![Script::raw(vec![])], once).await;
    assert_eq!(failed.cause.kind, CauseKind::Disconnected);

    let (failed, _) = failure(vec![Script::json("200 OK", "{\"choices\":")], once).await;
    assert_eq!(failed.cause.kind, CauseKind::Malformed);
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let (failed, _) = failure(vec![Script::mute()], |options| {
        streamed(options);
        options.first_byte_timeout = Duration::from_millis(30);
    })
    .await;
    assert_eq!(failed.cause.kind, CauseKind::Timeout);
    assert!(failed.cause.message.contains("first byte"), "{}", failed.cause.message);
    let (failed, _) = failure(vec![Script::mute()], |options| {
        once(options);
        options.timeout = Duration::from_millis(30);
    })
    .await;
    assert_eq!(failed.cause.kind, CauseKind::Timeout);
    assert!(failed.cause.http_status.is_none());
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 80 << 20);
    let mut pieces = vec![head.into_bytes()];
    pieces.extend(std::iter::repeat_n(vec![b' '; 1 << 20], 80));
    let (failed, _) = failure(vec![Script::raw(pieces)], once).await;
    assert_eq!(failed.cause.kind, CauseKind::TooLarge);
    assert!(failed.exchange.raw.response.len() <= undersight_endpoint::MAX_BODY);
}

#[tokio::test]
async fn a_filters_refusal_is_a_blocked_reply() {
    let body = r#"{"error":{"code":"content_filter","message":"filtered"}}"#;
    let server = Server::start(vec![Script::json("400 Bad Request", body)]).await;
    let reply = ask(&server.endpoint(once)).await.unwrap().reply;
    assert!(reply.blocked);
    assert_eq!(reply.finish, FinishReason::ContentFilter);
    assert_eq!(reply.exchange.raw.response, body.as_bytes());
}

#[tokio::test]
async fn a_model_and_its_judge_share_their_host() {
    let server = Server::start(vec![Script::json("200 OK", REPLY)]).await;
    let options =
        Options { base_urls: vec![server.base.clone()], max_connections: Some(3), ..Options::default() };
    let hosts = options.hosts.clone();
    let model = server.endpoint(|o| o.hosts = hosts.clone());
    let judge = endpoint("openai/judge", &server.base, |o| {
        o.hosts = hosts;
        o.max_connections = Some(3);
    });
    ask(&model).await.unwrap();
    ask(&judge).await.unwrap();
    assert_eq!(server.connections(), 1);
    assert_eq!(judge.limiter().limit, 8, "the first endpoint on a host decides");
}
