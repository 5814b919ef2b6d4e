//! Human labels: what is read, everything that is told about a file, and the file to be filled in.

use std::path::Path;

use proptest::prelude::*;
use undersight_core::{HumanLabel, Label, Scenario, Task};
use undersight_dataset::{LabelRequest, Labels, LoadError, load_labels, write_labels};

fn scenario(id: &str) -> Option<Scenario> {
    match id {
        "os-1" => Some(Scenario::OverSensitivity),
        "cs-1" => Some(Scenario::CognitiveShortcut),
        "ro-1" | "=1+1" => Some(Scenario::RiskOmission),
        _ => None,
    }
}

fn load(name: &str, content: &str) -> Result<Labels, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    load_labels(&path, &scenario).map_err(|e| e.to_string().replace(&path.display().to_string(), "F"))
}

fn label(id: &str, index: u32, task: Task, label: Label) -> HumanLabel {
    HumanLabel { id: id.to_owned(), index, task, label, probability: None, run: None, annotator: None }
}

#[track_caller]
fn check(name: &str, content: &str, rows: &[HumanLabel], unlabelled: usize) {
    assert_eq!(load(name, content), Ok(Labels { rows: rows.to_vec(), unlabelled }), "{content}");
}

#[track_caller]
fn check_problems(name: &str, content: &str, expected: &[&str]) {
    let told = load(name, content).unwrap_err();
    let problems = told.lines().filter(|line| line.starts_with("F:")).collect::<Vec<_>>();
    assert_eq!(problems, expected, "{told}");
    assert_eq!(told.matches("\n  hint: ").count(), expected.len(), "{told}");
}

#[test]
fn files() {
    let drawn = |row: HumanLabel, probability, annotator: &str| HumanLabel {
        probability: Some(probability),
        annotator: Some(annotator.to_owned()),
        ..row
    };
    let rows = [
        drawn(label("os-1", 0, Task::Thinking, Label::PreciseCoverage), 0.06, "ann"),
        drawn(label("os-1", 0, Task::Thinking, Label::OverSensitive), 0.06, "bo"),
        label("ro-1", 4, Task::Thinking, Label::True),
        label("cs-1", 2, Task::Safety, Label::Unsafe),
    ];
    check(
        "l.csv",
        "\u{feff}note,id,index,task,label,probability,annotator\n\
         x,os-1,0,thinking,Precise Coverage,0.06,ann\n\
         x, os-1 ,0,Thinking,over_sensitive,6e-2,bo\n\
         x,ro-1,4,thinking,TRUE,,\n\
         x,ro-1,3,thinking,,0.06,\n\
         x,cs-1,2,safety,unsafe,,\n",
        &rows,
        1,
    );
    check(
        "l.jsonl",
        "{\"id\":\"os-1\",\"index\":0,\"task\":\"thinking\",\"label\":\"precise-coverage\",\"probability\":0.06,\"annotator\":\"ann\"}\n\
         {\"id\":\"os-1\",\"index\":0,\"task\":\"thinking\",\"label\":\"Over Sensitive\",\"probability\":0.06,\"annotator\":\"bo\",\"extra\":[1]}\n\n\
         {\"id\":\"ro-1\",\"index\":4,\"task\":\"thinking\",\"label\":true}\n\
         {\"id\":\"ro-1\",\"index\":3,\"task\":\"thinking\",\"label\":null}\n\
         {\"id\":\"cs-1\",\"index\":\"2\",\"task\":\"safety\",\"label\":\"Unsafe\",\"probability\":null}\n",
        &rows,
        1,
    );
    check("l.csv", "id,index,task,label\nro-1,0,safety,\n", &[], 1);
}

