//! How fast one model of one host may be called: requests and tokens per minute, as declared or as the headers of its
//! replies tell. Calls pass one by one; what they will use is estimated first and corrected afterwards.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;
use tokio::sync::{Mutex as Door, Notify};
use tokio::time::{Instant, sleep_until};

use crate::rate::{Allowance, Counted, RateHeaders};
use crate::wait::{MAX_WAIT, retry_after};

/// The window of declared limits. The millisecond makes the promise hold for windows that include both ends.
const MINUTE: Duration = Duration::from_millis(60_001);
/// How far calls may run ahead of an even pace.
const BURST: Duration = Duration::from_secs(3);
/// What is left of a learnt limit is spread over the time to its reset once it is less than one in so many.
const LITTLE: u64 = 5;
/// The same where the limit itself is not told.
const FEW: u64 = 10;

/// The tokens of a call, expected or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Of the prompt.
    pub input: u64,
    /// Of the reply.
    pub output: u64,
}

impl Tokens {
    /// Together; absurd claims are cut to what can be summed.
    const fn total(self) -> u64 {
        const ABSURD: u64 = 1 << 40;
        let total = self.input.saturating_add(self.output);
        if total < ABSURD { total } else { ABSURD }
    }
}

/// One per host and model, shared by everything that calls it.
#[derive(Debug)]
pub struct Governor {
    state: Mutex<State>,
    /// Nothing is declared and nothing was learnt: calls pass without being counted.
    idle: AtomicBool,
    /// Held by the one who is next.
    pub(crate) door: Door<()>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    requests: Option<Meter>,
    tokens: Option<Meter>,
    learnt: Vec<Learnt>,
}

/// A declared limit per minute.
#[derive(Debug)]
struct Meter {
    limit: u64,
    /// When everything taken so far is due at an even pace.
    due: Option<Instant>,
    /// What was taken within the window, oldest first; `first` is the number of the oldest.
    log: VecDeque<(Instant, u64)>,
    first: u64,
    sum: u64,
}

/// A limit that a reply told of.
#[derive(Debug)]
struct Learnt {
    name: String,
    counts: Counted,
    limit: Option<u64>,
    remaining: u64,
    resets: Instant,
    /// The last call, or when it was told.
    last: Instant,
}

/// A call that was let through, to be corrected once it is known what it used.
#[derive(Debug)]
pub(crate) struct Slip {
    governor: Arc<Governor>,
    /// The number in the log of tokens.
    number: Option<u64>,
}

impl Governor {
    /// Declared limits per minute, where there are any.
    #[must_use]
    pub fn new(requests: Option<u64>, tokens: Option<u64>) -> Arc<Self> {
        let state =
            State { requests: requests.map(Meter::new), tokens: tokens.map(Meter::new), learnt: Vec::new() };
        Arc::new(Self {
            idle: AtomicBool::new(state.requests.is_none() && state.tokens.is_none()),
            state: Mutex::new(state),
            door: Door::new(()),
            changed: Notify::new(),
        })
    }

    /// Whether calls pass without being counted.
    pub(crate) fn idle(&self) -> bool {
        self.idle.load(Ordering::Acquire)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a call like this may be made.
    pub(crate) async fn ready(&self, expected: Tokens) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before looking, so that no change in between is missed.
            changed.as_mut().enable();
            let now = Instant::now();
            let at = self.state().ready_at(now, expected);
            if at <= now {
                return;
            }
            tokio::select! {
                () = sleep_until(at) => {}
                () = changed => {}
            }
        }
    }

    /// Lets a call through, if it still may be made.
    pub(crate) fn take(self: &Arc<Self>, expected: Tokens) -> Option<Slip> {
        let (now, mut state) = (Instant::now(), self.state());
        if state.ready_at(now, expected) > now {
            return None;
        }
        if let Some(requests) = &mut state.requests {
            requests.take(now, 1);
        }
        for learnt in &mut state.learnt {
            learnt.remaining = learnt.remaining.saturating_sub(learnt.counts.of(expected));
            learnt.last = now;
        }
        let number = state.tokens.as_mut().map(|tokens| tokens.take(now, expected.total()));
        drop(state);
        Some(Slip { governor: Arc::clone(self), number })
    }

    /// Learns from the headers of a reply, whatever its status.
    pub fn learn(&self, headers: &HeaderMap) {
        let told = RateHeaders::read(headers, SystemTime::now());
        if told.is_empty() {
            return;
        }
        // Who says when to come back means it, whatever windows are told of beside.
        let back = retry_after(headers, SystemTime::now());
        let (now, mut state) = (Instant::now(), self.state());
        for mut allowance in told.allowances {
            allowance.reset = allowance.reset.map(|reset| back.map_or(reset, |back| reset.min(back)));
            state.learn(allowance, now);
        }
        if !state.learnt.is_empty() {
            self.idle.store(false, Ordering::Release);
        }
        drop(state);
        self.changed.notify_waiters();
    }
}

