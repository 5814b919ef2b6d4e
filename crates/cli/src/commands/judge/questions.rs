//! From settings to a bench: the judge, the calibration cases, the batches of questions, and the asking.

use std::collections::HashSet;
use std::sync::Arc;

use clap::ArgMatches;
use undersight_core::{Case, Digest, Event, Family, Observer, Selection, Task, TrialOutcome};
use undersight_dataset::{CaseSet, calibration, load_cases, select};
use undersight_judge::trials::{Question, attacks, base, controls, styles};
use undersight_judge::{Prompts, Recipe};
use undersight_ledger::{Ledger, LedgerError, Mode};
use undersight_report::number::count as grouped;

use super::bench::{Batch, Bench};
use crate::args::judges::BenchArgs;
use crate::commands::eval::{block_on, watch_for_interrupts};
use crate::connections::Connections;
use crate::engine::{Halt, ledger_fail};
use crate::fail::{Exit, Fail};
use crate::settings::eval::{EndpointSettings, NAMES, Reader};
use crate::settings::{Environment, Layers};
use crate::{progress, terminal};

/// A judge and what it is asked.
pub(super) struct Asked {
    pub(super) recipe: Recipe,
    pub(super) set: CaseSet,
    /// Every case of the set, however many are asked.
    all: Vec<Arc<Case>>,
    pub(super) tasks: Vec<Task>,
    pub(super) level: undersight_metrics::Level,
    endpoint: EndpointSettings,
    env: Environment,
    cards: String,
    offline: bool,
    dry_run: bool,
}

/// What became of all that was asked.
pub(super) struct Answers {
    /// Round by round.
    pub(super) rounds: Vec<Vec<TrialOutcome>>,
    /// Verdicts that are not there.
    pub(super) missing: u64,
    /// Why they are not; to be told after what there is.
    pub(super) gap: Option<Fail>,
}

/// One part of what is asked: a judge, which is the one measured or that one told something else, and batches.
pub(super) struct Round {
    recipe: Recipe,
    batches: Vec<Batch>,
    renamed: Option<(Family, String)>,
}

impl Round {
    /// The judge itself.
    pub(super) fn of(recipe: &Recipe, batches: Vec<Batch>) -> Self {
        Self { recipe: recipe.clone(), batches, renamed: None }
    }

    /// The judge told something else; `None` where it is told nothing.
    pub(super) fn told(
        recipe: &Recipe,
        prompts: &Prompts,
        batches: Vec<Batch>,
        renamed: Option<(Family, String)>,
    ) -> Option<Self> {
        Some(Self { recipe: recipe.told(prompts)?, batches, renamed })
    }
}

impl Asked {
    /// Reads the settings, the judge and the cases.
    pub(super) fn read(args: &BenchArgs, matches: &ArgMatches) -> Result<Self, Fail> {
        let layers = Layers::gather(matches, Environment::read()?, args.config.as_deref(), NAMES)?;
        let reader = Reader::new(&layers);
        let (judge, endpoint) = (reader.judge()?, reader.endpoint()?);
        let level = reader.scoring()?.inference.level;
        let recipe = super::given(&judge)?.clone();
        let oracle = |leaf: &&Recipe| leaf.spec().model.as_str().starts_with("sim/oracle-judge");
        if recipe.leaves().iter().any(oracle) {
            return Err(Fail::usage(
                "sim/oracle-judge reads simulated truth, and calibration cases have none",
            )
            .hint("its error is what its name says"));
        }
        let set = match &args.cases {
            None => calibration(),
            Some(path) if !path.exists() => {
                return Err(Fail::usage(format!("there is no file {}", path.display()))
                    .hint("a calibration set is a .jsonl file of cases (docs/calibration.md)"));
            }
            Some(path) => load_cases(path).map_err(|e| Fail::advised(Exit::Usage, e))?,
        };
        Ok(Self {
            recipe,
            all: set.cases.clone(),
            set: limited(set, args.limit)?,
            tasks: judge.tasks,
            level,
            endpoint,
            env: layers.env().clone(),
            cards: args.cards.clone(),
            offline: args.offline,
            dry_run: args.dry_run,
        })
    }

