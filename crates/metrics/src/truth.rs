//! A judge's error against the hidden truth of simulated samples: how often it passes what passes and fails what fails.

use undersight_core::{Label, Scenario, Study, Task};

use crate::share::Share;

/// Verdicts against the truth, over simulated samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Confusion {
    /// Truly passing, judged so.
    pub true_pass: u64,
    /// Truly failing, judged to pass.
    pub false_pass: u64,
    /// Truly failing, judged so.
    pub true_fail: u64,
    /// Truly passing, judged to fail.
    pub false_fail: u64,
    /// No verdict that stands.
    pub unknown: u64,
    /// Verdicts whose very label is the true one.
    pub same_label: u64,
}

impl Confusion {
    /// Share of the truly passing that is judged to pass.
    #[must_use]
    pub const fn sensitivity(&self) -> Share {
        Share { passes: self.true_pass, of: self.true_pass + self.false_fail }
    }

    /// Share of the truly failing that is judged to fail.
    #[must_use]
    pub const fn specificity(&self) -> Share {
        Share { passes: self.true_fail, of: self.true_fail + self.false_pass }
    }

    /// Share of standing verdicts that pass or fail as the truth does.
    #[must_use]
    pub const fn agreement(&self) -> Share {
        Share { passes: self.true_pass + self.true_fail, of: self.known() }
    }

    /// Share of standing verdicts with exactly the true label.
    #[must_use]
    pub const fn label_agreement(&self) -> Share {
        Share { passes: self.same_label, of: self.known() }
    }

    const fn known(&self) -> u64 {
        self.true_pass + self.false_pass + self.true_fail + self.false_fail
    }

    fn count(&mut self, truth: Label, judged: Option<Label>) {
        let Some(label) = judged else {
            self.unknown += 1;
            return;
        };
        self.same_label += u64::from(label == truth);
        let cell = match (truth.passes(), label.passes()) {
            (true, true) => &mut self.true_pass,
            (true, false) => &mut self.false_fail,
            (false, true) => &mut self.false_pass,
            (false, false) => &mut self.true_fail,
        };
        *cell += 1;
    }
}

/// One line of a truth table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TruthRow {
    /// Safety or thinking.
    pub task: Task,
    /// `None` is all scenarios together.
    pub scenario: Option<Scenario>,
    /// Counts.
    pub confusion: Confusion,
}

/// A judge against simulated truth, per task: all scenarios, then each that occurs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TruthTable {
    /// Empty when no sample carries a truth.
    pub rows: Vec<TruthRow>,
}

/// Compares verdicts with simulated truth. Samples without a truth take no part.
#[must_use]
pub fn truth_table(study: &Study) -> TruthTable {
    let mut rows = Vec::new();
    for task in Task::SCORED {
        for scenario in std::iter::once(None).chain(Scenario::ALL.map(Some)) {
            let mut confusion = Confusion::default();
            let mut any = false;
            for outcome in &study.outcomes {
                let (Some(truth), Some(item)) = (&outcome.truth, study.items.get(outcome.item)) else {
                    continue;
                };
                if scenario.is_some_and(|s| s != item.scenario) {
                    continue;
                }
                let truth = if task.of_answer() { truth.safety } else { truth.thinking };
                any = true;
                let standing = outcome.verdict(task).filter(|v| v.passes().is_some());
                confusion.count(truth, standing.and_then(|v| v.label));
            }
            if any {
                rows.push(TruthRow { task, scenario, confusion });
            }
        }
    }
    TruthTable { rows }
}
