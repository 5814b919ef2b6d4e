//! What the judge adds to the variance, what it takes off a difference, and what human labels do about it.
//!
//! A judge of sensitivity s and specificity c passes a share q = p·s + (1−p)(1−c) of samples of which p truly pass. With
//! Youden's J = s + c − 1, a true difference d between arms shows as J·d, and the variance between instances as J² times
//! it, provided that it errs alike in both arms and on all instances of the same truth. A pilot's components are of
//! *verdicts*: the judge's noise is in `within` already.

use super::components::{Pilot, Spread};
use super::error::PlanError;
use super::paired::PairedPilot;
use super::power::{Contrast, Pairing, Target};

/// How often a judge is right: sensitivity and specificity *of the measure*. For ssa that is whether a sample is called
/// superficially safe, not how each of its two verdicts fares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgeErrors {
    sensitivity: f64,
    specificity: f64,
}

impl JudgeErrors {
    /// Checks two rates between 0 and 1.
    ///
    /// # Errors
    /// Outside that; and where the judge is no better than chance (J ≤ 0).
    pub fn new(sensitivity: f64, specificity: f64) -> Result<Self, PlanError> {
        rate("sensitivity", sensitivity)?;
        rate("specificity", specificity)?;
        let errors = Self { sensitivity, specificity };
        let youden = errors.youden();
        if youden > 0.0 { Ok(errors) } else { Err(PlanError::NoBetterThanChance { youden }) }
    }

    /// Of samples that truly pass, the share the judge passes.
    #[must_use]
    pub const fn sensitivity(&self) -> f64 {
        self.sensitivity
    }

    /// Of samples that truly fail, the share the judge fails.
    #[must_use]
    pub const fn specificity(&self) -> f64 {
        self.specificity
    }

    /// Youden's J = sensitivity + specificity − 1, above 0: what remains of a difference.
    #[must_use]
    pub fn youden(&self) -> f64 {
        self.sensitivity + self.specificity - 1.0
    }

    /// The true share behind a judged one, (q − 1 + specificity) / J within 0 to 1 (Rogan and Gladen 1978).
    #[must_use]
    pub fn truth(&self, judged: f64) -> f64 {
        ((judged - 1.0 + self.specificity) / self.youden()).clamp(0.0, 1.0)
    }

    /// The judged share of a true one.
    #[must_use]
    pub fn judged(&self, truth: f64) -> f64 {
        truth * self.sensitivity + (1.0 - truth) * (1.0 - self.specificity)
    }

    /// The variance of a verdict when the truth is known: p·s(1−s) + (1−p)·c(1−c).
    #[must_use]
    pub fn noise(&self, truth: f64) -> f64 {
        truth * self.sensitivity * (1.0 - self.sensitivity)
            + (1.0 - truth) * self.specificity * (1.0 - self.specificity)
    }

    /// What of a label's variance the verdict does not explain: Var(Y − λf) at the best λ = Cov(Y, f) / Var f =
    /// p(1−p)J / (q(1−q)), that is p(1−p)·(1 − r²) with r² = p(1−p)J² / (q(1−q)). It is p(1−p) for a judge who says
    /// nothing and 0 for one who is never wrong.
    #[must_use]
    pub fn residual(&self, truth: f64) -> f64 {
        let (own, judged) = (truth * (1.0 - truth), self.judged(truth));
        let seen = judged * (1.0 - judged);
        if seen <= 0.0 {
            return own;
        }
        (own * (1.0 - own * self.youden().powi(2) / seen)).max(0.0)
    }
}

/// What is known of a judge's error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum JudgeNoise {
    /// From repeated judgements of the same samples: the share of pairs that disagree. It shows the random part of the
    /// error only; how much of a difference is lost cannot be told from it.
    Flips(f64),
    /// From human labels.
    Errors(JudgeErrors),
}

impl JudgeNoise {
    /// From a share of disagreeing pairs.
    ///
    /// # Errors
    /// Outside 0 to 1.
    pub fn flips(share: f64) -> Result<Self, PlanError> {
        rate("the flip rate", share).map(|()| Self::Flips(share))
    }

    /// What it adds to the variance of one verdict at a judged share: half the flip rate (two independent verdicts of
    /// variance v disagree with probability 2v), or [`JudgeErrors::noise`].
    #[must_use]
    pub fn variance(&self, judged: f64) -> f64 {
        match self {
            Self::Flips(share) => share / 2.0,
            Self::Errors(errors) => errors.noise(errors.truth(judged)),
        }
    }

