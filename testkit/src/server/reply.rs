//! Chat completions as bytes: whole or streamed, in a dialect's shape.

use bytes::Bytes;
use serde::Serialize as _;
use serde_json::Serializer;

use super::Dialect;

/// A constant, so that equal requests get equal replies.
const CREATED: u64 = 1_700_000_000;
/// Characters in one streamed delta.
const DELTA_CHARS: usize = 48;
/// What stands in for a token.
pub(super) const BYTES_PER_TOKEN: usize = 4;

/// What a reply says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) trace: Option<&'a str>,
    /// `None` is a JSON null.
    pub(super) content: Option<&'a str>,
    pub(super) finish: &'a str,
}

/// What the reply is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) dialect: Dialect,
    pub(super) id: u64,
    pub(super) model: &'a str,
    pub(super) prompt_bytes: usize,
}

impl About<'_> {
    /// The body of a reply that is not streamed.
    pub(super) fn whole(&self, said: Said<'_>) -> Bytes {
        let length = said.trace.map_or(0, str::len) + said.content.map_or(0, str::len);
        let mut out = Vec::with_capacity(length + 512);
        self.head(&mut out, "chat.completion");
        put(&mut out, ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":");
        string_or_null(&mut out, said.content);
        if let Some(trace) = said.trace {
            self.trace_key(&mut out);
            string(&mut out, trace);
        }
        put(&mut out, "},\"logprobs\":null,\"finish_reason\":");
        string(&mut out, said.finish);
        put(&mut out, "}],");
        self.usage(&mut out, said);
        put(&mut out, "}");
        out.into()
    }

    /// The events of a streamed reply, `data: [DONE]` included.
    pub(super) fn stream(&self, said: Said<'_>, include_usage: bool) -> Bytes {
        let mut out = Vec::new();
        self.event(&mut out, |out, _| put(out, "{\"role\":\"assistant\",\"content\":\"\"}"), None);
        for piece in pieces(said.trace.unwrap_or("")) {
            let delta = |out: &mut Vec<u8>, about: &Self| {
                put(out, "{");
                let comma = out.len();
                about.trace_key(out);
                out.remove(comma);
                string(out, piece);
                put(out, "}");
            };
            self.event(&mut out, delta, None);
        }
        for piece in pieces(said.content.unwrap_or("")) {
            let delta = |out: &mut Vec<u8>, _: &Self| {
                put(out, "{\"content\":");
                string(out, piece);
                put(out, "}");
            };
            self.event(&mut out, delta, None);
        }
        self.event(&mut out, |out, _| put(out, "{}"), Some(said.finish));
        if include_usage {
            put(&mut out, "data: ");
            self.head(&mut out, "chat.completion.chunk");
            put(&mut out, ",\"choices\":[],");
            self.usage(&mut out, said);
            put(&mut out, "}\n\n");
        }
        put(&mut out, "data: [DONE]\n\n");
        out.into()
    }

    fn event(&self, out: &mut Vec<u8>, delta: impl FnOnce(&mut Vec<u8>, &Self), finish: Option<&str>) {
        put(out, "data: ");
        self.head(out, "chat.completion.chunk");
        put(out, ",\"choices\":[{\"index\":0,\"delta\":");
        delta(out, self);
        put(out, ",\"logprobs\":null,\"finish_reason\":");
        string_or_null(out, finish);
        put(out, "}]}\n\n");
    }

    fn head(&self, out: &mut Vec<u8>, object: &str) {
        put(
            out,
            &format!("{{\"id\":\"chatcmpl-{:016x}\",\"object\":\"{object}\",\"created\":{CREATED}", self.id),
        );
        put(out, ",\"model\":");
        string(out, self.model);
        put(out, ",\"system_fingerprint\":\"fp_fake\"");
    }

    fn trace_key(&self, out: &mut Vec<u8>) {
        put(
            out,
            match self.dialect {
                Dialect::OpenAi => ",\"reasoning_content\":",
                Dialect::Vllm => ",\"reasoning\":",
            },
        );
    }

    fn usage(&self, out: &mut Vec<u8>, said: Said<'_>) {
        let prompt = self.prompt_bytes.div_ceil(BYTES_PER_TOKEN);
        let thought = said.trace.map_or(0, str::len).div_ceil(BYTES_PER_TOKEN);
        let reply = thought + said.content.map_or(0, str::len).div_ceil(BYTES_PER_TOKEN);
        let counted = match self.dialect {
            Dialect::OpenAi => thought,
            Dialect::Vllm => 0,
        };
        let total = prompt + reply;
        put(
            out,
            &format!(
                "\"usage\":{{\"prompt_tokens\":{prompt},\"completion_tokens\":{reply},\"total_tokens\":{total},\
             \"completion_tokens_details\":{{\"reasoning_tokens\":{counted}}}}}"
            ),
        );
    }
}

/// An error body in a dialect's shape.
pub(super) fn error(dialect: Dialect, status: u16, kind: &str, code: &str, message: &str) -> Bytes {
    let code = match dialect {
        Dialect::OpenAi => serde_json::json!(code),
        Dialect::Vllm => serde_json::json!(status),
    };
    let error = serde_json::json!({ "message": message, "type": kind, "param": null, "code": code });
    serde_json::json!({ "error": error }).to_string().into()
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn string(out: &mut Vec<u8>, text: &str) {
    text.serialize(&mut Serializer::new(out)).expect("a string serialises");
}

fn string_or_null(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => string(out, text),
        None => put(out, "null"),
    }
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut left = text;
    std::iter::from_fn(move || {
        let end = left.char_indices().nth(DELTA_CHARS).map_or(left.len(), |(at, _)| at);
        let (piece, rest) = left.split_at(end);
        left = rest;
        (!piece.is_empty()).then_some(piece)
    })
}