    /// Puts every question that the store has no answer to, then reads what became of all of them. `None` after a dry
    /// run.
    pub(super) fn outcomes(&self, rounds: &[Round]) -> Result<Option<Answers>, Fail> {
        if self.dry_run {
            return self.estimate(rounds).map(|()| None);
        }
        block_on(self.ask(rounds)).map(Some)
    }

    async fn ask(&self, rounds: &[Round]) -> Result<Answers, Fail> {
        let connections = Connections::new(&self.endpoint, &self.env)?;
        let mode = if self.offline { Mode::ReadOnly } else { Mode::Create };
        let ledger = Ledger::open(&self.cards, mode).map_err(|error| match error {
            LedgerError::Missing { path } => {
                Fail::usage(format!("there is no store of trials at {}", path.display()))
                    .hint("without --offline they are asked for and kept there; --cards names another place")
            }
            error => ledger_fail(error),
        })?;
        let halt = Halt::new(Arc::clone(&connections.budget));
        let outer = progress::observer();
        watch_for_interrupts(halt.clone(), Arc::clone(&outer));
        connections.batches.keep_in(&ledger, &outer);
        let observer = as_one(&outer);
        let bench = Bench {
            ledger: &ledger,
            halt: &halt,
            observer: &observer,
            width: connections.width(),
            tasks: &self.tasks,
        };
        // One process at a time puts the questions of a set to a judge.
        let _lock = if self.offline {
            None
        } else {
            let lock = Digest::of("bench/v1", &(self.set.hash, self.recipe.hash()));
            let (judgements, left) = self.todo(rounds, Some(&ledger))?;
            if left > 0 {
                connections.start_engines(&[], Some(&self.recipe)).await?;
                outer(Event::Started {
                    run: format!("trials of {}", self.recipe.spec().model),
                    samples: 0,
                    samples_stored: 0,
                    judgements,
                    judgements_stored: judgements - left,
                });
            }
            Some(ledger.lock_run(lock).map_err(|error| self.locked(error))?)
        };
        let (mut all, mut left) = (Vec::with_capacity(rounds.len()), 0);
        for round in rounds {
            let spec = round.recipe.spec();
            let judge = if self.offline { None } else { Some(Arc::new(connections.judge(&round.recipe)?)) };
            let mut outcomes = Vec::new();
            for batch in &round.batches {
                left += match &judge {
                    Some(judge) if !halt.stopped() => bench.ask(batch, judge).await?,
                    _ => batch.todo(spec, &self.tasks, Some(&ledger))?.1,
                };
                let renamed = round.renamed.as_ref().map(|(family, name)| (*family, name.as_str()));
                outcomes.extend(bench.outcomes(batch, spec, renamed)?);
            }
            all.push(outcomes);
        }
        outer(Event::Finished);
        if let Some(failure) = halt.take_failure() {
            return Err(failure.hint("what was answered is kept; the same command goes on"));
        }
        if halt.interrupted() {
            return Err(Fail::new(Exit::Interrupted, "interrupted; every verdict given is kept")
                .hint("the same command goes on"));
        }
        let gap = (left > 0).then(|| self.gap(left, &halt));
        Ok(Answers { rounds: all, missing: left, gap })
    }

    /// What to say of verdicts that are missing, once what there is has been printed.
    fn gap(&self, left: u64, halt: &Halt) -> Fail {
        let missing = format!("{} verdicts are missing and left out", grouped(left));
        let (message, hint) = if self.offline {
            (missing, "without --offline they are asked for")
        } else if halt.out_of_budget() {
            (
                format!("stopped at --max-cost: {missing}"),
                "the same command goes on, with --max-cost to spend anew",
            )
        } else {
            (missing, "the same command asks for them again")
        };
        halt.explain_budget(Fail::new(Exit::Incomplete, message)).hint(hint)
    }

