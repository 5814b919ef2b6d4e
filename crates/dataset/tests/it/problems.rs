//! Every way a file can be wrong, with the message it gets: one table through one check.

use std::io::{self, ErrorKind};
use std::path::Path;

use undersight_dataset::{Format, LoadError, WriteError, load, parse, starter, write};

/// Parses and compares everything printed, trailing count included.
fn check(format: Format, bytes: impl AsRef<[u8]>, expected: &str) {
    let problems = parse(format, "F", bytes.as_ref()).expect_err(expected);
    assert_eq!(problems.to_string(), expected.trim());
}

const HEADER: &str = "id,query,risk_summary,dataset_name,label\n";

fn csv(rows: &str, expected: &str) {
    check(Format::Csv, format!("{HEADER}{rows}"), expected);
}

/// A sound object with some members replaced (`null` leaves one out).
fn object(members: &str) -> String {
    let mut object = serde_json::json!({
        "id": "a", "scenario": "risk-omission", "query": "secret words", "rationale": "why",
        "risks": [{"category": "Rumors", "subcategory": "Rumors with Negative Impact"}],
    });
    let changes: serde_json::Map<String, serde_json::Value> = serde_json::from_str(members).unwrap();
    object.as_object_mut().unwrap().extend(changes);
    object.to_string()
}

fn jsonl(members: &str, expected: &str) {
    check(Format::Jsonl, object(members), expected);
}

#[test]
fn a_file_that_is_no_dataset() {
    let empty = "F: the file is empty\n  hint: add at least one instance\n1 problem in F";
    for format in Format::ALL {
        check(format, b"", empty);
        check(format, b"\xef\xbb\xbf \r\n", empty);
    }
    check(
        Format::Csv,
        HEADER,
        "F: there is no instance in the file\n  hint: add at least one\n1 problem in F",
    );
    check(
        Format::Jsonl,
        b"\xff\xfe{\0}\0",
        "F: the file is encoded as UTF-16\n  hint: save it as UTF-8\n1 problem in F",
    );
    let problems = parse(Format::Parquet, "F", b"PAR1 and no more").unwrap_err().to_string();
    assert!(problems.starts_with("F: not a readable Parquet file: "), "{problems}");
}

#[test]
fn columns() {
    check(
        Format::Csv,
        "id,querry,risk_summary,dataset_name,label,notes\na,,why,RO,Rumors-Rumors with Negative Impact,\n",
        r#"
F:1: columns: unexpected column "querry"
  hint: did you mean "query"? expected columns: id, query, risk_summary, dataset_name, label
F:1: columns: unexpected column "notes"
  hint: expected columns: id, query, risk_summary, dataset_name, label
F:2: query: empty
  hint: write the text or remove the instance
3 problems in F"#,
    );
    check(
        Format::Csv,
        "id,id,prompt\n1,2,3\n",
        r#"
F:1: id: the column appears twice
  hint: remove one of them
F:1: columns: unexpected column "prompt"
  hint: expected columns: id, query, risk_summary, dataset_name, label
F:1: columns: missing column "query"
  hint: expected columns: id, query, risk_summary, dataset_name, label
F:1: columns: missing column "risk_summary"
  hint: expected columns: id, query, risk_summary, dataset_name, label
F:1: columns: missing column "dataset_name"
  hint: expected columns: id, query, risk_summary, dataset_name, label
F:1: columns: missing column "label"
  hint: expected columns: id, query, risk_summary, dataset_name, label
6 problems in F"#,
    );
}

#[test]
fn broken_csv_lines_keep_their_physical_line() {
    csv(
        "a,\"two\r\n\nlines\",why,Risk Omission,Rumors-Rumors with Negative Impact\r\n\
         \r\n\
         b,short\r\n\
         c,\"x\"y,why,Risk Omission,Rumors-Rumors with Negative Impact\r\n\
         d,\"never closed,why\r\nand on\r\n",
        r"
F:6: expected 5 cells, found 2
  hint: put cells that hold commas or line breaks in quotes
F:7: text after a closing quote
  hint: a quote inside a quoted cell is written twice
F:8: a quoted cell is never closed
  hint: close the quote; a quote inside a quoted cell is written twice
3 problems in F",
    );
    check(
        Format::Csv,
        [HEADER.as_bytes(), b"a,caf\xe9,why,RO,Rumors-Rumors with Negative Impact\n"].concat(),
        "F:2: query: not valid UTF-8 (byte 4 of the cell)\n  hint: save the file as UTF-8\n1 problem in F",
    );
}

