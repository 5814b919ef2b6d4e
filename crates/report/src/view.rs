//! A run as reports show it: its scores, and who generated and judged.

use std::collections::{BTreeMap, BTreeSet};

use undersight_core::text::excerpt;
use undersight_core::{JudgeKind, JudgeSpec, ModelName, PanelRule, Provenance};
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

    /// The judge's name, marked when simulated, and what it is where that is no model.
    #[must_use]
    pub fn judge_title(&self) -> Option<String> {
        self.judge.map(judge_title)
    }

    /// Whether the model has a say in its own verdicts.
    #[must_use]
    pub fn self_judged(&self) -> bool {
        self.model.zip(self.judge).is_some_and(|(model, judge)| judge.includes_model(model))
    }
}

/// Stands behind the name of whatever is simulated; a note under every table says so.
pub(crate) const MARK: char = '*';

/// Whether a judge is one of ours that only simulates, or a panel with one in it.
pub(crate) fn simulated(judge: &JudgeSpec) -> bool {
    judge.leaves().iter().any(|judge| judge.kind == JudgeKind::Sim || judge.model.is_simulated())
}

/// A judge's name, marked when simulated, and what it is where that is no model: `panel/strict (majority of 3 judges)`.
pub(crate) fn judge_title(judge: &JudgeSpec) -> String {
    let name = marked(&excerpt(judge.model.as_str(), 80), simulated(judge));
    match (&judge.panel, judge.kind) {
        (Some(panel), _) => {
            let rule = match panel.rule {
                PanelRule::Majority => "majority",
                PanelRule::Unanimous => "unanimous verdict",
                PanelRule::Weighted => "weighted majority",
                PanelRule::Cascade { .. } => "cascade",
            };
            let members = panel.members.len();
            format!("{name} ({rule} of {members} judge{})", if members == 1 { "" } else { "s" })
        }
        (None, JudgeKind::Human) => format!("{name} (a person)"),
        (None, JudgeKind::Model) if judge.format.is_some() => format!("{name} ({} verdicts)", judge.format()),
        (None, _) => name,
    }
}

/// Which models have a say in their own verdicts.
pub(crate) fn self_judged<'a>(
    pairs: impl Iterator<Item = (&'a ModelName, &'a JudgeSpec)>,
) -> BTreeSet<String> {
    let own = pairs.filter(|(model, judge)| judge.includes_model(model));
    own.map(|(model, judge)| {
        let among = if judge.panel.is_some() { ", among others" } else { "" };
        let model = excerpt(model.as_str(), 80);
        format!("{model} was judged by itself{among}: models favour their own output.")
    })
    .collect()
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
    let judges: BTreeSet<String> = heads.iter().filter_map(|h| h.judge).map(judge_title).collect();
    let mut lines = Vec::new();
    if !judges.is_empty() {
        lines.push(format!("Judged by {}.", judges.into_iter().collect::<Vec<_>>().join(" and ")));
    }
    lines.extend(self_judged(heads.iter().filter_map(|h| Some((h.model?, h.judge?)))));
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
