//! How far people agree among themselves: rates and coefficients, every two of them, everyone, and what is still open.

use serde_json::{Value, json};
use undersight_core::{Label, Scenario, Task};
use undersight_metrics::Level;
use undersight_metrics::judge_error::{AnnotatorRow, Disagreement, PairRow, People, PeopleRow};

use super::agreement::{chance, coefficient, labels, measures_json, rate, rate_json};
use super::{Head, place};
use crate::cell::Cell;
use crate::grid::{Layout, lay_out};
use crate::number::{NONE, count, level as percent_level, whole};
use crate::table::notes;

/// A line for each task in all scenarios and in each, then for every two people and for everyone, with notes. `level` is
/// that of the intervals.
#[must_use]
pub fn people_table(head: &Head<'_>, people: &People, level: Level, layout: Layout) -> String {
    let mut parts = Vec::new();
    let mut notes = Vec::new();
    if people.rows.is_empty() {
        notes.push("There is no label to compare.".to_owned());
    } else {
        let (headers, rows) = rows(people);
        let main = lay_out(headers, &rows, layout);
        notes.extend(reading(people, place(main.stacked), level));
        parts.push(main.text);
        for (headers, rows) in [pairs(people), everyone(people)] {
            if !rows.is_empty() {
                parts.push(lay_out(headers, &rows, layout).text);
            }
        }
    }
    if people.left_out > 0 {
        notes.push(format!(
            "Left out, as they are not of this run, not of their task, or given again by the same person: {}.",
            labels(people.left_out as u64)
        ));
    }
    notes.extend(head.notes());
    parts.push(notes::below(&notes, layout).trim_start_matches('\n').to_owned());
    parts.join("\n")
}

/// A table before it is laid out.
type Table = (&'static [&'static str], Vec<Vec<Cell>>);

fn rows(people: &People) -> Table {
    let line = |row: &PeopleRow| {
        let alone = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), coefficient);
        let mut cells = names(row.task, row.scenario);
        cells.extend([row.samples, row.double_labelled].map(|n| Cell::new(count(n))));
        cells.extend([rate(row.observed), Cell::new(alone(row.alpha))]);
        cells.extend([rate(row.observed_pass), Cell::new(alone(row.alpha_pass))]);
        cells
    };
    let headers =
        &["Task", "Scenario", "Samples", "By several", "Same label", "α", "Same pass or fail", "α of pass"];
    (headers, people.rows.iter().map(line).collect())
}

fn pairs(people: &People) -> Table {
    let line = |row: &PeopleRow, pair: &PairRow| {
        let [a, b] = &pair.annotators;
        let mut cells = names(row.task, row.scenario);
        cells.push(Cell::new(format!("{} – {}", name(a.as_deref()), name(b.as_deref()))));
        cells.push(Cell::new(count(pair.samples)));
        for of in [&pair.by_label, &pair.by_pass] {
            cells.extend([chance(of.kappa), chance(of.ac1)]);
        }
        cells
    };
    let headers = &["Task", "Scenario", "Between", "Samples", "κ", "AC1", "κ of pass", "AC1 of pass"];
    let rows = people.rows.iter().flat_map(|row| row.pairs.iter().map(move |pair| line(row, pair)));
    (headers, rows.collect())
}

fn everyone(people: &People) -> Table {
    let line = |row: &AnnotatorRow| {
        vec![
            Cell::new(name(row.annotator.as_deref())),
            Cell::new(row.task.name()),
            Cell::new(count(row.labels)),
            Cell::new(row.agreed.map_or_else(|| NONE.to_owned(), |r| whole(r.n))),
            rate(row.agreed),
        ]
    };
    let headers = &["Annotator", "Task", "Samples", "By others too", "As the others say"];
    (headers, people.annotators.iter().map(line).collect())
}

fn names(task: Task, scenario: Option<Scenario>) -> Vec<Cell> {
    [task.name(), scenario.map_or("all", Scenario::abbreviation)].map(Cell::new).into()
}

fn name(annotator: Option<&str>) -> &str {
    annotator.unwrap_or("unnamed")
}

fn reading(people: &People, place: &str, level: Level) -> Vec<String> {
    let mut notes = Vec::new();
    if people.rows.iter().all(|row| row.double_labelled == 0) {
        notes.push("No sample has labels of two people: how far they agree is unknown.".to_owned());
    }
    let (all, open) = (people.disagreements.len() as u64, people.open() as u64);
    let one = if all == 1 { "disagreement" } else { "disagreements" };
    notes.push(match (all, open) {
        (0, _) => "No two people disagree on a sample.".to_owned(),
        (_, 0) => format!("{} {one}, decided by adjudication.", count(all)),
        _ => format!(
            "{} {one}, {} of them open: decide before labels correct anything.",
            count(all),
            count(open)
        ),
    });
    notes.push(
        "Same label: of the samples that several people labelled, how often two of them say the same; As the others say: \
         how often others say what this one does. Decisions take no part. Over all scenarios coefficients of thinking are \
         flattered, since scenarios have labels of their own: go by each."
            .to_owned(),
    );
    notes.push(format!(
        "{place}: {} intervals, Wilson for shares, normal for κ and AC1. They take samples as independent, also those of \
         one instance.",
        percent_level(level)
    ));
    notes
}

/// `undersight.people/v1`: people beside each other; `level` is that of the intervals.
#[must_use]
pub fn people_json(head: &Head<'_>, people: &People, level: Level) -> Value {
    let pair = |pair: &PairRow| {
        json!({
            "annotators": pair.annotators,
            "samples": pair.samples,
            "by_label": measures_json(&pair.by_label, level),
            "by_pass": measures_json(&pair.by_pass, level),
        })
    };
    let row = |row: &PeopleRow| {
        json!({
            "task": row.task,
            "scenario": row.scenario,
            "samples": row.samples,
            "double_labelled": row.double_labelled,
            "observed": rate_json(row.observed, level),
            "observed_pass": rate_json(row.observed_pass, level),
            "alpha": row.alpha,
            "alpha_pass": row.alpha_pass,
            "pairs": row.pairs.iter().map(pair).collect::<Vec<_>>(),
        })
    };
    let annotator = |row: &AnnotatorRow| {
        json!({
            "annotator": row.annotator,
            "task": row.task,
            "labels": row.labels,
            "agreed": rate_json(row.agreed, level),
        })
    };
    let said = |(annotator, label): &(Option<String>, Label)| json!({ "annotator": annotator, "label": label.name() });
    let disagreement = |d: &Disagreement| {
        json!({
            "id": d.id,
            "index": d.index,
            "task": d.task,
            "labels": d.labels.iter().map(said).collect::<Vec<_>>(),
            "adjudicated": d.adjudicated.map(Label::name),
        })
    };
    let body = json!({
        "rows": people.rows.iter().map(row).collect::<Vec<_>>(),
        "annotators": people.annotators.iter().map(annotator).collect::<Vec<_>>(),
        "disagreements": people.disagreements.iter().map(disagreement).collect::<Vec<_>>(),
        "open": people.open(),
        "left_out": people.left_out,
    });
    head.document("undersight.people/v1", body)
}
