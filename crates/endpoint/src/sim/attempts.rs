//! Counts the failed attempts of each sample, so that a fault of one attempt can pass on the next.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Samples remembered at a time. Entries go when a call succeeds, so only abandoned ones add up; past the limit all
/// are forgotten, and their samples start again from the first attempt.
const MOST: usize = 1 << 16;

/// Attempts so far, by sample.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    failed: Mutex<HashMap<u64, u32>>,
}

impl Attempts {
    /// How many attempts of this sample have failed since one succeeded.
    pub(super) fn so_far(&self, sample: u64) -> u32 {
        self.with(|failed| failed.get(&sample).copied().unwrap_or(0))
    }

    /// One more has failed.
    pub(super) fn failed(&self, sample: u64) {
        self.with(|failed| {
            if failed.len() >= MOST {
                failed.clear();
            }
            *failed.entry(sample).or_insert(0) += 1;
        });
    }

    /// The call succeeded.
    pub(super) fn succeeded(&self, sample: u64) {
        self.with(|failed| failed.remove(&sample));
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<u64, u32>) -> T) -> T {
        act(&mut self.failed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
