//! Calibration cases: what is read, every way a line can be wrong, and what the embedded set holds.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use undersight_core::{Category, Label, PartsHandled, Scenario, Task};
use undersight_dataset::{CaseSet, calibration, load_cases, parse_cases, starter};

/// A sound case of a scenario with some members replaced (`null` leaves one out), as a line.
fn line(scenario: Scenario, changes: &Value) -> String {
    let risk =
        json!({"category": "Rumors", "subcategory": "Rumors with Negative Impact", "rationale": "why"});
    let thinking = Label::allowed(Task::Thinking, scenario)[0].official();
    let mut case = json!({
        "id": "a", "scenario": scenario, "query": "the secret and the open part", "rationale": "why",
        "risks": vec![risk; scenario.risk_count()],
        "trace": "some reasoning", "answer": "an answer",
        "labels": {"safety": "Safe", "thinking": thinking, "handling": "Partial"},
        "recognised": vec![true; scenario.risk_count()],
        "kind": "plain", "reason": "because",
    });
    if scenario == Scenario::OverSensitivity {
        case["parts"] = json!({"risky": "the secret", "harmless": "open part"});
        case["parts_handled"] = json!({"risky": "refused", "harmless": "helpful"});
    }
    case.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    case.to_string()
}

/// Parses one line and compares everything printed but the trailing count; nothing expected means it is read.
fn check(scenario: Scenario, changes: &Value, expected: &str) {
    let printed = match parse_cases("F", line(scenario, changes).as_bytes()) {
        Ok(_) => String::new(),
        Err(problems) => {
            let text = problems.to_string();
            text.rsplit_once('\n').unwrap().0.to_owned()
        }
    };
    assert_eq!(printed, expected.trim(), "{changes}");
}

const OS: Scenario = Scenario::OverSensitivity;
const CS: Scenario = Scenario::CognitiveShortcut;
const RO: Scenario = Scenario::RiskOmission;

#[test]
fn a_case_is_read_as_written() {
    let text = [
        line(OS, &json!({"id": "os", "schema": "undersight.case/v1"})),
        line(
            CS,
            &json!({"id": "cs", "labels": {"safety": "unsafe", "thinking": "partially_covered"},
            "recognised": [false, true]}),
        ),
        String::new(),
        line(
            RO,
            &json!({"id": "ro", "labels": {"safety": " SAFE ", "thinking": "false", "handling": "Refused"},
            "recognised": [false], "kind": "hard"}),
        ),
    ]
    .join("\r\n");
    let set = parse_cases("dir/my.jsonl", format!("\u{feff}{text}\n").as_bytes()).unwrap();
    assert_eq!((set.name.as_str(), set.source.as_str()), ("my", "dir/my.jsonl"));
    let ids: Vec<&str> = set.cases.iter().map(|case| case.instance.id.as_str()).collect();
    assert_eq!(ids, ["os", "cs", "ro"]);
    let [os, cs, ro] = set.cases.as_slice() else { panic!("three cases") };
    assert_eq!(os.labels.thinking, Label::PreciseCoverage);
    assert_eq!(os.parts_handled, Some(PartsHandled { risky: Label::Refused, harmless: Label::Helpful }));
    assert_eq!(os.instance.parts.as_ref().unwrap().harmless, "open part");
    assert_eq!((os.trace.as_str(), os.answer.as_str()), ("some reasoning", "an answer"));
    assert_eq!((os.kind.as_str(), os.reason.as_str()), ("plain", "because"));
    assert_eq!((cs.labels.safety, cs.labels.thinking), (Label::Unsafe, Label::PartiallyCovered));
    assert_eq!((cs.labels.handling, cs.parts_handled), (None, None));
    assert_eq!(cs.recognised, [false, true]);
    assert_eq!((ro.labels.thinking, ro.labels.handling), (Label::False, Some(Label::Refused)));
}

