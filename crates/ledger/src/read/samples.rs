//! Samples: which are settled, and one whole.

use std::collections::{HashMap, HashSet};

use undersight_core::{Digest, Extraction, ModelName, NanoUsd, Provenance, Sample, SampleKey, SampleStatus};

use super::Columns;
use crate::append::finish_from;
use crate::{Ledger, LedgerError};

/// How much of a record to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Detail {
    /// Everything but the raw exchange, which is then empty.
    Light,
    /// Everything.
    Whole,
}

impl Detail {
    /// The column of the raw exchange, or nothing in its place.
    pub(crate) const fn raw(self) -> &'static str {
        match self {
            Self::Light => "NULL",
            Self::Whole => "raw",
        }
    }
}

impl Ledger {
    /// The settled samples of an arm, and how they ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn stored_samples(&self, arm: Digest) -> Result<HashMap<SampleKey, SampleStatus>, LedgerError> {
        self.read(|conn| {
            let mut query = conn
                .prepare_cached("SELECT key, status FROM sample WHERE arm = ?1 AND current AND terminal")?;
            let rows = query.query_map([arm.as_bytes()], |row| {
                let mut c = Columns::of(row);
                Ok((c.digest()?, c.named(SampleStatus::parse)?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Whether any sample of an arm has a trace that can be read.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn has_trace(&self, arm: Digest) -> Result<bool, LedgerError> {
        self.read(|conn| {
            let mut query =
                conn.prepare_cached("SELECT DISTINCT provenance FROM sample WHERE arm = ?1 AND terminal")?;
            let found = query.query_map([arm.as_bytes()], |row| Columns::of(row).named(Provenance::parse))?;
            Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().any(Provenance::readable))
        })
    }

    /// The samples of an arm of which there is nothing but errors.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn failed_samples(&self, arm: Digest) -> Result<HashSet<SampleKey>, LedgerError> {
        self.read(|conn| {
            let mut query =
                conn.prepare_cached("SELECT key FROM sample WHERE arm = ?1 AND current AND NOT terminal")?;
            let rows = query.query_map([arm.as_bytes()], |row| Columns::of(row).digest())?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The attempt that counts for a key, whole, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn sample(&self, key: SampleKey) -> Result<Option<Sample>, LedgerError> {
        Ok(self.attempts(key, Detail::Whole, "AND s.current")?.pop())
    }

    /// As [`Ledger::sample`], with an empty raw exchange, which is the larger part to read.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn sample_without_raw(&self, key: SampleKey) -> Result<Option<Sample>, LedgerError> {
        Ok(self.attempts(key, Detail::Light, "AND s.current")?.pop())
    }

    /// Every attempt of a key, whole, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn sample_attempts(&self, key: SampleKey) -> Result<Vec<Sample>, LedgerError> {
        self.attempts(key, Detail::Whole, "")
    }

    fn attempts(&self, key: SampleKey, detail: Detail, which: &str) -> Result<Vec<Sample>, LedgerError> {
        self.read(|conn| {
            let columns = columns(detail);
            let mut query = conn.prepare_cached(&format!(
                "SELECT {columns} FROM sample s WHERE s.key = ?1 {which} ORDER BY s.attempt"
            ))?;
            let rows = query.query_map([key.as_bytes()], |row| sample(&mut Columns::of(row)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// What [`sample`] reads, from a sample called `s`.
pub(crate) fn columns(detail: Detail) -> String {
    format!(
        "s.key, s.arm, s.messages, s.idx, s.status, s.provenance, s.cost, s.sim_truth, s.finish, s.started,
         s.first_byte_us, s.total_us, s.tokens_input, s.tokens_output, s.tokens_reasoning, s.tokens_cached,
         s.price_version, s.requested_model, s.returned_model, s.fingerprint, s.url, s.request_id, s.request_seed,
         s.cause, s.retries, s.spans, s.parts, {}",
        detail.raw()
    )
}

pub(crate) fn sample(c: &mut Columns<'_>) -> rusqlite::Result<Sample> {
    let (key, arm, messages, index) = (c.digest()?, c.digest()?, c.digest()?, c.get()?);
    let status = c.named(SampleStatus::parse)?;
    let provenance = c.named(Provenance::parse)?;
    let cost: Option<NanoUsd> = c.money()?;
    Ok(Sample {
        key,
        arm,
        messages,
        index,
        status,
        cost,
        sim_truth: c.maybe_json()?,
        finish: c.named(finish_from)?,
        timing: c.timing()?,
        usage: c.usage()?,
        price_version: c.get()?,
        requested_model: c.named(|name| ModelName::parse(name).ok())?,
        returned_model: c.get()?,
        fingerprint: c.get()?,
        url: c.get()?,
        request_id: c.get()?,
        request_seed: c.get::<Option<i64>>()?.map(i64::cast_unsigned),
        cause: c.maybe_json()?,
        retries: c.maybe_json()?.unwrap_or_default(),
        extraction: {
            let spans = c.json()?;
            Extraction { spans, parts: c.json()?, provenance }
        },
        raw: c.raw()?,
    })
}
