//! `undersight labels`: draws samples for people to label, and measures and corrects a judge's error with the labels.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use clap::ArgMatches;
use undersight_core::text::excerpt;
use undersight_core::{HumanLabel, Scenario, Task};
use undersight_dataset::{LabelRequest, Labels, load_labels, write_labels};
use undersight_metrics::judge_error::{Allocation, CorrectionOptions, Drawn, agreement, correct, draw_with};
use undersight_report::human as report;

use super::dataset::create;
use crate::args::statistics::LabelsCommand;
use crate::arms::{Arm, Desk};
use crate::fail::{Exit, Fail};
use crate::render::Format;
use crate::terminal;

/// Runs the command.
pub(crate) fn command(command: LabelsCommand, matches: &ArgMatches) -> Result<(), Fail> {
    let matches = matches.subcommand().map_or(matches, |(_, inner)| inner);
    match command {
        LabelsCommand::Draw { run, samples, equal, draw_seed, from_truth, judge, output, force, store } => {
            let arm = Desk::open(matches, &store, &[])?.run(&run, judge.as_deref())?;
            if output.extension().is_some_and(|e| e != "csv") {
                return Err(Fail::usage(format!("{}: `labels draw` writes CSV", output.display()))
                    .hint("name a .csv file; labels are read from CSV and JSONL"));
            }
            if samples == 0 {
                return Err(Fail::usage("--samples: expected a whole number from 1"));
            }
            let allocation = if equal { Allocation::Equal } else { Allocation::Proportional };
            let drawn = draw_with(&arm.study, samples, draw_seed, allocation);
            if drawn.is_empty() {
                return Err(Fail::usage(format!("no sample of run {} has a verdict yet", arm.run.name))
                    .hint(format!("judge it first: `undersight judge {} --judge MODEL`", arm.run.name)));
            }
            write(&arm, &drawn, from_truth, &output, force)
        }
        LabelsCommand::Agreement { run, labels, judge, json, store, format, level: _ } => {
            let format = Format::of(&format, json)?.no_csv()?;
            let desk = Desk::open(matches, &store, &["level"])?;
            let arm = desk.run(&run, judge.as_deref())?;
            let labels = load(&labels, &arm)?;
            let level = desk.scoring.inference.level;
            let found = agreement(&arm.study, &labels, level);
            let head = arm.head();
            terminal::print(&format.write(
                |layout| report::agreement_table(&head, &found, level, layout),
                || report::agreement_json(&head, &found, level),
                |_| Ok(()),
            )?)
        }
        LabelsCommand::Correct { run, labels, judge, scoring, store, format, level: _ } => {
            let format = Format::of(&format, scoring.json)?;
            let desk = Desk::open(matches, &store, &["alpha", "missing", "level"])?;
            let arm = desk.run(&run, judge.as_deref())?;
            let labels = load_drawn(&labels, &arm)?;
            let options = CorrectionOptions {
                level: desk.scoring.inference.level,
                missing: desk.scoring.missing,
                alpha: desk.scoring.alpha,
            };
            let found = correct(&arm.study, &labels, options).map_err(|e| Fail::advised(Exit::Usage, e))?;
            let head = arm.head();
            terminal::print(&format.write(
                |layout| report::corrections_table(&head, &found, layout),
                || report::corrections_json(&head, &found),
                |out| report::corrections_csv(&head, &found, out),
            )?)
        }
    }
}

/// The labels of a run in a file, as many as there are.
fn load(path: &Path, arm: &Arm) -> Result<Vec<HumanLabel>, Fail> {
    let labels = read(path, arm)?;
    if labels.unlabelled > 0 {
        terminal::note(&format!(
            "{} of {} rows have no label yet and are left out",
            labels.unlabelled,
            labels.unlabelled + labels.rows.len()
        ));
    }
    Ok(labels.rows)
}

