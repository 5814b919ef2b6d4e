//! A run's samples with their judgements, one after the other in bounded memory, for export.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};
use undersight_core::sample::sample_key;
use undersight_core::{CurrentInputs, Digest, Instance, Judgement, Sample};

use super::samples::columns;
use super::{Columns, judgements, runs, samples};
use crate::{Detail, Ledger, LedgerError};

/// A stored sample in its place in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSample {
    /// What was asked.
    pub instance: Arc<Instance>,
    /// The attempt that counts.
    pub sample: Sample,
    /// Its judgements that count, by every judge, made on the instance's current annotation; oldest first.
    pub judgements: Vec<Judgement>,
}

impl Ledger {
    /// Gives `each` the stored samples of a run in plan order: instances as in the dataset, then index below k. All are
    /// of one moment, whatever is written meanwhile.
    ///
    /// # Errors
    /// When there is no such run, the store cannot be read, or `each` fails.
    pub fn for_each_sample<E: From<LedgerError>>(
        &self,
        run: Digest,
        detail: Detail,
        mut each: impl FnMut(StoredSample) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read(|conn| {
            let arm = runs::load(conn, &run)?.arm.hash();
            let (places, k) = (places(conn, &run)?, runs::k(conn, &run)?);
            let mut query = conn
                .prepare_cached(&format!(
                    "SELECT {} FROM sample s WHERE s.key = ?1 AND s.current",
                    columns(detail)
                ))
                .map_err(LedgerError::from)?;
            for (instance, messages) in places {
                let instance = Arc::new(load(conn, &instance)?);
                let current = CurrentInputs::of(&instance);
                for index in 0..k {
                    let key = sample_key(&arm, &messages, index);
                    let found = query
                        .query_row([key.as_bytes()], |row| samples::sample(&mut Columns::of(row)))
                        .optional();
                    let Some(sample) = found.map_err(LedgerError::from)? else { continue };
                    let mut judgements = judgements::of_sample(conn, &sample.key, detail)?;
                    judgements.retain(|j| current.fit(j.task, &j.inputs));
                    each(StoredSample { instance: Arc::clone(&instance), sample, judgements })?;
                }
            }
            Ok(())
        })
    }
}

/// Instance and messages of each place, in order.
fn places(conn: &Connection, run: &Digest) -> Result<Vec<(Digest, Digest)>, LedgerError> {
    let mut query =
        conn.prepare("SELECT instance, messages FROM run_instance WHERE run = ?1 ORDER BY ord")?;
    let rows = query.query_map([run.as_bytes()], |row| {
        let mut c = Columns::of(row);
        Ok((c.digest()?, c.digest()?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn load(conn: &Connection, hash: &Digest) -> Result<Instance, LedgerError> {
    let mut query = conn.prepare_cached("SELECT json FROM instance WHERE hash = ?1")?;
    Ok(query.query_row([hash.as_bytes()], |row| Columns::of(row).json())?)
}