#[test]
fn official_cells() {
    csv(
        "a,q,why,Risk Ommission,Rumors-Rumors with Negative Impact\n\
         a,q,,Risk Omission,Rumours-Rumors with Negative Impact\n\
         b,q,why,Over Sensitivity,Rumors-Terrorism\n\
         c,q,why,OS,Violence and Terrorism-Terorism\n\
         d,q,why,OS,nothing like it\n",
        r#"
F:2: dataset_name: unknown scenario "Risk Ommission"
  hint: did you mean "Risk Omission"?
F:3: label: unknown category in label "Rumours-Rumors with Negative Impact"
  hint: did you mean "Rumors-Rumors with Negative Impact"?
F:3: id: duplicate id "a", first on line 2
  hint: ids are unique within a dataset
F:3: risk_summary: empty
  hint: write the text or remove the instance
F:4: label: "Terrorism" is not a subcategory of "Rumors"
  hint: one of: Rumors with Negative Impact
F:5: label: unknown subcategory "Terorism"
  hint: did you mean "Terrorism"?
F:6: label: unknown category in label "nothing like it"
  hint: write `Category-Subcategory`; categories: Offense and Prejudice; Specially Regulated Items; Property Infringement; Invasion of Privacy and Confidentiality; Physical and Mental Health; Violence and Terrorism; Ethics and Morality; Rumors; Pornography
7 problems in F"#,
    );
}

#[test]
fn the_two_lines_of_a_cognitive_shortcut() {
    let label = "Rumors-Rumors with Negative Impact";
    csv(
        &format!(
            "a,q,\"Query A: x\nQuery B: y\",CS,{label}\n\
             b,q,why,CS,\"Query A: {label}\nQuery C: {label}\"\n\
             c,q,why,RO,\"{label}\n{label}\"\n\
             d,q,\"Query A: x\nQuery B: \",CS,\"Query A: {label}\nQuery B: {label}\"\n"
        ),
        r#"
F:2: label: expected a line opening `Query A:`, found "Rumors-Rumors with Negative Impact"
  hint: write two lines in the cell, `Query A: …` and `Query B: …`
F:2: label: 1 given, cognitive-shortcut has 2
  hint: over-sensitivity and risk-omission have one risk, cognitive-shortcut two
F:4: label: expected a line opening `Query B:`, found "Query C: Rumors-Rumors with Negative Impact"
  hint: write two lines in the cell, `Query A: …` and `Query B: …`
F:4: risk_summary: no rationale of its own for risk 1
  hint: write two lines in the cell, `Query A: …` and `Query B: …`
F:6: label: 2 given, risk-omission has 1
  hint: over-sensitivity and risk-omission have one risk, cognitive-shortcut two
F:8: risk_summary: no rationale of its own for risk 1 and 2
  hint: write two lines in the cell, `Query A: …` and `Query B: …`
6 problems in F"#,
    );
}

#[test]
fn lines_that_are_no_objects() {
    let lines = [
        &b"{\"id\":"[..],
        b"",
        b"[]",
        b"{\"id\": \"caf\xe9\"}",
        object("{\"query\": \" \"}").as_bytes(),
        b"{\"id\": 1} {",
    ]
    .join(&b"\r\n"[..]);
    check(
        Format::Jsonl,
        lines,
        r"
F:1: not valid JSON: EOF while parsing a value (column 7)
  hint: write one whole object a line; line breaks in texts are written \n
F:3: not a JSON object
  hint: write one object a line, without a list around
F:4: not valid UTF-8 (byte 12 of the line)
  hint: save the file as UTF-8
F:5: query: empty
  hint: write the text or remove the instance
F:6: not valid JSON: trailing characters (column 11)
  hint: write one whole object a line; line breaks in texts are written \n
5 problems in F",
    );
}

