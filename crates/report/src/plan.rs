//! A plan of a study as tables and as JSON: what varies in the pilot, what shows a difference, how a budget is split.

mod document;

use undersight_metrics::plan::{
    Best, Component, Evidence, JudgeNoise, Need, PairedSpread, Pairing, Request, Split, Spread, StudyPlan,
};
use undersight_metrics::{Estimand, Level, Missing};

use crate::cell::Cell;
use crate::grid::{Layout, cells, escape_markdown, grid};
use crate::number::{self, NONE, count, percent};
use crate::table::notes::below;

pub use document::json;

/// The answer in words, then tables of the components, of what is needed at each k, and of the budget, each with notes.
#[must_use]
pub fn table(plan: &StudyPlan, layout: Layout) -> String {
    let mut out = text(&answer(plan), layout);
    out.push('\n');
    out.push_str(&components(plan, layout));
    out.push_str(&below(&component_notes(plan), layout));
    out.push('\n');
    out.push_str(&needs(plan, layout));
    out.push_str(&below(&need_notes(plan), layout));
    if let Some(best) = &plan.split {
        out.push('\n');
        out.push_str(&splits(best, layout));
        out.push_str(&below(&split_notes(best, plan), layout));
    }
    out
}

fn text(line: &str, layout: Layout) -> String {
    match layout {
        Layout::Markdown => format!("{}\n", escape_markdown(line)),
        Layout::Terminal { .. } => format!("{line}\n"),
    }
}

/// `3 points`, from a share.
fn points(share: f64) -> String {
    let digits = hundredths(share);
    format!("{digits} point{}", if digits == "1" { "" } else { "s" })
}

/// `80 %`, from a share.
fn percentage(share: f64) -> String {
    format!("{} %", hundredths(share))
}

