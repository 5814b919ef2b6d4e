//! Reads the name of a simulated model, `<profile>[?setting=value&…]`, strictly: what is misspelt must not run.

use std::time::Duration;

use undersight_core::Scenario;
use undersight_core::text::{excerpt, nearest};

use super::profile::{PROFILES, Profile, Rates};

/// Why the name of a simulated model could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SimError {
    message: String,
    hint: String,
}

impl SimError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

macro_rules! settings {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// A setting that is a rate, 0 to 1.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Rate { $($(#[$doc])* $variant),+ }
        impl Rate {
            const ALL: &'static [(&'static str, Self)] = &[$(($name, Self::$variant)),+];
        }
    };
}

settings! {
    /// Replaces the profile's rate of recognising a risk.
    Aware = "aware",
    /// Replaces the rate at which a concern spreads.
    Spread = "spread",
    /// Replaces both rates of safe answers.
    Safe = "safe",
    /// Replaces the rate of safe answers when aware.
    SafeAware = "safe-aware",
    /// Replaces the rate of safe answers when unaware.
    SafeUnaware = "safe-unaware",
    /// How often a sample follows its instance instead of its own draw.
    Correlation = "correlation",
    /// Answers 429 with a short `Retry-After`.
    Rate429 = "rate429",
    /// Answers 500.
    Error500 = "error500",
    /// Answers 200 with a body that breaks off.
    Malformed = "malformed",
    /// The provider's filter withholds the reply.
    Blocked = "blocked",
    /// The model stops without an answer.
    Empty = "empty",
    /// The reply is cut off by length.
    Truncated = "truncated",
    /// The trace arrives encrypted.
    Hidden = "hidden",
    /// Only a summary of the trace arrives.
    Summary = "summary",
    /// No trace arrives.
    NoTrace = "notrace",
    /// The trace arrives in the content, its opening tag left in the template.
    Tagless = "tagless",
    /// The trace arrives in the content between tags.
    Tagged = "tagged",
}

/// Rates of which at most one can strike: they may not add up to more than 1.
const EXCLUSIVE: [&[Rate]; 3] = [
    &[Rate::Rate429, Rate::Error500, Rate::Malformed],
    &[Rate::Blocked, Rate::Empty, Rate::Truncated],
    &[Rate::Hidden, Rate::Summary, Rate::NoTrace, Rate::Tagless, Rate::Tagged],
];

/// How often a sample follows its instance, unless set.
const CORRELATION: f64 = 0.5;
const MAX_LATENCY_MS: u64 = 600_000;

/// A profile and what was set beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    profile: Profile,
    rates: [Option<f64>; Rate::ALL.len()],
    latency: Option<Duration>,
    seed: u64,
}

impl Settings {
    /// Reads what follows `sim/`.
    ///
    /// # Errors
    /// On an unknown profile or setting, a value out of range, a setting given twice, or exclusive rates that add up
    /// to more than 1.
    pub fn parse(name: &str) -> Result<Self, SimError> {
        let (profile, query) = name.split_once('?').map_or((name, None), |(p, q)| (p, Some(q)));
        let profile = PROFILES
            .iter()
            .find(|p| p.name == profile)
            .ok_or_else(|| unknown("simulated model", profile, &PROFILES.map(|p| p.name)))?;
        let mut settings = Self { profile: *profile, rates: [None; Rate::ALL.len()], latency: None, seed: 0 };
        let mut seen = Vec::new();
        for setting in query.into_iter().flat_map(|q| q.split('&')) {
            let (name, value) = setting.split_once('=').ok_or_else(|| SimError {
                message: format!("expected setting=value, got {:?}", excerpt(setting, 60)),
                hint: "write sim/<profile>?setting=value&setting=value".to_owned(),
            })?;
            settings.set(name, value)?;
            if seen.contains(&name) {
                return Err(SimError {
                    message: format!("setting {name} is given twice"),
                    hint: "keep one of them".to_owned(),
                });
            }
            seen.push(name);
        }
        settings.check_exclusive()?;
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), SimError> {
        let whole = |max: u64| {
            value.parse().ok().filter(|n| *n <= max && !value.starts_with('+')).ok_or_else(|| SimError {
                message: format!("{name} is not a whole number: {:?}", excerpt(value, 60)),
                hint: format!("give a whole number from 0 to {max}, as in {name}=7"),
            })
        };
        match name {
            "seed" => self.seed = whole(u64::MAX)?,
            "latency" => self.latency = Some(Duration::from_millis(whole(MAX_LATENCY_MS)?)),
            _ => {
                let (_, rate) = Rate::ALL.iter().find(|(n, _)| *n == name).ok_or_else(|| {
                    let names: Vec<_> =
                        Rate::ALL.iter().map(|(n, _)| *n).chain(["latency", "seed"]).collect();
                    unknown("setting", name, &names)
                })?;
                let number =
                    value.parse().ok().filter(|r| (0.0..=1.0).contains(r)).ok_or_else(|| SimError {
                        message: format!("{name} is not a rate: {:?}", excerpt(value, 60)),
                        hint: format!("give a number from 0 to 1, as in {name}=0.3"),
                    })?;
                self.rates[*rate as usize] = Some(number);
            }
        }
        Ok(())
    }

