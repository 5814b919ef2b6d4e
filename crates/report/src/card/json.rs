//! A card as a JSON document. Shares are between 0 and 1, money is in nano-USD, times in microseconds; unknown is null.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use undersight_core::JudgementStatus;
use undersight_metrics::card::{
    Agreed, Attack, Card, Control, FlipRate, Flips, Implied, Kind, Paired, Rate, Shift, Spend, Summed,
};
use undersight_metrics::judge_error::{Chance, MeasuredRate, Measures};
use undersight_metrics::{Interval, Level, Method};

use super::section::cases;
use super::{CardHead, CardReport, LabelSource};
use crate::human::corrections_json;
use crate::json::interval;

/// `undersight.judge-card/v1`.
#[must_use]
pub fn json(report: &CardReport<'_>) -> Value {
    let card = report.card;
    let level = card.settings.level;
    let mut document = Map::new();
    document.insert("schema".to_owned(), Value::from("undersight.judge-card/v1"));
    document.extend(about(&report.head));
    let body = json!({
        "level": level.get(),
        "trials": card.trials,
        "cases": card.cases,
        "agreement": list(&card.agreement, |a| agreed(a, level)),
        "kinds": list(&card.kinds, |k| kind(k, level)),
        "flips": list(&card.flips, |f| flips(f, level)),
        "shifts": list(&card.shifts, |s| shift(s, level)),
        "controls": list(&card.controls, |c| control(c, level)),
        "attacks": attacks(card),
        "spend": spend(&card.spend),
        "implied": {
            "assumptions": assumptions(card),
            "tasks": list(&card.implied, |i| implied(i, level)),
        },
        "corrected": report.corrected.map(|(head, corrections)| corrections_json(head, corrections)),
    });
    if let Value::Object(body) = body {
        document.extend(body);
    }
    Value::Object(document)
}

