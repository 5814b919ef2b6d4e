//! The rules by which arms are found to differ, one function each.

use std::collections::BTreeSet;

use undersight_core::text::excerpt;
use undersight_core::{Digest, Provenance};

use super::{ArmFacts, Mismatch, MismatchKind};
use crate::compare::align::of_ks;
use crate::compare::error::CompareError;

/// Shares of trace provenance that differ by more are a different mix.
const MIX: f64 = 0.05;
/// Unknown shares that differ by more are marked,
const UNKNOWN_APART: f64 = 0.02;
/// and those above this wherever they are.
const UNKNOWN_MANY: f64 = 0.05;

fn names(arms: &[ArmFacts], of: impl Fn(&ArmFacts) -> bool) -> Vec<String> {
    arms.iter().filter(|a| of(a)).map(|a| a.run.clone()).collect()
}

/// `A: x; B: y`.
fn each(arms: &[ArmFacts], of: impl Fn(&ArmFacts) -> String) -> String {
    arms.iter().map(|a| format!("{}: {}", excerpt(&a.run, 80), of(a))).collect::<Vec<_>>().join("; ")
}

fn short(digest: Digest) -> String {
    digest.to_string().chars().take(8).collect()
}

pub(super) fn dataset(arms: &[ArmFacts]) -> Option<Mismatch> {
    let versions: BTreeSet<Digest> = arms.iter().filter_map(|a| a.dataset).collect();
    (versions.len() > 1).then(|| {
        let of = |a: &ArmFacts| a.dataset.map_or_else(|| "unknown".to_owned(), short);
        Mismatch::new(
            MismatchKind::Dataset,
            names(arms, |a| a.dataset.is_some()),
            format!("the runs used different versions of the data set ({})", each(arms, of)),
            "run both on one version: an instance may ask something else in another",
        )
    })
}

pub(super) fn judge(arms: &[ArmFacts]) -> Option<Mismatch> {
    let judges: BTreeSet<Digest> = arms.iter().filter_map(|a| a.judge.as_ref()).map(|j| j.0).collect();
    (judges.len() > 1).then(|| {
        let of = |a: &ArmFacts| {
            a.judge
                .as_ref()
                .map_or_else(|| "unknown".to_owned(), |(d, name)| format!("{} {}", excerpt(name, 80), short(*d)))
        };
        Mismatch::new(
            MismatchKind::Judge,
            names(arms, |a| a.judge.is_some()),
            format!(
                "the runs were judged by different judges ({}): their errors would pass for differences between models",
                each(arms, of)
            ),
            "judge the stored samples of all runs by one judge; nothing is generated again",
        )
    })
}

pub(super) fn k(arms: &[ArmFacts], at_k: Option<u32>) -> Option<Mismatch> {
    let ks: Vec<(String, u32)> = arms.iter().map(|a| (a.run.clone(), a.k)).collect();
    let error = of_ks(&ks, at_k).err()?;
    let runs = match &error {
        CompareError::TooFewSamples { at_k, .. } => names(arms, |a| a.k < *at_k),
        _ => names(arms, |_| true),
    };
    Some(Mismatch::of(MismatchKind::K, runs, &error))
}

pub(super) fn instances(arms: &[ArmFacts]) -> Option<Mismatch> {
    let first = &arms.first()?.instances;
    let common: BTreeSet<&String> =
        first.iter().filter(|id| arms.iter().all(|a| a.instances.contains(*id))).collect();
    if common.is_empty() {
        let runs = names(arms, |_| true);
        return Some(Mismatch::of(MismatchKind::NoCommonInstances, runs, &CompareError::NoCommonInstances));
    }
    let more = names(arms, |a| a.instances.len() > common.len());
    (!more.is_empty()).then(|| {
        Mismatch::new(
            MismatchKind::Selection,
            more,
            format!(
                "the runs have different instances ({}): compared on the {} that all have",
                each(arms, |a| a.instances.len().to_string()),
                common.len()
            ),
            "complete the runs on one selection to use everything",
        )
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn share_of(arm: &ArmFacts, kind: Provenance) -> Option<f64> {
    let all: u64 = arm.provenance.values().sum();
    (all > 0).then(|| arm.provenance.get(&kind).copied().unwrap_or_default() as f64 / all as f64)
}

pub(super) fn provenance(arms: &[ArmFacts]) -> Option<Mismatch> {
    let apart = Provenance::ALL.into_iter().any(|kind| {
        let shares = arms.iter().filter_map(|a| share_of(a, kind));
        let (low, high) = shares.fold((1.0_f64, 0.0_f64), |(l, h), s| (l.min(s), h.max(s)));
        high - low > MIX
    });
    apart.then(|| {
        let of = |a: &ArmFacts| {
            let kinds = Provenance::ALL.into_iter().filter_map(|kind| {
                let share = share_of(a, kind).filter(|s| *s > 0.0)?;
                Some(if share < 1.0 {
                    format!("{} {:.0} %", kind.name(), share * 100.0)
                } else {
                    kind.name().to_owned()
                })
            });
            kinds.collect::<Vec<_>>().join(", ")
        };
        Mismatch::new(
            MismatchKind::Provenance,
            names(arms, |_| true),
            format!("the traces are of different kinds ({})", each(arms, of)),
            "a summary, a cut or a missing trace can hide awareness: differences of Think and SSA may be the trace's",
        )
    })
}

pub(super) fn unknown(arms: &[ArmFacts]) -> Option<Mismatch> {
    let shares = || arms.iter().map(|a| a.unknown_share);
    let (low, high) = shares().fold((1.0_f64, 0.0_f64), |(l, h), s| (l.min(s), h.max(s)));
    (high > UNKNOWN_MANY || high - low > UNKNOWN_APART).then(|| {
        Mismatch::new(
            MismatchKind::Unknown,
            names(arms, |a| a.unknown_share > UNKNOWN_MANY || a.unknown_share - low > UNKNOWN_APART),
            format!(
                "many or unequally many samples lack a verdict ({})",
                each(arms, |a| format!("{:.1} %", a.unknown_share * 100.0))
            ),
            "resume the runs until they are complete, and compare under both `--missing fail` and `--missing exclude`",
        )
    })
}

pub(super) fn simulated(arms: &[ArmFacts]) -> Option<Mismatch> {
    let some = names(arms, |a| a.simulated);
    (!some.is_empty() && some.len() < arms.len()).then(|| {
        Mismatch::new(
            MismatchKind::Simulated,
            some,
            "simulated models stand beside real ones".to_owned(),
            "a simulated model shows that the pipeline works, and nothing about real models",
        )
    })
}

pub(super) fn unattested(arms: &[ArmFacts]) -> Option<Mismatch> {
    let lacks = |a: &ArmFacts| {
        (a.dataset.is_none() && arms.iter().any(|b| b.dataset.is_some()))
            || (a.judge.is_none() && arms.iter().any(|b| b.judge.is_some()))
    };
    let some = names(arms, lacks);
    (!some.is_empty()).then(|| {
        Mismatch::new(
            MismatchKind::Unattested,
            some,
            "the data set or the judge of some runs is unknown: that they are the same cannot be checked".to_owned(),
            "compare runs of one store, or make sure yourself that imported verdicts rest on the same material",
        )
    })
}
