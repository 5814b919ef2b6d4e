//! Comparisons, leaderboards and gates as bytes; names of runs are hostile.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use insta::assert_snapshot;
use undersight_core::{Item, Scenario};
use undersight_metrics::compare::{
    CompareOptions, Comparison, Gate, GateResult, Leaderboard, LeaderboardOptions, Margin, Mismatch,
    MismatchKind, Severity, Test, compare, gate, leaderboard,
};
use undersight_metrics::{Inference, Level, Panel, Scoring};
use undersight_report::{Layout, compare as report, gate as gates, json, leaderboard as boards};

const WIDE: Layout = Layout::Terminal { width: None };
const HOSTILE: &str = "=b|<b>\u{1b}[31m&\"x'\u{202e}`]]>";

/// Sixty instances of two samples: instance i is safe where i % `safe` is not 0, and aware where i % `aware` is.
fn panel(name: &str, safe: usize, aware: usize) -> Panel {
    let item = |at: usize| Item {
        id: format!("i{at:02}"),
        scenario: Scenario::ALL[at % 3],
        subcategories: Vec::new(),
        shared_texts: Vec::new(),
    };
    let mut panel = Panel::new(name.to_owned(), (0..60).map(item).collect(), 2);
    for (at, cells) in panel.cells.iter_mut().enumerate() {
        cells.count(Some(at % safe != 0), Some(at % aware == 0));
        cells.count(Some(true), Some(at % (aware + 2) != 1));
    }
    panel
}

fn scoring() -> Scoring {
    Scoring { inference: Inference { replicates: 200, ..Inference::default() }, ..Scoring::default() }
}

fn runs() -> (Panel, Panel, Panel) {
    (panel("plain", 4, 2), panel(HOSTILE, 3, 5), panel("third", 9, 3))
}

fn compared() -> Comparison {
    let (a, b, _) = runs();
    compare(&[&a, &b], &CompareOptions { scoring: scoring(), at_k: None }).unwrap()
}

fn mark() -> Mismatch {
    Mismatch {
        kind: MismatchKind::Provenance,
        severity: Severity::Mark,
        runs: vec![HOSTILE.to_owned()],
        message: "the traces are of different kinds".to_owned(),
        hint: "mind it".to_owned(),
    }
}

fn board() -> Leaderboard {
    let (a, b, c) = runs();
    let options = LeaderboardOptions { scoring: scoring(), ..LeaderboardOptions::default() };
    leaderboard(&[&a, &b, &c], vec![mark()], &options).unwrap()
}

fn gated() -> Vec<GateResult> {
    let (a, b, _) = runs();
    let ask = |metric: &str, margin: f64, test| Gate {
        metric: metric.parse().unwrap(),
        margin: Margin::new(margin).unwrap(),
        test,
        level: Level::DEFAULT,
    };
    let asked = [
        ask("think@1", 30.0, Test::NonInferiority),
        ask("ssa", 2.0, Test::Superiority),
        ask("safe@k:CS", 0.0, Test::Point),
    ];
    gate(&a, &b, &asked, &scoring()).unwrap()
}

/// Nothing in a text moves a cursor, and no line is broken by a name.
fn harmless(text: &str) {
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
}

