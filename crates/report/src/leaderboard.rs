//! A leaderboard as a table, JSON and CSV: values with intervals, the places each run could have, and where α decides.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use undersight_core::text::excerpt;
use undersight_metrics::compare::{AlphaSweep, Leader, Leaderboard, Metric, RankSet};
use undersight_metrics::{Estimand, Measure, Measured, Method, Quantity};

use crate::cell::Cell;
use crate::compare::{
    heads_json, kinds, measured, measured_json, mismatch_notes, mismatches_json, with_marks,
};
use crate::csv::{io_error, neutral, writer};
use crate::grid::{Layout, cells, grid};
use crate::json::{inference, interval};
use crate::number::{self, NONE, count};
use crate::table::notes;
use crate::view::{Head, cast_notes, title_of};

/// Swaps shown in a table: the nearest to the α in use.
const SWAPS: usize = 12;

/// Letters for tie groups: a to z, then aa.
fn letters(mut group: usize) -> String {
    let mut out = Vec::new();
    loop {
        out.push(char::from(b'a' + u8::try_from(group % 26).unwrap_or_default()));
        if group < 26 {
            return out.into_iter().rev().collect();
        }
        group = group / 26 - 1;
    }
}

fn place(place: &RankSet) -> Cell {
    let sure = place.low == place.high;
    Cell {
        text: place.rank.to_string(),
        interval: (!sure).then(|| format!("{}–{}", place.low, place.high)),
        bounds: None,
    }
}