    /// What remains of a true difference; `None` where unknown.
    #[must_use]
    pub fn youden(&self) -> Option<f64> {
        match self {
            Self::Flips(_) => None,
            Self::Errors(errors) => Some(errors.youden()),
        }
    }
}

fn rate(what: &'static str, value: f64) -> Result<(), PlanError> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(PlanError::Rate { what, value }) }
}

/// A difference of *true* rates, each arm corrected by PPI++ with labels drawn at random from its own samples.
///
/// θ̂ = λ·mean_all(f) + mean_labelled(Y − λf) is mean_all(Y) plus the error of estimating the mean of Y − λf from m of
/// the N = n·k samples; the two are uncorrelated, so Var θ̂ = Var mean_all(Y) + Var(Y − λf)·(1/m − 1/N) (PPI++,
/// arXiv 2311.01453, for labelled samples that are part of all; Cochran 1977, §2.6).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Corrected {
    /// Of the true outcomes.
    pub contrast: Contrast,
    /// Var(Y − λf), both arms' added up.
    pub residual: f64,
}

impl Corrected {
    /// From a pilot whose second arm will be like the first. Per scenario, true components follow from the judged ones:
    /// between/J² and shared/J², and within is what is left of p(1−p).
    #[must_use]
    pub fn of(pilot: &Pilot, errors: JudgeErrors, pairing: Pairing) -> Self {
        let mut all = Self { contrast: Contrast::NONE, residual: 0.0 };
        for stratum in &pilot.scenarios {
            let truth = Truth::of(&stratum.spread, errors);
            all.add(stratum.weight, truth.contrast().doubled(pairing), 2.0 * truth.residual);
        }
        all
    }

    /// From two pilots, each arm to be run over instances of its own.
    #[must_use]
    pub fn of_apart(pilot: &PairedPilot, errors: JudgeErrors) -> Self {
        let mut all = Self { contrast: Contrast::NONE, residual: 0.0 };
        for stratum in &pilot.scenarios {
            for arm in [&stratum.spread.a, &stratum.spread.b] {
                let truth = Truth::of(arm, errors);
                all.add(stratum.weight, truth.contrast(), truth.residual);
            }
        }
        all
    }

    /// From two pilots, the arms to be run over the same instances.
    #[must_use]
    pub fn of_pair(pilot: &PairedPilot, errors: JudgeErrors) -> Self {
        let mut all = Self { contrast: Contrast::NONE, residual: 0.0 };
        for stratum in &pilot.scenarios {
            let spread = &stratum.spread;
            let (a, b) = (Truth::of(&spread.a, errors), Truth::of(&spread.b, errors));
            let squared = errors.youden().powi(2);
            let contrast = Contrast {
                between: spread.between.value.max(0.0) / squared,
                shared: spread.shared.value.max(0.0) / squared,
                within: a.within + b.within,
            };
            all.add(stratum.weight, contrast, a.residual + b.residual);
        }
        all
    }

    fn add(&mut self, weight: f64, contrast: Contrast, residual: f64) {
        self.contrast = self.contrast.plus(weight, contrast);
        self.residual += weight * residual;
    }

    /// The variance over `instances` of `samples` each with `labels` an arm, at least one and at most all samples.
    #[must_use]
    pub fn variance(&self, instances: u64, samples: u32, labels: u64, target: &Target) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let (all, labelled) = (instances as f64 * f64::from(samples), labels as f64);
        let unlabelled = (1.0 / labelled - 1.0 / all).max(0.0);
        self.contrast.variance(instances, samples, target) + self.residual * unlabelled
    }
}

/// What judged components say of the true outcomes.
struct Truth {
    between: f64,
    shared: f64,
    within: f64,
    residual: f64,
}

impl Truth {
    fn of(spread: &Spread, errors: JudgeErrors) -> Self {
        let p = errors.truth(spread.share);
        let (all, squared) = (p * (1.0 - p), errors.youden().powi(2));
        let between = (spread.between.value.max(0.0) / squared).min(all);
        Self {
            between,
            shared: spread.shared.value.max(0.0) / squared,
            within: all - between,
            residual: errors.residual(p),
        }
    }

    const fn contrast(&self) -> Contrast {
        Contrast { between: self.between, shared: self.shared, within: self.within }
    }
}
