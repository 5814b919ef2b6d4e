//! The one thread that writes: group commit, and the refusal to go on after a failed write.
//!
//! Records wait in a queue; whatever has gathered while the last commit was being made durable goes into the next
//! one, and nobody is answered before that.

use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::append::Encoder;
use crate::{Appended, LedgerError, Record};

/// Records in one commit at most, and waiting at most.
pub(crate) const QUEUE: usize = 1024;

/// How long a commit may wait for company.
const WINDOW: Duration = Duration::from_millis(1);

/// A commit of this many is not worth waiting for more.
const COMPANY: usize = 64;

/// A record on its way.
pub(crate) struct Waiting {
    pub(crate) record: Record,
    pub(crate) reply: oneshot::Sender<Result<Appended, LedgerError>>,
    /// Its place in the bounded queue, given back when it is answered.
    pub(crate) _place: OwnedSemaphorePermit,
}

/// Something else to be done on the writing connection; told when writing has stopped.
pub(crate) type Task = Box<dyn FnOnce(Result<&mut Connection, LedgerError>) + Send>;

/// What the writer is asked.
pub(crate) enum Job {
    Append(Waiting),
    Task(Task),
}

/// Starts the writer; it ends, and closes its connection, when the last sender is dropped.
pub(crate) fn spawn(conn: Connection) -> Result<(Sender<Job>, JoinHandle<()>), LedgerError> {
    let (jobs, queue) = channel();
    let writer =
        Writer { conn, queue, encoder: Encoder::new()?, gathering: Gathering::default(), stopped: None };
    let thread = std::thread::Builder::new()
        .name("ledger".into())
        .spawn(move || writer.run())
        .map_err(|e| LedgerError::Io { detail: e.to_string() })?;
    Ok((jobs, thread))
}

struct Writer {
    conn: Connection,
    queue: Receiver<Job>,
    encoder: Encoder,
    gathering: Gathering,
    stopped: Option<LedgerError>,
}

impl Writer {
    fn run(mut self) {
        let mut next = None;
        loop {
            let job = match next.take() {
                Some(job) => job,
                None => match self.queue.recv() {
                    Ok(job) => job,
                    Err(_) => return,
                },
            };
            match job {
                Job::Task(task) => task(match &self.stopped {
                    None => Ok(&mut self.conn),
                    Some(first) => Err(stopped(first)),
                }),
                Job::Append(first) => {
                    let mut batch = vec![first];
                    next = self.gather(&mut batch);
                    self.answer(batch);
                }
            }
        }
    }

    /// Takes what waits, and where that has been worth it lately, what a short window brings. Returns the task that
    /// ended the batch, if one did.
    fn gather(&mut self, batch: &mut Vec<Waiting>) -> Option<Job> {
        if let Some(task) = self.drain(batch) {
            return Some(task);
        }
        if batch.len() >= COMPANY || !self.gathering.worthwhile() {
            return None;
        }
        let before = batch.len();
        std::thread::sleep(WINDOW);
        let task = self.drain(batch);
        self.gathering.learn(batch.len() - before);
        task
    }

    fn drain(&self, batch: &mut Vec<Waiting>) -> Option<Job> {
        while batch.len() < QUEUE {
            match self.queue.try_recv() {
                Ok(Job::Append(waiting)) => batch.push(waiting),
                Ok(task) => return Some(task),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
            }
        }
        None
    }

    /// Stores a batch and tells every waiting caller what became of its record.
    fn answer(&mut self, batch: Vec<Waiting>) {
        let outcome = match &self.stopped {
            Some(first) => Err(stopped(first)),
            None => self.store(&batch),
        };
        match outcome {
            Ok(each) => {
                for (waiting, outcome) in batch.into_iter().zip(each) {
                    // A caller that no longer waits has its record stored all the same.
                    let _ = waiting.reply.send(outcome);
                }
            }
            Err(error) => {
                if error.stops_writing() && self.stopped.is_none() {
                    self.stopped = Some(error.clone());
                }
                for waiting in batch {
                    let _ = waiting.reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// One transaction. A record that SQLite refuses fails alone; any other failure fails the whole.
    fn store(&mut self, batch: &[Waiting]) -> Result<Vec<Result<Appended, LedgerError>>, LedgerError> {
        let now = now();
        let mut tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut each = Vec::with_capacity(batch.len());
        for waiting in batch {
            match self.encoder.append(&mut tx, &waiting.record, now) {
                Err(error) if !matches!(error, LedgerError::Refused { .. }) => return Err(error),
                outcome => each.push(outcome),
            }
        }
        tx.commit()?;
        Ok(each)
    }
}

/// Learns whether waiting for company pays: a lone caller, who sends nothing while it waits, is soon left alone, and
/// tried again ever more rarely.
#[derive(Default)]
struct Gathering {
    /// Windows in a row that brought nothing.
    fruitless: u32,
    /// Commits to go before the next window.
    pause: u32,
}

impl Gathering {
    fn worthwhile(&mut self) -> bool {
        self.pause = self.pause.saturating_sub(1);
        self.pause == 0
    }

    fn learn(&mut self, gained: usize) {
        self.fruitless = if gained > 0 { 0 } else { (self.fruitless + 1).min(8) };
        self.pause = if gained > 0 { 0 } else { 1 << self.fruitless };
    }
}

fn stopped(first: &LedgerError) -> LedgerError {
    LedgerError::Stopped { first: Box::new(first.clone()) }
}

/// Microseconds since the epoch.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, connect};

    #[test]
    fn waiting_for_company_backs_off_and_recovers() {
        let mut gathering = Gathering::default();
        let windows = (0..1000)
            .filter(|_| {
                let open = gathering.worthwhile();
                if open {
                    gathering.learn(0);
                }
                open
            })
            .count();
        assert!((1..=16).contains(&windows), "{windows} windows for a lone caller");
        while !gathering.worthwhile() {}
        gathering.learn(3);
        assert!(gathering.worthwhile() && gathering.worthwhile(), "a fruitful window is followed by another");
    }

    /// SQLite's own limit on pages fails as a full disk does; what happens to appends then is tested with real limits.
    #[test]
    fn a_full_disk_is_told_apart() {
        let dir = tempfile::TempDir::new().unwrap();
        let conn = connect::writer(&dir.path().join("it.sqlite"), Mode::Create).unwrap();
        conn.execute_batch("CREATE TABLE filler (bytes BLOB); PRAGMA max_page_count = 200").unwrap();
        let (jobs, thread) = spawn(conn).unwrap();
        let fill = |bytes: u32| {
            let (reply, answer) = std::sync::mpsc::channel();
            let task: Task = Box::new(move |conn| {
                let filled = conn.and_then(|conn| {
                    Ok(conn.execute("INSERT INTO filler (bytes) VALUES (zeroblob(?1))", [bytes])?)
                });
                reply.send(filled).unwrap();
            });
            jobs.send(Job::Task(task)).unwrap();
            answer.recv().unwrap()
        };
        assert_eq!(fill(1000), Ok(1));
        let full = fill(10_000_000).unwrap_err();
        assert_eq!(full, LedgerError::Full);
        assert!(full.hint().unwrap().starts_with("free some space"));
        assert!(full.stops_writing());
        assert_eq!(stopped(&full).hint(), full.hint());
        drop(jobs);
        thread.join().unwrap();
    }
}
