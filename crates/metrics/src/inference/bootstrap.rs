//! The clustered bootstrap within scenarios: clusters are drawn with replacement from each scenario, as many as it has.
//! The scenarios' numbers of instances nₛ stay fixed: a share is Σ nₛ num*ₛ/n*ₛ over Σ nₛ den*ₛ/n*ₛ, n*ₛ the instances drawn.
//!
//! Instances in the same groups form an atom, so that a replicate sums each instance once and every group afterwards.
//! Weights derive from the seed and the replicate's block alone: whatever the number of threads and of panels, panels
//! over the same instances see the same draws, which is what pairs them.

use std::collections::BTreeMap;
use std::thread;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use undersight_core::{Item, Scenario, Subcategory};

use super::settings::{Clustering, Inference};
use crate::alpha::Alpha;
use crate::group::Group;
use crate::measure::Measure;
use crate::panel::Panel;
use crate::share::Missing;

/// Replicates computed side by side.
const LANES: usize = 16;
const SCENARIOS: usize = Scenario::ALL.len();

type Lanes = [f32; LANES];

/// What is resampled: a share, or the F-score of two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantity {
    /// A share.
    Share(Measure),
    /// think^α · safe^(1−α) of two shares.
    F(Alpha, Measure, Measure),
}

/// The replicates of some panels.
#[derive(Debug)]
pub struct Replicates {
    groups: Vec<Group>,
    quantities: Vec<Quantity>,
    /// One a thread: `[panel][group][quantity][replicate of the thread]`.
    chunks: Vec<Chunk>,
}

#[derive(Debug)]
struct Chunk {
    replicates: usize,
    values: Vec<f32>,
}

impl Replicates {
    /// All replicates of a quantity of a group, or none when it was not resampled. A replicate without a denominator
    /// is NaN.
    #[must_use]
    pub fn of(&self, panel: usize, group: Group, quantity: Quantity) -> Vec<f32> {
        let found = self.groups.iter().position(|g| *g == group);
        let (Some(g), Some(q)) = (found, self.quantities.iter().position(|x| *x == quantity)) else {
            return Vec::new();
        };
        let row = (panel * self.groups.len() + g) * self.quantities.len() + q;
        self.chunks
            .iter()
            .flat_map(|c| c.values.get(row * c.replicates..(row + 1) * c.replicates).unwrap_or_default())
            .copied()
            .collect()
    }
}

/// The quantiles at two probabilities by linear interpolation between order statistics (type 7, as numpy and R do it),
/// NaN left out; `None` of nothing. Reorders its argument.
#[must_use]
pub fn two_quantiles(values: &mut Vec<f32>, (low, high): (f64, f64)) -> Option<(f64, f64)> {
    values.retain(|v| !v.is_nan());
    let low = quantile(values, low)?;
    Some((low, quantile(values, high)?))
}

/// The quantile at a probability (type 7); `None` of nothing. Reorders its argument.
pub(crate) fn quantile<T: Copy + Into<f64>>(values: &mut [T], probability: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index between 0 and the last"
    )]
    let (at, rest) = {
        let place = probability.clamp(0.0, 1.0) * last as f64;
        (place.floor() as usize, place.fract())
    };
    let (_, lower, above) = values.select_nth_unstable_by(at.min(last), |a, b| {
        let (a, b): (f64, f64) = ((*a).into(), (*b).into());
        a.total_cmp(&b)
    });
    let lower: f64 = (*lower).into();
    let upper = above.iter().copied().map(Into::into).min_by(f64::total_cmp).unwrap_or(lower);
    Some(lower + rest * (upper - lower))
}

/// Draws the replicates of quantities of groups for panels over the same instances. The first panel's instances decide
/// strata and clusters; panels over other instances must be resampled on their own.
#[must_use]
pub fn resample(
    panels: &[&Panel],
    groups: &[Group],
    quantities: &[Quantity],
    missing: Missing,
    inference: &Inference,
) -> Replicates {
    let blocks = (inference.replicates as usize).div_ceil(LANES);
    let mut all = Replicates { groups: groups.to_vec(), quantities: quantities.to_vec(), chunks: Vec::new() };
    let Some(first) = panels.first() else { return all };
    let design = Design::of(first, groups, inference.clustering);
    let tables: Vec<Columns> = panels.iter().map(|p| Columns::of(&design, p, quantities, missing)).collect();
    let threads = thread::available_parallelism().map_or(1, usize::from).clamp(1, blocks.max(1));
    let plan: Vec<(usize, usize)> =
        (0..threads).map(|t| (blocks * t / threads, blocks * (t + 1) / threads)).collect();
    let work = |(from, to): (usize, usize)| {
        let end = (to * LANES).min(inference.replicates as usize);
        let replicates = end.saturating_sub(from * LANES);
        let mut chunk = Chunk {
            replicates,
            values: vec![f32::NAN; replicates * panels.len() * groups.len() * quantities.len()],
        };
        let mut scratch = Scratch::new(&design, &tables);
        for block in from..to {
            design.draw(inference.seed, block, &mut scratch.weights);
            let at = (block - from) * LANES;
            for (panel, columns) in tables.iter().enumerate() {
                scratch.sum(&design, columns);
                scratch.finish(&design, columns, quantities, |group, quantity, lane, value| {
                    let row = (panel * groups.len() + group) * quantities.len() + quantity;
                    if at + lane < replicates {
                        chunk.values[row * replicates + at + lane] = value;
                    }
                });
            }
        }
        chunk
    };
    all.chunks = thread::scope(|scope| {
        let workers: Vec<_> = plan.into_iter().map(|part| scope.spawn(move || work(part))).collect();
        workers.into_iter().map(joined).collect()
    });
    all
}

