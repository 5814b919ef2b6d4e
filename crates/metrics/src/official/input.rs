//! Judged files row by row: finds the five columns, checks every line, holds one row at a time.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use csv::ByteRecord;
use undersight_core::text::excerpt;

use super::error::JudgedError;

/// The columns the reference scorer reads, in the order of [`Row`].
pub(crate) const COLUMNS: [&str; 5] = ["model_name", "id", "dataset_name", "Safe_Ans_Check", "Thk_Acc_Judge"];

/// A judged file: where it came from and its bytes.
#[derive(Debug)]
pub struct JudgedFile<R> {
    /// For messages.
    pub name: String,
    /// The CSV.
    pub reader: R,
}

/// One row, its text exactly as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) line: u64,
    pub(crate) model: &'a str,
    pub(crate) id: &'a str,
    pub(crate) scenario: &'a str,
    pub(crate) safety: &'a str,
    pub(crate) thinking: &'a str,
}

/// How a stream ended, to tell a closed quote from one that swallowed the rest of the file.
#[derive(Default)]
struct Ending {
    /// The last byte that is not a line break.
    last: Cell<u8>,
    reached: Cell<bool>,
    /// The byte read last, and whether the first line ended in CRLF: then the reader is a line behind.
    before: Cell<u8>,
    crlf: Cell<Option<bool>>,
}

struct Tail<R> {
    inner: R,
    ending: Rc<Ending>,
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        if let Some(byte) = buffer[..n].iter().rev().find(|b| !matches!(b, b'\n' | b'\r')) {
            self.ending.last.set(*byte);
        }
        self.ending.reached.set(n == 0 && !buffer.is_empty());
        if self.ending.crlf.get().is_none()
            && let Some(at) = buffer[..n].iter().position(|b| *b == b'\n')
        {
            let before = at.checked_sub(1).map_or(self.ending.before.get(), |at| buffer[at]);
            self.ending.crlf.set(Some(before == b'\r'));
        }
        if let Some(last) = buffer[..n].last() {
            self.ending.before.set(*last);
        }
        Ok(n)
    }
}

/// The columns of a file.
pub(crate) struct Header {
    names: Vec<String>,
    at: [usize; 5],
}

impl Header {
    /// How many columns there are, the extra ones included.
    pub(crate) fn width(&self) -> usize {
        self.names.len()
    }

    fn find(file: &str, record: &ByteRecord) -> Result<Self, JudgedError> {
        let names: Vec<String> = record.iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect();
        let found = COLUMNS.map(|column| names.iter().position(|n| n == column));
        let missing: Vec<_> =
            COLUMNS.iter().zip(found).filter(|(_, at)| at.is_none()).map(|(c, _)| *c).collect();
        if missing.is_empty() {
            return Ok(Self { names, at: found.map(Option::unwrap_or_default) });
        }
        Err(JudgedError::Columns { file: file.to_owned(), missing, found: names })
    }

    fn name(&self, index: usize) -> String {
        self.names.get(index).or(self.names.last()).map(|n| excerpt(n, 60)).unwrap_or_default()
    }

    fn row<'a>(&self, file: &str, line: u64, record: &'a ByteRecord) -> Result<Row<'a>, JudgedError> {
        let mut fields = [""; 5];
        for ((field, at), name) in fields.iter_mut().zip(self.at).zip(COLUMNS) {
            *field = std::str::from_utf8(&record[at]).map_err(|_| JudgedError::Encoding {
                file: file.to_owned(),
                line,
                field: name,
            })?;
        }
        let [model, id, scenario, safety, thinking] = fields;
        Ok(Row { line, model, id, scenario, safety, thinking })
    }
}

/// Reads one file, giving each row to `on_row`. Lines of nothing but white space are passed over, as pandas does.
pub(crate) fn read_rows<R: Read>(
    file: JudgedFile<R>,
    mut on_row: impl FnMut(&str, &Header, Row<'_>) -> Result<(), JudgedError>,
) -> Result<(), JudgedError> {
    let JudgedFile { name, reader } = file;
    let ending = Rc::new(Ending::default());
    let tail = Tail { inner: reader, ending: Rc::clone(&ending) };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(1 << 16)
        .from_reader(tail);
    let mut record = ByteRecord::new();
    let mut header: Option<Header> = None;
    while reader.read_byte_record(&mut record).map_err(|e| read_error(&name, e))? {
        if record.len() == 1 && record[0].iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let behind = u64::from(header.is_some() && ending.crlf.get() == Some(true));
        let line = record.position().map_or(0, csv::Position::line) + behind;
        let Some(header) = &header else {
            header = Some(Header::find(&name, &record)?);
            continue;
        };
        if ending.reached.get()
            && ending.last.get() != b'"'
            && record.iter().next_back().is_some_and(|f| f.contains(&b'\n'))
        {
            let field = header.name(record.len() - 1);
            return Err(JudgedError::Unterminated { file: name, line, field });
        }
        if record.len() != header.width() {
            let (found, expected) = (record.len(), header.width());
            return Err(JudgedError::Broken { file: name, line, found, expected, field: header.name(found) });
        }
        on_row(&name, header, header.row(&name, line, &record)?)?;
    }
    if header.is_none() {
        return Err(JudgedError::Columns { file: name, missing: COLUMNS.to_vec(), found: Vec::new() });
    }
    Ok(())
}

fn read_error(file: &str, error: csv::Error) -> JudgedError {
    let source = match error.into_kind() {
        csv::ErrorKind::Io(source) => source,
        other => io::Error::new(io::ErrorKind::InvalidData, format!("{other:?}")),
    };
    JudgedError::Read { file: file.to_owned(), source }
}

/// What pandas reads as "nothing there" unless told otherwise.
pub(crate) fn is_missing(text: &str) -> bool {
    const WORDS: [&str; 19] = [
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
        "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
    ];
    text.len() <= 8 && WORDS.contains(&text)
}

/// What pandas reads as a boolean when a whole chunk of a column looks like one.
pub(crate) fn is_boolean(text: &str) -> bool {
    matches!(text, "True" | "TRUE" | "true" | "False" | "FALSE" | "false")
}
