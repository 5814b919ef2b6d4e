//! Services that host other makers' models behind OpenAI-style chat completions.

use super::{CHAT, CHAT_PARAMS};
use crate::providers::table::{Documented, Literal, Params, Row, at, with};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "openrouter",
        title: "OpenRouter",
        base_url: Some("https://openrouter.ai/api/v1"),
        params: Params {
            top_k: at("top_k"),
            effort: at("reasoning.effort"),
            budget: at("reasoning.max_tokens"),
            n: None,
            ..CHAT_PARAMS
        },
        note: "reasoning in `reasoning` and `reasoning_details`: full, summarised or encrypted, depending on the \
               model behind it; either an effort or a thinking budget, not both; states the cost in each reply",
        docs: "https://openrouter.ai/docs/use-cases/reasoning-tokens",
        ..CHAT
    },
    Row {
        name: "groq",
        title: "Groq",
        base_url: Some("https://api.groq.com/openai/v1"),
        // `reasoning_format` is not sent: models that do not think refuse it, and tags in the content, its default,
        // are read as well. More than one choice is refused.
        params: Params { max_tokens: at("max_completion_tokens"), n: None, ..CHAT_PARAMS },
        // Some models take schemas, the others refuse them.
        json_schema: false,
        trace: Documented::Own,
        note: "reasoning in `reasoning`, or as tags in the content, by model; which efforts are taken depends on \
               the model",
        docs: "https://console.groq.com/docs/reasoning",
        ..CHAT
    },
    Row {
        name: "together",
        title: "Together AI",
        base_url: Some("https://api.together.ai/v1"),
        env: &["TOGETHER", "TOGETHERAI"],
        params: Params { top_k: at("top_k"), ..CHAT_PARAMS },
        // Not documented.
        include_usage: false,
        trace: Documented::Own,
        note: "reasoning in `reasoning`; effort with some models only; hybrid models that do not think by \
               themselves cannot be told to",
        docs: "https://docs.together.ai/docs/inference/chat/reasoning",
        ..CHAT
    },
    Row {
        name: "fireworks",
        title: "Fireworks AI",
        base_url: Some("https://api.fireworks.ai/inference/v1"),
        params: Params {
            top_k: at("top_k"),
            budget: with("thinking.budget_tokens", &[("thinking.type", Literal::Text("enabled"))]),
            ..CHAT_PARAMS
        },
        // Not documented.
        include_usage: false,
        trace: Documented::Own,
        note: "reasoning in `reasoning_content`; either an effort or a thinking budget, not both",
        docs: "https://docs.fireworks.ai/guides/reasoning",
        ..CHAT
    },
    Row {
        name: "openai-api",
        title: "any OpenAI-style service",
        params: Params { top_k: at("top_k"), ..CHAT_PARAMS },
        // Not known of any service: schemas are left out, verdicts are parsed tolerantly anyway.
        json_schema: false,
        unreachable: "is the server running? check the base URL of the service",
        note: "openai-api/<service>/<model>; base URL and key from <SERVICE>_BASE_URL and <SERVICE>_API_KEY",
        docs: "https://platform.openai.com/docs/api-reference/chat",
        tested: &["aimock 1.43"],
        ..CHAT
    },
];
