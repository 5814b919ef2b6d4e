//! Builds the spans of an extraction: gap-free by construction, white space at the ends of a piece set apart.

use undersight_core::{Span, SpanKind};

/// Collects spans part by part. Each push covers what lies between the last position and a new one.
#[derive(Debug, Default)]
pub(super) struct Builder<'t> {
    part: usize,
    text: &'t str,
    at: usize,
    spans: Vec<Span>,
}

impl<'t> Builder<'t> {
    /// Starts the next part.
    pub(super) fn begin(&mut self, part: usize, text: &'t str) {
        (self.part, self.text, self.at) = (part, text, 0);
    }

    /// Where the next push starts, in bytes of the current part.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// What is between the position and `end` is of `kind`, except that white space around a trace or an answer is
    /// markup.
    pub(super) fn push(&mut self, kind: SpanKind, end: usize) {
        let piece = self.text.get(self.at..end).unwrap_or("");
        if matches!(kind, SpanKind::Trace | SpanKind::Answer) {
            let first = self.at + (piece.len() - piece.trim_start().len());
            let last = (self.at + piece.trim_end().len()).max(first);
            self.cover(SpanKind::Markup, first);
            self.cover(kind, last);
            self.cover(SpanKind::Markup, end);
        } else {
            self.cover(kind, end);
        }
    }

    /// All spans.
    pub(super) fn finish(self) -> Vec<Span> {
        self.spans
    }

    fn cover(&mut self, kind: SpanKind, end: usize) {
        if end <= self.at {
            return;
        }
        let (part, start) = (self.part, self.at);
        self.at = end;
        match self.spans.last_mut() {
            Some(last) if last.part == part && last.kind == kind && kind == SpanKind::Markup => {
                last.end = end;
            }
            _ => self.spans.push(Span { part, start, end, kind }),
        }
    }
}
