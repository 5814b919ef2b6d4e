//! What a judge's errors imply for comparing two models.
//!
//! A judge of sensitivity s and specificity c passes q = p·s + (1−p)(1−c) of what truly passes with probability p. If it
//! errs alike on both models, a true difference d shows as J·d with J = s + c − 1. Its verdicts vary by q(1−q), of which
//! J²·ICC·p(1−p) lies between instances and the rest, its own noise included, within; hence the standard error of a
//! difference over n instances of k samples ([`Contrast`]) and the smallest true difference found with a given power,
//! (z₁₋α/₂ + z₁₋β)·SE/J ([`detectable`]). If it errs differently on them, within what the intervals of s and c leave
//! open, models of one truth may look p·(s_high − s_low) + (1−p)·(c_high − c_low) apart.

use undersight_core::Task;

use super::CardSettings;
use super::agree::Agreed;
use super::flip::Flips;
use crate::inference::{Interval, Method};
use crate::judge_error::MeasuredRate;
use crate::plan::{Contrast, Correlation, JudgeErrors, PlanError, Target, Test, detectable};

/// The comparison that is thought of: two models over the same instances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assumptions {
    instances: u64,
    samples: u32,
    share: f64,
    icc: f64,
    correlation: Correlation,
    test: Test,
}

impl Assumptions {
    /// Instances, samples of each, and the test; everything else as by default.
    ///
    /// # Errors
    /// For no instances and for no samples.
    pub fn new(instances: u64, samples: u32, test: Test) -> Result<Self, PlanError> {
        match (instances, samples) {
            (0, _) => Err(PlanError::NoInstances),
            (_, 0) => Err(PlanError::NoSamples),
            _ => Ok(Self { instances, samples, test, ..Self::default() }),
        }
    }

    /// With another true share of passing samples, another part of its variance that lies between instances, and another
    /// correlation of instances' rates in the two models.
    ///
    /// # Errors
    /// For a share or a part outside 0 to 1.
    pub fn with(self, share: f64, icc: f64, correlation: Correlation) -> Result<Self, PlanError> {
        for (what, value) in [("the share of passing samples", share), ("the intraclass correlation", icc)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(PlanError::Rate { what, value });
            }
        }
        Ok(Self { share, icc, correlation, ..self })
    }

    /// Instances of the run.
    #[must_use]
    pub const fn instances(&self) -> u64 {
        self.instances
    }

    /// Samples of each.
    #[must_use]
    pub const fn samples(&self) -> u32 {
        self.samples
    }

    /// The share of samples that truly pass.
    #[must_use]
    pub const fn share(&self) -> f64 {
        self.share
    }

    /// The part of the true outcomes' variance that lies between instances.
    #[must_use]
    pub const fn icc(&self) -> f64 {
        self.icc
    }

    /// Of instances' rates in the two models.
    #[must_use]
    pub const fn correlation(&self) -> Correlation {
        self.correlation
    }

    /// The test.
    #[must_use]
    pub const fn test(&self) -> Test {
        self.test
    }

    /// The smallest true difference that verdicts of such errors show; `None` where none between 0 and 1 is.
    fn detectable(&self, sensitivity: f64, specificity: f64) -> Option<f64> {
        let errors = JudgeErrors::new(sensitivity, specificity).ok()?;
        let (p, q) = (self.share, errors.judged(self.share));
        let between = errors.youden().powi(2) * self.icc * p * (1.0 - p);
        let contrast = Contrast {
            between: 2.0 * (1.0 - self.correlation.get()) * between,
            shared: 0.0,
            within: 2.0 * (q * (1.0 - q) - between).max(0.0),
        };
        let se = contrast.se(self.instances, self.samples, &Target::default());
        Some(detectable(se, &self.test, errors.youden())).filter(|d| *d <= 1.0)
    }
}

impl Default for Assumptions {
    /// The whole benchmark, five samples each, 80 % power; half of the samples pass, half of their variance lies between
    /// instances, and half of that is common to both models.
    fn default() -> Self {
        Self {
            instances: 2000,
            samples: 5,
            share: 0.5,
            icc: 0.5,
            correlation: Correlation::DEFAULT,
            test: Test::default(),
        }
    }
}

/// The smallest true difference found, as a share; `None` where none between 0 and 1 is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolved {
    /// With sensitivity and specificity as measured.
    pub value: Option<f64>,
    /// With both at their upper limits.
    pub best: Option<f64>,
    /// With both at their lower limits.
    pub worst: Option<f64>,
    /// With a judge that never errs: what sampling alone allows.
    pub perfect: Option<f64>,
}

/// What a judge's errors on one task imply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Implied {
    /// What is judged.
    pub task: Task,
    /// Of what passes, the share it passes; on the cases.
    pub sensitivity: MeasuredRate,
    /// Of what fails, the share it fails.
    pub specificity: MeasuredRate,
    /// J = sensitivity + specificity − 1: what shows of a true difference.
    pub attenuation: f64,
    /// Its interval, from both rates' by square-and-add.
    pub attenuation_interval: Interval,
    /// The smallest true difference it can resolve.
    pub resolves: Resolved,
    /// How far apart two models of one truth may look, as a difference of judged shares, if the judge errs differently on
    /// them within both intervals; at the assumed share.
    pub bias: f64,
    /// Likewise at whatever share is worst.
    pub bias_most: f64,
    /// The part of the variance its errors make that is mere chance, as repeats show: half the pairwise flip rate over
    /// p·s(1−s) + (1−p)·c(1−c) on the cases. Votes reduce this part alone. `None` without repeats or without errors.
    pub random: Option<f64>,
}

pub(super) fn implied(agreement: &[Agreed], flips: &[Flips], settings: &CardSettings) -> Vec<Implied> {
    let overall = agreement.iter().filter(|a| a.row.scenario.is_none());
    overall.filter_map(|a| of_task(a, flips.iter().find(|f| f.task == a.row.task), settings)).collect()
}

fn of_task(agreed: &Agreed, flips: Option<&Flips>, settings: &CardSettings) -> Option<Implied> {
    let (s, c) = (agreed.row.sensitivity?, agreed.row.specificity?);
    let assumptions = settings.assumptions;
    let attenuation = s.value + c.value - 1.0;
    let reach = |a: f64, b: f64| a.hypot(b);
    let (wide_s, wide_c) = (s.high - s.low, c.high - c.low);
    let p = assumptions.share;
    let random = || {
        let pass = agreed.row.prevalence?.value;
        let noise = pass * s.value * (1.0 - s.value) + (1.0 - pass) * c.value * (1.0 - c.value);
        let flips = flips?.by_pass.pairwise?;
        (noise > 0.0).then(|| (flips / 2.0 / noise).min(1.0))
    };
    Some(Implied {
        task: agreed.row.task,
        sensitivity: s,
        specificity: c,
        attenuation,
        attenuation_interval: Interval {
            low: attenuation - reach(s.value - s.low, c.value - c.low),
            high: attenuation + reach(s.high - s.value, c.high - c.value),
            method: Method::Newcombe,
        },
        resolves: Resolved {
            value: assumptions.detectable(s.value, c.value),
            best: assumptions.detectable(s.high, c.high),
            worst: assumptions.detectable(s.low, c.low),
            perfect: assumptions.detectable(1.0, 1.0),
        },
        bias: p * wide_s + (1.0 - p) * wide_c,
        bias_most: wide_s.max(wide_c),
        random: random(),
    })
}
