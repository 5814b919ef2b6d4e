//! `undersight labels`: drawn, filled in from the hidden truth, measured against and corrected with.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::common::Place;
use crate::{eval, find, json, list, number, prints, refusals, run, runs, snapshot, texts};

/// The rows of a label file, by column.
pub(crate) fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = text.lines().map(|line| line.split(','));
    let header: Vec<String> = lines.next().expect("a header").map(str::to_owned).collect();
    lines.map(|cells| header.iter().cloned().zip(cells.map(str::to_owned)).collect()).collect()
}

fn drawn(place: &Place, more: &str) -> Vec<BTreeMap<String, String>> {
    rows(&run(place, &format!("labels draw careless {more}")).expect(0).stdout)
}

/// Draws with the truth filled in.
fn truths(place: &Place, of: &str, samples: u32) {
    run(place, &format!("labels draw {of} -n {samples} --from-truth -o labels.csv --force")).expect(0);
}

/// Rewrites the label file, line by line; the header stays.
fn rewrite(place: &Place, to: &str, change: impl Fn(usize, Vec<&str>) -> String) {
    let text = std::fs::read_to_string(place.path("labels.csv")).expect("labels");
    let mut lines = text.lines();
    let header = lines.next().expect("a header").to_owned();
    let rest = lines.enumerate().map(|(at, line)| change(at, line.split(',').collect()));
    place.write(to, [header].into_iter().chain(rest).map(|line| line + "\n").collect::<String>());
}

#[test]
fn samples_are_drawn_with_their_probability() {
    let place = runs(&["careless"]);
    prints("labels-draw", &place, "labels draw careless -n 6 --draw-seed 4", 0);
    let twelve = drawn(&place, "-n 12");
    assert_eq!(twelve.len(), 24, "a row for each task");
    assert_eq!(twelve, drawn(&place, "-n 12"), "one seed, one draw");
    assert_ne!(twelve, drawn(&place, "-n 12 --draw-seed 1"));
    let key = |row: &BTreeMap<String, String>| (row["id"].clone(), row["index"].clone(), row["task"].clone());
    let more = drawn(&place, "-n 30").iter().map(key).collect::<Vec<_>>();
    assert!(twelve.iter().map(key).all(|row| more.contains(&row)), "a larger draw keeps what is labelled");
    let probability =
        |row: &BTreeMap<String, String>| row["probability"].parse::<f64>().expect("a probability");
    for (rows, planned) in [(&twelve, 72.0), (&drawn(&place, "-n 9 --equal"), 72.0)] {
        let weight: f64 = rows.iter().map(|row| 1.0 / probability(row)).sum();
        assert!((weight / 2.0 - planned).abs() < 1e-9, "weights add up to the run: {weight}");
        assert!(rows.iter().all(|row| row["label"].is_empty()));
    }
    let equal = drawn(&place, "-n 9 --equal");
    for scenario in ["starter-os-", "starter-cs-", "starter-ro-"] {
        assert_eq!(equal.iter().filter(|row| row["id"].starts_with(scenario)).count(), 6, "{scenario}");
    }
    assert!(drawn(&place, "-n 72").iter().all(|row| probability(row) == 1.0));
    assert_eq!(drawn(&place, "-n 5000"), drawn(&place, "-n 72"), "no more than there are");
}

#[test]
fn a_file_of_labels_is_not_overwritten() {
    let place = runs(&["careless"]);
    run(&place, "labels draw careless -n 6 -o labels.csv").expect(0);
    let ran = run(&place, "labels draw careless -n 9 -o labels.csv").expect(2);
    assert_eq!(ran.stderr, "error: labels.csv is already there\nhint: --force overwrites it\n");
    let ran = run(&place, "labels draw careless -n 9 -o labels.csv --force").expect(0);
    assert_eq!(ran.stderr, "wrote 18 rows for 9 samples of 3 strata to labels.csv\n");
    run(&place, "export careless --format judged -o judged.csv").expect(0);
    run(&place, "import judged.csv --dataset starter -k 3 --provenance full --name theirs").expect(0);
    let lines = [
        "labels draw theirs --from-truth",
        "labels draw careless -n 0",
        "labels draw absent",
        "labels draw careless --judge sim/absent",
        "labels agreement careless --labels labels.csv",
        "labels agreement careless --labels absent.csv",
        "labels agreement careless",
        "labels agreement careless --labels labels.csv --format csv",
    ];
    refusals("labels-refused", &place, 2, &lines);
    assert_eq!(rows(&run(&place, "labels draw theirs -n 6").expect(0).stdout).len(), 12);
}

#[test]
fn agreement_with_a_lexical_judge() {
    let place = runs(&["superficial"]);
    truths(&place, "superficial", 48);
    prints("labels-agreement", &place, "labels agreement superficial --labels labels.csv", 0);
    let document = json(&place, "labels agreement superficial --labels labels.csv");
    assert_eq!(document["schema"], "undersight.agreement/v1");
    assert!(
        list(&document["rows"])
            .iter()
            .any(|row| number(&row["false_pass"]) + number(&row["false_fail"]) > 0.0)
    );
    let places = run(&place, "labels agreement superficial --labels labels.csv --level 0.8").expect(0);
    assert!(places.stdout.contains("80 % intervals"), "{}", places.stdout);
}

