//! aimock, an independent fake provider from npm, as a counterpart for interop tests: started on loopback, as a provider
//! by fixtures or as a judge by a script, killed on drop. `.ci/run` installs it under `testkit/interop`; elsewhere tests
//! skip without it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::counterpart::Counterpart;
use crate::{InCi, repository, skip};

const PROGRAM: &str = "testkit/interop/node_modules/@copilotkit/aimock/dist/cli.js";
const JUDGE: &str = "testkit/interop/judge.mjs";

/// A running aimock.
#[derive(Debug)]
pub struct Aimock(Counterpart);

impl Aimock {
    /// The fixtures this repository brings: one case for each pathology, told by the user message.
    #[must_use]
    pub fn fixtures() -> PathBuf {
        repository().join("testkit/interop/fixtures.json")
    }

    /// Starts it with a fixture file and waits until it is healthy; `None`, with the reason printed, where node or
    /// the package is missing.
    ///
    /// # Panics
    /// In `.ci/run`, which installs both; and when it starts but does not come up.
    #[must_use]
    pub fn start(fixtures: &Path) -> Option<Self> {
        Self::run(|command, program| {
            command
                .arg(program)
                .args(["--host", "127.0.0.1", "--port", "0", "--log-level", "info", "--fixtures"])
                .arg(fixtures);
        })
    }

    /// Starts it as a judge that reads the prompts it is sent; `testkit/interop/judge.mjs` states its rules. `None` as
    /// above.
    ///
    /// # Panics
    /// As above.
    #[must_use]
    pub fn judge() -> Option<Self> {
        Self::run(|command, _| {
            command.arg(repository().join(JUDGE));
        })
    }

    fn run(arguments: impl FnOnce(&mut Command, &Path)) -> Option<Self> {
        let program = repository().join(PROGRAM);
        if !program.is_file() {
            skip(InCi::MustRun, "aimock is not installed (npm ci in testkit/interop)");
            return None;
        }
        let mut command = Command::new("node");
        arguments(&mut command, &program);
        match Counterpart::start(&mut command, "listening on http://", "/health") {
            Ok(started) => Some(Self(started)),
            Err(error) => {
                skip(InCi::MustRun, &format!("node cannot be started: {error}"));
                None
            }
        }
    }

    /// How many chat requests its journal holds.
    ///
    /// # Panics
    /// When it does not say.
    #[must_use]
    pub fn requests(&self) -> u64 {
        let reply =
            self.0.get("/__aimock/journal?path=/chat/completions&limit=0").expect("aimock has a journal");
        let total = reply.lines().find_map(|line| line.strip_prefix("X-Total-Count: "));
        total.and_then(|n| n.trim().parse().ok()).expect("aimock counts its journal")
    }

    /// The base URL a client is given.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }
}
