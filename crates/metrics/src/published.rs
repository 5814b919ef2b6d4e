//! Published figures as reference rows: tables of printed percentages are read, what can be recomputed is, and what
//! cannot be right is found by rule. Beside the scores of one's own runs on a leaderboard.

pub mod columns;
pub mod error;
mod grid;
mod read;
pub mod recompute;
pub mod rules;
pub mod table;

pub use columns::{FIGURES, instances, title};
pub use error::PublishedError;
pub use read::read;
pub use recompute::{Recomputed, Rounded, implied_alpha, recompute};
pub use rules::{Code, Finding, RULES, Rule, check};
pub use table::{Figure, PublishedRow, Table};

/// The tables that come with the program: name and text.
const EMBEDDED: [(&str, &str); 4] = [
    ("leaderboard", include_str!("../published/leaderboard.csv")),
    ("safety_rules", include_str!("../published/safety_rules.csv")),
    ("fine_tuning", include_str!("../published/fine_tuning.csv")),
    ("decoding_grid", include_str!("../published/decoding_grid.csv")),
];

/// The four tables that come with the program, in percent as printed. Source: the project page of Beyond Safe Answers,
/// 2025 (arXiv 2505.19690).
#[must_use]
pub fn embedded() -> Vec<Table> {
    EMBEDDED.iter().filter_map(|(name, text)| read(name, text.as_bytes()).ok()).collect()
}
