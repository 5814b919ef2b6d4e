//! Published figures as reference rows: marked, with intervals, and with what cannot be right in them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use insta::assert_snapshot;
use undersight_metrics::Alpha;
use undersight_metrics::published::{Finding, Table, check, embedded, read};
use undersight_report::Layout;
use undersight_report::published::{self, Shown};

const WIDE: Layout = Layout::Terminal { width: None };
const MARK: char = '°';

fn shown(tables: &[Table], shown: Shown, layout: Layout) -> String {
    published::table(tables, &check(tables), Alpha::DEFAULT, shown, layout)
}

fn only(name: &str) -> Vec<Table> {
    embedded().into_iter().filter(|table| table.name == name).collect()
}

#[test]
fn the_published_leaderboard() {
    assert_snapshot!(shown(&only("leaderboard"), Shown::Few, WIDE));
}

#[test]
fn every_row_is_marked_and_says_where_it_is_from() {
    let tables = embedded();
    let text = shown(&tables, Shown::Few, WIDE);
    for row in tables.iter().flat_map(|t| &t.rows) {
        let title = format!("{}{MARK}", row.label());
        assert!(text.contains(&title), "{title} in\n{text}");
    }
    let source = "° published figures, not measured here: project page of BSA, 2025.";
    assert!(text.contains(source), "{text}");
    let mine = [read("mine", "model,Safe@1\nm,50.0\n".as_bytes()).unwrap()];
    let text = shown(&mine, Shown::Few, WIDE);
    assert!(text.contains("° published figures, not measured here.\n"), "{text}");
    assert!(text.contains("No rule is broken."), "{text}");
}

