//! Human labels joined to the verdicts of a run, checked once so that everything after may rely on them.

use rustc_hash::FxHashMap;
use undersight_core::{HumanLabel, Item, Label, Scenario, Study, Task, clusters};

use super::draw::place;
use super::error::CorrectionError;
use super::judged;

/// A planned sample as corrections see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    pub(super) cluster: usize,
    pub(super) scenario: usize,
    /// Standing verdicts, by the place of their task.
    pub(super) judged: [Option<bool>; 2],
}

/// A labelled sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Labelled {
    pub(super) unit: Unit,
    /// One over the probability of its drawing.
    pub(super) weight: f64,
    /// The share of its annotators who say that it passes, by the place of the task.
    pub(super) human: [Option<f64>; 2],
}

/// A run and its labels.
#[derive(Debug)]
pub(super) struct Joined {
    /// Planned samples that have an outcome.
    pub(super) units: Vec<Unit>,
    /// In the order of the study.
    pub(super) labelled: Vec<Labelled>,
    /// The scenario's place of each cluster.
    pub(super) strata: Vec<usize>,
    /// Planned samples of each cluster.
    pub(super) planned: Vec<f64>,
}

/// The place of a task in arrays by task.
pub(super) const fn slot(task: Task) -> usize {
    match task {
        Task::Safety => 0,
        Task::Thinking => 1,
    }
}

/// Where each sample of a study lies among its outcomes.
pub(super) struct Places<'a>(FxHashMap<(&'a str, u32), usize>);

impl<'a> Places<'a> {
    pub(super) fn of(study: &'a Study) -> Self {
        let known = study.outcomes.iter().enumerate();
        let known = known.filter_map(|(at, o)| Some(((study.items.get(o.item)?.id.as_str(), o.index), at)));
        Self(known.collect())
    }

    pub(super) fn find(&self, label: &HumanLabel) -> Option<usize> {
        self.0.get(&(label.id.as_str(), label.index)).copied()
    }
}

/// Votes on one sample.
#[derive(Debug, Clone, Copy, Default)]
struct Votes {
    probability: f64,
    passes: [f64; 2],
    of: [f64; 2],
}

/// Joins, refusing labels that corrections cannot rest on.
pub(super) fn join(study: &Study, labels: &[HumanLabel]) -> Result<Joined, CorrectionError> {
    let numbers = clusters(&study.items);
    let count = numbers.iter().max().map_or(0, |last| last + 1);
    let (mut strata, mut planned) = (vec![0; count], vec![0.0; count]);
    for (item, cluster) in study.items.iter().zip(&numbers) {
        strata[*cluster] = place(item.scenario);
        planned[*cluster] += f64::from(study.k);
    }
    let unit = |at: usize| {
        let outcome = &study.outcomes[at];
        let item = study.items.get(outcome.item)?;
        let judged = [Task::Safety, Task::Thinking].map(|task| judged(outcome, task));
        Some(Unit { cluster: numbers[outcome.item], scenario: place(item.scenario), judged })
    };
    let mut labelled: Vec<(usize, Votes)> = votes(study, labels)?.into_iter().collect();
    labelled.sort_unstable_by_key(|(at, _)| *at);
    let labelled = labelled.into_iter().filter_map(|(at, votes)| {
        let human = [0, 1].map(|t| (votes.of[t] > 0.0).then(|| votes.passes[t] / votes.of[t]));
        Some(Labelled { unit: unit(at)?, weight: 1.0 / votes.probability, human })
    });
    Ok(Joined {
        labelled: labelled.collect(),
        units: (0..study.outcomes.len()).filter_map(unit).collect(),
        strata,
        planned,
    })
}

fn votes(study: &Study, labels: &[HumanLabel]) -> Result<FxHashMap<usize, Votes>, CorrectionError> {
    let without = labels.iter().filter(|l| l.probability.is_none()).count();
    match without {
        _ if labels.is_empty() => return Err(CorrectionError::NoLabels),
        0 => {}
        all if all == labels.len() => return Err(CorrectionError::NotDrawn),
        some => return Err(CorrectionError::PartlyDrawn { without: some, of: labels.len() }),
    }
    let places = Places::of(study);
    let mut strangers = labels.iter().filter(|l| places.find(l).is_none());
    if let Some(first) = strangers.next() {
        let (id, index, count) = (first.id.clone(), first.index, 1 + strangers.count());
        return Err(CorrectionError::NotInRun { id, index, count });
    }
    let mut votes: FxHashMap<usize, Votes> = FxHashMap::default();
    for label in labels {
        let (Some(at), Some(probability)) = (places.find(label), label.probability) else { continue };
        let (id, index) = (|| label.id.clone(), label.index);
        if !(probability > 0.0 && probability <= 1.0) {
            return Err(CorrectionError::Probability { id: id(), index, probability });
        }
        if !fits(&study.items[study.outcomes[at].item], label) {
            return Err(CorrectionError::ForeignLabel { id: id(), index, task: label.task });
        }
        let entry = votes.entry(at).or_insert(Votes { probability, ..Votes::default() });
        // Files may round: the same probability within a billionth.
        if (entry.probability - probability).abs() > 1e-9 * probability {
            return Err(CorrectionError::TwoProbabilities { id: id(), index });
        }
        entry.passes[slot(label.task)] += f64::from(u8::from(label.label.passes()));
        entry.of[slot(label.task)] += 1.0;
    }
    Ok(votes)
}

/// Whether the label is one its task has in the item's scenario.
pub(super) fn fits(item: &Item, label: &HumanLabel) -> bool {
    Label::allowed(label.task, item.scenario).contains(&label.label)
}

impl Joined {
    /// The scenarios of the plan, each with its share of the planned samples.
    pub(super) fn scenarios(&self) -> Vec<(Scenario, f64)> {
        let total: f64 = self.planned.iter().sum();
        let of = |s: usize| -> f64 {
            self.strata.iter().zip(&self.planned).filter(|(stratum, _)| **stratum == s).map(|(_, n)| n).sum()
        };
        let all = Scenario::ALL.into_iter().map(|s| (s, of(place(s)) / total));
        all.filter(|(_, share)| *share > 0.0).collect()
    }
}
