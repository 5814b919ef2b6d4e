//! How numbers are written for people: shares as percentages with two decimals, what surrounds them with one.

use undersight_metrics::stats::wilson;
use undersight_metrics::{Estimate, FScore, Interval, Level, Method, Share};

use crate::cell::Cell;

/// What stands where there is no number.
pub const NONE: &str = "–";

/// `37.50`, from a share between 0 and 1.
#[must_use]
pub fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| NONE.to_owned(), |v| format!("{:.2}", v * 100.0))
}

/// `37.50`, from a share.
#[must_use]
pub fn share(share: Share) -> String {
    percent(share.value())
}

/// `30.1–44.9`, from shares between 0 and 1.
#[must_use]
pub fn range(low: f64, high: f64) -> String {
    format!("{:.1}–{:.1}", low * 100.0, high * 100.0)
}

/// Likewise, from an interval.
#[must_use]
pub fn interval(interval: &Interval) -> String {
    range(interval.low, interval.high)
}

/// `[30.1–44.9]`: what a value could become once everything unknown is known.
#[must_use]
pub fn bounds(low: Option<f64>, high: Option<f64>) -> Option<String> {
    low.zip(high).map(|(low, high)| format!("[{}]", range(low, high)))
}

/// An estimate with its interval, and with its bounds where something is unknown.
#[must_use]
pub fn estimate(estimate: &Estimate) -> Cell {
    surrounded(
        estimate.value(),
        estimate.interval,
        bounds(estimate.low, estimate.high).filter(|_| estimate.open > 0.0),
    )
}

/// Likewise an F-score.
#[must_use]
pub fn f_score(f: &FScore) -> Cell {
    surrounded(f.value, f.interval, bounds(f.low, f.high).filter(|_| f.low != f.high))
}

/// A share with an interval that takes what it counts as independent.
#[must_use]
pub fn independent(share: Share, level: Level) -> Cell {
    surrounded(share.value(), independent_interval(share, level), None)
}

/// Wilson's interval of a share whose trials are independent; `None` of nothing.
#[must_use]
pub fn independent_interval(share: Share, level: Level) -> Option<Interval> {
    let range = wilson(share.passes as f64, share.of as f64, level.get())?;
    Some(Interval::of_share(range.low, range.high, Method::Wilson))
}

fn surrounded(value: Option<f64>, around: Option<Interval>, bounds: Option<String>) -> Cell {
    Cell { text: percent(value), interval: around.as_ref().map(interval), bounds }
}

/// `95 %`.
#[must_use]
pub fn level(level: Level) -> String {
    let digits = format!("{:.4}", level.get() * 100.0);
    format!("{} %", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// `2,000`.
#[must_use]
pub fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// Likewise, from a whole number that is summed as a real one.
#[must_use]
pub fn whole(n: f64) -> String {
    grouped(&format!("{n:.0}"))
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
