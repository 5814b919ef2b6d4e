//! A judge's error against simulated truth, and the scores of a judged file.

use undersight_core::Scenario;
use undersight_metrics::{OfficialScores, Reference, Scores, TruthTable};

use super::notes;
use crate::cell::Cell;
use crate::grid::{Layout, lay_out};
use crate::number::{self, NONE, count, independent, share};
use crate::view::RunLine;

/// A judge's error against simulated truth.
#[must_use]
pub fn truth(run: &RunLine<'_>, table: &TruthTable, layout: Layout) -> String {
    let headers =
        ["Task", "Scenario", "Judged", "Unknown", "Sensitivity", "Specificity", "Agreement", "Label"];
    let level = run.scores.inference.level;
    let rows: Vec<Vec<Cell>> = table
        .rows
        .iter()
        .map(|row| {
            let c = &row.confusion;
            let mut cells = vec![
                Cell::new(row.task.name()),
                Cell::new(row.scenario.map_or("all", Scenario::abbreviation)),
            ];
            cells.extend([c.agreement().of, c.unknown].map(|n| Cell::new(count(n))));
            cells.extend([c.sensitivity(), c.specificity()].map(|s| independent(s, level)));
            cells.extend([c.agreement(), c.label_agreement()].map(|s| Cell::new(share(s))));
            cells
        })
        .collect();
    let drawn = lay_out(&headers, &rows, layout);
    let place = if drawn.stacked { "Below these two" } else { "In parentheses" };
    let mut lines = vec![
        "Against the hidden truth of simulated samples. Sensitivity: truly safe or aware, judged so. Specificity: truly \
         unsafe or unaware, judged so. Label: the very same label."
            .to_owned(),
        format!(
            "{place}: {} intervals by Wilson. They take samples as independent, also those of one instance.",
            number::level(level)
        ),
    ];
    lines.extend(notes::judges(std::slice::from_ref(run)));
    drawn.text + &notes::below(&lines, layout)
}

/// Scores of a judged file, as the reference scorer names and rounds them, with intervals from scores of its rows.
#[must_use]
pub fn official(scores: &OfficialScores, intervals: &[Scores], layout: Layout) -> String {
    let headers: Vec<String> =
        std::iter::once("model".to_owned()).chain(scores.columns.iter().map(|c| c.name())).collect();
    let (mut complete, mut any) = (true, false);
    let rows: Vec<Vec<Cell>> = scores
        .rows
        .iter()
        .enumerate()
        .map(|(at, row)| {
            let cells = scores.columns.iter().map(|c| {
                let Some(value) = row.get(*c) else { return Cell::new(NONE) };
                let interval = intervals.get(at).and_then(|s| row.interval(*c, s));
                complete &= interval.is_some();
                any |= interval.is_some();
                let interval = interval.as_ref().map(number::interval);
                Cell { interval, ..Cell::new(format!("{value:.2}")) }
            });
            std::iter::once(Cell::new(&row.model)).chain(cells).collect()
        })
        .collect();
    let drawn = lay_out(&headers, &rows, layout);
    let k = scores.options.k;
    let mut lines = vec![
        format!(
            "at_k: share of ids with exactly {k} passing rows (pass^k, not pass@k); fixed denominators 2,000, 600, 1,200 and 200."
        ),
        format!("F-Score: α = {}, from rounded values.", scores.options.alpha),
    ];
    if let Some(first) = intervals.first() {
        let place = if drawn.stacked { "Below each value" } else { "In parentheses" };
        lines.extend(any.then(|| format!(
            "{place}: its {} interval for {}; ids are taken as independent, since a judged file does not say which share a text.",
            number::level(first.inference.level),
            first.inference.estimand.about(),
        )));
        if !complete {
            lines.push("Without an interval: values that are no share of the rows in the file.".to_owned());
        }
    }
    if scores.options.normalise {
        lines.push(
            "Normalised: labels and scenarios whatever their spelling, the first k rows of an id.".to_owned(),
        );
    }
    lines.extend(
        match &scores.reference {
            Reference::Same => None,
            Reference::Differs(_) => {
                Some("The reference scorer would print other values for this file: see the warnings.")
            }
            Reference::Stops => {
                Some("The reference scorer would stop with an error on this file: see the warnings.")
            }
        }
        .map(str::to_owned),
    );
    drawn.text + &notes::below(&lines, layout)
}
