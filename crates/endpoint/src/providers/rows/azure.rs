//! OpenAI's APIs as Microsoft Azure serves them. A model's name is that of its deployment.

use super::{CHAT, CHAT_PARAMS};
use crate::providers::table::{Auth, Derived, Literal, Params, Row, at};
use crate::providers::wire::Style;

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
        style: Style::Responses,
        params: Params {
            max_tokens: at("max_output_tokens"),
            seed: None,
            effort: at("reasoning.effort"),
            n: None,
            ..CHAT_PARAMS
        },
        // Kept for later retrieval unless told otherwise; nothing is retrieved.
        always: &[("store", Literal::Bool(false))],
        include_usage: false,
        note: "summaries are asked for by the deployment's name: it should begin as the model's does (gpt-5-…)",
        ..AZURE
    },
];
