//! The batch APIs behind one face: hand in, find again, look, fetch.

use bytes::Bytes;
use serde_json::Value;
use undersight_core::{Batch, Digest};

use super::anthropic::Anthropic;
use super::courier::Refusal;
use super::openai::OpenAi;

/// One item's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) tag: Digest,
    /// The provider's name of it, else ours.
    pub(crate) id: String,
    /// The body of its reply, or why there is none.
    pub(crate) body: Result<Vec<u8>, String>,
}

/// Where a batch stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Under way.
    Working { done: u64 },
    /// Over, and there may be results, in these files where it has files.
    Ended { how: String, files: Vec<String> },
    /// Refused as a whole: none of it was done.
    Refused(String),
}

/// What the provider's own list says about a batch whose name there is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Traced {
    /// This is it.
    Found(String),
    /// One that is not over yet may be it.
    Perhaps,
    /// It is not there.
    Absent,
}

/// What kept a batch from being handed in.
#[derive(Debug)]
pub(crate) struct NotSubmitted {
    pub(crate) refusal: Refusal,
    /// The provider may have taken it all the same.
    pub(crate) unsure: bool,
}

/// One of the APIs.
pub(crate) enum Provider {
    OpenAi(OpenAi),
    Anthropic(Anthropic),
}

impl Provider {
    /// How many requests, and how many bytes of them, one batch may hold.
    pub(crate) const fn limits(&self) -> (usize, usize) {
        match self {
            Self::OpenAi(_) => (50_000, 199_000_000),
            Self::Anthropic(_) => (100_000, 255_000_000),
        }
    }

    /// What a request adds to a batch beside its body, in bytes, at most.
    pub(crate) const FRAME: usize = 256;

    /// A text of the provider's without secrets.
    pub(crate) fn shown(&self, text: &str) -> String {
        match self {
            Self::OpenAi(api) => api.courier.shown(text),
            Self::Anthropic(api) => api.courier.shown(text),
        }
    }

    /// The requests as they are uploaded.
    pub(crate) fn bundle(&self, nonce: &str, items: Vec<(Digest, Bytes)>) -> Bytes {
        match self {
            Self::OpenAi(api) => api.bundle(nonce, items),
            Self::Anthropic(_) => Anthropic::bundle(items),
        }
    }

    pub(crate) async fn submit(&self, nonce: &str, bundle: Bytes) -> Result<String, NotSubmitted> {
        match self {
            Self::OpenAi(api) => api.submit(nonce, bundle).await,
            Self::Anthropic(api) => api.submit(bundle).await,
        }
    }

    /// Looks for a batch in the provider's list; `known` are the names of the others we sent.
    pub(crate) async fn trace(
        &self,
        batch: &Batch,
        known: &[String],
        holds: &(dyn Fn(&Digest) -> bool + Sync),
    ) -> Result<Traced, Refusal> {
        match self {
            Self::OpenAi(api) => api.trace(batch).await,
            Self::Anthropic(api) => api.trace(batch, known, holds).await,
        }
    }

    pub(crate) async fn look(&self, id: &str) -> Result<Standing, Refusal> {
        match self {
            Self::OpenAi(api) => api.look(id).await,
            Self::Anthropic(api) => api.look(id).await,
        }
    }

    /// Fetches the results; lines that cannot be read are passed over.
    pub(crate) async fn results(
        &self,
        id: &str,
        files: &[String],
        each: &mut (dyn FnMut(Item) + Send),
    ) -> Result<(), Refusal> {
        match self {
            Self::OpenAi(api) => api.results(files, each).await,
            Self::Anthropic(api) => api.results(id, each).await,
        }
    }
}

/// The name of something just made.
pub(crate) fn id_of(value: &Value) -> Result<String, Refusal> {
    let id = value.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    id.map(str::to_owned).ok_or_else(|| Refusal::unreadable(200, "the answer names no id"))
}
