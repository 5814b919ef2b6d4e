//! Ranks with simultaneous confidence sets: which places a model could have, given which differences are real.
//!
//! Single-step max-|t| over all pairs (Romano and Wolf 2005; Mogstad, Romano, Shaikh and Wilhelm 2024): with d_ab the
//! difference of a pair, d*_ab its replicates and s_ab their spread, c is the level's quantile of max |d*_ab − d_ab| / s_ab,
//! and a pair is told apart when |d_ab| > c · s_ab. With few clusters the bootstrap's spread is too small by
//! √((G − S) / G) with G clusters in S strata, and c takes the tails of Student's t. A model's set runs from 1 + the number surely better to n − the
//! number surely worse; all sets hold at once in `level` of runs.

use crate::inference::Level;
use crate::inference::bootstrap::two_quantiles;
use crate::stats::{normal_cdf, t_quantile};

use super::contrast::{NOTHING, sign_test};

/// Spreads below this are the rounding of single precision.
const NO_SPREAD: f64 = 1e-7;

/// A model in the ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct Contender {
    /// Its estimate.
    pub value: f64,
    /// Its replicates, drawn with those of the others, so that they pair.
    pub replicates: Vec<f32>,
}

/// How much stands behind replicates or standard errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Independence {
    /// Units independent of each other.
    pub clusters: u64,
    /// Strata they are drawn from.
    pub strata: u64,
}

#[expect(clippy::cast_precision_loss, reason = "numbers of clusters")]
impl Independence {
    fn freedom(self) -> f64 {
        self.clusters.saturating_sub(self.strata) as f64
    }

    /// What the spread of replicates lacks; none where there is no degree of freedom.
    fn widening(self) -> Option<f64> {
        let freedom = self.freedom();
        (freedom >= 1.0).then(|| (self.clusters as f64 / freedom).sqrt())
    }

    /// The critical value of Student's t in place of one of the normal distribution.
    fn student(self, normal: f64) -> f64 {
        // In the lower tail, where the digits are.
        -t_quantile(normal_cdf(-normal), self.freedom())
    }
}

/// A model's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankSet {
    /// By the estimates alone, from 1; equal estimates share it.
    pub rank: usize,
    /// The best place it could have.
    pub low: usize,
    /// The worst.
    pub high: usize,
    /// The tie groups it is in, from 0 by the best of them: runs of neighbours none of which can be told apart from
    /// another.
    pub groups: Vec<usize>,
}

/// Ranks from replicates, in the order given. Where replicates of two models differ but never vary, as many agreeing
/// signs as there are clusters decide, adjusted by Bonferroni.
///
/// Models without replicates cannot be told apart from any other.
#[must_use]
pub fn rank_sets(
    contenders: &[Contender],
    more_is_better: bool,
    independent: Independence,
    level: Level,
) -> Vec<RankSet> {
    let values: Vec<f64> = contenders.iter().map(|c| c.value).collect();
    let pairs = pairs(contenders.len());
    let constant_told = enough_signs(independent, pairs.len(), level);
    let spreads: Vec<Option<f64>> = pairs.iter().map(|(a, b)| spread(contenders, *a, *b)).collect();
    let mut largest: Vec<f32> = Vec::new();
    for ((a, b), spread) in pairs.iter().zip(&spreads) {
        let Some(spread) = spread.filter(|s| *s > NO_SPREAD) else { continue };
        let (xs, ys) = (&contenders[*a].replicates, &contenders[*b].replicates);
        largest.resize(largest.len().max(xs.len().min(ys.len())), 0.0);
        #[expect(clippy::cast_possible_truncation, reason = "replicates are in single precision")]
        let (centre, scale) = ((values[*a] - values[*b]) as f32, (1.0 / spread) as f32);
        for ((top, x), y) in largest.iter_mut().zip(xs).zip(ys) {
            // `max` passes over NaN, a replicate without a denominator.
            *top = top.max(((x - y) - centre).abs() * scale);
        }
    }
    let critical = two_quantiles(&mut largest, (level.get(), level.get()))
        .and_then(|(c, _)| Some(independent.student(c) * independent.widening()?));
    let mut apart = Apart::new(contenders.len());
    for ((a, b), spread) in pairs.iter().zip(&spreads) {
        let difference = (values[*a] - values[*b]).abs();
        let told = match (spread, critical) {
            (Some(spread), Some(critical)) if *spread > NO_SPREAD => difference > critical * spread,
            (Some(spread), _) if *spread <= NO_SPREAD => difference > NO_SPREAD && constant_told,
            _ => false,
        };
        apart.set(*a, *b, told);
    }
    apart.ranks(&values, more_is_better)
}

