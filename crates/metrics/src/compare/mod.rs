//! Runs side by side, pure: whether they may be compared, paired differences with verdicts, ranks with confidence sets,
//! where α changes the order, and gates for continuous integration. Panels in, finished numbers and sentences out.

pub mod align;
pub mod alpha_sweep;
mod changes;
pub mod comparable;
mod contrast;
pub mod error;
pub mod gate;
pub mod leaderboard;
pub mod metric;
pub mod paired;
pub mod ranks;
mod words;

pub use align::align;
pub use alpha_sweep::{AlphaSweep, Segment, Swap, alpha_sweep};
pub use comparable::{ArmFacts, Mismatch, MismatchKind, Severity, mismatches, refusal};
pub use error::CompareError;
pub use gate::{Gate, GateResult, Margin, NotAMargin, Test, gate};
pub use leaderboard::{Leader, Leaderboard, LeaderboardOptions, leaderboard};
pub use metric::{Metric, MetricSpec, NotAMetric};
pub use paired::{Changed, CompareOptions, Comparison, Difference, McNemar, Pair, compare};
pub use ranks::{Contender, Independence, RankSet, rank_sets, rank_sets_by_error};
