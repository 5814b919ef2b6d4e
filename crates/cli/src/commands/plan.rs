//! `undersight plan`: how many instances, samples and human labels a difference takes, from one or two pilot runs.

use std::path::Path;

use clap::ArgMatches;
use undersight_core::Task;
use undersight_metrics::compare::MismatchKind;
use undersight_metrics::judge_error::agreement;
use undersight_metrics::plan::{
    Budget, Correlation, Costs, JudgeErrors, JudgeNoise, Pairing, PlanError, Request, Target, Test, plan,
};
use undersight_metrics::{Level, Measure};
use undersight_report::plan as report;

use super::compare::comparable;
use super::labels::load_drawn;
use crate::args::statistics::PlanArgs;
use crate::arms::{Arm, Desk};
use crate::engine::ledger_fail;
use crate::fail::{Exit, Fail};
use crate::render::Format;
use crate::settings::parse;
use crate::terminal;

/// Runs the command.
pub(crate) fn command(args: &PlanArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let format = Format::of(&args.format, args.json)?.no_csv()?;
    let desk = Desk::open(matches, &args.store, &["missing", "level", "fixed-instances"])?;
    let arms = desk.runs(&args.pilots, args.judge.as_deref(), None)?;
    // Variances are of single samples: pilots may have different k.
    let marks = comparable(&arms, Some(1))?;
    // Two selections are no pair, which `plan` itself refuses.
    for mark in marks.iter().filter(|m| m.kind != MismatchKind::Selection) {
        terminal::note(&format!("warning: {}", mark.message));
    }
    if let [first, second] = arms.as_slice()
        && first.run.id == second.run.id
    {
        return Err(Fail::usage(format!("{} is given twice", first.run.name))
            .hint("a second pilot is another arm over the same instances; one pilot alone will do"));
    }
    if arms.len() == 2 && args.correlation.is_some() {
        return Err(Fail::usage("--correlation: two pilots tell the correlation themselves")
            .hint("leave it out, or name one pilot"));
    }
    let request = request(args, &desk, &arms)?;
    let panels: Vec<_> = arms.iter().map(Arm::panel).collect();
    let Some((pilot, others)) = panels.split_first() else { return Ok(()) };
    let planned = plan(pilot, others.first(), &request).map_err(cannot)?;
    terminal::print(&format.write(
        |layout| report::table(&planned, layout),
        || report::json(&planned),
        |_| Ok(()),
    )?)
}

fn cannot(error: PlanError) -> Fail {
    let unmeasured = error == PlanError::LabelsWithoutErrors;
    let fail = Fail::advised(Exit::Usage, error);
    if unmeasured { fail.hint("`--labels FILE` measures both from human labels of the pilot") } else { fail }
}

