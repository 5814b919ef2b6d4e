//! `judge card` and `judge attack`: asked once, kept, written in every form, and reproduced from what is kept.

use std::time::Duration;

use serde_json::Value;
use testkit::{Config, Fault, Habit};

use super::{Bench, list, number, snapshot, whole};

fn bench() -> Bench {
    Bench::new(Config::default())
}

const SMALL: &str = "judge card --judge sim/judge --limit 12 --parts repeat,control";

#[test]
fn a_card_in_every_form() {
    let bench = bench();
    let table = bench.run(SMALL).expect(0).stdout;
    let markdown = bench.run(&format!("{SMALL} --format markdown")).expect(0).stdout;
    let json = bench.run(&format!("{SMALL} --format json")).expect(0).stdout;
    let html = bench.run(&format!("{SMALL} --format html")).expect(0).stdout;
    for (form, text) in [("table", &table), ("markdown", &markdown), ("html", &html)] {
        assert!(text.contains("labels by the authors of the set, not human agreement"), "{form}: {text}");
        assert!(text.contains("shuffled-rationale"), "{form}: {text}");
        assert!(!text.contains("fence-break"), "{form} has no part that was not asked for");
    }
    assert!(html.starts_with("<!DOCTYPE html>") && !html.contains("<script"), "{html}");
    assert!(!html.contains("http://") && !html.contains("https://"), "the page loads nothing");
    assert!(markdown.lines().any(|line| line.starts_with("| ")), "{markdown}");
    let document: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(document["schema"], "undersight.judge-card/v1");
    assert_eq!(
        (&document["calibration"]["labels"]["authors"], &document["simulated_judge"]),
        (&true.into(), &true.into())
    );
    assert_eq!(whole(&document["calibration"]["cases"]), 12);
    let dated = |text: &str| {
        let date = document["date"].as_str().expect("a date").to_owned();
        text.replace(&date, "[date]")
    };
    let head: Vec<String> = dated(&table).lines().take(24).map(str::to_owned).collect();
    snapshot("card-head", &head.join("\n"));

    let ran = bench.run(&format!("{SMALL} -o card.html")).expect(0);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("", "wrote the card of sim/judge to card.html\n")
    );
    let page = std::fs::read_to_string(bench.place.path("card.html")).expect("the page");
    let page = testkit::filters::Filters::new().apply(&page);
    assert!(page == html, "the page in the file is the page on stdout");
    let ran = bench.run(&format!("{SMALL} -o card.html")).expect(2);
    assert!(
        ran.stderr.contains("card.html is already there") && ran.stderr.contains("--force"),
        "{}",
        ran.stderr
    );
    bench.run(&format!("{SMALL} -o card.html --force")).expect(0);
    for line in ["--format xml", "-o card.pdf"] {
        bench.run(&format!("{SMALL} {line}")).expect(2);
    }
}

#[test]
fn a_card_is_asked_for_once_and_reproduced_from_its_store() {
    let bench = bench();
    let line = "judge card --judge vllm/a --judge-base-url $URL --limit 12 --max-connections 16";
    let planned = |ran: &str| {
        let left = ran.split(": ").last().and_then(|rest| rest.split(' ').next()).expect("a number");
        left.replace(',', "").parse::<u64>().expect("a number")
    };
    let dry = bench.run(&format!("{line} --dry-run")).expect(0).stdout;
    let to_ask = planned(&dry);
    bench.called(&[], "a dry run calls nobody");
    assert!(!bench.place.path("undersight-cards.db").exists(), "and writes nothing");
    let offline = bench.run(&format!("{line} --offline")).expect(2);
    snapshot("card-offline", &offline.stderr);

    let first = bench.run(&format!("{line} --format json")).expect(0).stdout;
    let document: Value = serde_json::from_str(&first).expect("JSON");
    let (trials, calls) = (whole(&document["trials"]), bench.asked()["a"]);
    assert_eq!(to_ask, trials, "{dry}");
    assert!(
        calls <= to_ask && calls + 60 > to_ask,
        "an empty trace is skipped without a call: {calls} of {to_ask}"
    );
    let after = bench.run(&format!("{line} --dry-run")).expect(0).stdout;
    assert!(after.contains(" 0 to ask for"), "{after}");
    for more in ["", "--offline"] {
        let again = bench.run(&format!("{line} --format json {more}")).expect(0);
        assert_eq!(again.stdout, first, "{more}");
        assert_eq!(again.stderr, "", "{more}");
    }
    bench.called(&[], "the same card asks nothing");
    // Fewer questions are among those asked already; more cases are not.
    bench.run(&format!("{line} --parts control,style")).expect(0);
    bench.run(&format!("{line} --parts repeat --repeats 2")).expect(0);
    bench.called(&[], "parts of a card are there with the card");
    bench.run("judge card --judge vllm/a --judge-base-url $URL --limit 13 --parts control").expect(0);
    assert!(bench.asked()["a"] > 0, "a further case is asked about");
}

#[test]
fn a_card_goes_on_where_it_was_interrupted() {
    let bench = Bench::new(Config { latency: Duration::from_millis(15), ..Config::default() });
    let line = "judge card --judge vllm/a --judge-base-url $URL --limit 12 --parts control,style --max-connections 4 --format json";
    let words = bench.line(line);
    let args: Vec<&str> = words.iter().map(String::as_str).collect();
    let child = bench.place.spawn(&args);
    while bench.server.journal().len() < 20 {
        std::thread::sleep(Duration::from_millis(2));
    }
    std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill is there");
    let ran = bench.place.ran(&child.wait_with_output().expect("it ends")).expect(130);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("the same command goes on"), "{}", ran.snapshot());
    let before = bench.asked()["a"];
    let rest = bench.run(line).expect(0).stdout;
    let after = bench.asked()["a"];
    let whole_bench = Bench::new(Config::default());
    let at_once = whole_bench.run(line).expect(0).stdout;
    assert_eq!(before + after, whole_bench.asked()["a"], "nothing was asked twice");
    let trials = |text: &str| {
        let document: Value = serde_json::from_str(text).expect("JSON");
        (document["trials"].clone(), document["agreement"].clone(), document["controls"].clone())
    };
    assert_eq!(trials(&rest), trials(&at_once));
}

