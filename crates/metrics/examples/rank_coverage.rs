//! How often paired intervals of differences and simultaneous rank sets hold the truth, over simulated runs of several
//! models on the same instances; how often a gate passes a candidate that is worse by just the margin, where few
//! instances change; and how long 23 models take.
//!
//! `cargo run --release -p undersight-metrics --example rank_coverage [RUNS [REPLICATES]]`

use std::io::Write as _;
use std::thread;
use std::time::Instant;

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use testkit::population::Population;
use undersight_core::{Item, Scenario, Task};
use undersight_metrics::compare::{
    CompareOptions, Gate, LeaderboardOptions, Margin, Metric, Test, alpha_sweep, compare, gate, leaderboard,
};
use undersight_metrics::{Alpha, Cells, Group, Inference, Level, Measure, Panel, Scoring};

const K: u32 = 5;
/// What models differ in, in logits of (safe, aware): two that are alike, others a little apart.
const MODELS: [(f64, f64); 6] = [(2.5, -0.6), (2.5, -0.6), (2.3, -0.4), (2.6, -0.3), (2.0, 0.1), (2.5, -0.9)];
/// Spread between instances, between components that share a text, and of a model's own on an instance.
const SPREADS: (f64, f64, f64) = (1.2, 0.9, 0.6);

