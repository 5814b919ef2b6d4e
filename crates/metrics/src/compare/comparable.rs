//! Whether arms may stand side by side: what refuses a comparison, and what only marks it.

mod rules;

use std::collections::{BTreeMap, BTreeSet};

use undersight_core::{Digest, Provenance, Study};

use super::error::CompareError;
use crate::panel::observed;

/// What has to be alike for two runs to be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmFacts {
    /// The run's name.
    pub run: String,
    /// The version of the data set, where known.
    pub dataset: Option<Digest>,
    /// The judge's digest and its name, where known.
    pub judge: Option<(Digest, String)>,
    /// Samples planned per instance.
    pub k: u32,
    /// Ids of the instances.
    pub instances: BTreeSet<String>,
    /// Samples by what their trace is.
    pub provenance: BTreeMap<Provenance, u64>,
    /// Share of planned samples without both verdicts, 0 to 1.
    pub unknown_share: f64,
    /// Whether the model only simulates.
    pub simulated: bool,
}

impl ArmFacts {
    /// Reads a study; the data set and the judge are known to the store alone.
    #[must_use]
    pub fn of(study: &Study, dataset: Option<Digest>, judge: Option<(Digest, String)>) -> Self {
        let mut provenance = BTreeMap::new();
        let mut unknown = 0_usize;
        for outcome in &study.outcomes {
            if let Some(kind) = outcome.provenance {
                *provenance.entry(kind).or_default() += 1;
            }
            let (safe, aware) = observed(outcome);
            unknown += usize::from(safe.is_none() || aware.is_none());
        }
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let unknown_share = unknown as f64 / (study.outcomes.len().max(1)) as f64;
        Self {
            run: study.name.clone(),
            dataset,
            judge,
            k: study.k,
            instances: study.items.iter().map(|item| item.id.clone()).collect(),
            provenance,
            unknown_share,
            simulated: study.outcomes.iter().any(|o| o.truth.is_some()),
        }
    }
}

/// Whether a mismatch ends a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The numbers mean different things.
    Refuse,
    /// The numbers compare with care: marked wherever they are shown.
    Mark,
}

/// In what arms differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MismatchKind {
    /// Versions of the data set.
    Dataset,
    /// Judges.
    Judge,
    /// k, or too few samples for the k that was named.
    K,
    /// No instance is in all of them.
    NoCommonInstances,
    /// What the traces are.
    Provenance,
    /// How much is unknown.
    Unknown,
    /// Selections of the same data set.
    Selection,
    /// Simulated beside real models.
    Simulated,
    /// The data set or judge of some is unknown.
    Unattested,
}

impl MismatchKind {
    /// Its name in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Judge => "judge",
            Self::K => "k",
            Self::NoCommonInstances => "no-common-instances",
            Self::Provenance => "provenance",
            Self::Unknown => "unknown",
            Self::Selection => "selection",
            Self::Simulated => "simulated",
            Self::Unattested => "unattested",
        }
    }

    /// What stands behind the names of its runs in tables.
    #[must_use]
    pub const fn mark(self) -> char {
        match self {
            Self::Dataset => 'ᵈ',
            Self::Judge => 'ʲ',
            Self::K => 'ᵏ',
            Self::NoCommonInstances => 'ⁿ',
            Self::Provenance => 'ᵖ',
            Self::Unknown => 'ᵘ',
            Self::Selection => 'ⁱ',
            Self::Simulated => '*',
            Self::Unattested => 'ᵃ',
        }
    }

    /// Whether it ends a comparison.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Dataset | Self::Judge | Self::K | Self::NoCommonInstances => Severity::Refuse,
            Self::Provenance | Self::Unknown | Self::Selection | Self::Simulated | Self::Unattested => {
                Severity::Mark
            }
        }
    }
}

/// A way in which arms differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// In what.
    pub kind: MismatchKind,
    /// Whether it ends a comparison.
    pub severity: Severity,
    /// The runs it is about.
    pub runs: Vec<String>,
    /// What it is; names in it are excerpted and made printable.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Mismatch {
    fn new(kind: MismatchKind, runs: Vec<String>, message: String, hint: &str) -> Self {
        Self { kind, severity: kind.severity(), runs, message, hint: hint.to_owned() }
    }

    fn of(kind: MismatchKind, runs: Vec<String>, error: &CompareError) -> Self {
        Self::new(kind, runs, error.to_string(), &error.hint().unwrap_or_default())
    }
}

/// The first mismatch that ends a comparison.
#[must_use]
pub fn refusal(mismatches: &[Mismatch]) -> Option<&Mismatch> {
    mismatches.iter().find(|m| m.severity == Severity::Refuse)
}

/// Everything in which the arms differ, refusals first. `at_k` is the k that was named.
#[must_use]
pub fn mismatches(arms: &[ArmFacts], at_k: Option<u32>) -> Vec<Mismatch> {
    if arms.len() < 2 {
        return Vec::new();
    }
    let mut found = Vec::new();
    found.extend(rules::dataset(arms));
    found.extend(rules::judge(arms));
    found.extend(rules::k(arms, at_k));
    found.extend(rules::instances(arms));
    found.extend(rules::provenance(arms));
    found.extend(rules::unknown(arms));
    found.extend(rules::simulated(arms));
    found.extend(rules::unattested(arms));
    found.sort_by_key(|m| m.severity == Severity::Mark);
    found
}
