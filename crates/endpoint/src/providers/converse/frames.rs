//! Amazon's event streams: binary frames with checksums, each an event or what went wrong.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::Message;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::classify::Classified;
use crate::providers::wire::{ended, malformed};

/// The lengths of a frame and of its headers, and the checksum of both.
const PRELUDE: usize = 12;
/// Bytes at the end of a stream in which its last event is looked for; no last event of a plain call is longer.
const TAIL: usize = 4096;

/// What a frame is.
#[derive(Debug)]
pub(super) enum Frame {
    /// An event of a kind.
    Event { kind: String, payload: Bytes },
    /// What broke the stream off.
    Fault { kind: String, payload: Value },
}

/// The frames in the bytes of a whole stream. A wrong checksum, or a frame that is not all there, ends them.
pub(super) fn all(bytes: &[u8]) -> impl Iterator<Item = Result<Frame, Box<Classified>>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        // A decoder remembers half a frame, so each has its own.
        match MessageFrameDecoder::new().decode_frame(&mut rest) {
            Ok(DecodedFrame::Complete(message)) => Some(Ok(frame(&message))),
            Ok(DecodedFrame::Incomplete) => {
                rest = &[];
                Some(Err(ended()))
            }
            Err(error) => {
                rest = &[];
                Some(Err(malformed(format!("the event stream cannot be read: {error}"))))
            }
        }
    })
}

/// Whether bytes begin with what only a frame begins with: lengths, and a checksum that fits them.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    bytes.get(..PRELUDE).is_some_and(|prelude| {
        matches!(MessageFrameDecoder::new().decode_frame(prelude), Ok(DecodedFrame::Incomplete))
    })
}

/// Whether bytes end with a whole frame that is an event of this kind.
pub(super) fn last_is(bytes: &[u8], kind: &str) -> bool {
    // Asked after every piece that arrives, so frames are counted only when there is hope.
    let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
    if !tail.windows(kind.len()).any(|window| window == kind.as_bytes()) {
        return false;
    }
    let mut rest = bytes;
    while let Some(length) = rest.first_chunk().map(|length| u32::from_be_bytes(*length)) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        match rest.get(length.max(PRELUDE)..) {
            None => return false,
            Some([]) => {
                let last = all(rest).next();
                return matches!(last, Some(Ok(Frame::Event { kind: found, .. })) if found == kind);
            }
            Some(after) => rest = after,
        }
    }
    false
}

fn frame(message: &Message) -> Frame {
    let header = |name: &str| {
        let found = message.headers().iter().find(|header| header.name().as_str() == name);
        found.and_then(|header| header.value().as_string().ok()).map_or("", |text| text.as_str()).to_owned()
    };
    match header(":message-type").as_str() {
        "exception" => Frame::Fault {
            kind: header(":exception-type"),
            payload: serde_json::from_slice(message.payload())
                .unwrap_or_else(|_| json!({ "message": String::from_utf8_lossy(message.payload()) })),
        },
        "error" => Frame::Fault {
            kind: header(":error-code"),
            payload: json!({ "message": header(":error-message") }),
        },
        _ => Frame::Event { kind: header(":event-type"), payload: message.payload().clone() },
    }
}
