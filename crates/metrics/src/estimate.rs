//! An estimate: a share, what it could become once everything unknown is known, and how uncertain it is.

use crate::inference::{Inference, Interval, Linear, Method};

/// A share with its bounds and its uncertainty. Shares lie between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// The numerator: whole for plain counts, fractional for unbiased pass^k with k below the number of samples.
    pub passes: f64,
    /// The denominator.
    pub of: f64,
    /// Samples or instances whose outcome is unknown.
    pub open: f64,
    /// Worst case (Manski): everything unknown against it, over the plan.
    pub low: Option<f64>,
    /// Best case (Manski): everything unknown for it, over the plan.
    pub high: Option<f64>,
    /// Standard error; cluster-robust, or of the model's sampling alone when the instances are fixed.
    pub se: Option<f64>,
    /// The interval.
    pub interval: Option<Interval>,
}

impl Estimate {
    /// From a share with its influences, and its bootstrap interval where there is one.
    #[must_use]
    pub fn of(linear: &Linear, bootstrap: Option<Interval>, inference: &Inference) -> Self {
        let ratio = |(num, den): (f64, f64)| (den > 0.0).then(|| num / den);
        Self {
            passes: linear.sum.num,
            of: linear.sum.den,
            open: linear.sum.open,
            low: ratio(linear.sum.worst),
            high: ratio(linear.sum.best),
            se: linear.se(),
            interval: choose(linear, bootstrap, inference),
        }
    }

    /// The share; `None` of nothing.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.of > 0.0).then(|| self.passes / self.of)
    }
}

/// With fewer clusters than this, or fewer independent passes or failures, percentiles of the bootstrap cover less than
/// they say: `docs/statistics.md` has the simulations.
pub(crate) const MANY_CLUSTERS: u64 = 100;
const MANY: f64 = 30.0;
/// With fewer independent passes or failures than this, so does Wilson's interval.
const RARE: f64 = 5.0;

fn choose(linear: &Linear, bootstrap: Option<Interval>, inference: &Inference) -> Option<Interval> {
    let analytic = |method| linear.interval(method, inference.level);
    match (inference.method, bootstrap) {
        (Method::Bootstrap, Some(interval)) if interval.width() > 0.0 => Some(interval),
        (Method::Auto | Method::Bootstrap, bootstrap) => {
            let p = linear.value()?;
            let rarer = linear.effective(inference.level)? * p.min(1.0 - p);
            let large = linear.clusters >= MANY_CLUSTERS && rarer >= MANY;
            bootstrap
                .filter(|_| large)
                .or_else(|| analytic(if rarer >= RARE { Method::Wilson } else { Method::Exact }))
        }
        (method, _) => analytic(method),
    }
}
