//! One rate of one scenario, corrected: by prediction-powered inference, by Rogan–Gladen, or by double sampling.

use undersight_core::Scenario;

use super::error::{CorrectionError, FEWEST_LABELLED, FEWEST_TRULY};
use super::influence::{Linearised, effective, interval, kish, mean};
use super::join::{Joined, Unit};
use super::ppi::{self, Lambda, Pair};
use super::rogan_gladen::{self, Corrected};
use super::ssa::{self, Both};
use crate::share::Missing;
use crate::stats::t_quantile;

/// A corrected share, 0..1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correction {
    /// What the judge alone gives.
    pub naive: f64,
    /// The corrected share, clipped to 0..1.
    pub value: f64,
    /// The lower limit.
    pub low: f64,
    /// The upper limit.
    pub high: f64,
    /// The standard error of the corrected share, by clusters and with the judge's uncertainty in it.
    pub se: f64,
    /// Labelled samples it rests on.
    pub labelled: usize,
    /// How many clusters those lie in.
    pub clusters: usize,
    /// PPI++ in one scenario only: the weight given to the judge.
    pub lambda: Option<f64>,
}

/// What a correction rests on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) labelled: usize,
    pub(super) clusters: usize,
    /// How many samples drawn alike the labelled ones are worth.
    pub(super) worth: f64,
}

/// A correction with what larger ones are built of.
#[derive(Debug, Clone)]
pub(super) struct Built {
    pub(super) linear: Linearised,
    pub(super) correction: Correction,
    pub(super) worth: f64,
    /// Degrees of freedom of the critical value.
    pub(super) freedom: f64,
}

/// What all corrections of a run share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) joined: &'a Joined,
    pub(super) level: f64,
    pub(super) missing: Missing,
}

/// What is there of one scenario: of one task, or of both for the joint table.
struct Ground {
    scenario: Scenario,
    /// The share of planned samples that are known, or 1 where the others are left out.
    known: Linearised,
    sizes: Sizes,
}

