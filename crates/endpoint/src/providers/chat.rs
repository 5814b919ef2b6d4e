//! OpenAI-style chat completions: bytes of a reply, whole or streamed, to everything known about it.

mod reply;
mod request;

use reqwest::Url;

use self::reply::{Body, Draft};
use super::wire::{
    Ask, Reading, Wire, WireReply, below, blocked_or, each_event, ended, error_within, is_error, malformed,
    unreadable,
};
use crate::classify::Classified;

/// The format of OpenAI's chat API and of everything that imitates it.
#[derive(Debug, Clone, Copy)]
pub struct Chat;

impl Wire for Chat {
    fn address(&self, base: &Url, _model: &str, _stream: bool) -> Url {
        below(base, "/chat/completions")
    }

    fn write(&self, ask: &Ask<'_>) -> Result<Vec<u8>, serde_json::Error> {
        request::write(ask)
    }

    fn whole(&self, body: &[u8], reading: &Reading<'_>) -> Result<WireReply, Box<Classified>> {
        let body: Body = serde_json::from_slice(body).map_err(|e| unreadable(body, &e))?;
        let mut draft = Draft::default();
        match add(&mut draft, body) {
            Err(error) => blocked_or(error),
            Ok(()) if draft.answered => Ok(draft.reply(reading)),
            Ok(()) => Err(malformed(
                "the reply holds no choices; is this an OpenAI-style chat endpoint?".to_owned(),
            )),
        }
    }

    fn streamed(&self, bytes: &[u8], reading: &Reading<'_>) -> Result<WireReply, Box<Classified>> {
        let mut draft = Draft::default();
        let mut done = false;
        // Indifferent to the order of role, reasoning, content and usage chunks, to empty deltas, and to a missing
        // `[DONE]`.
        let read = each_event(bytes, |data| {
            if data == b"[DONE]" {
                done = true;
                return Ok(true);
            }
            let body: Body = serde_json::from_slice(data).map_err(|e| unreadable(data, &e))?;
            add(&mut draft, body).map(|()| false)
        });
        match read {
            Err(error) => blocked_or(error),
            Ok(()) if !draft.answered => Err(malformed("the stream ended without a choice".to_owned())),
            Ok(()) if !done && !draft.finished() => Err(ended()),
            Ok(()) => Ok(draft.reply(reading)),
        }
    }
}

/// Adds a whole reply or a chunk, unless it is an error.
fn add(draft: &mut Draft, body: Body) -> Result<(), Box<Classified>> {
    let within = body.choices.iter().flatten().find_map(|c| c.error.as_ref());
    if let Some(error) = body.error.as_ref().filter(|e| is_error(e)).or(within.filter(|e| is_error(e))) {
        return Err(error_within(error));
    }
    draft.absorb(body);
    Ok(())
}
