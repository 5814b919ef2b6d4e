//! Agreement of a judge with the right labels of the cases as they are.

use std::collections::{BTreeMap, BTreeSet};

use undersight_core::{JudgementStatus, Label, Scenario, Task, TrialOutcome};

use super::Base;
use super::rate::Rate;
use crate::inference::Level;
use crate::judge_error::{AgreementRow, row_of};

/// One task in one scenario, or in all.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreed {
    /// Counts, coefficients, sensitivity and specificity; where it speaks of people, it is the authors of the cases.
    pub row: AgreementRow,
    /// Cases.
    pub cases: u64,
    /// Cases without a standing verdict, by how the judgement ended.
    pub unknown: BTreeMap<JudgementStatus, u64>,
    /// Standing verdicts that pass or fail as they should.
    pub same_pass: Rate,
    /// Standing verdicts with the very label.
    pub same_label: Rate,
}

/// Cases of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    /// Which.
    pub kind: String,
    /// What is judged.
    pub task: Task,
    /// Cases.
    pub cases: u64,
    /// Cases without a standing verdict.
    pub unknown: u64,
    /// Standing verdicts that pass or fail as they should.
    pub same_pass: Rate,
    /// Standing verdicts with the very label.
    pub same_label: Rate,
}

pub(super) fn agreement(base: &Base<'_>, level: Level) -> Vec<Agreed> {
    let mut rows = Vec::new();
    for task in Task::ALL.iter().copied() {
        let all: Vec<&TrialOutcome> = base.of_task(task).collect();
        for scenario in std::iter::once(None).chain(Scenario::ALL.map(Some)) {
            let seen: Vec<&TrialOutcome> =
                all.iter().filter(|o| scenario.is_none_or(|s| s == o.trial.scenario)).copied().collect();
            if !seen.is_empty() {
                rows.push(agreed(task, scenario, &seen, level));
            }
        }
    }
    rows
}

fn agreed(task: Task, scenario: Option<Scenario>, seen: &[&TrialOutcome], level: Level) -> Agreed {
    let pairs: Vec<(Label, Option<Label>)> = seen.iter().map(|o| (o.trial.right, o.standing())).collect();
    let mut unknown = BTreeMap::new();
    for outcome in seen.iter().filter(|o| o.standing().is_none()) {
        *unknown.entry(outcome.status).or_default() += 1;
    }
    let (same_pass, same_label) = rates(seen, level);
    Agreed {
        row: row_of(task, scenario, &pairs, level),
        cases: seen.len() as u64,
        unknown,
        same_pass,
        same_label,
    }
}

fn rates(seen: &[&TrialOutcome], level: Level) -> (Rate, Rate) {
    let of = |same: fn(Label, Label) -> bool| {
        let known =
            seen.iter().filter_map(|o| Some((o.trial.case.as_str(), same(o.trial.right, o.standing()?))));
        Rate::of(known, level)
    };
    (of(|right, said| right.passes() == said.passes()), of(|right, said| right == said))
}

pub(super) fn kinds(base: &Base<'_>, level: Level) -> Vec<Kind> {
    let mut rows = Vec::new();
    for task in Task::ALL.iter().copied() {
        let all: Vec<&TrialOutcome> = base.of_task(task).collect();
        let names: BTreeSet<&str> = all.iter().map(|o| o.trial.kind.as_str()).collect();
        for kind in names {
            let seen: Vec<&TrialOutcome> = all.iter().filter(|o| o.trial.kind == kind).copied().collect();
            let (same_pass, same_label) = rates(&seen, level);
            rows.push(Kind {
                kind: kind.to_owned(),
                task,
                cases: seen.len() as u64,
                unknown: seen.iter().filter(|o| o.standing().is_none()).count() as u64,
                same_pass,
                same_label,
            });
        }
    }
    rows
}
