//! Snapshot filters: what differs from run to run (times, durations, paths, hashes, ports) becomes a placeholder.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// In order: a longer form before the shorter one it contains.
const PATTERNS: &[(&str, &str)] = &[
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d|\b)", "[time]"),
    (r"\b[0-9a-f]{64}\b", "[hash]"),
    (r"\b(127\.0\.0\.1|localhost|\[::1\]):\d{2,5}\b", "$1:[port]"),
    (r"\b\d+(\.\d+)? ?/ ?s(ec)?\b", "[rate]"),
    (r"\b(\d+ ?h ?)?(\d+ ?m(in)? )?\d+(\.\d+)? ?(ns|µs|us|ms|s|sec|secs|seconds)\b", "[duration]"),
    (r"\b\d{1,2}:\d\d(:\d\d)?\b", "[duration]"),
    (r"(/[\w.-]+)*/\.tmp\w+", "[tmp]"),
];

static COMPILED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    PATTERNS.iter().map(|(pattern, to)| (Regex::new(pattern).expect("pattern compiles"), *to)).collect()
});

/// Word of twelve hexadecimal digits, the short form of a hash.
static SHORT_HASH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b[0-9a-f]{12}\b").expect("pattern compiles"));

/// A set of replacements: the test's own first, then the common ones.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    own: Vec<(String, String)>,
}

impl Filters {
    /// The common replacements only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also replaces a literal text.
    #[must_use]
    pub fn text(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        let from = from.into();
        if !from.is_empty() {
            self.own.push((from, to.into()));
        }
        self
    }

    /// Also replaces a path, in the form given and with links resolved.
    #[must_use]
    pub fn path(self, path: &Path, to: &str) -> Self {
        let resolved = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        self.text(resolved.display().to_string(), to).text(path.display().to_string(), to)
    }

    /// Applies every replacement.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let mut text = self.own.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        for (regex, to) in COMPILED.iter() {
            text = regex.replace_all(&text, *to).into_owned();
        }
        let letters = |digits: &str| digits.bytes().any(|b| b.is_ascii_alphabetic());
        SHORT_HASH
            .replace_all(
                &text,
                |hit: &regex::Captures<'_>| {
                    if letters(&hit[0]) { "[short-hash]".to_owned() } else { hit[0].to_owned() }
                },
            )
            .into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(
            Filters::new().path(Path::new("/nowhere/store"), "[store]").apply(text),
            expected,
            "{text}"
        );
    }

    #[test]
    fn what_varies_becomes_a_placeholder() {
        check("took 1.25s, then 300ms", "took [duration], then [duration]");
        check("1h 2m 3s left", "[duration] left");
        check("eta 00:12:05", "eta [duration]");
        check("41.7/s", "[rate]");
        check("at 2026-11-23T21:56:01.123456Z.", "at [time].");
        check("at 2026-11-23 21:56:01", "at [time]");
        check("http://127.0.0.1:36753/v1", "http://127.0.0.1:[port]/v1");
        check(&format!("key {}", "0a".repeat(32)), "key [hash]");
        check("arm 0123456789ab", "arm [short-hash]");
        check("/nowhere/store/a.csv", "[store]/a.csv");
        check("/var/tmp/.tmpAbC123/a.csv", "[tmp]/a.csv");
    }

    #[test]
    fn what_does_not_vary_stays() {
        for text in ["Safe@1 62.50", "2,000 instances", "k = 5", "123456789012", "v0.1.0", "7 samples"] {
            check(text, text);
        }
    }
}
