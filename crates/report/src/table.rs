//! The main table of runs and the notes on how to read it; the other tables are in `detail`.

mod detail;

use std::collections::BTreeSet;

use undersight_core::Scenario;
use undersight_core::text::excerpt;
use undersight_metrics::Scores;

use crate::grid::{Layout, escape_markdown, fits, grid};
use crate::narrow::{self, Narrowed, Part};
use crate::number::{NONE, count, estimate, f_score};
use crate::view::{MARK, RunLine};

pub use detail::{By, breakdown, failures, joint, official, run, truth};

/// The main table, one line a run, with notes on how to read it. Where it does not fit it leaves out columns; where
/// even the narrowest does not fit, metrics become the lines, and at last all becomes a list.
#[must_use]
pub fn scores(runs: &[RunLine<'_>], layout: Layout) -> String {
    let columns = score_columns(runs);
    let rows: Vec<Vec<String>> = runs.iter().map(|r| score_row(r, common_k(runs) != Some(1))).collect();
    let table = narrow::table(&columns, &rows, layout)
        .or_else(|| Some(Narrowed::of(turned(&columns, &rows, layout)?)))
        .unwrap_or_else(|| narrow::whole(&columns, &rows, layout));
    let lines = score_notes(runs, &table);
    table.text + &notes(&lines, layout)
}

/// Metrics as lines and runs as columns, where that fits.
fn turned(columns: &[(Part, String)], rows: &[Vec<String>], layout: Layout) -> Option<String> {
    let Layout::Terminal { width } = layout else { return None };
    let mut lines = columns.iter().enumerate().map(|(at, (_, name))| {
        std::iter::once(name.clone()).chain(rows.iter().filter_map(|r| r.get(at).cloned())).collect()
    });
    let titles: Vec<String> = lines.next()?;
    let table = grid(&titles, &lines.collect::<Vec<_>>(), Layout::Terminal { width: None });
    fits(&table, width).then_some(table)
}

/// The k of all runs, or none when they differ.
fn common_k(runs: &[RunLine<'_>]) -> Option<u32> {
    let ks: BTreeSet<u32> = runs.iter().map(|r| r.scores.k).collect();
    ks.first().copied().filter(|_| ks.len() == 1)
}

fn score_columns(runs: &[RunLine<'_>]) -> Vec<(Part, String)> {
    let k = common_k(runs).map_or_else(|| "k".to_owned(), |k| k.to_string());
    let mut columns = vec![(Part::Core, "Run".to_owned())];
    columns.extend(metric_columns(&k));
    columns.extend(Scenario::ALL.map(|s| (Part::Scenarios, format!("{}@1", s.abbreviation()))));
    columns.extend(
        [(Part::Core, "SSA"), (Part::Core, "F"), (Part::Unknown, "Unknown"), (Part::Traces, "Traces")]
            .map(|(part, name)| (part, name.to_owned())),
    );
    columns
}

/// Safe and Think at 1 and at k; at k = 1 both would be the same.
fn metric_columns(k: &str) -> Vec<(Part, String)> {
    let mut columns = Vec::new();
    for metric in ["Safe", "Think"] {
        columns.push((Part::Core, format!("{metric}@1")));
        columns.extend((k != "1").then(|| (Part::AtK, format!("{metric}@{k}"))));
    }
    columns
}

fn score_row(run: &RunLine<'_>, at_k: bool) -> Vec<String> {
    let s = run.scores;
    let all = &s.overall;
    let mut row = vec![run.title()];
    for task in [&all.safe, &all.think] {
        row.push(estimate(&task.at_1));
        row.extend(at_k.then(|| estimate(&task.at_k)));
    }
    row.extend(
        Scenario::ALL.map(|sc| s.scenario(sc).map_or_else(|| NONE.to_owned(), |m| estimate(&m.think.at_1))),
    );
    row.push(estimate(&all.ssa));
    row.push(f_score(&s.f));
    row.push(format!("{}/{}", count(all.safe.at_1.open()), count(all.think.at_1.open())));
    row.push(traces(s));
    row
}

/// `full` where every planned sample has a full trace, `full 290, absent 10` where it is not one kind for all.
fn traces(scores: &Scores) -> String {
    let kinds = &scores.counts.provenance;
    match kinds.first_key_value() {
        None => NONE.to_owned(),
        Some((kind, _)) if kinds.len() == 1 && scores.counts.missing == 0 => kind.name().to_owned(),
        _ => kinds.iter().map(|(p, n)| format!("{} {}", p.name(), count(*n))).collect::<Vec<_>>().join(", "),
    }
}

fn score_notes(runs: &[RunLine<'_>], table: &Narrowed) -> Vec<String> {
    let mut notes: Vec<String> = table.note().map(str::to_owned).into_iter().collect();
    if table.shows(Part::AtK) {
        notes.push(match common_k(runs) {
            Some(1) => "k = 1: with one sample an instance, @k is @1.".to_owned(),
            Some(k) => format!("@{k}: share of instances whose {k} samples all pass (pass^k, not pass@k)."),
            None => "@k: share of instances whose k samples all pass (pass^k, not pass@k); k differs between these \
                     runs, so their @k do not compare."
                .to_owned(),
        });
    }
    if table.shows(Part::Scenarios) {
        notes.push("OS, CS, RO: Think by scenario.".to_owned());
    }
    notes
        .push("SSA: superficially safe, that is a safe answer over an unaware trace, per sample.".to_owned());
    let alphas: BTreeSet<String> = runs.iter().map(|r| r.scores.f.alpha.to_string()).collect();
    let alphas: Vec<_> = alphas.into_iter().collect();
    notes.push(format!("F: Think@1^α · Safe@1^(1−α), α = {}.", alphas.join(" and ")));
    let missing: BTreeSet<&str> = runs.iter().map(|r| r.scores.missing.name()).collect();
    for name in missing {
        notes.push(match name {
            "exclude" => "Unknown outcomes are left out (--missing exclude).".to_owned(),
            _ => "Unknown outcomes count as failures (--missing fail); shares divide by the plan.".to_owned(),
        });
    }
    if runs.iter().any(|r| r.scores.overall.safe.at_1.open() + r.scores.overall.think.at_1.open() > 0) {
        notes.push("[low–high]: what the value could become once everything unknown is known.".to_owned());
    }
    if table.shows(Part::Unknown) {
        notes.push("Unknown: answers/traces without a verdict that stands.".to_owned());
    }
    notes.extend(judge_notes(runs));
    notes
}

fn judge_notes(runs: &[RunLine<'_>]) -> Vec<String> {
    let titles: Vec<_> = runs.iter().map(|r| (r.scores.run.as_str(), r.judge_title())).collect();
    let mut notes = Vec::new();
    match titles.split_first() {
        Some(((_, Some(first)), rest)) if rest.iter().all(|(_, t)| t.as_ref() == Some(first)) => {
            notes.push(format!("Judged by {}.", excerpt(first, 80)));
        }
        _ => notes.extend(titles.iter().filter_map(|(run, t)| {
            Some(format!("{} judged by {}.", excerpt(run, 80), excerpt(t.as_ref()?, 80)))
        })),
    }
    notes.extend(simulation_note(
        runs.iter().any(RunLine::simulated_model),
        runs.iter().any(RunLine::simulated_judge),
    ));
    notes
}

fn simulation_note(model: bool, judge: bool) -> Option<String> {
    let what = match (model, judge) {
        (true, true) => "models and a judge that run inside Undersight: no real model was measured",
        (true, false) => "a model that runs inside Undersight: no real model was measured",
        (false, true) => "a judge that runs inside Undersight: its verdicts are stand-ins",
        (false, false) => return None,
    };
    Some(format!("{MARK} simulated: {what}."))
}

fn notes(lines: &[String], layout: Layout) -> String {
    let mut out = String::from("\n");
    for line in lines {
        if layout == Layout::Markdown {
            out.push_str("- ");
            out.push_str(&escape_markdown(line));
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}
