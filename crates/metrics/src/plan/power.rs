//! How many instances and samples show a difference, and how small a difference a design shows.
//!
//! A two-sided test of level α finds a true difference d with power 1−β when d ≥ (z₁₋α/₂ + z₁₋β)·SE (normal
//! approximation, the far tail left out; Miller 2024, §5). Differences are shares: 3 points are 0.03.

use super::components::{Pilot, Stratum, real};
use super::error::PlanError;
use super::jackknife::Component;
use super::paired::{PairedPilot, PairedStratum};
use crate::inference::{Estimand, Level};
use crate::stats::{normal_cdf, normal_quantile};

/// A two-sided test: how rarely it may see what is not there, and how surely it should see what is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    level: Level,
    power: f64,
}

impl Test {
    /// With a confidence level (1 − α) and a power.
    ///
    /// # Errors
    /// For a power below 0.5 or not below 1.
    pub fn new(level: Level, power: f64) -> Result<Self, PlanError> {
        if (0.5..1.0).contains(&power) { Ok(Self { level, power }) } else { Err(PlanError::Power(power)) }
    }

    /// 1 − α.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// 1 − β.
    #[must_use]
    pub const fn power(&self) -> f64 {
        self.power
    }

    /// z₁₋α/₂ + z₁₋β, 2.80 by default: how many standard errors a difference must measure.
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.level.z() + normal_quantile(self.power)
    }
}

impl Default for Test {
    /// α = 0.05 and a power of 0.8.
    fn default() -> Self {
        Self { level: Level::DEFAULT, power: 0.8 }
    }
}

/// A correlation of the instances' rates in two arms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correlation(f64);

impl Correlation {
    /// Where nothing is known of it.
    pub const DEFAULT: Self = Self(0.5);
    /// What answers are shown for when it is not known.
    pub const SHOWN: [Self; 3] = [Self(0.0), Self(0.5), Self(0.8)];

    /// Checks a correlation.
    ///
    /// # Errors
    /// Outside −1 to 1.
    pub fn new(value: f64) -> Result<Self, PlanError> {
        if (-1.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(PlanError::Correlation(value)) }
    }

    /// The value.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// Whether both arms run over the same instances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pairing {
    /// The same, which they find alike in difficulty to the extent of the correlation.
    Paired(Correlation),
    /// Instances of their own, n in each arm.
    Unpaired,
}

impl Pairing {
    /// 0 where instances differ.
    #[must_use]
    pub const fn correlation(self) -> f64 {
        match self {
            Self::Paired(correlation) => correlation.0,
            Self::Unpaired => 0.0,
        }
    }
}

/// What the variance of a difference of two arms is made of; in squared shares, none below 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// Between instances: σ²_d, or 2σ²_b(1−ρ) from one pilot.
    pub between: f64,
    /// What shared texts add to it.
    pub shared: f64,
    /// Between samples of one instance, both arms' added up: 2σ²_w from one pilot.
    pub within: f64,
}

impl Contrast {
    pub(super) const NONE: Self = Self { between: 0.0, shared: 0.0, within: 0.0 };

    /// From one pilot, the second arm being like the first. Components below 0 by chance count as 0.
    #[must_use]
    pub fn of(pilot: &Pilot, pairing: Pairing) -> Self {
        let own = |s: &Stratum| (s.weight, Self::counted(s.spread.between, s.spread.shared, s.spread.within));
        pilot
            .scenarios
            .iter()
            .map(own)
            .fold(Self::NONE, |all, (weight, own)| all.plus(weight, own.doubled(pairing)))
    }

    /// From two pilots, the arms to be run over the same instances.
    #[must_use]
    pub fn of_pair(pilot: &PairedPilot) -> Self {
        let own =
            |s: &PairedStratum| (s.weight, Self::counted(s.spread.between, s.spread.shared, s.spread.within));
        pilot.scenarios.iter().map(own).fold(Self::NONE, |all, (weight, own)| all.plus(weight, own))
    }

    /// From two pilots, each arm to be run over instances of its own.
    #[must_use]
    pub fn of_apart(pilot: &PairedPilot) -> Self {
        pilot.scenarios.iter().fold(Self::NONE, |all, s| {
            [s.spread.a, s.spread.b]
                .into_iter()
                .fold(all, |all, arm| all.plus(s.weight, Self::counted(arm.between, arm.shared, arm.within)))
        })
    }

    fn counted(between: Component, shared: Component, within: Component) -> Self {
        Self { between: between.value.max(0.0), shared: shared.value.max(0.0), within: within.value }
    }

    pub(super) fn plus(self, weight: f64, own: Self) -> Self {
        Self {
            between: self.between + weight * own.between,
            shared: self.shared + weight * own.shared,
            within: self.within + weight * own.within,
        }
    }

    /// Of one arm made of the difference of two alike.
    pub(super) fn doubled(self, pairing: Pairing) -> Self {
        let apart = 2.0 * (1.0 - pairing.correlation());
        Self { between: apart * self.between, shared: apart * self.shared, within: 2.0 * self.within }
    }

