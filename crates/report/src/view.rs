//! A run as reports show it: its scores, and who generated and judged.

use undersight_core::{JudgeKind, JudgeSpec, ModelName};
use undersight_metrics::Scores;

/// One line of a report.
#[derive(Debug, Clone)]
pub struct RunLine<'a> {
    /// What is reported.
    pub scores: &'a Scores,
    /// The model, where known.
    pub model: Option<&'a ModelName>,
    /// The judge the scores rest on, where known.
    pub judge: Option<&'a JudgeSpec>,
}

impl RunLine<'_> {
    /// Whether the samples come from a simulated model.
    #[must_use]
    pub fn simulated_model(&self) -> bool {
        self.scores.simulated || self.model.is_some_and(ModelName::is_simulated)
    }

    /// Whether the verdicts come from a simulated judge.
    #[must_use]
    pub fn simulated_judge(&self) -> bool {
        self.judge.is_some_and(simulated)
    }

    /// The run's name, marked when its model is simulated.
    #[must_use]
    pub fn title(&self) -> String {
        marked(&self.scores.run, self.simulated_model())
    }

    /// The judge's name, marked when simulated.
    #[must_use]
    pub fn judge_title(&self) -> Option<String> {
        self.judge.map(|j| marked(j.model.as_str(), simulated(j)))
    }
}

/// Stands behind the name of whatever is simulated; a note under every table says so.
pub(crate) const MARK: char = '*';

/// Whether a judge is one of ours that only simulates.
pub(crate) fn simulated(judge: &JudgeSpec) -> bool {
    judge.kind == JudgeKind::Sim || judge.model.is_simulated()
}

fn marked(name: &str, simulated: bool) -> String {
    if simulated { format!("{name}{MARK}") } else { name.to_owned() }
}
