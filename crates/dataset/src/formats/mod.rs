//! The table of file formats: a format is one row here, one file beside it, and its tests.

mod csv;
mod jsonl;
mod parquet;

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use undersight_core::Instance;

use crate::problem::Problem;
use crate::row::Collector;

pub(crate) use jsonl::objects;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// The official columns.
    Csv,
    /// One object of our schema a line.
    Jsonl,
    /// Our schema (or the official columns) in columnar form.
    Parquet,
}

struct Row {
    format: Format,
    name: &'static str,
    extensions: &'static [&'static str],
    sniff: fn(&[u8]) -> bool,
    read: fn(&[u8], &mut Collector),
    write: fn(&[Arc<Instance>], &mut (dyn Write + Send)) -> io::Result<()>,
}

/// In the order in which content is sniffed.
static TABLE: [Row; 3] = [
    Row {
        format: Format::Parquet,
        name: "parquet",
        extensions: &["parquet", "pq"],
        sniff: parquet::sniff,
        read: parquet::read,
        write: parquet::write,
    },
    Row {
        format: Format::Jsonl,
        name: "jsonl",
        extensions: &["jsonl", "ndjson"],
        sniff: jsonl::sniff,
        read: jsonl::read,
        write: jsonl::write,
    },
    Row {
        format: Format::Csv,
        name: "csv",
        extensions: &["csv"],
        sniff: csv::sniff,
        read: csv::read,
        write: csv::write,
    },
];

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Jsonl, Self::Parquet];

    fn row(self) -> &'static Row {
        match self {
            Self::Parquet => &TABLE[0],
            Self::Jsonl => &TABLE[1],
            Self::Csv => &TABLE[2],
        }
    }

    /// `csv`, `jsonl` or `parquet`; also the usual extension.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Reads a name or one of the extensions, ignoring case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is = |row: &&Row| row.extensions.iter().any(|e| e.eq_ignore_ascii_case(text));
        TABLE.iter().find(is).map(|row| row.format)
    }

    /// By the extension of a path.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        Self::parse(path.extension()?.to_str()?)
    }

    /// By how the content begins.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        TABLE.iter().find(|row| (row.sniff)(without_bom(bytes))).map(|row| row.format)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Instances with warnings, or all problems.
pub(crate) fn read(format: Format, bytes: &[u8]) -> Result<(Vec<Instance>, Vec<Problem>), Vec<Problem>> {
    collect(bytes, format.row().read)
}

/// As [`read`], with a reader of its own for what is not in the table.
pub(crate) fn collect(
    bytes: &[u8],
    read: impl FnOnce(&[u8], &mut Collector),
) -> Result<(Vec<Instance>, Vec<Problem>), Vec<Problem>> {
    let mut collector = Collector::default();
    let text = without_bom(bytes);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        collector.problems.push(Problem::of_file("the file is encoded as UTF-16", "save it as UTF-8"));
    } else if text.iter().all(u8::is_ascii_whitespace) {
        collector.problems.push(Problem::of_file("the file is empty", "add at least one instance"));
    } else {
        read(text, &mut collector);
    }
    collector.finish()
}

pub(crate) fn write(
    format: Format,
    instances: &[Arc<Instance>],
    writer: &mut (dyn Write + Send),
) -> io::Result<()> {
    (format.row().write)(instances, writer)
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}
