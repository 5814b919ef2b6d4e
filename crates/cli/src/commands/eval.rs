//! `undersight eval`: instances → samples → judgements → scores, resumable at any point.

use std::sync::Arc;

use clap::ArgMatches;
use undersight_core::{Arm, Digest, Event, Instance, ModelName, Observer, Plan, Run};
use undersight_dataset::{Dataset, select};
use undersight_generate::{Generator, Prompted, prompts};
use undersight_judge::Judge;
use undersight_ledger::{Ledger, Mode};

use crate::args::EvalArgs;
use crate::connections::Connections;
use crate::engine::{self, Halt, Work, ledger_fail};
use crate::fail::{Exit, Fail};
use crate::settings::eval::{EvalSettings, NAMES, Reader};
use crate::settings::{Environment, Layers};
use crate::{dataset_source, progress, render, terminal};

/// Runs the command.
pub(crate) fn command(args: &EvalArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let layers = Layers::gather(matches, Environment::read()?, args.store.config.as_deref(), NAMES)?;
    let reader = Reader::new(&layers);
    let settings = reader.eval()?;
    if args.show_config {
        return terminal::print(render::settings(&reader.shown(), args.scoring.json).as_bytes());
    }
    let judge = judge_for(&settings)?;
    let dataset = dataset_source::load(&settings.dataset, layers.env())?;
    let selected =
        select(&dataset.instances, &settings.selection).map_err(|e| Fail::advised(Exit::Usage, e))?;
    let connections = Connections::new(&settings.endpoint, layers.env())?;
    let evaluation = Evaluation { settings: &settings, dataset, selected, connections, judge };
    if args.dry_run {
        return super::dry_run::print(&evaluation, args.scoring.json);
    }
    let observer = progress::observer();
    let runs = block_on(evaluation.run(&observer))?;
    finish(runs, &settings, args.scoring.json)
}

/// The judge to use: required for real models, the lexical stand-in for simulated ones.
fn judge_for(settings: &EvalSettings) -> Result<ModelName, Fail> {
    if settings.arms.is_empty() {
        return Err(Fail::usage("no model given")
            .hint("--model provider/name, e.g. --model openai/o3 --judge openai/gpt-4.1")
            .hint("to try without a key: --model sim/superficial"));
    }
    if let Some(judge) = &settings.judge.model {
        return Ok(judge.clone());
    }
    if settings.arms.iter().all(|arm| arm.model.is_simulated()) {
        return super::sim_judge();
    }
    Err(Fail::usage("no judge given").hint("--judge provider/name, e.g. --judge openai/gpt-4.1").hint(
        "--judge sim/judge is a lexical stand-in for trying things out; results are marked as simulated",
    ))
}

/// One `eval`: settings with everything they name loaded and connected.
pub(crate) struct Evaluation<'a> {
    pub(crate) settings: &'a EvalSettings,
    pub(crate) dataset: Dataset,
    /// Indices into the dataset.
    pub(crate) selected: Vec<usize>,
    pub(crate) connections: Connections<'a>,
    pub(crate) judge: ModelName,
}

impl Evaluation<'_> {
    /// The selected instances.
    pub(crate) fn instances(&self) -> Vec<Arc<Instance>> {
        self.selected.iter().map(|&i| Arc::clone(&self.dataset.instances[i])).collect()
    }

    /// Does all runs, one after the other, as far as they go.
    pub(crate) async fn run(&self, observer: &Observer) -> Result<Finished, Fail> {
        let judge = Arc::new(self.connections.judge(&self.judge, &self.settings.judge)?);
        let ledger = Ledger::open(&self.settings.store, Mode::Create).map_err(ledger_fail)?;
        let halt = Halt::new(Arc::clone(&self.connections.budget));
        watch_for_interrupts(halt.clone(), Arc::clone(observer));
        let mut runs = Vec::new();
        // All are connected before the first is run: a missing key of the last should not come up hours later.
        let arms = self.settings.arms.iter();
        let arms =
            arms.map(|arm| Ok((arm, self.connections.model(arm)?))).collect::<Result<Vec<_>, Fail>>()?;
        for (arm, endpoint) in arms {
            let run = self.planned(arm, &ledger)?;
            let _lock = ledger.lock_run(run.id).map_err(ledger_fail)?;
            let prompts = prompts(arm, &self.instances());
            self.store_plan(&ledger, &run, &judge, &prompts)?;
            warn_of_other_urls(&ledger, run.arm.hash(), endpoint.url(), observer)?;
            let work = Work {
                name: run.name.clone(),
                arm: arm.hash(),
                prompts,
                k: self.settings.k,
                generator: Some(Generator::new(arm.clone(), endpoint)),
                judge: Arc::clone(&judge),
                retry_errors: self.settings.retry_errors,
            };
            engine::run(work, self.connections.width(), ledger.clone(), Arc::clone(observer), halt.clone())
                .await?;
            runs.push(run);
            if halt.stopped() {
                break;
            }
        }
        Ok(Finished { ledger, runs, judge: Some(judge.hash()), halt })
    }

    /// The run of an arm as it would be made now.
    pub(crate) fn new_run(&self, arm: &Arm) -> Run {
        let name = match (&self.settings.name, self.settings.arms.len()) {
            (Some(name), 1) => name.clone(),
            (Some(name), _) => format!("{name}-{}", slug(arm.model.as_str())),
            (None, _) => {
                format!(
                    "{}.{}.{}",
                    slug(arm.model.as_str()),
                    slug(&self.dataset.name),
                    &arm.hash().short()[..6]
                )
            }
        };
        Run {
            id: Run::id_of(&arm.hash(), &self.dataset.hash, &name),
            name,
            arm: arm.clone(),
            dataset: self.dataset.hash,
            dataset_name: self.dataset.name.clone(),
            created: crate::clock::now(),
        }
    }

    /// The run of an arm: the stored one where the name is taken by the same arm and dataset.
    pub(crate) fn planned(&self, arm: &Arm, ledger: &Ledger) -> Result<Run, Fail> {
        let run = self.new_run(arm);
        match ledger.run_named(&run.name).map_err(ledger_fail)? {
            None => Ok(run),
            Some(existing) if existing.id == run.id => Ok(existing),
            Some(_) => Err(Fail::usage(format!(
                "the name {} belongs to another run, of a different arm or dataset",
                run.name
            ))
            .hint("choose another --name, or leave it out")),
        }
    }

    fn store_plan(
        &self,
        ledger: &Ledger,
        run: &Run,
        judge: &Judge,
        prompts: &[Arc<Prompted>],
    ) -> Result<(), Fail> {
        let plan = Plan {
            k: self.settings.k,
            selection: self.settings.selection.clone(),
            judges: vec![judge.spec().clone()],
        };
        let selected: Vec<(u32, Digest, Digest)> = self
            .selected
            .iter()
            .zip(prompts)
            .map(|(&ord, p)| {
                (u32::try_from(ord).unwrap_or(u32::MAX), p.instance.content_hash(), p.messages_hash)
            })
            .collect();
        ledger
            .put_dataset(&self.dataset.name, self.dataset.hash, &self.dataset.instances)
            .and_then(|()| ledger.put_run(run, &plan, &selected))
            .map_err(ledger_fail)
    }
}

