//! The members of a Messages reply, whole or event by event, and the draft both are gathered in, so that they cannot
//! read differently.

use serde::Deserialize;
use serde_json::Value;
use undersight_core::{FinishReason, Part, Usage};

use crate::providers::wire::{Reading, WireReply, believed};
use crate::providers::{documented, lenient};
use crate::trace::extract;

/// A whole message, or what a stream begins with.
#[derive(Deserialize, Default)]
pub(super) struct Message {
    #[serde(default, deserialize_with = "lenient::text")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) content: Option<Vec<Block>>,
    #[serde(default, deserialize_with = "lenient::text")]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

/// A block of content, or a delta to one.
#[derive(Deserialize, Default, Clone)]
pub(super) struct Block {
    #[serde(rename = "type", default, deserialize_with = "lenient::text")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    text: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    thinking: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    signature: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    data: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    stop_reason: Option<String>,
}

/// What the output was spent on.
#[derive(Deserialize, Default, Clone, Copy)]
struct Details {
    #[serde(default, deserialize_with = "lenient::count")]
    thinking_tokens: Option<u64>,
}

#[derive(Deserialize, Default, Clone, Copy)]
struct WireUsage {
    #[serde(default, deserialize_with = "lenient::count")]
    input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_read_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    output_tokens: Option<u64>,
    #[serde(default)]
    output_tokens_details: Option<Details>,
}

/// One event of a stream.
#[derive(Deserialize, Default)]
pub(super) struct Event {
    #[serde(rename = "type", default, deserialize_with = "lenient::text")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient::count")]
    index: Option<u64>,
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    content_block: Option<Block>,
    #[serde(default)]
    delta: Option<Block>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

impl Event {
    /// Whether nothing follows it.
    pub(super) fn is_last(&self) -> bool {
        self.kind.as_deref() == Some("message_stop")
    }
}

/// Everything gathered so far.
#[derive(Default)]
pub(super) struct Draft {
    begun: bool,
    model: Option<String>,
    stop: Option<String>,
    usage: WireUsage,
    /// Blocks by their index, in the order they began.
    blocks: Vec<(Option<u64>, Block)>,
}

impl Draft {
    /// Whether anything of a message came.
    pub(super) const fn begun(&self) -> bool {
        self.begun
    }

    /// Whether it was said why it stopped.
    pub(super) const fn finished(&self) -> bool {
        self.stop.is_some()
    }

    /// Takes a message over, whole or as far as it has come.
    pub(super) fn begin(&mut self, message: Message) {
        self.begun = true;
        self.model = message.model.filter(|m| !m.is_empty());
        self.stop = message.stop_reason.filter(|s| !s.is_empty());
        self.count(message.usage);
        for (index, block) in message.content.unwrap_or_default().into_iter().enumerate() {
            self.blocks.push((Some(index as u64), block));
        }
    }

    /// Adds an event. Deltas find their block by its index, because blocks may be interleaved.
    pub(super) fn absorb(&mut self, event: Event) {
        match event.kind.as_deref() {
            Some("message_start") => self.begin(event.message.unwrap_or_default()),
            Some("content_block_start") => {
                self.begun = true;
                self.blocks.push((event.index, event.content_block.unwrap_or_default()));
            }
            Some("content_block_delta") => {
                self.begun = true;
                let Some(delta) = event.delta else { return };
                match self.blocks.iter_mut().rev().find(|(index, _)| *index == event.index) {
                    Some((_, block)) => block.grow(delta),
                    None => {
                        let mut block = Block::default();
                        block.grow(delta);
                        self.blocks.push((event.index, block));
                    }
                }
            }
            Some("message_delta") => {
                self.begun = true;
                self.stop =
                    event.delta.and_then(|d| d.stop_reason).filter(|s| !s.is_empty()).or(self.stop.take());
                self.count(event.usage);
            }
            _ => {}
        }
    }

