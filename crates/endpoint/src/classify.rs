//! What a refusal means: one pure function from status, headers and body to a cause and a decision.

use std::time::SystemTime;

use reqwest::header::HeaderMap;
use serde_json::Value;
use undersight_core::text::excerpt;
use undersight_core::{Cause, CauseKind};

use crate::client::Decision;
use crate::wait::requested_wait;

/// Characters of a provider's message that are kept.
const MESSAGE_CHARS: usize = 500;

/// How LiteLLM goes on after its upstream's words. Its own say `model` whatever happened.
const TRAILER: &str = "\n\nLiteLLM: ";

/// What LiteLLM's Gemini route puts before a refusal of its upstream, which it makes a 500 whatever it was. The name of
/// LiteLLM's own class for it follows.
const WRAPPED: &str = "Error calling litellm.acompletion for generate_content: litellm.";

/// What follows from a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The call failed.
    Failure(Decision),
    /// The provider's filter withheld the reply: a settled outcome, not a failure.
    Blocked,
}

/// A refusal, classified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    /// What happened, in the provider's words.
    pub cause: Cause,
    /// What follows from it.
    pub meaning: Meaning,
}

/// Classifies a reply whose status is not a success.
#[must_use]
pub fn classify(status: u16, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Classified {
    if (300..400).contains(&status) {
        return redirected(status, headers);
    }
    let said = Said::read(body).under(headers);
    let wait = requested_wait(headers, &said.wait, now);
    let meant = if status == 500 { wrapped(&said.message) } else { None };
    let mut found = said.judge(meant.unwrap_or(status), wait);
    found.cause.http_status = Some(status);
    found
}

/// Classifies an error that came with status 200; its code, or its type, stands for the status.
pub(crate) fn classify_error(error: &Value) -> Classified {
    let said = Said::of(error);
    let wait = requested_wait(&HeaderMap::new(), &said.wait, SystemTime::now());
    let mut found = said.judge(said.status().unwrap_or(200), wait);
    found.cause.http_status = Some(200);
    found
}

fn redirected(status: u16, headers: &HeaderMap) -> Classified {
    let host = headers
        .get("location")
        .and_then(|v| v.to_str().ok())
        .map(|target| match reqwest::Url::parse(target) {
            Ok(url) => url.host_str().unwrap_or("an address without a host").to_owned(),
            Err(_) => "another path on the same host".to_owned(),
        })
        .unwrap_or_else(|| "nowhere".to_owned());
    Classified {
        cause: Cause {
            kind: CauseKind::BadRequest,
            http_status: Some(status),
            message: format!("redirected to {}; redirects are not followed", excerpt(&host, 120)),
        },
        meaning: Meaning::Failure(Decision::Never),
    }
}

/// The members of an error that matter, whatever its shape.
#[derive(Debug, Default)]
struct Said {
    message: String,
    code: String,
    /// Codes and types: its own, and those of an error it quotes.
    codes: Vec<String>,
    param: String,
    /// What may name a wait: the message, and Google's detail put into words.
    wait: String,
    /// Google's word that what ran out is a day's quota.
    daily: bool,
    /// Codes and message in lower case, to search.
    lower: String,
}

impl Said {
    fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => {
                // Google wraps its error in a list.
                let value = value.get(0).cloned().unwrap_or(value);
                match value.get("error").or_else(|| value.get("detail")) {
                    Some(error) => Self::of(error),
                    None => Self::of(&value),
                }
            }
            Err(_) if body.trim_ascii_start().first() == Some(&b'<') => {
                Self::of(&Value::String("the server answered with a web page".to_owned()))
            }
            Err(_) => Self::of(&Value::String(String::from_utf8_lossy(body).into_owned())),
        }
    }

    fn of(error: &Value) -> Self {
        let message = match error {
            Value::String(s) => s.clone(),
            Value::Array(items) => items.iter().map(one_detail).collect::<Vec<_>>().join("; "),
            Value::Object(_) => ["message", "msg", "error", "detail"]
                .into_iter()
                .map(|name| word(error, name))
                .find(|m| !m.is_empty())
                .unwrap_or_default(),
            _ => String::new(),
        };
        let quoted = quoted(&message);
        let either = || [Some(error), quoted.as_ref()].into_iter().flatten();
        let details = || error.get("details").and_then(Value::as_array).into_iter().flatten();
        let codes: Vec<String> = either()
            .flat_map(|e| [word(e, "code"), word(e, "type"), word(e, "status")])
            .chain(details().map(|detail| word(detail, "reason")))
            .collect();
        let param = either().map(|e| word(e, "param")).find(|p| !p.is_empty()).unwrap_or_default();
        let words = message.split(TRAILER).next().unwrap_or_default();
        let lower = format!("{}\n{}\n{words}", codes.join("\n"), nested(error)).to_ascii_lowercase();
        let delay = details().find_map(|detail| detail.get("retryDelay")?.as_str());
        let wait = delay.map_or_else(|| message.clone(), |delay| format!("retry in {delay}. {message}"));
        let mut limits = details().filter_map(|detail| detail.get("violations")?.as_array()).flatten();
        let daily = limits.any(|limit| word(limit, "quotaId").contains("PerDay"));
        Self { code: word(error, "code"), message, codes, param, wait, daily, lower }
    }

    /// Amazon names an error in a header: `ThrottlingException:http://...`.
    fn under(mut self, headers: &HeaderMap) -> Self {
        let named = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
        if let Some(name) = named.and_then(|value| value.split(':').next()) {
            self.codes.push(name.to_owned());
        }
        self
    }

    /// The status that the error's own members stand for.
    fn status(&self) -> Option<u16> {
        let number = self.code.parse().ok().filter(|status| (400..600).contains(status));
        number.or_else(|| {
            [
                (400, &["invalid_request_error", "invalid_argument", "failed_precondition"][..]),
                (401, &["authentication_error", "unauthenticated"]),
                (402, &["billing_error"]),
                (403, &["permission_error", "permission_denied"]),
                (404, &["not_found_error", "not_found"]),
                (413, &["request_too_large"]),
                (429, &["rate_limit_error", "resource_exhausted"]),
                (504, &["timeout_error", "deadline_exceeded"]),
            ]
            .into_iter()
            .find_map(|(status, types)| self.coded(types).then_some(status))
        })
    }

    fn has(&self, any: &[&str]) -> bool {
        any.iter().any(|needle| self.lower.contains(needle))
    }

    fn coded(&self, any: &[&str]) -> bool {
        self.codes.iter().any(|code| any.iter().any(|c| code.eq_ignore_ascii_case(c)))
    }

    fn judge(&self, status: u16, wait: Option<std::time::Duration>) -> Classified {
        let (kind, meaning) = self.meaning(status, wait);
        let message = excerpt(&self.message, MESSAGE_CHARS);
        let message = if message.is_empty() { format!("status {status} without a message") } else { message };
        Classified { cause: Cause { kind, http_status: Some(status), message }, meaning }
    }

    /// The order matters: the words say more than the status, and statuses are misused.
    fn meaning(&self, status: u16, wait: Option<std::time::Duration>) -> (CauseKind, Meaning) {
        use CauseKind as K;
        const NEVER: Meaning = Meaning::Failure(Decision::Never);
        let limited = Meaning::Failure(Decision::RateLimited(wait));
        let again = if wait.is_some() { limited } else { Meaning::Failure(Decision::Transient) };
        if self.blocked(status) {
            (K::BadRequest, Meaning::Blocked)
        } else if self.out_of_credit(status) {
            (K::Quota, NEVER)
        } else if self.too_long(status) {
            (K::ContextLength, NEVER)
        } else if self.refused(status) {
            (K::Auth, NEVER)
        } else if self.unknown_model(status) {
            (K::UnknownModel, NEVER)
        } else if status == 429
            || (status == 200 && self.has(&["rate limit", "rate_limit", "too many requests"]))
            || (status == 400 && self.coded(&["rate_limit_exceeded", "throttlingexception"]))
        {
            (K::RateLimited, limited)
        } else {
            match status {
                408 | 504 => (K::Timeout, again),
                409 | 424 | 425 | 200 | 500.. => (K::Server, again),
                _ => (K::BadRequest, NEVER),
            }
        }
    }

    fn blocked(&self, status: u16) -> bool {
        matches!(status, 200 | 400 | 403 | 422 | 451)
            && (self.coded(&["content_filter", "content_policy_violation", "data_inspection_failed"])
                || self.has(&[
                    "responsibleaipolicyviolation",
                    "contentpolicyviolation",
                    "content management policy",
                    "violating our usage policy",
                    "violates our usage policies",
                    "your input was flagged",
                    "flagged by moderation",
                    "rejected as a result of our safety system",
                    "output blocked by content filtering policy",
                ]))
    }

    fn out_of_credit(&self, status: u16) -> bool {
        status == 402
            || self.daily
            || self.coded(&[
                "insufficient_quota",
                "billing_hard_limit_reached",
                "billing_not_active",
                "billing_error",
                "servicequotaexceededexception",
            ])
            || (matches!(status, 200 | 400 | 403 | 429)
                && self.has(&[
                    "insufficient balance",
                    "insufficient credits",
                    "credit balance is too low",
                    "credits are depleted",
                    "funds are depleted",
                    "reached your specified api usage limits",
                    "please enable billing",
                ]))
    }

    fn too_long(&self, status: u16) -> bool {
        // vLLM names max_tokens when the reply's limit, not the prompt, is too large: a setting, not this prompt.
        !matches!(status, 401 | 403 | 404 | 429)
            && self.param != "max_tokens"
            && (self.param == "input_tokens"
                || self.coded(&["context_length_exceeded", "exceed_context_size_error"])
                || self.has(&[
                    "maximum context length",
                    "contextwindowexceeded",
                    "context_length_exceeded",
                    "exceeds the available context size",
                    "exceeds the context window",
                    "exceeds the model's context",
                    "exceed context limit",
                    "prompt is too long",
                    "exceeds the maximum number of tokens",
                    "input is too long",
                ]))
    }

    fn refused(&self, status: u16) -> bool {
        matches!(status, 401 | 403)
            || (matches!(status, 200 | 400)
                && (self.coded(&[
                    "no_db_connection",
                    "invalid_api_key",
                    "api_key_invalid",
                    "authentication_error",
                    "accessdeniedexception",
                    "expiredtokenexception",
                    "unrecognizedclientexception",
                ]) || self.has(&[
                    "no connected db",
                    "api key not valid",
                    "incorrect api key",
                    "invalid api key",
                    "user location is not supported",
                ])))
    }

    fn unknown_model(&self, status: u16) -> bool {
        status == 404
            || (matches!(status, 200 | 400 | 422)
                && (self.coded(&["model_not_found"])
                    || self.has(&[
                        "invalid model name",
                        "model identifier is invalid",
                        "model_not_found",
                        "is not a valid model",
                        "unknown model",
                    ])
                    || (self.has(&["model"])
                        && self.has(&["does not exist", "model not exist", "not found"]))))
    }
}

