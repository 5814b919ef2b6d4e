//! Shares of trials, and paired differences of them, with intervals that know that trials of one case go together.
//!
//! Where each case comes once a share has Wilson's interval. Else the share is a ratio of totals over cases and Wilson's
//! interval rests on the effective number of its cluster-robust variance ([`Linear::effective`]). A paired difference is
//! the share gained less the share lost; its interval comes from both by square-and-add with their correlation
//! (Newcombe 1998; Zou and Donner 2008).

use std::collections::BTreeMap;

use crate::inference::{Interval, Level, Linear, Method};
use crate::measure::Part;
use crate::share::Share;
use crate::stats::{holm, mcnemar_exact};

/// A share of trials.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rate {
    /// How many, of how many.
    pub share: Share,
    /// Cases they are of.
    pub cases: u64,
    /// Wilson's interval, by case; `None` of nothing.
    pub interval: Option<Interval>,
}

impl Rate {
    /// 0..1; `None` of nothing.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.share.value()
    }

    /// Of trials with their cases.
    pub(crate) fn of<'a>(seen: impl IntoIterator<Item = (&'a str, bool)>, level: Level) -> Self {
        let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
        let mut share = Share::default();
        for (case, holds) in seen {
            sums.entry(case).or_default().add(holds);
            share.of += 1;
            share.passes += u64::from(holds);
        }
        let linear = linear(&sums.into_values().collect::<Vec<_>>());
        Self { share, cases: linear.clusters, interval: linear.interval(Method::Wilson, level) }
    }
}

/// The same trials before and after something.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Paired {
    /// Pairs.
    pub pairs: u64,
    /// Cases they are of.
    pub cases: u64,
    /// Holds before.
    pub before: u64,
    /// Holds after.
    pub after: u64,
    /// Holds after but not before.
    pub gained: u64,
    /// Held before but not after.
    pub lost: u64,
    /// Of the difference, −1..1.
    pub interval: Option<Interval>,
    /// Two-sided: the exact sign test of cases with more gained than lost against those with more lost, which is
    /// McNemar's where each case comes once. `None` of no pair.
    pub p: Option<f64>,
    /// Adjusted by Holm over its family, where it is one of several.
    pub p_holm: Option<f64>,
}

impl Paired {
    /// The share after less the share before, −1..1; `None` of no pair.
    #[must_use]
    pub fn difference(&self) -> Option<f64> {
        Some(self.share(self.after).value()? - self.share(self.before).value()?)
    }

    /// A count as a share of the pairs.
    #[must_use]
    pub const fn share(&self, passes: u64) -> Share {
        Share { passes, of: self.pairs }
    }

    /// Of pairs with their cases, each (before, after).
    pub(crate) fn of<'a>(seen: impl IntoIterator<Item = (&'a str, bool, bool)>, level: Level) -> Self {
        let mut sums: BTreeMap<&str, (Sum, Sum)> = BTreeMap::new();
        let mut out = Self::default();
        for (case, before, after) in seen {
            let (gain, loss) = (after && !before, before && !after);
            let (gains, losses) = sums.entry(case).or_default();
            gains.add(gain);
            losses.add(loss);
            out.pairs += 1;
            out.before += u64::from(before);
            out.after += u64::from(after);
            out.gained += u64::from(gain);
            out.lost += u64::from(loss);
        }
        if out.pairs == 0 {
            return out;
        }
        let towards = |more: fn(&(Sum, Sum)) -> bool| sums.values().filter(|s| more(s)).count() as u64;
        let (up, down) = (towards(|(g, l)| g.num > l.num), towards(|(g, l)| l.num > g.num));
        let (gains, losses): (Vec<Sum>, Vec<Sum>) = sums.into_values().unzip();
        out.cases = gains.len() as u64;
        out.p = Some(mcnemar_exact(up, down));
        out.interval = between(&linear(&gains), &linear(&losses), level);
        out
    }
}

/// Adjusts the p-values of a family.
pub(super) fn adjust<'a>(family: impl IntoIterator<Item = &'a mut Paired>) {
    let mut tested: Vec<&mut Paired> = family.into_iter().filter(|p| p.p.is_some()).collect();
    if tested.len() < 2 {
        return;
    }
    let p: Vec<f64> = tested.iter().filter_map(|t| t.p).collect();
    for (one, adjusted) in tested.iter_mut().zip(holm(&p)) {
        one.p_holm = Some(adjusted);
    }
}

/// Gained less lost, by square-and-add.
fn between(gained: &Linear, lost: &Linear, level: Level) -> Option<Interval> {
    let (g, l) = (gained.value()?, lost.value()?);
    let (around_g, around_l) =
        (gained.interval(Method::Wilson, level)?, lost.interval(Method::Wilson, level)?);
    let spread = (gained.covariance(gained) * lost.covariance(lost)).sqrt();
    let rho = if spread > 0.0 { (gained.covariance(lost) / spread).clamp(-1.0, 1.0) } else { 0.0 };
    let reach = |a: f64, b: f64| (a * a + b * b - 2.0 * rho * a * b).max(0.0).sqrt();
    let d = g - l;
    Some(Interval {
        low: (d - reach(g - around_g.low, around_l.high - l)).max(-1.0),
        high: (d + reach(around_g.high - g, l - around_l.low)).min(1.0),
        method: Method::Newcombe,
    })
}

/// A mean of shares, one a case, that rest on `most` independent observations together.
pub(super) fn mean(shares: &[f64], most: f64, level: Level) -> Option<(f64, Interval)> {
    let sums: Vec<Sum> = shares.iter().map(|num| Sum { num: *num, den: 1.0 }).collect();
    let mut linear = linear(&sums);
    linear.most = most;
    linear.variance = (linear.clusters > 1).then(|| linear.covariance(&linear));
    Some((linear.value()?, linear.interval(Method::Wilson, level)?))
}

/// Sums of one case.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    num: f64,
    den: f64,
}

impl Sum {
    fn add(&mut self, holds: bool) {
        self.num += f64::from(u8::from(holds));
        self.den += 1.0;
    }
}

/// A ratio of totals over cases. Without a variance the effective number is that of cases, which is what it is where
/// each comes once.
fn linear(sums: &[Sum]) -> Linear {
    let (num, den) = sums.iter().fold((0.0, 0.0), |(num, den), s| (num + s.num, den + s.den));
    #[expect(clippy::cast_precision_loss, reason = "numbers of cases")]
    let clusters = sums.len() as f64;
    let small = if clusters > 1.0 { (clusters / (clusters - 1.0)).sqrt() } else { 1.0 };
    let influence: Vec<f64> = sums.iter().map(|s| (s.num - num / den * s.den) / den * small).collect();
    let several = sums.len() > 1 && sums.iter().any(|s| s.den > 1.0);
    Linear {
        sum: Part { num, den, ..Part::default() },
        most: den,
        clusters: sums.len() as u64,
        strata: 1,
        variance: several.then(|| influence.iter().map(|u| u * u).sum()),
        influence,
    }
}
