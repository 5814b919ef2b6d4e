//! Where the members of a panel find the judgements they have made already, and leave the ones they make: what keeps
//! a vote from being paid for twice.

use futures_util::future::BoxFuture;
use undersight_core::{Judgement, JudgementKey, SampleKey};

use crate::Halt;

/// Keeps judgements. The store behind a run is one; `()` keeps nothing.
pub trait Docket: Send + Sync {
    /// The settled judgement of a key, if there is one.
    fn recall(&self, sample: SampleKey, key: JudgementKey) -> BoxFuture<'_, Result<Option<Judgement>, Halt>>;

    /// Keeps a judgement; resolves when it is durable.
    fn keep<'a>(&'a self, judgement: &'a Judgement) -> BoxFuture<'a, Result<(), Halt>>;
}

impl Docket for () {
    fn recall(&self, _: SampleKey, _: JudgementKey) -> BoxFuture<'_, Result<Option<Judgement>, Halt>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn keep<'a>(&'a self, _: &'a Judgement) -> BoxFuture<'a, Result<(), Halt>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
