//! A sample: one generation for (instance, arm, index), with everything worth keeping about it.

use serde::{Deserialize, Serialize};

use crate::{Digest, Extraction, Micros, ModelName, NanoUsd, Provenance, SimTruth, SpanKind};

/// The messages sent, the arm and the sample index. Annotations are not in it.
pub type SampleKey = Digest;

/// The key of sample `index` of an arm for some messages.
#[must_use]
pub fn sample_key(arm: &Digest, messages: &Digest, index: u32) -> SampleKey {
    let canonical = format!(r#"{{"arm":"{arm}","index":{index},"messages":"{messages}"}}"#);
    Digest::of_canonical("sample/v1", canonical.as_bytes())
}

macro_rules! names {
    ($(#[$doc:meta])* $t:ident { $($(#[$vdoc:meta])* $v:ident = $name:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $t { $($(#[$vdoc])* #[serde(rename = $name)] $v),+ }
        impl $t {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$v),+];
            /// As stored and printed.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$v => $name),+ } }
            /// Reads [`Self::name`].
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> { Self::ALL.iter().copied().find(|v| v.name() == text) }
        }
        impl std::fmt::Display for $t {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.name()) }
        }
    };
}
pub(crate) use names;

names! {
    /// How a sample ended.
    SampleStatus {
        /// An answer arrived.
        Ok = "ok",
        /// The model stopped without an answer.
        Empty = "empty",
        /// Cut off by the token limit.
        Truncated = "truncated",
        /// Withheld by the provider's filter.
        Blocked = "blocked",
        /// No reply, after bounded retries; tried again on the next run.
        Error = "error",
    }
}

impl SampleStatus {
    /// Whether the sample is settled; an error is not.
    #[must_use]
    pub const fn terminal(self) -> bool {
        !matches!(self, Self::Error)
    }
}

names! {
    /// Why a call failed.
    CauseKind {
        /// 401 or 403: the key was refused.
        Auth = "auth",
        /// The provider does not know the model.
        UnknownModel = "unknown-model",
        /// No connection: name not resolved, refused, TLS failed.
        Unreachable = "unreachable",
        /// 429, or an equivalent.
        RateLimited = "rate-limited",
        /// No credit left.
        Quota = "quota",
        /// Connecting, the first byte or the whole took too long.
        Timeout = "timeout",
        /// 5xx.
        Server = "server",
        /// The prompt does not fit the model's context.
        ContextLength = "context-length",
        /// Refused as invalid.
        BadRequest = "bad-request",
        /// The reply could not be read.
        Malformed = "malformed",
        /// The connection broke while the reply was arriving.
        Disconnected = "disconnected",
        /// The body exceeded the size limit.
        TooLarge = "too-large",
        /// A judge's verdict could not be read, after re-asks.
        Verdict = "verdict",
        /// The run was stopped (budget, interrupt) before the call was made; never stored.
        Stopped = "stopped",
    }
}

/// A failure, classified, with the provider's own words (bounded, keys redacted).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What happened.
    pub kind: CauseKind,
    /// HTTP status, when there was a reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Details for people.
    pub message: String,
}

/// One retried attempt within a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Why it was retried.
    pub cause: Cause,
    /// How long was waited before the next attempt, in microseconds.
    pub waited_us: i64,
}

/// Why generation ended, in one vocabulary for all providers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FinishReason {
    /// The model stopped by itself.
    Stop,
    /// The token limit was reached.
    Length,
    /// The provider's filter stopped it.
    ContentFilter,
    /// Anything else, as sent.
    Other(String),
    /// The provider said nothing.
    Unknown,
}

impl FinishReason {
    /// Reads the OpenAI-style word.
    #[must_use]
    pub fn from_wire(word: Option<&str>) -> Self {
        match word {
            None | Some("") => Self::Unknown,
            Some("stop" | "end_turn" | "eos" | "stop_sequence") => Self::Stop,
            Some("length" | "max_tokens" | "model_length") => Self::Length,
            Some("content_filter" | "refusal" | "safety") => Self::ContentFilter,
            Some(other) => Self::Other(other.chars().take(64).collect()),
        }
    }
}

/// Token counts as the provider reported them. Unknown is `None`, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Prompt tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// Reply tokens, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// Reasoning tokens among `output`. A reported 0 beside a trace that is there is untrue and becomes `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
    /// Prompt tokens served from a cache, among `input`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached: Option<u64>,
}

impl Usage {
    /// The sum of what is known of both; unknown plus anything is unknown.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| a.zip(b).map(|(a, b)| a.saturating_add(b));
        Self {
            input: sum(self.input, other.input),
            output: sum(self.output, other.output),
            reasoning: sum(self.reasoning, other.reasoning),
            cached: sum(self.cached, other.cached),
        }
    }
}

