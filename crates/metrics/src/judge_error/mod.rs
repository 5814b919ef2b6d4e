//! A judge's error, measured against human labels and carried into the estimates: which samples to label, how well
//! the judge agrees with people, and rates corrected for where it does not.
//!
//! Corrections rest on labels of samples drawn at random from the run itself ([`draw`]), each with the probability of
//! its drawing. They are made per scenario, because a judge errs differently in each, and put together with the
//! scenarios' shares of the plan.

mod agreement;
mod assign;
mod correct;
mod draw;
mod error;
mod influence;
mod join;
mod people;
mod ppi;
mod rate;
mod rogan_gladen;
mod settle;
mod ssa;

pub(crate) use agreement::row_of;
pub use agreement::{Agreement, AgreementRow, Chance, MeasuredRate, Measures, agreement};
pub use assign::{AssignError, assign};
pub use correct::{
    ByScenario, CorrectedRate, CorrectionOptions, Corrections, Method, SsaCorrection, correct,
};
pub use draw::{Allocation, Draw, DrawError, DrawPlan, Drawn, Strata, Stratum, draw};
pub(crate) use error::FEWEST_LABELLED;
pub use error::{CorrectionError, at_k_refusal};
pub use people::{AnnotatorRow, PairRow, People, PeopleRow, people};
pub use ppi::{Lambda, PpiMean, ppi_mean};
pub use rate::Correction;
pub use rogan_gladen::{Corrected, rogan_gladen};
pub use settle::{Disagreement, Settled, Settling, settled};

use undersight_core::{Label, Outcome, Task, Verdict};

/// Whether the standing verdict of a task passes; `None` where there is none.
fn judged(outcome: &Outcome, task: Task) -> Option<bool> {
    outcome.verdict(task).and_then(Verdict::passes)
}

/// The label of a verdict that stands.
fn standing(outcome: &Outcome, task: Task) -> Option<Label> {
    outcome.verdict(task).filter(|v| v.passes().is_some()).and_then(|v| v.label)
}
