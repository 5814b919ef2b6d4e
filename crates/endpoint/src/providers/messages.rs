//! Anthropic's Messages API: bytes of a reply, whole or streamed, to everything known about it.

mod reply;
mod request;

use reqwest::Url;

use self::reply::{Draft, Event, Message};
use super::wire::{
    Ask, Reading, Wire, WireReply, below, blocked_or, each_event, ended, error_within, is_error, malformed,
    unreadable,
};
use crate::classify::Classified;
use crate::sse;

/// The format of Anthropic's Messages API.
#[derive(Debug, Clone, Copy)]
pub struct Messages;

impl Wire for Messages {
    fn address(&self, base: &Url, _model: &str, _stream: bool) -> Url {
        below(base, "/messages")
    }

    fn write(&self, ask: &Ask<'_>) -> Result<Vec<u8>, serde_json::Error> {
        request::write(ask)
    }

    fn whole(&self, body: &[u8], reading: &Reading<'_>) -> Result<WireReply, Box<Classified>> {
        let mut message: Message = serde_json::from_slice(body).map_err(|e| unreadable(body, &e))?;
        if let Some(error) = message.error.take().filter(is_error) {
            return blocked_or(error_within(&error));
        }
        if message.content.is_none() {
            return Err(malformed(
                "the reply holds no content; is this an Anthropic-style Messages endpoint?".to_owned(),
            ));
        }
        let mut draft = Draft::default();
        draft.begin(message);
        Ok(draft.reply(reading))
    }

    fn streamed(&self, bytes: &[u8], reading: &Reading<'_>) -> Result<WireReply, Box<Classified>> {
        let mut draft = Draft::default();
        let mut stopped = false;
        let read = each_event(bytes, |data| {
            if data == b"[DONE]" {
                return Ok(true);
            }
            let event: Event = serde_json::from_slice(data).map_err(|e| unreadable(data, &e))?;
            if let Some(error) = event.error.as_ref().filter(|error| is_error(error)) {
                return Err(error_within(error));
            }
            stopped |= event.is_last();
            draft.absorb(event);
            Ok(stopped)
        });
        match read {
            Err(error) => blocked_or(error),
            Ok(()) if !draft.begun() => Err(malformed("the stream ended without a message".to_owned())),
            Ok(()) if !stopped && !draft.finished() => Err(ended()),
            Ok(()) => Ok(draft.reply(reading)),
        }
    }

    fn finished(&self, bytes: &[u8]) -> bool {
        sse::last_data(bytes)
            .and_then(|data| serde_json::from_slice::<Event>(data).ok())
            .is_some_and(|event| event.is_last() || event.error.is_some())
    }
}
