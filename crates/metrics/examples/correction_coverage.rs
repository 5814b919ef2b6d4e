//! How often corrected and uncorrected intervals cover the truth, over simulated runs with known rates that a judge of
//! set sensitivity and specificity judged.
//!
//! `cargo run --release -p undersight-metrics --example correction_coverage [RUNS [LABELS [SENSITIVITY [SPECIFICITY [RATES]]]]]`
//! where RATES is `middle` (the default) or `high`.

use std::io::Write as _;

use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use testkit::population::Population;
use undersight_core::{
    HumanLabel, Item, JudgementStatus, Label, Outcome, SampleStatus, Scenario, Study, Task, Verdict, clusters,
};
use undersight_metrics::Alpha;
use undersight_metrics::judge_error::{
    ByScenario, Correction, CorrectionError, CorrectionOptions, DrawPlan, Method, correct, draw,
};
use undersight_metrics::stats::beta_quantile;

const K: u32 = 5;
/// Intraclass correlation of the samples of one instance.
const ICC: f64 = 0.5;
/// How often an instance takes after its component, and awareness after safety.
const ALIKE: f64 = 0.5;
const GRID: usize = 2048;

#[derive(Clone, Copy)]
struct Judge {
    sensitivity: f64,
    specificity: f64,
}

/// Quantiles of the instances' rates, by scenario and task; the truth is the mean over the grid.
struct World {
    items: Vec<Item>,
    clusters: Vec<usize>,
    grid: [[Vec<f64>; 2]; 3],
}

struct Truth {
    rates: [[f64; 4]; 2],
    ssa: [f64; 4],
    f: f64,
}

const SHARES: [f64; 3] = [0.1, 0.6, 0.3];
const MIDDLE: [[f64; 2]; 3] = [[0.85, 0.45], [0.70, 0.30], [0.60, 0.50]];
const HIGH: [[f64; 2]; 3] = [[0.97, 0.90], [0.93, 0.80], [0.95, 0.88]];

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

impl World {
    fn new(rates: [[f64; 2]; 3]) -> Self {
        let spread = (1.0 - ICC) / ICC;
        let quantiles = |rate: f64| -> Vec<f64> {
            let at = |i: usize| (i as f64 + 0.5) / GRID as f64;
            (0..GRID).map(|i| beta_quantile(at(i), rate * spread, (1.0 - rate) * spread)).collect()
        };
        let items = Population::items(1.0);
        let clusters = clusters(&items);
        Self { items, clusters, grid: rates.map(|tasks| tasks.map(quantiles)) }
    }

    fn truth(&self) -> Truth {
        let mut truth = Truth { rates: [[0.0; 4]; 2], ssa: [0.0; 4], f: 0.0 };
        for (s, [safe, aware]) in self.grid.iter().enumerate() {
            let (p, q) = (mean(safe), mean(aware));
            let both: Vec<f64> = safe.iter().zip(aware).map(|(p, q)| p * (1.0 - q)).collect();
            let ssa = ALIKE * mean(&both) + (1.0 - ALIKE) * p * (1.0 - q);
            let [safety, thinking] = &mut truth.rates;
            for (row, value) in [(safety, p), (thinking, q), (&mut truth.ssa, ssa)] {
                row[s] = value;
                row[3] += SHARES[s] * value;
            }
        }
        truth.f = Alpha::DEFAULT.combine(truth.rates[1][3], truth.rates[0][3]);
        truth
    }

    /// A run and what is true of each of its samples.
    fn run(&self, judge: Judge, random: &mut impl Rng) -> (Study, Vec<[bool; 2]>) {
        let shared: Vec<usize> = self.clusters.iter().map(|_| random.random_range(0..GRID)).collect();
        let mut outcomes = Vec::with_capacity(self.items.len() * K as usize);
        let mut truths = Vec::with_capacity(outcomes.capacity());
        for (at, item) in self.items.iter().enumerate() {
            let s = place(item.scenario);
            let mut pick = |other: usize| {
                if random.random_bool(ALIKE) { other } else { random.random_range(0..GRID) }
            };
            let safe = pick(shared[self.clusters[at]]);
            let rates = [self.grid[s][0][safe], self.grid[s][1][pick(safe)]];
            for index in 0..K {
                let truth = rates.map(|rate| random.random_bool(rate));
                let judged = truth.map(|passes| {
                    passes == random.random_bool(if passes { judge.sensitivity } else { judge.specificity })
                });
                let verdict = |task, t: usize| {
                    let label = Some(label(task, item.scenario, judged[t]));
                    Some(Verdict { status: JudgementStatus::Ok, label })
                };
                outcomes.push(Outcome {
                    status: Some(SampleStatus::Ok),
                    safety: verdict(Task::Safety, 0),
                    thinking: verdict(Task::Thinking, 1),
                    ..Outcome::missing(at, index)
                });
                truths.push(truth);
            }
        }
        let study = Study { name: "simulated".to_owned(), items: self.items.clone(), k: K, outcomes };
        (study, truths)
    }
}

