//! The binomial distribution and intervals for one share, for slices too small for a normal approximation.

use super::beta::{Split, beta_quantile, ln_choose, tails};
use super::normal::normal_quantile;

/// An interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Range {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Range {
    /// Whether a value lies in it, its ends included.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Passes of trials, and a level strictly between 0 and 1.
fn sound(passes: f64, n: f64, level: f64) -> bool {
    n.is_finite() && (0.0..=n).contains(&passes) && level > 0.0 && level < 1.0
}

/// The score interval of Wilson (1927): the shares that a two-sided normal test with the null's own variance does not
/// reject. `n` and `passes` may be real, such as an effective sample size.
///
/// `None` unless 0 ≤ `passes` ≤ `n`, `n` > 0 and 0 < `level` < 1.
#[must_use]
pub fn wilson(passes: f64, n: f64, level: f64) -> Option<Range> {
    if !sound(passes, n, level) || n <= 0.0 {
        return None;
    }
    let z = normal_quantile(0.5 * (1.0 - level));
    let z2 = z * z;
    let fails = n - passes;
    let centre = (passes + 0.5 * z2) / (n + z2);
    let half = z.abs() * (passes * fails / n + 0.25 * z2).sqrt() / (n + z2);
    Some(Range {
        low: if passes > 0.0 { (centre - half).max(0.0) } else { 0.0 },
        high: if fails > 0.0 { (centre + half).min(1.0) } else { 1.0 },
    })
}

/// The exact interval of Clopper and Pearson (1934) from beta quantiles, never covering less than `level`; real `n` and
/// `passes` as Korn and Graubard (1998) use it with an effective sample size.
///
/// `None` as for [`wilson`].
#[must_use]
pub fn clopper_pearson(passes: f64, n: f64, level: f64) -> Option<Range> {
    if !sound(passes, n, level) || n <= 0.0 {
        return None;
    }
    let tail = 0.5 * (1.0 - level);
    let fails = n - passes;
    Some(Range {
        low: if passes > 0.0 { beta_quantile(tail, passes, fails + 1.0) } else { 0.0 },
        high: if fails > 0.0 { 1.0 - beta_quantile(tail, fails, passes + 1.0) } else { 1.0 },
    })
}

/// The equal-tailed posterior interval of a share under a uniform prior: quantiles of Beta(`passes` + 1, `n` −
/// `passes` + 1). Of nothing at all (`n` = 0) it is the prior's.
///
/// `None` unless 0 ≤ `passes` ≤ `n` and 0 < `level` < 1.
#[must_use]
pub fn beta_1_1(passes: f64, n: f64, level: f64) -> Option<Range> {
    if !sound(passes, n, level) {
        return None;
    }
    let tail = 0.5 * (1.0 - level);
    let (a, b) = (passes + 1.0, n - passes + 1.0);
    Some(Range { low: beta_quantile(tail, a, b), high: 1.0 - beta_quantile(tail, b, a) })
}

/// The probability of exactly `k` passes in `n` trials that each pass with probability `p`; `NaN` unless `p` is between
/// 0 and 1.
#[must_use]
pub fn binomial_pmf(k: u64, n: u64, p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let Some(fails) = n.checked_sub(k) else {
        return 0.0;
    };
    let at = Split { x: p, y: 1.0 - p };
    match (k, fails) {
        (0, 0) => 1.0,
        (0, _) => (real(n) * (-at.x).ln_1p()).exp(),
        (_, 0) => (real(n) * at.x.ln()).exp(),
        _ if at.x <= 0.0 || at.y <= 0.0 => 0.0,
        _ => ln_choose(real(k), real(fails), at).exp(),
    }
}

/// The probability of at most `k` passes in `n` trials that each pass with probability `p`: I₁₋ₚ(n − k, k + 1). `NaN`
/// unless `p` is between 0 and 1.
#[must_use]
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if k >= n {
        return 1.0;
    }
    tails(real(n - k), real(k) + 1.0, Split { x: 1.0 - p, y: p }).lower()
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn real(count: u64) -> f64 {
    count as f64
}
