//! A judge's card for people and programs: tables for the terminal and Markdown, a JSON document, and one HTML page that
//! needs nothing else. Names of judges, variants and kinds of case come from outside; they are made inert everywhere.

mod attack;
mod figure;
mod html;
mod json;
mod section;

use undersight_core::{Digest, JudgeSpec, PanelRule, PanelSpec};
use undersight_metrics::card::Card;
use undersight_metrics::judge_error::Corrections;

use crate::grid::{Layout, cells, escape_markdown, grid};
use crate::human::{Head, corrections_table};
use crate::number::count;
use crate::table::notes::{below, simulation_note};
use crate::view::{judge_title, simulated};

pub use attack::{Rival, attack_json, attack_table};
pub use html::html;
pub use json::json;

/// Whose labels a calibration set carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelSource<'a> {
    /// Those who wrote the cases.
    Authors,
    /// Others, in the words of the set.
    Others(&'a str),
}

impl LabelSource<'_> {
    fn words(self) -> String {
        match self {
            Self::Authors => "labels by the authors of the set, not human agreement".to_owned(),
            Self::Others(words) => format!("labels by {words}"),
        }
    }
}

/// The cases a judge was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CalibrationSet<'a> {
    /// Its name.
    pub name: &'a str,
    /// Of its content.
    pub hash: Digest,
    /// Cases in it.
    pub cases: u64,
    /// Whose labels they are.
    pub labels: LabelSource<'a>,
}

/// Who was measured, on what, when, by which Undersight.
#[derive(Debug, Clone, Copy)]
pub struct CardHead<'a> {
    /// The judge.
    pub judge: &'a JudgeSpec,
    /// What its prompts are called, where it has any.
    pub prompts: Option<&'a str>,
    /// The cases.
    pub set: CalibrationSet<'a>,
    /// When, e.g. `2026-11-24`.
    pub date: &'a str,
    /// Undersight's version.
    pub version: &'a str,
    /// Verdicts that were to be asked for and are not there.
    pub missing: u64,
}

/// A card and all that is printed with it.
#[derive(Debug, Clone, Copy)]
pub struct CardReport<'a> {
    /// About whom.
    pub head: CardHead<'a>,
    /// The figures.
    pub card: &'a Card,
    /// Scores of a run corrected for the judge's error by labels drawn at random from that very run, where there are any.
    pub corrected: Option<(&'a Head<'a>, &'a Corrections)>,
}

/// Why corrected scores may be missing, and never come from the calibration set.
const NEVER_FROM_SET: &str = "Nothing on this card corrects a score: its cases are chosen, not drawn from what a model \
    said, so that the judge's errors on them are not its errors on a run. Labels drawn at random from the run itself do \
    that (undersight labels draw, then labels correct).";

impl CardHead<'_> {
    /// The judge, marked when simulated.
    fn title(&self) -> String {
        judge_title(self.judge)
    }

    fn simulated(&self) -> bool {
        simulated(self.judge)
    }

    /// Name and value of everything worth knowing before the figures.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("Judge", self.title()), ("Kind", self.judge.kind.name().to_owned())];
        let handed_on = self.judge.panel.as_deref().and_then(escalation);
        facts.extend(handed_on.map(|when| ("Handed on", when)));
        for member in self.judge.members() {
            let mut words = judge_title(&member.judge);
            words.extend(member.votes.map(|n| format!(", {n} votes")));
            words.extend(member.weight.map(|w| format!(", weight {w}")));
            words.extend(parameters(&member.judge).map(|p| format!(", {p}")));
            facts.push(("Member", words));
        }
        facts.extend(self.prompts.map(|name| ("Prompts", name.to_owned())));
        facts.extend(parameters(self.judge).map(|p| ("Parameters", p)));
        let set = &self.set;
        let (name, cases, hash) = (set.name, count(set.cases), set.hash.short());
        facts.push(("Calibration set", format!("{name}, {cases} cases, {hash}")));
        facts.push(("Labels", set.labels.words()));
        facts.push(("Date", self.date.to_owned()));
        facts.push(("Undersight", self.version.to_owned()));
        facts
    }
}

/// When a cascade hands a case on; the other rules are said with the judge's name.
fn escalation(panel: &PanelSpec) -> Option<String> {
    let PanelRule::Cascade { escalate } = &panel.rule else { return None };
    let when: Vec<&str> = escalate.iter().map(|e| e.name()).collect();
    Some(format!("when {}", when.join(" or ")))
}

/// `temperature 0, max_tokens 1024`; `None` where all is the provider's own.
fn parameters(judge: &JudgeSpec) -> Option<String> {
    let params = serde_json::to_value(&judge.params).ok()?;
    let mut set: Vec<String> =
        params.as_object()?.iter().map(|(name, value)| format!("{name} {value}")).collect();
    set.extend(judge.seed.map(|seed| format!("seed {seed}")));
    set.extend(judge.format.map(|format| format!("verdicts as {format}")));
    set.extend(judge.max_chars.map(|max| format!("texts cut to {max} characters")));
    (!set.is_empty()).then(|| set.join(", "))
}

/// The whole card as tables with notes.
#[must_use]
pub fn table(report: &CardReport<'_>, layout: Layout) -> String {
    let mut out = head(&report.head, layout);
    for section in section::sections(report.card) {
        section.write(&mut out, layout);
    }
    heading(&mut out, "Corrected scores", layout);
    match report.corrected {
        Some((head, corrections)) => out.push_str(&corrections_table(head, corrections, layout)),
        None => out.push_str(below(&[NEVER_FROM_SET.to_owned()], layout).trim_start_matches('\n')),
    }
    out.push_str(&below(&notes(&report.head), layout));
    out
}

fn notes(head: &CardHead<'_>) -> Vec<String> {
    let missing = (head.missing > 0).then(|| {
        format!("{} verdicts of this card are missing; nothing above counts them.", count(head.missing))
    });
    missing.into_iter().chain(simulation_note(false, head.simulated())).collect()
}

fn head(head: &CardHead<'_>, layout: Layout) -> String {
    let mut facts = head.facts().into_iter().map(|(name, value)| vec![name.to_owned(), value]);
    let first = facts.next().unwrap_or_default();
    let rows: Vec<Vec<String>> = facts.collect();
    let title = "Judge card";
    match layout {
        Layout::Markdown => format!("# {title}\n\n{}", grid(&first, &rows, layout)),
        Layout::Terminal { .. } => format!("{title}\n\n{}", grid(&first, &rows, layout)),
    }
}

fn heading(out: &mut String, title: &str, layout: Layout) {
    match layout {
        Layout::Markdown => out.push_str(&format!("\n## {title}\n\n")),
        Layout::Terminal { .. } => out.push_str(&format!("\n{}\n\n", title.to_uppercase())),
    }
}

impl section::Section {
    fn write(&self, out: &mut String, layout: Layout) {
        heading(out, self.title, layout);
        for (at, table) in self.tables.iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            out.push_str(&table.text(layout));
        }
        if !self.notes.is_empty() {
            out.push_str(&below(&self.notes, layout));
        }
    }
}

impl section::Table {
    fn text(&self, layout: Layout) -> String {
        let rows: Vec<_> =
            self.rows.iter().map(|row| row.iter().map(figure::Figure::cell).collect::<Vec<_>>()).collect();
        let caption = match layout {
            Layout::Markdown => format!("{}\n\n", escape_markdown(&self.caption)),
            Layout::Terminal { .. } => format!("{}\n", self.caption),
        };
        caption + &cells(&self.headers, &rows, layout)
    }
}
