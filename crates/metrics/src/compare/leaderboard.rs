//! `leaderboard`: runs by one metric, with intervals, ranks and the places each could have.

use std::collections::BTreeMap;

use undersight_core::Task;

use super::align::{align, common_k, each_once};
use super::alpha_sweep::{AlphaSweep, alpha_sweep};
use super::comparable::Mismatch;
use super::contrast::{Contrast, Spread};
use super::error::CompareError;
use super::metric::{Metric, MetricSpec};
use super::ranks::{Contender, RankSet, rank_sets, rank_sets_by_error};
use crate::group::Group;
use crate::inference::{Estimand, Inference, Quantity, Replicates, resample};
use crate::measure::Measure;
use crate::measured::{Measured, measure_all, measured};
use crate::panel::Panel;
use crate::scores::Scoring;

/// How a leaderboard is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeaderboardOptions {
    /// α, what unknown outcomes count as, and how intervals are made.
    pub scoring: Scoring,
    /// What it is ordered by.
    pub by: MetricSpec,
    /// The k of all @k; the runs' own where it is the same.
    pub at_k: Option<u32>,
}

impl Default for LeaderboardOptions {
    fn default() -> Self {
        Self { scoring: Scoring::default(), by: MetricSpec::F, at_k: None }
    }
}

/// Runs in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaderboard {
    /// How it was made.
    pub scoring: Scoring,
    /// What it is ordered by.
    pub by: Metric,
    /// What else is shown; @k only where one k serves all.
    pub columns: Vec<Metric>,
    /// The best first.
    pub rows: Vec<Leader>,
    /// In what the runs differ.
    pub mismatches: Vec<Mismatch>,
    /// Where the weight of the F-score changes the order, by places in `rows`; of an order by F.
    pub sweep: Option<AlphaSweep>,
    /// How many sets of instances the runs are over: runs over different ones are not paired, and their differences
    /// have the errors of independent runs.
    pub instance_sets: usize,
}

/// A run on a leaderboard.
#[derive(Debug, Clone, PartialEq)]
pub struct Leader {
    /// Which of the panels given.
    pub panel: usize,
    /// Its name.
    pub run: String,
    /// Its samples per instance.
    pub k: u32,
    /// Its instances.
    pub instances: usize,
    /// What it is ordered by, by itself.
    pub own: Measured,
    /// Its place; none without a value.
    pub place: Option<RankSet>,
    /// The columns' values.
    pub columns: Vec<Measured>,
    /// Marks of the mismatches it has a part in.
    pub marks: Vec<char>,
    /// Which set of instances it is over.
    pub instance_set: usize,
}

/// Orders runs by a metric. Runs over the same instances are paired.
///
/// # Errors
/// When a run is given twice, the metric is at the runs' own k and that differs, or a run has too few samples for it.
pub fn leaderboard(
    panels: &[&Panel],
    mismatches: Vec<Mismatch>,
    options: &LeaderboardOptions,
) -> Result<Leaderboard, CompareError> {
    each_once(panels)?;
    let LeaderboardOptions { scoring, by, at_k } = options;
    let named = by.samples().or(*at_k);
    let by = if by.needs_k() || by.samples().is_some() {
        by.resolve(common_k(panels, named)?, scoring.alpha)
    } else {
        by.resolve(1, scoring.alpha)
    };
    let columns = columns(common_k(panels, *at_k).ok(), by, scoring);
    let sets = instance_sets(panels);
    let standing = Standing::new(panels, &sets, by, scoring)?;
    let places = standing.places();
    let quantities: Vec<Quantity> = columns.iter().map(|m| m.quantity).collect();
    let mut rows: Vec<Leader> = Vec::new();
    for (at, (panel, place)) in panels.iter().zip(places).enumerate() {
        let own = standing.measured(at);
        rows.push(Leader {
            panel: at,
            run: panel.name.clone(),
            k: panel.k,
            instances: panel.items.iter().filter(|item| by.group.has(item)).count(),
            own,
            place,
            columns: measure_all(panel, by.group, &quantities, scoring),
            marks: mismatches
                .iter()
                .filter(|m| m.runs.contains(&panel.name))
                .map(|m| m.kind.mark())
                .collect(),
            instance_set: sets[at],
        });
    }
    rows.sort_by_key(|row| (row.place.as_ref().map_or(usize::MAX, |p| p.rank), row.panel));
    let instance_sets = sets.iter().max().map_or(0, |last| last + 1);
    let sweep = matches!(by.quantity, Quantity::F(..)).then(|| sweep(&rows, &columns));
    Ok(Leaderboard { scoring: *scoring, by, columns, rows, mismatches, sweep, instance_sets })
}

fn sweep(rows: &[Leader], columns: &[Metric]) -> AlphaSweep {
    let of = |row: &Leader, task| {
        let at = columns.iter().position(|m| m.quantity == Quantity::Share(Measure::AtOne(task)));
        at.and_then(|at| row.columns.get(at)?.value).unwrap_or_default()
    };
    let models: Vec<(f64, f64)> =
        rows.iter().map(|row| (of(row, Task::Thinking), of(row, Task::Safety))).collect();
    alpha_sweep(&models)
}

