//! Tables of published figures from CSV: any subset of the known columns, every cell checked.

use std::io::{self, Read};

use csv::ByteRecord;
use undersight_core::GenParams;
use undersight_core::text::{excerpt, nearest};

use super::columns::{FIGURES, place, title};
use super::error::PublishedError;
use super::table::{Figure, PublishedRow, Table};
use crate::official::values::Column;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Model,
    Arm,
    K,
    SamplesInferred,
    TopK,
    TopP,
    Temperature,
    Figure(Column),
}

/// Columns that hold no figure.
const PLAIN: [(&str, Field); 7] = [
    ("model", Field::Model),
    ("arm", Field::Arm),
    ("k", Field::K),
    ("samples_inferred", Field::SamplesInferred),
    ("top_k", Field::TopK),
    ("top_p", Field::TopP),
    ("temperature", Field::Temperature),
];

/// All column names, in the order of [`PLAIN`] and [`FIGURES`].
pub(super) const NAMES: [&str; PLAIN.len() + FIGURES.len()] = {
    let mut names = [""; PLAIN.len() + FIGURES.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = if at < PLAIN.len() { PLAIN[at].0 } else { title(FIGURES[at - PLAIN.len()]) };
        at += 1;
    }
    names
};

impl Field {
    fn find(name: &str) -> Option<Self> {
        let at = NAMES.iter().position(|known| known.eq_ignore_ascii_case(name))?;
        Some(PLAIN.get(at).map_or_else(|| Self::Figure(FIGURES[at - PLAIN.len()]), |(_, field)| *field))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Figure(column) => title(column),
            plain => PLAIN.iter().find(|(_, field)| *field == plain).map_or("", |(name, _)| name),
        }
    }
}

/// Reads a table of published figures in percent. `model` and at least one figure are needed; any of `arm`, `k`,
/// `samples_inferred`, `top_k`, `top_p`, `temperature` and the [`title`]s of figures may be there, an empty cell being a
/// figure that was not published.
///
/// # Errors
/// When the file cannot be read, has an unknown, repeated or missing column, a broken line or a cell that is no number,
/// each with its line, its field and a hint. A number outside 0 to 100 is read: [`super::check`] reports it.
pub fn read(name: &str, mut reader: impl Read) -> Result<Table, PublishedError> {
    let mut bytes = Vec::new();
    reader
        .read_to_end(&mut bytes)
        .map_err(|source| PublishedError::Read { file: name.to_owned(), source })?;
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes.as_slice());
    let mut record = ByteRecord::new();
    let mut header: Option<Vec<Field>> = None;
    let mut rows = Vec::new();
    let mut line = 1;
    while reader.read_byte_record(&mut record).map_err(|e| read_error(name, e))? {
        line = record.position().map_or(0, |start| first_line(&bytes, start));
        if record.len() == 1 && record[0].iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let at = Place { file: name, line };
        match &header {
            None => header = Some(fields(at, &record)?),
            Some(header) => rows.push(row(at, header, &record)?),
        }
    }
    if rows.is_empty() {
        return Err(PublishedError::Empty { file: name.to_owned(), line, what: "no row" });
    }
    share_precision(&mut rows);
    Ok(Table { name: name.to_owned(), rows })
}

/// Where a record begins: its position is that of the blank lines before it.
fn first_line(bytes: &[u8], start: &csv::Position) -> u64 {
    let from = usize::try_from(start.byte()).unwrap_or(usize::MAX);
    let blank = bytes.get(from..).unwrap_or_default().iter().take_while(|b| matches!(b, b'\r' | b'\n'));
    start.line() + blank.map(|b| u64::from(*b == b'\n')).sum::<u64>()
}

