//! The providers, one row each: where they are, which key they want and which members they take.

use undersight_core::{GenParams, ModelName};

/// Whether a provider wants a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyNeed {
    /// Always, except on this machine.
    Needed,
    /// Sent when set.
    Optional,
}

/// How the reasoning effort is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffortMember {
    /// `"reasoning_effort": "high"`.
    Flat,
    /// `"reasoning": {"effort": "high"}`.
    Nested,
}

/// The member that limits the reply's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxTokensMember {
    /// `max_tokens`.
    MaxTokens,
    /// `max_completion_tokens`, which OpenAI's reasoning models insist on.
    MaxCompletionTokens,
}

/// One provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// As in `provider/name`.
    pub name: &'static str,
    /// Where it is, when it is always there.
    pub base_url: Option<&'static str>,
    /// Whether it wants a key.
    pub key: KeyNeed,
    /// How it calls the token limit.
    pub max_tokens: MaxTokensMember,
    /// Whether it takes `top_k`.
    pub top_k: bool,
    /// Whether it takes `seed`.
    pub seed: bool,
    /// How it takes the reasoning effort.
    pub effort: EffortMember,
    /// Whether it offers structured output by JSON schema.
    pub json_schema: bool,
    /// Whether a stream must be asked for its usage.
    pub include_usage: bool,
    /// What to do when nothing answers; `{model}` stands for the model's name.
    pub unreachable: &'static str,
    /// Worth knowing.
    pub note: &'static str,
}

const REMOTE: &str = "check the network, the proxy settings and --model-base-url";

/// All providers that speak the OpenAI-style chat API.
pub const ROWS: &[Row] = &[
    Row {
        name: "openai",
        base_url: Some("https://api.openai.com/v1"),
        key: KeyNeed::Needed,
        max_tokens: MaxTokensMember::MaxCompletionTokens,
        top_k: false,
        seed: true,
        effort: EffortMember::Flat,
        json_schema: true,
        include_usage: true,
        unreachable: REMOTE,
        note: "the chat API returns no reasoning: traces are absent",
    },
    Row {
        name: "vllm",
        base_url: Some("http://localhost:8000/v1"),
        key: KeyNeed::Optional,
        max_tokens: MaxTokensMember::MaxTokens,
        top_k: true,
        seed: true,
        effort: EffortMember::Flat,
        json_schema: true,
        include_usage: true,
        unreachable: "is the server running? start it with `vllm serve {model}` or pass --model-base-url",
        note: "without --reasoning-parser the trace arrives inside the content",
    },
    Row {
        name: "ollama",
        base_url: Some("http://localhost:11434/v1"),
        key: KeyNeed::Optional,
        max_tokens: MaxTokensMember::MaxTokens,
        top_k: false,
        seed: true,
        effort: EffortMember::Flat,
        json_schema: true,
        include_usage: true,
        unreachable: "is the server running? start it with `ollama serve` or pass --model-base-url",
        note: "top_k is not among the members its OpenAI-style API documents",
    },
    Row {
        name: "openrouter",
        base_url: Some("https://openrouter.ai/api/v1"),
        key: KeyNeed::Needed,
        max_tokens: MaxTokensMember::MaxTokens,
        top_k: true,
        seed: true,
        effort: EffortMember::Nested,
        json_schema: true,
        include_usage: true,
        unreachable: REMOTE,
        note: "traces are full, summarised or encrypted, depending on the model behind it",
    },
    Row {
        name: "deepseek",
        base_url: Some("https://api.deepseek.com"),
        key: KeyNeed::Needed,
        max_tokens: MaxTokensMember::MaxTokens,
        top_k: false,
        seed: false,
        effort: EffortMember::Flat,
        json_schema: false,
        include_usage: true,
        unreachable: REMOTE,
        note: "temperature is accepted and ignored while the model thinks",
    },
    Row {
        name: "openai-api",
        base_url: None,
        key: KeyNeed::Needed,
        max_tokens: MaxTokensMember::MaxTokens,
        top_k: true,
        seed: true,
        effort: EffortMember::Flat,
        // Not known of any service: schemas are left out, verdicts are parsed tolerantly anyway.
        json_schema: false,
        include_usage: true,
        unreachable: "is the server running? check the base URL of the service",
        note: "openai-api/<service>/<model>; base URL and key from <SERVICE>_BASE_URL and <SERVICE>_API_KEY",
    },
];

impl Row {
    /// The parameters that are set but this provider does not take; they would be left out of the request.
    #[must_use]
    pub fn unsent(&self, params: &GenParams, seed: bool) -> Vec<&'static str> {
        [("top-k", params.top_k.is_some() && !self.top_k), ("seed", seed && !self.seed)]
            .into_iter()
            .filter_map(|(name, lost)| lost.then_some(name))
            .collect()
    }
}

/// A model's row, the name to send, and where its settings are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The row.
    pub row: &'static Row,
    /// The model's name as the provider knows it.
    pub model: String,
    /// Environment variable of the key.
    pub key_var: String,
    /// Environment variable of the base URL.
    pub base_url_var: String,
}

/// Finds the row of a model's provider; `None` when there is no such provider, or a service without a model.
#[must_use]
pub fn find(model: &ModelName) -> Option<Target> {
    let row = ROWS.iter().find(|r| r.name == model.provider())?;
    let (owner, name) = match row.base_url {
        Some(_) => (row.name, model.name()),
        None => {
            model.name().split_once('/').filter(|(service, name)| !service.is_empty() && !name.is_empty())?
        }
    };
    let prefix: String =
        owner.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    Some(Target {
        row,
        model: name.to_owned(),
        key_var: format!("{prefix}_API_KEY"),
        base_url_var: format!("{prefix}_BASE_URL"),
    })
}

/// The names of all providers.
#[must_use]
pub fn names() -> Vec<&'static str> {
    ROWS.iter().map(|r| r.name).chain(["sim"]).collect()
}