#[test]
fn everything_wrong_is_told() {
    check_problems(
        "l.csv",
        "id,index,task,label,probability\n\
         nobody,x,thoughts,True,2\n\
         ro-1,0,thinking,Fully Covered,0\n\
         ro-1,-1,safety,maybe,0.5\n\
         ,,,,\n\
         ro-1,1,safety,Safe,\"0,5\"\n\
         ro-1,2,safety,Safe,NaN\n\
         ro-1,3,safety,Safe,1\n\
         ro-1,3,safety,Unsafe,1\n\
         ro-1,4,safety\n",
        &[
            "F:2: id: unknown id \"nobody\"",
            "F:2: index: \"x\" is no index",
            "F:2: task: unknown task \"thoughts\"",
            "F:2: probability: \"2\" is no probability",
            "F:3: probability: \"0\" is no probability",
            "F:3: label: \"Fully Covered\" is no label of thinking in risk-omission",
            "F:4: index: \"-1\" is no index",
            "F:4: label: \"maybe\" is no label of safety in risk-omission",
            "F:5: id: missing",
            "F:5: index: missing",
            "F:5: task: missing",
            "F:6: probability: \"0,5\" is no probability",
            "F:7: probability: \"NaN\" is no probability",
            "F:9: label: sample 3 of this id is labelled twice",
            "F:10: expected 5 cells, found 3",
        ],
    );
    check_problems(
        "l.csv",
        "id,index,lable\n",
        &[
            "F:1: task: missing; the columns are id, index, lable",
            "F:1: label: missing; the columns are id, index, lable",
        ],
    );
    check_problems(
        "l.jsonl",
        "{\"id\":\"ro-1\",\"index\":1.5,\"task\":\"safety\",\"lable\":\"Safe\"}\n[]\n{\"id\":\"ro-1\"}\n",
        &[
            "F:1: label: missing",
            "F:1: index: \"1.5\" is no index",
            "F:2: not a JSON object (column 0)",
            "F:3: index: missing",
            "F:3: task: missing",
            "F:3: label: missing",
        ],
    );
    check_problems("l.csv", "id,index,task,label\n", &["F: there is no label in the file"]);
}

#[test]
fn files_that_are_none() {
    let absent = load_labels(Path::new("absent.csv"), &scenario).unwrap_err();
    assert!(matches!(absent, LoadError::Io { .. }));
    assert!(load("labels.xlsx", "id").unwrap_err().contains("neither CSV nor JSON Lines"));
}

#[test]
fn what_is_written_is_read_back_once_filled_in() {
    let request = |id, index, task| LabelRequest {
        run: "r1",
        id,
        scenario: scenario(id).unwrap(),
        index,
        task,
        probability: 1.0 / 3.0,
        label: None,
    };
    let mut file = Vec::new();
    let rows = [
        request("=1+1", 0, Task::Safety),
        request("=1+1", 0, Task::Thinking),
        request("cs-1", 1, Task::Thinking),
    ];
    write_labels(rows, &mut file).unwrap();
    let file = String::from_utf8(file).unwrap();
    assert_eq!(
        file,
        "id,index,task,label,probability,annotator,choices,run\n\
         =1+1,0,safety,,0.3333333333333333,,Safe | Unsafe,r1\n\
         =1+1,0,thinking,,0.3333333333333333,,True | False,r1\n\
         cs-1,1,thinking,,0.3333333333333333,,Fully Covered | Partially Covered | Not Covered,r1\n"
    );
    check("l.csv", &file, &[], 3);
    let filled = file.replace("safety,,", "safety,Safe,").replace("1,thinking,,", "1,thinking,not covered,");
    let drawn = |row| HumanLabel { probability: Some(1.0 / 3.0), run: Some("r1".to_owned()), ..row };
    let rows = [
        drawn(label("=1+1", 0, Task::Safety, Label::Safe)),
        drawn(label("cs-1", 1, Task::Thinking, Label::NotCovered)),
    ];
    check("l.csv", &filled, &rows, 1);
}

proptest! {
    #[test]
    fn no_cells_make_the_reader_panic(
        rows in prop::collection::vec(prop::array::uniform6("(os-1|cs-1|ro-1|0|1|safety|thinking|Safe|True|0[.]5|[^,]{0,6}|\"[^\"]{0,4}\")"), 0..8),
        jsonl: bool,
    ) {
        let header = "id,index,task,label,probability,annotator\n".to_owned();
        let csv = rows.iter().fold(header, |file, row| file + &row.join(",") + "\n");
        let name = if jsonl { "l.jsonl" } else { "l.csv" };
        match load(name, &csv) {
            Ok(labels) => prop_assert!(labels.rows.iter().all(|l| scenario(&l.id).is_some())),
            Err(told) => prop_assert!(told.contains("problem"), "{told}"),
        }
    }
}

#[test]
fn lines_are_counted_whatever_ends_them() {
    for end in ["\n", "\r\n"] {
        let rows =
            ["id,index,task,label", "nope,0,safety,Safe", "os-1,0,safety,Banana", "", "cs-1,x,safety,Safe"];
        let told = load("l.csv", &rows.join(end)).unwrap_err();
        for line in ["F:2", "F:3", "F:5"] {
            assert!(told.contains(line), "{line} in {told}");
        }
    }
}
