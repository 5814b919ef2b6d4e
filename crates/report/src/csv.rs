//! CSV: the reference scorer's columns, our long form, and cells that cannot start a formula in a spreadsheet.

use std::borrow::Cow;
use std::io::{self, Write};

use undersight_metrics::{Estimate, Metrics, OfficialScores, Scores};

use crate::view::RunLine;

/// Text as a CSV cell that no spreadsheet takes for a formula: a `'` goes before `=`, `+`, `-`, `@`, a tab or a line
/// break at the start. Plain numbers stay as they are.
#[must_use]
pub fn neutral(text: &str) -> Cow<'_, str> {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if risky && !is_number(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

fn is_number(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'))
        && text.parse::<f64>().is_ok()
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

const LONG: [&str; 18] = [
    "run",
    "model",
    "simulated_model",
    "judge",
    "simulated_judge",
    "group",
    "name",
    "instances",
    "metric",
    "k",
    "alpha",
    "missing",
    "passes",
    "of",
    "value",
    "low",
    "high",
    "unknown",
];

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
    let mut line = |metric: &str, cells: [String; 6]| {
        let head = [
            neutral(&s.run).into_owned(),
            run.model.map(|m| neutral(m.as_str()).into_owned()).unwrap_or_default(),
            run.simulated_model().to_string(),
            run.judge.map(|j| neutral(j.model.as_str()).into_owned()).unwrap_or_default(),
            run.simulated_judge().to_string(),
            group.to_owned(),
            name.to_owned(),
            metrics.items.to_string(),
            metric.to_owned(),
            s.k.to_string(),
            s.f.alpha.to_string(),
            s.missing.name().to_owned(),
        ];
        csv.write_record(head.into_iter().chain(cells)).map_err(io_error)
    };
    let number = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
    let cells = |e: &Estimate| {
        [
            e.share.passes.to_string(),
            e.share.of.to_string(),
            number(e.share.value()),
            number(e.low.value()),
            number(e.high.value()),
            e.open().to_string(),
        ]
    };
    line("safe@1", cells(&metrics.safe.at_1))?;
    line("safe@k", cells(&metrics.safe.at_k))?;
    line("think@1", cells(&metrics.think.at_1))?;
    line("think@k", cells(&metrics.think.at_k))?;
    line("ssa", cells(&metrics.ssa))?;
    if group == "all" {
        let f = &s.f;
        let none = String::new;
        line("f", [none(), none(), number(f.value), number(f.low), number(f.high), none()])?;
    }
    Ok(())
}
