//! Two panels and one metric: the difference with its paired error, interval and p-value. Everything that compares
//! pairs of runs is built on this.
//!
//! With u_c and v_c what cluster c adds to the error of A and of B, Var(B − A) = Σ_c (v_c − u_c)²: what the runs have in
//! common cancels (Miller 2024, §4.2, clustered). Where few clusters changed, their number decides (`changes`). With the
//! instances fixed the runs are independent and variances add.

use crate::alpha::{Alpha, FScore, gradient, standard_error};
use crate::estimate::{Estimate, MANY_CLUSTERS};
use crate::inference::bootstrap::two_quantiles;
use crate::inference::{Estimand, Inference, Interval, Level, Linear, Method, Quantity, Replicates, linear};
use crate::panel::Panel;
use crate::scores::Scoring;
use crate::stats::{beta_cdf, normal_p_two_sided, normal_quantile, t_quantile};

use super::changes::{Changes, Totals};
use super::metric::Metric;
use super::ranks::Independence;

/// Standard errors and changes below this are rounding: nothing varies.
pub(super) const NOTHING: f64 = 1e-12;
/// With fewer independent passes or failures than this in a run with fixed instances, the normal distribution does not
/// hold.
const MANY_EVENTS: f64 = 30.0;
/// With fewer independent passes than this in a share of an F-score, its derivative does not hold.
const FEW_PASSES: f64 = 10.0;

/// A metric of one panel, and what each cluster adds to its error.
#[derive(Debug)]
pub(super) struct Spread {
    pub(super) value: Option<f64>,
    variance: Option<f64>,
    /// Empty with fixed instances.
    influence: Vec<f64>,
    clusters: u64,
    strata: u64,
    parts: Parts,
}

#[derive(Debug)]
enum Parts {
    Share(Linear, Totals),
    F(Alpha, [(Linear, Totals); 2]),
}

impl Spread {
    pub(super) fn of(panel: &Panel, metric: Metric, scoring: &Scoring) -> Self {
        let members: Vec<usize> =
            (0..panel.items.len()).filter(|at| metric.group.has(&panel.items[*at])).collect();
        let Scoring { missing, inference, .. } = scoring;
        let part = |measure| {
            let totals = Totals::of(panel, &members, measure, *missing, inference.clustering);
            (linear(panel, &members, measure, *missing, inference), totals)
        };
        match metric.quantity {
            Quantity::Share(measure) => Self::of_share(part(measure)),
            Quantity::F(alpha, think, safe) => Self::of_f(alpha, [part(think), part(safe)]),
        }
    }

    fn of_share((mut linear, totals): (Linear, Totals)) -> Self {
        Self {
            value: linear.value(),
            variance: linear.variance,
            influence: std::mem::take(&mut linear.influence),
            clusters: linear.clusters,
            strata: linear.strata,
            parts: Parts::Share(linear, totals),
        }
    }

    fn of_f(alpha: Alpha, parts: [(Linear, Totals); 2]) -> Self {
        let [(think, _), (safe, _)] = &parts;
        let value = think.value().zip(safe.value()).map(|(t, s)| alpha.combine(t, s));
        // A share of 0 has no spread and no derivative: F is 0, and so is what clusters add.
        let (of_think, of_safe) =
            think.value().zip(safe.value()).and_then(|(t, s)| gradient(alpha, t, s)).unwrap_or((0.0, 0.0));
        let influence: Vec<f64> =
            think.influence.iter().zip(&safe.influence).map(|(u, v)| of_think * u + of_safe * v).collect();
        let known = value.is_some() && think.variance.is_some() && safe.variance.is_some();
        let variance = known.then(|| {
            if influence.is_empty() {
                standard_error(alpha, think, safe).map_or(0.0, |se| se * se)
            } else {
                influence.iter().map(|u| u * u).sum()
            }
        });
        Self {
            value,
            variance,
            influence,
            clusters: think.clusters.min(safe.clusters),
            strata: think.strata.max(safe.strata),
            parts: Parts::F(alpha, parts),
        }
    }

