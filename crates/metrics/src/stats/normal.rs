//! The normal distribution and quantiles of Student's t.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use libm::{erf, erfc};

use super::beta::{Split, logit_quantile};

/// Above this many degrees of freedom two terms of the expansion around the normal quantile are exact to 10⁻¹².
const MANY: f64 = 1e7;

/// The share of the standard normal distribution below `z`.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z * FRAC_1_SQRT_2)
}

/// The share of the standard normal distribution farther from 0 than `z`: the two-sided p-value of a z statistic.
#[must_use]
pub fn normal_p_two_sided(z: f64) -> f64 {
    erfc(z.abs() * FRAC_1_SQRT_2)
}

/// The `z` below which lies a share `p` of the standard normal distribution; infinite at 0 and 1, `NaN` outside.
///
/// The rational start of Hastings (Abramowitz and Stegun 26.2.23), then Halley's method; relative error below 10⁻¹².
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let mut z = hastings(p);
    for _ in 0..3 {
        // Near the middle the digits are in p − 1/2, in the tail they are in p.
        let error = if p > 0.25 { 0.5 * erf(z * FRAC_1_SQRT_2) - (p - 0.5) } else { normal_cdf(z) - p };
        let ratio = error * (0.5 * z * z).exp() * (2.0 * PI).sqrt();
        let polished = z - ratio / (1.0 + 0.5 * z * ratio);
        if !polished.is_finite() {
            break;
        }
        z = polished;
    }
    z
}

/// The quantile of `p` at most one half, to three decimals.
fn hastings(p: f64) -> f64 {
    let t = (-2.0 * p.ln()).sqrt();
    let above = (0.010_328 * t + 0.802_853) * t + 2.515_517;
    let below = ((0.001_308 * t + 0.189_269) * t + 1.432_788) * t + 1.0;
    above / below - t
}

/// The `t` below which lies a share `p` of Student's t distribution with `df` degrees of freedom (any real number above
/// 0, infinity being the normal distribution); infinite at 0 and 1, `NaN` outside.
///
/// t² / (df + t²) has the distribution Beta(1/2, df/2); relative error below 10⁻¹².
#[must_use]
pub fn t_quantile(p: f64, df: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) || df.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    if p < 0.5 {
        return -upper(p, df);
    }
    upper(1.0 - p, df)
}

/// The positive `t` above which lies a share `tail`, at most one half.
fn upper(tail: f64, df: f64) -> f64 {
    if df > MANY {
        let z = -normal_quantile(tail);
        if z.is_infinite() {
            return z;
        }
        let cube = z * z * z;
        return z + (cube + z) / (4.0 * df) + (5.0 * cube * z * z + 16.0 * cube + 3.0 * z) / (96.0 * df * df);
    }
    let outside = 2.0 * tail;
    let u = logit_quantile(Split { x: 1.0 - outside, y: outside }, 0.5, 0.5 * df);
    df.sqrt() * (0.5 * u).exp()
}
