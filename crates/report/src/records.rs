//! Records of samples and judgements as flat rows: one table of typed columns, written as JSONL, CSV or Parquet.
//!
//! JSONL and Parquet keep every text byte for byte; CSV puts a `'` before a cell that could start a formula.

pub mod judgement;
mod parquet;
pub mod sample;

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use serde_json::{Map, Value as Json};
use undersight_core::{Digest, JudgeSpec};

use crate::csv::{io_error, neutral};
use crate::view::simulated;

/// The type of a column. Every column may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// 64-bit signed.
    Int,
    /// True or false.
    Bool,
    /// UTC microseconds.
    Time,
    /// JSON: nested in JSONL, text elsewhere.
    Json,
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Unknown.
    Null,
    /// Of a text column.
    Text(Cow<'a, str>),
    /// Of an integer or time column.
    Int(i64),
    /// Of a boolean column.
    Bool(bool),
    /// Of a JSON column.
    Json(Json),
}

impl<'a> Value<'a> {
    fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, |t| Self::Text(Cow::Borrowed(t)))
    }

    fn owned(text: Option<String>) -> Self {
        text.map_or(Self::Null, |t| Self::Text(Cow::Owned(t)))
    }

    fn int(n: Option<i64>) -> Self {
        n.map_or(Self::Null, Self::Int)
    }

    fn count(n: Option<u64>) -> Self {
        n.map_or(Self::Null, |n| Self::Int(i64::try_from(n).unwrap_or(i64::MAX)))
    }

    fn bool(b: Option<bool>) -> Self {
        b.map_or(Self::Null, Self::Bool)
    }
}

/// A column of records `K`.
pub struct Column<K: Records + ?Sized> {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    get: for<'a> fn(&'a K::Row<'a>) -> Value<'a>,
}

/// A kind of record: its schema, its rows and its columns.
pub trait Records: 'static {
    /// `undersight.<what>/v<n>`.
    const SCHEMA: &'static str;
    /// The columns, in order.
    const COLUMNS: &'static [Column<Self>];
    /// One record, borrowed.
    type Row<'a>;
}

/// The judge of a record.
#[derive(Debug, Clone, Copy)]
pub struct JudgeName<'a> {
    /// Its model.
    pub model: &'a str,
    /// Its id.
    pub hash: Digest,
    /// Whether it only simulates.
    pub simulated: bool,
}

impl<'a> From<&'a JudgeSpec> for JudgeName<'a> {
    fn from(spec: &'a JudgeSpec) -> Self {
        Self { model: spec.model.as_str(), hash: spec.hash(), simulated: simulated(spec) }
    }
}

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordFormat {
    /// A JSON object a line, each naming its schema.
    Jsonl,
    /// A header, then a line a record.
    Csv,
    /// Parquet, snappy; the schema's name is in the file's metadata under `undersight.schema`.
    Parquet,
}

impl RecordFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Jsonl, Self::Csv, Self::Parquet];

    /// The name, also the file extension.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == text)
    }
}

enum Sink<K: Records, W: Write + Send> {
    Jsonl(BufWriter<W>),
    Csv(Box<csv::Writer<W>>),
    Parquet(Box<parquet::Writer<K, W>>),
}

/// Writes records one at a time in bounded memory. A file is whole only once [`Self::finish`] has returned.
pub struct RecordWriter<K: Records, W: Write + Send> {
    sink: Sink<K, W>,
}

impl<K: Records, W: Write + Send> RecordWriter<K, W> {
    /// Begins a file.
    ///
    /// # Errors
    /// When writing fails.
    pub fn new(format: RecordFormat, out: W) -> io::Result<Self> {
        let sink = match format {
            RecordFormat::Jsonl => Sink::Jsonl(BufWriter::new(out)),
            RecordFormat::Csv => {
                let mut csv = crate::csv::writer(out);
                csv.write_record(K::COLUMNS.iter().map(|c| c.name)).map_err(io_error)?;
                Sink::Csv(Box::new(csv))
            }
            RecordFormat::Parquet => Sink::Parquet(Box::new(parquet::Writer::new(out)?)),
        };
        Ok(Self { sink })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write<'a>(&mut self, row: &'a K::Row<'a>) -> io::Result<()> {
        match &mut self.sink {
            Sink::Jsonl(out) => {
                let mut members = Map::new();
                members.insert("schema".to_owned(), Json::from(K::SCHEMA));
                members.extend(K::COLUMNS.iter().map(|c| (c.name.to_owned(), json((c.get)(row)))));
                serde_json::to_writer(&mut *out, &members)?;
                out.write_all(b"\n")
            }
            Sink::Csv(csv) => {
                csv.write_record(K::COLUMNS.iter().map(|c| cell((c.get)(row)))).map_err(io_error)
            }
            Sink::Parquet(parquet) => parquet.write(row),
        }
    }

    /// Completes the file and gives back what it was written to.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(self) -> io::Result<W> {
        match self.sink {
            Sink::Jsonl(out) => out.into_inner().map_err(io::IntoInnerError::into_error),
            Sink::Csv(csv) => csv.into_inner().map_err(csv::IntoInnerError::into_error),
            Sink::Parquet(parquet) => parquet.finish(),
        }
    }
}

fn json(value: Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => Json::String(text.into_owned()),
        Value::Int(n) => Json::from(n),
        Value::Bool(b) => Json::Bool(b),
        Value::Json(json) => json,
    }
}

fn cell(value: Value<'_>) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => neutral(&text).into_owned(),
        Value::Int(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Json(json) => json.to_string(),
    }
}
