//! Amazon Bedrock's Converse API: bytes of a reply, whole or in binary frames, to everything known about it.

mod frames;
mod reply;
mod request;

use reqwest::Url;
use serde_json::Value;

use self::frames::Frame;
use self::reply::{Draft, fault};
use super::wire::{Ask, Reading, Wire, WireReply, below, blocked_or, malformed, unreadable};
use crate::classify::Classified;

/// The format of Amazon Bedrock's Converse API.
#[derive(Debug, Clone, Copy)]
pub struct Converse;

impl Wire for Converse {
    fn address(&self, base: &Url, model: &str, stream: bool) -> Url {
        let call = if stream { "converse-stream" } else { "converse" };
        below(base, &format!("/model/{}/{call}", encoded(model)))
    }

    fn write(&self, ask: &Ask<'_>) -> Result<Vec<u8>, serde_json::Error> {
        request::write(ask)
    }

    fn whole(&self, body: &[u8], reading: &Reading<'_>) -> Result<WireReply, Box<Classified>> {
        let body: Value = serde_json::from_slice(body).map_err(|e| unreadable(body, &e))?;
        if body.pointer("/output/message").is_some() {
            return Ok(Draft::of(&body).reply(reading));
        }
        match body.get("__type").or_else(|| body.get("message")) {
            Some(_) => blocked_or(fault(body["__type"].as_str().unwrap_or_default(), &body)),
            None => {
                Err(malformed("the reply holds no output; is this a Bedrock Runtime endpoint?".to_owned()))
            }
        }
    }

    fn streamed(&self, bytes: &[u8], reading: &Reading<'_>) -> Result<WireReply, Box<Classified>> {
        let mut draft = Draft::default();
        for frame in frames::all(bytes) {
            match frame? {
                Frame::Event { kind, payload } => {
                    let payload = serde_json::from_slice(&payload).map_err(|e| unreadable(&payload, &e))?;
                    draft.absorb(&kind, &payload);
                }
                Frame::Fault { kind, payload } => return blocked_or(fault(&kind, &payload)),
            }
            if draft.complete() {
                break;
            }
        }
        draft.ended(reading)
    }

    fn finished(&self, bytes: &[u8]) -> bool {
        // The counts come last.
        frames::last_is(bytes, "metadata")
    }

    fn is_stream(&self, content_type: &[u8], body: &[u8]) -> bool {
        let declared = content_type.to_ascii_lowercase().starts_with(b"application/vnd.amazon.eventstream");
        let object = body.trim_ascii_start().first() == Some(&b'{');
        frames::looks_like(body) || (declared && !object)
    }
}

/// A model's name as one segment of a path; names of profiles hold colons and slashes. Encoded as Amazon's own clients
/// do, because the signature covers it.
fn encoded(model: &str) -> String {
    let mut out = String::with_capacity(model.len());
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
