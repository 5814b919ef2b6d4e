//! What cannot be right in published tables, rule by rule.

use undersight_core::text::excerpt;
use undersight_metrics::published::{Finding, RULES, Rule};

use crate::grid::{Layout, escape_markdown};
use crate::number::count;

/// Findings of a rule that a terminal shows unless all are asked for.
const FEW: usize = 5;
/// A finding shows at most this many characters.
const LONGEST: usize = 400;

/// How many findings of a rule a terminal shows; Markdown always has all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shown {
    /// The first five.
    #[default]
    Few,
    /// Every one.
    All,
}

/// Rules that do not hold, with how often and where; then those that do.
pub(super) fn list(findings: &[Finding], shown: Shown, layout: Layout) -> String {
    let mut out = String::new();
    let mut kept = Vec::new();
    for rule in &RULES {
        let of: Vec<&Finding> = findings.iter().filter(|f| f.code == rule.code).collect();
        if of.is_empty() {
            kept.push(rule.code.name());
        } else {
            broken(&mut out, rule, &of, shown, layout);
        }
    }
    if !kept.is_empty() {
        let line = if kept.len() == RULES.len() {
            "No rule is broken.".to_owned()
        } else {
            format!("Not broken: {}.", kept.join(", "))
        };
        item(&mut out, 0, &line, layout);
    }
    out
}

fn broken(out: &mut String, rule: &Rule, findings: &[&Finding], shown: Shown, layout: Layout) {
    let times = match findings.len() {
        1 => "once".to_owned(),
        n => format!("{} times", count(n as u64)),
    };
    item(out, 0, &format!("{}, {times}. The rule: {}.", rule.code.name(), rule.holds), layout);
    let most = match (shown, layout) {
        (Shown::Few, Layout::Terminal { .. }) => FEW,
        _ => findings.len(),
    };
    for finding in findings.iter().take(most) {
        item(out, 1, &line(finding), layout);
    }
    if findings.len() > most {
        let more = count((findings.len() - most) as u64);
        item(out, 1, &format!("… and {more} more: --json has them all."), layout);
    }
}

/// Where, then what; the rule is named above.
fn line(finding: &Finding) -> String {
    let at = finding.row.as_ref().map_or_else(String::new, |(line, row)| format!(", line {line}, {row}"));
    excerpt(&format!("{}{at}: {}", finding.table, finding.message), LONGEST)
}

fn item(out: &mut String, depth: usize, text: &str, layout: Layout) {
    out.push_str(&"  ".repeat(depth));
    match layout {
        Layout::Markdown => {
            out.push_str("- ");
            out.push_str(&escape_markdown(text));
        }
        Layout::Terminal { .. } => out.push_str(text),
    }
    out.push('\n');
}
