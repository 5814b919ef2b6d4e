//! What changed between two runs, cluster by cluster, and the interval of a difference that few changes carry.
//!
//! With θ̄ the mean of both shares, D̄ that of both denominators and r_c = num_c − θ̄ den_c, cluster c changed by
//! δ_c = (r_c of B − r_c of A) / D̄. The δ add up to the difference, and are 0 where nothing changed; where denominators
//! agree they are (num_c of B − num_c of A) / D. Few of them make neither a normal distribution nor a bootstrap: gains
//! P⁺ = Σ max(δ_c, 0) and losses P⁻ = Σ max(−δ_c, 0) are then shares with limits of their own, put together by
//! square-and-add with their correlation (Newcombe 1998; Zou and Donner 2008).

use super::contrast::NOTHING;
use crate::alpha::Alpha;
use crate::inference::{Clustering, Interval, Method};
use crate::measure::Measure;
use crate::panel::Panel;
use crate::share::Missing;
use crate::stats::{clopper_pearson, mcnemar_exact, wilson};

/// With fewer clusters' worth of change than this, (Σ|δ|)² / Σδ², neither percentiles nor Student's t hold:
/// `docs/statistics.md` has the simulations.
const MANY_CHANGES: f64 = 60.0;
/// With fewer changed clusters than this their signs are counted instead of t computed.
const MANY_CHANGED: u64 = 30;
/// With fewer independent events than this Wilson's one-sided limits do not hold, and the exact ones are taken.
const FEW_EVENTS: f64 = 3.0;
/// Of a cluster that changes altogether, added to those seen.
const UNSEEN: f64 = 0.5;
/// What rounding may take from a number at one of these limits.
const HAIR: f64 = 1e-9;

/// A share's numerator and denominator by cluster.
#[derive(Debug, Default)]
pub(super) struct Totals {
    clusters: Vec<(f64, f64)>,
    sum: (f64, f64),
}

impl Totals {
    pub(super) fn of(
        panel: &Panel,
        members: &[usize],
        measure: Measure,
        missing: Missing,
        clustering: Clustering,
    ) -> Self {
        let mut all = Self { clusters: vec![(0.0, 0.0); panel.items.len()], sum: (0.0, 0.0) };
        for &at in members {
            let cluster = match clustering {
                Clustering::SharedTexts => panel.clusters[at],
                Clustering::Instances => at,
            };
            let part = measure.part(&panel.cells[at], missing);
            for (num, den) in [&mut all.clusters[cluster], &mut all.sum] {
                *num += part.num;
                *den += part.den;
            }
        }
        all
    }

    fn value(&self) -> Option<f64> {
        (self.sum.1 > 0.0).then(|| self.sum.0 / self.sum.1)
    }
}

/// What a cluster adds to a difference, and its part of the denominator.
#[derive(Debug, Clone, Copy)]
struct Change {
    delta: f64,
    part: f64,
}

/// What clusters add to a difference.
#[derive(Debug)]
pub(super) struct Changes {
    /// Of the clusters that have any part of the denominator.
    clusters: Vec<Change>,
    /// The difference were everything to change: 1 for a share.
    scale: f64,
    /// The denominator, which no effective sample size exceeds.
    most: f64,
}

impl Changes {
    /// Of a share, from baseline to candidate; `None` where one has no denominator.
    pub(super) fn of_share(a: &Totals, b: &Totals) -> Option<Self> {
        let mean = f64::midpoint(a.value()?, b.value()?);
        let most = f64::midpoint(a.sum.1, b.sum.1);
        let change = |(a, b): (&(f64, f64), &(f64, f64))| Change {
            delta: ((b.0 - mean * b.1) - (a.0 - mean * a.1)) / most,
            part: f64::midpoint(a.1, b.1) / most,
        };
        Some(Self { clusters: a.clusters.iter().zip(&b.clusters).map(change).collect(), scale: 1.0, most })
    }

    /// Of an F-score: with L(x, y) the logarithmic mean, F_B − F_A = α · L(F) / L(Think) · (Think_B − Think_A) +
    /// (1 − α) · L(F) / L(Safe) · (Safe_B − Safe_A), exactly. `None` where a share is 0 or has no denominator.
    pub(super) fn of_f(alpha: Alpha, [ta, tb]: [&Totals; 2], [sa, sb]: [&Totals; 2]) -> Option<Self> {
        let (think, safe) = (Self::of_share(ta, tb)?, Self::of_share(sa, sb)?);
        let positive = |share: &Totals| share.value().filter(|value| *value > 0.0);
        let (t, s) = ((positive(ta)?, positive(tb)?), (positive(sa)?, positive(sb)?));
        let f = log_mean(alpha.combine(t.0, s.0), alpha.combine(t.1, s.1));
        let of_think = alpha.get() * f / log_mean(t.0, t.1);
        let of_safe = (1.0 - alpha.get()) * f / log_mean(s.0, s.1);
        let both = |(t, s): (&Change, &Change)| Change {
            delta: of_think * t.delta + of_safe * s.delta,
            part: f64::midpoint(t.part, s.part),
        };
        Some(Self {
            clusters: think.clusters.iter().zip(&safe.clusters).map(both).collect(),
            scale: of_think + of_safe,
            most: think.most.min(safe.most),
        })
    }

