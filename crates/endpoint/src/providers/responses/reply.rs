//! The response object, whole or the last of a stream, to everything it says.

use serde::Deserialize;
use serde_json::Value;
use undersight_core::{Extraction, FinishReason, Part, Usage};

use super::output::{Item, Kind, Piece, pieces};
use crate::classify::Classified;
use crate::providers::wire::{Reading, WireReply, believed, error_within, is_error, malformed};
use crate::providers::{documented, lenient};
use crate::trace::{Claim, extract};

/// A response object.
#[derive(Deserialize, Default)]
pub(super) struct Body {
    #[serde(default, deserialize_with = "lenient::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    output: Option<Vec<Item>>,
    #[serde(default)]
    incomplete_details: Option<Incomplete>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize, Default)]
struct Incomplete {
    #[serde(default, deserialize_with = "lenient::text")]
    reason: Option<String>,
}

#[derive(Deserialize, Default)]
struct WireUsage {
    #[serde(default, deserialize_with = "lenient::count")]
    input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    output_tokens: Option<u64>,
    #[serde(default)]
    input_tokens_details: Option<Details>,
    #[serde(default)]
    output_tokens_details: Option<Details>,
}

#[derive(Deserialize, Default)]
struct Details {
    #[serde(default, deserialize_with = "lenient::count")]
    cached_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    reasoning_tokens: Option<u64>,
}

impl Body {
    /// Whether it is a response object at all, failed or not.
    pub(super) fn is_response(&self) -> bool {
        self.output.is_some() || self.status.is_some()
    }

    /// What went wrong, where it says so.
    pub(super) fn error(&self) -> Option<&Value> {
        self.error.as_ref().filter(|error| is_error(error))
    }

    /// The response of the event that ended a stream, which says how where the response does not.
    pub(super) fn ended_by(mut self, event: &str) -> Self {
        // vLLM ends every stream with `completed`, also those whose response is incomplete: the response is believed.
        if self.status.is_none() || event == "response.failed" {
            self.status = event.strip_prefix("response.").map(str::to_owned);
            if event == "response.failed" && self.error().is_none() {
                self.error = Some(Value::from("the response failed, without a reason"));
            }
        }
        self
    }

    /// A response whose stream was closed without a word on how it ended.
    pub(super) fn left_open(mut self) -> Self {
        self.status = None;
        self
    }

    /// Takes over the model's name from where the stream began.
    pub(super) fn or_model_of(mut self, begun: Option<Self>) -> Self {
        self.model = self.model.or_else(|| begun.and_then(|b| b.model));
        self
    }

    /// Divides the output into trace and answer. What a stream brought stands in for what its last response leaves out.
    pub(super) fn reply(
        mut self,
        streamed: Vec<Piece>,
        reading: &Reading<'_>,
    ) -> Result<WireReply, Box<Classified>> {
        if let Some(error) = self.error() {
            return Err(error_within(error));
        }
        let status = self.status.take().unwrap_or_default();
        if matches!(status.as_str(), "queued" | "in_progress") {
            return Err(malformed(format!("the response is not finished but {status}")));
        }
        let usage = self.usage.take().unwrap_or_default();
        let finish = finish(&status, self.incomplete_details.take(), &usage, reading);
        let said = completed_by(pieces(self.output.take().unwrap_or_default()), streamed);
        let extraction = divide(said, &finish, self.model.as_deref(), reading);
        Ok(WireReply {
            blocked: finish == FinishReason::ContentFilter,
            finish,
            returned_model: self.model.filter(|m| !m.is_empty()),
            fingerprint: None,
            usage: usage.counts(&extraction),
            billed: None,
            choices: 1,
            extraction,
        })
    }
}

fn finish(status: &str, why: Option<Incomplete>, usage: &WireUsage, reading: &Reading<'_>) -> FinishReason {
    let capped = reading.max_tokens.zip(usage.output_tokens).is_some_and(|(cap, n)| n >= u64::from(cap));
    match status {
        "" => FinishReason::Unknown,
        // Some servers (transformers, llama.cpp) call every response completed, also one that reached its limit.
        "completed" if capped => FinishReason::Length,
        "completed" => FinishReason::Stop,
        "incomplete" => match why.and_then(|w| w.reason).as_deref() {
            // Not everyone says why; the limit is the usual reason.
            None | Some("" | "max_output_tokens") => FinishReason::Length,
            other => FinishReason::from_wire(other),
        },
        // A failed response names its error, as the reference has it. One that does not was filtered: aimock.
        "failed" => FinishReason::ContentFilter,
        other => FinishReason::from_wire(Some(other)),
    }
}

/// The texts of the last response and, of each sort it has none of, those that the stream brought.
fn completed_by(last: Vec<Piece>, streamed: Vec<Piece>) -> Vec<Piece> {
    const fn sort(kind: Kind) -> u8 {
        match kind {
            Kind::Own | Kind::Summary => 0,
            Kind::Encrypted => 1,
            Kind::Answer => 2,
            Kind::Refusal => 3,
        }
    }
    let mut missing = streamed;
    missing.retain(|piece| !last.iter().any(|p| sort(p.kind) == sort(piece.kind)));
    let (mut said, after): (Vec<Piece>, Vec<Piece>) = if last.is_empty() {
        (missing, Vec::new())
    } else {
        missing.into_iter().partition(|piece| sort(piece.kind) < 2)
    };
    said.extend(last);
    said.extend(after);
    said
}

fn divide(
    mut said: Vec<Piece>,
    finish: &FinishReason,
    model: Option<&str>,
    reading: &Reading<'_>,
) -> Extraction {
    let claim = if said.iter().any(|piece| piece.kind == Kind::Own) {
        // A summary of what is there as well would be a second trace of the same thought.
        said.retain(|piece| piece.kind != Kind::Summary);
        documented::claim(reading.row, model.unwrap_or(reading.model), None)
    } else {
        Claim::Summary
    };
    let parts = said.into_iter().map(|Piece { kind, text }| Part { field: field(kind).to_owned(), text });
    extract(parts.collect(), finish, reading.hint, claim)
}

/// Where a text is in the response; extraction goes by these names.
const fn field(kind: Kind) -> &'static str {
    match kind {
        Kind::Own => "reasoning.content",
        Kind::Summary => "reasoning.summary",
        Kind::Encrypted => "reasoning.encrypted_content",
        Kind::Answer => "content",
        Kind::Refusal => "refusal",
    }
}

impl WireUsage {
    fn counts(&self, extraction: &Extraction) -> Usage {
        let said = Usage {
            input: self.input_tokens,
            output: self.output_tokens,
            reasoning: self.output_tokens_details.as_ref().and_then(|d| d.reasoning_tokens),
            cached: self.input_tokens_details.as_ref().and_then(|d| d.cached_tokens),
        };
        believed(said, extraction)
    }
}
