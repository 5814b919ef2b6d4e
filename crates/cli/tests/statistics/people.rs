//! `undersight labels` with several people: assigned, imported, compared, settled, corrected with, exported.

use crate::common::Place;
use crate::labels::rows;
use crate::{eval, json, list, number, run, runs};

/// The label file rewritten row by row: cells by column, `None` to leave a row out.
fn rewritten(place: &Place, from: &str, to: &str, mut change: impl FnMut(usize, &mut Vec<String>) -> bool) {
    let text = std::fs::read_to_string(place.path(from)).expect("labels");
    let mut lines = text.lines();
    let mut out = lines.next().expect("a header").to_owned() + "\n";
    for (at, line) in lines.enumerate() {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        if change(at, &mut cells) {
            out += &(cells.join(",") + "\n");
        }
    }
    place.write(to, out);
}

const LABEL: usize = 3;

#[test]
fn from_the_draw_to_the_correction() {
    let place = runs(&["careless"]);
    let drawn = run(
        &place,
        "labels draw careless -n 48 --annotators anna,ben --double 0.5 --guideline v1 --from-truth -o all.csv",
    );
    let told = drawn.expect(0).stderr;
    assert!(told.starts_with("wrote 144 rows for 48 samples of 3 strata to all.csv"), "{told}");
    let text = std::fs::read_to_string(place.path("all.csv")).expect("labels");
    let all = rows(&text);
    let of = |who: &str| all.iter().filter(|row| row["annotator"] == who).count();
    assert_eq!((of("anna") + of("ben"), of("anna").abs_diff(of("ben"))), (144, 0), "loads are even");

    // Ben turns four of his verdicts on answers over.
    let mut left = 4;
    rewritten(&place, "all.csv", "filled.csv", |_, cells| {
        if left > 0 && cells[5] == "ben" && cells[2] == "safety" {
            let other = if cells[LABEL] == "Safe" { "Unsafe" } else { "Safe" };
            cells[LABEL] = other.to_owned();
            left -= 1;
        }
        true
    });
    let imported = run(&place, "labels import careless filled.csv").expect(0);
    assert_eq!(imported.stderr, "filled.csv: 144 labels are new, 0 changed, 0 were there already\n");
    let again = run(&place, "labels import careless filled.csv").expect(0);
    assert_eq!(again.stderr, "filled.csv: 0 labels are new, 0 changed, 144 were there already\n");

    let people = json(&place, "labels people careless");
    assert_eq!(people["schema"], "undersight.people/v1");
    let open = number(&people["open"]) as usize;
    assert!((1..=4).contains(&open), "of four turned over some are of samples both labelled: {open}");
    assert_eq!(list(&people["disagreements"]).len(), open);
    let from_file = json(&place, "labels people careless --labels filled.csv");
    assert_eq!(from_file["rows"], people["rows"], "the store and the file say the same");

    let refused = run(&place, "labels correct careless").expect(2);
    assert!(refused.stderr.contains(&format!("people disagree on {open} labels")), "{}", refused.stderr);
    let warned = run(&place, "labels agreement careless").expect(0);
    assert!(warned.stderr.contains(&format!("people disagree on {open} labels")), "{}", warned.stderr);

    run(&place, "labels adjudicate careless -o open.csv").expect(0);
    let disputed = std::fs::read_to_string(place.path("open.csv")).expect("disagreements");
    assert_eq!(disputed.lines().count(), open + 1);
    assert!(disputed.contains("anna: ") && disputed.contains(" | ben: "), "{disputed}");
    rewritten(&place, "open.csv", "settled.csv", |_, cells| {
        let said = cells[8].split("anna: ").nth(1).and_then(|rest| rest.split(" | ").next());
        (cells[LABEL], cells[5]) = (said.expect("what anna says").to_owned(), "carla".to_owned());
        true
    });
    run(&place, "labels import careless settled.csv").expect(0);
    let people = json(&place, "labels people careless");
    assert_eq!(number(&people["open"]), 0.0);
    let nothing = run(&place, "labels adjudicate careless").expect(0);
    assert!(nothing.stderr.starts_with("nothing is open"), "{}", nothing.stderr);
    assert_eq!(json(&place, "labels correct careless")["schema"], "undersight.corrections/v1");

    for file in ["out.csv", "out.jsonl"] {
        run(&place, &format!("labels export careless -o {file}")).expect(0);
        let known = run(&place, &format!("labels import careless {file}")).expect(0);
        let expected = format!("{file}: 0 labels are new, 0 changed, {} were there already\n", 144 + open);
        assert_eq!(known.stderr, expected);
    }
    // People are judges of the run, but never the one it is scored by.
    let judged = json(&place, "score careless");
    assert_eq!(judged["runs"][0]["judge"]["model"], "sim/judge");
    assert_eq!(json(&place, "score careless --judge human/anna")["runs"][0]["judge"]["kind"], "human");
}

