//! Files to validated instances: the first station of the way of the data. Everything downstream may rely on what
//! an `Instance` promises, because only this crate builds them from files.

mod cases;
mod columns;
mod flat;
mod formats;
mod labels;
mod object;
mod official;
mod problem;
mod responses;
mod row;
mod select;
mod starter;
pub mod stats;
mod suggest;

use std::path::Path;
use std::sync::Arc;

use undersight_core::instance::dataset_hash;
use undersight_core::{Digest, Instance};

pub use cases::{
    CASE_SCHEMA, CaseSet, CaseSummary, CategoryCases, KindCases, LabelCases, ScenarioCases, calibration,
    load_cases, parse_cases,
};
pub use formats::Format;
pub use labels::{
    AdjudicationRequest, ExportError, LabelFormat, LabelRequest, Labels, export_labels, load_labels,
    write_adjudication, write_labels,
};
pub use problem::{LoadError, Located, Problem, Problems, WriteError};
pub use responses::{Response, Responses, load_responses};
pub use select::{SelectError, select};
pub use starter::starter;

/// SHA-256 of the official file (2,000 instances, CC BY-NC 4.0), as `sha256sum` prints it.
pub const OFFICIAL_SHA256: &str = "c1e26c30d0a0c8013d986aeb84b63c4b592387a92c52c70fd79b2796678eef3c";

/// Size of the official file in bytes.
pub const OFFICIAL_BYTES: u64 = 1_605_446;

/// The value of a record's `schema` member, written always and checked where present.
pub const SCHEMA: &str = "undersight.instance/v1";

/// Validated instances and where they came from.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// For people: `bsa` for the official file, `starter`, otherwise the file's stem.
    pub name: String,
    /// The path or a word for where it came from.
    pub source: String,
    /// Hash of all instances in file order.
    pub hash: Digest,
    /// In file order; ids are unique.
    pub instances: Vec<Arc<Instance>>,
    /// What is odd but not wrong.
    pub warnings: Vec<Problem>,
}

impl Dataset {
    /// Wraps instances that are already consistent.
    #[must_use]
    pub fn new(name: impl Into<String>, source: impl Into<String>, instances: Vec<Instance>) -> Self {
        Self {
            name: name.into(),
            source: source.into(),
            hash: dataset_hash(&instances),
            instances: instances.into_iter().map(Arc::new).collect(),
            warnings: Vec::new(),
        }
    }
}

/// Reads and validates a file. The format follows from the extension, or from the content where the extension
/// says nothing.
///
/// # Errors
/// When the file cannot be read, its format is not known, or anything in it is wrong (all problems at once).
pub fn load(path: &Path) -> Result<Dataset, LoadError> {
    let bytes = std::fs::read(path).map_err(|source| LoadError::Io { path: path.to_owned(), source })?;
    let format = Format::of_path(path)
        .or_else(|| Format::sniff(&bytes))
        .ok_or_else(|| LoadError::UnknownFormat { path: path.to_owned() })?;
    Ok(parse(format, &path.display().to_string(), &bytes)?)
}

/// Reads and validates the bytes of a file; `source` names it in problems and in the dataset.
///
/// # Errors
/// All problems of the file.
pub fn parse(format: Format, source: &str, bytes: &[u8]) -> Result<Dataset, Problems> {
    let (instances, warnings) =
        formats::read(format, bytes).map_err(|problems| Problems { file: source.to_owned(), problems })?;
    let name = if Digest::of_bytes(bytes).to_string() == OFFICIAL_SHA256 {
        "bsa".to_owned()
    } else {
        Path::new(source).file_stem().map_or_else(|| source.to_owned(), |s| s.to_string_lossy().into_owned())
    };
    Ok(Dataset { warnings, ..Dataset::new(name, source, instances) })
}

/// Writes instances in a format. The official CSV cannot hold everything: see [`losses`].
///
/// # Errors
/// When the writer fails.
pub fn write(
    format: Format,
    instances: &[Arc<Instance>],
    mut writer: impl std::io::Write + Send,
) -> Result<(), WriteError> {
    formats::write(format, instances, &mut writer)?;
    Ok(writer.flush()?)
}

/// What [`write`] in this format would lose, one line each for people; empty when reading the file back gives equal
/// instances.
#[must_use]
pub fn losses(format: Format, instances: &[Arc<Instance>]) -> Vec<String> {
    match format {
        Format::Csv => official::losses(instances),
        Format::Jsonl | Format::Parquet => Vec::new(),
    }
}