/// Who was measured, on what, when.
pub(super) fn about(head: &CardHead<'_>) -> Map<String, Value> {
    let set = &head.set;
    let labels = match set.labels {
        LabelSource::Authors => json!({ "authors": true, "words": set.labels.words() }),
        LabelSource::Others(_) => json!({ "authors": false, "words": set.labels.words() }),
    };
    let members = json!({
        "judge": {
            "model": head.judge.model,
            "kind": head.judge.kind,
            "hash": head.judge.hash(),
            "prompts": head.prompts,
            "spec": head.judge,
        },
        "simulated_judge": head.simulated(),
        "calibration": { "name": set.name, "hash": set.hash, "cases": set.cases, "labels": labels },
        "date": head.date,
        "version": head.version,
        "missing": head.missing,
    });
    match members {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn list<T>(rows: &[T], write: impl Fn(&T) -> Value) -> Vec<Value> {
    rows.iter().map(write).collect()
}

fn rate(rate: &Rate, level: Level) -> Value {
    json!({
        "value": rate.value(),
        "passes": rate.share.passes,
        "of": rate.share.of,
        "cases": rate.cases,
        "interval": interval(rate.interval, level),
    })
}

pub(super) fn paired(paired: &Paired, level: Level) -> Value {
    json!({
        "pairs": paired.pairs,
        "cases": paired.cases,
        "before": paired.before,
        "after": paired.after,
        "gained": paired.gained,
        "lost": paired.lost,
        "difference": paired.difference(),
        "interval": interval(paired.interval, level),
        "p": paired.p,
        "p_holm": paired.p_holm,
    })
}

fn measured(rate: Option<MeasuredRate>, level: Level) -> Option<Value> {
    rate.map(|r| {
        let around = Interval { low: r.low, high: r.high, method: Method::Wilson };
        json!({ "value": r.value, "n": r.n, "interval": interval(Some(around), level) })
    })
}

fn measures(measures: &Measures, level: Level) -> Value {
    let chance = |chance: Option<Chance>| {
        chance.map(|c| {
            let around = Interval { low: c.low, high: c.high, method: Method::Normal };
            json!({ "value": c.value, "interval": interval(Some(around), level) })
        })
    };
    json!({ "kappa": chance(measures.kappa), "ac1": chance(measures.ac1), "alpha": measures.alpha })
}

fn statuses(counts: &BTreeMap<JudgementStatus, u64>) -> Value {
    Value::Object(counts.iter().map(|(status, n)| (status.name().to_owned(), Value::from(*n))).collect())
}

fn agreed(a: &Agreed, level: Level) -> Value {
    let (row, c) = (&a.row, &a.row.confusion);
    let table: Vec<Vec<u64>> =
        row.table.iter().map(|line| line.iter().map(|n| cases(*n)).collect()).collect();
    json!({
        "task": row.task,
        "scenario": row.scenario,
        "cases": a.cases,
        "unknown": statuses(&a.unknown),
        "labels": row.labels.iter().map(|label| label.name()).collect::<Vec<_>>(),
        "table": table,
        "true_pass": c.true_pass,
        "false_pass": c.false_pass,
        "true_fail": c.true_fail,
        "false_fail": c.false_fail,
        "same_pass": rate(&a.same_pass, level),
        "same_label": rate(&a.same_label, level),
        "by_pass": measures(&row.by_pass, level),
        "by_label": measures(&row.by_label, level),
        "prevalence": measured(row.prevalence, level),
        "sensitivity": measured(row.sensitivity, level),
        "specificity": measured(row.specificity, level),
    })
}

fn kind(k: &Kind, level: Level) -> Value {
    json!({
        "kind": k.kind,
        "task": k.task,
        "cases": k.cases,
        "unknown": k.unknown,
        "same_pass": rate(&k.same_pass, level),
        "same_label": rate(&k.same_label, level),
    })
}

fn flips(f: &Flips, level: Level) -> Value {
    let of = |f: &FlipRate| {
        json!({
            "pairwise": f.pairwise,
            "interval": interval(f.interval, level),
            "ever": rate(&f.ever, level),
        })
    };
    json!({
        "task": f.task,
        "cases": f.cases,
        "left_out": f.left_out,
        "unsettled": f.unsettled,
        "verdicts": f.verdicts,
        "most": f.most,
        "by_pass": of(&f.by_pass),
        "by_label": of(&f.by_label),
    })
}

fn shift(s: &Shift, level: Level) -> Value {
    json!({
        "family": s.family,
        "variant": s.variant,
        "task": s.task,
        "trials": s.trials,
        "unknown": s.unknown,
        "pass_flips": rate(&s.pass_flips, level),
        "label_flips": rate(&s.label_flips, level),
        "pass": paired(&s.pass, level),
    })
}

fn control(c: &Control, level: Level) -> Value {
    json!({
        "variant": c.variant,
        "task": c.task,
        "scenario": c.scenario,
        "trials": c.trials,
        "unknown": c.unknown,
        "credited": rate(&c.credited, level),
    })
}

pub(super) fn attacks(card: &Card) -> Vec<Value> {
    let level = card.settings.level;
    list(&card.attacks, |a: &Attack| {
        json!({
            "variant": a.variant,
            "task": a.task,
            "trials": a.trials,
            "unanswered": a.unanswered,
            "unsettled": statuses(&a.unsettled),
            "standing": rate(&a.standing, level),
            "claimed": rate(&a.claimed, level),
            "honest": rate(&a.honest, level),
            "excess": paired(&a.excess, level),
        })
    })
}

fn spend(s: &Spend) -> Value {
    let sum = |s: &Summed| json!({ "total": s.total(), "mean": s.mean(), "sum": s.sum, "known": s.known, "of": s.of });
    let families = s.statuses.iter().map(|(family, n)| (family.name().to_owned(), statuses(n)));
    json!({
        "asked": s.asked,
        "statuses": statuses(&s.ended()),
        "by_family": families.collect::<Map<_, _>>(),
        "cost_nano_usd": sum(&s.cost),
        "input_tokens": sum(&s.input),
        "output_tokens": sum(&s.output),
        "reasoning_tokens": sum(&s.reasoning),
        "latency_us": s.latency.map(|l| json!({ "p50": l.p50, "p90": l.p90, "p99": l.p99 })),
    })
}

fn assumptions(card: &Card) -> Value {
    let a = card.settings.assumptions;
    json!({
        "instances": a.instances(),
        "samples": a.samples(),
        "share": a.share(),
        "icc": a.icc(),
        "correlation": a.correlation().get(),
        "power": a.test().power(),
        "level": a.test().level().get(),
    })
}

fn implied(i: &Implied, level: Level) -> Value {
    let r = &i.resolves;
    json!({
        "task": i.task,
        "sensitivity": measured(Some(i.sensitivity), level),
        "specificity": measured(Some(i.specificity), level),
        "attenuation": i.attenuation,
        "attenuation_interval": interval(Some(i.attenuation_interval), level),
        "resolves": { "value": r.value, "best": r.best, "worst": r.worst, "perfect": r.perfect },
        "bias": i.bias,
        "bias_most": i.bias_most,
        "random": i.random,
    })
}
