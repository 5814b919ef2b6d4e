//! From a model's name and the settings to an endpoint: provider row, base URL, key, shared host.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;
use undersight_core::ModelName;
use undersight_core::text::nearest;

use crate::api::{ApiClient, Codec};
use crate::auth::Credentials;
use crate::batch::{BatchClient, Batching, Way};
use crate::budget::Budget;
use crate::endpoint::{Endpoint, Member};
use crate::gate::Gate;
use crate::governor::Governor;
use crate::limiter::Limiter;
use crate::prices::PriceTable;
use crate::providers::rows;
use crate::providers::table::{self, Target};
use crate::recordings::{Recorder, Replay};
use crate::retry::RetryPolicy;
use crate::secret::{KeyError, Redactor};
use crate::sim::{SimClient, SimError};
use crate::transport::{Http, Timeouts, pool};

/// Calls at a time an adaptive limiter may grow to.
const MAX_ADAPTIVE: usize = 256;
/// Simulated calls at a time; they only compute or sleep.
const SIMULATED: usize = 64;

/// Calls that may wait for a batch at a time: they hold nothing of the host.
const WAITING: usize = 1 << 20;

/// How to connect.
#[derive(Debug, Clone)]
pub struct Options {
    /// Base URLs given explicitly; one text may hold several, separated by commas. Calls are balanced between them.
    pub base_urls: Vec<String>,
    /// A fixed number of calls at a time; adaptive when unset. The first endpoint on a host decides.
    pub max_connections: Option<usize>,
    /// Calls a minute of one model on one host at most.
    pub rpm: Option<u64>,
    /// Tokens a minute, likewise.
    pub tpm: Option<u64>,
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
    /// Keeps every exchange.
    pub record: Option<Arc<Recorder>>,
    /// Recordings that answer in the model's place: no key, no address and no network are needed then.
    pub replay: Option<PathBuf>,
    /// Calls go through the provider's batches.
    pub batch: Option<Batching>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base_urls: Vec::new(),
            max_connections: None,
            rpm: None,
            tpm: None,
            max_retries: RetryPolicy::default().max_retries,
            timeout: Duration::from_secs(900),
            first_byte_timeout: Duration::from_secs(300),
            stream: false,
            prices: Arc::new(PriceTable::embedded()),
            budget: Arc::new(Budget::new(None)),
            hosts: Arc::default(),
            record: None,
            replay: None,
            batch: None,
        }
    }
}

/// Limiters and connection pools by host, and governors by host and model, so that a model and its judge on one host
/// share the former, and the same model in both roles shares all.
#[derive(Debug, Default)]
pub struct Hosts(Mutex<HashMap<String, Host>>);

#[derive(Debug)]
struct Host {
    http: reqwest::Client,
    limiter: Arc<Limiter>,
    governors: HashMap<String, Arc<Governor>>,
}

impl Hosts {
    /// The pool of a host, and the way to it for calls of a model. Whoever comes first decides on the limits.
    fn get(
        &self,
        base: &Url,
        model: &str,
        options: &Options,
    ) -> Result<(reqwest::Client, Gate), reqwest::Error> {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let host = match hosts.entry(base.origin().ascii_serialization()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let adaptive = || Limiter::adaptive(MAX_ADAPTIVE);
                let limiter = options.max_connections.map_or_else(adaptive, Limiter::fixed);
                new.insert(Host { http: pool(base)?, limiter, governors: HashMap::new() })
            }
        };
        let governor = host.governors.entry(model.to_owned());
        let governor = Arc::clone(governor.or_insert_with(|| Governor::new(options.rpm, options.tpm)));
        Ok((host.http.clone(), Gate::new(Arc::clone(&host.limiter), Some(governor))))
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
    /// A request is to be signed, for nobody knows which region.
    #[error("no AWS region for {model}")]
    NoRegion {
        /// The model.
        model: ModelName,
    },
    /// Batches were asked for where there are none.
    #[error("{model} has no batch API")]
    NoBatches {
        /// The model.
        model: ModelName,
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
            Self::NoRegion { .. } => "set AWS_REGION: a signature names it".to_owned(),
            Self::NoBatches { .. } => {
                let with = rows::all().filter(|row| row.batch.is_some()).map(|row| row.name);
                format!(
                    "leave batches out for it; providers with batches: {}",
                    with.collect::<Vec<_>>().join(", ")
                )
            }
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
        return if options.batch.is_some() {
            Err(ConnectError::NoBatches { model: model.clone() })
        } else {
            Ok(Endpoint::new(model.clone(), client, limiter, policy, budget, prices))
        };
    }
    let target = table::find(model).ok_or_else(|| {
        if table::row(model.provider()).is_some() {
            ConnectError::NoService { model: model.clone() }
        } else {
            ConnectError::UnknownProvider { name: model.provider().to_owned() }
        }
    })?;
    if let Some(dir) = &options.replay {
        let codec = Codec {
            target: target.clone(),
            redactor: Redactor::default(),
            stream: options.stream,
            recorder: None,
            model: model.clone(),
        };
        let client = Box::new(ApiClient::new(codec, Box::new(Replay::new(dir, model))));
        let limiter = Limiter::fixed(options.max_connections.unwrap_or(SIMULATED));
        // What failed when it was recorded fails again, at once.
        let policy = RetryPolicy { max_retries: 0, ..policy };
        let member = Member::new(client, Gate::new(limiter, None));
        return Ok(Endpoint::build(model.clone(), vec![member], Some(target), policy, budget, prices));
    }
    let bases = base_urls(model, &target, options, env)?;
    if options.batch.is_some() && bases.len() > 1 {
        let problem = "is a list, and batches need a single address".to_owned();
        return Err(ConnectError::BadBaseUrl { model: model.clone(), problem });
    }
    let members = bases.into_iter().map(|base| member(model, &target, base, options, policy, env));
    let members = members.collect::<Result<_, _>>()?;
    Ok(Endpoint::build(model.clone(), members, Some(target), policy, budget, prices))
}

