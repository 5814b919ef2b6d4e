//! Two pilots over the same instances: how much the *difference* of two arms varies between instances, and how far the
//! arms find the same instances hard.
//!
//! The observed variance of the instances' differences contains the sampling of both arms; it is subtracted:
//! σ²_d = Var(ȳᴬᵢ − ȳᴮᵢ) − σ²ᴬ_w/kᴬ − σ²ᴮ_w/kᴮ, and ρ = Cov(ȳᴬᵢ, ȳᴮᵢ) / (σᴬ_b σᴮ_b), since the sampling of two arms is
//! independent (Miller 2024, §4.2; correction for attenuation: Spearman 1904).

use undersight_core::Scenario;

use super::components::{Mix, Spread, View, check, components, members, real, tallies, why};
use super::error::PlanError;
use super::jackknife::{Component, Replicated, component};
use crate::inference::Linear;
use crate::measure::Measure;
use crate::panel::Panel;
use crate::share::Missing;
use crate::stats::variance_components;

/// Where the variance of a difference comes from. Variances are in squared shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedSpread {
    /// The first arm.
    pub a: Spread,
    /// The second arm.
    pub b: Spread,
    /// Of the difference between instances, the sampling of both arms taken off. Below 0 by chance where there is none.
    pub between: Component,
    /// Of the difference of two samples of one instance: both arms' added up.
    pub within: Component,
    /// What shared texts add to `between` in a mean.
    pub shared: Component,
    /// Correlation of the instances' rates in the two arms, within −1 to 1; `None` where either does not vary.
    pub correlation: Option<Component>,
}

/// A scenario of two pilots.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedStratum {
    /// Which.
    pub scenario: Scenario,
    /// Its share of the plan.
    pub weight: f64,
    /// Its components.
    pub spread: PairedSpread,
}

/// The components of two arms and their difference.
#[derive(Debug, Clone, PartialEq)]
pub struct PairedPilot {
    /// The runs' names.
    pub runs: [String; 2],
    /// What is measured.
    pub measure: Measure,
    /// Samples planned per instance, in each.
    pub k: [u32; 2],
    /// Σ wₛ · component of scenario s, with the plan's shares wₛ.
    pub overall: PairedSpread,
    /// By scenario.
    pub scenarios: Vec<PairedStratum>,
}

/// Between, within, shared, covariance, and either arm's between.
type Parts = [f64; 6];

/// The components of a measure in two pilots over the same instances.
///
/// # Errors
/// As [`components`], for either; and when they are over different instances.
pub fn paired(
    a: &Panel,
    b: &Panel,
    measure: Measure,
    missing: Missing,
    mix: &Mix,
) -> Result<PairedPilot, PlanError> {
    check(a, measure)?;
    check(b, measure)?;
    if !a.pairs_with(b) {
        return Err(PlanError::NotPaired);
    }
    let (first, second) = (components(a, measure, missing, mix)?, components(b, measure, missing, mix)?);
    let (mut scenarios, mut replicated) = (Vec::new(), Vec::new());
    for (at, (scenario, weight)) in mix.scenarios().enumerate() {
        let members = members(a, scenario);
        let replicates = Replicated::of(a, &members, |kept| parts(a, b, kept, measure, missing))
            .ok_or_else(|| why(a, &members, measure, missing, scenario))?;
        let (Some(x), Some(y)) = (first.scenarios.get(at), second.scenarios.get(at)) else { continue };
        let spread = spread(&[(1.0, &replicates)], x.spread, y.spread).ok_or(PlanError::NothingVaries)?;
        scenarios.push(PairedStratum { scenario, weight, spread });
        replicated.push((weight, replicates));
    }
    let strata: Vec<_> = replicated.iter().map(|(w, r)| (*w, r)).collect();
    let overall = spread(&strata, first.overall, second.overall).ok_or(PlanError::NothingVaries)?;
    Ok(PairedPilot { runs: [first.run, second.run], measure, k: [a.k, b.k], overall, scenarios })
}

fn parts(a: &Panel, b: &Panel, members: &[usize], measure: Measure, missing: Missing) -> Option<Parts> {
    let of = |panel: &Panel| {
        let split = variance_components(&tallies(panel, members, measure, missing))?;
        Some((split, View::of(panel, members, measure, missing)))
    };
    let ((split_a, view_a), (split_b, view_b)) = (of(a)?, of(b)?);
    // The variance of a ratio's error per instance: σ²_w over the mean number of known samples.
    let noise = |within: f64, view: &View| within * real(view.instances()) / view.plain.sum.den;
    let instances = real(view_a.instances().min(view_b.instances()));
    let observed = instances * squares(&view_a.plain, &view_b.plain);
    let robust = if view_a.robust.clusters > 1 {
        instances * squares(&view_a.robust, &view_b.robust)
    } else {
        observed
    };
    Some([
        observed - noise(split_a.within, &view_a) - noise(split_b.within, &view_b),
        split_a.within + split_b.within,
        robust - observed,
        instances * view_a.plain.covariance(&view_b.plain),
        split_a.between,
        split_b.between,
    ])
}

/// The variance of a difference of two shares from their influences.
fn squares(a: &Linear, b: &Linear) -> f64 {
    a.influence.iter().zip(&b.influence).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn spread(strata: &[(f64, &Replicated<6>)], a: Spread, b: Spread) -> Option<PairedSpread> {
    // Beyond ±1 by chance: the value stops there, its standard error does not.
    let correlation = component(strata, |p| (p[4] > 0.0 && p[5] > 0.0).then(|| p[3] / (p[4] * p[5]).sqrt()))
        .map(|c| Component { value: c.value.clamp(-1.0, 1.0), ..c });
    Some(PairedSpread {
        a,
        b,
        between: component(strata, |p| Some(p[0]))?,
        within: component(strata, |p| Some(p[1]))?,
        shared: component(strata, |p| Some(p[2]))?,
        correlation,
    })
}
