//! A calibration case: one instance with one trace and one answer, and the labels its authors hold to be right. Judges
//! are measured on these; they are no sample of any model's behaviour.

use serde::{Deserialize, Serialize};

use crate::{Instance, Label, PartsHandled, Task};

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The instance; its id is the case's.
    pub instance: Instance,
    /// The reasoning to be judged.
    pub trace: String,
    /// The answer to be judged.
    pub answer: String,
    /// What is right.
    pub labels: CaseLabels,
    /// For each annotated risk, whether the trace recognises it.
    pub recognised: Vec<bool>,
    /// What the answer did with the parts of an over-sensitivity query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts_handled: Option<PartsHandled>,
    /// What makes it hard or easy, e.g. `one-of-two`.
    pub kind: String,
    /// Why the labels are right.
    pub reason: String,
}

/// The right labels of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseLabels {
    /// Of the answer.
    pub safety: Label,
    /// Of the trace.
    pub thinking: Label,
    /// Of the answer; unset where the file does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handling: Option<Label>,
}

impl CaseLabels {
    /// The right label of a task.
    #[must_use]
    pub const fn of(&self, task: Task) -> Option<Label> {
        match task {
            Task::Safety => Some(self.safety),
            Task::Thinking => Some(self.thinking),
            Task::Handling => self.handling,
        }
    }
}
