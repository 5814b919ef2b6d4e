//! `undersight probe`: a few harmless calls to each model, and what they show of its API.

use clap::ArgMatches;
use undersight_core::probe::Probe;
use undersight_core::{Arm, Retry};
use undersight_endpoint::Endpoint;
use undersight_endpoint::probe::{self, News};
use undersight_endpoint::providers::table::unsent;
use undersight_report::{json, probe as report};

use super::eval::block_on;
use crate::args::probe::ProbeArgs;
use crate::connections::Connections;
use crate::fail::Fail;
use crate::settings::eval::{NAMES, Reader};
use crate::settings::{Environment, Layers, parse};
use crate::{render, terminal};

/// Tokens of a reply, unless told otherwise: room for a short thought.
const ROOM: u32 = 2_048;
/// Tokens that are left for the answer beside a thinking budget.
const ANSWER: u32 = 1_024;

/// Settings of an arm that a probe asks for itself, or that would hide what it looks for.
const NOT_ASKED: [&str; 5] = ["temperature", "top-p", "top-k", "seed", "system-prompt"];

/// Runs the command.
pub(crate) fn command(args: &ProbeArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let layers = Layers::gather(matches, Environment::read()?, args.config.as_deref(), NAMES)?;
    let layers = layers.ignoring(NOT_ASKED);
    let reader = Reader::new(&layers);
    let told = layers.get("max-tokens", parse::positive)?.is_some();
    let arms: Vec<Arm> =
        reader.arms()?.into_iter().map(|arm| if told { arm } else { with_room(arm) }).collect();
    if arms.is_empty() {
        return Err(Fail::usage("no model given").hint("undersight probe provider/name"));
    }
    if let Some(arm) = arms.iter().find(|arm| arm.model.is_simulated()) {
        return Err(Fail::usage(format!("{} is simulated: there is nothing to probe", arm.model))
            .hint("name a model that is reached over an API"));
    }
    let settings = reader.endpoint()?;
    let connections = Connections::new(&settings, layers.env())?;
    let probes = block_on(ask(&arms, &connections, args.cheap))?;
    let unusable: Vec<&str> =
        probes.iter().filter(|probe| !probe.usable()).map(|probe| probe.model.as_str()).collect();
    terminal::print(&if args.json {
        json::text(&report::json(&probes)).into_bytes()
    } else {
        report::table(&probes, render::terminal()).into_bytes()
    })?;
    if unusable.is_empty() {
        return Ok(());
    }
    Err(Fail::failed(format!("cannot be used: {}", unusable.join(", "))))
}

/// Enough for a thought and an answer, and not more.
fn with_room(mut arm: Arm) -> Arm {
    let beside = arm.params.thinking_budget.map_or(0, |budget| budget.saturating_add(ANSWER));
    arm.params.max_tokens = Some(ROOM.max(beside));
    if unsent(&arm.model, &arm.params, false).contains(&"max-tokens") {
        arm.params.max_tokens = None;
    }
    arm
}

async fn ask(arms: &[Arm], connections: &Connections<'_>, cheap: bool) -> Result<Vec<Probe>, Fail> {
    if connections.may_start_engines(arms.iter().map(|arm| &arm.model), None) {
        let models: Vec<_> = arms.iter().map(|arm| &arm.model).collect();
        connections.start_engines(&models, None).await?;
    }
    let streams = connections.streams();
    let ways = |arm: &Arm| Ok((connections.prober(arm, streams)?, connections.prober(arm, !streams)?));
    // All are connected before the first is asked: a missing key of the last comes up at once.
    let ways: Vec<(Endpoint, Endpoint)> = arms.iter().map(ways).collect::<Result<_, Fail>>()?;
    let mut probes = Vec::new();
    for (arm, (endpoint, other)) in arms.iter().zip(&ways) {
        let asking = |about: &str| terminal::note(&format!("{}: {about}", arm.model));
        let retrying = |retry: &Retry| {
            terminal::note(&format!("{}: {}, trying again", arm.model, retry.cause.kind));
        };
        let news = News { asking: &asking, retrying: &retrying };
        probes.push(if cheap {
            probe::cheap(endpoint, arm, &news).await
        } else {
            probe::full(endpoint, other, streams, arm, &news).await
        });
    }
    Ok(probes)
}
