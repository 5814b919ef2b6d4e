//! `undersight labels draw`: which samples people are to label, and who.

use clap::ArgMatches;
use undersight_core::{Digest, Task};
use undersight_dataset::{LabelRequest, write_labels};
use undersight_metrics::judge_error::{Allocation, Draw, DrawPlan, Drawn, Strata, assign, draw as drawn_by};

use super::written;
use crate::args::labels::DrawArgs;
use crate::arms::{Arm, Desk, judge_of};
use crate::fail::{Exit, Fail};
use crate::settings::parse;
use crate::terminal;

/// Runs the command.
pub(super) fn draw(args: &DrawArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let desk = Desk::open(matches, &args.store, &[])?;
    let arm = desk.run(&args.run, args.judge.as_deref())?;
    let output = &args.output;
    if output.extension().is_some_and(|e| e != "csv") {
        return Err(Fail::usage(format!("{}: `labels draw` writes CSV", output.display()))
            .hint("name a .csv file; labels are read from CSV and JSONL"));
    }
    if args.samples == 0 {
        return Err(Fail::usage("--samples: expected a whole number from 1"));
    }
    let tasks = parse::tasks(&args.label_tasks).map_err(|e| Fail::usage(format!("--label-tasks: {e}")))?;
    let others = args
        .against
        .iter()
        .map(|name| {
            let judge = judge_of(&desk.ledger, &arm.run, name)?;
            Ok(Arm::judged(&desk.ledger, arm.run.clone(), Some(judge), None)?.study)
        })
        .collect::<Result<Vec<_>, Fail>>()?;
    let found = drawn_by(&arm.study, &others, args.samples, &plan(args)?)
        .map_err(|e| Fail::advised(Exit::Usage, e))?;
    let run = arm.run.id.to_string();
    let places: Vec<(usize, u32)> = found.samples.iter().map(|s| (s.item, s.index)).collect();
    let name = format!("{}-{}", places.len(), &Digest::of("draw/v1", &(&run, &places)).short()[..8]);
    if found.samples.len() < args.samples {
        terminal::note(&format!(
            "run {} has {} samples with a verdict: all are drawn",
            arm.run.name,
            found.samples.len()
        ));
    }
    let rows = requests(args, (&arm, &run, &name), &found, &tasks)?;
    let what =
        format!("{} rows for {} samples of {} strata", rows.len(), found.samples.len(), found.strata.len());
    written(output, args.force, &what, |out| write_labels(rows, out))?;
    if args.from_truth {
        terminal::note("the labels are the hidden truth of a simulated model");
    }
    Ok(())
}

fn plan(args: &DrawArgs) -> Result<DrawPlan, Fail> {
    let mut by = Strata::default();
    for name in args.by.iter().flat_map(|by| by.split(',')).map(str::trim).filter(|name| !name.is_empty()) {
        match name {
            "scenario" => {}
            "label" => by.label = true,
            "disagreement" => by.disagreement = true,
            _ => {
                return Err(Fail::usage(format!("--by: unknown stratum {name:?}"))
                    .hint("label and disagreement, with commas; the scenario always is one"));
            }
        }
    }
    let allocation = match (args.equal, args.emphasis) {
        (true, _) => Allocation::Equal,
        (_, true) => Allocation::Emphasis,
        _ => Allocation::Proportional,
    };
    if (by.disagreement || allocation == Allocation::Emphasis) && args.against.is_empty() {
        return Err(Fail::usage("no judge is named to disagree with")
            .hint("--against MODEL names a further judge that has judged this run"));
    }
    Ok(DrawPlan { by, allocation, seed: args.draw_seed })
}

/// A row for each task of each drawn sample, for each person it goes to.
fn requests<'a>(
    args: &'a DrawArgs,
    (arm, run, draw): (&'a Arm, &'a str, &'a str),
    found: &Draw,
    tasks: &[Task],
) -> Result<Vec<LabelRequest<'a>>, Fail> {
    let study = &arm.study;
    let assigned: Vec<(Drawn, Option<&str>)> = if args.annotators.is_empty() {
        found.samples.iter().map(|drawn| (*drawn, None)).collect()
    } else {
        let assigned = assign(&found.samples, &args.annotators, args.double, args.draw_seed)
            .map_err(|e| Fail::advised(Exit::Usage, e))?;
        assigned.into_iter().map(|(drawn, who)| (drawn, Some(who))).collect()
    };
    let mut rows = Vec::with_capacity(assigned.len() * tasks.len());
    for (Drawn { item, index, probability }, annotator) in assigned {
        let outcome = study.outcomes.iter().find(|o| o.item == item && o.index == index);
        let known = outcome.and_then(|o| o.truth.as_ref()).filter(|_| args.from_truth);
        if args.from_truth && known.is_none() {
            return Err(Fail::usage("--from-truth: this run is not simulated")
                .hint("without it the label column is left empty, for people to fill in"));
        }
        let (id, scenario) = (study.items[item].id.as_str(), study.items[item].scenario);
        for &task in tasks {
            let label = known.and_then(|known| match task {
                Task::Safety => Some(known.safety),
                Task::Thinking => Some(known.thinking),
                Task::Handling => None,
            });
            let guideline = args.guideline.as_deref();
            rows.push(LabelRequest {
                run,
                id,
                scenario,
                index,
                task,
                probability,
                label,
                annotator,
                guideline,
                draw: Some(draw),
            });
        }
    }
    if rows.is_empty() {
        terminal::note("nothing was drawn");
    }
    Ok(rows)
}
