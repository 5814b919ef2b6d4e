//! The crash-safe store of samples and judgements, between the engine that makes them and everything that reads them:
//! one SQLite file, one writing thread with group commit, reads on connections of their own.
//!
//! Appending is `async` and resolves when the record is durable. Planning, deleting and reading are plain functions that
//! block briefly; from async code call them where that is fine, or through `spawn_blocking`.

mod append;
mod batches;
mod connect;
mod delete;
mod error;
mod location;
mod lock;
mod plan;
mod pool;
mod read;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};
use undersight_core::{Judgement, Sample};

pub use connect::FORMAT;
pub use error::LedgerError;
pub use lock::RunLock;
pub use read::export::StoredSample;
pub use read::list::RunSummary;
pub use read::runs::Planned;
pub use read::samples::Detail;
pub use read::spend::{Spend, Tally};
pub use read::tallies::{Failures, Origins};

use pool::Pool;
use writer::{Job, Waiting};

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Reading and writing; created when nothing is there.
    Create,
    /// Reading and writing; must be there.
    Existing,
    /// Reading; must be there, and is not changed.
    ReadOnly,
}

/// Something to be kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A generation.
    Sample(Arc<Sample>),
    /// A verdict.
    Judgement(Box<Judgement>),
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is durable.
    Stored,
    /// Its key was settled already, durably; this one was not kept.
    Duplicate,
}

/// An open store. Clones share it; the last one dropped waits for what is queued and closes the file.
#[derive(Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    pool: Pool,
    places: Arc<Semaphore>,
    writer: Option<(Sender<Job>, JoinHandle<()>)>,
}

impl Ledger {
    /// Opens the store at `sqlite:PATH` or a bare path. Blocks briefly.
    ///
    /// # Errors
    /// When the location is of another kind, or what is there is missing, unreadable, not a store, of another format,
    /// or (unless opened for reading) not writable.
    pub fn open(location: &str, mode: Mode) -> Result<Self, LedgerError> {
        let path = location::parse(location)?;
        location::check(&path, mode)?;
        let (writer, immutable) = match mode {
            Mode::ReadOnly => (None, connect::needs_immutable(&path)),
            Mode::Create | Mode::Existing => (Some(writer::spawn(connect::writer(&path, mode)?)?), false),
        };
        let pool = Pool::new(path.clone(), immutable);
        pool.read(|_| Ok::<_, LedgerError>(()))?;
        let places = Arc::new(Semaphore::new(writer::QUEUE));
        Ok(Self { inner: Arc::new(Inner { path, pool, places, writer }) })
    }

    /// The store's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Keeps a record; resolves when it is durable. A key that has a terminal attempt takes no other.
    ///
    /// # Errors
    /// When it cannot be stored. After a failure of the disk every later append is refused; what was stored stays
    /// readable.
    pub async fn append(&self, record: Record) -> Result<Appended, LedgerError> {
        let jobs = self.inner.jobs()?;
        let place = Arc::clone(&self.inner.places).acquire_owned().await.map_err(|_| LedgerError::Closed)?;
        let (reply, answer) = oneshot::channel();
        jobs.send(Job::Append(Waiting { record, reply, _place: place })).map_err(|_| LedgerError::Closed)?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }

    /// Runs `work` on the writing connection, after all appends asked for earlier. Blocks until it is done.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        let task = move |conn: Result<&mut Connection, LedgerError>| {
            let _ = reply.send(conn.and_then(work));
        };
        self.inner.jobs()?.send(Job::Task(Box::new(task))).map_err(|_| LedgerError::Closed)?;
        answer.recv().map_err(|_| LedgerError::Closed)?
    }

    /// Runs `read` on a reading connection, in one transaction.
    fn read<T, E: From<LedgerError>>(&self, read: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        self.inner.pool.read(read)
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl Inner {
    fn jobs(&self) -> Result<&Sender<Job>, LedgerError> {
        self.writer.as_ref().map(|(jobs, _)| jobs).ok_or(LedgerError::OpenedReadOnly)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.pool.close();
        if let Some((jobs, thread)) = self.writer.take() {
            drop(jobs);
            // A writer that panicked has nothing left to wait for.
            let _ = thread.join();
        }
    }
}
