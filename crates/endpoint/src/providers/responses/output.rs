//! The output of a response: items as they arrive, whole or piece by piece, and the texts in them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::providers::lenient;

/// An item: a message, reasoning, or something that is neither trace nor answer.
#[derive(Deserialize)]
pub(super) struct Item {
    #[serde(rename = "type", default, deserialize_with = "lenient::text")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    content: Option<Vec<Text>>,
    #[serde(default, deserialize_with = "lenient::list")]
    summary: Option<Vec<Text>>,
    #[serde(default, deserialize_with = "lenient::text")]
    encrypted_content: Option<String>,
}

/// One part of an item.
#[derive(Deserialize)]
struct Text {
    #[serde(default, deserialize_with = "lenient::text")]
    text: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    refusal: Option<String>,
}

/// What a text of the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reasoning given out as it is: `reasoning_text`, or `output_text` within a reasoning item, as LiteLLM has it.
    Own,
    /// A summary of it.
    Summary,
    /// Reasoning that only the provider reads.
    Encrypted,
    /// A message.
    Answer,
    /// A refusal in place of a message.
    Refusal,
}

/// One text of the output; never empty.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// The texts of one item, each list by its own index.
#[derive(Default)]
pub(super) struct Slot {
    own: BTreeMap<u64, String>,
    summary: BTreeMap<u64, String>,
    encrypted: BTreeMap<u64, String>,
    answer: BTreeMap<u64, String>,
    refusal: BTreeMap<u64, String>,
}

impl Slot {
    pub(super) fn text(&mut self, kind: Kind, index: u64) -> &mut String {
        self.list(kind).entry(index).or_default()
    }

    fn list(&mut self, kind: Kind) -> &mut BTreeMap<u64, String> {
        match kind {
            Kind::Own => &mut self.own,
            Kind::Summary => &mut self.summary,
            Kind::Encrypted => &mut self.encrypted,
            Kind::Answer => &mut self.answer,
            Kind::Refusal => &mut self.refusal,
        }
    }

    /// Takes the lists that the finished item holds; what it leaves out stays as it arrived.
    pub(super) fn settle(&mut self, item: Item) {
        let mut whole = Self::from(item);
        for kind in [Kind::Own, Kind::Summary, Kind::Encrypted, Kind::Answer, Kind::Refusal] {
            let list = std::mem::take(whole.list(kind));
            if list.values().any(|text| !text.is_empty()) {
                *self.list(kind) = list;
            }
        }
    }

    /// The texts in order, the parts of one message as one.
    pub(super) fn pieces(self) -> impl Iterator<Item = Piece> {
        let each = |kind, list: BTreeMap<u64, String>| {
            list.into_values().map(move |text| Piece { kind, text }).collect::<Vec<_>>()
        };
        let joined = |kind, list: BTreeMap<u64, String>| {
            vec![Piece { kind, text: list.into_values().collect::<String>() }]
        };
        [
            each(Kind::Own, self.own),
            each(Kind::Summary, self.summary),
            each(Kind::Encrypted, self.encrypted),
            joined(Kind::Answer, self.answer),
            joined(Kind::Refusal, self.refusal),
        ]
        .into_iter()
        .flatten()
        .filter(|piece| !piece.text.is_empty())
    }
}

impl From<Item> for Slot {
    fn from(item: Item) -> Self {
        let mut slot = Self::default();
        let reasoning = match item.kind.as_deref() {
            Some("reasoning") => true,
            // A server that names no type sends messages.
            None | Some("message") => false,
            Some(_) => return slot,
        };
        for (index, part) in (0..).zip(item.summary.unwrap_or_default()) {
            slot.summary.insert(index, part.text.unwrap_or_default());
        }
        for (index, part) in (0..).zip(item.content.unwrap_or_default()) {
            let kind = if reasoning { Kind::Own } else { Kind::Answer };
            slot.list(kind).insert(index, part.text.unwrap_or_default());
            slot.refusal.insert(index, part.refusal.unwrap_or_default());
        }
        slot.encrypted.insert(0, item.encrypted_content.unwrap_or_default());
        slot
    }
}

/// The texts of whole items.
pub(super) fn pieces(items: Vec<Item>) -> Vec<Piece> {
    items.into_iter().flat_map(|item| Slot::from(item).pieces()).collect()
}
