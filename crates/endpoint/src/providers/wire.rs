//! What every wire format implements: a request to bytes, and the bytes of a reply, whole or streamed, to everything
//! known about it. Pure: no format knows how bytes travel.

use reqwest::Url;
use serde_json::Value;
use undersight_core::arm::TraceHint;
use undersight_core::text::excerpt;
use undersight_core::{Cause, CauseKind, Extraction, FinishReason, NanoUsd, Provenance, SimTruth, Usage};

use super::table::Row;
use crate::classify::{Classified, Meaning, classify_error};
use crate::client::{ChatRequest, Decision, Exchange, Reply};
use crate::sse;

/// The wire formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Style {
    /// OpenAI's chat completions, and what half the world made of them.
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
    /// Google's `generateContent`.
    Gemini,
    /// Amazon Bedrock's Converse.
    Converse,
}

impl Style {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Chat, Self::Responses, Self::Messages, Self::Gemini, Self::Converse];

    /// As documentation calls it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Chat => "OpenAI chat completions",
            Self::Responses => "OpenAI Responses",
            Self::Messages => "Anthropic Messages",
            Self::Gemini => "Gemini generateContent",
            Self::Converse => "Bedrock Converse",
        }
    }

    /// Its implementation.
    #[must_use]
    pub fn wire(self) -> &'static dyn Wire {
        match self {
            Self::Chat => &super::chat::Chat,
            Self::Responses => &super::responses::Responses,
            Self::Messages => &super::messages::Messages,
            Self::Gemini => &super::gemini::Gemini,
            Self::Converse => &super::converse::Converse,
        }
    }
}

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Whose habits apply.
    pub row: &'a Row,
    /// The model's name as the provider knows it.
    pub model: &'a str,
    /// What is asked.
    pub request: &'a ChatRequest,
    /// Whether the reply is to be streamed.
    pub stream: bool,
}

/// What is known when a reply is read.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Whose habits apply.
    pub row: &'a Row,
    /// The model asked for, as the provider knows it.
    pub model: &'a str,
    /// Where the trace is expected.
    pub hint: Option<TraceHint>,
    /// The reply's limit that was asked for: some servers call a reply complete that ended there.
    pub max_tokens: Option<u32>,
}

impl<'a> Reading<'a> {
    /// What is known when the reply to an ask is read.
    #[must_use]
    pub fn of(ask: &Ask<'a>) -> Self {
        Self {
            row: ask.row,
            model: ask.model,
            hint: ask.request.trace,
            max_tokens: ask.request.params.max_tokens,
        }
    }
}

/// One wire format.
pub trait Wire: Send + Sync {
    /// The address to call below a base URL. What a base URL already ends in is not said twice; its query is kept.
    fn address(&self, base: &Url, model: &str, stream: bool) -> Url;

    /// The body of a request. Only what is set and taken is sent.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    fn write(&self, ask: &Ask<'_>) -> Result<Vec<u8>, serde_json::Error>;

