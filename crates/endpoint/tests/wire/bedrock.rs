//! Amazon Bedrock: what Converse sends, whole and in frames, how it is asked, addressed and paid with credentials.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message as Binary};
use serde_json::{Value, json};
use undersight_core::{CauseKind, FinishReason, GenParams, Message, ModelName, Provenance, Role, Usage};
use undersight_endpoint::providers::table;
use undersight_endpoint::providers::wire::{Ask, Reading, Style, WireReply};
use undersight_endpoint::{ChatRequest, ConnectError, Decision, Endpoint, Meaning, Options, connect};

use crate::server::{KEY, Script, Server, ask, endpoint};

const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";
const CLAUDE_3_7: &str = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";
const CLAUDE_4: &str = "us.anthropic.claude-sonnet-4-20250514-v1:0";

fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut message = Binary::new(payload.to_vec());
    for (name, value) in headers {
        let value = HeaderValue::String((*value).to_owned().into());
        message = message.add_header(Header::new((*name).to_owned(), value));
    }
    let mut out = Vec::new();
    write_message_to(&message, &mut out).unwrap();
    out
}

/// One event of a stream.
pub(crate) fn event(kind: &str, payload: &Value) -> Vec<u8> {
    let headers = [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    frame(&headers, payload.to_string().as_bytes())
}

/// What breaks a stream off.
pub(crate) fn exception(kind: &str, payload: &Value) -> Vec<u8> {
    let headers =
        [(":exception-type", kind), (":content-type", "application/json"), (":message-type", "exception")];
    frame(&headers, payload.to_string().as_bytes())
}

fn delta(index: u64, delta: &Value) -> Vec<u8> {
    event("contentBlockDelta", &json!({"contentBlockIndex": index, "delta": delta}))
}

fn stop(reason: &str) -> Vec<u8> {
    event("messageStop", &json!({"stopReason": reason}))
}

fn metadata() -> Vec<u8> {
    event("metadata", &json!({"metrics": {"latencyMs": 7}, "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}}))
}

fn start() -> Vec<u8> {
    event("messageStart", &json!({"role": "assistant"}))
}

fn reading(model: &str) -> Reading<'_> {
    Reading { row: table::row("bedrock").unwrap(), model, hint: None, max_tokens: None }
}

type Read = Result<WireReply, (CauseKind, Meaning)>;

fn whole(model: &str, body: &Value) -> Read {
    let read = Style::Converse.wire().whole(body.to_string().as_bytes(), &reading(model));
    read.map_err(|error| (error.cause.kind, error.meaning))
}

fn streamed(model: &str, bytes: &[u8]) -> Read {
    Style::Converse.wire().streamed(bytes, &reading(model)).map_err(|error| (error.cause.kind, error.meaning))
}

fn reply(content: &Value, stop: &str) -> Value {
    json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": stop,
        "usage": {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}, "metrics": {"latencyMs": 7}})
}

fn thought(text: &str) -> Value {
    json!({"reasoningContent": {"reasoningText": {"text": text, "signature": "c2ln"}}})
}

#[test]
fn what_reasoning_is_follows_from_the_model_asked_for() {
    let content = json!([thought("R"), {"text": "5"}]);
    for (model, provenance) in [
        (CLAUDE_3_7, Provenance::Full),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", Provenance::Full),
        (CLAUDE_4, Provenance::Summary),
        ("global.anthropic.claude-opus-5", Provenance::Summary),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-1", Provenance::Summary),
        ("deepseek.r1-v1:0", Provenance::Full),
        ("us.deepseek.r1-v1:0", Provenance::Full),
        ("openai.gpt-oss-120b-1:0", Provenance::Full),
        ("qwen.qwen3-235b-a22b-2507-v1:0", Provenance::Full),
        ("moonshot.kimi-k2-thinking", Provenance::Full),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", Provenance::Full),
    ] {
        let found = whole(model, &reply(&content, "end_turn")).unwrap();
        assert_eq!(found.extraction.provenance, provenance, "{model}");
        assert_eq!((found.extraction.trace().as_str(), found.extraction.answer().as_str()), ("R", "5"));
        assert_eq!(found.returned_model, None);
    }
}

#[test]
fn blocks_of_all_sorts_are_read() {
    let withheld = json!({"reasoningContent": {"redactedContent": "cmVk"}});
    let unread = json!({"reasoningContent": {"reasoningText": {"text": "", "signature": "c2ln"}}});
    let tool = json!({"toolUse": {"toolUseId": "t", "name": "n", "input": {}}});
    for (content, read) in [
        (json!([thought("R1"), withheld, thought("R2"), {"text": "5"}]), ("R1\nR2", "5", Provenance::Summary)),
        (json!([withheld, {"text": "5"}]), ("", "5", Provenance::Encrypted)),
        // Claude leaves the text out where only the signature is wanted.
        (json!([unread, {"text": "5"}]), ("", "5", Provenance::Encrypted)),
        (json!([{"reasoningContent": {"reasoningText": {"text": "R"}}}, {"text": "5"}]), ("R", "5", Provenance::Summary)),
        (json!([{"text": "It is "}, tool, {"text": "5"}]), ("", "It is 5", Provenance::Absent)),
        (json!([]), ("", "", Provenance::Absent)),
    ] {
        let found = whole(CLAUDE_4, &reply(&content, "end_turn")).unwrap().extraction;
        assert_eq!((found.trace().as_str(), found.answer().as_str(), found.provenance), read, "{content}");
        assert!(found.covers(), "{content}");
    }
}

#[test]
fn every_stop_reason_means_something() {
    use FinishReason::{ContentFilter, Length, Other, Stop, Unknown};
    for (reason, finish) in [
        ("end_turn", Stop),
        ("stop_sequence", Stop),
        ("max_tokens", Length),
        ("model_context_window_exceeded", Length),
        ("guardrail_intervened", ContentFilter),
        ("content_filtered", ContentFilter),
        ("tool_use", Other("tool_use".to_owned())),
        ("malformed_model_output", Other("malformed_model_output".to_owned())),
        ("", Unknown),
    ] {
        let found = whole("m", &reply(&json!([{"text": "5"}]), reason)).unwrap();
        assert_eq!(found.blocked, finish == ContentFilter, "{reason}");
        assert_eq!(found.finish, finish, "{reason}");
    }
}

#[test]
fn counts_hold_what_a_cache_took_part_in() {
    for (usage, expected) in [
        (json!({"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}), (Some(3), Some(4), None)),
        (
            json!({"inputTokens": 3, "outputTokens": 4, "cacheReadInputTokens": 20, "cacheWriteInputTokens": 5}),
            (Some(28), Some(4), Some(20)),
        ),
        (json!({"inputTokens": 0, "outputTokens": 0}), (None, None, None)),
        (json!({"inputTokens": "3"}), (None, None, None)),
        (json!(null), (None, None, None)),
    ] {
        let mut body = reply(&json!([{"text": "5"}]), "end_turn");
        body["usage"] = usage.clone();
        let (input, output, cached) = expected;
        assert_eq!(
            whole("m", &body).unwrap().usage,
            Usage { input, output, reasoning: None, cached },
            "{usage}"
        );
    }
}

#[test]
fn a_frame_made_elsewhere_is_read() {
    // Made by hand and read back with botocore: messageStop, end_turn.
    let hex = "0000007a00000051ca2c46650b3a6576656e742d7479706507000b6d65737361676553746f700d3a636f6e74656e742d74\
               7970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b2273746f70\
               526561736f6e223a22656e645f7475726e227d5fbf09fc";
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let made: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    assert_eq!(made, stop("end_turn"));
    let found = streamed("m", &[start(), delta(0, &json!({"text": "5"})), made].concat()).unwrap();
    assert_eq!((found.extraction.answer().as_str(), found.finish), ("5", FinishReason::Stop));
}

#[test]
fn streams_are_read_however_odd() {
    let text = || delta(1, &json!({"text": "5"}));
    let good = vec![start(), delta(0, &json!({"reasoningContent": {"text": "R"}})), text(), stop("end_turn"), metadata()];
    let usual = streamed(CLAUDE_3_7, &good.concat()).unwrap();
    assert_eq!((usual.usage.input, usual.extraction.trace().as_str()), (Some(3), "R"));
    let with = |at: usize, extra: Vec<u8>| {
        let mut frames = good.clone();
        frames.insert(at, extra);
        frames.concat()
    };
    for (name, bytes) in [
        ("an unknown event", with(2, event("somethingNew", &json!({"text": "x"})))),
        ("an unknown sort of message", with(2, frame(&[(":message-type", "notice")], b"{}"))),
        ("a header of another type", with(2, frame(&[(":event-type", "x"), ("y", "z")], b"{}"))),
        ("an unknown delta", with(2, delta(2, &json!({"citation": {"title": "t"}})))),
        ("the start of a block", with(2, event("contentBlockStart", &json!({"contentBlockIndex": 1, "start": {}})))),
        ("metrics alone before the counts", with(4, event("metadata", &json!({"metrics": {}})))),
        ("anything after the end", with(5, b"and then?".to_vec())),
        ("blocks out of order", [start(), text(), good[1].clone(), stop("end_turn"), metadata()].concat()),
    ] {
        assert_eq!(streamed(CLAUDE_3_7, &bytes).unwrap(), usual, "{name}");
    }
    let uncounted = streamed(CLAUDE_3_7, &good[..4].concat()).unwrap();
    assert_eq!((uncounted.extraction, uncounted.usage), (usual.extraction, Usage::default()));
}

#[test]
fn streams_that_break_are_told_apart() {
    let transient = Meaning::Failure(Decision::Transient);
    let limited = Meaning::Failure(Decision::RateLimited(None));
    let never = Meaning::Failure(Decision::Never);
    let begun = [start(), delta(0, &json!({"text": "5"}))].concat();
    let after = |more: &[u8]| [begun.as_slice(), more].concat();
    let flipped = |at: usize| {
        let mut bytes = after(&stop("end_turn"));
        let at = bytes.len() - at;
        bytes[at] ^= 1;
        bytes
    };
    let fault = |kind: &str, payload: Value| after(&exception(kind, &payload));
    let says = |text: &str| json!({"message": text});
    for (name, bytes, expected) in [
        ("a wrong checksum", flipped(1), (CauseKind::Malformed, transient)),
        ("a changed payload", flipped(10), (CauseKind::Malformed, transient)),
        ("a changed length", flipped(stop("end_turn").len()), (CauseKind::Malformed, transient)),
        ("a frame cut off", after(&stop("end_turn")[..50]), (CauseKind::Disconnected, transient)),
        ("a prelude cut off", after(&stop("end_turn")[..5]), (CauseKind::Disconnected, transient)),
        ("no end", begun.clone(), (CauseKind::Disconnected, transient)),
        ("nothing", vec![], (CauseKind::Malformed, transient)),
        ("text", b"data: {}\n\n".to_vec(), (CauseKind::Malformed, transient)),
        ("no JSON", after(&frame(&[(":message-type", "event"), (":event-type", "messageStop")], b"x")), (CauseKind::Malformed, transient)),
        ("throttling", fault("throttlingException", says("Too many tokens, please wait.")), (CauseKind::RateLimited, limited)),
        ("an error of theirs", fault("internalServerException", says("oops")), (CauseKind::Server, transient)),
        ("unavailable", fault("serviceUnavailableException", says("later")), (CauseKind::Server, transient)),
        ("the model's", fault("modelStreamErrorException", json!({"originalMessage": "m", "originalStatusCode": 400})), (CauseKind::Server, transient)),
        ("too slow", fault("modelTimeoutException", says("slow")), (CauseKind::Timeout, transient)),
        ("too long", fault("validationException", says("Input is too long for requested model.")), (CauseKind::ContextLength, never)),
        ("invalid", fault("validationException", says("max_tokens: 1 is not enough")), (CauseKind::BadRequest, never)),
        ("not allowed", fault("accessDeniedException", says("no access")), (CauseKind::Auth, never)),
        ("no JSON in an exception", after(&frame(&[(":message-type", "exception"), (":exception-type", "throttlingException")], b"slow down")), (CauseKind::RateLimited, limited)),
        ("an exception nobody knows", fault("newException", json!({})), (CauseKind::Server, transient)),
        ("an error without a model", after(&frame(&[(":message-type", "error"), (":error-code", "InternalError"), (":error-message", "oops")], b"")), (CauseKind::Server, transient)),
    ] {
        assert_eq!(streamed("m", &bytes).unwrap_err(), expected, "{name}");
    }
}

#[test]
fn a_stream_is_known_by_its_type_or_by_how_it_begins() {
    let wire = Style::Converse.wire();
    let frames = [start(), stop("end_turn"), metadata()].concat();
    for (declared, body, expected) in [
        (EVENT_STREAM, frames.as_slice(), true),
        ("Application/VND.amazon.eventstream; charset=x", &frames, true),
        ("application/octet-stream", &frames, true),
        ("", &frames[..12], true),
        ("", &frames[..11], false),
        (EVENT_STREAM, b"", true),
        (EVENT_STREAM, b"{\"message\":\"no\"}", false),
        ("application/json", b"{\"output\":{}}", false),
        ("application/json", b"", false),
    ] {
        assert_eq!(wire.is_stream(declared.as_bytes(), body), expected, "{declared}, {} bytes", body.len());
    }
    for end in 0..frames.len() {
        assert!(!wire.finished(&frames[..end]), "{end} of {} bytes", frames.len());
    }
    assert!(wire.finished(&frames));
    assert!(!wire.finished(&[start(), delta(0, &json!({"text": "metadata"}))].concat()), "a word is no event");
}

#[test]
fn a_body_that_is_no_reply_says_so() {
    for (body, kind) in [
        (json!({"__type": "ThrottlingException", "message": "Rate exceeded"}), CauseKind::RateLimited),
        (json!({"message": "The security token included in the request is invalid."}), CauseKind::Server),
        (json!({"choices": []}), CauseKind::Malformed),
        (json!([]), CauseKind::Malformed),
    ] {
        assert_eq!(whole("m", &body).unwrap_err().0, kind, "{body}");
    }
}

#[test]
fn a_request_holds_what_is_set_in_its_place() {
    let say = Message::new;
    let request = ChatRequest {
        messages: vec![
            say(Role::System, "be brief"),
            say(Role::User, "what is 2 + 3?"),
            say(Role::User, "in words"),
            say(Role::Assistant, "five"),
            say(Role::System, "stay so"),
            say(Role::User, "and 3 + 4?"),
        ],
        params: GenParams {
            temperature: Some(0.5),
            top_k: Some(20),
            max_tokens: Some(4096),
            thinking_budget: Some(1024),
            ..GenParams::default()
        },
        ..ChatRequest::default()
    };
    let row = table::row("bedrock").unwrap();
    for stream in [false, true] {
        let body = Style::Converse.wire().write(&Ask { row, model: "m", request: &request, stream }).unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&body).unwrap(),
            json!({
                "messages": [
                    {"role": "user", "content": [{"text": "what is 2 + 3?"}, {"text": "in words"}]},
                    {"role": "assistant", "content": [{"text": "five"}]},
                    {"role": "user", "content": [{"text": "and 3 + 4?"}]},
                ],
                "system": [{"text": "be brief"}, {"text": "stay so"}],
                "inferenceConfig": {"temperature": 0.5, "maxTokens": 4096},
                "additionalModelRequestFields":
                    {"top_k": 20, "thinking": {"type": "enabled", "budget_tokens": 1024}},
            })
        );
    }
}

fn attempt(base: Option<&str>, stream: bool, env: &[(&str, &str)]) -> Result<Endpoint, ConnectError> {
    let options =
        Options { base_urls: base.map(str::to_owned).into_iter().collect(), stream, max_retries: 0, ..Options::default() };
    let look = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    connect(&ModelName::parse(&format!("bedrock/{CLAUDE_4}")).unwrap(), &options, &look)
}

const ACCESS: (&str, &str) = ("AWS_ACCESS_KEY_ID", "AKIDPLANTED00");
const SECRET: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "planted/secret+0123456789abcdefghijklmno");
const TOKEN: (&str, &str) = ("AWS_SESSION_TOKEN", "planted-token+0123456789==");
const REGION: (&str, &str) = ("AWS_REGION", "eu-west-3");

#[test]
fn addresses_follow_from_the_region() {
    let bearer = ("AWS_BEARER_TOKEN_BEDROCK", KEY);
    let call = "/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/converse";
    for (base, env, stream, host, suffix) in [
        (None, vec![bearer, REGION], false, "https://bedrock-runtime.eu-west-3.amazonaws.com", ""),
        (None, vec![bearer, ("AWS_DEFAULT_REGION", "us-west-2")], true, "https://bedrock-runtime.us-west-2.amazonaws.com", "-stream"),
        (None, vec![ACCESS, SECRET, REGION], false, "https://bedrock-runtime.eu-west-3.amazonaws.com", ""),
        (None, vec![bearer, REGION, ("BEDROCK_BASE_URL", "https://gateway.example/aws/")], false, "https://gateway.example/aws", ""),
        (Some("http://localhost:1"), vec![], false, "http://localhost:1", ""),
        (Some("https://gateway.example"), vec![("AWS_BEDROCK_API_KEY", KEY)], false, "https://gateway.example", ""),
    ] {
        let found = attempt(base, stream, &env).unwrap();
        assert_eq!(found.url(), format!("{host}{call}{suffix}"), "{base:?} {env:?}");
    }
}

#[test]
fn what_is_missing_is_named() {
    for (base, env, words, hint) in [
        (None, vec![ACCESS, SECRET], "no base URL", "set AWS_REGION"),
        (None, vec![REGION], "no key", "set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (None, vec![REGION, ACCESS], "no key", "set AWS_SECRET_ACCESS_KEY"),
        (None, vec![REGION, SECRET], "no key", "set AWS_ACCESS_KEY_ID"),
        (None, vec![REGION, ACCESS, ("AWS_SECRET_ACCESS_KEY", "planted planted")], "white space", "set AWS_SECRET_ACCESS_KEY"),
        (Some("https://gateway.example"), vec![ACCESS, SECRET], "no AWS region", "set AWS_REGION"),
    ] {
        let error = attempt(base, false, &env).unwrap_err();
        assert!(error.to_string().contains(words), "{env:?}: {error}");
        assert!(error.hint().contains(hint), "{env:?}: {}", error.hint());
        assert!(!format!("{error} {error:?} {}", error.hint()).contains("planted"), "{env:?}");
    }
}

#[tokio::test]
async fn a_bearer_key_is_enough() {
    let body = reply(&json!([thought("R"), {"text": "5"}]), "end_turn").to_string();
    let script = Script::whole("200 OK", "content-type: application/json\r\nx-amzn-requestid: req-7\r\n", &body);
    let server = Server::start(vec![script]).await;
    let found = ask(&endpoint(&format!("bedrock/{CLAUDE_4}"), &server.base, |_| {})).await.unwrap().reply;
    assert_eq!((found.extraction.trace().as_str(), found.extraction.provenance), ("R", Provenance::Summary));
    assert_eq!(found.exchange.request_id.as_deref(), Some("req-7"));
    let request = &server.requests()[0];
    let call = "POST /v1/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/converse HTTP/1.1\r\n";
    assert!(request.starts_with(call), "{request}");
    assert!(request.contains(&format!("authorization: Bearer {KEY}\r\n")), "{request}");
    assert!(request.contains("accept: */*\r\n") && !request.contains("x-amz-date"), "{request}");
}

#[tokio::test]
async fn requests_are_signed_one_by_one() {
    let frames = [start(), delta(0, &json!({"text": "5"})), stop("end_turn"), metadata()].concat();
    let server = Server::start(vec![Script::chunked(EVENT_STREAM, &[&frames[..100], &frames[100..]])]).await;
    let endpoint = attempt(Some(&server.base), true, &[ACCESS, SECRET, TOKEN, REGION]).unwrap();
    for _ in 0..2 {
        let found = ask(&endpoint).await.unwrap().reply;
        assert_eq!((found.extraction.answer().as_str(), found.usage.output), ("5", Some(4)));
    }
    for request in server.requests() {
        let scope = "/eu-west-3/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=";
        assert!(request.contains("authorization: AWS4-HMAC-SHA256 Credential=AKIDPLANTED00/"), "{request}");
        assert!(request.contains(scope) && request.contains("x-amz-date: 20"), "{request}");
        assert!(request.contains(&format!("x-amz-security-token: {}\r\n", TOKEN.1)), "{request}");
        assert!(!request.contains(SECRET.1), "the secret itself is never sent");
    }
}

#[tokio::test]
async fn a_server_that_echoes_credentials_reveals_nothing() {
    let echo = format!("{} {} {}", ACCESS.1, SECRET.1, TOKEN.1);
    let body = json!({"message": format!("the signature does not match: {echo}")}).to_string();
    let answer = reply(&json!([{"text": echo}]), "end_turn").to_string();
    let frames = [start(), delta(0, &json!({"text": echo})), stop("end_turn"), metadata()].concat();
    for (script, auth) in [
        (Script::whole("403 Forbidden", &format!("x-amzn-requestid: {}\r\n", TOKEN.1), &body), true),
        (Script::json("200 OK", &answer), false),
        (Script::chunked(EVENT_STREAM, &[&frames]), false),
    ] {
        let server = Server::start(vec![script]).await;
        let endpoint = attempt(Some(&server.base), true, &[ACCESS, SECRET, TOKEN, REGION]).unwrap();
        let outcome = ask(&endpoint).await;
        let raw = match &outcome {
            Ok(answered) => &answered.reply.exchange.raw,
            Err(failed) => &failed.exchange.raw,
        };
        let shown = format!("{endpoint:?} {outcome:?} {}", String::from_utf8_lossy(&raw.response));
        for secret in [ACCESS.1, SECRET.1, TOKEN.1] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert_eq!(outcome.is_err_and(|failed| failed.cause.kind == CauseKind::Auth), auth);
    }
}

#[tokio::test]
async fn refusals_are_classified() {
    for (status, message, kind) in [
        ("400 Bad Request", "The provided model identifier is invalid.", CauseKind::UnknownModel),
        ("400 Bad Request", "Input is too long for requested model.", CauseKind::ContextLength),
        ("403 Forbidden", "The security token included in the request is expired", CauseKind::Auth),
        ("404 Not Found", "This model version has reached the end of its life.", CauseKind::UnknownModel),
        ("408 Request Timeout", "The request took too long to process.", CauseKind::Timeout),
        ("424 Failed Dependency", "The model failed.", CauseKind::Server),
        ("429 Too Many Requests", "Too many tokens per day, please wait before trying again.", CauseKind::RateLimited),
        ("503 Service Unavailable", "Bedrock is unable to process your request.", CauseKind::Server),
    ] {
        let script = Script::json(status, &json!({"message": message}).to_string());
        let server = Server::start(vec![script]).await;
        let failed = ask(&endpoint("bedrock/m", &server.base, |o| o.max_retries = 0)).await.unwrap_err();
        assert_eq!(failed.cause.kind, kind, "{status}: {message}");
    }
}
