//! `gate`: whether a candidate may replace a baseline, for continuous integration.

use std::fmt;

use undersight_core::text::excerpt;

use super::align::{align, common_k};
use super::contrast::{Contrast, Spread};
use super::error::CompareError;
use super::metric::{Metric, MetricSpec};
use super::words::{percent, points};
use crate::inference::{Level, resample};
use crate::panel::Panel;
use crate::scores::Scoring;

/// What a gate asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Test {
    /// With confidence, the candidate is not worse by more than the margin.
    #[default]
    NonInferiority,
    /// With confidence, it is better by more than the margin.
    Superiority,
    /// It measured no worse than by the margin, whatever chance had to do with it.
    Point,
}

impl Test {
    /// All three.
    pub const ALL: [Self; 3] = [Self::NonInferiority, Self::Superiority, Self::Point];

    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NonInferiority => "non-inferiority",
            Self::Superiority => "superiority",
            Self::Point => "point",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == text)
    }
}

/// A margin in points, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Margin(f64);

/// A margin outside 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a margin lies between 0 and 100 points, got {0}")]
pub struct NotAMargin(f64);

impl NotAMargin {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some("write 2 for two points".to_owned())
    }
}

impl Margin {
    /// Checks a margin.
    ///
    /// # Errors
    /// When it is no number between 0 and 100.
    pub fn new(points: f64) -> Result<Self, NotAMargin> {
        if (0.0..=100.0).contains(&points) { Ok(Self(points)) } else { Err(NotAMargin(points)) }
    }

