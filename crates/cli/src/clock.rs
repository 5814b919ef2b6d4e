//! The wall clock, and how a time is written for people.

use undersight_core::Micros;

/// Now.
pub(crate) fn now() -> Micros {
    Micros(jiff::Timestamp::now().as_microsecond())
}

/// `2026-01-31 12:34:56`, UTC.
pub(crate) fn utc(at: Micros) -> String {
    jiff::Timestamp::from_microsecond(at.0)
        .map_or_else(|_| "-".to_owned(), |t| t.strftime("%F %T").to_string())
}

/// `2026-01-31`, UTC.
pub(crate) fn today() -> String {
    utc(now()).chars().take(10).collect()
}
