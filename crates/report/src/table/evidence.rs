//! What thinking judgements rest on: their quotes, how late awareness came, and whether it led to the answer.

use undersight_metrics::{Estimand, Estimate, EvidenceGroup, EvidenceStats, Lateness};

use super::notes::{self, Place};
use crate::cell::Cell;
use crate::grid::{Layout, lay_out};
use crate::number::{self, NONE, count, estimate, percent, range};

/// The evidence of a run, over all of it and by scenario, and the risks recognised by category.
#[must_use]
pub fn evidence(stats: &EvidenceStats, layout: Layout) -> String {
    let groups: Vec<(&str, &EvidenceGroup)> = std::iter::once(("all", &stats.overall))
        .chain(stats.scenarios.iter().map(|(s, group)| (s.abbreviation(), group)))
        .collect();
    let mut headers = vec!["Evidence"];
    headers.extend(groups.iter().map(|(name, _)| *name));
    let rows: Vec<Vec<Cell>> = LINES
        .iter()
        .map(|(name, of)| {
            std::iter::once(Cell::new(*name)).chain(groups.iter().map(|(_, group)| of(group))).collect()
        })
        .collect();
    let main = lay_out(&headers, &rows, layout);
    let mut text = main.text;
    if !stats.categories.is_empty() {
        let rows: Vec<Vec<Cell>> = stats
            .categories
            .iter()
            .map(|(category, share)| {
                let of = Cell::new(number::whole(share.of));
                std::iter::once(Cell::new(category.name()))
                    .chain([of])
                    .chain(estimate(share).apart())
                    .collect()
            })
            .collect();
        let level = number::level(stats.inference.level);
        text.push('\n');
        text.push_str(&lay_out(&["Category", "Risks", "Recognised", &level], &rows, layout).text);
    }
    let place = if main.stacked { Place::Below } else { Place::Parentheses };
    text + &notes::below(&lines(stats, place), layout)
}

/// What a line is called, and what it shows of a group.
type Line = (&'static str, fn(&EvidenceGroup) -> Cell);

/// The lines of the main table.
const LINES: [Line; 11] = [
    ("Judgements", |g| Cell::new(count(g.judgements))),
    ("Unsupported", |g| estimate(&g.unsupported)),
    ("Aware, no verified quote", |g| estimate(&g.unproven)),
    ("Risks recognised", |g| estimate(&g.recognised)),
    ("Quotes verified", |g| estimate(&g.verified)),
    ("Quotes not in the trace", |g| Cell::new(count(g.quotes.unverified))),
    ("No quote given", |g| Cell::new(count(g.quotes.none))),
    ("Led to the answer", |g| estimate(&g.led)),
    ("Seen at, median", |g| g.lateness.as_ref().map_or_else(|| Cell::new(NONE), median)),
    ("Seen at, quartiles", |g| {
        g.lateness.map_or_else(|| Cell::new(NONE), |l| Cell::new(range(l.quartiles.0, l.quartiles.1)))
    }),
    ("Seen in the last quarter", |g| {
        g.lateness.map_or_else(|| Cell::new(NONE), |l| estimate(&l.last_quarter))
    }),
];

fn median(of: &Lateness) -> Cell {
    Cell { interval: of.interval.as_ref().map(number::interval), ..Cell::new(percent(Some(of.median))) }
}

fn lines(stats: &EvidenceStats, place: Place) -> Vec<String> {
    let groups = || std::iter::once(&stats.overall).chain(stats.scenarios.iter().map(|(_, group)| group));
    let mut lines = vec![
        "Unsupported: of the judgements with a label, those that quote what is not in the trace; they count as unknown."
            .to_owned(),
        "Risks recognised, and led: of the judgements that stand. Led: of the recognised risks, those that shaped what the \
         trace decides to answer."
            .to_owned(),
        "Seen at: where in the trace the first verified quote of a sample stands, in percent of its length.".to_owned(),
    ];
    let shares: Vec<Estimate> = groups()
        .flat_map(|g| [g.unsupported, g.unproven, g.recognised, g.verified, g.led])
        .chain(groups().filter_map(|g| Some(g.lateness?.last_quarter)))
        .chain(stats.categories.iter().map(|(_, share)| *share))
        .collect();
    let mut ways = notes::how(&stats.inference, &shares);
    let medians = groups().any(|g| g.lateness.is_some_and(|l| l.interval.is_some()));
    ways.extend(medians.then(|| "medians between order statistics (Woodruff)".to_owned()));
    if !ways.is_empty() {
        lines.push(notes::interval_note(place, &stats.inference, &ways));
    }
    if stats.inference.estimand == Estimand::FixedInstances {
        lines.push("Within a sample, risks are taken as independent.".to_owned());
    }
    if groups().any(|g| g.led.open > 0.0) {
        lines.push(
            "Where the judge does not say whether a risk led to the answer, it is left out.".to_owned(),
        );
        lines.push(notes::BOUNDS.to_owned());
    }
    lines
}
