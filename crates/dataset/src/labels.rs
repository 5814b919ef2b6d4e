//! Human labels: the files people fill in, and the files they hand back. One row is one task of one sample.

mod cells;
mod export;
mod requests;
mod seen;

use std::path::Path;

use undersight_core::{HumanLabel, Label, Scenario, Task};

pub use export::{ExportError, LabelFormat, export_labels};
pub use requests::{AdjudicationRequest, LabelRequest, write_adjudication, write_labels};

use crate::Format;
use crate::flat::{self, Members, Row, problem};
use crate::problem::{LoadError, Problem, Problems};
use crate::suggest::{hint, shown};
use seen::Seen;

/// What a file of labels holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Labels {
    /// In file order.
    pub rows: Vec<HumanLabel>,
    /// Rows whose label is still empty.
    pub unlabelled: usize,
}

const MEMBERS: Members = Members {
    required: &["id", "index", "task", "label"],
    optional: &["probability", "annotator", "run", "time", "guideline", "comment", "adjudicated", "draw"],
    texts: (&["comment"], "a remark is a text in quotes"),
    empty: &["label"],
    hint: "expected id, index, task, label and optionally probability, annotator, run, time, guideline, comment, \
           adjudicated, draw",
};

/// Reads a file of labels (CSV or JSON Lines by its extension) of one run, with the members `id`, `index`, `task` (`safety`,
/// `thinking` or `handling`), `label` (in any spelling of the task's labels) and optionally `probability`, `annotator`,
/// `run`, `time` (RFC 3339, or whole microseconds since 1970), `guideline`, `comment` and `adjudicated` (`true` or `false`);
/// others are left aside. `items` knows the scenario of an id. Rows without a label are counted and otherwise skipped.
///
/// The labels of several people and the decision that settles a disagreement of theirs may be in one file.
///
/// # Errors
/// When the file cannot be read, or with everything wrong in it: missing members, unknown ids, labels another task or
/// scenario has, cells that are not what their column says, a sample labelled twice by the same annotator, decided twice
/// or with two probabilities.
pub fn load_labels(path: &Path, items: &dyn Fn(&str) -> Option<Scenario>) -> Result<Labels, LoadError> {
    let (mut labels, mut problems, mut seen) = (Labels::default(), Vec::new(), Seen::default());
    let guarded = Format::of_path(path) == Some(Format::Csv);
    for row in flat::read(path, &MEMBERS)? {
        let (line, row) = match row {
            Ok(row) => row,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        match (Cells { line, row: &row, guarded, problems: &mut problems }).read(items) {
            Some(label) => {
                for clash in seen.clashes(&label) {
                    problems.push(problem(line, Some(clash.field()), clash.of(label.index), clash.hint()));
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

/// A row being read; everything wrong in it is added to `problems`.
struct Cells<'a> {
    line: u64,
    row: &'a Row,
    /// Whether texts that look like formulas carry a mark.
    guarded: bool,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Cells<'a> {
    fn given(&self, name: &str) -> Option<&'a str> {
        self.row.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn text(&self, name: &str) -> Option<String> {
        let text = self.given(name)?;
        Some(if self.guarded { cells::unguarded(text).trim() } else { text }.to_owned())
    }

    fn wrong(&mut self, name: &str, message: String, hint: impl Into<String>) {
        self.problems.push(problem(self.line, Some(name), message, hint));
    }

    /// A cell that has to be `what` where it is not empty.
    fn parsed<T>(
        &mut self,
        name: &str,
        what: &str,
        hint: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.given(name)?;
        let value = parse(text);
        if value.is_none() {
            self.wrong(name, format!("{} is no {what}", shown(text)), hint);
        }
        value
    }

    /// `None` where the row is not labelled yet or wrong.
    fn read(&mut self, items: &dyn Fn(&str) -> Option<Scenario>) -> Option<HumanLabel> {
        for name in MEMBERS.required {
            let there =
                if *name == "label" { self.row.contains_key(*name) } else { self.given(name).is_some() };
            if !there {
                self.problems.push(MEMBERS.missing(self.line, self.row, name));
            }
        }
        let scenario = self.given("id").and_then(items);
        if let (Some(id), None) = (self.given("id"), scenario) {
            self.wrong("id", format!("unknown id {}", shown(id)), "ids must be those of the dataset");
        }
        let index = self.parsed("index", "index", "a sample's index is a whole number from 0", |text| {
            text.parse::<u32>().ok()
        });
        let task = self.given("task").and_then(|text| Task::parse(&text.to_ascii_lowercase()));
        if let (Some(text), None) = (self.given("task"), task) {
            let hint = hint(text, Task::ALL.iter().map(|task| task.name()));
            self.wrong("task", format!("unknown task {}", shown(text)), hint);
        }
        let probability = self.parsed(
            "probability",
            "probability",
            "above 0 and at most 1, with a decimal point; empty where a sample was not drawn at random",
            |text| text.parse().ok().filter(|p| *p > 0.0 && *p <= 1.0),
        );
        let time = self.parsed("time", "time", cells::TIME_HINT, cells::time);
        let adjudicated = self.parsed("adjudicated", "true or false", "leave it empty for false", |text| {
            text.to_ascii_lowercase().parse::<bool>().ok()
        });
        let (task, scenario, text) = (task?, scenario?, self.given("label")?);
        let label = Label::parse(task, scenario, text);
        if label.is_none() {
            let hint = hint(text, Label::allowed(task, scenario).iter().map(|label| label.official()));
            self.wrong("label", format!("{} is no label of {task} in {scenario}", shown(text)), hint);
        }
        Some(HumanLabel {
            id: self.given("id")?.to_owned(),
            index: index?,
            task,
            label: label?,
            probability,
            draw: self.text("draw"),
            run: self.given("run").map(str::to_owned),
            annotator: self.text("annotator"),
            time,
            guideline: self.text("guideline"),
            comment: self.text("comment"),
            adjudicated: adjudicated.unwrap_or_default(),
        })
    }
}
