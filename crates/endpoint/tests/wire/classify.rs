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

/// Its Gemini route makes a 500 of every refusal but two (429 and the context's limit), with the words of the real one.
#[test]
fn litellm_wraps() {
    let body = |words: &str| {
        let message = format!(
            "litellm.APIConnectionError: APIConnectionError: OpenAIException - Error calling litellm.acompletion \
             for generate_content: litellm.{words}\n\nLiteLLM: model group 'm' failed with the error above."
        );
        json!({ "error": { "message": message, "type": "internal_server_error", "param": null, "code": "500" } })
            .to_string()
    };
    let filter = r#"BadRequestError: Hosted_vllmException - {"error":{"message":"rejected","type":"content_policy_violation","param":null,"code":400}}"#;
    check(500, &[], &body(filter), K::BadRequest, Meaning::Blocked, "rejected");
    let key = "AuthenticationError: AuthenticationError: OpenAIException - Error code: 401 - {'error': 'Unauthorized'}";
    check(500, &[], &body(key), K::Auth, NEVER, "Unauthorized");
    let key = "BadRequestError: OpenAIException - incorrect API key provided";
    check(500, &[], &body(key), K::Auth, NEVER, "incorrect");
    let model = "NotFoundError: NotFoundError: OpenAIException - the model `absent` does not exist";
    check(500, &[], &body(model), K::UnknownModel, NEVER, "absent");
    let down = "ServiceUnavailableError: ServiceUnavailableError: OpenAIException - the engine is not ready";
    check(500, &[], &body(down), K::Server, AGAIN, "not ready");
    // Only the first name is LiteLLM's: what follows it may be anybody's text.
    let said = "InternalServerError: x - Error calling litellm.acompletion for generate_content: litellm.NotFoundError";
    check(500, &[], &body(said), K::Server, AGAIN, "NotFoundError");
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

#[test]
fn anthropic() {
    let error = |kind: &str, message: &str| {
        format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#)
    };
    check(529, &[], &error("overloaded_error", "Overloaded"), K::Server, AGAIN, "Overloaded");
    check(429, &[("retry-after", "7")], &error("rate_limit_error", "slow"), K::RateLimited, wait(7), "slow");
    let long = "prompt is too long: 9000 tokens > 512 maximum";
    check(400, &[], &error("invalid_request_error", long), K::ContextLength, NEVER, "9000");
    check(400, &[], &error("invalid_request_error", "temperature: no"), K::BadRequest, NEVER, "temperature");
    check(401, &[], &error("authentication_error", "invalid x-api-key"), K::Auth, NEVER, "x-api-key");
    check(403, &[], &error("permission_error", "not for this key"), K::Auth, NEVER, "not for");
    check(404, &[], &error("not_found_error", "model: claude-x"), K::UnknownModel, NEVER, "claude-x");
    let broke = "Your credit balance is too low to access the API";
    check(400, &[], &error("invalid_request_error", broke), K::Quota, NEVER, "credit");
    check(413, &[], &error("request_too_large", "too many bytes"), K::BadRequest, NEVER, "bytes");
    check(402, &[], &error("billing_error", "a matter of payment"), K::Quota, NEVER, "payment");
    let reached = "You have reached your specified API usage limits. You will regain access on 2026-12-01";
    check(400, &[], &error("invalid_request_error", reached), K::Quota, NEVER, "regain");
    let both = "input length and `max_tokens` exceed context limit: 9000 + 500 > 9200";
    check(400, &[], &error("invalid_request_error", both), K::ContextLength, NEVER, "9200");
    let filter = "Output blocked by content filtering policy";
    check(400, &[], &error("invalid_request_error", filter), K::BadRequest, Meaning::Blocked, "filtering");
    check(500, &[], &error("api_error", "Internal server error"), K::Server, AGAIN, "Internal");
    check(504, &[], &error("timeout_error", "too slow"), K::Timeout, AGAIN, "slow");
}

#[test]
fn gemini() {
    let error = |code: u16, status: &str, message: &str| {
        format!(r#"{{"error":{{"code":{code},"status":"{status}","message":"{message}"}}}}"#)
    };
    let told = r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"quota","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"21s"}]}}"#;
    check(429, &[], told, K::RateLimited, wait(21), "quota");
    check(429, &[], &format!("[{told}]"), K::RateLimited, wait(21), "quota");
    check(429, &[], &error(429, "RESOURCE_EXHAUSTED", "quota"), K::RateLimited, LIMITED, "quota");
    let key = "API key not valid. Please pass a valid API key.";
    check(400, &[], &error(400, "INVALID_ARGUMENT", key), K::Auth, NEVER, "valid");
    let long = "The input token count (9000) exceeds the maximum number of tokens allowed (512).";
    check(400, &[], &error(400, "INVALID_ARGUMENT", long), K::ContextLength, NEVER, "9000");
    let expired = r#"{"error":{"code":400,"message":"API key expired.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}"#;
    check(400, &[], expired, K::Auth, NEVER, "expired");
    let day = told.replace(
        r#"QuotaFailure"}"#,
        r#"QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}"#,
    );
    check(429, &[], &day, K::Quota, NEVER, "quota");
    check(429, &[], &day.replace("PerDay", "PerMinute"), K::RateLimited, wait(21), "quota");
    let spent = "Your prepayment credits are depleted.";
    check(429, &[], &error(429, "RESOURCE_EXHAUSTED", spent), K::Quota, NEVER, "depleted");
    let place = "User location is not supported for the API use.";
    check(400, &[], &error(400, "FAILED_PRECONDITION", place), K::Auth, NEVER, "location");
    let tier =
        "Gemini API free tier is not available in your country. Please enable billing on your project.";
    check(400, &[], &error(400, "FAILED_PRECONDITION", tier), K::Quota, NEVER, "billing");
    check(403, &[], &error(403, "PERMISSION_DENIED", "not yours"), K::Auth, NEVER, "not yours");
    let thinks = "Budget 9 is invalid. This model only works in thinking mode.";
    check(400, &[], &error(400, "INVALID_ARGUMENT", thinks), K::BadRequest, NEVER, "Budget");
    let gone = "models/gemini-0 is not found for API version v1beta";
    check(404, &[], &error(404, "NOT_FOUND", gone), K::UnknownModel, NEVER, "gemini-0");
    check(503, &[], &error(503, "UNAVAILABLE", "overloaded"), K::Server, AGAIN, "overloaded");
    check(504, &[], &error(504, "DEADLINE_EXCEEDED", "too late"), K::Timeout, AGAIN, "late");
}

#[test]
fn bedrock() {
    let named = |status: u16, name: &'static str, message: &str, kind: K, meaning: Meaning| {
        let body = json!({ "message": message }).to_string();
        let header = format!("{name}:http://internal.amazon.com/coral/com.amazon.bedrock/");
        check(status, &[("x-amzn-errortype", &header)], &body, kind, meaning, message);
        check(status, &[("x-amzn-errortype", name)], &body, kind, meaning, message);
    };
    named(429, "ThrottlingException", "Too many requests.", K::RateLimited, LIMITED);
    named(400, "ThrottlingException", "Rate exceeded", K::RateLimited, LIMITED);
    named(429, "ModelNotReadyException", "Not ready.", K::RateLimited, LIMITED);
    named(400, "ServiceQuotaExceededException", "Over the quota.", K::Quota, NEVER);
    named(400, "ValidationException", "Input is too long for requested model.", K::ContextLength, NEVER);
    named(400, "ValidationException", "The provided model identifier is invalid.", K::UnknownModel, NEVER);
    named(400, "ValidationException", "temperature: no", K::BadRequest, NEVER);
    named(403, "AccessDeniedException", "No access to the model.", K::Auth, NEVER);
    named(403, "ExpiredTokenException", "The security token is expired", K::Auth, NEVER);
    named(400, "UnrecognizedClientException", "The security token is invalid.", K::Auth, NEVER);
    named(404, "ResourceNotFoundException", "No such model.", K::UnknownModel, NEVER);
    named(408, "ModelTimeoutException", "The model took too long.", K::Timeout, AGAIN);
    named(424, "ModelErrorException", "The model failed.", K::Server, AGAIN);
    named(503, "ServiceUnavailableException", "Try again.", K::Server, AGAIN);
}

/// What comes with status 200 is judged by its own members.
#[test]
fn errors_within_replies() {
    use undersight_endpoint::providers::table;
    use undersight_endpoint::providers::wire::{Reading, Style};
    let row = table::row("anthropic").unwrap();
    let reading = Reading { row, model: "m", hint: None, max_tokens: None };
    for (error, kind, meaning) in [
        (json!({"type": "invalid_request_error", "message": "no"}), K::BadRequest, NEVER),
        (json!({"type": "authentication_error", "message": "no"}), K::Auth, NEVER),
        (json!({"type": "permission_error", "message": "no"}), K::Auth, NEVER),
        (json!({"type": "billing_error", "message": "no"}), K::Quota, NEVER),
        (json!({"type": "not_found_error", "message": "no"}), K::UnknownModel, NEVER),
        (json!({"type": "rate_limit_error", "message": "no"}), K::RateLimited, LIMITED),
        (json!({"type": "timeout_error", "message": "no"}), K::Timeout, AGAIN),
        (json!({"type": "api_error", "message": "no"}), K::Server, AGAIN),
        (json!({"type": "overloaded_error", "message": "no"}), K::Server, AGAIN),
        (json!({"status": "RESOURCE_EXHAUSTED", "message": "no"}), K::RateLimited, LIMITED),
        (json!({"status": "INVALID_ARGUMENT", "message": "no"}), K::BadRequest, NEVER),
        (json!({"status": "UNAVAILABLE", "message": "no"}), K::Server, AGAIN),
        (
            json!({"type": "invalid_request_error", "code": "rate_limit_exceeded", "message": "no"}),
            K::RateLimited,
            LIMITED,
        ),
        (json!({"type": "invalid_request_error", "code": 503, "message": "no"}), K::Server, AGAIN),
    ] {
        let body = json!({ "error": error }).to_string();
        let found = Style::Messages.wire().whole(body.as_bytes(), &reading).unwrap_err();
        assert_eq!(
            (found.cause.kind, found.meaning, found.cause.http_status),
            (kind, meaning, Some(200)),
            "{body}"
        );
    }
}
