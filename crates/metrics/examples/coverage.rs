//! How often 95 % intervals hold the true rate, over simulated runs with realistic clustering, by method.
//!
//! `cargo run --release -p undersight-metrics --example coverage [RUNS [REPLICATES]]`

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use testkit::population::{Population, Rates};
use undersight_core::{Item, Scenario, Task};
use undersight_metrics::inference::bootstrap::two_quantiles;
use undersight_metrics::inference::linear;
use undersight_metrics::{
    Alpha, Estimate, FScore, Group, Inference, Interval, Level, Measure, Method, Missing, Panel, Quantity,
    resample,
};

const K: u32 = 5;

/// A population and how much of the official file's size.
const SETTINGS: [(&str, Population, f64); 5] = [
    ("typical, n = 2,000", Population::TYPICAL, 1.0),
    ("extreme, n = 2,000", EXTREME, 1.0),
    ("typical, n = 200", Population::TYPICAL, 0.1),
    ("extreme, n = 200", EXTREME, 0.1),
    ("typical, n = 60", Population::TYPICAL, 0.03),
];

/// Nearly always safe, nearly never aware.
const EXTREME: Population =
    Population { aware: [-1.5, -4.2, -2.0], safe: [6.0, 6.5, 6.0], ..Population::TYPICAL };

/// What is estimated: a share of a group, or F overall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Share(usize, Measure),
    F,
}

/// How often each method's interval held, and how wide it was.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    runs: u32,
    held: u32,
    width: f64,
}

type Table = BTreeMap<(What, &'static str), Tally>;

fn groups(items: &[Item]) -> Vec<Group> {
    let mut slices: Vec<(usize, Group)> = Group::all()
        .filter(|g| matches!(g, Group::Category(_) | Group::Subcategory(_)))
        .map(|g| (items.iter().filter(|i| g.has(i)).count(), g))
        .collect();
    slices.sort_by_key(|(n, _)| *n);
    let ends = [slices[slices.len() - 1].1, slices[0].1];
    std::iter::once(Group::All).chain(Scenario::ALL.into_iter().map(Group::Scenario)).chain(ends).collect()
}

fn truth(rates: &[Rates; 3], items: &[Item], group: Group, measure: Measure) -> f64 {
    if measure == Measure::Lucky {
        let over = |of: fn(&Rates) -> f64| -> f64 {
            items.iter().filter(|i| group.has(i)).map(|i| of(&rates[i.scenario as usize])).sum()
        };
        return over(|r| r.ssa) / over(|r| r.safe);
    }
    let of = |r: &Rates| match measure {
        Measure::AtOne(Task::Safety) => r.safe,
        Measure::AtOne(Task::Thinking) => r.aware,
        Measure::AllOf(Task::Safety, _) => r.safe_k,
        Measure::AllOf(Task::Thinking, _) => r.aware_k,
        _ => r.ssa,
    };
    let members: Vec<f64> =
        items.iter().filter(|i| group.has(i)).map(|i| of(&rates[i.scenario as usize])).collect();
    members.iter().sum::<f64>() / members.len() as f64
}

struct Setting<'a> {
    items: &'a [Item],
    groups: Vec<Group>,
    measures: [Measure; 6],
    rates: [Rates; 3],
    inference: Inference,
}

