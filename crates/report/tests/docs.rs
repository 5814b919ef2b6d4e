//! The page about outputs lists the very columns that are written, in their order and with their types.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use undersight_report::records::{Kind, Records};
use undersight_report::{Judgements, Samples, csv};

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
