//! Human labels: the file people fill in, and the file they hand back. One row is one task of one sample.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

use undersight_core::{HumanLabel, Label, Scenario, Task};

use crate::flat::{self, Members, Row, problem};
use crate::problem::{LoadError, Problem, Problems};
use crate::suggest::{hint, shown};

/// What a file of labels holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Labels {
    /// In file order.
    pub rows: Vec<HumanLabel>,
    /// Rows whose label is still empty.
    pub unlabelled: usize,
}

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
}

const MEMBERS: Members = Members {
    required: &["id", "index", "task", "label"],
    optional: &["probability", "annotator", "run"],
    texts: (&[], ""),
    empty: &["label"],
    hint: "expected id, index, task, label and optionally probability, annotator, run",
};

/// Reads a file of labels (CSV or JSON Lines by its extension) with the members `id`, `index`, `task` (`safety` or
/// `thinking`), `label` (in any spelling of the task's labels) and optionally `probability`, `annotator` and `run`; others
/// are left aside. `items` knows the scenario of an id. Rows without a label are counted and otherwise skipped.
///
/// # Errors
/// When the file cannot be read, or with everything wrong in it: missing members, unknown ids, labels another task or
/// scenario has, probabilities that are none, a sample labelled twice by the same annotator.
pub fn load_labels(path: &Path, items: &dyn Fn(&str) -> Option<Scenario>) -> Result<Labels, LoadError> {
    let (mut labels, mut problems, mut seen) = (Labels::default(), Vec::new(), HashSet::new());
    for row in flat::read(path, &MEMBERS)? {
        let (line, row) = match row {
            Ok(row) => row,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        match read(line, &row, items, &mut problems) {
            Some(label) => {
                if !seen.insert((label.id.clone(), label.index, label.task, label.annotator.clone())) {
                    let message = format!("sample {} of this id is labelled twice", label.index);
                    let hint = "keep one of the rows, or name the two people in the column annotator";
                    problems.push(problem(line, Some("label"), message, hint));
                }
                labels.rows.push(label);
            }
            None => labels.unlabelled += 1,
        }
    }
    if labels.rows.is_empty() && labels.unlabelled == 0 && problems.is_empty() {
        problems.push(Problem::of_file("there is no label in the file", MEMBERS.hint));
    }
    if problems.is_empty() {
        Ok(labels)
    } else {
        Err(Problems { file: path.display().to_string(), problems }.into())
    }
}

/// One row. `None` where it is not labelled yet or wrong; everything wrong is added to `problems`.
fn read(
    line: u64,
    row: &Row,
    items: &dyn Fn(&str) -> Option<Scenario>,
    problems: &mut Vec<Problem>,
) -> Option<HumanLabel> {
    let given = |name: &str| row.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let wrong = |name: &str, message: String, hint: String| problem(line, Some(name), message, hint);
    let lacks = |name: &str| if name == "label" { !row.contains_key(name) } else { given(name).is_none() };
    for name in MEMBERS.required.iter().filter(|name| lacks(name)) {
        problems.push(MEMBERS.missing(line, row, name));
    }
    let scenario = given("id").and_then(items);
    if let (Some(id), None) = (given("id"), scenario) {
        let hint = "ids must be those of the dataset".to_owned();
        problems.push(wrong("id", format!("unknown id {}", shown(id)), hint));
    }
    let index = given("index").map(str::parse::<u32>);
    if let (Some(text), Some(Err(_))) = (given("index"), &index) {
        let hint = "a sample's index is a whole number from 0".to_owned();
        problems.push(wrong("index", format!("{} is no index", shown(text)), hint));
    }
    let task = given("task").and_then(|text| Task::parse(&text.to_ascii_lowercase()));
    if let (Some(text), None) = (given("task"), task) {
        let hint = hint(text, Task::ALL.iter().map(|task| task.name()));
        problems.push(wrong("task", format!("unknown task {}", shown(text)), hint));
    }
    let probability = given("probability").map(|text| text.parse().ok().filter(|p| *p > 0.0 && *p <= 1.0));
    if let (Some(text), Some(None)) = (given("probability"), probability) {
        let hint =
            "above 0 and at most 1, with a decimal point; empty where a sample was not drawn at random";
        problems.push(wrong("probability", format!("{} is no probability", shown(text)), hint.to_owned()));
    }
    let (task, scenario, text) = (task?, scenario?, given("label")?);
    let label = Label::parse(task, scenario, text);
    if label.is_none() {
        let hint = hint(text, Label::allowed(task, scenario).iter().map(|label| label.official()));
        problems.push(wrong("label", format!("{} is no label of {task} in {scenario}", shown(text)), hint));
    }
    Some(HumanLabel {
        id: given("id")?.to_owned(),
        index: index?.ok()?,
        task,
        label: label?,
        probability: probability.flatten(),
        run: given("run").map(str::to_owned),
        annotator: given("annotator").map(str::to_owned),
    })
}

/// The columns of [`write_labels`]; `choices` is for the person and left aside on reading.
const COLUMNS: [&str; 8] = ["id", "index", "task", "label", "probability", "annotator", "choices", "run"];

/// Writes the CSV to be filled in: `annotator` and most often `label` are empty, `choices` names the labels there are. Ids are
/// written as they are, since they have to be found again.
///
/// # Errors
/// When writing fails.
pub fn write_labels<'a>(rows: impl IntoIterator<Item = LabelRequest<'a>>, out: impl Write) -> io::Result<()> {
    let failed = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    };
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(COLUMNS).map_err(failed)?;
    for LabelRequest { run, id, scenario, index, task, probability, label } in rows {
        let choices: Vec<&str> =
            Label::allowed(task, scenario).iter().map(|label| label.official()).collect();
        let (index, probability) = (index.to_string(), probability.to_string());
        let label = label.map_or("", Label::official);
        let cells = [id, &index, task.name(), label, &probability, "", &choices.join(" | "), run];
        csv.write_record(cells).map_err(failed)?;
    }
    csv.flush()
}
