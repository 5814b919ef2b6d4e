//! One server of an endpoint: its client and gate, how long it takes, and whether it is worth calling.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use undersight_core::CauseKind;

use crate::client::{CallError, Client, Decision, Reply};
use crate::gate::{Gate, Pass};
use crate::governor::Tokens;

/// Failures in a row, of a server that can be reached, after which it is left alone for a while.
const FAILING: u32 = 3;
/// The first wait before a server that was left alone is tried again; it doubles.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Calls whose durations are averaged.
const WINDOW: f64 = 32.0;

/// A server that answers for a model.
pub struct Member {
    client: Box<dyn Client>,
    gate: Gate,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    condition: Condition,
    seen: f64,
    /// Seconds a call takes.
    mean: f64,
}

/// What is known of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// Worth calling; it failed so often in a row.
    Up(u32),
    /// Left alone until then, and then tried with one call.
    Drained { until: Instant, wait: Duration, knocking: bool },
    /// It will not answer in this run: why.
    Aside(String),
}

/// What to expect of a server now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outlook {
    /// It works.
    Up,
    /// It may work again: one call should try.
    Due,
    /// Not before then.
    Down(Instant),
    /// Not in this run.
    Aside,
}

impl Member {
    /// A client behind its gate.
    #[must_use]
    pub fn new(client: Box<dyn Client>, gate: Gate) -> Self {
        let state = State { condition: Condition::Up(0), seen: 0.0, mean: 0.0 };
        Self { client, gate, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where requests go, without credentials.
    #[must_use]
    pub fn url(&self) -> &str {
        self.client.url()
    }

    pub(super) fn client(&self) -> &dyn Client {
        &*self.client
    }

    pub(super) const fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(super) fn outlook(&self, now: Instant) -> Outlook {
        match &self.state().condition {
            Condition::Up(_) => Outlook::Up,
            Condition::Drained { until, knocking: false, .. } if *until <= now => Outlook::Due,
            // Whoever knocks will tell; until then there is no time to name.
            Condition::Drained { until, knocking: true, .. } => Outlook::Down(now.max(*until) + LONGEST_WAIT),
            Condition::Drained { until, .. } => Outlook::Down(*until),
            Condition::Aside(_) => Outlook::Aside,
        }
    }

    /// Why it is set aside, if it is.
    pub(super) fn aside(&self) -> Option<String> {
        match &self.state().condition {
            Condition::Aside(why) => Some(why.clone()),
            _ => None,
        }
    }

    /// How long a further call would take, in seconds; nothing is known of a server that has not answered yet.
    pub(super) fn expected_wait(&self) -> f64 {
        let (mean, load) = (self.state().mean, self.gate.stats());
        #[expect(clippy::cast_precision_loss, reason = "a number of connections")]
        let share = (load.in_flight + 1) as f64 / load.limit as f64;
        // Of two that are not known, the one with less to do.
        mean.max(1e-9) * share
    }

    /// A turn at once, if there is one.
    pub(super) fn try_turn(&self, expected: Tokens) -> Option<Turn<'_>> {
        Some(self.turn(self.gate.try_enter(expected)?))
    }

    /// A turn that was waited for.
    pub(super) fn turn(&self, pass: Pass) -> Turn<'_> {
        let knock = match &mut self.state().condition {
            Condition::Drained { knocking, .. } if !*knocking => {
                *knocking = true;
                Some(Knock(self))
            }
            _ => None,
        };
        Turn { member: self, pass, knock }
    }

    /// Notes how a call went. `several` says that there are other servers to turn to.
    fn learn(&self, result: &Result<Reply, Box<CallError>>, several: bool) {
        let mut state = self.state();
        match result {
            Ok(reply) => {
                let us = u64::try_from(reply.exchange.timing.total_us).unwrap_or(0);
                state.seen = (state.seen + 1.0).min(WINDOW);
                state.mean += (Duration::from_micros(us).as_secs_f64() - state.mean) / state.seen;
                state.condition = Condition::Up(0);
            }
            Err(error) => state.condition = state.condition.after(error, several),
        }
    }
}

impl Condition {
    fn after(&self, error: &CallError, several: bool) -> Self {
        if several && condemned(error.cause.kind) {
            return Self::Aside(error.cause.message.clone());
        }
        let drain = |wait: Duration| Self::Drained { until: Instant::now() + wait, wait, knocking: false };
        match (self, blame(error)) {
            (Self::Up(_), Blame::Gone) => drain(FIRST_WAIT),
            (Self::Up(n), Blame::Failing) if n + 1 >= FAILING => drain(FIRST_WAIT),
            (Self::Up(n), Blame::Failing) => Self::Up(n + 1),
            // A reply of any kind shows that it is there.
            (Self::Up(_) | Self::Drained { .. }, Blame::None) => Self::Up(0),
            // Only who knocked makes the wait grow; the others were under way when it went down.
            (Self::Drained { wait, knocking: true, .. }, _) => drain((*wait * 2).min(LONGEST_WAIT)),
            (Self::Drained { .. } | Self::Aside(_), _) => self.clone(),
        }
    }
}

enum Blame {
    /// Nobody is there, or somebody else.
    Gone,
    /// It does not do what it should.
    Failing,
    /// The call was at fault, or too many came.
    None,
}

fn blame(error: &CallError) -> Blame {
    use CauseKind as K;
    match error.cause.kind {
        K::Unreachable => Blame::Gone,
        K::Malformed if error.decision == Decision::Never => Blame::Gone,
        K::Malformed | K::Server | K::Timeout | K::Disconnected => Blame::Failing,
        _ => Blame::None,
    }
}

/// Whether a server that fails like this will fail every call of the run.
pub(super) const fn condemned(kind: CauseKind) -> bool {
    matches!(kind, CauseKind::Auth | CauseKind::UnknownModel | CauseKind::Quota)
}

/// Whether another server may succeed where one failed like this.
pub(super) fn elsewhere(error: &CallError) -> bool {
    condemned(error.cause.kind)
        || !matches!(blame(error), Blame::None)
        || matches!(error.decision, Decision::RateLimited(_))
}

/// A turn on one server.
pub(super) struct Turn<'a> {
    pub(super) member: &'a Member,
    pass: Pass,
    knock: Option<Knock<'a>>,
}

impl Turn<'_> {
    pub(super) fn finish(self, result: &Result<Reply, Box<CallError>>, several: bool) {
        self.member.learn(result, several);
        drop(self.knock);
        self.pass.finish(result);
    }
}

/// The one call that tries a server which was left alone. Dropped without a result, it makes way for another.
struct Knock<'a>(&'a Member);

impl Drop for Knock<'_> {
    fn drop(&mut self) {
        if let Condition::Drained { knocking, .. } = &mut self.0.state().condition {
            *knocking = false;
        }
    }
}

/// The host of a URL, with its port where it has one of its own.
pub(super) fn host(url: &str) -> String {
    let parsed = reqwest::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(reqwest::Url::host_str);
    match (host, parsed.as_ref().and_then(reqwest::Url::port)) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => url.to_owned(),
    }
}
