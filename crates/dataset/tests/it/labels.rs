//! Human labels: what is read, everything that is told about a file, and the file to be filled in.

use std::path::Path;

use proptest::prelude::*;
use undersight_core::{HumanLabel, Label, Micros, Scenario, Task};
use undersight_dataset::{
    AdjudicationRequest, ExportError, LabelFormat, LabelRequest, Labels, LoadError, export_labels,
    load_labels, write_adjudication, write_labels,
};

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
    HumanLabel {
        id: id.to_owned(),
        index,
        task,
        label,
        probability: None,
        run: None,
        annotator: None,
        time: None,
        guideline: None,
        draw: None,
        comment: None,
        adjudicated: false,
    }
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
        annotator: (index == 1).then_some("=ann"),
        guideline: (index == 1).then_some("v2"),
        draw: Some("3-ab"),
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
        "id,index,task,label,probability,annotator,guideline,comment,choices,draw,run\n\
         =1+1,0,safety,,0.3333333333333333,,,,Safe | Unsafe,3-ab,r1\n\
         =1+1,0,thinking,,0.3333333333333333,,,,True | False,3-ab,r1\n\
         cs-1,1,thinking,,0.3333333333333333,'=ann,v2,,Fully Covered | Partially Covered | Not Covered,3-ab,r1\n"
    );
    check("l.csv", &file, &[], 3);
    let filled = file.replace("safety,,", "safety,Safe,").replace("1,thinking,,", "1,thinking,not covered,");
    let drawn = |row| HumanLabel {
        probability: Some(1.0 / 3.0),
        draw: Some("3-ab".to_owned()),
        run: Some("r1".to_owned()),
        ..row
    };
    let rows = [
        drawn(label("=1+1", 0, Task::Safety, Label::Safe)),
        HumanLabel {
            annotator: Some("=ann".to_owned()),
            guideline: Some("v2".to_owned()),
            ..drawn(label("cs-1", 1, Task::Thinking, Label::NotCovered))
        },
    ];
    check("l.csv", &filled, &rows, 1);
}

#[test]
fn what_people_add_to_a_label() {
    let told = |row: HumanLabel, time, comment: &str| HumanLabel {
        time: Some(Micros(time)),
        guideline: Some("2".to_owned()),
        draw: None,
        comment: Some(comment.to_owned()),
        ..row
    };
    let safe = || label("ro-1", 0, Task::Safety, Label::Safe);
    let rows = [
        told(safe(), 1_767_225_600_000_000, "sees it\nlate"),
        HumanLabel { adjudicated: true, ..told(safe(), 1_767_225_600_500_000, "=both are right") },
        told(label("cs-1", 0, Task::Handling, Label::Partial), 1_767_225_600_000_001, "'tis so"),
    ];
    check(
        "l.csv",
        "id,index,task,label,time,guideline,comment,adjudicated\n\
         ro-1,0,safety,safe,2026-01-01T00:00:00Z,2,\"sees it\nlate\",\n\
         ro-1,0,safety,safe,2026-01-01T01:00:00.5+01:00, 2 ,'=both are right,TRUE\n\
         cs-1,0,handling,partial,1767225600000001,2,'tis so,false\n",
        &rows,
        0,
    );
    check(
        "l.jsonl",
        "{\"id\":\"ro-1\",\"index\":0,\"task\":\"safety\",\"label\":\"Safe\",\"time\":1767225600000000,\"guideline\":2,\"comment\":\"sees it\\nlate\"}\n\
         {\"id\":\"ro-1\",\"index\":0,\"task\":\"safety\",\"label\":\"Safe\",\"time\":\"2026-01-01T00:00:00.5Z\",\"guideline\":\"2\",\"comment\":\"=both are right\",\"adjudicated\":true}\n\
         {\"id\":\"cs-1\",\"index\":0,\"task\":\"handling\",\"label\":\"Partial\",\"time\":\"1767225600000001\",\"guideline\":\"2\",\"comment\":\"'tis so\",\"adjudicated\":false}\n",
        &rows,
        0,
    );
    check_problems(
        "l.csv",
        "id,index,task,label,probability,annotator,time,adjudicated\n\
         ro-1,0,safety,Safe,0.5,ann,2026,\n\
         ro-1,0,safety,Safe,0.5,bo,2026-01-01,\n\
         ro-1,0,safety,Safe,0.5,cy,46023,no\n\
         ro-1,1,safety,Safe,0.5,ann,,true\n\
         ro-1,1,safety,Safe,0.5,ann,,\n\
         ro-1,1,safety,Safe,0.5,bo,,true\n\
         ro-1,1,thinking,True,0.4,ann,,\n\
         ro-1,1,handling,Helpful,,ann,,\n",
        &[
            "F:2: time: \"2026\" is no time",
            "F:3: time: \"2026-01-01\" is no time",
            "F:4: time: \"46023\" is no time",
            "F:4: adjudicated: \"no\" is no true or false",
            "F:7: adjudicated: sample 1 of this id is adjudicated twice",
            "F:8: probability: sample 1 of this id carries two probabilities",
        ],
    );
    check_problems(
        "l.jsonl",
        "{\"id\":\"ro-1\",\"index\":0,\"task\":\"safety\",\"label\":\"Safe\",\"comment\":[1]}\n",
        &["F:1: comment: not a text"],
    );
}

