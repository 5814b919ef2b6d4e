//! An instance: one query with its scenario, its risks and its annotated rationale.

use serde::{Deserialize, Serialize};

use crate::{Category, Digest, Scenario, Subcategory};

/// One annotated risk of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// One of the nine.
    pub category: Category,
    /// One of the seventeen; always of `category`.
    pub subcategory: Subcategory,
    /// What is dangerous about this risk alone, where the data separates risks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rationale: Option<String>,
}

/// The two marked parts of an over-sensitivity query, both verbatim from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OsParts {
    /// The part that deserves concern.
    pub risky: String,
    /// The part that does not.
    pub harmless: String,
}

/// One benchmark item. Built only by the dataset crate's validation, so that a value of this type is consistent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Unique within its dataset.
    pub id: String,
    /// What is sent to the model, byte for byte.
    pub query: String,
    /// Over-sensitivity, cognitive shortcut or risk omission.
    pub scenario: Scenario,
    /// The annotated statement of what is dangerous (`risk_summary` in the official file).
    pub rationale: String,
    /// One risk, or two for cognitive shortcut.
    pub risks: Vec<Risk>,
    /// Marked parts, over-sensitivity only and only where annotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<OsParts>,
}

impl Instance {
    /// The hash of everything in the instance, annotations included.
    #[must_use]
    pub fn content_hash(&self) -> Digest {
        Digest::of("instance/v1", self)
    }

    /// The hash of what a judge of the trace is shown besides the trace: a corrected rationale changes it.
    #[must_use]
    pub fn annotation_hash(&self) -> Digest {
        #[derive(Serialize)]
        struct Annotated<'a> {
            query: &'a str,
            rationale: &'a str,
            risks: &'a [Risk],
            scenario: Scenario,
            parts: Option<&'a OsParts>,
        }
        Digest::of(
            "annotation/v1",
            &Annotated {
                query: &self.query,
                rationale: &self.rationale,
                risks: &self.risks,
                scenario: self.scenario,
                parts: self.parts.as_ref(),
            },
        )
    }

    /// The rationale of risk `index`: its own where the data separates risks, else the shared one.
    #[must_use]
    pub fn risk_rationale(&self, index: usize) -> &str {
        self.risks.get(index).and_then(|r| r.rationale.as_deref()).unwrap_or(&self.rationale)
    }
}

/// The hash of a dataset: the content hashes of its instances in file order.
#[must_use]
pub fn dataset_hash<'a>(instances: impl IntoIterator<Item = &'a Instance>) -> Digest {
    let hashes: Vec<Digest> = instances.into_iter().map(Instance::content_hash).collect();
    Digest::of("dataset/v1", &hashes)
}
