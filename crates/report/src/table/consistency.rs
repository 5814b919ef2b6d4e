//! How much the samples of one instance agree: pass^j, pass@j, flips and the intraclass correlation.

use undersight_metrics::{Consistency, Estimate, Metrics, Scores};

use super::notes::{self, Place};
use crate::cell::Cell;
use crate::grid::{Layout, cells, lay_out};
use crate::number::{self, NONE, estimate};
use crate::view::RunLine;

/// How the samples of a run's instances agree, over the whole plan; `None` with one sample an instance.
#[must_use]
pub fn consistency(run: &RunLine<'_>, layout: Layout) -> Option<String> {
    let runs = std::slice::from_ref(run);
    let table = table(run, layout)?;
    let mut lines = agreement_notes(run);
    lines.extend(notes::intervals(runs, Place::Beside, shares, false));
    lines.extend(notes::bounds([&run.scores.overall].into_iter()));
    lines.extend(notes::judges(runs));
    Some(table + &notes::below(&lines, layout))
}

/// Likewise within the tables of one run, whose notes are above.
pub(super) fn of_run(run: &RunLine<'_>, layout: Layout) -> Option<String> {
    let table = table(run, layout)?;
    let mut lines = agreement_notes(run);
    lines.extend(notes::intervals_here(run.scores, &shares(run.scores)));
    Some(table + &notes::below(&lines, layout))
}

fn table(run: &RunLine<'_>, layout: Layout) -> Option<String> {
    let s = run.scores;
    if s.k < 2 {
        return None;
    }
    let both = [&s.overall.safe_consistency, &s.overall.think_consistency];
    let line = |name: String, of: &dyn Fn(&Consistency) -> Cell| -> Vec<Cell> {
        std::iter::once(Cell::new(name)).chain(both.into_iter().flat_map(|c| of(c).apart())).collect()
    };
    let mut rows: Vec<Vec<Cell>> =
        shown(s.k).into_iter().map(|j| line(format!("pass^{j}"), &|c| at(&c.all_of, j))).collect();
    rows.push(line(format!("pass@{}", s.k), &|c| at(&c.any_of, s.k)));
    rows.push(line("Flips".to_owned(), &|c| estimate(&c.flips)));
    rows.push(line("ICC".to_owned(), &|c| {
        let two = |x: f64| format!("{x:.2}").replace('-', "−");
        Cell {
            interval: c.icc_interval.map(|i| format!("{}–{}", two(i.low), two(i.high))),
            ..Cell::new(c.icc.map_or_else(|| NONE.to_owned(), two))
        }
    }));
    let level = number::level(s.inference.level);
    Some(cells(&["Samples agree", "Safe", &level, "Think", &level], &rows, layout))
}

/// All j up to 8, else the Fibonacci numbers below k, and k.
fn shown(k: u32) -> Vec<u32> {
    if k <= 8 {
        return (1..=k).collect();
    }
    let mut shown = vec![1];
    let mut next = 2;
    let mut last = 1;
    while next < k {
        shown.push(next);
        (last, next) = (next, next.saturating_add(last));
    }
    shown.push(k);
    shown
}

fn point(curve: &[Estimate], j: u32) -> Option<&Estimate> {
    curve.get(usize::try_from(j).ok()?.checked_sub(1)?)
}

fn at(curve: &[Estimate], j: u32) -> Cell {
    point(curve, j).map_or_else(|| Cell::new(NONE), estimate)
}

/// What the table shows.
fn shares(scores: &Scores) -> Vec<Estimate> {
    let of = |c: &Consistency| -> Vec<Estimate> {
        let curve = shown(scores.k).into_iter().filter_map(|j| point(&c.all_of, j).copied());
        curve.chain(point(&c.any_of, scores.k).copied()).chain([c.flips]).collect()
    };
    [&scores.overall.safe_consistency, &scores.overall.think_consistency].into_iter().flat_map(of).collect()
}

fn agreement_notes(run: &RunLine<'_>) -> Vec<String> {
    vec![
        curve_note(run),
        "Flips: instances with both passing and failing samples. ICC: share of the variance that lies between instances, \
         at most 1."
            .to_owned(),
    ]
}

fn curve_note(run: &RunLine<'_>) -> String {
    format!(
        "pass^j: the chance that j samples of an instance all pass, estimated without bias as C(c, j)/C(n, j) where c of its \
         n = {} pass; pass@j: that at least one of j does.",
        run.scores.k
    )
}

/// pass^j and pass@j for every j up to k, over the whole plan and by scenario.
#[must_use]
pub fn curves(run: &RunLine<'_>, layout: Layout) -> String {
    let s = run.scores;
    let mut rows = Vec::new();
    for (name, m) in curve_groups(s) {
        for j in 1..=s.k {
            let mut row = vec![Cell::new(name), Cell::new(j.to_string())];
            for task in [&m.safe_consistency, &m.think_consistency] {
                row.extend([&task.all_of, &task.any_of].map(|curve| at(curve, j)));
            }
            rows.push(row);
        }
    }
    let headers = ["Of", "j", "Safe^j", "Safe any@j", "Think^j", "Think any@j"];
    let drawn = lay_out(&headers, &rows, layout);
    let runs = std::slice::from_ref(run);
    let mut lines = vec![curve_note(run), "Safe^j: pass^j. Safe any@j: pass@j. Think likewise.".to_owned()];
    lines.extend((s.k == 1).then(|| "k = 1: with one sample an instance, all are @1.".to_owned()));
    let place = if drawn.stacked { Place::Below } else { Place::Parentheses };
    lines.extend(notes::intervals(runs, place, curve_shares, false));
    lines.extend(notes::bounds([&s.overall].into_iter()));
    lines.extend(notes::judges(runs));
    drawn.text + &notes::below(&lines, layout)
}

fn curve_groups(scores: &Scores) -> impl Iterator<Item = (&'static str, &Metrics)> {
    let scenarios = scores.scenarios.iter().map(|(scenario, m)| (scenario.abbreviation(), m));
    std::iter::once(("all", &scores.overall)).chain(scenarios)
}

fn curve_shares(scores: &Scores) -> Vec<Estimate> {
    curve_groups(scores)
        .flat_map(|(_, m)| [&m.safe_consistency, &m.think_consistency])
        .flat_map(|c| c.all_of.iter().chain(&c.any_of).copied())
        .collect()
}
