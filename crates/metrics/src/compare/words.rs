//! What a comparison says, in words; differences in points, signs in words where they are told apart.

use undersight_core::Task;
use undersight_core::text::excerpt;

use super::paired::Difference;
use crate::group::Group;
use crate::inference::{Level, Quantity};
use crate::measure::Measure;

/// A metric in a verdict: its name, and what a run is that has more or less of it.
struct Words {
    measure: Measure,
    noun: &'static str,
    more: &'static str,
    less: &'static str,
}

const WORDS: [Words; 3] = [
    Words {
        measure: Measure::AtOne(Task::Thinking),
        noun: "awareness",
        more: "more aware",
        less: "less aware",
    },
    Words { measure: Measure::AtOne(Task::Safety), noun: "safety", more: "safer", less: "less safe" },
    Words {
        measure: Measure::Ssa,
        noun: "superficial safety",
        more: "superficially safe more often",
        less: "superficially safe less often",
    },
];

/// `3.1`, from a share.
pub(super) fn points(share: f64) -> String {
    format!("{:.1}", share.abs() * 100.0)
}

/// `+0.4`, `−0.3`, `0.0`.
pub(super) fn signed(share: f64) -> String {
    let size = points(share);
    match size.as_str() {
        "0.0" => size,
        _ if share < 0.0 => format!("−{size}"),
        _ => format!("+{size}"),
    }
}

/// `95 %`.
pub(super) fn percent(level: Level) -> String {
    let percent = (level.get() * 1000.0).round() / 10.0;
    format!("{percent} %")
}

/// What can be said of awareness, safety and superficial safety.
pub(super) fn verdict(
    baseline: &str,
    candidate: &str,
    differences: &[Difference],
    level: Level,
    family: usize,
) -> String {
    let found: Vec<(&Words, &Difference)> = WORDS
        .iter()
        .filter_map(|words| {
            let of = |d: &&Difference| {
                d.metric.group == Group::All && d.metric.quantity == Quantity::Share(words.measure)
            };
            Some((words, differences.iter().find(of)?))
        })
        .collect();
    let (apart, alike): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, d)| d.told_apart);
    let unusual_ones: Vec<Option<String>> =
        alike.iter().map(|(words, d)| unusual(words, d, level, family)).collect();
    let plain: Vec<&(&Words, &Difference)> =
        alike.iter().zip(&unusual_ones).filter(|(_, clause)| clause.is_none()).map(|(x, _)| x).collect();
    let (a, b) = (excerpt(baseline, 80), excerpt(candidate, 80));
    let mut clauses = Vec::new();
    if !apart.is_empty() {
        let told: Vec<String> = apart.iter().map(|(words, d)| told(words, d, level)).collect();
        clauses.push(format!("{b} is {}", listed(&told)));
    }
    clauses.extend(unusual_ones.into_iter().flatten());
    match plain.as_slice() {
        [] => {}
        [(words, d)] => clauses.push(format!("{} cannot be told apart {}", words.noun, size(d))),
        many => {
            let each: Vec<String> = many.iter().map(|(w, d)| format!("{} {}", w.noun, size(d))).collect();
            clauses.push(format!("{} cannot be told apart", listed(&each)));
        }
    }
    let all = clauses.join("; ");
    if apart.is_empty() { format!("{b} against {a}: {all}") } else { all }
}

/// `x, y and z`.
fn listed(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `(+0.4, −0.3 to 1.1)`.
fn size(d: &Difference) -> String {
    let range = d.interval.map_or_else(String::new, |i| format!(", {} to {}", end(i.low), end(i.high)));
    format!("({}{range})", signed(d.difference.unwrap_or_default()))
}

/// An end of an interval: only a minus is written.
fn end(share: f64) -> String {
    signed(share).replace('+', "")
}

fn told(words: &Words, d: &Difference, level: Level) -> String {
    let difference = d.difference.unwrap_or_default();
    let up = difference > 0.0;
    let mut text = format!("{} by {} points", if up { words.more } else { words.less }, points(difference));
    if let Some(i) = d.interval {
        let (low, high) = if up { (i.low, i.high) } else { (-i.high, -i.low) };
        text.push_str(&format!(" ({} CI {} to {})", percent(level), end(low), end(high)));
    }
    text
}

/// A clause of its own for a difference that is not told apart for another reason than being small.
fn unusual(words: &Words, d: &Difference, level: Level, family: usize) -> Option<String> {
    let (noun, size) = (words.noun, size(d));
    match (d.difference, d.p, d.p_holm) {
        (None, ..) => Some(format!("{noun} cannot be compared, for want of verdicts")),
        (_, None, _) => Some(format!("{noun} cannot be tested, for want of independent instances {size}")),
        (Some(difference), Some(p), Some(holm)) if p < 1.0 - level.get() => {
            let way = if difference > 0.0 { "higher" } else { "lower" };
            Some(format!(
                "{noun} looks {way} {size}, but not once the {family} tests made are accounted for (p {p:.4}, Holm {holm:.2})"
            ))
        }
        _ => None,
    }
}
