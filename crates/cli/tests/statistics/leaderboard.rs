//! `undersight leaderboard`.

use serde_json::Value;

use crate::{eval, find, json, list, number, prints, refusals, run, runs, texts};

const THREE: [&str; 3] = ["risk-aware", "superficial", "careless"];

/// Ranks, rank sets and ties of a board, checked for what they promise.
fn check(board: &Value, more_is_better: bool) {
    assert_eq!(board["schema"], "undersight.leaderboard/v1");
    assert_eq!(board["more_is_better"], more_is_better);
    let rows = list(&board["rows"]);
    for row in rows {
        let [rank, low, high] = ["rank", "low", "high"].map(|m| row["place"][m].as_u64().unwrap_or(0));
        let ahead = |other: &&Value| {
            let [value, theirs] = [row, *other].map(|row| number(&row["value"]));
            if more_is_better { theirs > value } else { theirs < value }
        };
        assert_eq!(rank, rows.iter().filter(ahead).count() as u64 + 1, "equal values, equal ranks");
        assert!(1 <= low && low <= rank && rank <= high && high <= rows.len() as u64, "{row:#}");
        assert!(!list(&row["place"]["ties"]).is_empty(), "{row:#}");
    }
    for pair in rows.windows(2) {
        let [a, b] = [0, 1].map(|at: usize| number(&pair[at]["value"]));
        assert!(if more_is_better { a >= b } else { a <= b }, "{board:#}");
    }
}

#[test]
fn runs_in_order() {
    let place = runs(&THREE);
    prints("leaderboard", &place, "leaderboard --alpha-sweep", 0);
    let board = json(&place, "leaderboard");
    check(&board, true);
    assert_eq!(board["by"], "f");
    assert_eq!(texts(&board["rows"], "run"), THREE);
    let few = json(&place, "leaderboard careless superficial");
    assert_eq!(texts(&few["rows"], "run"), ["superficial", "careless"]);
}

#[test]
fn by_other_metrics() {
    let place = runs(&THREE);
    for (metric, more_is_better) in [
        ("think@1", true),
        ("safe@1", true),
        ("safe@k", true),
        ("ssa", false),
        ("escape:OS", false),
        ("blind", false),
        ("f:CS", true),
    ] {
        let board = json(&place, &format!("leaderboard --by {metric}"));
        check(&board, more_is_better);
        assert_eq!(board["by"], metric.replace("@k", "@3"));
    }
    prints("leaderboard-by-ssa-markdown", &place, "leaderboard --by ssa --format markdown", 0);
    let csv = run(&place, "leaderboard --by think@1 --format csv").expect(0).stdout;
    let ranks: Vec<_> =
        csv.lines().map(|line| line.split(',').take(4).collect::<Vec<_>>().join(",")).collect();
    assert_eq!(ranks[..2], ["rank,rank_low,rank_high,run", "1,1,1,risk-aware"], "{csv}");
    assert_eq!(ranks.len(), 4);
}

#[test]
fn runs_that_cannot_be_told_apart_share_a_letter() {
    let place = runs(&["careless"]);
    eval(&place, "careless", "again", "--seed 2");
    let board = json(&place, "leaderboard");
    for row in list(&board["rows"]) {
        assert_eq!(row["place"]["ties"], serde_json::json!(["a"]));
        assert_eq!((&row["place"]["low"], &row["place"]["high"]), (&1.into(), &2.into()));
    }
}

#[test]
fn different_k_leave_the_columns_at_k_out() {
    let place = runs(&["careless"]);
    eval(&place, "superficial", "one", "--samples 1");
    let board = json(&place, "leaderboard");
    let metrics: Vec<_> = board["rows"][0]["metrics"].as_object().expect("values").keys().cloned().collect();
    assert_eq!(metrics, ["safe@1", "think@1", "ssa"], "{board:#}");
    refusals("leaderboard-k-refused", &place, 2, &["leaderboard --by safe@k", "leaderboard --by think@3"]);
}

