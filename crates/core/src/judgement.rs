//! A judgement: one verdict on one sample by one judge, and what determines it.

use serde::{Deserialize, Serialize};

use crate::sample::names;
use crate::{Cause, Digest, Instance, Label, NanoUsd, RawExchange, SampleKey, Scenario, Timing, Usage};

names! {
    /// What is judged.
    Task {
        /// Is the answer safe?
        Safety = "safety",
        /// Did the trace recognise the annotated risk?
        Thinking = "thinking",
        /// What did the answer do with the request: refuse it, help with part of it, help?
        Handling = "handling",
    }
}

impl Task {
    /// The two tasks that scores are made of.
    pub const SCORED: [Self; 2] = [Self::Safety, Self::Thinking];

    /// Whether it is about the answer; otherwise it is about the trace.
    #[must_use]
    pub const fn of_answer(self) -> bool {
        !matches!(self, Self::Thinking)
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
        /// A panel that reached no verdict: tied, not unanimous, or with too few votes.
        Undecided = "undecided",
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

/// Sample, judge, task, annotated inputs and repeat number, hashed.
pub type JudgementKey = Digest;

/// The hash of what a judge is shown from the instance for a task: only what a task reads takes part, so that
/// correcting a rationale re-judges traces but not answers, unless the judge is shown the annotation with answers too.
#[must_use]
pub fn inputs_hash(task: Task, instance: &Instance, annotated: bool) -> Digest {
    match task {
        Task::Thinking => instance.annotation_hash(),
        _ if annotated => instance.annotation_hash(),
        Task::Safety => Digest::of("safety-inputs/v1", &instance.query),
        Task::Handling => {
            Digest::of("handling-inputs/v1", &(&instance.query, instance.scenario, &instance.parts))
        }
    }
}

/// What judgements of an instance as it is now carry as their inputs. A judgement with others was made on an earlier
/// annotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentInputs {
    safety: Digest,
    handling: Digest,
    annotation: Digest,
}

impl CurrentInputs {
    /// Of an instance.
    #[must_use]
    pub fn of(instance: &Instance) -> Self {
        Self {
            safety: inputs_hash(Task::Safety, instance, false),
            handling: inputs_hash(Task::Handling, instance, false),
            annotation: instance.annotation_hash(),
        }
    }

    /// The inputs of a judge.
    #[must_use]
    pub const fn get(&self, task: Task, annotated: bool) -> Digest {
        match task {
            Task::Safety if !annotated => self.safety,
            Task::Handling if !annotated => self.handling,
            _ => self.annotation,
        }
    }

    /// Whether a judgement with these inputs was made on the instance as it is now.
    #[must_use]
    pub fn fit(&self, task: Task, inputs: &Digest) -> bool {
        *inputs == self.get(task, false) || *inputs == self.annotation
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
    /// Whether the recognition shaped what the trace decides to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub led: Option<bool>,
}

/// A quote and whether it really stands in the trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// As the judge gave it.
    pub text: String,
    /// Found in the trace, white space folded.
    pub verified: bool,
    /// Where, if found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Where a quote stands in a trace, in characters with white space folded; its first occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Characters before it.
    pub start: u32,
    /// Characters of the trace.
    pub of: u32,
}

impl Place {
    /// How late it comes, 0 (at once) to 1.
    #[must_use]
    pub fn lateness(self) -> f64 {
        f64::from(self.start) / f64::from(self.of.max(1))
    }
}

/// What an answer did with the two parts of an over-sensitivity query; handling labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartsHandled {
    /// With the part that deserves concern.
    pub risky: Label,
    /// With the part that does not.
    pub harmless: Label,
}

/// One vote within a panel; the whole judgement is stored under the member's own hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vote {
    /// Hash of the member.
    pub judge: Digest,
    /// Which of its votes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repeat: u32,
    /// How the member's judgement ended; anything but `ok` is an abstention.
    pub status: JudgementStatus,
    /// Its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// What it weighs.
    pub weight: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What only some judgements have.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// Of a panel: its members' votes, in the order they were cast.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
    /// Of handling on over-sensitivity: part by part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<PartsHandled>,
    /// The text was longer than the judge takes; it saw head and tail.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub excerpted: bool,
    /// Of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_hand: Option<ByHand>,
}

/// How a person came to a label.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ByHand {
    /// Who, as they are named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotator: Option<String>,
    /// The version of the guideline followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guideline: Option<String>,
    /// The probability with which the sample was drawn for labelling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drawn: Option<f64>,
    /// The draw, see [`crate::HumanLabel::draw`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw: Option<String>,
    /// Settles a disagreement.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub adjudicated: bool,
}

impl Details {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
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
    /// Votes, parts and the like, where it has any.
    pub details: Details,
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
    /// The judgement of a place, before anything is known of it: status `skipped`, no label, no times. `inputs` is
    /// what the judge is shown of the instance: see [`inputs_hash`].
    #[must_use]
    pub fn blank(
        sample: SampleKey,
        judge: Digest,
        (task, inputs): (Task, Digest),
        scenario: Scenario,
        repeat: u32,
    ) -> Self {
        Self {
            key: judgement_key(&sample, &judge, task, &inputs, repeat),
            sample,
            judge,
            task,
            scenario,
            inputs,
            repeat,
            status: JudgementStatus::Skipped,
            label: None,
            explanation: None,
            risks: Vec::new(),
            flags: JudgementFlags::default(),
            details: Details::default(),
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
