//! Why nothing can be drawn, and what to do about it.

/// Why nothing is drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// No sample of the run has a standing verdict.
    #[error("no sample of the run has a verdict yet")]
    NothingJudged,
    /// A stratum without a label would have probability 0.
    #[error("{n} samples are fewer than the {strata} strata to draw them from")]
    TooFew {
        /// Samples asked for.
        n: usize,
        /// Strata that have samples.
        strata: usize,
    },
    /// Strata by disagreement, but only one set of verdicts.
    #[error("disagreement needs the verdicts of another judge, or of a repeat")]
    NothingToCompare,
    /// Verdicts of other samples.
    #[error("{run:?} does not have the same instances and samples")]
    OtherRun {
        /// The run's name.
        run: String,
    },
}

impl DrawError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NothingJudged => "judge the run first",
            Self::TooFew { .. } => "draw more samples, or by fewer strata",
            Self::NothingToCompare => "judge the run by a second judge, or by the same one again",
            Self::OtherRun { .. } => "compare judges of one run",
        })
    }
}
