//! A cell of a table: a text, and what surrounds a number, below it or behind it.

use undersight_core::text::excerpt;

/// A cell shows at most this many characters of its text.
const LONGEST: usize = 200;

/// What stands in one place of a table. Only the text may come from outside; it is made printable when shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// What is shown first.
    pub text: String,
    /// The interval around a number, `30.1–44.9`.
    pub interval: Option<String>,
    /// The bounds of a number of which something is unknown, `[30.1–44.9]`.
    pub bounds: Option<String>,
}

impl Cell {
    /// A text alone.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), interval: None, bounds: None }
    }

    /// On one line: `37.50 (30.1–44.9) [28.0–52.0]`.
    #[must_use]
    pub fn inline(&self) -> String {
        let mut out = self.first();
        if let Some(interval) = &self.interval {
            out.push_str(&format!(" ({interval})"));
        }
        if let Some(bounds) = &self.bounds {
            out.push_str(&format!(" {bounds}"));
        }
        out
    }

    /// On up to three lines: the text, the interval, the bounds.
    #[must_use]
    pub fn stacked(&self) -> String {
        let mut out = self.first();
        for below in self.interval.iter().chain(&self.bounds) {
            out.push('\n');
            out.push_str(below);
        }
        out
    }

    /// As two cells of one line: the text, and what surrounds it.
    #[must_use]
    pub fn apart(self) -> [Self; 2] {
        let around: Vec<String> = self.interval.into_iter().chain(self.bounds).collect();
        [Self::new(self.text), Self::new(around.join(" "))]
    }

    fn first(&self) -> String {
        excerpt(&self.text, LONGEST)
    }
}
