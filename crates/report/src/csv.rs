//! CSV: the reference scorer's columns, our long form, and cells that cannot start a formula in a spreadsheet.

use std::borrow::Cow;
use std::io::{self, Write};

use undersight_core::text::starts_formula;
use undersight_metrics::{Estimate, Interval, Metrics, OfficialScores, Scores};

use crate::view::RunLine;

/// Text as a CSV cell that no spreadsheet takes for a formula: a `'` goes before `=`, `+`, `-`, `@`, a tab or a line
/// break at the start. Plain numbers stay as they are.
#[must_use]
pub fn neutral(text: &str) -> Cow<'_, str> {
    if starts_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

pub(crate) fn writer<W: Write>(out: W) -> csv::Writer<W> {
    csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(out)
}

/// Keeps the kind of what failed below, which `csv`'s own conversion loses: a closed pipe is no failure.
pub(crate) fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(io) => io,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// The reference scorer's output, byte for byte but for neutralised model names.
///
/// # Errors
/// When writing fails.
pub fn official(scores: &OfficialScores, out: impl Write) -> io::Result<()> {
    let mut csv = writer(out);
    csv.write_record(std::iter::once("model".to_owned()).chain(scores.columns.iter().map(|c| c.name())))
        .map_err(io_error)?;
    for row in &scores.rows {
        // `{:?}` is the shortest form that reads back as the same number, with a decimal point, as pandas writes it.
        let cells = scores.columns.iter().map(|c| row.get(*c).map_or_else(String::new, |v| format!("{v:?}")));
        csv.write_record(std::iter::once(neutral(&row.model).into_owned()).chain(cells)).map_err(io_error)?;
    }
    csv.flush()
}

const LONG: [&str; 24] = [
    "run",
    "model",
    "simulated_model",
    "judge",
    "simulated_judge",
    "group",
    "name",
    "instances",
    "clusters",
    "metric",
    "k",
    "alpha",
    "missing",
    "passes",
    "of",
    "value",
    "se",
    "interval_low",
    "interval_high",
    "level",
    "method",
    "bound_low",
    "bound_high",
    "unknown",
];

/// What a metric has of its own; nothing is an empty cell.
#[derive(Default)]
struct Row {
    passes: Option<f64>,
    of: Option<f64>,
    value: Option<f64>,
    se: Option<f64>,
    interval: Option<Interval>,
    bounds: (Option<f64>, Option<f64>),
    unknown: Option<f64>,
}

impl From<&Estimate> for Row {
    fn from(e: &Estimate) -> Self {
        Self {
            passes: Some(e.passes),
            of: Some(e.of),
            value: e.value(),
            se: e.se,
            interval: e.interval,
            bounds: (e.low, e.high),
            unknown: Some(e.open),
        }
    }
}

/// Scores in long form, one metric a line; values are shares between 0 and 1, and empty where there are none.
///
/// # Errors
/// When writing fails.
pub fn scores(runs: &[RunLine<'_>], out: impl Write) -> io::Result<()> {
    let mut csv = writer(out);
    csv.write_record(LONG).map_err(io_error)?;
    for run in runs {
        let s = run.scores;
        group(&mut csv, run, "all", "", &s.overall)?;
        for (scenario, metrics) in &s.scenarios {
            group(&mut csv, run, "scenario", scenario.name(), metrics)?;
        }
        for (category, metrics) in &s.categories {
            group(&mut csv, run, "category", category.name(), metrics)?;
        }
        for (subcategory, metrics) in &s.subcategories {
            group(&mut csv, run, "subcategory", subcategory.name(), metrics)?;
        }
    }
    csv.flush()
}

fn group<W: Write>(
    csv: &mut csv::Writer<W>,
    run: &RunLine<'_>,
    group: &str,
    name: &str,
    metrics: &Metrics,
) -> io::Result<()> {
    let s: &Scores = run.scores;
    for (metric, k, row) in rows(metrics, s, group == "all") {
        let number = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
        csv.write_record([
            &*neutral(&s.run),
            &*run.model.map(|m| neutral(m.as_str())).unwrap_or_default(),
            &run.simulated_model().to_string(),
            &*run.judge.map(|j| neutral(j.model.as_str())).unwrap_or_default(),
            &run.simulated_judge().to_string(),
            group,
            name,
            &metrics.items.to_string(),
            &metrics.clusters.to_string(),
            &metric,
            &k.to_string(),
            &s.f.alpha.to_string(),
            s.missing.name(),
            &number(row.passes),
            &number(row.of),
            &number(row.value),
            &number(row.se),
            &number(row.interval.map(|i| i.low)),
            &number(row.interval.map(|i| i.high)),
            &number(row.interval.map(|_| s.inference.level.get())),
            row.interval.map_or("", |i| i.method.name()),
            &number(row.bounds.0),
            &number(row.bounds.1),
            &number(row.unknown),
        ])
        .map_err(io_error)?;
    }
    Ok(())
}

/// The lines of a group: metric, k and numbers. F is of the whole plan only.
fn rows(m: &Metrics, s: &Scores, whole: bool) -> Vec<(String, u32, Row)> {
    let mut rows: Vec<(String, u32, Row)> = [
        ("safe@1", &m.safe.at_1),
        ("safe@k", &m.safe.at_k),
        ("think@1", &m.think.at_1),
        ("think@k", &m.think.at_k),
        ("ssa", &m.ssa),
        ("sound", &m.sound),
        ("escape", &m.escape),
        ("blind", &m.blind),
        ("lucky", &m.lucky),
    ]
    .into_iter()
    .map(|(metric, estimate)| (metric.to_owned(), s.k, estimate.into()))
    .collect();
    for (task, agreement) in [("safe", &m.safe_consistency), ("think", &m.think_consistency)] {
        rows.push((format!("{task}-flips"), s.k, (&agreement.flips).into()));
        rows.push((
            format!("{task}-icc"),
            s.k,
            Row { value: agreement.icc, interval: agreement.icc_interval, ..Row::default() },
        ));
        for (curve, estimates) in [("pass^k", &agreement.all_of), ("pass@k", &agreement.any_of)] {
            rows.extend((1..).zip(estimates).map(|(j, e)| (format!("{task}-{curve}"), j, e.into())));
        }
    }
    if whole {
        let f = &s.f;
        let row =
            Row { value: f.value, se: f.se, interval: f.interval, bounds: (f.low, f.high), ..Row::default() };
        rows.push(("f".to_owned(), s.k, row));
    }
    rows
}
