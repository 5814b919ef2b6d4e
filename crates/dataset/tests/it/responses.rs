//! Responses generated elsewhere: what is read, and every way a file can be wrong.

use std::sync::Arc;

use undersight_core::Instance;
use undersight_dataset::{LoadError, Response, load_responses, starter};

/// Id, answer, reasoning.
type Row<'a> = (&'a str, &'a str, Option<&'a str>);

fn check(name: &str, content: &str, expected: Result<&[Row<'_>], &str>) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join(name);
    std::fs::write(&path, content).expect("a file in it");
    match (load_responses(&path, &starter().instances), expected) {
        (Ok(read), Ok(rows)) => {
            let rows: Vec<Response> = rows
                .iter()
                .map(|(id, answer, reasoning)| Response {
                    id: (*id).to_owned(),
                    answer: (*answer).to_owned(),
                    reasoning: reasoning.map(str::to_owned),
                })
                .collect();
            assert_eq!(read.rows, rows, "{content}");
        }
        (Err(error), Err(message)) => {
            let shown = error.to_string();
            assert!(shown.contains(message), "{shown}");
        }
        (got, wanted) => panic!("{content}: got {got:?}, wanted {wanted:?}"),
    }
}

#[test]
fn files() {
    let instances = starter().instances;
    let [a, b]: [&Arc<Instance>; 2] = [&instances[0], &instances[1]];
    let rows = [(a.id.as_str(), "yes,\nno", Some("why")), (b.id.as_str(), "no", None)];
    let csv = format!("id,answer,reasoning_content,extra\n{},\"yes,\nno\",why,1\n{},no,,2\n", a.id, b.id);
    check("r.csv", &csv, Ok(&rows));
    let line =
        |id: &str, answer: &str, more: &str| format!("{{\"id\":\"{id}\",\"answer\":\"{answer}\"{more}}}\n");
    let asked = format!(",\"question\":{}", serde_json::to_string(&a.query).expect("text"));
    let jsonl = line(&a.id, "yes,\\nno", &format!(",\"reasoning_content\":\"why\"{asked}"))
        + "\n"
        + &line(&b.id, "no", "");
    check("r.jsonl", &jsonl, Ok(&rows));

    check("r.csv", "id,reply\nx,y\n", Err(":1: answer: missing; the columns are id, reply\n"));
    check("r.csv", "id,answer\nnobody,y\n", Err(":2: id: unknown id"));
    check("r.csv", &format!("id,answer\n{},y,z\n", a.id), Err("expected 2 cells, found 3"));
    check("r.csv", "id,answer\n", Err("no response"));
    check("r.jsonl", &(line(&a.id, "y", "") + "nonsense\n" + &line("nobody", "y", "")), Err("2 problems"));
    check("r.jsonl", &line(&a.id, "y", ",\"question\":\"another one\""), Err("question: differs"));
}

#[test]
fn a_format_without_rows() {
    let error = load_responses(std::path::Path::new("absent.csv"), &[]).expect_err("no such file");
    assert!(matches!(error, LoadError::Io { .. }));
}

#[test]
fn a_trace_by_any_of_its_names() {
    let id = &starter().instances[0].id;
    let rows = [(id.as_str(), "no", Some("why"))];
    for name in ["reasoning_content", "reasoning", "trace"] {
        check("r.csv", &format!("id,answer,{name}\n{id},no,why\n"), Ok(&rows));
        check("r.jsonl", &format!("{{\"id\":\"{id}\",\"answer\":\"no\",\"{name}\":\"why\"}}\n"), Ok(&rows));
        let nested = format!("{{\"id\":\"{id}\",\"answer\":\"no\",\"{name}\":{{\"effort\":1}}}}\n");
        check("r.jsonl", &nested, Err(&format!(":1: {name}: not a text")));
    }
    let two = |first: &str, second: &str| format!("id,answer,trace,reasoning\n{id},no,{first},{second}\n");
    check("r.csv", &two("why", ""), Ok(&rows));
    check("r.csv", &two("why", "why"), Ok(&rows));
    check("r.csv", &two("why", "because"), Err(":2: trace: differs from reasoning"));
}

#[test]
fn what_is_left_aside_is_named_once() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("r.csv");
    let id = &starter().instances[0].id;
    std::fs::write(&path, format!("id,note,answer,arm\n{id},1,no,2\n{id},1,no,2\n")).expect("a file");
    let read = load_responses(&path, &starter().instances).expect("responses");
    assert_eq!(read.left_aside, ["arm", "note"]);
}

#[test]
fn what_is_wrong_everywhere_is_told_briefly() {
    let told = |name: &str, content: &str| {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join(name);
        std::fs::write(&path, content).expect("a file in it");
        let error = load_responses(&path, &starter().instances).expect_err("a problem");
        error.to_string().replace(&path.display().to_string(), "F")
    };
    assert_eq!(
        told("r.csv", &format!("id,anwser\n{}", "x,y\n".repeat(900))),
        "F:1: answer: missing; the columns are id, anwser\n  hint: there is \"anwser\": did you mean answer?\n\
         1 problem in F"
    );
    let unknown: String = (0..900).map(|i| format!("nobody-{i},y\n")).collect();
    let unknown = told("r.csv", &format!("id,answer\n{unknown}"));
    assert_eq!(unknown.lines().count(), 2 * 10 + 2, "{unknown}");
    assert!(unknown.contains("F:11: id: unknown id \"nobody-9\"\n"), "{unknown}");
    assert!(unknown.ends_with("\n… and 890 more like this\n900 problems in F"), "{unknown}");
    let missing = told("r.jsonl", &"{\"id\":\"x\",\"Answer\":\"y\"}\n".repeat(12));
    assert!(
        missing.contains("F:1: answer: missing\n  hint: there is \"Answer\": did you mean answer?"),
        "{missing}"
    );
    assert!(missing.ends_with("… and 2 more like this\n12 problems in F"), "{missing}");
    let mixed = told("r.csv", &format!("id,answer\n{}x,y\n", "x,y,z\n".repeat(11)));
    assert!(mixed.contains("… and 1 more like this\nF:13: id: unknown id"), "{mixed}");
}
