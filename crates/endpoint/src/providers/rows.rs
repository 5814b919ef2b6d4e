//! The providers, one row each: where they are, which key they want, what they take and what they return.

mod azure;
mod chat;
mod converse;
mod gemini;
mod hosts;
mod local;
mod messages;
mod responses;

use super::table::{Auth, Documented, KeyNeed, Params, Row, at};
use super::wire::Style;

const REMOTE: &str = "check the network, the proxy settings and --model-base-url";

/// Where OpenAI-style chat APIs take parameters, unless a row says otherwise.
const CHAT_PARAMS: Params = Params {
    temperature: at("temperature"),
    top_p: at("top_p"),
    top_k: None,
    max_tokens: at("max_tokens"),
    seed: at("seed"),
    effort: at("reasoning_effort"),
    budget: None,
    n: at("n"),
};

/// What OpenAI-style chat APIs have in common.
const CHAT: Row = Row {
    name: "",
    title: "",
    style: Style::Chat,
    base_url: None,
    derived: None,
    env: &[],
    auth: Auth::Bearer,
    key: KeyNeed::Needed,
    headers: &[],
    params: CHAT_PARAMS,
    always: &[],
    default_max_tokens: None,
    json_schema: true,
    include_usage: true,
    trace: Documented::ByModel,
    batch: None,
    engine: None,
    unreachable: REMOTE,
    note: "",
    docs: "",
    tested: &[],
};

/// The rows, by wire format; those of the first apart, by who runs the service.
const GROUPS: &[&[Row]] = &[
    chat::ROWS,
    hosts::ROWS,
    local::ROWS,
    responses::ROWS,
    azure::ROWS,
    messages::ROWS,
    gemini::ROWS,
    converse::ROWS,
];

/// All providers.
pub fn all() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().copied().flatten()
}

/// How a request to a simulated model is written down: every parameter as it is.
pub(crate) const SIMULATED: Row = Row {
    name: "sim",
    title: "simulated models",
    key: KeyNeed::Optional,
    params: Params { top_k: at("top_k"), budget: at("thinking_budget"), ..CHAT_PARAMS },
    include_usage: false,
    ..CHAT
};
