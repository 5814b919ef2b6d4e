//! Where a sample's trace came from and how it divides: ordered spans over untouched raw text.

use serde::{Deserialize, Serialize};

/// What the trace is. Decided from what arrived and from documented provider behaviour, never guessed silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// The model's own reasoning, whole.
    Full,
    /// A summary written by the provider.
    Summary,
    /// Present but unreadable.
    Encrypted,
    /// None arrived.
    Absent,
    /// Cut off before it ended.
    Truncated,
}

impl Provenance {
    /// All five.
    pub const ALL: [Self; 5] = [Self::Full, Self::Summary, Self::Encrypted, Self::Absent, Self::Truncated];

    /// As stored and printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Summary => "summary",
            Self::Encrypted => "encrypted",
            Self::Absent => "absent",
            Self::Truncated => "truncated",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == text.trim())
    }

    /// Whether there is a trace a judge can read.
    #[must_use]
    pub const fn readable(self) -> bool {
        !matches!(self, Self::Absent | Self::Encrypted)
    }
}

/// One raw text as it arrived, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where it arrived: `content`, `reasoning_content`, `reasoning`, …
    pub field: String,
    /// The text.
    pub text: String,
}

/// What a stretch of a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpanKind {
    /// Reasoning.
    Trace,
    /// The answer.
    Answer,
    /// Tags and the white space that belongs to them.
    Markup,
    /// Reasoning that cannot be read.
    Encrypted,
}

/// A stretch of one part, in bytes, on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Index into the parts.
    pub part: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub kind: SpanKind,
}

/// The division of a reply into trace and answer. The spans of each part, in order, cover it exactly, so the raw
/// text can always be put together again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extraction {
    /// Raw texts in the order the provider means them (reasoning fields before content).
    pub parts: Vec<Part>,
    /// Ordered, gap-free per part.
    pub spans: Vec<Span>,
    /// What the trace is.
    pub provenance: Provenance,
}

impl Extraction {
    /// No text at all (an error record).
    #[must_use]
    pub const fn none() -> Self {
        Self { parts: Vec::new(), spans: Vec::new(), provenance: Provenance::Absent }
    }

    /// A trace and an answer that arrived apart, as in an import.
    #[must_use]
    pub fn apart(trace: Option<(&str, &str)>, answer: (&str, &str), provenance: Provenance) -> Self {
        let mut parts = Vec::new();
        let mut spans = Vec::new();
        for (kind, (field, text)) in
            trace.map(|t| (SpanKind::Trace, t)).into_iter().chain([(SpanKind::Answer, answer)])
        {
            spans.push(Span { part: parts.len(), start: 0, end: text.len(), kind });
            parts.push(Part { field: field.to_owned(), text: text.to_owned() });
        }
        Self { parts, spans, provenance }
    }

    /// The reasoning, its pieces joined by a newline.
    #[must_use]
    pub fn trace(&self) -> String {
        self.view(SpanKind::Trace)
    }

    /// The answer, its pieces joined by a newline.
    #[must_use]
    pub fn answer(&self) -> String {
        self.view(SpanKind::Answer)
    }

    /// The text of one span; empty when the span does not fit its part.
    #[must_use]
    pub fn text(&self, span: &Span) -> &str {
        self.parts.get(span.part).and_then(|p| p.text.get(span.start..span.end)).unwrap_or("")
    }

    fn view(&self, kind: SpanKind) -> String {
        let pieces: Vec<&str> = self.spans.iter().filter(|s| s.kind == kind).map(|s| self.text(s)).collect();
        pieces.join("\n")
    }

    /// Whether the spans cover every part exactly and in order: the invariant of extraction.
    #[must_use]
    pub fn covers(&self) -> bool {
        let mut spans = self.spans.iter().peekable();
        for (i, part) in self.parts.iter().enumerate() {
            let mut at = 0;
            while let Some(span) = spans.next_if(|s| s.part == i) {
                if span.start != at || span.end < at || !part.text.is_char_boundary(span.end) {
                    return false;
                }
                at = span.end;
            }
            if at != part.text.len() {
                return false;
            }
        }
        spans.next().is_none()
    }
}