impl Ground {
    /// Refuses what cannot be corrected at all; `labelled` are clusters and weights.
    fn of(
        setting: &Setting<'_>,
        scenario: Scenario,
        known: impl Fn(&Unit) -> bool,
        labelled: impl Iterator<Item = (usize, f64)>,
    ) -> Result<Self, CorrectionError> {
        let Joined { units, strata, planned, .. } = setting.joined;
        let here = super::join::place(scenario);
        let mut counts = vec![0.0; strata.len()];
        for unit in units.iter().filter(|u| u.scenario == here && known(u)) {
            counts[unit.cluster] += 1.0;
        }
        if counts.iter().sum::<f64>() <= 0.0 {
            return Err(CorrectionError::NothingJudged { scenario });
        }
        let (mut seen, weights): (Vec<usize>, Vec<f64>) = labelled.unzip();
        let labelled = seen.len();
        if labelled < FEWEST_LABELLED {
            return Err(CorrectionError::TooFew { scenario, labelled });
        }
        seen.sort_unstable();
        seen.dedup();
        if seen.len() < 2 {
            return Err(CorrectionError::OneCluster { scenario });
        }
        let known = match setting.missing {
            Missing::Exclude => Linearised::new(1.0, strata.len()),
            Missing::Fail => {
                let of: f64 = planned.iter().zip(strata).filter(|(_, s)| **s == here).map(|(n, _)| n).sum();
                let share = counts.iter().sum::<f64>() / of;
                let ours = planned.iter().zip(strata).map(|(n, s)| if *s == here { *n } else { 0.0 });
                let influence = counts.iter().zip(ours).map(|(k, n)| (k - share * n) / of).collect();
                Linearised { value: share, influence, beside: 0.0 }
            }
        };
        let sizes = Sizes { labelled, clusters: seen.len(), worth: kish(weights.into_iter()) };
        Ok(Self { scenario, known, sizes })
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    fn freedom(&self) -> f64 {
        self.sizes.clusters.saturating_sub(1).max(1) as f64
    }

    /// A share among what is known, as one of what is planned.
    fn planned(&self, share: &Linearised) -> Linearised {
        let clusters = share.influence.len();
        let mut product = Linearised::sum([(self.known.value, share), (share.value, &self.known)], clusters);
        product.value = share.value * self.known.value;
        product
    }

    fn built(&self, setting: &Setting<'_>, naive: f64, share: &Linearised, lambda: Option<f64>) -> Built {
        let linear = self.planned(share);
        let naive = naive * self.known.value;
        let mut built = Built::of(setting, linear, naive, self.sizes, self.freedom());
        built.correction.lambda = lambda;
        built
    }

    fn undefined(&self) -> CorrectionError {
        CorrectionError::Undefined { scenario: self.scenario }
    }
}

impl Built {
    /// With the interval that follows from the variance.
    pub(super) fn of(
        setting: &Setting<'_>,
        linear: Linearised,
        naive: f64,
        Sizes { labelled, clusters, worth }: Sizes,
        freedom: f64,
    ) -> Self {
        let variance = linear.variance(&setting.joined.strata);
        let critical = t_quantile(0.5 + setting.level / 2.0, freedom);
        let (low, high) = interval(linear.value, variance, worth, critical);
        let value = linear.value.clamp(0.0, 1.0);
        let correction =
            Correction { naive, value, low, high, se: variance.sqrt(), labelled, clusters, lambda: None };
        Self { linear, correction, worth, freedom }
    }
}

/// Verdicts and labels of one task in one scenario.
pub(super) struct TaskGround {
    ground: Ground,
    all: Vec<(usize, f64, f64)>,
    pairs: Vec<Pair>,
}

/// The judge's rates on labelled samples.
struct Seen {
    sensitivity: Linearised,
    specificity: Linearised,
    /// Effective numbers of truly failing and truly passing samples.
    m0: f64,
    m1: f64,
}

impl TaskGround {
    pub(super) fn of(
        setting: &Setting<'_>,
        scenario: Scenario,
        task: undersight_core::Task,
    ) -> Result<Self, CorrectionError> {
        let (t, here) = (super::join::slot(task), super::join::place(scenario));
        let share = |pass: bool| f64::from(u8::from(pass));
        let units = setting.joined.units.iter().filter(|u| u.scenario == here);
        let all = units.filter_map(|u| Some((u.cluster, 1.0, share(u.judged[t]?)))).collect();
        let labelled = setting.joined.labelled.iter().filter(|l| l.unit.scenario == here);
        let pairs: Vec<Pair> = labelled
            .filter_map(|l| {
                let (cluster, judged) = (l.unit.cluster, share(l.unit.judged[t]?));
                Some(Pair { cluster, weight: l.weight, judged, human: share(l.human[t]?) })
            })
            .collect();
        let seen = pairs.iter().map(|p| (p.cluster, p.weight));
        let ground = Ground::of(setting, scenario, |u| u.judged[t].is_some(), seen)?;
        let this = Self { ground, all, pairs };
        this.better_than_chance(setting, task)?;
        Ok(this)
    }

    /// A scenario where nearly all labels pass, or nearly all fail, shows nothing about chance and is let through.
    fn better_than_chance(
        &self,
        setting: &Setting<'_>,
        task: undersight_core::Task,
    ) -> Result<(), CorrectionError> {
        let Ok(seen) = self.seen(setting) else { return Ok(()) };
        let critical = crate::stats::normal_quantile(0.95);
        let (q0, q1) = (seen.specificity.value, seen.sensitivity.value);
        let (youden, low) = rogan_gladen::youden(q0, q1, seen.m0, seen.m1, critical);
        if low > 0.0 {
            return Ok(());
        }
        Err(CorrectionError::NoBetterThanChance { task, scenario: self.ground.scenario, youden, low })
    }

    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    fn seen(&self, setting: &Setting<'_>) -> Result<Seen, CorrectionError> {
        let strata = &setting.joined.strata;
        let rate = |passing: bool| {
            let truly = |p: &Pair| if passing { p.human } else { 1.0 - p.human };
            let scenario = self.ground.scenario;
            if self.pairs.iter().map(truly).sum::<f64>() < FEWEST_TRULY as f64 {
                return Err(CorrectionError::TooFewTruly { scenario, passing });
            }
            let right = |p: &Pair| if passing { p.judged } else { 1.0 - p.judged };
            let points: Vec<_> =
                self.pairs.iter().map(|p| (p.cluster, p.weight * truly(p), right(p))).collect();
            let rate = mean(&points, strata.len()).ok_or_else(|| self.ground.undefined())?;
            let most = kish(points.iter().map(|(_, w, _)| *w));
            let m = effective(rate.value, rate.variance(strata), most);
            Ok((rate, m))
        };
        let ((sensitivity, m1), (specificity, m0)) = (rate(true)?, rate(false)?);
        Ok(Seen { sensitivity, specificity, m0, m1 })
    }

