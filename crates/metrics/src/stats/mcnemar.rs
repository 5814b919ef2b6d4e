//! Tests of paired binary outcomes by their discordant pairs: `b` where only the first passes, `c` where only the second
//! does. Pairs that agree say nothing about the difference.

use super::binomial::{binomial_cdf, binomial_pmf};

/// The exact two-sided p-value of McNemar's test: twice the smaller binomial tail at one half, at most 1. Of no
/// discordant pair it is 1. Equal to statsmodels' `mcnemar(exact=True)`.
#[must_use]
pub fn mcnemar_exact(b: u64, c: u64) -> f64 {
    (2.0 * binomial_cdf(b.min(c), b.saturating_add(c), 0.5)).min(1.0)
}

/// The two-sided mid-p value: the exact one with half the weight on what was observed, nearer to its nominal level
/// (Fagerland et al. 2013). Of no discordant pair it is 1.
#[must_use]
pub fn mcnemar_mid(b: u64, c: u64) -> f64 {
    let (smaller, n) = (b.min(c), b.saturating_add(c));
    if b == c {
        return 1.0;
    }
    2.0 * binomial_cdf(smaller, n, 0.5) - binomial_pmf(smaller, n, 0.5)
}
