//! `undersight eval`: instances → samples → judgements → scores, resumable at any point.

pub(crate) mod first;

use std::path::PathBuf;
use std::sync::Arc;

use clap::ArgMatches;
use undersight_core::{Arm, Digest, Event, Instance, JudgeSpec, Observer, Plan, Run};
use undersight_dataset::{Dataset, select};
use undersight_endpoint::{Endpoint, SetAside};
use undersight_generate::{Generator, Prompted, prompts};
use undersight_judge::{Judge, Recipe};
use undersight_ledger::{Ledger, Mode};

use crate::args::EvalArgs;
use crate::conclude::{Covered, Finished, FinishedRun, conclude};
use crate::connections::Connections;
use crate::engine::{self, Halt, Judging, Scope, Work, ledger_fail};
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
    let import = args.import_batch.clone();
    let evaluation = Evaluation { settings: &settings, dataset, selected, connections, judge, import };
    if let Some(path) = &args.export_batch {
        return evaluation.export_batch(path);
    }
    if args.dry_run {
        return super::dry_run::print(&evaluation, args.scoring.json);
    }
    let finished = block_on(evaluation.run(&progress::observer()))?;
    // Engines that were started end here.
    drop(evaluation);
    conclude(finished, settings.scoring, args.scoring.json)
}

