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
    /// The draw its sample belongs to, `<samples drawn>-<a word of its own>`, where the file says so.
    pub draw: Option<String>,
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

impl HumanLabel {
    /// How many samples were drawn along with this one, as far as its draw says.
    #[must_use]
    pub fn drawn_samples(&self) -> Option<usize> {
        self.draw.as_deref()?.split_once('-')?.0.parse().ok()
    }
}
