//! Responses generated elsewhere, read so that they can be judged here: CSV or JSON Lines with `id` and `answer`,
//! optionally `question` (checked against the dataset) and `reasoning_content`. Other members are left aside.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use undersight_core::Instance;

use crate::Format;
use crate::problem::{LoadError, Problem, Problems};
use crate::suggest::shown;

/// One response. Rows of one instance are its samples, in file order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Which instance it answers.
    pub id: String,
    /// The answer; tags of a thought may still be in it.
    pub answer: String,
    /// The trace, where it was kept apart.
    pub reasoning: Option<String>,
}

const MEMBERS: &str = "expected id, answer and optionally question, reasoning_content";

/// Reads a file of responses to instances of a dataset.
///
/// # Errors
/// When the file cannot be read, or with everything wrong in it: missing members, unknown ids, other questions.
pub fn load_responses(path: &Path, instances: &[Arc<Instance>]) -> Result<Vec<Response>, LoadError> {
    let bytes = std::fs::read(path).map_err(|source| LoadError::Io { path: path.to_owned(), source })?;
    let rows = match Format::of_path(path) {
        Some(Format::Csv) => csv_rows(&bytes),
        Some(Format::Jsonl) => jsonl_rows(&bytes),
        _ => return Err(LoadError::UnknownFormat { path: path.to_owned() }),
    };
    let by_id: HashMap<&str, &Instance> = instances.iter().map(|i| (i.id.as_str(), i.as_ref())).collect();
    let mut responses = Vec::new();
    let mut problems = Vec::new();
    for row in rows {
        match row.and_then(|(line, row)| response(line, row, &by_id)) {
            Ok(response) => responses.push(response),
            Err(problem) => problems.push(problem),
        }
    }
    if responses.is_empty() && problems.is_empty() {
        problems.push(Problem::of_file("there is no response in the file", MEMBERS));
    }
    if problems.is_empty() {
        Ok(responses)
    } else {
        Err(Problems { file: path.display().to_string(), problems }.into())
    }
}

type Row = BTreeMap<String, String>;
type Rows = Vec<Result<(u64, Row), Problem>>;

fn problem(line: u64, field: Option<&str>, message: impl Into<String>, hint: impl Into<String>) -> Problem {
    Problem { line: Some(line), field: field.map(str::to_owned), ..Problem::of_file(message, hint) }
}

fn response(line: u64, mut row: Row, by_id: &HashMap<&str, &Instance>) -> Result<Response, Problem> {
    let mut required =
        |name: &str| row.remove(name).ok_or_else(|| problem(line, Some(name), "missing", MEMBERS));
    let (id, answer) = (required("id")?, required("answer")?);
    let Some(instance) = by_id.get(id.as_str()) else {
        let message = format!("unknown id {}", shown(&id));
        return Err(problem(line, Some("id"), message, "ids must be those of --dataset"));
    };
    if row.get("question").is_some_and(|q| !q.trim().is_empty() && q.trim() != instance.query.trim()) {
        let hint = "the responses answer another version of the dataset; pass the right --dataset, or leave the column out";
        return Err(problem(line, Some("question"), "differs from the query of this id", hint));
    }
    let reasoning = row.remove("reasoning_content").filter(|text| !text.is_empty());
    Ok(Response { id, answer, reasoning })
}

fn csv_rows(bytes: &[u8]) -> Rows {
    let mut reader =
        csv::ReaderBuilder::new().from_reader(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return vec![Err(csv_problem(&error))],
    };
    reader
        .records()
        .map(|record| {
            let record = record.map_err(|e| csv_problem(&e))?;
            let line = record.position().map_or(1, csv::Position::line);
            Ok((
                line,
                headers.iter().zip(&record).map(|(k, v)| (k.trim().to_owned(), v.to_owned())).collect(),
            ))
        })
        .collect()
}

fn csv_problem(error: &csv::Error) -> Problem {
    let line = error.position().map_or(1, csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("expected {expected_len} cells, found {len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not valid UTF-8".to_owned(),
        _ => "not readable as CSV".to_owned(),
    };
    problem(line, None, message, "put cells that hold commas or line breaks in quotes, and save as UTF-8")
}

fn jsonl_rows(bytes: &[u8]) -> Rows {
    let lines = bytes.split(|b| *b == b'\n').zip(1_u64..);
    lines
        .filter(|(text, _)| !text.trim_ascii().is_empty())
        .map(|(text, line)| {
            let object: serde_json::Map<String, Value> = serde_json::from_slice(text).map_err(|e| {
                let message = format!("not a JSON object (column {})", e.column());
                problem(line, None, message, "one JSON object a line")
            })?;
            let text_of = |value: Value| match value {
                Value::String(text) => Some(text),
                Value::Null => None,
                other => Some(other.to_string()),
            };
            Ok((line, object.into_iter().filter_map(|(k, v)| Some((k, text_of(v)?))).collect()))
        })
        .collect()
}
