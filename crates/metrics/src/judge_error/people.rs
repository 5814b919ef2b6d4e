//! How far people agree among themselves, per task and scenario: the ceiling for any judge measured against them. Decisions
//! over disagreements take no part, since whoever decides knows what the others said.

use std::collections::BTreeMap;

use undersight_core::{HumanLabel, Label, Scenario, Task};

use super::agreement::{MeasuredRate, Measures, measures, names, tabled};
use super::settle::{Disagreement, Group};
use crate::inference::Level;
use crate::stats;

/// Two people over the samples both labelled.
#[derive(Debug, Clone, PartialEq)]
pub struct PairRow {
    /// Who, by name.
    pub annotators: [Option<String>; 2],
    /// Samples both labelled.
    pub samples: u64,
    /// Of the labels.
    pub by_label: Measures,
    /// Of pass and fail.
    pub by_pass: Measures,
}

/// One task in one scenario, or in all.
#[derive(Debug, Clone, PartialEq)]
pub struct PeopleRow {
    /// What was labelled.
    pub task: Task,
    /// `None` is all scenarios together.
    pub scenario: Option<Scenario>,
    /// Samples labelled by anyone.
    pub samples: u64,
    /// Samples with labels of two people or more; everything below is of these.
    pub double_labelled: u64,
    /// The share of equal labels: of each sample the share of its pairs of people who give the same, averaged over samples,
    /// with Wilson's interval for as many independent samples.
    pub observed: Option<MeasuredRate>,
    /// Likewise of pass and fail.
    pub observed_pass: Option<MeasuredRate>,
    /// Krippendorff's α of the labels, over everyone.
    pub alpha: Option<f64>,
    /// Krippendorff's α of pass and fail.
    pub alpha_pass: Option<f64>,
    /// Every two people with samples in common, by name.
    pub pairs: Vec<PairRow>,
}

/// One person on one task.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnotatorRow {
    /// Who, where named.
    pub annotator: Option<String>,
    /// What was labelled.
    pub task: Task,
    /// Samples labelled.
    pub labels: u64,
    /// The share of others who give the same label, averaged over samples that others labelled too; `n` of them.
    pub agreed: Option<MeasuredRate>,
}

/// People beside each other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct People {
    /// Per task: all scenarios, then each that has labels.
    pub rows: Vec<PeopleRow>,
    /// Per task, by name.
    pub annotators: Vec<AnnotatorRow>,
    /// Every sample and task that people label differently, also those that were decided.
    pub disagreements: Vec<Disagreement>,
    /// Labels left out: of unknown instances, of none of their task, or given once more by the same person.
    pub left_out: usize,
}

impl People {
    /// Disagreements nobody has decided.
    #[must_use]
    pub fn open(&self) -> usize {
        self.disagreements.iter().filter(|d| d.adjudicated.is_none()).count()
    }
}

