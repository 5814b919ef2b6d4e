//! Published figures for programs: shares between 0 and 1, beside the digits that were printed.

use serde_json::{Map, Value, json};
use undersight_metrics::published::{FIGURES, Finding, RULES, Rounded, Table, title};
use undersight_metrics::{Alpha, Column, Interval, Level, Method};

use super::{Line, lines, provenance, share};

/// `undersight.published/v1`: tables with what follows from them, the rules, and every finding.
#[must_use]
pub fn json(tables: &[Table], findings: &[Finding], alpha: Alpha) -> Value {
    let table = |table: &Table| json!({ "table": table.name, "rows": lines(table, alpha).map(|l| row(&l)).collect::<Vec<_>>() });
    let rules = RULES.iter().map(|rule| {
        let found = findings.iter().filter(|f| f.code == rule.code).count();
        json!({ "code": rule.code.name(), "holds": rule.holds, "findings": found })
    });
    let finding = |f: &Finding| {
        json!({
            "code": f.code.name(),
            "table": f.table,
            "line": f.row.as_ref().map(|(line, _)| *line),
            "row": f.row.as_ref().map(|(_, row)| row),
            "figure": f.figure.map(title),
            "message": f.message,
            "found": f.found,
            "expected": f.expected.map(|r| json!({ "low": r.low, "high": r.high })),
        })
    };
    json!({
        "schema": "undersight.published/v1",
        "source": provenance(tables),
        "alpha": alpha.get(),
        "tables": tables.iter().map(table).collect::<Vec<_>>(),
        "rules": rules.collect::<Vec<_>>(),
        "findings": findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

fn row(line: &Line<'_>) -> Value {
    let Line { row, recomputed } = line;
    let figures: Map<String, Value> =
        FIGURES.into_iter().map(|column| (title(column).to_owned(), figure(line, column))).collect();
    let [think_1, think_k] = recomputed.think.map(percent);
    json!({
        "line": row.line,
        "model": row.model,
        "arm": row.arm,
        "top_k": row.decoding.top_k,
        "top_p": row.decoding.top_p,
        "temperature": row.decoding.temperature,
        "k": row.k,
        "samples_inferred": row.samples_inferred,
        "figures": figures,
        "recomputed": {
            "think@1": think_1,
            "think@k": think_k,
            "f": percent(recomputed.f),
            "implied_alpha": recomputed.implied_alpha.map(|a| rounded(a, 1.0)),
        },
    })
}

fn figure(line: &Line<'_>, column: Column) -> Value {
    let Some(figure) = line.row.figure(column) else { return Value::Null };
    json!({
        "printed": figure.to_string(),
        "value": share(figure),
        "interval": crate::json::interval(interval(line, column), Level::DEFAULT),
    })
}

/// As shares.
fn interval(line: &Line<'_>, column: Column) -> Option<Interval> {
    let (_, range) = line.recomputed.intervals.iter().find(|(c, _)| *c == column)?;
    Some(Interval::of_share(range.low / 100.0, range.high / 100.0, Method::Wilson))
}

fn percent(of: Option<Rounded>) -> Option<Value> {
    of.map(|r| rounded(r, 100.0))
}

fn rounded(of: Rounded, unit: f64) -> Value {
    json!({ "value": of.value / unit, "low": of.range.low / unit, "high": of.range.high / unit })
}
