//! Anthropic's Messages API.

use super::{CHAT, CHAT_PARAMS};
use crate::providers::table::{Auth, BatchApi, Documented, Literal, Params, Row, at, with};
use crate::providers::wire::Style;

pub(super) const ROWS: &[Row] = &[Row {
    name: "anthropic",
    title: "Anthropic, Messages",
    style: Style::Messages,
    base_url: Some("https://api.anthropic.com/v1"),
    auth: Auth::Header("x-api-key"),
    headers: &[("anthropic-version", "2023-06-01")],
    params: Params {
        top_k: at("top_k"),
        seed: None,
        // Adaptive thinking is the way of the models that know effort; the later ones leave the thought out of the
        // reply unless its summary is asked for.
        effort: with(
            "output_config.effort",
            &[
                ("thinking.type", Literal::Text("adaptive")),
                ("thinking.display", Literal::Text("summarized")),
            ],
        ),
        budget: with("thinking.budget_tokens", &[("thinking.type", Literal::Text("enabled"))]),
        n: None,
        ..CHAT_PARAMS
    },
    default_max_tokens: Some(16_384),
    include_usage: false,
    trace: Documented::ByModel,
    batch: Some(BatchApi::Anthropic),
    note: "Claude 4.6 and later think with --reasoning-effort, Claude 5 also without; 4.6 and earlier think with \
           --thinking-budget, at least 1024; from Claude 4 on the trace is a summary",
    docs: "https://docs.anthropic.com/en/api/messages",
    tested: &[
        "recorded shapes of vLLM 0.32, llama.cpp b10605 and LiteLLM 1.106",
        "aimock 1.43",
        "LiteLLM 1.106 (on demand)",
    ],
    ..CHAT
}];