/// The judge to use: required for real models, the lexical stand-in for simulated ones.
fn judge_for(settings: &EvalSettings) -> Result<Recipe, Fail> {
    if settings.arms.is_empty() {
        return Err(Fail::usage("no model given")
            .hint("--model provider/name, e.g. --model openai-responses/o3 --judge openai/gpt-4.1")
            .hint("to try without a key: --model sim/superficial"));
    }
    if let Some(judge) = &settings.judge.recipe {
        for arm in &settings.arms {
            super::oracle_needs_truth(judge.spec(), &arm.model)?;
            super::warn_of_self_judging(judge.spec(), &arm.model);
        }
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
    pub(crate) judge: Recipe,
    /// An engine's output that stands for the model.
    pub(crate) import: Vec<PathBuf>,
}

impl Evaluation<'_> {
    /// The selected instances.
    pub(crate) fn instances(&self) -> Vec<Arc<Instance>> {
        self.selected.iter().map(|&i| Arc::clone(&self.dataset.instances[i])).collect()
    }

    /// Does all runs, one after the other, as far as they go.
    pub(crate) async fn run(&self, observer: &Observer) -> Result<Finished, Fail> {
        // All are connected before the first is run: a missing key of the last should not come up hours later.
        let (judge, endpoints) = self.connect()?;
        let ledger = Ledger::open(&self.settings.store, Mode::Create).map_err(ledger_fail)?;
        self.connections.batches.keep_in(&ledger, observer);
        let runs = self.planned(Some(&ledger))?;
        let judging = Judging::new(judge.spec(), &self.settings.judge.tasks)?;
        let started = self.start_engines(&runs, &judging, &ledger).await?;
        let (judge, endpoints) = if started { self.connect()? } else { (judge, endpoints) };
        let halt = Halt::new(Arc::clone(&self.connections.budget));
        watch_for_interrupts(halt.clone(), Arc::clone(observer));
        let mut finished =
            Finished::new(ledger.clone(), judge.hash(), halt.clone(), self.settings.retry_errors);
        for (run, endpoint) in runs.into_iter().zip(endpoints) {
            let _lock = ledger.lock_run(run.id).map_err(ledger_fail)?;
            let scope = self.scope(&run.arm, &judging);
            self.store_plan(&ledger, &run, judge.spec(), scope.prompts())?;
            warn_of_other_urls(&ledger, run.arm.hash(), &endpoint, observer)?;
            let covered = Covered::of(&scope);
            let refused = first::ask(self, &run.arm, &scope, &ledger, observer).await?;
            // What is stored is judged all the same.
            let generator = refused.is_none().then(|| Generator::new(run.arm.clone(), endpoint.clone()));
            let work = Work { name: run.name.clone(), scope, generator, judge: Arc::clone(&judge) };
            let width = self.connections.width();
            let mut ended =
                engine::run(work, width, ledger.clone(), Arc::clone(observer), halt.clone()).await?;
            ended.failure = refused.or(ended.failure);
            warn_of_mixed_snapshots(&ledger, &run, observer)?;
            warn_of_servers_set_aside(&endpoint, observer);
            finished.runs.push(FinishedRun { run, covered, ended });
            if halt.stopped() {
                break;
            }
        }
        Ok(finished)
    }

    fn connect(&self) -> Result<(Arc<Judge>, Vec<Endpoint>), Fail> {
        let judge = Arc::new(self.connections.judge(&self.judge)?);
        if !self.import.is_empty() {
            return Ok((judge, vec![self.imported(&self.import)?]));
        }
        let arms = self.settings.arms.iter();
        Ok((judge, arms.map(|arm| self.connections.model(arm)).collect::<Result<_, _>>()?))
    }

    /// Starts the engines of local models that have work left; whether there are any.
    async fn start_engines(&self, runs: &[Run], judging: &Judging, ledger: &Ledger) -> Result<bool, Fail> {
        let models = self.settings.arms.iter().map(|arm| &arm.model);
        if !self.connections.may_start_engines(models, Some(&self.judge)) {
            return Ok(false);
        }
        let (mut models, mut judges) = (Vec::new(), false);
        for run in runs {
            let scope = self.scope(&run.arm, judging);
            let todo = scope.todo(&scope.settled(ledger)?);
            judges |= todo.judgements_left > 0;
            models.extend((todo.samples_left > 0 && self.import.is_empty()).then_some(&run.arm.model));
        }
        self.connections.start_engines(&models, judges.then_some(&self.judge)).await?;
        Ok(true)
    }

    /// What an arm covers, and what is judged of it.
    pub(crate) fn scope(&self, arm: &Arm, judging: &Judging) -> Scope {
        let prompts = prompts(arm, &self.instances());
        Scope::new(arm.hash(), prompts, self.settings.k, judging, self.settings.retry_errors)
    }

    /// The runs of all arms: the stored one where the name is taken by the same arm and dataset.
    pub(crate) fn planned(&self, ledger: Option<&Ledger>) -> Result<Vec<Run>, Fail> {
        let mut runs: Vec<Run> = Vec::new();
        for arm in &self.settings.arms {
            let run = self.planned_run(arm, ledger)?;
            if runs.iter().any(|other| other.name == run.name) {
                return Err(Fail::usage(format!("two runs would be called {}", run.name))
                    .hint("each --model once; models whose names read alike need commands of their own"));
            }
            runs.push(run);
        }
        Ok(runs)
    }

    fn planned_run(&self, arm: &Arm, ledger: Option<&Ledger>) -> Result<Run, Fail> {
        let (hash, model) = (arm.hash(), slug(arm.model.as_str()));
        let name = match (&self.settings.name, self.settings.arms.len()) {
            (Some(name), 1) => name.clone(),
            (Some(name), _) => format!("{name}-{model}"),
            (None, _) => format!("{model}.{}.{}", slug(&self.dataset.name), &hash.short()[..6]),
        };
        let taken = |name: &str| match ledger {
            Some(ledger) => ledger.run_named(name).map_err(ledger_fail),
            None => Ok(None),
        };
        let new = |name: String| Run {
            id: Run::id_of(&hash, &self.dataset.hash, &name),
            name,
            arm: arm.clone(),
            dataset: self.dataset.hash,
            dataset_name: self.dataset.name.clone(),
            created: crate::clock::now(),
        };
        let run = new(name);
        match taken(&run.name)? {
            None => Ok(run),
            Some(stored) if stored.id == run.id => Ok(stored),
            // Another version of a dataset of the same name: its hash tells the runs apart.
            Some(_) if self.settings.name.is_none() => {
                let run = new(format!("{}.{}", run.name, &self.dataset.hash.short()[..6]));
                Ok(taken(&run.name)?.unwrap_or(run))
            }
            Some(_) => {
                let message =
                    format!("the name {} belongs to another run, of a different arm or dataset", run.name);
                Err(Fail::usage(message).hint("choose another --name, or leave it out"))
            }
        }
    }

    pub(crate) fn store_plan(
        &self,
        ledger: &Ledger,
        run: &Run,
        judge: &JudgeSpec,
        prompts: &[Arc<Prompted>],
    ) -> Result<(), Fail> {
        let plan = Plan {
            k: self.settings.k,
            selection: self.settings.selection.clone(),
            judges: vec![judge.clone()],
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

/// An interrupt, a polite end, or the terminal going away.
#[cfg(unix)]
async fn interrupt() {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = (SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup());
    let (Ok(mut int), Ok(mut term), Ok(mut hup)) = (signal(kinds.0), signal(kinds.1), signal(kinds.2)) else {
        return std::future::pending().await;
    };
    tokio::select! { _ = int.recv() => {}, _ = term.recv() => {}, _ = hup.recv() => {} }
}

#[cfg(not(unix))]
async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The URL is not part of the arm, so a change of it is only announced.
fn warn_of_other_urls(
    ledger: &Ledger,
    arm: Digest,
    endpoint: &Endpoint,
    observer: &Observer,
) -> Result<(), Fail> {
    let origins = ledger.origins(arm).map_err(ledger_fail)?;
    let others: Vec<String> =
        origins.urls.into_keys().filter(|known| endpoint.urls().all(|url| url != known)).collect();
    if !others.is_empty() {
        observer(Event::Warning(format!(
            "stored samples of this arm came from {}; new ones will come from {}",
            others.join(", "),
            endpoint.urls().collect::<Vec<_>>().join(", ")
        )));
    }
    Ok(())
}

/// The run went on without them.
fn warn_of_servers_set_aside(endpoint: &Endpoint, observer: &Observer) {
    for aside in endpoint.set_aside() {
        let SetAside { url, message } = aside;
        observer(Event::Warning(format!(
            "{url} was set aside, and the other servers did its work: {message}"
        )));
    }
}

/// Several models or builds behind one name are several arms in truth.
fn warn_of_mixed_snapshots(ledger: &Ledger, run: &Run, observer: &Observer) -> Result<(), Fail> {
    let origins = ledger.origins(run.arm.hash()).map_err(ledger_fail)?;
    for (what, found) in [("models", origins.returned_models), ("builds", origins.fingerprints)] {
        if found.len() > 1 {
            let found: Vec<String> = found.into_iter().map(|(name, n)| format!("{name} ({n})")).collect();
            let found = found.join(", ");
            observer(Event::Warning(format!("samples of {} came from several {what}: {found}", run.name)));
        }
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