    /// The lock is on no run that people know of.
    fn locked(&self, error: LedgerError) -> Fail {
        match error {
            LedgerError::Locked { holder, .. } => {
                let judge = &self.recipe.spec().model;
                Fail::failed(format!("questions of {} are being put to {judge} by {holder}", self.set.name))
                    .hint("wait for it or stop it")
            }
            error => ledger_fail(error),
        }
    }

    /// How many verdicts there are to be, and how many of them the store lacks.
    fn todo(&self, rounds: &[Round], ledger: Option<&Ledger>) -> Result<(u64, u64), Fail> {
        let (mut all, mut left) = (0, 0);
        for round in rounds {
            for batch in &round.batches {
                let (planned, open) = batch.todo(round.recipe.spec(), &self.tasks, ledger)?;
                (all, left) = (all + planned, left + open);
            }
        }
        Ok((all, left))
    }

    fn estimate(&self, rounds: &[Round]) -> Result<(), Fail> {
        let path = self.cards.strip_prefix("sqlite:").unwrap_or(&self.cards);
        let ledger = std::path::Path::new(path)
            .exists()
            .then(|| Ledger::open(&self.cards, Mode::ReadOnly).map_err(ledger_fail))
            .transpose()?;
        let connections = Connections::new(&self.endpoint, &self.env)?;
        for round in rounds {
            connections.check_judge(&round.recipe)?;
        }
        let times = self.recipe.asks().iter().map(|(_, n)| n).sum::<u32>().max(1);
        let (all, left) = self.todo(rounds, ledger.as_ref())?;
        let each = if times > 1 { format!(", each up to {times} calls") } else { String::new() };
        terminal::print(
            format!(
                "plan: {} verdicts of {} on {} cases, {} of them already kept in {}: {} to ask for{each}\nnothing is called or written\n",
                grouped(all),
                self.recipe.spec().model,
                grouped(self.set.cases.len() as u64),
                grouped(all - left),
                self.cards,
                grouped(left),
            )
            .as_bytes(),
        )
    }

    /// The questions of some families, as batches. The base is asked `repeats` times.
    pub(super) fn batches(&self, families: &[Family], repeats: u32) -> Result<Vec<Batch>, Fail> {
        let cases = &self.set.cases;
        let mut questions: Vec<Question> = base(cases, &self.tasks);
        for family in families {
            match family {
                Family::Style => questions.extend(styles(cases, &self.tasks)),
                // What a control borrows from other cases does not hang on how many are asked.
                Family::Control => {
                    let chosen: HashSet<&str> = cases.iter().map(|c| c.instance.id.as_str()).collect();
                    let of_chosen = |q: &Question| chosen.contains(q.trial.case.as_str());
                    questions.extend(controls(&self.all).into_iter().filter(of_chosen));
                }
                Family::Attack => questions.extend(attacks(cases)),
                Family::Base | Family::Repeat | Family::Rubric => {}
            }
        }
        Batch::all(&self.set, questions, repeats)
    }
}

/// Many small runs shown as one.
fn as_one(observer: &Observer) -> Observer {
    let observer = Arc::clone(observer);
    Arc::new(move |event| match event {
        Event::Started { .. } | Event::Finished => {}
        event => observer(event),
    })
}

/// At most so many cases, as `--limit` takes instances.
fn limited(set: CaseSet, limit: Option<u32>) -> Result<CaseSet, Fail> {
    let Some(limit) = limit else { return Ok(set) };
    let instances: Vec<Arc<_>> = set.cases.iter().map(|c| Arc::new(c.instance.clone())).collect();
    let selection = Selection { limit: Some(limit as usize), ..Selection::default() };
    let chosen = select(&instances, &selection).map_err(|e| Fail::advised(Exit::Usage, e))?;
    let cases: Vec<Arc<Case>> = chosen.into_iter().map(|i| Arc::clone(&set.cases[i])).collect();
    Ok(CaseSet { cases, ..set })
}
