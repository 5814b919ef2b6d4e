//! Counts over cases, for those who show a set; pure.

use std::collections::BTreeMap;

use serde::Serialize;
use undersight_core::{Case, Category, Label, Scenario, Task};

use super::CaseSet;

/// What a set holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseSummary {
    /// Cases.
    pub cases: u64,
    /// Per scenario, all three.
    pub scenarios: Vec<ScenarioCases>,
    /// Per safety label, all of them.
    pub safety: Vec<LabelCases>,
    /// Per handling label, all of them; cases whose file does not say are in none.
    pub handling: Vec<LabelCases>,
    /// Per kind, those there are, by name.
    pub kinds: Vec<KindCases>,
    /// Per category, all nine.
    pub categories: Vec<CategoryCases>,
}

/// Cases of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScenarioCases {
    /// Which.
    pub scenario: Scenario,
    /// How many.
    pub cases: u64,
    /// Per thinking label of the scenario, best first.
    pub thinking: Vec<LabelCases>,
}

/// Cases with a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelCases {
    /// Which.
    pub label: Label,
    /// How many.
    pub cases: u64,
}

/// Cases of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindCases {
    /// Which.
    pub kind: String,
    /// How many.
    pub cases: u64,
}

/// Cases with a risk of a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CategoryCases {
    /// Which.
    pub category: Category,
    /// How many have at least one such risk.
    pub cases: u64,
}

impl CaseSet {
    /// Counts.
    #[must_use]
    pub fn summary(&self) -> CaseSummary {
        let count =
            |wanted: &dyn Fn(&Case) -> bool| self.cases.iter().filter(|case| wanted(case)).count() as u64;
        let labels = |task: Task, scenario: Scenario| -> Vec<LabelCases> {
            let of_task = |case: &Case| task != Task::Thinking || case.instance.scenario == scenario;
            let with = |label: Label| count(&|case| of_task(case) && case.labels.of(task) == Some(label));
            let allowed = Label::allowed(task, scenario).iter();
            allowed.map(|&label| LabelCases { label, cases: with(label) }).collect()
        };
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for case in &self.cases {
            *kinds.entry(&case.kind).or_default() += 1;
        }
        // The labels of the tasks on the answer are the same in every scenario.
        let any = Scenario::RiskOmission;
        CaseSummary {
            cases: self.cases.len() as u64,
            scenarios: Scenario::ALL
                .map(|scenario| ScenarioCases {
                    scenario,
                    cases: count(&|case| case.instance.scenario == scenario),
                    thinking: labels(Task::Thinking, scenario),
                })
                .to_vec(),
            safety: labels(Task::Safety, any),
            handling: labels(Task::Handling, any),
            kinds: kinds
                .into_iter()
                .map(|(kind, cases)| KindCases { kind: kind.to_owned(), cases })
                .collect(),
            categories: Category::ALL
                .map(|category| CategoryCases {
                    category,
                    cases: count(&|case| case.instance.risks.iter().any(|r| r.category == category)),
                })
                .to_vec(),
        }
    }
}
