//! What `eval` asks before it samples: one harmless question, as the arm would ask it, so that nobody pays for samples
//! whose trace cannot be judged.

use undersight_core::probe::{AdviceKind, Probe};
use undersight_core::{Arm, CauseKind, Event, Observer, Provenance, Retry, Stage};
use undersight_endpoint::probe::{News, cheap};
use undersight_ledger::Ledger;

use super::Evaluation;
use crate::engine::{Scope, ledger_fail};
use crate::fail::Fail;

/// Whether the model of an arm is asked first: where something is left to sample and no stored sample has shown a trace.
pub(crate) fn due(
    evaluation: &Evaluation<'_>,
    arm: &Arm,
    samples_left: u64,
    ledger: Option<&Ledger>,
) -> Result<bool, Fail> {
    if evaluation.settings.allow_no_trace
        || samples_left == 0
        || !evaluation.import.is_empty()
        || arm.model.is_simulated()
        || evaluation.connections.replays(&arm.model)
    {
        return Ok(false);
    }
    match ledger {
        Some(ledger) => ledger.has_trace(arm.hash()).map(|has| !has).map_err(ledger_fail),
        None => Ok(true),
    }
}

/// Asks, where it is due; returns why the arm is not to be sampled, if it is not.
pub(super) async fn ask(
    evaluation: &Evaluation<'_>,
    arm: &Arm,
    scope: &Scope,
    ledger: &Ledger,
    observer: &Observer,
) -> Result<Option<Fail>, Fail> {
    if !due(evaluation, arm, 1, None)? {
        return Ok(None);
    }
    let left = scope.todo(&scope.settled(ledger)?).samples_left;
    if !due(evaluation, arm, left, Some(ledger))? {
        return Ok(None);
    }
    let connections = &evaluation.connections;
    let endpoint = connections.prober(arm, connections.streams())?;
    let retrying = |retry: &Retry| {
        let (cause, wait_us) = (retry.cause.kind, retry.waited_us);
        observer(Event::Retrying { stage: Stage::Generate, cause, wait_us });
    };
    let probe = cheap(&endpoint, arm, &News { asking: &|_| (), retrying: &retrying }).await;
    Ok(refusal(&probe, observer))
}

/// Why an arm is not to be sampled after what its model showed; what is only worth knowing is said.
fn refusal(probe: &Probe, observer: &Observer) -> Option<Fail> {
    let model = &probe.model;
    if let Some(why) = &probe.facts.unusable {
        if why.fatal {
            return Some(Fail::failed(&why.message).hint(why.hint.as_str()));
        }
        if why.cause.kind != CauseKind::Stopped {
            observer(Event::Warning(format!("{model} could not be probed: {}", why.message)));
        }
        return None;
    }
    let provenance = probe.facts.trace.as_ref()?.provenance;
    if provenance.readable() {
        let summary = probe.advice.iter().find(|advice| advice.kind == AdviceKind::Summary);
        if let Some(advice) = summary {
            observer(Event::Warning(format!("{model}: {}", advice.text)));
        }
        return None;
    }
    let what = match provenance {
        Provenance::Encrypted => "its reasoning arrives encrypted",
        _ => "none came with its replies to two harmless questions",
    };
    let fail = Fail::usage(format!("{model} yields no trace that can be judged: {what}"));
    let about_trace =
        probe.advice.iter().filter(|advice| !matches!(advice.kind, AdviceKind::Usage | AdviceKind::Price));
    let fail = about_trace.fold(fail, |fail, advice| fail.hint(advice.text.as_str()));
    Some(
        fail.hint(format!("`undersight probe {model}` shows what arrives"))
            .hint("--allow-no-trace samples it all the same; only its answers are measured then"),
    )
}