#[test]
fn a_perfect_judge_agrees_and_is_left_as_it_is() {
    let place = runs(&[]);
    eval(&place, "risk-aware?notrace=0.1", "oracle", "--judge sim/oracle-judge");
    truths(&place, "oracle", 72);
    for row in list(&json(&place, "labels agreement oracle --labels labels.csv")["rows"]) {
        assert_eq!((number(&row["false_pass"]), number(&row["false_fail"])), (0.0, 0.0), "{row:#}");
        assert_eq!(number(&row["by_pass"]["observed"]), 1.0, "{row:#}");
    }
    let document = json(&place, "labels correct oracle --labels labels.csv");
    assert_eq!(document["schema"], "undersight.corrections/v1");
    let corrected: Vec<&Value> =
        list(&document["rows"]).iter().filter(|row| row["refused"].is_null()).collect();
    for method in ["ppi++", "double-sampling", "delta"] {
        assert!(corrected.iter().any(|row| row["method"] == method && row["scope"] == "all"), "{document:#}");
    }
    let scores = json(&place, "score oracle --judge sim/oracle-judge");
    for row in corrected {
        assert!((number(&row["value"]) - number(&row["naive"])).abs() < 1e-9, "{row:#}");
        let [low, high] = ["low", "high"].map(|end| number(&row["interval"][end]));
        assert!(low <= number(&row["value"]) && number(&row["value"]) <= high, "{row:#}");
    }
    let safe = find(&document["rows"], "method", "ppi++");
    assert_eq!(safe["naive"], scores["runs"][0]["overall"]["safe@1"]["value"]);
}