fn columns(k: Option<u32>, by: Metric, scoring: &Scoring) -> Vec<Metric> {
    let mut all = Vec::new();
    for task in [Task::Safety, Task::Thinking] {
        all.push(Metric::share(Measure::AtOne(task), by.group));
        all.extend(k.filter(|k| *k > 1).map(|k| Metric::share(Measure::AllOf(task, k), by.group)));
    }
    all.push(Metric::share(Measure::Ssa, by.group));
    all.push(Metric::f(scoring.alpha, by.group));
    all.retain(|metric| *metric != by);
    all
}

/// Numbers panels by the set of their instances.
fn instance_sets(panels: &[&Panel]) -> Vec<usize> {
    let mut seen: BTreeMap<Vec<(&str, usize)>, usize> = BTreeMap::new();
    panels
        .iter()
        .map(|panel| {
            let mut ids: Vec<_> = panel.items.iter().map(|i| (i.id.as_str(), i.scenario as usize)).collect();
            ids.sort_unstable();
            let next = seen.len();
            *seen.entry(ids).or_insert(next)
        })
        .collect()
}

/// Panels with what their order rests on.
struct Standing<'a> {
    by: Metric,
    scoring: &'a Scoring,
    /// In one order of instances within each set.
    panels: Vec<Panel>,
    sets: &'a [usize],
    spreads: Vec<Spread>,
    /// Empty where not drawn.
    replicates: Vec<Vec<f32>>,
}

impl<'a> Standing<'a> {
    fn new(
        panels: &[&Panel],
        sets: &'a [usize],
        by: Metric,
        scoring: &'a Scoring,
    ) -> Result<Self, CompareError> {
        let mut placed: Vec<(usize, Panel, Vec<f32>)> = Vec::new();
        for set in 0..sets.iter().max().map_or(0, |last| last + 1) {
            let members: Vec<usize> = (0..panels.len()).filter(|at| sets[*at] == set).collect();
            let of: Vec<&Panel> = members.iter().map(|at| panels[*at]).collect();
            let aligned = if of.iter().all(|p| p.items.is_empty()) {
                of.iter().map(|p| (*p).clone()).collect()
            } else {
                align(&of)?
            };
            let drawn = draw(&aligned, by, scoring, set as u64);
            for (place, (at, panel)) in members.into_iter().zip(aligned).enumerate() {
                let replicates = drawn.as_ref().map_or_else(Vec::new, |r| r.of(place, by.group, by.quantity));
                placed.push((at, panel, replicates));
            }
        }
        placed.sort_by_key(|(at, ..)| *at);
        let (panels, replicates): (Vec<Panel>, Vec<Vec<f32>>) =
            placed.into_iter().map(|(_, panel, replicates)| (panel, replicates)).unzip();
        let spreads = panels.iter().map(|p| Spread::of(p, by, scoring)).collect();
        Ok(Self { by, scoring, panels, sets, spreads, replicates })
    }

    /// The places of those with a value.
    fn places(&self) -> Vec<Option<RankSet>> {
        let ranked: Vec<(usize, f64)> =
            self.spreads.iter().enumerate().filter_map(|(at, s)| Some((at, s.value?))).collect();
        let behind = ranked.iter().map(|(at, _)| self.spreads[*at].independence());
        let independent = behind.min_by_key(|i| (i.clusters, i.strata)).unwrap_or_default();
        let (better, level) = (self.by.more_is_better(), self.scoring.inference.level);
        let sets = if ranked.iter().all(|(at, _)| !self.replicates[*at].is_empty()) {
            let contenders: Vec<Contender> = ranked
                .iter()
                .map(|(at, value)| Contender { value: *value, replicates: self.replicates[*at].clone() })
                .collect();
            rank_sets(&contenders, better, independent, level)
        } else {
            let values: Vec<f64> = ranked.iter().map(|(_, value)| *value).collect();
            let error = |a: usize, b: usize| self.error(ranked[a].0, ranked[b].0);
            rank_sets_by_error(&values, error, better, independent, level)
        };
        let mut places = vec![None; self.panels.len()];
        for ((at, _), set) in ranked.into_iter().zip(sets) {
            places[at] = Some(set);
        }
        places
    }

    /// The standard error of a difference, paired where the instances are the same.
    fn error(&self, a: usize, b: usize) -> Option<f64> {
        let (first, second) = (&self.spreads[a], &self.spreads[b]);
        if self.sets[a] == self.sets[b] {
            Contrast::new((first, 0), (second, 0), self.by, None, self.scoring.inference).se()
        } else {
            Some(first.se()?.hypot(second.se()?))
        }
    }

    fn measured(&self, at: usize) -> Measured {
        measured(&self.panels[at], self.by.group, self.by.quantity, self.replicates[at].clone(), self.scoring)
    }
}

/// Ranks rest on replicates whatever method intervals have, unless none are to be drawn. Each set of instances draws
/// for itself, so that sets are independent.
fn draw(panels: &[Panel], by: Metric, scoring: &Scoring, set: u64) -> Option<Replicates> {
    let inference = scoring.inference;
    let drawn = inference.replicates > 0 && inference.estimand == Estimand::Population;
    drawn.then(|| {
        let of: Vec<&Panel> = panels.iter().collect();
        let seed = inference.seed ^ set.wrapping_mul(0xd1b5_4a32_d192_ed03);
        let inference = Inference { seed, ..inference };
        let groups: [Group; 1] = [by.group];
        resample(&of, &groups, &[by.quantity], scoring.missing, &inference)
    })
}
