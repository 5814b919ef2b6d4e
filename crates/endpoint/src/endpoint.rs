//! A model ready to be called: its client behind a limiter, retries, a budget and a circuit breaker.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::sleep;
use undersight_core::{Cause, CauseKind, ModelName, NanoUsd, RawExchange, Retry, Timing};

use crate::budget::Budget;
use crate::client::{CallError, ChatRequest, Client, Decision, Reply};
use crate::limiter::{Limiter, LimiterStats, Load, Permit};
use crate::prices::PriceTable;
use crate::providers::table::Target;
use crate::retry::{Jitter, RetryPolicy};

/// Failures of one kind in a row, each after its retries, that stop a run although calls succeeded before.
const HOPELESS: u32 = 5;
/// The same for failures that may pass by themselves.
const HOPELESS_TRANSIENT: u32 = 20;
/// While nothing has succeeded, an unreachable host is tried again this often, and soon.
const KNOCKS: u32 = 2;

/// A model and everything around it. Cheap to clone; clones share all of it.
#[derive(Clone)]
pub struct Endpoint(Arc<Inner>);

struct Inner {
    model: ModelName,
    client: Box<dyn Client>,
    target: Option<Target>,
    limiter: Arc<Limiter>,
    policy: RetryPolicy,
    budget: Arc<Budget>,
    prices: Arc<PriceTable>,
    jitter: Jitter,
    health: Health,
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
    /// Bodies of the last attempt.
    pub raw: RawExchange,
    /// Times of the last attempt.
    pub timing: Timing,
    /// The provider's id of the last attempt.
    pub request_id: Option<String>,
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

/// Whether the endpoint works, as far as calls have shown.
#[derive(Default)]
struct Health {
    succeeded: AtomicBool,
    streak: Mutex<Option<(CauseKind, u32)>>,
    fatal: OnceLock<Fatal>,
}

impl Health {
    fn success(&self) {
        self.succeeded.store(true, Ordering::Release);
        *self.streak.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn succeeded(&self) -> bool {
        self.succeeded.load(Ordering::Acquire)
    }

    /// Counts a failure and says whether the run should stop.
    fn failure(&self, kind: CauseKind, decision: Decision) -> bool {
        use CauseKind as K;
        if matches!(kind, K::ContextLength | K::Stopped | K::Verdict) {
            return false;
        }
        let mut streak = self.streak.lock().unwrap_or_else(PoisonError::into_inner);
        let count = match *streak {
            Some((last, count)) if last == kind => count + 1,
            _ => 1,
        };
        *streak = Some((kind, count));
        match kind {
            K::Auth | K::UnknownModel | K::Quota => true,
            // A page instead of JSON is the wrong address; JSON that breaks off may be an accident of a working server.
            K::Malformed if decision != Decision::Never => count >= HOPELESS,
            K::Malformed | K::Unreachable | K::BadRequest => !self.succeeded() || count >= HOPELESS,
            _ => count >= HOPELESS_TRANSIENT,
        }
    }
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
        Self::build(model, client, None, limiter, policy, budget, prices)
    }