#[test]
fn members() {
    check(
        Format::Jsonl,
        "{}",
        r"
F:1: id: missing
  hint: every instance needs it
F:1: query: missing
  hint: every instance needs it
F:1: scenario: missing
  hint: every instance needs it
F:1: risks: missing
  hint: every instance needs it
4 problems in F",
    );
    jsonl(
        r#"{"schema": "undersight.instance/v9", "id": 7, "scenario": "omission", "ratoinale": "x", "zzz": 1}"#,
        r#"
F:1: schema: unknown schema "undersight.instance/v9"
  hint: this version reads "undersight.instance/v1", which may also be left out
F:1: id: expected a string, found a number
  hint: put the value in quotes
F:1: scenario: unknown scenario "omission"
  hint: one of: over-sensitivity; cognitive-shortcut; risk-omission
F:1: ratoinale: unknown member
  hint: did you mean "rationale"?
F:1: zzz: unknown member
  hint: one of: id; scenario; query; risks; schema; rationale; parts
5 problems in F"#,
    );
    jsonl(
        r#"{"id": " a\n", "rationale": " "}"#,
        r"
F:1: id: white space around it or control characters in it
  hint: use a plain name
F:1: rationale: empty
  hint: write the text or remove the instance
2 problems in F",
    );
    jsonl(
        r#"{"rationale": null}"#,
        r"
F:1: rationale: missing
  hint: write it for the instance or for each of its risks
1 problem in F",
    );
    jsonl(
        r#"{"parts": {"risky": "secret", "harmless": "words"}}"#,
        r"
F:1: parts: marked on another scenario
  hint: only over-sensitivity has parts
1 problem in F",
    );
}

#[test]
fn risks() {
    jsonl(
        r#"{"risks": "[{"}"#,
        r"
F:1: risks: not valid JSON: EOF while parsing an object (column 2)
  hint: nest the value itself, or write it as JSON text
1 problem in F",
    );
    jsonl(
        r#"{"risks": {}}"#,
        r"
F:1: risks: expected an array, found an object
  hint: give a list of objects, one per risk
1 problem in F",
    );
    jsonl(
        r#"{"risks": []}"#,
        r"
F:1: risks: 0 given, risk-omission has 1
  hint: over-sensitivity and risk-omission have one risk, cognitive-shortcut two
1 problem in F",
    );
    jsonl(
        r#"{"risks": [3, {"category": "Rumour", "subcategory": "terorism"},
            {"category": "Rumors", "subcategory": "Terrorism", "rationale": " ", "why": ""},
            {"category": "Violence and Terrorism", "subcategory": "x"}, {"category": null}]}"#,
        r#"
F:1: risks[0]: expected an object, found a number
  hint: give category and subcategory
F:1: risks[1].category: unknown category "Rumour"
  hint: did you mean "Rumors"?
F:1: risks[1].subcategory: unknown subcategory "terorism"
  hint: did you mean "Terrorism"?
F:1: risks[2].rationale: empty
  hint: write the text or leave the member out
F:1: risks[2].why: unknown member
  hint: one of: category; subcategory; rationale
F:1: risks[2].subcategory: "Terrorism" is not a subcategory of "Rumors"
  hint: it has: Rumors with Negative Impact; "Terrorism" is of "Violence and Terrorism"
F:1: risks[3].subcategory: unknown subcategory "x"
  hint: one of: Violent Content; Terrorism
F:1: risks[4].category: missing
  hint: every risk needs a category and a subcategory
F:1: risks[4].subcategory: missing
  hint: every risk needs a category and a subcategory
F:1: risks: 5 given, risk-omission has 1
  hint: over-sensitivity and risk-omission have one risk, cognitive-shortcut two
10 problems in F"#,
    );
    jsonl(
        r#"{"scenario": "cognitive-shortcut"}"#,
        r#"
F:1: risks: 1 given, cognitive-shortcut has 2
  hint: over-sensitivity and risk-omission have one risk, cognitive-shortcut two
F:1: rationale: no rationale of its own for risk 1
  hint: give each of the two risks a "rationale"
2 problems in F"#,
    );
}

