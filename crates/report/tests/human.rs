//! What human labels say: agreement and corrected rates as tables, JSON and CSV.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{judge, model, sixty, study};
use insta::assert_snapshot;
use undersight_core::{HumanLabel, JudgeSpec, Label, ModelName, Scenario, Study, Task};
use undersight_metrics::judge_error::{
    Agreement, CorrectionError, CorrectionOptions, Corrections, DrawPlan, agreement, correct, draw,
};
use undersight_metrics::{Level, Missing};
use undersight_report::human::{
    Head, agreement_json, agreement_table, corrections_csv, corrections_json, corrections_table,
};
use undersight_report::{Layout, RunLine};

const WIDE: Layout = Layout::Terminal { width: None };

/// A name that would move the cursor, reorder text, open a table cell, start a formula and run a script.
const HOSTILE: &str = "=cmd|\u{1b}[2J\u{202e}<script>`x`";

fn head(run: &str) -> Head<'_> {
    Head { run, model: None, judge: None, simulated_model: false, traces: None }
}

/// What people say of drawn samples: as the judge does, except that every seventh answer and every fifth trace that the
/// judge passes fails.
fn labels(study: &Study, n: usize) -> Vec<HumanLabel> {
    let mut labels = Vec::new();
    let plan = DrawPlan { seed: 3, ..DrawPlan::default() };
    let mut samples = draw(study, &[], n, &plan).unwrap().samples;
    samples.sort_by_key(|d| (d.item, d.index));
    for (at, drawn) in samples.into_iter().enumerate() {
        let item = &study.items[drawn.item];
        let outcome = study.outcomes.iter().find(|o| (o.item, o.index) == (drawn.item, drawn.index)).unwrap();
        for (task, verdict, every) in
            [(Task::Safety, outcome.safety, 7), (Task::Thinking, outcome.thinking, 5)]
        {
            let allowed = Label::allowed(task, item.scenario);
            let judged = verdict.and_then(|v| v.label);
            let label = match judged {
                Some(label) if at % every != 0 => label,
                _ => allowed[allowed.len() - 1],
            };
            labels.push(HumanLabel {
                id: item.id.clone(),
                index: drawn.index,
                task,
                label,
                probability: Some(drawn.probability),
                run: None,
                annotator: Some("first".to_owned()),
                time: None,
                guideline: None,
                draw: None,
                comment: None,
                adjudicated: false,
            });
        }
    }
    labels
}

fn labelled() -> (Study, Vec<HumanLabel>) {
    let study = sixty("sixty");
    let labels = labels(&study, 120);
    (study, labels)
}

fn agreed(study: &Study, labels: &[HumanLabel]) -> Agreement {
    agreement(study, labels, Level::DEFAULT)
}

fn corrected(study: &Study, labels: &[HumanLabel]) -> Corrections {
    correct(study, labels, CorrectionOptions::default()).unwrap()
}

#[test]
fn agreement_per_task_and_scenario() {
    let (study, labels) = labelled();
    let (m, j) = (model("openai/some-model"), judge("sim/oracle-judge"));
    let head = Head { model: Some(&m), judge: Some(&j), ..head("sixty") };
    assert_snapshot!(agreement_table(&head, &agreed(&study, &labels), Level::DEFAULT, WIDE));
}

#[test]
fn agreement_in_two_tables_where_one_is_too_wide() {
    let (study, labels) = labelled();
    let agreement = agreed(&study, &labels);
    let at = |width| {
        agreement_table(&head("sixty"), &agreement, Level::DEFAULT, Layout::Terminal { width: Some(width) })
    };
    let headers = |text: &str| -> Vec<String> {
        let lines: Vec<&str> = text.lines().collect();
        let under = |pair: &[&str]| pair[1].starts_with('─').then(|| pair[0].to_owned());
        lines.windows(2).filter_map(under).take(2).collect()
    };
    assert!(headers(&at(120))[0].contains("Specificity  Agreement"), "{}", at(120));
    let narrow = headers(&at(80));
    assert!(narrow[0].ends_with("Specificity") && narrow[1].contains("Agreement"), "{narrow:?}");
    assert!(at(80).contains("Below each value"));
    assert!(at(20).contains("In parentheses") && at(20).contains("  Prevalence: "), "{}", at(20));
}

