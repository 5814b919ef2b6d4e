//! A judgement as a flat row.

use undersight_core::{Instance, Judgement};

use super::sample::{columns, list, object};
use super::{Column, JudgeName, Kind, Records, Value};

/// Judgements, `undersight.judgement/v1`.
#[derive(Debug, Clone, Copy)]
pub enum Judgements {}

/// One judgement.
#[derive(Debug, Clone, Copy)]
pub struct JudgementRow<'a> {
    /// The run's name.
    pub run: &'a str,
    /// The instance judged.
    pub instance: &'a Instance,
    /// The sample's index.
    pub index: u32,
    /// The judgement.
    pub judgement: &'a Judgement,
    /// The judge.
    pub judge: JudgeName<'a>,
}

impl Records for Judgements {
    const SCHEMA: &'static str = "undersight.judgement/v1";
    type Row<'a> = JudgementRow<'a>;
    const COLUMNS: &'static [Column<Self>] = columns! {
        "run" Text |r| Value::text(Some(r.run));
        "id" Text |r| Value::text(Some(&r.instance.id));
        "scenario" Text |r| Value::text(Some(r.judgement.scenario.name()));
        "index" Int |r| Value::Int(r.index.into());
        "sample" Text |r| Value::owned(Some(r.judgement.sample.to_string()));
        "judgement" Text |r| Value::owned(Some(r.judgement.key.to_string()));
        "judge" Text |r| Value::text(Some(r.judge.model));
        "judge_hash" Text |r| Value::owned(Some(r.judgement.judge.to_string()));
        "simulated_judge" Bool |r| Value::Bool(r.judge.simulated);
        "returned_model" Text |r| Value::text(r.judgement.returned_model.as_deref());
        "task" Text |r| Value::text(Some(r.judgement.task.name()));
        "repeat" Int |r| Value::Int(r.judgement.repeat.into());
        "status" Text |r| Value::text(Some(r.judgement.status.name()));
        "label" Text |r| Value::text(r.judgement.label.map(|l| l.name()));
        "passes" Bool |r| Value::bool(r.judgement.passes());
        "explanation" Text |r| Value::text(r.judgement.explanation.as_deref());
        "risks" Json |r| list(&r.judgement.risks);
        "parts" Json |r| object(r.judgement.details.parts.as_ref());
        "votes" Json |r| list(&r.judgement.details.votes);
        "by_hand" Json |r| object(r.judgement.details.by_hand.as_ref());
        "excerpted" Bool |r| Value::Bool(r.judgement.details.excerpted);
        "truncated_trace" Bool |r| Value::Bool(r.judgement.flags.truncated_trace);
        "repaired" Bool |r| Value::Bool(r.judgement.flags.repaired);
        "reasks" Int |r| Value::Int(r.judgement.flags.reasks.into());
        "raw_verdict" Text |r| Value::text(Some(&r.judgement.raw_verdict));
        "parser_version" Int |r| Value::Int(r.judgement.parser_version.into());
        "prompt_hash" Text |r| Value::owned(r.judgement.prompt_hash.map(|h| h.to_string()));
        "inputs" Text |r| Value::owned(Some(r.judgement.inputs.to_string()));
        "cause" Text |r| Value::text(r.judgement.cause.as_ref().map(|c| c.kind.name()));
        "cause_message" Text |r| Value::text(r.judgement.cause.as_ref().map(|c| c.message.as_str()));
        "input_tokens" Int |r| Value::count(r.judgement.usage.input);
        "output_tokens" Int |r| Value::count(r.judgement.usage.output);
        "reasoning_tokens" Int |r| Value::count(r.judgement.usage.reasoning);
        "cached_tokens" Int |r| Value::count(r.judgement.usage.cached);
        "cost_nano_usd" Int |r| Value::int(r.judgement.cost.map(|c| c.0));
        "started" Time |r| Value::Int(r.judgement.timing.started.0);
        "total_us" Int |r| Value::Int(r.judgement.timing.total_us);
    };
}
