//! `undersight labels`: draws samples for people to label, keeps and compares what they say, and measures and corrects a
//! judge's error with it.

mod draw;
mod stored;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use undersight_core::text::excerpt;
use undersight_core::{HumanLabel, Scenario, Task};
use undersight_dataset::{
    AdjudicationRequest, LabelFormat, Labels, export_labels, load_labels, write_adjudication,
};
use undersight_ledger::{Ledger, Mode};
use undersight_metrics::judge_error::{CorrectionOptions, Settling, agreement, correct, people, settled};
use undersight_report::human as report;

use super::dataset::create;
use super::eval::block_on;
use crate::args::StoreArg;
use crate::args::labels::{GivenArgs, LabelsCommand};
use crate::arms::{Arm, Desk};
use crate::engine::ledger_fail;
use crate::fail::{Exit, Fail};
use crate::render::Format;
use crate::settings::eval::{NAMES, Reader};
use crate::settings::{Environment, Layers};
use crate::terminal;

/// Runs the command.
pub(crate) fn command(command: LabelsCommand, matches: &ArgMatches) -> Result<(), Fail> {
    let matches = matches.subcommand().map_or(matches, |(_, inner)| inner);
    match command {
        LabelsCommand::Draw(args) => draw::draw(&args, matches),
        LabelsCommand::Import { run, files, store } => import(matches, &store, &run, &files),
        LabelsCommand::Export { run, format, output, force, store } => {
            let desk = Desk::open(matches, &store, &[])?;
            let arm = desk.run(&run, None)?;
            let labels = stored::get(&desk.ledger, &arm.run)?;
            if labels.is_empty() {
                return Err(nothing_stored(&arm));
            }
            let format = label_format(format.as_deref(), &output)?;
            let count = labels.len();
            written(&output, force, &format!("{count} labels"), |out| {
                export_labels(format, &labels, out).map_err(|e| {
                    io::Error::other(format!("{e}{}", e.hint().map(|h| format!("; {h}")).unwrap_or_default()))
                })
            })
        }
        LabelsCommand::People { given, format, json, store, level: _ } => {
            let format = Format::of(&format, json)?.no_csv()?;
            let desk = Desk::open(matches, &store, &["level"])?;
            let arm = desk.run(&given.run, None)?;
            let labels = load(&given, &desk, &arm)?;
            let level = desk.scoring.inference.level;
            let scenarios = scenarios(&arm);
            let found = people(&labels, |id| scenarios.get(id).copied(), level);
            let head = arm.head();
            terminal::print(&format.write(
                |layout| report::people_table(&head, &found, level, layout),
                || report::people_json(&head, &found, level),
                |_| Ok(()),
            )?)
        }
        LabelsCommand::Adjudicate { given, output, force, store } => {
            let desk = Desk::open(matches, &store, &[])?;
            let arm = desk.run(&given.run, None)?;
            adjudicate(&load(&given, &desk, &arm)?, &arm, &output, force)
        }
        LabelsCommand::Agreement { given, judge, json, store, format, level: _ } => {
            let format = Format::of(&format, json)?.no_csv()?;
            let desk = Desk::open(matches, &store, &["level"])?;
            let arm = desk.run(&given.run, judge.as_deref())?;
            let labels = load(&given, &desk, &arm)?;
            let open = settled(&labels, Settling::Adjudicated).open.len();
            if open > 0 {
                terminal::note(&format!(
                    "warning: people disagree on {open} labels; until somebody settles them each of theirs counts"
                ));
            }
            let level = desk.scoring.inference.level;
            let found = agreement(&arm.study, &labels, level);
            let head = arm.head();
            terminal::print(&format.write(
                |layout| report::agreement_table(&head, &found, level, layout),
                || report::agreement_json(&head, &found, level),
                |_| Ok(()),
            )?)
        }
        LabelsCommand::Correct { given, judge, majority, scoring, store, format, level: _ } => {
            let format = Format::of(&format, scoring.json)?;
            let desk = Desk::open(matches, &store, &["alpha", "missing", "level"])?;
            let arm = desk.run(&given.run, judge.as_deref())?;
            let how = if majority { Settling::Majority } else { Settling::Adjudicated };
            let labels = load_settled(&given.labels, &desk.ledger, &arm, how)?;
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

fn import(matches: &ArgMatches, store: &StoreArg, run: &str, files: &[PathBuf]) -> Result<(), Fail> {
    let layers = Layers::gather(matches, Environment::read()?, store.config.as_deref(), NAMES)?;
    let ledger = Ledger::open(&Reader::new(&layers).store()?, Mode::Existing).map_err(ledger_fail)?;
    let run = ledger.find_run(run).map_err(ledger_fail)?;
    let arm = Arm::load(&ledger, run, None, None)?;
    // All are read before any is kept.
    let read: Vec<Labels> = files.iter().map(|file| read(file, &arm)).collect::<Result<_, _>>()?;
    let _lock = ledger.lock_run(arm.run.id).map_err(ledger_fail)?;
    for (file, labels) in files.iter().zip(read) {
        note_unlabelled(&labels);
        let done = block_on(stored::put(&ledger, &arm.run, &labels.rows))?;
        terminal::note(&format!(
            "{}: {} labels are new, {} changed, {} were there already",
            file.display(),
            done.new,
            done.changed,
            done.known
        ));
    }
    Ok(())
}

fn label_format(given: Option<&str>, output: &Path) -> Result<LabelFormat, Fail> {
    match given {
        Some("csv") => Ok(LabelFormat::Csv),
        Some("jsonl") => Ok(LabelFormat::Jsonl),
        Some(other) => Err(Fail::usage(format!("--format: unknown format {other:?}")).hint("csv or jsonl")),
        None => Ok(LabelFormat::of_path(output).unwrap_or(LabelFormat::Csv)),
    }
}

fn adjudicate(labels: &[HumanLabel], arm: &Arm, output: &Path, force: bool) -> Result<(), Fail> {
    let found = settled(labels, Settling::Adjudicated);
    if found.open.is_empty() {
        terminal::note(&format!("nothing is open: {} labels are settled", found.labels.len()));
        return Ok(());
    }
    let scenarios = scenarios(arm);
    let rows: Vec<AdjudicationRequest<'_>> = found
        .open
        .iter()
        .filter_map(|open| {
            Some(AdjudicationRequest {
                run: open.run.as_deref(),
                id: &open.id,
                scenario: *scenarios.get(open.id.as_str())?,
                index: open.index,
                task: open.task,
                probability: open.probability,
                labels: open.labels.iter().map(|(who, label)| (who.as_deref(), *label)).collect(),
            })
        })
        .collect();
    let what = format!("{} disagreements to settle", rows.len());
    written(output, force, &what, |out| write_adjudication(rows, out))
}

/// The scenario of each of a run's instances.
fn scenarios(arm: &Arm) -> HashMap<&str, Scenario> {
    arm.study.items.iter().map(|item| (item.id.as_str(), item.scenario)).collect()
}

/// The labels of a run that were given: in files, or those in the store.
fn load(given: &GivenArgs, desk: &Desk, arm: &Arm) -> Result<Vec<HumanLabel>, Fail> {
    if given.labels.is_empty() {
        let labels = stored::get(&desk.ledger, &arm.run)?;
        return if labels.is_empty() { Err(nothing_stored(arm)) } else { Ok(labels) };
    }
    let mut all = Vec::new();
    for file in &given.labels {
        let labels = read(file, arm)?;
        note_unlabelled(&labels);
        all.extend(labels.rows);
    }
    Ok(all)
}

fn note_unlabelled(labels: &Labels) {
    if labels.unlabelled > 0 {
        terminal::note(&format!(
            "{} of {} rows have no label yet and are left out",
            labels.unlabelled,
            labels.unlabelled + labels.rows.len()
        ));
    }
}

fn nothing_stored(arm: &Arm) -> Fail {
    Fail::usage(format!("run {} has no labels in the store", arm.run.name))
        .hint("--labels FILE reads them from a file, `undersight labels import` keeps them")
}

fn read(path: &Path, arm: &Arm) -> Result<Labels, Fail> {
    let scenarios = scenarios(arm);
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
    let k = arm.study.k;
    if let Some(beyond) = labels.rows.iter().find(|l| l.index >= k) {
        return Err(Fail::usage(format!(
            "{}: sample {} of {} is labelled, and run {} has {k} samples an instance",
            path.display(),
            beyond.index,
            excerpt(&beyond.id, 60),
            arm.run.name
        ))
        .hint("indices count from 0"));
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

/// Labels to correct with, one for each task of each sample that was drawn.
pub(super) fn load_settled(
    files: &[PathBuf],
    ledger: &Ledger,
    arm: &Arm,
    how: Settling,
) -> Result<Vec<HumanLabel>, Fail> {
    let mut all = Vec::new();
    for file in files {
        all.extend(load_drawn(file, arm)?);
    }
    if files.is_empty() {
        all = stored::get(ledger, &arm.run)?;
        if all.is_empty() {
            return Err(nothing_stored(arm));
        }
    }
    whole_draws(&all)?;
    let found = settled(&all, how);
    if !found.open.is_empty() {
        return Err(Fail::usage(format!(
            "people disagree on {} labels, and nobody has settled them",
            found.open.len()
        ))
        .hint(format!(
            "`undersight labels adjudicate {}` lists them; leaving them out would leave out the hardest",
            arm.run.name
        )));
    }
    Ok(found.labels)
}

/// Refuses draws that are labelled in part: which samples have a label may be no accident. A task that nobody labelled
/// is not missed.
fn whole_draws(labels: &[HumanLabel]) -> Result<(), Fail> {
    let mut draws: BTreeMap<(&str, Task), HashSet<(&str, u32)>> = BTreeMap::new();
    for label in labels {
        if let Some(draw) = &label.draw {
            draws.entry((draw, label.task)).or_default().insert((&label.id, label.index));
        }
    }
    for label in labels {
        let (Some(draw), Some(drawn)) = (&label.draw, label.drawn_samples()) else { continue };
        let there = draws.get(&(draw.as_str(), label.task)).map_or(0, HashSet::len);
        if there < drawn {
            return Err(Fail::usage(format!(
                "{there} of the {drawn} samples drawn have a label of {}, and which ones have may be no accident",
                label.task
            ))
            .hint("label them all; or draw fewer with the same seed: a smaller draw is part of this one, and its labels can be copied"));
        }
    }
    Ok(())
}

/// Labels that were drawn. Where a file does not name its draw, all of it has to be labelled, or all of one task.
pub(super) fn load_drawn(path: &Path, arm: &Arm) -> Result<Vec<HumanLabel>, Fail> {
    let found = read(path, arm)?;
    let named = found.rows.iter().all(|l| l.drawn_samples().is_some());
    let one_task =
        found.rows.iter().all(|l| l.task == found.rows[0].task) && found.unlabelled == found.rows.len();
    if found.unlabelled > 0 && !named && !one_task {
        return Err(Fail::usage(format!(
            "{}: {} of {} rows have no label, and which ones have may be no accident",
            path.display(),
            found.unlabelled,
            found.unlabelled + found.rows.len()
        ))
        .hint("label them all"));
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

/// Writes to a file or stdout; a reader that has seen enough is no failure.
fn written(
    output: &Path,
    force: bool,
    what: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Fail> {
    let to_stdout = output.as_os_str() == "-";
    let mut out: Box<dyn Write> =
        if to_stdout { Box::new(io::stdout()) } else { Box::new(create(output, force)?) };
    match write(&mut out).and_then(|()| out.flush()) {
        Err(e) if to_stdout && e.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        Err(e) => return Err(Fail::failed(format!("{}: {e}", output.display()))),
        Ok(()) => {}
    }
    if !to_stdout {
        terminal::note(&format!("wrote {what} to {}", output.display()));
    }
    Ok(())
}
