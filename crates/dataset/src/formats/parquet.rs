//! Parquet: our schema with `risks` as a nested list, read back through the same parser as JSON Lines; a file with
//! the official columns is read as well.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use parquet::schema::parser::parse_message_type;
use serde_json::{Map, Value};
use undersight_core::text::excerpt;
use undersight_core::{Instance, OsParts, Risk};

use crate::columns::{self, Mapping};
use crate::problem::Problem;
use crate::row::{Collector, Report};
use crate::{SCHEMA, object, official};

/// What pandas calls an index it stores.
const PANDAS_INDEX: &str = "__index_level_0__";

pub(super) fn sniff(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PAR1")
}

pub(super) fn read(bytes: &[u8], collector: &mut Collector) {
    // On some damaged pages the library panics where it could return an error. Whatever was gathered until then
    // stays valid, and the problem below makes sure that no instance of such a file is used.
    let outcome = catch_unwind(AssertUnwindSafe(|| read_file(bytes, collector)));
    let failure = match outcome {
        Ok(Ok(())) => return,
        Ok(Err(error)) => told(&error),
        Err(_) => "its pages are damaged".to_owned(),
    };
    let message = format!("not a readable Parquet file: {failure}");
    collector
        .problems
        .push(Problem::of_file(message, "write the file again; it may be cut off or not be Parquet"));
}

fn read_file(bytes: &[u8], collector: &mut Collector) -> Result<(), ParquetError> {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes))?;
    let schema = reader.metadata().file_metadata().schema();
    let names = schema.get_fields().iter().map(|field| field.name().to_owned());
    let names: Vec<String> = names.filter(|name| name != PANDAS_INDEX).collect();
    let is_official = ["risk_summary", "dataset_name", "label"].iter().any(|o| names.iter().any(|n| n == o));
    let (required, optional): (&[_], &[_]) =
        if is_official { (&official::COLUMNS, &[]) } else { (&object::REQUIRED, &object::OPTIONAL) };
    let mapping = columns::map(&names, required, optional, None, &mut collector.problems);
    let Some(mapping) = mapping else { return Ok(()) };
    let mut line = 0;
    for group in 0..reader.num_row_groups() {
        let expected = reader.metadata().row_group(group).num_rows();
        let rows = reader.get_row_group(group);
        let rows = rows
            .as_ref()
            .map_err(told)
            .and_then(|group| RowIter::from_row_group(None, group.as_ref()).map_err(|error| told(&error)));
        let end = line + u64::try_from(expected).unwrap_or(0);
        let broken = match rows {
            Ok(rows) => read_rows(rows, &mapping, is_official, &mut line, collector),
            Err(error) => Some(error),
        };
        if let Some(error) = broken {
            let message = format!("the row cannot be read, nor those after it up to row {end}: {error}");
            collector.broken(line + 1, message, "texts are strings in UTF-8; write the file again");
        }
        line = end;
    }
    Ok(())
}

/// Reads the rows of one row group; after an error the columns are out of step, so it ends there.
fn read_rows(
    rows: RowIter<'_>,
    mapping: &Mapping,
    is_official: bool,
    line: &mut u64,
    collector: &mut Collector,
) -> Option<String> {
    for row in rows {
        let row = match row {
            Ok(row) => row,
            Err(error) => return Some(told(&error)),
        };
        *line += 1;
        let mut report = Report::default();
        let mut map = named(row, mapping);
        if is_official {
            let cells = |name: &'static str, report: &mut Report| object::string(&mut map, "", name, report);
            let draft = official::draft(cells, &mut report);
            collector.push(*line, draft, &official::NAMES, report);
        } else {
            let draft = object::draft(map, &mut report);
            collector.push(*line, draft, &object::NAMES, report);
        }
    }
    None
}

/// The library's message without the bytes it may quote, which may be those of a query.
fn told(error: &ParquetError) -> String {
    let text = error.to_string();
    excerpt(text.split(" Bytes:").next().unwrap_or_default(), 120)
}

/// The row as an object with the names expected.
fn named(row: Row, mapping: &Mapping) -> Map<String, Value> {
    let columns = row.into_columns().into_iter().filter(|(name, _)| name != PANDAS_INDEX).zip(mapping);
    columns.filter_map(|((_, field), name)| Some(((*name)?.to_owned(), value(field)))).collect()
}

