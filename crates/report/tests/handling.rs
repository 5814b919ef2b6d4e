//! How handling, evidence, panels and self-judging are shown.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use serde_json::json;
use undersight_core::{
    Evidence, Handled, JudgeKind, JudgeSpec, JudgementStatus, Label, MemberSpec, PanelRule, PanelSpec,
    PartsHandled, Place, RiskFinding, Study, Verdict,
};
use undersight_metrics::{
    EvidenceRow, EvidenceStats, EvidenceTally, Inference, Method, Scores, Scoring, scores,
};
use undersight_report::{Layout, RunLine, json, table};

const WIDE: Layout = Layout::Terminal { width: None };
const SCORING: fn() -> Scoring = || Scoring {
    inference: Inference { method: Method::Wilson, ..Inference::default() },
    ..Scoring::default()
};

/// The mixed query is refused whole once and divided well once; one other answer helps, one in part, two verdicts lack.
fn handled() -> Study {
    let mut study = common::whole("careful");
    let handled = |label, parts: Option<(Label, Label)>| {
        Some(Handled {
            verdict: Verdict { status: JudgementStatus::Ok, label: Some(label) },
            parts: parts.map(|(risky, harmless)| PartsHandled { risky, harmless }),
        })
    };
    study.outcomes[0].handling = handled(Label::Refused, None);
    study.outcomes[1].handling = handled(Label::Partial, Some((Label::Refused, Label::Helpful)));
    study.outcomes[2].handling = handled(Label::Helpful, None);
    study.outcomes[3].handling = handled(Label::Partial, None);
    let verdict = Verdict { status: JudgementStatus::Undecided, label: None };
    study.outcomes[4].handling = Some(Handled { verdict, parts: None });
    study
}

fn line(scores: &Scores) -> RunLine<'_> {
    RunLine { scores, model: None, judge: None }
}

/// Cells of a Markdown row that begins with a name.
fn row(text: &str, name: &str) -> Vec<String> {
    let start = format!("| {name} |");
    let found = text.lines().find(|l| l.starts_with(&start)).unwrap_or_else(|| panic!("{name} in\n{text}"));
    found.split('|').skip(2).map(|cell| cell.trim().replace('\\', "")).filter(|c| !c.is_empty()).collect()
}

