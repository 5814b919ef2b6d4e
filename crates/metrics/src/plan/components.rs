//! Where the variance of a per-sample measure comes from, by scenario and overall, from a pilot run.
//!
//! With yᵢⱼ the outcome of sample j of instance i, yᵢⱼ = θₛ + bᵢ + eᵢⱼ within scenario s. `between` is Var bᵢ and `within`
//! is Var eᵢⱼ (analysis of variance, [`variance_components`]); `shared` is what instances that share texts add: the
//! cluster-robust variance of the mean less that with instances as clusters, times the instances. A mean over n
//! instances of k samples then has the variance (between + shared + within/k)/n, that is deff/n · (between + within/k)
//! with a design effect that shrinks with the number of samples as it should: what instances share is not in the
//! model's own sampling. Source: Miller 2024, "Adding error bars to evals", §§3.1–3.2.

use undersight_core::Scenario;

use super::error::PlanError;
use super::jackknife::{Component, Replicated, component};
use crate::inference::{Clustering, Estimand, Inference, Linear, linear};
use crate::measure::Measure;
use crate::panel::Panel;
use crate::share::Missing;
use crate::stats::variance_components;

/// The scenarios' shares of the planned instances; they add up to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mix([f64; Scenario::ALL.len()]);

impl Mix {
    /// From numbers of instances.
    ///
    /// # Errors
    /// When there are none.
    pub fn of_counts(counts: &[(Scenario, u64)]) -> Result<Self, PlanError> {
        let mut shares = [0.0; Scenario::ALL.len()];
        for (scenario, count) in counts {
            shares[*scenario as usize] += real(*count);
        }
        let all: f64 = shares.iter().sum();
        if all > 0.0 { Ok(Self(shares.map(|s| s / all))) } else { Err(PlanError::NoInstances) }
    }

    /// As in a pilot.
    ///
    /// # Errors
    /// When it has no instances.
    pub fn of(panel: &Panel) -> Result<Self, PlanError> {
        let counts: Vec<_> = panel.items.iter().map(|item| (item.scenario, 1)).collect();
        Self::of_counts(&counts)
    }

    /// The share of a scenario.
    #[must_use]
    pub const fn share(&self, scenario: Scenario) -> f64 {
        self.0[scenario as usize]
    }

    /// The scenarios with a share above 0, in the order of reports.
    pub fn scenarios(&self) -> impl Iterator<Item = (Scenario, f64)> {
        Scenario::ALL.into_iter().map(|s| (s, self.share(s))).filter(|(_, share)| *share > 0.0)
    }
}

/// Where the variance of one arm comes from. Variances are in squared shares, of single samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The measure itself.
    pub share: f64,
    /// Instances with known outcomes.
    pub instances: u64,
    /// Groups of instances independent of each other.
    pub clusters: u64,
    /// Between instances. Below 0 by chance where there is none.
    pub between: Component,
    /// Between samples of one instance; the judge's own noise is in it.
    pub within: Component,
    /// What shared texts add to `between` in a mean. Below 0 by chance where there is none.
    pub shared: Component,
    /// Cluster-robust variance ÷ variance with instances as clusters, at the pilot's k.
    pub design_effect: Option<Component>,
    /// Intraclass correlation: between ÷ (between + within), within scenarios.
    pub icc: Option<Component>,
}

/// A scenario of a pilot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stratum {
    /// Which.
    pub scenario: Scenario,
    /// Its share of the plan.
    pub weight: f64,
    /// Its components.
    pub spread: Spread,
}

/// The components of one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Pilot {
    /// The run's name.
    pub run: String,
    /// What is measured.
    pub measure: Measure,
    /// Samples planned per instance.
    pub k: u32,
    /// Σ wₛ · component of scenario s, with the plan's shares wₛ.
    pub overall: Spread,
    /// By scenario.
    pub scenarios: Vec<Stratum>,
}

/// Between, within, shared, and the variance of the instances' means.
pub(super) type Parts = [f64; 4];

