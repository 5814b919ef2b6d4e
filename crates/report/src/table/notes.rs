//! What stands below tables: how to read them, how their intervals were made, who judged, what is simulated.

use std::collections::BTreeSet;

use undersight_core::Digest;
use undersight_core::text::excerpt;
use undersight_metrics::{Clustering, Estimand, Estimate, Inference, Method, Metrics, Scores};

use crate::grid::{Layout, escape_markdown};
use crate::narrow::{Narrowed, Part};
use crate::number;
use crate::view::{MARK, RunLine, self_judged};

/// Notes on the main table.
pub(super) fn of_scores(runs: &[RunLine<'_>], table: &Narrowed) -> Vec<String> {
    let mut notes: Vec<String> = table.note().map(str::to_owned).into_iter().collect();
    if table.shows(Part::AtK) {
        notes.push(at_k(common_k(runs)));
    }
    if table.shows(Part::Scenarios) {
        notes.push("OS, CS, RO: Think by scenario.".to_owned());
    }
    notes
        .push("SSA: superficially safe, that is a safe answer over an unaware trace, per sample.".to_owned());
    let alphas: BTreeSet<String> = runs.iter().map(|r| r.scores.f.alpha.to_string()).collect();
    let alphas: Vec<_> = alphas.into_iter().collect();
    notes.push(format!("F: Think@1^α · Safe@1^(1−α), α = {}.", alphas.join(" and ")));
    let place = if table.stacked { Place::Below } else { Place::Parentheses };
    notes.extend(intervals(runs, place, main_shares, true));
    let missing: BTreeSet<&str> = runs.iter().map(|r| r.scores.missing.name()).collect();
    for name in missing {
        notes.push(match name {
            "exclude" => "Unknown outcomes are left out (--missing exclude).".to_owned(),
            _ => "Unknown outcomes count as failures (--missing fail); shares divide by the plan.".to_owned(),
        });
    }
    notes.extend(bounds(runs.iter().map(|r| &r.scores.overall)));
    if table.shows(Part::Unknown) {
        notes.push("Unknown: answers/traces without a verdict that stands.".to_owned());
    }
    notes.extend(judges(runs));
    notes
}

/// The k of all runs, or none when they differ.
pub(super) fn common_k(runs: &[RunLine<'_>]) -> Option<u32> {
    let ks: BTreeSet<u32> = runs.iter().map(|r| r.scores.k).collect();
    ks.first().copied().filter(|_| ks.len() == 1)
}

/// What @k is.
pub(crate) fn at_k(k: Option<u32>) -> String {
    match k {
        Some(1) => "k = 1: with one sample an instance, @k is @1.".to_owned(),
        Some(k) => format!("@{k}: share of instances whose {k} samples all pass (pass^k, not pass@k)."),
        None => {
            "@k: share of instances whose k samples all pass (pass^k, not pass@k); k differs between these \
                 runs, so their @k do not compare."
                .to_owned()
        }
    }
}

/// What bounds are.
pub(super) const BOUNDS: &str = "[low–high]: what the value could become once everything unknown is known.";

/// What bounds are, where any group has them.
pub(super) fn bounds<'a>(groups: impl Iterator<Item = &'a Metrics>) -> Option<String> {
    let open = |m: &Metrics| m.safe.at_1.open + m.think.at_1.open > 0.0;
    groups.into_iter().any(open).then(|| BOUNDS.to_owned())
}

/// Where an interval stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Below,
    Parentheses,
    Beside,
}

impl Place {
    const fn name(self) -> &'static str {
        match self {
            Self::Below => "Below each value",
            Self::Parentheses => "In parentheses",
            Self::Beside => "Beside each value",
        }
    }
}

/// The shares of the main table.
pub(super) fn main_shares(scores: &Scores) -> Vec<Estimate> {
    let scenarios = scores.scenarios.iter().map(|(_, m)| m.think.at_1);
    group_shares(&scores.overall).into_iter().chain(scenarios).collect()
}

/// The shares of a line of a breakdown.
pub(super) fn group_shares(m: &Metrics) -> [Estimate; 5] {
    [m.safe.at_1, m.safe.at_k, m.think.at_1, m.think.at_k, m.ssa]
}

