//! Responses generated elsewhere, read so that they can be judged here: CSV or JSON Lines with `id` and `answer`,
//! optionally `question` (checked against the dataset) and the trace. Other members are left aside, and named.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use undersight_core::Instance;
use undersight_core::text::{excerpt, nearest};

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

/// What a file of responses holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Responses {
    /// At least one, in file order.
    pub rows: Vec<Response>,
    /// Members of the file that say nothing here.
    pub left_aside: Vec<String>,
}

const MEMBERS: &str =
    "expected id, answer and optionally question, reasoning_content (or reasoning, or trace)";
const REQUIRED: [&str; 2] = ["id", "answer"];
/// The names a trace goes by: those of providers, and ours.
const TRACES: [&str; 3] = ["reasoning_content", "reasoning", "trace"];
/// Columns named in a message.
const LISTED: usize = 12;

/// Reads a file of responses to instances of a dataset.
///
/// # Errors
/// When the file cannot be read, or with everything wrong in it: missing members, unknown ids, other questions.
pub fn load_responses(path: &Path, instances: &[Arc<Instance>]) -> Result<Responses, LoadError> {
    let bytes = std::fs::read(path).map_err(|source| LoadError::Io { path: path.to_owned(), source })?;
    let rows = match Format::of_path(path) {
        Some(Format::Csv) => csv_rows(&bytes),
        Some(Format::Jsonl) => jsonl_rows(&bytes),
        _ => return Err(LoadError::UnknownFormat { path: path.to_owned() }),
    };
    let by_id: HashMap<&str, &Instance> = instances.iter().map(|i| (i.id.as_str(), i.as_ref())).collect();
    let mut responses = Vec::new();
    let mut problems = Vec::new();
    let mut left_aside = BTreeSet::new();
    for row in rows {
        match row.and_then(|(line, row)| Ok((response(line, &row, &by_id)?, row))) {
            Ok((response, row)) => {
                responses.push(response);
                left_aside.extend(row.into_keys().filter(|name| !known(name)));
            }
            Err(problem) => problems.push(problem),
        }
    }
    if responses.is_empty() && problems.is_empty() {
        problems.push(Problem::of_file("there is no response in the file", MEMBERS));
    }
    if problems.is_empty() {
        Ok(Responses { rows: responses, left_aside: left_aside.into_iter().collect() })
    } else {
        Err(Problems { file: path.display().to_string(), problems }.into())
    }
}

type Row = BTreeMap<String, String>;
type Rows = Vec<Result<(u64, Row), Problem>>;

fn problem(line: u64, field: Option<&str>, message: impl Into<String>, hint: impl Into<String>) -> Problem {
    Problem { line: Some(line), field: field.map(str::to_owned), ..Problem::of_file(message, hint) }
}

fn known(name: &str) -> bool {
    name == "question" || REQUIRED.contains(&name) || TRACES.contains(&name)
}

/// What to do about a member that is not there: another name may be a slip for it.
fn hint_for<'a>(missing: &str, found: impl IntoIterator<Item = &'a str>) -> String {
    let slip = found.into_iter().find(|name| !known(name) && nearest(name, [missing]).is_some());
    slip.map_or_else(
        || MEMBERS.to_owned(),
        |name| format!("there is {}: did you mean {missing}?", shown(name)),
    )
}

fn response(line: u64, row: &Row, by_id: &HashMap<&str, &Instance>) -> Result<Response, Problem> {
    let required = |name: &str| {
        let missing = || problem(line, Some(name), "missing", hint_for(name, row.keys().map(String::as_str)));
        row.get(name).cloned().ok_or_else(missing)
    };
    let (id, answer) = (required("id")?, required("answer")?);
    let Some(instance) = by_id.get(id.as_str()) else {
        let message = format!("unknown id {}", shown(&id));
        return Err(problem(line, Some("id"), message, "ids must be those of --dataset"));
    };
    if row.get("question").is_some_and(|q| !q.trim().is_empty() && q.trim() != instance.query.trim()) {
        let hint = "the responses answer another version of the dataset; pass the right --dataset, or leave the column out";
        return Err(problem(line, Some("question"), "differs from the query of this id", hint));
    }
    Ok(Response { id, answer, reasoning: reasoning(line, row)? })
}

/// The trace, by whichever name it goes.
fn reasoning(line: u64, row: &Row) -> Result<Option<String>, Problem> {
    let texts = TRACES.iter().filter_map(|name| Some((*name, row.get(*name)?)));
    let mut texts = texts.filter(|(_, text)| !text.is_empty());
    let Some((first, text)) = texts.next() else { return Ok(None) };
    match texts.find(|(_, other)| *other != text) {
        None => Ok(Some(text.clone())),
        Some((name, _)) => {
            let message = format!("differs from {first}, which holds the trace too");
            Err(problem(line, Some(name), message, "leave one of the two out"))
        }
    }
}

/// A column that is not there is one problem, however many rows there are.
fn missing_columns(headers: &csv::StringRecord) -> Vec<Problem> {
    let found: Vec<&str> = headers.iter().map(str::trim).collect();
    let mut listed: Vec<String> = found.iter().take(LISTED).map(|name| excerpt(name, 40)).collect();
    if found.len() > LISTED {
        listed.push(format!("and {} more", found.len() - LISTED));
    }
    let missing = |name: &&str| {
        let message = format!("missing; the columns are {}", listed.join(", "));
        problem(1, Some(name), message, hint_for(name, found.iter().copied()))
    };
    REQUIRED.iter().filter(|name| !found.contains(name)).map(missing).collect()
}

fn csv_rows(bytes: &[u8]) -> Rows {
    let mut reader =
        csv::ReaderBuilder::new().from_reader(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return vec![Err(csv_problem(&error))],
    };
    let missing = missing_columns(&headers);
    if !missing.is_empty() {
        return missing.into_iter().map(Err).collect();
    }
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
            if let Some((name, _)) = object.iter().find(|(name, value)| {
                TRACES.contains(&name.as_str()) && !matches!(value, Value::String(_) | Value::Null)
            }) {
                return Err(problem(line, Some(name), "not a text", "a trace is one string"));
            }
            let text_of = |value: Value| match value {
                Value::String(text) => Some(text),
                Value::Null => None,
                other => Some(other.to_string()),
            };
            Ok((line, object.into_iter().filter_map(|(k, v)| Some((k, text_of(v)?))).collect()))
        })
        .collect()
}
