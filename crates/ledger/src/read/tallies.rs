//! Counts across the records of a run: where its samples came from, and why calls failed.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use undersight_core::{CauseKind, Digest};

use super::{Columns, runs};
use crate::{Ledger, LedgerError};

/// Where an arm's settled samples came from, each with how many. More than one model or fingerprint means that
/// snapshots are mixed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origins {
    /// Where the requests went.
    pub urls: BTreeMap<String, u64>,
    /// The models that answered, as far as the provider said.
    pub returned_models: BTreeMap<String, u64>,
    /// Their fingerprints, as far as the provider said.
    pub fingerprints: BTreeMap<String, u64>,
}

/// Why records of a run have a cause of failure, counted over the attempts that count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failures {
    /// Of samples.
    pub samples: BTreeMap<CauseKind, u64>,
    /// Of judgements.
    pub judgements: BTreeMap<CauseKind, u64>,
}

impl Ledger {
    /// Where an arm's settled samples came from.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn origins(&self, arm: Digest) -> Result<Origins, LedgerError> {
        self.read(|conn| {
            let mut query = conn.prepare(
                "SELECT url, returned_model, fingerprint, count(*) FROM sample
                 WHERE arm = ?1 AND current AND terminal GROUP BY url, returned_model, fingerprint",
            )?;
            let mut rows = query.query([arm.as_bytes()])?;
            let mut origins = Origins::default();
            while let Some(row) = rows.next()? {
                let mut c = Columns::of(row);
                let (url, model, print): (Option<_>, Option<_>, Option<_>) = (c.get()?, c.get()?, c.get()?);
                let count = c.get::<i64>()?.cast_unsigned();
                for (name, counts) in [
                    (url, &mut origins.urls),
                    (model, &mut origins.returned_models),
                    (print, &mut origins.fingerprints),
                ] {
                    if let Some(name) = name {
                        *counts.entry(name).or_insert(0) += count;
                    }
                }
            }
            Ok(origins)
        })
    }

    /// Why samples of a run, and judgements of them (by one judge, or all), failed.
    ///
    /// # Errors
    /// When there is no such run, or the store cannot be read.
    pub fn failures(&self, run: Digest, judge: Option<Digest>) -> Result<Failures, LedgerError> {
        self.read(|conn| {
            let (run, judge) = (&run, judge.as_ref());
            let arm = runs::load(conn, run)?.arm.hash();
            Ok(Failures {
                samples: causes(conn, "s", "", run, &arm, None)?,
                judgements: causes(
                    conn,
                    "j",
                    "JOIN judgement j ON j.sample = s.key AND j.current",
                    run,
                    &arm,
                    judge,
                )?,
            })
        })
    }
}

fn causes(
    conn: &Connection,
    of: &str,
    join: &str,
    run: &Digest,
    arm: &Digest,
    judge: Option<&Digest>,
) -> Result<BTreeMap<CauseKind, u64>, LedgerError> {
    let judged = if judge.is_some() { "AND j.judge = ?4" } else { "AND ?4 IS NULL" };
    let mut query = conn.prepare(&format!(
        "SELECT {of}.cause_kind, count(*) FROM sample s {join}
         WHERE s.arm = ?2 AND s.idx < ?3 AND s.current
         AND s.messages IN (SELECT messages FROM run_instance WHERE run = ?1) AND {of}.cause_kind IS NOT NULL {judged} GROUP BY {of}.cause_kind"
    ))?;
    let k = runs::k(conn, run)?;
    let rows =
        query.query_map(params![run.as_bytes(), arm.as_bytes(), k, judge.map(Digest::as_bytes)], |row| {
            let mut c = Columns::of(row);
            Ok((c.named(CauseKind::parse)?, c.get::<i64>()?.cast_unsigned()))
        })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