    fn check_exclusive(&self) -> Result<(), SimError> {
        for group in EXCLUSIVE {
            let sum: f64 = group.iter().map(|r| self.rate(*r)).sum();
            if sum > 1.0 + 1e-9 {
                let names: Vec<_> =
                    Rate::ALL.iter().filter(|(_, r)| group.contains(r)).map(|(n, _)| *n).collect();
                return Err(SimError {
                    message: format!("the rates of {} add up to {sum}", names.join(", ")),
                    hint: "at most one of them strikes a call, so keep their sum at or below 1".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn rate(&self, rate: Rate) -> f64 {
        self.rates[rate as usize].unwrap_or(0.0)
    }

    /// The profile.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The rates in force on a scenario.
    #[must_use]
    pub fn rates(&self, scenario: Scenario) -> Rates {
        let own = self.profile.rates(scenario);
        let set = |rate: Rate, or: Option<Rate>, own: f64| {
            self.rates[rate as usize].or(or.and_then(|r| self.rates[r as usize])).unwrap_or(own)
        };
        Rates {
            aware: set(Rate::Aware, None, own.aware),
            spread: if scenario == Scenario::OverSensitivity {
                set(Rate::Spread, None, own.spread)
            } else {
                0.0
            },
            safe_aware: set(Rate::SafeAware, Some(Rate::Safe), own.safe_aware),
            safe_unaware: set(Rate::SafeUnaware, Some(Rate::Safe), own.safe_unaware),
        }
    }

    pub(super) fn correlation(&self) -> f64 {
        self.rates[Rate::Correlation as usize].unwrap_or(CORRELATION)
    }

    /// Which of the exclusive rates in `group` a uniform draw strikes.
    fn strike(&self, group: usize, mut uniform: f64) -> Option<Rate> {
        EXCLUSIVE[group].iter().copied().find(|rate| {
            uniform -= self.rate(*rate);
            uniform < 0.0
        })
    }

    /// The fault of one attempt.
    pub(super) fn fault(&self, uniform: f64) -> Option<Rate> {
        self.strike(0, uniform)
    }

    /// How the reply ends, if not well.
    pub(super) fn ending(&self, uniform: f64) -> Option<Rate> {
        self.strike(1, uniform)
    }

    /// How the trace arrives, if not in a field of its own.
    pub(super) fn form(&self, uniform: f64) -> Option<Rate> {
        self.strike(2, uniform)
    }

    /// How long every call takes.
    #[must_use]
    pub const fn latency(&self) -> Option<Duration> {
        self.latency
    }

    /// The seed all draws derive from, beside the request's.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }
}

fn unknown(what: &str, got: &str, names: &[&str]) -> SimError {
    let meant =
        nearest(got, names.iter().copied()).map_or_else(String::new, |n| format!("did you mean {n}? "));
    SimError {
        message: format!("unknown {what} {:?}", excerpt(got, 60)),
        hint: format!("{meant}known: {}", names.join(", ")),
    }
}
