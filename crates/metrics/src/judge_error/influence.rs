//! Influence of each cluster on an estimate, and the variance and intervals that follow from it.
//!
//! An estimate is linearised as the sum of one influence a cluster (Binder 1983). Its variance is
//! Σₛ Gₛ/(Gₛ−1) Σ_g u_g² over scenarios s with Gₛ clusters: clusters are drawn, and labels drawn within them, so that
//! no assumption is made about samples of one cluster.

use crate::stats::{self, normal_cdf};

/// An estimate and how each cluster moves it.
#[derive(Debug, Clone)]
pub(super) struct Linearised {
    pub(super) value: f64,
    /// By cluster; sums to nearly 0.
    pub(super) influence: Vec<f64>,
    /// Variance beside that of the clusters.
    pub(super) beside: f64,
}

impl Linearised {
    pub(super) fn new(value: f64, clusters: usize) -> Self {
        Self { value, influence: vec![0.0; clusters], beside: 0.0 }
    }

    /// Σ weight × part, with fixed weights.
    pub(super) fn sum<'a>(parts: impl IntoIterator<Item = (f64, &'a Self)>, clusters: usize) -> Self {
        let mut sum = Self::new(0.0, clusters);
        for (weight, part) in parts {
            sum.value += weight * part.value;
            sum.beside += weight * weight * part.beside;
            for (to, from) in sum.influence.iter_mut().zip(&part.influence) {
                *to += weight * from;
            }
        }
        sum
    }

    /// The same value with every influence stretched.
    pub(super) fn widened(mut self, by: f64) -> Self {
        self.influence.iter_mut().for_each(|u| *u *= by);
        self
    }

    /// The variance, with the scenario (`strata`) of each cluster.
    pub(super) fn variance(&self, strata: &[usize]) -> f64 {
        let (mut squares, mut counts) = ([0.0; 3], [0.0_f64; 3]);
        for (u, s) in self.influence.iter().zip(strata) {
            squares[*s] += u * u;
            counts[*s] += 1.0;
        }
        let between = squares.iter().zip(counts).filter(|(_, n)| *n > 1.0);
        self.beside + between.map(|(sum, n)| sum * n / (n - 1.0)).sum::<f64>()
    }
}

/// A weighted mean of (cluster, weight, value), with the influence of its clusters; `None` of nothing.
pub(super) fn mean(points: &[(usize, f64, f64)], clusters: usize) -> Option<Linearised> {
    let total: f64 = points.iter().map(|(_, w, _)| w).sum();
    if total <= 0.0 {
        return None;
    }
    let value = points.iter().map(|(_, w, y)| w * y).sum::<f64>() / total;
    let mut linear = Linearised::new(value, clusters);
    for (cluster, weight, y) in points {
        linear.influence[*cluster] += weight * (y - value) / total;
    }
    Some(linear)
}

/// The factor that makes up for `fitted` parameters having been fitted to as many clusters: the root of G/(G − fitted),
/// as in HC1.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) fn widening(clusters: impl Iterator<Item = usize>, fitted: usize) -> f64 {
    let mut seen: Vec<usize> = clusters.collect();
    seen.sort_unstable();
    seen.dedup();
    let left = seen.len().saturating_sub(fitted).max(1);
    (seen.len() as f64 / left as f64).sqrt()
}

/// How many independent observations have the variance of a share: value (1 − value) / variance, at most `most`.
pub(super) fn effective(value: f64, variance: f64, most: f64) -> f64 {
    let n = value * (1.0 - value) / variance;
    if n.is_finite() && n > 0.0 { n.min(most) } else { most }
}

/// Kish's number of equally weighted observations, (Σw)²/Σw².
pub(super) fn kish(weights: impl Iterator<Item = f64>) -> f64 {
    let (sum, squares) = weights.fold((0.0, 0.0), |(s, q), w| (s + w, q + w * w));
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

/// Wilson's interval for a share of `n` observations, which need not be whole, at a critical value.
fn wilson(share: f64, n: f64, critical: f64) -> (f64, f64) {
    let level = 2.0 * normal_cdf(critical) - 1.0;
    stats::wilson(share * n, n, level).map_or((0.0, 1.0), |range| (range.low, range.high))
}

/// An interval for a share with a variance of its own, clipped to 0..1: Wilson's, with the number of observations that
/// has this variance. Close to an end of 0..1 that number falls to nothing, and a corrected share may lie beyond the end:
/// there the limits are at most those of the symmetric interval or of Wilson's over the `labelled` observations,
/// whichever is wider.
pub(super) fn interval(value: f64, variance: f64, labelled: f64, critical: f64) -> (f64, f64) {
    let (share, half) = (value.clamp(0.0, 1.0), critical * variance.sqrt());
    let end = wilson(share, labelled.max(1.0), critical);
    let widest = ((value - half).min(end.0).max(0.0), (value + half).max(end.1).min(1.0));
    let n = share * (1.0 - share) / variance;
    let (low, high) = if n.is_finite() && n > 0.0 { wilson(share, n, critical) } else { widest };
    // Rounding may leave the share just outside.
    (low.max(widest.0).min(share), high.min(widest.1).max(share))
}
