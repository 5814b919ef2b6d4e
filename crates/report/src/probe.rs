//! Probes of models as tables for people and as a JSON document: what was found, and what to do about it.

use serde_json::{Value, json};
use undersight_core::probe::{Check, LimitFound, Outcome, Probe, TraceFound, Unusable};
use undersight_core::text::excerpt;

use crate::grid::{Layout, escape_markdown, grid};
use crate::number::count;
use crate::records::sample::finish;
use crate::table::notes::below;

/// What a server says is cut here.
const LONGEST: usize = 600;

/// For each model a heading, its checks, and what to do.
#[must_use]
pub fn table(probes: &[Probe], layout: Layout) -> String {
    probes.iter().map(|probe| one(probe, layout)).collect::<Vec<_>>().join("\n")
}

fn one(probe: &Probe, layout: Layout) -> String {
    let mut out = heading(probe, layout);
    out.push('\n');
    let rows: Vec<Vec<String>> = probe.checks.iter().map(row).collect();
    out.push_str(&grid(&["Check", "", "Found"], &rows, layout));
    let mut notes: Vec<String> = probe
        .facts
        .unusable
        .iter()
        .flat_map(|why| [format!("not usable: {}", why.message), format!("hint: {}", why.hint)])
        .map(|line| excerpt(&line, LONGEST))
        .collect();
    notes.extend(probe.advice.iter().map(|advice| format!("advice: {}", advice.text)));
    if !notes.is_empty() {
        out.push_str(&below(&notes, layout));
    }
    out
}

fn heading(probe: &Probe, layout: Layout) -> String {
    let facts = &probe.facts;
    let calls = format!("{} call{}", count(facts.calls.into()), if facts.calls == 1 { "" } else { "s" });
    let cost = facts.cost.map_or_else(|| "cost unknown".to_owned(), |cost| cost.to_string());
    let line = excerpt(&format!("{} at {} ({calls}, {cost})", probe.model, probe.url), LONGEST);
    match layout {
        Layout::Markdown => format!("## {}\n", escape_markdown(&line)),
        Layout::Terminal { .. } => format!("{line}\n"),
    }
}

fn row(check: &Check) -> Vec<String> {
    let outcome = match check.outcome {
        Outcome::Unknown => "?",
        Outcome::Skipped => "–",
        told => told.name(),
    };
    vec![check.kind.name().replace('-', " "), outcome.to_owned(), check.detail.clone()]
}

/// `undersight.probe/v1`.
#[must_use]
pub fn json(probes: &[Probe]) -> Value {
    json!({
        "schema": "undersight.probe/v1",
        "probes": probes.iter().map(document).collect::<Vec<_>>(),
    })
}

fn document(probe: &Probe) -> Value {
    let facts = &probe.facts;
    let usage = facts.usage.map(|usage| {
        json!({
            "input_tokens": usage.input,
            "output_tokens": usage.output,
            "reasoning_tokens": facts.reasoning_reported,
            "cached_tokens": usage.cached,
        })
    });
    json!({
        "model": probe.model.as_str(),
        "url": probe.url,
        "started": probe.started.0,
        "depth": probe.depth.name(),
        "usable": probe.usable(),
        "unusable": facts.unusable.as_ref().map(unusable),
        "returned_model": facts.returned_model,
        "fingerprint": facts.fingerprint,
        "first_byte_us": facts.first_byte_us,
        "total_us": facts.total_us,
        "trace": facts.trace.as_ref().map(trace),
        "finish": {
            "whole": facts.finish_whole.as_ref().and_then(finish),
            "cut": facts.finish_cut.as_ref().and_then(finish),
        },
        "usage": usage,
        "limits": facts.limits.iter().map(limit).collect::<Vec<_>>(),
        "price_version": facts.price_version,
        "cost_nano_usd": facts.cost,
        "calls": facts.calls,
        "checks": probe.checks.iter().map(check).collect::<Vec<_>>(),
        "advice": probe.advice.iter().map(|advice| {
            json!({ "kind": advice.kind.name(), "text": advice.text })
        }).collect::<Vec<_>>(),
    })
}

fn unusable(why: &Unusable) -> Value {
    json!({
        "cause": why.cause.kind.name(),
        "http_status": why.cause.http_status,
        "message": why.message,
        "hint": why.hint,
    })
}

fn trace(trace: &TraceFound) -> Value {
    json!({
        "provenance": trace.provenance.name(),
        "fields": trace.fields,
        "characters": trace.characters,
    })
}

fn limit(limit: &LimitFound) -> Value {
    json!({
        "name": limit.name,
        "limit": limit.limit,
        "remaining": limit.remaining,
        "reset_us": limit.reset_us,
    })
}

fn check(check: &Check) -> Value {
    json!({ "kind": check.kind.name(), "outcome": check.outcome.name(), "detail": check.detail })
}
