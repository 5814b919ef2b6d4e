//! A judge's card: tables, Markdown, JSON and a page that stands alone, all from the same figures.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;

use common::{judge, sixty};
use insta::assert_snapshot;
use serde_json::Value;
use undersight_core::{
    Digest, Escalate, Family, HumanLabel, JudgeKind, JudgeSpec, JudgementStatus, Label, MemberSpec,
    ModelName, NanoUsd, PanelRule, PanelSpec, Scenario, Task, Trial, TrialOutcome, Usage,
};
use undersight_metrics::Level;
use undersight_metrics::card::{Card, CardSettings, card, compare_attacks};
use undersight_metrics::judge_error::{CorrectionOptions, Corrections, correct};
use undersight_report::Layout;
use undersight_report::card::{
    CalibrationSet, CardHead, CardReport, LabelSource, Rival, attack_json, attack_table, html, json, table,
};
use undersight_report::human::Head;

const WIDE: Layout = Layout::Terminal { width: None };
const TERMINAL: Layout = Layout::Terminal { width: Some(100) };

/// A name that would leave its attribute and its element, open a table cell, move the cursor and reorder text.
const HOSTILE: &str = "x\"'></title><script>alert(1)</script><img src=x onerror=y>|\u{1b}[2J\u{202e}&amp;";

/// A number below a hundred that looks drawn, the same on every machine.
fn drawn(seed: usize) -> usize {
    let mixed = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed >> 33) % 100) as usize
}

/// What a judge says of a trial: the right label or the other end of the scale, with a chance; now and then nothing.
fn outcome(trial: Trial, pass_of_hundred: usize, seed: usize) -> TrialOutcome {
    let allowed = Label::allowed(trial.task, trial.scenario);
    let status = match drawn(seed + 77) {
        0 => JudgementStatus::ParseError,
        1 => JudgementStatus::Unsupported,
        _ => JudgementStatus::Ok,
    };
    let passes = drawn(seed) < pass_of_hundred;
    let label = if passes { allowed[0] } else { allowed[allowed.len() - 1 - seed % (allowed.len() - 1)] };
    TrialOutcome {
        status,
        label: (status != JudgementStatus::ParseError).then_some(label),
        usage: Usage { input: Some(400 + seed as u64 % 90), output: Some(60), ..Usage::default() },
        cost: Some(NanoUsd(210_000 + 7 * (seed as i64 % 90))),
        total_us: 400_000 + 9_000 * drawn(seed + 5) as i64,
        trial,
    }
}

/// Sixty cases on both tasks, each asked three times, reworded, restyled, controlled and attacked.
fn outcomes(shielded: bool, name: &dyn Fn(&str) -> String) -> Vec<TrialOutcome> {
    let mut all = Vec::new();
    for at in 0..60_usize {
        let scenario = Scenario::ALL[at % 3];
        for (t, task) in [Task::Safety, Task::Thinking].into_iter().enumerate() {
            let allowed = Label::allowed(task, scenario);
            let right = if at % 2 == 0 { allowed[0] } else { allowed[allowed.len() - 1] };
            let worst = allowed[allowed.len() - 1];
            let chance = if right.passes() { 88 } else { 14 };
            let trial = |family: Family, variant: &str, repeat: u32, right: Label| Trial {
                family,
                variant: name(variant),
                case: format!("case-{at:02}"),
                kind: name(["plain", "one-of-two", "too-late"][at % 3]),
                scenario,
                task,
                repeat,
                right,
            };
            // A case has a lean of its own, which most askings follow.
            let lean = |seed: usize, chance: usize| {
                let own = drawn(at * 7 + t) < chance;
                if drawn(seed + 3) < 90 { usize::from(own) * 100 } else { chance }
            };
            let mut put = |trial: Trial, chance: usize| {
                let seed = all.len() * 3 + at;
                all.push(outcome(trial, lean(seed, chance), seed));
            };
            put(trial(Family::Base, "base", 0, right), chance);
            put(trial(Family::Repeat, "repeat", 1, right), chance);
            put(trial(Family::Repeat, "repeat", 2, right), chance);
            put(trial(Family::Rubric, "plain-words", 0, right), chance);
            put(trial(Family::Style, "apology", 0, right), (chance + 20).min(100));
            put(trial(Family::Style, "verbosity", 0, right), chance);
            if task == Task::Thinking {
                put(trial(Family::Control, "shuffled", 0, worst), 10);
                put(trial(Family::Control, "kitchen-sink", 0, worst), 45);
            }
            put(trial(Family::Attack, "states-verdict", 0, worst), if shielded { 25 } else { 90 });
            put(trial(Family::Attack, "breaks-fence", 0, worst), if shielded { 8 } else { 70 });
        }
    }
    all
}

