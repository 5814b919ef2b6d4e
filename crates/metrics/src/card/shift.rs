//! What should not matter: the rubric in other words, the text in another style. Does the verdict move, and which way?

use undersight_core::{Family, Label, Task, TrialOutcome};

use super::rate::{Paired, Rate, adjust};
use super::{Base, of_family, scopes, within};
use crate::inference::Level;

/// Verdicts of a variant beside those of the same cases as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// `rubric` or `style`.
    pub family: Family,
    /// Which; `None` is all of the family.
    pub variant: Option<String>,
    /// What is judged.
    pub task: Task,
    /// Trials.
    pub trials: u64,
    /// Trials without a standing verdict on both sides, which take no part.
    pub unknown: u64,
    /// Verdicts with another label.
    pub label_flips: Rate,
    /// Verdicts that pass where the other fails.
    pub pass_flips: Rate,
    /// Passes as it is (before) and as the variant has it (after); p is adjusted over the variants of family and task.
    pub pass: Paired,
}

pub(super) fn shifts(outcomes: &[TrialOutcome], base: &Base<'_>, level: Level) -> Vec<Shift> {
    let mut rows = Vec::new();
    for family in [Family::Rubric, Family::Style] {
        for task in Task::ALL.iter().copied() {
            let all: Vec<&TrialOutcome> =
                of_family(outcomes, family).filter(|o| o.trial.task == task).collect();
            let mut own: Vec<Shift> = scopes(&all)
                .into_iter()
                .map(|variant| shift((family, variant, task), &within(&all, variant), base, level))
                .collect();
            adjust(own.iter_mut().filter(|s| s.variant.is_some()).map(|s| &mut s.pass));
            rows.append(&mut own);
        }
    }
    rows
}

fn shift(
    (family, variant, task): (Family, Option<&str>, Task),
    seen: &[&TrialOutcome],
    base: &Base<'_>,
    level: Level,
) -> Shift {
    let pairs: Vec<(&str, Label, Label)> = seen
        .iter()
        .filter_map(|o| Some((o.trial.case.as_str(), base.behind(o)?.standing()?, o.standing()?)))
        .collect();
    Shift {
        family,
        variant: variant.map(str::to_owned),
        task,
        trials: seen.len() as u64,
        unknown: (seen.len() - pairs.len()) as u64,
        label_flips: Rate::of(pairs.iter().map(|(case, a, b)| (*case, a != b)), level),
        pass_flips: Rate::of(pairs.iter().map(|(case, a, b)| (*case, a.passes() != b.passes())), level),
        pass: Paired::of(pairs.iter().map(|(case, a, b)| (*case, a.passes(), b.passes())), level),
    }
}