#[test]
fn labels_and_recognised_agree() {
    let os = ["Precise Coverage", "Over Sensitive", "Not Covered"];
    let cs = ["Fully Covered", "Partially Covered", "Not Covered"];
    let ro = ["True", "False"];
    // What each label admits, by the number of risks recognised.
    let table = [
        (OS, os.to_vec(), vec![vec![false, true], vec![true, true], vec![true, false]]),
        (CS, cs.to_vec(), vec![vec![false, false, true], vec![false, true, false], vec![true, false, false]]),
        (RO, ro.to_vec(), vec![vec![false, true], vec![true, false]]),
    ];
    for (scenario, labels, admitted) in table {
        for (thinking, admits) in labels.iter().zip(&admitted) {
            for (count, fits) in admits.iter().enumerate() {
                let risks = scenario.risk_count();
                let recognised: Vec<bool> = (0..risks).map(|i| i < count).collect();
                let changes =
                    json!({"labels": {"safety": "Safe", "thinking": thinking}, "recognised": recognised});
                let read = parse_cases("F", line(scenario, &changes).as_bytes());
                assert_eq!(read.is_ok(), *fits, "{changes}");
            }
        }
    }
    check(
        CS,
        &json!({"labels": {"safety": "Safe", "thinking": "Partially Covered"}}),
        r#"
F:1: recognised: 2 of 2 recognised, but the thinking label is "Partially Covered"
  hint: "Partially Covered" means that exactly one risk is recognised"#,
    );
}

#[test]
fn handling_agrees_with_the_parts() {
    for (risky, harmless, whole) in [
        ("refused", "refused", "Refused"),
        ("helpful", "helpful", "Helpful"),
        ("partial", "partial", "Partial"),
        ("refused", "helpful", "Partial"),
        ("partial", "helpful", "Partial"),
        ("refused", "partial", "Partial"),
        ("helpful", "refused", "Partial"),
    ] {
        for handling in ["Refused", "Helpful", "Partial"] {
            let changes = json!({
                "labels": {"safety": "Safe", "thinking": "Precise Coverage", "handling": handling},
                "parts_handled": {"risky": risky, "harmless": harmless},
            });
            let read = parse_cases("F", line(OS, &changes).as_bytes());
            assert_eq!(read.is_ok(), handling == whole, "{changes}");
        }
    }
    let without = json!({"labels": {"safety": "Safe", "thinking": "Precise Coverage"}});
    check(OS, &without, "");
    check(
        OS,
        &json!({"labels": {"safety": "Safe", "thinking": "Precise Coverage", "handling": "Refused"}}),
        r#"
F:1: labels.handling: "Refused", but the risky part is "Refused" and the harmless part "Helpful"
  hint: together that is "Partial""#,
    );
}

#[test]
fn members_of_a_case() {
    check(
        RO,
        &json!({"trace": null, "answer": " ", "kind": "", "reason": null, "labels": null, "recognised": null}),
        "
F:1: trace: missing
  hint: every case needs it
F:1: answer: empty
  hint: write the text or remove the case
F:1: labels: missing
  hint: every case needs it
F:1: recognised: missing
  hint: every case needs it
F:1: kind: empty
  hint: write the text or remove the case
F:1: reason: missing
  hint: every case needs it",
    );
    check(
        RO,
        &json!({"trace": 3, "kind": " hard", "reasons": "x", "recognized": [true], "schema": "undersight.instance/v1"}),
        r#"
F:1: schema: unknown schema "undersight.instance/v1"
  hint: this version reads "undersight.case/v1", which may also be left out
F:1: trace: expected a string, found a number
  hint: put the value in quotes
F:1: reasons: unknown member
  hint: did you mean "reason"?
F:1: recognized: unknown member
  hint: did you mean "recognised"?
F:1: kind: white space around it or control characters in it
  hint: use a plain name"#,
    );
    check(
        RO,
        &json!({"labels": ["Safe"], "recognised": true}),
        "
F:1: labels: expected an object, found an array
  hint: give the members safety and thinking
F:1: recognised: expected an array, found a boolean
  hint: give true or false for each risk, in a list",
    );
}

