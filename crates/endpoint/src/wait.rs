//! How long a provider asks us to wait: headers in seconds, milliseconds or dates, rate-limit resets, or words.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

/// No wait is longer, whatever is asked.
pub const MAX_WAIT: Duration = Duration::from_secs(600);

/// The wait a provider asks for, from the headers, else from the words of its message; at most [`MAX_WAIT`].
#[must_use]
pub fn requested_wait(headers: &HeaderMap, message: &str, now: SystemTime) -> Option<Duration> {
    let now = server_time(headers).unwrap_or(now);
    retry_after(headers, now)
        .or_else(|| in_words(message))
        .or_else(|| reset(headers, now))
        .map(|wait| wait.min(MAX_WAIT))
}

/// The wait that is asked for outright.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    let now = server_time(headers).unwrap_or(now);
    ["retry-after-ms", "llm_provider-retry-after-ms"]
        .iter()
        .find_map(|name| text(name).and_then(|v| seconds(v, 1e-3)))
        .or_else(|| {
            ["retry-after", "llm_provider-retry-after"]
                .iter()
                .find_map(|name| text(name).and_then(|v| wait_or_date(v, now)))
        })
}

/// The server's own clock, where it tells it, is the one its dates are meant by.
pub(crate) fn server_time(headers: &HeaderMap) -> Option<SystemTime> {
    headers.get("date").and_then(|v| httpdate::parse_http_date(v.to_str().ok()?.trim()).ok())
}

fn wait_or_date(value: &str, now: SystemTime) -> Option<Duration> {
    seconds(value, 1.0).or_else(|| duration(value)).or_else(|| {
        httpdate::parse_http_date(value).ok().map(|at| at.duration_since(now).unwrap_or_default())
    })
}

/// A plain number of units; negative, infinite and absurd ones are no wait.
fn seconds(value: &str, unit: f64) -> Option<Duration> {
    let number: f64 = value.parse().ok()?;
    (number >= 0.0).then(|| Duration::try_from_secs_f64((number * unit).min(1e9)).ok()).flatten()
}

/// `1s`, `6m0s`, `120ms`, `1h2m3.5s`.
fn duration(value: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = value.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let tail = &rest[digits..];
        let unit = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        total += number
            * match &tail[..unit] {
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86400.0,
                _ => return None,
            };
        rest = &tail[unit..];
    }
    Duration::try_from_secs_f64(total).ok()
}

/// `x-ratelimit-reset-*`: the reset of what ran out; where nothing says so, the nearest one.
fn reset(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let mut spent: Option<Duration> = None;
    let mut nearest: Option<Duration> = None;
    for (name, value) in headers {
        let Some(what) = name.as_str().strip_prefix("x-ratelimit-reset") else { continue };
        let Some(wait) = value.to_str().ok().and_then(|v| moment(v.trim(), now)) else { continue };
        let remaining = headers.get(format!("x-ratelimit-remaining{what}")).and_then(|v| v.to_str().ok());
        if remaining.map(str::trim) == Some("0") {
            spent = Some(spent.map_or(wait, |s| s.max(wait)));
        }
        nearest = Some(nearest.map_or(wait, |n| n.min(wait)));
    }
    spent.or(nearest)
}

/// A duration, a number of seconds, or a moment: RFC 3339, or seconds or milliseconds since 1970.
pub(crate) fn moment(value: &str, now: SystemTime) -> Option<Duration> {
    if let Some(wait) = duration(value) {
        return Some(wait);
    }
    if let Ok(at) = value.parse::<jiff::Timestamp>() {
        let since_1970 = Duration::try_from(at.as_duration()).unwrap_or_default();
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        return Some(since_1970.saturating_sub(now));
    }
    let number: f64 = value.parse().ok()?;
    let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs_f64();
    let wait = match number {
        n if n >= 1e11 => n / 1e3 - since_1970,
        n if n >= 1e9 => n - since_1970,
        n => n,
    };
    Duration::try_from_secs_f64(wait.max(0.0)).ok()
}

