//! The table of providers: what a row says, and how a model's name finds its row. The rows themselves are in
//! [`rows`](super::rows).

use undersight_core::{GenParams, ModelName};

use super::rows;
use super::wire::Style;

/// Whether a provider wants a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyNeed {
    /// Always, except on this machine.
    Needed,
    /// Sent when set.
    Optional,
}

/// How a request proves who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// The key alone in this header. Servers of somebody else that speak the same format get the key as a bearer too.
    Header(&'static str),
    /// A bearer key where one is set, else Amazon's signature (version 4) from the usual variables.
    Aws,
}

/// A member a request always has, or has beside another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// A string.
    Text(&'static str),
}

/// Members with their places, as in [`Member`].
pub type Literals = &'static [(&'static str, Literal)];

/// Where a parameter goes in the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Names from the outside in, joined by dots: `generationConfig.topK`.
    pub path: &'static str,
    /// What has to be sent beside it.
    pub with: Literals,
}

/// A parameter that is one member.
#[must_use]
pub const fn at(path: &'static str) -> Option<Member> {
    Some(Member { path, with: &[] })
}

/// A parameter that takes other members along.
#[must_use]
pub const fn with(path: &'static str, with: Literals) -> Option<Member> {
    Some(Member { path, with })
}

/// Where each parameter goes; `None` where the provider takes none such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params {
    /// `--temperature`.
    pub temperature: Option<Member>,
    /// `--top-p`.
    pub top_p: Option<Member>,
    /// `--top-k`.
    pub top_k: Option<Member>,
    /// `--max-tokens`.
    pub max_tokens: Option<Member>,
    /// The request's seed, derived from `--seed`.
    pub seed: Option<Member>,
    /// `--reasoning-effort`.
    pub effort: Option<Member>,
    /// `--thinking-budget`.
    pub budget: Option<Member>,
    /// How many replies to one request.
    pub n: Option<Member>,
}

/// What a provider documents the trace in its replies to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Documented {
    /// The model's own reasoning.
    Own,
    /// A summary of it.
    Summary,
    /// The one or the other, by model: see [`claim`](super::documented::claim).
    ByModel,
    /// No reasoning is returned.
    Never,
}

/// The batch APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchApi {
    /// Files and batches, as OpenAI has them.
    OpenAi,
    /// Message batches, as Anthropic has them.
    Anthropic,
}

/// Inference engines that serve a model on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// `vllm serve`.
    Vllm,
    /// `python -m sglang.launch_server`.
    Sglang,
    /// `llama-server`.
    LlamaCpp,
    /// `transformers serve`.
    Transformers,
}

/// A base URL around what a variable says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derived {
    /// The variables; the first that is set counts.
    pub vars: &'static [&'static str],
    /// What comes before the value.
    pub before: &'static str,
    /// What comes after it, unless it ends so already.
    pub after: &'static str,
}

impl Derived {
    /// The base URL, where one of the variables is set.
    pub(crate) fn base_url(&self, env: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let value = self.vars.iter().find_map(|var| env(var).filter(|value| !value.trim().is_empty()))?;
        let value = value.trim().trim_end_matches('/');
        let value = value.strip_suffix(self.after).unwrap_or(value);
        Some(format!("{}{value}{}", self.before, self.after))
    }
}

/// One provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// As in `provider/name`.
    pub name: &'static str,
    /// As people call it.
    pub title: &'static str,
    /// The wire format it speaks.
    pub style: Style,
    /// Where it is, when it is always there.
    pub base_url: Option<&'static str>,
    /// Where it is, when that follows from a variable of the provider's own.
    pub derived: Option<Derived>,
    /// What its variables begin with, `<THIS>_API_KEY` and `<THIS>_BASE_URL`, the first found counts; the row's name
    /// where there are none.
    pub env: &'static [&'static str],
    /// How requests are authorised.
    pub auth: Auth,
    /// Whether it wants a key.
    pub key: KeyNeed,
    /// Sent with every request.
    pub headers: &'static [(&'static str, &'static str)],
    /// Where parameters go.
    pub params: Params,
    /// Members of every request.
    pub always: Literals,
    /// The reply limit that is filled in where the user sets none, for APIs that insist on one. Part of the arm then.
    pub default_max_tokens: Option<u32>,
    /// Whether it offers structured output by JSON schema.
    pub json_schema: bool,
    /// Whether a stream must be asked for its usage.
    pub include_usage: bool,
    /// What its traces are.
    pub trace: Documented,
    /// The batch API it offers beside, if it does.
    pub batch: Option<BatchApi>,
    /// The engine that can be started on this machine where no server answers.
    pub engine: Option<Engine>,
    /// What to do when nothing answers; `{model}` stands for the model's name.
    pub unreachable: &'static str,
    /// Worth knowing.
    pub note: &'static str,
    /// Where it is documented.
    pub docs: &'static str,
    /// What the row was tried against, beyond recorded shapes.
    pub tested: &'static [&'static str],
}

