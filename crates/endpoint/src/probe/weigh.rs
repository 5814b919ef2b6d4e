//! What replies show, each check a pure function: an outcome and why.

use serde_json::Value;
use undersight_core::probe::{LimitFound, Outcome};
use undersight_core::{CauseKind, FinishReason, Provenance};

use super::heard::Heard;
use crate::endpoint::Failed;

/// An outcome, in words.
pub(super) type Finding = (Outcome, String);

/// A token is hardly ever less than this, or more than the second number, in characters.
const CHARACTERS: (u64, u64) = (1, 12);

fn yes(detail: impl Into<String>) -> Finding {
    (Outcome::Yes, detail.into())
}

fn no(detail: impl Into<String>) -> Finding {
    (Outcome::No, detail.into())
}

fn unknown(detail: impl Into<String>) -> Finding {
    (Outcome::Unknown, detail.into())
}

pub(super) fn skipped(detail: impl Into<String>) -> Finding {
    (Outcome::Skipped, detail.into())
}

/// A call that brought no reply: what the provider said of it.
pub(super) fn failed(failed: &Failed) -> Finding {
    let cause = &failed.cause;
    if cause.kind == CauseKind::Stopped {
        return skipped(format!("not asked: {}", cause.message));
    }
    let status = cause.http_status.map_or_else(String::new, |status| format!(" (status {status})"));
    (Outcome::Failed, format!("the call failed{status}: {}", cause.message))
}

/// `` `reasoning` and `content` ``.
fn places(fields: &[String]) -> String {
    fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(" and ")
}

/// What the trace is and where it arrived.
pub(super) fn trace(heard: &Heard) -> Finding {
    let Heard { provenance, fields, .. } = heard;
    let tags = if fields.iter().any(|f| f == "content") { ", between tags" } else { "" };
    let found = format!("{} characters in {}{tags}", heard.trace_characters(), places(fields));
    match provenance {
        Provenance::Full => yes(format!("full, {found}")),
        Provenance::Summary => yes(format!("a summary, {found}")),
        Provenance::Truncated => yes(format!("cut off before it ended, {found}")),
        Provenance::Encrypted => no(format!("encrypted, in {}", places(fields))),
        Provenance::Absent => no("none arrived"),
    }
}

/// The word for an end.
fn word(finish: &FinishReason) -> &str {
    match finish {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ContentFilter => "content filter",
        FinishReason::Other(other) => other,
        FinishReason::Unknown => "nothing",
    }
}

/// Whether replies say why they ended: one that was whole, and one cut at so many tokens.
pub(super) fn finish(whole: &Heard, cut: Option<(u32, &Heard)>) -> Finding {
    match &whole.finish {
        FinishReason::Unknown => return no("a whole reply does not say why it ended"),
        FinishReason::Length => {
            return unknown("the plain reply was cut off, too: --max-tokens leaves it no room");
        }
        FinishReason::Stop => {}
        other => return unknown(format!("a whole reply says {:?}", word(other))),
    }
    match cut {
        None => yes("stop"),
        Some((_, cut)) if cut.finish == FinishReason::Length => yes("stop, and length where it was cut off"),
        Some((cap, cut)) if cut.usage.output == Some(cap.into()) => {
            no(format!("a reply cut off at {cap} tokens says {}", word(&cut.finish)))
        }
        Some((_, cut)) if cut.finish == FinishReason::Unknown => {
            no("a short reply does not say why it ended")
        }
        Some(_) => yes("stop; no reply was cut off"),
    }
}

/// Whether a limit of so many tokens was kept.
pub(super) fn max_tokens(cap: u32, heard: &Heard) -> Finding {
    let cut = heard.finish == FinishReason::Length;
    let characters = (heard.trace.chars().count() + heard.answer.chars().count()) as u64;
    match heard.usage.output {
        Some(n) if n > cap.into() => no(format!("{n} tokens came where {cap} were the limit")),
        Some(n) if cut || n == u64::from(cap) => yes(format!("{n} tokens came where {cap} were the limit")),
        _ if characters > u64::from(cap) * CHARACTERS.1 => {
            no(format!("{characters} characters came where {cap} tokens were the limit"))
        }
        None if cut => yes(format!("cut off, with {cap} tokens as the limit")),
        _ => unknown(format!("the reply ended by itself below {cap} tokens")),
    }
}

/// Whether tokens are counted.
pub(super) fn usage(heard: &Heard) -> Finding {
    match (heard.usage.input, heard.usage.output) {
        (Some(input), Some(output)) => yes(format!("{input} tokens in, {output} out")),
        (None, Some(_)) => no("the prompt's tokens are not counted"),
        (Some(_), None) => no("the reply's tokens are not counted"),
        (None, None) => no("tokens are not counted"),
    }
}