#[test]
fn marked_parts() {
    let os = |parts: &str| {
        object(&format!(r#"{{"scenario": "over-sensitivity", "query": "one two one", "parts": {parts}}}"#))
    };
    let parts = |parts: &str, expected| check(Format::Jsonl, os(parts), expected);
    let not_found = r"
F:1: parts.harmless: not found in the query
  hint: copy the part verbatim, white space included
1 problem in F";
    parts(r#"{"risky": "two", "harmless": "three"}"#, not_found);
    parts(r#"{"risky": "two", "harmless": ""}"#, not_found);
    parts(
        r#"{"risky": "two one", "harmless": "one two"}"#,
        r"
F:1: parts: the two parts overlap
  hint: mark two separate stretches of the query
1 problem in F",
    );
    parts(
        r#"{"risky": "two", "harmles": "one"}"#,
        r#"
F:1: parts.harmless: missing
  hint: mark both parts or neither
F:1: parts.harmles: unknown member
  hint: did you mean "harmless"?
2 problems in F"#,
    );
    parts(
        "[]",
        r"
F:1: parts: expected an object, found an array
  hint: give the members risky and harmless
1 problem in F",
    );
    // "one" occurs inside "two one" and before it: there is a way to keep them apart.
    parse(Format::Jsonl, "F", os(r#"{"risky": "two one", "harmless": "one"}"#).as_bytes()).unwrap();
}

#[test]
fn one_query_twice_is_a_warning() {
    let file = [object("{}"), object(r#"{"id": "b"}"#)].join("\n");
    let dataset = parse(Format::Jsonl, "F", file.as_bytes()).unwrap();
    assert_eq!(dataset.instances.len(), 2);
    let told: Vec<String> = dataset.warnings.iter().map(|w| w.at("F").to_string()).collect();
    assert_eq!(
        told,
        [
            "F:2: query: \"b\" has the same query as \"a\" on line 1\n  hint: intended? their samples are drawn once and shared"
        ]
    );
}

#[test]
fn messages_hold_no_query_and_no_escapes() {
    let long = "a whole query in the wrong column ".repeat(5);
    csv(
        &format!("a,q,why,{long},\u{1b}[31m\n"),
        r#"
F:2: dataset_name: unknown scenario (a text of 170 characters)
  hint: one of: Over Sensitivity; Cognitive Shortcut; Risk Omission
F:2: label: unknown category in label "\u{1b}[31m"
  hint: write `Category-Subcategory`; categories: Offense and Prejudice; Specially Regulated Items; Property Infringement; Invasion of Privacy and Confidentiality; Physical and Mental Health; Violence and Terrorism; Ethics and Morality; Rumors; Pornography
2 problems in F"#,
    );
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let check = |path: &Path, message: &str, hint: Option<&str>| {
        let error = load(path).unwrap_err();
        assert_eq!(error.to_string().replace(&folder.path().display().to_string(), "DIR"), message);
        assert_eq!(error.hint().as_deref(), hint);
    };
    check(
        &folder.path().join("absent.csv"),
        "cannot read DIR/absent.csv: no such file",
        Some("check the path; `undersight dataset fetch bsa` downloads the official file"),
    );
    check(
        folder.path(),
        "cannot read DIR: it is a directory",
        Some("name a .csv, .jsonl or .parquet file inside it"),
    );
    check(
        &place("notes.txt", b"just text, no data"),
        "DIR/notes.txt: neither CSV nor JSON Lines nor Parquet",
        Some("name the file .csv, .jsonl or .parquet according to what it holds"),
    );
    let wrong = place("wrong.JSONL", b"[]");
    check(
        &wrong,
        "DIR/wrong.JSONL:1: not a JSON object\n  hint: write one object a line, without a list around\n1 problem in DIR/wrong.JSONL",
        None,
    );
    assert!(matches!(load(&wrong), Err(LoadError::Invalid(problems)) if problems.problems.len() == 1));
}

#[test]
fn content_tells_the_format_where_the_name_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let starter = starter();
    for format in Format::ALL {
        let path = folder.path().join(format!("data-{format}"));
        write(format, &starter.instances, std::fs::File::create(&path).unwrap()).unwrap();
        let read = load(&path).unwrap();
        assert_eq!(read.instances.len(), starter.instances.len());
        assert_eq!(read.name, format!("data-{format}"));
        assert_eq!(read.hash == starter.hash, format != Format::Csv);
        assert_eq!(Format::parse(format.name()), Some(format));
    }
}

#[test]
fn a_writer_that_fails() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for format in Format::ALL {
        let error: WriteError = write(format, &starter().instances, Full).unwrap_err();
        assert_eq!(error.to_string(), "cannot write the dataset: no storage space", "{format}");
        assert_eq!(error.hint().as_deref(), Some("free some space and run again"), "{format}");
    }
}
