//! The way to a host for calls of one model: a turn among the calls at a time, and a place within the limits per minute.

use std::sync::Arc;
use std::time::Duration;

use undersight_core::CauseKind;

use crate::client::{CallError, Decision, Reply};
use crate::governor::{Governor, Slip, Tokens};
use crate::limiter::{Limiter, LimiterStats, Load, Permit};

/// Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Gate {
    limiter: Arc<Limiter>,
    governor: Option<Arc<Governor>>,
}

impl Gate {
    /// With limits per minute, or without.
    #[must_use]
    pub const fn new(limiter: Arc<Limiter>, governor: Option<Arc<Governor>>) -> Self {
        Self { limiter, governor }
    }

    /// The governor, while it counts.
    fn governor(&self) -> Option<&Arc<Governor>> {
        self.governor.as_ref().filter(|governor| !governor.idle())
    }

    /// Whether estimates of tokens matter.
    pub(crate) fn counts(&self) -> bool {
        self.governor().is_some()
    }

    /// Waits for a turn. Dropping the future gives it up.
    pub(crate) async fn enter(&self, expected: Tokens) -> Pass {
        let Some(governor) = self.governor() else {
            return self.pass(self.limiter.acquire().await, None);
        };
        // Whoever waits for the minute holds no turn: other models of the host may want it. Only the first in line
        // waits for both, so that calls leave when their time has come and not in a bunch later.
        let _next = governor.door.lock().await;
        loop {
            governor.ready(expected).await;
            let permit = self.limiter.acquire().await;
            if let Some(slip) = governor.take(expected) {
                return self.pass(permit, Some(slip));
            }
        }
    }

    /// A turn, if there is one at once.
    pub(crate) fn try_enter(&self, expected: Tokens) -> Option<Pass> {
        let Some(governor) = self.governor() else {
            return Some(self.pass(self.limiter.try_acquire()?, None));
        };
        let _next = governor.door.try_lock().ok()?;
        let permit = self.limiter.try_acquire()?;
        Some(self.pass(permit, Some(governor.take(expected)?)))
    }

    fn pass(&self, permit: Permit, slip: Option<Slip>) -> Pass {
        Pass { permit, slip, governor: self.governor.clone() }
    }

    /// How busy the host is.
    pub(crate) fn stats(&self) -> LimiterStats {
        self.limiter.stats()
    }
}

/// A turn. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Pass {
    permit: Permit,
    slip: Option<Slip>,
    governor: Option<Arc<Governor>>,
}

impl Pass {
    /// Gives the turn back and learns from how the call went.
    pub(crate) fn finish(self, result: &Result<Reply, Box<CallError>>) {
        let exchange = match result {
            Ok(reply) => &reply.exchange,
            Err(error) => &error.exchange,
        };
        if let Some(slip) = self.slip {
            match result {
                Ok(reply) => {
                    if let (Some(input), Some(output)) = (reply.usage.input, reply.usage.output) {
                        slip.settle(Tokens { input, output });
                    }
                }
                // A call that was turned down used nothing; of one that broke nobody knows.
                Err(error) if error.unbilled() => slip.settle(Tokens::default()),
                Err(_) => {}
            }
        }
        if let Some(governor) = &self.governor {
            governor.learn(&exchange.headers);
        }
        self.permit.finish(load(result));
    }
}

/// What the outcome of a call says about the load of its host.
fn load(result: &Result<Reply, Box<CallError>>) -> Load {
    match result {
        // The first byte of a stream says more about load than the length of the reply does.
        Ok(reply) => {
            let us = reply.exchange.timing.first_byte_us.unwrap_or(reply.exchange.timing.total_us);
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
