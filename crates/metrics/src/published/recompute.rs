//! What can be worked out from a row's printed figures: overall Think, the F-score under any α, the α it was printed
//! with, and intervals. All in percent, with what rounding of the printed figures leaves open.

use undersight_core::Scenario;

use super::columns::{FIGURES, instances};
use super::table::{Figure, PublishedRow};
use crate::alpha::Alpha;
use crate::inference::Level;
use crate::official::values::{At, BENCHMARK_SIZE, Column, benchmark_size};
use crate::stats::{Range, wilson};

/// A number worked out from rounded figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rounded {
    /// From the figures as printed.
    pub value: f64,
    /// What it may be before the figures were rounded.
    pub range: Range,
}

impl Rounded {
    /// Whether a figure can have been printed for it.
    #[must_use]
    pub fn agrees(&self, figure: Figure) -> bool {
        figure.low() <= self.range.high && self.range.low <= figure.high()
    }
}

/// What a row's figures say beyond themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Recomputed {
    /// Overall Think@1 and Think@k in percent: the scenarios' figures weighted by 600, 1,200 and 200 instances. `None`
    /// where a scenario is not printed.
    pub think: [Option<Rounded>; 2],
    /// The F-score in percent at the α asked for, from the printed Safe@1 and Think@1 (from the scenarios where Think@1
    /// is not printed), so that rows printed with different α compare.
    pub f: Option<Rounded>,
    /// The α that the printed F-score implies.
    pub implied_alpha: Option<Rounded>,
    /// For every printed figure at 1 and at k a conservative 95 % interval in percent: Wilson's with each instance
    /// counted once, as if its samples were copies of each other. No dependence between samples of an instance makes it
    /// wider, so at 1 it is too wide rather than too narrow; it treats instances as independent.
    pub intervals: Vec<(Column, Range)>,
}

/// Recomputes what a row allows, its F-score at `alpha`. Figures outside 0 to 100 are left out.
#[must_use]
pub fn recompute(row: &PublishedRow, alpha: Alpha) -> Recomputed {
    let think = [At::One, At::K].map(|at| weighted_think(row, at));
    let think_1 = row.sound(Column::Think(At::One)).map(rounded).or(think[0]);
    let safe_1 = row.sound(Column::Answer(At::One)).map(rounded);
    let f = think_1.zip(safe_1).map(|(think, safe)| Rounded {
        value: alpha.combine(think.value, safe.value),
        range: Range {
            low: alpha.combine(think.range.low, safe.range.low),
            high: alpha.combine(think.range.high, safe.range.high),
        },
    });
    let intervals = FIGURES.into_iter().filter_map(|column| {
        let (share, n) = (row.sound(column)?.value / 100.0, f64::from(instances(column)?));
        let range = wilson(share * n, n, Level::DEFAULT.get())?;
        Some((column, Range { low: 100.0 * range.low, high: 100.0 * range.high }))
    });
    Recomputed { think, f, implied_alpha: row_alpha(row), intervals: intervals.collect() }
}

/// A figure with what it may have been rounded from.
fn rounded(figure: Figure) -> Rounded {
    let range = Range { low: figure.low().max(0.0), high: figure.high().min(100.0) };
    Rounded { value: figure.value, range }
}

/// Overall Think in percent, (200 OS + 1200 CS + 600 RO) / 2000.
pub(super) fn weighted_think(row: &PublishedRow, at: At) -> Option<Rounded> {
    let mut mean = Rounded { value: 0.0, range: Range { low: 0.0, high: 0.0 } };
    for scenario in Scenario::ALL {
        let part = rounded(row.sound(Column::Scenario(scenario, at))?);
        let weight = f64::from(benchmark_size(scenario)) / f64::from(BENCHMARK_SIZE);
        mean.value += weight * part.value;
        mean.range.low += weight * part.range.low;
        mean.range.high += weight * part.range.high;
    }
    Some(mean)
}

/// [`implied_alpha`] of a row's own figures.
pub(super) fn row_alpha(row: &PublishedRow) -> Option<Rounded> {
    let [f, think, safe] =
        [Column::FScore, Column::Think(At::One), Column::Answer(At::One)].map(|c| row.sound(c));
    implied_alpha(f?, think?, safe?)
}

/// The α with which an F-score was printed, ln(F/S) / ln(T/S), and what rounding of the three leaves open: α is monotone
/// in each, so its extremes are at the corners. `None` where it is undetermined: T and S too close, or one of the three
/// as good as 0.
#[must_use]
pub fn implied_alpha(f: Figure, think: Figure, safe: Figure) -> Option<Rounded> {
    let apart = !think.agrees(safe);
    let positive = [f, think, safe].iter().all(|figure| figure.low() > 0.0);
    if !(apart && positive) {
        return None;
    }
    let alpha = |f: f64, think: f64, safe: f64| (f / safe).ln() / (think / safe).ln();
    let mut range = Range { low: f64::INFINITY, high: f64::NEG_INFINITY };
    for f in [f.low(), f.high()] {
        for think in [think.low(), think.high()] {
            for safe in [safe.low(), safe.high()] {
                let corner = alpha(f, think, safe);
                range = Range { low: range.low.min(corner), high: range.high.max(corner) };
            }
        }
    }
    Some(Rounded { value: alpha(f.value, think.value, safe.value), range })
}
