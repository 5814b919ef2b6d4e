//! The OpenAI-style chat codec's reading half: bytes of a reply, whole or streamed, to everything known about it.

use undersight_core::arm::TraceHint;
use undersight_core::text::excerpt;
use undersight_core::{
    Cause, CauseKind, Extraction, FinishReason, NanoUsd, RawExchange, SimTruth, Timing, Usage,
};

use super::reply::{Body, Draft};
use crate::classify::{Classified, Meaning, classify_error};
use crate::client::{Decision, Reply};
use crate::sse;

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
        }
    }

    /// Completes it with what the exchange knows.
    #[must_use]
    pub fn into_reply(
        self,
        timing: Timing,
        request_id: Option<String>,
        raw: RawExchange,
        sim_truth: Option<SimTruth>,
    ) -> Reply {
        Reply {
            extraction: self.extraction,
            finish: self.finish,
            blocked: self.blocked,
            returned_model: self.returned_model,
            fingerprint: self.fingerprint,
            usage: self.usage,
            timing,
            request_id,
            raw,
            billed: self.billed,
            sim_truth,
        }
    }
}

/// Reads one whole chat completion.
///
/// # Errors
/// A [`Cause`] when the body is no chat completion, or is an error sent with status 200.
pub fn read_reply(body: &[u8], hint: Option<TraceHint>) -> Result<WireReply, Cause> {
    whole(body, hint).map_err(|c| c.cause)
}

/// Reads the bytes of a whole stream; what it held is read as if it had come whole.
///
/// # Errors
/// As [`read_reply`]; also when the stream ended before the reply did.
pub fn read_stream(bytes: &[u8], hint: Option<TraceHint>) -> Result<WireReply, Cause> {
    streamed(bytes, hint).map_err(|c| c.cause)
}

/// As [`read_reply`], with what to do about a failure.
pub(crate) fn whole(body: &[u8], hint: Option<TraceHint>) -> Result<WireReply, Box<Classified>> {
    let body: Body = serde_json::from_slice(body).map_err(|e| unreadable(body, &e))?;
    let mut assembler = StreamAssembler::default();
    match assembler.add(body) {
        Err(error) => blocked_or(error),
        Ok(()) if assembler.draft.answered => Ok(assembler.draft.reply(hint)),
        Ok(()) => {
            Err(malformed("the reply holds no choices; is this an OpenAI-style chat endpoint?".to_owned()))
        }
    }
}

/// As [`read_stream`], with what to do about a failure.
pub(crate) fn streamed(bytes: &[u8], hint: Option<TraceHint>) -> Result<WireReply, Box<Classified>> {
    let mut assembler = StreamAssembler::default();
    let mut events = sse::events(bytes).peekable();
    while let Some(event) = events.next() {
        if let Err(error) = assembler.feed(&event) {
            // Half an event at the very end: the sender hung up within it.
            let torn = events.peek().is_none() && !bytes.ends_with(b"\n");
            return if torn && error.cause.kind == CauseKind::Malformed {
                Err(ended())
            } else {
                blocked_or(error)
            };
        }
    }
    assembler.finish(hint)
}

/// A filter's refusal is a reply of its kind, everything else stays an error.
fn blocked_or(error: Box<Classified>) -> Result<WireReply, Box<Classified>> {
    if error.meaning == Meaning::Blocked { Ok(WireReply::withheld()) } else { Err(error) }
}

/// Gathers the data of stream events into one reply. Indifferent to the order of role, reasoning, content and usage
/// chunks, to empty deltas, and to a missing `[DONE]`.
#[derive(Default)]
pub struct StreamAssembler {
    draft: Draft,
    done: bool,
}

impl StreamAssembler {
    /// Adds the data of one event.
    ///
    /// # Errors
    /// When it is no chunk, or is an error.
    pub fn feed(&mut self, data: &[u8]) -> Result<(), Box<Classified>> {
        let data = data.trim_ascii();
        if data.is_empty() || self.done {
            return Ok(());
        }
        if data == b"[DONE]" {
            self.done = true;
            return Ok(());
        }
        let body: Body = serde_json::from_slice(data).map_err(|e| unreadable(data, &e))?;
        self.add(body)
    }

    fn add(&mut self, body: Body) -> Result<(), Box<Classified>> {
        let within = body.choices.iter().flatten().find_map(|c| c.error.as_ref());
        if let Some(error) = body.error.as_ref().filter(|e| is_error(e)).or(within.filter(|e| is_error(e))) {
            return Err(Box::new(classify_error(error)));
        }
        self.draft.absorb(body);
        Ok(())
    }

    /// The reply, once the stream has ended.
    ///
    /// # Errors
    /// When nothing arrived, or the stream ended before the reply did.
    pub fn finish(self, hint: Option<TraceHint>) -> Result<WireReply, Box<Classified>> {
        if !self.draft.answered {
            return Err(malformed("the stream ended without a choice".to_owned()));
        }
        if !self.done && !self.draft.finished() {
            return Err(ended());
        }
        Ok(self.draft.reply(hint))
    }
}

fn is_error(value: &serde_json::Value) -> bool {
    use serde_json::Value;
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

fn ended() -> Box<Classified> {
    Box::new(Classified {
        cause: cause(CauseKind::Disconnected, "the stream ended before the reply did".to_owned()),
        meaning: Meaning::Failure(Decision::Transient),
    })
}

fn malformed(message: String) -> Box<Classified> {
    Box::new(Classified {
        cause: cause(CauseKind::Malformed, message),
        meaning: Meaning::Failure(Decision::Transient),
    })
}

/// Says what arrived instead of JSON.
fn unreadable(body: &[u8], error: &serde_json::Error) -> Box<Classified> {
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