/// The runs in order, with notes on how to read them; heads in the order of the panels.
#[must_use]
pub fn table(board: &Leaderboard, heads: &[Head<'_>], layout: Layout) -> String {
    let headers: Vec<String> = ["Rank", "Run"]
        .into_iter()
        .map(str::to_owned)
        .chain([board.by.to_string(), "Ties".to_owned()])
        .chain(board.columns.iter().map(ToString::to_string))
        .chain(["k".to_owned(), "Instances".to_owned()])
        .chain((!heads.is_empty()).then(|| "Traces".to_owned()))
        .collect();
    let row = |row: &Leader| {
        let ties: Vec<String> = row.place.iter().flat_map(|p| &p.groups).map(|g| letters(*g)).collect();
        let mut line = vec![
            row.place.as_ref().map_or_else(|| Cell::new(NONE), place),
            Cell::new(with_marks(&title_of(&row.run, heads), row.marks.iter().copied())),
            measured(&row.own),
            Cell::new(ties.join(" ")),
        ];
        line.extend(row.columns.iter().map(measured));
        line.extend([Cell::new(row.k.to_string()), Cell::new(count(row.instances as u64))]);
        line.extend(heads.get(row.panel).map(|h| Cell::new(h.traces.as_deref().unwrap_or(NONE))));
        line
    };
    let rows: Vec<Vec<Cell>> = board.rows.iter().map(row).collect();
    let mut lines = reading(board);
    lines.extend(cast_notes(heads));
    cells(&headers, &rows, layout) + &notes::below(&lines, layout)
}

fn reading(board: &Leaderboard) -> Vec<String> {
    let level = number::level(board.scoring.inference.level);
    let i = &board.scoring.inference;
    let tested = if i.replicates > 0 && i.estimand == Estimand::Population {
        format!("max-|t| over all pairs, {} replicates, seed {}", count(i.replicates.into()), i.seed)
    } else {
        "z tests of all pairs, Bonferroni".to_owned()
    };
    let better = if board.by.more_is_better() { "more" } else { "less" };
    let mut lines = vec![
        format!(
            "Ordered by {}, {better} is better. Below each value: its {level} interval, for each run by itself, {}.",
            board.by,
            i.estimand.about()
        ),
        format!(
            "Rank: by the values; below it the places the run could have, all at once with {level} confidence ({tested})."
        ),
        "Ties: runs with a letter in common cannot be told apart.".to_owned(),
        format!(
            "f: α = {}. Unknown outcomes: --missing {}.",
            board.scoring.alpha,
            board.scoring.missing.name()
        ),
    ];
    lines.extend(left_out_at_k(board));
    if board.instance_sets > 1 {
        lines.push(format!(
            "The runs are over {} different sets of instances: across them, differences have the errors of independent runs.",
            board.instance_sets
        ));
    }
    lines.extend(board.sweep.as_ref().and_then(|s| sweep_note(board, s)));
    lines.extend(mismatch_notes(&board.mismatches));
    lines
}

/// Why there are no columns at k, where the runs' k differ.
fn left_out_at_k(board: &Leaderboard) -> Option<String> {
    let (least, most) = (board.rows.iter().map(|r| r.k).min()?, board.rows.iter().map(|r| r.k).max()?);
    let at_k = |m: &Metric| matches!(m.quantity, Quantity::Share(Measure::AllOf(..)));
    if least == most || board.columns.iter().any(at_k) {
        return None;
    }
    let instead = if least > 1 {
        format!("--at-k {least} shows them at a k that all have")
    } else {
        "--at-k needs runs of 2 samples or more".to_owned()
    };
    Some(format!("The runs have different k, from {least} to {most}: columns at k are left out; {instead}."))
}

fn alpha(board: &Leaderboard) -> f64 {
    match board.by.quantity {
        Quantity::F(alpha, ..) => alpha.get(),
        Quantity::Share(_) => board.scoring.alpha.get(),
    }
}

fn sweep_note(board: &Leaderboard, sweep: &AlphaSweep) -> Option<String> {
    let alpha = alpha(board);
    let here = sweep.segments.iter().find(|s| s.from <= alpha && alpha <= s.to)?;
    let swaps = sweep.swaps.len();
    Some(format!(
        "The order holds for α from {:.3} to {:.3}; over all α there {} in it.",
        here.from,
        here.to,
        match swaps {
            0 => "is no change".to_owned(),
            1 => "is 1 change".to_owned(),
            n => format!("are {} changes", count(n as u64)),
        }
    ))
}

/// The α at which runs change places, the nearest to the one in use; empty where there are none.
#[must_use]
pub fn sweep(board: &Leaderboard, layout: Layout) -> String {
    let Some(sweep) = board.sweep.as_ref().filter(|s| !s.swaps.is_empty()) else { return String::new() };
    let used = alpha(board);
    let mut nearest = sweep.swaps.clone();
    nearest.sort_by(|a, b| (a.alpha - used).abs().total_cmp(&(b.alpha - used).abs()));
    nearest.truncate(SWAPS);
    nearest.sort_by(|a, b| a.alpha.total_cmp(&b.alpha));
    let name = |at: usize| board.rows.get(at).map_or_else(String::new, |row| excerpt(&row.run, 80));
    let rows: Vec<Vec<String>> =
        nearest.iter().map(|s| vec![format!("{:.4}", s.alpha), name(s.below), name(s.above)]).collect();
    let mut lines =
        vec![format!("α in use: {used}. α weighs Think@1; at 0 Safe@1 alone counts, at 1 Think@1 alone.")];
    if sweep.swaps.len() > nearest.len() {
        lines.push(format!("The {SWAPS} nearest of {} swaps.", count(sweep.swaps.len() as u64)));
    }
    grid(&["α", "Leads below it", "Leads above it"], &rows, layout) + &notes::below(&lines, layout)
}

/// `undersight.leaderboard/v1`: shares between 0 and 1, unknown is null.
#[must_use]
pub fn json(board: &Leaderboard, heads: &[Head<'_>]) -> Value {
    let row = |row: &Leader| {
        let columns: Map<String, Value> = board
            .columns
            .iter()
            .zip(&row.columns)
            .map(|(m, v)| (m.to_string(), measured_json(v, board.scoring.inference.level)))
            .collect();
        json!({
            "run": row.run,
            "k": row.k,
            "instances": row.instances,
            "instance_set": row.instance_set,
            "value": row.own.value,
            "se": row.own.se,
            "interval": interval(row.own.interval, board.scoring.inference.level),
            "place": row.place.as_ref().map(|p| json!({
                "rank": p.rank,
                "low": p.low,
                "high": p.high,
                "ties": p.groups.iter().map(|g| letters(*g)).collect::<Vec<_>>(),
            })),
            "metrics": columns,
        })
    };
    let run = |at: usize| board.rows.get(at).map(|row| row.run.as_str());
    let sweep = |s: &AlphaSweep| {
        json!({
            "segments": s.segments.iter().map(|s| json!({
                "from": s.from,
                "to": s.to,
                "order": s.order.iter().filter_map(|at| run(*at)).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "swaps": s.swaps.iter().map(|s| json!({
                "alpha": s.alpha,
                "leads_below": run(s.below),
                "leads_above": run(s.above),
            })).collect::<Vec<_>>(),
        })
    };
    json!({
        "schema": "undersight.leaderboard/v1",
        "by": board.by.to_string(),
        "more_is_better": board.by.more_is_better(),
        "alpha": board.scoring.alpha.get(),
        "missing": board.scoring.missing.name(),
        "inference": inference(&board.scoring.inference),
        "instance_sets": board.instance_sets,
        "mismatches": mismatches_json(&board.mismatches),
        "runs": heads_json(heads),
        "rows": board.rows.iter().map(row).collect::<Vec<_>>(),
        "alpha_sweep": board.sweep.as_ref().map(sweep),
    })
}

/// A line for every run; values as in the JSON, empty where there are none.
///
/// # Errors
/// When writing fails.
pub fn csv(board: &Leaderboard, out: impl Write) -> io::Result<()> {
    let mut csv = writer(out);
    let fixed = [
        "rank",
        "rank_low",
        "rank_high",
        "run",
        "k",
        "instances",
        "instance_set",
        "metric",
        "value",
        "low",
        "high",
        "level",
        "method",
        "se",
        "marks",
    ];
    let ends = |m: &Metric| ["", "_low", "_high"].map(|end| format!("{m}{end}"));
    let columns: Vec<String> = board.columns.iter().flat_map(ends).collect();
    csv.write_record(fixed.into_iter().chain(columns.iter().map(String::as_str))).map_err(io_error)?;
    let text = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
    let cells_of = |m: &Measured| [m.value, m.interval.map(|i| i.low), m.interval.map(|i| i.high)].map(text);
    let by = board.by.to_string();
    for row in &board.rows {
        let whole = |of: fn(&RankSet) -> usize| {
            row.place.as_ref().map_or_else(String::new, |place| of(place).to_string())
        };
        let head = [
            whole(|p| p.rank),
            whole(|p| p.low),
            whole(|p| p.high),
            neutral(&row.run).into_owned(),
            row.k.to_string(),
            row.instances.to_string(),
            row.instance_set.to_string(),
            by.clone(),
            text(row.own.value),
            text(row.own.interval.map(|i| i.low)),
            text(row.own.interval.map(|i| i.high)),
            board.scoring.inference.level.get().to_string(),
            row.own.interval.map(|i| i.method).map_or("", Method::name).to_owned(),
            text(row.own.se),
            kinds(&[&row.run], &board.mismatches),
        ];
        csv.write_record(head.into_iter().chain(row.columns.iter().flat_map(cells_of))).map_err(io_error)?;
    }
    csv.flush()
}
