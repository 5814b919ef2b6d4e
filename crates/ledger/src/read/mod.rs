//! Reading, one file a question; here what they share: columns taken in order and read into our types.

pub(crate) mod asked;
pub(crate) mod export;
pub(crate) mod judgements;
pub(crate) mod list;
pub(crate) mod outcomes;
pub(crate) mod runs;
pub(crate) mod samples;
pub(crate) mod spend;
pub(crate) mod tallies;

use rusqlite::types::{FromSql, Type};
use rusqlite::{Error, Row};
use serde::de::DeserializeOwned;
use undersight_core::{Digest, NanoUsd, RawExchange, Timing, Usage};

/// Reads the columns of a row one after the other.
pub(crate) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(crate) fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    pub(crate) fn get<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let at = self.next;
        self.next += 1;
        self.row.get(at)
    }

    pub(crate) fn digest(&mut self) -> rusqlite::Result<Digest> {
        self.get().map(Digest::from_bytes)
    }

    pub(crate) fn maybe_digest(&mut self) -> rusqlite::Result<Option<Digest>> {
        Ok(self.get::<Option<_>>()?.map(Digest::from_bytes))
    }

    /// A name, through the type's own reader.
    pub(crate) fn named<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> rusqlite::Result<T> {
        let found = self.maybe_named(read)?;
        found.ok_or_else(|| self.unreadable("a name is missing".to_owned()))
    }

    pub(crate) fn maybe_named<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> rusqlite::Result<Option<T>> {
        let at = self.next;
        self.next += 1;
        match self.row.get_ref(at)?.as_str_or_null() {
            Ok(None) => Ok(None),
            Ok(Some(text)) => {
                read(text).map(Some).ok_or_else(|| self.unreadable(format!("unknown name {text:?}")))
            }
            Err(e) => Err(self.unreadable(e.to_string())),
        }
    }

    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> rusqlite::Result<T> {
        let found = self.maybe_json()?;
        found.ok_or_else(|| self.unreadable("a value is missing".to_owned()))
    }

    pub(crate) fn maybe_json<T: DeserializeOwned>(&mut self) -> rusqlite::Result<Option<T>> {
        let at = self.next;
        self.next += 1;
        match self.row.get_ref(at)?.as_str_or_null() {
            Ok(None) => Ok(None),
            Ok(Some(text)) => {
                serde_json::from_str(text).map(Some).map_err(|e| self.unreadable(e.to_string()))
            }
            Err(e) => Err(self.unreadable(e.to_string())),
        }
    }

    pub(crate) fn usage(&mut self) -> rusqlite::Result<Usage> {
        let mut count = || self.get::<Option<i64>>().map(|n| n.map(i64::cast_unsigned));
        Ok(Usage { input: count()?, output: count()?, reasoning: count()?, cached: count()? })
    }

    pub(crate) fn timing(&mut self) -> rusqlite::Result<Timing> {
        Ok(Timing {
            started: undersight_core::Micros(self.get()?),
            first_byte_us: self.get()?,
            total_us: self.get()?,
        })
    }

    pub(crate) fn money(&mut self) -> rusqlite::Result<Option<NanoUsd>> {
        Ok(self.get::<Option<_>>()?.map(NanoUsd))
    }

    /// What [`crate::append`] packed.
    pub(crate) fn raw(&mut self) -> rusqlite::Result<RawExchange> {
        let Some(packed) = self.get::<Option<Vec<u8>>>()? else { return Ok(RawExchange::default()) };
        let mut plain = zstd::decode_all(packed.as_slice()).map_err(|e| self.unreadable(e.to_string()))?;
        let split = plain
            .first_chunk()
            .and_then(|length| usize::try_from(u32::from_le_bytes(*length)).ok()?.checked_add(4))
            .filter(|end| *end <= plain.len())
            .ok_or_else(|| self.unreadable("cut off".to_owned()))?;
        let response = plain.split_off(split);
        plain.drain(..4);
        Ok(RawExchange { request: plain, response })
    }

    /// An error about the column just taken.
    fn unreadable(&self, what: String) -> Error {
        let at = self.next.saturating_sub(1);
        let column = self.row.as_ref().column_name(at).unwrap_or("?");
        Error::FromSqlConversionFailure(at, Type::Text, format!("column {column}: {what}").into())
    }
}
