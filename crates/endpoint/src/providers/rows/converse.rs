//! Amazon Bedrock's Converse API.

use super::CHAT;
use crate::providers::table::{Auth, Derived, Documented, Literal, Params, Row, at, with};
use crate::providers::wire::Style;

pub(super) const ROWS: &[Row] = &[Row {
    name: "bedrock",
    title: "Amazon Bedrock, Converse",
    style: Style::Converse,
    derived: Some(Derived {
        vars: &["AWS_REGION", "AWS_DEFAULT_REGION"],
        before: "https://bedrock-runtime.",
        after: ".amazonaws.com",
    }),
    env: &["AWS_BEDROCK", "BEDROCK"],
    auth: Auth::Aws,
    // Streams are of a type of their own.
    headers: &[("accept", "*/*")],
    params: Params {
        temperature: at("inferenceConfig.temperature"),
        top_p: at("inferenceConfig.topP"),
        top_k: at("additionalModelRequestFields.top_k"),
        max_tokens: at("inferenceConfig.maxTokens"),
        seed: None,
        effort: at("additionalModelRequestFields.reasoning_effort"),
        budget: with(
            "additionalModelRequestFields.thinking.budget_tokens",
            &[("additionalModelRequestFields.thinking.type", Literal::Text("enabled"))],
        ),
        n: None,
    },
    json_schema: false,
    include_usage: false,
    trace: Documented::ByModel,
    note: "AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN, if \
           any) to sign with; Claude thinks only with --thinking-budget; --reasoning-effort is for gpt-oss and \
           Kimi, --top-k for Claude; replies do not name their model, so that what its reasoning is follows from \
           the name asked for",
    docs: "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html",
    ..CHAT
}];