fn read(path: &Path, arm: &Arm) -> Result<Labels, Fail> {
    let scenarios: HashMap<&str, Scenario> =
        arm.study.items.iter().map(|item| (item.id.as_str(), item.scenario)).collect();
    if !path.exists() {
        return Err(Fail::usage(format!("there is no file {}", path.display()))
            .hint("`undersight labels draw RUN -o FILE` makes one for people to fill in"));
    }
    let labels =
        load_labels(path, &|id| scenarios.get(id).copied()).map_err(|e| Fail::advised(Exit::Usage, e))?;
    if labels.rows.is_empty() {
        return Err(Fail::usage(format!("{}: no row has a label yet", path.display()))
            .hint("fill in the label column and try again"));
    }
    let of_run = arm.run.id.to_string();
    if let Some(other) = labels.rows.iter().filter_map(|l| l.run.as_deref()).find(|run| *run != of_run) {
        return Err(Fail::usage(format!(
            "{}: these labels were drawn from another run ({})",
            path.display(),
            excerpt(other, 12)
        ))
        .hint(format!("draw from this one: `undersight labels draw {}`", arm.run.name)));
    }
    Ok(labels)
}

/// Labels to correct with: all that were drawn, or all of one task, for what is left over is no random choice.
pub(super) fn load_drawn(path: &Path, arm: &Arm) -> Result<Vec<HumanLabel>, Fail> {
    let found = read(path, arm)?;
    let one_task =
        found.rows.iter().all(|l| l.task == found.rows[0].task) && found.unlabelled == found.rows.len();
    if found.unlabelled > 0 && !one_task {
        return Err(Fail::usage(format!(
            "{}: {} of {} rows have no label, and which ones have may be no accident",
            path.display(),
            found.unlabelled,
            found.unlabelled + found.rows.len()
        ))
        .hint("label them all; or, since the rows stand in a random order, keep those above the first gap and delete the rest"));
    }
    if found.rows.iter().any(|l| l.run.is_none()) {
        terminal::note(&format!(
            "warning: {} does not say which run its labels were drawn from; drawn from another, they say nothing about {}",
            path.display(),
            arm.run.name
        ));
    }
    Ok(found.rows)
}

/// Writes a row for each task of each drawn sample.
fn write(arm: &Arm, drawn: &[Drawn], truth: bool, output: &Path, force: bool) -> Result<(), Fail> {
    let study = &arm.study;
    let run = arm.run.id.to_string();
    let mut rows = Vec::with_capacity(drawn.len() * 2);
    for Drawn { item, index, probability } in drawn {
        let outcome = study.outcomes.iter().find(|o| o.item == *item && o.index == *index);
        let known = outcome.and_then(|o| o.truth.as_ref());
        if truth && known.is_none() {
            return Err(Fail::usage("--from-truth: this run is not simulated")
                .hint("without it the label column is left empty, for people to fill in"));
        }
        let item = &study.items[*item];
        for task in Task::ALL {
            let label = known.filter(|_| truth).map(|known| match task {
                Task::Safety => known.safety,
                Task::Thinking => known.thinking,
            });
            let (id, scenario) = (item.id.as_str(), item.scenario);
            rows.push(LabelRequest {
                run: &run,
                id,
                scenario,
                index: *index,
                task: *task,
                probability: *probability,
                label,
            });
        }
    }
    let to_stdout = output.as_os_str() == "-";
    let mut out: Box<dyn Write> =
        if to_stdout { Box::new(std::io::stdout()) } else { Box::new(create(output, force)?) };
    let count = rows.len();
    match write_labels(rows, &mut out).and_then(|()| out.flush()) {
        Err(e) if to_stdout && e.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
        Err(e) => return Err(Fail::failed(format!("{}: {e}", output.display()))),
        Ok(()) => {}
    }
    if !to_stdout {
        terminal::note(&format!(
            "wrote {count} rows for {} samples to {}{}",
            drawn.len(),
            output.display(),
            if truth { ", filled in with the hidden truth of a simulated model" } else { "" }
        ));
    }
    Ok(())
}
