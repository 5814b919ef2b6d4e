//! Published figures as reference rows beside one's own: a table, what cannot be right in them, and JSON.

mod documents;
mod findings;

use undersight_core::Scenario;
use undersight_metrics::published::{
    Figure, Finding, PublishedRow, Recomputed, Table, embedded, recompute, title,
};
use undersight_metrics::{Alpha, At, Column, Level};

use crate::cell::Cell;
use crate::compare::with_marks;
use crate::grid::Layout;
use crate::narrow::{Part, narrowed};
use crate::number::{NONE, level, range};
use crate::table::notes;

pub use documents::json;
pub use findings::Shown;

/// Stands behind the name of whatever was published and not measured here.
const MARK: char = '°';

/// A published row with what can be worked out from it.
#[derive(Debug, Clone)]
struct Line<'a> {
    /// As printed.
    row: &'a PublishedRow,
    /// What follows, the F-score at the α asked for.
    recomputed: Recomputed,
}

impl Line<'_> {
    /// The model with its arm and decoding settings, marked as published.
    fn title(&self) -> String {
        with_marks(&self.row.label(), [MARK])
    }

    fn figure(&self, column: Column) -> Cell {
        let Some(figure) = self.row.figure(column) else { return Cell::new(NONE) };
        let interval = self.recomputed.intervals.iter().find(|(c, _)| *c == column);
        let interval = interval.map(|(_, r)| range(r.low / 100.0, r.high / 100.0));
        Cell { text: figure.to_string(), interval, bounds: None }
    }

    /// What stands in a column of the table, where anything does.
    fn cell(&self, shown: Shows) -> Cell {
        let text = |text: Option<String>| Cell::new(text.unwrap_or_else(|| NONE.to_owned()));
        match shown {
            Shows::Name => Cell::new(self.title()),
            Shows::K => text(self.row.samples().map(|k| k.to_string())),
            Shows::Printed(column) => self.figure(column),
            Shows::F => text(self.recomputed.f.map(|f| format!("{:.2}", f.value))),
            Shows::ImpliedAlpha => text(self.recomputed.implied_alpha.map(|a| format!("{:.3}", a.value))),
        }
    }
}

/// What a column shows.
#[derive(Debug, Clone, Copy)]
enum Shows {
    Name,
    K,
    Printed(Column),
    F,
    ImpliedAlpha,
}

/// The columns of a table of figures, in order.
fn columns() -> Vec<(Part, Shows)> {
    let mut columns = vec![(Part::Core, Shows::Name), (Part::AtK, Shows::K)];
    for of in [Column::Answer, Column::Think] {
        columns
            .extend([(Part::Core, At::One), (Part::AtK, At::K)].map(|(p, at)| (p, Shows::Printed(of(at)))));
    }
    let scenarios = Scenario::ALL.map(|s| Shows::Printed(Column::Scenario(s, At::One)));
    columns.extend(scenarios.map(|shows| (Part::Scenarios, shows)));
    columns.extend([Shows::Printed(Column::FScore), Shows::F, Shows::ImpliedAlpha].map(|s| (Part::Core, s)));
    columns
}

fn header(shown: Shows, table: &Table) -> String {
    match shown {
        Shows::Name => table.name.clone(),
        Shows::K => "k".to_owned(),
        Shows::Printed(Column::FScore) => "F".to_owned(),
        Shows::Printed(column) => title(column).to_owned(),
        Shows::F => "F at α".to_owned(),
        Shows::ImpliedAlpha => "Implied α".to_owned(),
    }
}

fn lines(table: &Table, alpha: Alpha) -> impl Iterator<Item = Line<'_>> {
    table.rows.iter().map(move |row| Line { row, recomputed: recompute(row, alpha) })
}

/// Published tables one after the other, every row marked, then what was found in them by rule, with notes.
#[must_use]
pub fn table(tables: &[Table], findings: &[Finding], alpha: Alpha, shown: Shown, layout: Layout) -> String {
    let mut parts = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    let mut stacked = true;
    for table in tables {
        let drawn = figures(table, alpha, layout);
        stacked &= drawn.stacked;
        lines.extend(drawn.note().map(str::to_owned).filter(|note| !lines.contains(note)));
        parts.push(drawn.text);
    }
    lines.extend(reading(tables, alpha, if stacked { "Below each value" } else { "In parentheses" }));
    parts.push(notes::below(&lines, layout).trim_start_matches('\n').to_owned());
    parts.push(findings::list(findings, shown, layout));
    parts.join("\n")
}

fn figures(table: &Table, alpha: Alpha, layout: Layout) -> crate::narrow::Narrowed {
    let lines: Vec<Line<'_>> = lines(table, alpha).collect();
    // What no row has would be a column of dashes.
    let columns: Vec<(Part, Shows)> = columns()
        .into_iter()
        .filter(|(_, shows)| lines.iter().any(|line| line.cell(*shows).text != NONE))
        .collect();
    let rows: Vec<Vec<Cell>> =
        lines.iter().map(|line| columns.iter().map(|(_, shows)| line.cell(*shows)).collect()).collect();
    let headers: Vec<(Part, String)> =
        columns.iter().map(|(part, shows)| (*part, header(*shows, table))).collect();
    narrowed(&headers, &rows, layout)
}

fn reading(tables: &[Table], alpha: Alpha, place: &str) -> Vec<String> {
    vec![
        format!("{MARK} {}.", provenance(tables)),
        format!(
            "{place}: {} intervals. They are conservative: Wilson on the number of instances, as if the samples of one were \
             copies of each other.",
            level(Level::DEFAULT)
        ),
        "@k: share of instances whose k samples all pass (pass^k, not pass@k); it does not compare across k. OS, CS, RO: \
         Think by scenario."
            .to_owned(),
        format!(
            "F: as printed. F at α: from the printed Think@1 and Safe@1 with α = {alpha}, so that rows compare. Implied α: the \
             one F was printed with."
        ),
    ]
}

/// What published figures are, and where from, which is known of those that come with the program.
fn provenance(tables: &[Table]) -> String {
    let what = "published figures, not measured here";
    let ours = embedded();
    if tables.iter().all(|table| ours.contains(table)) {
        format!("{what}: project page of BSA, 2025")
    } else {
        what.to_owned()
    }
}

/// A printed percentage as a share, the nearest number to its digits.
fn share(figure: Figure) -> Option<f64> {
    format!("{figure}e-2").parse().ok()
}
