//! Trace extraction: divides a reply's raw texts into trace, answer and markup. Pure; every provider's reader ends
//! here, so whatever a server does to reasoning, one function decides what it was.
//!
//! Decisions beyond the obvious, each a row of the tests:
//!
//! - A block open at the start and never closed is all trace, *truncated*, whatever the finish reason: a model that
//!   stops inside its thought gave no answer. A *later* opening tag without a closing one counts only when the reply
//!   was cut off by length; else it is text the model wrote about.
//! - A closing tag without an opening one means that the template opened the thought. It does not count when it is
//!   quoted (in quotation marks or backticks, in a closed code fence, after its opening tag on the same line).
//!   Beside a native trace it must begin or end a line.
//! - The first closing tag ends a block: traces do not nest.
//! - A trace of nothing but white space is no trace (`absent`), even when cut off.
//! - A summary that was cut off is `truncated`; what only the provider can read stays `encrypted`.

mod content;
mod harmony;
mod spans;
mod tags;
#[cfg(test)]
mod tests;

use undersight_core::arm::TraceHint;
use undersight_core::{Extraction, FinishReason, Part, Provenance, SpanKind};

use spans::Builder;

/// What the provider documents its reasoning fields to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The model's own reasoning.
    Own,
    /// A summary of it.
    Summary,
    /// Reasoning that only the provider can read.
    Encrypted,
}

/// Divides the parts of a reply, given in the order they are meant (reasoning fields before content). `content` is
/// searched for tags, `refusal` is answer, any other field is reasoning and what `claim` says of it; a field whose
/// name holds `encrypted` or `redacted` is unreadable whatever the claim.
///
/// The result always covers the parts exactly; white space beside tags and around trace and answer is markup, so
/// that a whole and a streamed reply give equal views. Linear in the length of the texts.
#[must_use]
pub fn extract(parts: Vec<Part>, finish: &FinishReason, hint: Option<TraceHint>, claim: Claim) -> Extraction {
    let mut out = Builder::default();
    let mut native = Native::default();
    let mut content = content::Division::default();
    let mut seen_content = false;
    for (i, part) in parts.iter().enumerate() {
        out.begin(i, &part.text);
        match part.field.as_str() {
            "content" => {
                let setting = content::Setting {
                    first: !seen_content,
                    native: native.present(),
                    cut_off: *finish == FinishReason::Length,
                    template_opens: hint == Some(TraceHint::TemplateOpens),
                };
                seen_content = true;
                content.add(content::divide(&part.text, &setting, &mut out));
            }
            "refusal" => out.push(SpanKind::Answer, part.text.len()),
            field if claim == Claim::Encrypted || unreadable(field) => {
                native.encrypted |= !part.text.is_empty();
                out.push(SpanKind::Encrypted, part.text.len());
            }
            _ => {
                native.closed |= reasoning_field(&part.text, &mut out);
                native.readable |= !part.text.trim().is_empty();
            }
        }
    }
    let spans = out.finish();
    let provenance = {
        let has = |kind| spans.iter().any(|s| s.kind == kind);
        let cut_in_field = native.readable
            && *finish == FinishReason::Length
            && !has(SpanKind::Answer)
            && !native.closed
            && !content.closed;
        if !has(SpanKind::Trace) {
            if native.encrypted { Provenance::Encrypted } else { Provenance::Absent }
        } else if content.cut || cut_in_field {
            Provenance::Truncated
        } else if native.readable && claim == Claim::Summary {
            Provenance::Summary
        } else {
            Provenance::Full
        }
    };
    Extraction { parts, spans, provenance }
}

/// What the reasoning fields held.
#[derive(Debug, Default)]
struct Native {
    readable: bool,
    encrypted: bool,
    closed: bool,
}

impl Native {
    const fn present(&self) -> bool {
        self.readable || self.encrypted
    }
}

fn unreadable(field: &str) -> bool {
    field.contains("encrypted") || field.contains("redacted")
}

/// A reasoning field is trace, less tags that its server left around it. Returns whether it ends with a closing tag.
fn reasoning_field(text: &str, out: &mut Builder<'_>) -> bool {
    let start = text.len() - text.trim_start().len();
    if let Some(open) = tags::opening_at(text, start) {
        out.push(SpanKind::Markup, open.end);
    }
    let end = text.trim_end().len();
    let close = tags::closing_ending_at(text, end).filter(|c| *c >= out.position());
    out.push(SpanKind::Trace, close.unwrap_or(text.len()));
    out.push(SpanKind::Markup, text.len());
    close.is_some()
}
