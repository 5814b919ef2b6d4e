//! What a chat request meets: a completion, a verdict, or a fault.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::filler::{Text, VARIANTS};
use super::handle::Shared;
use super::manners::Asked;
use super::reply::{self, About, Said};
use super::verdict::Schema;
use super::{Fault, Habit, Kind, RetryAfter};

const JSON: &str = "application/json";

/// The members of a chat request that matter here.
#[derive(Debug, Deserialize)]
struct Chat<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    #[serde(rename = "messages")]
    _messages: Vec<IgnoredAny>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    #[serde(borrow)]
    response_format: Option<ResponseFormat<'a>>,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Debug, Deserialize)]
struct ResponseFormat<'a> {
    #[serde(borrow)]
    json_schema: Option<JsonSchema<'a>>,
}

#[derive(Debug, Deserialize)]
struct JsonSchema<'a> {
    #[serde(borrow)]
    schema: Schema<'a>,
}

/// A reply about to be sent.
pub(super) struct Planned {
    pub(super) kind: Kind,
    pub(super) model: Option<String>,
    /// 0: none at all.
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) header: Option<(&'static str, String)>,
    pub(super) body: Bytes,
    pub(super) delay: Duration,
    pub(super) cut: bool,
    pub(super) streamed: bool,
}

impl Planned {
    pub(super) const fn new(kind: Kind, status: u16, body: Bytes) -> Self {
        let (content_type, delay) = (JSON, Duration::ZERO);
        Self {
            kind,
            model: None,
            status,
            content_type,
            header: None,
            body,
            delay,
            cut: false,
            streamed: false,
        }
    }
}

impl Shared {
    /// What a request with this hash is told.
    pub(super) fn text(&self, hash: u64) -> &Text {
        // The remainder is below VARIANTS, so it fits.
        &self.texts[usize::try_from(hash % VARIANTS as u64).unwrap_or(0)]
    }

