//! The OpenAI-style chat codec's writing half: a request to bytes. Only what is set is sent, because some servers
//! refuse members they do not know.

use serde::Serialize;
use undersight_core::Message;

use super::table::{EffortMember, MaxTokensMember, Row};
use crate::client::ChatRequest;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: &'a [Message],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct Reasoning<'a> {
    effort: &'a str,
}

#[derive(Serialize)]
struct ResponseFormat<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    json_schema: Schema<'a>,
}

#[derive(Serialize)]
struct Schema<'a> {
    name: &'a str,
    strict: bool,
    schema: &'a serde_json::Value,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// The body of a request to `model` (the provider's name for it).
///
/// # Errors
/// When the request cannot be written as JSON.
pub fn write(
    row: &Row,
    model: &str,
    request: &ChatRequest,
    stream: bool,
) -> Result<Vec<u8>, serde_json::Error> {
    let params = &request.params;
    let effort = params.reasoning_effort.as_deref();
    let limit = |member| params.max_tokens.filter(|_| row.max_tokens == member);
    serde_json::to_vec(&Body {
        model,
        messages: &request.messages,
        temperature: params.temperature,
        top_p: params.top_p,
        top_k: params.top_k.filter(|_| row.top_k),
        max_tokens: limit(MaxTokensMember::MaxTokens),
        max_completion_tokens: limit(MaxTokensMember::MaxCompletionTokens),
        seed: request.seed.filter(|_| row.seed),
        reasoning_effort: effort.filter(|_| row.effort == EffortMember::Flat),
        reasoning: effort.filter(|_| row.effort == EffortMember::Nested).map(|effort| Reasoning { effort }),
        response_format: request.schema.as_ref().filter(|_| row.json_schema).map(|s| ResponseFormat {
            kind: "json_schema",
            json_schema: Schema { name: &s.name, strict: true, schema: &s.schema },
        }),
        stream,
        stream_options: (stream && row.include_usage).then_some(StreamOptions { include_usage: true }),
    })
}
