//! The members of an OpenAI-style reply, whole or one chunk of a stream, and the draft both are gathered in, so that
//! they cannot read differently.

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::Value;
use undersight_core::{Extraction, FinishReason, NanoUsd, Part, Span, SpanKind, Usage};

use crate::providers::wire::{Reading, WireReply, believed};
use crate::providers::{documented, lenient};
use crate::trace::{Claim, extract};

/// A whole reply or one chunk of a stream.
#[derive(Deserialize)]
pub(super) struct Body {
    #[serde(default)]
    pub(super) choices: Option<Vec<Choice>>,
    #[serde(default, deserialize_with = "lenient::text")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    system_fingerprint: Option<String>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

#[derive(Deserialize)]
pub(super) struct Choice {
    #[serde(default, deserialize_with = "lenient::count")]
    index: Option<u64>,
    #[serde(default)]
    message: Option<WireMessage>,
    #[serde(default)]
    delta: Option<WireMessage>,
    #[serde(default, deserialize_with = "lenient::text")]
    finish_reason: Option<String>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

#[derive(Deserialize)]
struct WireMessage {
    #[serde(default)]
    content: Content,
    #[serde(default, deserialize_with = "lenient::text")]
    reasoning_content: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    reasoning: Option<String>,
    #[serde(default)]
    reasoning_details: Option<Vec<Block>>,
    #[serde(default)]
    thinking_blocks: Option<Vec<Block>>,
    #[serde(default, deserialize_with = "lenient::text")]
    refusal: Option<String>,
}

/// One entry of `reasoning_details`, `thinking_blocks` or a list of content parts.
#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type", default, deserialize_with = "lenient::text")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient::count")]
    index: Option<u64>,
    #[serde(default, deserialize_with = "lenient::text")]
    text: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    summary: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    data: Option<String>,
    #[serde(default)]
    thinking: Content,
    #[serde(default, deserialize_with = "lenient::text")]
    refusal: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    format: Option<String>,
}

/// A string, a list of parts, or nothing.
#[derive(Default)]
enum Content {
    #[default]
    Nothing,
    Text(String),
    Parts(Vec<Block>),
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Content;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("text, a list of parts or null")
            }
            fn visit_str<E>(self, v: &str) -> Result<Content, E> {
                Ok(Content::Text(v.to_owned()))
            }
            fn visit_string<E>(self, v: String) -> Result<Content, E> {
                Ok(Content::Text(v))
            }
            fn visit_unit<E>(self) -> Result<Content, E> {
                Ok(Content::Nothing)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = seq.next_element()? {
                    parts.push(part);
                }
                Ok(Content::Parts(parts))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[derive(Deserialize, Default)]
struct WireUsage {
    #[serde(default, deserialize_with = "lenient::count")]
    prompt_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<Details>,
    #[serde(default)]
    completion_tokens_details: Option<Details>,
    #[serde(default, deserialize_with = "lenient::count")]
    prompt_cache_hit_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::number")]
    cost: Option<f64>,
}

#[derive(Deserialize, Default)]
struct Details {
    #[serde(default, deserialize_with = "lenient::count")]
    reasoning_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cached_tokens: Option<u64>,
}

/// What a structured piece of reasoning is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PieceKind {
    Text,
    Summary,
    Encrypted,
}

struct Piece {
    kind: PieceKind,
    index: Option<u64>,
    text: String,
}

/// Everything gathered from a reply so far.
#[derive(Default)]
pub(super) struct Draft {
    content: String,
    content_thinking: String,
    reasoning_content: String,
    reasoning: String,
    details: Vec<Piece>,
    blocks: Vec<Piece>,
    refusal: String,
    format: Option<String>,
    finish: Option<String>,
    model: Option<String>,
    fingerprint: Option<String>,
    usage: Option<WireUsage>,
    /// Whether any choice arrived.
    pub(super) answered: bool,
    /// How many.
    choices: u32,
}

impl Draft {
    /// Whether the provider said why it stopped.
    pub(super) fn finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Adds a whole reply or a chunk. Of several choices only the first counts: we never ask for more.
    pub(super) fn absorb(&mut self, body: Body) {
        self.model = self.model.take().or(body.model.filter(|m| !m.is_empty()));
        self.fingerprint = body.system_fingerprint.filter(|f| !f.is_empty()).or(self.fingerprint.take());
        self.usage = body.usage.or(self.usage.take());
        for choice in body.choices.unwrap_or_default() {
            let index = u32::try_from(choice.index.unwrap_or(0)).unwrap_or(u32::MAX);
            self.choices = self.choices.max(index.saturating_add(1));
            if index != 0 {
                continue;
            }
            self.answered = true;
            self.finish = choice.finish_reason.filter(|f| !f.is_empty()).or(self.finish.take());
            if let Some(message) = choice.message.or(choice.delta) {
                self.absorb_message(message);
            }
        }
    }