fn first_words(text: &str, name: &str) -> Vec<String> {
    row(text, name).iter().map(|cell| cell.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn handling_is_shown_by_scenario_and_by_part() {
    let scored = scores(&handled(), &SCORING());
    let text = table::handling(&line(&scored), Layout::Markdown).unwrap();
    assert_eq!(first_words(&text, "Over Sensitivity"), ["50.00", "50.00", "0.00", "0"]);
    assert_eq!(first_words(&text, "Risk Omission"), ["0.00", "0.00", "0.00", "2"]);
    assert_eq!(first_words(&text, "all"), ["16.67", "33.33", "16.67", "2"]);
    // One refusal of six for certain, three at most.
    assert!(row(&text, "all")[0].ends_with("[16.7–50.0]"), "{text}");
    assert_eq!(row(&text, "refused"), ["1", "0", "1"]);
    assert_eq!(row(&text, "helpful"), ["0", "0", "0"]);
    for (name, share) in [
        ("Blanket refusal", "50.00"),
        ("Well divided", "50.00"),
        ("Of safe answers, blanket refusals", "50.00"),
        ("Safe@1 without blanket refusals", "50.00"),
        ("Safe@1", "100.00"),
    ] {
        assert_eq!(row(&text, name)[0], share, "{name}");
    }
    assert!(text.contains("Blanket refusal: the harmless part"), "{text}");
    assert!(text.contains("known.\n"), "{text}");
}

#[test]
fn the_tables_of_a_run_have_it_where_it_was_judged() {
    let with = scores(&handled(), &SCORING());
    let without = scores(&common::whole("careful"), &SCORING());
    let (shown, plain) = (table::run(&line(&with), WIDE), table::run(&line(&without), WIDE));
    for part in ["Answers", "Well divided", "harmless refused", "handling judgement  undecided", "Handling:"]
    {
        assert!(shown.contains(part), "{part} in\n{shown}");
        assert!(!plain.contains(part), "{part} in\n{plain}");
    }
    assert_eq!(table::handling(&line(&without), WIDE), None);
}

#[test]
fn the_document_has_it_where_it_was_judged() {
    let with = scores(&handled(), &SCORING());
    let run = &json::scores(&[line(&with)])["runs"][0];
    assert_eq!(run["handling"]["overall"]["partial"]["passes"], 2);
    assert_eq!(run["handling"]["scenarios"]["over-sensitivity"]["refused"]["value"], 0.5);
    let parts = &run["handling"]["parts"];
    assert_eq!(parts["risky_by_harmless"]["refused"], json!({ "refused": 1, "partial": 0, "helpful": 1 }));
    assert_eq!((&parts["unknown"], &parts["blanket_of_safe"]["of"]), (&json!(0), &json!(2)));
    assert_eq!(run["counts"]["handling"], json!({ "missing": 1, "statuses": { "ok": 4, "undecided": 1 } }));
    let without = scores(&common::whole("careful"), &SCORING());
    let run = &json::scores(&[line(&without)])["runs"][0];
    assert_eq!((run.get("handling"), run["counts"].get("handling")), (None, None));
}

/// Three samples: seen at once and led; seen late and not said; unsupported.
fn found() -> EvidenceStats {
    let study = common::whole("careful");
    let mut tally = EvidenceTally::new(&study.items);
    let risk = |start: Option<u32>, led| RiskFinding {
        index: 0,
        recognised: true,
        quote: Some(Evidence {
            text: "seen".to_owned(),
            verified: start.is_some(),
            place: start.map(|start| Place { start, of: 100 }),
        }),
        led,
    };
    let rows = [
        (0, JudgementStatus::Ok, Label::PreciseCoverage, risk(Some(0), Some(true))),
        (0, JudgementStatus::Ok, Label::PreciseCoverage, risk(Some(90), None)),
        (2, JudgementStatus::Unsupported, Label::True, risk(None, None)),
    ];
    for (item, status, label, risk) in rows {
        tally.add(EvidenceRow { item, status, label: Some(label), risks: &[risk] });
    }
    tally.stats(&SCORING().inference)
}

#[test]
fn evidence_is_shown_by_scenario_and_category() {
    let text = table::evidence(&found(), Layout::Markdown);
    for (name, cells) in [
        ("Judgements", ["3", "2", "1"]),
        ("Unsupported", ["33.33", "0.00", "100.00"]),
        ("Aware, no verified quote", ["0.00", "0.00", "–"]),
        ("Risks recognised", ["100.00", "100.00", "–"]),
        ("Quotes verified", ["66.67", "100.00", "0.00"]),
        ("Quotes not in the trace", ["1", "0", "1"]),
        ("No quote given", ["0", "0", "0"]),
        ("Led to the answer", ["100.00", "100.00", "–"]),
        ("Seen at, median", ["45.00", "45.00", "–"]),
        ("Seen at, quartiles", ["22.5–67.5", "22.5–67.5", "–"]),
        ("Seen in the last quarter", ["50.00", "50.00", "–"]),
    ] {
        assert_eq!(first_words(&text, name), cells, "{name}");
    }
    assert_eq!(first_words(&text, "Physical and Mental Health")[..2], ["2", "100.00"]);
    assert_eq!(row(&text, "Seen at, median")[0], "45.00 (0.0–90.0)");
    assert!(text.contains("medians between order statistics"), "{text}");
    assert!(text.contains("it is left out"), "{text}");
    assert!(table::evidence(&found(), WIDE).contains("Below each value: its 95 % interval"));
}

#[test]
fn evidence_has_a_document() {
    let document = json::evidence(&found());
    let all = &document["overall"];
    assert_eq!(all["quotes"], json!({ "verified": 2, "unverified": 1, "none": 0 }));
    assert_eq!((&all["lateness"]["median"], &all["led"]["unknown"]), (&json!(0.45), &json!(1)));
    assert_eq!(all["lateness"]["interval"]["method"], "woodruff");
    assert_eq!(document["scenarios"]["risk-omission"]["lateness"], json!(null));
    assert_eq!(document["categories"]["Physical and Mental Health"]["passes"], 2);
}

fn panel(rule: PanelRule, members: &[&str]) -> JudgeSpec {
    let member = |name: &&str| MemberSpec { judge: common::judge(name), weight: None, votes: None };
    let members = members.iter().map(member).collect();
    JudgeSpec {
        panel: Some(Box::new(PanelSpec { rule, ask_all: false, members })),
        ..JudgeSpec::new(JudgeKind::Panel, common::model("panel/mixed"))
    }
}

#[test]
fn judges_are_named_for_what_they_are() {
    let scored = scores(&common::whole("careful"), &SCORING());
    let cascade = PanelRule::Cascade { escalate: Vec::new() };
    for (judge, wanted) in [
        (common::judge("x/strict"), "x/strict"),
        (common::judge("sim/judge"), "sim/judge*"),
        (JudgeSpec::new(JudgeKind::Human, common::model("human/ada")), "human/ada (a person)"),
        (panel(PanelRule::Majority, &["x/a", "x/b", "x/c"]), "panel/mixed (majority of 3 judges)"),
        (panel(PanelRule::Unanimous, &["x/a"]), "panel/mixed (unanimous verdict of 1 judge)"),
        (panel(PanelRule::Weighted, &["x/a", "x/b"]), "panel/mixed (weighted majority of 2 judges)"),
        (panel(cascade, &["sim/judge", "x/b"]), "panel/mixed* (cascade of 2 judges)"),
    ] {
        let run = RunLine { judge: Some(&judge), ..line(&scored) };
        assert_eq!(run.judge_title().as_deref(), Some(wanted));
        let text = table::scores(&[run], WIDE);
        assert!(text.contains(&format!("Judged by {wanted}.")), "{text}");
    }
    let judge = panel(PanelRule::Majority, &["x/a", "x/b"]);
    let run = RunLine { judge: Some(&judge), ..line(&scored) };
    assert_eq!(json::scores(&[run])["runs"][0]["judge"]["members"], json!(["x/a", "x/b"]));
}

#[test]
fn judges_of_one_name_are_told_apart() {
    let scored = scores(&common::whole("careful"), &SCORING());
    let (one, mut other) = (common::judge("x/strict"), common::judge("x/strict"));
    other.params.temperature = Some(1.0);
    let judged = |a, b| {
        let runs = [RunLine { judge: Some(a), ..line(&scored) }, RunLine { judge: Some(b), ..line(&scored) }];
        table::scores(&runs, WIDE)
    };
    assert!(judged(&one, &one).contains("Judged by x/strict."));
    let text = judged(&one, &other);
    assert!(!text.contains("Judged by x/strict."), "{text}");
    for judge in [&one, &other] {
        assert!(text.contains(&format!("careful judged by x/strict [{}].", judge.hash().short())), "{text}");
    }
}

#[test]
fn whoever_judges_itself_is_named() {
    let scored = scores(&common::whole("careful"), &SCORING());
    let model = common::model("x/a");
    let note = "models favour their own output";
    for (judge, wanted) in [
        (common::judge("x/b"), None),
        (common::judge("x/a"), Some("x/a was judged by itself: ")),
        (panel(PanelRule::Majority, &["x/b", "x/c"]), None),
        (panel(PanelRule::Majority, &["x/b", "x/a"]), Some("x/a was judged by itself, among others: ")),
    ] {
        let run = RunLine { model: Some(&model), judge: Some(&judge), scores: &scored };
        let text = table::scores(std::slice::from_ref(&run), WIDE);
        assert_eq!(text.contains(note), wanted.is_some(), "{text}");
        assert!(wanted.is_none_or(|w| text.contains(w)), "{text}");
        let document = &json::scores(&[run])["runs"][0];
        assert_eq!(document.get("self_judged"), wanted.map(|_| &json!(true)));
    }
}
