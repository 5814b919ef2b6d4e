//! How far a judge agrees with people: rates, coefficients, confusion tables, and how far people agree among themselves.

use serde_json::{Value, json};
use undersight_core::Scenario;
use undersight_metrics::judge_error::{Agreement, AgreementRow, Chance, MeasuredRate, Measures};
use undersight_metrics::{Interval, Level, Method};

use super::{Head, place};
use crate::cell::Cell;
use crate::grid::{Drawn, Layout, fits, grid, lay_out};
use crate::json::interval;
use crate::number::{NONE, count, level as percent_level, percent, range, whole};
use crate::table::notes;

/// Columns before those that measure: task, scenario.
const NAMES: [&str; 2] = ["Task", "Scenario"];
const RATES: [&str; 4] = ["Labels", "Prevalence", "Sensitivity", "Specificity"];
const MEASURES: [&str; 4] = ["Agreement", "κ", "AC1", "α"];

/// A line for each task in all scenarios and in each, then the confusion tables of labels, then how far people agree
/// among themselves, with notes. `level` is that of the intervals. Where one table does not fit, rates and coefficients
/// are two.
#[must_use]
pub fn agreement_table(head: &Head<'_>, agreement: &Agreement, level: Level, layout: Layout) -> String {
    let rows = &agreement.rows;
    let mut notes = Vec::new();
    let mut parts = Vec::new();
    if rows.is_empty() {
        notes.push("No label is of this run.".to_owned());
    } else {
        let (main, stacked) = main_tables(rows, layout);
        parts.push(main);
        parts.extend(confusion_tables(rows, layout));
        parts.extend(label_measures(rows, layout));
        parts.extend(between_people(rows, layout));
        notes.extend(reading(rows, place(stacked), level));
    }
    if agreement.left_out > 0 {
        notes.push(format!(
            "Left out, as they are not of this run or not of their task: {}.",
            labels(agreement.left_out as u64)
        ));
    }
    notes.extend(head.notes());
    parts.push(notes::below(&notes, layout).trim_start_matches('\n').to_owned());
    parts.join("\n")
}

fn main_tables(rows: &[AgreementRow], layout: Layout) -> (String, bool) {
    let part = |headers: &[&'static str], cells: &dyn Fn(&AgreementRow) -> Vec<Cell>| {
        let headers: Vec<&'static str> = NAMES.iter().chain(headers).copied().collect();
        let rows: Vec<Vec<Cell>> =
            rows.iter().map(|r| names(r).into_iter().chain(cells(r)).collect()).collect();
        (headers, rows)
    };
    let (headers, cells) = part(&[RATES, MEASURES].concat(), &|r| [rates(r), measures(&r.by_pass)].concat());
    let drawn = lay_out(&headers, &cells, layout);
    let Layout::Terminal { width } = layout else { return (drawn.text, drawn.stacked) };
    if drawn.stacked && fits(&drawn.text, width) {
        return (drawn.text, true);
    }
    let halves = [part(&RATES, &rates), part(&MEASURES, &|r| measures(&r.by_pass))];
    let halves = halves.map(|(headers, cells)| lay_out(&headers, &cells, layout));
    let stacked = halves.iter().all(|half| half.stacked);
    (halves.map(|Drawn { text, .. }| text).join("\n"), stacked)
}

fn names(row: &AgreementRow) -> Vec<Cell> {
    [row.task.name(), row.scenario.map_or("all", Scenario::abbreviation)].map(Cell::new).into()
}

fn rates(row: &AgreementRow) -> Vec<Cell> {
    let compared = Cell::new(count(row.confusion.agreement().of));
    std::iter::once(compared).chain([row.prevalence, row.sensitivity, row.specificity].map(rate)).collect()
}

pub(super) fn rate(rate: Option<MeasuredRate>) -> Cell {
    let interval = rate.map(|r| range(r.low, r.high));
    Cell { text: percent(rate.map(|r| r.value)), interval, bounds: None }
}

fn measures(of: &Measures) -> Vec<Cell> {
    let alone = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), coefficient);
    vec![Cell::new(percent(of.observed)), chance(of.kappa), chance(of.ac1), Cell::new(alone(of.alpha))]
}

pub(super) fn chance(chance: Option<Chance>) -> Cell {
    let interval = chance.map(|c| format!("{} to {}", coefficient(c.low), coefficient(c.high)));
    Cell { text: chance.map_or_else(|| NONE.to_owned(), |c| coefficient(c.value)), interval, bounds: None }
}

/// `0.61`, `−0.12`.
pub(super) fn coefficient(value: f64) -> String {
    let size = format!("{:.2}", value.abs());
    if value < 0.0 && size != "0.00" { format!("−{size}") } else { size }
}

/// One table for each task and scenario; those of all scenarios are their sums.
fn confusion_tables(rows: &[AgreementRow], layout: Layout) -> impl Iterator<Item = String> {
    rows.iter().filter_map(move |row| {
        let scenario = row.scenario?.abbreviation();
        let headers: Vec<String> = std::iter::once(format!("{} {scenario}", row.task.name()))
            .chain(row.labels.iter().map(|label| label.name().to_owned()))
            .collect();
        let lines: Vec<Vec<String>> = row
            .labels
            .iter()
            .zip(&row.table)
            .map(|(label, line)| {
                std::iter::once(label.name().to_owned()).chain(line.iter().map(|n| whole(*n))).collect()
            })
            .collect();
        Some(grid(&headers, &lines, layout))
    })
}