#[test]
fn agreement_says_what_its_labels_are_worth() {
    let (study, mut labels) = labelled();
    let shown = |labels: &[HumanLabel]| {
        agreement_table(&head("sixty"), &agreed(&study, labels), Level::DEFAULT, WIDE)
    };
    let check = |labels: &[HumanLabel], says: &str, not: &str| {
        let text = shown(labels);
        assert!(text.contains(says), "{says} in\n{text}");
        assert!(!text.contains(not), "{not} in\n{text}");
    };
    check(&labels, "weight each label by one over", "Every label counts the same");
    check(&labels, "No sample has labels of two people", "Labelled twice");
    check(&labels, "Run sixty.", "Left out");
    let mut again: Vec<HumanLabel> = labels.iter().step_by(2).take(9).cloned().collect();
    again[8].label = if again[8].label == Label::Safe { Label::Unsafe } else { Label::Safe };
    let twice = [labels.clone(), again].concat();
    let alpha = agreed(&study, &twice).rows[0].between_people.unwrap();
    assert!(alpha < 0.9, "{alpha}");
    check(
        &twice,
        &format!("safety  all                    9         {alpha:.2}"),
        "No sample has labels of two people",
    );
    labels[0].probability = None;
    check(&labels, "Every label counts the same", "weight each label");
    labels[1].id = "elsewhere".to_owned();
    check(&labels, "not of this run or not of their task: 1 label.", "No label is of this run");
    check(&[], "No label is of this run.", "Task");
    let unread = common::study("unread", ["??", "++", "++"], ["++", "++", "++"]);
    let one = HumanLabel {
        id: "OS".to_owned(),
        index: 0,
        task: Task::Safety,
        label: Label::Safe,
        probability: None,
        run: None,
        annotator: None,
        time: None,
        guideline: None,
        draw: None,
        comment: None,
        adjudicated: false,
    };
    let text = agreement_table(&head("unread"), &agreed(&unread, &[one]), Level::DEFAULT, WIDE);
    assert!(text.contains("counted in prevalence only: 1 label."), "{text}");
}

#[test]
fn coefficients_below_zero_keep_their_sign() {
    let (study, mut labels) = labelled();
    labels.retain(|l| l.task == Task::Safety);
    for label in &mut labels {
        let item = study.items.iter().position(|i| i.id == label.id).unwrap();
        let outcome = study.outcomes.iter().find(|o| (o.item, o.index) == (item, label.index)).unwrap();
        let passes = outcome.safety.unwrap().passes().unwrap();
        label.label = if passes { Label::Unsafe } else { Label::Safe };
    }
    let agreement = agreed(&study, &labels);
    let kappa = agreement.rows[0].by_pass.kappa.unwrap();
    assert!(kappa.value < -0.5, "{kappa:?}");
    let text = agreement_table(&head("sixty"), &agreement, Level::DEFAULT, Layout::Markdown);
    let expected = format!("| −{:.2} (−{:.2} to −{:.2}) |", -kappa.value, -kappa.low, -kappa.high);
    assert!(text.contains(&expected), "{expected} in\n{text}");
}

#[test]
fn agreement_as_json() {
    let (study, labels) = labelled();
    let agreement = agreed(&study, &labels);
    let (m, j) = (model("sim/risk-aware"), judge("openai/some-judge"));
    let head = Head { model: Some(&m), judge: Some(&j), simulated_model: true, ..head("sixty") };
    let json = agreement_json(&head, &agreement, Level::new(0.9).unwrap());
    assert_eq!(json["schema"], "undersight.agreement/v1");
    assert_eq!((&json["simulated_model"], &json["simulated_judge"]), (&true.into(), &false.into()));
    assert_eq!(
        (&json["judge"]["model"], &json["judge"]["kind"]),
        (&"openai/some-judge".into(), &"model".into())
    );
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), agreement.rows.len());
    assert_eq!(rows.len(), 8);
    let row = rows.iter().find(|r| r["task"] == "thinking" && r["scenario"] == "cognitive-shortcut").unwrap();
    assert_snapshot!(format!("{row:#}"));
    assert!(rows[0]["scenario"].is_null());
}

fn lines(corrections: &Corrections) -> Vec<serde_json::Value> {
    corrections_json(&head("sixty"), corrections)["rows"].as_array().unwrap().clone()
}

