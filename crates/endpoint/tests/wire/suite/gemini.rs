//! Google's Gemini, by events and as one array.

use serde_json::{Value, json};
use undersight_core::Usage;
use undersight_endpoint::providers::table::{self, Row};
use undersight_endpoint::providers::wire::Style;

use super::{Cuts, Ending, Format, Said, Stream, Trace, Wrong, wire_suite};

struct Gemini;

wire_suite!(passes, Gemini);

fn finish(said: &Said) -> &'static str {
    match said.ending {
        Ending::Stop => "STOP",
        Ending::Length => "MAX_TOKENS",
        Ending::Filtered => "SAFETY",
    }
}

fn usage(usage: Usage) -> Value {
    json!({
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output.map(|n| n - usage.reasoning.unwrap_or(0)),
        "thoughtsTokenCount": usage.reasoning,
        "cachedContentTokenCount": usage.cached,
    })
}

/// The parts: whether it is a thought, and its text. Gemini gives out no thought of its own, and tells a sealed one alone
/// by counts that no case of the suite has.
fn parts(said: &Said) -> Option<Vec<(bool, &str)>> {
    let mut out = match &said.trace {
        Trace::Nothing => vec![],
        Trace::Summary(text) | Trace::Both { summary: text, .. } => vec![(true, text.as_str())],
        Trace::Own(_) | Trace::Encrypted(_) => return None,
    };
    if said.refusal.is_some() {
        return None;
    }
    out.extend(said.content.as_deref().map(|text| (false, text)));
    Some(out)
}

fn part(said: &Said, thought: bool, text: &str) -> Value {
    match &said.trace {
        _ if thought => json!({"text": text, "thought": true}),
        Trace::Both { encrypted, .. } => json!({"text": text, "thoughtSignature": encrypted}),
        _ => json!({"text": text}),
    }
}

fn error(wrong: Wrong) -> Value {
    let (code, status, message) = match wrong {
        Wrong::RateLimited => (429, "RESOURCE_EXHAUSTED", "You exceeded your current rate."),
        Wrong::Overloaded => (503, "UNAVAILABLE", "The model is overloaded."),
        Wrong::TooLong => (
            400,
            "INVALID_ARGUMENT",
            "The input token count (9000) exceeds the maximum number of tokens allowed (512).",
        ),
    };
    json!({"error": {"code": code, "message": message, "status": status}})
}

impl Format for Gemini {
    const STYLE: Style = Style::Gemini;
    const END_MARK: bool = false;

    fn row() -> &'static Row {
        table::row("google").unwrap()
    }

    fn whole(said: &Said) -> Option<Vec<u8>> {
        let parts: Vec<Value> =
            parts(said)?.into_iter().map(|(thought, text)| part(said, thought, text)).collect();
        let content = if parts.is_empty() {
            json!({"role": "model"})
        } else {
            json!({"role": "model", "parts": parts})
        };
        let mut body = json!({"candidates": [{"content": content, "finishReason": finish(said), "index": 0}],
            "modelVersion": Self::model(said), "responseId": "x"});
        if let Some(counts) = said.usage {
            body["usageMetadata"] = usage(counts);
        }
        Some(body.to_string().into_bytes())
    }

    fn stream(said: &Said, cuts: &Cuts) -> Option<Stream> {
        let chunk = |candidate: Value| json!({"candidates": [candidate], "modelVersion": Self::model(said)});
        let mut data = Vec::new();
        for (thought, text) in parts(said)? {
            for piece in cuts.of(text) {
                data.push(chunk(json!({"content": {"parts": [part(said, thought, piece)]}, "index": 0})));
            }
        }
        let mut last = chunk(json!({"finishReason": finish(said), "index": 0}));
        if let Some(counts) = said.usage {
            last["usageMetadata"] = usage(counts);
        }
        data.push(last);
        Some(Stream::events(data.into_iter().map(|data| (None::<&str>, data.to_string()))))
    }

    fn error(wrong: Wrong) -> Option<Vec<u8>> {
        Some(error(wrong).to_string().into_bytes())
    }

    fn error_in_stream(wrong: Wrong) -> Option<Stream> {
        Some(Stream::events([(None::<&str>, error(wrong).to_string())]))
    }
}
