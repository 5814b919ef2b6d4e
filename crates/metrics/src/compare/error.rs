//! Why runs cannot be set side by side, and what to do about it.

use undersight_core::text::excerpt;

use super::words::percent;
use crate::inference::Level;

/// Runs that cannot be compared. Names are excerpted and made printable.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// Fewer than two runs.
    #[error("a comparison needs at least two runs, got {given}")]
    TooFew {
        /// How many there are.
        given: usize,
    },
    /// Different k, and none was named.
    #[error(
        "the runs have different k ({}): @k at different k are different quantities, for pass^k falls with k",
        list(.ks)
    )]
    DifferentK {
        /// Each run with its k.
        ks: Vec<(String, u32)>,
    },
    /// Fewer samples than the k that was named.
    #[error("{} has k = {k}: @{at_k} cannot be estimated from fewer than {at_k} samples", excerpt(.run, 80))]
    TooFewSamples {
        /// The run.
        run: String,
        /// Its k.
        k: u32,
        /// What was asked for.
        at_k: u32,
    },
    /// Nothing to pair.
    #[error("the runs have no instance in common")]
    NoCommonInstances,
    /// An id with two meanings.
    #[error("instance {} has another scenario in {} than in {}", excerpt(.id, 40), excerpt(.other, 80), excerpt(.run, 80))]
    AnotherScenario {
        /// The instance.
        id: String,
        /// The first run.
        run: String,
        /// The run that disagrees.
        other: String,
    },
    /// A run beside itself.
    #[error("{} is given twice", excerpt(.run, 80))]
    SameRunTwice {
        /// The run.
        run: String,
    },
    /// A bound that is more likely wrong than right.
    #[error("a gate's bound needs a confidence of at least 50 %, got {}", percent(*.level))]
    LowLevel {
        /// What was asked for.
        level: Level,
    },
}

fn list(ks: &[(String, u32)]) -> String {
    ks.iter().map(|(run, k)| format!("{}: {k}", excerpt(run, 80))).collect::<Vec<_>>().join(", ")
}

impl CompareError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TooFew { .. } => "name a baseline and one or more candidates".to_owned(),
            Self::DifferentK { ks } => {
                let least = ks.iter().map(|(_, k)| *k).min().unwrap_or(1);
                format!(
                    "`--at-k {least}` compares all at k = {least}, by the unbiased estimator from n ≥ k samples"
                )
            }
            Self::TooFewSamples { k, .. } => format!("name {k} or less, or draw more samples for that run"),
            Self::NoCommonInstances => "compare runs over the same data set and selection".to_owned(),
            Self::AnotherScenario { .. } => {
                "the runs used different versions of the data set: run both on one".to_owned()
            }
            Self::SameRunTwice { .. } => {
                "name every run once; to see how much chance does, run the same model again under another name"
                    .to_owned()
            }
            Self::LowLevel { .. } => "write 0.95 for a bound that holds 95 times in 100".to_owned(),
        })
    }
}
