//! What a Converse reply holds, whole or event by event, gathered in one draft so that both read alike.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use undersight_core::{Extraction, FinishReason, Part, Usage};

use crate::classify::Classified;
use crate::providers::documented;
use crate::providers::wire::{Reading, WireReply, believed, ended, error_within, malformed};
use crate::trace::extract;

/// Everything gathered from a reply so far.
#[derive(Default)]
pub(super) struct Draft {
    blocks: BTreeMap<u64, Block>,
    stop: Option<String>,
    usage: Option<Value>,
    begun: bool,
}

/// One block of content: text, or reasoning as text or in a form that only the model's maker reads.
#[derive(Default)]
struct Block {
    text: String,
    reasoning: String,
    signature: String,
    redacted: String,
}

impl Block {
    /// Adds a whole block or a delta of one; they differ in a level of nesting only.
    fn absorb(&mut self, part: &Value) {
        let reasoning = &part["reasoningContent"];
        let readable = reasoning.get("reasoningText").unwrap_or(reasoning);
        for (to, value) in [
            (&mut self.text, &part["text"]),
            (&mut self.reasoning, &readable["text"]),
            (&mut self.signature, &readable["signature"]),
            (&mut self.redacted, &reasoning["redactedContent"]),
        ] {
            to.push_str(value.as_str().unwrap_or_default());
        }
    }

    /// Its reasoning. The fields are named for what can be read of them.
    fn reasoning(&mut self) -> impl Iterator<Item = Part> {
        // A signature holds the reasoning itself where its text is left out.
        let unread =
            if self.reasoning.is_empty() { std::mem::take(&mut self.signature) } else { String::new() };
        [
            ("reasoningContent", std::mem::take(&mut self.reasoning)),
            ("reasoningContent.encrypted", unread),
            ("redactedContent", std::mem::take(&mut self.redacted)),
        ]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(field, text)| Part { field: field.to_owned(), text })
    }
}

impl Draft {
    /// A whole reply.
    pub(super) fn of(body: &Value) -> Self {
        let mut draft = Self { begun: true, ..Self::default() };
        let content = body.pointer("/output/message/content").and_then(Value::as_array);
        for (index, part) in (0..).zip(content.into_iter().flatten()) {
            draft.blocks.entry(index).or_default().absorb(part);
        }
        draft.absorb("messageStop", body);
        draft.absorb("metadata", body);
        draft
    }

    /// Adds an event of a stream. Those of other kinds say nothing of trace and answer.
    pub(super) fn absorb(&mut self, kind: &str, event: &Value) {
        match kind {
            "messageStart" => self.begun = true,
            "contentBlockDelta" => {
                let index = event["contentBlockIndex"].as_u64().unwrap_or(0);
                self.blocks.entry(index).or_default().absorb(&event["delta"]);
            }
            "messageStop" => {
                self.stop = Some(event["stopReason"].as_str().unwrap_or_default().to_owned());
            }
            "metadata" => self.usage = event.get("usage").cloned().or(self.usage.take()),
            _ => {}
        }
    }

    /// Whether nothing more is to come.
    pub(super) const fn complete(&self) -> bool {
        self.stop.is_some() && self.usage.is_some()
    }

    /// The reply of a stream that is over. One that was stopped is complete, also without its counts.
    pub(super) fn ended(self, reading: &Reading<'_>) -> Result<WireReply, Box<Classified>> {
        if self.stop.is_some() {
            Ok(self.reply(reading))
        } else if self.begun || !self.blocks.is_empty() {
            Err(ended())
        } else {
            Err(malformed("the stream ended without a message".to_owned()))
        }
    }

    /// Divides what was gathered into trace and answer.
    pub(super) fn reply(mut self, reading: &Reading<'_>) -> WireReply {
        let finish = finish(self.stop.as_deref());
        let mut parts: Vec<Part> = self.blocks.values_mut().flat_map(|block| block.reasoning()).collect();
        let content: String = self.blocks.into_values().map(|block| block.text).collect();
        if !content.is_empty() {
            parts.push(Part { field: "content".to_owned(), text: content });
        }
        // A reply does not name its model.
        let claim = documented::claim(reading.row, reading.model, None);
        let extraction = extract(parts, &finish, reading.hint, claim);
        WireReply {
            blocked: finish == FinishReason::ContentFilter,
            finish,
            returned_model: None,
            fingerprint: None,
            usage: counts(&self.usage.unwrap_or_default(), &extraction),
            billed: None,
            choices: 1,
            extraction,
        }
    }
}

fn finish(stop: Option<&str>) -> FinishReason {
    match stop {
        Some("guardrail_intervened" | "content_filtered") => FinishReason::ContentFilter,
        // There was no room for more.
        Some("model_context_window_exceeded") => FinishReason::Length,
        other => FinishReason::from_wire(other),
    }
}

/// The counts as they are to be believed. Tokens read from a cache and written to it are not among the input's.
fn counts(usage: &Value, extraction: &Extraction) -> Usage {
    let count = |name: &str| usage[name].as_u64();
    let beside = |name: &str| count(name).unwrap_or(0);
    let cached = beside("cacheReadInputTokens").saturating_add(beside("cacheWriteInputTokens"));
    let said = Usage {
        input: count("inputTokens").map(|input| input.saturating_add(cached)),
        output: count("outputTokens"),
        // Not told apart from the rest of the output.
        reasoning: None,
        cached: count("cacheReadInputTokens"),
    };
    believed(said, extraction)
}

/// An exception: within a stream, or as a body sent with status 200. Each stands for a status.
pub(super) fn fault(kind: &str, payload: &Value) -> Box<Classified> {
    let kind = kind.rsplit('#').next().unwrap_or(kind);
    let status = match kind.to_ascii_lowercase().as_str() {
        "validationexception" => Some(400),
        "accessdeniedexception" => Some(403),
        "resourcenotfoundexception" => Some(404),
        "modeltimeoutexception" => Some(408),
        "throttlingexception" | "modelnotreadyexception" => Some(429),
        "internalserverexception" | "modelerrorexception" | "modelstreamerrorexception" => Some(500),
        "serviceunavailableexception" => Some(503),
        _ => None,
    };
    let words = ["message", "Message", "originalMessage"].into_iter();
    let message = words.filter_map(|name| payload[name].as_str()).find(|text| !text.is_empty());
    error_within(&json!({ "type": kind, "code": status, "message": message.unwrap_or(kind) }))
}
