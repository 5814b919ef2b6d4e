//! Where panels judging a run find and leave their votes: the run's own store.

use futures_util::future::BoxFuture;
use undersight_core::{Event, Judgement, JudgementKey, SampleKey};
use undersight_judge::{Docket, Halt};
use undersight_ledger::Record;

use super::{Shared, ledger_fail};
use crate::fail::Fail;

/// The votes of a panel are kept like all judgements: durable before they count.
impl Docket for Shared {
    fn recall(&self, sample: SampleKey, key: JudgementKey) -> BoxFuture<'_, Result<Option<Judgement>, Halt>> {
        Box::pin(async move {
            let ledger = self.ledger.clone();
            let read = tokio::task::spawn_blocking(move || ledger.judgement(sample, key)).await;
            match read.map_err(|e| Fail::failed(format!("reading the store broke: {e}"))) {
                Ok(Ok(found)) => return Ok(found.filter(|j| j.status.terminal())),
                Ok(Err(error)) => self.halt.fail(ledger_fail(error)),
                Err(fail) => self.halt.fail(fail),
            }
            Err(Halt::Stopped)
        })
    }

    fn keep<'a>(&'a self, judgement: &'a Judgement) -> BoxFuture<'a, Result<(), Halt>> {
        Box::pin(async move {
            let (usage, cost) = (judgement.usage, judgement.cost);
            let record = Record::Judgement(Box::new(judgement.clone()));
            Shared::keep(self, record).await.ok_or(Halt::Stopped)?;
            (self.observer)(Event::VoteStored { usage, cost });
            Ok(())
        })
    }
}