    fn absorb_message(&mut self, message: WireMessage) {
        match message.content {
            Content::Nothing => {}
            Content::Text(text) => join(&mut self.content, text),
            Content::Parts(parts) => parts.into_iter().for_each(|part| self.absorb_part(part)),
        }
        join(&mut self.reasoning_content, message.reasoning_content.unwrap_or_default());
        join(&mut self.reasoning, message.reasoning.unwrap_or_default());
        join(&mut self.refusal, message.refusal.unwrap_or_default());
        for block in message.reasoning_details.unwrap_or_default() {
            self.format = block.format.clone().or(self.format.take());
            gather(&mut self.details, block);
        }
        for block in message.thinking_blocks.unwrap_or_default() {
            gather(&mut self.blocks, block);
        }
    }

    /// A part of a content list: text, a refusal, or (Mistral's way) the thinking itself.
    fn absorb_part(&mut self, part: Block) {
        join(&mut self.refusal, part.refusal.unwrap_or_default());
        let reasoning = matches!(part.kind.as_deref(), Some("thinking" | "reasoning"));
        let text = part.text.unwrap_or_default();
        join(if reasoning { &mut self.content_thinking } else { &mut self.content }, text);
        match part.thinking {
            Content::Nothing => {}
            Content::Text(text) => join(&mut self.content_thinking, text),
            Content::Parts(inner) => {
                for piece in inner {
                    join(&mut self.content_thinking, piece.text.unwrap_or_default());
                }
            }
        }
    }

    /// Divides what was gathered into trace and answer.
    pub(super) fn reply(self, reading: &Reading<'_>) -> WireReply {
        let finish = FinishReason::from_wire(self.finish.as_deref());
        let claim = self.claim(reading);
        let usage = self.usage.unwrap_or_default();
        let mut parts = reasoning_parts(
            [
                ("reasoning_content", vec![self.reasoning_content]),
                ("reasoning", vec![self.reasoning]),
                ("reasoning_details", readable(&self.details)),
                ("thinking_blocks", readable(&self.blocks)),
                ("content.thinking", vec![self.content_thinking]),
            ],
            claim,
            &self.details,
            &self.blocks,
        );
        if !self.content.is_empty() {
            parts.push(Part { field: "content".to_owned(), text: self.content });
        }
        let mut extraction = extract(parts, &finish, reading.hint, claim);
        push_refusal(&mut extraction, self.refusal);
        WireReply {
            blocked: finish == FinishReason::ContentFilter,
            finish,
            returned_model: self.model,
            fingerprint: self.fingerprint,
            usage: usage.counts(&extraction),
            billed: usage.cost.and_then(NanoUsd::from_usd),
            choices: self.choices,
            extraction,
        }
    }

