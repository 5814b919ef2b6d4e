//! The flags on how models are reached, how fast, and what that may cost: the same for every command that calls any.

use clap::Args;

/// How calls are handed in together.
#[derive(Debug, Args)]
pub(crate) struct BatchArgs {
    /// Judge through the provider's batch API, as --batch does for samples
    #[arg(long, help_heading = "Batches (half price, answers within 24 hours)")]
    pub(crate) judge_batch: bool,
    /// Requests in one batch at most; the provider's own limits hold besides [default: 10000]
    #[arg(long, value_name = "N", help_heading = "Batches (half price, answers within 24 hours)")]
    pub(crate) batch_size: Option<String>,
    /// Seconds without a further request after which a batch that is not full is sent, and before the first look at it [default: 20]
    #[arg(long, value_name = "SECONDS", help_heading = "Batches (half price, answers within 24 hours)")]
    pub(crate) batch_wait: Option<String>,
}

/// How models are reached.
#[derive(Debug, Args)]
pub(crate) struct EndpointArgs {
    /// Fix the number of concurrent requests per host [default: adapts to the server, up to 256]
    #[arg(long, value_name = "N", help_heading = "Endpoints")]
    pub(crate) max_connections: Option<String>,
    /// Requests a minute of one model on one host, at most and evenly paced; judging with the same model shares it [default: what the server's rate-limit headers leave]
    #[arg(long, value_name = "N", help_heading = "Endpoints")]
    pub(crate) rpm: Option<String>,
    /// Tokens a minute, prompts and replies together, likewise; a call counts with an estimate until it is answered
    #[arg(long, value_name = "N", help_heading = "Endpoints")]
    pub(crate) tpm: Option<String>,
    /// Retries of one call after transient failures and rate limits [default: 5]
    #[arg(long, value_name = "N", help_heading = "Endpoints")]
    pub(crate) max_retries: Option<String>,
    /// Seconds one call may take in all [default: 900]
    #[arg(long, value_name = "SECONDS", help_heading = "Endpoints")]
    pub(crate) timeout: Option<String>,
    /// Ask for streamed replies
    #[arg(long, help_heading = "Endpoints")]
    pub(crate) stream: bool,
    /// Never start an engine for a local model: only servers that answer are called
    #[arg(long, help_heading = "Local engines")]
    pub(crate) no_engine: bool,
    /// Further arguments of an engine that is started, as in a shell, e.g. "--max-model-len 8192"
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true, help_heading = "Local engines")]
    pub(crate) engine_args: Option<String>,
    /// Seconds an engine may take until it serves, downloads included [default: 900]
    #[arg(long, value_name = "SECONDS", help_heading = "Local engines")]
    pub(crate) engine_timeout: Option<String>,
    /// Keep every exchange with a model in this folder, keys taken out, so that --replay can repeat the run offline
    #[arg(long, value_name = "DIR", help_heading = "Recordings")]
    pub(crate) record: Option<String>,
    /// Let recordings in this folder answer instead of the models: all of them, or only those written replay/PROVIDER/NAME
    #[arg(long, value_name = "DIR", conflicts_with = "record", help_heading = "Recordings")]
    pub(crate) replay: Option<String>,
    /// Never spend more in this command: what a call may cost at most is set aside before it is made, which --max-tokens keeps small; out of money, it stops (exit 3)
    #[arg(long, value_name = "USD", help_heading = "Money")]
    pub(crate) max_cost: Option<String>,
    /// Price table read before the built-in one
    #[arg(long, value_name = "FILE", help_heading = "Money")]
    pub(crate) prices: Option<String>,
}
