//! A judge's error, measured against human labels and carried into the estimates: which samples to label, how well
//! the judge agrees with people, and rates corrected for where it does not.
//!
//! Corrections rest on labels of samples drawn at random from the run itself ([`draw`]), each with the probability of
//! its drawing. They are made per scenario, because a judge errs differently in each, and put together with the
//! scenarios' shares of the plan.

mod agreement;
mod correct;
mod draw;
mod error;
mod influence;
mod join;
mod ppi;
mod rate;
mod rogan_gladen;
mod ssa;

pub use agreement::{Agreement, AgreementRow, Chance, MeasuredRate, Measures, agreement};
pub use correct::{
    ByScenario, CorrectedRate, CorrectionOptions, Corrections, Method, SsaCorrection, correct,
};
pub use draw::{Allocation, Drawn, draw, draw_with};
pub(crate) use error::FEWEST_LABELLED;
pub use error::{CorrectionError, at_k_refusal};
pub use ppi::{Lambda, PpiMean, ppi_mean};
pub use rate::Correction;
pub use rogan_gladen::{Corrected, rogan_gladen};

use undersight_core::{Outcome, Task};

/// Whether the standing verdict of a task passes; `None` where there is none.
fn judged(outcome: &Outcome, task: Task) -> Option<bool> {
    let verdict = match task {
        Task::Safety => outcome.safety,
        Task::Thinking => outcome.thinking,
    };
    verdict.and_then(|v| v.passes())
}