/// What the intervals shown are about, how they were made, and how much they rest on.
pub(super) fn intervals(
    runs: &[RunLine<'_>],
    place: Place,
    shown: impl Fn(&Scores) -> Vec<Estimate>,
    with_f: bool,
) -> Vec<String> {
    let scores: Vec<&Scores> = runs.iter().map(|r| r.scores).filter(|s| s.overall.items > 0).collect();
    let mut notes = Vec::new();
    for one in &scores {
        let alike = || scores.iter().filter(|s| s.inference == one.inference);
        let shares: Vec<Estimate> = alike().flat_map(|s| shown(s)).collect();
        let mut ways = how(&one.inference, &shares);
        let delta = |s: &&&Scores| s.f.interval.is_some_and(|i| i.method == Method::Delta);
        ways.extend((with_f && alike().any(|s| delta(&s))).then(|| "F by the delta method".to_owned()));
        let limits = |s: &&&Scores| s.f.interval.is_some_and(|i| i.method == Method::Limits);
        ways.extend(
            (with_f && alike().any(|s| limits(&s))).then(|| "F between the limits of both shares".to_owned()),
        );
        if ways.is_empty() {
            continue;
        }
        let note = interval_note(place, &one.inference, &ways);
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    let sizes: BTreeSet<String> = scores.iter().map(|s| size(s)).collect();
    match sizes.first() {
        Some(only) if sizes.len() == 1 => notes.push(format!("{only}.")),
        _ => notes.extend(scores.iter().map(|s| format!("{}: {}.", excerpt(&s.run, 80), size(s)))),
    }
    notes
}

/// What intervals are about and the ways in which they were made.
pub(super) fn interval_note(place: Place, inference: &Inference, ways: &[String]) -> String {
    format!(
        "{}: its {} interval for {}{} ({}).",
        place.name(),
        number::level(inference.level),
        inference.estimand.about(),
        match inference.estimand {
            Estimand::Population => "",
            Estimand::FixedInstances => ": sampling of the model only",
        },
        ways.join("; ")
    )
}

/// How the intervals of a table below the main one were made, where that is another way.
pub(super) fn intervals_here(scores: &Scores, shares: &[Estimate]) -> Option<String> {
    let ways = how(&scores.inference, shares);
    (!ways.is_empty() && ways != how(&scores.inference, &main_shares(scores)))
        .then(|| format!("Intervals here: {}.", ways.join("; ")))
}

/// The ways in which the intervals of shares were made.
pub(super) fn how(inference: &Inference, shares: &[Estimate]) -> Vec<String> {
    let used = |method| shares.iter().any(|e| e.interval.is_some_and(|i| i.method == method));
    let size = "with the effective sample size";
    let (small, rare) = match inference.method {
        Method::Auto | Method::Bootstrap => (
            if used(Method::Bootstrap) { " where a slice is small" } else { "" },
            " where few pass or few fail",
        ),
        _ => ("", ""),
    };
    let errors = match (inference.estimand, inference.clustering) {
        (Estimand::FixedInstances, _) => "within instances",
        (_, Clustering::SharedTexts) => "between clusters",
        (_, Clustering::Instances) => "between instances",
    };
    let drawn = match inference.clustering {
        Clustering::SharedTexts => "clustered bootstrap within scenarios",
        Clustering::Instances => "bootstrap of instances within scenarios",
    };
    let replicates = number::count(inference.replicates.into());
    [
        (Method::Bootstrap, format!("{drawn}, {replicates} replicates, seed {}", inference.seed)),
        (Method::Normal, format!("normal, with the standard error {errors}")),
        (Method::Wilson, format!("Wilson {size}{small}")),
        (Method::Beta, format!("Beta(1, 1) {size}")),
        (Method::Exact, format!("exact {size}{rare}")),
    ]
    .into_iter()
    .filter(|(method, _)| used(*method))
    .map(|(_, way)| way)
    .collect()
}

/// `60 instances, 58 independent clusters`.
fn size(scores: &Scores) -> String {
    let m = &scores.overall;
    let of = |n: u64, one: &str| format!("{} {one}{}", number::count(n), if n == 1 { "" } else { "s" });
    let instances = of(m.items, "instance");
    match (scores.inference.estimand, scores.inference.clustering) {
        (Estimand::FixedInstances, _) => instances,
        (_, Clustering::SharedTexts) => format!("{instances}, {}", of(m.clusters, "independent cluster")),
        (_, Clustering::Instances) => format!("{instances}, each taken as independent"),
    }
}

/// Who judged, and what is simulated.
pub(super) fn judges(runs: &[RunLine<'_>]) -> Vec<String> {
    let judges: Vec<Option<(String, Digest)>> =
        runs.iter().map(|r| Some((r.judge_title()?, r.judge?.hash()))).collect();
    let mut notes = Vec::new();
    match judges.split_first() {
        Some((Some((first, _)), rest)) if rest.iter().all(|judge| *judge == judges[0]) => {
            notes.push(format!("Judged by {first}."));
        }
        _ => notes.extend(runs.iter().zip(&judges).filter_map(|(run, judge)| {
            let (title, hash) = judge.as_ref()?;
            // Another prompt or parameter is another judge, whatever it is called.
            let alike = judges.iter().flatten().any(|(other, of)| other == title && of != hash);
            let which = if alike { format!(" [{}]", hash.short()) } else { String::new() };
            Some(format!("{} judged by {title}{which}.", excerpt(run.scores.run.as_str(), 80)))
        })),
    }
    notes.extend(self_judged(runs.iter().filter_map(|r| Some((r.model?, r.judge?)))));
    notes.extend(simulation_note(
        runs.iter().any(RunLine::simulated_model),
        runs.iter().any(RunLine::simulated_judge),
    ));
    notes
}

pub(crate) fn simulation_note(model: bool, judge: bool) -> Option<String> {
    let what = match (model, judge) {
        (true, true) => "models and a judge that run inside Undersight: no real model was measured",
        (true, false) => "a model that runs inside Undersight: no real model was measured",
        (false, true) => "a judge that runs inside Undersight: its verdicts are stand-ins",
        (false, false) => return None,
    };
    Some(format!("{MARK} simulated: {what}."))
}

/// Lines below a table, after a blank one; as wide as the terminal at most.
pub(crate) fn below(lines: &[String], layout: Layout) -> String {
    let mut out = String::from("\n");
    for line in lines {
        match layout {
            Layout::Markdown => {
                out.push_str("- ");
                out.push_str(&escape_markdown(line));
            }
            Layout::Terminal { width } => out.push_str(&wrapped(line, width)),
        }
        out.push('\n');
    }
    out
}

/// A line broken between words where it is wider than the terminal; what follows is set in, so that notes stay apart.
fn wrapped(line: &str, width: Option<u16>) -> String {
    const INDENT: &str = "  ";
    let Some(width) = width.map(usize::from).filter(|width| *width > 20) else { return line.to_owned() };
    let (mut out, mut column) = (String::with_capacity(line.len()), 0);
    for word in line.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            out.push_str(INDENT);
            column = INDENT.len();
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{below, wrapped};
    use crate::grid::Layout;
    use proptest::prelude::*;

    #[test]
    fn notes_are_as_wide_as_the_terminal() {
        let line = "Safe: the answer gives no help with a harm, as the judge sees it.";
        assert_eq!(
            wrapped(line, Some(30)),
            "Safe: the answer gives no help\n  with a harm, as the judge\n  sees it."
        );
        assert_eq!(wrapped(line, None), line);
        let notes = [line.to_owned(), "Short.".to_owned()];
        let below = below(&notes, Layout::Terminal { width: Some(40) });
        assert!(below.lines().all(|line| line.chars().count() <= 40), "{below}");
    }

    proptest! {
        #[test]
        fn wrapping_changes_white_space_only(line in "([a-zé]{1,9} ){0,20}[a-z]{1,9}", width in 21_u16..90) {
            let text = wrapped(&line, Some(width));
            prop_assert_eq!(text.split_whitespace().collect::<Vec<_>>(), line.split_whitespace().collect::<Vec<_>>());
            prop_assert!(text.lines().all(|l| l.chars().count() <= usize::from(width)));
        }
    }
}
