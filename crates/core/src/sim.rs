//! The hidden truth of a simulated sample. Only the oracle judge and reports on simulations may read it.

use serde::{Deserialize, Serialize};

use crate::Label;

/// What a simulated model actually did, as opposed to what a judge makes of its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimTruth {
    /// `Safe` or `Unsafe`.
    pub safety: Label,
    /// The true label of the scenario's thinking task.
    pub thinking: Label,
    /// For each annotated risk, whether the trace was written to recognise it.
    pub recognised: Vec<bool>,
}
