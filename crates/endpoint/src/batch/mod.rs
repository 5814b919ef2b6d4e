//! Batches: calls that wait are handed to the provider together, at its lower price, and answered when it is done. A
//! batched model is a [`Client`](crate::Client) like any other, so nothing behind it knows.
//!
//! A call is known by its request's tag. What was handed in is written down in a [`BatchBook`] before anything is
//! sent, so that whoever asks for the same tag after a kill is given the answer that is already under way.

mod anthropic;
mod client;
mod courier;
mod desk;
mod lines;
mod memory;
pub mod offline;
mod openai;
mod provider;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use undersight_core::{Batch, BatchEnd, Digest};

pub(crate) use client::{BatchClient, Way};
pub use memory::MemoryBook;

/// Why a book cannot be read or written, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BookError(pub String);

/// Where batches are written down. Everything is durable when a method returns; methods may block briefly.
pub trait BatchBook: Send + Sync {
    /// A batch is about to be sent with these requests.
    ///
    /// # Errors
    /// When it cannot be written.
    fn intend(&self, batch: &Batch, tags: &[Digest]) -> Result<(), BookError>;

    /// The provider took it, under this name.
    ///
    /// # Errors
    /// When it cannot be written.
    fn submitted(&self, nonce: &str, provider_id: &str) -> Result<(), BookError>;

    /// It ended.
    ///
    /// # Errors
    /// When it cannot be written.
    fn ended(&self, nonce: &str, end: BatchEnd) -> Result<(), BookError>;

    /// All batches that were sent there, the latest last.
    ///
    /// # Errors
    /// When it cannot be read.
    fn sent_to(&self, url: &str) -> Result<Vec<Batch>, BookError>;

    /// Of these requests, those that are in a batch sent there which is not void, with the latest such batch.
    ///
    /// # Errors
    /// When it cannot be read.
    fn find(&self, url: &str, tags: &[Digest]) -> Result<Vec<(Digest, Batch)>, BookError>;
}

/// How patient batching is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// A batch that is not full is sent when no further call has come for so long.
    pub gather: Duration,
    /// Before the first look at a batch; the pauses grow.
    pub look: Duration,
    /// No pause between two looks is longer.
    pub longest: Duration,
    /// How long after a request to make a batch the provider may still come to list it.
    pub settle: Duration,
}

impl Pace {
    /// Gathers and looks this often; everything else as usual.
    #[must_use]
    pub fn of(wait: Duration) -> Self {
        Self {
            gather: wait,
            look: wait,
            longest: Duration::from_secs(600).max(wait),
            settle: Duration::from_secs(60).min(wait.saturating_mul(3)),
        }
    }
}

/// Something to tell people. Batches are numbered as they begin, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The provider took a batch.
    Sent {
        /// Its number.
        n: u32,
        /// The provider's name of it.
        id: String,
        /// Its requests.
        items: u64,
    },
    /// A batch that was sent earlier is waited for.
    Resumed {
        /// Its number.
        n: u32,
        /// The provider's name of it.
        id: String,
        /// Its requests.
        items: u64,
    },
    /// How far one is.
    Working {
        /// Its number.
        n: u32,
        /// Batches so far.
        of: u32,
        /// Requests that are done.
        done: u64,
        /// Its requests.
        items: u64,
    },
    /// One has ended and its results were read.
    Collected {
        /// Its number.
        n: u32,
        /// What the provider calls its end.
        how: String,
        /// Calls that were answered.
        answered: u64,
        /// Calls without a usable result: they are made one by one.
        live: u64,
        /// Why the first of these has none, where the provider says so.
        why: Option<String>,
    },
    /// The run stops; these stay with the provider.
    Left {
        /// The provider's names of them.
        ids: Vec<String>,
    },
    /// Something is wrong that may pass.
    Trouble(String),
}

/// Calls through batches.
#[derive(Clone)]
pub struct Batching {
    /// Where they are written down.
    pub book: Arc<dyn BatchBook>,
    /// Requests in one batch at most; the provider's own limits hold besides.
    pub size: usize,
    /// How patient it is.
    pub pace: Pace,
    /// Hears what happens.
    pub tell: Arc<dyn Fn(News) + Send + Sync>,
}

impl fmt::Debug for Batching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batching").field("size", &self.size).field("pace", &self.pace).finish_non_exhaustive()
    }
}
