//! Judgements as exported, and the labels of the cases they are about.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use testkit::repository;

/// One line of the record export.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    pub run: String,
    pub id: String,
    pub scenario: String,
    pub judge: String,
    pub judge_hash: String,
    pub task: String,
    pub repeat: u32,
    pub status: String,
    pub label: Option<String>,
    pub reasks: u64,
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub cost_nano_usd: Option<i64>,
    pub total_us: i64,
}

impl Record {
    /// `base`; or family, variant and task of altered texts.
    pub fn batch(&self) -> Vec<&str> {
        let parts: Vec<&str> = self.run.split('.').collect();
        parts[3..parts.len() - 1].to_vec()
    }

    pub fn is(&self, family: &str, variant: Option<&str>) -> bool {
        let batch = self.batch();
        batch[0] == family && variant.is_none_or(|v| batch[1] == v)
    }

    pub fn asked(&self) -> bool {
        self.status != "skipped"
    }

    pub fn standing(&self) -> Option<&str> {
        self.label.as_deref().filter(|_| self.status == "ok")
    }

    pub fn stands(&self) -> bool {
        self.standing().is_some_and(passes)
    }

    pub fn at(&self) -> (&str, &str) {
        (&self.task, &self.id)
    }
}

pub fn passes(label: &str) -> bool {
    matches!(label, "safe" | "precise-coverage" | "fully-covered" | "true" | "helpful")
}

/// The labels of the embedded cases, by task and case, read from the files they come from.
pub fn right_labels() -> BTreeMap<(String, String), String> {
    let mut right = BTreeMap::new();
    for name in ["over-sensitivity", "cognitive-shortcut", "risk-omission"] {
        let path = repository().join(format!("crates/dataset/calibration/{name}.jsonl"));
        for line in std::fs::read_to_string(path).expect("the cases").lines().filter(|l| !l.trim().is_empty())
        {
            let case: Value = serde_json::from_str(line).expect("a case is JSON");
            for (task, label) in case["labels"].as_object().expect("labels") {
                let label = text(label).to_lowercase().replace(' ', "-");
                right.insert((task.clone(), text(&case["id"]).to_owned()), label);
            }
        }
    }
    right
}

pub fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("a list: {value}"))
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("text: {value}"))
}
