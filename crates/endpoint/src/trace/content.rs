//! Divides a content field: a thought opened at its start or by the template, then answer, in which later blocks
//! count only where they begin a line outside code fences.

use undersight_core::SpanKind;

use super::harmony;
use super::spans::Builder;
use super::tags::{self, Fence, Tag};

const SOLUTION: (&str, &str) = ("<|begin_of_solution|>", "<|end_of_solution|>");

/// What is known besides the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// No content field came before.
    pub(super) first: bool,
    /// A reasoning field already holds a trace.
    pub(super) native: bool,
    /// The reply ended at the token limit.
    pub(super) cut_off: bool,
    /// The template opens the thought.
    pub(super) template_opens: bool,
}

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Division {
    /// A thought was closed.
    pub(super) closed: bool,
    /// A thought was left open.
    pub(super) cut: bool,
}

impl Division {
    /// Joins what another content field held.
    pub(super) fn add(&mut self, other: Self) {
        self.closed |= other.closed;
        self.cut |= other.cut;
    }
}

/// Divides the text of the builder's current part.
pub(super) fn divide(text: &str, setting: &Setting, out: &mut Builder<'_>) -> Division {
    if let Some(division) = harmony::divide(text, setting.cut_off, out) {
        return division;
    }
    let mut division = Division::default();
    if setting.first {
        division = head(text, setting, out);
        if division.cut {
            return division;
        }
    }
    let scan = Scan {
        text,
        setting,
        may_be_stray: setting.first && !division.closed,
        blank: true,
        last_closes: tags::last_closes(text),
        found: division,
    };
    scan.run(out)
}

/// The thought at the very start, if there is one.
fn head(text: &str, setting: &Setting, out: &mut Builder<'_>) -> Division {
    let start = text.len() - text.trim_start().len();
    let close = if let Some(open) = tags::opening_at(text, start) {
        out.push(SpanKind::Markup, open.end);
        // Models do close a block with another family's tag.
        let other = || if setting.cut_off { None } else { tags::any_close(text, open.end) };
        tags::close_of(text, open.family, open.end).or_else(other)
    } else if setting.template_opens && !setting.native {
        match tags::any_close(text, 0) {
            None if !setting.cut_off => return Division::default(),
            close => close,
        }
    } else {
        return Division::default();
    };
    thought(close, text, out)
}

/// Everything up to the closing tag, or to the end, is trace.
fn thought(close: Option<Tag>, text: &str, out: &mut Builder<'_>) -> Division {
    match close {
        Some(tag) => {
            out.push(SpanKind::Trace, tag.start);
            out.push(SpanKind::Markup, tag.end);
            Division { closed: true, cut: false }
        }
        None => {
            out.push(SpanKind::Trace, text.len());
            Division { closed: false, cut: true }
        }
    }
}

/// A stretch of answer up to `end`; a solution wrapper around it is markup.
fn answer(text: &str, end: usize, out: &mut Builder<'_>) {
    let piece = text.get(out.position()..end).unwrap_or("");
    let start = end - piece.trim_start().len();
    let stop = out.position() + piece.trim_end().len();
    if text.get(start..end).is_some_and(|t| t.starts_with(SOLUTION.0)) {
        out.push(SpanKind::Markup, start + SOLUTION.0.len());
        if text.get(out.position()..stop).is_some_and(|t| t.ends_with(SOLUTION.1)) {
            out.push(SpanKind::Answer, stop - SOLUTION.1.len());
            out.push(SpanKind::Markup, end);
        }
    }
    out.push(SpanKind::Answer, end);
}

/// The walk over an answer, line by line. Whatever it takes as trace it never walks again, so it is linear.
struct Scan<'s> {
    text: &'s str,
    setting: &'s Setting,
    /// Whether a closing tag may still be that of a thought the template opened.
    may_be_stray: bool,
    /// Whether the answer so far is white space only.
    blank: bool,
    last_closes: [Option<usize>; tags::COUNT],
    found: Division,
}

/// What a line holds besides answer.
enum Event {
    /// A block opens.
    Open(Tag),
    /// Everything before was trace.
    StrayClose(Tag),
    /// A closing tag too many, right after a block.
    Surplus(Tag),
}