/// The components of a measure in a pilot.
///
/// # Errors
/// Without instances; with one known sample an instance; with fewer than two instances in a scenario of the mix; for a
/// measure that is no share of samples; where every sample has the same outcome.
pub fn components(panel: &Panel, measure: Measure, missing: Missing, mix: &Mix) -> Result<Pilot, PlanError> {
    check(panel, measure)?;
    let mut scenarios = Vec::new();
    let mut replicated = Vec::new();
    for (scenario, weight) in mix.scenarios() {
        let members = members(panel, scenario);
        let replicates = Replicated::of(panel, &members, |kept| parts(panel, kept, measure, missing))
            .ok_or_else(|| why(panel, &members, measure, missing, scenario))?;
        let view = View::of(panel, &members, measure, missing);
        let spread = spread(&[(1.0, &replicates)], view.share(), view.instances(), view.robust.clusters)
            .ok_or(PlanError::NothingVaries)?;
        scenarios.push(Stratum { scenario, weight, spread });
        replicated.push((weight, replicates));
    }
    let strata: Vec<_> = replicated.iter().map(|(w, r)| (*w, r)).collect();
    let sum = |of: fn(&Spread) -> u64| scenarios.iter().map(|s| of(&s.spread)).sum();
    let share = scenarios.iter().map(|s| s.weight * s.spread.share).sum();
    let overall = spread(&strata, share, sum(|s| s.instances), sum(|s| s.clusters))
        .filter(|s| s.between.value + s.within.value > 0.0)
        .ok_or(PlanError::NothingVaries)?;
    Ok(Pilot { run: panel.name.clone(), measure, k: panel.k, overall, scenarios })
}

pub(super) fn check(panel: &Panel, measure: Measure) -> Result<(), PlanError> {
    if !measure.over_samples() || measure == Measure::Lucky {
        return Err(PlanError::NotPerSample { measure });
    }
    if panel.items.is_empty() {
        return Err(PlanError::NoInstances);
    }
    if panel.k < 2 { Err(PlanError::OneSample) } else { Ok(()) }
}

pub(super) fn members(panel: &Panel, scenario: Scenario) -> Vec<usize> {
    (0..panel.items.len()).filter(|at| panel.items[*at].scenario == scenario).collect()
}

/// Why a scenario has no components.
pub(super) fn why(
    panel: &Panel,
    members: &[usize],
    measure: Measure,
    missing: Missing,
    scenario: Scenario,
) -> PlanError {
    let known = members.iter().filter(|at| measure.part(&panel.cells[**at], missing).den > 0.0).count();
    if known < 2 { PlanError::TooFewInstances { scenario } } else { PlanError::OneSample }
}

/// A scenario's share with its influences by instance and by cluster.
pub(super) struct View {
    pub(super) plain: Linear,
    pub(super) robust: Linear,
}

impl View {
    pub(super) fn of(panel: &Panel, members: &[usize], measure: Measure, missing: Missing) -> Self {
        let with = |clustering| {
            let inference = Inference {
                clustering,
                estimand: Estimand::Population,
                replicates: 0,
                ..Inference::default()
            };
            linear(panel, members, measure, missing, &inference)
        };
        Self { plain: with(Clustering::Instances), robust: with(Clustering::SharedTexts) }
    }

    pub(super) fn share(&self) -> f64 {
        self.plain.value().unwrap_or_default()
    }

    pub(super) const fn instances(&self) -> u64 {
        self.plain.clusters
    }

    /// What clusters add; nothing where there is but one, of which nothing can be seen.
    fn shared(&self) -> f64 {
        let (Some(plain), Some(robust)) = (self.plain.variance, self.robust.variance) else { return 0.0 };
        real(self.instances()) * (robust - plain)
    }
}

/// Passes and known samples of each instance.
pub(super) fn tallies(
    panel: &Panel,
    members: &[usize],
    measure: Measure,
    missing: Missing,
) -> Vec<(u32, u32)> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole counts of samples")]
    let whole = |x: f64| x as u32;
    let part = |at: &usize| measure.part(&panel.cells[*at], missing);
    members.iter().map(part).map(|p| (whole(p.num), whole(p.den))).collect()
}

fn parts(panel: &Panel, members: &[usize], measure: Measure, missing: Missing) -> Option<Parts> {
    let split = variance_components(&tallies(panel, members, measure, missing))?;
    let view = View::of(panel, members, measure, missing);
    let observed = view.plain.variance? * real(view.instances());
    Some([split.between, split.within, view.shared(), observed])
}

fn spread(strata: &[(f64, &Replicated<4>)], share: f64, instances: u64, clusters: u64) -> Option<Spread> {
    let ratio = |a: f64, b: f64| (b > 0.0).then(|| a / b);
    Some(Spread {
        share,
        instances,
        clusters,
        between: component(strata, |p| Some(p[0]))?,
        within: component(strata, |p| Some(p[1]))?,
        shared: component(strata, |p| Some(p[2]))?,
        design_effect: component(strata, |p| ratio(p[3] + p[2], p[3])),
        icc: component(strata, |p| ratio(p[0], p[0] + p[1])),
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) const fn real(n: u64) -> f64 {
    n as f64
}
