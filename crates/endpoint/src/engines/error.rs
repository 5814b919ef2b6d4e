//! Why there is no engine to call.

use std::path::PathBuf;

use undersight_core::ModelName;

use super::table;

/// Why a local model cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A server is there, with other models.
    #[error("the server at {url} does not serve {model}: it has {}", .serves.join(", "))]
    OtherModel {
        /// The model asked for.
        model: ModelName,
        /// Where the server is.
        url: String,
        /// What it has.
        serves: Vec<String>,
    },
    /// Nothing answers, and the engine is not on this machine.
    #[error("nothing answers at {url}, and {title} is not found on this machine to serve {model}")]
    NotInstalled {
        /// The model asked for.
        model: ModelName,
        /// The engine.
        title: &'static str,
        /// Where a server was looked for.
        url: String,
        /// How to get the engine.
        install: &'static str,
    },
    /// The model is a file that is not there.
    #[error("{model}: there is no file {path}")]
    NoFile {
        /// The model asked for.
        model: ModelName,
        /// The file.
        path: String,
    },
    /// Engines are started on Unix alone.
    #[error("engines cannot be started on this system, and nothing answers at {url}")]
    NotHere {
        /// Where a server was looked for.
        url: String,
    },
    /// Files, ports or processes are not to be had.
    #[error("{title} cannot be started: {problem}")]
    Setup {
        /// The engine.
        title: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// It ended before it served.
    #[error("{title} ended before it served {model}{}", exit_code(*.code))]
    Ended {
        /// The model asked for.
        model: ModelName,
        /// The engine.
        title: &'static str,
        /// Its exit code, where it has one.
        code: Option<i32>,
        /// What it wrote.
        log: Excerpt,
    },
    /// It did not serve in time.
    #[error("{title} did not serve {model} within {seconds} s")]
    Late {
        /// The model asked for.
        model: ModelName,
        /// The engine.
        title: &'static str,
        /// The time it had.
        seconds: u64,
        /// What it wrote.
        log: Excerpt,
    },
}

/// The end of a log, and where all of it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The whole log.
    pub path: PathBuf,
    /// Its last lines, cleaned of everything a terminal would act on.
    pub lines: Vec<String>,
}

impl EngineError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::OtherModel { .. } => {
                "name one of those, end that server so that one is started, or give the right one with --model-base-url".to_owned()
            }
            Self::NotInstalled { install, .. } => {
                format!("install it ({install}), or start a server and pass --model-base-url")
            }
            Self::NoFile { .. } => "write the path of the weights after the provider's name".to_owned(),
            Self::NotHere { .. } => "start the server yourself, then pass --model-base-url".to_owned(),
            Self::Setup { .. } => "check the directory for temporary files and its free space".to_owned(),
            Self::Ended { log, .. } => table::advice(&log.lines.join("\n"))
                .unwrap_or("the end of the log above says why; the whole is kept")
                .to_owned(),
            Self::Late { .. } => {
                "downloads and large models take long: --engine-timeout SECONDS gives it more time".to_owned()
            }
        }
    }

    /// What the engine wrote, where it got so far.
    #[must_use]
    pub const fn log(&self) -> Option<&Excerpt> {
        match self {
            Self::Ended { log, .. } | Self::Late { log, .. } => Some(log),
            _ => None,
        }
    }
}

fn exit_code(code: Option<i32>) -> String {
    code.map_or_else(String::new, |code| format!(" (exit code {code})"))
}
