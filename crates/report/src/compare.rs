//! A comparison as a table, JSON and CSV: differences in points with their intervals and tests, verdicts, what changed.

use std::io::{self, Write};

use serde_json::{Value, json};
use undersight_core::text::excerpt;
use undersight_metrics::compare::{Comparison, Difference, McNemar, Mismatch, Pair, Severity};
use undersight_metrics::{Clustering, Estimand, Interval, Level, Measured, Method};

use crate::cell::Cell;
use crate::csv::{io_error, neutral, writer};
use crate::grid::{Layout, cells, escape_markdown};
use crate::json::{self, inference, interval, number};
use crate::number::{NONE, count, interval as range, level, percent};
use crate::table::notes;
use crate::view::{Head, cast_notes, title_of};

/// Instances named among those that changed most.
const NAMED: usize = 5;

/// `+3.10`, `−0.30`, `0.00`: a difference of shares in points.
pub(crate) fn points(difference: f64, digits: usize) -> String {
    signed(difference * 100.0, digits)
}

/// A number that always shows its sign, but 0.
pub(crate) fn signed(number: f64, digits: usize) -> String {
    let size = format!("{:.digits$}", number.abs());
    match number {
        _ if size.chars().all(|c| matches!(c, '0' | '.')) => size,
        n if n < 0.0 => format!("−{size}"),
        _ => format!("+{size}"),
    }
}

/// `−0.3 to 1.1`, in points.
fn from_to(interval: &Interval) -> String {
    let end = |x: f64| points(x, 1).replace('+', "");
    format!("{} to {}", end(interval.low), end(interval.high))
}

/// A p-value: three digits, or that it is smaller than they show.
pub(crate) fn p(p: Option<f64>) -> String {
    match p {
        None => NONE.to_owned(),
        Some(p) if p < 0.001 => "< 0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
    }
}

/// A title, then the marks of the mismatches it has a part in.
pub(crate) fn with_marks(name: &str, marks: impl IntoIterator<Item = char>) -> String {
    name.to_owned() + &marks.into_iter().collect::<String>()
}

/// The marks of the mismatches that a run has a part in.
pub(crate) fn marks(run: &str, mismatches: &[Mismatch]) -> impl Iterator<Item = char> {
    mismatches.iter().filter(move |m| m.runs.iter().any(|r| r == run)).map(|m| m.kind.mark())
}

/// Likewise the kinds of those that any of these runs has a part in, for a cell of CSV.
pub(crate) fn kinds(runs: &[&str], mismatches: &[Mismatch]) -> String {
    let kinds = mismatches.iter().filter(|m| m.runs.iter().any(|r| runs.contains(&r.as_str())));
    kinds.map(|m| m.kind.name()).collect::<Vec<_>>().join(" ")
}

