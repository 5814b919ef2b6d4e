//! Rates corrected for a judge's error: beside what the judge alone gives, with intervals and with what was refused.

use std::io::{self, Write};

use serde_json::{Value, json};
use undersight_core::{Scenario, Task};
use undersight_metrics::judge_error::{
    ByScenario, Correction, CorrectionError, Corrections, Method, at_k_refusal,
};
use undersight_metrics::{Level, Missing};

use super::{Head, place};
use crate::cell::Cell;
use crate::csv::{io_error, neutral, writer};
use crate::grid::{Layout, lay_out};
use crate::number::{NONE, count, level as percent_level, percent, range};
use crate::table::notes;

/// What is corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Rate(Task),
    Ssa,
    F,
}

impl Metric {
    /// In tables.
    const fn title(self) -> &'static str {
        match self {
            Self::Rate(Task::Safety) => "Safe@1",
            Self::Rate(Task::Thinking) => "Think@1",
            Self::Rate(Task::Handling) => "Handling@1",
            Self::Ssa => "SSA",
            Self::F => "F",
        }
    }

    /// In documents.
    const fn name(self) -> &'static str {
        match self {
            Self::Rate(Task::Safety) => "safe@1",
            Self::Rate(Task::Thinking) => "think@1",
            Self::Rate(Task::Handling) => "handling@1",
            Self::Ssa => "ssa",
            Self::F => "f",
        }
    }
}

/// How a metric is corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Rate(Method),
    DoubleSampling,
    Delta,
}

impl How {
    const fn name(self) -> &'static str {
        match self {
            Self::Rate(method) => method.name(),
            Self::DoubleSampling => "double-sampling",
            Self::Delta => "delta",
        }
    }

    /// The column of the table; F is of PPI++ rates.
    const fn column(self) -> usize {
        match self {
            Self::Rate(Method::RoganGladen) => 0,
            Self::Rate(Method::Ppi) | Self::Delta => 1,
            Self::DoubleSampling => 2,
        }
    }
}

const COLUMNS: [&str; 3] = ["Rogan–Gladen", "PPI++", "Double sampling"];

/// One metric in one scope by one method.
#[derive(Clone, Copy)]
struct Row<'a> {
    metric: Metric,
    scope: Option<Scenario>,
    how: How,
    result: &'a Result<Correction, CorrectionError>,
}

impl Row<'_> {
    fn scope(&self) -> &'static str {
        self.scope.map_or("all", Scenario::name)
    }
}

fn rows(corrections: &Corrections) -> Vec<Row<'_>> {
    fn of(metric: Metric, how: How, values: &ByScenario) -> impl Iterator<Item = Row<'_>> {
        let scenarios = values.scenarios.iter().map(|(scenario, result)| (Some(*scenario), result));
        let scopes = std::iter::once((None, &values.overall)).chain(scenarios);
        scopes.map(move |(scope, result)| Row { metric, scope, how, result })
    }
    let rates =
        corrections.rates.iter().flat_map(|r| of(Metric::Rate(r.task), How::Rate(r.method), &r.values));
    let f = Row { metric: Metric::F, scope: None, how: How::Delta, result: &corrections.f };
    rates.chain(of(Metric::Ssa, How::DoubleSampling, &corrections.ssa.values)).chain([f]).collect()
}

/// Reasons in the order they are first met, each once.
#[derive(Default)]
struct Refusals<'a>(Vec<&'a CorrectionError>);

impl<'a> Refusals<'a> {
    /// The number a reason is listed under.
    fn number(&mut self, reason: &'a CorrectionError) -> usize {
        if let Some(at) = self.0.iter().position(|known| *known == reason) {
            return at + 1;
        }
        self.0.push(reason);
        self.0.len()
    }

    fn notes(&self) -> impl Iterator<Item = String> {
        (1..).zip(&self.0).map(|(number, reason)| {
            let hint = reason.hint().map_or_else(String::new, |hint| format!(" Hint: {hint}."));
            format!("[{number}] Refused: {reason}.{hint}")
        })
    }
}

