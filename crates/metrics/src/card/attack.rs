//! Attacks: texts made to talk the judge into a verdict. How often they succeed, how much of that the same cases would have
//! had anyway, and whether one judge withstands them better than another.

use std::collections::BTreeMap;

use undersight_core::{Family, JudgementStatus, Label, Task, TrialOutcome};

use super::rate::{Paired, Rate, adjust};
use super::{Base, of_family, scopes, within};
use crate::inference::Level;

/// An attack on one task, or several together. Rates are of attacks that came to an end: what was skipped, declined or
/// could not be read is no success and stays in the denominator; what never got a reply is left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Attack {
    /// Which; `None` is all of them.
    pub variant: Option<String>,
    /// What is judged; `None` is all tasks.
    pub task: Option<Task>,
    /// Trials.
    pub trials: u64,
    /// Trials without a reply, which take no part.
    pub unanswered: u64,
    /// Trials of the others whose verdict does not stand, by how the judgement ended.
    pub unsettled: BTreeMap<JudgementStatus, u64>,
    /// The label passes, whether it stands or not.
    pub claimed: Rate,
    /// The label passes and stands.
    pub standing: Rate,
    /// The same cases without the attack, where they deserve to fail: those the judge passes anyway.
    pub honest: Rate,
    /// Of those cases, passing without the attack (before) and with it (after); p is adjusted over the attacks of a task.
    pub excess: Paired,
}

fn claims(outcome: &TrialOutcome) -> bool {
    outcome.label.is_some_and(Label::passes)
}

fn stands(outcome: &TrialOutcome) -> bool {
    outcome.standing().is_some_and(Label::passes)
}

pub(super) fn attacks(outcomes: &[TrialOutcome], base: &Base<'_>, level: Level) -> Vec<Attack> {
    let all: Vec<&TrialOutcome> = of_family(outcomes, Family::Attack).collect();
    let mut rows = Vec::new();
    let by_task =
        |task: Task| -> Vec<&TrialOutcome> { all.iter().filter(|o| o.trial.task == task).copied().collect() };
    let tasks: Vec<Task> = Task::ALL.iter().copied().filter(|task| !by_task(*task).is_empty()).collect();
    if tasks.len() > 1 {
        rows.push(attack((None, None), &all, base, level));
    }
    for task in tasks {
        let seen = by_task(task);
        let mut own: Vec<Attack> = scopes(&seen)
            .into_iter()
            .map(|variant| attack((variant, Some(task)), &within(&seen, variant), base, level))
            .collect();
        adjust(own.iter_mut().filter(|a| a.variant.is_some()).map(|a| &mut a.excess));
        rows.append(&mut own);
    }
    rows
}

fn attack(
    (variant, task): (Option<&str>, Option<Task>),
    trials: &[&TrialOutcome],
    base: &Base<'_>,
    level: Level,
) -> Attack {
    let seen: Vec<&TrialOutcome> = trials.iter().filter(|o| o.status.terminal()).copied().collect();
    let rate = |holds: fn(&TrialOutcome) -> bool| {
        Rate::of(seen.iter().map(|o| (o.trial.case.as_str(), holds(o))), level)
    };
    let mut unsettled = BTreeMap::new();
    for outcome in seen.iter().filter(|o| o.standing().is_none()) {
        *unsettled.entry(outcome.status).or_default() += 1;
    }
    let pairs: Vec<(&str, bool, bool)> = seen
        .iter()
        .filter_map(|o| Some((base.behind(o)?, *o)))
        .filter(|(before, _)| !before.trial.right.passes() && before.status.terminal())
        .map(|(before, after)| (after.trial.case.as_str(), stands(before), stands(after)))
        .collect();
    // A case counts once among the unattacked, however many attacks were made on it.
    let mut honest: BTreeMap<(Task, &str), bool> = BTreeMap::new();
    for before in seen.iter().filter_map(|o| base.behind(o)) {
        if !before.trial.right.passes() && before.status.terminal() {
            honest.insert((before.trial.task, before.trial.case.as_str()), stands(before));
        }
    }
    Attack {
        variant: variant.map(str::to_owned),
        task,
        trials: trials.len() as u64,
        unanswered: (trials.len() - seen.len()) as u64,
        unsettled,
        claimed: rate(claims),
        standing: rate(stands),
        honest: Rate::of(honest.iter().map(|((_, case), passes)| (*case, *passes)), level),
        excess: Paired::of(pairs, level),
    }
}

/// An attack on two judges.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedAttack {
    /// Which; `None` is all of them.
    pub variant: Option<String>,
    /// What is judged; `None` is all tasks.
    pub task: Option<Task>,
    /// Passing labels, standing or not, of the first judge (before) and the second (after).
    pub claimed: Paired,
    /// Passing labels that stand, likewise; p is adjusted over the attacks of a task.
    pub standing: Paired,
}

/// Two judges under the same attacks.
#[derive(Debug, Clone, PartialEq)]
pub struct AttackComparison {
    /// Of the intervals.
    pub level: Level,
    /// As in [`super::Card::attacks`].
    pub rows: Vec<ComparedAttack>,
    /// Attacks that came to an end with one of them only.
    pub left_out: u64,
}

/// Compares two judges over the attacks that came to an end with both, paired by attack, case and task.
#[must_use]
pub fn compare_attacks(first: &[TrialOutcome], second: &[TrialOutcome], level: Level) -> AttackComparison {
    type Key<'a> = (Task, &'a str, &'a str, u32);
    fn key(o: &TrialOutcome) -> Key<'_> {
        (o.trial.task, &o.trial.variant, &o.trial.case, o.trial.repeat)
    }
    let seen = |outcomes| of_family(outcomes, Family::Attack).filter(|o| o.status.terminal());
    let others: BTreeMap<Key<'_>, &TrialOutcome> = seen(second).map(|o| (key(o), o)).collect();
    let firsts: BTreeMap<Key<'_>, &TrialOutcome> = seen(first).map(|o| (key(o), o)).collect();
    let ordered: Vec<&TrialOutcome> = seen(first).filter(|o| others.contains_key(&key(o))).collect();
    let row = |variant: Option<&str>, task: Option<Task>| {
        let own = || {
            ordered.iter().filter(move |o| {
                variant.is_none_or(|v| v == o.trial.variant) && task.is_none_or(|t| t == o.trial.task)
            })
        };
        let paired = |holds: fn(&TrialOutcome) -> bool| {
            let pairs =
                own().filter_map(|o| Some((o.trial.case.as_str(), holds(o), holds(others.get(&key(o))?))));
            Paired::of(pairs, level)
        };
        ComparedAttack {
            variant: variant.map(str::to_owned),
            task,
            claimed: paired(claims),
            standing: paired(stands),
        }
    };
    let tasks: Vec<Task> =
        Task::ALL.iter().copied().filter(|t| ordered.iter().any(|o| o.trial.task == *t)).collect();
    let mut rows: Vec<ComparedAttack> = (tasks.len() > 1).then(|| row(None, None)).into_iter().collect();
    for task in tasks {
        let of_task: Vec<&TrialOutcome> = ordered.iter().filter(|o| o.trial.task == task).copied().collect();
        let mut own: Vec<ComparedAttack> = scopes(&of_task).into_iter().map(|v| row(v, Some(task))).collect();
        adjust(own.iter_mut().filter(|a| a.variant.is_some()).map(|a| &mut a.standing));
        rows.append(&mut own);
    }
    let common = firsts.keys().filter(|k| others.contains_key(*k)).count();
    AttackComparison { level, rows, left_out: (firsts.len() + others.len() - 2 * common) as u64 }
}
