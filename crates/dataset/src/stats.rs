//! Counts over instances, for `dataset stats`; pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use undersight_core::{Category, Instance, Item, Scenario, Subcategory, clusters};

/// What a dataset holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Instances.
    pub instances: u64,
    /// Per scenario, all three.
    pub scenarios: Vec<ScenarioCount>,
    /// Risks over all instances.
    pub labels: u64,
    /// Per category, all nine.
    pub categories: Vec<CategoryCount>,
    /// Length of the queries in characters; unknown without instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_characters: Option<Quantiles>,
    /// Instances whose two risks share a category.
    pub same_category: u64,
    /// Rationales of single risks of cognitive-shortcut instances.
    pub sub_risk_texts: u64,
    /// Of these, distinct ones, white space around them left aside.
    pub distinct_sub_risk_texts: u64,
    /// Groups of cognitive-shortcut instances connected by a shared sub-risk text: the units that are independent
    /// of each other.
    pub shared_text_components: u64,
}

/// Instances of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScenarioCount {
    /// Which.
    pub scenario: Scenario,
    /// How many.
    pub instances: u64,
}

/// Labels of a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CategoryCount {
    /// Which.
    pub category: Category,
    /// Risks with it.
    pub labels: u64,
    /// Instances with at least one such risk.
    pub instances: u64,
    /// Its subcategories, all of them.
    pub subcategories: Vec<SubcategoryCount>,
}

/// Labels of a subcategory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubcategoryCount {
    /// Which.
    pub subcategory: Subcategory,
    /// Risks with it.
    pub labels: u64,
    /// Instances with at least one such risk.
    pub instances: u64,
}

/// Nearest-rank quantiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// The smallest.
    pub min: u64,
    /// The first quartile.
    pub q25: u64,
    /// The median.
    pub median: u64,
    /// The third quartile.
    pub q75: u64,
    /// 95 % are at most this.
    pub q95: u64,
    /// The largest.
    pub max: u64,
}

impl Stats {
    /// Counts.
    #[must_use]
    pub fn of(instances: &[Arc<Instance>]) -> Self {
        let count =
            |wanted: &dyn Fn(&Instance) -> bool| instances.iter().filter(|i| wanted(i)).count() as u64;
        let labels = |wanted: &dyn Fn(Subcategory) -> bool| {
            instances.iter().flat_map(|i| &i.risks).filter(|r| wanted(r.subcategory)).count() as u64
        };
        let subcategory = |s: Subcategory| SubcategoryCount {
            subcategory: s,
            labels: labels(&|x| x == s),
            instances: count(&|i| i.risks.iter().any(|r| r.subcategory == s)),
        };
        let (sub_risk_texts, distinct_sub_risk_texts, shared_text_components) = sub_risks(instances);
        Self {
            instances: instances.len() as u64,
            scenarios: Scenario::ALL
                .map(|s| ScenarioCount { scenario: s, instances: count(&|i| i.scenario == s) })
                .to_vec(),
            labels: labels(&|_| true),
            categories: Category::ALL
                .map(|c| CategoryCount {
                    category: c,
                    labels: labels(&|x| x.category() == c),
                    instances: count(&|i| i.risks.iter().any(|r| r.category == c)),
                    subcategories: c.subcategories().map(subcategory).collect(),
                })
                .to_vec(),
            query_characters: Quantiles::of(
                instances.iter().map(|i| i.query.chars().count() as u64).collect(),
            ),
            same_category: count(&|i| matches!(i.risks.as_slice(), [a, b] if a.category == b.category)),
            sub_risk_texts,
            distinct_sub_risk_texts,
            shared_text_components,
        }
    }
}

impl Quantiles {
    /// `None` for no values.
    fn of(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        let at = |percent: usize| values.get((values.len() * percent).div_ceil(100).max(1) - 1).copied();
        Some(Self { min: at(0)?, q25: at(25)?, median: at(50)?, q75: at(75)?, q95: at(95)?, max: at(100)? })
    }
}

/// Texts, distinct texts, and clusters of the cognitive-shortcut instances.
fn sub_risks(instances: &[Arc<Instance>]) -> (u64, u64, u64) {
    let shortcuts: Vec<Item> = instances
        .iter()
        .filter(|i| i.scenario == Scenario::CognitiveShortcut)
        .map(|i| Item::from(i.as_ref()))
        .collect();
    let texts = shortcuts.iter().flat_map(|i| &i.shared_texts);
    let distinct: BTreeSet<u64> = texts.clone().copied().collect();
    let components: BTreeSet<usize> = clusters(&shortcuts).into_iter().collect();
    (texts.count() as u64, distinct.len() as u64, components.len() as u64)
}
