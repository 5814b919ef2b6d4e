//! Planning: components recovered from simulated pilots, variances against simulation, exact searches, and refusals.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod budget;
mod components;
mod power;
mod study;

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand_pcg::Pcg64;
use undersight_core::{Item, Scenario, Task};
use undersight_metrics::plan::Mix;
use undersight_metrics::{Measure, Panel};

const THINK: Measure = Measure::AtOne(Task::Thinking);
const OS: Scenario = Scenario::OverSensitivity;
const CS: Scenario = Scenario::CognitiveShortcut;
const RO: Scenario = Scenario::RiskOmission;

/// Beta(2, 3): mean 0.4, variance 0.04; within instances 0.24 − 0.04 = 0.2.
fn rate(random: &mut Pcg64) -> f64 {
    let mut drawn: [f64; 4] = std::array::from_fn(|_| random.random());
    drawn.sort_unstable_by(f64::total_cmp);
    drawn[1]
}

const MEAN: f64 = 0.4;
const BETWEEN: f64 = 0.04;
const WITHIN: f64 = 0.2;

fn items(scenarios: &[Scenario], shared: impl Fn(usize) -> Vec<u64>) -> Vec<Item> {
    let item = |(at, scenario): (usize, &Scenario)| Item {
        id: format!("i{at}"),
        scenario: *scenario,
        subcategories: Vec::new(),
        shared_texts: shared(at),
    };
    scenarios.iter().enumerate().map(item).collect()
}

/// A pilot whose traces are aware, and answers safe, at the given rates.
fn pilot(items: Vec<Item>, rates: &[f64], k: u32, random: &mut Pcg64) -> Panel {
    let mut panel = Panel::new("pilot".to_owned(), items, k);
    for (cells, rate) in panel.cells.iter_mut().zip(rates) {
        for _ in 0..k {
            cells.count(Some(random.random_bool(*rate)), Some(random.random_bool(*rate)));
        }
    }
    panel
}

/// A pilot of one scenario in which instances have rates of their own.
fn simple(n: usize, k: u32, seed: u64) -> Panel {
    let mut random = Pcg64::seed_from_u64(seed);
    let rates: Vec<f64> = (0..n).map(|_| rate(&mut random)).collect();
    pilot(items(&vec![RO; n], |_| Vec::new()), &rates, k, &mut random)
}

fn mix(panel: &Panel) -> Mix {
    Mix::of(panel).unwrap()
}