/// Compares the labels people gave to the same samples of one run; `scenario_of` knows the scenario of an id. Shares are
/// 0..1, coefficients −1..1; a coefficient is `None` where it is undefined, as κ is when all is in one category.
/// Sources: Wilson 1927; Cohen 1960; Gwet 2008; Krippendorff 2011.
#[must_use]
pub fn people(labels: &[HumanLabel], scenario_of: impl Fn(&str) -> Option<Scenario>, level: Level) -> People {
    let fits = |l: &&HumanLabel| {
        scenario_of(&l.id).is_some_and(|scenario| Label::allowed(l.task, scenario).contains(&l.label))
    };
    let fitting: Vec<&HumanLabel> = labels.iter().filter(fits).collect();
    let mut left_out = labels.len() - fitting.len();
    let mut groups: Vec<(Scenario, Group<'_>)> =
        Group::all(fitting).filter_map(|group| Some((scenario_of(group.id)?, group))).collect();
    for (_, group) in &mut groups {
        let before = group.people.len();
        group.people.dedup_by(|again, first| again.annotator == first.annotator);
        left_out += before - group.people.len();
    }
    let (mut rows, mut annotators) = (Vec::new(), Vec::new());
    for task in Task::ALL.iter().copied() {
        let of_task: Vec<&(Scenario, Group<'_>)> =
            groups.iter().filter(|(_, g)| g.task == task && !g.people.is_empty()).collect();
        for scenario in std::iter::once(None).chain(Scenario::ALL.map(Some)) {
            let here: Vec<&Group<'_>> = of_task
                .iter()
                .filter(|(s, _)| scenario.is_none_or(|wanted| wanted == *s))
                .map(|(_, group)| group)
                .collect();
            if !here.is_empty() {
                rows.push(row(task, scenario, &here, level));
            }
        }
        annotators.extend(each(task, of_task.iter().map(|(_, group)| group), level));
    }
    let disputed = groups.iter().map(|(_, group)| group).filter(|group| !group.unanimous());
    let disagreements = disputed.map(Group::disagreement).collect();
    People { rows, annotators, disagreements, left_out }
}

fn row(task: Task, scenario: Option<Scenario>, groups: &[&Group<'_>], level: Level) -> PeopleRow {
    let labels = names(task, scenario);
    let category = |l: &HumanLabel| labels.iter().position(|label| *label == l.label);
    let class = |l: &HumanLabel| usize::from(!l.label.passes());
    let several: Vec<&&Group<'_>> = groups.iter().filter(|group| group.people.len() > 1).collect();
    let ratings = |of: &dyn Fn(&HumanLabel) -> Option<usize>| -> Vec<Vec<Option<usize>>> {
        several.iter().map(|group| group.people.iter().map(|l| of(l)).collect()).collect()
    };
    let (by_label, by_pass) = (ratings(&category), ratings(&|l| Some(class(l))));
    let observed = |of: &[Vec<Option<usize>>]| mean(of.iter().map(|labels| same(labels)), level);
    let mut pairs: BTreeMap<[Option<&str>; 2], Vec<[&HumanLabel; 2]>> = BTreeMap::new();
    for group in &several {
        for (at, a) in group.people.iter().enumerate() {
            for b in &group.people[at + 1..] {
                pairs.entry([a, b].map(|l| l.annotator.as_deref())).or_default().push([a, b]);
            }
        }
    }
    let pair = |(who, both): ([Option<&str>; 2], Vec<[&HumanLabel; 2]>)| {
        let compared = |of: &dyn Fn(&HumanLabel) -> Option<usize>, size: usize| {
            let pairs: Vec<(usize, usize)> =
                both.iter().filter_map(|[a, b]| Some((of(a)?, of(b)?))).collect();
            measures(&tabled(pairs.iter().copied(), size), pairs.into_iter(), level)
        };
        PairRow {
            annotators: who.map(|name| name.map(str::to_owned)),
            samples: both.len() as u64,
            by_label: compared(&category, labels.len()),
            by_pass: compared(&|l| Some(class(l)), 2),
        }
    };
    PeopleRow {
        task,
        scenario,
        samples: groups.len() as u64,
        double_labelled: several.len() as u64,
        observed: observed(&by_label),
        observed_pass: observed(&by_pass),
        alpha: stats::krippendorff_alpha(&by_label, labels.len()),
        alpha_pass: stats::krippendorff_alpha(&by_pass, 2),
        pairs: pairs.into_iter().map(pair).collect(),
    }
}

/// Everyone who labelled a task.
fn each<'a>(
    task: Task,
    groups: impl Iterator<Item = &'a Group<'a>>,
    level: Level,
) -> impl Iterator<Item = AnnotatorRow> {
    let mut people: BTreeMap<Option<&str>, (u64, Vec<f64>)> = BTreeMap::new();
    for group in groups {
        for label in &group.people {
            let (labels, shares) = people.entry(label.annotator.as_deref()).or_default();
            *labels += 1;
            let others = group.people.len() - 1;
            if others > 0 {
                let alike = group.people.iter().filter(|other| other.label == label.label).count() - 1;
                shares.push(share(alike, others));
            }
        }
    }
    people.into_iter().map(move |(annotator, (labels, shares))| AnnotatorRow {
        annotator: annotator.map(str::to_owned),
        task,
        labels,
        agreed: mean(shares.into_iter(), level),
    })
}

/// The share of pairs that are the same, of two labels or more.
fn same(labels: &[Option<usize>]) -> f64 {
    let alike = labels.iter().enumerate().map(|(at, a)| labels[at + 1..].iter().filter(|b| *b == a).count());
    share(alike.sum(), labels.len() * (labels.len() - 1) / 2)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn share(of: usize, all: usize) -> f64 {
    of as f64 / all as f64
}

/// The mean of shares of independent samples.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn mean(shares: impl ExactSizeIterator<Item = f64>, level: Level) -> Option<MeasuredRate> {
    let n = shares.len() as f64;
    let sum: f64 = shares.sum();
    let range = stats::wilson(sum, n, level.get())?;
    Some(MeasuredRate { value: sum / n, low: range.low, high: range.high, n })
}
