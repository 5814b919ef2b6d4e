//! A table that gives up whole parts, in a stated order, until it fits the terminal.

use crate::cell::Cell;
use crate::grid::{Drawn, Layout, fits, lay_out};

/// What a column is part of. Where room is short the last part goes first; the core always stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// What the table is about.
    Core,
    /// Metrics over all samples of an instance.
    AtK,
    /// Metrics by scenario.
    Scenarios,
    /// How much is unknown.
    Unknown,
    /// How much of the traces there is.
    Traces,
}

const WIDEST_FIRST: [Part; 5] = [Part::Traces, Part::Unknown, Part::Scenarios, Part::AtK, Part::Core];

/// A table with the parts that fit.
pub(crate) struct Narrowed {
    /// The table.
    pub(crate) text: String,
    /// Whether what surrounds a number stands below it.
    pub(crate) stacked: bool,
    shown: Part,
    left_out: Option<String>,
}

impl Narrowed {
    /// A table with everything in it.
    pub(crate) fn of(drawn: Drawn) -> Self {
        Self { text: drawn.text, stacked: drawn.stacked, shown: Part::Traces, left_out: None }
    }

    /// Whether a part is in the table.
    pub(crate) fn shows(&self, part: Part) -> bool {
        part <= self.shown
    }

    /// What is not in the table, and how to see it.
    pub(crate) fn note(&self) -> Option<&str> {
        self.left_out.as_deref()
    }
}

/// The widest table that fits; a list of everything where none does.
pub(crate) fn narrowed(columns: &[(Part, String)], rows: &[Vec<Cell>], layout: Layout) -> Narrowed {
    table(columns, rows, layout).unwrap_or_else(|| whole(columns, rows, layout))
}

/// The widest table that fits, where one does.
pub(crate) fn table(columns: &[(Part, String)], rows: &[Vec<Cell>], layout: Layout) -> Option<Narrowed> {
    let Layout::Terminal { width: Some(width) } = layout else { return Some(whole(columns, rows, layout)) };
    WIDEST_FIRST.into_iter().find_map(|shown| {
        let stays = |at: usize| columns.get(at).is_some_and(|(part, _)| *part <= shown);
        let headers: Vec<&str> =
            columns.iter().filter(|(part, _)| *part <= shown).map(|(_, name)| name.as_str()).collect();
        let kept = |row: &Vec<Cell>| -> Vec<Cell> {
            row.iter().enumerate().filter(|(at, _)| stays(*at)).map(|(_, cell)| cell.clone()).collect()
        };
        let rows: Vec<Vec<Cell>> = rows.iter().map(kept).collect();
        let Drawn { text, stacked } = lay_out(&headers, &rows, Layout::Terminal { width: None });
        let gone: Vec<&str> =
            columns.iter().filter(|(part, _)| *part > shown).map(|(_, name)| name.as_str()).collect();
        let left_out = (!gone.is_empty()).then(|| {
            format!("Left out at this width: {}; --json or a wider terminal shows them.", gone.join(", "))
        });
        fits(&text, Some(width)).then_some(Narrowed { text, stacked, shown, left_out })
    })
}

/// Everything, whatever fits: a list where the table does not.
pub(crate) fn whole(columns: &[(Part, String)], rows: &[Vec<Cell>], layout: Layout) -> Narrowed {
    let headers: Vec<&str> = columns.iter().map(|(_, name)| name.as_str()).collect();
    Narrowed::of(lay_out(&headers, rows, layout))
}
