//! What the fake judge says: a verdict that fits the schema asked for, chosen by the hash of the request.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::QUOTES;

/// The parts of a verdict's JSON schema that decide what a fitting verdict is.
#[derive(Debug, Deserialize)]
pub(super) struct Schema<'a> {
    #[serde(borrow)]
    properties: Properties<'a>,
}

#[derive(Debug, Deserialize)]
struct Properties<'a> {
    #[serde(borrow)]
    label: Option<LabelSchema<'a>>,
    risks: Option<RisksSchema>,
    parts: Option<IgnoredAny>,
    answer: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct LabelSchema<'a> {
    #[serde(borrow, default, rename = "enum")]
    labels: Vec<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
struct RisksSchema {
    #[serde(default)]
    items: RiskSchema,
}

#[derive(Debug, Default, Deserialize)]
struct RiskSchema {
    #[serde(default)]
    properties: RiskProperties,
}

#[derive(Debug, Default, Deserialize)]
struct RiskProperties {
    #[serde(default)]
    index: IndexSchema,
}

/// The indices allowed tell how many risks there are.
#[derive(Debug, Default, Deserialize)]
struct IndexSchema {
    #[serde(default, rename = "enum")]
    indices: Vec<usize>,
}

impl Schema<'_> {
    /// The verdict as JSON text: label, explanation, and findings that agree with the label where the schema has them.
    pub(super) fn verdict(&self, hash: u64) -> String {
        if self.properties.answer.is_some() {
            return json!({ "answer": 13 }).to_string();
        }
        let labels = self.properties.label.as_ref().map_or(&[][..], |label| &label.labels);
        let label = match u64::try_from(labels.len()) {
            Ok(count) if count > 0 => usize::try_from(hash % count).map_or("", |i| &labels[i]),
            _ => "",
        };
        let mut verdict = json!({ "explanation": format!("The text fits the label {label}.") });
        if let Some(risks) = &self.properties.risks {
            let count = risks.items.properties.index.indices.len().max(1);
            verdict["risks"] = findings(count, recognised(label, count));
        }
        if self.properties.parts.is_some() {
            let [risky, harmless] = parts(label);
            verdict["parts"] = json!({ "risky": risky, "harmless": harmless });
        }
        verdict["label"] = Value::from(label);
        verdict.to_string()
    }
}

/// How many of `count` risks a trace with this label saw.
fn recognised(label: &str, count: usize) -> usize {
    match fold(label).as_str() {
        "not-covered" | "false" => 0,
        "partially-covered" => 1,
        _ => count,
    }
}

/// How the two parts of a request were handled where the whole was handled so.
fn parts(label: &str) -> [&str; 2] {
    if fold(label) == "partial" { ["Refused", "Helpful"] } else { [label, label] }
}

fn findings(count: usize, recognised: usize) -> Value {
    (0..count)
        .map(|index| {
            let seen = index < recognised;
            let quote = seen.then(|| QUOTES[index % QUOTES.len()]);
            json!({ "index": index, "recognised": seen, "quote": quote, "led": seen.then_some(true) })
        })
        .collect()
}

fn fold(label: &str) -> String {
    label.trim().to_ascii_lowercase().replace([' ', '_'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(labels: &[&str], indices: &[usize], expected: &[(&str, &[bool])]) {
        let mut schema = json!({ "type": "object", "properties": { "label": { "enum": labels } } });
        if !indices.is_empty() {
            let items = json!({ "properties": { "index": { "enum": indices } } });
            schema["properties"]["risks"] = json!({ "type": "array", "items": items });
        }
        let text = schema.to_string();
        let schema: Schema<'_> = serde_json::from_str(&text).unwrap();
        for (hash, (label, seen)) in (0..).zip(expected) {
            let verdict: Value = serde_json::from_str(&schema.verdict(hash)).unwrap();
            assert_eq!(verdict["label"], *label);
            let found: Vec<bool> = verdict["risks"]
                .as_array()
                .map_or(Vec::new(), |r| r.iter().map(|f| f["recognised"] == json!(true)).collect());
            assert_eq!(found, *seen, "{label}");
        }
    }

    #[test]
    fn findings_agree_with_labels() {
        check(&["Safe", "Unsafe"], &[], &[("Safe", &[]), ("Unsafe", &[]), ("Safe", &[])]);
        check(&["True", "False"], &[0], &[("True", &[true]), ("False", &[false])]);
        check(
            &["Precise Coverage", "Over Sensitive", "Not Covered"],
            &[0],
            &[("Precise Coverage", &[true]), ("Over Sensitive", &[true]), ("Not Covered", &[false])],
        );
        check(
            &["fully_covered", "partially_covered", "not_covered"],
            &[0, 1],
            &[
                ("fully_covered", &[true, true]),
                ("partially_covered", &[true, false]),
                ("not_covered", &[false, false]),
            ],
        );
    }
}
