//! What a few harmless calls found out about a model's API: plain data. The endpoint's probe makes it, reports show it.

use serde::{Deserialize, Serialize};

use crate::sample::names;
use crate::{Cause, FinishReason, Micros, ModelName, NanoUsd, Provenance, Usage};

names! {
    /// How much is asked.
    Depth {
        /// One call: whether the model answers and what its trace is.
        Cheap = "cheap",
        /// Every check.
        Full = "full",
    }
}

names! {
    /// What is checked.
    CheckKind {
        /// Something answers at the address.
        Reachable = "reachable",
        /// It takes the key.
        Authorised = "authorised",
        /// It answers for this model.
        Answers = "answers",
        /// A trace arrives that can be read.
        Trace = "trace",
        /// The reply says why it ended, whole and cut short.
        FinishReason = "finish-reason",
        /// The tokens of prompt and reply are counted.
        Usage = "usage",
        /// The tokens of the reasoning are counted, and the count can be true.
        ReasoningTokens = "reasoning-tokens",
        /// A system message is taken.
        SystemMessage = "system-message",
        /// `--max-tokens` is kept.
        MaxTokens = "max-tokens",
        /// Temperature 0 says the same twice.
        Temperature = "temperature",
        /// Top-k 1 says the same twice.
        TopK = "top-k",
        /// A seed says the same twice, and no more than that.
        Seed = "seed",
        /// Several replies to one request come.
        N = "n",
        /// A reply follows a JSON schema.
        StructuredOutput = "structured-output",
        /// A streamed reply brings what a whole one does.
        Streaming = "streaming",
        /// A streamed reply has its tokens counted.
        StreamedUsage = "streamed-usage",
        /// Headers tell the limits of the account.
        RateLimits = "rate-limits",
        /// Calls can be priced.
        Price = "price",
    }
}

names! {
    /// What came of a check.
    Outcome {
        /// It is so.
        Yes = "yes",
        /// It is not so.
        No = "no",
        /// It cannot be told.
        Unknown = "unknown",
        /// Not asked, because it does not apply.
        Skipped = "skipped",
        /// The call failed.
        Failed = "failed",
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked.
    pub kind: CheckKind,
    /// What came of it.
    pub outcome: Outcome,
    /// In words.
    pub detail: String,
}

impl Check {
    /// A check with what came of it.
    #[must_use]
    pub fn new(kind: CheckKind, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { kind, outcome, detail: detail.into() }
    }
}

names! {
    /// What there is to do or to know.
    AdviceKind {
        /// The server leaves the thought in the content, or drops it.
        ReasoningParser = "reasoning-parser",
        /// The whole reply arrives as reasoning.
        MisfiledAnswer = "misfiled-answer",
        /// Another API of the provider returns reasoning.
        OtherApi = "other-api",
        /// The model thinks only when told to.
        AskToThink = "ask-to-think",
        /// What arrives is a summary.
        Summary = "summary",
        /// What arrives cannot be read.
        Encrypted = "encrypted",
        /// Nothing arrives.
        NoTrace = "no-trace",
        /// A reply that was cut off looks like an answer.
        TemplateOpensThought = "template-opens-thought",
        /// Without a finish reason, cut replies pass for whole ones.
        FinishReason = "finish-reason",
        /// The limit of a reply is not kept.
        MaxTokens = "max-tokens",
        /// Runs do not repeat.
        Seed = "seed",
        /// Top-k is claimed and not honoured.
        TopK = "top-k",
        /// Streamed and whole replies differ.
        Streaming = "streaming",
        /// Without counted tokens, costs stay unknown.
        Usage = "usage",
        /// Without a price, costs stay unknown.
        Price = "price",
    }
}

/// What a person should do or know, in a plain sentence or two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Which advice.
    pub kind: AdviceKind,
    /// In words.
    pub text: String,
}

/// The trace of the plain reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceFound {
    /// What it is.
    pub provenance: Provenance,
    /// The members of the reply it arrived in.
    pub fields: Vec<String>,
    /// How long it is; of what cannot be read, nothing counts.
    pub characters: u64,
}

/// A limit that the headers of the plain reply tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitFound {
    /// The headers' name for it.
    pub name: String,
    /// How much is allowed.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: Option<u64>,
    /// How long until it is whole again, in microseconds.
    pub reset_us: Option<i64>,
}

/// Why the probe of a model ended before its checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// What happened, classified.
    pub cause: Cause,
    /// Whether asking again makes no sense.
    pub fatal: bool,
    /// What happened, for people.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// What was seen, apart from what was made of it. Unknown is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Why nothing more is known, where the model cannot be used.
    pub unusable: Option<Unusable>,
    /// The model that says it answered.
    pub returned_model: Option<String>,
    /// The provider's build fingerprint.
    pub fingerprint: Option<String>,
    /// To the first byte of the plain reply, microseconds.
    pub first_byte_us: Option<i64>,
    /// To its end.
    pub total_us: Option<i64>,
    /// Its trace.
    pub trace: Option<TraceFound>,
    /// Why it ended.
    pub finish_whole: Option<FinishReason>,
    /// Why a reply ended that was to be cut short.
    pub finish_cut: Option<FinishReason>,
    /// The tokens of the plain reply.
    pub usage: Option<Usage>,
    /// The reasoning tokens as they were reported, true or not.
    pub reasoning_reported: Option<u64>,
    /// The limits that headers tell.
    pub limits: Vec<LimitFound>,
    /// Version of the price table that has a price for it.
    pub price_version: Option<String>,
    /// What the probe cost.
    pub cost: Option<NanoUsd>,
    /// The calls it made, retries left out.
    pub calls: u32,
}

/// What is known of one model's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The model asked.
    pub model: ModelName,
    /// Where it was asked, without credentials.
    pub url: String,
    /// When.
    pub started: Micros,
    /// How much was asked.
    pub depth: Depth,
    /// What was seen.
    pub facts: Facts,
    /// What was made of it, in the order of the kinds.
    pub checks: Vec<Check>,
    /// What to do about it.
    pub advice: Vec<Advice>,
}

impl Probe {
    /// Whether the model can be used at all.
    #[must_use]
    pub const fn usable(&self) -> bool {
        self.facts.unusable.is_none()
    }

    /// Whether its trace can be judged; `None` where no reply told.
    #[must_use]
    pub fn judgeable(&self) -> Option<bool> {
        self.facts.trace.as_ref().map(|trace| trace.provenance.readable())
    }

    /// What came of a check.
    #[must_use]
    pub fn check(&self, kind: CheckKind) -> Option<&Check> {
        self.checks.iter().find(|check| check.kind == kind)
    }
}
