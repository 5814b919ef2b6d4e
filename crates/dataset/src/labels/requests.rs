//! The CSV files people fill in: samples to be labelled, and disagreements to be settled. Ids are written as they are, since
//! they have to be found again.

use std::io::{self, Write};

use undersight_core::{Label, Scenario, Task};

use super::cells::guarded;

/// A row for a person to fill in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelRequest<'a> {
    /// The run the sample belongs to, by id.
    pub run: &'a str,
    /// The instance's id.
    pub id: &'a str,
    /// Its scenario, which says what labels there are.
    pub scenario: Scenario,
    /// The sample index, 0 to k − 1.
    pub index: u32,
    /// What to label.
    pub task: Task,
    /// The probability with which the sample was drawn.
    pub probability: f64,
    /// The label, where it is known already: of simulated samples.
    pub label: Option<Label>,
    /// Who is to label it, where that is decided.
    pub annotator: Option<&'a str>,
    /// The version of the guideline to follow, where there is one.
    pub guideline: Option<&'a str>,
    /// The draw, see [`undersight_core::HumanLabel::draw`].
    pub draw: Option<&'a str>,
}

/// A disagreement for a person to settle.
#[derive(Debug, Clone, PartialEq)]
pub struct AdjudicationRequest<'a> {
    /// The run the sample belongs to, by id, where known.
    pub run: Option<&'a str>,
    /// The instance's id.
    pub id: &'a str,
    /// Its scenario, which says what labels there are.
    pub scenario: Scenario,
    /// The sample index, 0 to k − 1.
    pub index: u32,
    /// What is to be decided.
    pub task: Task,
    /// The probability with which the sample was drawn, where it was drawn at random.
    pub probability: Option<f64>,
    /// What the annotators say.
    pub labels: Vec<(Option<&'a str>, Label)>,
}

/// The columns of [`write_labels`]; `choices` is for the person and left aside on reading.
const COLUMNS: [&str; 11] = [
    "id",
    "index",
    "task",
    "label",
    "probability",
    "annotator",
    "guideline",
    "comment",
    "choices",
    "draw",
    "run",
];

/// Writes the CSV to be filled in: most often `label` is empty, `comment` always is, and `choices` names the labels there
/// are.
///
/// # Errors
/// When writing fails.
pub fn write_labels<'a>(rows: impl IntoIterator<Item = LabelRequest<'a>>, out: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(COLUMNS).map_err(failed)?;
    for row in rows {
        csv.write_record([
            row.id,
            &row.index.to_string(),
            row.task.name(),
            row.label.map_or("", Label::official),
            &row.probability.to_string(),
            &guarded(row.annotator.unwrap_or_default()),
            &guarded(row.guideline.unwrap_or_default()),
            "",
            &choices(row.task, row.scenario),
            &guarded(row.draw.unwrap_or_default()),
            row.run,
        ])
        .map_err(failed)?;
    }
    csv.flush()
}

/// The columns of [`write_adjudication`]; `labels` and `choices` are for the person and left aside on reading.
const DISPUTED: [&str; 11] = [
    "id",
    "index",
    "task",
    "label",
    "probability",
    "annotator",
    "comment",
    "adjudicated",
    "labels",
    "choices",
    "run",
];

/// Writes the CSV in which disagreements are settled: `label`, `annotator` and `comment` are empty, `adjudicated` says
/// `true`, `labels` what the annotators say (`anna: Safe | ben: Unsafe`) and `choices` what labels there are.
///
/// # Errors
/// When writing fails.
pub fn write_adjudication<'a>(
    rows: impl IntoIterator<Item = AdjudicationRequest<'a>>,
    out: impl Write,
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(DISPUTED).map_err(failed)?;
    for row in rows {
        let said = |(annotator, label): &(Option<&str>, Label)| {
            format!("{}: {}", annotator.unwrap_or("unnamed"), label.official())
        };
        let labels = row.labels.iter().map(said).collect::<Vec<_>>().join(" | ");
        csv.write_record([
            row.id,
            &row.index.to_string(),
            row.task.name(),
            "",
            &row.probability.map_or_else(String::new, |p| p.to_string()),
            "",
            "",
            "true",
            &guarded(&labels),
            &choices(row.task, row.scenario),
            row.run.unwrap_or_default(),
        ])
        .map_err(failed)?;
    }
    csv.flush()
}

fn choices(task: Task, scenario: Scenario) -> String {
    Label::allowed(task, scenario).iter().map(|label| label.official()).collect::<Vec<_>>().join(" | ")
}

/// Keeps the kind of what failed below: a closed pipe is no failure.
pub(super) fn failed(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}