impl Row {
    /// The parameters that are set but this provider does not take; they would be left out of the request.
    #[must_use]
    pub fn unsent(&self, params: &GenParams, seed: bool) -> Vec<&'static str> {
        let takes = &self.params;
        [
            ("temperature", params.temperature.is_some(), takes.temperature),
            ("top-p", params.top_p.is_some(), takes.top_p),
            ("top-k", params.top_k.is_some(), takes.top_k),
            ("max-tokens", params.max_tokens.is_some(), takes.max_tokens),
            ("reasoning-effort", params.reasoning_effort.is_some(), takes.effort),
            ("thinking-budget", params.thinking_budget.is_some(), takes.budget),
            ("seed", seed, takes.seed),
        ]
        .into_iter()
        .filter_map(|(name, set, taken)| (set && taken.is_none()).then_some(name))
        .collect()
    }

    /// Fills in what the API insists on and the user left open.
    fn complete(&self, params: &mut GenParams) {
        if let Some(default) = self.default_max_tokens {
            // A thinking budget is part of the limit, and something must be left for the answer.
            let budget = params.thinking_budget.unwrap_or(0);
            params.max_tokens.get_or_insert(default.max(budget.saturating_add(default / 2)));
        }
    }
}

/// A model's row, the name to send, and where its settings are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The row.
    pub row: &'static Row,
    /// The model's name as the provider knows it.
    pub model: String,
    /// Environment variables of the key; the first is the one to recommend.
    pub key_vars: Vec<String>,
    /// Environment variables of the base URL, likewise.
    pub base_url_vars: Vec<String>,
}

impl Target {
    /// The variable to recommend for the key.
    #[must_use]
    pub fn key_var(&self) -> &str {
        self.key_vars.first().map_or("", String::as_str)
    }
}

/// Finds the row of a model's provider; `None` when there is no such provider, or a service without a model.
#[must_use]
pub fn find(model: &ModelName) -> Option<Target> {
    let row = row(model.provider())?;
    let (owner, name) = if row.by_service() {
        model.name().split_once('/').filter(|(service, name)| !service.is_empty() && !name.is_empty())?
    } else {
        (row.name, model.name())
    };
    let prefixes = if row.env.is_empty() {
        let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        vec![owner.chars().map(upper).collect()]
    } else {
        row.env.iter().map(|prefix| (*prefix).to_owned()).collect::<Vec<String>>()
    };
    let vars = |suffix: &str| prefixes.iter().map(|prefix| format!("{prefix}_{suffix}")).collect();
    Some(Target { row, model: name.to_owned(), key_vars: vars("API_KEY"), base_url_vars: vars("BASE_URL") })
}

impl Row {
    /// Whether a model's name begins with a service of the user's own.
    #[must_use]
    pub const fn by_service(&self) -> bool {
        self.base_url.is_none() && self.env.is_empty()
    }
}

/// The parameters with what the model's API insists on filled in: it is part of the arm, or of the judge, then.
#[must_use]
pub fn complete(model: &ModelName, mut params: GenParams) -> GenParams {
    if let Some(row) = row(model.provider()) {
        row.complete(&mut params);
    }
    params
}

/// The parameters that are set but the model's provider does not take.
#[must_use]
pub fn unsent(model: &ModelName, params: &GenParams, seed: bool) -> Vec<&'static str> {
    row(model.provider()).map(|row| row.unsent(params, seed)).unwrap_or_default()
}

/// The row of a provider.
#[must_use]
pub fn row(name: &str) -> Option<&'static Row> {
    rows::all().find(|r| r.name == name)
}

/// The names of all providers.
#[must_use]
pub fn names() -> Vec<&'static str> {
    rows::all().map(|r| r.name).chain(["sim"]).collect()
}