    /// By PPI++.
    pub(super) fn ppi(&self, setting: &Setting<'_>) -> Result<Built, CorrectionError> {
        let clusters = setting.joined.strata.len();
        let (share, lambda) = ppi::clustered(&self.all, &self.pairs, clusters, Lambda::Tuned)
            .ok_or_else(|| self.ground.undefined())?;
        let naive = mean(&self.all, clusters).map_or(0.0, |m| m.value);
        Ok(self.ground.built(setting, naive, &share, Some(lambda)))
    }

    /// By Rogan–Gladen, with Lang and Reiczigel's interval over effective numbers of observations.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub(super) fn rogan_gladen(&self, setting: &Setting<'_>) -> Result<Built, CorrectionError> {
        let strata = &setting.joined.strata;
        let Seen { sensitivity, specificity, m0, m1 } = self.seen(setting)?;
        let undefined = || self.ground.undefined();
        let judged = mean(&self.all, strata.len()).ok_or_else(undefined)?;
        let n = effective(judged.value, judged.variance(strata), self.all.len() as f64);
        let critical = crate::stats::normal_quantile(0.5 + setting.level / 2.0);
        let (p, q0, q1) = (judged.value, specificity.value, sensitivity.value);
        // The labelled samples are among those judged, so their share f of the judge's noise is in p too, where it
        // cancels: σ²/N + σ²/m becomes σ²(1/m − 1/N), as if there were m/(1 − 2f) of them. With many labels the
        // approximation ends; they then count at most three times.
        let among = self.ground.sizes.worth / self.all.len().max(1) as f64;
        let apart = (1.0 - 2.0 * among).max(1.0 / 3.0);
        let Corrected { point, low, high } =
            rogan_gladen::adjusted(p, q0, q1, [n, m0 / apart, m1 / apart], critical).ok_or_else(undefined)?;
        let youden = q0 + q1 - 1.0;
        let terms = [
            (1.0 / youden, &judged),
            ((1.0 - point) / youden, &specificity),
            (-point / youden, &sensitivity),
        ];
        let mut share = Linearised::sum(terms, strata.len());
        share.value = point;
        let mut built = self.ground.built(setting, p, &share, None);
        let known = &self.ground.known;
        let spread = critical * point * known.variance(strata).sqrt();
        let beside = |limit: f64| (known.value * (point - limit)).hypot(spread);
        built.correction.low = (known.value * point - beside(low)).max(0.0);
        built.correction.high = (known.value * point + beside(high)).min(1.0);
        Ok(built)
    }
}

/// Superficially safe samples of one scenario, by double sampling; with the joint table of what was labelled.
pub(super) fn superficially_safe(
    setting: &Setting<'_>,
    scenario: Scenario,
) -> (Result<Built, CorrectionError>, ssa::Table) {
    let here = super::join::place(scenario);
    let judged = |u: &Unit| Some(ssa::cell(u.judged[0]?, u.judged[1]?));
    let Joined { units, labelled, strata, .. } = setting.joined;
    let all: Vec<_> =
        units.iter().filter(|u| u.scenario == here).filter_map(|u| Some((u.cluster, judged(u)?))).collect();
    let labelled: Vec<Both> = labelled
        .iter()
        .filter(|l| l.unit.scenario == here)
        .filter_map(|l| {
            let human = ssa::cell(l.human[0]?, l.human[1]?);
            Some(Both { cluster: l.unit.cluster, weight: l.weight, judged: judged(&l.unit)?, human })
        })
        .collect();
    let build = || {
        let seen = labelled.iter().map(|l| (l.cluster, l.weight));
        let ground = Ground::of(setting, scenario, |u| judged(u).is_some(), seen)?;
        let share = ssa::double_sampling(&all, &labelled, strata.len()).ok_or_else(|| ground.undefined())?;
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let naive = all.iter().filter(|(_, cell)| *cell == ssa::SSA).count() as f64 / all.len() as f64;
        Ok(ground.built(setting, naive, &share, None))
    };
    (build(), ssa::table(&labelled))
}
