//! `undersight dataset …`: look at, check, convert and download datasets.

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use serde_json::json;
use undersight_core::{Instance, text};
use undersight_dataset::stats::Stats;
use undersight_dataset::{Dataset, Format};
use undersight_report::grid;
use undersight_report::number::count as grouped;

use super::fetch;
use crate::args::DatasetCommand;
use crate::fail::{Exit, Fail};
use crate::settings::Environment;
use crate::{dataset_source, render, terminal};

/// Runs the command.
pub(crate) fn command(command: DatasetCommand) -> Result<(), Fail> {
    let env = Environment::read()?;
    match command {
        DatasetCommand::Validate { dataset } => validate(&load(&dataset, &env)?),
        DatasetCommand::Stats { dataset, json } => stats(&load(&dataset, &env)?, json),
        DatasetCommand::Show { dataset, ids, json } => show(&load(&dataset, &env)?, &ids, json),
        DatasetCommand::Convert { input, output, force } => convert(&load(&input, &env)?, &output, force),
        DatasetCommand::Fetch { name: _, from, sha256, output } => {
            fetch::command(&from, output, sha256.as_deref())
        }
    }
}

fn load(name: &str, env: &Environment) -> Result<Dataset, Fail> {
    let dataset = dataset_source::load(name, env)?;
    for warning in &dataset.warnings {
        terminal::note(&format!("warning: {}", text::printable(&warning.at(&dataset.source).to_string())));
    }
    Ok(dataset)
}

fn validate(dataset: &Dataset) -> Result<(), Fail> {
    let line = format!(
        "{}: {} instances, no problems; hash {}\n",
        dataset.name,
        dataset.instances.len(),
        dataset.hash
    );
    terminal::print(line.as_bytes())
}

fn stats(dataset: &Dataset, as_json: bool) -> Result<(), Fail> {
    let stats = Stats::of(&dataset.instances);
    if as_json {
        let document = json!({
            "schema": "undersight.dataset-stats/v1",
            "name": dataset.name,
            "hash": dataset.hash,
            "stats": stats,
        });
        return terminal::print(format!("{document:#}\n").as_bytes());
    }
    terminal::print(table(dataset, &stats).as_bytes())
}

fn show(dataset: &Dataset, ids: &[String], as_json: bool) -> Result<(), Fail> {
    if ids.is_empty() && !as_json {
        return terminal::print(index(dataset).as_bytes());
    }
    let mut out = String::new();
    for id in ids {
        let found = dataset.instances.iter().find(|i| i.id == *id).ok_or_else(|| {
            let near = text::nearest(id, dataset.instances.iter().map(|i| i.id.as_str()));
            Fail::usage(format!("no instance {id} in {}", dataset.name))
                .hint(near.map(|n| format!("did you mean {n}?")))
        })?;
        if as_json {
            let mut line = Vec::new();
            undersight_dataset::write(Format::Jsonl, std::slice::from_ref(found), &mut line)
                .map_err(Fail::failed)?;
            out += &String::from_utf8_lossy(&line);
        } else {
            out += &card(found);
        }
    }
    terminal::print(out.as_bytes())
}

/// Ids and what is known of each, without its text.
fn index(dataset: &Dataset) -> String {
    let rows: Vec<Vec<String>> = dataset
        .instances
        .iter()
        .map(|i| {
            let risks: Vec<&str> = i.risks.iter().map(|r| r.subcategory.name()).collect();
            vec![i.id.clone(), i.scenario.to_string(), risks.join("; ")]
        })
        .collect();
    grid(&["id", "scenario", "risks"], &rows, render::terminal())
}

/// An instance for people.
fn card(instance: &Instance) -> String {
    let mut out = format!(
        "{} ({})\n  query: {}\n  rationale: {}\n",
        instance.id,
        instance.scenario,
        indented(&instance.query),
        indented(&instance.rationale)
    );
    for (i, risk) in instance.risks.iter().enumerate() {
        let _ = writeln!(out, "  risk {}: {} / {}", i + 1, risk.category, risk.subcategory);
        if let Some(rationale) = &risk.rationale {
            let _ = writeln!(out, "    {}", indented(rationale));
        }
    }
    if let Some(parts) = &instance.parts {
        let _ = writeln!(
            out,
            "  risky part: {}\n  harmless part: {}",
            indented(&parts.risky),
            indented(&parts.harmless)
        );
    }
    let _ = writeln!(out, "  hash: {}", instance.content_hash());
    out
}

fn indented(model_text: &str) -> String {
    text::printable(model_text).replace('\n', "\n    ")
}

fn convert(dataset: &Dataset, output: &Path, force: bool) -> Result<(), Fail> {
    let format = Format::of_path(output).ok_or_else(|| {
        Fail::usage(format!("{}: unknown extension", output.display()))
            .hint("name it .csv, .jsonl or .parquet")
    })?;
    for loss in undersight_dataset::losses(format, &dataset.instances) {
        terminal::note(&format!("warning: {loss}"));
    }
    let file = create(output, force)?;
    undersight_dataset::write(format, &dataset.instances, BufWriter::new(file))
        .map_err(|e| Fail::advised(Exit::Failed, e))?;
    terminal::note(&format!("wrote {} instances to {}", dataset.instances.len(), output.display()));
    Ok(())
}

/// Creates a result file; an existing one is only replaced when asked to.
pub(crate) fn create(path: &Path, force: bool) -> Result<File, Fail> {
    if path.exists() && !force {
        return Err(Fail::usage(format!("{} is already there", path.display())).hint("--force overwrites it"));
    }
    File::create(path).map_err(|e| {
        let fail = Fail::usage(format!("cannot write {}: {e}", path.display()));
        match e.kind() {
            std::io::ErrorKind::NotFound => fail.hint("create its directory first"),
            _ => fail.hint("choose a place this user may write to"),
        }
    })
}

/// Counts for people.
fn table(dataset: &Dataset, stats: &Stats) -> String {
    let mut out = format!("{} ({})\nhash {}\n\n", dataset.name, dataset.source, dataset.hash);
    let scenarios = stats
        .scenarios
        .iter()
        .map(|s| vec![s.scenario.name().to_owned(), grouped(s.instances)])
        .chain([vec!["all".to_owned(), grouped(stats.instances)]])
        .collect::<Vec<_>>();
    out += &grid(&["scenario", "instances"], &scenarios, render::terminal());
    let mut rows = Vec::new();
    for category in &stats.categories {
        rows.push(vec![
            category.category.name().to_owned(),
            grouped(category.labels),
            grouped(category.instances),
        ]);
        rows.extend(
            category.subcategories.iter().map(|s| {
                vec![format!("· {}", s.subcategory.name()), grouped(s.labels), grouped(s.instances)]
            }),
        );
    }
    rows.push(vec!["all".to_owned(), grouped(stats.labels), grouped(stats.instances)]);
    let _ = write!(
        out,
        "\n{}",
        grid(&["category / subcategory", "labels", "instances"], &rows, render::terminal())
    );
    if let Some(q) = &stats.query_characters {
        let _ = writeln!(
            out,
            "\nquery length in characters: min {}, quartiles {} {} {}, 95 % {}, max {}",
            q.min, q.q25, q.median, q.q75, q.q95, q.max
        );
    }
    let _ = writeln!(
        out,
        "cognitive shortcut: {} sub-risk texts, {} distinct; {} groups of instances share one; {} instances have both risks in one category",
        grouped(stats.sub_risk_texts),
        grouped(stats.distinct_sub_risk_texts),
        grouped(stats.shared_text_components),
        grouped(stats.same_category)
    );
    out
}
