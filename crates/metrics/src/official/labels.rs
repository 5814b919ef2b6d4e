//! How labels are spelled, and a bounded list of the odd ones.

use std::collections::BTreeMap;

use undersight_core::text::excerpt;
use undersight_core::{Label, Scenario, Task};

/// Distinct labels listed at most; more are only counted.
const LISTED: usize = 8;

/// How a label is spelled.
pub(crate) enum Spelling {
    Exact(Label),
    Near(Label),
    Empty,
    Unknown,
}

/// Reads a label of a task on a scenario.
pub(crate) fn spelling(task: Task, scenario: Scenario, text: &str) -> Spelling {
    if let Some(label) = Label::allowed(task, scenario).iter().find(|l| l.official() == text) {
        return Spelling::Exact(*label);
    }
    match Label::parse(task, scenario, text) {
        Some(label) => Spelling::Near(label),
        None if text.trim().is_empty() => Spelling::Empty,
        None => Spelling::Unknown,
    }
}

/// Labels that are not one of the official spellings.
#[derive(Debug, Default)]
pub(crate) struct OddLabels {
    pub(crate) counts: BTreeMap<(&'static str, String), u64>,
    /// Rows beyond the listed ones.
    pub(crate) more: u64,
}

impl OddLabels {
    /// Counts one.
    pub(crate) fn note(&mut self, column: &'static str, text: &str) {
        let key = (column, excerpt(text, 40));
        if let Some(n) = self.counts.get_mut(&key) {
            *n += 1;
        } else if self.counts.len() < LISTED {
            self.counts.insert(key, 1);
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.more + self.counts.values().sum::<u64>()
    }
}
