//! `undersight judge card` and `undersight judge attack`: what a judge makes of calibration cases, and what they make
//! of the judge.

use std::io::Write;

use clap::ArgMatches;
use undersight_core::Family;
use undersight_judge::Prompts;
use undersight_judge::prompt::REWORDINGS;
use undersight_ledger::{Ledger, Mode};
use undersight_metrics::Scoring;
use undersight_metrics::card::{Card, CardSettings, card as make, compare_attacks};
use undersight_metrics::judge_error::{CorrectionOptions, Corrections, Settling, correct};
use undersight_report::card::{self as report, CalibrationSet, CardHead, CardReport, LabelSource, Rival};
use undersight_report::{Layout, json};

use super::questions::{Answers, Asked, Round};
use crate::args::judges::{AttackArgs, CardArgs};
use crate::arms::{Arm, judge_of};
use crate::commands::dataset::create;
use crate::commands::labels::load_settled;
use crate::engine::ledger_fail;
use crate::fail::{Exit, Fail};
use crate::render::{self, Format};
use crate::settings::DEFAULT_STORE;
use crate::{clock, terminal};

/// The parts a card may be without.
const PARTS: [Family; 5] = [Family::Repeat, Family::Rubric, Family::Style, Family::Control, Family::Attack];

/// How a card is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Table,
    Markdown,
    Json,
    Html,
}

impl Form {
    fn of(args: &CardArgs) -> Result<Self, Fail> {
        if args.json {
            return Ok(Self::Json);
        }
        let extension = args.output.as_ref().and_then(|path| path.extension()?.to_str());
        match args.format.as_deref().or(extension).unwrap_or("table") {
            "table" | "txt" => Ok(Self::Table),
            "markdown" | "md" => Ok(Self::Markdown),
            "json" => Ok(Self::Json),
            "html" | "htm" => Ok(Self::Html),
            other => Err(Fail::usage(format!("--format: unknown format {other:?}"))
                .hint("table, markdown, json or html")),
        }
    }
}

/// `judge card`.
pub(super) fn card(args: &CardArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let form = Form::of(args)?;
    let parts = parts(args.parts.as_deref())?;
    // Before anything is paid for.
    if let Some(path) = args.output.as_ref().filter(|path| path.exists() && !args.force) {
        return Err(Fail::usage(format!("{} is already there", path.display())).hint("--force overwrites it"));
    }
    let asked = Asked::read(&args.bench, matches)?;
    let repeats = if parts.contains(&Family::Repeat) { args.repeats } else { 1 };
    let mut rounds = vec![Round::of(&asked.recipe, asked.batches(&parts, repeats)?)];
    if parts.contains(&Family::Rubric) {
        for at in 0..REWORDINGS {
            let renamed = Some((Family::Rubric, Prompts::reworded(at).name().to_owned()));
            let batches = asked.batches(&[], 1)?;
            rounds.extend(Round::told(&asked.recipe, &Prompts::reworded(at), batches, renamed));
        }
        if rounds.len() == 1 {
            terminal::note(
                "this judge is not told our own prompts, and others cannot be reworded: the card has no part on rubrics",
            );
        }
    }
    let run = args.run.as_deref().map(|run| corrected(args, run, &asked)).transpose()?;
    let Some(Answers { rounds, missing, gap }) = asked.outcomes(&rounds)? else { return Ok(()) };
    let outcomes: Vec<_> = rounds.into_iter().flatten().collect();
    if outcomes.is_empty() {
        return Err(gap.unwrap_or_else(|| {
            Fail::usage("there is nothing to make a card of").hint("without --offline the judge is asked")
        }));
    }
    let settings = CardSettings { level: asked.level, ..CardSettings::default() };
    let made = make(&outcomes, &settings);
    let date = clock::today();
    let about = head(&asked, args.bench.cases.is_none(), &date, missing);
    let of_run = run.as_ref().map(|(arm, found)| (arm.head(), found));
    let report = CardReport {
        head: about,
        card: &made,
        corrected: of_run.as_ref().map(|(head, found)| (head, *found)),
    };
    let text = match form {
        Form::Table => report::table(&report, render::terminal()),
        Form::Markdown => report::table(&report, Layout::Markdown),
        Form::Json => json::text(&report::json(&report)),
        Form::Html => report::html(&report),
    };
    match &args.output {
        None => terminal::print(text.as_bytes())?,
        Some(path) => {
            let mut out = create(path, args.force)?;
            out.write_all(text.as_bytes())
                .and_then(|()| out.flush())
                .map_err(|e| Fail::failed(format!("{}: {e}", path.display())))?;
            terminal::note(&format!("wrote the card of {} to {}", asked.recipe.spec().model, path.display()));
        }
    }
    gap.map_or(Ok(()), Err)
}

