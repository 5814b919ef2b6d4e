//! Whether and when to try again: bounded exponential backoff with full jitter, honouring what the provider asks.

use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::client::Decision;

/// How often and how patiently a call is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Further attempts after the first.
    pub max_retries: u32,
    /// Upper bound of the first wait; it doubles with each attempt.
    pub base: Duration,
    /// No own wait is longer (a wait the provider asks for may be).
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_retries: 5, base: Duration::from_millis(500), cap: Duration::from_secs(60) }
    }
}

impl RetryPolicy {
    /// The wait before retry number `attempt` (0 for the first), or `None` when there is none. `jitter` in 0..1 spreads
    /// the waits, so that calls which failed together do not come back together.
    #[must_use]
    pub fn next(&self, attempt: u32, decision: Decision, jitter: f64) -> Option<Duration> {
        if attempt >= self.max_retries {
            return None;
        }
        let bound = self.base.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX)).min(self.cap);
        let own = bound.mul_f64(jitter.clamp(0.0, 1.0));
        match decision {
            Decision::Never => None,
            Decision::Transient | Decision::RateLimited(None) => Some(own),
            // Never earlier than asked; a little later, for the same reason as above.
            Decision::RateLimited(Some(asked)) => Some(asked + own.min(asked.mul_f64(0.1))),
        }
    }
}

/// A seeded source of jitter.
#[derive(Debug)]
pub(crate) struct Jitter(std::sync::Mutex<Pcg64Mcg>);

impl Jitter {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(std::sync::Mutex::new(Pcg64Mcg::new(u128::from(seed) | 1)))
    }

    /// The next value in 0..1.
    pub(crate) fn draw(&self) -> f64 {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).random_range(0.0..1.0)
    }
}
