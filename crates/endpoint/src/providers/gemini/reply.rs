//! The members of a Gemini reply, whole or one chunk of a stream, and the draft both are gathered in, so that they
//! cannot read differently.

use serde::Deserialize;
use serde_json::Value;
use undersight_core::{FinishReason, Part, Usage};

use crate::providers::wire::{Reading, WireReply, believed};
use crate::providers::{documented, lenient};
use crate::trace::extract;

/// A whole reply or one chunk of a stream.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body {
    #[serde(default, deserialize_with = "lenient::list")]
    candidates: Option<Vec<Candidate>>,
    #[serde(default)]
    prompt_feedback: Option<Feedback>,
    #[serde(default)]
    usage_metadata: Option<WireUsage>,
    #[serde(default, deserialize_with = "lenient::text")]
    model_version: Option<String>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default, deserialize_with = "lenient::count")]
    index: Option<u64>,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default, deserialize_with = "lenient::text")]
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
struct Content {
    #[serde(default, deserialize_with = "lenient::list")]
    parts: Option<Vec<Piece>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Piece {
    #[serde(default, deserialize_with = "lenient::text")]
    text: Option<String>,
    #[serde(default)]
    thought: Option<Value>,
    #[serde(default, deserialize_with = "lenient::text")]
    thought_signature: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    #[serde(default, deserialize_with = "lenient::text")]
    block_reason: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct WireUsage {
    #[serde(default, deserialize_with = "lenient::count")]
    prompt_token_count: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    candidates_token_count: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    thoughts_token_count: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cached_content_token_count: Option<u64>,
}

/// Everything gathered from a reply so far.
#[derive(Default)]
pub(super) struct Draft {
    thought: String,
    signature: String,
    content: String,
    finish: Option<String>,
    /// The prompt itself was refused.
    refused: bool,
    model: Option<String>,
    usage: Option<WireUsage>,
    choices: u32,
}

impl Draft {
    /// Whether any candidate arrived, or the word that there will be none.
    pub(super) const fn answered(&self) -> bool {
        self.choices > 0 || self.refused
    }

    /// Whether it was said why it stopped.
    pub(super) const fn finished(&self) -> bool {
        self.finish.is_some() || self.refused
    }

    /// Adds a whole reply or a chunk. Of several candidates only the first counts: we never ask for more.
    pub(super) fn absorb(&mut self, body: Body) {
        self.model = body.model_version.filter(|m| !m.is_empty()).or(self.model.take());
        self.usage = body.usage_metadata.or(self.usage.take());
        self.refused |= body.prompt_feedback.and_then(|f| f.block_reason).is_some_and(|r| !r.is_empty());
        for candidate in body.candidates.unwrap_or_default() {
            let index = u32::try_from(candidate.index.unwrap_or(0)).unwrap_or(u32::MAX);
            self.choices = self.choices.max(index.saturating_add(1));
            if index != 0 {
                continue;
            }
            self.finish = candidate.finish_reason.filter(|f| !f.is_empty()).or(self.finish.take());
            for piece in candidate.content.and_then(|c| c.parts).unwrap_or_default() {
                let thought = piece.thought == Some(Value::Bool(true));
                let to = if thought { &mut self.thought } else { &mut self.content };
                to.push_str(&piece.text.unwrap_or_default());
                self.signature.push_str(&piece.thought_signature.unwrap_or_default());
            }
        }
    }

    /// Divides what was gathered into trace and answer.
    pub(super) fn reply(self, reading: &Reading<'_>) -> WireReply {
        let finish = match self.finish.as_deref() {
            _ if self.refused => FinishReason::ContentFilter,
            Some(word) => finish(word),
            None => FinishReason::Unknown,
        };
        let usage = self.usage.unwrap_or_default();
        // A signature holds the thought itself. There is one as well where there was none to hold.
        let left_out = self.thought.is_empty() && usage.thoughts_token_count.is_some_and(|n| n > 0);
        let sealed = if left_out { self.signature } else { String::new() };
        let parts = [("thought", self.thought), ("thought.encrypted", sealed), ("content", self.content)]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(field, text)| Part { field: field.to_owned(), text })
            .collect();
        let model = self.model.as_deref().unwrap_or(reading.model);
        let claim = documented::claim(reading.row, model, None);
        let extraction = extract(parts, &finish, reading.hint, claim);
        WireReply {
            blocked: finish == FinishReason::ContentFilter,
            finish,
            returned_model: self.model,
            fingerprint: None,
            usage: believed(usage.counts(), &extraction),
            billed: None,
            choices: self.choices,
            extraction,
        }
    }
}

/// Google's words for the end. What its filters withhold has many names.
fn finish(word: &str) -> FinishReason {
    match word {
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "IMAGE_SAFETY"
        | "MODEL_ARMOR" => FinishReason::ContentFilter,
        "FINISH_REASON_UNSPECIFIED" => FinishReason::Unknown,
        other => FinishReason::from_wire(Some(&other.to_ascii_lowercase())),
    }
}

impl WireUsage {
    /// Thoughts are counted, and charged, beside the candidates.
    fn counts(&self) -> Usage {
        let output = [self.candidates_token_count, self.thoughts_token_count].into_iter().flatten();
        Usage {
            input: self.prompt_token_count,
            output: output.reduce(u64::saturating_add),
            reasoning: self.thoughts_token_count,
            cached: self.cached_content_token_count,
        }
    }
}
