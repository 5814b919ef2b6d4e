//! Why a table of published figures cannot be read, with where and what to do.

/// A table that cannot be read. Text from the file is excerpted and made printable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishedError {
    /// Reading failed.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A column nobody knows.
    #[error("{file}: line {line}: unknown column \"{field}\"")]
    Column {
        /// The file.
        file: String,
        /// The header's line.
        line: u64,
        /// The column, excerpted.
        field: String,
        /// The column that was most likely meant.
        near: Option<&'static str>,
    },
    /// A column that is there twice.
    #[error("{file}: line {line}: column {field} appears twice")]
    Twice {
        /// The file.
        file: String,
        /// The header's line.
        line: u64,
        /// The column.
        field: &'static str,
    },
    /// No column of models, or none of figures.
    #[error("{file}: line {line}: no {field} column")]
    Missing {
        /// The file.
        file: String,
        /// The header's line.
        line: u64,
        /// What is not there.
        field: &'static str,
    },
    /// A line has more or fewer fields than the header.
    #[error("{file}: line {line}: field {field}: {found} fields where the header has {expected}")]
    Broken {
        /// The file.
        file: String,
        /// Where the row begins.
        line: u64,
        /// The first column without a field, or the last there is.
        field: &'static str,
        /// Fields on the line.
        found: usize,
        /// Fields in the header.
        expected: usize,
    },
    /// A field that is not what its column holds.
    #[error("{file}: line {line}: field {field}: expected {expected}, got \"{value}\"")]
    Value {
        /// The file.
        file: String,
        /// Where the row begins.
        line: u64,
        /// The column.
        field: &'static str,
        /// What the column holds.
        expected: &'static str,
        /// What was found, excerpted.
        value: String,
    },
    /// Text that is not UTF-8.
    #[error("{file}: line {line}: field {field}: not UTF-8 text")]
    Encoding {
        /// The file.
        file: String,
        /// Where the row begins.
        line: u64,
        /// The column, or its number in the header.
        field: String,
    },
    /// A row without a figure, or a table without rows.
    #[error("{file}: line {line}: {what}")]
    Empty {
        /// The file.
        file: String,
        /// Where.
        line: u64,
        /// What is empty.
        what: &'static str,
    },
}

impl PublishedError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Read { .. } => "check that the file is there and readable".to_owned(),
            Self::Column { near: Some(near), .. } => format!("did you mean {near}?"),
            Self::Column { near: None, .. } | Self::Missing { .. } => format!(
                "columns are model and any of {}",
                super::read::NAMES.iter().skip(1).copied().collect::<Vec<_>>().join(", ")
            ),
            Self::Twice { .. } => "keep one of them".to_owned(),
            Self::Broken { .. } => "quote fields that hold commas, quotes or line breaks".to_owned(),
            Self::Value { field: "model", .. } => "every row names its model".to_owned(),
            Self::Value { .. } => {
                "write plain numbers such as 93.54, and leave a cell empty where nothing was published"
                    .to_owned()
            }
            Self::Encoding { .. } => "save the file as UTF-8".to_owned(),
            Self::Empty { .. } => {
                "a table has a header and, below it, rows with a model and at least one figure".to_owned()
            }
        }
    }
}