/// Agreement in the very label, where that says more than pass and fail.
fn label_measures(rows: &[AgreementRow], layout: Layout) -> Option<String> {
    let lines: Vec<Vec<Cell>> = rows
        .iter()
        .filter(|row| row.labels.len() > 2)
        .map(|row| names(row).into_iter().chain(measures(&row.by_label)).collect())
        .collect();
    let headers = ["Task", "Scenario", "Same label", "κ", "AC1", "α"];
    (!lines.is_empty()).then(|| lay_out(&headers, &lines, layout).text)
}

fn between_people(rows: &[AgreementRow], layout: Layout) -> Option<String> {
    let lines: Vec<Vec<Cell>> = rows
        .iter()
        .filter(|row| row.double_labelled > 0)
        .map(|row| {
            let alpha = row.between_people.map_or_else(|| NONE.to_owned(), coefficient);
            names(row).into_iter().chain([count(row.double_labelled), alpha].map(Cell::new)).collect()
        })
        .collect();
    let headers = ["Task", "Scenario", "Labelled twice", "α of people"];
    (!lines.is_empty()).then(|| lay_out(&headers, &lines, layout).text)
}

fn reading(rows: &[AgreementRow], place: &str, level: Level) -> Vec<String> {
    let mut notes = vec![
        "People are taken for the truth, every annotator's label as one. Prevalence: passed by people. Sensitivity: of \
         what people pass, passed by the judge. Specificity: of what people fail, failed by the judge. Agreement, κ, AC1 \
         and α: of pass and fail, and in the table headed Same label of the very labels."
            .to_owned(),
        if rows.iter().all(|row| row.weighted) {
            "Prevalence, sensitivity and specificity weight each label by one over the probability of its drawing; all else \
             counts every label the same."
        } else {
            "Every label counts the same, as not all were drawn with a known probability: rates are of these labels, not \
             of the run."
        }
        .to_owned(),
        format!(
            "{place}: {} intervals, Wilson for shares, normal for κ and AC1. They take labels as independent, also those of \
             one instance.",
            percent_level(level)
        ),
        "Counts of labels: a line is what people say, a column what the judge says.".to_owned(),
    ];
    if rows.iter().any(|row| row.uneven) {
        notes.push(
            "Samples of one scenario were drawn with different probabilities: agreement, κ, AC1, α and the counts are of \
             these labels, in which what was drawn more often weighs more, and not of the run."
                .to_owned(),
        );
    }
    let unknown: u64 = rows.iter().filter(|r| r.scenario.is_none()).map(|r| r.confusion.unknown).sum();
    if unknown > 0 {
        notes.push(format!(
            "Of samples without a standing verdict, counted in prevalence only: {}.",
            labels(unknown)
        ));
    }
    if rows.iter().all(|row| row.double_labelled == 0) {
        notes.push(
            "No sample has labels of two people: how far they agree among themselves is unknown.".to_owned(),
        );
    }
    notes
}

pub(super) fn labels(n: u64) -> String {
    format!("{} label{}", count(n), if n == 1 { "" } else { "s" })
}

/// `undersight.agreement/v1`: a judge beside people; `level` is that of the intervals.
#[must_use]
pub fn agreement_json(head: &Head<'_>, agreement: &Agreement, level: Level) -> Value {
    let rate = |rate: Option<MeasuredRate>| rate_json(rate, level);
    let measures = |of: &Measures| measures_json(of, level);
    let row = |row: &AgreementRow| {
        let c = &row.confusion;
        json!({
            "task": row.task,
            "scenario": row.scenario,
            "labels": row.labels.iter().map(|label| label.name()).collect::<Vec<_>>(),
            "table": row.table,
            "true_pass": c.true_pass,
            "false_pass": c.false_pass,
            "true_fail": c.true_fail,
            "false_fail": c.false_fail,
            "unknown": c.unknown,
            "same_label": c.same_label,
            "by_label": measures(&row.by_label),
            "by_pass": measures(&row.by_pass),
            "weighted": row.weighted,
            "uneven": row.uneven,
            "prevalence": rate(row.prevalence),
            "sensitivity": rate(row.sensitivity),
            "specificity": rate(row.specificity),
            "double_labelled": row.double_labelled,
            "between_people": row.between_people,
        })
    };
    let body = json!({
        "left_out": agreement.left_out,
        "rows": agreement.rows.iter().map(row).collect::<Vec<_>>(),
    });
    head.document("undersight.agreement/v1", body)
}

pub(super) fn rate_json(rate: Option<MeasuredRate>, level: Level) -> Value {
    let interval = |r: &MeasuredRate| {
        interval(Some(Interval { low: r.low, high: r.high, method: Method::Wilson }), level)
    };
    rate.map_or(Value::Null, |r| json!({ "value": r.value, "n": r.n, "interval": interval(&r) }))
}

pub(super) fn measures_json(of: &Measures, level: Level) -> Value {
    let chance = |chance: Option<Chance>| {
        chance.map(|Chance { value, low, high }| {
            let interval = interval(Some(Interval { low, high, method: Method::Normal }), level);
            json!({ "value": value, "interval": interval })
        })
    };
    json!({ "observed": of.observed, "kappa": chance(of.kappa), "ac1": chance(of.ac1), "alpha": of.alpha })
}
