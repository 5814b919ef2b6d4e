//! Replies of judges, well- and ill-formed, each with the verdict or the failure it must map to.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod guards;
mod official;
mod ours;
mod properties;

use std::collections::BTreeMap;

use undersight_core::{Label, Scenario, Task, VerdictFormat};
use undersight_judge::verdict::{Expected, Verdict, VerdictError, parse};

/// What a case expects of the reading.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Strict(Label),
    Repaired(Label),
    Empty,
    Truncated,
    Refused,
    NoVerdict,
    Malformed,
    Form,
    Ambiguous,
    UnknownLabel,
    Risks,
    Parts,
    Contradictory,
    TooLong,
}

fn outcome(result: &Result<Verdict, VerdictError>) -> Outcome {
    match result {
        Ok(v) if v.repaired => Outcome::Repaired(v.label),
        Ok(v) => Outcome::Strict(v.label),
        Err(VerdictError::Empty) => Outcome::Empty,
        Err(VerdictError::Truncated) => Outcome::Truncated,
        Err(VerdictError::Refused(_)) => Outcome::Refused,
        Err(VerdictError::NoVerdict) => Outcome::NoVerdict,
        Err(VerdictError::Malformed(_)) => Outcome::Malformed,
        Err(VerdictError::Form(_)) => Outcome::Form,
        Err(VerdictError::Ambiguous) => Outcome::Ambiguous,
        Err(VerdictError::UnknownLabel(_)) => Outcome::UnknownLabel,
        Err(VerdictError::Risks(_)) => Outcome::Risks,
        Err(VerdictError::Parts(_)) => Outcome::Parts,
        Err(VerdictError::Contradictory(_)) => Outcome::Contradictory,
        Err(VerdictError::TooLong(_)) => Outcome::TooLong,
    }
}

fn asked(format: VerdictFormat, task: Task, scenario: Scenario) -> Expected<'static> {
    Expected { format, ..Expected::ours(task, scenario, scenario.risk_count()) }
}

type Case<'c> = (Task, Scenario, &'c str, Outcome);

fn check(format: VerdictFormat, cases: &[Case<'_>]) {
    check_mapped(format, None, cases);
}

/// The same for a judge with words of its own.
fn check_mapped(format: VerdictFormat, labels: Option<&BTreeMap<String, Label>>, cases: &[Case<'_>]) {
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|&(task, scenario, raw, expected)| {
            let result = parse(raw, &Expected { labels, ..asked(format, task, scenario) });
            (outcome(&result) != expected).then(|| format!("{raw}\n  expected {expected:?}, got {result:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
