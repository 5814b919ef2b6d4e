//! Refusals as real servers word them.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use undersight_core::CauseKind as K;
use undersight_endpoint::{Decision, Meaning, classify};

const NEVER: Meaning = Meaning::Failure(Decision::Never);
const AGAIN: Meaning = Meaning::Failure(Decision::Transient);
const LIMITED: Meaning = Meaning::Failure(Decision::RateLimited(None));

fn wait(seconds: u64) -> Meaning {
    Meaning::Failure(Decision::RateLimited(Some(Duration::from_secs(seconds))))
}

fn check(status: u16, headers: &[(&'static str, &str)], body: &str, kind: K, meaning: Meaning, words: &str) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let found = classify(status, &map, body.as_bytes(), SystemTime::UNIX_EPOCH);
    assert_eq!(found.cause.kind, kind, "{status} {body}");
    assert_eq!(found.meaning, meaning, "{status} {body}");
    assert_eq!(found.cause.http_status, Some(status));
    assert!(found.cause.message.contains(words), "{status} {body}: {}", found.cause.message);
}

#[test]
fn vllm() {
    let error = |message: &str, param: &str| {
        format!(
            r#"{{"error":{{"message":"{message}","type":"BadRequestError","param":"{param}","code":400}}}}"#
        )
    };
    let long = "This model's maximum context length is 512 tokens. However, your prompt contains at least 513 input tokens";
    check(400, &[], &error(long, "input_tokens"), K::ContextLength, NEVER, "513");
    check(400, &[], &error("too many", "input_tokens"), K::ContextLength, NEVER, "too many");
    check(400, &[], &error(long, "max_tokens"), K::BadRequest, NEVER, "512");
    check(
        404,
        &[],
        r#"{"error":{"message":"The model `x` does not exist.","type":"NotFoundError","param":"model","code":404}}"#,
        K::UnknownModel,
        NEVER,
        "does not exist",
    );
    check(401, &[], r#"{"error":"Unauthorized"}"#, K::Auth, NEVER, "Unauthorized");
    check(404, &[], r#"{"detail":"Not Found"}"#, K::UnknownModel, NEVER, "Not Found");
}

#[test]
fn transformers() {
    let unexpected = r#"{"detail":"Unexpected fields in the request: {'min_p', 'top_k'}"}"#;
    check(422, &[], unexpected, K::BadRequest, NEVER, "Unexpected fields");
    let list = r#"{"detail":[{"type":"json_invalid","loc":["body",1],"msg":"JSON decode error"}]}"#;
    check(422, &[], list, K::BadRequest, NEVER, "JSON decode error (body.1)");
    check(500, &[], "Internal Server Error", K::Server, AGAIN, "Internal Server Error");
}

#[test]
fn llama_cpp() {
    let long = r#"{"error":{"code":400,"message":"request (9015 tokens) exceeds the available context size (512 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9015,"n_ctx":512}}"#;
    check(400, &[], long, K::ContextLength, NEVER, "9015");
    let key = r#"{"error":{"message":"Invalid API Key","type":"authentication_error","code":401}}"#;
    check(401, &[], key, K::Auth, NEVER, "Invalid API Key");
    let n = r#"{"error":{"code":400,"message":"Field 'n': Value must be between 1 <= value <= 2","type":"invalid_request_error"}}"#;
    check(400, &[], n, K::BadRequest, NEVER, "Field 'n'");
}

#[test]
fn litellm() {
    let error = |message: &str, kind: &str, code: &str| {
        format!(r#"{{"error":{{"message":"{message}","type":"{kind}","param":"None","code":"{code}"}}}}"#)
    };
    let no_key = "Authentication Error, No api key passed in.";
    check(401, &[], &error(no_key, "auth_error", "401"), K::Auth, NEVER, "No api key");
    check(400, &[], &error("No connected db.", "no_db_connection", "400"), K::Auth, NEVER, "No connected db");
    let rate =
        error("litellm.RateLimitError: Model rate limit exceeded. RPM limit=2", "throttling_error", "429");
    check(429, &[("llm_provider-retry-after", "60")], &rate, K::RateLimited, wait(60), "RPM limit=2");
    check(429, &[], &rate, K::RateLimited, LIMITED, "RPM limit=2");
    let window = error("litellm.ContextWindowExceededError: too long", "invalid_request_error", "400");
    check(400, &[], &window, K::ContextLength, NEVER, "ContextWindow");
    let model =
        error("/chat/completions: Invalid model name passed in model=absent", "invalid_request_error", "400");
    check(400, &[], &model, K::UnknownModel, NEVER, "absent");
}

/// The proxy keeps the upstream's status and replaces its codes; with `hosted_vllm/` it quotes the upstream's JSON,
/// with `openai/` only the message.
#[test]
fn litellm_relays() {
    let relayed = |words: &str| {
        let trailer = "LiteLLM: model group 'm' failed with the error above. No fallback was attempted.";
        let message = format!("litellm.{words}\n\n{trailer}");
        json!({ "error": { "message": message, "type": "any", "param": null, "code": "400" } }).to_string()
    };
    let vllm = |inner: &str| relayed(&format!("BadRequestError: Hosted_vllmException - {inner}"));
    let filter = |code: &str| {
        vllm(&format!(r#"{{"error": {{"message": "filtered", "type": "x", "code": "{code}"}}}}"#))
    };
    let openai = "BadRequestError: litellm.ContentPolicyViolationError: ContentPolicyViolationError: OpenAIException - Your request was rejected.\nmodel=m. content_policy_fallback=None. fallbacks=None.";
    for body in [filter("content_filter"), filter("data_inspection_failed"), relayed(openai)] {
        check(400, &[], &body, K::BadRequest, Meaning::Blocked, "litellm.");
    }
    let quota = vllm(
        r#"{"error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "param": null, "code": "insufficient_quota"}}"#,
    );
    check(429, &[], &quota, K::Quota, NEVER, "quota");
    let slow = vllm(r#"{"error": {"message": "Please try again in 2s.", "type": "tokens", "code": "x"}}"#);
    check(429, &[], &slow, K::RateLimited, wait(2), "again");
    check(
        429,
        &[("llm_provider-retry-after-ms", "300")],
        &slow,
        K::RateLimited,
        Meaning::Failure(Decision::RateLimited(Some(Duration::from_millis(300)))),
        "again",
    );
    let tool = "BadRequestError: OpenAIException - the tool 'search' was not found";
    check(400, &[], &relayed(tool), K::BadRequest, NEVER, "search");
    let model = "NotFoundError: OpenAIException - unknown model x";
    check(400, &[], &relayed(model), K::UnknownModel, NEVER, "unknown model");
    let limit = r#"{"error": {"message": "This model's maximum context length is 512 tokens. However, you requested 9000 output tokens", "type": "BadRequestError", "param": "max_tokens", "code": 400}}"#;
    check(400, &[], &vllm(limit), K::BadRequest, NEVER, "9000");
    for odd in ["{", "{}", "{\"error\": 3}", "{\"error\": {\"code\": [1]}} {", "}{"] {
        check(500, &[], &vllm(odd), K::Server, AGAIN, "Hosted");
    }
}

#[test]
fn openai_and_others() {
    let quota = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;
    check(429, &[], quota, K::Quota, NEVER, "quota");
    let free_tier = r#"[{"error":{"code":429,"message":"You exceeded your current quota. Please retry in 36s.","status":"RESOURCE_EXHAUSTED"}}]"#;
    check(429, &[], free_tier, K::RateLimited, wait(36), "current quota");
    check(402, &[], r#"{"error":{"message":"Insufficient credits","code":402}}"#, K::Quota, NEVER, "credits");
    let slow = r#"{"error":{"message":"Rate limit reached. Please try again in 2s.","type":"tokens","code":"rate_limit_exceeded"}}"#;
    check(429, &[], slow, K::RateLimited, wait(2), "Rate limit");
    check(429, &[("retry-after", "7")], slow, K::RateLimited, wait(7), "Rate limit");
    check(429, &[("retry-after", "99999")], slow, K::RateLimited, wait(600), "Rate limit");
    let context = r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#;
    check(400, &[], context, K::ContextLength, NEVER, "too long");
    check(403, &[], r#"{"error":{"message":"region not supported"}}"#, K::Auth, NEVER, "region");
    let google = r#"[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}]"#;
    check(400, &[], google, K::Auth, NEVER, "API key not valid");
    let parameter = r#"{"error":{"message":"Unsupported parameter: 'top_k'","param":"top_k"}}"#;
    check(400, &[], parameter, K::BadRequest, NEVER, "top_k");
}

#[test]
fn statuses() {
    for (status, kind) in [
        (408, K::Timeout),
        (409, K::Server),
        (425, K::Server),
        (500, K::Server),
        (502, K::Server),
        (503, K::Server),
        (504, K::Timeout),
        (529, K::Server),
    ] {
        check(status, &[], "", kind, AGAIN, "without a message");
    }
    check(503, &[("retry-after", "3")], "busy", K::Server, wait(3), "busy");
    for status in [400, 405, 413, 415, 422, 451] {
        check(status, &[], "no", K::BadRequest, NEVER, "no");
    }
    check(500, &[], "<html>oops</html>", K::Server, AGAIN, "web page");
    let elsewhere = [("location", "https://login.example.org/sign-in?next=secret")];
    check(302, &elsewhere, "", K::BadRequest, NEVER, "login.example.org");
    check(308, &[("location", "/v2")], "", K::BadRequest, NEVER, "same host");
    check(302, &[], "", K::BadRequest, NEVER, "nowhere");
}

#[test]
fn filters_are_no_failures() {
    let blocked = |status, body: &str| {
        check(status, &[], body, K::BadRequest, Meaning::Blocked, "");
    };
    blocked(
        400,
        r#"{"error":{"code":"content_filter","message":"filtered","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
    );
    blocked(400, r#"{"error":{"code":"data_inspection_failed","message":"inappropriate"}}"#);
    blocked(
        403,
        r#"{"error":{"code":403,"message":"this model requires moderation and your input was flagged"}}"#,
    );
    check(500, &[], r#"{"error":{"code":"content_filter"}}"#, K::Server, AGAIN, "");
}

#[test]
fn messages_are_bounded_and_printable() {
    let body = format!("{}\u{1b}[31m", "x".repeat(5_000));
    let found = classify(400, &HeaderMap::new(), body.as_bytes(), SystemTime::UNIX_EPOCH);
    assert!(found.cause.message.chars().count() <= 501);
    let found = classify(400, &HeaderMap::new(), b"a\x1b[31mb", SystemTime::UNIX_EPOCH);
    assert!(!found.cause.message.contains('\u{1b}'));
}