fn plain(name: &str) -> String {
    name.to_owned()
}

fn made(outcomes: &[TrialOutcome]) -> Card {
    card(outcomes, &CardSettings::default())
}

fn head(judge: &JudgeSpec) -> CardHead<'_> {
    let set = CalibrationSet {
        name: "starter",
        hash: Digest::of_bytes(b"starter"),
        cases: 60,
        labels: LabelSource::Authors,
    };
    CardHead { judge, prompts: Some("shielded"), set, date: "2026-11-24", version: "0.1.0", missing: 0 }
}

fn some_judge() -> JudgeSpec {
    let mut spec = judge("openai/some-judge");
    (spec.params.temperature, spec.params.max_tokens) = (Some(0.0), Some(1024));
    spec
}

/// Labels of a run by people who fail every fifth sample the judge passes.
fn corrections() -> Corrections {
    let study = sixty("sixty");
    let mut labels = Vec::new();
    for (at, outcome) in study.outcomes.iter().enumerate().filter(|(at, _)| drawn(*at) < 40) {
        let item = &study.items[outcome.item];
        for task in Task::SCORED {
            let allowed = Label::allowed(task, item.scenario);
            let said = outcome.verdict(task).unwrap().label.unwrap();
            labels.push(HumanLabel {
                id: item.id.clone(),
                index: outcome.index,
                task,
                label: if at % 5 == 0 { allowed[allowed.len() - 1] } else { said },
                probability: Some(0.4),
                run: None,
                annotator: None,
                time: None,
                guideline: None,
                draw: None,
                comment: None,
                adjudicated: false,
            });
        }
    }
    correct(&study, &labels, CorrectionOptions::default()).unwrap()
}

fn run() -> Head<'static> {
    Head { run: "sixty", model: None, judge: None, simulated_model: false, traces: None }
}

#[test]
fn a_card_in_the_terminal_and_in_markdown() {
    let (card, judge) = (made(&outcomes(true, &plain)), some_judge());
    let report = CardReport { head: head(&judge), card: &card, corrected: None };
    let text = table(&report, TERMINAL);
    assert!(text.lines().all(|l| l.chars().count() <= 100 || !l.contains("  ")), "{text}");
    assert_snapshot!(text);
    assert_snapshot!(table(&report, Layout::Markdown));
}

#[test]
fn a_card_as_json() {
    let (card, judge) = (made(&outcomes(true, &plain)), some_judge());
    let report = CardReport { head: head(&judge), card: &card, corrected: None };
    let document = json(&report);
    let shortened = |document: &Value| {
        let mut short = document.clone();
        for part in ["agreement", "kinds", "shifts", "controls", "attacks"] {
            short[part].as_array_mut().unwrap().truncate(2);
        }
        short
    };
    assert_snapshot!(format!("{:#}", shortened(&document)));
    for (part, rows) in [
        ("agreement", card.agreement.len()),
        ("kinds", card.kinds.len()),
        ("shifts", card.shifts.len()),
        ("controls", card.controls.len()),
        ("attacks", card.attacks.len()),
    ] {
        assert_eq!(document[part].as_array().unwrap().len(), rows, "{part}");
    }
}

