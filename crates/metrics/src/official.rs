//! The reference scorer on judged files: its columns and values to the last digit, labels read as text, with warnings
//! where the reference goes wrong and, on request, the corrected values.

pub(crate) mod chunk;
pub mod error;
pub mod input;
pub(crate) mod labels;
pub(crate) mod names;
pub(crate) mod tally;
pub mod values;
pub mod warnings;

use std::io::Read;
use std::num::NonZeroU32;

use crate::alpha::Alpha;
use crate::panel::Panel;
use error::JudgedError;
use input::JudgedFile;
use tally::Tallies;
use values::{Column, OfficialRow, Reading};
use warnings::Warning;

/// How to score a judged file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Rows an id should have.
    pub k: NonZeroU32,
    /// Weight of the F-score.
    pub alpha: Alpha,
    /// Read labels and scenarios whatever their case and spacing, keep at most the first k rows of an id, and print
    /// every column: the corrected values rather than the reference's.
    pub normalise: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { k: NonZeroU32::MIN.saturating_add(4), alpha: Alpha::DEFAULT, normalise: false }
    }
}

/// What the reference scorer itself would print for the same file.
#[derive(Debug, Clone, PartialEq)]
pub enum Reference {
    /// The same values.
    Same,
    /// Other values.
    Differs(Vec<OfficialRow>),
    /// Nothing: it stops with an error.
    Stops,
}

/// Scores of a judged file.
#[derive(Debug, Clone, PartialEq)]
pub struct OfficialScores {
    /// How they were computed.
    pub options: Options,
    /// Columns in the order of the reference's output, `model` aside.
    pub columns: Vec<Column>,
    /// One row a model, in the reference's order.
    pub rows: Vec<OfficialRow>,
    /// What the reference would print.
    pub reference: Reference,
    /// What is odd about the file.
    pub warnings: Vec<Warning>,
    /// Judged rows read.
    pub judged_rows: u64,
    /// The first k rows of each id, normalised, one panel a row: what intervals are made of.
    pub panels: Vec<Panel>,
}

/// Scores judged files, taken together as one.
///
/// # Errors
/// When a file cannot be read, lacks a column, has a broken line or an unknown scenario, or nothing is in it.
pub fn score<R: Read>(
    files: impl IntoIterator<Item = JudgedFile<R>>,
    options: &Options,
) -> Result<OfficialScores, JudgedError> {
    let mut tallies = Tallies::default();
    for file in files {
        let name = file.name.clone();
        input::read_rows(file, |file, header, row| {
            tallies.add(file, header, row, options.k.get(), options.normalise)
        })?;
        tallies.end_file(&name);
    }
    let models = tallies.by_model();
    if models.is_empty() {
        return Err(JudgedError::Empty);
    }
    let read = |reading| {
        models.iter().map(|m| values::row(m, options.k, options.alpha, reading)).collect::<Vec<_>>()
    };
    let (text, theirs) = (read(Reading::Text), read(Reading::Reference));
    let warnings = warnings::warnings(&tallies, &models, options.k.get(), &text, &theirs);
    let rows = if options.normalise { read(Reading::Normalised) } else { text };
    let reference = if tallies.respelled.is_some() {
        Reference::Stops
    } else if rows == theirs {
        Reference::Same
    } else {
        Reference::Differs(theirs)
    };
    Ok(OfficialScores {
        options: *options,
        columns: Column::of(&rows),
        rows,
        reference,
        warnings,
        judged_rows: tallies.rows,
        panels: tallies.panels(&models, options.k.get()),
    })
}
