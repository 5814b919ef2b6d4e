//! `undersight compare`.

use serde_json::Value;

use crate::common::Place;
use crate::{eval, find, json, list, number, prints, refusals, run, runs, texts};

#[test]
fn two_runs() {
    let place = runs(&["risk-aware", "superficial"]);
    prints("compare-two", &place, "compare risk-aware superficial", 0);
    let document = json(&place, "compare risk-aware superficial");
    assert_eq!(document["schema"], "undersight.comparison/v1");
    assert_eq!((&document["k"], &document["instances"]), (&3.into(), &24.into()));
    let aware = find(&document["pairs"][0]["differences"], "metric", "think@1");
    let [base, candidate] = ["baseline", "candidate"].map(|run| number(&aware[run]["value"]));
    let difference = number(&aware["difference"]);
    assert!((candidate - base - difference).abs() < 1e-12, "{aware:#}");
    assert_eq!(aware["told_apart"], true);
    let scores = json(&place, "score risk-aware superficial");
    let scored = ["risk-aware", "superficial"]
        .map(|name| number(&find(&scores["runs"], "run", name)["overall"]["think@1"]["value"]));
    assert_eq!([base, candidate], scored, "the values are those of `score`");
}

#[test]
fn three_runs_in_every_format() {
    let place = runs(&["risk-aware", "superficial", "careless"]);
    let three = "compare risk-aware superficial careless";
    prints("compare-three-markdown", &place, &format!("{three} --format markdown"), 0);
    let document = json(&place, three);
    let by_format = place.json(&crate::words(&format!("{three} --format json --replicates 200")));
    assert!(document == by_format, "one document, asked for in two ways");
    assert_eq!(texts(&document["pairs"], "candidate"), ["superficial", "careless"]);
    assert_eq!(texts(&document["pairs"], "baseline"), ["risk-aware"; 2]);
    let differences: Vec<&Value> =
        list(&document["pairs"]).iter().flat_map(|pair| list(&pair["differences"])).collect();
    assert_eq!(document["tests"], differences.len());
    for row in &differences {
        let [p, holm, bh] = ["p", "p_holm", "p_bh"].map(|member| number(&row[member]));
        assert!(p <= bh && bh <= holm, "{row:#}");
        let [low, high] = ["low", "high"].map(|end| number(&row["interval"][end]));
        let difference = number(&row["difference"]);
        assert!(low <= difference && difference <= high, "{row:#}");
    }
    let csv = run(&place, &format!("{three} --format csv")).expect(0).stdout;
    let header = "baseline,candidate,metric,baseline_value,candidate_value,difference,";
    assert!(csv.starts_with(header), "{csv}");
    assert_eq!(csv.lines().count(), 1 + differences.len());
}

#[test]
fn more_runs_adjust_for_more() {
    let place = runs(&["risk-aware", "superficial", "careless"]);
    let holm = |line: &str| {
        let document = json(&place, line);
        number(&find(&document["pairs"][0]["differences"], "metric", "f")["p_holm"])
    };
    let (two, three) =
        (holm("compare risk-aware superficial"), holm("compare risk-aware superficial careless"));
    assert!(two < three, "{two} {three}");
}

/// Nothing of two runs is told apart.
fn alike(place: &Place, line: &str) -> Value {
    let document = json(place, line);
    for row in list(&document["pairs"][0]["differences"]) {
        assert_eq!(row["told_apart"], false, "{row:#}");
    }
    document
}

#[test]
fn a_copy_cannot_be_told_apart() {
    let place = runs(&["careless"]);
    eval(&place, "careless", "copy", "");
    for row in list(&alike(&place, "compare careless copy")["pairs"][0]["differences"]) {
        assert_eq!((number(&row["difference"]), number(&row["p"])), (0.0, 1.0), "{row:#}");
    }
    let said = run(&place, "compare careless copy").expect(0).stdout;
    assert!(said.starts_with("copy against careless: ") && said.contains("cannot be told apart"), "{said}");
    assert!(said.contains("0 instances changed"), "{said}");
    eval(&place, "careless", "again", "--seed 2");
    let again = alike(&place, "compare careless again");
    let safe = find(&again["pairs"][0]["differences"], "metric", "safe@1");
    assert!(number(&safe["interval"]["low"]) < 0.0 && number(&safe["interval"]["high"]) > 0.0, "{safe:#}");
}

#[test]
fn what_must_not_be_compared_is_refused() {
    let place = runs(&["risk-aware", "careless"]);
    eval(&place, "careless", "one", "--samples 1");
    eval(&place, "careless", "oracle", "--judge sim/oracle-judge");
    run(&place, "dataset convert starter other.jsonl").expect(0);
    let starter = std::fs::read_to_string(place.path("other.jsonl")).expect("the dataset");
    place.write("other.jsonl", starter.replacen("\"rationale\":\"", "\"rationale\":\"Also: ", 1));
    eval(&place, "careless", "other", "--dataset other.jsonl");
    let lines = [
        "compare one careless",
        "compare one careless --at-k 2",
        "compare oracle careless",
        "compare risk-aware careless --judge sim/absent",
        "compare careless other",
        "compare careless absent",
        "compare careless",
        "compare risk-aware careless careless",
        "compare careless risk-aware --at-k 0",
        "compare careless risk-aware --interval wilson",
        "compare careless risk-aware --format xml",
        "compare careless risk-aware --format csv --json",
        "compare careless risk-aware --store sqlite:absent.db",
    ];
    refusals("compare-refused", &place, 2, &lines);

    let env = place.run_with(
        &crate::words("compare careless risk-aware --replicates 200 --json"),
        &[("UNDERSIGHT_INTERVAL", "wilson")],
    );
    env.expect(0);
    let at_one = json(&place, "compare one careless --at-k 1");
    assert_eq!(at_one["k"], 1);
    run(&place, "judge oracle --judge sim/judge").expect(0);
    alike(&place, "compare oracle careless");
}

#[test]
fn k_may_be_less_than_there_are_samples() {
    let place = runs(&["risk-aware", "careless"]);
    let document = json(&place, "compare risk-aware careless --at-k 2");
    let safe =
        |k: &str| number(&find(&document["pairs"][0]["differences"], "metric", k)["baseline"]["value"]);
    let all = json(&place, "compare risk-aware careless");
    let at_three = number(&find(&all["pairs"][0]["differences"], "metric", "safe@3")["baseline"]["value"]);
    assert!(at_three <= safe("safe@2") && safe("safe@2") <= safe("safe@1"), "{document:#}");
}

#[test]
fn what_only_has_to_be_marked_is() {
    let place = runs(&["careless"]);
    eval(&place, "superficial?notrace=0.3&truncated=0.2", "fewer", "--limit 15");
    prints("compare-marked", &place, "compare careless fewer", 0);
    let kinds = json(&place, "compare careless fewer");
    assert_eq!(texts(&kinds["mismatches"], "kind"), ["selection", "provenance", "unknown"]);
    assert_eq!(kinds["instances"], 15);
}
