//! The figures a published table may hold: their titles, their places in a row, and the instances they divide by.

use undersight_core::Scenario;

use crate::official::values::{At, BENCHMARK_SIZE, Column, benchmark_size};

/// All figures, in the order of [`title`]s.
pub const FIGURES: [Column; 11] = [
    Column::Answer(At::One),
    Column::Answer(At::K),
    Column::Think(At::One),
    Column::Think(At::K),
    Column::FScore,
    Column::Scenario(Scenario::OverSensitivity, At::One),
    Column::Scenario(Scenario::OverSensitivity, At::K),
    Column::Scenario(Scenario::CognitiveShortcut, At::One),
    Column::Scenario(Scenario::CognitiveShortcut, At::K),
    Column::Scenario(Scenario::RiskOmission, At::One),
    Column::Scenario(Scenario::RiskOmission, At::K),
];

const TITLES: [&str; 11] =
    ["Safe@1", "Safe@k", "Think@1", "Think@k", "F-score", "OS@1", "OS@k", "CS@1", "CS@k", "RO@1", "RO@k"];

/// Where a figure stands in [`FIGURES`].
pub(super) const fn place(column: Column) -> usize {
    match column {
        Column::Answer(at) => at as usize,
        Column::Think(at) => 2 + at as usize,
        Column::FScore => 4,
        Column::Scenario(scenario, at) => 5 + 2 * scenario as usize + at as usize,
    }
}

/// The title published tables give a figure: `Safe@1`, `CS@k`, `F-score`.
#[must_use]
pub const fn title(column: Column) -> &'static str {
    TITLES[place(column)]
}

/// Instances of the benchmark a figure divides by: 2,000, or those of its scenario; `None` for the F-score.
#[must_use]
pub const fn instances(column: Column) -> Option<u32> {
    match column {
        Column::Answer(_) | Column::Think(_) => Some(BENCHMARK_SIZE),
        Column::Scenario(scenario, _) => Some(benchmark_size(scenario)),
        Column::FScore => None,
    }
}

/// At 1 or at k; `None` for the F-score.
pub(super) const fn at(column: Column) -> Option<At> {
    match column {
        Column::Answer(at) | Column::Think(at) | Column::Scenario(_, at) => Some(at),
        Column::FScore => None,
    }
}