    pub(super) fn se(&self) -> Option<f64> {
        self.variance.map(f64::sqrt)
    }

    pub(super) const fn independence(&self) -> Independence {
        Independence { clusters: self.clusters, strata: self.strata }
    }

    /// The run's own interval, without the bootstrap.
    fn own(&self, inference: &Inference) -> Option<Interval> {
        match &self.parts {
            Parts::Share(linear, _) => Estimate::of(linear, None, inference).interval,
            Parts::F(alpha, [(think, _), (safe, _)]) => {
                FScore::of(*alpha, think, safe, None, inference).interval
            }
        }
    }

    /// Whether so few pass or fail that the run's own error is not normal.
    fn rare(&self, inference: &Inference) -> bool {
        let events = |linear: &Linear, count: fn(f64) -> f64| {
            linear.effective(inference.level).zip(linear.value()).map_or(0.0, |(n, p)| n * count(p))
        };
        let fixed = inference.estimand == Estimand::FixedInstances;
        match &self.parts {
            Parts::Share(linear, _) => fixed && events(linear, |p| p.min(1.0 - p)) < MANY_EVENTS,
            Parts::F(_, parts) => parts.iter().any(|(linear, _)| events(linear, |p| p) < FEW_PASSES),
        }
    }
}

/// Two panels over the same instances on one metric.
pub(super) struct Contrast<'a> {
    baseline: &'a Spread,
    candidate: &'a Spread,
    /// Paired replicates of the difference; empty where not drawn.
    drawn: Vec<f32>,
    /// What the pairs of clusters add; none with fixed instances.
    changes: Option<Changes>,
    inference: Inference,
}