/// A flag's value, or what is wrong with it.
fn value<T>(flag: &str, text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Fail> {
    parse(text).map_err(|e| Fail::usage(format!("{flag} {text}: {e}")))
}

fn request(args: &PlanArgs, desk: &Desk, arms: &[Arm]) -> Result<Request, Fail> {
    let bad = |e| Fail::advised(Exit::Usage, e);
    let measure = match args.metric.as_str() {
        "safe@1" => Measure::AtOne(Task::Safety),
        "think@1" => Measure::AtOne(Task::Thinking),
        "ssa" => Measure::Ssa,
        other => {
            return Err(Fail::usage(format!("--metric: cannot plan for {other:?}"))
                .hint("safe@1, think@1 or ssa; @k follows from its @1 and the consistency that `undersight score` shows"));
        }
    };
    let points = value("--difference", &args.difference, parse::points)?;
    if points <= 0.0 {
        return Err(Fail::usage("--difference: expected more than 0 points").hint("write 2 for two points"));
    }
    let power = value("--power", &args.power, parse::unit)?;
    let correlation = match &args.correlation {
        Some(text) => Correlation::new(value("--correlation", text, parse::signed_unit)?).map_err(bad)?,
        None => Correlation::DEFAULT,
    };
    let judge = judge_errors(args, measure, &arms[0])?.map(JudgeNoise::Errors);
    Ok(Request {
        missing: desk.scoring.missing,
        test: Test::new(desk.scoring.inference.level, power).map_err(bad)?,
        target: Target {
            estimand: desk.scoring.inference.estimand,
            available: Some(args.instances.unwrap_or(arms[0].study.items.len() as u64)),
        },
        pairing: if args.unpaired { Pairing::Unpaired } else { Pairing::Paired(correlation) },
        judge,
        budget: budget(args, desk, arms)?,
        ..Request::new(measure, points / 100.0)
    })
}

/// The judge's sensitivity and specificity: as given, or measured with human labels of the pilot.
fn judge_errors(args: &PlanArgs, measure: Measure, pilot: &Arm) -> Result<Option<JudgeErrors>, Fail> {
    let rates = if let Some(path) = &args.labels {
        Some(measured(path, measure, pilot)?)
    } else if let Some((sensitivity, specificity)) =
        args.sensitivity.as_deref().zip(args.specificity.as_deref())
    {
        let sensitivity = value("--sensitivity", sensitivity, parse::unit)?;
        Some((sensitivity, value("--specificity", specificity, parse::unit)?))
    } else {
        None
    };
    let errors = rates.map(|(sensitivity, specificity)| JudgeErrors::new(sensitivity, specificity));
    errors.transpose().map_err(|e| Fail::advised(Exit::Usage, e))
}

/// Fewer labels than this that pass, or that fail, leave a rate of theirs open by some twenty points.
const FEW: u64 = 30;

/// What human labels say of the judge's sensitivity and specificity at one task, over all scenarios.
fn measured(path: &Path, measure: Measure, pilot: &Arm) -> Result<(f64, f64), Fail> {
    let Measure::AtOne(task) = measure else {
        return Err(Fail::usage(format!(
            "--labels: {measure} is made of two verdicts, whose errors go together"
        ))
        .hint("plan for safe@1 or think@1, or give --sensitivity and --specificity of the measure itself"));
    };
    let labels = load_drawn(path, pilot)?;
    let found = agreement(&pilot.study, &labels, Level::DEFAULT);
    let row = found.rows.iter().find(|row| row.task == task && row.scenario.is_none());
    let rates = row.and_then(|row| Some((row, row.sensitivity?.value, row.specificity?.value)));
    let Some((row, sensitivity, specificity)) = rates else {
        let what = format!("--labels: {}: too few labels of {}", path.display(), task.name());
        return Err(Fail::usage(what).hint("some samples that pass and some that fail have to be labelled"));
    };
    let counts = &row.confusion;
    let (pass, fail) = (counts.true_pass + counts.false_fail, counts.false_pass + counts.true_fail);
    if pass.min(fail) < FEW {
        terminal::note(&format!(
            "warning: sensitivity rests on {pass} labels that pass and specificity on {fail} that fail: with fewer than \
             {FEW} they are rough"
        ));
    }
    Ok((sensitivity, specificity))
}

fn budget(args: &PlanArgs, desk: &Desk, arms: &[Arm]) -> Result<Option<Budget>, Fail> {
    let Some(total) = &args.budget else { return Ok(None) };
    let dollars = |flag: &str, text: &str| value(flag, text, |t| parse::usd(t).map(|usd| usd.usd()));
    let sample = match &args.sample_cost {
        Some(text) => dollars("--sample-cost", text)?,
        None => spent(desk, arms)?,
    };
    let label = args.label_cost.as_deref().map(|text| dollars("--label-cost", text)).transpose()?;
    let costs = Costs::new(sample, 0.0, label, 0.0).map_err(|e| Fail::advised(Exit::Usage, e))?;
    Ok(Some(Budget { total: dollars("--budget", total)?, costs }))
}

/// What a sample of the pilots cost, generated and judged.
fn spent(desk: &Desk, arms: &[Arm]) -> Result<f64, Fail> {
    let runs = desk.ledger.runs().map_err(ledger_fail)?;
    let (mut dollars, mut samples) = (0.0, 0);
    for run in runs.iter().filter(|r| arms.iter().any(|arm| arm.run.id == r.id)) {
        dollars += run.cost.map_or(0.0, |cost| cost.usd());
        samples += run.samples.values().sum::<u64>();
    }
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let cost = dollars / samples.max(1) as f64;
    if cost > 0.0 {
        Ok(cost)
    } else {
        Err(Fail::usage(
            "what a sample costs does not follow from the pilot: it cost nothing, or no price was known",
        )
        .hint("give it: --sample-cost USD"))
    }
}
