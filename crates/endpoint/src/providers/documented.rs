//! What makers document their models' reasoning to be, where that depends on the model: the only place that knows.
//!
//! Full, as far as they say: Claude 3.7, gpt-oss, grok-3-mini, and everything of DeepSeek, Qwen, Kimi, GLM, Doubao,
//! Mistral and `MiniMax`. Summaries: Claude from 4 on, Gemini, and OpenAI's own models. Grok from 4 on keeps its
//! reasoning or encrypts it. Of an unknown model only a mark of the host can say that it is summarised; in doubt it
//! is not.

use super::table::{Documented, Row};
use crate::trace::Claim;

/// What reasoning that arrived as readable text is. `format` is the host's own mark of where it comes from, where it
/// sends one (OpenRouter does).
pub(super) fn claim(row: &Row, model: &str, format: Option<&str>) -> Claim {
    let summary = match row.trace {
        Documented::Own => false,
        Documented::Summary => true,
        // Where nothing should arrive, somebody else answers.
        Documented::ByModel | Documented::Never => {
            summarises(model).unwrap_or_else(|| format.is_some_and(summary_format))
        }
    };
    if summary { Claim::Summary } else { Claim::Own }
}

/// Families of models whose makers return their own reasoning, as their names begin.
const OWN: &[&str] = &[
    "deepseek",
    "doubao",
    "glm-",
    "gpt-oss",
    "grok-3-mini",
    "kimi-",
    "magistral",
    "minimax",
    "mistral",
    "qwen",
    "qwq",
    "seed-",
];

/// Whether a model returns summaries, by its name in any of its spellings; `None` where nothing is known of it.
fn summarises(model: &str) -> Option<bool> {
    let model = model.to_ascii_lowercase();
    let name = bare(&model);
    let family = |prefix: &&str| name.starts_with(*prefix);
    if OWN.iter().any(family) {
        Some(false)
    } else if name.starts_with("claude-") {
        Some(claude(name).is_none_or(|version| version >= (4, 0)))
    } else if name.starts_with("gemini-") || from_openai(name) {
        Some(true)
    } else {
        None
    }
}

/// A name without who offers it: `google/gemini-2.5-pro`, `models/gemini-2.5-pro`,
/// `us.anthropic.claude-sonnet-4-20250514-v1:0`.
fn bare(model: &str) -> &str {
    let last = model.rsplit('/').next().unwrap_or(model);
    // Amazon puts a region and the maker before the name, joined by dots; versions have dots, too.
    ["anthropic.", "openai.", "deepseek.", "qwen.", "mistral.", "moonshot.", "minimax."]
        .into_iter()
        .find_map(|maker| last.split_once(maker).map(|(_, name)| name))
        .unwrap_or(last)
}

/// The version in a Claude's name: `3-7-sonnet` is 3.7, `sonnet-4-20250514` is 4.0. Longer numbers are dates.
fn claude(name: &str) -> Option<(u32, u32)> {
    let rest = name.strip_prefix("claude-")?;
    let parts = rest.split(|c: char| !c.is_ascii_alphanumeric());
    let mut numbers = parts.filter(|part| part.len() < 3).filter_map(|part| part.parse().ok());
    Some((numbers.next()?, numbers.next().unwrap_or(0)))
}

/// The version of a Claude, by its name in any of its spellings; `None` of anything else.
pub(super) fn claude_version(model: &str) -> Option<(u32, u32)> {
    claude(bare(&model.to_ascii_lowercase()))
}

/// Whether a Claude thinks without being told to. What it thinks is left out of its replies unless a summary is asked
/// for, which changes nothing else.
pub(super) fn thinks_unasked(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    let name = bare(&model);
    let family = |families: &[&str]| families.iter().any(|f| name.starts_with(&format!("claude-{f}-")));
    match claude(name) {
        Some(version) => version >= (5, 0) && family(&["opus", "sonnet", "fable", "mythos"]),
        None => family(&["mythos"]),
    }
}

/// Whether a model is of the Geminis whose thinking has a budget and no level.
pub(super) fn is_gemini_2_5(model: &str) -> bool {
    bare(&model.to_ascii_lowercase()).starts_with("gemini-2.5")
}

/// Whether Google returns a model's thoughts when asked for them. The models that do not think refuse a request that asks
/// (status 400): the first Geminis and Gemma.
pub(super) fn thoughts_on_request(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    !["gemini-1.", "gemini-2.0", "gemma-"].iter().any(|first| bare(&model).starts_with(first))
}

/// OpenAI's own models: `gpt-5`, `o3`, `o4-mini`, `codex-mini-latest`. Its prefix alone says nothing, because proxies
/// put it before the names of anybody's models.
fn from_openai(name: &str) -> bool {
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    numbered("gpt-") || numbered("o") || name.starts_with("codex-") || name.starts_with("chatgpt-")
}

/// OpenRouter's marks of APIs whose readable reasoning is a summary.
fn summary_format(format: &str) -> bool {
    matches!(
        format,
        "anthropic-claude-v1"
            | "google-gemini-v1"
            | "openai-responses-v1"
            | "azure-openai-responses-v1"
            | "xai-responses-v1"
    )
}

/// Whether OpenAI returns reasoning of a model when asked for it: a summary, and the encrypted original. Its other models
/// refuse a request that asks (status 400), so only the families known to reason are asked: the `o` series, and `gpt-5`
/// and later, less `gpt-5-chat`, which does not reason, and the `codex-spark` variants, which refuse it too.
pub(super) fn reasoning_on_request(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    let name = bare(&model);
    let number = |prefix: &str| {
        let rest = name.strip_prefix(prefix)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok()
    };
    let family = number("o").is_some() || number("gpt-").is_some_and(|n| n >= 5);
    family && !name.starts_with("gpt-5-chat") && !name.contains("codex-spark")
}