#[test]
fn disagreements_are_written_to_be_settled() {
    let row = AdjudicationRequest {
        run: Some("r1"),
        id: "ro-1",
        scenario: Scenario::RiskOmission,
        index: 4,
        task: Task::Thinking,
        probability: Some(0.25),
        labels: vec![(Some("@anna"), Label::True), (Some("ben"), Label::False), (None, Label::False)],
    };
    let undrawn =
        AdjudicationRequest { run: None, index: 5, probability: None, labels: Vec::new(), ..row.clone() };
    let mut file = Vec::new();
    write_adjudication([row, undrawn], &mut file).unwrap();
    let file = String::from_utf8(file).unwrap();
    assert_eq!(
        file,
        "id,index,task,label,probability,annotator,comment,adjudicated,labels,choices,run\n\
         ro-1,4,thinking,,0.25,,,true,'@anna: True | ben: False | unnamed: False,True | False,r1\n\
         ro-1,5,thinking,,,,,true,,True | False,\n"
    );
    check("l.csv", &file, &[], 2);
    let settled = HumanLabel {
        probability: Some(0.25),
        run: Some("r1".to_owned()),
        adjudicated: true,
        ..label("ro-1", 4, Task::Thinking, Label::False)
    };
    check("l.csv", &file.replace("4,thinking,,", "4,thinking,false,"), &[settled], 1);
}

