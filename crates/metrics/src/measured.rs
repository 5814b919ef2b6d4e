//! One quantity of one panel with its uncertainty, as scores show it: whatever sets runs side by side shows the same.

use crate::alpha::FScore;
use crate::estimate::Estimate;
use crate::group::Group;
use crate::inference::bootstrap::two_quantiles;
use crate::inference::{Inference, Interval, Method, Quantity, linear, resample};
use crate::measure::Measure;
use crate::panel::Panel;
use crate::scores::Scoring;

/// A value between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// The point; `None` of nothing.
    pub value: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// Its interval.
    pub interval: Option<Interval>,
}

/// A quantity of a group, with its bootstrap replicates where they were drawn.
#[must_use]
pub fn measured(
    panel: &Panel,
    group: Group,
    quantity: Quantity,
    mut replicates: Vec<f32>,
    scoring: &Scoring,
) -> Measured {
    let Scoring { missing, inference, .. } = scoring;
    let members = group.members(panel);
    let part = |measure| linear(panel, &members, measure, *missing, inference);
    let bootstrap = percentiles(&mut replicates, inference);
    match quantity {
        Quantity::Share(measure) => {
            let estimate = Estimate::of(&part(measure), bootstrap, inference);
            Measured { value: estimate.value(), se: estimate.se, interval: estimate.interval }
        }
        Quantity::F(alpha, think, safe) => {
            let f = FScore::of(alpha, &part(think), &part(safe), bootstrap, inference);
            Measured { value: f.value, se: f.se, interval: f.interval }
        }
    }
}

/// Measures of groups of panels over the same instances: group by group, panel by panel. The bootstrap is drawn once for
/// all, where the settings ask for it.
#[must_use]
pub fn estimates<const P: usize, const N: usize>(
    panels: [&Panel; P],
    groups: &[Group],
    measures: [Measure; N],
    scoring: &Scoring,
) -> Vec<[[Estimate; N]; P]> {
    let Scoring { missing, inference, .. } = scoring;
    let quantities = measures.map(Quantity::Share);
    let drawn = inference.bootstraps().then(|| resample(&panels, groups, &quantities, *missing, inference));
    let of = |at: usize, group: Group| {
        let members = group.members(panels[at]);
        measures.map(|measure| {
            let replicates = drawn.as_ref().map(|d| d.of(at, group, Quantity::Share(measure)));
            let bootstrap = percentiles(&mut replicates.unwrap_or_default(), inference);
            Estimate::of(&linear(panels[at], &members, measure, *missing, inference), bootstrap, inference)
        })
    };
    groups.iter().map(|group| std::array::from_fn(|at| of(at, *group))).collect()
}

/// The interval between percentiles of replicates.
fn percentiles(replicates: &mut Vec<f32>, inference: &Inference) -> Option<Interval> {
    let (low, high) = two_quantiles(replicates, inference.level.tails())?;
    inference.bootstraps().then(|| Interval::of_share(low, high, Method::Bootstrap))
}

/// Quantities of a group, the bootstrap drawn where the settings ask for it.
#[must_use]
pub fn measure_all(panel: &Panel, group: Group, quantities: &[Quantity], scoring: &Scoring) -> Vec<Measured> {
    let inference = &scoring.inference;
    let drawn =
        inference.bootstraps().then(|| resample(&[panel], &[group], quantities, scoring.missing, inference));
    let of = |quantity: &Quantity| {
        let replicates = drawn.as_ref().map_or_else(Vec::new, |drawn| drawn.of(0, group, *quantity));
        measured(panel, group, *quantity, replicates, scoring)
    };
    quantities.iter().map(of).collect()
}
