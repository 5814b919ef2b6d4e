//! Puts a simulated sample on the wire: the OpenAI-shaped bytes a server would send, pathologies included.

use serde_json::{Value, json};
use undersight_core::{Digest, Message};

use super::settings::Rate;

/// Bytes of text a token stands for, roughly.
const BYTES_PER_TOKEN: usize = 4;

/// What is to be sent.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// The trace, already cut where the reply is.
    pub(super) trace: String,
    /// A provider's summary of it, for the form that has one.
    pub(super) summary: String,
    /// The answer; none where the reply was cut off before it.
    pub(super) answer: Option<String>,
    /// How the trace arrives.
    pub(super) form: Option<Rate>,
    /// The wire's own word for the end.
    pub(super) finish: &'static str,
}

impl Outgoing {
    /// A reply the provider's filter withheld.
    pub(super) fn blocked() -> Self {
        Self { form: Some(Rate::NoTrace), finish: "content_filter", ..Self::default() }
    }
}

/// The body of a reply.
pub(super) fn body(model: &str, messages: &[Message], out: &Outgoing) -> Vec<u8> {
    let Outgoing { trace, summary, answer, form, finish } = out;
    let mut message = json!({ "role": "assistant", "content": answer });
    let mut reasoning_tokens = tokens(trace);
    match form {
        Some(Rate::Summary) => {
            message["reasoning_details"] = json!([{ "type": "reasoning.summary", "summary": summary }]);
        }
        Some(Rate::Hidden) => {
            let sealed = sealed(trace);
            message["reasoning_details"] = json!([{ "type": "reasoning.encrypted", "data": sealed }]);
        }
        Some(Rate::NoTrace) => reasoning_tokens = 0,
        Some(Rate::Tagged | Rate::Tagless) => message["content"] = inline(trace, answer.as_deref(), *form),
        _ => message["reasoning_content"] = json!(trace),
    }
    let prompt: usize = messages.iter().map(|m| tokens(&m.content) + 4).sum();
    let completion = reasoning_tokens + answer.as_deref().map_or(0, tokens);
    let mut reply = json!({
        "object": "chat.completion",
        "model": format!("sim/{model}"),
        "choices": [{ "index": 0, "finish_reason": finish, "message": message }],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "completion_tokens_details": { "reasoning_tokens": reasoning_tokens },
        },
    });
    reply["id"] = json!(format!("sim-{}", Digest::of_bytes(reply.to_string().as_bytes()).short()));
    reply.to_string().into_bytes()
}

/// A trace within the content; cut off before its closing tag when no answer follows.
fn inline(trace: &str, answer: Option<&str>, form: Option<Rate>) -> Value {
    let open = if form == Some(Rate::Tagged) { "<think>\n" } else { "" };
    match answer {
        Some(answer) => json!(format!("{open}{trace}\n</think>\n\n{answer}")),
        None => json!(format!("{open}{trace}")),
    }
}

/// Letters that stand for an encrypted trace and say nothing of it but its length.
fn sealed(trace: &str) -> String {
    (0..=trace.len() / 64).map(|i| Digest::of("sim-sealed/v1", &(i, trace.len())).to_string()).collect()
}

fn tokens(text: &str) -> usize {
    text.len().div_ceil(BYTES_PER_TOKEN)
}

/// A body that breaks off before its end.
pub(super) fn broken(mut body: Vec<u8>) -> Vec<u8> {
    body.truncate(body.len() / 2);
    body
}

/// The body of an error.
pub(super) fn error(message: &str, kind: &str) -> Vec<u8> {
    json!({ "error": { "message": message, "type": kind, "code": kind } }).to_string().into_bytes()
}