    /// What the reasoning of this reply is, from the kinds it declares and from what providers document.
    fn claim(&self, reading: &Reading<'_>) -> Claim {
        let kinds = || self.details.iter().chain(&self.blocks).map(|p| p.kind);
        let flat = [&self.reasoning_content, &self.reasoning, &self.content_thinking];
        let any_flat = flat.iter().any(|t| !t.is_empty());
        let some = |kind| kinds().any(|k| k == kind);
        if !any_flat && some(PieceKind::Encrypted) && !some(PieceKind::Text) && !some(PieceKind::Summary) {
            Claim::Encrypted
        } else if some(PieceKind::Summary) && !some(PieceKind::Text) {
            Claim::Summary
        } else {
            let model = self.model.as_deref().unwrap_or(reading.model);
            documented::claim(reading.row, model, self.format.as_deref())
        }
    }
}

/// Appends, without a copy when there is nothing yet.
fn join(to: &mut String, text: String) {
    if to.is_empty() {
        *to = text;
    } else {
        to.push_str(&text);
    }
}

/// Adds a structured piece; in a stream the pieces of one entry arrive apart and share its index and kind.
fn gather(pieces: &mut Vec<Piece>, block: Block) {
    let thinking = match block.thinking {
        Content::Text(text) => Some(text),
        Content::Nothing | Content::Parts(_) => None,
    };
    let (kind, text) = match block.kind.as_deref() {
        Some("reasoning.summary" | "summary_text") => (PieceKind::Summary, block.summary.or(block.text)),
        Some("reasoning.encrypted" | "redacted_thinking") => (PieceKind::Encrypted, block.data),
        _ => (PieceKind::Text, block.text.or(thinking)),
    };
    let Some(text) = text.filter(|t| !t.is_empty()) else { return };
    match pieces.last_mut() {
        Some(last) if last.kind == kind && last.index == block.index => last.text.push_str(&text),
        _ => pieces.push(Piece { kind, index: block.index, text }),
    }
}

fn readable(pieces: &[Piece]) -> Vec<String> {
    pieces.iter().filter(|p| p.kind != PieceKind::Encrypted).map(|p| p.text.clone()).collect()
}

/// The reasoning parts, each text once: providers repeat the same reasoning in several members.
fn reasoning_parts(
    sources: [(&str, Vec<String>); 5],
    claim: Claim,
    details: &[Piece],
    blocks: &[Piece],
) -> Vec<Part> {
    let mut kept: Vec<(&str, Vec<String>)> = Vec::new();
    for (field, mut texts) in sources {
        texts.retain(|t| !t.is_empty());
        if texts.is_empty() {
            continue;
        }
        // Members that repeat one another differ in white space at most.
        if let Some(same) = kept.iter_mut().find(|(_, k)| repeats(k, &texts) || repeats(&texts, k)) {
            if !repeats(&same.1, &texts) {
                *same = (field, texts);
            }
        } else {
            kept.push((field, texts));
        }
    }
    if claim == Claim::Encrypted {
        for (field, pieces) in [("reasoning_details", details), ("thinking_blocks", blocks)] {
            kept.push((field, pieces.iter().map(|p| p.text.clone()).collect()));
        }
    }
    kept.into_iter()
        .flat_map(|(field, texts)| texts.into_iter().map(move |text| Part { field: field.to_owned(), text }))
        .collect()
}

/// Whether `whole` already holds everything of `part`, white space aside.
fn repeats(whole: &[String], part: &[String]) -> bool {
    let squeeze = |texts: &[String]| -> String {
        texts.iter().flat_map(|t| t.chars()).filter(|c| !c.is_whitespace()).collect()
    };
    whole == part || squeeze(whole).contains(&squeeze(part))
}

/// A refusal is an answer; it arrives beside the content.
fn push_refusal(extraction: &mut Extraction, text: String) {
    if text.is_empty() {
        return;
    }
    let part = extraction.parts.len();
    extraction.spans.push(Span { part, start: 0, end: text.len(), kind: SpanKind::Answer });
    extraction.parts.push(Part { field: "refusal".to_owned(), text });
}

impl WireUsage {
    /// The counts as they are to be believed.
    fn counts(&self, extraction: &Extraction) -> Usage {
        let details = |d: &Option<Details>, f: fn(&Details) -> Option<u64>| d.as_ref().and_then(f);
        let said = Usage {
            input: self.prompt_tokens,
            output: self.completion_tokens,
            reasoning: details(&self.completion_tokens_details, |d| d.reasoning_tokens),
            cached: details(&self.prompt_tokens_details, |d| d.cached_tokens)
                .or(self.prompt_cache_hit_tokens),
        };
        believed(said, extraction)
    }
}
