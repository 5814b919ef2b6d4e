//! The official columns (`id`, `query`, `risk_summary`, `dataset_name`, `label`): cells to a draft, and an instance
//! back to cells.

use std::sync::Arc;

use undersight_core::text::nearest;
use undersight_core::{Category, Instance, Risk, Scenario, Subcategory};

use crate::row::{Draft, Given, Names, Report};
use crate::suggest::{hint, shown};

/// In the order of the official file.
pub(crate) const COLUMNS: [&str; 5] = ["id", "query", "risk_summary", "dataset_name", "label"];

pub(crate) const NAMES: Names = Names {
    scenario: "dataset_name",
    rationale: "risk_summary",
    risks: "label",
    two_rationales: "write two lines in the cell, `Query A: …` and `Query B: …`",
};

/// The openings of the two lines of a cognitive-shortcut cell.
const LINES: [&str; 2] = ["Query A:", "Query B:"];

/// Reads the cells of one row.
pub(crate) fn draft(
    mut cell: impl FnMut(&'static str, &mut Report) -> Given<String>,
    report: &mut Report,
) -> Draft {
    let (id, query) = (cell("id", report), cell("query", report));
    let rationale = match cell("risk_summary", report) {
        // The official columns have no other place for a rationale.
        Given::Absent => Given::Value(String::new()),
        given => given,
    };
    let scenario = cell("dataset_name", report).and_then(|text| match Scenario::parse(&text) {
        Some(scenario) => Given::Value(scenario),
        None => {
            let message = format!("unknown scenario {}", shown(&text));
            report.add("dataset_name", message, hint(&text, Scenario::ALL.map(Scenario::official)));
            Given::Unreadable
        }
    });
    let shortcut = matches!(scenario, Given::Value(Scenario::CognitiveShortcut));
    let own = rationale.as_ref().value().filter(|_| shortcut).and_then(|text| two(text));
    let labels = cell("label", report);
    let risks = labels.and_then(|text| {
        let lines = text.lines().filter(|line| !line.trim().is_empty()).enumerate();
        Given::Value(
            lines
                .map(|(i, line)| {
                    let subcategory = label(shortcut.then_some(i), line, report)?;
                    let rationale = own.and_then(|own| own.get(i).map(|&text| text.to_owned()));
                    Some(Risk { category: subcategory.category(), subcategory, rationale })
                })
                .collect(),
        )
    });
    Draft { id, query, scenario, rationale, risks, parts: Given::Absent }
}

/// The two texts of a cell whose lines open `Query A:` and `Query B:`, trimmed.
fn two(cell: &str) -> Option<[&str; 2]> {
    let rest = cell.trim_start().strip_prefix(LINES[0])?;
    let (at, opening) = rest.match_indices(LINES[1]).find(|(at, _)| rest[..*at].ends_with('\n'))?;
    let texts = [rest[..at].trim(), rest[at + opening.len()..].trim()];
    texts.iter().all(|text| !text.is_empty()).then_some(texts)
}

/// One line of a label cell; `index` where the line must open with its `Query` mark.
fn label(index: Option<usize>, line: &str, report: &mut Report) -> Option<Subcategory> {
    let line = line.trim();
    let text = match index.and_then(|i| LINES.get(i)) {
        None => line,
        Some(opening) => line.strip_prefix(opening).map(str::trim).or_else(|| {
            let message = format!("expected a line opening `{opening}`, found {}", shown(line));
            report.add("label", message, "write two lines in the cell, `Query A: …` and `Query B: …`");
            None
        })?,
    };
    Subcategory::parse_official(text).or_else(|| {
        let (message, known) = diagnose(text);
        report.add("label", message, known);
        None
    })
}

/// What is wrong with a label: its category, its subcategory, or that the two do not belong together.
fn diagnose(text: &str) -> (String, String) {
    let opened = Category::ALL.into_iter().find_map(|category| {
        [category.official(), category.name()]
            .iter()
            .find_map(|name| text.strip_prefix(name)?.trim_start().strip_prefix('-'))
            .map(|rest| (category, rest))
    });
    match opened {
        None => {
            let labels = Subcategory::ALL.map(Subcategory::official);
            let known = nearest(text, labels.iter().map(String::as_str)).map_or_else(
                || {
                    let categories = Category::ALL.map(Category::official).join("; ");
                    format!("write `Category-Subcategory`; categories: {categories}")
                },
                |near| format!("did you mean \"{near}\"?"),
            );
            (format!("unknown category in label {}", shown(text)), known)
        }
        Some((category, rest)) => {
            let of = hint(rest, category.subcategories().map(Subcategory::name));
            let message = if Subcategory::parse(rest).is_some() {
                format!("{} is not a subcategory of \"{category}\"", shown(rest.trim()))
            } else {
                format!("unknown subcategory {}", shown(rest.trim()))
            };
            (message, of)
        }
    }
}

/// The cells of an instance, in the order of [`COLUMNS`].
pub(crate) fn cells(instance: &Instance) -> [String; 5] {
    let (rationale, label) = match instance.risks.as_slice() {
        [a, b] => {
            let lines = |x: &str, y: &str| format!("{} {x}\n{} {y}", LINES[0], LINES[1]);
            let own = [0, 1].map(|i| instance.risk_rationale(i));
            let kept = two(&instance.rationale) == Some(own);
            let rationale = if kept { instance.rationale.clone() } else { lines(own[0], own[1]) };
            (rationale, lines(&a.subcategory.official(), &b.subcategory.official()))
        }
        risks => {
            let labels: Vec<String> = risks.iter().map(|r| r.subcategory.official()).collect();
            (instance.rationale.clone(), labels.join("\n"))
        }
    };
    let Instance { id, query, scenario, .. } = instance;
    [id.clone(), query.clone(), rationale, scenario.official().to_owned(), label]
}

/// What the official columns cannot hold of these instances, found by reading the cells back.
pub(crate) fn losses(instances: &[Arc<Instance>]) -> Vec<String> {
    let (mut parts, mut own, mut rationales) = (0, 0, 0);
    for instance in instances {
        let cells = cells(instance);
        let mut named = COLUMNS.into_iter().zip(cells);
        let read = draft(
            |name, _| named.find(|(n, _)| *n == name).map_or(Given::Absent, |(_, cell)| Given::Value(cell)),
            &mut Report::default(),
        );
        let risks: Option<Vec<Risk>> = read.risks.value().unwrap_or_default().into_iter().collect();
        parts += usize::from(instance.parts.is_some());
        own += usize::from(risks.is_none_or(|risks| risks != instance.risks));
        rationales += usize::from(read.rationale.value().as_deref() != Some(&instance.rationale));
    }
    [
        (parts, "lose their marked parts"),
        (own, "lose or change the rationales of their risks"),
        (rationales, "have their rationale rewritten as two lines, `Query A:` and `Query B:`"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} of {} instances {what}", instances.len()))
    .collect()
}
