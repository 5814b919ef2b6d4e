//! Which samples a person should label: a simple random sample of each stratum, with the probability every later
//! correction weights by.

mod error;
mod shares;
mod strata;

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use undersight_core::{Label, Scenario, Study};

pub use error::DrawError;

/// How labels are shared out among strata. Whatever it is, every stratum gets one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Allocation {
    /// As many as the stratum's share of the samples: best for overall rates.
    #[default]
    Proportional,
    /// The same number each, as far as there are samples: best for comparing strata.
    Equal,
    /// Half of all labels to samples that judges disagree on, as far as there are any, and proportionally within either
    /// half: best for finding out where judges err. Makes disagreement a stratum.
    Emphasis,
}

/// What tells strata apart beside the scenario, which always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Strata {
    /// The labels of the standing verdicts on answer and trace.
    pub label: bool,
    /// Whether judges, or repeats of one judge, disagree on whether answer or trace passes.
    pub disagreement: bool,
}

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DrawPlan {
    /// The strata.
    pub by: Strata,
    /// How many of each.
    pub allocation: Allocation,
    /// Of the random numbers.
    pub seed: u64,
}

/// A sample drawn for labelling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// Index into the items of the study.
    pub item: usize,
    /// The sample index, 0 to k − 1.
    pub index: u32,
    /// The probability with which it was drawn, n/N within its stratum; above 0, at most 1.
    pub probability: f64,
}

/// A stratum that has samples, and how many of them were drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stratum {
    /// The scenario.
    pub scenario: Scenario,
    /// The labels on answer and trace, where strata go by them; `None` within is no standing verdict.
    pub labels: Option<[Option<Label>; 2]>,
    /// Whether judges disagree, where strata go by it.
    pub disagree: Option<bool>,
    /// Samples.
    pub size: usize,
    /// Those drawn, at least 1.
    pub drawn: usize,
}

/// Samples to be labelled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draw {
    /// In a random order.
    pub samples: Vec<Drawn>,
    /// By scenario, labels and disagreement.
    pub strata: Vec<Stratum>,
}

/// Draws `n` samples (all, where there are fewer) by simple random sampling without replacement within each stratum,
/// among samples with at least one standing verdict in `study`; in a random order. `others` are the verdicts of other
/// judges, or of repeats of the same one, on the same run; they only tell where there is disagreement.
///
/// Deterministic by seed: a larger draw of the same plan and run contains every smaller one, with its own probabilities.
/// No sample with a verdict has probability 0, so that means weighted by 1/p (Horvitz and Thompson 1952) are unbiased.
///
/// # Errors
/// When nothing is judged, there are more strata than samples to draw, `others` are of another run, or there are none to
/// disagree.
pub fn draw(study: &Study, others: &[Study], n: usize, plan: &DrawPlan) -> Result<Draw, DrawError> {
    let by =
        Strata { disagreement: plan.by.disagreement || plan.allocation == Allocation::Emphasis, ..plan.by };
    let mut strata = strata::of(study, others, by)?;
    let sizes: Vec<usize> = strata.iter().map(|(_, places)| places.len()).collect();
    let filled = sizes.iter().filter(|size| **size > 0).count();
    match filled {
        0 => return Err(DrawError::NothingJudged),
        more if more > n => return Err(DrawError::TooFew { n, strata: more }),
        _ => {}
    }
    let disputed: Vec<bool> = strata.iter().map(|(key, _)| key.disagree == Some(true)).collect();
    let wanted = shares::shares(&sizes, &disputed, n, plan.allocation);
    let mut seeds = Pcg64::seed_from_u64(plan.seed);
    let mut chosen: Vec<(usize, f64)> = Vec::with_capacity(n.min(study.outcomes.len()));
    let mut told = Vec::with_capacity(filled);
    for ((key, places), drawn) in strata.iter_mut().zip(wanted) {
        // An empty stratum takes its seed all the same, so that the draws of the others do not hang on it.
        let mut random = Pcg64::seed_from_u64(seeds.random());
        let size = places.len();
        if size == 0 {
            continue;
        }
        told.push(Stratum {
            scenario: key.scenario,
            labels: key.labels,
            disagree: key.disagree,
            size,
            drawn,
        });
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let probability = drawn as f64 / size as f64;
        for i in 0..drawn {
            places.swap(i, random.random_range(i..size));
            chosen.push((places[i], probability));
        }
    }
    // Whoever stops labelling early has labelled at random all the same.
    let mut order = Pcg64::seed_from_u64(seeds.random());
    chosen.shuffle(&mut order);
    let samples = chosen.into_iter().map(|(at, probability)| {
        let outcome = &study.outcomes[at];
        Drawn { item: outcome.item, index: outcome.index, probability }
    });
    Ok(Draw { samples: samples.collect(), strata: told })
}
