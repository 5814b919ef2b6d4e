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
            assert_eq!(read, rows, "{content}");
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

    check("r.csv", "id,reply\nx,y\n", Err("answer: missing"));
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
