//! `undersight compare`: runs against a baseline, paired by instance.

use clap::ArgMatches;
use undersight_metrics::Panel;
use undersight_metrics::compare::{ArmFacts, CompareOptions, Mismatch, compare, mismatches, refusal};
use undersight_report::compare as report;

use crate::args::statistics::CompareArgs;
use crate::arms::{Arm, Desk};
use crate::fail::{Exit, Fail};
use crate::render::Format;
use crate::settings::eval::SCORING;
use crate::terminal;

/// Runs the command.
pub(crate) fn command(args: &CompareArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let format = Format::of(&args.format, args.scoring.json)?;
    for_differences(args.uncertainty.interval.as_deref())?;
    let desk = Desk::open(matches, &args.store, SCORING)?;
    let arms = desk.runs(&args.runs, args.judge.as_deref(), None)?;
    let marks = comparable(&arms, args.at_k)?;
    let panels: Vec<Panel> = arms.iter().map(Arm::panel).collect();
    let options = CompareOptions { scoring: desk.scoring, at_k: args.at_k };
    let comparison =
        compare(&panels.iter().collect::<Vec<_>>(), &options).map_err(|e| Fail::advised(Exit::Usage, e))?;
    let heads: Vec<_> = arms.iter().map(Arm::head).collect();
    terminal::print(&format.write(
        |layout| report::table(&comparison, &heads, &marks, layout),
        || report::json(&comparison, &heads, &marks),
        |out| report::csv(&comparison, &marks, out),
    )?)
}

/// Refuses methods that make intervals of shares but not of differences. One from the environment or a config file is
/// meant for shares, and only they follow it.
pub(crate) fn for_differences(interval: Option<&str>) -> Result<(), Fail> {
    match interval {
        None | Some("auto" | "bootstrap" | "normal") => Ok(()),
        Some(other) => Err(Fail::usage(format!("--interval: differences have no {other:?} interval"))
            .hint("auto, bootstrap or normal (Student's t); `undersight score` has the others")),
    }
}

/// What the runs differ in that only has to be marked; what must not be compared is refused.
pub(crate) fn comparable(arms: &[Arm], at_k: Option<u32>) -> Result<Vec<Mismatch>, Fail> {
    let facts: Vec<ArmFacts> = arms.iter().map(Arm::facts).collect();
    let found = mismatches(&facts, at_k);
    match refusal(&found) {
        Some(refused) => Err(Fail::usage(&refused.message).hint(refused.hint.clone())),
        None => Ok(found),
    }
}
