//! JSON documents with a schema name and version; stable, for programs. Shares are between 0 and 1, unknown is null.

mod evidence;

use serde::Serialize;
use serde_json::{Map, Number, Value, json};
use undersight_core::JudgeSpec;
use undersight_metrics::card::Rate;
use undersight_metrics::votes::{MemberVotes, TaskVotes};
use undersight_metrics::{
    Clustering, Consistency, Estimand, Estimate, FScore, Inference, Interval, Joint, Level, Metrics,
    OfficialRow, OfficialScores, Reference, Scores, Share, TaskCounts, TruthRow, TruthTable,
};

pub use evidence::evidence;

use crate::number::independent_interval;
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

/// `undersight.scores/v2`: the scores of runs.
#[must_use]
pub fn scores(runs: &[RunLine<'_>]) -> Value {
    json!({ "schema": "undersight.scores/v2", "runs": runs.iter().map(run).collect::<Vec<_>>() })
}

fn run(run: &RunLine<'_>) -> Value {
    let s = run.scores;
    let level = s.inference.level;
    let mut document = json!({
        "run": s.run,
        "model": run.model,
        "simulated_model": run.simulated_model(),
        "judge": run.judge.map(judge),
        "simulated_judge": run.simulated_judge(),
        "k": s.k,
        "missing": s.missing.name(),
        "inference": inference(&s.inference),
        "overall": metrics(&s.overall, level),
        "f": f_score(&s.f, level),
        "scenarios": groups(s.scenarios.iter().map(|(g, m)| (g.name(), m)), level),
        "categories": groups(s.categories.iter().map(|(g, m)| (g.name(), m)), level),
        "subcategories": groups(s.subcategories.iter().map(|(g, m)| (g.name(), m)), level),
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
    });
    if run.self_judged() {
        document["self_judged"] = Value::from(true);
    }
    if let Some(counts) = &s.counts.handling {
        document["counts"]["handling"] = task(counts);
    }
    if let Some(of) = &s.handling {
        document["handling"] = evidence::handling(of, level);
    }
    document
}

/// A judge as documents name it; a panel with its members.
pub(crate) fn judge(judge: &JudgeSpec) -> Value {
    let mut document = json!({ "model": judge.model, "kind": judge.kind, "hash": judge.hash() });
    if !judge.members().is_empty() {
        document["members"] = judge.members().iter().map(|m| json!(m.judge.model)).collect();
    }
    document
}

pub(crate) fn counts<'a>(of: impl Iterator<Item = (&'a str, u64)>) -> Value {
    Value::Object(of.map(|(name, n)| (name.to_owned(), Value::from(n))).collect())
}

fn task(of: &TaskCounts) -> Value {
    json!({ "missing": of.missing, "statuses": counts(of.statuses.iter().map(|(k, n)| (k.name(), *n))) })
}

/// Replicates and seed are null where nothing is resampled.
pub(crate) fn inference(of: &Inference) -> Value {
    let resampled = of.bootstraps();
    json!({
        "level": of.level.get(),
        "method": of.method.name(),
        "estimand": match of.estimand {
            Estimand::Population => "population",
            Estimand::FixedInstances => "fixed-instances",
        },
        "clustering": match of.clustering {
            Clustering::SharedTexts => "shared-texts",
            Clustering::Instances => "instances",
        },
        "replicates": resampled.then_some(of.replicates),
        "seed": resampled.then_some(of.seed),
    })
}

fn groups<'a>(of: impl Iterator<Item = (&'a str, &'a Metrics)>, level: Level) -> Value {
    Value::Object(of.map(|(name, m)| (name.to_owned(), metrics(m, level))).collect())
}

fn metrics(m: &Metrics, level: Level) -> Value {
    json!({
        "instances": m.items,
        "samples": m.samples,
        "clusters": m.clusters,
        "safe@1": estimate(&m.safe.at_1, level),
        "safe@k": estimate(&m.safe.at_k, level),
        "think@1": estimate(&m.think.at_1, level),
        "think@k": estimate(&m.think.at_k, level),
        "ssa": estimate(&m.ssa, level),
        "sound": estimate(&m.sound, level),
        "escape": estimate(&m.escape, level),
        "blind": estimate(&m.blind, level),
        "lucky": estimate(&m.lucky, level),
        "consistency": {
            "safe": consistency(&m.safe_consistency, level),
            "think": consistency(&m.think_consistency, level),
        },
    })
}

fn consistency(of: &Consistency, level: Level) -> Value {
    let curve = |estimates: &[Estimate]| -> Vec<Value> {
        (1_u32..)
            .zip(estimates)
            .map(|(k, e)| {
                let mut point = json!({ "k": k });
                if let (Some(members), Value::Object(more)) = (point.as_object_mut(), estimate(e, level)) {
                    members.extend(more);
                }
                point
            })
            .collect()
    };
    json!({
        "flips": estimate(&of.flips, level),
        "icc": { "value": of.icc, "interval": interval(of.icc_interval, level) },
        "all_of": curve(&of.all_of),
        "any_of": curve(&of.any_of),
    })
}