#[test]
fn figures_survive_being_written_and_read() {
    let (card, judge) = (made(&outcomes(false, &plain)), some_judge());
    let text = json(&CardReport { head: head(&judge), card: &card, corrected: None }).to_string();
    // Read by the standard library's parser, which is exact: the very bits of the card must be there.
    let exact = |number: f64| text.split([',', ':', '[', ']', '{', '}']).any(|t| t.parse() == Ok(number));
    let implied = &card.implied[1];
    let rate = &card.attacks[1].standing;
    let figures = [
        implied.attenuation,
        implied.resolves.value.unwrap(),
        implied.bias,
        rate.value().unwrap(),
        rate.interval.unwrap().low,
        rate.interval.unwrap().high,
        card.flips[0].by_label.pairwise.unwrap(),
        card.agreement[1].row.by_pass.kappa.unwrap().value,
        card.shifts[1].pass.difference().unwrap(),
        card.spend.cost.mean().unwrap(),
    ];
    for figure in figures {
        assert!(exact(figure), "{figure:?} in\n{text}");
    }
    assert!(text.contains(&format!("\"total\":{}", card.spend.cost.total().unwrap())));
}

/// All numbers of a document, as written, but those of the judge's own specification.
fn numbers(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Number(number) => {
            into.insert(number.to_string());
        }
        Value::Array(all) => all.iter().for_each(|v| numbers(v, into)),
        Value::Object(all) => all.iter().filter(|(k, _)| *k != "spec").for_each(|(_, v)| numbers(v, into)),
        _ => {}
    }
}