/// A field as JSON. Nulls inside groups are left out, as unset members are.
fn value(field: Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Str(text) => Value::String(text),
        // A binary column without annotation is how older writers store strings.
        Field::Bytes(bytes) => bytes
            .as_utf8()
            .map_or_else(|_| Value::from(bytes.data().to_vec()), |text| Value::String(text.to_owned())),
        Field::Bool(flag) => Value::Bool(flag),
        Field::Group(row) => {
            row.into_columns().into_iter().map(|(name, field)| (name, value(field))).collect()
        }
        Field::ListInternal(list) => list.elements().iter().cloned().map(value).collect(),
        // No member is numeric or a map: the kind alone is reported.
        Field::MapInternal(_) => Value::Object(Map::new()),
        _ => Value::from(0),
    }
}

const MESSAGE: &str = "message instance {
    required binary schema (STRING);
    required binary id (STRING);
    required binary scenario (STRING);
    required binary query (STRING);
    required binary rationale (STRING);
    required group risks (LIST) { repeated group list { required group element {
        required binary category (STRING);
        required binary subcategory (STRING);
        optional binary rationale (STRING);
    } } }
    optional group parts {
        required binary risky (STRING);
        required binary harmless (STRING);
    }
}";

/// Bounds the writer's memory.
const ROWS_PER_GROUP: usize = 10_000;

pub(super) fn write(instances: &[Arc<Instance>], writer: &mut (dyn Write + Send)) -> io::Result<()> {
    write_file(instances, writer).map_err(|error| match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(inner) => io::Error::other(inner),
        },
        error => io::Error::other(error),
    })
}

fn write_file(instances: &[Arc<Instance>], writer: &mut (dyn Write + Send)) -> Result<(), ParquetError> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let schema = Arc::new(parse_message_type(MESSAGE)?);
    let mut file = SerializedFileWriter::new(writer, schema, Arc::new(properties))?;
    for chunk in instances.chunks(ROWS_PER_GROUP) {
        let mut group = file.next_row_group()?;
        column(&mut group, chunk.iter().map(|_| Leaf::required(SCHEMA)))?;
        column(&mut group, chunk.iter().map(|i| Leaf::required(&i.id)))?;
        column(&mut group, chunk.iter().map(|i| Leaf::required(i.scenario.name())))?;
        column(&mut group, chunk.iter().map(|i| Leaf::required(&i.query)))?;
        column(&mut group, chunk.iter().map(|i| Leaf::required(&i.rationale)))?;
        column(&mut group, chunk.iter().flat_map(|i| listed(&i.risks, |r| Some(r.category.name()), 1)))?;
        column(&mut group, chunk.iter().flat_map(|i| listed(&i.risks, |r| Some(r.subcategory.name()), 1)))?;
        column(&mut group, chunk.iter().flat_map(|i| listed(&i.risks, |r| r.rationale.as_deref(), 2)))?;
        column(&mut group, chunk.iter().map(|i| part(i, |p| &p.risky)))?;
        column(&mut group, chunk.iter().map(|i| part(i, |p| &p.harmless)))?;
        group.close()?;
    }
    file.close()?;
    Ok(())
}

/// One entry of a leaf column, with its Dremel levels.
struct Leaf<'a> {
    text: Option<&'a str>,
    definition: i16,
    repetition: i16,
}

impl<'a> Leaf<'a> {
    const fn required(text: &'a str) -> Self {
        Self { text: Some(text), definition: 0, repetition: 0 }
    }
}

/// The entries of one member of the risks; `present` is the definition level of a value, one less that of a null.
fn listed<'a>(
    risks: &'a [Risk],
    member: impl Fn(&'a Risk) -> Option<&'a str>,
    present: i16,
) -> impl Iterator<Item = Leaf<'a>> {
    let absent = risks.is_empty().then_some(Leaf { text: None, definition: 0, repetition: 0 });
    let entries = risks.iter().enumerate().map(move |(i, risk)| {
        let text = member(risk);
        Leaf { text, definition: present - i16::from(text.is_none()), repetition: i16::from(i > 0) }
    });
    absent.into_iter().chain(entries)
}

fn part<'a>(instance: &'a Instance, member: impl Fn(&'a OsParts) -> &'a str) -> Leaf<'a> {
    let text = instance.parts.as_ref().map(member);
    Leaf { text, definition: i16::from(text.is_some()), repetition: 0 }
}

fn column<'a, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    leaves: impl Iterator<Item = Leaf<'a>>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("more columns than the schema has".to_owned()));
    };
    let (mut texts, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
    for leaf in leaves {
        texts.extend(leaf.text.map(ByteArray::from));
        definitions.push(leaf.definition);
        repetitions.push(leaf.repetition);
    }
    column.typed::<ByteArrayType>().write_batch(&texts, Some(&definitions), Some(&repetitions))?;
    column.close()
}
