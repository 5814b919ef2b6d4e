//! `eval --dry-run`: the plan in calls, estimated tokens and money. Makes no call, writes nothing.

use std::path::Path;

use serde::Serialize;
use undersight_core::{Message, ModelName, NanoUsd, Run, Task, Usage};
use undersight_endpoint::PriceTable;
use undersight_judge::Judge;
use undersight_ledger::{Ledger, Mode};

use super::eval::Evaluation;
use crate::engine::{Settled, Todo, ledger_fail};
use crate::fail::{Exit, Fail};
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
    generation: StageEstimate,
    judging: StageEstimate,
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
    let verdict = evaluation.settings.judge.params.max_tokens.map_or(ASSUMED_VERDICT, u64::from);
    for arm in &evaluation.settings.arms {
        evaluation.connections.check_model(arm)?;
    }
    evaluation.connections.check_judge(&evaluation.judge, &evaluation.settings.judge)?;
    let ledger = existing_store(&evaluation.settings.store)?;
    let estimate = Estimate {
        schema: "undersight.dry-run/v1",
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
    let judge_params = evaluation.settings.judge.params.clone();
    let judge =
        Judge::hash_of(&evaluation.judge, judge_params, None).map_err(|e| Fail::advised(Exit::Usage, e))?;
    let scope = evaluation.scope(&run.arm, judge);
    let settled = match ledger {
        Some(ledger) => scope.settled(ledger)?,
        None => Settled::nothing(),
    };
    let Todo { samples, samples_left, judgements, judgements_left } = scope.todo(&settled);
    let prompt_tokens: u64 = scope.prompts().iter().map(|p| tokens(&p.messages)).sum();
    let judge_tokens: u64 = scope
        .prompts()
        .iter()
        .flat_map(|p| {
            let prompt = |task: &Task| undersight_judge::prompt_for(*task, &p.instance, "", &scope.arm());
            Task::ALL.iter().map(move |task| tokens(&prompt(task)) + reply)
        })
        .sum();
    let instances = scope.prompts().len().max(1) as u64;
    let prices = evaluation.connections.prices();
    Ok(RunEstimate {
        generation: stage(&prices, &run.arm.model, (samples, samples_left), prompt_tokens / instances, reply),
        judging: stage(
            &prices,
            &evaluation.judge,
            (judgements, judgements_left),
            judge_tokens / (instances * Task::ALL.len() as u64),
            verdict,
        ),
        run: run.name,
    })
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
        for (name, stage) in [("generate", &run.generation), ("judge", &run.judging)] {
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