/// Whether reasoning tokens are counted, and the count can be true.
pub(super) fn reasoning_tokens(heard: &Heard) -> Finding {
    let characters = heard.trace_characters();
    let Some(n) = heard.reasoning else {
        return match heard.provenance {
            Provenance::Absent => skipped("there is no reasoning to count"),
            _ => no("not counted"),
        };
    };
    if heard.usage.output.is_some_and(|output| n > output) {
        return no(format!("{n}, more than the whole reply has"));
    }
    match heard.provenance {
        Provenance::Absent if n == 0 => yes("0, and no trace arrived"),
        Provenance::Absent | Provenance::Encrypted => yes(format!("{n}, of reasoning that is not shown")),
        Provenance::Summary if n > 0 => yes(format!("{n}, of which a summary is shown")),
        _ if n == 0 => no(format!("0, beside a trace of {characters} characters")),
        _ if characters < n.saturating_mul(CHARACTERS.0) || characters > n.saturating_mul(CHARACTERS.1) => {
            no(format!("{n}, which does not fit a trace of {characters} characters"))
        }
        _ => yes(format!("{n} for {characters} characters")),
    }
}

/// Whether a system message was counted with the prompt.
pub(super) fn system_message(without: &Heard, with: &Heard) -> Finding {
    match (without.usage.input, with.usage.input) {
        (Some(without), Some(with)) if with > without => {
            yes(format!("taken, for {} tokens more", with - without))
        }
        (Some(_), Some(_)) => unknown("not refused, but the prompt counts no more tokens with it"),
        _ => yes("not refused"),
    }
}

/// Whether greedy decoding, which two calls asked for by other seeds, says the same.
pub(super) fn greedy(how: &str, a: &Heard, b: &Heard, varies: Option<bool>) -> Finding {
    if a.silent() || b.silent() {
        unknown("there was nothing to compare")
    } else if a.said() != b.said() {
        no(format!("two replies {how} differ"))
    } else if varies == Some(false) {
        unknown(format!("two replies {how} are the same, but so are all others"))
    } else {
        yes(format!("two replies {how} are the same"))
    }
}

/// Whether two replies with one seed are the same and one with another is not, all at temperature 1.
pub(super) fn seed(a: &Heard, b: &Heard, other: Option<&Heard>) -> Finding {
    if a.silent() || b.silent() {
        return unknown("there was nothing to compare");
    }
    if a.said() != b.said() {
        return no("two replies with one seed differ at temperature 1");
    }
    match other {
        Some(other) if other.said() != a.said() => {
            yes("one seed repeats itself at temperature 1, another differs")
        }
        Some(_) => unknown("all replies are the same at temperature 1, whatever the seed"),
        None => unknown("one seed repeats itself; another was not answered"),
    }
}

/// Whether the replies to calls that should differ do, which a check of greedy decoding needs to mean anything.
pub(super) fn varies(a: &Heard, b: &Heard, other: &Heard) -> bool {
    a.said() != b.said() || a.said() != other.said()
}

/// Whether as many replies came as were asked for.
pub(super) fn choices(asked: u32, heard: &Heard) -> Finding {
    if heard.choices == asked {
        yes(format!("{asked} replies came to one request"))
    } else {
        no(format!("{} came where {asked} replies were asked for", heard.choices))
    }
}

/// Whether the answer is JSON that fits the probe's schema: an object with `answer`, a whole number, and nothing else.
pub(super) fn structured(heard: &Heard) -> Finding {
    let text = heard.answer.trim();
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(members))
            if members.len() == 1 && members.get("answer").is_some_and(|n| n.is_i64() || n.is_u64()) =>
        {
            yes("the answer is JSON that fits the schema")
        }
        Ok(_) => no("the answer is JSON that does not fit the schema"),
        Err(_) if heard.finish == FinishReason::Length => unknown("the answer was cut off"),
        Err(_) => no("the answer is no JSON"),
    }
}

/// Whether a streamed and a whole reply bring the same.
pub(super) fn streaming(whole: &Heard, streamed: &Heard) -> Finding {
    let (one, other) = (whole.provenance, streamed.provenance);
    if one == other {
        yes(format!("the trace is {} both ways", one.name()))
    } else {
        no(format!("the trace is {} in a whole reply and {} in a streamed one", one.name(), other.name()))
    }
}

/// What headers tell of limits.
pub(super) fn limits(limits: &[LimitFound]) -> Finding {
    let one = |limit: &LimitFound| {
        let number = |n: Option<u64>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
        format!("{}: {} of {} left", limit.name, number(limit.remaining), number(limit.limit))
    };
    match limits {
        [] => no("no headers tell them"),
        limits => yes(limits.iter().map(one).collect::<Vec<_>>().join("; ")),
    }
}
