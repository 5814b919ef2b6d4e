//! One file per command; each parses its settings, wires the crates together and prints.

pub(crate) mod compare;
pub(crate) mod dataset;
pub(crate) mod demo;
pub(crate) mod dry_run;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod fetch;
pub(crate) mod gate;
pub(crate) mod import;
pub(crate) mod judge;
pub(crate) mod labels;
pub(crate) mod leaderboard;
mod offline;
pub(crate) mod plan;
pub(crate) mod probe;
pub(crate) mod runs;
pub(crate) mod score;

use undersight_core::{JudgeSpec, ModelName};
use undersight_judge::{Recipe, Settings};

use crate::fail::Fail;

/// The oracle judge reads the truth of simulated samples; others have none.
pub(crate) fn oracle_needs_truth(judge: &JudgeSpec, model: &ModelName) -> Result<(), Fail> {
    let oracle = |j: &&JudgeSpec| j.model.as_str().starts_with("sim/oracle-judge");
    if judge.leaves().iter().any(oracle) && !model.is_simulated() {
        return Err(Fail::usage(format!(
            "sim/oracle-judge reads simulated truth, and {model} is not simulated"
        ))
        .hint("judge it with a model, or with sim/judge to try things out"));
    }
    Ok(())
}

/// The offline lexical judge.
pub(crate) fn sim_judge() -> Result<Recipe, Fail> {
    let name = ModelName::parse("sim/judge").map_err(Fail::failed)?;
    Recipe::model(&name, Settings::default()).map_err(Fail::failed)
}

/// A judge that is the model under test, alone or within a panel, favours itself.
pub(crate) fn warn_of_self_judging(judge: &JudgeSpec, model: &ModelName) {
    if judge.includes_model(model) && !model.is_simulated() {
        crate::terminal::note(&format!(
            "warning: {model} judges itself{}; models favour their own output, and every score of it is marked",
            if judge.model == *model { "" } else { " within the panel" }
        ));
    }
}
