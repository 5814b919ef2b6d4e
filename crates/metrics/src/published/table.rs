//! A published table: rows of printed percentages, each with the precision it was printed to.

use std::fmt;

use undersight_core::{GenParams, Scenario};

use super::columns::{FIGURES, place};
use crate::official::values::{At, Column};

/// A printed percentage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// In percent.
    pub value: f64,
    /// Digits behind the point it was rounded to. Programs often drop trailing zeros, so the most that any share of the
    /// table shows (or any F-score, for those) counts for all.
    pub decimals: u8,
}

impl Figure {
    /// The most that rounding can have moved it, in percentage points; a little more, for the arithmetic's own error.
    #[must_use]
    pub fn rounding(self) -> f64 {
        0.5 * 10f64.powi(-i32::from(self.decimals)) + 1e-9
    }

    /// The smallest value that prints so.
    #[must_use]
    pub fn low(self) -> f64 {
        self.value - self.rounding()
    }

    /// The largest value that prints so.
    #[must_use]
    pub fn high(self) -> f64 {
        self.value + self.rounding()
    }

    /// Whether one value can have been printed as both.
    #[must_use]
    pub fn agrees(self, other: Self) -> bool {
        self.low() <= other.high() && other.low() <= self.high()
    }

    /// Whether it is a percentage at all.
    #[must_use]
    pub fn in_range(self) -> bool {
        (0.0..=100.0).contains(&self.value)
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.*}", usize::from(self.decimals), self.value)
    }
}

/// One row: what was measured, and the figures printed for it.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedRow {
    /// The table it stands in.
    pub table: String,
    /// Its line there.
    pub line: u64,
    /// The model, as printed.
    pub model: String,
    /// What was done to the model; `base` and `None` both mean nothing.
    pub arm: Option<String>,
    /// Decoding settings, where printed.
    pub decoding: GenParams,
    /// Samples an instance, as the source states them.
    pub k: Option<u32>,
    /// Samples an instance, as the transcriber read them off the figures.
    pub samples_inferred: Option<u32>,
    pub(super) figures: [Option<Figure>; FIGURES.len()],
}

impl PublishedRow {
    /// The figure in a column, where printed.
    #[must_use]
    pub fn figure(&self, column: Column) -> Option<Figure> {
        self.figures[place(column)]
    }

    /// Safe@1 or Safe@k.
    #[must_use]
    pub fn safe(&self, at: At) -> Option<Figure> {
        self.figure(Column::Answer(at))
    }

    /// Think@1 or Think@k.
    #[must_use]
    pub fn think(&self, at: At) -> Option<Figure> {
        self.figure(Column::Think(at))
    }

    /// The F-score.
    #[must_use]
    pub fn f(&self) -> Option<Figure> {
        self.figure(Column::FScore)
    }

    /// Think@1 or Think@k in one scenario.
    #[must_use]
    pub fn scenario(&self, scenario: Scenario, at: At) -> Option<Figure> {
        self.figure(Column::Scenario(scenario, at))
    }

    /// Samples an instance: as stated, otherwise as inferred.
    #[must_use]
    pub fn samples(&self) -> Option<u32> {
        self.k.or(self.samples_inferred)
    }

    /// The arm, unless it is the model as it is.
    #[must_use]
    pub fn treatment(&self) -> Option<&str> {
        self.arm.as_deref().filter(|arm| !arm.eq_ignore_ascii_case("base"))
    }

    /// The model with its arm and decoding settings: `QwQ-32B (with-rules, temperature 0.6)`.
    #[must_use]
    pub fn label(&self) -> String {
        let mut parts: Vec<String> = self.arm.iter().cloned().collect();
        parts.extend(self.decoding.top_k.map(|v| format!("top-k {v}")));
        parts.extend(self.decoding.top_p.map(|v| format!("top-p {v}")));
        parts.extend(self.decoding.temperature.map(|v| format!("temperature {v}")));
        if parts.is_empty() { self.model.clone() } else { format!("{} ({})", self.model, parts.join(", ")) }
    }

    /// As [`Self::figure`], leaving out what is no percentage, which no rule but that one can use.
    pub(super) fn sound(&self, column: Column) -> Option<Figure> {
        self.figure(column).filter(|figure| figure.in_range())
    }
}

/// A published table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name, or its file's.
    pub name: String,
    /// Its rows, in their order.
    pub rows: Vec<PublishedRow>,
}
