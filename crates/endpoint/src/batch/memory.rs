//! A book that lives as long as the process: for tests, and for programs that keep none.

use std::sync::{Mutex, PoisonError};

use undersight_core::{Batch, BatchEnd, Digest};

use super::{BatchBook, BookError};

/// Batches in memory.
#[derive(Debug, Default)]
pub struct MemoryBook(Mutex<Vec<(Batch, Vec<Digest>)>>);

impl MemoryBook {
    fn change(&self, nonce: &str, change: impl FnOnce(&mut Batch)) -> Result<(), BookError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter_mut().find(|(batch, _)| batch.nonce == nonce);
        found.map(|(batch, _)| change(batch)).ok_or_else(|| BookError(format!("there is no batch {nonce}")))
    }
}

impl BatchBook for MemoryBook {
    fn intend(&self, batch: &Batch, tags: &[Digest]) -> Result<(), BookError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((batch.clone(), tags.to_vec()));
        Ok(())
    }

    fn submitted(&self, nonce: &str, provider_id: &str) -> Result<(), BookError> {
        self.change(nonce, |batch| batch.provider_id = Some(provider_id.to_owned()))
    }

    fn ended(&self, nonce: &str, end: BatchEnd) -> Result<(), BookError> {
        self.change(nonce, |batch| batch.end = Some(end))
    }

    fn sent_to(&self, url: &str) -> Result<Vec<Batch>, BookError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.iter().map(|(batch, _)| batch).filter(|batch| batch.url == url).cloned().collect())
    }

    fn find(&self, url: &str, tags: &[Digest]) -> Result<Vec<(Digest, Batch)>, BookError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |tag: &Digest| {
            let mut latest = kept.iter().rev();
            let (batch, _) = latest.find(|(batch, held)| {
                batch.url == url && batch.end != Some(BatchEnd::Void) && held.contains(tag)
            })?;
            Some((*tag, batch.clone()))
        };
        Ok(tags.iter().filter_map(holds).collect())
    }
}