fn place(scenario: Scenario) -> usize {
    Scenario::ALL.iter().position(|s| *s == scenario).unwrap_or_default()
}

fn label(task: Task, scenario: Scenario, passes: bool) -> Label {
    let allowed = Label::allowed(task, scenario);
    if passes { allowed[0] } else { allowed[allowed.len() - 1] }
}

/// What is counted of one quantity.
#[derive(Clone, Copy, Default)]
struct Tally {
    runs: f64,
    refused: f64,
    naive: f64,
    covered: f64,
    below: f64,
    width: f64,
    bias: f64,
}

impl Tally {
    fn add(&mut self, truth: f64, naive: &Judged, got: &Result<Correction, CorrectionError>) {
        let Ok(c) = got else {
            self.refused += 1.0;
            return;
        };
        let one = |holds: bool| f64::from(u8::from(holds));
        self.runs += 1.0;
        self.naive += one(naive.covers(truth));
        self.covered += one(c.low <= truth && truth <= c.high);
        self.below += one(c.high < truth);
        self.width += c.high - c.low;
        self.bias += c.value - truth;
    }

    fn merge(&mut self, other: &Self) {
        self.runs += other.runs;
        self.refused += other.refused;
        self.naive += other.naive;
        self.covered += other.covered;
        self.below += other.below;
        self.width += other.width;
        self.bias += other.bias;
    }
}

/// A judged rate, of one scenario or of all, and what each cluster adds to its error; the judge's own error is not in it.
struct Judged {
    rate: f64,
    influence: Vec<f64>,
}

impl Judged {
    fn new(world: &World, study: &Study, scenario: Option<usize>, value: impl Fn(&Outcome) -> f64) -> Self {
        let count = world.clusters.iter().max().map_or(0, |c| c + 1);
        let (mut sums, mut sizes, mut strata) = (vec![0.0; count], vec![0.0; count], vec![0; count]);
        for o in &study.outcomes {
            let c = world.clusters[o.item];
            strata[c] = place(study.items[o.item].scenario);
            sums[c] += value(o);
            sizes[c] += 1.0;
        }
        let mut judged = Self { rate: 0.0, influence: vec![0.0; count] };
        for (s, share) in SHARES.into_iter().enumerate() {
            let share = scenario.map_or(share, |only| f64::from(u8::from(only == s)));
            let ours: Vec<usize> = (0..count).filter(|c| strata[*c] == s).collect();
            let n: f64 = ours.iter().map(|c| sizes[*c]).sum();
            let p = ours.iter().map(|c| sums[*c]).sum::<f64>() / n;
            judged.rate += share * p;
            ours.iter().for_each(|c| judged.influence[*c] = share * (sums[*c] - p * sizes[*c]) / n);
        }
        judged
    }

    /// By the delta method.
    fn f(think: &Self, safe: &Self) -> Self {
        let alpha = Alpha::DEFAULT;
        let rate = alpha.combine(think.rate, safe.rate);
        let slopes = [alpha.get() * rate / think.rate, (1.0 - alpha.get()) * rate / safe.rate];
        let both = think.influence.iter().zip(&safe.influence);
        Self { rate, influence: both.map(|(t, s)| slopes[0] * t + slopes[1] * s).collect() }
    }

    fn covers(&self, truth: f64) -> bool {
        let variance: f64 = self.influence.iter().map(|u| u * u).sum();
        (self.rate - truth).abs() <= 1.96 * variance.sqrt()
    }
}

const NAMES: [&str; 4] = ["OS", "CS", "RO", "all"];
const QUANTITIES: usize = 4 * 4 + 4 + 1;