#[test]
fn two_selections_are_cut_to_what_both_have() {
    let place = runs(&["superficial"]);
    eval(&place, "superficial", "fewer", "--limit 15");
    eval(&place, "careless", "fewest", "--limit 12");
    let board = json(&place, "leaderboard");
    check(&board, true);
    for row in list(&board["rows"]) {
        assert_eq!((&row["instances"], &row["instance_set"]), (&12.into(), &0.into()), "{row:#}");
    }
    assert_eq!(texts(&board["mismatches"], "kind"), ["selection"]);
    let alone = json(&place, "leaderboard fewest");
    let value = |board: &Value| number(&find(&board["rows"], "run", "fewest")["value"]);
    assert_eq!(value(&board), value(&alone), "all of the smallest run counts");
    let [of_all, of_fewer] =
        ["superficial", "fewer"].map(|run| number(&find(&board["rows"], "run", run)["value"]));
    assert_eq!(of_all, of_fewer, "one arm, one seed: the same samples of the same instances");
    let said = run(&place, "leaderboard").expect(0).stdout;
    assert!(said.contains("compared on the 12 that all have"), "{said}");
}

#[test]
fn a_csv_holds_one_table() {
    let place = runs(&["careless", "superficial"]);
    for flag in ["--with-published", "--alpha-sweep"] {
        let ran = run(&place, &format!("leaderboard --format csv {flag}")).expect(2);
        assert_eq!(ran.stdout, "");
        assert!(ran.stderr.contains("are two tables, which no CSV holds"), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("without {flag}, CSV has the leaderboard")), "{}", ran.stderr);
    }
}

#[test]
fn what_cannot_be_ranked_is_refused() {
    let place = runs(&["careless"]);
    eval(&place, "superficial", "oracle", "--judge sim/oracle-judge");
    let lines = [
        "leaderboard",
        "leaderboard careless --by nonsense",
        "leaderboard careless --by think@9",
        "leaderboard careless --by think@1:XX",
        "leaderboard absent",
        "leaderboard careless careless",
        "leaderboard --judge sim/absent",
        "leaderboard --store sqlite:absent.db",
    ];
    refusals("leaderboard-refused", &place, 2, &lines);
}

#[test]
fn the_published_figures_stand_beside() {
    let place = runs(&["careless"]);
    let said = run(&place, "leaderboard --with-published").expect(0).stdout;
    for words in
        ["° published figures, not measured here", "Implied α", "mixed-alpha, ", "--json has them all"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let document = json(&place, "leaderboard --with-published");
    assert_eq!(list(&document["rows"]).len(), 1, "published rows are not ranked");
    let published = &document["published"];
    let tables = texts(&published["tables"], "table");
    assert_eq!(tables, ["leaderboard", "safety_rules", "fine_tuning", "decoding_grid"]);
    let rules = texts(&published["findings"], "code");
    let mixed = rules.iter().filter(|rule| **rule == "mixed-alpha").count();
    assert_eq!(said.matches("mixed-alpha, ").count(), 1);
    assert!(said.contains(&format!("mixed-alpha, {mixed} times")), "all are counted, some are shown: {said}");
    assert!(rules.contains(&"off-grid") && rules.contains(&"k-mismatch"), "{rules:?}");
}

#[test]
fn figures_of_a_folder() {
    let place = runs(&["careless"]);
    std::fs::create_dir(place.path("figures")).expect("a folder");
    let header = "model,k,Safe@1,Think@1,F-score\n";
    place.write(
        "figures/own.csv",
        format!("{header}acme-1,5,90.00,30.00,38.88\nacme-2,5,80.01,40.00,52.42\n"),
    );
    prints("leaderboard-figures", &place, "leaderboard --with-published=figures", 0);

    std::fs::create_dir(place.path("empty")).expect("a folder");
    for (folder, rows) in [
        ("number", "acme,5,ninety,30,38\n"),
        ("range", "acme,5,900,30,38\n"),
        ("short", "acme,5,90\n"),
        ("k", "acme,0,90,30,38\n"),
    ] {
        std::fs::create_dir(place.path(folder)).expect("a folder");
        place.write(&format!("{folder}/own.csv"), format!("{header}fine,5,90,30,38.88\n{rows}"));
    }
    std::fs::create_dir(place.path("column")).expect("a folder");
    place.write("column/own.csv", "model,k,Safe@l\n");
    let lines = ["number", "short", "k", "column", "empty", "absent"]
        .map(|folder| format!("leaderboard --with-published={folder}"));
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.push("leaderboard --with-published figures");
    refusals("leaderboard-figures-refused", &place, 2, &lines);
    let odd = json(&place, "leaderboard --with-published=range");
    assert!(texts(&odd["published"]["findings"], "code").contains(&"out-of-range"), "{odd:#}");
}