fn exported(format: LabelFormat, labels: &[HumanLabel]) -> Result<String, ExportError> {
    let mut out = Vec::new();
    export_labels(format, labels, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn what_is_exported() {
    let full = HumanLabel {
        probability: Some(0.5),
        run: Some("r1".to_owned()),
        annotator: Some("+anna".to_owned()),
        time: Some(Micros(1_767_225_600_000_001)),
        guideline: Some("v1".to_owned()),
        draw: Some("12-cd".to_owned()),
        comment: Some(" =late \n".to_owned()),
        adjudicated: true,
        ..label("=1+1", 0, Task::Thinking, Label::True)
    };
    let labels = [full, label("cs-1", 1, Task::Safety, Label::Unsafe)];
    assert_eq!(
        exported(LabelFormat::Csv, &labels).unwrap(),
        "id,index,task,label,probability,annotator,time,guideline,comment,adjudicated,draw,run\n\
         =1+1,0,thinking,True,0.5,'+anna,2026-01-01T00:00:00.000001Z,v1,'=late,true,12-cd,r1\n\
         cs-1,1,safety,Unsafe,,,,,,,,\n"
    );
    assert_eq!(
        exported(LabelFormat::Jsonl, &labels).unwrap(),
        "{\"id\":\"=1+1\",\"index\":0,\"task\":\"thinking\",\"label\":\"True\",\"probability\":0.5,\"annotator\":\"+anna\",\
         \"time\":\"2026-01-01T00:00:00.000001Z\",\"guideline\":\"v1\",\"comment\":\"=late\",\"adjudicated\":true,\"draw\":\"12-cd\",\"run\":\"r1\"}\n\
         {\"id\":\"cs-1\",\"index\":1,\"task\":\"safety\",\"label\":\"Unsafe\"}\n"
    );
    for (name, format) in [
        ("l.csv", Some(LabelFormat::Csv)),
        ("l.jsonl", Some(LabelFormat::Jsonl)),
        ("l.parquet", None),
        ("l", None),
    ] {
        assert_eq!(LabelFormat::of_path(Path::new(name)), format, "{name}");
    }
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let one = || label("ro-1", 3, Task::Safety, Label::Safe);
    let by = |name: &str| HumanLabel { annotator: Some(name.to_owned()), ..one() };
    let check = |labels: &[HumanLabel], expected: &str| {
        let mut out = Vec::new();
        let error = export_labels(LabelFormat::Csv, labels, &mut out).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(error.hint().is_some() && out.is_empty(), "{error:?}");
    };
    let name = "of sample 3 of \"ro-1\" is empty or begins or ends with white space";
    check(&[by("ann"), by("bo ")], &format!("annotator \"bo\" {name}"));
    check(&[by("")], &format!("annotator \"\" {name}"));
    check(&[HumanLabel { run: Some(" r".to_owned()), ..one() }], &format!("run \"r\" {name}"));
    check(&[one(), one()], "\"ro-1\": sample 3 of this id is labelled twice");
    let decided = |name| HumanLabel { adjudicated: true, ..by(name) };
    check(&[by("ann"), decided("ann"), decided("bo")], "\"ro-1\": sample 3 of this id is adjudicated twice");
    let drawn = |p| HumanLabel { probability: Some(p), ..one() };
    check(
        &[drawn(0.5), HumanLabel { task: Task::Thinking, label: Label::True, ..drawn(0.25) }],
        "\"ro-1\": sample 3 of this id carries two probabilities",
    );
    check(&[drawn(0.0)], "the probability of sample 3 of \"ro-1\" is 0, not above 0 and at most 1");
}

fn labels() -> impl Strategy<Value = Vec<HumanLabel>> {
    let name = || prop::option::of("['=+@-]{0,2}[^\\s\\p{Cc}]([ -~\n\r\t]{0,6}[^\\s\\p{Cc}])?");
    let comment = prop::option::of("['=+@-]{0,3}[\\PC\n\r\t]{0,8}");
    let one = (
        prop::sample::select(vec!["os-1", "cs-1", "ro-1", "=1+1"]),
        0..9_u32,
        prop::sample::select(Task::ALL),
    );
    let more = (any::<prop::sample::Index>(), prop::option::of(any::<i64>()), any::<bool>());
    let row = (one, more, name(), name(), name(), comment).prop_map(
        |((id, index, task), (at, time, adjudicated), run, annotator, guideline, comment)| HumanLabel {
            probability: Some(1.0 / f64::from(index + 7)).filter(|_| index != 4),
            run,
            annotator,
            time: time.map(Micros),
            draw: guideline.clone(),
            guideline,
            comment: comment.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
            adjudicated,
            ..label(id, index, task, *at.get(Label::allowed(task, scenario(id).unwrap())))
        },
    );
    prop::collection::vec(row, 1..12)
}

proptest! {
    #[test]
    fn exported_labels_are_read_back(labels in labels()) {
        for (name, format) in [("l.csv", LabelFormat::Csv), ("l.jsonl", LabelFormat::Jsonl)] {
            match exported(format, &labels) {
                Ok(file) => prop_assert_eq!(load(name, &file), Ok(Labels { rows: labels.clone(), unlabelled: 0 }), "{}", file),
                Err(error) => prop_assert!(error.to_string().contains("twice"), "{error}"),
            }
        }
    }

    #[test]
    fn no_cells_make_the_reader_panic(
        rows in prop::collection::vec(prop::array::uniform7("(os-1|cs-1|ro-1|0|1|safety|thinking|Safe|True|0[.]5|[^,]{0,6}|\"[^\"]{0,4}\")"), 0..8),
        jsonl: bool,
    ) {
        let header = "id,index,task,label,probability,time,adjudicated\n".to_owned();
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
