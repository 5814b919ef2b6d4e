//! How far a judge and people agree, per task and scenario. Any human labels will do here; only what is said of the run
//! as a whole (prevalence, sensitivity, specificity) weights by how they were drawn.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use undersight_core::{HumanLabel, Label, Scenario, Study, Task};

use super::influence::kish;
use super::join::{Places, fits};
use super::standing;
use crate::inference::Level;
use crate::stats::{self, Coefficient};
use crate::truth::Confusion;

/// A measured share and its Wilson interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredRate {
    /// 0..1.
    pub value: f64,
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
    /// How many observations it is worth: (Σw)²/Σw².
    pub n: f64,
}

/// A coefficient with its normal interval, clipped to −1..1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// 1 is perfect, 0 what chance gives.
    pub value: f64,
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
}

/// Agreement of two ratings. `None` where a coefficient is undefined, as κ is when all is in one category.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measures {
    /// The share of equal ratings, 0..1.
    pub observed: Option<f64>,
    /// Cohen's κ.
    pub kappa: Option<Chance>,
    /// Gwet's AC1.
    pub ac1: Option<Chance>,
    /// Krippendorff's α for nominal categories.
    pub alpha: Option<f64>,
}

/// One task in one scenario, or in all.
#[derive(Debug, Clone, PartialEq)]
pub struct AgreementRow {
    /// What was labelled.
    pub task: Task,
    /// `None` is all scenarios together.
    pub scenario: Option<Scenario>,
    /// The labels of the table, best first.
    pub labels: Vec<Label>,
    /// How often people gave the label of the row and the judge that of the column; each annotator counts.
    pub table: Vec<Vec<f64>>,
    /// The same by pass and fail, people being the truth; `unknown` are labels of samples without a standing verdict.
    pub confusion: Confusion,
    /// Of the labels.
    pub by_label: Measures,
    /// Of pass and fail.
    pub by_pass: Measures,
    /// Whether rates are weighted by one over the probability of drawing; otherwise every label counts the same.
    pub weighted: bool,
    /// Whether samples of one scenario were drawn with different probabilities, so that the table and the measures, which
    /// count every label the same, are of these labels and not of the run.
    pub uneven: bool,
    /// The share that people pass.
    pub prevalence: Option<MeasuredRate>,
    /// The share the judge passes of what people pass.
    pub sensitivity: Option<MeasuredRate>,
    /// The share the judge fails of what people fail.
    pub specificity: Option<MeasuredRate>,
    /// Samples with two labels or more.
    pub double_labelled: u64,
    /// Krippendorff's α among people, over the labels of those samples.
    pub between_people: Option<f64>,
}

/// A judge beside people.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Agreement {
    /// Per task: all scenarios, then each that has labels.
    pub rows: Vec<AgreementRow>,
    /// Labels left out: of samples the run does not have, or none of their task.
    pub left_out: usize,
}

/// One label beside its verdict.
struct Seen {
    voice: Voice,
    at: usize,
    human: usize,
    judge: Option<usize>,
    scenario: Option<Scenario>,
    weight: f64,
}

/// What a label counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    /// For the truth, and among people.
    Annotator,
    /// Among people only: a decision stands in its place.
    Overruled,
    /// For the truth only.
    Decision,
}

