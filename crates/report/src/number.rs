//! How shares are written for people: percent with two decimals, bounds only where something is unknown.

use undersight_metrics::{Estimate, FScore, Share};

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

/// `12.34`, or `12.34 [11.20–13.50]` where something is unknown.
#[must_use]
pub fn estimate(estimate: &Estimate) -> String {
    bounded(estimate.share.value(), estimate.low.value(), estimate.high.value(), estimate.open() > 0)
}

/// Likewise for an F-score.
#[must_use]
pub fn f_score(f: &FScore) -> String {
    bounded(f.value, f.low, f.high, f.low != f.high)
}

fn bounded(point: Option<f64>, low: Option<f64>, high: Option<f64>, open: bool) -> String {
    if open { format!("{} [{}–{}]", percent(point), percent(low), percent(high)) } else { percent(point) }
}

/// `2,000`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
