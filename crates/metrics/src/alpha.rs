//! α and the F-score: the weighted geometric mean of Think@1 and Safe@1.

use std::fmt;

use crate::estimate::{Estimate, MANY_CLUSTERS};
use crate::inference::{Inference, Interval, Linear, Method};

/// The weight of Think@1 in the F-score; Safe@1 has the rest. Between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alpha(f64);

/// A weight outside 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("alpha must lie between 0 and 1, got {0}")]
pub struct NotAnAlpha(f64);

impl NotAnAlpha {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(format!("leave it out for the reference's {}", Alpha::DEFAULT))
    }
}

impl Alpha {
    /// The reference scorer's.
    pub const DEFAULT: Self = Self(0.763_936_480_704_150_5);

    /// Checks a weight.
    ///
    /// # Errors
    /// When it is not a number between 0 and 1.
    pub fn new(value: f64) -> Result<Self, NotAnAlpha> {
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(NotAnAlpha(value)) }
    }

    /// The weight.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// `think^α · safe^(1−α)`, in the unit of its arguments.
    #[must_use]
    pub fn combine(self, think: f64, safe: f64) -> f64 {
        think.powf(self.0) * safe.powf(1.0 - self.0)
    }
}

impl Default for Alpha {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Alpha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An F-score in 0 to 1, from unrounded shares, with the bounds that unknown samples leave open. `None` where a share
/// has nothing to divide by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FScore {
    /// The weight used.
    pub alpha: Alpha,
    /// The point.
    pub value: Option<f64>,
    /// With every unknown failing.
    pub low: Option<f64>,
    /// With every unknown passing.
    pub high: Option<f64>,
    /// Standard error by the delta method.
    pub se: Option<f64>,
    /// Estimate ± t · standard error.
    pub delta: Option<Interval>,
    /// Percentiles of the bootstrap.
    pub bootstrap: Option<Interval>,
    /// The interval to show.
    pub interval: Option<Interval>,
}

/// With fewer independent passes than this in either share, the F-score has no useful derivative there.
const FEW_PASSES: f64 = 10.0;

impl FScore {
    /// Combines two estimates of the same samples. The F-score grows with both, so its bounds are those of the bounds.
    ///
    /// The delta method: F·(α·u/T + (1−α)·v/S) is what a cluster with influences u on Think@1 = T and v on Safe@1 = S
    /// adds to the error of F. Where passes are few in either share, or nothing varies, the interval runs from the F of
    /// both shares' lower limits to that of their upper ones, which errs on the wide side.
    #[must_use]
    pub fn of(
        alpha: Alpha,
        think: &Linear,
        safe: &Linear,
        bootstrap: Option<Interval>,
        inference: &Inference,
    ) -> Self {
        let ratio = |(num, den): (f64, f64)| (den > 0.0).then(|| num / den);
        let combine = |t: Option<f64>, s: Option<f64>| Some(alpha.combine(t?, s?));
        let value = combine(think.value(), safe.value());
        let se = standard_error(alpha, think, safe);
        let level = inference.level;
        let delta = value.zip(se).map(|(value, se)| {
            let half = level.t(think.clusters.min(safe.clusters).saturating_sub(think.strata)) * se;
            Interval::of_share(value - half, value + half, Method::Delta)
        });
        let passes = |share: &Linear| Some(share.effective(level)? * share.value()?);
        let few = [think, safe].into_iter().any(|s| passes(s).is_some_and(|n| n < FEW_PASSES));
        let interval = if few || se.is_none_or(|se| se <= 0.0) {
            let limits = |share: &Linear| Estimate::of(share, None, inference).interval;
            limits(think).zip(limits(safe)).map(|(t, s)| {
                let (low, high) = (alpha.combine(t.low, s.low), alpha.combine(t.high, s.high));
                Interval::of_share(low, high, Method::Limits)
            })
        } else {
            let many = think.clusters >= MANY_CLUSTERS || inference.method == Method::Bootstrap;
            let asked = matches!(inference.method, Method::Auto | Method::Bootstrap);
            bootstrap.filter(|_| many && asked).or(delta)
        };
        Self {
            alpha,
            value,
            low: combine(ratio(think.sum.worst), ratio(safe.sum.worst)),
            high: combine(ratio(think.sum.best), ratio(safe.sum.best)),
            se,
            delta,
            bootstrap,
            interval,
        }
    }
}

/// What each of two influences weighs in the error of the F-score: its partial derivatives.
#[must_use]
pub fn gradient(alpha: Alpha, think: f64, safe: f64) -> Option<(f64, f64)> {
    let f = alpha.combine(think, safe);
    (think > 0.0 && safe > 0.0).then(|| (alpha.get() * f / think, (1.0 - alpha.get()) * f / safe))
}

/// The standard error of an F-score by the delta method; `None` where a share is 0.
pub(crate) fn standard_error(alpha: Alpha, think: &Linear, safe: &Linear) -> Option<f64> {
    let (of_think, of_safe) = gradient(alpha, think.value()?, safe.value()?)?;
    let (var_think, var_safe) = (think.variance?, safe.variance?);
    // Fixed instances keep no influences: then the correlation within a sample is unknown, and the largest is assumed.
    let covariance =
        if think.influence.is_empty() { (var_think * var_safe).sqrt() } else { think.covariance(safe) };
    let variance =
        of_think.powi(2) * var_think + of_safe.powi(2) * var_safe + 2.0 * of_think * of_safe * covariance;
    Some(variance.max(0.0).sqrt())
}