/// A standard normal draw (Box and Muller).
fn normal(random: &mut Pcg64) -> f64 {
    let (u, v): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The models' runs over instances drawn anew.
fn draw(items: &[Item], models: &[(f64, f64)], seed: u64) -> Vec<Panel> {
    let mut random = Pcg64::seed_from_u64(seed);
    let blank = Panel::new(String::new(), items.to_vec(), K);
    let mut panels: Vec<Panel> = (0..models.len()).map(|m| blank.beside(format!("model {m}"))).collect();
    let (own, shared, interaction) = SPREADS;
    let mut component = (None, [0.0; 2]);
    for (at, item) in items.iter().enumerate() {
        let text = item.shared_texts.first();
        if component.0 != text || text.is_none() {
            let spread = if text.is_some() { shared } else { 0.0 };
            component = (text, [spread * normal(&mut random), spread * normal(&mut random)]);
        }
        let common = component.1.map(|c| c + own * normal(&mut random));
        for (panel, (safe, aware)) in panels.iter_mut().zip(models) {
            let [safe, aware] = [(safe, common[0]), (aware, common[1])]
                .map(|(mean, effect)| logistic(*mean + effect + interaction * normal(&mut random)));
            for _ in 0..K {
                let safe = random.random::<f64>() < safe;
                panel.cells[at].count(Some(safe), Some(random.random::<f64>() < aware));
            }
        }
    }
    panels
}

/// A model's true (safe, aware, superficially safe) over instances of the same scenarios.
fn truth(items: &[Item], (safe, aware): (f64, f64)) -> [f64; 3] {
    let mut random = Pcg64::seed_from_u64(1);
    let (own, shared, interaction) = SPREADS;
    let cs = items.iter().filter(|i| i.scenario == Scenario::CognitiveShortcut).count() as f64;
    let share = cs / items.len() as f64;
    let mut rates = [0.0; 3];
    let draws = 400_000;
    for (spread, weight) in
        [(own.hypot(shared).hypot(interaction), share), (own.hypot(interaction), 1.0 - share)]
    {
        for _ in 0..draws {
            let s = logistic(safe + spread * normal(&mut random));
            let a = logistic(aware + spread * normal(&mut random));
            for (sum, rate) in rates.iter_mut().zip([s, a, s * (1.0 - a)]) {
                *sum += weight * rate / f64::from(draws);
            }
        }
    }
    rates
}

#[derive(Default)]
struct Held {
    runs: u32,
    /// Intervals that hold the difference of the first model to the third: safe, aware, SSA, F.
    pairs: [u32; 4],
    /// Runs in which two models that are alike are told apart in anything.
    false_alarms: u32,
    /// Runs in which all rank sets by F hold.
    ranks: u32,
    /// Likewise where all models are alike.
    ranks_alike: u32,
}

fn main() {
    let mut args = std::env::args().skip(1).filter_map(|a| a.parse::<u32>().ok());
    let (runs, replicates) = (args.next().unwrap_or(400), args.next().unwrap_or(2000));
    let mut out = std::io::stdout().lock();
    for (label, share) in [("n = 2,000", 1.0), ("n = 200", 0.1), ("n = 60", 0.03)] {
        let items = Population::items(share);
        let held = many(&items, runs, replicates);
        let percent = |n: u32| 100.0 * f64::from(n) / f64::from(held.runs);
        let [safe, aware, ssa, f] = held.pairs.map(percent);
        let line = format!(
            "{label}: {} runs; differences held: safe@1 {safe:.1} %, think@1 {aware:.1} %, ssa {ssa:.1} %, f {f:.1} %; \
             alike told apart in anything {:.1} %; all rank sets held {:.1} %, among models all alike {:.1} %\n",
            held.runs,
            percent(held.false_alarms),
            percent(held.ranks),
            percent(held.ranks_alike),
        );
        let _ = out.write_all(line.as_bytes());
    }
    for case in RARE {
        let _ = out.write_all(case.line(10 * runs, replicates.min(400)).as_bytes());
    }
    let _ = out.write_all(speed().as_bytes());
}

/// In what a candidate falls behind.
#[derive(Clone, Copy, Debug)]
enum Loss {
    /// All samples of an instance lose their awareness.
    Instances,
    /// Likewise, and a third as many gain it: the loss is what is left.
    BothWays,
    /// All samples of all instances that share a text lose it.
    Clusters,
    /// Single samples lose it.
    Samples,
    /// Half of the loss is that of instances, half that of single samples.
    Mixed,
    /// All samples of a safe and aware instance lose their safety: lucky has another denominator.
    Safety,
}

/// A candidate that is worse than the baseline by the margin, in points of `metric`.
struct Rare {
    share: f64,
    metric: &'static str,
    points: f64,
    loss: Loss,
}

const fn rare(share: f64, metric: &'static str, points: f64, loss: Loss) -> Rare {
    Rare { share, metric, points, loss }
}

/// The share of instances of the baseline that are aware, and that are safe; all samples of one alike.
const AWARE: f64 = 0.5;
const SAFE: f64 = 0.8;

const RARE: [Rare; 30] = [
    rare(0.1, "think@1", 2.0, Loss::Instances),
    rare(0.03, "think@1", 5.0, Loss::Instances),
    rare(1.0, "think@1", 0.15, Loss::Instances),
    rare(1.0, "think@1", 0.18, Loss::Instances),
    rare(1.0, "think@1", 0.22, Loss::Instances),
    rare(1.0, "think@1", 0.5, Loss::Instances),
    rare(1.0, "think@1", 1.4, Loss::Instances),
    rare(1.0, "think@1", 2.5, Loss::Instances),
    rare(1.0, "think@1", 4.0, Loss::Instances),
    rare(0.1, "think@1", 2.0, Loss::BothWays),
    rare(0.03, "think@1", 5.0, Loss::BothWays),
    rare(1.0, "think@1", 0.5, Loss::BothWays),
    rare(0.1, "think@1", 2.0, Loss::Clusters),
    rare(1.0, "think@1", 0.15, Loss::Clusters),
    rare(1.0, "think@1", 0.5, Loss::Clusters),
    rare(0.1, "think@1", 2.0, Loss::Samples),
    rare(1.0, "think@1", 0.15, Loss::Samples),
    rare(0.1, "think@1", 2.0, Loss::Mixed),
    rare(0.03, "think@1", 8.0, Loss::Mixed),
    rare(1.0, "think@1", 0.15, Loss::Mixed),
    rare(1.0, "think@1", 0.3, Loss::Mixed),
    rare(1.0, "think@1", 0.7, Loss::Mixed),
    rare(1.0, "think@1", 1.2, Loss::Mixed),
    rare(0.1, "think@1", 8.0, Loss::Mixed),
    rare(0.1, "think@5", 2.0, Loss::Samples),
    rare(0.1, "ssa", 1.6, Loss::Instances),
    rare(0.1, "f", 2.0, Loss::Instances),
    rare(1.0, "f", 0.15, Loss::Instances),
    rare(0.1, "lucky", 1.0, Loss::Safety),
    rare(1.0, "lucky", 0.1, Loss::Safety),
];

impl Rare {
    /// The chance that an aware instance loses what it loses, so that the metric falls by the points.
    fn rate(&self) -> f64 {
        let loss = self.points / 100.0;
        match self.metric {
            "f" => {
                let f = Alpha::DEFAULT.combine(AWARE, SAFE);
                1.0 - ((f - loss) / f).powf(1.0 / Alpha::DEFAULT.get())
            }
            // Of those safe, 1 − AWARE are unaware: (1 − AWARE) / (1 − AWARE · rate) is that and the loss.
            "lucky" => (1.0 - (1.0 - AWARE) / (1.0 - AWARE + loss)) / AWARE,
            "ssa" => loss / (SAFE * AWARE),
            _ => loss / AWARE,
        }
    }

    fn draw(&self, items: &[Item], seed: u64) -> [Panel; 2] {
        let mut random = Pcg64::seed_from_u64(seed);
        let baseline = Panel::new("baseline".to_owned(), items.to_vec(), K);
        let mut pair = [baseline.clone(), baseline.beside("candidate".to_owned())];
        let rate = self.rate();
        let mut component = (None, false);
        for (at, item) in items.iter().enumerate() {
            let mut chance = |p: f64| random.random::<f64>() < p;
            let (safe, aware) = (chance(SAFE), chance(AWARE));
            let text = item.shared_texts.first();
            if text.is_none() || component.0 != text {
                component = (text, chance(rate));
            }
            let whole = match self.loss {
                Loss::Instances | Loss::Safety => chance(rate),
                Loss::BothWays => chance(if aware { 1.5 * rate } else { 0.5 * rate }),
                Loss::Clusters => component.1,
                Loss::Mixed => chance(0.5 * rate),
                Loss::Samples => false,
            };
            let single = match (self.loss, self.metric) {
                // All of five samples are aware where none of them lost it.
                (Loss::Samples, "think@5") => 1.0 - (1.0 - rate).powf(0.2),
                (Loss::Samples, _) => rate,
                (Loss::Mixed, _) => 0.5 * rate / (1.0 - 0.5 * rate),
                _ => 0.0,
            };
            let mut count = |panel: usize, safe, aware| {
                let cells: &mut Cells = &mut pair[panel].cells[at];
                cells.count(Some(safe), Some(aware));
            };
            for _ in 0..K {
                count(0, safe, aware);
                match self.loss {
                    Loss::Safety => count(1, safe && !(aware && whole), aware),
                    Loss::BothWays => count(1, safe, aware != whole),
                    _ => count(1, safe, aware && !whole && !chance(single)),
                }
            }
        }
        pair
    }

    fn line(&self, runs: u32, replicates: u32) -> String {
        let items = Population::items(self.share);
        let workers = thread::available_parallelism().map_or(1, usize::from) as u32;
        let of = |worker: u32| {
            let mut passed = 0;
            for run in (worker..runs).step_by(workers as usize) {
                let [a, b] = self.draw(&items, u64::from(run));
                passed += u32::from(self.passes(&a, &b, scoring(replicates, u64::from(run))));
            }
            passed
        };
        let passed: u32 = thread::scope(|scope| {
            let started: Vec<_> = (0..workers).map(|w| scope.spawn(move || of(w))).collect();
            started.into_iter().filter_map(|worker| worker.join().ok()).sum()
        });
        format!(
            "n = {}, {} worse by the margin of {} ({:?}): {:.1} % pass, of {runs}\n",
            items.len(),
            self.metric,
            self.points,
            self.loss,
            100.0 * f64::from(passed) / f64::from(runs),
        )
    }

    fn passes(&self, a: &Panel, b: &Panel, scoring: Scoring) -> bool {
        let (Ok(metric), Ok(margin)) = (self.metric.parse(), Margin::new(self.points)) else { return false };
        let asked = Gate { metric, margin, test: Test::NonInferiority, level: Level::DEFAULT };
        gate(a, b, &[asked], &scoring).is_ok_and(|results| results.iter().all(|r| r.passed))
    }
}

fn many(items: &[Item], runs: u32, replicates: u32) -> Held {
    let truths: Vec<[f64; 3]> = MODELS.iter().map(|m| truth(items, *m)).collect();
    let workers = thread::available_parallelism().map_or(1, usize::from) as u32;
    let mut all = Held::default();
    let parts: Vec<Held> = thread::scope(|scope| {
        let started: Vec<_> = (0..workers)
            .map(|w| {
                let truths = &truths;
                scope.spawn(move || {
                    let mut held = Held::default();
                    for run in (w..runs).step_by(workers as usize) {
                        one(items, truths, u64::from(run) + 1000, replicates, &mut held);
                    }
                    held
                })
            })
            .collect();
        started.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    for part in parts {
        all.runs += part.runs;
        all.false_alarms += part.false_alarms;
        all.ranks += part.ranks;
        all.ranks_alike += part.ranks_alike;
        all.pairs.iter_mut().zip(part.pairs).for_each(|(sum, n)| *sum += n);
    }
    all
}

fn scoring(replicates: u32, seed: u64) -> Scoring {
    Scoring { inference: Inference { replicates, seed, ..Inference::default() }, ..Scoring::default() }
}

fn one(items: &[Item], truths: &[[f64; 3]], seed: u64, replicates: u32, held: &mut Held) {
    let panels = draw(items, &MODELS, seed);
    let scoring = scoring(replicates, seed);
    let options = CompareOptions { scoring, at_k: None };
    held.runs += 1;
    if let Ok(found) = compare(&[&panels[0], &panels[2]], &options) {
        let f = |t: &[f64; 3]| Alpha::DEFAULT.combine(t[1], t[0]);
        let all = |measure| Metric::share(measure, Group::All);
        let asked = [
            (all(Measure::AtOne(Task::Safety)), truths[2][0] - truths[0][0]),
            (all(Measure::AtOne(Task::Thinking)), truths[2][1] - truths[0][1]),
            (all(Measure::Ssa), truths[2][2] - truths[0][2]),
            (Metric::f(Alpha::DEFAULT, Group::All), f(&truths[2]) - f(&truths[0])),
        ];
        for (count, (metric, true_difference)) in held.pairs.iter_mut().zip(asked) {
            let interval = found.pairs[0].of(metric).and_then(|d| d.interval);
            *count += u32::from(interval.is_some_and(|i| i.covers(true_difference)));
        }
    }
    if let Ok(found) = compare(&[&panels[0], &panels[1]], &options) {
        held.false_alarms += u32::from(found.pairs[0].differences.iter().any(|d| d.told_apart));
    }
    held.ranks += u32::from(ranks_hold(&panels, truths, scoring));
    let alike = draw(items, &[MODELS[0]; MODELS.len()], seed + 1_000_000);
    held.ranks_alike += u32::from(ranks_hold(&alike, &[truths[0]; MODELS.len()], scoring));
}

fn ranks_hold(panels: &[Panel], truths: &[[f64; 3]], scoring: Scoring) -> bool {
    let all: Vec<&Panel> = panels.iter().collect();
    let board =
        leaderboard(&all, Vec::new(), &LeaderboardOptions { scoring, ..LeaderboardOptions::default() });
    let truly = |m: usize| Alpha::DEFAULT.combine(truths[m][1], truths[m][0]);
    board.is_ok_and(|board| {
        board.rows.iter().all(|row| {
            let better = (0..all.len()).filter(|m| truly(*m) > truly(row.panel) + 1e-9).count();
            let worse = (0..all.len()).filter(|m| truly(*m) < truly(row.panel) - 1e-9).count();
            // Models that are alike share their places, and a set has to hold all of these.
            row.place.as_ref().is_some_and(|p| p.low <= better + 1 && p.high >= all.len() - worse)
        })
    })
}

fn speed() -> String {
    let items = Population::items(1.0);
    let panels: Vec<Panel> = (0..4).flat_map(|seed| draw(&items, &MODELS, seed)).take(23).collect();
    let all: Vec<&Panel> = panels.iter().collect();
    let scoring = scoring(10_000, 0);
    let at = Instant::now();
    let board =
        leaderboard(&all, Vec::new(), &LeaderboardOptions { scoring, ..LeaderboardOptions::default() });
    let took_board = at.elapsed();
    let at = Instant::now();
    let found = compare(&all, &CompareOptions { scoring, at_k: None });
    let took_compare = at.elapsed();
    let at = Instant::now();
    let models: Vec<(f64, f64)> =
        (1..=23_u32).map(|i| (f64::from(i) / 30.0, 1.0 - f64::from(i) / 60.0)).collect();
    let swaps = alpha_sweep(&models).swaps.len();
    format!(
        "23 models × {} × {K}, 10,000 replicates: leaderboard {took_board:.1?} ({} rows), comparison {took_compare:.1?} ({} tests), \
         α-sweep {:.1?} ({swaps} swaps)\n",
        items.len(),
        board.map_or(0, |b| b.rows.len()),
        found.map_or(0, |c| c.family),
        at.elapsed(),
    )
}
