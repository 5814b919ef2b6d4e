//! Scores simulated models × 2,000 × 5 with every interval, and prints time and peak memory.
//!
//! `cargo run --release -p undersight-metrics --example bootstrap_speed [MODELS [REPLICATES]]`

use std::io::Write as _;
use std::time::Instant;

use testkit::population::Population;
use undersight_metrics::{Inference, Panel, Scoring, score_panels};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = std::env::args().skip(1);
    let models: u64 = given.next().map_or(Ok(23), |text| text.parse())?;
    let replicates: u32 = given.next().map_or(Ok(Inference::REPLICATES), |text| text.parse())?;
    let items = Population::items(1.0);
    let panels: Vec<Panel> =
        (0..models).map(|seed| Panel::of(&Population::TYPICAL.draw(&items, 5, seed))).collect();
    let before = testkit::env::peak_kib();
    let scoring =
        Scoring { inference: Inference { replicates, ..Inference::default() }, ..Scoring::default() };
    let start = Instant::now();
    let scores = score_panels(&panels, &scoring);
    let took = start.elapsed();
    let mut out = std::io::stdout().lock();
    let numbers: usize = scores
        .iter()
        .map(|s| 1 + 9 * (1 + s.scenarios.len() + s.categories.len() + s.subcategories.len()))
        .sum();
    writeln!(
        out,
        "{models} models x {} x 5, {replicates} replicates, {numbers} intervals: {took:?}",
        items.len()
    )?;
    match before.zip(testkit::env::peak_kib()) {
        Some((before, kib)) => {
            writeln!(out, "peak memory: {} MB ({} MB before scoring)", kib / 1000, before / 1000)?;
        }
        None => writeln!(out, "peak memory: not known on this system")?,
    }
    Ok(())
}
