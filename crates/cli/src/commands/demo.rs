//! `undersight demo`: the main job on the embedded starter set with simulated models and the offline judge; no key,
//! no network.

use std::path::Path;
use std::time::Duration;

use undersight_core::{Arm, ModelName, Selection, Task};
use undersight_metrics::Scoring;

use super::eval::{Evaluation, block_on};
use crate::args::DemoArgs;
use crate::batches::BatchSettings;
use crate::connections::Connections;
use crate::fail::Fail;
use crate::settings::Environment;
use crate::settings::eval::{EndpointSettings, EngineSettings, EvalSettings, JudgeSettings};
use crate::{progress, terminal};

const DEFAULT_STORE: &str = "undersight-demo.db";
const MODELS: [&str; 4] = ["sim/risk-aware", "sim/superficial", "sim/over-sensitive", "sim/careless"];

/// Runs the command.
pub(crate) fn command(args: &DemoArgs) -> Result<(), Fail> {
    let store = match &args.store {
        Some(store) => store.clone(),
        None => {
            remove_earlier_demo()?;
            format!("sqlite:{DEFAULT_STORE}")
        }
    };
    let settings = settings(args, store)?;
    let env = Environment::read()?;
    let dataset = undersight_dataset::starter();
    terminal::note(&format!(
        "{} instances × {} samples × {} simulated models, judged by sim/judge: nothing here says anything about a real model",
        dataset.instances.len(),
        settings.k,
        MODELS.len()
    ));
    let evaluation = Evaluation {
        selected: (0..dataset.instances.len()).collect(),
        dataset,
        connections: Connections::new(&settings.endpoint, &env)?,
        judge: super::sim_judge()?,
        import: Vec::new(),
        settings: &settings,
    };
    let finished = block_on(evaluation.run(&progress::observer()))?;
    if let Some(failure) = finished.halt.take_failure() {
        return Err(failure);
    }
    let scored = finished.scored(settings.scoring)?;
    terminal::print(&scored.demo(args.json, &settings.store)?)
}

fn settings(args: &DemoArgs, store: String) -> Result<EvalSettings, Fail> {
    let arm =
        |name: &&str| Ok(Arm { seed: Some(0), ..Arm::of(ModelName::parse(name).map_err(Fail::failed)?) });
    Ok(EvalSettings {
        arms: MODELS.iter().map(arm).collect::<Result<_, Fail>>()?,
        dataset: "starter".to_owned(),
        k: args.samples,
        name: Some("demo".to_owned()),
        allow_no_trace: false,
        selection: Selection::default(),
        judge: JudgeSettings { recipe: None, tasks: Task::SCORED.to_vec() },
        endpoint: EndpointSettings {
            batches: BatchSettings::none(),
            model_base_url: None,
            max_connections: Some(8),
            rpm: None,
            tpm: None,
            max_retries: 5,
            timeout: Duration::from_secs(60),
            stream: false,
            engines: EngineSettings::default(),
            record: None,
            replay: None,
            replayed: Vec::new(),
            max_cost: None,
            prices: None,
        },
        retry_errors: true,
        scoring: Scoring::default(),
        store,
    })
}

/// The demo's own store is made anew each time; a store the user named is never removed.
fn remove_earlier_demo() -> Result<(), Fail> {
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{DEFAULT_STORE}{suffix}");
        match std::fs::remove_file(Path::new(&path)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(
                    Fail::failed(format!("{path}: {e}")).hint("keep the demo elsewhere: --store sqlite:PATH")
                );
            }
            _ => {}
        }
    }
    Ok(())
}
