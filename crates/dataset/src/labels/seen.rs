//! What the labels of one file may not do to each other: the rule both reading and writing keep.

use std::collections::{HashMap, HashSet};

use undersight_core::{HumanLabel, Task};

/// How a label clashes with one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clash {
    /// The same person labelled the same task of the same sample before.
    Labelled,
    /// The task of the sample was decided before.
    Decided,
    /// The sample carried another probability before.
    Probability,
}

impl Clash {
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Labelled => "label",
            Self::Decided => "adjudicated",
            Self::Probability => "probability",
        }
    }

    /// What is wrong with the sample of an index.
    pub(super) fn of(self, index: u32) -> String {
        let what = match self {
            Self::Labelled => "is labelled twice",
            Self::Decided => "is adjudicated twice",
            Self::Probability => "carries two probabilities",
        };
        format!("sample {index} of this id {what}")
    }

    pub(super) const fn hint(self) -> &'static str {
        match self {
            Self::Labelled => "keep one of the rows, or name the two people in the column annotator",
            Self::Decided => "keep the decision that stands",
            Self::Probability => "keep the probability column as `undersight labels draw` wrote it",
        }
    }
}

/// Whose label it is: that of a person, named or not, or the decision over them.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Voice {
    Of(Option<String>),
    Decision,
}

/// The labels met so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    labelled: HashSet<(String, u32, Task, Voice)>,
    drawn: HashMap<(String, u32), f64>,
}

impl Seen {
    /// Adds a label, and tells how it clashes with those before it.
    pub(super) fn clashes(&mut self, label: &HumanLabel) -> Vec<Clash> {
        let mut clashes = Vec::new();
        let sample = (label.id.clone(), label.index);
        let (voice, clash) = if label.adjudicated {
            (Voice::Decision, Clash::Decided)
        } else {
            (Voice::Of(label.annotator.clone()), Clash::Labelled)
        };
        if let Some(probability) = label.probability {
            let first = *self.drawn.entry(sample.clone()).or_insert(probability);
            // Files may round: the same probability within a billionth.
            if (first - probability).abs() > 1e-9 * first {
                clashes.push(Clash::Probability);
            }
        }
        if !self.labelled.insert((sample.0, sample.1, label.task, voice)) {
            clashes.push(clash);
        }
        clashes
    }
}
