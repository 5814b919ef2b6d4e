//! `undersight gate`: a candidate against a baseline, for continuous integration; exit 100 where it does not pass.

use std::path::Path;

use clap::ArgMatches;
use undersight_metrics::compare::{CompareError, Gate, Margin, MetricSpec, Test, gate};
use undersight_report::{gate as report, json};

use super::compare::{comparable, for_differences};
use crate::args::statistics::GateArgs;
use crate::arms::Desk;
use crate::fail::{Exit, Fail};
use crate::render::terminal as layout;
use crate::settings::eval::SCORING;
use crate::settings::parse;
use crate::terminal;

/// Runs the command.
pub(crate) fn command(args: &GateArgs, matches: &ArgMatches) -> Result<(), Fail> {
    for_differences(args.uncertainty.interval.as_deref())?;
    let desk = Desk::open(matches, &args.store, SCORING)?;
    let test = Test::parse(&args.test).ok_or_else(|| {
        Fail::usage(format!("--test: unknown test {:?}", args.test))
            .hint(format!("one of: {}", Test::ALL.map(Test::name).join(", ")))
    })?;
    let points = parse::points(&args.margin).map_err(|e| Fail::usage(format!("--margin: {e}")))?;
    let margin = Margin::new(points).map_err(|e| Fail::advised(Exit::Usage, e))?;
    let level = desk.scoring.inference.level;
    let gates: Vec<Gate> = args
        .metric
        .iter()
        .map(|text| {
            let metric: MetricSpec = text.parse().map_err(|e| Fail::advised(Exit::Usage, e))?;
            Ok(Gate { metric, margin, test, level })
        })
        .collect::<Result<_, Fail>>()?;
    let arms = [&args.baseline, &args.candidate].map(|name| desk.run(name, args.judge.as_deref()));
    let [baseline, candidate] = arms;
    let arms = [baseline?, candidate?];
    // Each metric says itself which k it needs.
    let at_k = gates.iter().filter_map(|g| g.metric.samples()).max().unwrap_or(1);
    let marks = comparable(&arms, Some(at_k))?;
    for mark in &marks {
        terminal::note(&format!("warning: {}", mark.message));
    }
    let results =
        gate(&arms[0].panel(), &arms[1].panel(), &gates, &desk.scoring).map_err(|e| cannot(&e, &gates))?;
    let heads: Vec<_> = arms.iter().map(|arm| arm.head()).collect();
    let shown = if args.scoring.json {
        json::text(&report::json(&results, &heads, &marks))
    } else {
        report::table(&results, &heads, &marks, layout())
    };
    terminal::print(shown.as_bytes())?;
    if let Some(path) = &args.junit {
        write(path, report::junit(&results, &marks))?;
    }
    if let Some(path) = &args.markdown {
        write(path, report::markdown(&results, &heads, &marks))?;
    }
    let failed = results.iter().filter(|r| !r.passed).count();
    match failed {
        0 => Ok(()),
        n => Err(Fail::new(Exit::Gate, format!("{n} of {} gates not passed", results.len()))),
    }
}

/// Runs of different k under a metric at their own k: here the metric names another, not a flag.
fn cannot(error: &CompareError, gates: &[Gate]) -> Fail {
    let named = gates.iter().map(|g| g.metric).find(|metric| metric.needs_k());
    match (error, named) {
        (CompareError::DifferentK { ks }, Some(metric)) => {
            let least = ks.iter().map(|(_, k)| *k).min().unwrap_or(1);
            let metric = metric.to_string().replace("@k", &format!("@{least}"));
            Fail::usage(error).hint(format!("name a k that both have: `--metric {metric}`"))
        }
        _ => Fail::usage(error).hint(error.hint()),
    }
}

fn write(path: &Path, text: String) -> Result<(), Fail> {
    std::fs::write(path, text).map_err(|e| Fail::failed(format!("cannot write {}: {e}", path.display())))
}
