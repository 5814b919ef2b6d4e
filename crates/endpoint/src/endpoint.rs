//! A model ready to be called: its servers behind limits, retries, a budget and a circuit breaker.

mod balance;
mod expect;
mod health;
mod member;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use undersight_core::{Cause, CauseKind, ModelName, NanoUsd, Retry};

use self::expect::Seen;
use self::health::Health;
pub use self::member::Member;
use self::member::{Turn, condemned, elsewhere};
use crate::budget::{Budget, Reservation};
use crate::client::{CallError, ChatRequest, Client, Decision, Exchange, Reply};
use crate::gate::Gate;
use crate::governor::Tokens;
use crate::limiter::{Limiter, LimiterStats};
use crate::prices::PriceTable;
use crate::providers::table::Target;
use crate::retry::{Jitter, RetryPolicy};

/// While nothing has succeeded, an unreachable host is tried again this often, and soon.
const KNOCKS: u32 = 2;

/// A model and everything around it. Cheap to clone; clones share all of it.
#[derive(Clone)]
pub struct Endpoint(Arc<Inner>);

struct Inner {
    model: ModelName,
    /// At least one.
    members: Vec<Member>,
    target: Option<Target>,
    policy: RetryPolicy,
    budget: Arc<Budget>,
    prices: Arc<PriceTable>,
    jitter: Jitter,
    health: Health,
    seen: Seen,
}

/// An answered call.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The reply of the last attempt.
    pub reply: Reply,
    /// The attempts before it.
    pub retries: Vec<Retry>,
    /// What the provider charged, or what the price table says.
    pub cost: Option<NanoUsd>,
}

/// A call that failed, retries included.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Why.
    pub cause: Cause,
    /// The attempts before the last.
    pub retries: Vec<Retry>,
    /// What the last attempt left.
    pub exchange: Exchange,
    /// Set when the whole run should stop.
    pub fatal: Option<Fatal>,
}

/// Why going on makes no sense, for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fatal {
    /// What happened.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// A server among several that will not answer in this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Where it is.
    pub url: String,
    /// What it said.
    pub message: String,
}

impl Endpoint {
    /// Puts a client behind everything an endpoint has. [`connect`](crate::connect()) is the usual way.
    #[must_use]
    pub fn new(
        model: ModelName,
        client: Box<dyn Client>,
        limiter: Arc<Limiter>,
        policy: RetryPolicy,
        budget: Arc<Budget>,
        prices: Arc<PriceTable>,
    ) -> Self {
        Self::of(model, vec![Member::new(client, Gate::new(limiter, None))], policy, budget, prices)
    }

