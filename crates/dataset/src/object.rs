//! Our own schema, `undersight.instance/v1`: one JSON object to a draft, for JSON Lines and for Parquet rows.

use serde::Serialize;
use serde_json::{Map, Value};
use undersight_core::text::excerpt;
use undersight_core::{Category, Instance, OsParts, Risk, Scenario, Subcategory};

use crate::SCHEMA;
use crate::row::{Draft, Given, Names, Report};
use crate::suggest::{hint, shown};

pub(crate) const NAMES: Names = Names {
    scenario: "scenario",
    rationale: "rationale",
    risks: "risks",
    two_rationales: "give each of the two risks a \"rationale\"",
};
pub(crate) const REQUIRED: [&str; 4] = ["id", "scenario", "query", "risks"];
pub(crate) const OPTIONAL: [&str; 3] = ["schema", "rationale", "parts"];
const RISK: [&str; 3] = ["category", "subcategory", "rationale"];
const PARTS: [&str; 2] = ["risky", "harmless"];

/// An instance as our formats write it.
#[derive(Serialize)]
pub(crate) struct Record<'a> {
    schema: &'static str,
    id: &'a str,
    scenario: Scenario,
    query: &'a str,
    rationale: &'a str,
    risks: &'a [Risk],
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<&'a OsParts>,
}

impl<'a> From<&'a Instance> for Record<'a> {
    fn from(instance: &'a Instance) -> Self {
        let Instance { id, query, scenario, rationale, risks, parts } = instance;
        Self { schema: SCHEMA, id, scenario: *scenario, query, rationale, risks, parts: parts.as_ref() }
    }
}

/// Reads one object.
pub(crate) fn draft(mut map: Map<String, Value>, report: &mut Report) -> Draft {
    schema(&mut map, SCHEMA, report);
    let mut text = |name: &'static str, report: &mut Report| string(&mut map, "", name, report);
    let (id, query, rationale) = (text("id", report), text("query", report), text("rationale", report));
    let scenario = text("scenario", report).and_then(|text| match Scenario::parse(&text) {
        Some(scenario) => Given::Value(scenario),
        None => {
            let message = format!("unknown scenario {}", shown(&text));
            report.add("scenario", message, hint(&text, Scenario::ALL.map(Scenario::name)));
            Given::Unreadable
        }
    });
    let risks = nested(&mut map, "risks", report).and_then(|value| match value {
        Value::Array(items) => {
            Given::Value(items.into_iter().enumerate().map(|(i, item)| risk(i, item, report)).collect())
        }
        other => {
            report.add("risks", expected("an array", &other), "give a list of objects, one per risk");
            Given::Unreadable
        }
    });
    let parts = nested(&mut map, "parts", report).and_then(|value| parts(value, report));
    unknown(&map, "", &[&REQUIRED[..], &OPTIONAL[..]].concat(), report);
    Draft { id, query, scenario, rationale, risks, parts }
}

/// Takes the schema, which may be left out.
pub(crate) fn schema(map: &mut Map<String, Value>, known: &str, report: &mut Report) {
    if let Given::Value(schema) = string(map, "", "schema", report)
        && schema != known
    {
        let message = format!("unknown schema {}", shown(&schema));
        report.add("schema", message, format!("this version reads \"{known}\", which may also be left out"));
    }
}

/// Takes a text member.
pub(crate) fn string(
    map: &mut Map<String, Value>,
    prefix: &str,
    name: &'static str,
    report: &mut Report,
) -> Given<String> {
    match map.shift_remove(name) {
        None | Some(Value::Null) => Given::Absent,
        Some(Value::String(text)) => Given::Value(text),
        Some(other) => {
            report.add(&format!("{prefix}{name}"), expected("a string", &other), "put the value in quotes");
            Given::Unreadable
        }
    }
}

