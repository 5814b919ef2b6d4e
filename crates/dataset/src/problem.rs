//! What can be wrong with a dataset file, collected rather than thrown, and how it is told.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// One thing wrong, or odd, in a file. Never holds the text of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Physical line of the file, from 1, on which the record starts; the row number in a Parquet file.
    pub line: Option<u64>,
    /// Column or member.
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    /// The problem with the file it is in: `FILE:LINE: field: message` and an indented hint line.
    #[must_use]
    pub const fn at<'a>(&'a self, file: &'a str) -> Located<'a> {
        Located { file, problem: self }
    }

    /// Problems that are solved alike are of one kind, whatever values they name.
    fn kind(&self) -> (Option<&str>, &str) {
        (self.field.as_deref(), self.hint.as_deref().unwrap_or(&self.message))
    }

    pub(crate) fn of_file(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { line: None, field: None, message: message.into(), hint: Some(hint.into()) }
    }
}

/// A problem and its file, to print.
#[derive(Debug, Clone, Copy)]
pub struct Located<'a> {
    file: &'a str,
    problem: &'a Problem,
}

impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { line, field, message, hint } = self.problem;
        f.write_str(self.file)?;
        if let Some(line) = line {
            write!(f, ":{line}")?;
        }
        if let Some(field) = field {
            write!(f, ": {field}")?;
        }
        write!(f, ": {message}")?;
        hint.as_ref().map_or(Ok(()), |hint| write!(f, "\n  hint: {hint}"))
    }
}

/// Problems of one kind that are told one by one.
const TOLD: usize = 10;

/// Everything wrong with one file, in file order. Of many alike the first are shown, the rest counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file.
    pub file: String,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut alike: HashMap<_, usize> = HashMap::new();
        for problem in &self.problems {
            *alike.entry(problem.kind()).or_default() += 1;
        }
        let mut told: HashMap<_, usize> = HashMap::new();
        for problem in &self.problems {
            let nth = told.entry(problem.kind()).or_default();
            *nth += 1;
            if *nth <= TOLD {
                writeln!(f, "{}", problem.at(&self.file))?;
            }
            let more = alike[&problem.kind()].saturating_sub(TOLD);
            if *nth == TOLD && more > 0 {
                writeln!(f, "… and {more} more like this")?;
            }
        }
        let count = self.problems.len();
        write!(f, "{count} problem{} in {}", if count == 1 { "" } else { "s" }, self.file)
    }
}

impl std::error::Error for Problems {}

/// Why a dataset could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {}: {}", path.display(), reason(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Neither extension nor content says what it is.
    #[error("{}: neither CSV nor JSON Lines nor Parquet", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// It was read, and is wrong.
    #[error(transparent)]
    Invalid(#[from] Problems),
}

impl LoadError {
    /// What to do. Invalid files carry a hint with each problem instead.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io { source, .. } => match source.kind() {
                ErrorKind::NotFound => {
                    "check the path; `undersight dataset fetch bsa` downloads the official file"
                }
                ErrorKind::IsADirectory => "name a .csv, .jsonl or .parquet file inside it",
                ErrorKind::PermissionDenied => "make the file readable for this user",
                _ => return None,
            },
            Self::UnknownFormat { .. } => "name the file .csv, .jsonl or .parquet according to what it holds",
            Self::Invalid(_) => return None,
        };
        Some(hint.to_owned())
    }
}

fn reason(source: &io::Error) -> String {
    match source.kind() {
        ErrorKind::NotFound => "no such file".to_owned(),
        ErrorKind::IsADirectory => "it is a directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => source.to_string(),
    }
}

/// Why a dataset could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the dataset: {}", reason(.0))]
pub struct WriteError(#[from] io::Error);

impl WriteError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self.0.kind() {
            ErrorKind::StorageFull => Some("free some space and run again".to_owned()),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Some("choose a place this user may write to".to_owned())
            }
            _ => None,
        }
    }
}
