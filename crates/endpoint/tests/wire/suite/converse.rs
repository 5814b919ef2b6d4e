//! Amazon Bedrock's Converse, its streams in binary frames.

use serde_json::{Value, json};
use undersight_core::Usage;
use undersight_endpoint::providers::table::{self, Row};
use undersight_endpoint::providers::wire::Style;

use super::{Cuts, Ending, Format, Said, Stream, Trace, Wrong, wire_suite};
use crate::bedrock::{event, exception};

struct Converse;

wire_suite!(passes, Converse);

/// The blocks of a message, by what is in them: text, reasoning as text, reasoning that is withheld.
fn blocks(said: &Said) -> Vec<(&'static str, &str)> {
    let mut out = match &said.trace {
        Trace::Nothing => vec![],
        Trace::Own(text) | Trace::Summary(text) => vec![("reasoningText", text.as_str())],
        Trace::Encrypted(data) => vec![("redactedContent", data.as_str())],
        Trace::Both { summary, encrypted } => {
            vec![("reasoningText", summary.as_str()), ("redactedContent", encrypted.as_str())]
        }
    };
    out.extend(said.content.as_deref().map(|text| ("text", text)));
    out
}

fn stop(said: &Said) -> &'static str {
    match said.ending {
        Ending::Stop => "end_turn",
        Ending::Length => "max_tokens",
        Ending::Filtered => "guardrail_intervened",
    }
}

fn usage(usage: Usage) -> Value {
    let read = usage.cached.unwrap_or(0);
    let rest = usage.input.unwrap_or(0) - read;
    json!({"inputTokens": rest - 1, "outputTokens": usage.output, "totalTokens": 99,
        "cacheReadInputTokens": read, "cacheWriteInputTokens": 1})
}

const fn words(wrong: Wrong) -> (&'static str, &'static str) {
    match wrong {
        Wrong::RateLimited => {
            ("throttlingException", "Too many requests, please wait before trying again.")
        }
        Wrong::Overloaded => ("serviceUnavailableException", "Bedrock is unable to process your request."),
        Wrong::TooLong => ("validationException", "Input is too long for requested model."),
    }
}

impl Format for Converse {
    const STYLE: Style = Style::Converse;
    const STREAM_TYPE: &'static [u8] = b"application/vnd.amazon.eventstream";
    const NAMES_MODEL: bool = false;

    fn row() -> &'static Row {
        table::row("bedrock").unwrap()
    }

    fn model(said: &Said) -> &'static str {
        match said.trace {
            Trace::Summary(_) | Trace::Both { .. } => "us.anthropic.claude-sonnet-4-20250514-v1:0",
            _ => "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
        }
    }

    fn whole(said: &Said) -> Option<Vec<u8>> {
        if said.refusal.is_some() {
            return None;
        }
        let content = blocks(said).into_iter().map(|(kind, text)| match kind {
            "text" => json!({"text": text}),
            "reasoningText" => json!({"reasoningContent": {"reasoningText": {"text": text, "signature": "c2ln"}}}),
            _ => json!({"reasoningContent": {"redactedContent": text}}),
        });
        let mut body = json!({
            "metrics": {"latencyMs": 7},
            "output": {"message": {"role": "assistant", "content": content.collect::<Vec<_>>()}},
            "stopReason": stop(said),
        });
        if let Some(counted) = said.usage {
            body["usage"] = usage(counted);
        }
        Some(body.to_string().into_bytes())
    }

    fn stream(said: &Said, cuts: &Cuts) -> Option<Stream> {
        if said.refusal.is_some() {
            return None;
        }
        let mut frames = vec![event("messageStart", &json!({"role": "assistant", "p": "abc"}))];
        for (index, (kind, text)) in blocks(said).into_iter().enumerate() {
            let mut delta = |delta: Value| {
                let data = json!({"contentBlockIndex": index, "delta": delta, "p": "abcdef"});
                frames.push(event("contentBlockDelta", &data));
            };
            match kind {
                "text" => cuts.of(text).into_iter().for_each(|piece| delta(json!({"text": piece}))),
                "reasoningText" => {
                    let pieces = cuts.of(text).into_iter();
                    pieces.for_each(|piece| delta(json!({"reasoningContent": {"text": piece}})));
                    delta(json!({"reasoningContent": {"signature": "c2ln"}}));
                }
                _ => delta(json!({"reasoningContent": {"redactedContent": text}})),
            }
            frames.push(event("contentBlockStop", &json!({"contentBlockIndex": index})));
        }
        frames.push(event("messageStop", &json!({"stopReason": stop(said)})));
        let counted = said.usage.map_or_else(|| json!({}), usage);
        frames.push(event("metadata", &json!({"metrics": {"latencyMs": 7}, "usage": counted})));
        Some(Stream::Frames(frames))
    }

    fn error(wrong: Wrong) -> Option<Vec<u8>> {
        let (kind, message) = words(wrong);
        let kind = format!("com.amazon.coral.service#{}{}", kind[..1].to_ascii_uppercase(), &kind[1..]);
        Some(json!({"__type": kind, "message": message}).to_string().into_bytes())
    }

    fn error_in_stream(wrong: Wrong) -> Option<Stream> {
        let (kind, message) = words(wrong);
        Some(Stream::Frames(vec![exception(kind, &json!({"message": message}))]))
    }

    /// Reasoning is not counted apart.
    fn counts(usage: Usage) -> Usage {
        Usage { reasoning: None, ..usage }
    }
}
