//! Flat tables given beside a dataset (responses, labels): CSV with a header or JSON Lines, as rows of named texts with
//! the lines they start on. Columns nobody knows are kept: the reader decides what to say of them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use undersight_core::text::{excerpt, nearest};

use crate::Format;
use crate::problem::{LoadError, Problem};
use crate::suggest::shown;

/// What a table should hold.
pub(crate) struct Members {
    /// Members every row needs.
    pub(crate) required: &'static [&'static str],
    /// Members a row may have.
    pub(crate) optional: &'static [&'static str],
    /// Members that are texts and nothing else, and what to do about one that is not.
    pub(crate) texts: (&'static [&'static str], &'static str),
    /// Members that are there but empty when null; any other null is a member that is not there.
    pub(crate) empty: &'static [&'static str],
    /// All of it in words.
    pub(crate) hint: &'static str,
}

/// A row by member.
pub(crate) type Row = BTreeMap<String, String>;
/// Rows with their lines, or what is wrong with them.
pub(crate) type Rows = Vec<Result<(u64, Row), Problem>>;

/// Columns named in a message.
const LISTED: usize = 12;

/// Reads a table whose format follows from the extension.
pub(crate) fn read(path: &Path, members: &Members) -> Result<Rows, LoadError> {
    let bytes = std::fs::read(path).map_err(|source| LoadError::Io { path: path.to_owned(), source })?;
    match Format::of_path(path) {
        Some(Format::Csv) => Ok(csv_rows(&bytes, members)),
        Some(Format::Jsonl) => Ok(jsonl_rows(&bytes, members)),
        _ => Err(LoadError::UnknownFormat { path: path.to_owned() }),
    }
}

pub(crate) fn problem(
    line: u64,
    field: Option<&str>,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> Problem {
    Problem { line: Some(line), field: field.map(str::to_owned), ..Problem::of_file(message, hint) }
}

impl Members {
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.required.contains(&name) || self.optional.contains(&name)
    }

    /// A required member of a row.
    pub(crate) fn take(&self, line: u64, row: &Row, name: &str) -> Result<String, Problem> {
        row.get(name).cloned().ok_or_else(|| self.missing(line, row, name))
    }

    /// A member that is not there.
    pub(crate) fn missing(&self, line: u64, row: &Row, name: &str) -> Problem {
        problem(line, Some(name), "missing", self.hint_for(name, row.keys().map(String::as_str)))
    }

    /// What to do about a member that is not there: another name may be a slip for it.
    fn hint_for<'a>(&self, missing: &str, found: impl IntoIterator<Item = &'a str>) -> String {
        let slip = found.into_iter().find(|name| !self.knows(name) && nearest(name, [missing]).is_some());
        slip.map_or_else(
            || self.hint.to_owned(),
            |name| format!("there is {}: did you mean {missing}?", shown(name)),
        )
    }

    /// A column that is not there is one problem, however many rows there are.
    fn missing_columns(&self, headers: &csv::StringRecord) -> Vec<Problem> {
        let found: Vec<&str> = headers.iter().map(str::trim).collect();
        let mut listed: Vec<String> = found.iter().take(LISTED).map(|name| excerpt(name, 40)).collect();
        if found.len() > LISTED {
            listed.push(format!("and {} more", found.len() - LISTED));
        }
        let missing = |name: &&str| {
            let message = format!("missing; the columns are {}", listed.join(", "));
            problem(1, Some(name), message, self.hint_for(name, found.iter().copied()))
        };
        self.required.iter().filter(|name| !found.contains(name)).map(missing).collect()
    }
}

/// Physical lines by the byte a record starts at; the reader leaves the line feed of a CRLF, and blank lines, to the
/// following record.
struct Lines<'a> {
    bytes: &'a [u8],
    line: u64,
    counted: usize,
}

impl Lines<'_> {
    fn at(&mut self, byte: u64) -> u64 {
        let mut start = usize::try_from(byte).unwrap_or(usize::MAX).min(self.bytes.len());
        while matches!(self.bytes.get(start), Some(b'\r' | b'\n')) {
            start += 1;
        }
        let passed = self.bytes.get(self.counted..start).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.counted = start;
        self.line
    }
}

fn csv_rows(bytes: &[u8], members: &Members) -> Rows {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return vec![Err(csv_problem(&error))],
    };
    let missing = members.missing_columns(&headers);
    if !missing.is_empty() {
        return missing.into_iter().map(Err).collect();
    }
    let mut lines = Lines { bytes, line: 1, counted: 0 };
    reader
        .records()
        .map(|record| {
            let record = record.map_err(|e| csv_problem(&e))?;
            let line = lines.at(record.position().map_or(0, csv::Position::byte));
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

fn jsonl_rows(bytes: &[u8], members: &Members) -> Rows {
    let lines = bytes.split(|b| *b == b'\n').zip(1_u64..);
    let (texts, hint) = members.texts;
    lines
        .filter(|(text, _)| !text.trim_ascii().is_empty())
        .map(|(text, line)| {
            let object: serde_json::Map<String, Value> = serde_json::from_slice(text).map_err(|e| {
                let message = format!("not a JSON object (column {})", e.column());
                problem(line, None, message, "one JSON object a line")
            })?;
            if let Some((name, _)) = object.iter().find(|(name, value)| {
                texts.contains(&name.as_str()) && !matches!(value, Value::String(_) | Value::Null)
            }) {
                return Err(problem(line, Some(name), "not a text", hint));
            }
            let text_of = |name: &str, value: Value| match value {
                Value::String(text) => Some(text),
                Value::Null => members.empty.contains(&name).then(String::new),
                other => Some(other.to_string()),
            };
            let cells = object.into_iter().filter_map(|(name, value)| {
                let text = text_of(&name, value)?;
                Some((name, text))
            });
            Ok((line, cells.collect()))
        })
        .collect()
}
