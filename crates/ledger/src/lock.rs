//! One process a run: an advisory lock on a file beside the store, which the system frees however its holder ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};

use undersight_core::Digest;

use crate::{Ledger, LedgerError, location, writer};

/// The right to write a run, until dropped. The file stays: removing it could hand the right to two.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl Ledger {
    /// Takes the right to write a run.
    ///
    /// # Errors
    /// When another process (or another part of this one) has it, or the lock's file cannot be written.
    pub fn lock_run(&self, run: Digest) -> Result<RunLock, LedgerError> {
        self.inner.jobs()?;
        let failed =
            |e: std::io::Error| LedgerError::Io { detail: format!("{}.locks: {e}", self.path().display()) };
        // One store has one place for locks, by whatever links it is reached.
        let dir = location::beside(&fs::canonicalize(self.path()).map_err(failed)?, ".locks");
        fs::create_dir_all(&dir).map_err(failed)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(dir.join(format!("{run}.lock")))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                let told = format!("{} {}\n", std::process::id(), writer::now());
                file.set_len(0).and_then(|()| file.write_all(told.as_bytes())).map_err(failed)?;
                Ok(RunLock { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                // Its holder may not have stored the run yet.
                let name = self.run(run).map_or_else(|_| run.short(), |run| run.name);
                Err(LedgerError::Locked { run: name, holder: holder(&mut file, writer::now()) })
            }
            Err(TryLockError::Error(e)) => Err(failed(e)),
        }
    }
}

/// Who holds a lock, from what the holder wrote: `process 123 for 4 min`.
fn holder(file: &mut File, now: i64) -> String {
    let mut told = String::new();
    let read = file.rewind().and_then(|()| file.take(64).read_to_string(&mut told));
    let mut words = told.split_whitespace();
    match (read, words.next().map(str::parse::<u32>), words.next().map(str::parse::<i64>)) {
        (Ok(_), Some(Ok(process)), Some(Ok(since))) => {
            let seconds = now.saturating_sub(since).max(0) / 1_000_000;
            match seconds {
                0..120 => format!("process {process} for {seconds} s"),
                120..7200 => format!("process {process} for {} min", seconds / 60),
                _ => format!("process {process} for {} h", seconds / 3600),
            }
        }
        _ => "another process".to_owned(),
    }
}