    /// Decides what a chat request meets.
    pub(super) fn chat(&self, body: &[u8], hash: u64) -> Planned {
        let dialect = self.config.dialect;
        let chat: Chat<'_> = match serde_json::from_slice(body) {
            Ok(chat) => chat,
            Err(error) => {
                let message = format!("unreadable request: {error}");
                let body = reply::error(dialect, 400, "invalid_request_error", "invalid_json", &message);
                return Planned::new(Kind::Other, 400, body);
            }
        };
        let asked = Asked::of(self.config.manners, body, hash, self.chats.load(Ordering::Relaxed));
        let schema = chat.response_format.as_ref().and_then(|format| format.json_schema.as_ref());
        let kind = if schema.is_some() { Kind::Judge } else { Kind::Generate };
        let unknown =
            self.config.models.as_ref().is_some_and(|known| known.iter().all(|m| **m != *chat.model));
        let mut planned = if unknown {
            let message = format!("the model `{}` does not exist", chat.model);
            Planned::new(kind, 404, reply::error(dialect, 404, "NotFoundError", "model_not_found", &message))
        } else {
            let fault = self.config.fault(self.chats.fetch_add(1, Ordering::Relaxed));
            let habit = self.config.habit(&chat.model);
            let fault = match habit {
                Some(Habit::Meets(fault, every)) => hash.is_multiple_of(every).then_some(fault),
                _ => fault,
            };
            let about = About { dialect, id: asked.hash, model: &chat.model, prompt_bytes: body.len() };
            fault.and_then(|fault| self.refusal(kind, fault)).unwrap_or_else(|| {
                let verdict = match habit {
                    Some(Habit::Says(words)) => Some(words(&last_message(body))),
                    Some(Habit::Verdict(at)) => schema.map(|s| s.schema.verdict(at)),
                    _ => schema.map(|s| s.schema.verdict(hash)),
                };
                self.answer(&chat, kind, verdict.as_deref(), &about, (fault, &asked))
            })
        };
        planned.model = Some(chat.model.into_owned());
        planned
    }

    /// The faults that are no completion at all.
    fn refusal(&self, kind: Kind, fault: Fault) -> Option<Planned> {
        let dialect = self.config.dialect;
        let error = |status, type_, message| {
            Planned::new(kind, status, reply::error(dialect, status, type_, type_, message))
        };
        Some(match fault {
            Fault::RateLimited(how) => {
                let refused = error(429, "rate_limit_exceeded", "too many requests, slow down");
                Planned { header: retry_after(how, self.config.retry_after), ..refused }
            }
            Fault::ServerError => {
                let body = Bytes::from_static(b"Internal Server Error");
                Planned { content_type: "text/plain; charset=utf-8", ..Planned::new(kind, 500, body) }
            }
            Fault::Unavailable => error(503, "service_unavailable", "the engine is not ready"),
            Fault::Overloaded => error(529, "overloaded_error", "overloaded"),
            Fault::ErrorString => {
                Planned::new(kind, 503, Bytes::from_static(b"{\"error\":\"engine is not ready\"}"))
            }
            Fault::ContextLength => error(
                400,
                "context_length_exceeded",
                "This model's maximum context length is 512 tokens. However, your prompt contains 513 input tokens.",
            ),
            Fault::Refused => {
                error(400, "content_policy_violation", "the request was rejected by the content filter")
            }
            Fault::NoCredit => error(429, "insufficient_quota", "the credit of this account is used up"),
            Fault::Html => {
                let page =
                    Bytes::from_static(b"<!doctype html><title>Sign in</title><p>Please sign in first.</p>");
                Planned { content_type: "text/html", ..Planned::new(kind, 200, page) }
            }
            Fault::Hang => Planned::new(kind, 0, Bytes::new()),
            Fault::Malformed
            | Fault::Empty
            | Fault::Truncated
            | Fault::Blocked
            | Fault::Slow
            | Fault::Cut
            | Fault::Tags
            | Fault::StrayClose => return None,
        })
    }

    /// A completion, perhaps with a fault that still is one.
    fn answer(
        &self,
        chat: &Chat<'_>,
        kind: Kind,
        verdict: Option<&str>,
        about: &About<'_>,
        (fault, asked): (Option<Fault>, &Asked),
    ) -> Planned {
        let text = self.text(about.id);
        let (trace, answer) = match verdict {
            Some(verdict) => (None, verdict),
            None => (Some(text.trace.as_str()), text.answer.as_str()),
        };
        let tagged = match fault {
            Some(Fault::Tags) => Some(format!("<think>\n{}\n</think>\n\n{answer}", trace.unwrap_or(""))),
            Some(Fault::StrayClose) => Some(format!("{}\n</think>\n\n{answer}", trace.unwrap_or(""))),
            _ => None,
        };
        let said = match (fault, &tagged) {
            (_, Some(content)) => Said { trace: None, content: Some(content), finish: "stop" },
            (Some(Fault::Empty), _) => Said { trace, content: Some(""), finish: "stop" },
            (Some(Fault::Blocked), _) => Said { trace: None, content: None, finish: "content_filter" },
            (Some(Fault::Truncated), _) => match trace {
                Some(trace) => Said { trace: Some(half(trace)), content: None, finish: "length" },
                None => Said { trace: None, content: Some(half(answer)), finish: "length" },
            },
            _ => Said { trace, content: Some(answer), finish: "stop" },
        };
        let said = asked.limited(said);
        let streamed = chat.stream == Some(true);
        let mut body = if streamed {
            about.stream(said, chat.stream_options.as_ref().is_some_and(|o| o.include_usage))
        } else {
            asked.repeated(about.whole(said))
        };
        if fault == Some(Fault::Malformed) {
            body.truncate(body.len() * 2 / 3);
        }
        Planned {
            content_type: if streamed { "text/event-stream" } else { JSON },
            delay: if fault == Some(Fault::Slow) { self.config.slow } else { Duration::ZERO },
            cut: fault == Some(Fault::Cut),
            streamed,
            ..Planned::new(kind, 200, body)
        }
    }
}

/// Content may be parts, which nobody here reads. Few requests need it, so the others are spared it.
fn last_message(body: &[u8]) -> String {
    let request: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let last = request["messages"].as_array().and_then(|messages| messages.last());
    last.and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned()
}

fn half(text: &str) -> &str {
    start(text, text.len() / 2)
}

/// As many bytes as whole characters leave.
pub(super) fn start(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn retry_after(how: RetryAfter, wait: Duration) -> Option<(&'static str, String)> {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Some(match how {
        RetryAfter::Seconds => ("retry-after", seconds.to_string()),
        RetryAfter::Date => {
            ("retry-after", httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(seconds)))
        }
        RetryAfter::Millis => ("retry-after-ms", wait.as_millis().to_string()),
        RetryAfter::Proxied => ("llm_provider-retry-after", seconds.to_string()),
        RetryAfter::Absent => return None,
    })
}
