//! `undersight runs …`: what a store holds.

use std::io::{BufRead, IsTerminal};

use clap::ArgMatches;
use serde_json::json;
use undersight_core::{Run, Stage, text};
use undersight_ledger::{Ledger, Mode, RunSummary, Spend, Tally};
use undersight_report::grid;

use crate::args::{RunsCommand, StoreArg};
use crate::clock::utc;
use crate::engine::ledger_fail;
use crate::fail::Fail;
use crate::settings::eval::{NAMES, Reader};
use crate::settings::{Environment, Layers};
use crate::{render, terminal};
use undersight_report::number::count as grouped;

/// Runs the command.
pub(crate) fn command(command: RunsCommand, matches: &ArgMatches) -> Result<(), Fail> {
    let matches = matches.subcommand().map_or(matches, |(_, inner)| inner);
    match command {
        RunsCommand::List { store, json } => list(&open(&store, matches, Mode::ReadOnly)?, json),
        RunsCommand::Show { run, store, json } => show(&open(&store, matches, Mode::ReadOnly)?, &run, json),
        RunsCommand::Delete { runs, yes, store } => {
            delete(&open(&store, matches, Mode::Existing)?, &runs, yes)
        }
    }
}

/// Opens the store a command names.
pub(crate) fn open(store: &StoreArg, matches: &ArgMatches, mode: Mode) -> Result<Ledger, Fail> {
    let layers = Layers::gather(matches, Environment::read()?, store.config.as_deref(), NAMES)?;
    Ledger::open(&Reader::new(&layers).store()?, mode).map_err(ledger_fail)
}

fn summary_json(run: &RunSummary) -> serde_json::Value {
    json!({
        "id": run.id,
        "name": run.name,
        "model": run.model,
        "dataset": { "name": run.dataset_name, "hash": run.dataset },
        "k": run.k,
        "instances": run.instances,
        "samples": run.samples,
        "judgements": run.judgements,
        "created_us": run.created,
        "last_activity_us": run.last_activity,
        "cost_nano_usd": run.cost,
    })
}

fn list(ledger: &Ledger, as_json: bool) -> Result<(), Fail> {
    let runs = ledger.runs().map_err(ledger_fail)?;
    if as_json {
        let document = json!({
            "schema": "undersight.runs/v1",
            "runs": runs.iter().map(summary_json).collect::<Vec<_>>(),
        });
        return terminal::print(format!("{document:#}\n").as_bytes());
    }
    if runs.is_empty() {
        terminal::note("no runs yet; make one with `undersight eval`");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            let planned = run.instances * u64::from(run.k);
            let stored: u64 = run.samples.values().sum();
            let failed = run.samples.get(&undersight_core::SampleStatus::Error).copied().unwrap_or(0);
            let errors = if failed > 0 { format!(", {} in error", grouped(failed)) } else { String::new() };
            vec![
                run.name.clone(),
                run.model.to_string(),
                run.dataset_name.clone(),
                format!("{} × {}", grouped(run.instances), run.k),
                format!("{} of {}{errors}", grouped(stored), grouped(planned)),
                grouped(run.judgements.values().sum()),
                run.cost.map_or_else(|| "-".to_owned(), |c| c.to_string()),
                run.last_activity.map_or_else(|| "-".to_owned(), utc),
            ]
        })
        .collect();
    let headers =
        ["run", "model", "dataset", "instances × k", "samples", "judgements", "cost", "last activity (UTC)"];
    terminal::print(grid(&headers, &rows, render::terminal()).as_bytes())
}

fn show(ledger: &Ledger, name: &str, as_json: bool) -> Result<(), Fail> {
    let run = ledger.find_run(name).map_err(ledger_fail)?;
    let summary = ledger
        .runs()
        .map_err(ledger_fail)?
        .into_iter()
        .find(|s| s.id == run.id)
        .ok_or_else(|| Fail::failed(format!("run {name} was deleted meanwhile")))?;
    let judges = ledger.judges(run.id).map_err(ledger_fail)?;
    let origins = ledger.origins(run.arm.hash()).map_err(ledger_fail)?;
    let failures = ledger.failures(run.id, None).map_err(ledger_fail)?;
    let plan = ledger.plan(run.id).map_err(ledger_fail)?;
    let spend = ledger.spend(run.id).map_err(ledger_fail)?;
    let selections = ledger.selections(run.id).map_err(ledger_fail)?;
    let mut document = summary_json(&summary);
    document["schema"] = json!("undersight.run/v1");
    document["arm"] = json!({ "hash": run.arm.hash(), "settings": run.arm });
    document["plan"] = json!({ "k": plan.k, "selections": selections });
    document["judges"] = judges
        .iter()
        .map(|j| json!({ "hash": j.hash(), "kind": j.kind, "model": j.model, "params": j.params, "prompts": j.prompts }))
        .collect();
    document["spend"] = spend.iter().map(spend_json).collect();
    document["urls"] = json!(origins.urls);
    document["returned_models"] = json!(origins.returned_models);
    document["fingerprints"] = json!(origins.fingerprints);
    document["failures"] = json!({ "samples": failures.samples, "judgements": failures.judgements });
    if as_json {
        return terminal::print(format!("{document:#}\n").as_bytes());
    }
    terminal::print(card(&run, &summary, &spend, &document).as_bytes())
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Generate => "generate",
        Stage::Judge => "judge",
    }
}