/// What a command that ran the engine leaves to report on.
pub(crate) struct Finished {
    pub(crate) ledger: Ledger,
    pub(crate) runs: Vec<Run>,
    pub(crate) judge: Option<Digest>,
    pub(crate) halt: Halt,
}

/// Prints the scores and turns the way the runs ended into an exit code.
pub(crate) fn finish(finished: Finished, settings: &EvalSettings, json: bool) -> Result<(), Fail> {
    conclude(finished, settings.scoring, json)
}

/// As [`finish`], for commands without the settings of `eval`.
pub(crate) fn conclude(
    finished: Finished,
    scoring: crate::settings::eval::Scoring,
    json: bool,
) -> Result<(), Fail> {
    let Finished { ledger, runs, judge, halt } = finished;
    let (interrupted, out_of_budget) = (halt.interrupted(), halt.out_of_budget());
    if let Some(failure) = halt.into_failure() {
        return Err(failure.hint("what was stored is kept; the same command resumes"));
    }
    let scored = render::Scored::of_runs(&ledger, &runs, judge, scoring)?;
    terminal::print(&scored.table_or_json(json)?)?;
    if interrupted {
        return Err(Fail::new(Exit::Interrupted, "interrupted; everything finished is stored")
            .hint("the same command resumes"));
    }
    if out_of_budget {
        return Err(Fail::new(Exit::Incomplete, "stopped at --max-cost; everything finished is stored")
            .hint("the same command with a higher --max-cost resumes"));
    }
    match scored.errors_left() {
        0 => Ok(()),
        left => Err(Fail::new(Exit::Incomplete, format!("{left} samples or judgements ended in an error"))
            .hint("the same command tries them again")
            .hint("`undersight runs show RUN` lists the causes")),
    }
}

/// A current runtime for one command.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Fail>>) -> Result<T, Fail> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Fail::failed(format!("the async runtime cannot start: {e}")))?
        .block_on(future)
}

/// The first interrupt finishes what is in flight; the second ends the process, losing nothing stored.
pub(crate) fn watch_for_interrupts(halt: Halt, observer: Observer) {
    tokio::spawn(async move {
        interrupt().await;
        halt.interrupt();
        observer(Event::Stopping(
            "interrupted: finishing the calls in flight; interrupt again to stop at once".to_owned(),
        ));
        interrupt().await;
        terminal::note("stopped at once; everything stored is kept and the same command resumes");
        std::process::exit(Exit::Interrupted as i32);
    });
}

#[cfg(unix)]
async fn interrupt() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! { _ = int.recv() => {}, _ = term.recv() => {} }
}

#[cfg(not(unix))]
async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The URL is not part of the arm, so a change of it is only announced.
fn warn_of_other_urls(ledger: &Ledger, arm: Digest, url: &str, observer: &Observer) -> Result<(), Fail> {
    let others: Vec<String> =
        ledger.origins(arm).map_err(ledger_fail)?.urls.into_keys().filter(|u| u != url).collect();
    if !others.is_empty() {
        observer(Event::Warning(format!(
            "stored samples of this arm came from {}; new ones will come from {url}",
            others.join(", ")
        )));
    }
    Ok(())
}

/// Letters, digits, dots and dashes only, for names of runs.
pub(crate) fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') {
            out.push(c);
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_matches('-').to_owned()
}