impl Slip {
    /// Replaces the estimate by what was used.
    pub(crate) fn settle(self, used: Tokens) {
        let Some(number) = self.number else { return };
        if let Some(tokens) = &mut self.governor.state().tokens {
            tokens.correct(number, used.total());
        }
        self.governor.changed.notify_waiters();
    }
}

impl Counted {
    const fn of(self, tokens: Tokens) -> u64 {
        match self {
            Self::Requests => 1,
            Self::Tokens => tokens.total(),
            Self::InputTokens => tokens.input,
            Self::OutputTokens => tokens.output,
        }
    }
}

impl State {
    fn ready_at(&mut self, now: Instant, expected: Tokens) -> Instant {
        self.learnt.retain(|learnt| learnt.resets > now);
        let requests = self.requests.as_mut().map(|meter| meter.ready_at(now, 1));
        let tokens = self.tokens.as_mut().map(|meter| meter.ready_at(now, expected.total()));
        let learnt = self.learnt.iter().map(|learnt| learnt.ready_at(now, learnt.counts.of(expected)));
        learnt.chain(requests).chain(tokens).max().unwrap_or(now)
    }

    fn learn(&mut self, told: Allowance, now: Instant) {
        let (Some(remaining), Some(reset)) = (told.remaining, told.reset) else { return };
        let known = self.learnt.iter().position(|learnt| learnt.name == told.name);
        let last = known.map_or(now, |place| self.learnt.swap_remove(place).last);
        if !reset.is_zero() {
            let resets = now + reset.min(MAX_WAIT);
            let Allowance { name, counts, limit, .. } = told;
            self.learnt.push(Learnt { name, counts, limit, remaining, resets, last });
        }
    }
}

impl Meter {
    const fn new(limit: u64) -> Self {
        Self { limit: if limit == 0 { 1 } else { limit }, due: None, log: VecDeque::new(), first: 0, sum: 0 }
    }

    /// When so much may be taken: at an even pace, and never more than the limit within a minute. What exceeds the
    /// limit by itself has the minute to itself.
    fn ready_at(&mut self, now: Instant, amount: u64) -> Instant {
        while let Some(&(_, taken)) = self.log.front().filter(|(at, _)| *at + MINUTE <= now) {
            self.log.pop_front();
            self.first += 1;
            self.sum -= taken;
        }
        let mut ready = self.due.and_then(|due| due.checked_sub(BURST)).map_or(now, |due| due.max(now));
        let mut excess = (self.sum + amount).saturating_sub(self.limit);
        for (at, taken) in &self.log {
            if excess == 0 {
                break;
            }
            ready = ready.max(*at + MINUTE);
            excess = excess.saturating_sub(*taken);
        }
        ready
    }

    fn take(&mut self, now: Instant, amount: u64) -> u64 {
        self.due = Some(self.due.map_or(now, |due| due.max(now)) + self.worth(amount));
        self.log.push_back((now, amount));
        self.sum += amount;
        self.first + self.log.len() as u64 - 1
    }

    /// Only within the window: what is older has had its minute.
    fn correct(&mut self, number: u64, amount: u64) {
        let place = number.checked_sub(self.first).and_then(|n| usize::try_from(n).ok());
        let Some((_, taken)) = place.and_then(|place| self.log.get_mut(place)) else { return };
        let before = std::mem::replace(taken, amount);
        self.sum = self.sum - before + amount;
        let (more, less) =
            (self.worth(amount.saturating_sub(before)), self.worth(before.saturating_sub(amount)));
        self.due = self.due.and_then(|due| (due + more).checked_sub(less));
    }

    /// The time in which so much becomes free.
    fn worth(&self, amount: u64) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "a pace need not be exact")]
        let minutes = amount as f64 / self.limit as f64;
        Duration::from_secs_f64((60.0 * minutes).min(MAX_WAIT.as_secs_f64()))
    }
}

impl Learnt {
    fn ready_at(&self, now: Instant, amount: u64) -> Instant {
        if self.remaining >= self.limit.map_or(FEW, |limit| limit.div_ceil(LITTLE)) {
            return now;
        }
        if self.remaining < amount.max(1) {
            return self.resets;
        }
        #[expect(clippy::cast_precision_loss, reason = "a pace need not be exact")]
        let share = amount as f64 / self.remaining as f64;
        let left = self.resets.saturating_duration_since(self.last);
        (self.last + left.mul_f64(share.min(1.0))).max(now)
    }
}
