//! The one trait every model speaks through, and what goes in and comes out of it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::HeaderMap;
use undersight_core::arm::TraceHint;
use undersight_core::{
    Cause, CauseKind, Digest, Extraction, FinishReason, GenParams, Instance, Message, Micros, NanoUsd,
    RawExchange, SimTruth, Timing, Usage,
};

/// What is asked of a model. Only what is set is sent.
#[derive(Debug, Clone, Default)]
pub struct ChatRequest {
    /// The conversation.
    pub messages: Vec<Message>,
    /// Decoding parameters.
    pub params: GenParams,
    /// The request's own seed.
    pub seed: Option<u64>,
    /// Structured output wanted, where the provider offers it.
    pub schema: Option<Arc<ResponseSchema>>,
    /// What is known about where the trace arrives.
    pub trace: Option<TraceHint>,
    /// Read by simulated models only; never serialised into a request.
    pub side: Option<SideChannel>,
    /// Whose call this is: a sample's key, or what a judgement's key and the number of the ask make. Batches and
    /// recordings find their replies by it; never serialised into a request.
    pub tag: Option<Digest>,
    /// How many replies are wanted; one where unset. Only the first is read.
    pub n: Option<u32>,
}

/// A JSON schema the reply should follow.
#[derive(Debug, Clone)]
pub struct ResponseSchema {
    /// A name the provider may show.
    pub name: String,
    /// The schema.
    pub schema: serde_json::Value,
}

/// The documented side channel to simulated models: which instance the request is about.
#[derive(Debug, Clone)]
pub struct SideChannel {
    /// The instance.
    pub instance: Arc<Instance>,
    /// The sample index.
    pub index: u32,
}

/// A readable reply.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Trace and answer over the raw text.
    pub extraction: Extraction,
    /// Why generation ended.
    pub finish: FinishReason,
    /// Withheld by the provider's filter.
    pub blocked: bool,
    /// The model the provider says answered.
    pub returned_model: Option<String>,
    /// The provider's build fingerprint.
    pub fingerprint: Option<String>,
    /// Tokens.
    pub usage: Usage,
    /// What the provider says it charged, where it says so; better than any price table.
    pub billed: Option<NanoUsd>,
    /// How many replies came.
    pub choices: u32,
    /// How it came.
    pub exchange: Exchange,
    /// Simulated models only.
    pub sim_truth: Option<SimTruth>,
}

/// What one attempt leaves, whatever came of it.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    /// Where the request went, without credentials.
    pub url: String,
    /// Request and response bodies, as far as they went.
    pub raw: RawExchange,
    /// Times.
    pub timing: Timing,
    /// The provider's request id.
    pub request_id: Option<String>,
    /// The response's headers.
    pub headers: HeaderMap,
    /// Answered by a batch API, at its price.
    pub batched: bool,
}

/// What to do about a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The same call would fail again.
    Never,
    /// It may pass after a short, growing wait.
    Transient,
    /// The provider asked to slow down, perhaps naming a wait.
    RateLimited(Option<Duration>),
}

/// A call that brought no readable reply.
#[derive(Debug, Clone)]
pub struct CallError {
    /// Classified, keys redacted.
    pub cause: Cause,
    /// Whether to try again.
    pub decision: Decision,
    /// How far it came.
    pub exchange: Exchange,
}

impl CallError {
    /// Whether it certainly cost nothing.
    pub(crate) fn unbilled(&self) -> bool {
        unbilled(&self.cause)
    }
}

/// Whether a call that failed so certainly cost nothing: turned down, or never sent. A call that broke off may have been
/// billed.
pub(crate) fn unbilled(cause: &Cause) -> bool {
    use CauseKind as K;
    match cause.kind {
        K::Unreachable
        | K::Stopped
        | K::RateLimited
        | K::Auth
        | K::UnknownModel
        | K::Quota
        | K::ContextLength
        | K::BadRequest => true,
        // A gateway that gave up says nothing of the model behind it.
        K::Timeout => false,
        _ => cause.http_status.is_some_and(|status| status >= 300),
    }
}

/// A model behind some API. One call, no retries: those are the endpoint's.
pub trait Client: Send + Sync {
    /// Asks once.
    fn call<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<Reply, Box<CallError>>>;

    /// Where requests go, without credentials; `sim:` for simulated models.
    fn url(&self) -> &str;
}

/// The time now, for a call that starts.
pub(crate) fn now() -> Micros {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
