//! A run as reports show it: its scores, and who generated and judged.

use std::collections::{BTreeMap, BTreeSet};

use undersight_core::text::excerpt;
use undersight_core::{JudgeKind, JudgeSpec, ModelName, Provenance};
use undersight_metrics::Scores;

use crate::number::{NONE, count};
use crate::table::notes::simulation_note;

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

pub(crate) fn marked(name: &str, simulated: bool) -> String {
    if simulated { format!("{name}{MARK}") } else { name.to_owned() }
}

/// A run as comparisons and labels name it: who generated, and whose verdicts count.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    /// The run's name.
    pub run: &'a str,
    /// The model, where known.
    pub model: Option<&'a ModelName>,
    /// The judge whose verdicts these are, where known.
    pub judge: Option<&'a JudgeSpec>,
    /// Whether the samples come from a simulated model.
    pub simulated_model: bool,
    /// What its traces are, where known.
    pub traces: Option<String>,
}

impl<'a> From<&RunLine<'a>> for Head<'a> {
    fn from(run: &RunLine<'a>) -> Self {
        Self {
            run: &run.scores.run,
            model: run.model,
            judge: run.judge,
            simulated_model: run.simulated_model(),
            traces: Some(traces(&run.scores.counts.provenance, run.scores.counts.missing)),
        }
    }
}

impl Head<'_> {
    /// The run's name, marked when its model is simulated.
    #[must_use]
    pub fn title(&self) -> String {
        marked(&excerpt(self.run, 80), self.simulated_model)
    }

    pub(crate) fn simulated_judge(&self) -> bool {
        self.judge.is_some_and(simulated)
    }
}

/// A run's name, marked when its head says that its model is simulated.
pub(crate) fn title_of(run: &str, heads: &[Head<'_>]) -> String {
    heads.iter().find(|h| h.run == run).map_or_else(|| excerpt(run, 80), Head::title)
}

/// Whose verdicts runs stand on, and what is simulated.
pub(crate) fn cast_notes(heads: &[Head<'_>]) -> Vec<String> {
    let judges: BTreeSet<String> = heads
        .iter()
        .filter_map(|h| h.judge)
        .map(|j| marked(&excerpt(j.model.as_str(), 80), simulated(j)))
        .collect();
    let mut lines = Vec::new();
    if !judges.is_empty() {
        lines.push(format!("Judged by {}.", judges.into_iter().collect::<Vec<_>>().join(" and ")));
    }
    lines.extend(simulation_note(
        heads.iter().any(|h| h.simulated_model),
        heads.iter().any(Head::simulated_judge),
    ));
    lines
}

/// `full` where every planned sample has a full trace, `full 290, absent 10` where it is not one kind for all.
#[must_use]
pub fn traces(kinds: &BTreeMap<Provenance, u64>, missing: u64) -> String {
    match kinds.first_key_value() {
        None => NONE.to_owned(),
        Some((kind, _)) if kinds.len() == 1 && missing == 0 => kind.name().to_owned(),
        _ => kinds.iter().map(|(p, n)| format!("{} {}", p.name(), count(*n))).collect::<Vec<_>>().join(", "),
    }
}