/// Compares the verdicts of a run with human labels. Wilson, κ and AC1 intervals take labels for independent; the
/// corrections do not. Where a disagreement was adjudicated the decision counts in place of the labels it is about.
#[must_use]
pub fn agreement(study: &Study, labels: &[HumanLabel], level: Level) -> Agreement {
    let places = Places::of(study);
    let fitting: Vec<(usize, &HumanLabel)> = labels
        .iter()
        .filter_map(|l| Some((places.find(l)?, l)))
        .filter(|(at, l)| fits(&study.items[study.outcomes[*at].item], l))
        .collect();
    let drawn = |l: &HumanLabel| l.probability.filter(|p| *p > 0.0 && *p <= 1.0);
    let weighted = fitting.iter().all(|(_, l)| drawn(l).is_some());
    let decided: FxHashSet<(usize, Task)> =
        fitting.iter().filter(|(_, l)| l.adjudicated).map(|(at, l)| (*at, l.task)).collect();
    let voice = |at: usize, l: &HumanLabel| match (l.adjudicated, decided.contains(&(at, l.task))) {
        (true, _) => Voice::Decision,
        (false, true) => Voice::Overruled,
        (false, false) => Voice::Annotator,
    };
    let mut rows = Vec::new();
    for task in Task::ALL.iter().copied() {
        for scenario in std::iter::once(None).chain(Scenario::ALL.map(Some)) {
            let names = names(task, scenario);
            let place = |label: Label| names.iter().position(|l| *l == label);
            let seen: Vec<Seen> = fitting
                .iter()
                .filter(|(_, l)| l.task == task)
                .map(|(at, l)| (*at, *l, &study.outcomes[*at]))
                .filter(|(_, _, o)| scenario.is_none_or(|s| study.items[o.item].scenario == s))
                .filter_map(|(at, l, o)| {
                    let scenario = Some(study.items[o.item].scenario);
                    let judge = standing(o, task).and_then(place);
                    let weight = drawn(l).filter(|_| weighted).map_or(1.0, |p| 1.0 / p);
                    Some(Seen { voice: voice(at, l), at, human: place(l.label)?, judge, scenario, weight })
                })
                .collect();
            if !seen.is_empty() {
                rows.push(row(task, scenario, names, &seen, weighted, level));
            }
        }
    }
    Agreement { rows, left_out: labels.len() - fitting.len() }
}

/// Every label of a task, over all scenarios those that pass first.
pub(super) fn names(task: Task, scenario: Option<Scenario>) -> Vec<Label> {
    let all = match scenario {
        Some(scenario) => Label::allowed(task, scenario).to_vec(),
        None => Scenario::ALL.iter().flat_map(|s| Label::allowed(task, *s)).copied().collect(),
    };
    let mut names: Vec<Label> = Vec::with_capacity(all.len());
    for label in all {
        if !names.contains(&label) {
            names.push(label);
        }
    }
    names.sort_by_key(|label| !label.passes());
    names
}

/// One task beside labels held to be right, each with the label of the standing verdict; every label counts the same.
pub(crate) fn row_of(
    task: Task,
    scenario: Option<Scenario>,
    pairs: &[(Label, Option<Label>)],
    level: Level,
) -> AgreementRow {
    let labels = names(task, scenario);
    let place = |label: Label| labels.iter().position(|l| *l == label);
    let one = |(at, (right, judge)): (usize, &(Label, Option<Label>))| {
        let (human, judge) = (place(*right)?, judge.and_then(place));
        Some(Seen { voice: Voice::Annotator, at, human, judge, scenario, weight: 1.0 })
    };
    let seen: Vec<Seen> = pairs.iter().enumerate().filter_map(one).collect();
    row(task, scenario, labels, &seen, false, level)
}

