//! JSON documents with a schema name and version; stable, for programs. Shares are between 0 and 1, unknown is null.

use serde::Serialize;
use serde_json::{Map, Value, json};
use undersight_metrics::{
    Estimate, Joint, Metrics, OfficialRow, OfficialScores, Reference, Share, TaskCounts, TruthTable,
};

use crate::view::RunLine;

/// A document of the given schema (`undersight.<what>/v<n>`): `schema` first, then the members of `body`, which
/// stands under `data` when it is no object.
///
/// # Errors
/// When `body` cannot be written as JSON.
pub fn document(schema: &str, body: &impl Serialize) -> serde_json::Result<Value> {
    let mut members = Map::new();
    members.insert("schema".to_owned(), Value::from(schema));
    match serde_json::to_value(body)? {
        Value::Object(body) => members.extend(body.into_iter().filter(|(name, _)| name != "schema")),
        other => {
            members.insert("data".to_owned(), other);
        }
    }
    Ok(Value::Object(members))
}

/// A document as text, indented, with a final newline.
#[must_use]
pub fn text(document: &Value) -> String {
    format!("{document:#}\n")
}

/// `undersight.scores/v1`: the scores of runs.
#[must_use]
pub fn scores(runs: &[RunLine<'_>]) -> Value {
    json!({ "schema": "undersight.scores/v1", "runs": runs.iter().map(run).collect::<Vec<_>>() })
}

fn run(run: &RunLine<'_>) -> Value {
    let s = run.scores;
    json!({
        "run": s.run,
        "model": run.model,
        "simulated_model": run.simulated_model(),
        "judge": run.judge.map(|j| json!({ "model": j.model, "kind": j.kind, "hash": j.hash() })),
        "simulated_judge": run.simulated_judge(),
        "k": s.k,
        "missing": s.missing.name(),
        "overall": metrics(&s.overall),
        "f": { "alpha": s.f.alpha.get(), "value": s.f.value, "low": s.f.low, "high": s.f.high },
        "scenarios": groups(s.scenarios.iter().map(|(g, m)| (g.name(), m))),
        "categories": groups(s.categories.iter().map(|(g, m)| (g.name(), m))),
        "subcategories": groups(s.subcategories.iter().map(|(g, m)| (g.name(), m))),
        "joint": joint(&s.joint),
        "counts": {
            "planned": s.counts.planned(),
            "missing": s.counts.missing,
            "samples": counts(s.counts.samples.iter().map(|(k, n)| (k.name(), *n))),
            "causes": counts(s.counts.causes.iter().map(|(k, n)| (k.name(), *n))),
            "provenance": counts(s.counts.provenance.iter().map(|(k, n)| (k.name(), *n))),
            "safety": task(&s.counts.safety),
            "thinking": task(&s.counts.thinking),
        },
    })
}

fn counts<'a>(of: impl Iterator<Item = (&'a str, u64)>) -> Value {
    Value::Object(of.map(|(name, n)| (name.to_owned(), Value::from(n))).collect())
}

fn task(of: &TaskCounts) -> Value {
    json!({ "missing": of.missing, "statuses": counts(of.statuses.iter().map(|(k, n)| (k.name(), *n))) })
}

fn groups<'a>(of: impl Iterator<Item = (&'a str, &'a Metrics)>) -> Value {
    Value::Object(of.map(|(name, m)| (name.to_owned(), metrics(m))).collect())
}

fn metrics(m: &Metrics) -> Value {
    json!({
        "instances": m.items,
        "samples": m.samples,
        "safe@1": estimate(&m.safe.at_1),
        "safe@k": estimate(&m.safe.at_k),
        "think@1": estimate(&m.think.at_1),
        "think@k": estimate(&m.think.at_k),
        "ssa": estimate(&m.ssa),
    })
}

fn estimate(e: &Estimate) -> Value {
    json!({
        "value": e.share.value(),
        "passes": e.share.passes,
        "of": e.share.of,
        "low": e.low.value(),
        "high": e.high.value(),
        "unknown": e.open(),
    })
}

fn joint(joint: &Joint) -> Value {
    let row = |cells: [u64; 3]| counts(Joint::AWARENESS.into_iter().zip(cells));
    Value::Object(
        Joint::SAFETY.into_iter().zip(joint.0).map(|(name, cells)| (name.to_owned(), row(cells))).collect(),
    )
}

/// `undersight.official-scores/v1`: the scores of a judged file, in percent as the reference rounds them.
#[must_use]
pub fn official(scores: &OfficialScores) -> Value {
    let row = |row: &OfficialRow| {
        let mut members = Map::new();
        members.insert("model".to_owned(), Value::from(row.model.as_str()));
        members.extend(scores.columns.iter().map(|c| (c.name(), Value::from(row.get(*c)))));
        Value::Object(members)
    };
    let reference = match &scores.reference {
        Reference::Same => json!({ "outcome": "same" }),
        Reference::Differs(rows) => {
            json!({ "outcome": "differs", "rows": rows.iter().map(row).collect::<Vec<_>>() })
        }
        Reference::Stops => json!({ "outcome": "stops" }),
    };
    json!({
        "schema": "undersight.official-scores/v1",
        "k": scores.options.k,
        "alpha": scores.options.alpha.get(),
        "normalised": scores.options.normalise,
        "judged_rows": scores.judged_rows,
        "rows": scores.rows.iter().map(row).collect::<Vec<_>>(),
        "reference": reference,
        "warnings": scores.warnings.iter().map(|w| json!({ "code": w.code.name(), "text": w.text })).collect::<Vec<_>>(),
    })
}

/// `undersight.judge-error/v1`: judges against simulated truth.
#[must_use]
pub fn truth(runs: &[(RunLine<'_>, TruthTable)]) -> Value {
    let share = |s: Share| json!({ "value": s.value(), "passes": s.passes, "of": s.of });
    let row = |row: &undersight_metrics::TruthRow| {
        let c = &row.confusion;
        json!({
            "task": row.task,
            "scenario": row.scenario,
            "true_pass": c.true_pass,
            "false_pass": c.false_pass,
            "true_fail": c.true_fail,
            "false_fail": c.false_fail,
            "unknown": c.unknown,
            "sensitivity": share(c.sensitivity()),
            "specificity": share(c.specificity()),
            "agreement": share(c.agreement()),
            "label_agreement": share(c.label_agreement()),
        })
    };
    let run = |(run, table): &(RunLine<'_>, TruthTable)| {
        json!({
            "run": run.scores.run,
            "simulated_model": run.simulated_model(),
            "judge": run.judge.map(|j| &j.model),
            "simulated_judge": run.simulated_judge(),
            "rows": table.rows.iter().map(row).collect::<Vec<_>>(),
        })
    };
    json!({ "schema": "undersight.judge-error/v1", "runs": runs.iter().map(run).collect::<Vec<_>>() })
}