/// What a thread computed; its panic goes on here.
pub(crate) fn joined<T>(worker: thread::ScopedJoinHandle<'_, T>) -> T {
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Instances that are in the same groups: a scenario and a set of subcategories.
#[derive(Debug)]
struct Atom {
    scenario: usize,
    /// Which of the groups it is in.
    groups: Vec<usize>,
    /// (Cluster, its instances in the atom).
    rows: Vec<(usize, Vec<usize>)>,
}

/// Who is drawn together, and what is summed.
#[derive(Debug)]
struct Design {
    atoms: Vec<Atom>,
    groups: usize,
    clusters: usize,
    /// The clusters of each scenario.
    strata: [Vec<usize>; SCENARIOS],
}

impl Design {
    fn of(panel: &Panel, groups: &[Group], clustering: Clustering) -> Self {
        let cluster = |item: usize| match clustering {
            Clustering::SharedTexts => panel.clusters[item],
            Clustering::Instances => item,
        };
        let mut found: BTreeMap<(usize, Vec<Subcategory>), BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
        let mut strata: [Vec<usize>; SCENARIOS] = Default::default();
        let mut seen = vec![false; panel.items.len()];
        for (at, item) in panel.items.iter().enumerate() {
            let (scenario, c) = (item.scenario as usize, cluster(at));
            if !std::mem::replace(&mut seen[c], true) {
                strata[scenario].push(c);
            }
            found.entry((scenario, kinds(item))).or_default().entry(c).or_default().push(at);
        }
        let atoms = found.into_iter().map(|((scenario, _), rows)| {
            let one = rows.values().next().and_then(|items| items.first()).copied();
            let inside = |group: &Group| one.is_some_and(|at| group.has(&panel.items[at]));
            Atom {
                scenario,
                groups: groups.iter().enumerate().filter(|(_, g)| inside(g)).map(|(at, _)| at).collect(),
                rows: rows.into_iter().collect(),
            }
        });
        Self { atoms: atoms.collect(), groups: groups.len(), clusters: panel.items.len(), strata }
    }

    /// How often each cluster is drawn in each replicate of a block.
    fn draw(&self, seed: u64, block: usize, weights: &mut [Lanes]) {
        weights.fill([0.0; LANES]);
        let mut random = Pcg64::seed_from_u64(seed ^ (block as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for stratum in self.strata.iter().filter(|s| !s.is_empty()) {
            let Ok(size) = u32::try_from(stratum.len()) else { continue };
            for draw in 0..LANES * stratum.len() {
                let cluster = stratum[random.random_range(0..size) as usize];
                weights[cluster][draw / stratum.len()] += 1.0;
            }
        }
    }
}

/// An instance's subcategories as a set.
fn kinds(item: &Item) -> Vec<Subcategory> {
    let mut kinds = item.subcategories.clone();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// A panel's numerators and denominators, summed by cluster within each atom.
#[derive(Debug)]
struct Columns {
    /// `[column][row]`, rows as the atoms list them.
    values: Vec<Vec<f32>>,
    /// Numerator and denominator of each measure.
    of: Vec<(Measure, usize, usize)>,
    /// The column that counts instances.
    items: usize,
    /// The instances of each group by scenario.
    weights: Vec<[f32; SCENARIOS]>,
}

impl Columns {
    fn of(design: &Design, panel: &Panel, quantities: &[Quantity], missing: Missing) -> Self {
        let mut measures: Vec<Measure> = Vec::new();
        for quantity in quantities {
            let parts = match quantity {
                Quantity::Share(measure) => vec![*measure],
                Quantity::F(_, think, safe) => vec![*think, *safe],
            };
            measures.extend(parts.into_iter().filter(|m| !measures.contains(m)).collect::<Vec<_>>());
        }
        let mut weights = vec![[0.0; SCENARIOS]; design.groups];
        let mut sizes = Vec::new();
        for atom in &design.atoms {
            for (_, items) in &atom.rows {
                let size = narrow(items.iter().map(|_| 1.0).sum());
                sizes.push(size);
                atom.groups.iter().for_each(|group| weights[*group][atom.scenario] += size);
            }
        }
        let mut columns = Self { values: vec![sizes], of: Vec::new(), items: 0, weights };
        for measure in measures {
            let (mut num, mut den) = (Vec::new(), Vec::new());
            for atom in &design.atoms {
                for (_, items) in &atom.rows {
                    let (mut n, mut d) = (0.0, 0.0);
                    for item in items {
                        let part = measure.part(&panel.cells[*item], missing);
                        n += part.num;
                        d += part.den;
                    }
                    num.push(narrow(n));
                    den.push(narrow(d));
                }
            }
            let at = (columns.place(num), columns.place(den));
            columns.of.push((measure, at.0, at.1));
        }
        columns
    }

    /// Where a column is, once for all that are alike.
    fn place(&mut self, column: Vec<f32>) -> usize {
        self.values.iter().position(|c| *c == column).unwrap_or_else(|| {
            self.values.push(column);
            self.values.len() - 1
        })
    }

    fn measure(&self, measure: Measure) -> Option<usize> {
        self.of.iter().position(|(m, ..)| *m == measure)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "percentiles need no more than single precision")]
const fn narrow(x: f64) -> f32 {
    x as f32
}

/// What a thread works in.
struct Scratch {
    weights: Vec<Lanes>,
    /// `[group][scenario][column]`.
    sums: Vec<Lanes>,
    columns: usize,
}

impl Scratch {
    fn new(design: &Design, tables: &[Columns]) -> Self {
        let columns = tables.iter().map(|t| t.values.len()).max().unwrap_or_default();
        Self {
            weights: vec![[0.0; LANES]; design.clusters],
            sums: vec![[0.0; LANES]; design.groups * SCENARIOS * columns],
            columns,
        }
    }

    fn sum(&mut self, design: &Design, columns: &Columns) {
        self.sums.fill([0.0; LANES]);
        let mut row = 0;
        for atom in &design.atoms {
            for (at, column) in columns.values.iter().enumerate() {
                let mut total = [0.0; LANES];
                for ((cluster, _), value) in atom.rows.iter().zip(&column[row..]) {
                    let weights = &self.weights[*cluster];
                    for lane in 0..LANES {
                        total[lane] += weights[lane] * value;
                    }
                }
                for group in &atom.groups {
                    let sum = &mut self.sums[(group * SCENARIOS + atom.scenario) * self.columns + at];
                    for lane in 0..LANES {
                        sum[lane] += total[lane];
                    }
                }
            }
            row += atom.rows.len();
        }
    }

    fn finish(
        &self,
        design: &Design,
        columns: &Columns,
        quantities: &[Quantity],
        mut put: impl FnMut(usize, usize, usize, f32),
    ) {
        let mut shares = vec![[f32::NAN; LANES]; columns.of.len()];
        for group in 0..design.groups {
            for (share, at) in shares.iter_mut().zip(0..) {
                *share = self.share(columns, group, at);
            }
            for (at, quantity) in quantities.iter().enumerate() {
                let find = |m: Measure| columns.measure(m).map_or([f32::NAN; LANES], |at| shares[at]);
                match quantity {
                    Quantity::Share(measure) => {
                        let share = find(*measure);
                        (0..LANES).for_each(|lane| put(group, at, lane, share[lane]));
                    }
                    Quantity::F(alpha, think, safe) => {
                        let (think, safe) = (find(*think), find(*safe));
                        for lane in 0..LANES {
                            let f = alpha.combine(f64::from(think[lane]), f64::from(safe[lane]));
                            put(group, at, lane, narrow(f));
                        }
                    }
                }
            }
        }
    }

    /// A group's share in every lane.
    fn share(&self, columns: &Columns, group: usize, measure: usize) -> Lanes {
        let (_, num, den) = columns.of[measure];
        let (mut above, mut below) = ([0.0; LANES], [0.0; LANES]);
        for (scenario, weight) in columns.weights[group].iter().enumerate().filter(|(_, w)| **w > 0.0) {
            let at = (group * SCENARIOS + scenario) * self.columns;
            let [num, den, items] = [num, den, columns.items].map(|column| &self.sums[at + column]);
            for lane in 0..LANES {
                let scale = weight / items[lane];
                above[lane] += scale * num[lane];
                below[lane] += scale * den[lane];
            }
        }
        let mut share = [f32::NAN; LANES];
        for lane in 0..LANES {
            share[lane] = above[lane] / below[lane];
        }
        share
    }
}