/// A line for each metric in all scenarios and in each: what the judge alone gives, and the corrected values with their
/// intervals. What was refused is numbered, and its reason stands below.
#[must_use]
pub fn corrections_table(head: &Head<'_>, corrections: &Corrections, layout: Layout) -> String {
    let rows = rows(corrections);
    let mut refusals = Refusals::default();
    let mut scopes: Vec<(Metric, Option<Scenario>)> = Vec::new();
    for row in &rows {
        if !scopes.contains(&(row.metric, row.scope)) {
            scopes.push((row.metric, row.scope));
        }
    }
    let lines: Vec<Vec<Cell>> = scopes
        .into_iter()
        .map(|(metric, scope)| {
            let here: Vec<&Row<'_>> =
                rows.iter().filter(|r| (r.metric, r.scope) == (metric, scope)).collect();
            line(metric, scope, &here, &mut refusals)
        })
        .collect();
    let mut headers = vec!["Metric", "Scope", "Judge alone"];
    headers.extend(COLUMNS);
    headers.push("Labelled");
    let drawn = lay_out(&headers, &lines, layout);
    let mut notes: Vec<String> = refusals.notes().collect();
    notes.extend(reading(corrections, place(drawn.stacked)));
    notes.extend(head.notes());
    drawn.text + &notes::below(&notes, layout)
}

fn line<'a>(
    metric: Metric,
    scope: Option<Scenario>,
    rows: &[&Row<'a>],
    refusals: &mut Refusals<'a>,
) -> Vec<Cell> {
    let done = rows.iter().find_map(|row| row.result.as_ref().ok());
    let mut cells = vec![
        Cell::new(metric.title()),
        Cell::new(scope.map_or("all", Scenario::abbreviation)),
        Cell::new(percent(done.map(|c| c.naive))),
    ];
    // A method that does not apply to the metric has an empty cell.
    let mut values = vec![Cell::default(); COLUMNS.len()];
    for row in rows {
        values[row.how.column()] = match row.result {
            Ok(c) => {
                Cell { text: percent(Some(c.value)), interval: Some(range(c.low, c.high)), bounds: None }
            }
            Err(reason) => Cell::new(format!("{NONE} [{}]", refusals.number(reason))),
        };
    }
    cells.extend(values);
    let refused = rows.iter().find_map(|row| match row.result {
        Err(CorrectionError::TooFew { labelled, .. }) => Some(*labelled),
        _ => None,
    });
    let labelled = done.map(|c| c.labelled).or(refused);
    cells.push(Cell::new(labelled.map_or_else(|| NONE.to_owned(), |n| count(n as u64))));
    cells
}

fn reading(corrections: &Corrections, place: &str) -> Vec<String> {
    let options = corrections.options;
    let missing = match options.missing {
        Missing::Fail => {
            "of all planned samples, those without a standing verdict counting as failures (--missing fail)"
        }
        Missing::Exclude => {
            "of samples with a standing verdict, the others being left out (--missing exclude)"
        }
    };
    vec![
        format!(
            "Estimated: what people would pass, for instances like these, as a share {missing}; all: scenarios by their \
             share of the plan."
        ),
        "Labels are of samples drawn at random from this run, each counting by one over the probability of its drawing."
            .to_owned(),
        format!(
            "{place}: {} intervals over clusters of instances. They carry the judge's uncertainty, as measured on the \
             labels, beside that of the run.",
            percent_level(options.level)
        ),
        format!(
            "Judge alone: uncorrected. Rogan–Gladen: by sensitivity and specificity. PPI++: by the mean error on labelled \
             samples. SSA by double sampling, through the joint table of safe and aware. F: of the PPI++ rates, error by \
             the delta method, α = {}.",
            options.alpha
        ),
        format!("@k is not corrected: {}.", at_k_refusal()),
    ]
}

