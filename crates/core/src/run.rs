//! A run: one arm over one dataset version, and its plan.

use serde::{Deserialize, Serialize};

use crate::{Arm, Category, Digest, JudgeSpec, Micros, Scenario};

/// Which instances a run covers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Only these scenarios; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<Scenario>,
    /// Only instances with a risk in one of these categories; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<Category>,
    /// Only these ids; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// At most this many, stratified by scenario and nested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Seed of the stratified order; has nothing to do with the arm's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// What a run has to reach: it may grow, so it is not part of the run's id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Samples per instance.
    pub k: u32,
    /// Which instances.
    pub selection: Selection,
    /// The judges used, latest last.
    pub judges: Vec<JudgeSpec>,
}

/// One arm over one dataset version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// See [`Run::id_of`].
    pub id: Digest,
    /// For people; unique in a store.
    pub name: String,
    /// What generates.
    pub arm: Arm,
    /// Hash of the dataset.
    pub dataset: Digest,
    /// Where the dataset came from, for people.
    pub dataset_name: String,
    /// When it was first planned.
    pub created: Micros,
}

impl Run {
    /// The id of the run of an arm over a dataset under a name.
    #[must_use]
    pub fn id_of(arm: &Digest, dataset: &Digest, name: &str) -> Digest {
        Digest::of("run/v1", &(arm, dataset, name))
    }
}
