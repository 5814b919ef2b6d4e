//! Judgements to estimates, pure: scores with bounds from a study, the reference scorer's values from a judged file,
//! and a judge's error against simulated truth.

pub mod alpha;
pub mod card;
pub mod compare;
pub mod counts;
pub mod estimate;
pub mod evidence;
pub mod group;
pub mod handling;
pub mod import;
pub mod inference;
pub mod judge_error;
pub mod measure;
pub mod measured;
pub mod official;
pub mod panel;
pub mod plan;
pub mod published;
pub mod scores;
pub mod share;
pub mod stats;
pub mod truth;
pub mod votes;

pub use alpha::{Alpha, FScore};
pub use counts::{Counts, Joint, TaskCounts};
pub use estimate::Estimate;
pub use evidence::{EvidenceGroup, EvidenceRow, EvidenceStats, EvidenceTally, Lateness, Quotes};
pub use group::Group;
pub use handling::{Handling, handling};
pub use import::{Imported, read_judged};
pub use inference::{
    Clustering, Estimand, Inference, Interval, Level, Method, NotALevel, Quantity, Replicates, resample,
};
pub use measure::{Measure, Part};
pub use measured::Measured;
pub use official::error::JudgedError;
pub use official::input::JudgedFile;
pub use official::values::{At, Column, OfficialRow};
pub use official::warnings::{Warning, WarningCode};
pub use official::{OfficialScores, Options, Reference, score};
pub use panel::{Cells, Panel};
pub use scores::{AtK, Consistency, Metrics, Scores, Scoring, score_panel, score_panels, scores};
pub use share::{Missing, Share, Tally};
pub use truth::{Confusion, TruthRow, TruthTable, truth_table};
pub use votes::{TaskVotes, VotesTally};
