//! Estimates and records to bytes, pure: terminal and Markdown tables, JSON, CSV, judged files, record exports.
//! Every formatter takes finished data; nothing here reads a store or knows a terminal.

pub mod card;
pub mod cell;
pub mod compare;
pub mod csv;
pub mod gate;
pub mod grid;
pub mod human;
pub mod json;
pub mod judged;
pub mod leaderboard;
mod narrow;
pub mod number;
pub mod plan;
pub mod probe;
pub mod published;
pub mod records;
pub mod table;
pub mod view;

pub use cell::Cell;
pub use grid::{Layout, grid};
pub use records::judgement::{JudgementRow, Judgements};
pub use records::sample::{SampleRow, Samples};
pub use records::{JudgeName, RecordFormat, RecordWriter};
pub use view::RunLine;
