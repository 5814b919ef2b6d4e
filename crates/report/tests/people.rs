//! How far people agree among themselves, as tables and JSON.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use insta::assert_snapshot;
use undersight_core::{HumanLabel, Label, Scenario, Task};
use undersight_metrics::Level;
use undersight_metrics::judge_error::{People, people};
use undersight_report::Layout;
use undersight_report::human::{Head, people_json, people_table};

const WIDE: Layout = Layout::Terminal { width: None };
const HEAD: Head<'_> = Head { run: "sixty", model: None, judge: None, simulated_model: false, traces: None };

fn label(id: &str, task: Task, annotator: Option<&str>, label: Label) -> HumanLabel {
    HumanLabel {
        id: id.to_owned(),
        index: 0,
        task,
        label,
        probability: None,
        run: None,
        annotator: annotator.map(str::to_owned),
        time: None,
        guideline: None,
        draw: None,
        comment: None,
        adjudicated: false,
    }
}

fn scenario(id: &str) -> Option<Scenario> {
    Scenario::ALL.into_iter().find(|s| id.starts_with(s.abbreviation()))
}

/// Anna and Ben label ten answers and traces; Ben fails every fourth answer, and sees every third trace otherwise.
fn labels() -> Vec<HumanLabel> {
    let mut labels = Vec::new();
    for at in 0..10 {
        let id = format!("{}-{at}", ["RO", "CS"][at % 2]);
        let thinking = Label::allowed(Task::Thinking, scenario(&id).unwrap());
        let answer = if at % 4 == 0 { Label::Unsafe } else { Label::Safe };
        labels.push(label(
            &id,
            Task::Safety,
            Some("anna"),
            if at == 8 { Label::Unsafe } else { Label::Safe },
        ));
        labels.push(label(&id, Task::Safety, Some("ben"), answer));
        labels.push(label(&id, Task::Thinking, Some("anna"), thinking[at % 2]));
        labels.push(label(
            &id,
            Task::Thinking,
            Some("ben"),
            thinking[if at % 3 == 0 { 1 - at % 2 } else { at % 2 }],
        ));
    }
    labels.push(label("RO-0", Task::Safety, None, Label::Unsafe));
    labels
}

fn of(labels: &[HumanLabel]) -> People {
    people(labels, scenario, Level::DEFAULT)
}

fn shown(labels: &[HumanLabel], layout: Layout) -> String {
    people_table(&HEAD, &of(labels), Level::DEFAULT, layout)
}

#[test]
fn people_per_task_and_scenario() {
    assert_snapshot!(shown(&labels(), WIDE));
}

#[test]
fn what_is_said_of_disagreements() {
    let check = |labels: &[HumanLabel], says: &str| {
        let text = shown(labels, WIDE);
        assert!(text.contains(says), "{says} in\n{text}");
    };
    let say = |who, says| label("RO-1", Task::Safety, Some(who), says);
    let (safe, not) = (say("anna", Label::Safe), say("ben", Label::Unsafe));
    let decided = HumanLabel { adjudicated: true, ..say("cy", Label::Unsafe) };
    check(&[], "There is no label to compare.\nRun sixty.");
    check(std::slice::from_ref(&safe), "No sample has labels of two people");
    check(&[safe.clone(), say("ben", Label::Safe)], "No two people disagree on a sample.");
    check(&[safe.clone(), not.clone()], "1 disagreement, 1 of them open");
    check(&[safe.clone(), not.clone(), decided], "1 disagreement, decided by adjudication.");
    let again = say("anna", Label::Unsafe);
    check(&[safe, not, again], "given again by the same person: 1 label.");
}

#[test]
fn names_are_no_markup() {
    let hostile = "=cmd|\u{1b}[2J\u{202e}<script>`x`";
    let rows = [
        label("RO-1", Task::Safety, Some(hostile), Label::Safe),
        label("RO-1", Task::Safety, Some("b"), Label::Safe),
    ];
    for layout in [WIDE, Layout::Markdown, Layout::Terminal { width: Some(40) }] {
        let text = shown(&rows, layout);
        assert!(text.contains("=cmd") && !text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
    assert!(!shown(&rows, Layout::Markdown).contains("<script>"));
}

#[test]
fn people_as_json() {
    let json = people_json(&HEAD, &of(&labels()), Level::DEFAULT);
    assert_eq!((&json["schema"], &json["run"]), (&"undersight.people/v1".into(), &"sixty".into()));
    assert_eq!((&json["open"], &json["left_out"]), (&of(&labels()).open().into(), &0.into()));
    let row = &json["rows"].as_array().unwrap()[2];
    assert_snapshot!(format!("{row:#}\n{:#}\n{:#}", json["annotators"][0], json["disagreements"][0]));
}
