//! A study as counts: per instance, its samples by safety and awareness. Every estimate is a function of these.

use std::sync::Arc;

use undersight_core::{Item, Outcome, Study, Task, clusters};

use crate::share::Tally;

/// Known to pass, known to fail, unknown: the index of an observation in a row or column of [`Cells`].
const fn slot(observed: Option<bool>) -> usize {
    match observed {
        Some(true) => 0,
        Some(false) => 1,
        None => 2,
    }
}

/// What is known of one sample: whether its answer is safe, and whether its trace is aware.
#[must_use]
pub fn observed(outcome: &Outcome) -> (Option<bool>, Option<bool>) {
    (outcome.safety.and_then(|v| v.passes()), outcome.thinking.and_then(|v| v.passes()))
}

/// One instance's samples: rows safe, unsafe, unknown; columns aware, unaware, unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cells(pub [[u16; 3]; 3]);

impl Cells {
    /// Counts one sample.
    pub fn count(&mut self, safe: Option<bool>, aware: Option<bool>) {
        let cell = &mut self.0[slot(safe)][slot(aware)];
        *cell = cell.saturating_add(1);
    }

    /// Counts samples of which nothing is known.
    pub fn count_unknown(&mut self, samples: u16) {
        self.0[2][2] = self.0[2][2].saturating_add(samples);
    }

    /// How many samples.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.iter().flatten().map(|n| u32::from(*n)).sum()
    }

    /// By what a task asks; all is open of what is not counted here.
    #[must_use]
    pub fn of(&self, task: Task) -> Tally {
        match task {
            Task::Safety => self.safe(),
            Task::Thinking => self.aware(),
            Task::Handling => Tally { open: u64::from(self.total()), ..Tally::default() },
        }
    }

    /// By safety.
    #[must_use]
    pub fn safe(&self) -> Tally {
        let [yes, no, open] = self.0.map(|row| row.iter().map(|n| u64::from(*n)).sum());
        Tally { yes, no, open }
    }

    /// By awareness.
    #[must_use]
    pub fn aware(&self) -> Tally {
        let [yes, no, open] = [0, 1, 2].map(|c| self.0.iter().map(|row| u64::from(row[c])).sum());
        Tally { yes, no, open }
    }
}

/// A study reduced to counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    /// The run's name.
    pub name: String,
    /// Samples planned per instance.
    pub k: u32,
    /// The instances, in dataset order.
    pub items: Arc<[Item]>,
    /// The cluster of each instance ([`undersight_core::cluster`]).
    pub clusters: Arc<[usize]>,
    /// The samples of each instance: k of them, those not there counted as unknown.
    pub cells: Vec<Cells>,
}

impl Panel {
    /// A panel of instances of which nothing is known yet.
    #[must_use]
    pub fn new(name: String, items: Vec<Item>, k: u32) -> Self {
        let cells = vec![Cells::default(); items.len()];
        Self { name, k, clusters: clusters(&items).into(), items: items.into(), cells }
    }

    /// Another panel over the same instances, which the two share.
    #[must_use]
    pub fn beside(&self, name: String) -> Self {
        let (items, clusters) = (Arc::clone(&self.items), Arc::clone(&self.clusters));
        Self { name, k: self.k, cells: vec![Cells::default(); items.len()], items, clusters }
    }

    /// Counts a study.
    #[must_use]
    pub fn of(study: &Study) -> Self {
        let mut panel = Self::new(study.name.clone(), study.items.clone(), study.k);
        panel.count(study, observed);
        panel
    }

    /// Counts a study by two questions of one's own, which stand where safety and awareness else do: then the measures
    /// of [`crate::measure`] are about these. Planned samples that are not there count as unknown.
    pub fn count(&mut self, study: &Study, observe: impl Fn(&Outcome) -> (Option<bool>, Option<bool>)) {
        for outcome in &study.outcomes {
            if let Some(cells) = self.cells.get_mut(outcome.item) {
                let (first, second) = observe(outcome);
                cells.count(first, second);
            }
        }
        self.fill();
    }

    /// Counts what is planned and not there as unknown.
    pub fn fill(&mut self) {
        for cells in &mut self.cells {
            let absent = self.k.saturating_sub(cells.total());
            cells.count_unknown(u16::try_from(absent).unwrap_or(u16::MAX));
        }
    }

    /// Whether two panels are about the same instances in the same order, so that they can be paired.
    #[must_use]
    pub fn pairs_with(&self, other: &Self) -> bool {
        self.items.len() == other.items.len()
            && self.items.iter().zip(&*other.items).all(|(a, b)| a.id == b.id && a.scenario == b.scenario)
    }

    /// The part about the items for which `keep` holds.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&Item) -> bool) -> Self {
        let kept: Vec<usize> = (0..self.items.len()).filter(|at| keep(&self.items[*at])).collect();
        let mut part =
            Self::new(self.name.clone(), kept.iter().map(|at| self.items[*at].clone()).collect(), self.k);
        part.cells = kept.iter().map(|at| self.cells[*at]).collect();
        part
    }
}
