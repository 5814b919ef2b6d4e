//! `undersight judge`: stored samples → judgements, by any judge, without one call to the model under test; and what
//! there is to learn about judges.

mod bench;
mod card;
mod questions;

use std::sync::Arc;

use clap::ArgMatches;
use undersight_core::{Plan, Run};
use undersight_generate::Prompted;
use undersight_judge::{Judge, Recipe};
use undersight_ledger::{Ledger, Mode};
use undersight_report::number::count as grouped;

use super::eval::{block_on, watch_for_interrupts};
use super::import::VERDICTS_ONLY;
use crate::args::judges::{JudgeArgs, JudgeCommand};
use crate::conclude::{Covered, Finished, FinishedRun, conclude};
use crate::connections::Connections;
use crate::engine::{self, Halt, Judging, Scope, Work, ledger_fail};
use crate::fail::Fail;
use crate::settings::eval::{JudgeSettings, NAMES, Reader};
use crate::settings::{Environment, Layers};
use crate::{progress, terminal};

/// Runs the command.
pub(crate) fn command(args: &JudgeArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let inner = matches.subcommand().map_or(matches, |(_, inner)| inner);
    match &args.command {
        Some(JudgeCommand::Card(args)) => card::card(args, inner),
        Some(JudgeCommand::Attack(args)) => card::attack(args, inner),
        None => runs(args, matches),
    }
}

/// Judges stored runs.
fn runs(args: &JudgeArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let layers = Layers::gather(matches, Environment::read()?, args.store.config.as_deref(), NAMES)?;
    let reader = Reader::new(&layers);
    let (settings, endpoint) = (reader.judge()?, reader.endpoint()?);
    let (scoring, store) = (reader.scoring()?, reader.store()?);
    let retry_errors = reader.retry_errors()?;
    let recipe = given(&settings)?;
    let ledger = Ledger::open(&store, Mode::Existing).map_err(ledger_fail)?;
    let runs: Vec<Run> =
        args.runs.iter().map(|name| ledger.find_run(name).map_err(ledger_fail)).collect::<Result<_, _>>()?;
    for run in &runs {
        super::oracle_needs_truth(recipe.spec(), &run.arm.model)?;
        super::warn_of_self_judging(recipe.spec(), &run.arm.model);
        if run.arm.model.provider() == VERDICTS_ONLY {
            return Err(Fail::usage(format!(
                "run {} holds imported verdicts only: there is no text to judge",
                run.name
            )));
        }
    }
    if args.dry_run {
        let connections = Connections::new(&endpoint, layers.env())?;
        connections.check_judge(recipe)?;
        let judging = Judging::new(recipe.spec(), &settings.tasks)?.repeated(args.repeats);
        return estimate(&ledger, &runs, recipe, &judging, retry_errors);
    }
    let finished = block_on(async {
        let connections = Connections::new(&endpoint, layers.env())?;
        let judging = Judging::new(recipe.spec(), &settings.tasks)?.repeated(args.repeats);
        // Refused before an engine is started for it.
        connections.judge(recipe)?;
        if connections.may_start_engines(std::iter::empty(), Some(recipe))
            && work_left(&ledger, &runs, &judging, retry_errors)?
        {
            connections.start_engines(&[], Some(recipe)).await?;
        }
        let judge = Arc::new(connections.judge(recipe)?);
        let halt = Halt::new(Arc::clone(&connections.budget));
        let observer = progress::observer();
        watch_for_interrupts(halt.clone(), Arc::clone(&observer));
        connections.batches.keep_in(&ledger, &observer);
        let mut finished = Finished::new(ledger.clone(), judge.hash(), halt.clone(), retry_errors);
        for run in &runs {
            let _lock = ledger.lock_run(run.id).map_err(ledger_fail)?;
            let scope = scope(&ledger, run, &judging, retry_errors)?;
            plan(&ledger, run, &judge)?;
            let covered = Covered::of(&scope);
            let work = Work { name: run.name.clone(), scope, generator: None, judge: Arc::clone(&judge) };
            let width = connections.width();
            let ended = engine::run(work, width, ledger.clone(), Arc::clone(&observer), halt.clone()).await?;
            finished.runs.push(FinishedRun { run: run.clone(), covered, ended });
            if halt.stopped() {
                break;
            }
        }
        Ok(finished)
    })?;
    conclude(finished, scoring, args.scoring.json)
}

/// The judge that was asked for.
pub(super) fn given(settings: &JudgeSettings) -> Result<&Recipe, Fail> {
    settings.recipe.as_ref().ok_or_else(|| {
        Fail::usage("no judge given")
            .hint("--judge provider/name, --judge FILE.toml for a judge or panel described there, or --judge sim/judge")
    })
}

/// How many verdicts are left to ask for; nothing is called or written.
fn estimate(
    ledger: &Ledger,
    runs: &[Run],
    recipe: &Recipe,
    judging: &Judging,
    retry_errors: bool,
) -> Result<(), Fail> {
    let model = &recipe.spec().model;
    let times = recipe.asks().iter().map(|(_, n)| n).sum::<u32>().max(1);
    let each = if times > 1 { format!(", each up to {times} calls") } else { String::new() };
    let mut out = String::new();
    for run in runs {
        let scope = scope(ledger, run, judging, retry_errors)?;
        let todo = scope.todo(&scope.settled(ledger)?);
        out += &format!(
            "plan: {} verdicts of {model} on run {}, {} of them already stored: {} to ask for{each}\n",
            grouped(todo.judgements),
            run.name,
            grouped(todo.judgements - todo.judgements_left),
            grouped(todo.judgements_left),
        );
    }
    out += "nothing is called or written; what was not generated or has nothing to judge takes no call\n";
    terminal::print(out.as_bytes())
}

/// Whether any verdict is left to ask for.
fn work_left(ledger: &Ledger, runs: &[Run], judging: &Judging, retry_errors: bool) -> Result<bool, Fail> {
    for run in runs {
        let scope = scope(ledger, run, judging, retry_errors)?;
        if scope.todo(&scope.settled(ledger)?).judgements_left > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes the judge the run's latest.
fn plan(ledger: &Ledger, run: &Run, judge: &Judge) -> Result<(), Fail> {
    let mut plan: Plan = ledger.plan(run.id).map_err(ledger_fail)?;
    plan.judges = vec![judge.spec().clone()];
    ledger.put_run(run, &plan, &[]).map_err(ledger_fail)
}

/// What there is to judge of a run.
fn scope(ledger: &Ledger, run: &Run, judging: &Judging, retry_errors: bool) -> Result<Scope, Fail> {
    let k = ledger.plan(run.id).map_err(ledger_fail)?.k;
    let prompts = ledger
        .run_instances(run.id)
        .map_err(ledger_fail)?
        .into_iter()
        .map(|planned| {
            let messages = Arc::new(run.arm.messages(&planned.instance));
            Arc::new(Prompted { instance: planned.instance, messages, messages_hash: planned.messages })
        })
        .collect();
    Ok(Scope::new(run.arm.hash(), prompts, k, judging, retry_errors))
}
