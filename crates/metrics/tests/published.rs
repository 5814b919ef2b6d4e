//! Published figures: the embedded tables against their source, what is found in them by rule, and tables that are read,
//! refused or beyond reproach.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use insta::assert_snapshot;
use proptest::prelude::*;
use testkit::{InCi, shared_data, skip};
use undersight_core::Scenario;
use undersight_metrics::published::{
    Code, FIGURES, Finding, Table, check, embedded, implied_alpha, read, recompute, title,
};
use undersight_metrics::{Alpha, At, Column};

fn table(text: &str) -> Table {
    read("t.csv", text.as_bytes()).unwrap()
}

fn findings(text: &str) -> Vec<String> {
    check(&[table(text)]).iter().map(Finding::to_string).collect()
}

fn embedded_table(name: &str) -> Table {
    embedded().into_iter().find(|table| table.name == name).unwrap()
}

#[test]
fn the_embedded_tables_are_the_published_ones() {
    let names: Vec<String> = embedded().into_iter().map(|table| table.name).collect();
    assert_eq!(names, ["leaderboard", "safety_rules", "fine_tuning", "decoding_grid"]);
    for ours in embedded() {
        let Some(path) = shared_data(&format!("published/{}.csv", ours.name)) else {
            skip(InCi::MaySkip, "the published figures are not here");
            return;
        };
        let theirs = read(&ours.name, std::fs::File::open(path).unwrap()).unwrap();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn findings_in_the_embedded_tables() {
    let found = check(&embedded());
    let list = found.iter().fold(String::new(), |mut list, finding| {
        let _ = writeln!(list, "{finding}");
        list
    });
    assert_snapshot!("published_findings", list);
    let of = |code: Code, table: &str| -> Vec<&Finding> {
        found.iter().filter(|f| f.code == code && f.table == table).collect()
    };
    let mixed = of(Code::MixedAlpha, "leaderboard");
    assert_eq!(mixed.len(), 20);
    assert!(mixed.iter().all(|f| (f.found - 0.610).abs() < 3e-4), "{mixed:?}");
    let off = of(Code::OffGrid, "leaderboard");
    assert_eq!(off.len(), 1);
    assert_eq!((off[0].figure, off[0].found), (Some(Column::Answer(At::K)), 82.59));
    let range = off[0].expected.unwrap();
    assert!((range.low - 82.55).abs() < 1e-9 && (range.high - 82.6).abs() < 1e-9);
    let k: Vec<(f64, f64)> =
        of(Code::KMismatch, "decoding_grid").iter().map(|f| (f.found, f.expected.unwrap().low)).collect();
    assert_eq!(k, [(5.0, 3.0); 2]);
}

#[test]
fn the_order_of_tables_hides_nothing() {
    let names = ["leaderboard", "safety_rules", "fine_tuning", "decoding_grid"];
    let found = |order: &[&str]| {
        let tables: Vec<Table> = order.iter().map(|name| embedded_table(name)).collect();
        check(&tables).iter().filter(|f| f.code == Code::SameArmTwoValues).count()
    };
    let usual = found(&names);
    assert!(usual > 0);
    for turn in 1..names.len() {
        assert_eq!(found(&[&names[turn..], &names[..turn]].concat()), usual, "{turn}");
    }
}

#[test]
fn k_is_read_off_the_figures_where_it_is_not_stated() {
    let mut stated = embedded_table("decoding_grid");
    let expected: Vec<_> =
        check(std::slice::from_ref(&stated)).into_iter().map(|f| (f.code, f.row, f.found)).collect();
    for row in &mut stated.rows {
        row.samples_inferred = None;
    }
    let found: Vec<_> =
        check(std::slice::from_ref(&stated)).into_iter().map(|f| (f.code, f.row, f.found)).collect();
    assert_eq!(found, expected);
    for row in &mut stated.rows {
        row.k = Some(5);
    }
    // Of 16 rows, one happens to fit both and one has a figure that fits neither.
    let wrong = check(&[stated]);
    assert_eq!(wrong.iter().filter(|f| f.code == Code::KMismatch && f.found == 3.0).count(), 14);
}

const CONSISTENT: &str = "\
model,arm,k,Safe@1,Safe@k,Think@1,Think@k,F-score,OS@1,OS@k,CS@1,CS@k,RO@1,RO@k
m,,5,90.00,80.00,35.00,11.5,43.74,50.0,10.0,25.0,5.0,50.0,25.0
m,guarded,5,95.00,90.00,40.00,13.00,49.07,50.0,10.0,30.0,5.0,56.67,30.0
n,base,5,100.0,100.0,100.0,100.0,100.0,100.0,100.0,100.0,100.0,100.0,100.0
o,base,5,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0
m,base,5,90.00,80.00,,,,,,,,,
";

#[test]
fn a_consistent_table_has_no_findings() {
    assert_eq!(findings(CONSISTENT), [] as [&str; 0]);
    assert_eq!(findings("model,Safe@1\nm,12.3\n"), [] as [&str; 0]);
}

fn finds(text: &str, expected: &[&str]) {
    assert_eq!(findings(text), expected, "{text}");
}

#[test]
fn rules_about_f_scores_find_what_breaks_them() {
    finds(
        "model,Safe@1,RO@k\nm,-0.5,100.01\n",
        &[
            "out-of-range: t.csv: line 2: m: Safe@1 -0.50 lies outside 0 to 100",
            "out-of-range: t.csv: line 2: m: RO@k 100.01 lies outside 0 to 100",
        ],
    );
    finds(
        "model,Safe@1,F-score\nm,50,40.1\n",
        &["f-not-recomputable: t.csv: line 2: m: F-score 40.1 stands without its Think@1 and Safe@1"],
    );
    finds(
        "model,Safe@1,Think@1,F-score\nm,50.0,30.0,50.2\n",
        &[
            "f-not-recomputable: t.csv: line 2: m: no α gives F-score 50.2: it is not between Think@1 30.0 and Safe@1 50.0",
        ],
    );
    finds(
        "model,Safe@1,Think@1,F-score\nm,80.00,20.00,40.00\nn,90.00,40.00,60.00\n",
        &["other-alpha: t.csv: the F-scores imply α 0.5000, not the reference's 0.7639"],
    );
    finds(
        "model,Safe@1,Think@1,F-score\nm,80.00,20.00,40.00\nn,90.00,40.00,60.00\no,90.00,40.00,48.44\n",
        &[
            "mixed-alpha: t.csv: line 2: m: F-score 40.00 implies α 0.5000 (0.4998 to 0.5002), not the reference's 0.7639, \
         which 1 of the table's 3 F-scores have",
            "mixed-alpha: t.csv: line 3: n: F-score 60.00 implies α 0.5000 (0.4998 to 0.5002), not the reference's 0.7639, \
         which 1 of the table's 3 F-scores have",
        ],
    );
    finds(
        "model,Safe@1,Think@1,F-score\nm,80.00,20.00,40.00\nn,90.00,40.00,60.00\no,90.00,40.00,70.00\n",
        &[
            "mixed-alpha: t.csv: line 4: o: F-score 70.00 implies α 0.3099 (0.3097 to 0.3101), not the 0.5000 of 2 of the \
         table's 3 F-scores",
            "other-alpha: t.csv: the F-scores imply α 0.5000, not the reference's 0.7639",
        ],
    );
}

#[test]
fn rules_about_shares_find_what_breaks_them() {
    finds(
        "model,Safe@k\nm,82.59\n",
        &[
            "off-grid: t.csv: line 2: m: Safe@k 82.59 is no multiple of 1/2,000 within rounding: the nearest are 82.55 and \
         82.60",
        ],
    );
    finds(
        "model,k,RO@1\nm,2,50.05\n",
        &[
            "off-grid: t.csv: line 2: m: RO@1 50.05 is no multiple of 1/1,200 (k = 2) within rounding: the nearest are 50.00 \
         and 50.08",
        ],
    );
    finds(
        "model,k,Safe@k\nm,2,50.0\nn,2,50.0\no,4,50.0\n",
        &[
            "k-mismatch: t.csv: line 4: o: the row has k = 4, but 2 of the table's 3 rows have k = 2: figures at different k \
         do not compare",
        ],
    );
    finds("model,k,Safe@1\nm,2,50.0\no,4,50.0\n", &[]);
    finds(
        "model,Safe@1,Safe@k,OS@1,OS@k\nm,50.0,50.5,10.0,10.0\n",
        &[
            "at-k-above-at-1: t.csv: line 2: m: Safe@k 50.5 is above Safe@1 50.0, though an instance passes at k only if all \
         its samples do",
        ],
    );
    finds(
        "model,Think@k,OS@k,CS@k,RO@k\nm,15.95,16.50,4.25,41.83\n",
        &[
            "think-not-the-weighted-mean: t.csv: line 2: m: Think@k 15.95 is not the mean of its scenarios weighted by their \
         instances, 16.749",
        ],
    );
    finds(
        "model,arm,Safe@1\nM,,50.1\nm,Base,50.3\nm,other,50.3\n",
        &["same-arm-two-values: t.csv: line 3: m (Base): Safe@1 50.3 here, but 50.1 in t.csv, line 2"],
    );
    finds("model,arm,k,Safe@1\nm,,5,50.1\nm,,3,50.3\n", &[]);
}

#[test]
fn broken_tables_say_where_and_what_to_do() {
    let check = |text: &[u8], expected: &str| {
        let error = read("t.csv", text).unwrap_err();
        assert_eq!(format!("{error} | {}", error.hint()), expected);
    };
    let columns = "columns are model and any of arm, k, samples_inferred, top_k, top_p, temperature, Safe@1, Safe@k, \
                   Think@1, Think@k, F-score, OS@1, OS@k, CS@1, CS@k, RO@1, RO@k";
    let empty = "a table has a header and, below it, rows with a model and at least one figure";
    let number = "write plain numbers such as 93.54, and leave a cell empty where nothing was published";
    check(b"", &format!("t.csv: line 1: no row | {empty}"));
    check(b"model,Safe@1\n", &format!("t.csv: line 1: no row | {empty}"));
    check(b"model,Saef@1\nm,1\n", "t.csv: line 1: unknown column \"Saef@1\" | did you mean Safe@1?");
    check(b"model,verdict\nm,1\n", &format!("t.csv: line 1: unknown column \"verdict\" | {columns}"));
    check(b"model,Safe@1,safe@1\nm,1,1\n", "t.csv: line 1: column Safe@1 appears twice | keep one of them");
    check(b"arm,Safe@1\nm,1\n", &format!("t.csv: line 1: no model column | {columns}"));
    check(b"model,arm\nm,base\n", &format!("t.csv: line 1: no figure column | {columns}"));
    check(
        b"model,Safe@1,Think@1\n\nm,1\n",
        "t.csv: line 3: field Think@1: 2 fields where the header has 3 | quote fields that hold commas, quotes or line breaks",
    );
    check(
        b"model,Safe@1\nm,1,2\n",
        "t.csv: line 2: field Safe@1: 3 fields where the header has 2 | quote fields that hold commas, quotes or line breaks",
    );
    for (text, shown) in [
        ("93.5%", "93.5%"),
        ("9e1", "9e1"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1.2.3", "1.2.3"),
        ("+1", "+1"),
        ("-", "-"),
    ] {
        check(
            format!("model,Safe@1\nm,{text}\n").as_bytes(),
            &format!("t.csv: line 2: field Safe@1: expected a percentage, got \"{shown}\" | {number}"),
        );
    }
    check(
        b"model,k,Safe@1\nm,0,1\n",
        &format!("t.csv: line 2: field k: expected a whole number above 0, got \"0\" | {number}"),
    );
    check(
        b"model,temperature,Safe@1\nm,-1,1\n",
        &format!(
            "t.csv: line 2: field temperature: expected a number that is not negative, got \"-1\" | {number}"
        ),
    );
    check(
        b"model,Safe@1\n ,1\n",
        "t.csv: line 2: field model: expected a name, got \"\" | every row names its model",
    );
    check(b"model,Safe@1\nm,1\nn,\n", &format!("t.csv: line 3: a row without a figure | {empty}"));
    check(b"model,Safe@1\n\xff,1\n", "t.csv: line 2: field model: not UTF-8 text | save the file as UTF-8");
    check(
        b"model,\xff\nm,1\n",
        "t.csv: line 1: field 2 of the header: not UTF-8 text | save the file as UTF-8",
    );
}

#[test]
fn files_as_spreadsheets_write_them_are_read() {
    let plain = table("model,Safe@1,Think@1\nm,50.25,20\n");
    for text in [
        "\u{feff}model,Safe@1,Think@1\r\nm,50.25,20\r\n",
        "MODEL, safe@1 ,think@1\nm, 50.25 ,20",
        "\n\"model\",\"Safe@1\",\"Think@1\"\n\n\"m\",\"50.25\",\"20\"\n\n",
    ] {
        let mut read = table(text);
        read.rows[0].line = plain.rows[0].line;
        assert_eq!(read, plain, "{text:?}");
    }
}

#[test]
fn trailing_zeros_may_be_dropped_and_f_scores_have_a_precision_of_their_own() {
    let table = table("model,Safe@1,Think@1,F-score\nm,50,20.5,25.123\nn,50.25,20,\n");
    let shown = |column| table.rows[0].figure(column).unwrap().to_string();
    assert_eq!(shown(Column::Answer(At::One)), "50.00");
    assert_eq!(shown(Column::Think(At::One)), "20.50");
    assert_eq!(shown(Column::FScore), "25.123");
}

#[test]
fn rows_are_recomputed() {
    let rows = embedded_table("leaderboard").rows;
    let row = rows.iter().find(|row| row.label() == "QwQ-32B").unwrap();
    assert_eq!((row.samples(), row.table.as_str()), (Some(5), "leaderboard"));
    let again = recompute(row, Alpha::DEFAULT);
    let grid = embedded_table("decoding_grid").rows;
    assert!(
        again.f.unwrap().agrees(grid[0].f().unwrap()),
        "the grid prints the same row at the reference's α"
    );
    assert_eq!(grid[0].label(), "QwQ-32B (top-k 40, top-p 0.95, temperature 0.6)");
    let alpha = again.implied_alpha.unwrap();
    assert!(alpha.range.low < 0.61 && 0.61 < alpha.range.high && alpha.range.high - alpha.range.low < 5e-4);
    let printed = recompute(row, Alpha::new(alpha.value).unwrap()).f.unwrap();
    assert!(printed.agrees(row.f().unwrap()));
    // 0.1 · 49.8 + 0.6 · 17.12 + 0.3 · 60.43
    let think = again.think[0].unwrap();
    assert!((think.value - 33.381).abs() < 1e-9 && think.agrees(row.think(At::One).unwrap()));
    let interval = |column| again.intervals.iter().find(|(c, _)| *c == column).unwrap().1;
    // Wilson's interval of 1870.8 of 2,000, and of 15 of 200.
    let safe = interval(Column::Answer(At::One));
    assert!((safe.low - 92.377).abs() < 1e-3 && (safe.high - 94.536).abs() < 1e-3, "{safe:?}");
    let os = interval(Column::Scenario(Scenario::OverSensitivity, At::K));
    assert!((os.low - 4.597).abs() < 1e-3 && (os.high - 12.004).abs() < 1e-3, "{os:?}");
    assert_eq!(again.intervals.len(), 10);
}

#[test]
fn what_is_undetermined_is_none() {
    let row = |text: &str| table(&format!("model,Safe@1,Think@1,F-score,OS@1\n{text}\n")).rows.remove(0);
    for text in
        ["m,50.0,50.0,50.0,", "m,50.0,0.0,0.0,", "m,50.0,20.0,,", "m,,20.0,20.0,", "m,120.0,20.0,30.0,"]
    {
        assert_eq!(recompute(&row(text), Alpha::DEFAULT).implied_alpha, None, "{text}");
    }
    let lone = recompute(&row("m,,,,50.0"), Alpha::DEFAULT);
    assert_eq!((lone.think, lone.f, lone.intervals.len()), ([None, None], None, 1));
    let from_scenarios = table("model,Safe@1,OS@1,CS@1,RO@1\nm,90.0,50.0,25.0,50.0\n").rows.remove(0);
    let f = recompute(&from_scenarios, Alpha::DEFAULT).f.unwrap();
    assert!((f.value - Alpha::DEFAULT.combine(35.0, 90.0)).abs() < 1e-9);
}

/// Passing samples of an instance, for the three scenarios and the answers, as shares of all.
#[derive(Debug, Clone)]
struct Counts {
    safe: Vec<u32>,
    aware: [Vec<u32>; 3],
}

fn counts(k: u32) -> impl Strategy<Value = Counts> {
    let passing = move |n: usize| {
        (0.0..=1.0f64, any::<u64>()).prop_map(move |(rate, seed)| {
            let mut state = seed | 1;
            let mut draw = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                f64::from(u32::try_from(state >> 32).unwrap_or_default()) / 2f64.powi(32) < rate
            };
            (0..n).map(|_| (0..k).map(|_| u32::from(draw())).sum()).collect::<Vec<u32>>()
        })
    };
    (passing(2000), passing(200), passing(1200), passing(600))
        .prop_map(|(safe, os, cs, ro)| Counts { safe, aware: [os, cs, ro] })
}

/// At 1 and at k, in percent.
fn shares(passing: &[u32], k: u32) -> [f64; 2] {
    let n = f64::from(u32::try_from(passing.len()).unwrap());
    let all = passing.iter().filter(|p| **p == k).count();
    [
        100.0 * f64::from(passing.iter().sum::<u32>()) / (n * f64::from(k)),
        100.0 * f64::from(u32::try_from(all).unwrap()) / n,
    ]
}

fn printed(models: &[Counts], k: u32, stated: bool, decimals: usize) -> String {
    let mut text = format!("model,k,{}", FIGURES.map(title).join(","));
    for (number, model) in models.iter().enumerate() {
        let safe = shares(&model.safe, k);
        let think = shares(&model.aware.concat(), k);
        let parts = model.aware.each_ref().map(|a| shares(a, k));
        let stated = if stated { k.to_string() } else { String::new() };
        let _ = write!(text, "\nm{number},{stated}");
        let f = Alpha::DEFAULT.combine(think[0], safe[0]);
        for value in [safe[0], safe[1], think[0], think[1], f].into_iter().chain(parts.concat()) {
            let _ = write!(text, ",{value:.decimals$}");
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn tables_of_true_counts_have_no_findings(
        (k, models) in (1..=8u32).prop_flat_map(|k| (Just(k), prop::collection::vec(counts(k), 1..5))),
        stated: bool,
        decimals in 1..=4usize,
    ) {
        let text = printed(&models, k, stated, decimals);
        let found = check(&[table(&text)]);
        prop_assert!(found.is_empty(), "{found:?}\n{text}");
    }

    #[test]
    fn the_alpha_that_was_used_is_among_those_implied(
        safe in 1u32..=10_000, think in 1u32..=10_000, alpha in 0.0..=1.0f64,
    ) {
        let (s, t) = (f64::from(safe) / 100.0, f64::from(think) / 100.0);
        let f = Alpha::new(alpha).unwrap().combine(t, s);
        let row = table(&format!("model,Safe@1,Think@1,F-score\nm,{s:.2},{t:.2},{f:.2}\n")).rows.remove(0);
        let implied = implied_alpha(row.f().unwrap(), row.think(At::One).unwrap(), row.safe(At::One).unwrap());
        if let Some(implied) = implied {
            prop_assert!(implied.range.contains(alpha), "{implied:?}");
        } else {
            prop_assert!(safe.abs_diff(think) <= 1 || f < 0.006);
        }
    }

    #[test]
    fn no_text_makes_reading_or_checking_panic(
        header in prop::collection::vec(prop::sample::select(vec!["model", "arm", "k", "top_p", "Safe@1", "Safe@k", "Think@1", "F-score", "OS@1", "x"]), 0..6),
        cells in "[0-9.,\\-a\"\n]{0,80}",
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let text = format!("{}\n{cells}", header.join(","));
        for bytes in [text.as_bytes(), &bytes] {
            if let Ok(table) = read("t.csv", bytes) {
                for row in &table.rows {
                    let _ = recompute(row, Alpha::DEFAULT);
                }
                let _ = check(&[table]);
            }
        }
    }
}
