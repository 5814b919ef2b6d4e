//! Divides a reply in harmony form: messages with a channel each, `analysis` for the thought, `final` for the answer.

use undersight_core::SpanKind;

use super::content::Division;
use super::spans::Builder;

const START: &str = "<|start|>";
const CHANNEL: &str = "<|channel|>";
const CONSTRAIN: &str = "<|constrain|>";
const MESSAGE: &str = "<|message|>";
const ENDS: [&str; 3] = ["<|end|>", "<|return|>", "<|call|>"];
/// Names and recipients in a header are short; anything longer is text.
const HEADER_WORD: usize = 100;

/// Divides the text when it opens with a message header; `None` when it is not of this form. Only a reply that was
/// cut off may end within a header.
pub(super) fn divide(text: &str, cut_off: bool, out: &mut Builder<'_>) -> Option<Division> {
    let mut at = text.len() - text.trim_start().len();
    let header = |at| read_header(text, at).filter(|h| h.complete || cut_off);
    let mut next = header(at);
    next?;
    let mut found = Division::default();
    while let Some(Header { analysis, complete, end }) = next {
        out.push(SpanKind::Markup, end);
        if !complete {
            found.cut |= !found.closed;
            return Some(found);
        }
        let kind = if analysis { SpanKind::Trace } else { SpanKind::Answer };
        let stop = if analysis { end_of_thought(text, end) } else { end_of_answer(text, end) };
        out.push(kind, stop.unwrap_or(text.len()));
        let Some(stop) = stop else {
            found.cut |= analysis;
            return Some(found);
        };
        found.closed |= analysis;
        at = stop;
        if let Some(end) = terminator_at(text, at) {
            at += end;
            at += text[at..].len() - text[at..].trim_start().len();
            out.push(SpanKind::Markup, at);
        }
        next = header(at);
    }
    out.push(SpanKind::Answer, text.len());
    Some(found)
}

/// `<|start|>role<|channel|>name<|message|>`, the first part optional.
#[derive(Debug, Clone, Copy)]
struct Header {
    analysis: bool,
    /// Whether the message part is there; a reply may be cut off before it.
    complete: bool,
    end: usize,
}

fn read_header(text: &str, from: usize) -> Option<Header> {
    let whole = text.get(from..)?;
    let mut rest = whole;
    if let Some(after) = rest.strip_prefix(START) {
        rest = word(after)?.1;
    }
    let mut analysis = false;
    if let Some(after) = rest.strip_prefix(CHANNEL) {
        let (name, after) = word(after)?;
        analysis = name.split_whitespace().next() == Some("analysis");
        rest = after;
        if let Some(after) = rest.strip_prefix(CONSTRAIN) {
            rest = word(after)?.1;
        }
    } else if rest.len() == whole.len() || !rest.starts_with(MESSAGE) {
        return None;
    }
    if let Some(body) = rest.strip_prefix(MESSAGE) {
        return Some(Header { analysis, complete: true, end: text.len() - body.len() });
    }
    rest.is_empty().then_some(Header { analysis, complete: false, end: text.len() })
}

/// The words up to the next `<`, if they are few and on one line.
fn word(text: &str) -> Option<(&str, &str)> {
    let head = text.bytes().take(HEADER_WORD + 1).take_while(|b| !matches!(b, b'<' | b'\n')).count();
    (head <= HEADER_WORD).then(|| text.split_at_checked(head)).flatten()
}

fn terminator_at(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    ENDS.iter().find(|end| rest.starts_with(**end)).map(|end| end.len())
}

/// A thought ends at the first terminator or at the next header.
fn end_of_thought(text: &str, from: usize) -> Option<usize> {
    marks(text, from).find(|at| {
        let rest = &text[*at..];
        terminator_at(text, *at).is_some() || rest.starts_with(CHANNEL) || rest.starts_with(START)
    })
}

/// An answer ends at a terminator that stands at the end or before the next header; others are quoted.
fn end_of_answer(text: &str, from: usize) -> Option<usize> {
    marks(text, from).find(|at| {
        terminator_at(text, *at).is_some_and(|length| {
            let rest = text[at + length..].trim_start();
            rest.is_empty() || rest.starts_with(START) || rest.starts_with(CHANNEL)
        })
    })
}

fn marks(text: &str, from: usize) -> impl Iterator<Item = usize> + '_ {
    text.get(from..).unwrap_or("").match_indices("<|").map(move |(at, _)| from + at)
}