fn hundredths(share: f64) -> String {
    let digits = format!("{:.2}", share * 100.0);
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// One sentence: what the first outlook says of the number of samples that takes the fewest generations.
fn answer(plan: &StudyPlan) -> String {
    let Request { measure, difference, target, test, pairing, .. } = &plan.request;
    let asked = format!(
        "a difference of {} in {measure} (power {}, α {})",
        points(*difference),
        percentage(test.power()),
        percentage(1.0 - test.level().get()),
    );
    let first = plan.outlooks.first();
    let found = first.into_iter().flat_map(|o| &o.needs).filter_map(|n| Some((n.samples, n.instances?)));
    let assumed = first.and_then(|o| o.assumed).map_or_else(String::new, |c| format!(", if ρ = {}", c.get()));
    match found.min_by_key(|(k, n)| u64::from(*k).saturating_mul(*n)) {
        Some((k, n)) => format!(
            "{} instances{} with {k} sample{} each show {asked}{assumed}.",
            count(n),
            if matches!(pairing, Pairing::Paired(_)) { "" } else { " in each arm" },
            if k == 1 { "" } else { "s" },
        ),
        None => match (target.available, first.and_then(|o| o.samples_on_all)) {
            (Some(all), Some(k)) => format!(
                "{} instances show {asked} with {} samples each{assumed}.",
                count(all),
                count(k.into())
            ),
            (Some(all), None) => {
                format!("{} instances do not show {asked}, with however many samples{assumed}.", count(all))
            }
            (None, _) => format!("No number of samples was asked about for {asked}."),
        },
    }
}

/// A variance with its interval.
fn variance(component: Component, level: Level) -> Cell {
    surrounded(component, level, 4)
}

/// No interval of a correlation leaves −1 to 1.
fn correlation(component: Option<Component>, level: Level) -> Cell {
    let Some((low, high)) = component.and_then(|c| c.interval(level)) else { return ratio(component, level) };
    Cell {
        interval: Some(format!("{:.2} to {:.2}", low.max(-1.0), high.min(1.0))),
        ..ratio(component, level)
    }
}

fn ratio(component: Option<Component>, level: Level) -> Cell {
    component.map_or_else(|| Cell::new(NONE), |c| surrounded(c, level, 2))
}

/// With its interval, unless that is as good as a point: nothing is shared where no texts are.
fn surrounded(component: Component, level: Level, digits: usize) -> Cell {
    let write = |x: f64| {
        let text = format!("{x:.digits$}");
        if text.contains(|c| matches!(c, '1'..='9')) { text } else { text.trim_start_matches('-').to_owned() }
    };
    let interval = component
        .interval(level)
        .map(|(low, high)| (write(low), write(high)))
        .filter(|(low, high)| low != high)
        .map(|(low, high)| format!("{low} to {high}"));
    Cell { text: write(component.value), interval, bounds: None }
}

fn components(plan: &StudyPlan, layout: Layout) -> String {
    let level = plan.request.test.level();
    let name = |weight: Option<f64>| Cell::new(percent(weight));
    match &plan.evidence {
        Evidence::One(pilot) => {
            let line = |title: &str, weight, s: &Spread| {
                vec![
                    Cell::new(title),
                    name(weight),
                    Cell::new(count(s.instances)),
                    Cell::new(percent(Some(s.share))),
                    variance(s.between, level),
                    variance(s.within, level),
                    variance(s.shared, level),
                    ratio(s.design_effect, level),
                    ratio(s.icc, level),
                ]
            };
            let mut rows = vec![line("all", Some(1.0), &pilot.overall)];
            rows.extend(
                pilot.scenarios.iter().map(|s| line(s.scenario.abbreviation(), Some(s.weight), &s.spread)),
            );
            let measure = pilot.measure.to_string();
            let headers =
                ["Scenario", "Weight", "Instances", &measure, "Between", "Within", "Shared", "Deff", "ICC"];
            cells(&headers, &rows, layout)
        }
        Evidence::Two(pair) => {
            let line = |title: &str, weight, s: &PairedSpread| {
                vec![
                    Cell::new(title),
                    name(weight),
                    Cell::new(count(s.a.instances)),
                    Cell::new(percent(Some(s.a.share))),
                    Cell::new(percent(Some(s.b.share))),
                    variance(s.between, level),
                    variance(s.within, level),
                    variance(s.shared, level),
                    correlation(s.correlation, level),
                ]
            };
            let mut rows = vec![line("all", Some(1.0), &pair.overall)];
            rows.extend(
                pair.scenarios.iter().map(|s| line(s.scenario.abbreviation(), Some(s.weight), &s.spread)),
            );
            let [a, b] = &pair.runs;
            let headers = ["Scenario", "Weight", "Instances", a, b, "Between", "Within", "Shared", "ρ"];
            cells(&headers, &rows, layout)
        }
    }
}

fn component_notes(plan: &StudyPlan) -> Vec<String> {
    let level = number::level(plan.request.test.level());
    let mut notes = match &plan.evidence {
        Evidence::One(pilot) => vec![
            format!("Pilot: {}, k = {}; variances in squared shares, with {level} jackknife intervals.", pilot.run, pilot.k),
            "Between instances, within instances (the model's sampling and the judge's noise), and what texts shared \
             between instances add to the first. Deff: the design effect of shared texts at the pilot's k."
                .to_owned(),
        ],
        Evidence::Two(pair) => vec![
            format!(
                "Pilots: {} (k = {}) and {} (k = {}); variances of their difference in squared shares, with {level} \
                 jackknife intervals.",
                pair.runs[0], pair.k[0], pair.runs[1], pair.k[1]
            ),
            "Between instances with the sampling taken off, within instances (both arms added up), and what texts shared \
             between instances add to the first. ρ: correlation of the instances' rates in the two arms."
                .to_owned(),
        ],
    };
    if below_zero(&plan.evidence) {
        notes.push("What is below 0 by chance counts as 0.".to_owned());
    }
    if plan.request.missing == Missing::Exclude {
        notes.push("Unknown outcomes of the pilot are left out (--missing exclude).".to_owned());
    }
    notes.extend(judge_note(plan));
    notes
}

fn below_zero(evidence: &Evidence) -> bool {
    let below = |between: Component, shared: Component| between.value < 0.0 || shared.value < -1e-9;
    match evidence {
        Evidence::One(pilot) => pilot.scenarios.iter().any(|s| below(s.spread.between, s.spread.shared)),
        Evidence::Two(pair) => pair.scenarios.iter().any(|s| below(s.spread.between, s.spread.shared)),
    }
}

fn judge_note(plan: &StudyPlan) -> Option<String> {
    let part = plan.judge?;
    let of = part.of_within.map_or_else(String::new, |share| format!(", {share:.2} of the variance within"));
    Some(match part.noise {
        JudgeNoise::Flips(flips) => format!(
            "Judge: {} of repeated verdicts differ, which is a variance of {:.4}{of}. How much of a difference it loses \
             needs human labels; here none is assumed lost.",
            percentage(flips),
            part.variance,
        ),
        JudgeNoise::Errors(errors) => format!(
            "Judge: sensitivity {:.2}, specificity {:.2}; its errors are a variance of {:.4}{of}, and a true difference d \
             shows as {:.2} d, provided it errs alike in both arms.",
            errors.sensitivity(),
            errors.specificity(),
            part.variance,
            errors.youden(),
        ),
    })
}

fn needs(plan: &StudyPlan, layout: Layout) -> String {
    let available = plan.request.target.available;
    let mut headers = vec!["k".to_owned()];
    for outlook in &plan.outlooks {
        headers.push(outlook.assumed.map_or_else(|| "Instances".to_owned(), |c| format!("ρ = {}", c.get())));
    }
    headers.extend(available.map(|all| format!("Shown by {}", count(all))));
    let rows: Vec<Vec<String>> = (0..plan.request.samples.len())
        .filter_map(|at| {
            let at_k: Vec<&Need> = plan.outlooks.iter().filter_map(|o| o.needs.get(at)).collect();
            let first = at_k.first()?;
            let mut row = vec![count(first.samples.into())];
            row.extend(at_k.iter().map(|n| n.instances.map_or_else(|| NONE.to_owned(), count)));
            row.extend(available.map(|_| percent(first.detectable)));
            Some(row)
        })
        .collect();
    grid(&headers, &rows, layout)
}

fn need_notes(plan: &StudyPlan) -> Vec<String> {
    let target = plan.request.target;
    let mut notes = vec![format!(
        "Instances that show {} at k samples each, {}; the difference is about {}.",
        points(plan.request.difference),
        match plan.request.pairing {
            Pairing::Paired(_) => "the same in both arms",
            Pairing::Unpaired => "others in each arm",
        },
        target.estimand.about(),
    )];
    if plan.outlooks.first().is_some_and(|o| o.assumed.is_some()) {
        notes.push(
            "ρ: how far both arms find the same instances hard, assumed; a pilot of the second arm would measure it."
                .to_owned(),
        );
    }
    if let Some(all) = target.available {
        notes.push(format!(
            "Shown by {}: the smallest difference in points that all instances show{}. {NONE}: more than there are.",
            count(all),
            plan.outlooks.first().and_then(|o| o.assumed).map_or_else(String::new, |c| format!(", ρ = {}", c.get())),
        ));
    }
    if target.estimand == Estimand::Population && plan.outlooks.iter().all(|o| o.samples_on_all.is_none()) {
        notes.extend(target.available.map(|all| {
            format!(
                "With {} instances no number of samples shows it: too much varies between them.",
                count(all)
            )
        }));
    }
    notes
}

fn splits(best: &Best, layout: Layout) -> String {
    let labelled = best.best.labels > 0;
    let line = |split: &Split, mark: &str| {
        let mut row = vec![count(split.samples.into()), count(split.instances)];
        row.extend(labelled.then(|| count(split.labels)));
        row.extend([format!("{:.2}", split.cost), percent(Some(split.se)), percent(Some(split.detectable))]);
        row.push(mark.to_owned());
        row
    };
    let mut rows = vec![line(&best.best, "best")];
    rows.extend(best.judge_alone.iter().map(|split| line(split, "without labels")));
    let others = best.by_samples.iter().filter(|split| split.samples != best.best.samples);
    rows.extend(others.map(|split| line(split, "")));
    let mut headers = vec!["k", "Instances"];
    headers.extend(labelled.then_some("Labels an arm"));
    headers.extend(["Cost", "SE", "Shown", ""]);
    grid(&headers, &rows, layout)
}

fn split_notes(best: &Best, plan: &StudyPlan) -> Vec<String> {
    let mut notes = vec![
        "SE of the difference and the smallest true difference shown, in points; cost of both arms, in US dollars."
            .to_owned(),
    ];
    if best.best.labels > 0 {
        notes.push(
            "Labels are drawn at random from each arm's samples and correct its rate (PPI++), so that the difference is \
             that of true rates, whatever the judge's errors."
                .to_owned(),
        );
    }
    notes.extend(best.judge_alone.map(|_| {
        format!(
            "Without labels the difference is one of verdicts: an estimate of {:.2} of the true one, if the judge errs \
             alike in both arms.",
            plan.remains
        )
    }));
    notes
}
