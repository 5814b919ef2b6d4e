//! What trials cost, in money, tokens and time.

use std::collections::BTreeMap;

use undersight_core::{Family, JudgementStatus, NanoUsd, TrialOutcome, Usage};

/// A sum of which parts may be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summed {
    /// Of the known.
    pub sum: i64,
    /// How many are known.
    pub known: u64,
    /// Of how many.
    pub of: u64,
}

impl Summed {
    fn of(values: impl Iterator<Item = Option<i64>>) -> Self {
        let mut out = Self::default();
        for value in values {
            out.of += 1;
            if let Some(value) = value {
                out.sum = out.sum.saturating_add(value);
                out.known += 1;
            }
        }
        out
    }

    /// Of all; `None` as soon as one is unknown, and of nothing.
    #[must_use]
    pub fn total(self) -> Option<i64> {
        (self.known == self.of && self.of > 0).then_some(self.sum)
    }

    /// Of the known, each; `None` where none is.
    #[must_use]
    pub fn mean(self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        (self.known > 0).then(|| self.sum as f64 / self.known as f64)
    }
}

/// How long the judge took, microseconds: the smallest time that so large a share of judgements did not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Half of them.
    pub p50: i64,
    /// Nine of ten.
    pub p90: i64,
    /// Ninety-nine of a hundred.
    pub p99: i64,
}

/// Cost, tokens and time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spend {
    /// Judgements the judge was asked for; without what was refused without a call.
    pub asked: u64,
    /// How judgements ended, by family.
    pub statuses: BTreeMap<Family, BTreeMap<JudgementStatus, u64>>,
    /// Nano-USD.
    pub cost: Summed,
    /// Prompt tokens.
    pub input: Summed,
    /// Reply tokens, reasoning included.
    pub output: Summed,
    /// Reasoning tokens among them.
    pub reasoning: Summed,
    /// Of judgements with a reply; `None` without any.
    pub latency: Option<Latency>,
}

impl Spend {
    /// Judgements that ended in a status, over all families.
    #[must_use]
    pub fn ended(&self) -> BTreeMap<JudgementStatus, u64> {
        let mut all = BTreeMap::new();
        for (status, n) in self.statuses.values().flatten() {
            *all.entry(*status).or_default() += n;
        }
        all
    }

    /// The whole cost, where all of it is known.
    #[must_use]
    pub fn total_cost(&self) -> Option<NanoUsd> {
        self.cost.total().map(NanoUsd)
    }
}

pub(super) fn spend(outcomes: &[TrialOutcome]) -> Spend {
    let asked: Vec<&TrialOutcome> =
        outcomes.iter().filter(|o| o.status != JudgementStatus::Skipped).collect();
    let mut statuses: BTreeMap<Family, BTreeMap<JudgementStatus, u64>> = BTreeMap::new();
    for outcome in outcomes {
        *statuses.entry(outcome.trial.family).or_default().entry(outcome.status).or_default() += 1;
    }
    let tokens = |of: fn(&Usage) -> Option<u64>| {
        Summed::of(asked.iter().map(|o| of(&o.usage).and_then(|n| i64::try_from(n).ok())))
    };
    Spend {
        asked: asked.len() as u64,
        statuses,
        cost: Summed::of(asked.iter().map(|o| o.cost.map(|c| c.0))),
        input: tokens(|u| u.input),
        output: tokens(|u| u.output),
        reasoning: tokens(|u| u.reasoning),
        latency: latency(asked.iter().filter(|o| o.status.terminal()).map(|o| o.total_us).collect()),
    }
}

fn latency(mut times: Vec<i64>) -> Option<Latency> {
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Some(Latency { p50: at(50)?, p90: at(90)?, p99: at(99)? })
}
