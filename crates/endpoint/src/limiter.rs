//! How many calls one host gets at a time: adaptive between bounds, or fixed; first come, first served.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// Calls at a time to begin with.
const START: usize = 8;
/// Latencies that are averaged; long, because the lengths of replies differ much.
const WINDOW: f64 = 32.0;
/// The running minimum of latency rises this much a call, so that a lucky past is forgotten.
const DRIFT: f64 = 1.001;

/// One per host, shared by every endpoint on it.
#[derive(Debug)]
pub struct Limiter {
    state: Mutex<State>,
    slots: Arc<Semaphore>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    max: usize,
    adaptive: bool,
    /// Doubling each round trip until something pushes back; one more each round trip after that.
    climbing: bool,
    /// Fractions of a slot gained so far.
    gained: f64,
    /// Slots taken away while in use, withheld as they come back.
    debt: usize,
    in_flight: usize,
    /// Counts the cuts; only a call begun after the last one may cause the next.
    epoch: u64,
    paused_until: Option<Instant>,
    latency: Latency,
}

#[derive(Debug, Default)]
struct Latency {
    seen: f64,
    mean: f64,
    floor: Option<f64>,
}

/// A limiter at a glance, for progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimiterStats {
    /// Calls under way.
    pub in_flight: usize,
    /// Calls allowed at a time.
    pub limit: usize,
    /// How long the host still wants to be left alone.
    pub paused: Option<Duration>,
}

impl LimiterStats {
    /// Two hosts together; calls are held up only where both want to be left alone.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            in_flight: self.in_flight + other.in_flight,
            limit: self.limit + other.limit,
            paused: self.paused.zip(other.paused).map(|(a, b)| a.min(b)),
        }
    }
}

/// How a call ended, as far as the host's load is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Answered after this long.
    Answered(Duration),
    /// Refused or timed out for load (429, 503, timeout), perhaps naming a wait for the whole host.
    Overloaded(Option<Duration>),
    /// Says nothing about load.
    Unrelated,
}

impl Limiter {
    /// Finds the number itself, between 1 and `max`.
    #[must_use]
    pub fn adaptive(max: usize) -> Arc<Self> {
        let max = max.max(1);
        Self::new(START.min(max), max, true)
    }

    /// Always `n` at a time (at least one).
    #[must_use]
    pub fn fixed(n: usize) -> Arc<Self> {
        Self::new(n.max(1), n.max(1), false)
    }

    fn new(limit: usize, max: usize, adaptive: bool) -> Arc<Self> {
        Arc::new(Self {
            slots: Arc::new(Semaphore::new(limit)),
            state: Mutex::new(State {
                limit,
                max,
                adaptive,
                climbing: true,
                gained: 0.0,
                debt: 0,
                in_flight: 0,
                epoch: 0,
                paused_until: None,
                latency: Latency::default(),
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn. Dropping the future gives the turn up.
    pub async fn acquire(self: &Arc<Self>) -> Permit {
        // The semaphore is never closed; it queues fairly.
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        loop {
            let until = {
                let mut state = self.state();
                match state.paused_until.filter(|until| *until > Instant::now()) {
                    Some(until) => until,
                    None => {
                        state.paused_until = None;
                        state.in_flight += 1;
                        return Permit { limiter: Arc::clone(self), slot, epoch: state.epoch };
                    }
                }
            };
            sleep_until(until).await;
        }
    }

    /// A turn, if there is one at once.
    pub fn try_acquire(self: &Arc<Self>) -> Option<Permit> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        let mut state = self.state();
        if state.paused_until.is_some_and(|until| until > Instant::now()) {
            return None;
        }
        state.paused_until = None;
        state.in_flight += 1;
        Some(Permit { limiter: Arc::clone(self), slot: Some(slot), epoch: state.epoch })
    }

    /// How it stands.
    #[must_use]
    pub fn stats(&self) -> LimiterStats {
        let state = self.state();
        LimiterStats {
            in_flight: state.in_flight,
            limit: state.limit,
            paused: state
                .paused_until
                .map(|until| until.saturating_duration_since(Instant::now()))
                .filter(|left| !left.is_zero()),
        }
    }

    fn answered(&self, latency: Duration) {
        // The caller's own slot is still taken: none left means the host was saturated.
        let saturated = self.slots.available_permits() == 0;
        let mut state = self.state();
        if !state.adaptive {
            return;
        }
        if state.latency.rising(latency) {
            state.climbing = false;
        } else if saturated && state.limit < state.max {
            #[expect(clippy::cast_precision_loss, reason = "a number of connections")]
            let step = if state.climbing { 1.0 } else { 1.0 / state.limit as f64 };
            state.gained += step;
            // Steps of 1/n do not sum to exactly one.
            if state.gained > 1.0 - 1e-9 {
                state.gained = 0.0;
                state.limit += 1;
                if state.debt > 0 {
                    state.debt -= 1;
                } else {
                    self.slots.add_permits(1);
                }
            }
        }
    }

    fn overloaded(&self, epoch: u64, wait: Option<Duration>) {
        let mut state = self.state();
        if let Some(wait) = wait {
            let until = Instant::now() + wait;
            state.paused_until = Some(state.paused_until.map_or(until, |u| u.max(until)));
        }
        if !state.adaptive || epoch != state.epoch {
            return;
        }
        state.epoch += 1;
        state.climbing = false;
        state.gained = 0.0;
        let halved = (state.limit / 2).max(1);
        let surplus = state.limit - halved;
        state.debt += surplus - self.slots.forget_permits(surplus);
        state.limit = halved;
    }
}

impl Latency {
    /// Adds one and says whether latency has come to exceed twice its running minimum.
    fn rising(&mut self, latency: Duration) -> bool {
        self.seen = (self.seen + 1.0).min(WINDOW);
        self.mean += (latency.as_secs_f64() - self.mean) / self.seen;
        if self.seen < WINDOW / 4.0 {
            return false;
        }
        let floor = self.floor.map_or(self.mean, |floor| (floor * DRIFT).min(self.mean));
        self.floor = Some(floor);
        self.mean > 2.0 * floor
    }
}

/// A turn. Dropping it gives it back.
#[derive(Debug)]
pub struct Permit {
    limiter: Arc<Limiter>,
    slot: Option<OwnedSemaphorePermit>,
    epoch: u64,
}

impl Permit {
    /// Gives the turn back, telling how the call went.
    pub fn finish(self, load: Load) {
        match load {
            Load::Answered(latency) => self.limiter.answered(latency),
            Load::Overloaded(wait) => self.limiter.overloaded(self.epoch, wait),
            Load::Unrelated => {}
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        state.in_flight -= 1;
        if state.debt > 0
            && let Some(slot) = self.slot.take()
        {
            state.debt -= 1;
            slot.forget();
        }
    }
}
