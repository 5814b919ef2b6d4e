//! `undersight score`: stored runs → scores; or judged CSVs exactly as the reference scorer counts them.

use std::fs::File;
use std::num::NonZeroU32;

use clap::ArgMatches;
use undersight_metrics::{
    JudgedFile, Missing, Options, Reference, Scoring, WarningCode, score, score_panels,
};

use crate::args::ScoreArgs;
use crate::arms::Desk;
use crate::fail::{Exit, Fail};
use crate::render::{Format, Scored, ScoredRun};
use crate::settings::eval::{NAMES, Reader, SCORING};
use crate::settings::{Environment, Layers};
use crate::terminal;

/// Runs the command.
pub(crate) fn command(args: &ScoreArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let format = Format::of(&args.format, args.scoring.json)?;
    if !args.judged.is_empty() {
        let layers = Layers::gather(matches, Environment::read()?, args.store.config.as_deref(), NAMES)?;
        return judged(args, Reader::new(&layers).scoring()?, format);
    }
    let curves = args.curves.then(|| {
        format.layout().ok_or_else(|| {
            Fail::usage("--curves is for people: CSV and JSON have every curve anyway")
                .hint("leave --curves out, or use --format table or markdown")
        })
    });
    let curves = curves.transpose()?;
    let desk = Desk::open(matches, &args.store, SCORING)?;
    let arms = desk.runs(&args.runs, args.judge.as_deref(), args.k)?;
    let runs = arms.into_iter().map(|arm| ScoredRun::of(arm, &desk.scoring));
    let scored = Scored {
        runs: runs.map(|run| run.with_judging(&desk.ledger, args.evidence)).collect::<Result<_, _>>()?,
    };
    match curves {
        Some(layout) => terminal::print(scored.curves(layout).as_bytes()),
        None => terminal::print(&scored.format(format)?),
    }
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
    let scoring = Scoring { missing: Missing::Fail, ..scoring };
    terminal::print(&format.official(&scores, &score_panels(&scores.panels, &scoring))?)
}
