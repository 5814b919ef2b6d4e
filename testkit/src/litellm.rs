//! LiteLLM's proxy from PyPI, a real relay between clients and providers, as an opt-in counterpart for interop tests:
//! started on loopback before an upstream of ours, killed on drop. `just interop-litellm` installs it.

use std::path::PathBuf;
use std::process::Command;

use crate::counterpart::Counterpart;
use crate::{InCi, repository, skip};

const PROGRAM: &str = "target/interop-litellm/bin/litellm";
const PLACE: &str = "testkit/interop/litellm";

/// A running proxy.
#[derive(Debug)]
pub struct LiteLlm(Counterpart);

impl LiteLlm {
    /// The key the proxy takes.
    pub const KEY: &'static str = "sk-interop";
    /// The proxy's model whose upstream's errors arrive word by word.
    pub const MODEL: &'static str = "by-vllm";
    /// The key the proxy shows its upstream, except for the model that is there to be refused.
    pub const UPSTREAM_KEY: &'static str = "upstream-key";
    /// The model its upstream must have.
    pub const UPSTREAM_MODEL: &'static str = "reasoner";

    /// Starts the proxy before `upstream` (a base URL) and waits until it is healthy; `None`, with the reason
    /// printed, where it is not installed. Set `UNDERSIGHT_TEST_LITELLM` to use a `litellm` of your own.
    ///
    /// # Panics
    /// When it starts but does not come up.
    #[must_use]
    pub fn start(upstream: &str) -> Option<Self> {
        let program = std::env::var_os("UNDERSIGHT_TEST_LITELLM")
            .map_or_else(|| repository().join(PROGRAM), PathBuf::from);
        if !program.is_file() {
            let reason = format!("{} is no file (just interop-litellm installs it)", program.display());
            skip(InCi::MustRun, &reason);
            return None;
        }
        let mut command = Command::new(program);
        command
            .current_dir(repository().join(PLACE))
            .args(["--config", "config.yaml", "--host", "127.0.0.1", "--port", "0", "--telemetry", "False"])
            // Nothing of the caller's reaches it: no key, no database, no proxy, no `.env`.
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME"))
            .env("LITELLM_MODE", "PRODUCTION")
            // Otherwise it downloads a price list.
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .env("UPSTREAM", upstream);
        match Counterpart::start(&mut command, "Uvicorn running on http://", "/health/liveliness") {
            Ok(started) => Some(Self(started)),
            Err(error) => {
                skip(InCi::MustRun, &format!("litellm cannot be started: {error}"));
                None
            }
        }
    }

    /// The base URL a client is given.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }
}