fn row(
    task: Task,
    scenario: Option<Scenario>,
    labels: Vec<Label>,
    all: &[Seen],
    weighted: bool,
    level: Level,
) -> AgreementRow {
    let seen = || all.iter().filter(|s| s.voice != Voice::Overruled);
    let passes = |category: usize| labels[category].passes();
    let pairs: Vec<(usize, usize, f64)> =
        seen().filter_map(|s| Some((s.human, s.judge?, s.weight))).collect();
    let table = tabled(pairs.iter().map(|(h, j, _)| (*h, *j)), labels.len());
    let binary: Vec<(usize, usize)> =
        pairs.iter().map(|(h, j, _)| (usize::from(!passes(*h)), usize::from(!passes(*j)))).collect();
    let mut confusion = Confusion::default();
    for one in seen() {
        let Some(judge) = one.judge else {
            confusion.unknown += 1;
            continue;
        };
        let cell = match (passes(one.human), passes(judge)) {
            (true, true) => &mut confusion.true_pass,
            (true, false) => &mut confusion.false_fail,
            (false, true) => &mut confusion.false_pass,
            (false, false) => &mut confusion.true_fail,
        };
        *cell += 1;
        confusion.same_label += u64::from(judge == one.human);
    }
    let (double_labelled, between_people) = between(all, labels.len());
    let every = seen().map(|s| (s.weight, passes(s.human)));
    let among = |truth: bool| {
        let inside = pairs.iter().filter(move |(h, _, _)| passes(*h) == truth);
        inside.map(move |(_, j, w)| (*w, passes(*j) == truth))
    };
    AgreementRow {
        task,
        scenario,
        confusion,
        by_label: measures(&table, pairs.iter().map(|(h, j, _)| (*h, *j)), level),
        by_pass: measures(&tabled(binary.iter().copied(), 2), binary.iter().copied(), level),
        weighted,
        uneven: uneven(all),
        prevalence: rate(every, level),
        sensitivity: rate(among(true), level),
        specificity: rate(among(false), level),
        double_labelled,
        between_people,
        labels,
        table,
    }
}

/// Whether weights differ within a scenario, by more than files round.
fn uneven(seen: &[Seen]) -> bool {
    Scenario::ALL.into_iter().any(|scenario| {
        let mut weights = seen.iter().filter(|s| s.scenario == Some(scenario)).map(|s| s.weight);
        let first = weights.next();
        first.is_some_and(|first| weights.any(|w| (w - first).abs() > 1e-9 * first))
    })
}

pub(super) fn tabled(pairs: impl Iterator<Item = (usize, usize)>, size: usize) -> Vec<Vec<f64>> {
    let mut table = vec![vec![0.0; size]; size];
    for (human, judge) in pairs {
        table[human][judge] += 1.0;
    }
    table
}

pub(super) fn measures(
    table: &[Vec<f64>],
    pairs: impl Iterator<Item = (usize, usize)>,
    level: Level,
) -> Measures {
    let chance = |Coefficient { value, se }| {
        let half = level.z() * se;
        Chance { value, low: (value - half).max(-1.0), high: (value + half).min(1.0) }
    };
    let ratings: Vec<Vec<Option<usize>>> = pairs.map(|(a, b)| vec![Some(a), Some(b)]).collect();
    Measures {
        observed: stats::observed_agreement(table),
        kappa: stats::cohen_kappa(table).map(chance),
        ac1: stats::gwet_ac1(table).map(chance),
        alpha: stats::krippendorff_alpha(&ratings, table.len()),
    }
}

/// A weighted share of (weight, holds).
fn rate(points: impl Iterator<Item = (f64, bool)> + Clone, level: Level) -> Option<MeasuredRate> {
    let n = kish(points.clone().map(|(w, _)| w));
    let total: f64 = points.clone().map(|(w, _)| w).sum();
    // An empty sum of floats is −0.
    let holds = points.filter(|(_, holds)| *holds).fold(0.0, |sum, (w, _)| sum + w);
    // Sums in another order may differ in the last digit.
    let value = (holds / total).min(1.0);
    let range = stats::wilson(value * n, n, level.get())?;
    Some(MeasuredRate { value, low: range.low, high: range.high, n })
}

/// Samples with labels of several people, and α among them.
fn between(seen: &[Seen], categories: usize) -> (u64, Option<f64>) {
    let mut samples: BTreeMap<usize, Vec<Option<usize>>> = BTreeMap::new();
    for one in seen.iter().filter(|s| s.voice != Voice::Decision) {
        samples.entry(one.at).or_default().push(Some(one.human));
    }
    let several: Vec<_> = samples.into_values().filter(|labels| labels.len() > 1).collect();
    (several.len() as u64, stats::krippendorff_alpha(&several, categories))
}
