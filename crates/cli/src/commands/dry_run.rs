//! `eval --dry-run`: the plan in calls, estimated tokens and money. Makes no call, writes nothing.

use std::path::Path;

use serde::Serialize;
use undersight_core::{Message, ModelName, NanoUsd, Run, Task, Usage};
use undersight_endpoint::PriceTable;
use undersight_judge::{Prompts, Recipe};
use undersight_ledger::{Ledger, Mode};

use super::eval::Evaluation;
use crate::engine::{Judging, Scope, Settled, Todo, ledger_fail};
use crate::fail::Fail;
use crate::terminal;
use undersight_report::number::count as grouped;

/// Tokens a reply is assumed to take where `--max-tokens` does not bound it: a typical reasoning reply.
const ASSUMED_REPLY: u64 = 2_000;
/// Tokens a verdict is assumed to take.
const ASSUMED_VERDICT: u64 = 300;
/// Characters to a token, for estimates only.
const CHARS_PER_TOKEN: u64 = 4;

#[derive(Serialize)]
struct Estimate {
    schema: &'static str,
    dataset: String,
    instances: usize,
    k: u32,
    assumptions: Assumptions,
    runs: Vec<RunEstimate>,
}

#[derive(Serialize)]
struct Assumptions {
    characters_per_token: u64,
    reply_tokens: u64,
    verdict_tokens: u64,
}

#[derive(Serialize)]
struct RunEstimate {
    run: String,
    /// Whether a question is asked first, to see that a trace arrives.
    probed: bool,
    generation: StageEstimate,
    /// One for each judge with verdicts of its own; a panel that stops early asks less.
    judging: Vec<StageEstimate>,
}

#[derive(Serialize)]
struct StageEstimate {
    model: String,
    calls_planned: u64,
    calls_left: u64,
    input_tokens: u64,
    output_tokens: u64,
    /// Unknown where no price is.
    cost_nano_usd: Option<NanoUsd>,
}

/// Prints the plan.
pub(crate) fn print(evaluation: &Evaluation<'_>, json: bool) -> Result<(), Fail> {
    let reply =
        evaluation.settings.arms.first().and_then(|a| a.params.max_tokens).map_or(ASSUMED_REPLY, u64::from);
    let verdict = evaluation.judge.spec().params.max_tokens.map_or(ASSUMED_VERDICT, u64::from);
    for arm in &evaluation.settings.arms {
        evaluation.connections.check_model(arm)?;
    }
    evaluation.connections.check_judge(&evaluation.judge)?;
    let ledger = existing_store(&evaluation.settings.store)?;
    let estimate = Estimate {
        schema: "undersight.dry-run/v2",
        dataset: evaluation.dataset.name.clone(),
        instances: evaluation.selected.len(),
        k: evaluation.settings.k,
        assumptions: Assumptions {
            characters_per_token: CHARS_PER_TOKEN,
            reply_tokens: reply,
            verdict_tokens: verdict,
        },
        runs: evaluation
            .planned(ledger.as_ref())?
            .into_iter()
            .map(|run| run_estimate(evaluation, run, ledger.as_ref(), reply, verdict))
            .collect::<Result<_, _>>()?,
    };
    if json {
        let text = serde_json::to_string_pretty(&estimate).map_err(Fail::failed)?;
        return terminal::print(format!("{text}\n").as_bytes());
    }
    terminal::print(table(&estimate).as_bytes())
}

