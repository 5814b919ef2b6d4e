//! Records out: exports in every format, runs listed and deleted, datasets converted.

mod common;

use std::process::Stdio;

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
fn a_reader_that_has_seen_enough_ends_an_export_quietly() {
    let place = Place::new();
    let run = run(&place);
    for format in ["jsonl", "csv", "parquet", "judged"] {
        let mut child = place
            .command(&["export", &run, "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        drop(child.stdout.take());
        let ran = place.ran(&child.wait_with_output().expect("an end")).expect(0);
        assert_eq!(ran.stderr, "", "{format}");
    }
}

#[test]
fn a_judged_export_says_what_it_cannot_hold() {
    let place = Place::new();
    let run = run(&place);
    let both = place.run(&["export", &run, "--judgements", "--format", "judged"]).expect(2);
    assert!(both.stderr.contains("--judgements does not go with the judged format"), "{}", both.stderr);
    let named = place.run(&["export", &run, "--judgements", "-o", "all.judged"]).expect(2);
    assert!(named.stderr.contains("hint: --format jsonl, csv or parquet"), "{}", named.stderr);
    assert!(!place.path("all.judged").exists());
    let mixed = place.run(&["export", &run, "--format", "judged"]).expect(0);
    assert_eq!(mixed.stderr, "");
    place.run(&["eval", "--model", "sim/careless", "--scenario", "RO", "--name", "omission"]).expect(0);
    let only = place.run(&["export", "omission", "--format", "judged"]).expect(0);
    assert!(only.stderr.contains("the reference scorer reads such a column as booleans"), "{}", only.stderr);
}

#[test]
fn a_run_is_shown_with_all_it_grew_by() {
    let place = Place::new();
    for more in [&["--scenario", "RO"][..], &["--scenario", "OS", "--limit", "4"], &["--scenario", "RO"]] {
        let eval = ["eval", "--model", "sim/careless", "--samples", "1", "--name", "one"];
        place.run(&[&eval[..], more].concat()).expect(0);
    }
    let shown = place.json(&["runs", "show", "one", "--json"]);
    let selections = shown["plan"]["selections"].as_array().expect("selections");
    assert_eq!(selections.len(), 2, "{shown:#}");
    assert_eq!((&selections[0]["limit"], &selections[1]["limit"]), (&serde_json::Value::Null, &4.into()));
    let card = place.run(&["runs", "show", "one"]).expect(0).stdout;
    let value = |label: &str| {
        let line = card.lines().find(|l| l.starts_with(label)).unwrap_or_else(|| panic!("{label} in {card}"));
        let (name, value) = line.split_at(19);
        assert_eq!(name.trim_end(), label, "{line}");
        value.to_owned()
    };
    assert_eq!(value("selection"), r#"{"scenarios":["risk-omission"]}"#);
    assert_eq!(value("failed judgements"), "-");
    assert!(value("urls").starts_with("sim: ("), "{card}");
    assert!(value("samples").starts_with("ok ("), "{card}");
    place.run(&["eval", "--model", "sim/careless", "--samples", "1", "--name", "one"]).expect(0);
    let card = place.run(&["runs", "show", "one"]).expect(0).stdout;
    assert!(card.contains("the whole dataset"), "{card}");
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
