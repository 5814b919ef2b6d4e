//! The worked example of docs/statistics.md, computed: the page and the code say the same, or this fails.
//!
//! `UPDATE_DOCS=1 cargo test -p undersight-metrics --test worked` writes the page.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use undersight_core::{
    Item, JudgementStatus, Label, Outcome, Provenance, SampleStatus, Scenario, Study, Task, Verdict,
};
use undersight_metrics::compare::{CompareOptions, compare};
use undersight_metrics::judge_error::rogan_gladen;
use undersight_metrics::stats::{Correction, cluster_se, mcnemar_exact, mcnemar_mid, pass_at, pass_hat};
use undersight_metrics::{Estimate, Inference, Method, Missing, Panel, Scores, Scoring, scores};

/// Scenario, the texts it has, and its samples in two runs.
const INSTANCES: [(Scenario, &str, [&str; 2]); 6] = [
    (Scenario::OverSensitivity, "", ["s+ s- s-", "s+ s+ s+"]),
    (Scenario::CognitiveShortcut, "AB", ["s- s- u-", "s- s+ u-"]),
    (Scenario::CognitiveShortcut, "AC", ["s- u- u+", "s+ s- s+"]),
    (Scenario::CognitiveShortcut, "DE", ["s+ s+ s+", "s+ s+ s+"]),
    (Scenario::RiskOmission, "", ["s+ s? u-", "s+ s+ s-"]),
    (Scenario::RiskOmission, "", ["u- u- s-", "s- s- s+"]),
];

fn verdict(task: Task, scenario: Scenario, mark: char) -> Option<Verdict> {
    let labels = Label::allowed(task, scenario);
    match mark {
        's' | '+' => Some(Verdict { status: JudgementStatus::Ok, label: labels.first().copied() }),
        'u' | '-' => Some(Verdict { status: JudgementStatus::Ok, label: labels.last().copied() }),
        _ => Some(Verdict { status: JudgementStatus::ParseError, label: None }),
    }
}

fn study(run: usize) -> Study {
    let mut outcomes = Vec::new();
    let mut items = Vec::new();
    for (item, (scenario, texts, samples)) in INSTANCES.iter().enumerate() {
        for (index, sample) in (0..).zip(samples[run].split(' ')) {
            let mut marks = sample.chars();
            outcomes.push(Outcome {
                item,
                index,
                status: Some(SampleStatus::Ok),
                cause: None,
                provenance: Some(Provenance::Full),
                safety: verdict(Task::Safety, *scenario, marks.next().unwrap()),
                thinking: verdict(Task::Thinking, *scenario, marks.next().unwrap()),
                handling: None,
                truth: None,
            });
        }
        let shared_texts = texts.chars().map(u64::from).collect();
        items.push(Item {
            id: format!("{}", item + 1),
            scenario: *scenario,
            subcategories: Vec::new(),
            shared_texts,
        });
    }
    Study { name: ["first", "second"][run].to_owned(), items, k: 3, outcomes }
}

fn scored(method: Method) -> Scores {
    let inference = Inference { method, replicates: 0, ..Inference::default() };
    scores(&study(0), &Scoring { missing: Missing::Fail, inference, ..Scoring::default() })
}

fn shown(name: &str, e: &Estimate) -> String {
    let i = e.interval.unwrap();
    format!(
        "{name:<9} {} of {} = {:.4}   SE {:.4}   95 % {} {:.4} to {:.4}\n",
        e.passes,
        e.of,
        e.value().unwrap(),
        e.se.unwrap(),
        i.method.name(),
        i.low,
        i.high
    )
}

