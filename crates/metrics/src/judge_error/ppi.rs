//! Prediction-powered means: the judge's rate over all samples, moved by its mean error on the labelled ones.

use super::influence::{Linearised, kish, mean, widening};
use crate::stats::normal_quantile;

/// How far the judge is trusted: 0 uses the labels alone, 1 the judge's rate plus its mean error.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Lambda {
    /// Whatever makes the variance smallest, within 0..1 (PPI++).
    #[default]
    Tuned,
    /// As given.
    Fixed(f64),
}

/// A prediction-powered mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PpiMean {
    /// The estimate, in the unit of the data; not clipped.
    pub point: f64,
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
    /// The weight used.
    pub lambda: f64,
}

/// The PPI++ mean λ·mean(ŷᵤ) + mean(y − λŷ) of independent observations, from labelled pairs (`y`, `yhat`) and
/// predictions `yhat_unlabelled` of others, with its normal interval at `level`. The tuned λ is
/// cov(y, ŷ)/((1 + n/N) var(ŷ ∪ ŷᵤ)), clipped to 0..1. `None` when a list is empty, the pairs do not match, anything is
/// not finite or the level is outside 0..1. Values agree with ppi-python 0.2.3.
/// Sources: Angelopoulos et al. 2023; Angelopoulos, Duchi and Zrnic 2023.
#[must_use]
pub fn ppi_mean(
    y: &[f64],
    yhat: &[f64],
    yhat_unlabelled: &[f64],
    level: f64,
    lambda: Lambda,
) -> Option<PpiMean> {
    let finite = |values: &[f64]| !values.is_empty() && values.iter().all(|v| v.is_finite());
    if y.len() != yhat.len() || ![y, yhat, yhat_unlabelled].into_iter().all(finite) {
        return None;
    }
    if !(0.0 < level && level < 1.0) {
        return None;
    }
    let z = normal_quantile(0.5 + level / 2.0);
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let (n, unlabelled) = (y.len() as f64, yhat_unlabelled.len() as f64);
    let lambda = match lambda {
        Lambda::Fixed(fixed) => Some(fixed).filter(|l| l.is_finite())?,
        Lambda::Tuned => {
            let (my, mh) = (average(y), average(yhat));
            let covariance = y.iter().zip(yhat).map(|(a, b)| (a - my) * (b - mh)).sum::<f64>() / n;
            let all: Vec<f64> = yhat.iter().chain(yhat_unlabelled).copied().collect();
            let variance = spread(&all) * (n + unlabelled) / (n + unlabelled - 1.0);
            let tuned = covariance / ((1.0 + n / unlabelled) * variance);
            if tuned.is_finite() { tuned.clamp(0.0, 1.0) } else { 0.0 }
        }
    };
    let errors: Vec<f64> = y.iter().zip(yhat).map(|(y, h)| y - lambda * h).collect();
    let point = lambda * average(yhat_unlabelled) + average(&errors);
    let se = (lambda * lambda * spread(yhat_unlabelled) / unlabelled + spread(&errors) / n).sqrt();
    Some(PpiMean { point, low: point - z * se, high: point + z * se, lambda })
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The variance with divisor n.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn spread(values: &[f64]) -> f64 {
    let middle = average(values);
    values.iter().map(|v| (v - middle).powi(2)).sum::<f64>() / values.len() as f64
}

/// A labelled sample of one task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) cluster: usize,
    pub(super) weight: f64,
    /// 1 where the judge passes it, else 0.
    pub(super) judged: f64,
    /// 1 where people do, else 0.
    pub(super) human: f64,
}

/// Disagreements of each kind that the variance takes for seen beside those that were, so that a judge nobody caught
/// erring among a few labels does not pass for one that never errs.
const UNSEEN: f64 = 0.25;

/// λ·mean_all(f) + Σw(y − λf)/Σw, where the labelled samples are a random part of all: each cluster moves it through
/// its verdicts and through its labels at once. The tuned λ minimises Σ u_g²; where no label differs from its verdict it
/// is 1, since there is no error to trade off.
pub(super) fn clustered(
    all: &[(usize, f64, f64)],
    pairs: &[Pair],
    clusters: usize,
    lambda: Lambda,
) -> Option<(Linearised, f64)> {
    let judged: Vec<_> = pairs.iter().map(|p| (p.cluster, p.weight, p.judged)).collect();
    let human: Vec<_> = pairs.iter().map(|p| (p.cluster, p.weight, p.human)).collect();
    // Fitted: the mean and λ.
    let widening = widening(pairs.iter().map(|p| p.cluster), 2);
    let labelled = |points: &[_]| Some(mean(points, clusters)?.widened(widening));
    let (all, judged, human) = (mean(all, clusters)?, labelled(&judged)?, labelled(&human)?);
    // The estimate is the human mean plus λ times how the judge's rate over all differs from that over the labelled.
    let gain = Linearised::sum([(1.0, &all), (-1.0, &judged)], clusters);
    let lambda = match lambda {
        Lambda::Fixed(lambda) => lambda,
        Lambda::Tuned if pairs.iter().all(|p| (p.judged - p.human).abs() < f64::EPSILON) => 1.0,
        Lambda::Tuned => {
            let dot = |a: &Linearised, b: &Linearised| -> f64 {
                a.influence.iter().zip(&b.influence).map(|(a, b)| a * b).sum()
            };
            let best = -dot(&human, &gain) / dot(&gain, &gain);
            if best.is_finite() { best.clamp(0.0, 1.0) } else { 0.0 }
        }
    };
    let mut sum = Linearised::sum([(1.0, &human), (lambda, &gain)], clusters);
    sum.beside += UNSEEN * (1.0 + lambda * lambda) / kish(pairs.iter().map(|p| p.weight)).powi(2);
    Some((sum, lambda))
}