    /// In points.
    #[must_use]
    pub const fn points(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Margin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A condition on a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// On what.
    pub metric: MetricSpec,
    /// How much is allowed, or for superiority asked for.
    pub margin: Margin,
    /// How it is tested.
    pub test: Test,
    /// Confidence of the one-sided bound.
    pub level: Level,
}

/// What became of a gate. Shares and differences of shares; a gain is signed so that more is better.
#[derive(Debug, Clone, PartialEq)]
pub struct GateResult {
    /// The baseline's name.
    pub baseline: String,
    /// The candidate's name.
    pub candidate: String,
    /// On what.
    pub metric: Metric,
    /// The condition.
    pub gate: Gate,
    /// Instances both have, of the metric's group.
    pub instances: usize,
    /// The baseline's value; `None` of nothing.
    pub baseline_value: Option<f64>,
    /// The candidate's value.
    pub candidate_value: Option<f64>,
    /// Candidate less baseline.
    pub difference: Option<f64>,
    /// The difference, turned where less is better.
    pub gain: Option<f64>,
    /// With the gate's confidence, the gain is at least this; `None` where that cannot be said.
    pub bound: Option<f64>,
    /// Whether the condition holds; what cannot be said does not.
    pub passed: bool,
    /// In words.
    pub sentence: String,
}

/// Holds a candidate against a baseline over the instances both have.
///
/// Non-inferiority holds where the one-sided lower bound of the gain is at least −margin, superiority where it lies above
/// +margin, point where the gain itself is at least −margin. The bound is the lower end of the two-sided interval of
/// [`Difference::interval`](super::Difference::interval) with the same tail: it is never the gain itself, not even of two
/// runs that agree on everything, which says no more than that changes are rare.
///
/// # Errors
/// When nothing is common, the k differ under `@k`, a run has fewer samples than a metric names, or a bound is asked for
/// at a level below 0.5.
pub fn gate(
    baseline: &Panel,
    candidate: &Panel,
    gates: &[Gate],
    scoring: &Scoring,
) -> Result<Vec<GateResult>, CompareError> {
    if let Some(low) = gates.iter().find(|g| g.test != Test::Point && g.level.get() < 0.5) {
        return Err(CompareError::LowLevel { level: low.level });
    }
    let panels = [baseline, candidate];
    let mut metrics = Vec::with_capacity(gates.len());
    for gate in gates {
        let k = if gate.metric.needs_k() || gate.metric.samples().is_some() {
            common_k(&panels, gate.metric.samples())?
        } else {
            baseline.k
        };
        metrics.push(gate.metric.resolve(k, scoring.alpha));
    }
    let aligned = align(&panels)?;
    let replicates = scoring.inference.bootstraps().then(|| {
        let groups: Vec<_> = metrics.iter().map(|m| m.group).collect();
        let quantities: Vec<_> = metrics.iter().map(|m| m.quantity).collect();
        let pair: Vec<&Panel> = aligned.iter().collect();
        resample(&pair, &groups, &quantities, scoring.missing, &scoring.inference)
    });
    let check = |(metric, gate): (&Metric, &Gate)| {
        let spreads = [0, 1].map(|at| Spread::of(&aligned[at], *metric, scoring));
        let [a, b] = &spreads;
        let contrast = Contrast::new((a, 0), (b, 1), *metric, replicates.as_ref(), scoring.inference);
        let sign = if metric.more_is_better() { 1.0 } else { -1.0 };
        let bound = contrast.ends(1.0 - gate.level.get()).map(|i| if sign > 0.0 { i.low } else { -i.high });
        let mut result = GateResult {
            baseline: baseline.name.clone(),
            candidate: candidate.name.clone(),
            metric: *metric,
            gate: *gate,
            instances: aligned[0].items.iter().filter(|i| metric.group.has(i)).count(),
            baseline_value: a.value,
            candidate_value: b.value,
            difference: contrast.difference(),
            gain: contrast.difference().map(|d| sign * d),
            bound,
            passed: false,
            sentence: String::new(),
        };
        result.passed = holds(&result).unwrap_or(false);
        result.sentence = sentence(&result);
        result
    };
    Ok(metrics.iter().zip(gates).map(check).collect())
}

fn holds(result: &GateResult) -> Option<bool> {
    let margin = result.gate.margin.points() / 100.0;
    Some(match result.gate.test {
        Test::NonInferiority => result.bound? >= -margin,
        Test::Superiority => result.bound? > margin,
        // The difference of two shares carries their rounding, which is no reason to fail at the margin itself.
        Test::Point => result.gain? >= -margin - 1e-12,
    })
}

fn sentence(result: &GateResult) -> String {
    let Gate { margin, test, level, .. } = result.gate;
    let metric = result.metric;
    let (Some(a), Some(b), Some(gain)) = (result.baseline_value, result.candidate_value, result.gain) else {
        return format!("{metric} cannot be compared: nothing to divide by");
    };
    let size = points(gain);
    let way = match (size.as_str(), gain < 0.0) {
        ("0.0", _) => "no different from".to_owned(),
        (_, true) => format!("worse by {size} points than"),
        (_, false) => format!("better by {size} points than"),
    };
    let mut text = format!(
        "{metric} of {} is {:.2}, {way} {}'s {:.2}",
        excerpt(&result.candidate, 80),
        b * 100.0,
        excerpt(&result.baseline, 80),
        a * 100.0,
    );
    if test != Test::Point {
        let level = percent(level);
        text.push_str(&match result.bound {
            None => format!("; {} instances are too few for a bound", result.instances),
            Some(bound) if points(bound) == "0.0" => format!("; with {level} confidence no worse"),
            Some(bound) if bound < 0.0 => {
                format!("; with {level} confidence worse by no more than {} points", points(bound))
            }
            Some(bound) => format!("; with {level} confidence better by at least {} points", points(bound)),
        });
    }
    text.push_str(&match (test, result.passed) {
        (Test::Superiority, true) => format!(": better by more than {margin}"),
        (Test::Superiority, false) => format!(": not shown to be better by more than {margin}"),
        (Test::NonInferiority, true) => format!(": within the margin of {margin}"),
        (Test::NonInferiority, false) => format!(": not shown to be within the margin of {margin}"),
        (Test::Point, true) => format!(": within the margin of {margin}"),
        (Test::Point, false) => format!(": beyond the margin of {margin}"),
    });
    text
}