    /// The variance of the difference over `instances` of `samples` each: (between + shared + within/k)/n over instances
    /// like these; over a fixed set of N instances of which n are drawn at random, between + shared count (1 − n/N)
    /// times, that is not at all when all are used (Cochran 1977, §2.6).
    #[must_use]
    pub fn variance(&self, instances: u64, samples: u32, target: &Target) -> f64 {
        let n = real(instances);
        let seen = (self.between + self.shared) * target.open(n);
        (seen + self.within / f64::from(samples)) / n
    }

    /// Its root.
    #[must_use]
    pub fn se(&self, instances: u64, samples: u32, target: &Target) -> f64 {
        self.variance(instances, samples, target).sqrt()
    }
}

/// What the difference is about and what there is to run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Target {
    /// Instances like these, or these alone.
    pub estimand: Estimand,
    /// How many instances there are; `None` is as many as wanted, and with fixed instances that those run are all.
    pub available: Option<u64>,
}

impl Target {
    /// The share of the variance between instances that counts.
    fn open(&self, n: f64) -> f64 {
        match (self.estimand, self.available) {
            (Estimand::Population, _) => 1.0,
            (Estimand::FixedInstances, Some(available)) => (1.0 - n / real(available)).max(0.0),
            (Estimand::FixedInstances, None) => 0.0,
        }
    }
}

/// What it takes at a number of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Need {
    /// Samples per instance.
    pub samples: u32,
    /// Instances that show the difference asked for, in each arm; `None` where none of those available do.
    pub instances: Option<u64>,
    /// The smallest difference shown with all available instances, where their number is given.
    pub detectable: Option<f64>,
}

/// The smallest true difference shown by a standard error: factor · SE / J, where a difference shows as `remains` (J) of
/// itself.
#[must_use]
pub fn detectable(se: f64, test: &Test, remains: f64) -> f64 {
    test.factor() * se / remains
}

/// The chance that a test finds a difference that shows as `shown`, both tails counted.
#[must_use]
pub fn power(shown: f64, se: f64, level: Level) -> f64 {
    if se <= 0.0 {
        return f64::from(u8::from(shown.abs() > 0.0));
    }
    let (shift, z) = (shown.abs() / se, level.z());
    normal_cdf(shift - z) + normal_cdf(-shift - z)
}

/// The fewest instances (two or more) in each arm that show a difference which shows as `shown`, at `samples` each:
/// n ≥ (between + shared + within/k)·(factor/d)² over instances like these. `None` when that is more than there are.
///
/// # Errors
/// For a difference outside 0 to 1 and for no samples.
pub fn instances_needed(
    contrast: &Contrast,
    samples: u32,
    shown: f64,
    test: &Test,
    target: &Target,
) -> Result<Option<u64>, PlanError> {
    let enough = enough(shown, test)?;
    if samples == 0 {
        return Err(PlanError::NoSamples);
    }
    let between = contrast.between + contrast.shared;
    let within = contrast.within / f64::from(samples);
    // n solves between·(1/n − 1/N) + within/n = enough, N being infinite over instances like these.
    let needed = match (target.estimand, target.available) {
        (Estimand::Population, _) => (between + within) / enough,
        (Estimand::FixedInstances, None) => within / enough,
        (Estimand::FixedInstances, Some(all)) => (between + within) / (enough + between / real(all).max(1.0)),
    };
    // A hair below a whole number is that number, rounded.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; saturates")]
    let needed = ((needed * (1.0 - 1e-12)).ceil() as u64).max(2);
    Ok(Some(needed).filter(|n| target.available.is_none_or(|all| *n <= all)))
}

/// The fewest samples on each of `instances` that show a difference; `None` when no number does, because the variance
/// between instances alone hides it.
///
/// # Errors
/// For a difference outside 0 to 1 and for no instances.
pub fn samples_needed(
    contrast: &Contrast,
    instances: u64,
    shown: f64,
    test: &Test,
    target: &Target,
) -> Result<Option<u32>, PlanError> {
    let enough = enough(shown, test)?;
    if instances == 0 {
        return Err(PlanError::NoInstances);
    }
    let n = real(instances);
    let room = enough * n - (contrast.between + contrast.shared) * target.open(n);
    let needed = ((contrast.within / room) * (1.0 - 1e-12)).ceil().max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    Ok((room > 0.0 && needed < f64::from(u32::MAX)).then_some(needed as u32))
}

/// What it takes at each number of samples, for a true difference of which `remains` (J) shows.
///
/// # Errors
/// As [`instances_needed`].
pub fn needs(
    contrast: &Contrast,
    samples: &[u32],
    difference: f64,
    remains: f64,
    test: &Test,
    target: &Target,
) -> Result<Vec<Need>, PlanError> {
    enough(difference, test)?;
    let row = |&samples: &u32| {
        let instances = instances_needed(contrast, samples, difference * remains, test, target)?;
        let detectable = target.available.map(|n| detectable(contrast.se(n, samples, target), test, remains));
        Ok(Need { samples, instances, detectable })
    };
    samples.iter().map(row).collect()
}

/// The largest variance that still shows a difference.
fn enough(shown: f64, test: &Test) -> Result<f64, PlanError> {
    if shown > 0.0 && shown <= 1.0 {
        Ok((shown / test.factor()).powi(2))
    } else {
        Err(PlanError::Difference(shown))
    }
}
