//! A reply as the probe weighs it: what was said, where it arrived, what was counted. Plain, so that the weighing can be
//! tested as tables.

use serde_json::Value;
use undersight_core::{FinishReason, Provenance, SpanKind, Usage};

use crate::client::Reply;

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) provenance: Provenance,
    /// The members that trace arrived in, readable or not.
    pub(super) fields: Vec<String>,
    pub(super) trace: String,
    pub(super) answer: String,
    /// The trace lies within the content and nothing opens it there: the chat template did.
    pub(super) opened_by_template: bool,
    pub(super) finish: FinishReason,
    pub(super) blocked: bool,
    pub(super) usage: Usage,
    /// Reasoning tokens as they were reported, true or not.
    pub(super) reasoning: Option<u64>,
    pub(super) choices: u32,
}

impl Heard {
    /// What a reply says.
    pub(super) fn of(reply: &Reply) -> Self {
        let extraction = &reply.extraction;
        let mut fields: Vec<String> = Vec::new();
        for span in &extraction.spans {
            let part = extraction.parts.get(span.part);
            let Some(field) = part.map(|part| &part.field).filter(|field| !fields.contains(field)) else {
                continue;
            };
            if matches!(span.kind, SpanKind::Trace | SpanKind::Encrypted) {
                fields.push(field.clone());
            }
        }
        let reported = reported(&reply.exchange.raw.response);
        Self {
            provenance: extraction.provenance,
            opened_by_template: opened_by_template(reply),
            trace: extraction.trace(),
            answer: extraction.answer(),
            fields,
            finish: reply.finish.clone(),
            blocked: reply.blocked,
            usage: reply.usage,
            reasoning: reported.or(reply.usage.reasoning),
            choices: reply.choices,
        }
    }

    /// Everything that was said, for comparing.
    pub(super) fn said(&self) -> (&str, &str) {
        (self.trace.trim(), self.answer.trim())
    }

    /// Whether nothing was said that could be compared.
    pub(super) fn silent(&self) -> bool {
        self.said() == ("", "")
    }

    /// The length of the trace.
    pub(super) fn trace_characters(&self) -> u64 {
        self.trace.chars().count() as u64
    }
}

fn opened_by_template(reply: &Reply) -> bool {
    let extraction = &reply.extraction;
    let first = extraction.spans.iter().find(|span| {
        let content = extraction.parts.get(span.part).is_some_and(|part| part.field == "content");
        content && !extraction.text(span).trim().is_empty()
    });
    first.is_some_and(|span| span.kind == SpanKind::Trace)
}

/// The count of reasoning tokens in the body of a whole reply, before anything is disbelieved.
fn reported(body: &[u8]) -> Option<u64> {
    let body: Value = serde_json::from_slice(body).ok()?;
    ["usage", "usageMetadata"].iter().find_map(|usage| count(body.get(*usage)?))
}

fn count(usage: &Value) -> Option<u64> {
    usage.as_object()?.iter().find_map(|(name, value)| match name.as_str() {
        "reasoning_tokens" | "thoughtsTokenCount" => value.as_u64(),
        _ => count(value),
    })
}