#[test]
fn a_comparison_for_a_terminal() {
    let text = report::table(&compared(), &[], &[mark()], WIDE);
    harmless(&text);
    assert_snapshot!(text, @r#"
    =b|<b>\u{1b}[31m&"x'\u{202e}`]]> against plain: awareness (−10.0, −22.0 to 3.0), safety (−4.2, −12.9 to 4.7) and superficial safety (−3.3, −16.6 to 9.5) cannot be told apart.

    Metric          plain  =b|<b>\u{1b}[31m&"x'\u{202e}`]]>ᵖ  Difference      p        Holm     BH       h      Told apart
    ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    safe@1          87.50                              83.33  −4.17           0.424    1.000    0.530    −0.12
                80.2–92.4                          72.0–90.7  −12.9 to 4.7
    safe@2          75.00                              66.67  −8.33           0.424    1.000    0.530    −0.18
                62.1–84.6                          54.1–77.3  −24.3 to 8.2
    think@1         62.50                              52.50  −10.00          0.122    1.000    0.262    −0.20
                51.2–72.6                          43.4–61.4  −22.0 to 3.0
    think@2         50.00                              16.67  −33.33          < 0.001  0.002    0.001    −0.73  yes
                37.2–62.8                           9.1–28.6  −48.0 to −16.3
    ssa             37.50                              34.17  −3.33           0.595    1.000    0.687    −0.07
                27.4–48.8                          26.1–43.2  −16.6 to 9.5
    lucky           42.86                              41.00  −1.86           0.783    1.000    0.839    −0.04
                32.1–54.3                          31.7–51.0  −15.7 to 11.7
    escape          12.50                               3.33  −9.17           0.013    0.165    0.064    −0.36
                 7.6–19.8                            0.9–8.5  −16.7 to −1.7
    sound           50.00                              49.17  −0.83           0.882    1.000    0.882    −0.02
                40.8–59.2                          40.2–58.2  −11.8 to 10.4
    f               67.67                              58.55  −9.12           0.080    0.798    0.200    –
                59.1–76.3                          52.6–64.5  −19.9 to 2.0
    think@1:OS      62.50                              52.50  −10.00          0.388    1.000    0.530    −0.20
                42.2–79.2                          36.6–67.9  −30.3 to 13.2
    think@1:CS      62.50                              52.50  −10.00          0.424    1.000    0.530    −0.20
                42.2–79.2                          36.6–67.9  −31.2 to 14.0
    think@1:RO      62.50                              52.50  −10.00          0.424    1.000    0.530    −0.20
                42.2–79.2                          36.6–67.9  −31.2 to 14.0
    safe@1:OS       87.50                              50.00  −37.50          < 0.001  < 0.001  < 0.001  −0.85  yes
                71.9–96.2                          29.9–70.1  −53.0 to −16.1
    safe@1:CS       87.50                             100.00  +12.50          0.062    0.750    0.187    +0.72
                71.9–96.2                         83.2–100.0  −5.8 to 27.0
    safe@1:RO       87.50                             100.00  +12.50          0.062    0.750    0.187    +0.72
                71.9–96.2                         83.2–100.0  −5.8 to 27.0

    safe@2: 10 instances pass in =b|<b>\u{1b}[31m&"x'\u{202e}`]]> alone, 15 in plain alone; McNemar exact p 0.424, mid-p 0.327; odds ratio 0.67 (0.27 to 1.59); clusters are ignored.
    think@2: 5 instances pass in =b|<b>\u{1b}[31m&"x'\u{202e}`]]> alone, 25 in plain alone; McNemar exact p < 0.001, mid-p < 0.001; odds ratio 0.20 (0.06 to 0.53); clusters are ignored.
    49 instances changed, most of all i08 (safe +50, aware −100), i45 (safe −50, aware +100), i04 (safe +50, aware −50), i05 (safe 0, aware +100), i06 (safe −50, aware −50).

    Over 60 instances, 60 independent clusters.
    Difference: in points, with its 95 % interval for instances like these, paired: Newcombe's where few clusters changed or F rests on few passes.
    p: that of no difference, where fewer than 30 clusters changed by the sign test, which counts them and leaves aside by how much. Holm, BH: adjusted for all 15 tests made here; told apart where Holm is below 0.05.
    h: Cohen's effect size (0.2 small, 0.5 medium, 0.8 large). ssa, lucky, escape, blind: less is better.
    f: α = 0.7639364807041505. Unknown outcomes: --missing fail.
    @2: share of instances whose 2 samples all pass (pass^k, not pass@k).
    ᵖ the traces are of different kinds. Hint: mind it.
    "#);
}

#[test]
fn a_comparison_in_markdown_keeps_its_columns() {
    let text = report::table(&compared(), &[], &[mark()], Layout::Markdown);
    harmless(&text);
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 10);
    for row in rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 10, "{row}");
    }
    assert!(!text.contains("<b>"));
}

#[test]
fn a_comparison_as_json() {
    let value = report::json(&compared(), &[], &[mark()]);
    assert_eq!(value["schema"], "undersight.comparison/v1");
    assert_eq!(value["mismatches"][0]["kind"], "provenance");
    let pair = &value["pairs"][0];
    assert_eq!(pair["candidate"], HOSTILE);
    let differences = pair["differences"].as_array().unwrap();
    assert_eq!(differences.len(), value["tests"].as_u64().unwrap() as usize);
    let think = differences.iter().find(|d| d["metric"] == "think@1").unwrap();
    let sum = think["candidate"]["value"].as_f64().unwrap() - think["baseline"]["value"].as_f64().unwrap();
    assert!((think["difference"].as_f64().unwrap() - sum).abs() < 1e-12);
    assert!(think["interval"]["low"].as_f64().unwrap() < sum);
    let at_k = differences.iter().find(|d| d["metric"] == "think@2").unwrap();
    assert!(at_k["mcnemar"]["exact_p"].is_f64());
    assert!(!pair["changed"].as_array().unwrap().is_empty());
    harmless(&json::text(&value).replace("\\u001b", "").replace('\u{202e}', ""));
}

#[test]
fn a_comparison_as_csv() {
    let mut out = Vec::new();
    report::csv(&compared(), &[mark()], &mut out).unwrap();
    let mut rows = csv::Reader::from_reader(out.as_slice());
    let headers = rows.headers().unwrap().clone();
    let place = |name: &str| headers.iter().position(|h| h == name).unwrap();
    let rows: Vec<_> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), compared().family);
    assert!(rows.iter().all(|r| r[place("candidate")].starts_with("'=")), "a cell starts a formula");
    for (row, d) in rows.iter().zip(&compared().pairs[0].differences) {
        assert_eq!(&row[place("metric")], d.metric.to_string());
        assert_eq!(&row[place("marks")], "provenance");
        assert_eq!(row[place("difference")].parse::<f64>().unwrap(), d.difference.unwrap());
        assert_eq!(row[place("only_baseline")].parse().ok(), d.mcnemar.map(|m| m.only_baseline));
    }
}

