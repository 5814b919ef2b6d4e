//! Makers of models whose services speak OpenAI-style chat completions.

use super::{CHAT, CHAT_PARAMS};
use crate::providers::table::{BatchApi, Documented, Literal, Params, Row, at, with};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "openai",
        title: "OpenAI, chat completions",
        base_url: Some("https://api.openai.com/v1"),
        // OpenAI's reasoning models insist on this name of the limit.
        params: Params { max_tokens: at("max_completion_tokens"), ..CHAT_PARAMS },
        trace: Documented::Never,
        batch: Some(BatchApi::OpenAi),
        note: "the chat API returns no reasoning: traces are absent; openai-responses returns summaries",
        docs: "https://platform.openai.com/docs/api-reference/chat",
        tested: &["aimock 1.43"],
        ..CHAT
    },
    Row {
        name: "deepseek",
        title: "DeepSeek",
        base_url: Some("https://api.deepseek.com"),
        params: Params { seed: None, n: None, ..CHAT_PARAMS },
        json_schema: false,
        trace: Documented::Own,
        note: "reasoning in `reasoning_content`; temperature is accepted and ignored while the model thinks",
        docs: "https://api-docs.deepseek.com/guides/thinking_mode",
        ..CHAT
    },
    Row {
        name: "dashscope",
        title: "Alibaba Model Studio (DashScope), Qwen",
        base_url: Some("https://dashscope-intl.aliyuncs.com/compatible-mode/v1"),
        params: Params {
            top_k: at("top_k"),
            effort: None,
            // Models that can do both think only when told to.
            budget: with("thinking_budget", &[("enable_thinking", Literal::Bool(true))]),
            ..CHAT_PARAMS
        },
        // Some models take schemas, the others refuse them.
        json_schema: false,
        trace: Documented::Own,
        note: "reasoning in `reasoning_content`; hybrid models think when a thinking budget is given, some of \
               them with --stream only; in China the base URL is https://dashscope.aliyuncs.com/compatible-mode/v1",
        docs: "https://www.alibabacloud.com/help/en/model-studio/qwen-api-via-openai-chat-completions",
        ..CHAT
    },
    Row {
        name: "moonshot",
        title: "Moonshot AI, Kimi",
        base_url: Some("https://api.moonshot.ai/v1"),
        env: &["MOONSHOT", "KIMI"],
        params: Params { max_tokens: at("max_completion_tokens"), seed: None, ..CHAT_PARAMS },
        trace: Documented::Own,
        note: "reasoning in `reasoning_content`; from kimi-k2.5 on temperature, top-p and n are fixed by the \
               provider; effort from kimi-k3 on; in China the base URL is https://api.moonshot.cn/v1",
        docs: "https://platform.moonshot.ai/docs/guide/use-kimi-k2-thinking-model",
        ..CHAT
    },
    Row {
        name: "zhipu",
        title: "Zhipu (Z.ai), GLM",
        base_url: Some("https://api.z.ai/api/paas/v4"),
        env: &["ZAI", "ZHIPUAI", "ZHIPU"],
        params: Params { n: None, ..CHAT_PARAMS },
        json_schema: false,
        // Usage comes unasked, and the member that asks for it is not documented.
        include_usage: false,
        trace: Documented::Own,
        note: "reasoning in `reasoning_content`; effort from GLM-5.2 on; in China the base URL is \
               https://open.bigmodel.cn/api/paas/v4",
        docs: "https://docs.z.ai/guides/overview/concept-param",
        ..CHAT
    },
    Row {
        name: "volcengine",
        title: "Volcengine Ark, Doubao",
        base_url: Some("https://ark.cn-beijing.volces.com/api/v3"),
        env: &["ARK", "VOLCENGINE"],
        params: Params {
            // What it calls `max_tokens` leaves the reasoning out.
            max_tokens: at("max_completion_tokens"),
            seed: None,
            n: None,
            ..CHAT_PARAMS
        },
        json_schema: false,
        trace: Documented::Own,
        note: "reasoning in `reasoning_content`; schemas are documented as a trial and not sent; outside China \
               (BytePlus) the base URL is https://ark.ap-southeast.bytepluses.com/api/v3",
        docs: "https://www.volcengine.com/docs/82379",
        ..CHAT
    },
    Row {
        name: "mistral",
        title: "Mistral",
        base_url: Some("https://api.mistral.ai/v1"),
        params: Params { seed: at("random_seed"), ..CHAT_PARAMS },
        // Usage comes unasked, and the member that asks for it is not documented.
        include_usage: false,
        trace: Documented::Own,
        note: "reasoning as `thinking` parts of the content; models with adjustable reasoning think with \
               effort high only",
        docs: "https://docs.mistral.ai/capabilities/reasoning",
        ..CHAT
    },
    Row {
        name: "xai",
        title: "xAI, Grok",
        base_url: Some("https://api.x.ai/v1"),
        params: Params { max_tokens: at("max_completion_tokens"), ..CHAT_PARAMS },
        note: "only grok-3-mini is documented to return its reasoning here, in `reasoning_content`; other \
               Groks return none, and some refuse an effort",
        docs: "https://docs.x.ai/docs/guides/reasoning",
        ..CHAT
    },
];