    /// Whether they are too few for a normal distribution or a bootstrap, and there is more than one cluster they could
    /// have come from.
    pub(super) fn few(&self) -> bool {
        let changed = self.clusters.iter().map(|c| c.delta.abs()).filter(|delta| *delta > NOTHING);
        let (sum, squares) = changed.fold((0.0, 0.0), |(sum, squares), d| (sum + d, squares + d * d));
        self.size() > 1.0 && sum * sum < (MANY_CHANGES - HAIR) * squares.max(f64::MIN_POSITIVE)
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of clusters")]
    fn size(&self) -> f64 {
        self.clusters.iter().filter(|c| c.part > 0.0).count() as f64
    }

    /// The two-sided p-value of the exact sign test, clusters for the one run against those for the other, where few
    /// changed. 1 where there is no difference, or more of them changed against it than with it.
    pub(super) fn p(&self) -> Option<f64> {
        let count = |sign: f64| self.clusters.iter().filter(|c| sign * c.delta > NOTHING).count() as u64;
        let (more, less) = (count(1.0), count(-1.0));
        let difference: f64 = self.clusters.iter().map(|c| c.delta).sum();
        let with = (difference > NOTHING && more >= less) || (difference < -NOTHING && less >= more);
        let p = if with { mcnemar_exact(more, less) } else { 1.0 };
        (self.size() > 1.0 && more + less < MANY_CHANGED).then_some(p)
    }

    /// The ends that leave a probability outside on each side.
    pub(super) fn ends(&self, tail: f64) -> Option<Interval> {
        let level = (1.0 - 2.0 * tail).max(f64::EPSILON);
        let (up, down) = (self.one_way(1.0, level)?, self.one_way(-1.0, level)?);
        // What gains cannot lose: the two are correlated, by little where both are rare.
        let products = self.clusters.iter().map(|c| up.residual(c) * down.residual(c)).sum::<f64>();
        let covariance = products * self.correction();
        let spreads = (up.variance * down.variance).sqrt();
        let correlation = if spreads > 0.0 { (covariance / spreads).clamp(-1.0, 1.0) } else { 0.0 };
        let half = |x: f64, y: f64| (x * x + y * y - 2.0 * correlation * x * y).max(0.0).sqrt();
        let difference = up.share - down.share;
        let low = difference - half(up.share - up.low, down.high - down.share);
        let high = difference + half(up.high - up.share, down.share - down.low);
        Some(Interval {
            low: (self.scale * low).max(-1.0),
            high: (self.scale * high).min(1.0),
            method: Method::Newcombe,
        })
    }

    /// The usual factor of a variance from a sample, G/(G−1).
    fn correction(&self) -> f64 {
        let clusters = self.size();
        clusters / (clusters - 1.0).max(1.0)
    }

    fn one_way(&self, sign: f64, level: f64) -> Option<OneWay> {
        let unit = sign / self.scale;
        let share = self.clusters.iter().map(|c| (unit * c.delta).max(0.0)).sum::<f64>().min(1.0);
        let mut way = OneWay { unit, share, low: 0.0, high: 1.0, variance: 0.0 };
        let squares: f64 = self.clusters.iter().map(|c| way.residual(c).powi(2)).sum();
        let (variance, clusters) = (squares * self.correction(), self.size());
        let n = (share * (1.0 - share) + UNSEEN / clusters) / (variance + UNSEEN / (clusters * clusters));
        let n = n.min(self.most);
        let limits = if n * share.min(1.0 - share) < FEW_EVENTS - HAIR { clopper_pearson } else { wilson };
        let range = limits(share * n, n, level)?;
        (way.low, way.high) = (range.low.min(share), range.high.max(share));
        way.variance = share * (1.0 - share) / n;
        Some(way)
    }
}

/// All changes of one sign as a share of what could change, with its limits and its variance. The effective sample size
/// of both is that of the variance between clusters with half a cluster more that changed altogether: what few clusters
/// did in part says little of what others may do. Without any change it is the number of clusters.
struct OneWay {
    /// 1 or −1, by the scale.
    unit: f64,
    share: f64,
    low: f64,
    high: f64,
    variance: f64,
}

impl OneWay {
    fn residual(&self, cluster: &Change) -> f64 {
        (self.unit * cluster.delta).max(0.0) - self.share * cluster.part
    }
}

/// (x − y) / (ln x − ln y), and x where both are the same.
fn log_mean(x: f64, y: f64) -> f64 {
    let logs = (x / y).ln();
    // Near one another the quotient loses its digits, and their mean is as good.
    if logs.abs() < 1e-6 { f64::midpoint(x, y) } else { (x - y) / logs }
}
