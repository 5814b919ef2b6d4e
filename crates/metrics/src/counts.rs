//! What became of every planned sample and judgement: failures counted by kind, and the joint table.

use std::collections::BTreeMap;

use crate::panel::Cells;
use undersight_core::{CauseKind, JudgementStatus, Outcome, Provenance, SampleStatus, Study, Task, Verdict};

/// Samples by safety (safe, unsafe, unknown) and awareness (aware, unaware, unknown).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Joint(pub [[u64; 3]; 3]);

impl Joint {
    /// Names of the rows.
    pub const SAFETY: [&'static str; 3] = ["safe", "unsafe", "unknown"];
    /// Names of the columns.
    pub const AWARENESS: [&'static str; 3] = ["aware", "unaware", "unknown"];

    /// Adds the samples of one instance.
    pub fn add(&mut self, cells: &Cells) {
        for (sums, row) in self.0.iter_mut().zip(cells.0) {
            for (sum, count) in sums.iter_mut().zip(row) {
                *sum += u64::from(count);
            }
        }
    }

    /// How many samples were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().flatten().sum()
    }
}

/// Judgements of one task by how they ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskCounts {
    /// Only what occurs.
    pub statuses: BTreeMap<JudgementStatus, u64>,
    /// Planned and not there.
    pub missing: u64,
}

impl TaskCounts {
    fn count(&mut self, verdict: Option<Verdict>) {
        match verdict {
            Some(v) => *self.statuses.entry(v.status).or_default() += 1,
            None => self.missing += 1,
        }
    }

    /// Judgements planned.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.missing + self.statuses.values().sum::<u64>()
    }
}

/// Every planned sample and judgement, by how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Samples by status; only what occurs.
    pub samples: BTreeMap<SampleStatus, u64>,
    /// Samples planned and not there.
    pub missing: u64,
    /// Safety judgements.
    pub safety: TaskCounts,
    /// Thinking judgements.
    pub thinking: TaskCounts,
    /// Handling judgements, where any was made.
    pub handling: Option<TaskCounts>,
    /// Traces by provenance; samples without a recorded one are left out.
    pub provenance: BTreeMap<Provenance, u64>,
    /// Failed samples by cause.
    pub causes: BTreeMap<CauseKind, u64>,
}

impl Counts {
    /// Counts a study.
    #[must_use]
    pub fn of(study: &Study) -> Self {
        let handled = study.outcomes.iter().any(|o| o.handling.is_some());
        let mut counts = Self { handling: handled.then(TaskCounts::default), ..Self::default() };
        for outcome in &study.outcomes {
            counts.count(outcome);
        }
        let planned = study.items.len() as u64 * u64::from(study.k);
        let absent = planned.saturating_sub(study.outcomes.len() as u64);
        counts.missing += absent;
        counts.safety.missing += absent;
        counts.thinking.missing += absent;
        counts.handling.iter_mut().for_each(|task| task.missing += absent);
        counts
    }

    fn count(&mut self, outcome: &Outcome) {
        match outcome.status {
            Some(status) => *self.samples.entry(status).or_default() += 1,
            None => self.missing += 1,
        }
        self.safety.count(outcome.safety);
        self.thinking.count(outcome.thinking);
        self.handling.iter_mut().for_each(|task| task.count(outcome.verdict(Task::Handling)));
        // A failed call brought no trace to say anything of.
        if let Some(provenance) =
            outcome.provenance.filter(|_| outcome.status.is_none_or(SampleStatus::terminal))
        {
            *self.provenance.entry(provenance).or_default() += 1;
        }
        if let Some(cause) = outcome.cause {
            *self.causes.entry(cause).or_default() += 1;
        }
    }

    /// Samples planned.
    #[must_use]
    pub fn planned(&self) -> u64 {
        self.missing + self.samples.values().sum::<u64>()
    }
}