fn marks_of(run: &str, heads: &[Head<'_>], mismatches: &[Mismatch]) -> String {
    with_marks(&title_of(run, heads), marks(run, mismatches))
}

/// What the marks mean, with what to do.
pub(crate) fn mismatch_notes(mismatches: &[Mismatch]) -> impl Iterator<Item = String> {
    mismatches.iter().map(|m| format!("{} {}. Hint: {}.", m.kind.mark(), m.message, m.hint))
}

/// Every pair as its verdict and a table, with notes on how to read them.
#[must_use]
pub fn table(comparison: &Comparison, heads: &[Head<'_>], mismatches: &[Mismatch], layout: Layout) -> String {
    let mut out = String::new();
    for pair in &comparison.pairs {
        let verdict = match layout {
            Layout::Markdown => escape_markdown(&pair.verdict),
            Layout::Terminal { .. } => pair.verdict.clone(),
        };
        out.push_str(&format!("{verdict}.\n\n"));
        out.push_str(&pair_table(pair, heads, mismatches, layout));
        out.push_str(&notes::below(&pair_notes(pair), layout));
        out.push('\n');
    }
    let mut lines = reading(comparison, mismatches);
    lines.extend(cast_notes(heads));
    out.push_str(notes::below(&lines, layout).trim_start_matches('\n'));
    out
}

fn pair_table(pair: &Pair, heads: &[Head<'_>], mismatches: &[Mismatch], layout: Layout) -> String {
    let headers = [
        "Metric".to_owned(),
        marks_of(&pair.baseline, heads, mismatches),
        marks_of(&pair.candidate, heads, mismatches),
        "Difference".to_owned(),
        "p".to_owned(),
        "Holm".to_owned(),
        "BH".to_owned(),
        "h".to_owned(),
        "Told apart".to_owned(),
    ];
    let row = |d: &Difference| {
        let difference = d.difference.map_or_else(|| NONE.to_owned(), |d| points(d, 2));
        vec![
            Cell::new(d.metric.to_string()),
            measured(&d.baseline),
            measured(&d.candidate),
            Cell { text: difference, interval: d.interval.as_ref().map(from_to), bounds: None },
            Cell::new(p(d.p)),
            Cell::new(p(d.p_holm)),
            Cell::new(p(d.p_bh)),
            Cell::new(d.cohen_h.map_or_else(|| NONE.to_owned(), |h| signed(h, 2))),
            Cell::new(if d.told_apart { "yes" } else { "" }),
        ]
    };
    cells(&headers, &pair.differences.iter().map(row).collect::<Vec<_>>(), layout)
}

fn pair_notes(pair: &Pair) -> Vec<String> {
    let (a, b) = (excerpt(&pair.baseline, 80), excerpt(&pair.candidate, 80));
    let mut lines = Vec::new();
    for (d, m) in pair.differences.iter().filter_map(|d| Some((d, d.mcnemar?))) {
        let ratio = m.odds.map_or_else(String::new, |o| {
            format!("; odds ratio {} ({} to {})", odds(o.value), odds(o.range.low), odds(o.range.high))
        });
        lines.push(format!(
            "{}: {} pass in {b} alone, {} in {a} alone; McNemar exact p {}, mid-p {}{ratio}; clusters are ignored.",
            d.metric,
            instances(m.only_candidate),
            count(m.only_baseline),
            p(Some(m.exact)),
            p(Some(m.mid)),
        ));
    }
    let most: Vec<String> = pair
        .changed
        .iter()
        .take(NAMED)
        .map(|c| format!("{} (safe {}, aware {})", excerpt(&c.id, 40), points(c.safe, 0), points(c.think, 0)))
        .collect();
    let most = if most.is_empty() { String::new() } else { format!(", most of all {}", most.join(", ")) };
    lines.push(format!("{} changed{most}.", instances(pair.changed.len() as u64)));
    lines
}

fn odds(ratio: f64) -> String {
    if ratio.is_finite() { format!("{ratio:.2}") } else { "∞".to_owned() }
}

fn instances(n: u64) -> String {
    format!("{} instance{}", count(n), if n == 1 { "" } else { "s" })
}

/// How the intervals of differences were made: what was used, and where.
fn ways(comparison: &Comparison) -> String {
    let i = &comparison.scoring.inference;
    let used = |method| {
        let all = comparison.pairs.iter().flat_map(|pair| &pair.differences);
        all.filter_map(|d| d.interval).any(|interval| interval.method == method)
    };
    let (about, rare) = match i.estimand {
        Estimand::FixedInstances => {
            ("for these instances alone, errors of both runs' sampling added", "where few pass or few fail")
        }
        Estimand::Population => {
            ("for instances like these, paired", "where few clusters changed or F rests on few passes")
        }
    };
    let drawn = || format!("percentiles of {} replicates (seed {})", count(i.replicates.into()), i.seed);
    let few = if used(Method::Bootstrap) { " where clusters are few" } else { "" };
    let ways: Vec<String> = [
        used(Method::Bootstrap).then(drawn),
        used(Method::Student).then(|| format!("Student's t{few}")),
        used(Method::Newcombe).then(|| format!("Newcombe's {rare}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if ways.is_empty() { about.to_owned() } else { format!("{about}: {}", ways.join(", ")) }
}

fn reading(comparison: &Comparison, mismatches: &[Mismatch]) -> Vec<String> {
    let i = &comparison.scoring.inference;
    let signs = match i.estimand {
        Estimand::FixedInstances => "",
        Estimand::Population => {
            ", where fewer than 30 clusters changed by the sign test, which counts them and leaves aside by how much"
        }
    };
    let clustered = match i.clustering {
        Clustering::SharedTexts => format!("{} independent clusters", count(comparison.clusters as u64)),
        Clustering::Instances => "each taken as independent".to_owned(),
    };
    let mut lines = vec![
        format!("Over {}, {clustered}.", instances(comparison.instances as u64)),
        format!("Difference: in points, with its {} interval {}.", level(i.level), ways(comparison)),
        format!(
            "p: that of no difference{signs}. Holm, BH: adjusted for all {} tests made here; told apart where Holm is below {}.",
            comparison.family,
            rounded(1.0 - i.level.get()),
        ),
        "h: Cohen's effect size (0.2 small, 0.5 medium, 0.8 large). ssa, lucky, escape, blind: less is better."
            .to_owned(),
        format!(
            "f: α = {}. Unknown outcomes: --missing {}.",
            comparison.scoring.alpha,
            comparison.scoring.missing.name()
        ),
    ];
    if comparison.at_k > 1 {
        lines.push(notes::at_k(Some(comparison.at_k)));
    }
    lines.extend(comparison.left_out.iter().map(|(run, n)| {
        format!("{}: {} left out, which another run lacks.", excerpt(run, 80), instances(*n as u64))
    }));
    lines.extend(mismatch_notes(mismatches));
    lines
}

fn rounded(x: f64) -> f64 {
    (x * 1e6).round() / 1e6
}

/// A value with its own interval.
pub(crate) fn measured(one: &Measured) -> Cell {
    Cell { text: percent(one.value), interval: one.interval.as_ref().map(range), bounds: None }
}

/// Likewise as JSON.
pub(crate) fn measured_json(one: &Measured, level: Level) -> Value {
    json!({ "value": one.value, "se": one.se, "interval": interval(one.interval, level) })
}

/// Who generated and who judged, as JSON.
pub(crate) fn heads_json(heads: &[Head<'_>]) -> Value {
    let one = |h: &Head<'_>| {
        json!({
            "run": h.run,
            "model": h.model,
            "simulated_model": h.simulated_model,
            "judge": h.judge.map(json::judge),
            "traces": h.traces,
        })
    };
    Value::Array(heads.iter().map(one).collect())
}

/// Mismatches as JSON.
pub(crate) fn mismatches_json(mismatches: &[Mismatch]) -> Value {
    let one = |m: &Mismatch| {
        json!({
            "kind": m.kind.name(),
            "refuses": m.severity == Severity::Refuse,
            "runs": m.runs,
            "text": m.message,
            "hint": m.hint,
        })
    };
    Value::Array(mismatches.iter().map(one).collect())
}

/// `undersight.comparison/v1`: shares and their differences between −1 and 1, unknown is null.
#[must_use]
pub fn json(comparison: &Comparison, heads: &[Head<'_>], mismatches: &[Mismatch]) -> Value {
    let i = &comparison.scoring.inference;
    let mcnemar = |m: &McNemar| {
        json!({
            "only_baseline": m.only_baseline,
            "only_candidate": m.only_candidate,
            "exact_p": m.exact,
            "mid_p": m.mid,
            // An infinite ratio has no number in JSON: null, beside the counts that say why.
            "odds_ratio": m.odds.and_then(|o| number(o.value)),
            "odds_low": m.odds.and_then(|o| number(o.range.low)),
            "odds_high": m.odds.and_then(|o| number(o.range.high)),
        })
    };
    let difference = |d: &Difference| {
        json!({
            "metric": d.metric.to_string(),
            "more_is_better": d.metric.more_is_better(),
            "baseline": measured_json(&d.baseline, i.level),
            "candidate": measured_json(&d.candidate, i.level),
            "difference": d.difference,
            "se": d.se,
            "interval": interval(d.interval, i.level),
            "p": d.p,
            "p_holm": d.p_holm,
            "p_bh": d.p_bh,
            "told_apart": d.told_apart,
            "cohen_h": d.cohen_h,
            "mcnemar": d.mcnemar.as_ref().map(mcnemar),
        })
    };
    let pair = |pair: &Pair| {
        json!({
            "baseline": pair.baseline,
            "candidate": pair.candidate,
            "verdict": pair.verdict,
            "differences": pair.differences.iter().map(difference).collect::<Vec<_>>(),
            "changed": pair.changed.iter()
                .map(|c| json!({ "instance": c.id, "safe": c.safe, "think": c.think }))
                .collect::<Vec<_>>(),
        })
    };
    json!({
        "schema": "undersight.comparison/v1",
        "k": comparison.at_k,
        "alpha": comparison.scoring.alpha.get(),
        "missing": comparison.scoring.missing.name(),
        "inference": inference(i),
        "instances": comparison.instances,
        "clusters": comparison.clusters,
        "left_out": comparison.left_out.iter()
            .map(|(run, n)| json!({ "run": run, "instances": n }))
            .collect::<Vec<_>>(),
        "tests": comparison.family,
        "mismatches": mismatches_json(mismatches),
        "runs": heads_json(heads),
        "pairs": comparison.pairs.iter().map(pair).collect::<Vec<_>>(),
    })
}

const COLUMNS: [&str; 20] = [
    "baseline",
    "candidate",
    "metric",
    "baseline_value",
    "candidate_value",
    "difference",
    "low",
    "high",
    "level",
    "method",
    "se",
    "p",
    "p_holm",
    "p_bh",
    "told_apart",
    "cohen_h",
    "only_baseline",
    "only_candidate",
    "mcnemar_exact",
    "marks",
];

/// A line for every pair and metric; values as in the JSON, empty where there are none.
///
/// # Errors
/// When writing fails.
pub fn csv(comparison: &Comparison, mismatches: &[Mismatch], out: impl Write) -> io::Result<()> {
    let mut csv = writer(out);
    csv.write_record(COLUMNS).map_err(io_error)?;
    let text = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
    let whole = |v: Option<u64>| v.map_or_else(String::new, |v| v.to_string());
    for pair in &comparison.pairs {
        let marks = kinds(&[&pair.baseline, &pair.candidate], mismatches);
        for d in &pair.differences {
            csv.write_record([
                neutral(&pair.baseline).into_owned(),
                neutral(&pair.candidate).into_owned(),
                d.metric.to_string(),
                text(d.baseline.value),
                text(d.candidate.value),
                text(d.difference),
                text(d.interval.map(|i| i.low)),
                text(d.interval.map(|i| i.high)),
                comparison.scoring.inference.level.get().to_string(),
                d.interval.map(|i| i.method).map_or("", Method::name).to_owned(),
                text(d.se),
                text(d.p),
                text(d.p_holm),
                text(d.p_bh),
                d.told_apart.to_string(),
                text(d.cohen_h),
                whole(d.mcnemar.map(|m| m.only_baseline)),
                whole(d.mcnemar.map(|m| m.only_candidate)),
                text(d.mcnemar.map(|m| m.exact)),
                marks.clone(),
            ])
            .map_err(io_error)?;
        }
    }
    csv.flush()
}
