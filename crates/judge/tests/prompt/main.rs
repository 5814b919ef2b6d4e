//! Prompts: our own, the official ones, and a user's.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../common/mod.rs"]
mod common;
mod embedded;
mod official;
mod own;

use std::path::Path;

use undersight_core::{Instance, Role, Task};
use undersight_judge::{Prompts, PromptsError};

/// The one message of a judgement.
fn told(set: &Prompts, task: Task, instance: &Instance, text: &str) -> String {
    let mut messages = set.render(task, instance, text, &common::key());
    assert_eq!((messages.len(), messages[0].role), (1, Role::User));
    messages.remove(0).content
}

/// A directory with these files.
fn directory(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

/// Checks that a directory is refused, with a message and a hint that say these things.
fn check_refused(dir: &Path, message: &str, hint: &str) {
    let error: PromptsError = Prompts::load(dir).unwrap_err();
    let (said, advice) = (error.to_string(), error.hint());
    assert!(said.contains(message), "{said:?} does not say {message:?}");
    assert!(advice.contains(hint) && !advice.is_empty(), "{advice:?} does not say {hint:?} ({said})");
}
