//! What reasoning is, by what its maker documents: names in the spellings they arrive in, and the marks of hosts.

use serde_json::{Value, json};
use undersight_core::Provenance;
use undersight_endpoint::providers::table;
use undersight_endpoint::providers::wire::{Reading, Style};

/// The provenance of a reply with readable reasoning, which may name its model and where its format comes from.
fn provenance(provider: &str, asked: &str, returned: Option<&str>, format: Option<&str>) -> Provenance {
    let mut message = json!({"reasoning": "R", "content": "5"});
    if let Some(format) = format {
        message["reasoning_details"] = json!([{"type": "reasoning.text", "text": "R", "format": format}]);
    }
    let mut body: Value = json!({"choices": [{"message": message, "finish_reason": "stop"}]});
    if let Some(returned) = returned {
        body["model"] = Value::from(returned);
    }
    let row = table::row(provider).unwrap();
    let reading = Reading { row, model: asked, hint: None, max_tokens: None };
    let reply = Style::Chat.wire().whole(body.to_string().as_bytes(), &reading).map_err(|c| c.cause).unwrap();
    reply.extraction.provenance
}

/// Names of models and whether their reasoning is a summary.
const NAMES: &[(&str, bool)] = &[
    ("claude-3-7-sonnet-20250219", false),
    ("anthropic/claude-3.7-sonnet:thinking", false),
    ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", false),
    ("claude-sonnet-4-20250514", true),
    ("claude-sonnet-4-5", true),
    ("Claude-Opus-4.1", true),
    ("anthropic/claude-opus-4.1", true),
    ("~anthropic/claude-sonnet-latest", true),
    ("anthropic.claude-haiku-4-5-20251001-v1:0", true),
    ("us.anthropic.claude-sonnet-4-20250514-v1:0", true),
    ("bedrock/global.anthropic.claude-opus-5", true),
    ("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5", true),
    ("publishers/anthropic/models/claude-sonnet-4@20250514", true),
    ("my-claude-like-model", false),
    ("gemini-2.5-pro", true),
    ("models/gemini-2.5-pro", true),
    ("google/gemini-3-flash", true),
    ("google/gemma-3-27b-it", false),
    ("openai/gpt-5", true),
    ("gpt-5-2025-08-07", true),
    ("openai/o3", true),
    ("o4-mini", true),
    ("codex-mini-latest", true),
    ("openai/gpt-oss-120b", false),
    ("gpt-oss:20b", false),
    ("openai.gpt-oss-120b-1:0", false),
    ("openai/my-own-model", false),
    ("olmo-3-32b-think", false),
    ("grok-3-mini", false),
    ("x-ai/grok-4", false),
    ("deepseek/deepseek-r1", false),
    ("deepseek-ai/DeepSeek-V3.2", false),
    ("Qwen/Qwen3-8B", false),
    ("qwen3-max", false),
    ("moonshotai/kimi-k2-thinking", false),
    ("z-ai/glm-4.6", false),
    ("doubao-seed-1-8-251228", false),
    ("magistral-medium-latest", false),
    ("something-nobody-heard-of", false),
];

#[test]
fn what_makers_document_is_known_by_name() {
    for (name, summary) in NAMES {
        let expected = if *summary { Provenance::Summary } else { Provenance::Full };
        for provider in ["openrouter", "litellm", "openai-api", "ollama", "openai"] {
            assert_eq!(provenance(provider, name, None, None), expected, "{provider}: {name}, as asked");
            assert_eq!(
                provenance(provider, "alias", Some(name), None),
                expected,
                "{provider}: {name}, as returned"
            );
        }
    }
}

#[test]
fn a_provider_that_returns_its_models_own_reasoning_is_believed_whatever_they_are_called() {
    for provider in ["vllm", "sglang", "llama-cpp", "transformers", "lmstudio", "groq", "mistral"] {
        assert_eq!(
            provenance(provider, "gpt-4", Some("claude-sonnet-4"), None),
            Provenance::Full,
            "{provider}"
        );
    }
}

#[test]
fn a_hosts_mark_counts_where_the_model_is_unknown() {
    for (model, format, expected) in [
        ("x-ai/grok-4", "xai-responses-v1", Provenance::Summary),
        ("somebody/model", "openai-responses-v1", Provenance::Summary),
        ("somebody/model", "azure-openai-responses-v1", Provenance::Summary),
        ("somebody/model", "google-gemini-v1", Provenance::Summary),
        ("somebody/model", "anthropic-claude-v1", Provenance::Summary),
        ("somebody/model", "unknown", Provenance::Full),
        ("anthropic/claude-3.7-sonnet", "anthropic-claude-v1", Provenance::Full),
        ("minimax/minimax-m2", "anthropic-claude-v1", Provenance::Full),
        ("openai/gpt-oss-20b", "openai-responses-v1", Provenance::Full),
        ("anthropic/claude-sonnet-4.5", "unknown", Provenance::Summary),
    ] {
        assert_eq!(
            provenance("openrouter", model, Some(model), Some(format)),
            expected,
            "{model} as {format}"
        );
    }
}
