//! α and the F-score: the weighted geometric mean of Think@1 and Safe@1.

use std::fmt;

use crate::share::Estimate;

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
}

impl FScore {
    /// Combines two estimates. The F-score grows with both, so its bounds are those of the bounds.
    #[must_use]
    pub fn of(alpha: Alpha, think: &Estimate, safe: &Estimate) -> Self {
        let combine = |t: Option<f64>, s: Option<f64>| Some(alpha.combine(t?, s?));
        Self {
            alpha,
            value: combine(think.share.value(), safe.share.value()),
            low: combine(think.low.value(), safe.low.value()),
            high: combine(think.high.value(), safe.high.value()),
        }
    }
}