/// Ranks from standard errors of differences, for where nothing is resampled: each pair by a t test, adjusted by
/// Bonferroni. `error` gives the standard error of a pair, where known.
#[must_use]
pub fn rank_sets_by_error(
    values: &[f64],
    error: impl Fn(usize, usize) -> Option<f64>,
    more_is_better: bool,
    independent: Independence,
    level: Level,
) -> Vec<RankSet> {
    let pairs = pairs(values.len());
    #[expect(clippy::cast_precision_loss, reason = "pairs stay far below 2^53")]
    let critical =
        -t_quantile((1.0 - level.get()) / (2.0 * pairs.len().max(1) as f64), independent.freedom());
    let constant_told = enough_signs(independent, pairs.len(), level);
    let mut apart = Apart::new(values.len());
    for (a, b) in pairs {
        let difference = (values[a] - values[b]).abs();
        let told = error(a, b).is_some_and(|se| {
            if se < NOTHING { difference > NOTHING && constant_told } else { difference > critical * se }
        });
        apart.set(a, b, told);
    }
    apart.ranks(values, more_is_better)
}

fn pairs(n: usize) -> Vec<(usize, usize)> {
    (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "pairs stay far below 2^53")]
fn enough_signs(independent: Independence, pairs: usize, level: Level) -> bool {
    sign_test(independent.clusters) * (pairs as f64) < 1.0 - level.get()
}

/// The spread of the replicates of a difference; `None` with fewer than two.
fn spread(contenders: &[Contender], a: usize, b: usize) -> Option<f64> {
    let centre = contenders[a].value - contenders[b].value;
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (x, y) in contenders[a].replicates.iter().zip(&contenders[b].replicates) {
        let off = f64::from(x - y) - centre;
        if !off.is_nan() {
            n += 1.0;
            sum += off;
            squares += off * off;
        }
    }
    (n > 1.0).then(|| ((squares - sum * sum / n).max(0.0) / (n - 1.0)).sqrt())
}

/// Which models are told apart.
struct Apart {
    n: usize,
    told: Vec<bool>,
}

impl Apart {
    fn new(n: usize) -> Self {
        Self { n, told: vec![false; n * n] }
    }

    fn set(&mut self, a: usize, b: usize, told: bool) {
        self.told[a * self.n + b] = told;
        self.told[b * self.n + a] = told;
    }

    fn told(&self, a: usize, b: usize) -> bool {
        self.told[a * self.n + b]
    }

    fn ranks(&self, values: &[f64], more_is_better: bool) -> Vec<RankSet> {
        let better =
            |a: usize, b: usize| if more_is_better { values[a] > values[b] } else { values[a] < values[b] };
        let mut sets: Vec<RankSet> = (0..self.n)
            .map(|a| {
                let count = |of: &dyn Fn(usize) -> bool| (0..self.n).filter(|b| of(*b)).count();
                RankSet {
                    rank: 1 + count(&|b| better(b, a)),
                    low: 1 + count(&|b| better(b, a) && self.told(a, b)),
                    high: self.n - count(&|b| better(a, b) && self.told(a, b)),
                    groups: Vec::new(),
                }
            })
            .collect();
        let mut order: Vec<usize> = (0..self.n).collect();
        order.sort_by_key(|a| (sets[*a].rank, *a));
        for (group, run) in self.runs(&order).into_iter().enumerate() {
            for at in run {
                sets[order[at]].groups.push(group);
            }
        }
        sets
    }

    /// The longest runs of neighbours in the order none of which is told apart from another.
    fn runs(&self, order: &[usize]) -> Vec<std::ops::Range<usize>> {
        let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
        let mut start = 0;
        for end in 0..order.len() {
            let first =
                (start..end).rev().find(|at| self.told(order[*at], order[end])).map_or(start, |at| at + 1);
            if first > start {
                runs.push(start..end);
                start = first;
            }
        }
        if start < order.len() {
            runs.push(start..order.len());
        }
        runs
    }
}