impl Setting<'_> {
    fn run(&self, panel: &Panel, table: &mut Table) {
        let alpha = Alpha::DEFAULT;
        let f = Quantity::F(alpha, Measure::AtOne(Task::Thinking), Measure::AtOne(Task::Safety));
        let mut quantities = self.measures.map(Quantity::Share).to_vec();
        quantities.push(f);
        let drawn = resample(&[panel], &self.groups, &quantities, Missing::Fail, &self.inference);
        let percentiles = |group, quantity| {
            let (low, high) = two_quantiles(&mut drawn.of(0, group, quantity), Level::DEFAULT.tails())?;
            Some(Interval::of_share(low, high, Method::Bootstrap))
        };
        let mut note = |what, method, interval: Option<Interval>, truth: f64| {
            let tally = table.entry((what, method)).or_default();
            tally.runs += 1;
            tally.held += u32::from(interval.is_some_and(|i| i.covers(truth)));
            tally.width += interval.map_or(1.0, |i| i.width());
        };
        for (at, group) in self.groups.iter().enumerate() {
            let members: Vec<usize> = (0..self.items.len()).filter(|i| group.has(&self.items[*i])).collect();
            for measure in self.measures {
                let line = linear(panel, &members, measure, Missing::Fail, &self.inference);
                let truth = truth(&self.rates, self.items, *group, measure);
                let bootstrap = percentiles(*group, Quantity::Share(measure));
                let what = What::Share(at, measure);
                for method in [Method::Normal, Method::Wilson, Method::Beta, Method::Exact] {
                    note(what, method.name(), line.interval(method, Level::DEFAULT), truth);
                }
                note(what, "bootstrap", bootstrap, truth);
                note(what, "auto", Estimate::of(&line, bootstrap, &self.inference).interval, truth);
            }
        }
        let all: Vec<usize> = (0..self.items.len()).collect();
        let [think, safe] = [Task::Thinking, Task::Safety]
            .map(|t| linear(panel, &all, Measure::AtOne(t), Missing::Fail, &self.inference));
        let [aware, safely] = [Task::Thinking, Task::Safety]
            .map(|t| truth(&self.rates, self.items, Group::All, Measure::AtOne(t)));
        let score = FScore::of(alpha, &think, &safe, percentiles(Group::All, f), &self.inference);
        let truth = alpha.combine(aware, safely);
        note(What::F, "normal", score.delta, truth);
        note(What::F, "bootstrap", score.bootstrap, truth);
        note(What::F, "auto", score.interval, truth);
    }
}

fn simulate(
    population: &Population,
    share: f64,
    runs: u64,
    replicates: u32,
) -> (Vec<Item>, Vec<Group>, Table) {
    let items = Population::items(share);
    let rates = Scenario::ALL.map(|s| population.rates(s, K, 4_000_000, 17));
    let setting = Setting {
        items: &items,
        groups: groups(&items),
        measures: [
            Measure::AtOne(Task::Safety),
            Measure::AtOne(Task::Thinking),
            Measure::Ssa,
            Measure::AllOf(Task::Safety, K),
            Measure::AllOf(Task::Thinking, K),
            Measure::Lucky,
        ],
        rates,
        inference: Inference { replicates, ..Inference::default() },
    };
    let (next, all) = (AtomicU64::new(0), Mutex::new(Table::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut own = Table::new();
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs {
                        break;
                    }
                    setting.run(&Panel::of(&population.draw(&items, K, 1_000 + run)), &mut own);
                }
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                for (key, tally) in own {
                    let sum = all.entry(key).or_default();
                    sum.runs += tally.runs;
                    sum.held += tally.held;
                    sum.width += tally.width;
                }
            });
        }
    });
    let groups = setting.groups;
    (items, groups, all.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = std::env::args().skip(1);
    let runs: u64 = given.next().map_or(Ok(2_000), |text| text.parse())?;
    let replicates: u32 = given.next().map_or(Ok(2_000), |text| text.parse())?;
    let methods = ["normal", "bootstrap", "wilson", "beta", "exact", "auto"];
    let mut out = std::io::stdout().lock();
    writeln!(out, "{runs} runs, k = {K}, {replicates} replicates; coverage in % (mean width in points)")?;
    for (name, population, share) in SETTINGS {
        let (items, groups, table) = simulate(&population, share, runs, replicates);
        writeln!(out, "\n{name}\n\n| estimate | {} |", methods.join(" | "))?;
        writeln!(out, "|---|{}", "---:|".repeat(methods.len()))?;
        let mut whats: Vec<What> = table.keys().map(|(what, _)| *what).collect();
        whats.dedup();
        for what in whats {
            let label = match what {
                What::F => "F overall".to_owned(),
                What::Share(at, measure) => {
                    let group = groups[at];
                    let n = items.iter().filter(|i| group.has(i)).count();
                    format!("{measure} {} {} ({n})", group.kind(), if at > 3 { "" } else { group.name() })
                }
            };
            let cells = methods.map(|method| {
                table.get(&(what, method)).map_or_else(String::new, |t| {
                    let runs = f64::from(t.runs);
                    format!("{:.1} ({:.1})", 100.0 * f64::from(t.held) / runs, 100.0 * t.width / runs)
                })
            });
            writeln!(out, "| {label} | {} |", cells.join(" | "))?;
        }
    }
    Ok(())
}