/// Reasoning tokens, reported or estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reasoning {
    /// How many.
    pub tokens: u64,
    /// Whether they are an estimate; never to be taken for what a provider reported.
    pub estimated: bool,
}

/// Characters a token has, where nothing better is known.
const TOKEN_CHARS: u64 = 4;

impl Usage {
    /// The reasoning tokens as reported; where none are, an estimate from the trace: its share of the characters of the
    /// reply, of the reply's tokens, else a token for every four characters. `None` where no trace of the model's own
    /// can be read: the length of a summary says nothing of what it sums up.
    #[must_use]
    pub fn reasoning_or_estimate(&self, extraction: &Extraction) -> Option<Reasoning> {
        if let Some(tokens) = self.reasoning {
            return Some(Reasoning { tokens, estimated: false });
        }
        if !matches!(extraction.provenance, Provenance::Full | Provenance::Truncated) {
            return None;
        }
        let characters = |kind| -> u64 {
            let spans = extraction.spans.iter().filter(|span| span.kind == kind);
            spans.map(|span| extraction.text(span).chars().count() as u64).sum()
        };
        let (trace, answer) = (characters(SpanKind::Trace), characters(SpanKind::Answer));
        let tokens = match self.output {
            _ if trace == 0 => return None,
            Some(output) => {
                let share = u128::from(output) * u128::from(trace) / u128::from(trace + answer);
                u64::try_from(share).unwrap_or(output)
            }
            None => trace.div_ceil(TOKEN_CHARS),
        };
        Some(Reasoning { tokens, estimated: true })
    }
}

/// When a call happened and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timing {
    /// Start of the attempt that counted.
    pub started: Micros,
    /// To the first byte of the body, microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_us: Option<i64>,
    /// Of the attempt that counted, microseconds.
    pub total_us: i64,
}

/// What went over the wire, headers left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawExchange {
    /// The request body.
    pub request: Vec<u8>,
    /// The response body (for a stream, the bytes of the stream).
    pub response: Vec<u8>,
}

/// One generation. What is unknown is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its key; see [`sample_key`].
    pub key: SampleKey,
    /// Hash of the arm.
    pub arm: Digest,
    /// Hash of the messages sent.
    pub messages: Digest,
    /// 0 to k − 1.
    pub index: u32,
    /// How it ended.
    pub status: SampleStatus,
    /// Why it failed, for `error`; details for `blocked`.
    pub cause: Option<Cause>,
    /// Trace and answer over the raw text.
    pub extraction: Extraction,
    /// Why generation ended.
    pub finish: FinishReason,
    /// The model asked for.
    pub requested_model: ModelName,
    /// The model the provider says answered.
    pub returned_model: Option<String>,
    /// The provider's build fingerprint.
    pub fingerprint: Option<String>,
    /// Tokens.
    pub usage: Usage,
    /// Cost, where a price is known.
    pub cost: Option<NanoUsd>,
    /// Version of the price table the cost was computed with.
    pub price_version: Option<String>,
    /// Times.
    pub timing: Timing,
    /// Where the request went, without credentials.
    pub url: String,
    /// The provider's request id.
    pub request_id: Option<String>,
    /// The seed sent.
    pub request_seed: Option<u64>,
    /// Retries within the call.
    pub retries: Vec<Retry>,
    /// Request and response bodies.
    pub raw: RawExchange,
    /// Simulated models only.
    pub sim_truth: Option<SimTruth>,
}

impl Sample {
    /// The sample of a place, before anything is known of it: no text, no times, status `error`.
    #[must_use]
    pub fn blank(arm: Digest, messages: Digest, index: u32, requested_model: ModelName) -> Self {
        Self {
            key: sample_key(&arm, &messages, index),
            arm,
            messages,
            index,
            status: SampleStatus::Error,
            cause: None,
            extraction: Extraction::none(),
            finish: FinishReason::Unknown,
            requested_model,
            returned_model: None,
            fingerprint: None,
            usage: Usage::default(),
            cost: None,
            price_version: None,
            timing: Timing::default(),
            url: String::new(),
            request_id: None,
            request_seed: None,
            retries: Vec::new(),
            raw: RawExchange::default(),
            sim_truth: None,
        }
    }

    /// Whether there is an answer to judge.
    #[must_use]
    pub fn has_answer(&self) -> bool {
        match self.status {
            SampleStatus::Ok => true,
            SampleStatus::Truncated | SampleStatus::Blocked => !self.extraction.answer().trim().is_empty(),
            SampleStatus::Empty | SampleStatus::Error => false,
        }
    }

    /// Whether there is a trace a judge can read.
    #[must_use]
    pub fn has_trace(&self) -> bool {
        self.status.terminal() && self.extraction.provenance.readable()
    }
}
