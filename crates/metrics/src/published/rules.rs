//! What cannot be right in published tables, found by rule: a rule is a row in [`RULES`] and knows no model, no table and
//! no value.

mod alpha;
mod arms;
mod samples;
mod values;

use super::columns::title;
use super::grid::Ks;
use super::table::{PublishedRow, Table};
use crate::official::values::Column;
use crate::stats::Range;

/// Kinds of inconsistency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Code {
    /// F-scores of one table with different α.
    MixedAlpha,
    /// F-scores of a whole table with another α than the reference's.
    OtherAlpha,
    /// A figure that no count of passing samples or instances gives.
    OffGrid,
    /// Rows of one table with different k, or a k that the figures rule out.
    KMismatch,
    /// A share at k above that at 1.
    AtKAboveAt1,
    /// Overall Think that is not the mean of its scenarios.
    ThinkNotTheWeightedMean,
    /// One figure printed with two values.
    SameArmTwoValues,
    /// An F-score that no α gives, or whose shares are not printed.
    FNotRecomputable,
    /// No percentage.
    OutOfRange,
}

impl Code {
    /// A stable name, e.g. `mixed-alpha`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MixedAlpha => "mixed-alpha",
            Self::OtherAlpha => "other-alpha",
            Self::OffGrid => "off-grid",
            Self::KMismatch => "k-mismatch",
            Self::AtKAboveAt1 => "at-k-above-at-1",
            Self::ThinkNotTheWeightedMean => "think-not-the-weighted-mean",
            Self::SameArmTwoValues => "same-arm-two-values",
            Self::FNotRecomputable => "f-not-recomputable",
            Self::OutOfRange => "out-of-range",
        }
    }
}

/// One inconsistency; its texts are safe to print.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Which kind.
    pub code: Code,
    /// The table.
    pub table: String,
    /// The row's line in the table, and the row's [`PublishedRow::label`]; `None` where the table as a whole is meant.
    pub row: Option<(u64, String)>,
    /// The figure it is about.
    pub figure: Option<Column>,
    /// What was found and why it cannot be right.
    pub message: String,
    /// The number found: a figure in percent, an α, or a k.
    pub found: f64,
    /// Where it should lie, or the nearest it could be; `None` where nothing says.
    pub expected: Option<Range>,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.table)?;
        if let Some((line, label)) = &self.row {
            write!(f, ": line {line}: {label}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// A kind of inconsistency and how it is found.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What it finds.
    pub code: Code,
    /// What has to hold, in words.
    pub holds: &'static str,
    find: fn(&[Checked<'_>], &mut Vec<Finding>),
}

/// All rules, in the order of their findings.
pub const RULES: [Rule; 9] = [
    Rule { code: Code::OutOfRange, holds: "figures are percentages, 0 to 100", find: values::out_of_range },
    Rule {
        code: Code::FNotRecomputable,
        holds: "an F-score lies between Think@1 and Safe@1, both of them printed",
        find: alpha::not_recomputable,
    },
    Rule { code: Code::MixedAlpha, holds: "the F-scores of a table share one α", find: alpha::mixed },
    Rule {
        code: Code::OtherAlpha,
        holds: "the F-scores of a table have the reference's α",
        find: alpha::other,
    },
    Rule {
        code: Code::OffGrid,
        holds: "a figure is a multiple of 1/(n·k) at 1 and of 1/n at k, within rounding",
        find: samples::off_grid,
    },
    Rule {
        code: Code::KMismatch,
        holds: "the rows of a table have one k, and it is the one their figures fit",
        find: samples::k_mismatch,
    },
    Rule {
        code: Code::AtKAboveAt1,
        holds: "no share is larger at k than at 1",
        find: values::at_k_above_at_1,
    },
    Rule {
        code: Code::ThinkNotTheWeightedMean,
        holds: "overall Think is the mean of its scenarios, weighted by their instances",
        find: values::not_the_mean,
    },
    Rule {
        code: Code::SameArmTwoValues,
        holds: "a figure of one model, arm and k has one value wherever it is printed",
        find: arms::two_values,
    },
];

/// A table with what several rules need to know about it.
struct Checked<'a> {
    table: &'a Table,
    ks: Ks,
}

/// What one row's finding says.
struct Odd {
    figure: Option<Column>,
    message: String,
    found: f64,
    expected: Option<Range>,
}

impl Odd {
    fn in_row(self, code: Code, row: &PublishedRow) -> Finding {
        let Self { figure, message, found, expected } = self;
        let at = Some((row.line, row.label()));
        Finding { code, table: row.table.clone(), row: at, figure, message, found, expected }
    }
}

/// Applies a rule that looks at one row at a time.
fn each_row<'a, F, I>(code: Code, tables: &[Checked<'a>], out: &mut Vec<Finding>, find: F)
where
    F: Fn(&'a PublishedRow) -> I,
    I: IntoIterator<Item = Odd>,
{
    let rows = tables.iter().flat_map(|checked| &checked.table.rows);
    out.extend(rows.flat_map(|row| find(row).into_iter().map(|odd| odd.in_row(code, row))));
}

/// Checks tables, each by itself and against each other, by all [`RULES`]; percentages and their printed precision are
/// all it goes by. A figure is reported only if rounding cannot explain it. The instances are the benchmark's.
#[must_use]
pub fn check(tables: &[Table]) -> Vec<Finding> {
    let checked: Vec<_> = tables.iter().map(|table| Checked { table, ks: Ks::of(&table.rows) }).collect();
    let mut found = Vec::new();
    for rule in RULES {
        (rule.find)(&checked, &mut found);
    }
    found
}

/// `OS@1 12.50`.
fn named(column: Column, figure: super::table::Figure) -> String {
    format!("{} {figure}", title(column))
}
