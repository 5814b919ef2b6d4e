//! The one interface between the engine and whatever shows progress.

use std::sync::Arc;

use crate::{CauseKind, JudgementStatus, NanoUsd, SampleStatus, Usage};

/// The two stages of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Samples.
    Generate,
    /// Judgements.
    Judge,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A run begins: how much is planned and how much of it the store already holds.
    Started {
        /// The run's name.
        run: String,
        /// Samples planned.
        samples: u64,
        /// Of these, already stored.
        samples_stored: u64,
        /// Judgements planned.
        judgements: u64,
        /// Of these, already stored.
        judgements_stored: u64,
    },
    /// A sample is durable.
    SampleStored {
        /// How it ended.
        status: SampleStatus,
        /// Its tokens.
        usage: Usage,
        /// Its cost.
        cost: Option<NanoUsd>,
    },
    /// A judgement is durable.
    JudgementStored {
        /// How it ended.
        status: JudgementStatus,
        /// Its tokens.
        usage: Usage,
        /// Its cost.
        cost: Option<NanoUsd>,
    },
    /// A vote within a panel is durable.
    VoteStored {
        /// Its tokens.
        usage: Usage,
        /// Its cost.
        cost: Option<NanoUsd>,
    },
    /// A call is about to be repeated.
    Retrying {
        /// Where.
        stage: Stage,
        /// Why.
        cause: CauseKind,
        /// After how long, microseconds.
        wait_us: i64,
    },
    /// Something that happened, for people; safe to print.
    Note(String),
    /// Something a person should know; safe to print.
    Warning(String),
    /// Nothing new is started; what is in flight is finished.
    Stopping(String),
    /// A run is over.
    Finished,
}

/// Receives events, from any thread, quickly.
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;
