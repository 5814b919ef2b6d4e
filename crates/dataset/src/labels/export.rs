//! Labels that were given, as files [`super::load_labels`] reads back.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use undersight_core::HumanLabel;

use super::cells::{guarded, written};
use super::requests::failed;
use super::seen::Seen;
use crate::Format;
use crate::suggest::shown;

/// How labels are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelFormat {
    /// One row a label. A `'` stands before names and remarks a spreadsheet would take for formulas; reading removes it.
    Csv,
    /// One object a label.
    Jsonl,
}

impl LabelFormat {
    /// By the extension of a file; `None` where it names neither.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        match Format::of_path(path)? {
            Format::Csv => Some(Self::Csv),
            Format::Jsonl => Some(Self::Jsonl),
            Format::Parquet => None,
        }
    }
}

/// Why labels are not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A name that would not be read back.
    #[error(
        "{field} {} of sample {index} of {} is empty or begins or ends with white space",
        shown(text),
        shown(id)
    )]
    Name {
        /// `id`, `run`, `annotator` or `guideline`.
        field: &'static str,
        /// As it is.
        text: String,
        /// The instance.
        id: String,
        /// The sample.
        index: u32,
    },
    /// A probability that is none.
    #[error("the probability of sample {index} of {} is {probability}, not above 0 and at most 1", shown(id))]
    Probability {
        /// The instance.
        id: String,
        /// The sample.
        index: u32,
        /// As it is.
        probability: f64,
    },
    /// Labels that cannot be in one file.
    #[error("{}: {what}", shown(id))]
    Clash {
        /// The instance.
        id: String,
        /// E.g. `sample 0 of this id is labelled twice`.
        what: String,
        /// What to do about it.
        hint: &'static str,
    },
}

impl ExportError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> Option<&str> {
        match self {
            Self::Io(_) => None,
            Self::Name { .. } => Some("give it a name without white space around it"),
            Self::Probability { .. } => Some("leave it unset where a sample was not drawn at random"),
            Self::Clash { hint, .. } => Some(hint),
        }
    }
}

/// A line; members that say nothing are left out.
#[derive(Serialize)]
struct Record<'a> {
    id: &'a str,
    index: u32,
    task: &'static str,
    label: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotator: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guideline: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    adjudicated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    draw: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
}

const COLUMNS: [&str; 12] = [
    "id",
    "index",
    "task",
    "label",
    "probability",
    "annotator",
    "time",
    "guideline",
    "comment",
    "adjudicated",
    "draw",
    "run",
];

/// Writes labels so that [`super::load_labels`] reads the same labels back; of a comment, white space around it is dropped.
/// Ids and runs are written as they are, since they have to be found again.
///
/// # Errors
/// When writing fails, or a label could not be read back: names that are empty or surrounded by white space, probabilities
/// that are none, two labels of one person on one task of a sample. Nothing is written then.
pub fn export_labels(
    format: LabelFormat,
    labels: &[HumanLabel],
    mut out: impl Write,
) -> Result<(), ExportError> {
    let mut seen = Seen::default();
    let records =
        labels.iter().map(|label| Record::of(label, &mut seen)).collect::<Result<Vec<_>, ExportError>>()?;
    match format {
        LabelFormat::Csv => Ok(write_csv(&records, out)?),
        LabelFormat::Jsonl => {
            for record in &records {
                serde_json::to_writer(&mut out, record).map_err(io::Error::from)?;
                out.write_all(b"\n")?;
            }
            Ok(out.flush()?)
        }
    }
}

fn write_csv(records: &[Record<'_>], out: impl Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(COLUMNS).map_err(failed)?;
    for record in records {
        let text = |text: Option<&'_ str>| guarded(text.unwrap_or_default()).into_owned();
        csv.write_record([
            record.id,
            &record.index.to_string(),
            record.task,
            record.label,
            &record.probability.map_or_else(String::new, |p| p.to_string()),
            &text(record.annotator),
            record.time.as_deref().unwrap_or_default(),
            &text(record.guideline),
            &text(record.comment),
            if record.adjudicated { "true" } else { "" },
            &text(record.draw),
            record.run.unwrap_or_default(),
        ])
        .map_err(failed)?;
    }
    csv.flush()
}

impl<'a> Record<'a> {
    /// A label that can be read back.
    fn of(label: &'a HumanLabel, seen: &mut Seen) -> Result<Self, ExportError> {
        let (id, index) = (|| label.id.clone(), label.index);
        let names = [
            ("id", Some(&label.id)),
            ("draw", label.draw.as_ref()),
            ("run", label.run.as_ref()),
            ("annotator", label.annotator.as_ref()),
            ("guideline", label.guideline.as_ref()),
        ];
        for (field, text) in names.into_iter().filter_map(|(field, text)| Some((field, text?))) {
            if text.is_empty() || text.trim() != text {
                return Err(ExportError::Name { field, text: text.clone(), id: id(), index });
            }
        }
        if let Some(probability) = label.probability.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
            return Err(ExportError::Probability { id: id(), index, probability });
        }
        if let Some(clash) = seen.clashes(label).first() {
            return Err(ExportError::Clash { id: id(), what: clash.of(index), hint: clash.hint() });
        }
        Ok(Self {
            id: &label.id,
            index,
            task: label.task.name(),
            label: label.label.official(),
            probability: label.probability,
            annotator: label.annotator.as_deref(),
            time: label.time.map(written),
            guideline: label.guideline.as_deref(),
            comment: label.comment.as_deref().map(str::trim).filter(|text| !text.is_empty()),
            adjudicated: label.adjudicated,
            draw: label.draw.as_deref(),
            run: label.run.as_deref(),
        })
    }
}