    /// Counts are cumulative: the last that was told stands.
    fn count(&mut self, told: Option<WireUsage>) {
        let Some(told) = told else { return };
        let known = self.usage;
        self.usage = WireUsage {
            // A stream begins with zeros on some proxies.
            input_tokens: told.input_tokens.filter(|n| *n > 0).or(known.input_tokens),
            cache_read_input_tokens: told.cache_read_input_tokens.or(known.cache_read_input_tokens),
            cache_creation_input_tokens: told
                .cache_creation_input_tokens
                .or(known.cache_creation_input_tokens),
            output_tokens: told.output_tokens.or(known.output_tokens),
            output_tokens_details: told.output_tokens_details.or(known.output_tokens_details),
        };
    }

    /// Divides what was gathered into trace and answer.
    pub(super) fn reply(self, reading: &Reading<'_>) -> WireReply {
        let finish = match self.stop.as_deref() {
            Some("model_context_window_exceeded") => FinishReason::Length,
            stop => FinishReason::from_wire(stop),
        };
        let model = self.model.as_deref().unwrap_or(reading.model);
        let claim = documented::claim(reading.row, model, None);
        let parts: Vec<Part> = self.blocks.into_iter().flat_map(|(_, block)| block.parts()).collect();
        let extraction = extract(ordered(parts), &finish, reading.hint, claim);
        WireReply {
            blocked: finish == FinishReason::ContentFilter,
            finish,
            returned_model: self.model,
            fingerprint: None,
            usage: believed(self.usage.counts(), &extraction),
            billed: None,
            choices: 1,
            extraction,
        }
    }
}

/// Reasoning before content: that is the order of meaning, and where a thought ends with the reply it decides. Blocks of
/// text that follow one another are pieces of one text: citations cut it up.
fn ordered(parts: Vec<Part>) -> Vec<Part> {
    let (mut reasoning, mut content) = (Vec::new(), Vec::<Part>::new());
    let mut goes_on = false;
    for part in parts {
        let text = part.field == "content";
        match content.last_mut() {
            _ if !text => reasoning.push(part),
            Some(last) if goes_on => last.text.push_str(&part.text),
            _ => content.push(part),
        }
        goes_on = text;
    }
    reasoning.append(&mut content);
    reasoning
}

impl Block {
    fn grow(&mut self, delta: Self) {
        let join = |to: &mut Option<String>, more: Option<String>| {
            if let Some(more) = more {
                to.get_or_insert_default().push_str(&more);
            }
        };
        join(&mut self.text, delta.text);
        join(&mut self.thinking, delta.thinking);
        join(&mut self.signature, delta.signature);
        join(&mut self.data, delta.data);
    }

    fn parts(self) -> Vec<Part> {
        let part = |field: &str, text: Option<String>| {
            text.filter(|t| !t.is_empty()).map(|text| Part { field: field.to_owned(), text })
        };
        let text = match self.kind.as_deref() {
            // Anything else a block may be (a tool's, say) holds no answer.
            None | Some("text" | "thinking" | "redacted_thinking") => self.text,
            Some(_) => None,
        };
        let thinking = part("thinking", self.thinking);
        // A signature holds the thought itself where its text is left out.
        let left_out = self.kind.as_deref() == Some("thinking") && thinking.is_none();
        let sealed = part("thinking.encrypted", self.signature.filter(|_| left_out));
        [thinking, sealed, part("redacted_thinking", self.data), part("content", text)]
            .into_iter()
            .flatten()
            .collect()
    }
}

impl WireUsage {
    /// What is charged as input is told in three parts that do not overlap.
    fn counts(self) -> Usage {
        let parts = [self.cache_read_input_tokens, self.cache_creation_input_tokens];
        let cached: u64 = parts.iter().flatten().fold(0, |sum, n| sum.saturating_add(*n));
        Usage {
            input: self.input_tokens.map(|n| n.saturating_add(cached)).or(Some(cached).filter(|n| *n > 0)),
            output: self.output_tokens,
            reasoning: self.output_tokens_details.and_then(|details| details.thinking_tokens),
            cached: self.cache_read_input_tokens,
        }
    }
}
