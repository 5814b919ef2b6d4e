//! The beta distribution on the logit scale, where both tails keep their digits: what binomial intervals, exact tests
//! and Student's t are computed from.
//!
//! Below, `u` = ln(x / (1 − x)). The density of `u` is log-concave for every a and b, and so is its distribution
//! function: Newton's method on ln F reaches any quantile below the median from anywhere.

use libm::lgamma;

const LN_SQRT_2_PI: f64 = 0.918_938_533_204_672_8;

/// Enough for a + b up to about 10¹⁰, as the number grows with the square root.
const MAX_TERMS: u32 = 200_000;

/// The regularised incomplete beta function I_x(a, b), which is the share of Beta(a, b) below `x`.
///
/// The continued fraction of DiDonato and Morris (1992) with the saddle-point prefix of Loader (2000).
/// `NaN` unless a, b > 0 and `x` is between 0 and 1.
#[must_use]
pub fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    if !(positive(a) && positive(b) && (0.0..=1.0).contains(&x)) {
        return f64::NAN;
    }
    tails(a, b, Split { x, y: 1.0 - x }).lower()
}

/// The `x` below which lies a share `p` of Beta(a, b).
///
/// Relative error near 10⁻¹³ in `x` and in 1 − `x` alike, as far as `p` holds it. `NaN` unless a, b > 0 and `p` is
/// between 0 and 1.
#[must_use]
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    if !(positive(a) && positive(b) && (0.0..=1.0).contains(&p)) {
        return f64::NAN;
    }
    Split::at(logit_quantile(Split { x: p, y: 1.0 - p }, a, b)).x
}

fn positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

/// A share and the rest, each with all its digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Split {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Split {
    /// The share whose logit is `u`.
    pub(super) fn at(u: f64) -> Self {
        Self { x: 1.0 / (1.0 + (-u).exp()), y: 1.0 / (1.0 + u.exp()) }
    }

    fn swapped(self) -> Self {
        Self { x: self.y, y: self.x }
    }
}

/// The logit of the quantile of Beta(a, b) with `p.x` below and `p.y` above; infinite at the ends. Takes a, b > 0.
pub(super) fn logit_quantile(p: Split, a: f64, b: f64) -> f64 {
    if p.x > p.y {
        return -logit_quantile(p.swapped(), b, a);
    }
    if p.x <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let target = p.x.ln();
    let mut u = (a / b).ln();
    for _ in 0..200 {
        let at = tails(a, b, Split::at(u));
        let ln_below = at.ln_lower();
        let step = (ln_below - target) * (ln_below - at.ln_density).exp();
        if !step.is_finite() {
            break;
        }
        u -= step;
        if step.abs() <= 1e-11 * (1.0 + u.abs()) {
            break;
        }
    }
    u
}

/// One tail in logarithm, whichever converges fast, and the density of the logit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tails {
    ln_tail: f64,
    tail_is_lower: bool,
    ln_density: f64,
}

impl Tails {
    fn ln_lower(self) -> f64 {
        if self.tail_is_lower { self.ln_tail } else { ln_complement(self.ln_tail) }
    }

    /// The share below.
    pub(super) fn lower(self) -> f64 {
        if self.tail_is_lower { self.ln_tail.exp() } else { -self.ln_tail.exp_m1() }.clamp(0.0, 1.0)
    }
}

/// ln(1 − eᵛ).
fn ln_complement(v: f64) -> f64 {
    if v > -std::f64::consts::LN_2 { (-v.exp_m1()).ln() } else { (-v.exp()).ln_1p() }
}

/// The tails of Beta(a, b) at a point. Takes a, b > 0.
pub(super) fn tails(a: f64, b: f64, at: Split) -> Tails {
    if at.x <= 0.0 || at.y <= 0.0 {
        let none_below = at.x <= 0.0;
        return Tails {
            ln_tail: f64::NEG_INFINITY,
            tail_is_lower: none_below,
            ln_density: f64::NEG_INFINITY,
        };
    }
    let ln_density = ln_choose(a, b, at) + (a * (b / (a + b))).ln();
    // Either fraction converges on its side of the mean.
    if at.x * (a + b + 2.0) < a + 1.0 {
        let ln_tail = ln_density - fraction(a, b, at).ln();
        Tails { ln_tail, tail_is_lower: true, ln_density }
    } else {
        let ln_tail = ln_density - fraction(b, a, at.swapped()).ln();
        Tails { ln_tail, tail_is_lower: false, ln_density }
    }
}

/// ln of Γ(n+1) / (Γ(a+1) Γ(b+1)) · xᵃ yᵇ with n = a + b, by deviances from the mode instead of differences of large
/// logarithms (Loader 2000, "Fast and accurate computation of binomial probabilities"). Takes a, b > 0.
pub(super) fn ln_choose(a: f64, b: f64, at: Split) -> f64 {
    let n = a + b;
    let saddle = stirling_error(n) - stirling_error(a) - stirling_error(b);
    let deviance = deviance(a, n * at.x) + deviance(b, n * at.y);
    saddle - deviance - LN_SQRT_2_PI + 0.5 * (n.ln() - a.ln() - b.ln())
}

/// ln Γ(x+1) less Stirling's formula for it.
fn stirling_error(x: f64) -> f64 {
    if x < 10.0 {
        return lgamma(x + 1.0) - (x + 0.5) * x.ln() + x - LN_SQRT_2_PI;
    }
    let s = 1.0 / (x * x);
    let terms = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0];
    terms.iter().rev().fold(0.0, |sum, term| sum * s + term) / x
}

/// x ln(x/m) + m − x, without cancellation where x is near m.
fn deviance(x: f64, m: f64) -> f64 {
    let v = (x - m) / (x + m);
    if v.abs() >= 0.1 {
        return x * (x / m).ln() + m - x;
    }
    // ln(x/m) = 2 artanh v, and the first term of its series is taken out with m − x.
    let mut power = 2.0 * x * v;
    let mut sum = (x - m) * v;
    // v² < 0.01, so ten terms hold every digit.
    for odd in 1..=10 {
        power *= v * v;
        sum += power / f64::from(2 * odd + 1);
    }
    sum
}

/// What the density is divided by for the lower tail: the continued fraction of DiDonato and Morris (1992, "Algorithm
/// 708"), by the modified method of Lentz.
fn fraction(a: f64, b: f64, at: Split) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |v: f64| if v.abs() < TINY { TINY } else { v };
    let Split { x, y } = at;
    let excess = a * y - b * x + 1.0;
    let mut value = away(a * excess / (a + 1.0));
    let (mut c, mut d) = (value, 0.0);
    for m in 1..=MAX_TERMS {
        let m = f64::from(m);
        let before = a + 2.0 * m - 1.0;
        let share = m * (b - m) * x / before;
        let over = (a + m - 1.0) * (a + b + m - 1.0) * x / before * share;
        let under = m + share + (a + m) * (excess + m * (1.0 + y)) / (before + 2.0);
        d = 1.0 / away(under + over * d);
        c = away(under + over / c);
        let change = c * d;
        value *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}
