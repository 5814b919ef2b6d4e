//! Connections for reading, beside the writer: opened when needed, a few kept.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::{LedgerError, connect};

/// Idle connections kept.
const KEPT: usize = 4;

pub(crate) struct Pool {
    path: PathBuf,
    immutable: bool,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(crate) fn new(path: PathBuf, immutable: bool) -> Self {
        Self { path, immutable, idle: Mutex::new(Vec::new()) }
    }

    /// Runs `read` in one read transaction: everything it sees is of one moment.
    pub(crate) fn read<T, E: From<LedgerError>>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match kept {
            Some(conn) => conn,
            None => connect::reader(&self.path, self.immutable)?,
        };
        let tx = conn.unchecked_transaction().map_err(LedgerError::from)?;
        let found = read(&tx)?;
        tx.commit().map_err(LedgerError::from)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(conn);
        }
        Ok(found)
    }

    /// Closes the idle connections, so that the writer is the last and tidies the log away.
    pub(crate) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
