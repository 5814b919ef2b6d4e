//! The binary under test, run in an empty directory with an empty environment, so that nothing of the machine leaks
//! into a snapshot.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::new_without_default,
    reason = "every test file uses its own part of this"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;
use testkit::filters::Filters;

/// A place to run in.
pub struct Place {
    dir: TempDir,
}

/// What a run printed, made comparable.
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

impl Ran {
    /// All three, for snapshots.
    pub fn snapshot(&self) -> String {
        format!("exit {:?}\n--- stdout\n{}--- stderr\n{}", self.code.unwrap_or(-1), self.stdout, self.stderr)
    }

    /// Fails the test unless it exited so.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.snapshot());
        self
    }
}

impl Place {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary directory") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a file in a temporary directory");
        path
    }

    /// The command, not started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_undersight"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("HOME", self.dir.path())
            .env("COLUMNS", "160")
            // What is asked before sampling has a test of its own; the others count calls.
            .env("UNDERSIGHT_ALLOW_NO_TRACE", "true")
            .stdin(Stdio::null());
        command
    }

    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts")
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[])
    }

    pub fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Ran {
        let output = self.command(args).envs(env.iter().copied()).output().expect("the binary starts");
        self.ran(&output)
    }

    pub fn ran(&self, output: &Output) -> Ran {
        let filters = Filters::new().path(self.dir.path(), "[DIR]");
        let text = |bytes: &[u8]| filters.apply(&String::from_utf8_lossy(bytes));
        Ran { stdout: text(&output.stdout), stderr: text(&output.stderr), code: output.status.code() }
    }

    /// Standard output as JSON, unfiltered.
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let output = self.command(args).output().expect("the binary starts");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}", self.ran(&output).snapshot()))
    }
}

/// The official file where it is at hand, and a generated one of the same shape in any case.
pub fn benchmarks(place: &Place) -> Vec<(&'static str, PathBuf)> {
    let generated = place.write("generated.csv", testkit::bsa::official_like(1));
    let official = testkit::shared_data("bsa/dataset.csv").map(|path| ("official", path));
    [("generated", generated)].into_iter().chain(official).collect()
}

/// As text, for arguments.
pub fn arg(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}
