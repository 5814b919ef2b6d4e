//! An engine's log: a file of the user's own that the engine writes, read from its end. What it holds is untrusted, so
//! every line is cleaned before anybody sees it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use undersight_core::text;

/// How much of the end is looked at.
const TAIL_BYTES: u64 = 64 << 10;
/// Characters of a line that are shown.
const LINE: usize = 300;

/// A log and the file it is in.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
}

impl Log {
    /// A new file only its owner can read. It never follows or overwrites what is there.
    #[cfg(unix)]
    pub(crate) fn create(path: PathBuf) -> io::Result<(Self, File)> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let file = File::options().append(true).create_new(true).mode(0o600).open(&path)?;
        Ok((Self { path }, file))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The last lines that say anything, oldest first.
    pub(crate) fn tail(&self, lines: usize) -> Vec<String> {
        let text = self.end().unwrap_or_default();
        let mut last: Vec<String> =
            text.rsplit('\n').map(clean).filter(|line| !line.is_empty()).take(lines).collect();
        last.reverse();
        last
    }

    fn end(&self) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Once nobody needs it.
    pub(crate) fn remove(&self) {
        // Left behind at worst.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A line as a terminal would leave it: what a carriage return overwrote is gone, and so are colours and every other
/// escape sequence and control character.
fn clean(line: &str) -> String {
    let line = line.trim_end().rsplit('\r').next().unwrap_or_default();
    let mut out = String::new();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' | '\u{9b}' => {
                let kind = if c == '\u{9b}' { Some('[') } else { chars.next() };
                match kind {
                    // To its final letter.
                    Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                    // Titles, links and the like: to a bell or the start of a terminator.
                    Some(']' | 'P' | 'X' | '^' | '_') => {
                        while chars.next().is_some_and(|c| !matches!(c, '\u{7}' | '\u{1b}' | '\u{9c}')) {}
                        chars.next_if_eq(&'\\');
                    }
                    _ => {}
                }
            }
            '\t' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    text::excerpt(&out, LINE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::clean;

    #[track_caller]
    fn check(line: &str, cleaned: &str) {
        assert_eq!(clean(line), cleaned, "{line:?}");
    }

    #[test]
    fn what_a_terminal_would_leave() {
        check("plain words", "plain words");
        check("\u{1b}[1;31mERROR\u{1b}[0m gone", "ERROR gone");
        check(" 10%\r 50%\r100% done", "100% done");
        check("progress\r", "progress");
        check("\u{1b}]0;a title\u{7}text", "text");
        check("\u{1b}]8;;file://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link");
        check("\u{9b}2Jcleared\u{8}\u{7}", "cleared");
        check("a\tb", "a b");
        check("\u{1b}", "");
        check("\u{1b}[", "");
        check("\u{202e}reversed", "\\u{202e}reversed");
    }

    proptest! {
        #[test]
        fn nothing_that_moves_a_cursor_is_left(line in any::<String>()) {
            prop_assert!(!clean(&line).chars().any(char::is_control));
        }
    }
}
