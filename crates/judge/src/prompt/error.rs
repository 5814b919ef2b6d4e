//! Why a directory holds no prompts, and the reading of their files.

use std::path::{Path, PathBuf};

use undersight_core::VerdictFormat;

/// Why prompts cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptsError {
    /// Nothing known lies there.
    #[error("{}: no prompts are found here", .0.display())]
    NotFound(PathBuf),
    /// Official prompts and templates side by side.
    #[error("{}: official prompts and templates are in one directory", .0.display())]
    Both(PathBuf),
    /// A file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Something in a file.
    #[error("{}{}: {message}", path.display(), line.map(|l| format!(", line {l}")).unwrap_or_default())]
    File {
        /// Which.
        path: PathBuf,
        /// Where, from 1.
        line: Option<usize>,
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The judge writes otherwise than the prompts ask it to.
    #[error("the prompts {prompts} do not go with the format {format}")]
    Format {
        /// Their name.
        prompts: String,
        /// The format.
        format: VerdictFormat,
    },
}

impl PromptsError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NotFound(_) => {
                "the directory Prompt of a copy of the BSA repository, or one with templates of your own such as safety.md.j2 (docs/judges.md)".to_owned()
            }
            Self::Both(_) => "move the templates (.j2) to a directory of their own".to_owned(),
            Self::Unreadable { .. } => "prompts are text files in UTF-8".to_owned(),
            Self::File { hint, .. } => hint.clone(),
            Self::Format { format, .. } if format.is_guard() => {
                "leave `prompts` out for the guard's own, or give templates of your own with a safety.md.j2".to_owned()
            }
            Self::Format { .. } => "leave `format` out".to_owned(),
        }
    }

    pub(super) fn file(
        path: &Path,
        line: impl Into<Option<usize>>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::File { path: path.to_owned(), line: line.into(), message: message.into(), hint: hint.into() }
    }
}

/// The text of a file as it was written: without a byte-order mark, and with the line ends it had before a checkout
/// changed them.
pub(super) fn read(path: &Path) -> Result<String, PromptsError> {
    let unreadable = |reason: String| PromptsError::Unreadable { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|e| unreadable(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("not UTF-8".to_owned()))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n"))
}

/// The line, from 1, that a byte of a text is on.
pub(super) fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|b| *b == b'\n').count() + 1
}
