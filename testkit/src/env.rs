//! Where tests find things that may be absent, how they skip without them, and how much memory a benchmark took.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Whether a test may skip in continuous integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InCi {
    /// `.ci/run` installs what the test needs, so a skip there is a failure.
    MustRun,
    /// The thing cannot be installed by the project's own files (the official dataset, say).
    MaySkip,
}

/// The repository's root.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// A file of the material kept beside the repository (`bsa/dataset.csv`, `published/leaderboard.csv`), or `None` with
/// the reason printed.
#[must_use]
pub fn shared_data(relative: &str) -> Option<PathBuf> {
    let path = repository().join("../shared/data").join(relative);
    if path.exists() {
        return Some(path);
    }
    skip(InCi::MaySkip, &format!("../shared/data/{relative} is not beside this repository"));
    None
}

/// The Python interpreter that `.ci/run` prepared with the packages reference scorers need, or `None` with the reason
/// printed. Set `UNDERSIGHT_TEST_PYTHON` to use one of your own.
#[must_use]
pub fn test_python() -> Option<PathBuf> {
    match std::env::var_os("UNDERSIGHT_TEST_PYTHON") {
        Some(path) if Path::new(&path).is_file() => Some(path.into()),
        Some(path) => {
            let reason = format!("UNDERSIGHT_TEST_PYTHON names no file: {}", Path::new(&path).display());
            skip(InCi::MustRun, &reason);
            None
        }
        None => {
            skip(InCi::MustRun, "UNDERSIGHT_TEST_PYTHON is not set");
            None
        }
    }
}

/// Says on stderr why the calling test does nothing, past the test runner's capture.
///
/// # Panics
/// When `CI` is `true` and the thing is required there.
pub fn skip(in_ci: InCi, reason: &str) {
    let ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("test");
    assert!(!(ci && in_ci == InCi::MustRun), "{test} must not skip here: {reason}");
    // A closed stderr is no reason to fail a test that skips.
    let _ = writeln!(std::io::stderr(), "skipped {test}: {reason}");
}

/// The most memory this process has had resident so far, in KiB; `None` where the system does not say (Linux does).
#[must_use]
pub fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
