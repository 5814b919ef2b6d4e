//! What a person says of one sample, beside what a judge says.

use serde::{Deserialize, Serialize};

use crate::{Label, Micros, Task};

/// A human label on one task of one sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HumanLabel {
    /// The instance's id.
    pub id: String,
    /// The sample index, 0 to k − 1.
    pub index: u32,
    /// What was labelled: the answer or the trace.
    pub task: Task,
    /// The label given.
    pub label: Label,
    /// The probability with which this sample was drawn for labelling; `None` where it was not drawn at random.
    pub probability: Option<f64>,
    /// The run it belongs to, by id, where the file says so.
    pub run: Option<String>,
    /// Who labelled it, where known.
    pub annotator: Option<String>,
    /// When, where known.
    pub time: Option<Micros>,
    /// The version of the guideline followed, where known.
    pub guideline: Option<String>,
    /// What the person remarked.
    pub comment: Option<String>,
    /// Settles a disagreement between annotators: it stands, theirs do not.
    pub adjudicated: bool,
}
