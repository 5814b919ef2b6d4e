//! OpenAI's Responses API.

use super::{CHAT, CHAT_PARAMS};
use crate::providers::table::{BatchApi, Documented, Literal, Params, Row, at};
use crate::providers::wire::Style;

/// What servers of this API have in common.
pub(super) const RESPONSES: Row = Row {
    style: Style::Responses,
    params: Params {
        top_k: None,
        max_tokens: at("max_output_tokens"),
        seed: None,
        effort: at("reasoning.effort"),
        n: None,
        ..CHAT_PARAMS
    },
    // Kept for later retrieval unless told otherwise; nothing is retrieved.
    always: &[("store", Literal::Bool(false))],
    include_usage: false,
    trace: Documented::ByModel,
    ..CHAT
};

pub(super) const ROWS: &[Row] = &[Row {
    name: "openai-responses",
    title: "OpenAI, Responses",
    base_url: Some("https://api.openai.com/v1"),
    env: &["OPENAI"],
    batch: Some(BatchApi::OpenAi),
    note: "reasoning models return summaries of their reasoning, to verified organisations only; other models none",
    docs: "https://platform.openai.com/docs/api-reference/responses",
    tested: &[
        "recorded shapes of vLLM 0.32, llama.cpp b10605, transformers 5.23 and LiteLLM 1.106",
        "aimock 1.43",
        "LiteLLM 1.106 (on demand)",
    ],
    ..RESPONSES
}];
