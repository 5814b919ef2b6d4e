//! Gates for continuous integration: a table, JSON, a Markdown summary and JUnit XML.

use serde_json::{Value, json};
use undersight_core::text::excerpt;
use undersight_metrics::compare::{GateResult, Mismatch, Test};

use crate::cell::Cell;
use crate::compare;
use crate::grid::{Layout, cells, escape_markdown};
use crate::number::{NONE, level, percent};
use crate::table::notes;
use crate::view::{Head, cast_notes};

/// Whether all gates hold.
#[must_use]
pub fn passed(results: &[GateResult]) -> bool {
    results.iter().all(|r| r.passed)
}

/// One line a gate, with its sentence below, and then in what the runs differ.
#[must_use]
pub fn table(results: &[GateResult], heads: &[Head<'_>], mismatches: &[Mismatch], layout: Layout) -> String {
    let of = |name: &str, run: fn(&GateResult) -> &str| match results.first() {
        Some(first) => compare::with_marks(name, compare::marks(run(first), mismatches)),
        None => name.to_owned(),
    };
    let headers = [
        "Gate".to_owned(),
        "Test".to_owned(),
        "Margin".to_owned(),
        of("Baseline", |r| &r.baseline),
        of("Candidate", |r| &r.candidate),
        "Gain".to_owned(),
        "At least".to_owned(),
        "Result".to_owned(),
    ];
    let points = |x: Option<f64>| x.map_or_else(|| NONE.to_owned(), |x| compare::points(x, 2));
    let row = |r: &GateResult| {
        let bound = if r.gate.test == Test::Point { None } else { r.bound };
        [
            r.metric.to_string(),
            r.gate.test.name().to_owned(),
            r.gate.margin.to_string(),
            percent(r.baseline_value),
            percent(r.candidate_value),
            points(r.gain),
            points(bound),
            verdict(r).to_owned(),
        ]
        .map(Cell::new)
        .to_vec()
    };
    let mut out = cells(&headers, &results.iter().map(row).collect::<Vec<_>>(), layout);
    out.push('\n');
    for result in results {
        out.push_str(&match layout {
            Layout::Markdown => format!("- {}.\n", escape_markdown(&result.sentence)),
            Layout::Terminal { .. } => format!("{}.\n", result.sentence),
        });
    }
    let mut lines: Vec<String> = compare::mismatch_notes(mismatches).collect();
    lines.extend(cast_notes(heads));
    if lines.is_empty() { out } else { out + &notes::below(&lines, layout) }
}

const fn verdict(result: &GateResult) -> &'static str {
    if result.passed { "passed" } else { "failed" }
}

/// A summary for a job page: whether all hold, the table and the sentences.
#[must_use]
pub fn markdown(results: &[GateResult], heads: &[Head<'_>], mismatches: &[Mismatch]) -> String {
    let failed = results.iter().filter(|r| !r.passed).count();
    let title = match failed {
        0 => format!("passed, {}", number(results.len())),
        n => format!("{n} of {} failed", number(results.len())),
    };
    format!("## Gate: {title}\n\n{}", table(results, heads, mismatches, Layout::Markdown))
}

fn number(gates: usize) -> String {
    format!("{gates} gate{}", if gates == 1 { "" } else { "s" })
}

/// `undersight.gate/v1`: shares and their differences between −1 and 1, the margin in points, unknown is null.
#[must_use]
pub fn json(results: &[GateResult], heads: &[Head<'_>], mismatches: &[Mismatch]) -> Value {
    let one = |r: &GateResult| {
        json!({
            "metric": r.metric.to_string(),
            "more_is_better": r.metric.more_is_better(),
            "test": r.gate.test.name(),
            "margin_points": r.gate.margin.points(),
            "level": r.gate.level.get(),
            "baseline": { "run": r.baseline, "value": r.baseline_value },
            "candidate": { "run": r.candidate, "value": r.candidate_value },
            "instances": r.instances,
            "difference": r.difference,
            "gain": r.gain,
            "gain_at_least": r.bound,
            "passed": r.passed,
            "text": r.sentence,
        })
    };
    json!({
        "schema": "undersight.gate/v1",
        "passed": passed(results),
        "mismatches": compare::mismatches_json(mismatches),
        "runs": compare::heads_json(heads),
        "gates": results.iter().map(one).collect::<Vec<_>>(),
    })
}

/// JUnit XML: a suite with a test case for every gate, and in its output the ways in which the runs differ.
#[must_use]
pub fn junit(results: &[GateResult], mismatches: &[Mismatch]) -> String {
    let failed = results.iter().filter(|r| !r.passed).count();
    let name = results.first().map_or_else(
        || "gate".to_owned(),
        |r| format!("{} against {}", excerpt(&r.candidate, 200), excerpt(&r.baseline, 200)),
    );
    let counts = format!("tests=\"{}\" failures=\"{failed}\" errors=\"0\"", results.len());
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"undersight gate\" {counts}>\n  <testsuite name=\"{}\" {counts}>\n",
        escape_xml(&name)
    );
    for r in results {
        let title = format!(
            "{} {} margin {} at {}",
            r.metric,
            r.gate.test.name(),
            r.gate.margin,
            level(r.gate.level)
        );
        let sentence = escape_xml(&r.sentence);
        out.push_str(&format!(
            "    <testcase classname=\"undersight.gate\" name=\"{}\">\n",
            escape_xml(&title)
        ));
        if !r.passed {
            out.push_str(&format!(
                "      <failure type=\"{}\" message=\"{sentence}\"/>\n",
                r.gate.test.name()
            ));
        }
        out.push_str(&format!("      <system-out>{sentence}</system-out>\n    </testcase>\n"));
    }
    if !mismatches.is_empty() {
        let lines: Vec<String> = mismatches
            .iter()
            .map(|m| format!("{}: {}. Hint: {}.", m.kind.name(), m.message, m.hint))
            .collect();
        out.push_str(&format!("    <system-out>{}</system-out>\n", escape_xml(&lines.join("\n"))));
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Text for an XML element or attribute. What XML 1.0 cannot hold becomes U+FFFD.
fn escape_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(c))),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
