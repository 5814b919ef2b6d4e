//! What an interval is about and how it is made; and the interval.

use crate::stats::{normal_quantile, t_quantile};

/// The level of an interval: between 0 and 1, both excluded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level(f64);

/// A level outside 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a confidence level lies between 0 and 1, got {0}")]
pub struct NotALevel(f64);

impl NotALevel {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some("write 0.95 for 95 % intervals".to_owned())
    }
}

impl Level {
    /// 95 %.
    pub const DEFAULT: Self = Self(0.95);

    /// Checks a level.
    ///
    /// # Errors
    /// When it is no number strictly between 0 and 1.
    pub fn new(level: f64) -> Result<Self, NotALevel> {
        if level > 0.0 && level < 1.0 { Ok(Self(level)) } else { Err(NotALevel(level)) }
    }

    /// The level.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The two-sided critical value of the normal distribution, 1.96 at 95 %.
    #[must_use]
    pub fn z(self) -> f64 {
        normal_quantile(0.5 + self.0 / 2.0)
    }

    /// Likewise of Student's t; z where there is no degree of freedom.
    #[must_use]
    pub fn t(self, freedom: u64) -> f64 {
        if freedom == 0 {
            return self.z();
        }
        #[expect(clippy::cast_precision_loss, reason = "numbers of clusters")]
        let freedom = freedom as f64;
        t_quantile(0.5 + self.0 / 2.0, freedom)
    }

    /// The lower and upper tail probabilities.
    #[must_use]
    pub fn tails(self) -> (f64, f64) {
        let tail = (1.0 - self.0) / 2.0;
        (tail, 1.0 - tail)
    }
}

impl Default for Level {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a number is an estimate of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Estimand {
    /// The rate over instances like these: which instances were drawn is a source of error.
    #[default]
    Population,
    /// The rate over these very instances: only the sampling of the model is a source of error.
    FixedInstances,
}

impl Estimand {
    /// In words.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Population => "instances like these",
            Self::FixedInstances => "these instances alone",
        }
    }
}

/// What is independent of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clustering {
    /// Instances, those that share a sub-risk text joined.
    #[default]
    SharedTexts,
    /// Every instance by itself.
    Instances,
}

impl Clustering {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SharedTexts => "shared-texts",
            Self::Instances => "instances",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::SharedTexts, Self::Instances].into_iter().find(|c| c.name() == text)
    }
}

/// How an interval is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Percentiles of the bootstrap where the group is large enough for them, Wilson where it is not, exact where
    /// passes or failures are rare: what the simulations in `docs/statistics.md` found to cover.
    #[default]
    Auto,
    /// Percentiles of the clustered bootstrap within scenarios.
    Bootstrap,
    /// Estimate ± z · cluster-robust standard error.
    Normal,
    /// Wilson's score interval with the effective sample size of the cluster-robust variance.
    Wilson,
    /// Equal tails of the posterior under a uniform prior, Beta(1, 1), with the same effective sample size.
    Beta,
    /// Clopper and Pearson's exact interval with the same effective sample size (Korn and Graubard 1998).
    Exact,
    /// Estimate ± t · standard error by the delta method; for the F-score.
    Delta,
    /// Between the values at the limits of what it is made of; for the F-score.
    Limits,
    /// Estimate ± t · standard error by the jackknife over clusters; for the intraclass correlation.
    Jackknife,
    /// Difference ± t · paired cluster-robust standard error.
    Student,
    /// For a median: the values at the limits of the share that lies at or below it (Woodruff 1952).
    Woodruff,
    /// A difference from the limits of its parts by square-and-add (Newcombe 1998; Zou and Donner 2008).
    Newcombe,
}

impl Method {
    /// The methods a person may ask for.
    pub const CHOICES: [Self; 6] =
        [Self::Auto, Self::Bootstrap, Self::Normal, Self::Wilson, Self::Beta, Self::Exact];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Bootstrap => "bootstrap",
            Self::Normal => "normal",
            Self::Wilson => "wilson",
            Self::Beta => "beta",
            Self::Exact => "exact",
            Self::Delta => "delta",
            Self::Limits => "limits",
            Self::Jackknife => "jackknife",
            Self::Student => "t",
            Self::Woodruff => "woodruff",
            Self::Newcombe => "newcombe",
        }
    }

    /// Reads the name of a choice.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::CHOICES.into_iter().find(|m| m.name() == text)
    }
}

/// Everything that determines the intervals of a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inference {
    /// How often an interval should hold.
    pub level: Level,
    /// How it is made.
    pub method: Method,
    /// What it is about.
    pub estimand: Estimand,
    /// What is independent.
    pub clustering: Clustering,
    /// Replicates of the bootstrap; 0 does without it.
    pub replicates: u32,
    /// Seed of the bootstrap; nothing else depends on it.
    pub seed: u64,
}

impl Inference {
    /// Replicates unless told.
    pub const REPLICATES: u32 = 10_000;

    /// Whether the bootstrap is needed at all.
    #[must_use]
    pub const fn bootstraps(&self) -> bool {
        self.replicates > 0
            && matches!(self.estimand, Estimand::Population)
            && matches!(self.method, Method::Auto | Method::Bootstrap)
    }
}

impl Default for Inference {
    fn default() -> Self {
        Self {
            level: Level::DEFAULT,
            method: Method::Auto,
            estimand: Estimand::Population,
            clustering: Clustering::SharedTexts,
            replicates: Self::REPLICATES,
            seed: 0,
        }
    }
}

/// An interval and how it was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// How; never [`Method::Auto`].
    pub method: Method,
}

impl Interval {
    /// An interval within 0 to 1.
    #[must_use]
    pub const fn of_share(low: f64, high: f64, method: Method) -> Self {
        Self { low: low.clamp(0.0, 1.0), high: high.clamp(0.0, 1.0), method }
    }

    /// Whether a value lies in it.
    #[must_use]
    pub fn covers(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Its width.
    #[must_use]
    pub const fn width(&self) -> f64 {
        self.high - self.low
    }
}