/// `judge attack`.
pub(super) fn attack(args: &AttackArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let format = Format::of(&args.format, args.json)?.no_csv()?;
    let asked = Asked::read(&args.bench, matches)?;
    let mut rounds = vec![Round::of(&asked.recipe, asked.batches(&[Family::Attack], 1)?)];
    let naive = Prompts::naive();
    if args.naive {
        let batches = asked.batches(&[Family::Attack], 1)?;
        let told = Round::told(&asked.recipe, &naive, batches, None).ok_or_else(|| {
            Fail::usage(format!(
                "--naive compares with our shielded prompts, and {} is told none of them",
                asked.recipe.spec().model
            ))
            .hint("leave --naive out, or --judge-prompts and `prompts`")
        })?;
        rounds.push(told);
    }
    let Some(Answers { rounds: mut outcomes, missing, gap }) = asked.outcomes(&rounds)? else {
        return Ok(());
    };
    if outcomes.iter().all(|o| o.iter().all(|o| o.trial.family != Family::Attack)) {
        return Err(gap.unwrap_or_else(|| {
            Fail::usage("no attack is left to try")
                .hint("answers and traces are attacked: --tasks safety,thinking")
        }));
    }
    let settings = CardSettings { level: asked.level, ..CardSettings::default() };
    let unshielded = (outcomes.len() > 1).then(|| outcomes.pop()).flatten();
    let shielded = outcomes.pop().unwrap_or_default();
    let made: Card = make(&shielded, &settings);
    let date = clock::today();
    let report = CardReport {
        head: head(&asked, args.bench.cases.is_none(), &date, missing),
        card: &made,
        corrected: None,
    };
    // The same judge told the naive prompts stands first: what shielding changes is the difference to it.
    let comparison = unshielded.as_ref().map(|naive| compare_attacks(naive, &shielded, asked.level));
    let told = asked.recipe.told(&naive);
    let rival = comparison.as_ref().zip(told.as_ref()).map(|(comparison, told)| Rival {
        head: CardHead { judge: told.spec(), prompts: told.prompts().map(Prompts::name), ..report.head },
        comparison,
    });
    terminal::print(&format.write(
        |layout| report::attack_table(&report, rival.as_ref(), layout),
        || report::attack_json(&report, rival.as_ref()),
        |_| Ok(()),
    )?)?;
    gap.map_or(Ok(()), Err)
}

fn parts(given: Option<&str>) -> Result<Vec<Family>, Fail> {
    let Some(given) = given else { return Ok(PARTS.to_vec()) };
    let known = |name: &str| {
        Family::parse(name).filter(|f| PARTS.contains(f)).ok_or_else(|| {
            let names = PARTS.map(Family::name).join(", ");
            Fail::usage(format!("--parts: unknown part {name:?}")).hint(format!("{names}, with commas"))
        })
    };
    given.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "base").map(known).collect()
}

fn head<'a>(asked: &'a Asked, embedded: bool, date: &'a str, missing: u64) -> CardHead<'a> {
    CardHead {
        judge: asked.recipe.spec(),
        prompts: asked.recipe.prompts().map(Prompts::name),
        set: CalibrationSet {
            name: &asked.set.name,
            hash: asked.set.hash,
            cases: asked.set.cases.len() as u64,
            labels: if embedded {
                LabelSource::Authors
            } else {
                LabelSource::Others("those who made the set")
            },
        },
        date,
        version: env!("CARGO_PKG_VERSION"),
        missing,
    }
}

/// The scores of a run judged by this judge, corrected with labels drawn at random from it.
fn corrected(args: &CardArgs, run: &str, asked: &Asked) -> Result<(Arm, Corrections), Fail> {
    let store = args.store.as_deref().unwrap_or(DEFAULT_STORE);
    let ledger = Ledger::open(store, Mode::ReadOnly).map_err(ledger_fail)?;
    let run = ledger.find_run(run).map_err(ledger_fail)?;
    let judge = judge_of(&ledger, &run, &asked.recipe.hash().to_string())?;
    let arm = Arm::judged(&ledger, run, Some(judge), None)?;
    let files: Vec<_> = args.labels.iter().cloned().collect();
    let labels = load_settled(&files, &ledger, &arm, Settling::Adjudicated)?;
    let scoring = Scoring::default();
    let options = CorrectionOptions { level: asked.level, missing: scoring.missing, alpha: scoring.alpha };
    let found = correct(&arm.study, &labels, options).map_err(|e| Fail::advised(Exit::Usage, e))?;
    Ok((arm, found))
}