/// Trailing zeros may have been dropped, so what one figure shows is what all were rounded to; F-scores aside, which may
/// be printed to another precision than shares.
fn share_precision(rows: &mut [PublishedRow]) {
    let f = place(Column::FScore);
    for is_f in [false, true] {
        let figures = || (0..FIGURES.len()).filter(move |at| (*at == f) == is_f);
        let most =
            rows.iter().flat_map(|r| figures().filter_map(|at| r.figures[at])).map(|v| v.decimals).max();
        for row in rows.iter_mut() {
            for at in figures() {
                if let (Some(figure), Some(most)) = (&mut row.figures[at], most) {
                    figure.decimals = most;
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a str,
    line: u64,
}

impl Place<'_> {
    fn value(self, field: &'static str, expected: &'static str, text: &str) -> PublishedError {
        PublishedError::Value {
            file: self.file.to_owned(),
            line: self.line,
            field,
            expected,
            value: excerpt(text, 60),
        }
    }

    fn text(self, bytes: &[u8], field: impl FnOnce() -> String) -> Result<&str, PublishedError> {
        std::str::from_utf8(bytes).map(str::trim).map_err(|_| PublishedError::Encoding {
            file: self.file.to_owned(),
            line: self.line,
            field: field(),
        })
    }
}

fn fields(at: Place<'_>, record: &ByteRecord) -> Result<Vec<Field>, PublishedError> {
    let (file, line) = (at.file.to_owned(), at.line);
    let mut fields = Vec::with_capacity(record.len());
    for (number, bytes) in record.iter().enumerate() {
        let text = at.text(bytes, || format!("{} of the header", number + 1))?;
        let Some(field) = Field::find(text) else {
            let near = nearest(text, NAMES);
            return Err(PublishedError::Column { file, line, field: excerpt(text, 60), near });
        };
        if fields.contains(&field) {
            return Err(PublishedError::Twice { file, line, field: field.name() });
        }
        fields.push(field);
    }
    if !fields.contains(&Field::Model) {
        return Err(PublishedError::Missing { file, line, field: "model" });
    }
    if !fields.iter().any(|field| matches!(field, Field::Figure(_))) {
        return Err(PublishedError::Missing { file, line, field: "figure" });
    }
    Ok(fields)
}

fn row(at: Place<'_>, header: &[Field], record: &ByteRecord) -> Result<PublishedRow, PublishedError> {
    if record.len() != header.len() {
        return Err(PublishedError::Broken {
            file: at.file.to_owned(),
            line: at.line,
            field: header.get(record.len()).or(header.last()).map_or("", |f| f.name()),
            found: record.len(),
            expected: header.len(),
        });
    }
    let mut row = PublishedRow {
        table: at.file.to_owned(),
        line: at.line,
        model: String::new(),
        arm: None,
        decoding: GenParams::default(),
        k: None,
        samples_inferred: None,
        figures: [None; FIGURES.len()],
    };
    for (field, bytes) in header.iter().zip(record) {
        let text = at.text(bytes, || field.name().to_owned())?;
        let count = || count(text).ok_or_else(|| at.value(field.name(), "a whole number above 0", text));
        let setting = || {
            let value = number(text).filter(|v| *v >= 0.0);
            value.ok_or_else(|| at.value(field.name(), "a number that is not negative", text))
        };
        match field {
            Field::Model if text.is_empty() => return Err(at.value("model", "a name", text)),
            Field::Model => row.model = excerpt(text, 200),
            _ if text.is_empty() => {}
            Field::Arm => row.arm = Some(excerpt(text, 200)),
            Field::K => row.k = Some(count()?),
            Field::SamplesInferred => row.samples_inferred = Some(count()?),
            Field::TopK => row.decoding.top_k = Some(count()?),
            Field::TopP => row.decoding.top_p = Some(setting()?),
            Field::Temperature => row.decoding.temperature = Some(setting()?),
            Field::Figure(column) => {
                let figure = figure(text).ok_or_else(|| at.value(title(*column), "a percentage", text))?;
                row.figures[place(*column)] = Some(figure);
            }
        }
    }
    if row.figures.iter().all(Option::is_none) {
        return Err(PublishedError::Empty {
            file: at.file.to_owned(),
            line: at.line,
            what: "a row without a figure",
        });
    }
    Ok(row)
}

fn count(text: &str) -> Option<u32> {
    text.parse().ok().filter(|n| *n > 0)
}

/// Digits, at most one point among them and a minus before; no exponent, because it would hide the precision.
fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.starts_with(|c: char| c.is_ascii_digit());
    text.parse().ok().filter(|value: &f64| plain && value.is_finite())
}

fn figure(text: &str) -> Option<Figure> {
    let decimals = text.split_once('.').map_or(0, |(_, behind)| behind.len());
    Some(Figure { value: number(text)?, decimals: u8::try_from(decimals).unwrap_or(u8::MAX) })
}

fn read_error(file: &str, error: csv::Error) -> PublishedError {
    let source = match error.into_kind() {
        csv::ErrorKind::Io(source) => source,
        other => io::Error::new(io::ErrorKind::InvalidData, format!("{other:?}")),
    };
    PublishedError::Read { file: file.to_owned(), source }
}