fn example() -> String {
    let mut out = String::new();
    for (at, (scenario, texts, samples)) in INSTANCES.iter().enumerate() {
        let texts = if texts.is_empty() { "-" } else { texts };
        let line = format!("{} {} {texts:<2}", at + 1, scenario.abbreviation());
        writeln!(out, "instance {line}   first: {}   second: {}", samples[0], samples[1]).unwrap();
    }
    out.push_str("\nthe first run\n");
    let wilson = scored(Method::Wilson);
    let all = &wilson.overall;
    for (name, e) in [
        ("Safe@1", &all.safe.at_1),
        ("Safe@3", &all.safe.at_k),
        ("Think@1", &all.think.at_1),
        ("SSA", &all.ssa),
        ("lucky", &all.lucky),
        ("escape", &all.escape),
    ] {
        out.push_str(&shown(name, e));
    }
    let bounds = |e: &Estimate| format!("[{:.4}, {:.4}]", e.low.unwrap(), e.high.unwrap());
    writeln!(
        out,
        "bounds    Think@1 {}   SSA {}   clusters {}",
        bounds(&all.think.at_1),
        bounds(&all.ssa),
        all.clusters
    )
    .unwrap();
    let normal = scored(Method::Normal);
    out.push_str(&shown("Safe@1", &normal.overall.safe.at_1));
    let f = &wilson.f;
    let delta = f.delta.unwrap();
    writeln!(
        out,
        "F         {:.4}   SE {:.4}   95 % delta {:.4} to {:.4}",
        f.value.unwrap(),
        f.se.unwrap(),
        delta.low,
        delta.high
    )
    .unwrap();
    let c = &all.safe_consistency;
    let curve = |of: &[Estimate]| {
        of.iter().map(|e| format!("{:.4}", e.value().unwrap())).collect::<Vec<_>>().join(" ")
    };
    writeln!(
        out,
        "safety    pass^1..3 {}   pass@1..3 {}   flips {} of {}   ICC {:.4}",
        curve(&c.all_of),
        curve(&c.any_of),
        c.flips.passes,
        c.flips.of,
        c.icc.unwrap()
    )
    .unwrap();
    out.push_str(&by_hand());
    out.push_str(&second());
    out
}

/// The functions behind, on numbers one can check with a pencil.
fn by_hand() -> String {
    let mut out = String::from("\nby hand\n");
    writeln!(
        out,
        "2 of 3 samples pass: pass^2 = C(2,2)/C(3,2) = {:.4}, pass@2 = 1 - C(1,2)/C(3,2) = {:.4}",
        pass_hat(2, 3, 2).unwrap(),
        pass_at(2, 3, 2).unwrap()
    )
    .unwrap();
    let values = [1.0, 1.0, 0.0, 1.0, 0.0, 0.0];
    writeln!(
        out,
        "mean of 1 1 0 | 1 0 0, two clusters of three: SE {:.4}, with G/(G-1)*(N-1)/(N-1) {:.4}",
        cluster_se(&values, &[0, 0, 0, 1, 1, 1], Correction::None).unwrap(),
        cluster_se(&values, &[0, 0, 0, 1, 1, 1], Correction::Small).unwrap()
    )
    .unwrap();
    writeln!(
        out,
        "McNemar, 4 pass in one alone and 12 in the other: exact p {:.4}, mid-p {:.4}",
        mcnemar_exact(4, 12),
        mcnemar_mid(4, 12)
    )
    .unwrap();
    let rg = rogan_gladen(0.34, 0.92, 0.85, 2000.0, 120.0, 80.0, 0.95).unwrap();
    writeln!(
        out,
        "Rogan-Gladen, 34 % of 2,000 judged to pass, specificity 0.92 of 120, sensitivity 0.85 of 80: {:.4} ({:.4} to {:.4})",
        rg.point, rg.low, rg.high
    )
    .unwrap();
    out
}

fn second() -> String {
    let panels = [0, 1].map(|run| Panel::of(&study(run)));
    let options = CompareOptions {
        scoring: Scoring {
            inference: Inference { replicates: 0, ..Inference::default() },
            ..Scoring::default()
        },
        at_k: None,
    };
    let comparison = compare(&[&panels[0], &panels[1]], &options).unwrap();
    let mut out = String::from("\nthe second run against the first\n");
    for d in comparison.pairs[0].differences.iter().take(4) {
        let i = d.interval.unwrap();
        writeln!(
            out,
            "{:<9} {:+.4}   SE {:.4}   95 % {} {:.4} to {:.4}   p {:.4}   Holm {:.4}",
            d.metric.to_string(),
            d.difference.unwrap(),
            d.se.unwrap(),
            i.method.name(),
            i.low,
            i.high,
            d.p.unwrap(),
            d.p_holm.unwrap()
        )
        .unwrap();
    }
    out
}

#[test]
fn the_worked_example_is_what_the_code_computes() {
    let path = testkit::repository().join("docs/statistics.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once("<!-- worked -->\n").expect("the page marks where the example goes");
    let block = format!("\n```text\n{}```\n", example());
    let after = match rest.split_once("```text\n") {
        Some((gap, rest)) if gap.trim().is_empty() => rest.split_once("```\n").expect("the example ends").1,
        _ => rest,
    };
    let expected = format!("{before}<!-- worked -->\n{block}{after}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
        return;
    }
    assert!(page == expected, "UPDATE_DOCS=1 cargo test -p undersight-metrics --test worked writes the page");
}
