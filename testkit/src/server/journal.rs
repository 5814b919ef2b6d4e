//! The record of every request, written before the reply: what the client believes can be held against it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use undersight_core::Digest;

use super::Config;

/// What a request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A chat completion.
    Generate,
    /// A chat completion with a JSON schema: a verdict.
    Judge,
    /// The list of models.
    Models,
    /// Anything else, unreadable chat requests included.
    Other,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Order of arrival, from 0.
    pub n: u64,
    /// The path asked for.
    pub path: String,
    /// What it asked for.
    pub kind: Kind,
    /// SHA-256 of the request body.
    pub sha: Digest,
    /// The model asked for, where it could be read.
    pub model: Option<String>,
    /// The body, where the configuration keeps it; never in a journal file.
    #[serde(default, skip)]
    pub body: Option<String>,
    /// HTTP status about to be sent; 0 for none at all.
    pub status: u16,
    /// Microseconds since the Unix epoch.
    pub t_us: i64,
}

/// Collects entries in memory, in a file, or both.
#[derive(Debug)]
pub(super) struct Journal {
    counts: [AtomicU64; 4],
    keep: bool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    entries: Vec<Entry>,
    file: Option<File>,
    line: Vec<u8>,
}

impl Journal {
    pub(super) fn open(config: &Config) -> io::Result<Self> {
        let file = match &config.journal_file {
            Some(path) => Some(OpenOptions::new().create(true).append(true).open(path)?),
            None => None,
        };
        let inner = Inner { file, ..Inner::default() };
        Ok(Self { counts: Default::default(), keep: config.keep_journal, inner: Mutex::new(inner) })
    }

    /// Numbers the entry and keeps it. A line reaches the file in one write, so it survives the death of this process.
    pub(super) fn append(&self, mut entry: Entry) {
        self.counts[entry.kind as usize].fetch_add(1, Ordering::Relaxed);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner { next, entries, file, line } = &mut *inner;
        entry.n = *next;
        *next += 1;
        if let Some(file) = file {
            line.clear();
            serde_json::to_writer(&mut *line, &entry).expect("an entry serialises");
            line.push(b'\n');
            file.write_all(line).expect("the journal file takes a line");
        }
        if self.keep {
            entries.push(entry);
        }
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).entries.clone()
    }

    pub(super) fn count(&self, kind: Kind) -> u64 {
        self.counts[kind as usize].load(Ordering::Relaxed)
    }
}

/// Reads a journal file back.
///
/// # Errors
/// When it cannot be read, or a line is not an entry.
pub fn read_journal(path: &Path) -> io::Result<Vec<Entry>> {
    std::fs::read_to_string(path)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
