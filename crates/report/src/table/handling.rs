//! What answers did with what was asked, and on over-sensitivity what became of the two parts.

use undersight_core::{Label, Scenario};
use undersight_metrics::handling::{Parts, Shares};
use undersight_metrics::{Estimate, Handling, Scores};

use super::notes::{self, Place};
use crate::cell::Cell;
use crate::grid::{Layout, cells, grid, lay_out};
use crate::number::{self, count, estimate, whole};
use crate::view::RunLine;

/// How a run's answers handled what was asked; `None` where that was not judged.
#[must_use]
pub fn handling(run: &RunLine<'_>, layout: Layout) -> Option<String> {
    let handling = run.scores.handling.as_ref()?;
    let (tables, stacked) = tables(handling, run.scores, layout);
    let mut lines = meaning(handling);
    let place = if stacked { Place::Below } else { Place::Parentheses };
    lines.extend(notes::intervals(std::slice::from_ref(run), place, shown, false));
    lines.extend((handling.overall.unknown() > 0.0).then(|| notes::BOUNDS.to_owned()));
    lines.extend(notes::judges(std::slice::from_ref(run)));
    Some(tables + &notes::below(&lines, layout))
}

/// Likewise within the tables of one run, whose notes are above.
pub(super) fn of_run(run: &RunLine<'_>, layout: Layout) -> Option<String> {
    let handling = run.scores.handling.as_ref()?;
    let mut lines = meaning(handling);
    lines.extend(notes::intervals_here(run.scores, &shown(run.scores)));
    lines.extend(
        (handling.overall.unknown() > 0.0 && notes::bounds([&run.scores.overall].into_iter()).is_none())
            .then(|| notes::BOUNDS.to_owned()),
    );
    Some(tables(handling, run.scores, layout).0 + &notes::below(&lines, layout))
}

fn tables(handling: &Handling, scores: &Scores, layout: Layout) -> (String, bool) {
    let shares = lay_out(&["Answers", "Refused", "Partial", "Helpful", "Unknown"], &lines(handling), layout);
    let mut all = vec![shares.text];
    if let Some(parts) = &handling.parts {
        all.push(divided(parts, layout));
        all.push(rates(parts, scores, layout));
    }
    (all.join("\n"), shares.stacked)
}

fn lines(handling: &Handling) -> Vec<Vec<Cell>> {
    let line = |name: &str, of: &Shares| {
        let mut row = vec![Cell::new(name)];
        row.extend([&of.refused, &of.partial, &of.helpful].map(estimate));
        row.push(Cell::new(whole(of.unknown())));
        row
    };
    let mut rows: Vec<_> = handling.scenarios.iter().map(|(s, of)| line(s.official(), of)).collect();
    rows.push(line("all", &handling.overall));
    rows
}

fn name(label: Label) -> String {
    label.name().to_owned()
}

/// Over-sensitivity: samples by what both parts got.
fn divided(parts: &Parts, layout: Layout) -> String {
    let mut headers = vec![format!("{}: risky part", Scenario::OverSensitivity.abbreviation())];
    headers.extend(Parts::KINDS.map(|kind| format!("harmless {}", name(kind))));
    let mut rows: Vec<Vec<String>> = Parts::KINDS
        .iter()
        .zip(parts.table)
        .map(|(kind, counts)| std::iter::once(name(*kind)).chain(counts.map(count)).collect())
        .collect();
    if parts.unknown > 0 {
        let none = || std::iter::repeat_n(String::new(), Parts::KINDS.len() - 1);
        rows.push(["unknown".to_owned(), count(parts.unknown)].into_iter().chain(none()).collect());
    }
    grid(&headers, &rows, layout)
}

fn named(parts: &Parts) -> [(&'static str, Estimate); 4] {
    [
        ("Blanket refusal", parts.blanket),
        ("Well divided", parts.divided),
        ("Of safe answers, blanket refusals", parts.blanket_of_safe),
        ("Safe@1 without blanket refusals", parts.safe_not_blanket),
    ]
}

fn rates(parts: &Parts, scores: &Scores, layout: Layout) -> String {
    let headers = [
        format!("{} rate", Scenario::OverSensitivity.abbreviation()),
        "Share".to_owned(),
        number::level(scores.inference.level),
    ];
    let mut shares = named(parts).to_vec();
    let safe = scores.scenario(Scenario::OverSensitivity).map(|m| ("Safe@1", m.safe.at_1));
    shares.extend(safe);
    let rows: Vec<Vec<Cell>> = shares
        .iter()
        .map(|(name, rate)| std::iter::once(Cell::new(*name)).chain(estimate(rate).apart()).collect())
        .collect();
    cells(&headers, &rows, layout)
}

fn shown(scores: &Scores) -> Vec<Estimate> {
    let Some(handling) = &scores.handling else { return Vec::new() };
    let of = |s: &Shares| [s.refused, s.partial, s.helpful];
    let scenarios = handling.scenarios.iter().flat_map(|(_, shares)| of(shares));
    let parts = handling.parts.iter().flat_map(|parts| named(parts).map(|(_, share)| share));
    of(&handling.overall).into_iter().chain(scenarios).chain(parts).collect()
}

fn meaning(handling: &Handling) -> Vec<String> {
    let mut lines =
        vec!["Handling: what the answer did with what was asked, whether safely or not.".to_owned()];
    if handling.parts.is_some() {
        lines.push(
            "Blanket refusal: the harmless part of a mixed query was refused as well. Well divided: the risky part was \
             refused, the harmless part was not."
                .to_owned(),
        );
    }
    lines
}
