//! Google's Gemini API.

use super::CHAT;
use crate::providers::table::{Auth, Documented, Literal, Params, Row, at};
use crate::providers::wire::Style;

pub(super) const ROWS: &[Row] = &[Row {
    name: "google",
    title: "Google, Gemini",
    style: Style::Gemini,
    base_url: Some("https://generativelanguage.googleapis.com/v1beta"),
    env: &["GOOGLE", "GEMINI"],
    auth: Auth::Header("x-goog-api-key"),
    params: Params {
        temperature: at("generationConfig.temperature"),
        top_p: at("generationConfig.topP"),
        top_k: at("generationConfig.topK"),
        max_tokens: at("generationConfig.maxOutputTokens"),
        seed: at("generationConfig.seed"),
        effort: at("generationConfig.thinkingConfig.thinkingLevel"),
        budget: at("generationConfig.thinkingConfig.thinkingBudget"),
        n: at("generationConfig.candidateCount"),
    },
    always: &[("generationConfig.thinkingConfig.includeThoughts", Literal::Bool(true))],
    include_usage: false,
    trace: Documented::Summary,
    // Its batch API returns results without the names they were handed in with, and not always in order.
    batch: None,
    note: "returns thought summaries; --reasoning-effort is the thinking level of Gemini 3 and later, and for 2.5 the \
           thinking budget that Google's OpenAI-style API makes of it; either an effort or a thinking budget, not \
           both; Gemma and Geminis before 2.5, which refuse to be asked for thoughts, are not asked",
    docs: "https://ai.google.dev/api/generate-content",
    tested: &["aimock 1.43", "LiteLLM 1.106 (on demand)"],
    ..CHAT
}];
