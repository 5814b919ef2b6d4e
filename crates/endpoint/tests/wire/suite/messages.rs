//! Anthropic's Messages.

use serde_json::{Value, json};
use undersight_core::Usage;
use undersight_endpoint::providers::table::{self, Row};
use undersight_endpoint::providers::wire::Style;

use super::{Cuts, Ending, Format, Said, Stream, Trace, Wrong, wire_suite};

struct Messages;

wire_suite!(passes, Messages);

fn stop(said: &Said) -> &'static str {
    match said.ending {
        Ending::Stop => "end_turn",
        Ending::Length => "max_tokens",
        Ending::Filtered => "refusal",
    }
}

/// What was read from the cache is told apart from the rest of the input.
fn usage(usage: Usage) -> Value {
    let cached = usage.cached.unwrap_or(0);
    json!({
        "input_tokens": usage.input.map(|n| n - cached),
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": usage.output,
    })
}

/// The blocks: type, member of the text, text. `None` where the format has no word for it.
fn blocks(said: &Said) -> Option<Vec<(&'static str, &'static str, &str)>> {
    let mut out = match &said.trace {
        Trace::Nothing => vec![],
        Trace::Own(text) | Trace::Summary(text) => vec![("thinking", "thinking", text.as_str())],
        Trace::Encrypted(data) => vec![("redacted_thinking", "data", data.as_str())],
        Trace::Both { summary, encrypted } => vec![
            ("thinking", "thinking", summary.as_str()),
            ("redacted_thinking", "data", encrypted.as_str()),
        ],
    };
    if said.refusal.is_some() {
        return None;
    }
    out.extend(said.content.as_deref().map(|text| ("text", "text", text)));
    Some(out)
}

fn error(wrong: Wrong) -> Value {
    let (kind, message) = match wrong {
        Wrong::RateLimited => ("rate_limit_error", "this request would exceed your rate limit"),
        Wrong::Overloaded => ("overloaded_error", "Overloaded"),
        Wrong::TooLong => ("invalid_request_error", "prompt is too long: 9000 tokens > 512 maximum"),
    };
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

fn named(events: Vec<Value>) -> Stream {
    Stream::events(
        events.into_iter().map(|data| (data["type"].as_str().map(str::to_owned), data.to_string())),
    )
}

impl Format for Messages {
    const STYLE: Style = Style::Messages;

    fn row() -> &'static Row {
        table::row("anthropic").unwrap()
    }

    fn model(said: &Said) -> &'static str {
        match said.trace {
            Trace::Own(_) => "claude-3-7-sonnet-20250219",
            _ => "claude-sonnet-4-20250514",
        }
    }

    fn whole(said: &Said) -> Option<Vec<u8>> {
        let content: Vec<Value> = blocks(said)?
            .into_iter()
            .map(|(kind, member, text)| json!({"type": kind, member: text, "signature": "abc"}))
            .collect();
        let mut body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": Self::model(said),
            "content": content, "stop_reason": stop(said), "stop_sequence": null});
        if let Some(counts) = said.usage {
            body["usage"] = usage(counts);
        }
        Some(body.to_string().into_bytes())
    }

    fn stream(said: &Said, cuts: &Cuts) -> Option<Stream> {
        let counts = said.usage.map(usage);
        let mut begun = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": Self::model(said),
            "content": [], "stop_reason": null});
        if let Some(counts) = &counts {
            begun["usage"] = json!({"input_tokens": counts["input_tokens"], "output_tokens": 1,
                "cache_read_input_tokens": counts["cache_read_input_tokens"]});
        }
        let mut events = vec![json!({"type": "message_start", "message": begun}), json!({"type": "ping"})];
        for (index, (kind, member, text)) in blocks(said)?.into_iter().enumerate() {
            // What only the provider reads arrives in one piece.
            let whole = kind == "redacted_thinking";
            let start = json!({"type": kind, member: if whole { text } else { "" }});
            events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
            for piece in if whole { vec![] } else { cuts.of(text) } {
                let delta = json!({"type": format!("{member}_delta"), member: piece});
                events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
            }
            let signed = json!({"type": "signature_delta", "signature": "abc"});
            events.push(json!({"type": "content_block_delta", "index": index, "delta": signed}));
            events.push(json!({"type": "content_block_stop", "index": index}));
        }
        let mut ended = json!({"type": "message_delta", "delta": {"stop_reason": stop(said)}});
        if let Some(counts) = counts {
            ended["usage"] = json!({"output_tokens": counts["output_tokens"]});
        }
        events.extend([ended, json!({"type": "message_stop"})]);
        Some(named(events))
    }

    fn error(wrong: Wrong) -> Option<Vec<u8>> {
        Some(error(wrong).to_string().into_bytes())
    }

    fn error_in_stream(wrong: Wrong) -> Option<Stream> {
        Some(named(vec![error(wrong)]))
    }

    fn counts(usage: Usage) -> Usage {
        Usage { reasoning: None, ..usage }
    }
}
