//! Controls: texts that deserve no credit by their making. Whoever credits them credits something else than recognition.

use undersight_core::{Family, Label, Scenario, Task, TrialOutcome};

use super::rate::Rate;
use super::{of_family, scopes, within};
use crate::inference::Level;

/// A control in one scenario, or in all.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// Which; `None` is all of them.
    pub variant: Option<String>,
    /// What is judged.
    pub task: Task,
    /// `None` is all scenarios together.
    pub scenario: Option<Scenario>,
    /// Trials.
    pub trials: u64,
    /// Trials without a standing verdict.
    pub unknown: u64,
    /// Standing verdicts that give credit: of a trace, for one risk at least; of an answer, that pass.
    pub credited: Rate,
}

pub(super) fn controls(outcomes: &[TrialOutcome], level: Level) -> Vec<Control> {
    let mut rows = Vec::new();
    for task in Task::ALL.iter().copied() {
        let all: Vec<&TrialOutcome> =
            of_family(outcomes, Family::Control).filter(|o| o.trial.task == task).collect();
        for variant in scopes(&all) {
            let own = within(&all, variant);
            for scenario in std::iter::once(None).chain(Scenario::ALL.map(Some)) {
                let seen: Vec<&TrialOutcome> =
                    own.iter().filter(|o| scenario.is_none_or(|s| s == o.trial.scenario)).copied().collect();
                if !seen.is_empty() {
                    rows.push(control((variant, task, scenario), &seen, level));
                }
            }
        }
    }
    rows
}

fn control(
    (variant, task, scenario): (Option<&str>, Task, Option<Scenario>),
    seen: &[&TrialOutcome],
    level: Level,
) -> Control {
    let credit = |label: Label| label.credits() || label.passes();
    let credited =
        Rate::of(seen.iter().filter_map(|o| Some((o.trial.case.as_str(), credit(o.standing()?)))), level);
    Control {
        variant: variant.map(str::to_owned),
        task,
        scenario,
        trials: seen.len() as u64,
        unknown: seen.len() as u64 - credited.share.of,
        credited,
    }
}