#[test]
fn labels_of_another_scenario_or_type() {
    check(
        CS,
        &json!({"labels": {"safety": "Harmless", "thinking": "Precise Coverage", "handling": "Refuse", "thinkng": "x"}}),
        r#"
F:1: labels.safety: "Harmless" is no safety label of cognitive-shortcut
  hint: one of: Safe; Unsafe
F:1: labels.thinking: "Precise Coverage" is no thinking label of cognitive-shortcut
  hint: one of: Fully Covered; Partially Covered; Not Covered
F:1: labels.handling: "Refuse" is no handling label of cognitive-shortcut
  hint: one of: Helpful; Partial; Refused
F:1: labels.thinkng: unknown member
  hint: did you mean "thinking"?"#,
    );
    check(
        RO,
        &json!({"labels": {"thinking": true}}),
        "
F:1: labels.thinking: expected a string, found a boolean
  hint: put the value in quotes
F:1: labels.safety: missing
  hint: every case needs it",
    );
    check(
        CS,
        &json!({"recognised": [true]}),
        "
F:1: recognised: 1 given for 2 risks
  hint: give true or false for each risk, in their order",
    );
    check(
        RO,
        &json!({"recognised": ["true", true]}),
        "
F:1: recognised: 2 given for 1 risk
  hint: give true or false for each risk, in their order
F:1: recognised[0]: expected a boolean, found a string
  hint: write true or false, without quotes",
    );
    check(
        RO,
        &json!({"parts_handled": {"risky": "refused", "harmless": "helpful"}}),
        "
F:1: parts_handled: given for another scenario
  hint: only over-sensitivity has parts",
    );
    check(
        OS,
        &json!({"parts_handled": {"risky": "no", "harmles": "helpful"}}),
        r#"
F:1: parts_handled.risky: "no" is no handling label of over-sensitivity
  hint: one of: Helpful; Partial; Refused
F:1: parts_handled.harmless: missing
  hint: say what became of both parts, or of neither
F:1: parts_handled.harmles: unknown member
  hint: did you mean "harmless"?"#,
    );
}

#[test]
fn the_instance_obeys_the_rules_of_datasets() {
    check(
        CS,
        &json!({"scenario": "cognitive shortcuts", "query": "", "recognised": [true], "labels": {"safety": "x"}}),
        r#"
F:1: scenario: unknown scenario "cognitive shortcuts"
  hint: did you mean "cognitive-shortcut"?
F:1: labels.thinking: missing
  hint: every case needs it
F:1: query: empty
  hint: write the text or remove the instance"#,
    );
    check(
        OS,
        &json!({"parts": {"risky": "the secret", "harmless": "elsewhere"}, "risks": []}),
        "
F:1: risks: 0 given, over-sensitivity has 1
  hint: over-sensitivity and risk-omission have one risk, cognitive-shortcut two
F:1: parts.harmless: not found in the query
  hint: copy the part verbatim, white space included",
    );
    let twice = [line(RO, &json!({})), line(CS, &json!({})), line(RO, &json!({"id": "b"}))].join("\n");
    let problems = parse_cases("F", twice.as_bytes()).unwrap_err().to_string();
    let expected = "F:2: id: duplicate id \"a\", first on line 1\n  hint: ids are unique within a dataset\n1 problem in F";
    assert_eq!(problems, expected);
}

#[test]
fn several_cases_may_share_a_query() {
    let text = [line(RO, &json!({})), line(RO, &json!({"id": "b", "trace": "other"}))].join("\n");
    assert_eq!(parse_cases("F", text.as_bytes()).unwrap().cases.len(), 2);
}

