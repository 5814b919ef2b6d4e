//! Batches that were handed to a provider: kept so that none of their requests is handed in again after a kill.
//!
//! The tables are made with the first batch, beside the numbered formats: nothing else refers to them, and a program
//! that does not know them reads and writes the store as before. At worst it pays for what a batch would have brought.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use undersight_core::{Batch, BatchEnd, Digest, Micros};

use crate::read::Columns;
use crate::{Ledger, LedgerError};

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS batch (
    id          INTEGER PRIMARY KEY,
    nonce       TEXT NOT NULL UNIQUE,
    url         TEXT NOT NULL,
    provider_id TEXT,
    items       INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    ended       TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS batch_item (
    tag   BLOB NOT NULL CHECK (length(tag) = 32),
    batch INTEGER NOT NULL REFERENCES batch (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, batch)
) STRICT, WITHOUT ROWID;";

const COLUMNS: &str = "nonce, url, provider_id, items, created, ended";

impl Ledger {
    /// Writes down that a batch with these requests is about to be sent. Blocks until it is durable.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_batch(&self, batch: &Batch, tags: &[Digest]) -> Result<(), LedgerError> {
        let (batch, tags) = (batch.clone(), tags.to_vec());
        self.write(move |conn| {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            tx.execute_batch(TABLES)?;
            tx.execute(
                "INSERT INTO batch (nonce, url, provider_id, items, created, ended) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    batch.nonce,
                    batch.url,
                    batch.provider_id,
                    batch.items,
                    batch.created.0,
                    batch.end.map(BatchEnd::name)
                ],
            )?;
            let id = tx.last_insert_rowid();
            {
                let mut insert = tx.prepare("INSERT OR IGNORE INTO batch_item (tag, batch) VALUES (?1, ?2)")?;
                for tag in &tags {
                    insert.execute(params![tag.as_bytes(), id])?;
                }
            }
            Ok(tx.commit()?)
        })
    }

    /// Writes down the provider's name of a batch. Blocks until it is durable.
    ///
    /// # Errors
    /// When there is no such batch, or it cannot be stored.
    pub fn name_batch(&self, nonce: &str, provider_id: &str) -> Result<(), LedgerError> {
        self.change_batch(nonce, "UPDATE batch SET provider_id = ?2 WHERE nonce = ?1", provider_id)
    }

    /// Writes down how a batch ended. Blocks until it is durable.
    ///
    /// # Errors
    /// When there is no such batch, or it cannot be stored.
    pub fn end_batch(&self, nonce: &str, end: BatchEnd) -> Result<(), LedgerError> {
        self.change_batch(nonce, "UPDATE batch SET ended = ?2 WHERE nonce = ?1", end.name())
    }

    fn change_batch(&self, nonce: &str, sql: &'static str, value: &str) -> Result<(), LedgerError> {
        let (nonce, value) = (nonce.to_owned(), value.to_owned());
        self.write(move |conn| match conn.execute(sql, params![nonce, value])? {
            0 => Err(LedgerError::Refused { detail: format!("there is no batch {nonce}") }),
            _ => Ok(()),
        })
    }

    /// All batches that were sent to an address, the latest last.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn batches(&self, url: &str) -> Result<Vec<Batch>, LedgerError> {
        self.read(|conn| {
            if !has_batches(conn)? {
                return Ok(Vec::new());
            }
            let sql = format!("SELECT {COLUMNS} FROM batch WHERE url = ?1 ORDER BY id");
            let mut query = conn.prepare_cached(&sql)?;
            let rows = query.query_map([url], |row| batch(&mut Columns::of(row)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Of these requests, those in a batch sent to an address that is not void, with the latest such batch.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn batches_of(&self, url: &str, tags: &[Digest]) -> Result<Vec<(Digest, Batch)>, LedgerError> {
        self.read(|conn| {
            if !has_batches(conn)? {
                return Ok(Vec::new());
            }
            let mut find = conn.prepare_cached(
                "SELECT max(batch.id) FROM batch_item JOIN batch ON batch.id = batch_item.batch
                 WHERE tag = ?1 AND url = ?2 AND ended IS NOT 'void'",
            )?;
            let mut read = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM batch WHERE id = ?1"))?;
            let mut known: HashMap<i64, Batch> = HashMap::new();
            let mut found = Vec::new();
            for tag in tags {
                let id: Option<i64> = find.query_row(params![tag.as_bytes(), url], |row| row.get(0))?;
                let Some(id) = id else { continue };
                let batch = match known.entry(id) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => {
                        new.insert(read.query_row([id], |row| batch(&mut Columns::of(row)))?)
                    }
                };
                found.push((*tag, batch.clone()));
            }
            Ok(found)
        })
    }
}

/// A store that never had one lacks the tables.
fn has_batches(conn: &Connection) -> Result<bool, LedgerError> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'batch_item'";
    Ok(conn.query_row(sql, [], |_| Ok(())).optional()?.is_some())
}

fn batch(c: &mut Columns<'_>) -> rusqlite::Result<Batch> {
    Ok(Batch {
        nonce: c.get()?,
        url: c.get()?,
        provider_id: c.get()?,
        items: c.get()?,
        created: Micros(c.get()?),
        end: c.maybe_named(BatchEnd::parse)?,
    })
}