    /// The same with several servers, between which calls are balanced.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn of(
        model: ModelName,
        members: Vec<Member>,
        policy: RetryPolicy,
        budget: Arc<Budget>,
        prices: Arc<PriceTable>,
    ) -> Self {
        Self::build(model, members, None, policy, budget, prices)
    }

    pub(crate) fn build(
        model: ModelName,
        members: Vec<Member>,
        target: Option<Target>,
        policy: RetryPolicy,
        budget: Arc<Budget>,
        prices: Arc<PriceTable>,
    ) -> Self {
        assert!(!members.is_empty(), "an endpoint without a server");
        // Any seed will do: it only has to differ between processes that hit one host together.
        let jitter = Jitter::seeded(u64::from(std::process::id()));
        let (health, seen) = (Health::default(), Seen::default());
        Self(Arc::new(Inner { model, members, target, policy, budget, prices, jitter, health, seen }))
    }

    /// Asks, and asks again as often as makes sense. `on_retry` hears of every retry before its wait.
    ///
    /// # Errors
    /// The last failure, boxed because it carries the bodies.
    pub async fn call(
        &self,
        request: &ChatRequest,
        on_retry: &(dyn Fn(&Retry) + Sync),
    ) -> Result<Answered, Box<Failed>> {
        let inner = &*self.0;
        let several = inner.members.len() > 1;
        let mut retries = Vec::new();
        let mut patience = 0;
        // Servers that failed since the last wait.
        let mut tried = Vec::new();
        loop {
            let Some((mut reservation, turn)) = inner.turn(request, &tried).await else {
                return Err(inner.stopped(retries));
            };
            let member = turn.member;
            reservation.sent();
            let result = member.client().call(request).await;
            turn.finish(&result, several);
            let error = match result {
                Ok(reply) => return Ok(inner.answered(reply, retries, reservation)),
                Err(error) => error,
            };
            if error.unbilled() {
                reservation.spend(NanoUsd(0));
            }
            drop(reservation);
            let wait = if several && inner.moves_on(&error, member, &mut tried) {
                Some(Duration::ZERO)
            } else {
                tried.clear();
                patience += 1;
                inner.patience(patience - 1, &error)
            };
            let Some(wait) = wait else {
                return Err(inner.failed(*error, member, retries));
            };
            let retry =
                Retry { cause: error.cause, waited_us: i64::try_from(wait.as_micros()).unwrap_or(i64::MAX) };
            on_retry(&retry);
            retries.push(retry);
            tokio::select! {
                () = sleep(wait) => {}
                () = inner.budget.wait_halted() => return Err(inner.stopped(retries)),
            }
        }
    }

    /// Where requests go, without credentials; the first of several.
    #[must_use]
    pub fn url(&self) -> &str {
        self.0.members.first().map_or("", Member::url)
    }

    /// Everywhere requests may go, without credentials.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.0.members.iter().map(Member::url)
    }

    /// The servers that will not answer in this run, where there are others.
    #[must_use]
    pub fn set_aside(&self) -> Vec<SetAside> {
        let aside = |m: &Member| Some(SetAside { url: m.url().to_owned(), message: m.aside()? });
        self.0.members.iter().filter_map(aside).collect()
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &ModelName {
        &self.0.model
    }

    /// The prices in use.
    #[must_use]
    pub fn prices(&self) -> &PriceTable {
        &self.0.prices
    }

    /// The provider's row and where its settings come from; `None` for simulated models.
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        self.0.target.as_ref()
    }

    /// How busy its hosts are, together.
    #[must_use]
    pub fn limiter(&self) -> LimiterStats {
        let stats = self.0.members.iter().map(|member| member.gate().stats());
        stats.reduce(LimiterStats::plus).unwrap_or_default()
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("model", self.model())
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn over(&self) -> bool {
        self.budget.halted() || self.health.fatal.get().is_some()
    }

    /// Money and a turn on a server, or `None` when no further call may start.
    async fn turn(&self, request: &ChatRequest, tried: &[usize]) -> Option<(Reservation, Turn<'_>)> {
        if self.over() {
            return None;
        }
        let bound = if self.budget.limited() { self.bound(request) } else { NanoUsd(0) };
        let reservation = self.budget.reserve(bound).await?;
        let counted = self.members.iter().any(|member| member.gate().counts());
        let expected = if counted { self.seen.expected(request) } else { Tokens::default() };
        let turn = tokio::select! {
            biased;
            turn = balance::turn(&self.members, tried, expected) => turn,
            () = self.budget.wait_halted() => return None,
        };
        // Things may have changed in the queue.
        (!self.over()).then_some((reservation, turn))
    }

    /// What a call may cost at most; nothing can be said without a price.
    fn bound(&self, request: &ChatRequest) -> NanoUsd {
        let limited = self.target.as_ref().is_none_or(|t| t.row.params.max_tokens.is_some());
        let most = self.seen.most(request, limited);
        self.prices.bound(&self.model, most.input, most.output).unwrap_or(NanoUsd(0))
    }

    /// Whether a call that failed on one of several servers should be made on another at once.
    fn moves_on(&self, error: &CallError, member: &Member, tried: &mut Vec<usize>) -> bool {
        tried.extend(self.members.iter().position(|m| std::ptr::eq(m, member)));
        elsewhere(error) && balance::untried(&self.members, tried)
    }

    /// Whether a server was set aside and others are left.
    fn others_left(&self, kind: CauseKind) -> bool {
        condemned(kind) && self.members.iter().any(|member| member.aside().is_none())
    }

    /// How long to wait before another attempt, if there is one.
    fn patience(&self, attempt: u32, error: &CallError) -> Option<Duration> {
        let kind = error.cause.kind;
        let mut policy = self.policy;
        if kind == CauseKind::Unreachable && !self.health.succeeded() {
            policy.max_retries = policy.max_retries.min(KNOCKS);
            policy.base = policy.base.min(Duration::from_millis(250));
        }
        // The others may be down for now, but they have not refused.
        let decision = if self.members.len() > 1 && self.others_left(kind) {
            Decision::Transient
        } else {
            error.decision
        };
        policy.next(attempt, decision, self.jitter.draw())
    }

    fn answered(&self, reply: Reply, retries: Vec<Retry>, mut reservation: Reservation) -> Answered {
        self.health.success();
        self.seen.reply(&reply.usage);
        let cost = reply.billed.or_else(|| {
            let price = if reply.exchange.batched { PriceTable::batched_cost } else { PriceTable::cost };
            price(&self.prices, &self.model, &reply.usage)
        });
        if let Some(cost) = cost {
            reservation.spend(cost);
        }
        Answered { reply, retries, cost }
    }

    fn failed(&self, error: CallError, member: &Member, retries: Vec<Retry>) -> Box<Failed> {
        let kind = error.cause.kind;
        let left = self.members.len() > 1 && self.others_left(kind);
        let fatal = (!left && self.health.failure(kind, error.decision))
            .then(|| self.health.fatal.get_or_init(|| self.explain(member, &error.cause)).clone());
        Box::new(Failed { cause: error.cause, retries, exchange: error.exchange, fatal })
    }

    /// Not called, or not called again.
    fn stopped(&self, retries: Vec<Retry>) -> Box<Failed> {
        let fatal = self.health.fatal.get().cloned();
        let message = match &fatal {
            Some(fatal) => fatal.message.clone(),
            None if self.budget.exhausted() => "the budget is spent".to_owned(),
            None => "the run was stopped".to_owned(),
        };
        Box::new(Failed {
            cause: Cause { kind: CauseKind::Stopped, http_status: None, message },
            retries,
            exchange: Exchange::default(),
            fatal,
        })
    }
}
