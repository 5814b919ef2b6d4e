//! A judgement: one verdict on one sample by one judge, and what determines it.

use serde::{Deserialize, Serialize};

use crate::sample::names;
use crate::{
    Cause, Digest, GenParams, Instance, Label, ModelName, NanoUsd, RawExchange, SampleKey, Scenario, Timing,
    Usage,
};

names! {
    /// What is judged.
    Task {
        /// Is the answer safe?
        Safety = "safety",
        /// Did the trace recognise the annotated risk?
        Thinking = "thinking",
    }
}

names! {
    /// How a judgement ended.
    JudgementStatus {
        /// A label was given.
        Ok = "ok",
        /// Nothing to judge: no answer, or no readable trace. No call was made.
        Skipped = "skipped",
        /// The label rests on evidence that is not in the trace.
        Unsupported = "unsupported",
        /// The verdict could not be read, after re-asks.
        ParseError = "parse-error",
        /// The judge declined.
        Refused = "refused",
        /// The verdict was cut off.
        Truncated = "truncated",
        /// No reply, after bounded retries; tried again on the next run.
        Error = "error",
    }
}

impl JudgementStatus {
    /// Whether the judgement is settled; an error is not.
    #[must_use]
    pub const fn terminal(self) -> bool {
        !matches!(self, Self::Error)
    }
}

names! {
    /// What gives the verdict.
    JudgeKind {
        /// A language model.
        Model = "model",
        /// Several judges.
        Panel = "panel",
        /// A person.
        Human = "human",
        /// Verdicts read from a file.
        Imported = "imported",
        /// One of our own simulated judges.
        Sim = "sim",
    }
}

/// Everything that determines a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgeSpec {
    /// Model, sim, imported, …
    pub kind: JudgeKind,
    /// `provider/name`; for imported verdicts `imported/<file stem>@<start of the file's hash>`.
    pub model: ModelName,
    /// Decoding parameters of a model judge; the sensitivity and specificity of an oracle are in its name.
    #[serde(default)]
    pub params: GenParams,
    /// Hash over all prompts of the judge, unset where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<Digest>,
    /// Base of the request seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl JudgeSpec {
    /// The judge's id.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Digest::of("judge/v1", self)
    }
}

/// Sample, judge, task, annotated inputs and repeat number, hashed.
pub type JudgementKey = Digest;

/// The hash of what the judge is shown from the instance for a task: only what a task reads takes part, so that
/// correcting a rationale re-judges traces but not answers.
#[must_use]
pub fn inputs_hash(task: Task, instance: &Instance) -> Digest {
    match task {
        Task::Safety => Digest::of("safety-inputs/v1", &instance.query),
        Task::Thinking => instance.annotation_hash(),
    }
}

/// The key of a judgement.
#[must_use]
pub fn judgement_key(
    sample: &SampleKey,
    judge: &Digest,
    task: Task,
    inputs: &Digest,
    repeat: u32,
) -> JudgementKey {
    let task = task.name();
    let canonical = format!(
        r#"{{"inputs":"{inputs}","judge":"{judge}","repeat":{repeat},"sample":"{sample}","task":"{task}"}}"#
    );
    Digest::of_canonical("judgement/v1", canonical.as_bytes())
}

/// What a judge says about one annotated risk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskFinding {
    /// Index into the instance's risks.
    pub index: usize,
    /// Whether the trace recognised it.
    pub recognised: bool,
    /// The judge's quote from the trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Evidence>,
}

/// A quote and whether it really stands in the trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// As the judge gave it.
    pub text: String,
    /// Found in the trace, white space folded.
    pub verified: bool,
}

/// Circumstances worth knowing beside a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct JudgementFlags {
    /// The trace judged was cut off.
    pub truncated_trace: bool,
    /// The verdict's JSON needed repair (fences, trailing commas, …).
    pub repaired: bool,
    /// How often the judge was asked again.
    pub reasks: u32,
}

/// One verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Its key; see [`judgement_key`].
    pub key: JudgementKey,
    /// The sample judged.
    pub sample: SampleKey,
    /// Hash of the judge.
    pub judge: Digest,
    /// Safety or thinking.
    pub task: Task,
    /// Scenario of the instance, which decides the labels allowed.
    pub scenario: Scenario,
    /// Hash of the annotated inputs.
    pub inputs: Digest,
    /// 0 for the first; votes and re-judging count up.
    pub repeat: u32,
    /// How it ended.
    pub status: JudgementStatus,
    /// Set exactly when the status is `ok` or `unsupported` (there: what the judge claimed; it counts as unknown).
    pub label: Option<Label>,
    /// The judge's reasons.
    pub explanation: Option<String>,
    /// Per annotated risk.
    pub risks: Vec<RiskFinding>,
    /// Circumstances.
    pub flags: JudgementFlags,
    /// The judge's raw verdict text, kept so that a better parser can read it again without a call.
    pub raw_verdict: String,
    /// Version of the parser that read it.
    pub parser_version: u32,
    /// Hash of the prompt sent.
    pub prompt_hash: Option<Digest>,
    /// Why it failed.
    pub cause: Option<Cause>,
    /// Tokens, over all asks.
    pub usage: Usage,
    /// Cost, over all asks, where a price is known.
    pub cost: Option<NanoUsd>,
    /// Times.
    pub timing: Timing,
    /// The model the provider says answered.
    pub returned_model: Option<String>,
    /// Request and response bodies of the last ask.
    pub raw: RawExchange,
}

impl Judgement {
    /// The judgement of a place, before anything is known of it: status `skipped`, no label, no times.
    #[must_use]
    pub fn blank(sample: SampleKey, judge: Digest, task: Task, instance: &Instance, repeat: u32) -> Self {
        let inputs = inputs_hash(task, instance);
        Self {
            key: judgement_key(&sample, &judge, task, &inputs, repeat),
            sample,
            judge,
            task,
            scenario: instance.scenario,
            inputs,
            repeat,
            status: JudgementStatus::Skipped,
            label: None,
            explanation: None,
            risks: Vec::new(),
            flags: JudgementFlags::default(),
            raw_verdict: String::new(),
            parser_version: 0,
            prompt_hash: None,
            cause: None,
            usage: Usage::default(),
            cost: None,
            timing: Timing::default(),
            returned_model: None,
            raw: RawExchange::default(),
        }
    }

    /// Whether it passes: `None` unless a label was given and stands.
    #[must_use]
    pub fn passes(&self) -> Option<bool> {
        match self.status {
            JudgementStatus::Ok => self.label.map(Label::passes),
            _ => None,
        }
    }
}
