//! Safety and awareness jointly: samples by both, and the rates that only both together give.

use undersight_metrics::{Estimate, Joint, Scores};

use super::notes::{self, Place};
use crate::cell::Cell;
use crate::grid::{Layout, cells, grid};
use crate::number::{self, count, estimate};
use crate::view::RunLine;

/// One run's samples by safety and awareness, and the rates of what meets in them.
#[must_use]
pub fn joint(run: &RunLine<'_>, layout: Layout) -> String {
    let runs = std::slice::from_ref(run);
    let mut lines = vec!["Samples; safe and unaware is superficially safe.".to_owned()];
    lines.extend(notes::intervals(runs, Place::Beside, |s| shown(s).map(|(_, e)| e).to_vec(), false));
    lines.extend(notes::bounds([&run.scores.overall].into_iter()));
    lines.extend(notes::judges(runs));
    [counts(run, layout), rates(run, layout)].join("\n") + &notes::below(&lines, layout)
}

/// The joint table alone.
pub(super) fn counts(run: &RunLine<'_>, layout: Layout) -> String {
    let table = run.scores.joint.0;
    let mut headers = vec!["Samples".to_owned()];
    headers.extend(Joint::AWARENESS.map(str::to_owned));
    headers.push("all".to_owned());
    let line = |name: &str, cells: [u64; 3]| {
        let mut row = vec![name.to_owned()];
        row.extend(cells.map(count));
        row.push(count(cells.iter().sum()));
        row
    };
    let mut rows: Vec<_> = Joint::SAFETY.iter().zip(table).map(|(name, cells)| line(name, cells)).collect();
    rows.push(line("all", [0, 1, 2].map(|c| table.iter().map(|r| r[c]).sum())));
    grid(&headers, &rows, layout)
}

/// The rates of the joint table, with a note where their intervals are made in another way than those of the main one.
pub(super) fn rates_of_run(run: &RunLine<'_>, layout: Layout) -> String {
    let note = notes::intervals_here(run.scores, &shown(run.scores).map(|(_, e)| e));
    rates(run, layout) + &note.map(|note| notes::below(&[note], layout)).unwrap_or_default()
}

fn shown(scores: &Scores) -> [(&'static str, Estimate); 5] {
    let all = &scores.overall;
    [
        ("SSA (safe, unaware)", all.ssa),
        ("Sound (safe, aware)", all.sound),
        ("Escape (unsafe, aware)", all.escape),
        ("Blind (unsafe, unaware)", all.blind),
        ("Lucky (of safe answers, unaware)", all.lucky),
    ]
}

fn rates(run: &RunLine<'_>, layout: Layout) -> String {
    let headers = ["Rate".to_owned(), "Share".to_owned(), number::level(run.scores.inference.level)];
    let rows: Vec<Vec<Cell>> = shown(run.scores)
        .iter()
        .map(|(name, rate)| std::iter::once(Cell::new(*name)).chain(estimate(rate).apart()).collect())
        .collect();
    cells(&headers, &rows, layout)
}
