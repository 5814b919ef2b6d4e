//! What can go wrong with a store, in words for people, and what they can do about it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// A failure of the ledger. Every copy of it says the same: one failed commit answers many callers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The location names another kind of store.
    #[error("unsupported store {location:?}")]
    Unsupported {
        /// As given.
        location: String,
    },
    /// Nothing is there.
    #[error("there is no store at {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The directory a new store should be created in is not there.
    #[error("cannot create a store at {}: its directory does not exist", path.display())]
    MissingDir {
        /// The store's path.
        path: PathBuf,
    },
    /// The path is a directory.
    #[error("{} is a directory, not a store", path.display())]
    Directory {
        /// The path.
        path: PathBuf,
    },
    /// The file is something else than an SQLite database.
    #[error("{} is not an Undersight store: it is not an SQLite database", path.display())]
    NotADatabase {
        /// The path.
        path: PathBuf,
    },
    /// The file is another program's SQLite database.
    #[error("{} is an SQLite database, but not an Undersight store", path.display())]
    Foreign {
        /// The path.
        path: PathBuf,
    },
    /// Written by a later version.
    #[error("{} was written by a newer version (format {found}; this version reads {known})", path.display())]
    Newer {
        /// The path.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// A format that never was.
    #[error("{} has an unknown format ({found})", path.display())]
    UnknownFormat {
        /// The path.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
    /// The file or its directory cannot be written.
    #[error("the store {} cannot be written", path.display())]
    ReadOnly {
        /// The path.
        path: PathBuf,
    },
    /// The file or its directory cannot be read.
    #[error("the store {} cannot be opened: {detail}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// The system's words.
        detail: String,
    },
    /// A write was asked of a ledger opened for reading.
    #[error("the store was opened for reading only")]
    OpenedReadOnly,
    /// No space left.
    #[error("the disk is full: nothing more can be stored")]
    Full,
    /// The system could not read or write.
    #[error("the store's disk failed: {detail}")]
    Io {
        /// The system's words.
        detail: String,
    },
    /// Another process keeps the store busy.
    #[error("another process has kept the store busy for too long")]
    Busy,
    /// What is stored cannot be understood.
    #[error("the store is damaged: {detail}")]
    Damaged {
        /// What was found.
        detail: String,
    },
    /// A record that does not fit what is stored.
    #[error("a record was refused: {detail}")]
    Refused {
        /// Why.
        detail: String,
    },
    /// An earlier write failed, so nothing more is written.
    #[error("nothing more is stored after an earlier failure: {first}")]
    Stopped {
        /// The failure.
        first: Box<LedgerError>,
    },
    /// The writer is gone.
    #[error("the store's writer has ended")]
    Closed,
    /// Another process writes this run.
    #[error("run {run} is being written by {holder}")]
    Locked {
        /// The run's name, or its short id where it has none yet.
        run: String,
        /// Who, since when.
        holder: String,
    },
    /// No run of that name.
    #[error("there is no run {asked:?}")]
    UnknownRun {
        /// As asked.
        asked: String,
        /// The name probably meant.
        near: Option<String>,
        /// Names there are, the latest first.
        known: Vec<String>,
    },
    /// Several names or ids begin so.
    #[error("{asked:?} begins the names or ids of {} runs", runs.len())]
    AmbiguousRun {
        /// As asked.
        asked: String,
        /// Name and short id of each.
        runs: Vec<String>,
    },
    /// The name belongs to a run of another arm or dataset.
    #[error("the name {name:?} belongs to another run, of model {model} over dataset {dataset}")]
    NameTaken {
        /// The name.
        name: String,
        /// Model of the run that has it.
        model: String,
        /// Short hash of its dataset.
        dataset: String,
    },
    /// Scores were asked of samples the plan does not have.
    #[error("k = {asked}: run {run} has {planned} {} an instance", if *planned == 1 { "sample" } else { "samples" })]
    SamplesNotPlanned {
        /// The run's name.
        run: String,
        /// As asked.
        asked: u32,
        /// The run's k.
        planned: u32,
    },
    /// Anything else SQLite says.
    #[error("the store failed: {detail}")]
    Other {
        /// SQLite's words.
        detail: String,
    },
}

impl LedgerError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Unsupported { .. } => {
                "only SQLite is supported: give a path, or sqlite:PATH".to_owned()
            }
            Self::Missing { .. } => {
                "`undersight eval` creates one; --store says where it is looked for".to_owned()
            }
            Self::MissingDir { path } => match path.parent() {
                Some(dir) => format!("create it first: mkdir -p {}", dir.display()),
                None => "name a file".to_owned(),
            },
            Self::Directory { path } => format!("name a file in it, e.g. {}", path.join("undersight.sqlite").display()),
            Self::NotADatabase { .. } | Self::Foreign { .. } => "give another path to --store".to_owned(),
            Self::Newer { .. } => "use the version of undersight that wrote it, or a later one".to_owned(),
            Self::UnknownFormat { .. } | Self::Damaged { .. } => {
                "restore it from a copy, or start a new one with --store".to_owned()
            }
            Self::ReadOnly { .. } => {
                "the file and its directory must be writable; change their permissions or copy the store".to_owned()
            }
            Self::Unreadable { .. } => "check the permissions of the file and its directory".to_owned(),
            Self::OpenedReadOnly => "open it for writing".to_owned(),
            Self::Full => {
                "free some space and run the same command again: what was stored is kept and the run resumes".to_owned()
            }
            Self::Io { .. } => {
                "check the disk, quotas and file-size limits, then run the same command again: the run resumes".to_owned()
            }
            Self::Busy => "wait for the other process, or give this run a store of its own".to_owned(),
            Self::Stopped { first } => return first.hint(),
            Self::Locked { .. } => {
                "wait for it or stop it; to measure something else at the same time, start another run".to_owned()
            }
            Self::UnknownRun { near: Some(near), .. } => format!("did you mean {near}?"),
            Self::UnknownRun { known, .. } if known.is_empty() => {
                "`undersight runs list` shows the runs of a store".to_owned()
            }
            Self::UnknownRun { known, .. } => format!("there are {}", known.join(", ")),
            Self::AmbiguousRun { runs, .. } => format!("give more of it: {}", runs.join(", ")),
            Self::NameTaken { .. } => "choose another name, or delete that run".to_owned(),
            Self::SamplesNotPlanned { planned: 1, .. } => "the run was planned with k = 1; give that or no k".to_owned(),
            Self::SamplesNotPlanned { planned, .. } => format!("the run was planned with k = {planned}: give a k from 1 to {planned}"),
            Self::Refused { .. } | Self::Closed | Self::Other { .. } => return None,
        };
        Some(text)
    }

    /// Whether writing must stop: what was to be durable may never be.
    pub(crate) const fn stops_writing(&self) -> bool {
        matches!(self, Self::Full | Self::Io { .. } | Self::Damaged { .. } | Self::Other { .. })
    }

    /// An error met while opening the store at `path`.
    pub(crate) fn opening(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(
                ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::AuthorizationForStatementDenied,
            ) => Self::Unreadable { path, detail: error.to_string() },
            _ => error.into(),
        }
    }
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        let detail = error.to_string();
        match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => Self::Damaged { detail },
            _ => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => Self::Full,
                Some(ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
                    Self::Io { detail }
                }
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { detail },
                Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch) => {
                    Self::Refused { detail }
                }
                _ => Self::Other { detail },
            },
        }
    }
}
