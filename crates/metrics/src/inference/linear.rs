//! Shares with cluster-robust standard errors: a ratio of totals over instances stratified by scenario, linearised.
//!
//! The numbers of instances of each scenario are fixed; θ = Σ num / Σ den. With eᵢ = numᵢ − θ denᵢ and ēₛ its mean over
//! the instances of scenario s, a cluster c of s adds u_c = Σ_{i∈c} (eᵢ − ēₛ) / Σden, and
//! Var θ = Σₛ Gₛ/(Gₛ−1) Σ_c u_c² (Taylor linearisation; Särndal, Swensson and Wretman 1992, §5.5). For one scenario and
//! equal den it is the clustered standard error of Miller 2024 with the factor G/(G−1). A scenario with a single
//! cluster in the group is not centred.

use undersight_core::Scenario;

use super::settings::{Clustering, Estimand, Inference, Interval, Level, Method};
use crate::measure::{Measure, Part};
use crate::panel::Panel;
use crate::share::Missing;
use crate::stats::{Range, beta_1_1, clopper_pearson, wilson};

/// Smaller variances are rounding: all clusters are alike.
const ROUNDING: f64 = 1e-20;

/// A share of a group with its influences.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Linear {
    /// Sums over the group.
    pub sum: Part,
    /// The size no effective sample size exceeds: that of all draws, as if none resembled another.
    pub most: f64,
    /// Clusters with anything in the denominator.
    pub clusters: u64,
    /// Scenarios with anything in the denominator.
    pub strata: u64,
    /// The variance of the share; `None` where nothing varies independently.
    pub variance: Option<f64>,
    /// What each cluster adds to the error of the share, scaled by √(G/(G−1)); empty under fixed instances.
    pub influence: Vec<f64>,
}

impl Linear {
    /// The share.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.sum.den > 0.0).then(|| self.sum.num / self.sum.den)
    }

    /// The standard error.
    #[must_use]
    pub fn se(&self) -> Option<f64> {
        self.variance.map(f64::sqrt)
    }

    /// The size of a simple random sample with the same variance, made smaller where few clusters make the variance
    /// itself uncertain (Korn and Graubard 1998): (z/t)² with t of G − 1 degrees of freedom. All alike: the number of
    /// clusters.
    #[must_use]
    pub fn effective(&self, level: Level) -> Option<f64> {
        let p = self.value()?;
        let spread = p * (1.0 - p);
        #[expect(clippy::cast_precision_loss, reason = "numbers of clusters")]
        let clusters = self.clusters as f64;
        let known = self.variance.filter(|variance| *variance > ROUNDING && spread > 0.0);
        let Some(variance) = known else { return Some(clusters) };
        let shrink = level.z() / level.t(self.clusters.saturating_sub(1));
        Some((spread / variance).min(self.most) * shrink * shrink)
    }

    /// An interval from the variance, by Wilson for methods that are no share's own; `None` of nothing.
    #[must_use]
    pub fn interval(&self, method: Method, level: Level) -> Option<Interval> {
        let p = self.value()?;
        let from = |range: Option<Range>, method| {
            range.map(|r| Interval::of_share(r.low.min(p), r.high.max(p), method))
        };
        match method {
            Method::Normal => {
                let half = level.z() * self.se()?;
                Some(Interval::of_share(p - half, p + half, Method::Normal))
            }
            Method::Beta => {
                let n = self.effective(level)?;
                from(beta_1_1(p * n, n, level.get()), Method::Beta)
            }
            Method::Exact => {
                let n = self.effective(level)?;
                from(clopper_pearson(p * n, n, level.get()), Method::Exact)
            }
            _ => {
                let n = self.effective(level)?;
                from(wilson(p * n, n, level.get()), Method::Wilson)
            }
        }
    }

    /// The covariance of two shares of the same group from their influences.
    #[must_use]
    pub fn covariance(&self, other: &Self) -> f64 {
        self.influence.iter().zip(&other.influence).map(|(a, b)| a * b).sum()
    }
}

