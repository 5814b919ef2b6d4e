//! The purse and the switch of a run: how much may be spent, and whether to go on.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use tokio::sync::Notify;
use undersight_core::NanoUsd;

/// Shared by every endpoint of a run. No call starts once it is spent or stopped; calls in flight end by themselves.
#[derive(Debug)]
pub struct Budget {
    max: Option<NanoUsd>,
    spent: AtomicI64,
    stopped: AtomicBool,
    halt: Notify,
}

impl Budget {
    /// A purse with this much in it, or without a bottom.
    #[must_use]
    pub fn new(max: Option<NanoUsd>) -> Self {
        Self { max, spent: AtomicI64::new(0), stopped: AtomicBool::new(false), halt: Notify::new() }
    }

    /// Takes from the purse. What is spent is spent, even beyond the limit.
    pub fn spend(&self, cost: NanoUsd) {
        let add = |spent: i64| Some(spent.saturating_add(cost.0.max(0)));
        // The closure always gives a value, so the update cannot fail.
        let _ = self.spent.fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
        if self.exhausted() {
            self.halt.notify_waiters();
        }
    }

    /// What was spent.
    #[must_use]
    pub fn spent(&self) -> NanoUsd {
        NanoUsd(self.spent.load(Ordering::Acquire))
    }

    /// Whether the limit is reached.
    #[must_use]
    pub fn exhausted(&self) -> bool {
        self.max.is_some_and(|max| self.spent() >= max)
    }

    /// Asks everyone to stop.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.halt.notify_waiters();
    }

    /// Whether someone asked to stop.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Whether no further call may start.
    #[must_use]
    pub fn halted(&self) -> bool {
        self.stopped() || self.exhausted()
    }

    /// Waits until no further call may start.
    pub async fn wait_halted(&self) {
        loop {
            let notified = self.halt.notified();
            tokio::pin!(notified);
            // Registered before looking, so that a halt in between is not missed.
            notified.as_mut().enable();
            if self.halted() {
                return;
            }
            notified.await;
        }
    }
}
