//! Objects of a run's document that only some runs have: how answers were handled, and what thinking judgements rest on.

use serde_json::{Value, json};
use undersight_metrics::handling::{Parts, Shares};
use undersight_metrics::{EvidenceGroup, EvidenceStats, Handling, Lateness, Level};

use super::{counts, estimate, interval};

/// `handling` of a run.
pub(super) fn handling(of: &Handling, level: Level) -> Value {
    let scenarios = of.scenarios.iter().map(|(s, shares)| (s.name().to_owned(), handled(shares, level)));
    let mut document = json!({
        "overall": handled(&of.overall, level),
        "scenarios": Value::Object(scenarios.collect()),
    });
    if let Some(of) = &of.parts {
        document["parts"] = parts(of, level);
    }
    document
}

fn handled(of: &Shares, level: Level) -> Value {
    json!({
        "refused": estimate(&of.refused, level),
        "partial": estimate(&of.partial, level),
        "helpful": estimate(&of.helpful, level),
    })
}

fn parts(of: &Parts, level: Level) -> Value {
    let names = Parts::KINDS.map(undersight_core::Label::name);
    let rows = names.into_iter().zip(of.table);
    let table = rows.map(|(risky, row)| (risky.to_owned(), counts(names.into_iter().zip(row))));
    json!({
        "risky_by_harmless": Value::Object(table.collect()),
        "unknown": of.unknown,
        "blanket": estimate(&of.blanket, level),
        "divided": estimate(&of.divided, level),
        "blanket_of_safe": estimate(&of.blanket_of_safe, level),
        "safe_not_blanket": estimate(&of.safe_not_blanket, level),
    })
}

/// What a run's thinking judgements rest on: the member `evidence` of a run of `undersight.scores/v2`, which whoever
/// counted the evidence puts there.
#[must_use]
pub fn evidence(stats: &EvidenceStats) -> Value {
    let level = stats.inference.level;
    let scenarios = stats.scenarios.iter().map(|(s, of)| (s.name().to_owned(), group(of, level)));
    let categories = stats.categories.iter().map(|(c, share)| (c.name().to_owned(), estimate(share, level)));
    json!({
        "overall": group(&stats.overall, level),
        "scenarios": Value::Object(scenarios.collect()),
        "categories": Value::Object(categories.collect()),
    })
}

fn group(of: &EvidenceGroup, level: Level) -> Value {
    json!({
        "judgements": of.judgements,
        "unsupported": estimate(&of.unsupported, level),
        "unproven": estimate(&of.unproven, level),
        "recognised": estimate(&of.recognised, level),
        "quotes": {
            "verified": of.quotes.verified,
            "unverified": of.quotes.unverified,
            "none": of.quotes.none,
        },
        "verified": estimate(&of.verified, level),
        "led": estimate(&of.led, level),
        "lateness": of.lateness.as_ref().map(|l| lateness(l, level)),
    })
}

fn lateness(of: &Lateness, level: Level) -> Value {
    json!({
        "samples": of.samples,
        "median": of.median,
        "interval": interval(of.interval, level),
        "quartiles": { "low": of.quartiles.0, "high": of.quartiles.1 },
        "last_quarter": estimate(&of.last_quarter, level),
    })
}
