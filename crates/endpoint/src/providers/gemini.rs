//! Google's Gemini API: bytes of a reply, whole or streamed, to everything known about it.

mod reply;
mod request;

use reqwest::Url;

use self::reply::{Body, Draft};
use super::wire::{
    Ask, Reading, Wire, WireReply, below, blocked_or, each_event, ended, error_within, is_error, malformed,
    unreadable,
};
use crate::classify::Classified;
use crate::sse;

/// The format of Google's `generateContent`.
#[derive(Debug, Clone, Copy)]
pub struct Gemini;

impl Wire for Gemini {
    fn address(&self, base: &Url, model: &str, stream: bool) -> Url {
        let model = model.strip_prefix("google/").unwrap_or(model);
        // Tuned models bring the name of their collection along.
        let collection = if model.contains('/') { "" } else { "models/" };
        let method = if stream { "streamGenerateContent" } else { "generateContent" };
        let mut url = below(base, &format!("/{collection}{model}:{method}"));
        if stream && !url.query_pairs().any(|(name, _)| name == "alt") {
            url.query_pairs_mut().append_pair("alt", "sse");
        }
        url
    }

    fn write(&self, ask: &Ask<'_>) -> Result<Vec<u8>, serde_json::Error> {
        request::write(ask)
    }

    fn whole(&self, body: &[u8], reading: &Reading<'_>) -> Result<WireReply, Box<Classified>> {
        let body: Body = serde_json::from_slice(body).map_err(|e| unreadable(body, &e))?;
        let mut draft = Draft::default();
        match add(&mut draft, body) {
            Err(error) => blocked_or(error),
            Ok(()) if draft.answered() => Ok(draft.reply(reading)),
            Ok(()) => Err(malformed(
                "the reply holds no candidates; is this a Gemini endpoint (most end in /v1beta)?".to_owned(),
            )),
        }
    }

    fn streamed(&self, bytes: &[u8], reading: &Reading<'_>) -> Result<WireReply, Box<Classified>> {
        let mut draft = Draft::default();
        let mut feed = |data: &[u8]| {
            if data == b"[DONE]" {
                return Ok(true);
            }
            let body: Body = serde_json::from_slice(data).map_err(|e| unreadable(data, &e))?;
            add(&mut draft, body).map(|()| false)
        };
        // Without `alt=sse` a stream is one array of the same objects.
        let read = if is_array(bytes) { each_element(bytes, feed) } else { each_event(bytes, &mut feed) };
        match read {
            Err(error) => blocked_or(error),
            Ok(()) if !draft.answered() => Err(malformed("the stream ended without a candidate".to_owned())),
            Ok(()) if !draft.finished() => Err(ended()),
            Ok(()) => Ok(draft.reply(reading)),
        }
    }

    fn is_stream(&self, content_type: &[u8], body: &[u8]) -> bool {
        let declared = content_type.to_ascii_lowercase().starts_with(b"text/event-stream");
        let object = body.trim_ascii_start().first() == Some(&b'{');
        is_array(body) || sse::looks_like_stream(body) || (declared && !object)
    }
}

fn is_array(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'[')
}

fn each_element(
    bytes: &[u8],
    mut feed: impl FnMut(&[u8]) -> Result<bool, Box<Classified>>,
) -> Result<(), Box<Classified>> {
    let elements: Vec<&serde_json::value::RawValue> = serde_json::from_slice(bytes)
        .map_err(|error| if error.is_eof() { ended() } else { unreadable(bytes, &error) })?;
    for element in elements {
        feed(element.get().as_bytes())?;
    }
    Ok(())
}

/// Adds a whole reply or a chunk, unless it is an error.
fn add(draft: &mut Draft, mut body: Body) -> Result<(), Box<Classified>> {
    if let Some(error) = body.error.take().filter(is_error) {
        return Err(error_within(&error));
    }
    draft.absorb(body);
    Ok(())
}
