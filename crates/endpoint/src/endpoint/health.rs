//! Whether an endpoint works as a whole, as far as calls have shown, and when going on is hopeless.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use undersight_core::{Cause, CauseKind};

use super::member::{Member, host};
use super::{Fatal, Inner};
use crate::client::Decision;

/// Failures of one kind in a row, each after its retries, that stop a run although calls succeeded before.
const HOPELESS: u32 = 5;
/// The same for failures that may pass by themselves.
const HOPELESS_TRANSIENT: u32 = 20;

/// The circuit breaker.
#[derive(Default)]
pub(super) struct Health {
    succeeded: AtomicBool,
    streak: Mutex<Option<(CauseKind, u32)>>,
    pub(super) fatal: OnceLock<Fatal>,
}

impl Health {
    pub(super) fn success(&self) {
        self.succeeded.store(true, Ordering::Release);
        *self.streak.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn succeeded(&self) -> bool {
        self.succeeded.load(Ordering::Acquire)
    }

    /// Counts a failure and says whether the run should stop.
    pub(super) fn failure(&self, kind: CauseKind, decision: Decision) -> bool {
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

impl Inner {
    /// What happened and what to do about it.
    pub(super) fn explain(&self, member: &Member, cause: &Cause) -> Fatal {
        use CauseKind as K;
        let host = host(member.url());
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
        let others = match self.members.len() {
            1 => "",
            _ => ", and none of its other servers works",
        };
        Fatal { message: format!("{what}{others}: {}", cause.message), hint: self.hint(member.url(), cause) }
    }

    fn hint(&self, url: &str, cause: &Cause) -> String {
        use CauseKind as K;
        let name = self.target.as_ref().map_or(self.model.name(), |t| &t.model);
        match cause.kind {
            K::Auth => self.target.as_ref().map_or_else(
                || "check the key".to_owned(),
                |t| format!("set {} to a valid key for {url}", t.key_var()),
            ),
            K::UnknownModel => format!(
                "check the name {name:?} against the provider's list of models, and the base URL (most end in /v1): requests go to {url}"
            ),
            K::Quota => {
                "add credit or choose another model; the same command resumes where it stopped".to_owned()
            }
            K::Unreachable => self.target.as_ref().map_or_else(
                || "check the address".to_owned(),
                |t| t.row.unreachable.replace("{model}", name),
            ),
            K::BadRequest if cause.http_status.is_some_and(|s| (300..400).contains(&s)) => {
                format!("set the base URL to where the server is: requests go to {url}")
            }
            K::BadRequest => "remove or change the parameter the message names".to_owned(),
            K::Malformed => format!("check the base URL (most end in /v1): requests go to {url}"),
            _ => "try again later: the same command resumes where it stopped".to_owned(),
        }
    }
}
