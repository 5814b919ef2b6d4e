//! Identical questions asked again: how often a judge contradicts itself when nothing has changed.

use std::collections::BTreeMap;

use undersight_core::{Family, Label, Task, TrialOutcome};

use super::of_family;
use super::rate::{Rate, mean};
use crate::inference::{Interval, Level};

/// How often something about the verdicts of a case is not the same.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FlipRate {
    /// Cases whose verdicts are not all the same; it grows with the number of repeats.
    pub ever: Rate,
    /// The chance that two verdicts of one case differ: the share of its pairs that do, averaged over cases.
    pub pairwise: Option<f64>,
    /// Of the former; Wilson, on the effective number of pairs.
    pub interval: Option<Interval>,
}

/// One task asked again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flips {
    /// What is judged.
    pub task: Task,
    /// Cases with two standing verdicts or more; the rates are of these.
    pub cases: u64,
    /// Cases asked again with fewer.
    pub left_out: u64,
    /// Cases of which some verdicts stand and some do not.
    pub unsettled: u64,
    /// Standing verdicts of the cases counted.
    pub verdicts: u64,
    /// The most verdicts asked for of one case, the first included.
    pub most: u64,
    /// In pass and fail.
    pub by_pass: FlipRate,
    /// In the label.
    pub by_label: FlipRate,
}

/// Of a case: its standing labels, and how often it was asked.
struct Asked<'a> {
    case: &'a str,
    labels: Vec<Label>,
    times: u64,
}

pub(super) fn flips(outcomes: &[TrialOutcome], level: Level) -> Vec<Flips> {
    Task::ALL.iter().filter_map(|task| of_task(outcomes, *task, level)).collect()
}

fn of_task(outcomes: &[TrialOutcome], task: Task, level: Level) -> Option<Flips> {
    // The first asking counts among the repeats, once, even where they number from 0 themselves.
    let mut asked: BTreeMap<&str, BTreeMap<u32, &TrialOutcome>> = BTreeMap::new();
    for outcome in of_family(outcomes, Family::Repeat).filter(|o| o.trial.task == task) {
        asked.entry(&outcome.trial.case).or_default().insert(outcome.trial.repeat, outcome);
    }
    for outcome in of_family(outcomes, Family::Base).filter(|o| o.trial.task == task) {
        if let Some(repeats) = asked.get_mut(outcome.trial.case.as_str()) {
            repeats.entry(outcome.trial.repeat).or_insert(outcome);
        }
    }
    let all: Vec<Asked<'_>> = asked
        .into_iter()
        .map(|(case, repeats)| Asked {
            case,
            labels: repeats.values().filter_map(|o| o.standing()).collect(),
            times: repeats.len() as u64,
        })
        .filter(|a| a.times > 1)
        .collect();
    if all.is_empty() {
        return None;
    }
    let counted: Vec<&Asked<'_>> = all.iter().filter(|a| a.labels.len() > 1).collect();
    Some(Flips {
        task,
        cases: counted.len() as u64,
        left_out: (all.len() - counted.len()) as u64,
        unsettled: all.iter().filter(|a| !a.labels.is_empty() && (a.labels.len() as u64) < a.times).count()
            as u64,
        verdicts: counted.iter().map(|a| a.labels.len() as u64).sum(),
        most: all.iter().map(|a| a.times).max().unwrap_or_default(),
        by_pass: rate(&counted, |a, b| a.passes() == b.passes(), level),
        by_label: rate(&counted, |a, b| a == b, level),
    })
}

fn rate(cases: &[&Asked<'_>], same: fn(Label, Label) -> bool, level: Level) -> FlipRate {
    let shares: Vec<f64> = cases.iter().map(|a| differing(&a.labels, same)).collect();
    let ever = Rate::of(cases.iter().zip(&shares).map(|(a, share)| (a.case, *share > 0.0)), level);
    // Pairs of a case that share no verdict are independent.
    #[expect(clippy::cast_precision_loss, reason = "numbers of verdicts")]
    let most: f64 = cases.iter().map(|a| (a.labels.len() / 2) as f64).sum();
    let (pairwise, interval) = mean(&shares, most, level).unzip();
    FlipRate { ever, pairwise, interval }
}

/// The share of pairs that are not the same.
fn differing(labels: &[Label], same: fn(Label, Label) -> bool) -> f64 {
    let pairs = labels.iter().enumerate().flat_map(|(i, a)| labels[i + 1..].iter().map(move |b| (*a, *b)));
    let (differ, all) = pairs
        .fold((0.0, 0.0), |(differ, all), (a, b)| (differ + f64::from(u8::from(!same(a, b))), all + 1.0));
    differ / all
}
