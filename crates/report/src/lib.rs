//! Estimates and records to bytes, pure: terminal and Markdown tables, JSON, CSV, judged files, record exports.
//! Every formatter takes finished data; nothing here reads a store or knows a terminal.

pub mod csv;
pub mod grid;
pub mod json;
pub mod judged;
mod narrow;
pub mod number;
pub mod records;
pub mod table;
pub mod view;

pub use grid::{Layout, grid};
pub use records::judgement::{JudgementRow, Judgements};
pub use records::sample::{SampleRow, Samples};
pub use records::{JudgeName, RecordFormat, RecordWriter};
pub use view::RunLine;