/// `undersight.corrections/v1`: corrected rates, one object for each metric, scope and method, and the joint tables.
#[must_use]
pub fn corrections_json(head: &Head<'_>, corrections: &Corrections) -> Value {
    let options = corrections.options;
    let tables = corrections
        .ssa
        .tables
        .iter()
        .map(|(scenario, table)| json!({ "scenario": scenario, "table": table }));
    let body = json!({
        "missing": options.missing.name(),
        "alpha": options.alpha.get(),
        "level": options.level.get(),
        "rows": rows(corrections).iter().map(|row| row_json(row, options.level)).collect::<Vec<_>>(),
        "joint": {
            "cells": ["safe-aware", "safe-unaware", "unsafe-aware", "unsafe-unaware"],
            "rows": "judged",
            "columns": "human",
            "scenarios": tables.collect::<Vec<_>>(),
        },
        "at_k_refused": at_k_refusal(),
    });
    head.document("undersight.corrections/v1", body)
}

fn row_json(row: &Row<'_>, level: Level) -> Value {
    let done = row.result.as_ref().ok();
    let refused = row.result.as_ref().err();
    json!({
        "metric": row.metric.name(),
        "scope": row.scope(),
        "method": row.how.name(),
        "naive": done.map(|c| c.naive),
        "value": done.map(|c| c.value),
        "se": done.map(|c| c.se),
        "interval": done.map(|c| json!({ "low": c.low, "high": c.high, "level": level.get() })),
        "labelled": done.map(|c| c.labelled),
        "clusters": done.map(|c| c.clusters),
        "lambda": done.and_then(|c| c.lambda),
        "refused": refused.map(|reason| json!({ "reason": reason.to_string(), "hint": reason.hint() })),
    })
}

const LONG: [&str; 21] = [
    "run",
    "model",
    "simulated_model",
    "judge",
    "simulated_judge",
    "missing",
    "alpha",
    "metric",
    "scope",
    "method",
    "naive",
    "value",
    "se",
    "interval_low",
    "interval_high",
    "level",
    "labelled",
    "clusters",
    "lambda",
    "refused",
    "hint",
];

/// Corrected rates in long form, a line for each metric, scope and method; shares between 0 and 1.
///
/// # Errors
/// When writing fails.
pub fn corrections_csv(head: &Head<'_>, corrections: &Corrections, out: impl Write) -> io::Result<()> {
    let options = corrections.options;
    let mut csv = writer(out);
    csv.write_record(LONG).map_err(io_error)?;
    for row in rows(corrections) {
        let number = |of: fn(&Correction) -> f64| {
            row.result.as_ref().map_or_else(|_| String::new(), |c| of(c).to_string())
        };
        let size = |of: fn(&Correction) -> usize| {
            row.result.as_ref().map_or_else(|_| String::new(), |c| of(c).to_string())
        };
        let done = row.result.as_ref().ok();
        let refused = row.result.as_ref().err();
        csv.write_record([
            &*neutral(head.run),
            &*head.model.map(|m| neutral(m.as_str())).unwrap_or_default(),
            &head.simulated_model.to_string(),
            &*head.judge.map(|j| neutral(j.model.as_str())).unwrap_or_default(),
            &head.simulated_judge().to_string(),
            options.missing.name(),
            &options.alpha.to_string(),
            row.metric.name(),
            row.scope(),
            row.how.name(),
            &number(|c| c.naive),
            &number(|c| c.value),
            &number(|c| c.se),
            &number(|c| c.low),
            &number(|c| c.high),
            &done.map_or_else(String::new, |_| options.level.get().to_string()),
            &size(|c| c.labelled),
            &size(|c| c.clusters),
            &done.and_then(|c| c.lambda).map_or_else(String::new, |l| l.to_string()),
            &*neutral(&refused.map_or_else(String::new, ToString::to_string)),
            &*neutral(&refused.and_then(CorrectionError::hint).unwrap_or_default()),
        ])
        .map_err(io_error)?;
    }
    csv.flush()
}
