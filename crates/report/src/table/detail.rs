//! One run in full, its breakdown by group, and what failed.

use undersight_metrics::{Estimate, Metrics, Scores, TaskCounts};

use super::notes::Place;
use super::{awareness, consistency, handling, metric_columns, notes};
use crate::cell::Cell;
use crate::grid::{Layout, grid};
use crate::narrow::{Narrowed, Part, narrowed};
use crate::number::{count, estimate};
use crate::view::RunLine;

/// What to break scores down by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The three scenarios.
    Scenario,
    /// The nine categories.
    Category,
    /// The seventeen subcategories.
    Subcategory,
}

/// A single run in full: its line of the main table, then by scenario, jointly, how answers handled what was
/// asked where that was judged, how its samples agree, by category, and
/// what failed. The notes of the main table hold for all of it.
#[must_use]
pub fn run(run: &RunLine<'_>, layout: Layout) -> String {
    let runs = std::slice::from_ref(run);
    let group = |by| {
        let table = by_group(run, by, layout);
        let mut lines: Vec<String> = table.note().map(str::to_owned).into_iter().collect();
        lines.extend(notes::intervals_here(run.scores, &group_shares(run.scores, by)));
        if lines.is_empty() { table.text } else { table.text + &notes::below(&lines, layout) }
    };
    let parts = [
        Some(super::scores(runs, layout)),
        Some(group(By::Scenario)),
        Some(awareness::counts(run, layout)),
        Some(awareness::rates_of_run(run, layout)),
        handling::of_run(run, layout),
        consistency::of_run(run, layout),
        Some(group(By::Category)),
        failures(runs, layout),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// One run's scores by group.
#[must_use]
pub fn breakdown(run: &RunLine<'_>, by: By, layout: Layout) -> String {
    let runs = std::slice::from_ref(run);
    let table = by_group(run, by, layout);
    let mut lines: Vec<String> = table.note().map(str::to_owned).into_iter().collect();
    if table.shows(Part::AtK) {
        lines.push(notes::at_k(Some(run.scores.k)));
    }
    if by != By::Scenario {
        lines.push("An instance with risks in two groups counts in both.".to_owned());
    }
    let place = if table.stacked { Place::Below } else { Place::Parentheses };
    lines.extend(notes::intervals(runs, place, |s| group_shares(s, by), false));
    lines.extend(notes::bounds([&run.scores.overall].into_iter()));
    lines.extend(notes::judges(runs));
    table.text + &notes::below(&lines, layout)
}

fn groups(scores: &Scores, by: By) -> Vec<(&'static str, &Metrics)> {
    match by {
        By::Scenario => scores.scenarios.iter().map(|(g, m)| (g.official(), m)).collect(),
        By::Category => scores.categories.iter().map(|(g, m)| (g.name(), m)).collect(),
        By::Subcategory => scores.subcategories.iter().map(|(g, m)| (g.name(), m)).collect(),
    }
}

fn group_shares(scores: &Scores, by: By) -> Vec<Estimate> {
    groups(scores, by).into_iter().flat_map(|(_, m)| notes::group_shares(m)).collect()
}

fn by_group(run: &RunLine<'_>, by: By, layout: Layout) -> Narrowed {
    let s = run.scores;
    let title = match by {
        By::Scenario => "Scenario",
        By::Category => "Category",
        By::Subcategory => "Subcategory",
    };
    let mut columns = vec![(Part::Core, title.to_owned()), (Part::Core, "Instances".to_owned())];
    columns.extend(metric_columns(&s.k.to_string()));
    columns.push((Part::Core, "SSA".to_owned()));
    let shown = if s.k == 1 { 1 } else { 2 };
    let rows: Vec<Vec<Cell>> = groups(s, by)
        .into_iter()
        .map(|(name, m)| {
            let mut row = vec![Cell::new(name), Cell::new(count(m.items))];
            for task in [&m.safe, &m.think] {
                row.extend([&task.at_1, &task.at_k].into_iter().take(shown).map(estimate));
            }
            row.push(estimate(&m.ssa));
            row
        })
        .collect();
    narrowed(&columns, &rows, layout)
}

const STAGES: [&str; 5] =
    ["sample", "cause of error", "safety judgement", "thinking judgement", "handling judgement"];

/// Everything that did not end in a sample and two verdicts, by kind, one column a run. Only what occurs is listed;
/// `None` when nothing failed.
#[must_use]
pub fn failures(runs: &[RunLine<'_>], layout: Layout) -> Option<String> {
    let kinds: Vec<Vec<(&str, &str, u64)>> = runs.iter().map(|r| failure_kinds(r.scores)).collect();
    let mut all: Vec<(&str, &str)> = Vec::new();
    for (of, kind, _) in kinds.iter().flatten() {
        if !all.contains(&(of, kind)) {
            all.push((of, kind));
        }
    }
    // Stages in their order, whichever run a kind was first seen in.
    all.sort_by_key(|(of, _)| STAGES.iter().position(|stage| stage == of));
    if all.is_empty() {
        return None;
    }
    let mut headers = vec!["Of".to_owned(), "Kind".to_owned()];
    headers.extend(runs.iter().map(RunLine::title));
    let rows: Vec<Vec<String>> = all
        .into_iter()
        .map(|(of, kind)| {
            let of_run = |k: &Vec<(&str, &str, u64)>| {
                count(k.iter().find(|(o, n, _)| (*o, *n) == (of, kind)).map_or(0, |(.., n)| *n))
            };
            [of.to_owned(), kind.to_owned()].into_iter().chain(kinds.iter().map(of_run)).collect()
        })
        .collect();
    Some(grid(&headers, &rows, layout))
}

fn failure_kinds(scores: &Scores) -> Vec<(&'static str, &'static str, u64)> {
    let counts = &scores.counts;
    let mut kinds: Vec<(&str, &str, u64)> = vec![("sample", "missing", counts.missing)];
    kinds.extend(counts.samples.iter().map(|(s, n)| ("sample", s.name(), *n)));
    kinds.extend(counts.causes.iter().map(|(c, n)| ("cause of error", c.name(), *n)));
    let task = |of, counts: &TaskCounts| {
        let mut kinds = vec![(of, "missing", counts.missing)];
        kinds.extend(counts.statuses.iter().map(|(s, n)| (of, s.name(), *n)));
        kinds
    };
    kinds.extend(task("safety judgement", &counts.safety));
    kinds.extend(task("thinking judgement", &counts.thinking));
    kinds.extend(counts.handling.iter().flat_map(|counts| task("handling judgement", counts)));
    kinds.retain(|(_, kind, n)| *n > 0 && *kind != "ok");
    kinds
}
