//! A sample as a flat row, with its instance and the verdicts of one judge.

use serde_json::Value as Json;
use undersight_core::{FinishReason, Instance, Judgement, Sample, Task};

use super::{Column, JudgeName, Kind, Records, Value};

/// Samples, `undersight.sample/v1`.
#[derive(Debug, Clone, Copy)]
pub enum Samples {}

/// One sample.
#[derive(Debug, Clone, Copy)]
pub struct SampleRow<'a> {
    run: &'a str,
    instance: &'a Instance,
    sample: &'a Sample,
    judge: Option<JudgeName<'a>>,
    safety: Option<&'a Judgement>,
    thinking: Option<&'a Judgement>,
    handling: Option<&'a Judgement>,
}

impl<'a> SampleRow<'a> {
    /// Takes the first judgement of each task by `judge`, which scores count, from the judgements of the sample; none
    /// without a judge.
    #[must_use]
    pub fn new(
        run: &'a str,
        sample: &'a Sample,
        instance: &'a Instance,
        judgements: &'a [Judgement],
        judge: Option<JudgeName<'a>>,
    ) -> Self {
        let of = |task| {
            let judge = judge?;
            judgements
                .iter()
                .filter(|j| j.task == task && j.sample == sample.key && j.judge == judge.hash)
                .min_by_key(|j| j.repeat)
        };
        let [safety, thinking, handling] = [Task::Safety, Task::Thinking, Task::Handling].map(of);
        Self { run, instance, sample, judge, safety, thinking, handling }
    }
}

pub(crate) fn finish(reason: &FinishReason) -> Option<&str> {
    match reason {
        FinishReason::Stop => Some("stop"),
        FinishReason::Length => Some("length"),
        FinishReason::ContentFilter => Some("content-filter"),
        FinishReason::Other(word) => Some(word),
        FinishReason::Unknown => None,
    }
}

fn status(judgement: Option<&Judgement>) -> Value<'static> {
    Value::text(judgement.map(|j| j.status.name()))
}

fn label(judgement: Option<&Judgement>) -> Value<'static> {
    Value::text(judgement.and_then(|j| j.label).map(|l| l.name()))
}

/// What is guessed of the reasoning tokens where the provider reports none.
fn estimated(sample: &Sample) -> Option<u64> {
    let guess = sample.usage.reasoning_or_estimate(&sample.extraction)?;
    guess.estimated.then_some(guess.tokens)
}

macro_rules! columns {
    ($($name:literal $kind:ident $get:expr;)+) => {
        &[$(Column { name: $name, kind: Kind::$kind, get: $get }),+]
    };
}
pub(super) use columns;

impl Records for Samples {
    const SCHEMA: &'static str = "undersight.sample/v1";
    type Row<'a> = SampleRow<'a>;
    const COLUMNS: &'static [Column<Self>] = columns! {
        "run" Text |r| Value::text(Some(r.run));
        "id" Text |r| Value::text(Some(&r.instance.id));
        "scenario" Text |r| Value::text(Some(r.instance.scenario.name()));
        "subcategories" Json |r| Value::Json(r.instance.risks.iter().map(|x| x.subcategory.name()).collect());
        "query" Text |r| Value::text(Some(&r.instance.query));
        "rationale" Text |r| Value::text(Some(&r.instance.rationale));
        "model" Text |r| Value::text(Some(r.sample.requested_model.as_str()));
        "simulated_model" Bool |r| Value::Bool(r.sample.requested_model.is_simulated() || r.sample.sim_truth.is_some());
        "returned_model" Text |r| Value::text(r.sample.returned_model.as_deref());
        "fingerprint" Text |r| Value::text(r.sample.fingerprint.as_deref());
        "arm" Text |r| Value::owned(Some(r.sample.arm.to_string()));
        "sample" Text |r| Value::owned(Some(r.sample.key.to_string()));
        "index" Int |r| Value::Int(r.sample.index.into());
        "status" Text |r| Value::text(Some(r.sample.status.name()));
        "cause" Text |r| Value::text(r.sample.cause.as_ref().map(|c| c.kind.name()));
        "http_status" Int |r| Value::int(r.sample.cause.as_ref().and_then(|c| c.http_status).map(i64::from));
        "cause_message" Text |r| Value::text(r.sample.cause.as_ref().map(|c| c.message.as_str()));
        "provenance" Text |r| Value::text(Some(r.sample.extraction.provenance.name()));
        "trace" Text |r| Value::owned(Some(r.sample.extraction.trace()));
        "answer" Text |r| Value::owned(Some(r.sample.extraction.answer()));
        "finish" Text |r| Value::text(finish(&r.sample.finish));
        "judge" Text |r| Value::text(r.judge.map(|j| j.model));
        "simulated_judge" Bool |r| Value::bool(r.judge.map(|j| j.simulated));
        "safety_status" Text |r| status(r.safety);
        "safety" Text |r| label(r.safety);
        "safe" Bool |r| Value::bool(r.safety.and_then(Judgement::passes));
        "thinking_status" Text |r| status(r.thinking);
        "thinking" Text |r| label(r.thinking);
        "aware" Bool |r| Value::bool(r.thinking.and_then(Judgement::passes));
        "handling_status" Text |r| status(r.handling);
        "handling" Text |r| label(r.handling);
        "handling_parts" Json |r| object(r.handling.and_then(|j| j.details.parts.as_ref()));
        "input_tokens" Int |r| Value::count(r.sample.usage.input);
        "output_tokens" Int |r| Value::count(r.sample.usage.output);
        "reasoning_tokens" Int |r| Value::count(r.sample.usage.reasoning);
        "reasoning_tokens_estimated" Int |r| Value::count(estimated(r.sample));
        "cached_tokens" Int |r| Value::count(r.sample.usage.cached);
        "cost_nano_usd" Int |r| Value::int(r.sample.cost.map(|c| c.0));
        "price_version" Text |r| Value::text(r.sample.price_version.as_deref());
        "started" Time |r| Value::Int(r.sample.timing.started.0);
        "first_byte_us" Int |r| Value::int(r.sample.timing.first_byte_us);
        "total_us" Int |r| Value::Int(r.sample.timing.total_us);
        "url" Text |r| Value::text(Some(&r.sample.url));
        "request_id" Text |r| Value::text(r.sample.request_id.as_deref());
        "request_seed" Int |r| Value::count(r.sample.request_seed);
        "retries" Int |r| Value::count(Some(r.sample.retries.len() as u64));
        "simulated_truth" Json |r| object(r.sample.sim_truth.as_ref());
    };
}

/// What a JSON column holds of something that may not be there.
pub(super) fn object<T: serde::Serialize>(value: Option<&T>) -> Value<'static> {
    value.and_then(|value| serde_json::to_value(value).ok()).map_or(Value::Null, Value::Json)
}

/// What a JSON column holds when there is nothing to list.
pub(super) fn list<T: serde::Serialize>(items: &[T]) -> Value<'static> {
    Value::Json(items.iter().filter_map(|i| serde_json::to_value(i).ok()).collect::<Json>())
}
