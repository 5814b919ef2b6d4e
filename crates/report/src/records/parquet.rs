//! Parquet without Arrow: columns are gathered for a bounded number of rows and bytes, then written as a row group.

use std::io::{self, Write};
use std::marker::PhantomData;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

use super::{Kind, Records, Value};

/// A row group holds at most this many rows …
const ROWS: usize = 4096;
/// … or about this many bytes of text, whichever comes first.
const BYTES: usize = 8 << 20;

enum Cells {
    Bytes(Vec<ByteArray>),
    Ints(Vec<i64>),
    Bools(Vec<bool>),
}

struct Gathered {
    /// 1 where there is a value, 0 where there is none.
    levels: Vec<i16>,
    cells: Cells,
}

/// Writes rows of `K`.
pub(super) struct Writer<K: Records, W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Gathered>,
    rows: usize,
    bytes: usize,
    records: PhantomData<fn() -> K>,
}

fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(io) => *io,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

fn field(name: &str, kind: Kind) -> Result<Type, ParquetError> {
    let (physical, logical) = match kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        Kind::Int => (Physical::INT64, None),
        Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        Kind::Bool => (Physical::BOOLEAN, None),
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
}

fn gather<K: Records>() -> Vec<Gathered> {
    let cells = |kind| match kind {
        Kind::Text | Kind::Json => Cells::Bytes(Vec::new()),
        Kind::Int | Kind::Time => Cells::Ints(Vec::new()),
        Kind::Bool => Cells::Bools(Vec::new()),
    };
    K::COLUMNS.iter().map(|c| Gathered { levels: Vec::new(), cells: cells(c.kind) }).collect()
}

impl<K: Records, W: Write + Send> Writer<K, W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let fields: Result<Vec<_>, _> =
            K::COLUMNS.iter().map(|c| field(c.name, c.kind).map(Arc::new)).collect();
        let schema = fields
            .and_then(|fields| Type::group_type_builder("record").with_fields(fields).build())
            .map_err(io_error)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("undersight ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(vec![KeyValue::new(
                "undersight.schema".to_owned(),
                K::SCHEMA.to_owned(),
            )]))
            .build();
        let file =
            SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(io_error)?;
        Ok(Self { file, columns: gather::<K>(), rows: 0, bytes: 0, records: PhantomData })
    }

    pub(super) fn write<'a>(&mut self, row: &'a K::Row<'a>) -> io::Result<()> {
        for (gathered, column) in self.columns.iter_mut().zip(K::COLUMNS) {
            let value = (column.get)(row);
            let there = match (&mut gathered.cells, value) {
                (_, Value::Null) => false,
                (Cells::Bytes(cells), Value::Text(text)) => {
                    self.bytes += text.len();
                    cells.push(ByteArray::from(text.into_owned().into_bytes()));
                    true
                }
                (Cells::Bytes(cells), Value::Json(json)) => {
                    let text = json.to_string();
                    self.bytes += text.len();
                    cells.push(ByteArray::from(text.into_bytes()));
                    true
                }
                (Cells::Ints(cells), Value::Int(n)) => {
                    cells.push(n);
                    true
                }
                (Cells::Bools(cells), Value::Bool(b)) => {
                    cells.push(b);
                    true
                }
                _ => {
                    return Err(io::Error::other(format!(
                        "column {} got a value of another type",
                        column.name
                    )));
                }
            };
            gathered.levels.push(i16::from(there));
        }
        self.rows += 1;
        if self.rows >= ROWS || self.bytes >= BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let columns = std::mem::replace(&mut self.columns, gather::<K>());
        (self.rows, self.bytes) = (0, 0);
        let mut group = self.file.next_row_group().map_err(io_error)?;
        for Gathered { levels, cells } in &columns {
            match cells {
                Cells::Bytes(cells) => write_column::<ByteArrayType, W>(&mut group, cells, levels),
                Cells::Ints(cells) => write_column::<Int64Type, W>(&mut group, cells, levels),
                Cells::Bools(cells) => write_column::<BoolType, W>(&mut group, cells, levels),
            }
            .map_err(io_error)?;
        }
        group.close().map_err(io_error)?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        self.file.into_inner().map_err(io_error)
    }
}

fn write_column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    cells: &[T::T],
    levels: &[i16],
) -> Result<(), ParquetError> {
    if let Some(mut column) = group.next_column()? {
        column.typed::<T>().write_batch(cells, Some(levels), None)?;
        column.close()?;
    }
    Ok(())
}
