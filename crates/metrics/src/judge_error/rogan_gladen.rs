//! Rates corrected by a judge's sensitivity and specificity.

use crate::stats::normal_quantile;

/// A corrected share and its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corrected {
    /// The point, clipped to 0..1.
    pub point: f64,
    /// The lower limit, clipped.
    pub low: f64,
    /// The upper limit, clipped.
    pub high: f64,
}

/// The Rogan–Gladen estimate (p + q₀ − 1)/(q₁ + q₀ − 1) of a true share, from the share `p` of `n` judged to pass, a
/// `specificity` q₀ measured on `m0` and a `sensitivity` q₁ on `m1`; all shares 0..1, all numbers above 0 and not
/// necessarily whole. The interval is Lang and Reiczigel's: with p′ over n + z², q′ = (m q + 1)/(m + 2) and θ′ from these,
/// θ′ + δ ± z √(p′(1−p′)/(n+z²) + θ′² q₁′(1−q₁′)/(m₁+2) + (1−θ′)² q₀′(1−q₀′)/(m₀+2)) / (q₁′ + q₀′ − 1), where
/// δ = 2z² (θ′ q₁′(1−q₁′)/(m₁+2) − (1−θ′) q₀′(1−q₀′)/(m₀+2)). `None` when an argument is out of range or the judge is no
/// better than chance (q₁ + q₀ ≤ 1, before or after the adjustment).
/// Sources: Rogan and Gladen 1978; Lang and Reiczigel 2014.
#[must_use]
pub fn rogan_gladen(
    p: f64,
    specificity: f64,
    sensitivity: f64,
    n: f64,
    m0: f64,
    m1: f64,
    level: f64,
) -> Option<Corrected> {
    let shares = [p, specificity, sensitivity].into_iter().all(|v| (0.0..=1.0).contains(&v));
    let counts = [n, m0, m1].into_iter().all(|v| v.is_finite() && v > 0.0);
    let sound = shares && counts && level > 0.0 && level < 1.0;
    if !sound {
        return None;
    }
    let z = normal_quantile(0.5 + level / 2.0);
    adjusted(p, specificity, sensitivity, [n, m0, m1], z)
}

/// As [`rogan_gladen`], with the critical value given.
pub(super) fn adjusted(
    p: f64,
    specificity: f64,
    sensitivity: f64,
    [n, m0, m1]: [f64; 3],
    z: f64,
) -> Option<Corrected> {
    let solve = |p: f64, q0: f64, q1: f64| (q0 + q1 > 1.0).then(|| (p + q0 - 1.0) / (q0 + q1 - 1.0));
    let point = solve(p, specificity, sensitivity)?;
    let z2 = z * z;
    let (n, p) = (n + z2, (n * p + z2 / 2.0) / (n + z2));
    let (m0, q0) = pseudo(m0, specificity);
    let (m1, q1) = pseudo(m1, sensitivity);
    let theta = solve(p, q0, q1)?;
    let (v0, v1) = (q0 * (1.0 - q0) / m0, q1 * (1.0 - q1) / m1);
    let shift = 2.0 * z2 * (theta * v1 - (1.0 - theta) * v0);
    let variance = p * (1.0 - p) / n + theta * theta * v1 + (1.0 - theta).powi(2) * v0;
    let half = z * variance.sqrt() / (q0 + q1 - 1.0);
    Some(Corrected {
        point: point.clamp(0.0, 1.0),
        low: (theta + shift - half).clamp(0.0, 1.0),
        high: (theta + shift + half).clamp(0.0, 1.0),
    })
}

/// One success and one failure added: the number and the share.
fn pseudo(m: f64, q: f64) -> (f64, f64) {
    (m + 2.0, (m * q + 1.0) / (m + 2.0))
}

/// Youden's J = q₁ + q₀ − 1 and its lower bound at a critical value, with one success and one failure added to each.
pub(super) fn youden(specificity: f64, sensitivity: f64, m0: f64, m1: f64, critical: f64) -> (f64, f64) {
    let ((m0, q0), (m1, q1)) = (pseudo(m0, specificity), pseudo(m1, sensitivity));
    let error = (q0 * (1.0 - q0) / m0 + q1 * (1.0 - q1) / m1).sqrt();
    (specificity + sensitivity - 1.0, q0 + q1 - 1.0 - critical * error)
}
