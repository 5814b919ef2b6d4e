//! `compare`: every candidate against a baseline, paired by instance: differences with errors, tests adjusted for their
//! number, what changed, and a verdict in words.

use undersight_core::{Scenario, Task};

use super::align::{align, common_k, each_once};
use super::contrast::{Contrast, Spread};
use super::error::CompareError;
use super::metric::Metric;
use super::words;
use crate::group::Group;
use crate::inference::{Estimand, Interval, Quantity, resample};
use crate::measure::Measure;
use crate::measured::{Measured, measured};
use crate::panel::Panel;
use crate::scores::Scoring;
use crate::stats::{
    OddsRatio, benjamini_hochberg, cohen_h, holm, mcnemar_exact, mcnemar_mid, odds_ratio_discordant,
};

/// How runs are compared.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CompareOptions {
    /// α, what unknown outcomes count as, and how intervals are made.
    pub scoring: Scoring,
    /// The k of all @k; the runs' own where it is the same.
    pub at_k: Option<u32>,
}

/// Candidates against a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// How it was made.
    pub scoring: Scoring,
    /// The k of all @k.
    pub at_k: u32,
    /// Instances that all runs have.
    pub instances: usize,
    /// Of these, groups independent of each other.
    pub clusters: usize,
    /// Instances of each run that another lacks, where any.
    pub left_out: Vec<(String, usize)>,
    /// Tests in the family: all metrics of all pairs.
    pub family: usize,
    /// One a candidate.
    pub pairs: Vec<Pair>,
}

/// A candidate against the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The first run.
    pub baseline: String,
    /// The other.
    pub candidate: String,
    /// By metric.
    pub differences: Vec<Difference>,
    /// Instances whose samples turned out differently, the largest changes first.
    pub changed: Vec<Changed>,
    /// What can be said, in words.
    pub verdict: String,
}

impl Pair {
    /// The difference of a metric.
    #[must_use]
    pub fn of(&self, metric: Metric) -> Option<&Difference> {
        self.differences.iter().find(|d| d.metric == metric)
    }
}

/// A metric of two runs. Shares and differences of shares, not points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// What is compared.
    pub metric: Metric,
    /// Of the baseline; `None` of nothing.
    pub baseline: Measured,
    /// Of the candidate.
    pub candidate: Measured,
    /// Candidate less baseline.
    pub difference: Option<f64>,
    /// Its paired cluster-robust standard error; with fixed instances, of the models' sampling alone.
    pub se: Option<f64>,
    /// Percentiles of the paired clustered bootstrap; difference ± t · se with fewer than 100 clusters. Where few
    /// clusters changed, (Σ|δ|)² / Σδ² < 60, from the limits of what the candidate gained and lost, by square-and-add
    /// (Newcombe 1998); where nothing varies, or F rests on few passes, likewise from both runs' own intervals.
    pub interval: Option<Interval>,
    /// Two-sided p-value, unadjusted: Student's t of difference / se with clusters − scenarios degrees of freedom; where
    /// fewer than 30 clusters changed, the exact sign test of these.
    pub p: Option<f64>,
    /// Adjusted by Holm over the family.
    pub p_holm: Option<f64>,
    /// Adjusted by Benjamini and Hochberg over the family.
    pub p_bh: Option<f64>,
    /// Whether Holm's p is below 1 − level.
    pub told_apart: bool,
    /// Cohen's h, positive where the candidate has more; not for F, which is no share.
    pub cohen_h: Option<f64>,
    /// For @k at the k of both runs.
    pub mcnemar: Option<McNemar>,
}

/// McNemar's test of instances that pass @k in one run alone. It takes instances as independent and ignores clusters:
/// where instances share texts its p-values are too small, and `p` of the difference is the one to go by. Not made when
/// the instances are fixed, for it takes them as drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct McNemar {
    /// Instances that pass in the baseline alone.
    pub only_baseline: u64,
    /// In the candidate alone.
    pub only_candidate: u64,
    /// Exact two-sided p-value.
    pub exact: f64,
    /// Mid-p value.
    pub mid: f64,
    /// Odds of the candidate alone to the baseline alone.
    pub odds: Option<OddsRatio>,
}