/// Sums of one scenario.
#[derive(Clone, Copy, Default)]
struct Stratum {
    num: f64,
    den: f64,
    items: f64,
    clusters: u64,
}

/// Sums of one cluster.
#[derive(Clone, Copy, Default)]
struct Cluster {
    num: f64,
    den: f64,
    items: f64,
    scenario: u8,
}

/// A measure over the instances at `members`, with its cluster-robust or fixed-instances variance.
#[must_use]
pub fn linear(
    panel: &Panel,
    members: &[usize],
    measure: Measure,
    missing: Missing,
    inference: &Inference,
) -> Linear {
    let cluster = |item: usize| match inference.clustering {
        Clustering::SharedTexts => panel.clusters[item],
        Clustering::Instances => item,
    };
    let mut out = Linear::default();
    let mut strata = [Stratum::default(); Scenario::ALL.len()];
    let mut sums = vec![Cluster::default(); panel.items.len()];
    for &item in members {
        let part = measure.part(&panel.cells[item], missing);
        add(&mut out.sum, &part);
        let scenario = panel.items[item].scenario as usize;
        strata[scenario].num += part.num;
        strata[scenario].den += part.den;
        strata[scenario].items += 1.0;
        let sum = &mut sums[cluster(item)];
        if sum.items < 1.0 {
            strata[scenario].clusters += 1;
        }
        if part.den > 0.0 && sum.den <= 0.0 {
            out.clusters += 1;
        }
        sum.num += part.num;
        sum.den += part.den;
        sum.items += 1.0;
        sum.scenario = u8::try_from(scenario).unwrap_or_default();
    }
    out.strata = strata.iter().filter(|s| s.den > 0.0).count() as u64;
    let draws = match measure {
        Measure::AllOf(_, j) | Measure::AnyOf(_, j) => f64::from(panel.k) / f64::from(j.max(1)),
        _ => 1.0,
    };
    out.most = out.sum.den * draws.max(1.0);
    let Some(share) = out.value() else { return out };
    match inference.estimand {
        Estimand::Population => {
            let add = |c: &Cluster| influence(c, &strata[usize::from(c.scenario)], share) / out.sum.den;
            out.influence = sums.iter().map(add).collect();
            out.variance = (out.clusters > 1).then(|| out.influence.iter().map(|u| u * u).sum());
        }
        Estimand::FixedInstances => {
            out.variance = within(panel, members, measure, missing, share, out.sum.den);
        }
    }
    out
}

fn influence(cluster: &Cluster, stratum: &Stratum, share: f64) -> f64 {
    let own = cluster.num - share * cluster.den;
    if stratum.clusters < 2 {
        return own;
    }
    let mean = (stratum.num - share * stratum.den) / stratum.items;
    #[expect(clippy::cast_precision_loss, reason = "numbers of clusters")]
    let clusters = stratum.clusters as f64;
    (own - mean * cluster.items) * (clusters / (clusters - 1.0)).sqrt()
}

/// The variance that remains when the instances are fixed. Measures over instances have one draw each: their variance
/// is at most that of as many independent draws at the mean rate, which is what is given.
fn within(
    panel: &Panel,
    members: &[usize],
    measure: Measure,
    missing: Missing,
    share: f64,
    den: f64,
) -> Option<f64> {
    if !measure.over_samples() {
        return Some(share * (1.0 - share) / den);
    }
    let parts: Option<f64> =
        members.iter().map(|item| measure.variance_within(&panel.cells[*item], share, missing)).sum();
    // One sample an instance says nothing of the spread within it: the same upper bound holds.
    Some(parts.map_or(share * (1.0 - share) / den, |sum| sum / (den * den)))
}

fn add(sum: &mut Part, part: &Part) {
    sum.num += part.num;
    sum.den += part.den;
    sum.worst = (sum.worst.0 + part.worst.0, sum.worst.1 + part.worst.1);
    sum.best = (sum.best.0 + part.best.0, sum.best.1 + part.best.1);
    sum.open += part.open;
}
