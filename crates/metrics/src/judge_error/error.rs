//! Why a rate is not corrected, and what to do about it.

use undersight_core::{Scenario, Task};

/// Labels a scenario needs before its rates are corrected.
pub(crate) const FEWEST_LABELLED: usize = 10;
/// Truly passing, and truly failing, labels that sensitivity and specificity need.
pub(super) const FEWEST_TRULY: usize = 2;

/// Why a rate is not corrected.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CorrectionError {
    /// There are no labels.
    #[error("there are no human labels")]
    NoLabels,
    /// None of the labels has a probability.
    #[error("the labels carry no sampling probability")]
    NotDrawn,
    /// Some labels have a probability and others have none.
    #[error("{without} of {of} labels carry no sampling probability")]
    PartlyDrawn {
        /// Labels without.
        without: usize,
        /// Labels.
        of: usize,
    },
    /// A probability that is none.
    #[error(
        "the sampling probability of sample {index} of {id:?} is {probability}, not above 0 and at most 1"
    )]
    Probability {
        /// The instance.
        id: String,
        /// The sample.
        index: u32,
        /// As given.
        probability: f64,
    },
    /// One sample, two probabilities.
    #[error("sample {index} of {id:?} carries two sampling probabilities")]
    TwoProbabilities {
        /// The instance.
        id: String,
        /// The sample.
        index: u32,
    },
    /// One task of one sample, two labels.
    #[error("sample {index} of {id:?} carries more than one label of {task}")]
    Unsettled {
        /// The instance.
        id: String,
        /// The sample.
        index: u32,
        /// What was labelled.
        task: Task,
    },
    /// Labels of samples the run does not have.
    #[error("this run has no sample {index} of {id:?}; labels of samples it does not have: {count}")]
    NotInRun {
        /// The first one's instance.
        id: String,
        /// The first one's sample.
        index: u32,
        /// How many.
        count: usize,
    },
    /// A label that the task does not have in the instance's scenario.
    #[error("sample {index} of {id:?} carries a label that {task} does not have in its scenario")]
    ForeignLabel {
        /// The instance.
        id: String,
        /// The sample.
        index: u32,
        /// What was labelled.
        task: Task,
    },
    /// No sample of the scenario has a standing verdict.
    #[error("{scenario} has no standing verdict to correct")]
    NothingJudged {
        /// The scenario.
        scenario: Scenario,
    },
    /// Too few labelled samples in a scenario.
    #[error(
        "{scenario} has {labelled} labelled samples with a standing verdict, fewer than {FEWEST_LABELLED}"
    )]
    TooFew {
        /// The scenario.
        scenario: Scenario,
        /// Labelled samples that count.
        labelled: usize,
    },
    /// All labelled samples of a scenario depend on each other, so that nothing says how certain they are.
    #[error("{scenario}'s labelled samples are all of one instance, or of instances that share texts")]
    OneCluster {
        /// The scenario.
        scenario: Scenario,
    },
    /// Too few samples that truly pass, or truly fail, to know the judge's sensitivity, or specificity.
    #[error(
        "{scenario} has too few labels that {} for a {}: fewer than {FEWEST_TRULY}",
        if *passing { "pass" } else { "fail" },
        if *passing { "sensitivity" } else { "specificity" }
    )]
    TooFewTruly {
        /// The scenario.
        scenario: Scenario,
        /// Whether those that pass are too few, or those that fail.
        passing: bool,
    },
    /// The labels do not show that the judge's verdicts say anything.
    #[error(
        "the judge is not shown to be better than chance at {task} in {scenario}: sensitivity + specificity − 1 is \
         {youden:.2}, with a one-sided 95 % lower bound of {low:.2}"
    )]
    NoBetterThanChance {
        /// Judged for what.
        task: Task,
        /// The scenario.
        scenario: Scenario,
        /// Youden's J.
        youden: f64,
        /// Its one-sided lower bound, 0 or below.
        low: f64,
    },
    /// A scenario of the plan was refused, so there is nothing overall.
    #[error("{scenario} is not corrected, so there is no overall value")]
    ScenarioRefused {
        /// The first such scenario.
        scenario: Scenario,
    },
    /// A metric at k was asked for.
    #[error("metrics at k > 1 cannot be corrected")]
    AtK,
    /// The calculation has no finite answer.
    #[error("{scenario}: the labels and verdicts leave the correction undefined")]
    Undefined {
        /// The scenario.
        scenario: Scenario,
    },
}

impl CorrectionError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoLabels | Self::NotDrawn => {
                "labels must be drawn at random from the run itself: `undersight labels draw` picks the samples and \
                 writes their probabilities"
            }
            Self::PartlyDrawn { .. } => {
                "leave out labels that were not drawn at random, or use the file `undersight labels draw` wrote"
            }
            Self::Probability { .. } | Self::TwoProbabilities { .. } => {
                "keep the probability column as `undersight labels draw` wrote it"
            }
            Self::Unsettled { .. } => "adjudicate first: corrections take one settled label a task",
            Self::NotInRun { .. } => {
                "use labels drawn from this run; those of another run say nothing about this one"
            }
            Self::ForeignLabel { .. } => "the labels were given for another dataset or another task",
            Self::NothingJudged { .. } => "judge the run first",
            Self::TooFew { .. } | Self::OneCluster { .. } | Self::TooFewTruly { .. } => {
                "draw and label more samples of this scenario; a larger draw with the same seed keeps those already \
                 labelled"
            }
            Self::NoBetterThanChance { .. } => {
                "no correction recovers what such a judge does not see: label more samples, or use a better judge"
            }
            Self::ScenarioRefused { .. } => "see why that scenario is refused; the others stand",
            Self::AtK => return Some(at_k_refusal().to_owned()),
            Self::Undefined { .. } => "draw and label more samples of this scenario",
        };
        Some(hint.to_owned())
    }
}

/// Why no metric at k > 1 is corrected for the judge's error.
#[must_use]
pub const fn at_k_refusal() -> &'static str {
    "at k an instance passes only when all k verdicts pass, so errors compound over the k samples of one instance; how \
     they do depends on whether the judge errs alike on samples of the same instance, which sensitivity and specificity \
     do not say. correct the rates at 1 instead"
}
