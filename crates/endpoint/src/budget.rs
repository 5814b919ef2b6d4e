//! The purse and the switch of a run: how much may be spent, and whether to go on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{Mutex as Queue, Notify};
use undersight_core::NanoUsd;

/// Shared by every endpoint of a run. What a call may cost at most is reserved before it and replaced by what it did
/// cost, so that spent and reserved together never exceed the purse. Nothing starts once it is spent or stopped.
#[derive(Debug)]
pub struct Budget {
    max: Option<NanoUsd>,
    purse: Mutex<Purse>,
    /// Those who wait for money, first come, first served; a small call does not overtake a large one.
    queue: Queue<()>,
    returned: Notify,
    short: OnceLock<Shortfall>,
    stopped: AtomicBool,
    halt: Notify,
}

#[derive(Debug, Default)]
struct Purse {
    spent: i64,
    reserved: i64,
    /// Reservations that are held.
    held: usize,
    /// Calls that wait for money.
    waiting: usize,
}

/// What was left when the next call might have cost more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortfall {
    /// What the call might have cost.
    pub needed: NanoUsd,
    /// What was left.
    pub left: NanoUsd,
}

impl Budget {
    /// A purse with this much in it, or without a bottom.
    #[must_use]
    pub fn new(max: Option<NanoUsd>) -> Self {
        Self {
            max,
            purse: Mutex::default(),
            queue: Queue::new(()),
            returned: Notify::new(),
            short: OnceLock::new(),
            stopped: AtomicBool::new(false),
            halt: Notify::new(),
        }
    }

    fn purse(&self) -> MutexGuard<'_, Purse> {
        self.purse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is a limit, so that reservations matter.
    #[must_use]
    pub const fn limited(&self) -> bool {
        self.max.is_some()
    }

    /// Sets aside what a call may cost at most. Waits while others may still give something back; `None` when nothing
    /// is to come and the call does not fit, or the run was stopped.
    pub async fn reserve(self: &Arc<Self>, bound: NanoUsd) -> Option<Reservation> {
        let bound = bound.0.max(0);
        let Some(max) = self.max.filter(|_| bound > 0) else {
            return Some(Reservation { budget: Arc::clone(self), bound: 0, cost: 0 });
        };
        {
            let mut purse = self.purse();
            if purse.waiting == 0 && purse.fits(bound, max.0) {
                return Some(self.held(&mut purse, bound));
            }
            purse.waiting += 1;
        }
        let _waiting = Waiting(self);
        tokio::select! {
            biased;
            () = self.wait_halted() => None,
            reserved = self.wait_to_fit(bound, max.0) => reserved,
        }
    }

    async fn wait_to_fit(self: &Arc<Self>, bound: i64, max: i64) -> Option<Reservation> {
        let _first = self.queue.lock().await;
        loop {
            let returned = self.returned.notified();
            tokio::pin!(returned);
            // Registered before looking, so that nothing given back in between is missed.
            returned.as_mut().enable();
            {
                let mut purse = self.purse();
                if purse.fits(bound, max) {
                    return Some(self.held(&mut purse, bound));
                }
                if purse.held == 0 {
                    let left = NanoUsd(max.saturating_sub(purse.spent).max(0));
                    self.short.get_or_init(|| Shortfall { needed: NanoUsd(bound), left });
                    drop(purse);
                    self.halt.notify_waiters();
                    return None;
                }
            }
            returned.await;
        }
    }

    fn held(self: &Arc<Self>, purse: &mut Purse, bound: i64) -> Reservation {
        purse.reserved += bound;
        purse.held += 1;
        Reservation { budget: Arc::clone(self), bound, cost: 0 }
    }

    /// Ends a reservation.
    fn settle(&self, bound: i64, cost: i64) {
        {
            let mut purse = self.purse();
            purse.spent = purse.spent.saturating_add(cost.max(0));
            if bound > 0 {
                purse.reserved -= bound;
                purse.held -= 1;
            }
        }
        if self.max.is_some() {
            self.returned.notify_waiters();
            if self.exhausted() {
                self.halt.notify_waiters();
            }
        }
    }

    /// What was spent, calls of unknown cost at their bounds.
    #[must_use]
    pub fn spent(&self) -> NanoUsd {
        NanoUsd(self.purse().spent)
    }

    /// What calls in flight may cost at most.
    #[must_use]
    pub fn reserved(&self) -> NanoUsd {
        NanoUsd(self.purse().reserved)
    }

    /// Whether the purse is empty, or holds less than the next call may cost.
    #[must_use]
    pub fn exhausted(&self) -> bool {
        self.max.is_some_and(|max| self.short.get().is_some() || self.spent() >= max)
    }

    /// The call that did not fit, when that is what ended the run.
    #[must_use]
    pub fn shortfall(&self) -> Option<Shortfall> {
        self.short.get().copied()
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

impl Purse {
    const fn fits(&self, bound: i64, max: i64) -> bool {
        self.spent.saturating_add(self.reserved).saturating_add(bound) <= max
    }
}

/// One who waits for money.
struct Waiting<'a>(&'a Budget);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.purse().waiting -= 1;
    }
}

/// What a call may cost at most, set aside. Dropped before the call it is given back; dropped after it it stays spent,
/// because nobody knows what the call cost.
#[derive(Debug)]
#[must_use]
pub struct Reservation {
    budget: Arc<Budget>,
    bound: i64,
    /// What it costs to drop it.
    cost: i64,
}

impl Reservation {
    /// The call is on its way.
    pub const fn sent(&mut self) {
        self.cost = self.bound;
    }

    /// The call cost so much.
    pub const fn spend(&mut self, cost: NanoUsd) {
        self.cost = cost.0;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.settle(self.bound, self.cost);
    }
}