/// Takes a list or an object, which may be given as JSON text, because flat tables cannot hold it otherwise.
pub(crate) fn nested(map: &mut Map<String, Value>, name: &str, report: &mut Report) -> Given<Value> {
    match map.shift_remove(name) {
        None | Some(Value::Null) => Given::Absent,
        Some(Value::String(text)) => serde_json::from_str(&text).map_or_else(
            |error| {
                report.add(name, not_json(&error), "nest the value itself, or write it as JSON text");
                Given::Unreadable
            },
            Given::Value,
        ),
        Some(value) => Given::Value(value),
    }
}

/// What the JSON parser says, without its own idea of the line.
pub(crate) fn not_json(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let cause = text.rfind(" at line ").map_or(text.as_str(), |at| &text[..at]);
    format!("not valid JSON: {cause} (column {})", error.column())
}

fn risk(index: usize, item: Value, report: &mut Report) -> Option<Risk> {
    let prefix = format!("risks[{index}].");
    let Value::Object(mut map) = item else {
        report.add(&format!("risks[{index}]"), expected("an object", &item), "give category and subcategory");
        return None;
    };
    let mut name = |name: &'static str, report: &mut Report| {
        let given = string(&mut map, &prefix, name, report);
        if matches!(given, Given::Absent) {
            report.add(
                &format!("{prefix}{name}"),
                "missing",
                "every risk needs a category and a subcategory",
            );
        }
        given.value()
    };
    let category = name("category", report).and_then(|text| {
        Category::parse(&text).or_else(|| {
            let message = format!("unknown category {}", shown(&text));
            let known = hint(&text, Category::ALL.map(Category::name));
            report.add(&format!("{prefix}category"), message, known);
            None
        })
    });
    let subcategory = name("subcategory", report).and_then(|text| {
        Subcategory::parse(&text).or_else(|| {
            let known: Vec<&str> = category.map_or_else(
                || Subcategory::ALL.map(Subcategory::name).to_vec(),
                |c| c.subcategories().map(Subcategory::name).collect(),
            );
            let message = format!("unknown subcategory {}", shown(&text));
            report.add(&format!("{prefix}subcategory"), message, hint(&text, known));
            None
        })
    });
    let rationale = string(&mut map, &prefix, "rationale", report);
    if rationale.as_ref().value().is_some_and(|text| text.trim().is_empty()) {
        report.add(&format!("{prefix}rationale"), "empty", "write the text or leave the member out");
    }
    unknown(&map, &prefix, &RISK, report);
    let (category, subcategory) = (category?, subcategory?);
    if subcategory.category() != category {
        let of: Vec<&str> = category.subcategories().map(Subcategory::name).collect();
        report.add(
            &format!("{prefix}subcategory"),
            format!("\"{subcategory}\" is not a subcategory of \"{category}\""),
            format!("it has: {}; \"{subcategory}\" is of \"{}\"", of.join("; "), subcategory.category()),
        );
        return None;
    }
    Some(Risk { category, subcategory, rationale: rationale.value() })
}

fn parts(value: Value, report: &mut Report) -> Given<OsParts> {
    let Value::Object(mut map) = value else {
        report.add("parts", expected("an object", &value), "give the members risky and harmless");
        return Given::Unreadable;
    };
    let [risky, harmless] = PARTS.map(|name| {
        let given = string(&mut map, "parts.", name, report);
        if matches!(given, Given::Absent) {
            report.add(&format!("parts.{name}"), "missing", "mark both parts or neither");
        }
        given.value()
    });
    unknown(&map, "parts.", &PARTS, report);
    match (risky, harmless) {
        (Some(risky), Some(harmless)) => Given::Value(OsParts { risky, harmless }),
        _ => Given::Unreadable,
    }
}

/// Reports the members that are left over.
pub(crate) fn unknown(map: &Map<String, Value>, prefix: &str, known: &[&str], report: &mut Report) {
    for name in map.keys() {
        let field = format!("{prefix}{}", excerpt(name, 40));
        report.add(&field, "unknown member", hint(name, known.iter().copied()));
    }
}

pub(crate) fn expected(what: &str, got: &Value) -> String {
    let kind = match got {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    format!("expected {what}, found {kind}")
}