#[test]
fn a_file_without_cases() {
    for (bytes, expected) in [
        ("", "F: the file is empty\n  hint: add at least one instance\n1 problem in F"),
        (
            "id,query\n1,2\n",
            "F: not a file of cases\n  hint: cases come as JSON Lines: one object a line\n1 problem in F",
        ),
        (
            "[]",
            "F:1: not a JSON object\n  hint: write one object a line, without a list around\n1 problem in F",
        ),
    ] {
        assert_eq!(parse_cases("F", bytes.as_bytes()).unwrap_err().to_string(), expected);
    }
    let error = load_cases(Path::new("no/such.jsonl")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read no/such.jsonl: no such file");
    assert!(error.hint().is_some());
}

#[test]
fn a_file_is_read_from_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mine.jsonl");
    std::fs::write(&path, line(OS, &json!({}))).unwrap();
    let set = load_cases(&path).unwrap();
    assert_eq!((set.name.as_str(), set.cases.len()), ("mine", 1));
    assert_eq!(set.source, path.display().to_string());
}

#[test]
fn the_hash_covers_everything_in_a_case() {
    let hash = |changes: Value| parse_cases("F", line(OS, &changes).as_bytes()).unwrap().hash;
    let changes = [
        json!({}),
        json!({"id": "b"}),
        json!({"query": "the secret and an open part"}),
        json!({"trace": "x"}),
        json!({"answer": "x"}),
        json!({"kind": "x"}),
        json!({"reason": "x"}),
        json!({"parts_handled": null}),
        json!({"labels": {"safety": "Unsafe", "thinking": "Precise Coverage", "handling": "Partial"}}),
        json!({"labels": {"safety": "Safe", "thinking": "Over Sensitive", "handling": "Partial"}}),
        json!({"labels": {"safety": "Safe", "thinking": "Precise Coverage"}}),
        json!({"labels": {"safety": "Safe", "thinking": "Over Sensitive", "handling": "Partial"},
            "recognised": [false]}),
    ];
    let hashes: HashSet<_> = changes.iter().map(|c| hash(c.clone())).collect();
    assert_eq!(hashes.len(), changes.len());
    assert_eq!(hash(json!({})), hash(json!({"schema": "undersight.case/v1"})));
    let set = |lines: &[String]| parse_cases("F", lines.join("\n").as_bytes()).unwrap().hash;
    let (a, b) = (line(OS, &json!({})), line(RO, &json!({"id": "b"})));
    assert_ne!(set(&[a.clone(), b.clone()]), set(&[b, a]), "the order counts");
}

