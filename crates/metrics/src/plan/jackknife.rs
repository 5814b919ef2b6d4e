//! How uncertain the components themselves are: the delete-a-group jackknife over clusters within scenarios.
//!
//! With θ₍ᵣ₎ the value without the r-th group of clusters, the variance is Σₛ (Rₛ−1)/Rₛ Σᵣ (θ₍ᵣ₎ − θ̄ₛ)² over the
//! scenarios s (Kott 2001; the ordinary jackknife where groups are single clusters). Clusters are dealt out in the
//! order of the dataset, so that no seed is needed.

use std::collections::HashMap;

use crate::inference::Level;
use crate::panel::Panel;

/// Groups of clusters at most: enough for a standard error, few enough for large pilots.
const GROUPS: usize = 50;

/// A value with its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Component {
    /// The value; a variance is in squared shares.
    pub value: f64,
    /// Its standard error; `None` where the clusters are too few.
    pub se: Option<f64>,
}

impl Component {
    /// Value ± z · standard error.
    #[must_use]
    pub fn interval(&self, level: Level) -> Option<(f64, f64)> {
        let half = level.z() * self.se?;
        Some((self.value - half, self.value + half))
    }
}

/// Statistics of a scenario, and what they are without each group of its clusters.
#[derive(Debug, Clone)]
pub(super) struct Replicated<const N: usize> {
    pub(super) whole: [f64; N],
    without: Vec<[f64; N]>,
}

impl<const N: usize> Replicated<N> {
    pub(super) fn of(
        panel: &Panel,
        members: &[usize],
        estimate: impl Fn(&[usize]) -> Option<[f64; N]>,
    ) -> Option<Self> {
        let whole = estimate(members)?;
        let mut numbers: HashMap<usize, usize> = HashMap::new();
        let places: Vec<usize> = members
            .iter()
            .map(|item| {
                let next = numbers.len();
                *numbers.entry(panel.clusters[*item]).or_insert(next)
            })
            .collect();
        let groups = numbers.len().min(GROUPS);
        let without = (0..groups).map(|group| {
            let kept: Vec<usize> =
                members.iter().zip(&places).filter(|(_, p)| **p % groups != group).map(|(m, _)| *m).collect();
            estimate(&kept)
        });
        let without: Option<Vec<_>> = without.collect();
        Some(Self { whole, without: without.unwrap_or_default() })
    }
}

/// A function of the weighted sums of scenarios' statistics, with its standard error; `None` where it is undefined.
pub(super) fn component<const N: usize>(
    strata: &[(f64, &Replicated<N>)],
    of: impl Fn(&[f64; N]) -> Option<f64>,
) -> Option<Component> {
    let mut sums = [0.0; N];
    for (weight, stratum) in strata {
        for (sum, value) in sums.iter_mut().zip(stratum.whole) {
            *sum += weight * value;
        }
    }
    let value = of(&sums).filter(|v| v.is_finite())?;
    let mut variance = Some(0.0);
    for (weight, stratum) in strata {
        let replicates: Option<Vec<f64>> = stratum
            .without
            .iter()
            .map(|without| {
                let moved: [f64; N] =
                    std::array::from_fn(|i| sums[i] + weight * (without[i] - stratum.whole[i]));
                of(&moved).filter(|v| v.is_finite())
            })
            .collect();
        variance = variance.zip(replicates.and_then(|r| spread(&r))).map(|(all, own)| all + own);
    }
    Some(Component { value, se: variance.map(f64::sqrt) })
}

fn spread(replicates: &[f64]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "at most GROUPS")]
    let count = replicates.len() as f64;
    let mean = replicates.iter().sum::<f64>() / count;
    let squares: f64 = replicates.iter().map(|r| (r - mean) * (r - mean)).sum();
    (replicates.len() > 1).then(|| squares * (count - 1.0) / count)
}
