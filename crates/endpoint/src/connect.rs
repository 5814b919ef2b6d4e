//! From a model's name and the settings to an endpoint: provider row, base URL, key, shared host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;
use undersight_core::ModelName;
use undersight_core::text::nearest;

use crate::budget::Budget;
use crate::endpoint::Endpoint;
use crate::http::{HttpClient, Timeouts, is_local, pool};
use crate::limiter::Limiter;
use crate::prices::PriceTable;
use crate::providers::table::{self, KeyNeed, Target};
use crate::retry::RetryPolicy;
use crate::secret::{ApiKey, KeyError};
use crate::sim::{SimClient, SimError};

/// Calls at a time an adaptive limiter may grow to.
const MAX_ADAPTIVE: usize = 256;
/// Simulated calls at a time; they only compute or sleep.
const SIMULATED: usize = 64;

/// How to connect.
#[derive(Debug, Clone)]
pub struct Options {
    /// Base URL given explicitly.
    pub base_url: Option<String>,
    /// A fixed number of calls at a time; adaptive when unset. The first endpoint on a host decides.
    pub max_connections: Option<usize>,
    /// Further attempts after the first.
    pub max_retries: u32,
    /// For a whole call.
    pub timeout: Duration,
    /// To the first byte of a stream.
    pub first_byte_timeout: Duration,
    /// Whether replies are streamed.
    pub stream: bool,
    /// The prices.
    pub prices: Arc<PriceTable>,
    /// The purse and the switch.
    pub budget: Arc<Budget>,
    /// Hosts shared between endpoints.
    pub hosts: Arc<Hosts>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base_url: None,
            max_connections: None,
            max_retries: RetryPolicy::default().max_retries,
            timeout: Duration::from_secs(900),
            first_byte_timeout: Duration::from_secs(300),
            stream: false,
            prices: Arc::new(PriceTable::embedded()),
            budget: Arc::new(Budget::new(None)),
            hosts: Arc::default(),
        }
    }
}

/// Limiters and connection pools by host, so that a model and its judge on one host share both.
#[derive(Debug, Default)]
pub struct Hosts(Mutex<HashMap<String, Host>>);

#[derive(Debug, Clone)]
struct Host {
    http: reqwest::Client,
    limiter: Arc<Limiter>,
}

impl Hosts {
    fn get(&self, base: &Url, max_connections: Option<usize>) -> Result<Host, reqwest::Error> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = base.origin().ascii_serialization();
        if let Some(host) = hosts.get(&origin) {
            return Ok(host.clone());
        }
        let limiter = max_connections.map_or_else(|| Limiter::adaptive(MAX_ADAPTIVE), Limiter::fixed);
        let host = Host { http: pool(base)?, limiter };
        hosts.insert(origin, host.clone());
        Ok(host)
    }
}

/// Why a model cannot be connected to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No such provider.
    #[error("unknown provider {name:?}")]
    UnknownProvider {
        /// As given.
        name: String,
    },
    /// `openai-api/…` without a service or a model.
    #[error("{model} names no service and model")]
    NoService {
        /// As given.
        model: ModelName,
    },
    /// A provider without a base URL of its own.
    #[error("no base URL for {model}")]
    NoBaseUrl {
        /// The model.
        model: ModelName,
        /// The variable that would give it.
        var: String,
    },
    /// Not a URL that can be called.
    #[error("the base URL of {model} {problem}")]
    BadBaseUrl {
        /// The model.
        model: ModelName,
        /// What is wrong with it.
        problem: String,
    },
    /// No key.
    #[error("no key for {model}")]
    NoKey {
        /// The model.
        model: ModelName,
        /// The variable that would give it.
        var: String,
    },
    /// A key that cannot be sent.
    #[error("the key in {var} {error}")]
    BadKey {
        /// The variable it came from.
        var: String,
        /// What is wrong with it.
        error: KeyError,
    },
    /// A simulated model that does not exist.
    #[error(transparent)]
    Sim(#[from] SimError),
    /// TLS or the connection pool cannot be set up.
    #[error("cannot set up connections: {0}")]
    Setup(String),
}

