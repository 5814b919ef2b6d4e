//! Why a study cannot be planned, and what to do about it.

use undersight_core::Scenario;

use crate::measure::Measure;

/// Why a study cannot be planned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The pilot, or the plan, is over nothing.
    #[error("there are no instances to plan from")]
    NoInstances,
    /// A measure that is no share of samples.
    #[error("{measure} is not a share of samples")]
    NotPerSample {
        /// The measure.
        measure: Measure,
    },
    /// No instance was sampled twice.
    #[error("the pilot has one known sample an instance, which cannot tell instances from samples")]
    OneSample,
    /// A scenario of the plan with fewer than two instances.
    #[error("{scenario} has fewer than two instances with known outcomes in the pilot")]
    TooFewInstances {
        /// The scenario.
        scenario: Scenario,
    },
    /// Nothing differs between the samples of the pilot.
    #[error("every sample of the pilot has the same outcome, so nothing is known of the variance")]
    NothingVaries,
    /// Two pilots over different instances.
    #[error("the two pilots are not over the same instances")]
    NotPaired,
    /// A difference outside 0 to 1.
    #[error("a difference lies above 0 and at most 1 as a share, got {0}")]
    Difference(f64),
    /// A power that is none.
    #[error("power lies between 0.5 and 1, got {0}")]
    Power(f64),
    /// A correlation outside −1 to 1.
    #[error("a correlation lies between -1 and 1, got {0}")]
    Correlation(f64),
    /// Fewer samples an instance than one.
    #[error("an instance needs at least one sample")]
    NoSamples,
    /// A rate outside 0 to 1.
    #[error("{what} lies between 0 and 1, got {value}")]
    Rate {
        /// What was given.
        what: &'static str,
        /// As given.
        value: f64,
    },
    /// A judge whose verdicts say nothing of the truth.
    #[error("the judge is no better than chance: sensitivity + specificity − 1 is {youden:.2}")]
    NoBetterThanChance {
        /// Youden's J.
        youden: f64,
    },
    /// A cost that cannot be planned with.
    #[error("the cost of {what} must be a number {}, got {value}", if *positive { "above 0" } else { "of 0 or more" })]
    Cost {
        /// Of what.
        what: &'static str,
        /// As given.
        value: f64,
        /// Whether 0 is refused too.
        positive: bool,
    },
    /// Labels have a price, yet how far the judge errs is not given.
    #[error("labels have a price, but the judge's sensitivity and specificity are not known")]
    LabelsWithoutErrors,
    /// The smallest study costs more.
    #[error("the budget of {budget} is below {least}, the cost of the smallest study")]
    BudgetTooSmall {
        /// As given.
        budget: f64,
        /// What the smallest study costs.
        least: f64,
    },
}

impl PlanError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoInstances => "run a pilot over some instances first",
            Self::NotPerSample { .. } => {
                "plan for safe@1, think@1, ssa, sound or escape: the spread of metrics at k does not follow from \
                 variance between and within instances"
            }
            Self::OneSample => "run the pilot with two or more samples an instance (-k 2), and judge them",
            Self::TooFewInstances { .. } => {
                "run the pilot over at least two instances of each scenario, or plan without that scenario"
            }
            Self::NothingVaries => {
                "run a larger pilot, or one over instances that the model does not always pass"
            }
            Self::NotPaired => {
                "run both pilots over the same selection of the same dataset, or plan from one of them"
            }
            Self::Difference(_) => "3 points are 0.03",
            Self::Power(_) => "0.8 is usual",
            Self::Correlation(_) => "0.5 is a fair guess; two pilots over the same instances measure it",
            Self::NoSamples => "use k of 1 or more",
            Self::Rate { .. } => "write 0.9 for 90 %",
            Self::NoBetterThanChance { .. } => {
                "use a better judge: no number of samples makes up for this one"
            }
            Self::Cost { .. } => "give what one costs, in the unit of the budget",
            Self::LabelsWithoutErrors => {
                "give the judge's sensitivity and specificity, or leave out the price of labels"
            }
            Self::BudgetTooSmall { .. } => "raise the budget, or leave out what it need not pay for",
        };
        Some(hint.to_owned())
    }
}