fn simulate(world: &World, judge: Judge, labels: usize, seeds: std::ops::Range<u64>) -> [Tally; QUANTITIES] {
    let truth = world.truth();
    let mut tallies = [Tally::default(); QUANTITIES];
    for seed in seeds {
        let mut random = Pcg64::seed_from_u64(seed);
        let (study, truths) = world.run(judge, &mut random);
        let human: Vec<HumanLabel> = draw(&study, &[], labels, &DrawPlan { seed, ..DrawPlan::default() })
            .map(|draw| draw.samples)
            .unwrap_or_default()
            .into_iter()
            .flat_map(|d| {
                let item = &study.items[d.item];
                let passes = truths[d.item * K as usize + d.index as usize];
                [(Task::Safety, passes[0]), (Task::Thinking, passes[1])].map(|(task, passes)| HumanLabel {
                    id: item.id.clone(),
                    index: d.index,
                    task,
                    label: label(task, item.scenario, passes),
                    probability: Some(d.probability),
                    run: None,
                    annotator: None,
                    time: None,
                    guideline: None,
                    draw: None,
                    comment: None,
                    adjudicated: false,
                })
            })
            .collect();
        let Ok(corrected) = correct(&study, &human, CorrectionOptions::default()) else { continue };
        let passes = |v: Option<Verdict>| f64::from(u8::from(v.and_then(Verdict::passes) == Some(true)));
        let mut at = 0;
        let mut add = |values: Option<&ByScenario>, truths: &[f64; 4], value: &dyn Fn(&Outcome) -> f64| {
            for (s, truth) in truths.iter().enumerate() {
                let scenario = Scenario::ALL.get(s);
                let naive = Judged::new(world, &study, scenario.map(|_| s), value);
                let got = values.and_then(|v| scenario.map_or(Some(&v.overall), |s| v.scenario(*s)));
                if let Some(got) = got {
                    tallies[at].add(*truth, &naive, got);
                }
                at += 1;
            }
        };
        for (t, task) in [Task::Safety, Task::Thinking].into_iter().enumerate() {
            for method in Method::ALL {
                add(corrected.rate(task, method), &truth.rates[t], &|o| passes([o.safety, o.thinking][t]));
            }
        }
        add(Some(&corrected.ssa.values), &truth.ssa, &|o| passes(o.safety) * (1.0 - passes(o.thinking)));
        let [think, safe] =
            [1, 0].map(|t| Judged::new(world, &study, None, |o| passes([o.safety, o.thinking][t])));
        tallies[at].add(truth.f, &Judged::f(&think, &safe), &corrected.f);
    }
    tallies
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: f64| args.get(at).map_or(Ok(default), |text| text.parse());
    let (runs, labels) = (number(0, 2000.0)? as u64, number(1, 600.0)? as usize);
    let judge = Judge { sensitivity: number(2, 0.88)?, specificity: number(3, 0.9)? };
    let rates = if args.get(4).is_some_and(|a| a == "high") { HIGH } else { MIDDLE };
    let world = World::new(rates);
    let halves = std::thread::scope(|scope| {
        let world = &world;
        let work = [0..runs / 2, runs / 2..runs]
            .map(|seeds| scope.spawn(move || simulate(world, judge, labels, seeds)));
        work.map(std::thread::ScopedJoinHandle::join)
    });
    let mut tallies = [Tally::default(); QUANTITIES];
    for half in halves {
        let half = half.map_err(|_| "a thread failed")?;
        tallies.iter_mut().zip(&half).for_each(|(sum, part)| sum.merge(part));
    }
    let mut names: Vec<String> = Vec::new();
    for task in ["Safe@1", "Think@1"] {
        for method in Method::ALL {
            names.extend(NAMES.map(|s| format!("{task} {s} {}", method.name())));
        }
    }
    names.extend(NAMES.map(|s| format!("SSA {s} double sampling")));
    names.push("F all ppi++".to_owned());
    let mut out = std::io::stdout().lock();
    let Judge { sensitivity, specificity } = judge;
    writeln!(
        out,
        "{runs} runs, {labels} labels each, judge of sensitivity {sensitivity} and specificity {specificity}"
    )?;
    writeln!(
        out,
        "{:<30} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "", "naive %", "cover %", "above %", "width", "bias", "refused"
    )?;
    for (name, t) in names.iter().zip(&tallies) {
        let share = |n: f64| 100.0 * n / t.runs;
        writeln!(
            out,
            "{name:<30} {:>8.1} {:>8.1} {:>8.1} {:>8.4} {:>8.4} {:>8}",
            share(t.naive),
            share(t.covered),
            share(t.below),
            t.width / t.runs,
            t.bias / t.runs,
            t.refused
        )?;
    }
    Ok(())
}