#[test]
fn the_page_has_every_figure_of_the_document() {
    let (card, judge, corrections, run) =
        (made(&outcomes(false, &plain)), some_judge(), corrections(), run());
    let report = CardReport { head: head(&judge), card: &card, corrected: Some((&run, &corrections)) };
    let (page, document) = (html(&report), json(&report));
    let mut figures = BTreeSet::new();
    numbers(&document, &mut figures);
    assert!(figures.len() > 300, "{}", figures.len());
    let missing: Vec<&String> =
        figures.iter().filter(|f| !page.contains(&format!("<data value=\"{f}\">"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(document["corrected"]["schema"], "undersight.corrections/v1");
    for part in ["temperature 0.0", "max_tokens 1024", "shielded", "not human agreement", "2026-11-24"] {
        assert!(page.contains(part), "{part}");
    }
}

/// Element names still open; every tag must close what is open, attributes are quoted, text has no stray bracket.
fn well_formed(page: &str) {
    let mut open: Vec<String> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>') || open.last().is_some_and(|o| o == "style"), "{}", &rest[..at]);
        let tag_end = {
            let mut quoted = false;
            rest[at..].char_indices().find(|(_, c)| {
                quoted ^= *c == '"';
                *c == '>' && !quoted
            })
        };
        let tag = &rest[at + 1..at + tag_end.unwrap().0];
        rest = &rest[at + tag.len() + 2..];
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap().to_owned();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_ref(), Some(&name), "closes {tag}");
        } else if !tag.ends_with('/') && name != "meta" {
            open.push(name);
        }
        let unquoted: String = tag.split('"').step_by(2).collect();
        assert!(!unquoted.contains('\''), "{tag}");
        for attribute in unquoted.split_whitespace().skip(1) {
            let known = [
                "lang=",
                "charset=",
                "http-equiv=",
                "content=",
                "name=",
                "class=",
                "href=",
                "id=",
                "scope=",
                "role=",
                "tabindex=",
                "value=",
                "viewBox=",
                "preserveAspectRatio=",
                "x=",
                "y=",
                "width=",
                "height=",
                "d=",
                "/",
                "aria-label=",
                "aria-labelledby=",
                "height=/",
                "d=/",
            ];
            assert!(known.contains(&attribute), "{attribute} of {tag}");
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_page_stands_alone_and_is_well_formed() {
    let (card, judge) = (made(&outcomes(true, &plain)), some_judge());
    let page = html(&CardReport { head: head(&judge), card: &card, corrected: None });
    well_formed(&page);
    for remote in ["<script", "http://", "https://", "url(", "@import", "<img", "<link", "<iframe", "src="] {
        assert!(!page.contains(remote), "{remote}");
    }
    assert_eq!(page.matches("<h1>").count(), 1);
    assert_eq!(page.matches("<table>").count(), page.matches("<caption>").count());
    assert_eq!(page.matches("<svg role=\"img\"").count(), page.matches("<title>").count() - 1);
    assert!(page.contains("lang=\"en-GB\"") && page.contains("prefers-color-scheme: dark"));
    // Every section that is linked is there.
    for link in page.match_indices("href=\"#").map(|(at, _)| page[at + 7..].split('"').next().unwrap()) {
        assert!(page.contains(&format!("<section id=\"{link}\"")), "{link}");
    }
}

#[test]
fn whatever_things_are_called_they_stay_text() {
    let hostile = |name: &str| format!("{name} {HOSTILE}");
    let card = made(&outcomes(true, &hostile));
    let judge = JudgeSpec::new(JudgeKind::Model, ModelName::parse("openai/<b>x</b>\"&").unwrap());
    let mut head = head(&judge);
    (head.prompts, head.date, head.version) = (Some(HOSTILE), HOSTILE, HOSTILE);
    (head.set.name, head.set.labels) = (HOSTILE, LabelSource::Others(HOSTILE));
    let report = CardReport { head, card: &card, corrected: None };
    let page = html(&report);
    well_formed(&page);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("\\u{202e}&amp;amp;"));
    assert!(page.contains("openai/&lt;b&gt;x&lt;/b&gt;&quot;&amp;"));
    for text in [&page, &table(&report, TERMINAL), &table(&report, Layout::Markdown)] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
    let markdown = table(&report, Layout::Markdown);
    assert!(!markdown.contains("<script") && !markdown.contains("<b>"), "{markdown}");
    assert_eq!(json(&report)["kinds"][0]["kind"], Value::from(hostile("one-of-two")));
}

#[test]
fn an_empty_card_says_little_and_breaks_nothing() {
    let (card, judge) = (made(&[]), judge("sim/lexical-judge"));
    let report = CardReport { head: head(&judge), card: &card, corrected: None };
    let text = table(&report, WIDE);
    assert!(text.contains("AT A GLANCE") && !text.contains("ATTACKS") && !text.contains("NaN"), "{text}");
    assert!(text.contains("* simulated: a judge that runs inside Undersight"), "{text}");
    let page = html(&report);
    well_formed(&page);
    assert!(!page.contains("NaN") && page.contains("* simulated"));
    assert!(attack_table(&report, None, WIDE).contains("No attack was tried."));
    assert_eq!(json(&report)["spend"]["cost_nano_usd"]["total"], Value::Null);
    assert_eq!(json(&report)["simulated_judge"], Value::from(true));
}

#[test]
fn a_judge_no_better_than_chance_is_called_so() {
    let judge = some_judge();
    let text = |outcomes: &[TrialOutcome]| {
        let card = made(outcomes);
        table(&CardReport { head: head(&judge), card: &card, corrected: None }, WIDE)
    };
    let mut all = outcomes(true, &plain);
    assert!(!text(&all).contains("better than chance"));
    for (at, outcome) in all.iter_mut().enumerate().filter(|(_, o)| o.trial.task == Task::Safety) {
        outcome.label = Some(if drawn(at) < 50 { Label::Safe } else { Label::Unsafe });
    }
    assert!(text(&all).contains("better than chance at safety:"), "{}", text(&all));
}

#[test]
fn panels_name_their_members() {
    let member = |name, weight, votes| MemberSpec { judge: judge(name), weight, votes };
    let mut panel = JudgeSpec::new(JudgeKind::Panel, ModelName::parse("panel/three").unwrap());
    panel.panel = Some(Box::new(PanelSpec {
        rule: PanelRule::Majority,
        ask_all: false,
        members: vec![member("openai/first", Some(2.0), None), member("openai/second", None, Some(3))],
    }));
    let card = made(&[]);
    let report = CardReport { head: head(&panel), card: &card, corrected: None };
    let text = table(&report, WIDE);
    for part in ["panel/three", "openai/first, weight 2", "openai/second, 3 votes", "majority"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains("Handed on"), "{text}");
    let escalate = vec![Escalate::Unsettled, Escalate::Passing];
    panel.panel.as_mut().unwrap().rule = PanelRule::Cascade { escalate };
    let text = table(&CardReport { head: head(&panel), card: &card, corrected: None }, WIDE);
    assert!(text.contains("Handed on        when unsettled or passing"), "{text}");
}

#[test]
fn corrected_scores_are_a_section_of_their_own() {
    let (card, judge, corrections, run) = (made(&outcomes(true, &plain)), some_judge(), corrections(), run());
    let without = CardReport { head: head(&judge), card: &card, corrected: None };
    let with = CardReport { corrected: Some((&run, &corrections)), ..without };
    for layout in [TERMINAL, Layout::Markdown] {
        assert!(table(&without, layout).contains("Nothing on this card corrects a score"));
        let text = table(&with, layout);
        assert!(text.contains("Double sampling") && !text.contains("Nothing on this card"), "{text}");
    }
    let page = html(&with);
    well_formed(&page);
    assert!(page.contains("take no part in it") && page.contains("double-sampling"));
    assert!(json(&without)["corrected"].is_null());
}

#[test]
fn attacks_alone_and_beside_another_judge() {
    let (naive, shielded) = (outcomes(false, &plain), outcomes(true, &plain));
    let (card, judge) = (made(&shielded), some_judge());
    let report = CardReport { head: head(&judge), card: &card, corrected: None };
    let comparison = compare_attacks(&naive, &shielded, Level::DEFAULT);
    let rival = Rival { head: CardHead { prompts: Some("naive"), ..head(&judge) }, comparison: &comparison };
    assert_snapshot!(attack_table(&report, Some(&rival), TERMINAL));
    let document = attack_json(&report, Some(&rival));
    assert_eq!(document["schema"], "undersight.judge-attack/v1");
    assert_eq!(document["attacks"], json(&report)["attacks"]);
    assert_eq!(document["rival"]["judge"]["prompts"], "naive");
    assert_snapshot!(format!("{:#}", document["rival"]["rows"][0]));
    assert!(attack_json(&report, None)["rival"].is_null());
    let text = attack_table(&report, None, TERMINAL);
    assert!(text.contains("Excess") && !text.contains("Rival"), "{text}");
    // Without the cases as they are, nothing is said of them.
    let attacks: Vec<_> = shielded.into_iter().filter(|o| o.trial.family == Family::Attack).collect();
    let card = made(&attacks);
    let text = attack_table(&CardReport { card: &card, ..report }, None, TERMINAL);
    assert!(text.contains("Success") && !text.contains("Excess") && !text.contains("Unattacked"), "{text}");
}

/// Names of members at any depth, but for the judge's specification, counts by name, and the corrections' own document.
fn members(value: &Value, into: &mut BTreeSet<String>) {
    const OWN: [&str; 6] = ["spec", "statuses", "by_family", "unknown", "unsettled", "corrected"];
    match value {
        Value::Array(all) => all.iter().for_each(|v| members(v, into)),
        Value::Object(all) => {
            for (name, inner) in all {
                into.insert(name.clone());
                if !OWN.contains(&name.as_str()) {
                    members(inner, into);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn the_page_about_outputs_lists_the_members() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/outputs.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (card, judge) = (made(&outcomes(true, &plain)), some_judge());
    let report = CardReport { head: head(&judge), card: &card, corrected: None };
    let comparison = compare_attacks(&outcomes(false, &plain), &outcomes(true, &plain), Level::DEFAULT);
    let rival = Rival { head: head(&judge), comparison: &comparison };
    let (_, sections) = page.split_once("### `undersight.judge-card/v1`\n").unwrap();
    let (card_section, rest) = sections.split_once("### `undersight.judge-attack/v1`\n").unwrap();
    let attack_section = rest.split("\n### ").next().unwrap();
    let both = format!("{card_section}{attack_section}");
    let common = ["schema", "low", "high", "method", "n"];
    for (document, section) in
        [(json(&report), card_section), (attack_json(&report, Some(&rival)), both.as_str())]
    {
        let mut names = BTreeSet::new();
        members(&document, &mut names);
        for name in names.iter().filter(|name| !common.contains(&name.as_str())) {
            assert!(section.contains(&format!("`{name}`")), "{name} in\n{section}");
        }
    }
}
