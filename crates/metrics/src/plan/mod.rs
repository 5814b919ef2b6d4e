//! Planning a study from a pilot: where its variance comes from, how many instances and samples show a difference, and
//! how a budget is best split between instances, samples and human labels.
//!
//! The variance of a difference between two arms over n instances with k samples each is
//! (between + shared + within / k) / n ([`Contrast`]): the sampling of instances, what texts shared between instances
//! add to it, and the sampling of the model. Only the last shrinks with k. Source: Miller (2024), "Adding error bars
//! to evals", arXiv 2411.00640, §§3–5; labels: Angelopoulos, Duchi and Zrnic (2023), "PPI++", arXiv 2311.01453.

mod budget;
mod components;
mod error;
mod jackknife;
mod judge;
mod paired;
mod power;
mod study;

pub use budget::{Best, Budget, Costs, Design, MOST_INSTANCES, MOST_SAMPLES, Split, best_split};
pub use components::{Mix, Pilot, Spread, Stratum, components};
pub use error::PlanError;
pub use jackknife::Component;
pub use judge::{Corrected, JudgeErrors, JudgeNoise};
pub use paired::{PairedPilot, PairedSpread, PairedStratum, paired};
pub use power::{
    Contrast, Correlation, Need, Pairing, Target, Test, detectable, instances_needed, needs, power,
    samples_needed,
};
pub use study::{Evidence, JudgePart, Outlook, Request, StudyPlan, plan};