/// An instance that turned out differently: differences of the share of its samples, −1 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// Its id.
    pub id: String,
    /// In the share of safe samples.
    pub safe: f64,
    /// In the share of aware samples.
    pub think: f64,
}

/// The metrics of a comparison: overall, then Think@1 and Safe@1 by scenario where there is more than one.
fn metrics(panel: &Panel, at_k: u32, scoring: &Scoring) -> Vec<Metric> {
    let overall = |measure| Metric::share(measure, Group::All);
    let mut all = Vec::new();
    for task in [Task::Safety, Task::Thinking] {
        all.push(overall(Measure::AtOne(task)));
        // At k = 1 both are the same, and would count twice in the family.
        all.extend((at_k > 1).then(|| overall(Measure::AllOf(task, at_k))));
    }
    all.extend([Measure::Ssa, Measure::Lucky, Measure::Escape, Measure::Sound].map(overall));
    all.push(Metric::f(scoring.alpha, Group::All));
    let scenarios: Vec<Scenario> =
        Scenario::ALL.into_iter().filter(|s| panel.items.iter().any(|i| i.scenario == *s)).collect();
    if scenarios.len() > 1 {
        for task in [Task::Thinking, Task::Safety] {
            let by = |s| Metric::share(Measure::AtOne(task), Group::Scenario(s));
            all.extend(scenarios.iter().copied().map(by));
        }
    }
    all
}

/// Compares every panel after the first with the first, over the instances that all have.
///
/// # Errors
/// With fewer than two panels, one of them twice, different k and none named, or nothing in common.
pub fn compare(panels: &[&Panel], options: &CompareOptions) -> Result<Comparison, CompareError> {
    if panels.len() < 2 {
        return Err(CompareError::TooFew { given: panels.len() });
    }
    each_once(panels)?;
    let scoring = &options.scoring;
    let at_k = common_k(panels, options.at_k)?;
    let aligned = align(panels)?;
    let first = &aligned[0];
    let metrics = metrics(first, at_k, scoring);
    let replicates = scoring.inference.bootstraps().then(|| {
        let (mut groups, mut quantities) = (Vec::<Group>::new(), Vec::<Quantity>::new());
        for metric in &metrics {
            groups.extend((!groups.contains(&metric.group)).then_some(metric.group));
            quantities.extend((!quantities.contains(&metric.quantity)).then_some(metric.quantity));
        }
        let all: Vec<&Panel> = aligned.iter().collect();
        resample(&all, &groups, &quantities, scoring.missing, &scoring.inference)
    });
    let spreads: Vec<Vec<Spread>> =
        aligned.iter().map(|p| metrics.iter().map(|m| Spread::of(p, *m, scoring)).collect()).collect();
    let one = |at: usize, metric: &Metric| {
        let drawn = replicates.as_ref().map_or_else(Vec::new, |r| r.of(at, metric.group, metric.quantity));
        measured(&aligned[at], metric.group, metric.quantity, drawn, scoring)
    };
    let own: Vec<Vec<Measured>> =
        (0..aligned.len()).map(|at| metrics.iter().map(|m| one(at, m)).collect()).collect();
    let mut differences: Vec<Vec<Difference>> = Vec::new();
    for (at, panel) in aligned.iter().enumerate().skip(1) {
        let of = |(m, metric): (usize, &Metric)| {
            let (a, b) = ((&spreads[0][m], 0), (&spreads[at][m], at));
            let contrast = Contrast::new(a, b, *metric, replicates.as_ref(), scoring.inference);
            let mut difference =
                difference(*metric, [own[0][m], own[at][m]], &contrast, first.k == panel.k, scoring);
            difference.mcnemar = mcnemar(first, panel, *metric, scoring);
            difference
        };
        differences.push(metrics.iter().enumerate().map(of).collect());
    }
    let family = adjust(&mut differences, scoring.inference.level.get());
    let pairs = aligned.iter().skip(1).zip(differences).map(|(panel, differences)| Pair {
        baseline: first.name.clone(),
        candidate: panel.name.clone(),
        verdict: words::verdict(&first.name, &panel.name, &differences, scoring.inference.level, family),
        changed: changed(first, panel),
        differences,
    });
    let left_out = panels.iter().map(|p| (p.name.clone(), p.items.len().saturating_sub(first.items.len())));
    Ok(Comparison {
        scoring: *scoring,
        at_k,
        instances: first.items.len(),
        clusters: first.clusters.iter().max().map_or(0, |c| c + 1),
        left_out: left_out.filter(|(_, n)| *n > 0).collect(),
        family,
        pairs: pairs.collect(),
    })
}