/// `try again in 1.2s`, `retry in 20 seconds`, `retry after 500 ms`.
fn in_words(message: &str) -> Option<Duration> {
    let lower = message.to_ascii_lowercase();
    ["try again in ", "retry in ", "retry after ", "try again after ", "wait for ", "retry-after: "]
        .iter()
        .find_map(|lead| lower.find(lead).map(|at| &lower[at + lead.len()..]))
        .and_then(|rest| {
            let words: Vec<&str> = rest.split_whitespace().take(2).collect();
            let first = words.first()?.trim_end_matches(['.', ',', ')', ';', '"']);
            if let Some(wait) = duration(first) {
                return Some(wait);
            }
            let unit = words.get(1).map_or("s", |w| w.trim_end_matches(['.', ',', ')', ';', '"']));
            let scale = match unit {
                "ms" | "millisecond" | "milliseconds" => 1e-3,
                "m" | "min" | "minute" | "minutes" => 60.0,
                _ => 1.0,
            };
            seconds(first, scale)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn check(headers: &[(&'static str, &str)], message: &str, expected_ms: Option<u64>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        // 2026-11-23 00:00:00 UTC.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_392_000);
        let found = requested_wait(&map, message, now).map(|d| u64::try_from(d.as_millis()).unwrap());
        assert_eq!(found, expected_ms, "{headers:?} {message:?}");
    }

    #[test]
    fn waits_are_read_from_every_known_place() {
        check(&[], "", None);
        check(&[("retry-after", "2")], "", Some(2_000));
        check(&[("retry-after", "0")], "", Some(0));
        check(&[("retry-after", "1.5")], "", Some(1_500));
        check(&[("retry-after", "20s")], "", Some(20_000));
        check(&[("retry-after", "-3")], "", None);
        check(&[("retry-after", "soon")], "", None);
        check(&[("retry-after", "NaN")], "", None);
        check(&[("retry-after", "inf")], "", Some(600_000));
        check(&[("retry-after", "99999999")], "", Some(600_000));
        check(&[("retry-after-ms", "350")], "", Some(350));
        check(&[("retry-after-ms", "350"), ("retry-after", "1")], "", Some(350));
        check(&[("llm_provider-retry-after", "60")], "", Some(60_000));
        check(&[("retry-after", "Mon, 23 Nov 2026 00:00:07 GMT")], "", Some(7_000));
        check(&[("retry-after", "Sun, 22 Nov 2026 00:00:07 GMT")], "", Some(0));
        check(
            &[("retry-after", "Mon, 23 Nov 2026 01:00:07 GMT"), ("date", "Mon, 23 Nov 2026 01:00:00 GMT")],
            "",
            Some(7_000),
        );
        check(&[("x-ratelimit-reset-requests", "1s")], "", Some(1_000));
        check(&[("x-ratelimit-reset-requests", "120ms")], "", Some(120));
        check(&[("x-ratelimit-reset-tokens", "6m0s")], "", Some(360_000));
        check(&[("x-ratelimit-reset-requests", "1s"), ("x-ratelimit-reset-tokens", "6m0s")], "", Some(1_000));
        check(
            &[
                ("x-ratelimit-reset-requests", "1s"),
                ("x-ratelimit-reset-tokens", "6m0s"),
                ("x-ratelimit-remaining-tokens", "0"),
            ],
            "",
            Some(360_000),
        );
        check(&[("x-ratelimit-reset", "1795392009000")], "", Some(9_000));
        check(&[("x-ratelimit-reset", "1795392009")], "", Some(9_000));
        check(&[("x-ratelimit-reset-requests", "1x")], "", None);
        check(&[], "Limit reached. Please try again in 1.2s.", Some(1_200));
        check(&[], "Please try again in 20 seconds", Some(20_000));
        check(&[], "please retry in 36.5s.", Some(36_500));
        check(&[], "try again in 6m0s. Visit the site", Some(360_000));
        check(&[], "try again in 120ms", Some(120));
        check(&[], "try again in 2 minutes", Some(120_000));
        check(&[], "try again in a moment", None);
        check(&[("retry-after", "3")], "try again in 1.2s", Some(3_000));
        check(&[("x-ratelimit-reset-tokens", "6m0s")], "try again in 1.2s", Some(1_200));
    }
}
