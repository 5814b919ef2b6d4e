//! What scoring needs to know of a run, without any text: one outcome per planned sample.

use serde::{Deserialize, Serialize};

use crate::cluster::shared_texts;
use crate::{
    Category, CauseKind, Instance, JudgementStatus, Label, PartsHandled, Provenance, SampleStatus, Scenario,
    SimTruth, Subcategory, Task,
};

/// An instance as scoring sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The instance's id.
    pub id: String,
    /// Its scenario.
    pub scenario: Scenario,
    /// The subcategories of its risks; a category counts once even when both risks are in it. Empty where unknown (imported judged files).
    pub subcategories: Vec<Subcategory>,
    /// Marks of the texts it may share with other items ([`crate::cluster`]). Empty where unknown.
    pub shared_texts: Vec<u64>,
}

impl Item {
    /// Distinct categories.
    #[must_use]
    pub fn categories(&self) -> Vec<Category> {
        let mut all: Vec<_> = self.subcategories.iter().map(|s| s.category()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

impl From<&Instance> for Item {
    fn from(instance: &Instance) -> Self {
        Self {
            id: instance.id.clone(),
            scenario: instance.scenario,
            subcategories: instance.risks.iter().map(|r| r.subcategory).collect(),
            shared_texts: shared_texts(instance),
        }
    }
}

/// A judgement as scoring sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How it ended.
    pub status: JudgementStatus,
    /// The label, where one was given.
    pub label: Option<Label>,
}

impl Verdict {
    /// Whether it passes; `None` is unknown.
    #[must_use]
    pub fn passes(self) -> Option<bool> {
        match self.status {
            JudgementStatus::Ok => self.label.map(Label::passes),
            _ => None,
        }
    }
}

/// A handling judgement as scoring sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    /// How it ended, and the label of the whole answer.
    pub verdict: Verdict,
    /// Part by part, on over-sensitivity.
    pub parts: Option<PartsHandled>,
}

impl Outcome {
    /// The verdict of a task.
    #[must_use]
    pub fn verdict(&self, task: Task) -> Option<Verdict> {
        match task {
            Task::Safety => self.safety,
            Task::Thinking => self.thinking,
            Task::Handling => self.handling.map(|h| h.verdict),
        }
    }
}

/// One planned sample: what became of it and of its judgements. `None` means not there (yet).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Index into the items of the study.
    pub item: usize,
    /// 0 to k − 1.
    pub index: u32,
    /// The sample's status; `None` when it was never generated.
    pub status: Option<SampleStatus>,
    /// Why it failed, for `error`.
    pub cause: Option<CauseKind>,
    /// What its trace is.
    pub provenance: Option<Provenance>,
    /// The safety judgement.
    pub safety: Option<Verdict>,
    /// The thinking judgement.
    pub thinking: Option<Verdict>,
    /// The handling judgement, where handling is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handling: Option<Handled>,
    /// Simulated samples only: read by reports on simulations, never by a score.
    pub truth: Option<SimTruth>,
}

impl Outcome {
    /// A planned sample of which nothing is there.
    #[must_use]
    pub const fn missing(item: usize, index: u32) -> Self {
        Self {
            item,
            index,
            status: None,
            cause: None,
            provenance: None,
            safety: None,
            thinking: None,
            handling: None,
            truth: None,
        }
    }
}

/// Everything about one run that is scored: the plan's items, k, and an outcome for each (item, index < k).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Study {
    /// The run's name.
    pub name: String,
    /// Selected instances, in dataset order.
    pub items: Vec<Item>,
    /// Planned samples per instance.
    pub k: u32,
    /// In the order of items, then index; exactly `items.len() × k` of them.
    pub outcomes: Vec<Outcome>,
}

impl Study {
    /// The part of the study about some of its items.
    #[must_use]
    pub fn only(self, keep: impl Fn(&Item) -> bool) -> Self {
        let mut places = Vec::with_capacity(self.items.len());
        let mut items = Vec::new();
        for item in self.items {
            places.push(keep(&item).then_some(items.len()));
            if places.last().is_some_and(Option::is_some) {
                items.push(item);
            }
        }
        let outcomes = self.outcomes.into_iter().filter_map(|outcome| {
            let item = places.get(outcome.item).copied().flatten()?;
            Some(Outcome { item, ..outcome })
        });
        Self { outcomes: outcomes.collect(), name: self.name, k: self.k, items }
    }
}
