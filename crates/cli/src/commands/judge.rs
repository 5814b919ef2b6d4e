//! `undersight judge`: stored samples → judgements, by any judge, without one call to the model under test.

use std::sync::Arc;

use clap::ArgMatches;
use undersight_core::{Plan, Run};
use undersight_generate::Prompted;
use undersight_judge::Judge;
use undersight_ledger::{Ledger, Mode};

use super::eval::{block_on, watch_for_interrupts};
use super::import::VERDICTS_ONLY;
use crate::args::JudgeArgs;
use crate::conclude::{Covered, Finished, FinishedRun, conclude};
use crate::connections::Connections;
use crate::engine::{self, Halt, Scope, Work, ledger_fail};
use crate::fail::Fail;
use crate::progress;
use crate::settings::eval::{NAMES, Reader};
use crate::settings::{Environment, Layers};

/// Runs the command.
pub(crate) fn command(args: &JudgeArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let layers = Layers::gather(matches, Environment::read()?, args.store.config.as_deref(), NAMES)?;
    let reader = Reader::new(&layers);
    let (settings, endpoint) = (reader.judge()?, reader.endpoint()?);
    let (scoring, store) = (reader.scoring()?, reader.store()?);
    let retry_errors = reader.retry_errors()?;
    let Some(model) = settings.model.clone() else {
        return Err(Fail::usage("no judge given").hint("--judge provider/name, or --judge sim/judge"));
    };
    let ledger = Ledger::open(&store, Mode::Existing).map_err(ledger_fail)?;
    let runs: Vec<Run> =
        args.runs.iter().map(|name| ledger.find_run(name).map_err(ledger_fail)).collect::<Result<_, _>>()?;
    for run in &runs {
        super::oracle_needs_truth(&model, &run.arm.model)?;
        if run.arm.model.provider() == VERDICTS_ONLY {
            return Err(Fail::usage(format!(
                "run {} holds imported verdicts only: there is no text to judge",
                run.name
            )));
        }
    }
    let finished = block_on(async {
        let connections = Connections::new(&endpoint, layers.env())?;
        let judge = Arc::new(connections.judge(&model, &settings)?);
        let halt = Halt::new(Arc::clone(&connections.budget));
        let observer = progress::observer();
        watch_for_interrupts(halt.clone(), Arc::clone(&observer));
        let mut finished = Finished::new(ledger.clone(), judge.hash(), halt.clone(), retry_errors);
        for run in &runs {
            let _lock = ledger.lock_run(run.id).map_err(ledger_fail)?;
            let scope = plan(&ledger, run, &judge, retry_errors)?;
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

/// Adds the judge to the run's plan and works out what it has to judge.
fn plan(ledger: &Ledger, run: &Run, judge: &Arc<Judge>, retry_errors: bool) -> Result<Scope, Fail> {
    let mut plan: Plan = ledger.plan(run.id).map_err(ledger_fail)?;
    let k = plan.k;
    plan.judges = vec![judge.spec().clone()];
    ledger.put_run(run, &plan, &[]).map_err(ledger_fail)?;
    let prompts = ledger
        .run_instances(run.id)
        .map_err(ledger_fail)?
        .into_iter()
        .map(|planned| {
            let messages = Arc::new(run.arm.messages(&planned.instance));
            Arc::new(Prompted { instance: planned.instance, messages, messages_hash: planned.messages })
        })
        .collect();
    Ok(Scope::new(run.arm.hash(), prompts, k, judge.hash(), retry_errors))
}