#[test]
fn a_leaderboard_for_a_terminal() {
    let text = boards::table(&board(), &[], WIDE);
    harmless(&text);
    assert_snapshot!(text, @r#"
    Rank  Run                                        f  Ties     safe@1     safe@2    think@1    think@2        ssa  k  Instances
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
       1  plain                                  67.67  a         87.50      75.00      62.50      50.00      37.50  2         60
     1–3                                     59.1–76.3        80.2–92.4  62.1–84.6  51.2–72.6  37.2–62.8  27.4–48.8
       2  third                                  63.88  a         94.17      88.33      56.67      26.67      43.33  2         60
     1–3                                     59.3–68.5        88.3–97.2  77.6–94.3  47.5–65.4  17.0–39.3  34.6–52.5
       3  =b|<b>\u{1b}[31m&"x'\u{202e}`]]>ᵖ      58.55  a         83.33      66.67      52.50      16.67      34.17  2         60
     1–3                                     52.6–64.5        72.0–90.7  54.1–77.3  43.4–61.4   9.1–28.6  26.1–43.2

    Ordered by f, more is better. Below each value: its 95 % interval, for each run by itself, instances like these.
    Rank: by the values; below it the places the run could have, all at once with 95 % confidence (max-|t| over all pairs, 200 replicates, seed 0).
    Ties: runs with a letter in common cannot be told apart.
    f: α = 0.7639364807041505. Unknown outcomes: --missing fail.
    The order holds for α from 0.428 to 1.000; over all α there is 1 change in it.
    ᵖ the traces are of different kinds. Hint: mind it.
    "#);
    let sweep = boards::sweep(&board(), WIDE);
    harmless(&sweep);
    assert_snapshot!(sweep, @r#"
         α  Leads below it  Leads above it
    ──────────────────────────────────────
    0.4284  third           plain

    α in use: 0.7639364807041505. α weighs Think@1; at 0 Safe@1 alone counts, at 1 Think@1 alone.
    "#);
}

#[test]
fn a_leaderboard_for_programs() {
    let value = boards::json(&board(), &[]);
    assert_eq!(value["schema"], "undersight.leaderboard/v1");
    let rows = value["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let place = &row["place"];
        assert!(
            place["low"].as_u64() <= place["rank"].as_u64()
                && place["rank"].as_u64() <= place["high"].as_u64()
        );
    }
    let segments = value["alpha_sweep"]["segments"].as_array().unwrap();
    assert_eq!(segments[0]["from"], 0.0);
    assert!(segments.iter().all(|s| s["order"].as_array().unwrap().len() == 3));
    let mut out = Vec::new();
    boards::csv(&board(), &mut out).unwrap();
    let mut read = csv::Reader::from_reader(out.as_slice());
    let headers = read.headers().unwrap().clone();
    assert!(headers.iter().any(|h| h == "think@2"));
    let marks = headers.iter().position(|h| h == "marks").unwrap();
    for row in read.records().map(Result::unwrap) {
        assert_eq!(&row[marks], if row[3].starts_with("'=") { "provenance" } else { "" });
    }
}

#[test]
fn columns_at_k_are_left_out_where_k_differs() {
    let (a, mut b, _) = runs();
    b.k = 3;
    let text = |at_k| {
        let options = LeaderboardOptions { scoring: scoring(), at_k, ..LeaderboardOptions::default() };
        boards::table(&leaderboard(&[&a, &b], Vec::new(), &options).unwrap(), &[], WIDE)
    };
    let words = "The runs have different k, from 2 to 3: columns at k are left out; --at-k 2 shows them";
    assert!(text(None).contains(words), "{}", text(None));
    assert!(text(Some(2)).contains("think@2") && !text(Some(2)).contains("left out"), "{}", text(Some(2)));
}

#[test]
fn gates_for_a_terminal_and_a_job_page() {
    let text = gates::table(&gated(), &[], &[mark()], WIDE);
    harmless(&text);
    assert_snapshot!(text, @r#"
    Gate       Test             Margin  Baseline  Candidateᵖ  Gain    At least  Result
    ──────────────────────────────────────────────────────────────────────────────────
    think@1    non-inferiority      30     62.50       52.50  −10.00    −20.10  passed
    ssa        superiority           2     37.50       34.17  +3.33      −7.48  failed
    safe@2:CS  point                 0     75.00      100.00  +25.00         –  passed

    think@1 of =b|<b>\u{1b}[31m&"x'\u{202e}`]]> is 52.50, worse by 10.0 points than plain's 62.50; with 95 % confidence worse by no more than 20.1 points: within the margin of 30.
    ssa of =b|<b>\u{1b}[31m&"x'\u{202e}`]]> is 34.17, better by 3.3 points than plain's 37.50; with 95 % confidence worse by no more than 7.5 points: not shown to be better by more than 2.
    safe@2:CS of =b|<b>\u{1b}[31m&"x'\u{202e}`]]> is 100.00, better by 25.0 points than plain's 75.00: within the margin of 0.

    ᵖ the traces are of different kinds. Hint: mind it.
    "#);
    let page = gates::markdown(&gated(), &[], &[mark()]);
    harmless(&page);
    assert!(page.starts_with("## Gate: 1 of 3 gates failed\n"), "{page}");
    assert!(!page.contains("<b>"));
    assert!(gates::markdown(&gated()[..1], &[], &[]).starts_with("## Gate: passed, 1 gate\n"));
    assert!(page.contains("the traces are of different kinds"), "{page}");
    let value = gates::json(&gated(), &[], &[mark()]);
    assert_eq!((&value["passed"], &value["mismatches"][0]["kind"]), (&false.into(), &"provenance".into()));
    assert!(gates::passed(&gated()[..1]));
}

#[test]
fn junit_is_xml_whatever_the_names() {
    let mut results = gated();
    // A sentence from elsewhere could hold anything.
    results[1].sentence.push_str("\u{0}\u{1b}\u{ffff}\t<x attribute=\"1\">&amp;]]>");
    let text = gates::junit(&results, &[mark()]);
    assert_snapshot!(text, @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="undersight gate" tests="3" failures="1" errors="0">
      <testsuite name="=b|&lt;b&gt;\u{1b}[31m&amp;&quot;x&apos;\u{202e}`]]&gt; against plain" tests="3" failures="1" errors="0">
        <testcase classname="undersight.gate" name="think@1 non-inferiority margin 30 at 95 %">
          <system-out>think@1 of =b|&lt;b&gt;\u{1b}[31m&amp;&quot;x&apos;\u{202e}`]]&gt; is 52.50, worse by 10.0 points than plain&apos;s 62.50; with 95 % confidence worse by no more than 20.1 points: within the margin of 30</system-out>
        </testcase>
        <testcase classname="undersight.gate" name="ssa superiority margin 2 at 95 %">
          <failure type="superiority" message="ssa of =b|&lt;b&gt;\u{1b}[31m&amp;&quot;x&apos;\u{202e}`]]&gt; is 34.17, better by 3.3 points than plain&apos;s 37.50; with 95 % confidence worse by no more than 7.5 points: not shown to be better by more than 2���&#9;&lt;x attribute=&quot;1&quot;&gt;&amp;amp;]]&gt;"/>
          <system-out>ssa of =b|&lt;b&gt;\u{1b}[31m&amp;&quot;x&apos;\u{202e}`]]&gt; is 34.17, better by 3.3 points than plain&apos;s 37.50; with 95 % confidence worse by no more than 7.5 points: not shown to be better by more than 2���&#9;&lt;x attribute=&quot;1&quot;&gt;&amp;amp;]]&gt;</system-out>
        </testcase>
        <testcase classname="undersight.gate" name="safe@2:CS point margin 0 at 95 %">
          <system-out>safe@2:CS of =b|&lt;b&gt;\u{1b}[31m&amp;&quot;x&apos;\u{202e}`]]&gt; is 100.00, better by 25.0 points than plain&apos;s 75.00: within the margin of 0</system-out>
        </testcase>
        <system-out>provenance: the traces are of different kinds. Hint: mind it.</system-out>
      </testsuite>
    </testsuites>
    "#);
    // Outside tags no angle bracket is left, and every quote of an attribute is closed.
    for line in text.lines().skip(1) {
        assert_eq!(line.matches('<').count(), line.matches('>').count(), "{line}");
        assert!(line.matches('"').count() % 2 == 0, "{line}");
    }
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    assert_eq!(gates::junit(&[], &[]).matches("<testcase").count(), 0);
}

#[test]
fn the_page_about_outputs_lists_members_and_columns() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/outputs.md");
    let page = std::fs::read_to_string(page).unwrap();
    let check = |document: &serde_json::Value, parts: &[&str], columns: &[u8]| {
        let schema = document["schema"].as_str().unwrap();
        let (_, section) = page.split_once(&format!("### `{schema}`\n")).unwrap();
        let section = section.split("\n### ").next().unwrap();
        let members = parts.iter().flat_map(|part| {
            let part = document.pointer(part).and_then(serde_json::Value::as_object);
            part.unwrap().keys().cloned().collect::<Vec<_>>()
        });
        let columns = std::str::from_utf8(columns).unwrap().lines().next().unwrap_or_default().split(',');
        let columns =
            columns.filter(|name| !name.is_empty() && !name.contains('@') && !name.starts_with("ssa"));
        for name in members.filter(|name| name != "schema").chain(columns.map(str::to_owned)) {
            assert!(section.contains(&format!("`{name}`")), "{schema}: {name}");
        }
    };
    let mut csv = Vec::new();
    report::csv(&compared(), &[], &mut csv).unwrap();
    check(&report::json(&compared(), &[], &[mark()]), &["", "/pairs/0", "/pairs/0/differences/0"], &csv);
    let mut csv = Vec::new();
    boards::csv(&board(), &mut csv).unwrap();
    check(&boards::json(&board(), &[]), &["", "/rows/0", "/rows/0/place", "/alpha_sweep"], &csv);
    check(&gates::json(&gated(), &[], &[mark()]), &["", "/gates/0"], &[]);
}
