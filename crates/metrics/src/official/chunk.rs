//! Which stretches of a file pandas reads as booleans. It converts a column chunk by chunk, and a chunk that holds
//! nothing but `True` and `False` in some case becomes booleans, none of which equals the text `True`.

use super::input::{is_boolean, is_missing};

/// A stretch of rows that pandas reads as booleans.
#[derive(Debug, Clone)]
pub(crate) struct BooleanChunk {
    pub(crate) file: String,
    pub(crate) first_row: u64,
    pub(crate) last_row: u64,
    /// Risk-omission rows labelled `True` in it.
    pub(crate) lost: u64,
}

/// The chunk being read.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    first_row: u64,
    rows: u64,
    not_boolean: bool,
    any_boolean: bool,
    passing: Vec<(u32, u32)>,
}

/// How many rows pandas converts at a time, from the number of columns: a power of two below 2^20 / columns.
const fn chunk_rows(columns: usize) -> u64 {
    let bound = (1_u64 << 20) / if columns == 0 { 1 } else { columns as u64 };
    let mut rows = 1;
    while rows * 2 < bound {
        rows *= 2;
    }
    rows
}

impl Chunk {
    /// Adds a row; `passing` is the cell of a risk-omission row labelled `True`.
    pub(crate) fn add(&mut self, thinking: &str, passing: Option<(u32, u32)>) {
        self.rows += 1;
        if self.not_boolean {
            return;
        }
        if is_boolean(thinking) {
            self.any_boolean = true;
            self.passing.extend(passing);
        } else if !is_missing(thinking) {
            self.not_boolean = true;
            self.passing.clear();
        }
    }

    /// Whether pandas would convert the chunk now.
    pub(crate) const fn is_full(&self, columns: usize) -> bool {
        self.rows == chunk_rows(columns)
    }

    /// Ends the chunk and begins the next: what was lost, and in which cells.
    pub(crate) fn end(&mut self, file: &str) -> (Option<BooleanChunk>, Vec<(u32, u32)>) {
        let next = self.first_row + self.rows;
        let ended = std::mem::replace(self, Self { first_row: next, ..Self::default() });
        if ended.not_boolean || !ended.any_boolean || ended.passing.is_empty() {
            return (None, Vec::new());
        }
        let found = BooleanChunk {
            file: file.to_owned(),
            first_row: ended.first_row + 1,
            last_row: next,
            lost: ended.passing.len() as u64,
        };
        (Some(found), ended.passing)
    }
}
