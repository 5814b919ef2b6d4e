//! OpenAI's Responses API: bytes of a response, whole or streamed, to everything known about it.

mod output;
mod reply;
mod request;
mod stream;

use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use self::reply::Body;
use self::stream::{Draft, Event};
use super::lenient;
use super::wire::{
    Ask, Reading, Wire, WireReply, below, blocked_or, each_event, ended, error_within, malformed, unreadable,
};
use crate::classify::Classified;
use crate::sse;

/// The format of OpenAI's Responses API.
#[derive(Debug, Clone, Copy)]
pub struct Responses;

impl Wire for Responses {
    fn address(&self, base: &Url, _model: &str, _stream: bool) -> Url {
        below(base, "/responses")
    }

    fn write(&self, ask: &Ask<'_>) -> Result<Vec<u8>, serde_json::Error> {
        request::write(ask)
    }

    fn whole(&self, body: &[u8], reading: &Reading<'_>) -> Result<WireReply, Box<Classified>> {
        let body: Body = serde_json::from_slice(body).map_err(|e| unreadable(body, &e))?;
        if !body.is_response() {
            return match body.error() {
                Some(error) => blocked_or(error_within(error)),
                None => Err(malformed(
                    "the reply holds no output; is this an OpenAI-style Responses endpoint?".to_owned(),
                )),
            };
        }
        body.reply(Vec::new(), reading).or_else(blocked_or)
    }

    fn streamed(&self, bytes: &[u8], reading: &Reading<'_>) -> Result<WireReply, Box<Classified>> {
        let mut draft = Draft::default();
        let read = each_event(bytes, |data| {
            if data == b"[DONE]" {
                draft.done();
                return Ok(true);
            }
            let event: Event = serde_json::from_slice(data).map_err(|e| unreadable(data, &e))?;
            if event.is_error() {
                let error: Value = serde_json::from_slice(data).map_err(|e| unreadable(data, &e))?;
                // The reference puts the error's members beside `type`; some servers put them within `error`.
                return Err(error_within(error.get("error").filter(|e| e.is_object()).unwrap_or(&error)));
            }
            Ok(draft.absorb(event))
        });
        if let Err(error) = read {
            return blocked_or(error);
        }
        let Some((last, streamed)) = draft.end() else { return Err(ended()) };
        last.reply(streamed, reading).or_else(blocked_or)
    }

    fn finished(&self, bytes: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Kind {
            #[serde(rename = "type", default, deserialize_with = "lenient::text")]
            kind: Option<String>,
        }
        let last = sse::last_data(bytes).and_then(|data| serde_json::from_slice::<Kind>(data).ok());
        last.and_then(|event| event.kind).is_some_and(|kind| kind == "error" || stream::is_last(&kind))
            || sse::finished(bytes)
    }
}