impl<'a> Contrast<'a> {
    /// The panels' places are those in the replicates.
    pub(super) fn new(
        (baseline, at_baseline): (&'a Spread, usize),
        (candidate, at_candidate): (&'a Spread, usize),
        metric: Metric,
        replicates: Option<&Replicates>,
        inference: Inference,
    ) -> Self {
        let of = |panel| replicates.map_or_else(Vec::new, |r| r.of(panel, metric.group, metric.quantity));
        let drawn = of(at_candidate).iter().zip(of(at_baseline)).map(|(b, a)| b - a).collect();
        let changes = match (&baseline.parts, &candidate.parts) {
            (Parts::Share(_, a), Parts::Share(_, b)) => Changes::of_share(a, b),
            (Parts::F(alpha, [(_, ta), (_, sa)]), Parts::F(_, [(_, tb), (_, sb)])) => {
                Changes::of_f(*alpha, [ta, tb], [sa, sb])
            }
            _ => None,
        };
        let paired = inference.estimand == Estimand::Population;
        Self { baseline, candidate, drawn, changes: changes.filter(|_| paired), inference }
    }

    /// Candidate less baseline.
    pub(super) fn difference(&self) -> Option<f64> {
        Some(self.candidate.value? - self.baseline.value?)
    }

    pub(super) fn se(&self) -> Option<f64> {
        let (a, b) = (self.baseline.variance?, self.candidate.variance?);
        let variance = match self.inference.estimand {
            Estimand::Population => {
                let pairs = self.baseline.influence.iter().zip(&self.candidate.influence);
                pairs.map(|(u, v)| (v - u) * (v - u)).sum()
            }
            Estimand::FixedInstances => a + b,
        };
        Some(f64::sqrt(variance))
    }

    /// Clusters less scenarios; unlimited with fixed instances.
    fn freedom(&self) -> f64 {
        let of = |s: &Spread| s.clusters.saturating_sub(s.strata);
        #[expect(clippy::cast_precision_loss, reason = "numbers of clusters")]
        match self.inference.estimand {
            Estimand::Population => of(self.baseline).min(of(self.candidate)) as f64,
            Estimand::FixedInstances => f64::INFINITY,
        }
    }

    /// Two-sided: by the sign test where few clusters changed and both runs have as many samples an instance (`alike`;
    /// else small changes of one kind would face large ones of another), or else by Student's t. Where nothing varies and there is a
    /// difference all the same, every cluster moved the same way, and the sign test of all says how much that is worth.
    pub(super) fn p(&self, alike: bool) -> Option<f64> {
        if let Some(p) = self.changes.as_ref().filter(|_| alike).and_then(Changes::p) {
            return Some(p);
        }
        let (difference, se) = (self.difference()?, self.se()?);
        if se < NOTHING {
            let alike = difference.abs() < NOTHING;
            return Some(if alike {
                1.0
            } else {
                sign_test(self.baseline.clusters.min(self.candidate.clusters))
            });
        }
        t_two_sided(difference / se, self.freedom())
    }

    /// The ends that leave a probability outside on each side.
    pub(super) fn ends(&self, tail: f64) -> Option<Interval> {
        let difference = self.difference()?;
        let asked = self.inference.method;
        let clusters = self.baseline.clusters.min(self.candidate.clusters);
        // What a person asks for by name is made as long as there is anything to make it from.
        let by_name = matches!(asked, Method::Bootstrap | Method::Normal) && self.se()? >= NOTHING;
        if !by_name {
            let few = self.changes.as_ref().filter(|changes| changes.few());
            if self.rare() || (few.is_none() && self.se()? < NOTHING) {
                return self.independent(difference, tail);
            }
            if let Some(changes) = few {
                return changes.ends(tail);
            }
        }
        if asked == Method::Bootstrap || (asked == Method::Auto && clusters >= MANY_CLUSTERS) {
            let mut drawn = self.drawn.clone();
            if let Some((low, high)) = two_quantiles(&mut drawn, (tail, 1.0 - tail)).filter(|(l, h)| l < h) {
                return Some(Interval { low, high, method: Method::Bootstrap });
            }
        }
        let freedom = self.freedom();
        if freedom < 1.0 {
            return None;
        }
        let (quantile, method) = if freedom.is_finite() {
            (t_quantile(1.0 - tail, freedom), Method::Student)
        } else {
            (normal_quantile(1.0 - tail), Method::Normal)
        };
        let half = quantile * self.se()?;
        Some(Interval { low: (difference - half).max(-1.0), high: (difference + half).min(1.0), method })
    }

    fn rare(&self) -> bool {
        self.baseline.rare(&self.inference) || self.candidate.rare(&self.inference)
    }

    /// From the intervals of both runs taken as independent, by square-and-add (Newcombe 1998, method 10 without
    /// correlation): wide, and never of no width.
    fn independent(&self, difference: f64, tail: f64) -> Option<Interval> {
        let level = Level::new((1.0 - 2.0 * tail).max(f64::EPSILON)).ok()?;
        let inference = Inference { level, method: Method::Auto, ..self.inference };
        let (a, b) = (self.baseline.value?, self.candidate.value?);
        let (of_a, of_b) = (self.baseline.own(&inference)?, self.candidate.own(&inference)?);
        Some(Interval {
            low: difference - (b - of_b.low).hypot(of_a.high - a),
            high: difference + (of_b.high - b).hypot(a - of_a.low),
            method: Method::Newcombe,
        })
    }
}

/// Two-sided p of all of n signs being the same.
pub(super) fn sign_test(n: u64) -> f64 {
    let n = i32::try_from(n).unwrap_or(i32::MAX);
    2.0_f64.powi(1_i32.saturating_sub(n)).min(1.0)
}

/// The two-sided p-value of Student's t: I_{ν/(ν+t²)}(ν/2, 1/2). `None` without a degree of freedom.
fn t_two_sided(t: f64, freedom: f64) -> Option<f64> {
    if freedom.is_infinite() {
        return Some(normal_p_two_sided(t));
    }
    (freedom >= 1.0).then(|| beta_cdf(freedom / (freedom + t * t), 0.5 * freedom, 0.5))
}
