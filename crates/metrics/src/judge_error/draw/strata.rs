//! The strata samples are drawn from.

use std::collections::BTreeMap;

use undersight_core::{Label, Outcome, Scenario, Study, Task};

use super::{DrawError, Strata};
use crate::judge_error::join::place;
use crate::judge_error::{judged, standing};

/// What the samples of a stratum have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) scenario: Scenario,
    pub(super) labels: Option<[Option<Label>; 2]>,
    pub(super) disagree: Option<bool>,
}

type Order = (usize, Option<[Option<Label>; 2]>, Option<bool>);

/// Places among the outcomes of samples with a verdict, by stratum. Where only scenarios count all three are there, be
/// they empty.
pub(super) fn of(study: &Study, others: &[Study], by: Strata) -> Result<Vec<(Key, Vec<usize>)>, DrawError> {
    if by.disagreement && others.is_empty() {
        return Err(DrawError::NothingToCompare);
    }
    if let Some(other) = others.iter().find(|other| !aligned(study, other)) {
        return Err(DrawError::OtherRun { run: other.name.clone() });
    }
    let mut strata: BTreeMap<Order, Vec<usize>> = BTreeMap::new();
    if by == Strata::default() {
        strata.extend(Scenario::ALL.map(|s| ((place(s), None, None), Vec::new())));
    }
    for (at, outcome) in study.outcomes.iter().enumerate() {
        let Some(item) = study.items.get(outcome.item) else { continue };
        if Task::ALL.iter().any(|task| judged(outcome, *task).is_some()) {
            let labels = by.label.then(|| Task::SCORED.map(|task| standing(outcome, task)));
            let disagree = by.disagreement.then(|| {
                let here = others.iter().filter_map(|other| other.outcomes.get(at));
                disagree(&here.chain([outcome]).collect::<Vec<_>>())
            });
            strata.entry((place(item.scenario), labels, disagree)).or_default().push(at);
        }
    }
    let keyed = strata.into_iter().map(|((scenario, labels, disagree), places)| {
        (Key { scenario: Scenario::ALL[scenario], labels, disagree }, places)
    });
    Ok(keyed.collect())
}

/// Whether two studies are of the same samples in the same order.
fn aligned(study: &Study, other: &Study) -> bool {
    let place = |o: &Outcome| (o.item, o.index);
    study.items.iter().map(|item| &item.id).eq(other.items.iter().map(|item| &item.id))
        && study.outcomes.iter().map(place).eq(other.outcomes.iter().map(place))
}

/// Whether standing verdicts on one sample differ in whether its answer, or its trace, passes.
fn disagree(outcomes: &[&Outcome]) -> bool {
    Task::SCORED.into_iter().any(|task| {
        let mut verdicts = outcomes.iter().filter_map(|outcome| judged(outcome, task));
        let first = verdicts.next();
        verdicts.any(|verdict| Some(verdict) != first)
    })
}
