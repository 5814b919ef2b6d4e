//! Human labels joined to the verdicts of a run, checked once so that everything after may rely on them.

use rustc_hash::FxHashMap;
use undersight_core::{HumanLabel, Item, Label, Scenario, Study, Task, clusters};

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
    /// Whether people pass it, by the place of the task.
    pub(super) human: [Option<bool>; 2],
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

/// The place of a task in [`Task::SCORED`]; the second stands for all that is about the trace.
pub(super) const fn slot(task: Task) -> usize {
    if task.of_answer() { 0 } else { 1 }
}

/// The place of a scenario in [`Scenario::ALL`].
pub(super) const fn place(scenario: Scenario) -> usize {
    match scenario {
        Scenario::OverSensitivity => 0,
        Scenario::CognitiveShortcut => 1,
        Scenario::RiskOmission => 2,
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

/// What people say of one sample.
#[derive(Debug, Clone, Copy)]
struct Said {
    probability: f64,
    passes: [Option<bool>; 2],
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
        let judged = Task::SCORED.map(|task| judged(outcome, task));
        Some(Unit { cluster: numbers[outcome.item], scenario: place(item.scenario), judged })
    };
    let mut labelled: Vec<(usize, Said)> = said(study, labels)?.into_iter().collect();
    labelled.sort_unstable_by_key(|(at, _)| *at);
    let labelled = labelled.into_iter().filter_map(|(at, said)| {
        Some(Labelled { unit: unit(at)?, weight: 1.0 / said.probability, human: said.passes })
    });
    Ok(Joined {
        labelled: labelled.collect(),
        units: (0..study.outcomes.len()).filter_map(unit).collect(),
        strata,
        planned,
    })
}

/// Labels of handling take no part: no score is made of it.
fn said(study: &Study, labels: &[HumanLabel]) -> Result<FxHashMap<usize, Said>, CorrectionError> {
    let labels: Vec<&HumanLabel> = labels.iter().filter(|l| Task::SCORED.contains(&l.task)).collect();
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
    let mut all: FxHashMap<usize, Said> = FxHashMap::default();
    for label in labels {
        let (Some(at), Some(probability)) = (places.find(label), label.probability) else { continue };
        let (id, index) = (|| label.id.clone(), label.index);
        if !(probability > 0.0 && probability <= 1.0) {
            return Err(CorrectionError::Probability { id: id(), index, probability });
        }
        if !fits(&study.items[study.outcomes[at].item], label) {
            return Err(CorrectionError::ForeignLabel { id: id(), index, task: label.task });
        }
        let entry = all.entry(at).or_insert(Said { probability, passes: [None; 2] });
        // Files may round: the same probability within a billionth.
        if (entry.probability - probability).abs() > 1e-9 * probability {
            return Err(CorrectionError::TwoProbabilities { id: id(), index });
        }
        if entry.passes[slot(label.task)].replace(label.label.passes()).is_some() {
            return Err(CorrectionError::Unsettled { id: id(), index, task: label.task });
        }
    }
    Ok(all)
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