    /// Reads one whole reply.
    ///
    /// # Errors
    /// When the body is no reply, or is an error sent with status 200.
    fn whole(&self, body: &[u8], reading: &Reading<'_>) -> Result<WireReply, Box<Classified>>;

    /// Reads the bytes of a whole stream; what it held is read as if it had come whole.
    ///
    /// # Errors
    /// As [`Self::whole`]; also when the stream ended before the reply did.
    fn streamed(&self, bytes: &[u8], reading: &Reading<'_>) -> Result<WireReply, Box<Classified>>;

    /// Whether the bytes of a stream received so far are all that is worth waiting for.
    fn finished(&self, bytes: &[u8]) -> bool {
        sse::finished(bytes)
    }

    /// Whether a successful body is a stream, by what it is declared to be and what it looks like.
    fn is_stream(&self, content_type: &[u8], body: &[u8]) -> bool {
        let declared = content_type.to_ascii_lowercase().starts_with(b"text/event-stream");
        // Some servers declare a stream and send one JSON object, mostly an error.
        let object = body.trim_ascii_start().first() == Some(&b'{');
        sse::looks_like_stream(body) || (declared && !object)
    }
}

/// What the body of a reply says: a [`Reply`] without what only the exchange knows.
#[derive(Debug, Clone, PartialEq)]
pub struct WireReply {
    /// Trace and answer over the raw text.
    pub extraction: Extraction,
    /// Why generation ended.
    pub finish: FinishReason,
    /// Withheld by the provider's filter.
    pub blocked: bool,
    /// The model the provider says answered.
    pub returned_model: Option<String>,
    /// The provider's build fingerprint.
    pub fingerprint: Option<String>,
    /// Tokens.
    pub usage: Usage,
    /// What the provider says it charged.
    pub billed: Option<NanoUsd>,
    /// How many replies came; only the first is read.
    pub choices: u32,
}

impl WireReply {
    /// What a provider's filter leaves when it refuses the request with an error instead of a reply.
    #[must_use]
    pub fn withheld() -> Self {
        Self {
            extraction: Extraction::none(),
            finish: FinishReason::ContentFilter,
            blocked: true,
            returned_model: None,
            fingerprint: None,
            usage: Usage::default(),
            billed: None,
            choices: 0,
        }
    }

    /// Completes it with what the exchange knows.
    #[must_use]
    pub fn into_reply(self, exchange: Exchange, sim_truth: Option<SimTruth>) -> Reply {
        Reply {
            extraction: self.extraction,
            finish: self.finish,
            blocked: self.blocked,
            returned_model: self.returned_model,
            fingerprint: self.fingerprint,
            usage: self.usage,
            billed: self.billed,
            choices: self.choices,
            exchange,
            sim_truth,
        }
    }
}

/// Counts without the zeros that cannot be true: a prompt has tokens, so has a text that arrived, and so has a trace.
/// Where the prompt is said to have none, nothing was counted.
pub(super) fn believed(usage: Usage, extraction: &Extraction) -> Usage {
    let some_text = extraction.parts.iter().any(|p| !p.text.is_empty());
    let reasoned = extraction.provenance != Provenance::Absent;
    Usage {
        input: usage.input.filter(|n| *n > 0),
        output: usage.output.filter(|n| *n > 0 || !(some_text || usage.input == Some(0))),
        reasoning: usage.reasoning.filter(|n| *n > 0 || !reasoned),
        cached: usage.cached,
    }
}

/// A filter's refusal is a reply of its kind, everything else stays an error.
pub(super) fn blocked_or(error: Box<Classified>) -> Result<WireReply, Box<Classified>> {
    if error.meaning == Meaning::Blocked { Ok(WireReply::withheld()) } else { Err(error) }
}

/// An error object (or string) in a body that came with status 200.
pub(super) fn error_within(error: &Value) -> Box<Classified> {
    Box::new(classify_error(error))
}

/// Whether an `error` member says that there is one.
pub(super) fn is_error(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(s) => !s.is_empty(),
        Value::Object(o) => !o.is_empty(),
        _ => true,
    }
}

fn cause(kind: CauseKind, message: String) -> Cause {
    Cause { kind, http_status: Some(200), message }
}

/// A stream that broke off.
pub(super) fn ended() -> Box<Classified> {
    Box::new(Classified {
        cause: cause(CauseKind::Disconnected, "the stream ended before the reply did".to_owned()),
        meaning: Meaning::Failure(Decision::Transient),
    })
}

/// A body that can be read but is no reply.
pub(super) fn malformed(message: String) -> Box<Classified> {
    Box::new(Classified {
        cause: cause(CauseKind::Malformed, message),
        meaning: Meaning::Failure(Decision::Transient),
    })
}

/// Says what arrived instead of JSON.
pub(super) fn unreadable(body: &[u8], error: &serde_json::Error) -> Box<Classified> {
    let start = body.trim_ascii_start();
    if start.first() == Some(&b'<') {
        return Box::new(Classified {
            cause: cause(
                CauseKind::Malformed,
                "the reply is a web page, not JSON; is the base URL right (most end in /v1)?".to_owned(),
            ),
            meaning: Meaning::Failure(Decision::Never),
        });
    }
    if start.is_empty() {
        return malformed("the reply is empty".to_owned());
    }
    let shown = excerpt(&String::from_utf8_lossy(&start[..start.len().min(400)]), 120);
    malformed(format!("the reply cannot be read ({error}): {shown}"))
}

/// Feeds the data of each event of a stream to `feed`, which returns `true` once the reply is complete. Half an event
/// at the very end means that the sender hung up within it.
pub(super) fn each_event(
    bytes: &[u8],
    mut feed: impl FnMut(&[u8]) -> Result<bool, Box<Classified>>,
) -> Result<(), Box<Classified>> {
    let mut events = sse::events(bytes).peekable();
    while let Some(event) = events.next() {
        let data = event.trim_ascii();
        if data.is_empty() {
            continue;
        }
        match feed(data) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => {
                let torn = events.peek().is_none() && !bytes.ends_with(b"\n");
                let cut = torn && error.cause.kind == CauseKind::Malformed;
                return Err(if cut { ended() } else { error });
            }
        }
    }
    Ok(())
}

/// A path below a base URL; a base URL that already ends in it stays. The query is kept, the fragment is not.
pub(super) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_fragment(None);
    let so_far = url.path().trim_end_matches('/').to_owned();
    if so_far.ends_with(path) {
        url.set_path(&so_far);
    } else {
        url.set_path(&format!("{so_far}{path}"));
    }
    url
}
