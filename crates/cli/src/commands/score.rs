//! `undersight score`: stored runs → scores; or judged CSVs exactly as the reference scorer counts them.

use std::fs::File;
use std::num::NonZeroU32;

use clap::ArgMatches;
use undersight_core::{Digest, ModelName, Run};
use undersight_ledger::{Ledger, Mode};
use undersight_metrics::{JudgedFile, Options, Reference, WarningCode, score};

use crate::args::ScoreArgs;
use crate::engine::ledger_fail;
use crate::fail::{Exit, Fail};
use crate::render::{Format, Scored};
use crate::settings::eval::{NAMES, Reader, Scoring};
use crate::settings::{Environment, Layers};
use crate::terminal;

/// Runs the command.
pub(crate) fn command(args: &ScoreArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let layers = Layers::gather(matches, Environment::read()?, args.store.config.as_deref(), NAMES)?;
    let reader = Reader::new(&layers);
    let scoring = reader.scoring()?;
    let format = if args.scoring.json { Format::Json } else { Format::parse(&args.format)? };
    if args.judged.is_empty() {
        runs(args, &reader.store()?, scoring, format)
    } else {
        judged(args, scoring, format)
    }
}

fn runs(args: &ScoreArgs, store: &str, scoring: Scoring, format: Format) -> Result<(), Fail> {
    let ledger = Ledger::open(store, Mode::ReadOnly).map_err(ledger_fail)?;
    let runs: Vec<Run> = if args.runs.is_empty() {
        ledger.runs().and_then(|runs| runs.iter().map(|r| ledger.run(r.id)).collect())
    } else {
        args.runs.iter().map(|name| ledger.find_run(name)).collect()
    }
    .map_err(ledger_fail)?;
    if runs.is_empty() {
        return Err(Fail::usage("there is no run in the store").hint("make one with `undersight eval`"));
    }
    let mut scored = Vec::new();
    for run in &runs {
        let judge = args.judge.as_deref().map(|name| judge_of(&ledger, run, name)).transpose()?;
        scored.push(Scored::whole(&ledger, run, judge, args.k, scoring)?);
    }
    terminal::print(&Scored { runs: scored }.format(format)?)
}

/// The judge of a run that a person means by a model name or an id prefix: the latest of that name.
pub(crate) fn judge_of(ledger: &Ledger, run: &Run, name: &str) -> Result<Digest, Fail> {
    let judges = ledger.judges(run.id).map_err(ledger_fail)?;
    let wanted = ModelName::parse(name).ok();
    judges
        .iter()
        .rev()
        .find(|j| wanted.as_ref() == Some(&j.model) || j.hash().to_string().starts_with(name))
        .map(undersight_core::JudgeSpec::hash)
        .ok_or_else(|| {
            let known: Vec<&str> = judges.iter().map(|j| j.model.as_str()).collect();
            let judges = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
            Fail::usage(format!("{name} has not judged run {}", run.name))
                .hint(format!("its judges: {judges}"))
                .hint(format!(
                    "`undersight judge {} --judge {name}` judges it without generating anything",
                    run.name
                ))
        })
}

/// The k of judged files when none is given: the paper's.
const PAPER_K: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

fn judged(args: &ScoreArgs, scoring: Scoring, format: Format) -> Result<(), Fail> {
    if args.scoring.missing.is_some() {
        return Err(Fail::usage(
            "--missing does not apply to --judged: the reference counts what is missing as failed",
        )
        .hint("`undersight import` the file and `score` the run to choose"));
    }
    let k = match args.k {
        None => PAPER_K,
        Some(k) => NonZeroU32::new(k).ok_or_else(|| Fail::usage("--k: expected a whole number from 1"))?,
    };
    let files = args
        .judged
        .iter()
        .map(|path| {
            let name = path.display().to_string();
            File::open(path).map(|reader| JudgedFile { name: name.clone(), reader }).map_err(|e| {
                let hint = "a judged CSV has model_name, id, dataset_name, Safe_Ans_Check and Thk_Acc_Judge";
                Fail::new(Exit::Usage, format!("cannot read {name}: {e}")).hint(hint)
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let options = Options { k, alpha: scoring.alpha, normalise: args.normalise };
    let scores = score(files, &options).map_err(|e| Fail::advised(Exit::Usage, e))?;
    for warning in &scores.warnings {
        terminal::note(&format!("warning: {}", undersight_core::text::printable(&warning.to_string())));
    }
    if scores.reference != Reference::Same && !args.normalise {
        terminal::note("hint: --normalise gives the corrected values");
    }
    if scores.warnings.iter().any(|w| w.code == WarningCode::MissingRows) {
        terminal::note(
            "hint: for shares of the rows that are there, `undersight import` the file and `score` the run",
        );
    }
    terminal::print(&format.official(&scores)?)
}
