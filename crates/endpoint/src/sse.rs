//! Server-sent events: walks the bytes of a stream and yields the data of each event. Only `data` matters to us.

use std::borrow::Cow;

/// The data of the events in the bytes of a whole stream, in order. Comments (`: keep-alive`), other fields and a byte
/// order mark are skipped; lines end in LF, CRLF or CR; an event without its closing blank line at the end counts,
/// because some servers forget it.
pub(crate) fn events(bytes: &[u8]) -> Events<'_> {
    Events { rest: bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) }
}

/// See [`events`].
pub(crate) struct Events<'a> {
    rest: &'a [u8],
}

impl<'a> Events<'a> {
    /// The next line without its end, or `None` when nothing is left.
    fn line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(self.rest.len());
        let (line, after) = self.rest.split_at(end);
        self.rest = match after {
            [b'\r', b'\n', tail @ ..] | [_, tail @ ..] => tail,
            [] => after,
        };
        Some(line)
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Cow<'a, [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut data: Option<Cow<'a, [u8]>> = None;
        while let Some(line) = self.line() {
            if line.is_empty() {
                if data.is_some() {
                    break;
                }
            } else if let Some(value) = line.strip_prefix(b"data:") {
                let value = value.strip_prefix(b" ").unwrap_or(value);
                data = Some(match data {
                    None => Cow::Borrowed(value),
                    Some(so_far) => {
                        let mut joined = so_far.into_owned();
                        joined.push(b'\n');
                        joined.extend_from_slice(value);
                        Cow::Owned(joined)
                    }
                });
            }
        }
        data
    }
}

/// Whether the bytes received so far end in the closing mark, so that no more needs to be waited for.
pub(crate) fn finished(bytes: &[u8]) -> bool {
    bytes.trim_ascii_end().ends_with(b"[DONE]")
        && events(bytes.rsplit(|b| *b == b'\n').find(|l| !l.trim_ascii().is_empty()).unwrap_or_default())
            .any(|data| data.trim_ascii() == b"[DONE]")
}

/// How far back the last event is looked for: it is asked for with every piece that comes, so a hostile stream must not
/// make it look at everything each time.
const TAIL: usize = 256 << 10;

/// The data of the last line that has any, where it is near the end of the bytes received so far. Comments and blank
/// lines may follow it.
pub(crate) fn last_data(bytes: &[u8]) -> Option<&[u8]> {
    let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
    tail.rsplit(|b| *b == b'\n').find_map(|line| line.strip_prefix(b"data:"))
}

/// Whether a body that was not declared as a stream is one all the same.
pub(crate) fn looks_like_stream(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    start.starts_with(b"data:") || start.starts_with(b"event:") || start.starts_with(b": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stream: &str, expected: &[&str]) {
        let found: Vec<String> =
            events(stream.as_bytes()).map(|e| String::from_utf8_lossy(&e).into_owned()).collect();
        assert_eq!(found, expected, "{stream:?}");
    }

    #[test]
    fn events_are_read_whatever_the_line_ends() {
        check("data: a\n\ndata: b\n\n", &["a", "b"]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]);
        check("data: a\r\rdata: b\r\r", &["a", "b"]);
        check("data:a\n\n", &["a"]);
        check("data:  a\n\n", &[" a"]);
        check("event: x\nid: 1\ndata: a\n\n", &["a"]);
        check(": keep-alive\n\ndata: a\n\n: keep-alive\n\n", &["a"]);
        check("data: a\ndata: b\n\n", &["a\nb"]);
        check("data: a\n\ndata: b", &["a", "b"]);
        check("\u{feff}data: a\n\n", &["a"]);
        check("\n\n\n", &[]);
        check("retry: 10\n\n", &[]);
        check("", &[]);
    }

    #[test]
    fn the_last_data_is_found_near_the_end_alone() {
        let far = format!("data: a\n\n{}", ": x\n".repeat(TAIL / 4));
        for (stream, found) in [
            ("data: a\n\ndata: b\n\n: x\n\n", Some(" b")),
            ("event: x\ndata:{}", Some("{}")),
            (": x\n", None),
            (far.as_str(), None),
        ] {
            assert_eq!(last_data(stream.as_bytes()), found.map(str::as_bytes));
        }
    }

    #[test]
    fn the_end_mark_counts_only_as_an_event() {
        for (stream, done) in [
            ("data: [DONE]\n\n", true),
            ("data: a\n\ndata: [DONE]\r\n\r\n", true),
            ("data:[DONE]", true),
            ("data: {\"x\":\"[DONE]\"}\n\n", false),
            ("data: {\"x\":\"[DONE]", false),
            (": [DONE]\n\n", false),
            ("", false),
        ] {
            assert_eq!(finished(stream.as_bytes()), done, "{stream:?}");
        }
    }
}