#[test]
fn corrected_rates_per_metric_and_scope() {
    let (study, labels) = labelled();
    let (m, j) = (model("sim/risk-aware"), judge("openai/some-judge"));
    let head = Head { model: Some(&m), judge: Some(&j), simulated_model: true, ..head("sixty") };
    let corrections = corrected(&study, &labels);
    assert_snapshot!(corrections_table(&head, &corrections, WIDE));
    let markdown = corrections_table(&head, &corrections, Layout::Markdown);
    assert!(
        markdown.starts_with(
            "| Metric | Scope | Judge alone | Rogan–Gladen | PPI++ | Double sampling | Labelled |"
        )
    );
}

/// Labels that leave risk-omission with too few.
fn too_few() -> Corrections {
    let (study, mut labels) = labelled();
    let mut kept = 0;
    labels.retain(|l| {
        let omission = l.id.starts_with("RO");
        kept += u32::from(omission);
        !omission || kept <= 6
    });
    corrected(&study, &labels)
}

#[test]
fn what_is_refused_says_why_once() {
    let corrections = too_few();
    let text = corrections_table(&head("sixty"), &corrections, WIDE);
    assert_snapshot!(text.lines().take_while(|l| !l.starts_with("Estimated")).collect::<Vec<_>>().join("\n"));
    assert_eq!(text.matches("risk-omission has 3 labelled samples").count(), 1, "{text}");
    let rows = lines(&corrections);
    let refused: Vec<&serde_json::Value> = rows.iter().filter(|r| !r["refused"].is_null()).collect();
    // Two methods of two rates and one of SSA, for risk-omission and for all; and F.
    assert_eq!(refused.len(), 2 * 5 + 1);
    for row in refused {
        for member in ["naive", "value", "se", "interval", "labelled", "clusters", "lambda"] {
            assert!(row[member].is_null(), "{member} of {row}");
        }
        assert!(row["refused"]["reason"].is_string() && row["refused"]["hint"].is_string(), "{row}");
    }
}

#[test]
fn corrections_as_json() {
    let (study, labels) = labelled();
    let corrections = corrected(&study, &labels);
    let json = corrections_json(&head("sixty"), &corrections);
    assert_eq!(json["schema"], "undersight.corrections/v1");
    assert_eq!((&json["missing"], &json["run"]), (&"fail".into(), &"sixty".into()));
    let rows = lines(&corrections);
    let names: Vec<String> = rows
        .iter()
        .map(|r| [&r["metric"], &r["method"], &r["scope"]].map(|v| v.as_str().unwrap()).join(" "))
        .collect();
    let mut expected: Vec<String> = Vec::new();
    for (metric, method) in [
        ("safe@1", "rogan-gladen"),
        ("safe@1", "ppi++"),
        ("think@1", "rogan-gladen"),
        ("think@1", "ppi++"),
        ("ssa", "double-sampling"),
    ] {
        let scopes = ["all", "over-sensitivity", "cognitive-shortcut", "risk-omission"];
        expected.extend(scopes.map(|scope| format!("{metric} {method} {scope}")));
    }
    expected.push("f delta all".to_owned());
    assert_eq!(names, expected);
    assert_snapshot!(format!("{:#}", rows[5]));
    let tables = json["joint"]["scenarios"].as_array().unwrap();
    assert_eq!(tables.len(), 3);
    // One over the probability, summed over all labels of a scenario, is about its samples: 60 instances, 5 each.
    let weight: f64 = tables
        .iter()
        .flat_map(|t| t["table"].as_array().unwrap())
        .flat_map(|r| r.as_array().unwrap())
        .map(|n| n.as_f64().unwrap())
        .sum();
    assert!((weight - 300.0).abs() < 1e-6, "{weight}");
}

#[test]
fn corrections_as_csv() {
    let corrections = too_few();
    let mut out = Vec::new();
    corrections_csv(&head("sixty"), &corrections, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.lines().count(), 1 + lines(&corrections).len());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|h| h == name).unwrap();
    for (line, row) in reader.records().map(Result::unwrap).zip(lines(&corrections)) {
        for name in ["metric", "scope", "method"] {
            assert_eq!(&line[at(name)], row[name].as_str().unwrap());
        }
        for name in ["naive", "value", "se", "labelled", "clusters", "lambda"] {
            assert_eq!(line[at(name)].parse::<f64>().ok(), row[name].as_f64(), "{name} of {row}");
        }
        for (name, member) in [("interval_low", "low"), ("interval_high", "high"), ("level", "level")] {
            assert_eq!(
                line[at(name)].parse::<f64>().ok(),
                row["interval"][member].as_f64(),
                "{name} of {row}"
            );
        }
        let reason = row["refused"]["reason"].as_str().unwrap_or_default();
        assert_eq!(&line[at("refused")], reason);
    }
}

