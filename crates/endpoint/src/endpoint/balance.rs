//! Which of an endpoint's servers gets the next call: a working one with a free turn and the shortest expected wait; when
//! none is free, whichever becomes free first.

use std::time::Duration;

use futures_util::future::{FutureExt, select_all};
use tokio::time::{Instant, sleep_until};

use super::member::{Member, Outlook, Turn};
use crate::governor::Tokens;

/// How long servers that are all busy are waited for before looking anew at which of them work.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// A turn on the best of the servers that are not in `tried`; on any, where all were tried.
pub(super) async fn turn<'a>(members: &'a [Member], tried: &[usize], expected: Tokens) -> Turn<'a> {
    if let [only] = members {
        return only.turn(only.gate().enter(expected).await);
    }
    loop {
        let now = Instant::now();
        let mut candidates = candidates(members, tried, now);
        // One that may work again goes first: its success is worth more than the wait for a turn.
        candidates.sort_by(|a, b| {
            let knock = |m: &Member| m.outlook(now) != Outlook::Due;
            knock(a).cmp(&knock(b)).then(a.expected_wait().total_cmp(&b.expected_wait()))
        });
        if let Some(turn) = candidates.iter().find_map(|member| member.try_turn(expected)) {
            return turn;
        }
        let again = members.iter().filter_map(|member| match member.outlook(now) {
            Outlook::Down(until) => Some(until),
            _ => None,
        });
        let again = again.min().map_or(now + LOOK_AGAIN, |at| at.min(now + LOOK_AGAIN));
        let hopeless = candidates.iter().all(|member| !usable(member.outlook(now)));
        let entering =
            candidates.iter().map(|member| member.gate().enter(expected).map(|pass| (*member, pass)).boxed());
        tokio::select! {
            biased;
            ((member, pass), ..) = select_all(entering) => {
                // It may have gone down while it was waited for.
                if hopeless || usable(member.outlook(Instant::now())) {
                    return member.turn(pass);
                }
            }
            () = sleep_until(again) => {}
        }
    }
}

/// Whether a call that failed on `tried` may be made elsewhere at once.
pub(super) fn untried(members: &[Member], tried: &[usize]) -> bool {
    let now = Instant::now();
    members.iter().enumerate().any(|(i, member)| !tried.contains(&i) && usable(member.outlook(now)))
}

const fn usable(outlook: Outlook) -> bool {
    matches!(outlook, Outlook::Up | Outlook::Due)
}

/// Working servers that were not tried; else all working ones; else, since something has to be called, the one that is
/// due first. Never empty.
fn candidates<'a>(members: &'a [Member], tried: &[usize], now: Instant) -> Vec<&'a Member> {
    let working = || members.iter().enumerate().filter(|(_, member)| usable(member.outlook(now)));
    let mut found: Vec<&Member> =
        working().filter(|(i, _)| !tried.contains(i)).map(|(_, member)| member).collect();
    if found.is_empty() {
        found = working().map(|(_, member)| member).collect();
    }
    if found.is_empty() {
        let due = |member: &&Member| match member.outlook(now) {
            Outlook::Down(until) => Some(until),
            _ => None,
        };
        found.extend(members.iter().filter(|m| due(m).is_some()).min_by_key(due).or(members.first()));
    }
    found
}
