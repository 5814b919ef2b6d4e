//! The main table of runs; the other tables are in the files beside.

mod awareness;
mod consistency;
mod detail;
mod evidence;
mod handling;
pub(crate) mod notes;
mod truth;
mod votes;

use undersight_core::Scenario;

use crate::cell::Cell;
use crate::grid::{Drawn, Layout, fits, grid, lay_out};
use crate::narrow::{self, Narrowed, Part};
use crate::number::{NONE, estimate, f_score, whole};
use crate::view::{RunLine, traces};

pub use awareness::joint;
pub use consistency::{consistency, curves};
pub use detail::{By, breakdown, failures, run};
pub use evidence::evidence;
pub use handling::handling;
pub use truth::{official, truth};
pub use votes::votes;

/// The main table, one line a run, with notes on how to read it. Where it does not fit it leaves out columns; where
/// even the narrowest does not fit, metrics become the lines, and at last all becomes a list.
#[must_use]
pub fn scores(runs: &[RunLine<'_>], layout: Layout) -> String {
    let columns = score_columns(runs);
    let rows: Vec<Vec<Cell>> = runs.iter().map(|r| score_row(r, notes::common_k(runs) != Some(1))).collect();
    let table = narrow::table(&columns, &rows, layout)
        .or_else(|| Some(Narrowed::of(turned(&columns, &rows, layout)?)))
        .unwrap_or_else(|| narrow::whole(&columns, &rows, layout));
    let lines = notes::of_scores(runs, &table);
    table.text + &notes::below(&lines, layout)
}

/// Metrics as lines and runs as columns, where that fits: on one line each, else with what surrounds them below.
fn turned(columns: &[(Part, String)], rows: &[Vec<Cell>], layout: Layout) -> Option<Drawn> {
    let Layout::Terminal { width } = layout else { return None };
    let mut lines = columns.iter().enumerate().map(|(at, (_, name))| {
        std::iter::once(Cell::new(name)).chain(rows.iter().filter_map(|r| r.get(at).cloned())).collect()
    });
    let titles: Vec<Cell> = lines.next()?;
    let titles: Vec<String> = titles.into_iter().map(|title| title.text).collect();
    let lines: Vec<Vec<Cell>> = lines.collect();
    let flat: Vec<Vec<String>> = lines.iter().map(|l| l.iter().map(Cell::inline).collect()).collect();
    let any = Layout::Terminal { width: None };
    let drawn = Drawn { text: grid(&titles, &flat, any), stacked: false };
    [drawn, lay_out(&titles, &lines, any)].into_iter().find(|drawn| fits(&drawn.text, width))
}

fn score_columns(runs: &[RunLine<'_>]) -> Vec<(Part, String)> {
    let k = notes::common_k(runs).map_or_else(|| "k".to_owned(), |k| k.to_string());
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

fn score_row(run: &RunLine<'_>, at_k: bool) -> Vec<Cell> {
    let s = run.scores;
    let all = &s.overall;
    let mut row = vec![Cell::new(run.title())];
    for task in [&all.safe, &all.think] {
        row.push(estimate(&task.at_1));
        row.extend(at_k.then(|| estimate(&task.at_k)));
    }
    row.extend(
        Scenario::ALL.map(|sc| s.scenario(sc).map_or_else(|| Cell::new(NONE), |m| estimate(&m.think.at_1))),
    );
    row.push(estimate(&all.ssa));
    row.push(f_score(&s.f));
    row.push(Cell::new(format!("{}/{}", whole(all.safe.at_1.open), whole(all.think.at_1.open))));
    row.push(Cell::new(traces(&s.counts.provenance, s.counts.missing)));
    row
}