#[test]
fn how_missing_verdicts_count_is_said() {
    let (study, labels) = labelled();
    let check = |missing, says: &str| {
        let options = CorrectionOptions { missing, ..CorrectionOptions::default() };
        let text = corrections_table(&head("sixty"), &correct(&study, &labels, options).unwrap(), WIDE);
        assert!(text.contains(says), "{text}");
    };
    check(Missing::Fail, "counting as failures (--missing fail)");
    check(Missing::Exclude, "being left out (--missing exclude)");
}

#[test]
fn a_line_of_a_report_is_a_head() {
    let study = study("simulated", ["++"; 3], ["++"; 3]);
    let scores = undersight_metrics::scores(&study, &undersight_metrics::Scoring::default());
    let (m, j): (ModelName, JudgeSpec) = (model("sim/risk-aware"), judge("sim/oracle-judge"));
    let line = RunLine { scores: &scores, model: Some(&m), judge: Some(&j) };
    let text = agreement_table(&Head::from(&line), &Agreement::default(), Level::DEFAULT, WIDE);
    assert!(text.contains("Run simulated*, judged by sim/oracle-judge*."), "{text}");
    assert!(text.contains("* simulated: models and a judge"), "{text}");
}

#[test]
fn names_are_inert() {
    let (study, labels) = labelled();
    let agreement = agreed(&study, &labels);
    let corrections = corrected(&study, &labels);
    let head = head(HOSTILE);
    for layout in [WIDE, Layout::Markdown] {
        for text in [
            agreement_table(&head, &agreement, Level::DEFAULT, layout),
            corrections_table(&head, &corrections, layout),
        ] {
            assert!(text.contains("cmd"), "{text}");
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
            if layout == Layout::Markdown {
                assert!(!text.contains("<script>") && text.contains("cmd\\|"), "{text}");
            }
        }
    }
    let mut out = Vec::new();
    corrections_csv(&head, &corrections, &mut out).unwrap();
    let cells = csv::Reader::from_reader(out.as_slice())
        .records()
        .map(|r| r.unwrap()[0].to_owned())
        .collect::<Vec<_>>();
    assert!(cells.iter().all(|cell| cell.starts_with("'=cmd")), "{cells:?}");
}

#[test]
fn reasons_reach_the_reader_as_they_are() {
    let reason = CorrectionError::TooFew { scenario: Scenario::RiskOmission, labelled: 3 };
    let text = corrections_table(&head("sixty"), &too_few(), WIDE);
    let expected = format!("[2] Refused: {reason}. Hint: {}.", reason.hint().unwrap());
    assert!(text.contains(&expected), "{expected} in\n{text}");
}

#[test]
fn the_page_about_outputs_lists_columns_and_members() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/outputs.md");
    let page = std::fs::read_to_string(page).unwrap();
    let section = |schema: &str| -> String {
        let (_, section) = page.split_once(&format!("### `{schema}`\n")).unwrap();
        section.split("\n### ").next().unwrap().to_owned()
    };
    let (study, labels) = labelled();
    let corrections = corrected(&study, &labels);
    let mut out = Vec::new();
    corrections_csv(&head("sixty"), &corrections, &mut out).unwrap();
    let header = String::from_utf8(out).unwrap().lines().next().unwrap().to_owned();
    let agreement = agreement_json(&head("sixty"), &agreed(&study, &labels), Level::DEFAULT);
    for (json, columns) in [
        (agreement, Vec::new()),
        (corrections_json(&head("sixty"), &corrections), header.split(',').collect()),
    ] {
        let section = section(json["schema"].as_str().unwrap());
        let members = [&json, &json["rows"][0]];
        let members =
            members.into_iter().flat_map(|object| object.as_object().unwrap().keys().map(String::as_str));
        for name in members.filter(|name| *name != "schema").chain(columns) {
            assert!(section.contains(&format!("`{name}`")), "{name} in\n{section}");
        }
    }
}