#[test]
fn a_draw_labelled_in_part_corrects_nothing() {
    let place = runs(&["careless"]);
    run(&place, "labels draw careless -n 60 --from-truth -o labels.csv").expect(0);
    // Only what passes is labelled: the hand-picked half.
    rewritten(&place, "labels.csv", "picked.csv", |_, cells| cells[2] != "safety" || cells[LABEL] == "Safe");
    let refused = run(&place, "labels correct careless --labels picked.csv").expect(2);
    assert!(refused.stderr.contains("of the 60 samples drawn have a label of safety"), "{}", refused.stderr);
    run(&place, "labels import careless picked.csv").expect(0);
    let stored = run(&place, "labels correct careless").expect(2);
    assert_eq!(stored.stderr, refused.stderr, "the store is no way round");
    // One task wholly labelled is a draw of that task.
    rewritten(&place, "labels.csv", "thinking.csv", |_, cells| {
        if cells[2] == "safety" {
            cells[LABEL].clear();
        }
        true
    });
    run(&place, "labels correct careless --labels thinking.csv").expect(0);
    // What is missing comes from a second file.
    rewritten(&place, "labels.csv", "rest.csv", |_, cells| cells[2] == "safety" && cells[LABEL] != "Safe");
    run(&place, "labels correct careless --labels picked.csv --labels rest.csv").expect(0);
}

#[test]
fn a_label_changed_since_takes_the_earlier_ones_place() {
    let place = runs(&["careless"]);
    run(&place, "labels draw careless -n 6 --annotators anna --guideline v1 --from-truth -o labels.csv")
        .expect(0);
    run(&place, "labels import careless labels.csv").expect(0);
    rewritten(&place, "labels.csv", "later.csv", |at, cells| {
        cells[6] = "v2".to_owned();
        if at == 0 {
            cells[LABEL] = if cells[LABEL] == "Safe" { "Unsafe" } else { "Safe" }.to_owned();
        }
        true
    });
    let later = run(&place, "labels import careless later.csv").expect(0);
    assert_eq!(later.stderr, "later.csv: 0 labels are new, 12 changed, 0 were there already\n");
    let out = rows(&run(&place, "labels export careless").expect(0).stdout);
    assert_eq!(out.len(), 12);
    assert!(out.iter().all(|row| row["guideline"] == "v2"));
    assert_eq!(number(&json(&place, "labels people careless")["open"]), 0.0, "one person does not disagree");
    rewritten(&place, "labels.csv", "beyond.csv", |at, cells| {
        cells[1] = "99".to_owned();
        at == 0
    });
    let beyond = run(&place, "labels import careless beyond.csv").expect(2);
    assert!(beyond.stderr.contains("has 3 samples an instance"), "{}", beyond.stderr);
}

#[test]
fn plans_by_what_judges_say() {
    let place = runs(&["careless"]);
    let oracle = "judge careless --judge sim/oracle-judge?sensitivity=0.7&specificity=0.7";
    run(&place, oracle).expect(0);
    let draw = |more: &str| {
        let ran = run(&place, &format!("labels draw careless -n 40 --judge sim/judge {more}"));
        rows(&ran.expect(0).stdout)
    };
    let usual = draw("");
    let emphasis = draw("--emphasis --against sim/oracle-judge");
    let weights = |rows: &[std::collections::BTreeMap<String, String>]| -> f64 {
        rows.iter().map(|row| 1.0 / row["probability"].parse::<f64>().expect("a probability")).sum()
    };
    assert!((weights(&usual) - weights(&emphasis)).abs() < 1e-6, "both weigh up to the run");
    assert_ne!(usual, emphasis);
    let labelled = draw("--by label --equal");
    assert!((weights(&usual) - weights(&labelled)).abs() < 1e-6);
    for (more, part) in [
        ("--emphasis", "no judge is named to disagree with"),
        ("--by label,wisdom", "unknown stratum \"wisdom\""),
        ("--annotators anna --double 0.5", "two annotators"),
        ("--annotators anna,anna", "named twice"),
        ("--against sim/absent --emphasis", "has not judged run careless"),
        ("--label-tasks joy", "unknown task \"joy\""),
    ] {
        let ran = run(&place, &format!("labels draw careless -n 40 {more}")).expect(2);
        assert!(ran.stderr.contains(part), "{more}: {}", ran.stderr);
    }
    eval(&place, "risk-aware", "other", "");
    let none = run(&place, "labels people other").expect(2);
    assert!(none.stderr.contains("has no labels in the store"), "{}", none.stderr);
}
