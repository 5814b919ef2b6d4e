//! Records out and in: exports in every format, the judged CSV and its scores, responses from elsewhere.

mod common;

use common::{Place, benchmarks};

/// A simulated run with its name.
fn run(place: &Place) -> String {
    place
        .run(&[
            "eval",
            "--model",
            "sim/superficial?truncated=0.1&blocked=0.05&notrace=0.05",
            "--samples",
            "3",
            "--name",
            "one",
        ])
        .expect(0);
    "one".to_owned()
}

#[test]
fn every_export_holds_every_sample() {
    let place = Place::new();
    let run = run(&place);
    for name in ["samples.jsonl", "samples.csv", "samples.parquet"] {
        let ran = place.run(&["export", &run, "-o", name]).expect(0);
        assert!(ran.stderr.contains("wrote 180 rows"), "{}", ran.stderr);
        place.run(&["export", &run, "-o", name]).expect(2);
        place.run(&["export", &run, "-o", name, "--force"]).expect(0);
    }
    let jsonl = std::fs::read_to_string(place.path("samples.jsonl")).expect("the export");
    for line in jsonl.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(row["schema"], "undersight.sample/v1");
        assert_eq!(row["run"], "one");
    }
    let ran = place.run(&["export", &run, "--judgements"]).expect(0);
    assert_eq!(ran.stdout.lines().count(), 360);
}

#[test]
fn a_judged_export_scores_as_the_run_does_and_comes_back() {
    let place = Place::new();
    let run = run(&place);
    place.run(&["export", &run, "--format", "judged", "-o", "judged.csv"]).expect(0);
    place.run(&["import", "judged.csv", "--dataset", "starter", "-k", "3", "--provenance", "full"]).expect(0);
    let runs = place.json(&["score", "--json"]);
    let metrics = |i: usize| {
        let run = &runs["runs"][i];
        (run["overall"].clone(), run["scenarios"].clone(), run["f"].clone())
    };
    assert_eq!(metrics(0).0["safe"]["at_1"]["share"], metrics(1).0["safe"]["at_1"]["share"]);
    assert_eq!(metrics(0), metrics(1), "bounds and unknowns included");
    let imported = runs["runs"][1]["run"].as_str().expect("a name");
    let refused = place.run(&["judge", imported, "--judge", "sim/judge"]).expect(2);
    assert!(refused.stderr.contains("no text to judge"), "{}", refused.stderr);
}

#[test]
fn responses_from_elsewhere_are_judged_here() {
    let place = Place::new();
    let run = run(&place);
    place.run(&["export", &run, "-o", "samples.jsonl"]).expect(0);
    let rows = std::fs::read_to_string(place.path("samples.jsonl")).expect("the export");
    let responses: String = rows
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let text = |name: &str| row[name].as_str().unwrap_or("").to_owned();
            let row = serde_json::json!({
                "id": text("id"), "question": text("query"), "answer": text("answer"), "reasoning_content": text("trace"),
            });
            format!("{row}\n")
        })
        .collect();
    place.write("responses.jsonl", responses);
    let import =
        ["import", "responses.jsonl", "--dataset", "starter", "--model", "acme/thinker", "--name", "theirs"];
    let undeclared = place.run(&import).expect(2);
    assert!(undeclared.stderr.contains("not declared"), "{}", undeclared.stderr);
    let declared = [&import[..], &["--provenance", "summary"]].concat();
    let ran = place.run(&declared).expect(0);
    assert!(ran.stderr.contains("180 samples"), "{}", ran.stderr);
    let again = place.run(&declared).expect(0);
    assert!(again.stderr.contains("0 of them new"), "{}", again.stderr);
    place.run(&["judge", "theirs", "--judge", "sim/judge"]).expect(0);
    let scores = place.json(&["score", "theirs", "--json"]);
    assert!(scores["runs"][0]["counts"]["provenance"]["summary"].as_u64() > Some(100), "{scores:#}");
}

#[test]
fn runs_are_listed_shown_and_deleted() {
    let place = Place::new();
    let run = run(&place);
    let list = place.run(&["runs", "list"]).expect(0);
    assert!(list.stdout.contains("180 of 180") && list.stdout.contains("360"), "{}", list.stdout);
    let shown = place.json(&["runs", "show", &run, "--json"]);
    assert_eq!(shown["schema"], "undersight.run/v1");
    assert_eq!(shown["plan"]["k"], 3);
    place.run(&["runs", "delete", &run]).expect(2);
    place.run(&["runs", "delete", &run, "--yes"]).expect(0);
    assert_eq!(place.json(&["runs", "list", "--json"])["runs"].as_array().map(Vec::len), Some(0));
}

#[test]
fn dataset_commands_on_the_benchmark() {
    let place = Place::new();
    for (name, path) in benchmarks(&place) {
        let path = common::arg(&path);
        let stats = place.json(&["dataset", "stats", path, "--json"]);
        let stats = &stats["stats"];
        assert_eq!((&stats["instances"], &stats["labels"]), (&2_000.into(), &3_200.into()), "{name}");
        let table = place.run(&["dataset", "stats", path]).expect(0).stdout;
        for cell in ["2,000", "3,200", "1,200", "600", "200", "Terrorism", "AI Ethics"] {
            assert!(table.contains(cell), "{name}: {cell}");
        }
        let validated = place.run(&["dataset", "validate", path]).expect(0).stdout;
        let hash = validated.split("hash ").nth(1).expect("a hash").to_owned();
        for to in ["converted.jsonl", "converted.parquet"] {
            place.run(&["dataset", "convert", path, to, "--force"]).expect(0);
            let again = place.run(&["dataset", "validate", to]).expect(0).stdout;
            assert!(again.ends_with(&hash), "{name}: {again} against {hash}");
        }
    }
    let ids = place.run(&["dataset", "show", "starter"]).expect(0).stdout;
    assert!(ids.lines().filter(|l| l.contains("starter-")).count() == 60);
    let one = place.run(&["dataset", "show", "starter", "starter-os-items-1"]).expect(0).stdout;
    assert!(one.contains("risky part") && one.contains("hash"), "{one}");
}
