//! The arguments of `undersight probe`.

use std::path::PathBuf;

use clap::Args;

use super::endpoints::EndpointArgs;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  undersight probe vllm/Qwen/Qwen3-8B --model-base-url http://localhost:8000/v1\n  \
    undersight probe openrouter/deepseek/deepseek-r1 anthropic/claude-sonnet-4-5 --thinking-budget 2048 --json\n\n\
    The questions are harmless, the calls at most twelve short ones for each model. Exit code 1 when a model cannot be used."
)]
pub(crate) struct ProbeArgs {
    /// Model to ask, provider/name; several are asked in turn
    #[arg(value_name = "MODEL")]
    pub(crate) model: Vec<String>,
    /// Base URL of the models' API [default: <PROVIDER>_BASE_URL, else the provider's own]
    #[arg(long, value_name = "URL", help_heading = "Endpoints")]
    pub(crate) model_base_url: Vec<String>,
    /// Only what eval asks first: does the model answer, and does its trace arrive?
    #[arg(long)]
    pub(crate) cheap: bool,
    /// Results as one JSON document on stdout
    #[arg(long)]
    pub(crate) json: bool,
    /// Tokens a reply may hold, reasoning included [default: 2048, and 1024 more than a thinking budget]
    #[arg(long, value_name = "N", help_heading = "Generation (unset: the provider's own)")]
    pub(crate) max_tokens: Option<String>,
    /// low, medium, high, or what the provider calls it
    #[arg(long, value_name = "EFFORT", help_heading = "Generation (unset: the provider's own)")]
    pub(crate) reasoning_effort: Option<String>,
    /// Tokens the reasoning may take, where the provider lets one say so
    #[arg(long, value_name = "N", help_heading = "Generation (unset: the provider's own)")]
    pub(crate) thinking_budget: Option<String>,
    /// The chat template opens the thought itself: a reply cut off without any tag is all trace
    #[arg(long, help_heading = "Generation (unset: the provider's own)")]
    pub(crate) template_opens_thought: bool,
    /// Go on without a parameter the provider does not take
    #[arg(long, help_heading = "Generation (unset: the provider's own)")]
    pub(crate) allow_unsupported: bool,
    #[command(flatten)]
    pub(crate) endpoint: EndpointArgs,
    /// Settings file [default: undersight.toml, if there]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}