    pub(crate) fn build(
        model: ModelName,
        client: Box<dyn Client>,
        target: Option<Target>,
        limiter: Arc<Limiter>,
        policy: RetryPolicy,
        budget: Arc<Budget>,
        prices: Arc<PriceTable>,
    ) -> Self {
        // Any seed will do: it only has to differ between processes that hit one host together.
        let jitter = Jitter::seeded(u64::from(std::process::id()));
        let health = Health::default();
        Self(Arc::new(Inner { model, client, target, limiter, policy, budget, prices, jitter, health }))
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
        let mut retries = Vec::new();
        loop {
            let Some(permit) = inner.turn().await else {
                return Err(inner.stopped(retries));
            };
            let result = inner.client.call(request).await;
            permit.finish(load(&result));
            let error = match result {
                Ok(reply) => return Ok(inner.answered(reply, retries)),
                Err(error) => error,
            };
            let Some(wait) = inner.patience(retries.len(), &error) else {
                return Err(inner.failed(*error, retries));
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

    /// Where requests go, without credentials.
    #[must_use]
    pub fn url(&self) -> &str {
        self.0.client.url()
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

    /// How busy its host is.
    #[must_use]
    pub fn limiter(&self) -> LimiterStats {
        self.0.limiter.stats()
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
    /// A turn on the host, or `None` when no further call may start.
    async fn turn(&self) -> Option<Permit> {
        if self.budget.halted() || self.health.fatal.get().is_some() {
            return None;
        }
        let permit = tokio::select! {
            biased;
            permit = self.limiter.acquire() => permit,
            () = self.budget.wait_halted() => return None,
        };
        // Things may have changed in the queue.
        (!self.budget.halted() && self.health.fatal.get().is_none()).then_some(permit)
    }

    /// How long to wait before another attempt, if there is one.
    fn patience(&self, attempt: usize, error: &CallError) -> Option<Duration> {
        let attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
        let mut policy = self.policy;
        if error.cause.kind == CauseKind::Unreachable && !self.health.succeeded() {
            policy.max_retries = policy.max_retries.min(KNOCKS);
            policy.base = policy.base.min(Duration::from_millis(250));
        }
        policy.next(attempt, error.decision, self.jitter.draw())
    }

    fn answered(&self, reply: Reply, retries: Vec<Retry>) -> Answered {
        self.health.success();
        let cost = reply.billed.or_else(|| self.prices.cost(&self.model, &reply.usage));
        if let Some(cost) = cost {
            self.budget.spend(cost);
        }
        Answered { reply, retries, cost }
    }

    fn failed(&self, error: CallError, retries: Vec<Retry>) -> Box<Failed> {
        let fatal = self
            .health
            .failure(error.cause.kind, error.decision)
            .then(|| self.health.fatal.get_or_init(|| self.explain(&error.cause)).clone());
        Box::new(Failed {
            cause: error.cause,
            retries,
            raw: error.raw,
            timing: error.timing,
            request_id: error.request_id,
            fatal,
        })
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
            raw: RawExchange::default(),
            timing: Timing::default(),
            request_id: None,
            fatal,
        })
    }

    /// What happened and what to do about it.
    fn explain(&self, cause: &Cause) -> Fatal {
        use CauseKind as K;
        let host = host(self.client.url());
        let model = &self.model;
        let what = match cause.kind {
            K::Auth => format!("{host} refused the key for {model}"),
            K::UnknownModel => format!("{host} does not know {model}"),
            K::Quota => format!("{host} has no credit left for {model}"),
            K::Unreachable => format!("{host} cannot be reached for {model}"),
            K::BadRequest => format!("{host} refuses every request to {model}"),
            K::Malformed => format!("{host} does not answer {model} in a form that can be read"),
            _ => format!("{host} keeps failing for {model}"),
        };
        Fatal { message: format!("{what}: {}", cause.message), hint: self.hint(cause) }
    }

    fn hint(&self, cause: &Cause) -> String {
        use CauseKind as K;
        let name = self.target.as_ref().map_or(self.model.name(), |t| &t.model);
        match cause.kind {
            K::Auth => self.target.as_ref().map_or_else(
                || "check the key".to_owned(),
                |t| format!("set {} to a valid key for {}", t.key_var, self.client.url()),
            ),
            K::UnknownModel => format!(
                "check the name {name:?} against the provider's list of models, and the base URL (most end in /v1): requests go to {}",
                self.client.url()
            ),
            K::Quota => {
                "add credit or choose another model; the same command resumes where it stopped".to_owned()
            }
            K::Unreachable => self.target.as_ref().map_or_else(
                || "check the address".to_owned(),
                |t| t.row.unreachable.replace("{model}", name),
            ),
            K::BadRequest if cause.http_status.is_some_and(|s| (300..400).contains(&s)) => {
                format!("set the base URL to where the server is: requests go to {}", self.client.url())
            }
            K::BadRequest => "remove or change the parameter the message names".to_owned(),
            K::Malformed => {
                format!("check the base URL (most end in /v1): requests go to {}", self.client.url())
            }
            _ => "try again later: the same command resumes where it stopped".to_owned(),
        }
    }
}

/// The host of a URL, with its port where it has one of its own.
fn host(url: &str) -> String {
    let parsed = reqwest::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(reqwest::Url::host_str);
    match (host, parsed.as_ref().and_then(reqwest::Url::port)) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => url.to_owned(),
    }
}

/// What the outcome of a call says about the load of its host.
fn load(result: &Result<Reply, Box<CallError>>) -> Load {
    match result {
        // The first byte of a stream says more about load than the length of the reply does.
        Ok(reply) => {
            let us = reply.timing.first_byte_us.unwrap_or(reply.timing.total_us);
            Load::Answered(Duration::from_micros(u64::try_from(us).unwrap_or(0)))
        }
        Err(error) => match error.decision {
            Decision::RateLimited(wait) => Load::Overloaded(wait),
            _ if error.cause.kind == CauseKind::Timeout
                || matches!(error.cause.http_status, Some(503 | 529)) =>
            {
                Load::Overloaded(None)
            }
            _ => Load::Unrelated,
        },
    }
}