/// One server of a model: its address, and whether that is the provider's own.
fn member(
    model: &ModelName,
    target: &Target,
    (base, own): (Url, bool),
    options: &Options,
    policy: RetryPolicy,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Member, ConnectError> {
    let credentials = Credentials::find(model, target, &base, own, env)?;
    install_crypto();
    let setup = |error: reqwest::Error| ConnectError::Setup(error.without_url().to_string());
    let (pool, gate) = options.hosts.get(&base, &target.model, options).map_err(setup)?;
    let timeouts = Timeouts { first_byte: options.first_byte_timeout, total: options.timeout };
    let wire = target.row.style.wire();
    let address = wire.address(&base, &target.model, options.stream);
    // The version of an API is no secret, and may be a word (`preview`) that models say.
    let secrets = address.query_pairs().filter(|(name, _)| name != "api-version");
    let secrets = secrets.map(|(_, value)| value.into_owned()).chain(credentials.secrets());
    let redactor =
        Redactor::new(credentials.key(), address.password().map(str::to_owned).into_iter().chain(secrets));
    let way = Way {
        address: address.clone(),
        http: pool.clone(),
        credentials: credentials.headers(),
        patience: options.timeout,
        policy,
        budget: Arc::clone(&options.budget),
    };
    let http = Http::new(pool, &address, target.row.headers, credentials, wire, timeouts, options.stream)
        .map_err(setup)?;
    let codec = Codec {
        target: target.clone(),
        redactor,
        stream: options.stream,
        recorder: options.record.clone(),
        model: model.clone(),
    };
    let client = ApiClient::new(codec.clone(), Box::new(http));
    Ok(match &options.batch {
        None => Member::new(Box::new(client), gate),
        Some(batching) => {
            let batched = BatchClient::new(&codec, client, gate, batching.clone(), way);
            let batched = batched.ok_or_else(|| ConnectError::NoBatches { model: model.clone() })?;
            Member::new(Box::new(batched), Gate::new(Limiter::fixed(WAITING), None))
        }
    })
}

/// The base URLs somebody set: explicitly, else in the environment.
pub(crate) fn given(
    target: &Target,
    explicit: &[String],
    env: &dyn Fn(&str) -> Option<String>,
) -> Option<Vec<String>> {
    let told = |text: &str| {
        let texts = text.split(',').map(str::trim).filter(|url| !url.is_empty());
        Some(texts.map(str::to_owned).collect::<Vec<_>>()).filter(|texts| !texts.is_empty())
    };
    told(&explicit.join(",")).or_else(|| target.base_url_vars.iter().find_map(|var| told(&env(var)?)))
}

/// Explicit, else from the environment, else the provider's own; and whether it is the provider's own. Never empty.
fn base_urls(
    model: &ModelName,
    target: &Target,
    options: &Options,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<(Url, bool)>, ConnectError> {
    let given = given(target, &options.base_urls, env);
    let own = given.is_none();
    let derived = || target.row.derived?.base_url(env);
    let standing = || target.row.base_url.map(str::to_owned).or_else(derived);
    let texts = given.or_else(|| Some(vec![standing()?])).ok_or_else(|| {
        let var = target.row.derived.and_then(|rule| Some((*rule.vars.first()?).to_owned()));
        let var = var.or_else(|| target.base_url_vars.first().cloned()).unwrap_or_default();
        ConnectError::NoBaseUrl { model: model.clone(), var }
    })?;
    let mut urls: Vec<(Url, bool)> = Vec::new();
    for text in texts {
        let url = base_url(model, &text)?;
        if !urls.iter().any(|(known, _)| *known == url) {
            urls.push((url, own));
        }
    }
    Ok(urls)
}

fn base_url(model: &ModelName, text: &str) -> Result<Url, ConnectError> {
    let bad = |problem: &str| ConnectError::BadBaseUrl { model: model.clone(), problem: problem.to_owned() };
    // The text itself may hold a password, so it is not repeated.
    let url = Url::parse(text).map_err(|e| bad(&format!("is no URL: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("does not begin with http:// or https://"));
    }
    url.has_host().then_some(url).ok_or_else(|| bad("names no host"))
}
