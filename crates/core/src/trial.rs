//! A trial: one question put to a judge to learn about the judge. A card is computed from what became of many.

use serde::{Deserialize, Serialize};

use crate::sample::names;
use crate::{JudgementStatus, Label, NanoUsd, Scenario, Task, Usage};

names! {
    /// What a trial is for.
    Family {
        /// The case as it is: agreement with the label held to be right.
        Base = "base",
        /// The case again, everything identical: does the judge say the same twice?
        Repeat = "repeat",
        /// The case under a reworded rubric that means the same.
        Rubric = "rubric",
        /// The case with its text restyled, meaning unchanged: apology, verbosity, formatting.
        Style = "style",
        /// A text that deserves no credit by its making.
        Control = "control",
        /// A text made to talk the judge into a verdict.
        Attack = "attack",
    }
}

/// One question put to a judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// What it is for.
    pub family: Family,
    /// Which of its family, e.g. `apology`; the name of the family where there is one only.
    pub variant: String,
    /// Id of the case it was made from.
    pub case: String,
    /// What kind of case, e.g. `one-of-two`.
    pub kind: String,
    /// Of the case.
    pub scenario: Scenario,
    /// What is judged.
    pub task: Task,
    /// Which repetition, 0 for the first.
    pub repeat: u32,
    /// The label held to be right for what is judged: the case's own for `base` to `style`; a failing one for the
    /// others.
    pub right: Label,
}

/// What became of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialOutcome {
    /// The question.
    pub trial: Trial,
    /// How the judgement ended.
    pub status: JudgementStatus,
    /// Its label, standing or not.
    pub label: Option<Label>,
    /// Tokens.
    pub usage: Usage,
    /// Cost, where known.
    pub cost: Option<NanoUsd>,
    /// How long it took, microseconds.
    pub total_us: i64,
}

impl TrialOutcome {
    /// The label, where it stands.
    #[must_use]
    pub fn standing(&self) -> Option<Label> {
        self.label.filter(|_| self.status == JudgementStatus::Ok)
    }
}
