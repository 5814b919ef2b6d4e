//! What is compared: a quantity of a group of instances, and how a person writes it (`think@1`, `safe@k`, `ssa:CS`, `f`).

use std::fmt;
use std::str::FromStr;

use undersight_core::text::excerpt;
use undersight_core::{Scenario, Task};

use crate::alpha::Alpha;
use crate::group::Group;
use crate::inference::Quantity;
use crate::measure::Measure;

/// A quantity of a group of instances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// What is measured.
    pub quantity: Quantity,
    /// Over which instances.
    pub group: Group,
}

impl Metric {
    /// A share of a group.
    #[must_use]
    pub const fn share(measure: Measure, group: Group) -> Self {
        Self { quantity: Quantity::Share(measure), group }
    }

    /// The F-score of a group.
    #[must_use]
    pub const fn f(alpha: Alpha, group: Group) -> Self {
        let (think, safe) = (Measure::AtOne(Task::Thinking), Measure::AtOne(Task::Safety));
        Self { quantity: Quantity::F(alpha, think, safe), group }
    }

    /// Whether more of it is better. Flips, which are neither, count as worse the more there are.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        match self.quantity {
            Quantity::Share(measure) => measure.more_is_better().unwrap_or(false),
            Quantity::F(..) => true,
        }
    }

    /// The task and k of a pass^k with k above 1.
    pub(crate) const fn at_k(self) -> Option<(Task, u32)> {
        match self.quantity {
            Quantity::Share(Measure::AllOf(task, k)) => Some((task, k)),
            _ => None,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.quantity {
            Quantity::Share(measure) => write!(f, "{measure}")?,
            Quantity::F(..) => f.write_str("f")?,
        }
        match self.group {
            Group::All => Ok(()),
            Group::Scenario(scenario) => write!(f, ":{}", scenario.abbreviation()),
            group => write!(f, ":{}", group.name()),
        }
    }
}

/// A metric as it is asked for, before k and α are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricSpec {
    name: Name,
    scenario: Option<Scenario>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    /// A task at 1 or at a number of samples; at the runs' own k where there is none.
    At(Task, Option<u32>),
    Share(Measure),
    F,
}

/// A text that names no metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is no metric", excerpt(.0, 60))]
pub struct NotAMetric(pub String);

impl NotAMetric {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(
            "safe@N, think@N (N a number or k), ssa, sound, lucky, escape, blind or f; `:OS`, `:CS` or `:RO` behind it for one scenario"
                .to_owned(),
        )
    }
}

impl MetricSpec {
    /// The F-score over all instances.
    pub const F: Self = Self { name: Name::F, scenario: None };

    /// The metric at the runs' k and α.
    #[must_use]
    pub fn resolve(self, k: u32, alpha: Alpha) -> Metric {
        let group = self.scenario.map_or(Group::All, Group::Scenario);
        match self.name {
            Name::F => Metric::f(alpha, group),
            Name::Share(measure) => Metric::share(measure, group),
            Name::At(task, at) => match at.unwrap_or(k) {
                1 => Metric::share(Measure::AtOne(task), group),
                k => Metric::share(Measure::AllOf(task, k), group),
            },
        }
    }

    /// Whether it is written with the runs' own k, which then has to be the same for all.
    #[must_use]
    pub const fn needs_k(self) -> bool {
        matches!(self.name, Name::At(_, None))
    }

    /// The number of samples it names, where it does.
    #[must_use]
    pub const fn samples(self) -> Option<u32> {
        match self.name {
            Name::At(_, at) => at,
            Name::Share(_) | Name::F => None,
        }
    }
}

impl FromStr for MetricSpec {
    type Err = NotAMetric;

    fn from_str(text: &str) -> Result<Self, NotAMetric> {
        let unknown = || NotAMetric(text.to_owned());
        let lower = text.trim().to_ascii_lowercase();
        let (name, scenario) = match lower.split_once(':') {
            Some((name, scenario)) => (name.trim(), Some(Scenario::parse(scenario).ok_or_else(unknown)?)),
            None => (lower.as_str(), None),
        };
        let name = match name {
            "f" | "f-score" => Name::F,
            "ssa" => Name::Share(Measure::Ssa),
            "sound" => Name::Share(Measure::Sound),
            "lucky" => Name::Share(Measure::Lucky),
            "escape" => Name::Share(Measure::Escape),
            "blind" => Name::Share(Measure::Blind),
            _ => at(name).ok_or_else(unknown)?,
        };
        Ok(Self { name, scenario })
    }
}

fn at(text: &str) -> Option<Name> {
    let (task, k) = text.split_once('@')?;
    let task = match task {
        "safe" => Task::Safety,
        "think" => Task::Thinking,
        _ => return None,
    };
    let at = if k == "k" { None } else { Some(k.parse::<u32>().ok().filter(|k| *k > 0)?) };
    Some(Name::At(task, at))
}

impl fmt::Display for MetricSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name, self.scenario) {
            (Name::At(task, None), scenario) => {
                f.write_str(if task == Task::Safety { "safe@k" } else { "think@k" })?;
                scenario.map_or(Ok(()), |s| write!(f, ":{}", s.abbreviation()))
            }
            _ => write!(f, "{}", self.resolve(1, Alpha::DEFAULT)),
        }
    }
}