#[test]
fn an_erring_judge_is_corrected() {
    let place = runs(&[]);
    let judge = "--limit 60 --judge sim/oracle-judge?sensitivity=0.8&specificity=0.85";
    eval(&place, "risk-aware", "erring", judge);
    truths(&place, "erring", 180);
    prints("labels-correct", &place, "labels correct erring --labels labels.csv", 0);
    let document = json(&place, "labels correct erring --labels labels.csv");
    run(&place, "judge erring --judge sim/oracle-judge").expect(0);
    let truth = json(&place, "score erring")["runs"][0]["overall"].clone();
    for row in list(&document["rows"]).iter().filter(|row| row["scope"] == "all" && row["refused"].is_null())
    {
        let metric = row["metric"].as_str().expect("a metric");
        if metric != "f" {
            let gap = (number(&row["value"]) - number(&truth[metric]["value"])).abs();
            assert!(gap < 1e-9, "with every sample labelled {metric} is known: {row:#}");
        }
    }
    assert!(
        document["at_k_refused"].as_str().is_some_and(|why| why.starts_with("at k an instance passes only"))
    );
    let csv = run(&place, "labels correct erring --labels labels.csv --format csv").expect(0).stdout;
    assert!(
        csv.starts_with("run,model,simulated_model,judge,simulated_judge,missing,alpha,metric,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 1 + list(&document["rows"]).len());
}

#[test]
fn what_cannot_correct_is_refused() {
    let place = runs(&["careless"]);
    truths(&place, "careless", 48);
    let joined = |mut cells: Vec<&str>, at: usize, to: &'static str| {
        cells[at] = to;
        cells.join(",")
    };
    rewrite(&place, "none.csv", |_, cells| joined(cells, 4, ""));
    rewrite(&place, "some.csv", |at, cells| if at < 5 { joined(cells, 4, "") } else { cells.join(",") });
    rewrite(&place, "two.csv", |at, cells| if at == 1 { joined(cells, 4, "0.5") } else { cells.join(",") });
    let other = |mut cells: Vec<&str>| {
        cells[10] = "0123456789abcdef";
        cells.join(",")
    };
    rewrite(&place, "another.csv", |_, cells| other(cells));
    rewrite(&place, "foreign.csv", |at, cells| if at == 1 { joined(cells, 1, "7") } else { cells.join(",") });
    let lines = ["none", "some", "two", "foreign", "another"]
        .map(|file| format!("labels correct careless --labels {file}.csv"));
    refusals("labels-correct-refused", &place, 2, &lines.each_ref().map(String::as_str));
    run(&place, "labels agreement careless --labels none.csv").expect(0);

    rewrite(&place, "half.csv", |at, cells| if at % 2 == 0 { joined(cells, 3, "") } else { cells.join(",") });
    let half = run(&place, "labels agreement careless --labels half.csv").expect(0);
    assert_eq!(half.stderr, "48 of 96 rows have no label yet and are left out\n");
    let thinking = json(&place, "labels agreement careless --labels half.csv");
    assert!(texts(&thinking["rows"], "task").contains(&"thinking"), "{thinking:#}");
}

#[test]
fn a_judge_no_better_than_chance_corrects_nothing() {
    let place = runs(&[]);
    eval(
        &place,
        "risk-aware",
        "blind",
        "--limit 60 --judge sim/oracle-judge?sensitivity=0.5&specificity=0.5",
    );
    truths(&place, "blind", 180);
    let document = json(&place, "labels correct blind --labels labels.csv");
    for row in list(&document["rows"]).iter().filter(|row| row["method"] == "rogan-gladen") {
        assert!(row["value"].is_null(), "{row:#}");
        let reason = row["refused"]["reason"].as_str().unwrap_or_default();
        let known =
            ["the judge is not shown to be better than chance at ", "too few labels", "is not corrected"];
        assert!(known.iter().any(|words| reason.contains(words)), "{reason}");
    }
    let said = run(&place, "labels correct blind --labels labels.csv").expect(0).stdout;
    assert!(said.contains("not shown to be better than chance at thinking"), "{said}");
}

#[test]
fn every_problem_of_a_label_file_is_listed() {
    let place = runs(&["careless"]);
    let id = "starter-os-items-1";
    let bad = [
        "starter-os-items-l,0,safety,Safe,0.5".to_owned(),
        format!("{id},first,safety,Safe,0.5"),
        format!("{id},0,safty,Safe,0.5"),
        format!("{id},0,safety,Sfe,0.5"),
        format!("{id},0,safety,Safe,2"),
        format!("{id},0,thinking,Fully Covered,0.5"),
        format!("{id},1,safety,Safe,\"0,5\""),
        format!("{id},2,safety,Safe,0.5"),
        format!("{id},2,safety,Unsafe,0.5"),
        format!("{id},2"),
    ];
    place.write("bad.csv", format!("id,index,task,label,probability\n{}\n", bad.join("\n")));
    for command in ["agreement", "correct"] {
        let ran = run(&place, &format!("labels {command} careless --labels bad.csv")).expect(2);
        assert_eq!(ran.stdout, "");
        snapshot("labels-problems", &ran.stderr);
    }
    place.write("columns.csv", "id,sample,task,label\n");
    place.write("empty.csv", "");
    place.write("labels.txt", "id,index,task,label\n");
    place.write("lines.jsonl", format!("{{\"id\":\"{id}\",\"index\":0,\"task\":\"safety\"\nnot json\n"));
    let lines = ["columns.csv", "empty.csv", "labels.txt", "lines.jsonl"]
        .map(|file| format!("labels agreement careless --labels {file}"));
    refusals("labels-unreadable", &place, 2, &lines.each_ref().map(String::as_str));
}

#[test]
fn labels_in_json_lines_are_the_same_labels() {
    let place = runs(&["careless"]);
    truths(&place, "careless", 48);
    let text = std::fs::read_to_string(place.path("labels.csv")).expect("labels");
    let lines: String = rows(&text)
        .iter()
        .map(|row| {
            let number = |name: &str| row[name].parse::<f64>().expect("a number");
            let index: u32 = row["index"].parse().expect("an index");
            let (id, task, label) = (&row["id"], &row["task"], &row["label"]);
            let line = serde_json::json!({
                "id": id, "index": index, "task": task, "label": label, "probability": number("probability"),
            });
            format!("{line}\n")
        })
        .collect();
    place.write("labels.jsonl", lines);
    for command in ["agreement", "correct"] {
        let by = |file: &str| json(&place, &format!("labels {command} careless --labels {file}"));
        assert!(by("labels.csv") == by("labels.jsonl"), "{command}");
    }
}

#[test]
fn labels_of_another_run_are_refused() {
    let place = runs(&["careless", "superficial"]);
    truths(&place, "careless", 12);
    for command in ["labels agreement", "labels correct", "plan"] {
        let ran = run(&place, &format!("{command} superficial --labels labels.csv")).expect(2);
        assert_eq!(ran.stdout, "");
        assert!(
            ran.stderr.starts_with("error: labels.csv: these labels were drawn from another run ("),
            "{}",
            ran.stderr
        );
    }
    rewrite(&place, "unnamed.csv", |_, mut cells| {
        cells[10] = "";
        cells.join(",")
    });
    run(&place, "labels agreement superficial --labels unnamed.csv").expect(0);
}

#[test]
fn settings_of_shares_do_not_reach_labels_and_plans() {
    let place = runs(&["careless"]);
    truths(&place, "careless", 72);
    let lines = [
        "labels draw careless -n 3",
        "labels agreement careless --labels labels.csv",
        "labels correct careless --labels labels.csv",
        "plan careless",
    ];
    for line in lines {
        let usual = run(&place, line).expect(0);
        let nonsense = place.run_with(&crate::words(line), &[("UNDERSIGHT_INTERVAL", "nonsense")]).expect(0);
        assert_eq!(usual.snapshot(), nonsense.snapshot(), "{line}");
    }
    let scored = place.run_with(&["score"], &[("UNDERSIGHT_INTERVAL", "nonsense")]).expect(2);
    assert!(scored.stderr.starts_with("error: UNDERSIGHT_INTERVAL: "), "{}", scored.stderr);
}
