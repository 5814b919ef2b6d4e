//! Batches of requests handed to a provider at once, hours before their answers: what is remembered of each, so that
//! none of its requests is handed in a second time.

use crate::Micros;

/// How a batch ended, as far as its requests are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchEnd {
    /// The provider is done with it; its results can be fetched while the provider keeps them.
    Done,
    /// Nothing will come of it: it never arrived, was refused as a whole, or is no longer kept. Its requests are free.
    Void,
}

impl BatchEnd {
    /// As stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Void => "void",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Done, Self::Void].into_iter().find(|end| end.name() == name)
    }
}

/// One batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Our own name of it, chosen before it is sent and sent along where the provider lets one.
    pub nonce: String,
    /// Where its requests go, without credentials.
    pub url: String,
    /// The provider's name of it, once known.
    pub provider_id: Option<String>,
    /// How many requests it holds.
    pub items: u32,
    /// When it was made.
    pub created: Micros,
    /// How it ended, if it did.
    pub end: Option<BatchEnd>,
}
