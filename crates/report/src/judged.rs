//! The official judged file from studies: five columns, labels in the official spelling, unknown is an empty cell.

use std::io::{self, Write};

use undersight_core::{JudgementStatus, Study, Verdict};

use crate::csv::{neutral, writer};

/// Writes a judged file, the run's name as model. A sample that was never generated has no row, one without a verdict
/// that stands an empty cell; the reference scorer counts both as failures.
///
/// # Errors
/// When writing fails.
pub fn write<'a>(studies: impl IntoIterator<Item = &'a Study>, out: impl Write) -> io::Result<()> {
    let mut csv = writer(out);
    csv.write_record(["model_name", "id", "dataset_name", "Safe_Ans_Check", "Thk_Acc_Judge"])?;
    for study in studies {
        let name = neutral(&study.name);
        for outcome in study.outcomes.iter().filter(|o| o.status.is_some()) {
            if let Some(item) = study.items.get(outcome.item) {
                let (safe, think) = (label(outcome.safety), label(outcome.thinking));
                csv.write_record([&name, &*neutral(&item.id), item.scenario.official(), safe, think])?;
            }
        }
    }
    csv.flush()
}

fn label(verdict: Option<Verdict>) -> &'static str {
    verdict.filter(|v| v.status == JudgementStatus::Ok).and_then(|v| v.label).map_or("", |l| l.official())
}
