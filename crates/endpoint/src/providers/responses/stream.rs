//! A streamed response: events gathered into the items they build, until one says that nothing more comes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::output::{Item, Kind, Piece, Slot};
use super::reply::Body;
use crate::providers::lenient;
use crate::providers::wire;

/// One event. Its type is read from the data: not every server sends `event:` lines.
#[derive(Deserialize)]
pub(super) struct Event {
    #[serde(rename = "type", default, deserialize_with = "lenient::text")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient::count")]
    output_index: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    content_index: Option<u64>,
    #[serde(default, deserialize_with = "lenient::count")]
    summary_index: Option<u64>,
    #[serde(default, deserialize_with = "lenient::text")]
    delta: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    text: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    refusal: Option<String>,
    #[serde(default)]
    item: Option<Item>,
    #[serde(default)]
    response: Option<Body>,
    #[serde(default)]
    error: Option<Value>,
}

impl Event {
    /// Whether it says that the response failed without a response object that says so itself.
    pub(super) fn is_error(&self) -> bool {
        self.kind.as_deref() == Some("error")
            || (self.response.is_none() && self.error.as_ref().is_some_and(wire::is_error))
    }
}

/// Whether an event of this type ends the stream; how the response ended is said within.
pub(super) fn is_last(kind: &str) -> bool {
    matches!(kind, "response.completed" | "response.incomplete" | "response.failed")
}

/// What arrived so far.
#[derive(Default)]
pub(super) struct Draft {
    slots: BTreeMap<u64, Slot>,
    begun: Option<Body>,
    last: Option<Body>,
}

impl Draft {
    /// Adds an event; `true` once the response is complete.
    pub(super) fn absorb(&mut self, event: Event) -> bool {
        let kind = event.kind.as_deref().unwrap_or_default();
        if is_last(kind) {
            self.last = Some(event.response.unwrap_or_default().ended_by(kind));
            return true;
        }
        if let Some(body) = event.response {
            self.begun = Some(body);
            return false;
        }
        let slot = self.slots.entry(event.output_index.unwrap_or(0)).or_default();
        if kind == "response.output_item.done" {
            event.item.into_iter().for_each(|item| slot.settle(item));
        } else if let Some((part, index, whole)) = part(kind, event.content_index, event.summary_index) {
            let text = slot.text(part, index.unwrap_or(0));
            if !whole {
                text.push_str(&event.delta.unwrap_or_default());
            } else if let Some(settled) = event.text.or(event.refusal) {
                *text = settled;
            }
        }
        false
    }

    /// The mark some servers end all their streams with: what arrived is all there is.
    pub(super) fn done(&mut self) {
        self.last = self.last.take().or(self.begun.take().map(Body::left_open));
    }

    /// The last response object, and the texts that arrived before it; `None` where the stream broke off.
    pub(super) fn end(self) -> Option<(Body, Vec<Piece>)> {
        let last = self.last?.or_model_of(self.begun);
        Some((last, self.slots.into_values().flat_map(Slot::pieces).collect()))
    }
}

/// Which text of an item an event is about, and whether it has the whole text.
fn part(kind: &str, content: Option<u64>, summary: Option<u64>) -> Option<(Kind, Option<u64>, bool)> {
    let (name, step) = kind.strip_prefix("response.")?.rsplit_once('.')?;
    let whole = match step {
        "delta" => false,
        "done" => true,
        _ => return None,
    };
    let (part, index) = match name {
        "output_text" => (Kind::Answer, content),
        "refusal" => (Kind::Refusal, content),
        "reasoning_text" => (Kind::Own, content),
        "reasoning_summary_text" => (Kind::Summary, summary),
        _ => return None,
    };
    Some((part, index, whole))
}
