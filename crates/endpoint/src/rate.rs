//! What a provider says of its limits in the headers of a reply: how much is allowed, how much of it is left and when
//! it is whole again. Only reads; the [`Governor`](crate::Governor) acts on it and the probe shows it.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

use crate::wait::{moment, server_time};

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Counted {
    /// Calls.
    Requests,
    /// Tokens of prompts and replies.
    Tokens,
    /// Tokens of prompts.
    InputTokens,
    /// Tokens of replies.
    OutputTokens,
}

/// One limit, as far as the headers tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The headers' name for it: `x-ratelimit requests`, `anthropic-ratelimit input-tokens`.
    pub name: String,
    /// What it counts.
    pub counts: Counted,
    /// How much is allowed; over which time is not said, and it differs.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: Option<u64>,
    /// How long until it is whole again.
    pub reset: Option<Duration>,
}

/// Every limit that the headers of one reply speak of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateHeaders {
    /// In the order of their first headers.
    pub allowances: Vec<Allowance>,
}

impl RateHeaders {
    /// Reads them, whoever sends them: `x-ratelimit-remaining-requests` (OpenAI and those who follow it),
    /// `anthropic-ratelimit-input-tokens-remaining`, plain `x-ratelimit-remaining` and `ratelimit-remaining`, and all
    /// of these behind the prefix of a proxy. Resets are durations, seconds, moments since 1970 or RFC 3339.
    #[must_use]
    pub fn read(headers: &HeaderMap, now: SystemTime) -> Self {
        let mut found = Self::default();
        // Looked up only when there is something to date.
        let mut clock = None;
        for (name, value) in headers {
            let Some((family, part, what)) = split(name.as_str()) else { continue };
            let Some(counts) = counted(what) else { continue };
            let Some(value) = value.to_str().ok().map(str::trim) else { continue };
            let name = if what.is_empty() { family.to_owned() } else { format!("{family} {what}") };
            let allowance = found.entry(name, counts);
            match part {
                "limit" => allowance.limit = number(value),
                "remaining" => allowance.remaining = number(value),
                _ => {
                    let now = *clock.get_or_insert_with(|| server_time(headers).unwrap_or(now));
                    allowance.reset = moment(value, now);
                }
            }
        }
        found.allowances.retain(|a| a.limit.is_some() || a.remaining.is_some());
        found
    }

    /// Whether they say nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.allowances.is_empty()
    }

    fn entry(&mut self, name: String, counts: Counted) -> &mut Allowance {
        let place = self.allowances.iter().position(|a| a.name == name).unwrap_or_else(|| {
            self.allowances.push(Allowance { name, counts, limit: None, remaining: None, reset: None });
            self.allowances.len() - 1
        });
        &mut self.allowances[place]
    }
}

/// `x-ratelimit`, `remaining`, `requests` of `x-ratelimit-remaining-requests`, and the same of the other order.
fn split(name: &str) -> Option<(&str, &str, &str)> {
    const FAMILY: &str = "ratelimit";
    const PARTS: [&str; 3] = ["limit", "remaining", "reset"];
    let end = name.find(FAMILY)? + FAMILY.len();
    let (family, rest) = (&name[..end], name[end..].strip_prefix('-')?);
    let (first, after) = rest.split_once('-').unwrap_or((rest, ""));
    if PARTS.contains(&first) {
        return Some((family, first, after));
    }
    let (before, last) = rest.rsplit_once('-')?;
    PARTS.contains(&last).then_some((family, last, before))
}

/// Limits of other things (images, audio) do not concern us.
fn counted(what: &str) -> Option<Counted> {
    if what.contains("token") {
        Some(if what.contains("input") || what.contains("prompt") {
            Counted::InputTokens
        } else if what.contains("output") || what.contains("generated") {
            Counted::OutputTokens
        } else {
            Counted::Tokens
        })
    } else {
        (what.is_empty() || what.contains("request")).then_some(Counted::Requests)
    }
}

/// The leading number: `60`, `60.0`, `60, 60;w=60`. A negative one says nothing.
fn number(value: &str) -> Option<u64> {
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value[..digits].parse().ok()
}
