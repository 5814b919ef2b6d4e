//! Judgements to estimates, pure: scores with bounds from a study, the reference scorer's values from a judged file,
//! and a judge's error against simulated truth.

pub mod alpha;
pub mod counts;
pub mod import;
pub mod official;
pub mod scores;
pub mod share;
pub mod truth;

pub use alpha::{Alpha, FScore};
pub use counts::{Counts, Joint, TaskCounts};
pub use import::{Imported, read_judged};
pub use official::error::JudgedError;
pub use official::input::JudgedFile;
pub use official::values::{At, Column, OfficialRow};
pub use official::warnings::{Warning, WarningCode};
pub use official::{OfficialScores, Options, Reference, score};
pub use scores::{AtK, Metrics, Scores, scores};
pub use share::{Estimate, Missing, Share, Tally};
pub use truth::{Confusion, TruthRow, TruthTable, truth_table};
