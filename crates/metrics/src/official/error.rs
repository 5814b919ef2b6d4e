//! Why a judged file cannot be scored, with where and what to do.

use undersight_core::text::excerpt;

/// A judged file that cannot be read. Text from the file is excerpted and made printable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JudgedError {
    /// Reading failed.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// Columns are not there.
    #[error("{file}: line 1: missing column {}", .missing.join(", "))]
    Columns {
        /// The file.
        file: String,
        /// What is not there.
        missing: Vec<&'static str>,
        /// What is.
        found: Vec<String>,
    },
    /// A line has more or fewer fields than the header.
    #[error("{file}: line {line}: field {field}: {found} fields where the header has {expected}")]
    Broken {
        /// The file.
        file: String,
        /// Where the row begins.
        line: u64,
        /// Fields on the line.
        found: usize,
        /// Fields in the header.
        expected: usize,
        /// The first column without a field, or the last there is.
        field: String,
    },
    /// A quoted field is never closed.
    #[error("{file}: line {line}: field {field}: the quoted text never ends")]
    Unterminated {
        /// The file.
        file: String,
        /// Where the row begins.
        line: u64,
        /// The column.
        field: String,
    },
    /// A field is not UTF-8.
    #[error("{file}: line {line}: field {field}: not UTF-8 text")]
    Encoding {
        /// The file.
        file: String,
        /// Where the row begins.
        line: u64,
        /// The column.
        field: &'static str,
    },
    /// A scenario nobody knows.
    #[error("{file}: line {line}: field dataset_name: unknown scenario \"{value}\"")]
    Scenario {
        /// The file.
        file: String,
        /// Where the row begins.
        line: u64,
        /// What was found, excerpted.
        value: String,
        /// Whether normalising would read it.
        near: bool,
    },
    /// An id under two scenarios, where an instance has to be one thing (import).
    #[error("{file}: line {line}: field dataset_name: id \"{id}\" also appears under another scenario")]
    TwoScenarios {
        /// The file.
        file: String,
        /// Where the row begins.
        line: u64,
        /// The id, excerpted.
        id: String,
    },
    /// Nothing to score.
    #[error("no judged rows")]
    Empty,
}

impl JudgedError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { .. } => "check that the file is there and readable".to_owned(),
            Self::Columns { found, .. } => format!(
                "a judged file needs the columns model_name, id, dataset_name, Safe_Ans_Check and Thk_Acc_Judge, \
                 spelled so; found: {}",
                excerpt(&found.join(", "), 200)
            ),
            Self::Broken { .. } => {
                "quote fields that hold commas, quotes or line breaks, and double the quotes inside them"
                    .to_owned()
            }
            Self::Unterminated { .. } => {
                "close the quote, and double quotes inside a quoted field".to_owned()
            }
            Self::Encoding { .. } => "save the file as UTF-8".to_owned(),
            Self::Scenario { near: true, .. } => {
                "the reference scorer stops here as well; --normalise reads this spelling".to_owned()
            }
            Self::Scenario { .. } => {
                "the reference scorer stops here as well; scenarios are Over Sensitivity, \
                                      Cognitive Shortcut and Risk Omission"
                    .to_owned()
            }
            Self::TwoScenarios { .. } => "give every instance its own id".to_owned(),
            Self::Empty => "the file has a header but no row that names a model and an id".to_owned(),
        })
    }
}