fn spend_json(spend: &Spend) -> serde_json::Value {
    let tokens = |tally: Tally| json!({ "sum": tally.sum, "unknown": tally.unknown });
    json!({
        "stage": stage(spend.stage),
        "model": spend.model,
        "records": spend.records,
        "cost_nano_usd": spend.cost,
        "cost_unknown": spend.unpriced,
        "input_tokens": tokens(spend.input),
        "output_tokens": tokens(spend.output),
        "reasoning_tokens": tokens(spend.reasoning),
        "reasoning_tokens_estimated": spend.reasoning_estimated,
    })
}

/// `openai/o3: $1.20, 3 unknown; tokens: 1,200 in, 34,000 out, about 30,000 of them reasoning (estimated)`.
fn spend_line(spend: &Spend) -> String {
    let unknown = |n: u64| if n > 0 { format!(", {} unknown", grouped(n)) } else { String::new() };
    let cost = match spend.cost {
        Some(cost) => format!("{cost}{}", unknown(spend.unpriced)),
        None => "cost unknown".to_owned(),
    };
    let tokens = |tally: Tally, of: &str| {
        tally.sum.map(|sum| format!("{} {of}{}", grouped(sum), unknown(tally.unknown)))
    };
    let reported = spend.reasoning.sum.map(|sum| format!("{} of them reasoning", grouped(sum)));
    let guessed =
        spend.reasoning_estimated.map(|sum| format!("about {} of them reasoning (estimated)", grouped(sum)));
    let counts = [tokens(spend.input, "in"), tokens(spend.output, "out"), reported, guessed];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let counts = if counts.is_empty() { "unknown".to_owned() } else { counts.join(", ") };
    format!("{}: {cost}; tokens: {counts}", spend.model)
}

/// The longest label of a card.
const LABEL: usize = "failed judgements".len();

/// A run for people: a line for everything known of it.
fn card(run: &Run, summary: &RunSummary, spend: &[Spend], document: &serde_json::Value) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        out += &format!("{name:<LABEL$}  {}\n", text::printable(value));
    };
    line("run", &run.name);
    line("id", &run.id.to_string());
    line("created (UTC)", &utc(run.created));
    line("dataset", &format!("{} ({})", summary.dataset_name, summary.dataset));
    line("arm", &serde_json::to_string(&run.arm).unwrap_or_default());
    for selection in document["plan"]["selections"].as_array().into_iter().flatten() {
        let all = selection.as_object().is_none_or(serde_json::Map::is_empty);
        line("selection", &if all { "the whole dataset".to_owned() } else { selection.to_string() });
    }
    for judge in document["judges"].as_array().into_iter().flatten() {
        let text = |name: &str| judge[name].as_str().unwrap_or_default().to_owned();
        let params = judge["params"].as_object().filter(|p| !p.is_empty());
        let params =
            params.map(|p| format!(", {}", serde_json::Value::Object(p.clone()))).unwrap_or_default();
        let hash = text("hash").chars().take(12).collect::<String>();
        line("judge", &format!("{} ({}, {hash}{params})", text("model"), text("kind")));
    }
    line("instances × k", &format!("{} × {}", grouped(summary.instances), summary.k));
    for key in ["samples", "judgements", "urls", "returned_models", "fingerprints"] {
        line(&key.replace('_', " "), &pairs(&document[key]));
    }
    for of in ["samples", "judgements"] {
        line(&format!("failed {of}"), &pairs(&document["failures"][of]));
    }
    let unpriced: u64 = spend.iter().map(|part| part.unpriced).sum();
    line(
        "cost",
        &match (summary.cost.filter(|cost| cost.0 > 0 || unpriced == 0), unpriced) {
            (None, _) => "unknown".to_owned(),
            (Some(cost), 0) => cost.to_string(),
            (Some(cost), n) => format!("at least {cost}, unknown of {} records", grouped(n)),
        },
    );
    for part in spend {
        line(&format!("cost, {}", stage(part.stage)), &spend_line(part));
    }
    out
}

fn pairs(object: &serde_json::Value) -> String {
    match object.as_object() {
        Some(map) if !map.is_empty() => {
            map.iter().map(|(k, v)| format!("{k} ({v})")).collect::<Vec<_>>().join(", ")
        }
        _ => "-".to_owned(),
    }
}

fn delete(ledger: &Ledger, names: &[String], yes: bool) -> Result<(), Fail> {
    let runs: Vec<Run> =
        names.iter().map(|name| ledger.find_run(name).map_err(ledger_fail)).collect::<Result<_, _>>()?;
    if !yes {
        let list = runs.iter().map(|r| r.name.as_str()).collect::<Vec<_>>().join(", ");
        if !std::io::stdin().is_terminal() {
            return Err(Fail::usage(format!("deleting {list} needs a confirmation")).hint("add --yes"));
        }
        terminal::note(&format!("delete {list}, with all samples and judgements only they use? [y/N]"));
        let mut answer = String::new();
        let _ = std::io::stdin().lock().read_line(&mut answer);
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err(Fail::failed("nothing was deleted"));
        }
    }
    for run in &runs {
        ledger.delete_run(run.id).map_err(ledger_fail)?;
        terminal::note(&format!("deleted {}", run.name));
    }
    Ok(())
}