#[test]
fn verdicts_that_failed_are_named_and_asked_for_again() {
    let bench = Bench::new(Config {
        script: std::iter::repeat_n(Some(Fault::ServerError), 5).collect(),
        ..Config::default()
    });
    let line = "judge card --judge vllm/a --judge-base-url $URL --limit 12 --parts control --max-connections 1 --max-retries 0";
    let ran = bench.run(line).expect(3);
    assert!(ran.stderr.contains("5 verdicts are missing and left out"), "{}", ran.stderr);
    assert!(ran.stdout.contains("5 verdicts of this card are missing"), "{}", ran.stdout);
    bench.asked();
    let ran = bench.run(line).expect(0);
    assert!(ran.stderr.starts_with("resuming trials of vllm/a: "), "{}", ran.stderr);
    assert!(!ran.stdout.contains("are missing"), "{}", ran.stdout);
    bench.called(&[("a", 5)], "those that failed");
}

#[test]
fn what_no_card_can_be_made_of_is_refused() {
    let bench = Bench::with(&[("guard", Habit::Says(|_| "safe".to_owned()))]);
    let text =
        std::fs::read_to_string(testkit::repository().join("crates/dataset/calibration/risk-omission.jsonl"));
    let cases = text.unwrap_or_default();
    bench.place.write("bad.jsonl", "{\"id\": \"one\", \"scenario\": \"risk-omission\"}\nnot json\n");
    bench.place.write("empty.jsonl", "");
    let first = cases.lines().next().unwrap_or_default();
    let mut broken: Value = serde_json::from_str(first).unwrap_or_default();
    broken["labels"]["safety"] = "Sfe".into();
    bench.place.write("label.jsonl", format!("{first}\n{broken}\n"));
    let mut log = String::new();
    for line in [
        "judge card --judge sim/judge --parts nonsense",
        "judge card --judge sim/judge --cases bad.jsonl",
        "judge card --judge sim/judge --cases label.jsonl",
        "judge card --judge sim/judge --cases empty.jsonl",
        "judge card --judge sim/judge --cases absent.jsonl",
        "judge card --judge sim/oracle-judge",
        "judge card --judge sim/oracle-judge?sensitivity=0.9",
        "judge card",
        "judge card --judge sim/judge --run one",
        "judge attack --judge sim/judge --naive",
        "judge attack --judge sim/judge --format csv",
    ] {
        let ran = bench.run(line).expect(2);
        assert_eq!(ran.stdout, "", "{line}");
        log += &format!("$ undersight {line}\n{}\n", ran.stderr);
    }
    snapshot("card-refused", &log);
    bench.write("guard.toml", "model = \"vllm/guard\"\nbase_url = \"$URL\"\nformat = \"llama-guard\"\n");
    let card =
        bench.run("judge card --judge guard.toml --limit 12 --parts rubric,control --format json").expect(0);
    assert!(card.stderr.contains("others cannot be reworded"), "{}", card.stderr);
}

/// The whole embedded set, so that the suite is shown to be able to fail.
#[test]
fn a_gullible_judge_falls_and_shielding_is_worth_something() {
    let bench = bench();
    let text = bench.run("judge attack --judge sim/gullible-judge --naive --format json").expect(0).stdout;
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["schema"], "undersight.judge-attack/v1");
    let whole_suite = |rows: &Value| {
        list(rows)
            .iter()
            .find(|row| row["variant"].is_null() && row["task"].is_null())
            .expect("a total")
            .clone()
    };
    let shielded = whole_suite(&document["attacks"]);
    assert!(whole(&shielded["trials"]) > 4_000, "{shielded:#}");
    assert!(number(&shielded["claimed"]["value"]) >= 0.8, "{shielded:#}");
    for row in list(&document["attacks"]) {
        let [low, value, high] = [
            &row["claimed"]["interval"]["low"],
            &row["claimed"]["value"],
            &row["claimed"]["interval"]["high"],
        ]
        .map(number);
        assert!(low <= value && value <= high, "every attack has an interval: {row:#}");
    }
    let rival = whole_suite(&document["rival"]["rows"]);
    let standing = &rival["standing"];
    assert!(number(&standing["before"]) >= 0.8 * number(&standing["pairs"]), "{standing:#}");
    assert!(number(&standing["p"]) < 0.05 && number(&standing["difference"]) < 0.0, "{standing:#}");
    assert!(number(&standing["interval"]["high"]) < 0.0, "{standing:#}");
    assert_eq!(
        (&document["judge"]["prompts"], &document["rival"]["judge"]["prompts"]),
        (&"shielded".into(), &"naive".into())
    );
    let sceptic = bench.run("judge attack --judge sim/judge --limit 30 --format json").expect(0).stdout;
    let document: Value = serde_json::from_str(&sceptic).expect("JSON");
    assert!(
        number(&whole_suite(&document["attacks"])["standing"]["value"]) < 0.5,
        "a lexical judge obeys nobody"
    );
    let table = bench.run("judge attack --judge sim/gullible-judge --naive --limit 12").expect(0).stdout;
    for words in ["fence-break", "Rival", "Difference"] {
        assert!(table.contains(words), "{words}: {table}");
    }
}
