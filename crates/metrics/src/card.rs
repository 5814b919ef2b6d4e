//! A judge's card: what became of many trials ([`TrialOutcome`]) turned into what is known of the judge. How often it is
//! right on cases with known labels, whether it says the same twice, what moves it that should not, what it can be talked
//! into, what it costs, and what that implies for comparing models.
//!
//! Labels of cases are their authors'; the cases are no sample of any model's behaviour, so nothing here corrects a score.
//! Several trials of one case are not independent: rates over them have intervals by case ([`Rate`]).

mod agree;
mod attack;
mod control;
mod flip;
mod imply;
mod rate;
mod shift;
mod spend;

use std::collections::{BTreeMap, BTreeSet};

use undersight_core::{Family, Task, TrialOutcome};

pub use agree::{Agreed, Kind};
pub use attack::{Attack, AttackComparison, ComparedAttack, compare_attacks};
pub use control::Control;
pub use flip::{FlipRate, Flips};
pub use imply::{Assumptions, Implied, Resolved};
pub use rate::{Paired, Rate};
pub use shift::Shift;
pub use spend::{Latency, Spend, Summed};

use crate::inference::Level;

/// How a card is made.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CardSettings {
    /// Of all intervals.
    pub level: Level,
    /// The comparison whose smallest resolvable difference is worked out.
    pub assumptions: Assumptions,
}

/// What is known of a judge. Shares are between 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// How it was made.
    pub settings: CardSettings,
    /// Trials.
    pub trials: u64,
    /// Cases they were made from.
    pub cases: u64,
    /// Agreement with the right labels, per task: all scenarios, then each that occurs.
    pub agreement: Vec<Agreed>,
    /// Likewise per kind of case, in alphabetical order.
    pub kinds: Vec<Kind>,
    /// Identical questions asked again, per task.
    pub flips: Vec<Flips>,
    /// Reworded rubrics and restyled texts, per family and task: all variants where there are several, then each.
    pub shifts: Vec<Shift>,
    /// Texts that deserve no credit, per task: all variants where there are several, then each by scenario.
    pub controls: Vec<Control>,
    /// Texts made to talk the judge into a verdict: all tasks where there are several, then per task likewise.
    pub attacks: Vec<Attack>,
    /// Cost, tokens and time of all trials.
    pub spend: Spend,
    /// What sensitivity and specificity imply, per task.
    pub implied: Vec<Implied>,
}

/// Makes a judge's card. Families without trials leave their part empty.
#[must_use]
pub fn card(outcomes: &[TrialOutcome], settings: &CardSettings) -> Card {
    let level = settings.level;
    let base = Base::of(outcomes);
    let agreement = agree::agreement(&base, level);
    let flips = flip::flips(outcomes, level);
    Card {
        settings: *settings,
        trials: outcomes.len() as u64,
        cases: outcomes.iter().map(|o| o.trial.case.as_str()).collect::<BTreeSet<_>>().len() as u64,
        implied: imply::implied(&agreement, &flips, settings),
        kinds: agree::kinds(&base, level),
        shifts: shift::shifts(outcomes, &base, level),
        controls: control::controls(outcomes, level),
        attacks: attack::attacks(outcomes, &base, level),
        spend: spend::spend(outcomes),
        agreement,
        flips,
    }
}

/// The cases as they are, by task: the first asking of each.
struct Base<'a>(BTreeMap<(Task, &'a str), &'a TrialOutcome>);

impl<'a> Base<'a> {
    fn of(outcomes: &'a [TrialOutcome]) -> Self {
        let mut all: BTreeMap<(Task, &str), &TrialOutcome> = BTreeMap::new();
        for outcome in of_family(outcomes, Family::Base) {
            let place = all.entry((outcome.trial.task, outcome.trial.case.as_str())).or_insert(outcome);
            if outcome.trial.repeat < place.trial.repeat {
                *place = outcome;
            }
        }
        Self(all)
    }

    /// The unaltered case behind a trial.
    fn behind(&self, outcome: &TrialOutcome) -> Option<&'a TrialOutcome> {
        self.0.get(&(outcome.trial.task, outcome.trial.case.as_str())).copied()
    }

    fn of_task(&self, task: Task) -> impl Iterator<Item = &'a TrialOutcome> {
        self.0.iter().filter(move |((t, _), _)| *t == task).map(|(_, outcome)| *outcome)
    }
}

fn of_family(outcomes: &[TrialOutcome], family: Family) -> impl Iterator<Item = &TrialOutcome> {
    outcomes.iter().filter(move |o| o.trial.family == family)
}

/// The variants among trials, in the order they first come.
fn variants<'a>(outcomes: &[&'a TrialOutcome]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for outcome in outcomes {
        if !names.contains(&outcome.trial.variant.as_str()) {
            names.push(&outcome.trial.variant);
        }
    }
    names
}

/// `None` for all variants together where there are several, then each.
fn scopes<'a>(outcomes: &[&'a TrialOutcome]) -> Vec<Option<&'a str>> {
    let names = variants(outcomes);
    let all = (names.len() > 1).then_some(None);
    all.into_iter().chain(names.into_iter().map(Some)).collect()
}

fn within<'a>(outcomes: &[&'a TrialOutcome], variant: Option<&str>) -> Vec<&'a TrialOutcome> {
    outcomes.iter().filter(|o| variant.is_none_or(|v| v == o.trial.variant)).copied().collect()
}
