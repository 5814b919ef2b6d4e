//! OpenAI's APIs as Microsoft Azure serves them. A model's name is that of its deployment.

use super::responses::RESPONSES;
use super::{CHAT, CHAT_PARAMS};
use crate::providers::table::{Auth, Derived, Params, Row, at};

/// What both APIs have in common.
const AZURE: Row = Row {
    derived: Some(Derived { vars: &["AZURE_OPENAI_ENDPOINT"], before: "", after: "/openai/v1" }),
    env: &["AZURE_OPENAI", "AZUREAI_OPENAI"],
    auth: Auth::Header("api-key"),
    params: Params { max_tokens: at("max_completion_tokens"), ..CHAT_PARAMS },
    docs: "https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle",
    ..CHAT
};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "azure",
        title: "Azure OpenAI, chat completions",
        note: "OpenAI's models return no reasoning here: azure-responses returns summaries; the base URL may also \
               be that of a deployment, …/openai/deployments/NAME?api-version=…",
        ..AZURE
    },
    Row {
        name: "azure-responses",
        title: "Azure OpenAI, Responses",
        style: RESPONSES.style,
        params: RESPONSES.params,
        always: RESPONSES.always,
        include_usage: RESPONSES.include_usage,
        note: "summaries are asked for by the deployment's name: it should begin as the model's does (gpt-5-…)",
        ..AZURE
    },
];
