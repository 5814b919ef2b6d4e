//! Standard errors of a mean whose observations come in clusters, and how alike the samples of an instance are.

use rustc_hash::FxHashMap;

/// What is done about a small number of clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Correction {
    /// Nothing: the estimator of Miller (2024), equal to statsmodels' `cov_type="cluster"` without its correction.
    #[default]
    None,
    /// The variance times G/(G−1) · (N−1)/(N−K) with K = 1 for a mean: statsmodels' default for clusters.
    Small,
}

/// The cluster-robust standard error of the mean of `values`, where `groups` names the cluster of each:
/// √(Σ_g (Σ_{i∈g} (yᵢ − ȳ))²) / N (Liang and Zeger 1986; Miller 2024, "Adding error bars to evals").
///
/// `None` when the lengths differ, a value is not finite, or there are fewer than two clusters.
#[must_use]
pub fn cluster_se(values: &[f64], groups: &[usize], correction: Correction) -> Option<f64> {
    if values.len() != groups.len() {
        return None;
    }
    let mean = mean(values)?;
    let mut sums: FxHashMap<usize, f64> = FxHashMap::default();
    for (value, group) in values.iter().zip(groups) {
        *sums.entry(*group).or_default() += value - mean;
    }
    if sums.len() < 2 {
        return None;
    }
    let squares: f64 = sums.values().map(|sum| sum * sum).sum();
    let clusters = real(sums.len());
    let factor = match correction {
        Correction::None => 1.0,
        Correction::Small => clusters / (clusters - 1.0),
    };
    Some((factor * squares).sqrt() / real(values.len()))
}

/// The standard error of the mean of independent `values`: √(Σ (yᵢ − ȳ)² / (N (N − 1))).
///
/// `None` when a value is not finite or there are fewer than two.
#[must_use]
pub fn iid_se(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let n = real(values.len());
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (values.len() > 1).then(|| (squares / (n * (n - 1.0))).sqrt())
}

fn mean(values: &[f64]) -> Option<f64> {
    let mean = values.iter().sum::<f64>() / real(values.len());
    mean.is_finite().then_some(mean)
}

/// Variance of a single sample's outcome, split in two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Components {
    /// Between instances. By chance it may come out below 0, which says that no such variance was seen.
    pub between: f64,
    /// Between samples of one instance.
    pub within: f64,
}

/// Splits the variance of binary outcomes by one-way analysis of variance, instances being the groups, each with its
/// passes and samples: within = MSW, between = (MSB − MSW) / n₀, with n₀ = (N − Σnᵢ²/N) / (G − 1) for unequal numbers
/// (Searle et al. 1992; Ridout et al. 1999 for binary data). Instances without samples take no part.
///
/// `None` with fewer than two instances, with no instance sampled twice, or where passes exceed samples.
#[must_use]
pub fn variance_components(groups: &[(u32, u32)]) -> Option<Components> {
    if groups.iter().any(|(passes, n)| passes > n) {
        return None;
    }
    let sampled = || groups.iter().filter(|(_, n)| *n > 0).map(|(c, n)| (f64::from(*c), f64::from(*n)));
    let instances = real(sampled().count());
    let total: f64 = sampled().map(|(_, n)| n).sum();
    if instances < 2.0 || total <= instances {
        return None;
    }
    let mean = sampled().map(|(c, _)| c).sum::<f64>() / total;
    let between_squares: f64 = sampled().map(|(c, n)| n * (c / n - mean) * (c / n - mean)).sum();
    let within_squares: f64 = sampled().map(|(c, n)| c * (n - c) / n).sum();
    let typical = (total - sampled().map(|(_, n)| n * n).sum::<f64>() / total) / (instances - 1.0);
    let within = within_squares / (total - instances);
    let between = (between_squares / (instances - 1.0) - within) / typical;
    Some(Components { between, within })
}

/// The intraclass correlation ICC(1) of binary outcomes by analysis of variance: between / (between + within) of
/// [`variance_components`], 1 when every instance agrees with itself, near 0 when instances do not matter.
///
/// `None` as there, and when nothing varies.
#[must_use]
pub fn icc(groups: &[(u32, u32)]) -> Option<f64> {
    let Components { between, within } = variance_components(groups)?;
    let all = between + within;
    (all > 0.0).then(|| between / all)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn real(count: usize) -> f64 {
    count as f64
}