impl ConnectError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownProvider { name } => {
                let names = table::names();
                let meant = nearest(name, names.iter().copied())
                    .map_or_else(String::new, |near| format!("did you mean {near:?}? "));
                format!("{meant}providers: {}", names.join(", "))
            }
            Self::NoService { .. } => "write openai-api/<service>/<model>".to_owned(),
            Self::NoBaseUrl { var, .. } => format!("set {var} or pass --model-base-url"),
            Self::BadBaseUrl { .. } => "a base URL looks like http://localhost:8000/v1".to_owned(),
            Self::NoKey { var, .. } => format!("set {var}"),
            Self::BadKey { var, .. } => format!("set {var} to the key alone, as the provider shows it"),
            Self::Sim(error) => error.hint().to_owned(),
            Self::Setup(_) => "check the certificates of this system and the proxy settings".to_owned(),
        }
    }
}

/// Chooses the cryptography for TLS, once per process.
pub fn install_crypto() {
    // It fails only when one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Makes an endpoint for a model. `env` looks a variable up, wherever variables come from. No call is made yet.
///
/// # Errors
/// When the name, the base URL or the key cannot be used.
pub fn connect(
    model: &ModelName,
    options: &Options,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Endpoint, ConnectError> {
    let policy = RetryPolicy { max_retries: options.max_retries, ..RetryPolicy::default() };
    let (budget, prices) = (Arc::clone(&options.budget), Arc::clone(&options.prices));
    if model.is_simulated() {
        let client = Box::new(SimClient::parse(model.name())?);
        let limiter = Limiter::fixed(options.max_connections.unwrap_or(SIMULATED));
        return Ok(Endpoint::new(model.clone(), client, limiter, policy, budget, prices));
    }
    let target = table::find(model).ok_or_else(|| {
        if table::ROWS.iter().any(|row| row.name == model.provider()) {
            ConnectError::NoService { model: model.clone() }
        } else {
            ConnectError::UnknownProvider { name: model.provider().to_owned() }
        }
    })?;
    let base = base_url(model, &target, options, env)?;
    let key = key(model, &target, &base, env)?;
    install_crypto();
    let setup = |error: reqwest::Error| ConnectError::Setup(error.without_url().to_string());
    let host = options.hosts.get(&base, options.max_connections).map_err(setup)?;
    let timeouts = Timeouts { first_byte: options.first_byte_timeout, total: options.timeout };
    let client = HttpClient::new(
        host.http,
        &chat_url(base),
        key.as_ref(),
        target.row,
        target.model.clone(),
        timeouts,
        options.stream,
    )
    .map_err(setup)?;
    Ok(Endpoint::build(model.clone(), Box::new(client), Some(target), host.limiter, policy, budget, prices))
}

/// Explicit, else from the environment, else the provider's own.
fn base_url(
    model: &ModelName,
    target: &Target,
    options: &Options,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Url, ConnectError> {
    let text = options
        .base_url
        .clone()
        .or_else(|| env(&target.base_url_var))
        .filter(|url| !url.trim().is_empty())
        .or_else(|| target.row.base_url.map(str::to_owned))
        .ok_or_else(|| ConnectError::NoBaseUrl { model: model.clone(), var: target.base_url_var.clone() })?;
    let bad = |problem: &str| ConnectError::BadBaseUrl { model: model.clone(), problem: problem.to_owned() };
    // The text itself may hold a password, so it is not repeated.
    let url = Url::parse(text.trim()).map_err(|e| bad(&format!("is no URL: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("does not begin with http:// or https://"));
    }
    url.has_host().then_some(url).ok_or_else(|| bad("names no host"))
}

/// The chat endpoint below a base URL; a base URL that already is one stays.
fn chat_url(mut base: Url) -> Url {
    const PATH: &str = "/chat/completions";
    base.set_fragment(None);
    let path = base.path().trim_end_matches('/').to_owned();
    if path.ends_with(PATH) {
        base.set_path(&path);
    } else {
        base.set_path(&format!("{path}{PATH}"));
    }
    base
}

fn key(
    model: &ModelName,
    target: &Target,
    base: &Url,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<ApiKey>, ConnectError> {
    let var = target.key_var.clone();
    match env(&var).filter(|key| !key.trim().is_empty()) {
        Some(text) => match ApiKey::parse(&text) {
            Ok(key) => Ok(Some(key)),
            Err(error) => Err(ConnectError::BadKey { var, error }),
        },
        None if target.row.key == KeyNeed::Optional || is_local(base) || base.password().is_some() => {
            Ok(None)
        }
        None => Err(ConnectError::NoKey { model: model.clone(), var }),
    }
}
