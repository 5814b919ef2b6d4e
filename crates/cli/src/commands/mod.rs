//! One file per command; each parses its settings, wires the crates together and prints.

pub(crate) mod dataset;
pub(crate) mod demo;
pub(crate) mod dry_run;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod fetch;
pub(crate) mod import;
pub(crate) mod judge;
pub(crate) mod runs;
pub(crate) mod score;

use undersight_core::ModelName;

use crate::fail::Fail;

/// The offline lexical judge.
pub(crate) fn sim_judge() -> Result<ModelName, Fail> {
    ModelName::parse("sim/judge").map_err(Fail::failed)
}
