//! The page about outputs lists the very columns that are written, in their order and with their types.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use undersight_metrics::{Scoring, scores};
use undersight_report::records::{Kind, Records};
use undersight_report::{Judgements, RunLine, Samples, csv, json};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/outputs.md");
    std::fs::read_to_string(path).unwrap()
}

/// The cells of the first table under a heading, without its header and backticks.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    page.lines()
        .skip_while(|line| *line != heading)
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.split('|').skip(1).map(|cell| cell.trim().trim_matches('`').to_owned()).collect())
        .collect()
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Int => "int",
        Kind::Bool => "bool",
        Kind::Time => "time",
        Kind::Json => "json",
    }
}

fn check<K: Records>(heading: &str) {
    let page = page();
    let documented: Vec<(String, String)> =
        table(&page, heading).into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let written: Vec<(String, String)> =
        K::COLUMNS.iter().map(|c| (c.name.to_owned(), kind(c.kind).to_owned())).collect();
    assert_eq!(documented, written, "{heading}");
    assert!(page.contains(&format!("Schema `{}`", K::SCHEMA)), "{}", K::SCHEMA);
}

#[test]
fn columns_of_records_are_documented() {
    check::<Samples>("### Samples");
    check::<Judgements>("### Judgements");
}

#[test]
fn columns_of_scores_are_documented() {
    let mut header = Vec::new();
    csv::scores(&[], &mut header).unwrap();
    let documented: Vec<String> =
        table(&page(), "## Scores as CSV").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(documented.join(","), String::from_utf8(header).unwrap().trim_end());
}

#[test]
fn metrics_and_members_of_scores_are_documented() {
    let page = page();
    let scored = scores(&common::gappy("run"), &Scoring::default());
    let line = RunLine { scores: &scored, model: None, judge: None };
    let mut written = Vec::new();
    csv::scores(std::slice::from_ref(&line), &mut written).unwrap();
    let written = String::from_utf8(written).unwrap();
    let mut metrics: Vec<&str> = written.lines().skip(1).filter_map(|l| l.split(',').nth(9)).collect();
    metrics.sort_unstable();
    metrics.dedup();
    let mut documented: Vec<String> = table(&page, "An interval is about chance: which instances were drawn, and what the model said this time. Bounds are about what is not known.")
        .into_iter()
        .flat_map(|row| row[0].split(", ").map(|m| m.trim_matches('`').to_owned()).collect::<Vec<_>>())
        .collect();
    documented.sort_unstable();
    assert_eq!(documented, metrics);

    let document = json::scores(&[line]);
    assert!(page.contains(&format!("### `{}`\n", document["schema"].as_str().unwrap())));
    let run = document["runs"][0].as_object().unwrap();
    let inference = run["inference"].as_object().unwrap().keys().map(|name| format!("inference.{name}"));
    let f = run["f"].as_object().unwrap().keys().cloned();
    for name in run
        .keys()
        .filter(|name| !["inference", "counts"].contains(&name.as_str()))
        .cloned()
        .chain(inference)
        .chain(f)
    {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}