impl Scan<'_> {
    fn run(mut self, out: &mut Builder<'_>) -> Division {
        let mut fence: Option<Fence> = None;
        let mut fenced_close = None;
        let mut at = out.position();
        let mut end = at;
        while at < self.text.len() {
            if end <= at {
                end = self.text[at..].find('\n').map_or(self.text.len(), |n| at + n + 1);
            }
            let line = &self.text[at..end];
            if let Some(open) = fence {
                if open.closed_by(line) {
                    (fence, fenced_close) = (None, None);
                } else if fenced_close.is_none() {
                    fenced_close = tags::any_close(line, 0).map(|t| Tag {
                        start: at + t.start,
                        end: at + t.end,
                        family: t.family,
                    });
                }
            } else if let Some(opened) = Fence::opened_by(line) {
                fence = Some(opened);
            } else if let Some(event) = self.line(at, end) {
                self.take(event, out);
                at = out.position();
                continue;
            }
            self.blank = self.blank && line.trim_start().is_empty();
            at = end;
            // A fence that never closes is no fence: a thought that was ended inside one.
            if at == self.text.len()
                && let Some(tag) = fenced_close.take().filter(|_| self.may_be_stray && !self.setting.native)
            {
                self.take(Event::StrayClose(tag), out);
                (at, fence) = (out.position(), None);
            }
        }
        answer(self.text, self.text.len(), out);
        self.found
    }

    /// The first event on the line between `start` and `end`.
    fn line(&self, start: usize, end: usize) -> Option<Event> {
        let mut quoted = [0_usize; tags::COUNT];
        let mut blank = self.blank;
        let mut at = start;
        while let Some(found) = self.text[at..end].find(['<', '◁']) {
            blank = blank && self.text[at..at + found].trim_start().is_empty();
            at += found;
            if let Some(tag) = tags::opening_at(self.text, at) {
                if self.opens(tag, start) {
                    return Some(Event::Open(tag));
                }
                quoted[tag.family] += 1;
                at = tag.end;
            } else if let Some(tag) = tags::closing_at(self.text, at) {
                if quoted[tag.family] > 0 {
                    quoted[tag.family] -= 1;
                } else if self.may_be_stray && self.is_stray(tag, start, end) {
                    return Some(Event::StrayClose(tag));
                } else if self.found.closed && blank {
                    return Some(Event::Surplus(tag));
                }
                at = tag.end;
            } else {
                at += self.text[at..].chars().next().map_or(1, char::len_utf8);
            }
            blank = false;
        }
        None
    }

    /// A block opens where its tag begins a line and is closed later, or would have been but for the token limit.
    fn opens(&self, tag: Tag, line: usize) -> bool {
        begins_line(&self.text[line..tag.start])
            && (self.setting.cut_off || self.last_closes[tag.family].is_some_and(|last| last >= tag.end))
    }

    fn is_stray(&self, tag: Tag, line: usize, end: usize) -> bool {
        let before = self.text[..tag.start].chars().next_back();
        let after = self.text[tag.end..].chars().next();
        let in_quotes = before.is_some() && before == after && matches!(before, Some('`' | '"' | '\''));
        let alone =
            begins_line(&self.text[line..tag.start]) || self.text[tag.end..end].trim_start().is_empty();
        !in_quotes && (alone || !self.setting.native)
    }

    fn take(&mut self, event: Event, out: &mut Builder<'_>) {
        match event {
            Event::Open(tag) => {
                answer(self.text, tag.start, out);
                out.push(SpanKind::Markup, tag.end);
                let close = tags::close_of(self.text, tag.family, tag.end);
                self.found.add(thought(close, self.text, out));
            }
            Event::StrayClose(tag) => self.found.add(thought(Some(tag), self.text, out)),
            Event::Surplus(tag) => out.push(SpanKind::Markup, tag.end),
        }
        self.may_be_stray = false;
        self.blank = true;
    }
}

/// Whether nothing but a slight indentation stands before a tag on its line.
fn begins_line(before: &str) -> bool {
    before.len() <= 3 && before.bytes().all(|b| b == b' ')
}
