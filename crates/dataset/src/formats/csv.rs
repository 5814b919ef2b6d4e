//! CSV with the official columns: cells may span lines, quotes are RFC 4180, nothing in a cell is normalised.

use std::io::{self, Write};
use std::sync::Arc;

use csv::{ByteRecord, ReaderBuilder};
use undersight_core::Instance;

use crate::columns::{self, Mapping};
use crate::official;
use crate::row::{Collector, Given, Report};

/// A first line that names at least two of the official columns.
pub(super) fn sniff(bytes: &[u8]) -> bool {
    let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let cells = first.split(|b| *b == b',').map(<[u8]>::trim_ascii);
    cells.filter(|cell| official::COLUMNS.iter().any(|c| c.as_bytes() == *cell)).count() >= 2
}

pub(super) fn read(bytes: &[u8], collector: &mut Collector) {
    let mut records = Records::new(bytes);
    let Some((line, header, _)) = records.next() else { return };
    let names: Vec<String> =
        header.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_owned()).collect();
    let mapping = columns::map(&names, &official::COLUMNS, &[], Some(line), &mut collector.problems);
    let Some(mapping) = mapping else { return };
    for (line, record, raw) in records {
        match quoting(raw) {
            Quoting::Open => collector.broken(
                line,
                "a quoted cell is never closed",
                "close the quote; a quote inside a quoted cell is written twice",
            ),
            Quoting::Stray => collector.broken(
                line,
                "text after a closing quote",
                "a quote inside a quoted cell is written twice",
            ),
            Quoting::Sound if record.len() != mapping.len() => collector.broken(
                line,
                format!("expected {} cells, found {}", mapping.len(), record.len()),
                "put cells that hold commas or line breaks in quotes",
            ),
            Quoting::Sound => {
                let mut report = Report::default();
                let cells = |name: &'static str, report: &mut Report| cell(&record, &mapping, name, report);
                let draft = official::draft(cells, &mut report);
                collector.push(line, draft, &official::NAMES, report);
            }
        }
    }
}

fn cell(record: &ByteRecord, mapping: &Mapping, name: &'static str, report: &mut Report) -> Given<String> {
    let index = mapping.iter().position(|column| *column == Some(name));
    match index.and_then(|i| record.get(i)).map(std::str::from_utf8) {
        None => Given::Absent,
        Some(Ok(text)) => Given::Value(text.to_owned()),
        Some(Err(error)) => {
            let message = format!("not valid UTF-8 (byte {} of the cell)", error.valid_up_to() + 1);
            report.add(name, message, "save the file as UTF-8");
            Given::Unreadable
        }
    }
}

/// Records with the physical line each starts on and its raw bytes.
struct Records<'a> {
    bytes: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    line: u64,
    counted: usize,
}

impl<'a> Records<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        Self { bytes, reader, line: 1, counted: 0 }
    }

    fn offset(&self) -> usize {
        usize::try_from(self.reader.position().byte()).map_or(self.bytes.len(), |at| at.min(self.bytes.len()))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (u64, ByteRecord, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut start = self.offset();
        let mut record = ByteRecord::new();
        // Reading bytes from memory in flexible mode has no way to fail.
        self.reader.read_byte_record(&mut record).ok().filter(|more| *more)?;
        let end = self.offset();
        // The reader leaves the line feed of a CRLF, and blank lines, to the following record.
        while start < end && matches!(self.bytes[start], b'\r' | b'\n') {
            start += 1;
        }
        let breaks = self.bytes[self.counted..start].iter().filter(|b| **b == b'\n').count();
        self.line += breaks as u64;
        self.counted = start;
        Some((self.line, record, &self.bytes[start..end]))
    }
}

#[derive(PartialEq)]
enum Quoting {
    Sound,
    Open,
    Stray,
}

/// The csv crate reads any quoting somehow; here is whether it was meant.
fn quoting(raw: &[u8]) -> Quoting {
    enum At {
        Start,
        Bare,
        Quoted,
        Closed,
    }
    let mut at = At::Start;
    for byte in raw {
        at = match (at, byte) {
            (At::Start, b'"') | (At::Closed, b'"') => At::Quoted,
            (At::Quoted, b'"') => At::Closed,
            (At::Quoted, _) => At::Quoted,
            (At::Start | At::Bare | At::Closed, b',' | b'\r' | b'\n') => At::Start,
            (At::Closed, _) => return Quoting::Stray,
            (At::Start | At::Bare, _) => At::Bare,
        };
    }
    if matches!(at, At::Quoted) { Quoting::Open } else { Quoting::Sound }
}

pub(super) fn write(instances: &[Arc<Instance>], writer: &mut (dyn Write + Send)) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(writer);
    writer.write_record(official::COLUMNS).map_err(unwrapped)?;
    for instance in instances {
        writer.write_record(official::cells(instance)).map_err(unwrapped)?;
    }
    writer.flush()
}

/// The writer's own error, whose kind decides the hint.
fn unwrapped(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}
