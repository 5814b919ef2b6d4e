//! The official judged file from studies: five columns, labels in the official spelling, unknown is an empty cell.

use std::io::{self, Write};

use undersight_core::{JudgementStatus, Label, Study, Verdict};

use crate::csv::{io_error, neutral, writer};

/// Writes a judged file, the run's name as model. A sample that was never generated has no row, one without a verdict
/// that stands an empty cell; the reference scorer counts both as failures.
///
/// # Errors
/// When writing fails.
pub fn write<'a>(studies: impl IntoIterator<Item = &'a Study>, out: impl Write) -> io::Result<()> {
    let mut csv = writer(out);
    csv.write_record(["model_name", "id", "dataset_name", "Safe_Ans_Check", "Thk_Acc_Judge"])
        .map_err(io_error)?;
    for study in studies {
        let name = neutral(&study.name);
        for outcome in study.outcomes.iter().filter(|o| o.status.is_some()) {
            if let Some(item) = study.items.get(outcome.item) {
                let (safe, think) = (label(outcome.safety), label(outcome.thinking));
                csv.write_record([&name, &*neutral(&item.id), item.scenario.official(), safe, think])
                    .map_err(io_error)?;
            }
        }
    }
    csv.flush()
}

fn label(verdict: Option<Verdict>) -> &'static str {
    standing(verdict).map_or("", Label::official)
}

fn standing(verdict: Option<Verdict>) -> Option<Label> {
    verdict.filter(|v| v.status == JudgementStatus::Ok).and_then(|v| v.label)
}

/// Whether a judged file's column of thinking labels would hold `True` and `False` only: the reference scorer then
/// reads it as booleans, none of which it counts as a pass.
#[must_use]
pub fn reads_as_booleans(study: &Study) -> bool {
    let mut labels =
        study.outcomes.iter().filter(|o| o.status.is_some()).filter_map(|o| standing(o.thinking)).peekable();
    labels.peek().is_some() && labels.all(|label| matches!(label, Label::True | Label::False))
}