/// A member as text; empty when it is not there.
fn word(error: &Value, name: &str) -> String {
    match error.get(name) {
        Some(Value::String(s)) => s.clone(),
        Some(Value::Number(n)) => n.to_string(),
        _ => String::new(),
    }
}

/// The error a proxy relays by quoting its JSON within the message, under codes of the proxy's own.
fn quoted(message: &str) -> Option<Value> {
    let json = &message[message.find('{')?..];
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Value>();
    values.next()?.ok()?.get_mut("error").map(Value::take)
}

/// The status of the refusal that a 500 wraps; `None` where the upstream, too, failed for a while.
fn wrapped(message: &str) -> Option<u16> {
    let name = message.split_once(WRAPPED)?.1.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
    Some(match name {
        "BadRequestError" | "ContentPolicyViolationError" | "UnsupportedParamsError" => 400,
        "AuthenticationError" => 401,
        "PermissionDeniedError" => 403,
        "NotFoundError" => 404,
        "UnprocessableEntityError" => 422,
        _ => return None,
    })
}

/// A validation detail: its message and where it applies.
fn one_detail(item: &Value) -> String {
    let message = item.get("msg").or_else(|| item.get("message")).and_then(Value::as_str);
    let place = item.get("loc").and_then(Value::as_array).map(|loc| {
        loc.iter()
            .map(|l| l.as_str().map_or_else(|| l.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(".")
    });
    match (message, place) {
        (Some(message), Some(place)) => format!("{message} ({place})"),
        (Some(message), None) => message.to_owned(),
        _ => item.as_str().map_or_else(|| item.to_string(), str::to_owned),
    }
}

/// What routers and clouds put one level deeper: the inner code of Azure, the upstream's words of OpenRouter.
fn nested(error: &Value) -> String {
    let inner = |path: &str| error.pointer(path).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}", inner("/innererror/code"), inner("/metadata/raw"))
}