fn run_estimate(
    evaluation: &Evaluation<'_>,
    run: Run,
    ledger: Option<&Ledger>,
    reply: u64,
    verdict: u64,
) -> Result<RunEstimate, Fail> {
    let recipe = &evaluation.judge;
    let judging = Judging::new(recipe.spec(), &evaluation.settings.judge.tasks)?;
    let scope = evaluation.scope(&run.arm, &judging);
    let settled = match ledger {
        Some(ledger) => scope.settled(ledger)?,
        None => Settled::nothing(),
    };
    let Todo { samples, samples_left, judgements, judgements_left } = scope.todo(&settled);
    let prompt_tokens: u64 = scope.prompts().iter().map(|p| tokens(&p.messages)).sum();
    let instances = scope.prompts().len().max(1) as u64;
    let prices = evaluation.connections.prices();
    let asked = recipe.asks();
    let judges = asked.iter().map(|(leaf, times)| {
        let tasks: Vec<Task> = judging.tasks().iter().copied().filter(|t| leaf.spec().judges(*t)).collect();
        let share = |n: u64| n * tasks.len() as u64 / judging.tasks().len().max(1) as u64 * u64::from(*times);
        let input = judge_tokens(leaf, &scope, &tasks, reply) / (instances * tasks.len().max(1) as u64);
        let verdict = leaf.spec().params.max_tokens.map_or(verdict, u64::from);
        stage(&prices, &leaf.spec().model, (share(judgements), share(judgements_left)), input, verdict)
    });
    Ok(RunEstimate {
        probed: super::eval::first::due(evaluation, &run.arm, samples_left, ledger)?,
        generation: stage(&prices, &run.arm.model, (samples, samples_left), prompt_tokens / instances, reply),
        judging: judges.collect(),
        run: run.name,
    })
}

/// Tokens of everything a judge is shown, once a task and instance.
fn judge_tokens(leaf: &Recipe, scope: &Scope, tasks: &[Task], reply: u64) -> u64 {
    let prompts = leaf.prompts().cloned().unwrap_or_else(Prompts::shielded);
    let arm = scope.arm();
    scope
        .prompts()
        .iter()
        .flat_map(|p| tasks.iter().map(move |task| (p, task)))
        .map(|(p, task)| tokens(&prompts.render(*task, &p.instance, "", &arm)) + reply)
        .sum()
}

/// The store, if there is one already: a dry run never creates it.
fn existing_store(location: &str) -> Result<Option<Ledger>, Fail> {
    let path = location.strip_prefix("sqlite:").unwrap_or(location);
    if !Path::new(path).exists() {
        return Ok(None);
    }
    Ledger::open(location, Mode::ReadOnly).map(Some).map_err(ledger_fail)
}

fn tokens(messages: &[Message]) -> u64 {
    let characters: usize = messages.iter().map(|m| m.content.chars().count()).sum();
    (characters as u64).div_ceil(CHARS_PER_TOKEN)
}

fn stage(
    prices: &PriceTable,
    model: &ModelName,
    calls: (u64, u64),
    input: u64,
    output: u64,
) -> StageEstimate {
    let (calls_planned, calls_left) = calls;
    let usage =
        Usage { input: Some(input * calls_left), output: Some(output * calls_left), ..Usage::default() };
    StageEstimate {
        model: model.to_string(),
        calls_planned,
        calls_left,
        input_tokens: input * calls_left,
        output_tokens: output * calls_left,
        cost_nano_usd: prices.cost(model, &usage),
    }
}

fn table(estimate: &Estimate) -> String {
    let mut out = format!(
        "plan: {} instances of {}, k = {}; nothing is called or written\n",
        estimate.instances, estimate.dataset, estimate.k
    );
    for run in &estimate.runs {
        out += &format!("\nrun {}\n", run.run);
        if run.probed {
            out += "  probe    : one harmless question first, to see that a trace arrives (a second one if none does)\n";
        }
        let stages = run.judging.iter().map(|stage| ("judge", stage));
        for (name, stage) in std::iter::once(("generate", &run.generation)).chain(stages) {
            let cost =
                stage.cost_nano_usd.map_or_else(|| "price unknown".to_owned(), |c| format!("about {c}"));
            out += &format!(
                "  {name:<9}{}: {} calls ({} already stored), about {} tokens in, {} out, {cost}\n",
                stage.model,
                grouped(stage.calls_left),
                grouped(stage.calls_planned - stage.calls_left),
                grouped(stage.input_tokens),
                grouped(stage.output_tokens),
            );
        }
    }
    let a = &estimate.assumptions;
    out + &format!(
        "\nestimates assume {} characters a token, {} tokens a reply and {} a verdict\n",
        a.characters_per_token,
        grouped(a.reply_tokens),
        grouped(a.verdict_tokens)
    )
}
