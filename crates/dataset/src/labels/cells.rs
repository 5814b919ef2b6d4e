//! Cells of files of labels: points in time, and texts no spreadsheet takes for formulas.

use std::borrow::Cow;

use jiff::Timestamp;
use undersight_core::Micros;
use undersight_core::text::starts_formula;

/// Whole numbers nearer to 1970 than this (1973) are taken for a slip: a year, or a spreadsheet's count of days.
const FEWEST_MICROS: u64 = 100_000_000_000_000;

pub(super) const TIME_HINT: &str = "write 2026-01-31T12:00:00Z, or whole microseconds since 1970";

/// A point in time, in RFC 3339 with any offset or in microseconds since 1970.
pub(super) fn time(text: &str) -> Option<Micros> {
    if let Ok(micros) = text.parse::<i64>() {
        return (micros.unsigned_abs() >= FEWEST_MICROS).then_some(Micros(micros));
    }
    text.parse::<Timestamp>().ok().map(|time| Micros(time.as_microsecond()))
}

/// What [`time`] reads back: RFC 3339 in UTC, microseconds only where the calendar ends.
pub(super) fn written(time: Micros) -> String {
    Timestamp::from_microsecond(time.0).map_or_else(|_| time.0.to_string(), |time| time.to_string())
}

/// A text as a CSV cell that starts no formula: a `'` goes before what would, and before what already has one.
pub(super) fn guarded(text: &str) -> Cow<'_, str> {
    if starts_formula(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text of such a cell.
pub(super) fn unguarded(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if starts_formula(text.trim_start_matches('\'')) => text,
        _ => cell,
    }
}