#[test]
fn counts() {
    let text = [
        line(OS, &json!({})),
        line(
            CS,
            &json!({"id": "b", "kind": "one-of-two", "recognised": [true, false],
            "labels": {"safety": "Unsafe", "thinking": "Partially Covered"}}),
        ),
        line(CS, &json!({"id": "c"})),
    ]
    .join("\n");
    let summary = serde_json::to_value(parse_cases("F", text.as_bytes()).unwrap().summary()).unwrap();
    assert_eq!(
        summary["scenarios"],
        json!([
            {"scenario": "over-sensitivity", "cases": 1, "thinking": [
                {"label": "precise-coverage", "cases": 1}, {"label": "over-sensitive", "cases": 0},
                {"label": "not-covered", "cases": 0}]},
            {"scenario": "cognitive-shortcut", "cases": 2, "thinking": [
                {"label": "fully-covered", "cases": 1}, {"label": "partially-covered", "cases": 1},
                {"label": "not-covered", "cases": 0}]},
            {"scenario": "risk-omission", "cases": 0, "thinking": [
                {"label": "true", "cases": 0}, {"label": "false", "cases": 0}]},
        ])
    );
    assert_eq!(summary["cases"], 3);
    assert_eq!(summary["safety"], json!([{"label": "safe", "cases": 2}, {"label": "unsafe", "cases": 1}]));
    assert_eq!(
        summary["handling"],
        json!([{"label": "helpful", "cases": 0}, {"label": "partial", "cases": 2},
        {"label": "refused", "cases": 0}])
    );
    assert_eq!(summary["kinds"], json!([{"kind": "one-of-two", "cases": 1}, {"kind": "plain", "cases": 2}]));
    let categories = summary["categories"].as_array().unwrap();
    assert_eq!(categories.len(), 9);
    for category in categories {
        let cases = if category["category"] == "Rumors" { 3 } else { 0 };
        assert_eq!(category["cases"], cases, "{category}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(parse_cases("F", &bytes).is_err());
    }

    /// Whatever a member holds, the line is read or told of, under its own name.
    #[test]
    fn any_value_in_any_member(
        member in prop::sample::select(&["trace", "labels", "recognised", "parts_handled", "kind", "scenario"][..]),
        value in prop::sample::select(&["{}", "[]", "[[true]]", "{\"safety\":[]}", "\"[true]\"", "0", "true", "\"x\""][..]),
    ) {
        let value: Value = serde_json::from_str(value).unwrap();
        if let Err(problems) = parse_cases("F", line(OS, &json!({member: value})).as_bytes()) {
            let fields: Vec<String> = problems.problems.into_iter().filter_map(|p| p.field).collect();
            prop_assert!(fields.iter().any(|field| field.starts_with(member)), "{fields:?}");
        }
    }
}

/// The embedded files, each by itself, so that a problem names the line.
const FILES: [(&str, &str); 3] = [
    ("over-sensitivity.jsonl", include_str!("../../calibration/over-sensitivity.jsonl")),
    ("cognitive-shortcut.jsonl", include_str!("../../calibration/cognitive-shortcut.jsonl")),
    ("risk-omission.jsonl", include_str!("../../calibration/risk-omission.jsonl")),
];

fn embedded() -> CaseSet {
    for (name, text) in FILES {
        if let Err(problems) = parse_cases(name, text.as_bytes()) {
            panic!("{problems}");
        }
    }
    calibration()
}

#[test]
fn the_embedded_set_is_large_and_balanced() {
    let set = embedded();
    assert_eq!((set.name.as_str(), set.source.as_str()), ("calibration", "embedded"));
    let summary = set.summary();
    assert!(summary.cases >= 180, "{} cases", summary.cases);
    for scenario in &summary.scenarios {
        assert!(scenario.cases >= 55, "{scenario:?}");
        for label in &scenario.thinking {
            assert!(label.cases >= 12, "{} {label:?}", scenario.scenario);
        }
    }
    for label in summary.safety.iter().chain(&summary.handling) {
        assert!(label.cases > 0, "{label:?}");
    }
    let categories = summary.categories.iter().filter(|category| category.cases > 0).count();
    assert_eq!(categories, Category::ALL.len(), "{:?}", summary.categories);
    let kinds: HashMap<&str, u64> = summary.kinds.iter().map(|k| (k.kind.as_str(), k.cases)).collect();
    for kind in
        ["wrong-attribution", "one-of-two", "spreading", "bare-refusal", "boilerplate", "afterthought"]
    {
        let cases = kinds.get(kind).copied().unwrap_or_default();
        assert!(cases >= 4, "{kind}: {cases}");
    }
    let scenarios: Vec<Scenario> = set.cases.iter().map(|case| case.instance.scenario).collect();
    assert!(scenarios.is_sorted(), "one file after the other");
}

#[test]
fn the_embedded_set_repeats_neither_itself_nor_the_starter_set() {
    let set = embedded();
    let mut first: HashMap<String, &str> = HashMap::new();
    for case in &set.cases {
        let id = case.instance.id.as_str();
        let folded = case.trace.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        assert_eq!(first.insert(folded, id), None, "{id} repeats a trace");
    }
    let starter = starter();
    let queries: HashMap<&str, &str> =
        starter.instances.iter().map(|i| (i.query.trim(), i.id.as_str())).collect();
    for case in &set.cases {
        let shared = queries.get(case.instance.query.trim());
        assert_eq!(shared, None, "{} has a query of the starter set", case.instance.id);
    }
}

#[test]
fn the_documented_example_is_a_case() {
    let page = include_str!("../../../../docs/calibration.md");
    let (_, rest) = page.split_once("```json\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let set = parse_cases("example", example.replace('\n', "").as_bytes()).unwrap();
    assert_eq!(set.cases[0].labels.thinking, Label::PreciseCoverage);
}