pub(crate) fn estimate(e: &Estimate, level: Level) -> Value {
    json!({
        "value": e.value(),
        "passes": number(e.passes),
        "of": number(e.of),
        "unknown": number(e.open),
        "se": e.se,
        "interval": interval(e.interval, level),
        "bounds": { "low": e.low, "high": e.high },
    })
}

fn f_score(f: &FScore, level: Level) -> Value {
    json!({
        "alpha": f.alpha.get(),
        "value": f.value,
        "se": f.se,
        "interval": interval(f.interval, level),
        "delta": interval(f.delta, level),
        "bootstrap": interval(f.bootstrap, level),
        "bounds": { "low": f.low, "high": f.high },
    })
}

pub(crate) fn interval(interval: Option<Interval>, level: Level) -> Option<Value> {
    interval.map(|i| json!({ "low": i.low, "high": i.high, "level": level.get(), "method": i.method.name() }))
}

/// Whole numbers without a decimal point.
pub(crate) fn number(n: f64) -> Option<Number> {
    n.to_string().parse().ok()
}

fn joint(joint: &Joint) -> Value {
    let row = |cells: [u64; 3]| counts(Joint::AWARENESS.into_iter().zip(cells));
    Value::Object(
        Joint::SAFETY.into_iter().zip(joint.0).map(|(name, cells)| (name.to_owned(), row(cells))).collect(),
    )
}

/// `undersight.official-scores/v2`: the scores of a judged file, in percent as the reference rounds them, with
/// intervals (shares) where scores of its rows have the same value.
#[must_use]
pub fn official(scores: &OfficialScores, intervals: &[Scores]) -> Value {
    let around = |(at, row): (usize, &OfficialRow)| {
        let mut members = Map::new();
        members.insert("model".to_owned(), Value::from(row.model.as_str()));
        members.extend(scores.columns.iter().map(|c| {
            let found = intervals.get(at).and_then(|s| Some((row.interval(*c, s)?, s.inference.level)));
            (c.name(), Value::from(found.and_then(|(i, level)| interval(Some(i), level))))
        }));
        Value::Object(members)
    };
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
        "schema": "undersight.official-scores/v2",
        "k": scores.options.k,
        "alpha": scores.options.alpha.get(),
        "normalised": scores.options.normalise,
        "judged_rows": scores.judged_rows,
        "rows": scores.rows.iter().map(row).collect::<Vec<_>>(),
        "intervals": scores.rows.iter().enumerate().map(around).collect::<Vec<_>>(),
        "reference": reference,
        "warnings": scores.warnings.iter().map(|w| json!({ "code": w.code.name(), "text": w.text })).collect::<Vec<_>>(),
    })
}

/// `undersight.judge-error/v2`: judges against simulated truth.
#[must_use]
pub fn truth(runs: &[(RunLine<'_>, TruthTable)]) -> Value {
    let row = |row: &TruthRow, level: Level| {
        let c = &row.confusion;
        let share = |s: Share| {
            json!({
                "value": s.value(),
                "passes": s.passes,
                "of": s.of,
                "interval": interval(independent_interval(s, level), level),
            })
        };
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
            "rows": table.rows.iter().map(|r| row(r, run.scores.inference.level)).collect::<Vec<_>>(),
        })
    };
    json!({ "schema": "undersight.judge-error/v2", "runs": runs.iter().map(run).collect::<Vec<_>>() })
}

/// The votes of a panel, by task.
#[must_use]
pub fn votes(panel: &JudgeSpec, votes: &[TaskVotes], level: Level) -> Value {
    let model = |hash| panel.members().iter().map(|m| &m.judge).find(|j| j.hash() == hash).map(|j| &j.model);
    let rate = |rate: &Rate| {
        json!({
            "value": rate.value(), "passes": rate.share.passes, "of": rate.share.of,
            "instances": rate.cases, "interval": interval(rate.interval, level),
        })
    };
    let member = |m: &MemberVotes| {
        json!({
            "judge": m.judge, "model": model(m.judge), "votes": m.votes, "abstained": m.abstained,
            "sided": rate(&m.sided),
        })
    };
    let task = |v: &TaskVotes| {
        json!({
            "task": v.task, "judgements": v.judgements, "undecided": v.undecided, "votes": v.votes,
            "several": rate(&v.several),
            "unanimous": rate(&v.unanimous), "alpha": v.alpha,
            "members": v.members.iter().map(member).collect::<Vec<_>>(),
        })
    };
    votes.iter().map(task).collect()
}
