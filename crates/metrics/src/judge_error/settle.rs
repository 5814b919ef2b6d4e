//! One label a task of each sample out of what several people say: decisions stand, agreement stands, and what is left is
//! told. Nothing is put to the vote unless the caller asks for it.

use std::collections::BTreeMap;

use undersight_core::{HumanLabel, Label, Task};

/// How disagreements are settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Settling {
    /// By adjudication alone.
    #[default]
    Adjudicated,
    /// Likewise, and where three or more people labelled and nobody decided, by a label that more than half of them gave.
    Majority,
}

/// One task of one sample that people label differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Disagreement {
    /// The instance's id.
    pub id: String,
    /// The sample index, 0 to k − 1.
    pub index: u32,
    /// What was labelled.
    pub task: Task,
    /// Who says what, by name; decisions are not among them unless two contradict each other.
    pub labels: Vec<(Option<String>, Label)>,
    /// What was decided.
    pub adjudicated: Option<Label>,
    /// The probability with which the sample was drawn, where a label says so.
    pub probability: Option<f64>,
    /// The run, where a label says so.
    pub run: Option<String>,
}

/// Labels as corrections take them, and what stands in the way.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settled {
    /// At most one for each task of each sample, by id, index and task: the decision, or what all (or most) say. A label
    /// of several people carries nobody's name, time or comment.
    pub labels: Vec<HumanLabel>,
    /// Without a label, because people disagree and nobody decided, or two decisions contradict each other.
    pub open: Vec<Disagreement>,
    /// Labels that are decisions.
    pub adjudicated: usize,
    /// Labels by majority.
    pub majority: usize,
}

/// Settles the labels of one run. Leaving out what is open would leave out the hardest samples and bias whatever rests on
/// the rest: decide first.
#[must_use]
pub fn settled(labels: &[HumanLabel], how: Settling) -> Settled {
    let mut settled = Settled::default();
    for group in Group::all(labels) {
        if let Some(decision) = group.decision() {
            settled.adjudicated += 1;
            settled.labels.push(group.carrying(decision.clone()));
        } else if group.decisions.is_empty() && group.unanimous() {
            settled.labels.extend(group.people.first().map(|first| group.shared(first)));
        } else {
            let majority = if how == Settling::Majority { group.majority() } else { None };
            match majority {
                Some(label) => {
                    settled.majority += 1;
                    settled.labels.push(group.shared(label));
                }
                None => settled.open.push(group.disagreement()),
            }
        }
    }
    settled
}

/// All labels of one task of one sample.
pub(super) struct Group<'a> {
    pub(super) id: &'a str,
    pub(super) index: u32,
    pub(super) task: Task,
    /// By the name of whoever gave them, then in the order given.
    pub(super) people: Vec<&'a HumanLabel>,
    decisions: Vec<&'a HumanLabel>,
}

impl<'a> Group<'a> {
    /// By id, index and task.
    pub(super) fn all(labels: impl IntoIterator<Item = &'a HumanLabel>) -> impl Iterator<Item = Self> {
        let mut groups: BTreeMap<(&str, u32, Task), Self> = BTreeMap::new();
        for label in labels {
            let (id, index, task) = (label.id.as_str(), label.index, label.task);
            let none = || Self { id, index, task, people: Vec::new(), decisions: Vec::new() };
            let group = groups.entry((id, index, task)).or_insert_with(none);
            if label.adjudicated { &mut group.decisions } else { &mut group.people }.push(label);
        }
        groups.into_values().map(|mut group| {
            group.people.sort_by(|a, b| a.annotator.cmp(&b.annotator));
            group
        })
    }

    /// What was decided, unless decisions contradict each other.
    pub(super) fn decision(&self) -> Option<&'a HumanLabel> {
        let first = *self.decisions.first()?;
        self.decisions.iter().all(|d| d.label == first.label).then_some(first)
    }

    pub(super) fn unanimous(&self) -> bool {
        self.people.windows(2).all(|pair| pair[0].label == pair[1].label)
    }

    /// A label that more than half of three or more people gave, where nobody decided and nobody speaks twice.
    fn majority(&self) -> Option<&'a HumanLabel> {
        let voices = self.people.len();
        let most = |label: &&HumanLabel| {
            2 * self.people.iter().filter(|other| other.label == label.label).count() > voices
        };
        let apart = self.people.windows(2).all(|pair| pair[0].annotator != pair[1].annotator);
        (self.decisions.is_empty() && voices > 2 && apart)
            .then(|| self.people.iter().copied().find(|l| most(l)))?
    }

    fn any(&self) -> impl Iterator<Item = &'a HumanLabel> {
        self.people.iter().chain(&self.decisions).copied()
    }

    /// A label with what others of its sample know of the draw.
    fn carrying(&self, label: HumanLabel) -> HumanLabel {
        HumanLabel {
            probability: label.probability.or_else(|| self.any().find_map(|l| l.probability)),
            run: label.run.or_else(|| self.any().find_map(|l| l.run.clone())),
            ..label
        }
    }

    /// What several people say; with one person it is that person's label.
    fn shared(&self, label: &HumanLabel) -> HumanLabel {
        let label = self.carrying(label.clone());
        if self.people.len() < 2 {
            return label;
        }
        HumanLabel { annotator: None, time: None, comment: None, ..label }
    }

    /// What is told of it.
    pub(super) fn disagreement(&self) -> Disagreement {
        let contradictory = !self.decisions.is_empty() && self.decision().is_none();
        let decisions = self.decisions.iter().filter(|_| contradictory);
        let named = |label: &&HumanLabel| (label.annotator.clone(), label.label);
        Disagreement {
            id: self.id.to_owned(),
            index: self.index,
            task: self.task,
            labels: self.people.iter().chain(decisions).map(named).collect(),
            adjudicated: self.decision().map(|l| l.label),
            probability: self.any().find_map(|l| l.probability),
            run: self.any().find_map(|l| l.run.clone()),
        }
    }
}
