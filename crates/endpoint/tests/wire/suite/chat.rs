//! OpenAI-style chat completions, as OpenRouter sends them.

use serde_json::{Map, Value, json};
use undersight_core::Usage;
use undersight_endpoint::providers::table::{self, Row};
use undersight_endpoint::providers::wire::Style;

use super::{Cuts, Ending, Format, Said, Stream, Trace, Wrong, wire_suite};

struct Chat;

wire_suite!(passes, Chat);

fn finish(said: &Said) -> &'static str {
    match said.ending {
        Ending::Stop => "stop",
        Ending::Length => "length",
        Ending::Filtered => "content_filter",
    }
}

fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    })
}

/// What the members of a message hold, in the order a server sends them.
fn members(said: &Said) -> Vec<(&'static str, &str)> {
    let mut out = match &said.trace {
        Trace::Nothing => vec![],
        Trace::Own(text) => vec![("reasoning", text.as_str())],
        Trace::Summary(text) => vec![("reasoning.summary", text.as_str())],
        Trace::Encrypted(data) => vec![("reasoning.encrypted", data.as_str())],
        Trace::Both { summary, encrypted } => {
            vec![("reasoning.summary", summary.as_str()), ("reasoning.encrypted", encrypted.as_str())]
        }
    };
    out.extend(said.content.as_deref().map(|text| ("content", text)));
    out.extend(said.refusal.as_deref().map(|text| ("refusal", text)));
    out
}

fn put(message: &mut Map<String, Value>, name: &str, text: &str) {
    let detail = match name {
        "reasoning.summary" => json!({"type": name, "summary": text, "index": 0}),
        "reasoning.encrypted" => json!({"type": name, "data": text, "index": 1}),
        _ => {
            message.insert(name.to_owned(), json!(text));
            return;
        }
    };
    let details = message.entry("reasoning_details").or_insert_with(|| json!([]));
    details.as_array_mut().unwrap().push(detail);
}

fn error(wrong: Wrong) -> Value {
    let (code, message) = match wrong {
        Wrong::RateLimited => (429, "slow down"),
        Wrong::Overloaded => (502, "the upstream is busy"),
        Wrong::TooLong => (400, "this model's maximum context length is 512 tokens"),
    };
    json!({"error": {"code": code, "message": message}})
}

impl Format for Chat {
    const STYLE: Style = Style::Chat;

    fn row() -> &'static Row {
        table::row("openrouter").unwrap()
    }

    fn whole(said: &Said) -> Option<Vec<u8>> {
        let mut message = Map::new();
        message.insert("content".to_owned(), Value::Null);
        for (name, text) in members(said) {
            put(&mut message, name, text);
        }
        let mut body = json!({"id": "x", "model": Self::model(said),
            "choices": [{"index": 0, "message": message, "finish_reason": finish(said)}]});
        if let Some(counts) = said.usage {
            body["usage"] = usage(counts);
        }
        Some(body.to_string().into_bytes())
    }

    fn stream(said: &Said, cuts: &Cuts) -> Option<Stream> {
        let chunk = |delta: Map<String, Value>, finish: Option<&str>| {
            json!({"model": Self::model(said), "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
                .to_string()
        };
        let mut data = vec![chunk(Map::new(), None)];
        for (name, text) in members(said) {
            // What only the provider reads arrives in one piece.
            let pieces = if name == "reasoning.encrypted" { vec![text] } else { cuts.of(text) };
            for piece in pieces {
                let mut delta = Map::new();
                put(&mut delta, name, piece);
                data.push(chunk(delta, None));
            }
        }
        data.push(chunk(Map::new(), Some(finish(said))));
        if let Some(counts) = said.usage {
            data.push(json!({"model": Self::model(said), "choices": [], "usage": usage(counts)}).to_string());
        }
        data.push("[DONE]".to_owned());
        Some(Stream::events(data.into_iter().map(|data| (None::<&str>, data))))
    }

    fn error(wrong: Wrong) -> Option<Vec<u8>> {
        Some(error(wrong).to_string().into_bytes())
    }

    fn error_in_stream(wrong: Wrong) -> Option<Stream> {
        Some(Stream::events([(None::<&str>, error(wrong).to_string())]))
    }
}