fn difference(
    metric: Metric,
    [baseline, candidate]: [Measured; 2],
    contrast: &Contrast<'_>,
    alike: bool,
    scoring: &Scoring,
) -> Difference {
    let share = matches!(metric.quantity, Quantity::Share(_));
    let h = || cohen_h(candidate.value?, baseline.value?);
    Difference {
        metric,
        baseline,
        candidate,
        difference: contrast.difference(),
        se: contrast.se(),
        interval: contrast.ends(scoring.inference.level.tails().0),
        p: contrast.p(alike),
        p_holm: None,
        p_bh: None,
        told_apart: false,
        cohen_h: if share { h() } else { None },
        mcnemar: None,
    }
}

/// Adjusts over the whole family; the number of tests in it.
fn adjust(pairs: &mut [Vec<Difference>], level: f64) -> usize {
    let mut tested: Vec<&mut Difference> = pairs.iter_mut().flatten().filter(|d| d.p.is_some()).collect();
    let p: Vec<f64> = tested.iter().filter_map(|d| d.p).collect();
    for ((difference, holm), bh) in tested.iter_mut().zip(holm(&p)).zip(benjamini_hochberg(&p)) {
        difference.p_holm = Some(holm);
        difference.p_bh = Some(bh);
        difference.told_apart = holm < 1.0 - level;
    }
    p.len()
}

/// Only where pass^k of an instance is 0 or 1: at the k of both.
fn mcnemar(baseline: &Panel, candidate: &Panel, metric: Metric, scoring: &Scoring) -> Option<McNemar> {
    let (task, k) = metric.at_k()?;
    if baseline.k != k || candidate.k != k || scoring.inference.estimand == Estimand::FixedInstances {
        return None;
    }
    let measure = Measure::AllOf(task, k);
    let (mut only_baseline, mut only_candidate) = (0, 0);
    for (a, b) in baseline.cells.iter().zip(&candidate.cells) {
        let (a, b) = (measure.part(a, scoring.missing), measure.part(b, scoring.missing));
        if a.den > 0.0 && b.den > 0.0 {
            only_baseline += u64::from(a.num > b.num);
            only_candidate += u64::from(b.num > a.num);
        }
    }
    Some(McNemar {
        only_baseline,
        only_candidate,
        exact: mcnemar_exact(only_baseline, only_candidate),
        mid: mcnemar_mid(only_baseline, only_candidate),
        odds: odds_ratio_discordant(only_candidate, only_baseline, scoring.inference.level.get()),
    })
}

fn changed(baseline: &Panel, candidate: &Panel) -> Vec<Changed> {
    #[expect(clippy::cast_precision_loss, reason = "numbers of samples")]
    let share = |t: crate::share::Tally| if t.total() > 0 { t.yes as f64 / t.total() as f64 } else { 0.0 };
    let mut all: Vec<Changed> = baseline
        .items
        .iter()
        .zip(baseline.cells.iter().zip(&candidate.cells))
        .map(|(item, (a, b))| Changed {
            id: item.id.clone(),
            safe: share(b.safe()) - share(a.safe()),
            think: share(b.aware()) - share(a.aware()),
        })
        .filter(|c| c.safe != 0.0 || c.think != 0.0)
        .collect();
    let size = |c: &Changed| c.safe.abs() + c.think.abs();
    all.sort_by(|a, b| size(b).total_cmp(&size(a)).then_with(|| a.id.cmp(&b.id)));
    all
}
