//! Which samples a person should label: a simple random sample of each scenario, with the probability every later
//! correction weights by.

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use undersight_core::{Scenario, Study, Task};

use super::judged;

/// How labels are shared out among scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Allocation {
    /// As many as the scenario's share of the samples: best for overall rates.
    #[default]
    Proportional,
    /// The same number each, as far as there are samples: best for comparing scenarios.
    Equal,
}

/// A sample drawn for labelling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// Index into the items of the study.
    pub item: usize,
    /// The sample index, 0 to k − 1.
    pub index: u32,
    /// The probability with which it was drawn, n/N within its scenario; above 0, at most 1.
    pub probability: f64,
}

/// Draws `n` samples for labelling, shared out proportionally. As [`draw_with`].
#[must_use]
pub fn draw(study: &Study, n: usize, seed: u64) -> Vec<Drawn> {
    draw_with(study, n, seed, Allocation::Proportional)
}

/// Draws `n` samples (all, where there are fewer) by simple random sampling without replacement within each scenario,
/// among samples with at least one standing verdict; in a random order. Deterministic by seed: a larger draw of
/// the same seed and run contains every smaller one, with its own probabilities.
#[must_use]
pub fn draw_with(study: &Study, n: usize, seed: u64, allocation: Allocation) -> Vec<Drawn> {
    let mut strata: [Vec<usize>; 3] = Default::default();
    for (at, outcome) in study.outcomes.iter().enumerate() {
        let Some(item) = study.items.get(outcome.item) else { continue };
        if Task::ALL.iter().any(|task| judged(outcome, *task).is_some()) {
            strata[place(item.scenario)].push(at);
        }
    }
    let sizes = strata.each_ref().map(Vec::len);
    let shares = match allocation {
        Allocation::Proportional => proportional(sizes, n),
        Allocation::Equal => equal(sizes, n),
    };
    let mut seeds = Pcg64::seed_from_u64(seed);
    let mut chosen: Vec<(usize, f64)> = Vec::with_capacity(n.min(study.outcomes.len()));
    for (stratum, wanted) in strata.iter_mut().zip(shares) {
        let mut random = Pcg64::seed_from_u64(seeds.random());
        let size = stratum.len();
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let probability = wanted as f64 / size.max(1) as f64;
        for i in 0..wanted {
            stratum.swap(i, random.random_range(i..size));
            chosen.push((stratum[i], probability));
        }
    }
    // Whoever stops labelling early has labelled at random all the same.
    let mut order = Pcg64::seed_from_u64(seeds.random());
    chosen.shuffle(&mut order);
    let drawn = chosen.into_iter().map(|(at, probability)| {
        let outcome = &study.outcomes[at];
        Drawn { item: outcome.item, index: outcome.index, probability }
    });
    drawn.collect()
}

/// The place of a scenario in [`Scenario::ALL`].
pub(super) fn place(scenario: Scenario) -> usize {
    match scenario {
        Scenario::OverSensitivity => 0,
        Scenario::CognitiveShortcut => 1,
        Scenario::RiskOmission => 2,
    }
}

/// By highest averages (Sainte-Laguë): parts never shrink as `n` grows, which rounding by remainders does not promise.
fn proportional(sizes: [usize; 3], n: usize) -> [usize; 3] {
    let mut parts = [0_usize; 3];
    for _ in 0..n.min(sizes.iter().sum()) {
        // a is due before b when size_a / (2 parts_a + 1) is the larger quotient.
        let due = |a: usize, b: usize| {
            (sizes[a] as u128 * (2 * parts[b] as u128 + 1))
                .cmp(&(sizes[b] as u128 * (2 * parts[a] as u128 + 1)))
        };
        let next = (0..3).filter(|s| parts[*s] < sizes[*s]).max_by(|a, b| due(*a, *b).then(b.cmp(a)));
        let Some(next) = next else { break };
        parts[next] += 1;
    }
    parts
}

/// One at a time to each scenario that has samples left.
fn equal(sizes: [usize; 3], n: usize) -> [usize; 3] {
    let mut parts = [0; 3];
    let mut left = n.min(sizes.iter().sum());
    while left > 0 {
        for s in 0..3 {
            if left > 0 && parts[s] < sizes[s] {
                parts[s] += 1;
                left -= 1;
            }
        }
    }
    parts
}