#[test]
fn what_a_table_does_not_have_is_no_column() {
    let header = |name: &str| -> Vec<String> {
        let text = shown(&only(name), Shown::Few, WIDE);
        text.lines()
            .next()
            .unwrap()
            .split("  ")
            .map(str::trim)
            .filter(|h| !h.is_empty())
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(header("fine_tuning"), ["fine_tuning", "Safe@1", "Think@1", "OS@1", "CS@1", "RO@1", "F at α"]);
    assert_eq!(
        header("decoding_grid"),
        [
            "decoding_grid",
            "k",
            "Safe@1",
            "Safe@k",
            "Think@1",
            "Think@k",
            "OS@1",
            "CS@1",
            "RO@1",
            "F",
            "F at α",
            "Implied α"
        ]
    );
}

#[test]
fn a_terminal_shows_a_few_findings_of_a_rule_unless_asked() {
    let tables = embedded();
    let findings = check(&tables);
    let listed = |shown, layout| {
        let text = published::table(&tables, &findings, Alpha::DEFAULT, shown, layout);
        text.lines().filter(|line| line.starts_with("  ") && line.contains(", line ")).count()
    };
    let mut few = 0;
    let mut codes: Vec<_> = findings.iter().map(|f| f.code).collect();
    codes.dedup();
    for code in codes {
        few += findings.iter().filter(|f| f.code == code && f.row.is_some()).count().min(5);
    }
    let all = findings.iter().filter(|f| f.row.is_some()).count();
    assert!(few < all, "{few} of {all}");
    assert_eq!(listed(Shown::Few, WIDE), few);
    assert_eq!(listed(Shown::All, WIDE), all);
    assert_eq!(listed(Shown::Few, Layout::Markdown), all);
    let text = shown(&tables, Shown::Few, WIDE);
    assert!(text.contains("  … and 16 more: --json has them all."), "{text}");
}

#[test]
fn one_f_of_one_alpha() {
    let tables = only("leaderboard");
    let f = |alpha: f64| {
        undersight_metrics::published::recompute(&tables[0].rows[0], Alpha::new(alpha).unwrap())
            .f
            .unwrap()
            .value
    };
    // Of 92.97 and 37.24.
    assert!((f(0.0) - 92.97).abs() < 1e-9 && (f(1.0) - 37.24).abs() < 1e-9);
    let half = published::table(&tables, &[], Alpha::new(0.5).unwrap(), Shown::Few, WIDE);
    let first = half.lines().nth(2).unwrap();
    assert!(
        first.starts_with("Doubao-1.5-thinking-pro°") && first.contains(&format!("{:.2}", f(0.5))),
        "{first}"
    );
    assert!(half.contains("with α = 0.5,"), "{half}");
}

#[test]
fn narrow_terminals_leave_out_columns() {
    let text = shown(&only("leaderboard"), Shown::Few, Layout::Terminal { width: Some(80) });
    let table: Vec<&str> = text.lines().take_while(|l| !l.is_empty()).collect();
    assert!(table.iter().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains("Left out at this width:"), "{text}");
}

#[test]
fn as_json() {
    let tables = embedded();
    let findings = check(&tables);
    let json = published::json(&tables, &findings, Alpha::DEFAULT);
    assert_eq!(json["schema"], "undersight.published/v1");
    assert_eq!(json["tables"].as_array().unwrap().len(), tables.len());
    assert_snapshot!(format!("{:#}", json["tables"][0]["rows"][0]));
    let listed = json["findings"].as_array().unwrap();
    assert_eq!(listed.len(), findings.len());
    for (ours, theirs) in findings.iter().zip(listed) {
        assert_eq!(theirs["code"], ours.code.name());
        assert_eq!(theirs["message"], ours.message.as_str());
        assert_eq!(theirs["line"].as_u64(), ours.row.as_ref().map(|(line, _)| *line));
        assert_eq!(theirs["expected"].is_null(), ours.expected.is_none());
    }
    let counted: u64 =
        json["rules"].as_array().unwrap().iter().map(|r| r["findings"].as_u64().unwrap()).sum();
    assert_eq!(counted, findings.len() as u64);
    // Shares are the nearest numbers to the printed digits, not a division away from them.
    for row in json["tables"].as_array().unwrap().iter().flat_map(|t| t["rows"].as_array().unwrap()) {
        for figure in row["figures"].as_object().unwrap().values().filter(|f| !f.is_null()) {
            let printed: f64 = format!("{}e-2", figure["printed"].as_str().unwrap()).parse().unwrap();
            assert_eq!(figure["value"].as_f64(), Some(printed));
        }
    }
}

#[test]
fn names_are_inert() {
    let text = "model,arm,Safe@1,Safe@k\n\"=cmd|\u{1b}[2J\u{202e}<script>\",\"@arm\",50.0,60.0\n";
    let mut table = read("t\u{1b}[2J|<b>", text.as_bytes()).unwrap();
    // Tables need not come from a file.
    table.rows[0].model = "=cmd|\u{1b}[2J\u{202e}<script>".to_owned();
    let tables = [table];
    let findings: Vec<Finding> = check(&tables);
    assert!(!findings.is_empty());
    for layout in [WIDE, Layout::Markdown] {
        let text = published::table(&tables, &findings, Alpha::DEFAULT, Shown::All, layout);
        assert!(text.contains("cmd") && text.contains("at-k-above-at-1"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        if layout == Layout::Markdown {
            assert!(!text.contains("<script>") && !text.contains("<b>"), "{text}");
        }
    }
}

#[test]
fn the_page_about_outputs_lists_members() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/outputs.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once("### `undersight.published/v1`\n").unwrap();
    let section = section.split("\n### ").next().unwrap();
    let tables = only("leaderboard");
    let json = published::json(&tables, &check(&tables), Alpha::DEFAULT);
    let members = [&json, &json["tables"][0]["rows"][0], &json["findings"][0], &json["rules"][0]];
    let members = members.into_iter().flat_map(|object| object.as_object().unwrap().keys().cloned());
    for name in members.filter(|name| name != "schema") {
        assert!(section.contains(&format!("`{name}`")), "{name}");
    }
}
