//! Servers of open-weight models, and a proxy, mostly on one's own machine, with OpenAI-style chat completions.

use super::{CHAT, CHAT_PARAMS};
use crate::providers::table::{Documented, Engine, KeyNeed, Literal, Params, Row, at, with};

/// What they have in common.
const LOCAL: Row = Row { key: KeyNeed::Optional, trace: Documented::Own, ..CHAT };

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "vllm",
        title: "vLLM",
        base_url: Some("http://localhost:8000/v1"),
        params: Params { top_k: at("top_k"), budget: at("thinking_token_budget"), ..CHAT_PARAMS },
        engine: Some(Engine::Vllm),
        unreachable: "is the server running? start it with `vllm serve {model}` or pass --model-base-url",
        note: "reasoning in `reasoning`; without --reasoning-parser the trace arrives inside the content",
        docs: "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html",
        tested: &["recorded shapes of vLLM 0.32", "aimock 1.43", "LiteLLM 1.106 (on demand)"],
        ..LOCAL
    },
    Row {
        name: "sglang",
        title: "SGLang",
        base_url: Some("http://localhost:30000/v1"),
        params: Params { top_k: at("top_k"), ..CHAT_PARAMS },
        engine: Some(Engine::Sglang),
        unreachable: "is the server running? start it with `python -m sglang.launch_server --model-path {model}` \
                      or pass --model-base-url",
        note: "reasoning in `reasoning_content`; without --reasoning-parser the trace arrives inside the content",
        docs: "https://docs.sglang.io/advanced_features/separate_reasoning.html",
        ..LOCAL
    },
    Row {
        name: "llama-cpp",
        title: "llama.cpp server",
        base_url: Some("http://localhost:8080/v1"),
        params: Params {
            top_k: at("top_k"),
            // Templates that know no effort do not mind.
            effort: at("chat_template_kwargs.reasoning_effort"),
            budget: at("thinking_budget_tokens"),
            ..CHAT_PARAMS
        },
        engine: Some(Engine::LlamaCpp),
        unreachable: "is the server running? start it with `llama-server --model FILE.gguf` or pass \
                      --model-base-url",
        note: "reasoning in `reasoning_content`; any model's name is accepted; n is limited by --parallel, and the \
               usage counts one choice",
        docs: "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
        tested: &["recorded shapes of llama.cpp b10605"],
        ..LOCAL
    },
    Row {
        name: "ollama",
        title: "Ollama",
        base_url: Some("http://localhost:11434/v1"),
        params: Params { n: None, ..CHAT_PARAMS },
        // It passes hosted models on, too.
        trace: Documented::ByModel,
        unreachable: "is the server running? start it with `ollama serve` or pass --model-base-url",
        note: "reasoning in `reasoning`; top_k is not among the members its OpenAI-style API documents",
        docs: "https://docs.ollama.com/api/openai-compatibility",
        ..LOCAL
    },
    Row {
        name: "lmstudio",
        title: "LM Studio",
        base_url: Some("http://localhost:1234/v1"),
        env: &["LMSTUDIO", "LM_STUDIO"],
        params: Params { top_k: at("top_k"), effort: None, n: None, ..CHAT_PARAMS },
        unreachable: "is the server running? start it with `lms server start` or pass --model-base-url",
        note: "reasoning in `reasoning`, in `reasoning_content` or as tags in the content, by model and setting",
        docs: "https://lmstudio.ai/docs/developer/openai-compat/chat-completions",
        ..LOCAL
    },
    Row {
        name: "transformers",
        title: "transformers serve",
        base_url: Some("http://localhost:8000/v1"),
        // It refuses members it does not know, and says nothing of those it leaves aside: n, effort and schemas.
        params: Params { effort: None, n: None, ..CHAT_PARAMS },
        json_schema: false,
        include_usage: false,
        engine: Some(Engine::Transformers),
        unreachable: "is the server running? start it with `transformers serve {model}` or pass --model-base-url",
        note: "reasoning in `reasoning_content`; the model's name is the path it was started with; prompts that are \
               too long are not refused",
        docs: "https://huggingface.co/docs/transformers/main/en/serving",
        tested: &["recorded shapes of transformers 5.23", "transformers 5.23 (on demand)"],
        ..LOCAL
    },
    Row {
        name: "litellm",
        title: "LiteLLM proxy",
        base_url: Some("http://localhost:4000/v1"),
        env: &["LITELLM", "LITELLM_PROXY"],
        params: Params {
            top_k: at("top_k"),
            budget: with("thinking.budget_tokens", &[("thinking.type", Literal::Text("enabled"))]),
            ..CHAT_PARAMS
        },
        trace: Documented::ByModel,
        unreachable: "is the proxy running? start it with `litellm --config FILE` or pass --model-base-url",
        note: "reasoning in `reasoning_content` and `thinking_blocks`; it refuses parameters that the model behind \
               it does not take, unless told to drop them; name a model after its maker, or its summaries pass as \
               full traces",
        docs: "https://docs.litellm.ai/docs/reasoning_content",
        tested: &["recorded shapes of LiteLLM 1.106", "LiteLLM 1.106 (on demand)"],
        ..LOCAL
    },
];
