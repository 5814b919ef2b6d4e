//! OpenAI's Responses, as OpenAI and as servers that leave their last event empty send them.

use serde_json::{Value, json};
use undersight_core::Usage;
use undersight_endpoint::providers::table::{self, Row};
use undersight_endpoint::providers::wire::Style;

use super::{Cuts, Ending, Format, Said, Stream, Trace, Wrong, wire_suite};

/// `FINAL`: whether the last event repeats the output.
struct Responses<const FINAL: bool>;

wire_suite!(openai, Responses<true>);
wire_suite!(deltas_alone, Responses<false>);

/// The items of an output, each with the events that bring it.
fn items(said: &Said) -> Vec<Value> {
    let text = |kind: &str, text: &str| json!([{"type": kind, "text": text}]);
    let mut out = match &said.trace {
        Trace::Nothing => vec![],
        Trace::Own(own) => {
            vec![json!({"type": "reasoning", "summary": [], "content": text("reasoning_text", own)})]
        }
        Trace::Summary(summary) => {
            vec![json!({"type": "reasoning", "summary": text("summary_text", summary)})]
        }
        Trace::Encrypted(data) => {
            vec![json!({"type": "reasoning", "summary": [], "encrypted_content": data})]
        }
        Trace::Both { summary, encrypted } => vec![json!({"type": "reasoning",
            "summary": text("summary_text", summary), "encrypted_content": encrypted})],
    };
    let mut parts = Vec::new();
    parts.extend(said.content.as_ref().map(|text| json!({"type": "output_text", "text": text})));
    parts.extend(said.refusal.as_ref().map(|text| json!({"type": "refusal", "refusal": text})));
    if !parts.is_empty() {
        out.push(json!({"type": "message", "role": "assistant", "content": parts}));
    }
    out
}

fn usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
    })
}

fn response(said: &Said, output: Vec<Value>) -> Value {
    let (status, details) = match said.ending {
        Ending::Stop => ("completed", Value::Null),
        Ending::Length => ("incomplete", json!({"reason": "max_output_tokens"})),
        Ending::Filtered => ("incomplete", json!({"reason": "content_filter"})),
    };
    json!({"id": "resp_1", "object": "response", "status": status, "model": "m", "error": null,
        "incomplete_details": details, "output": output, "usage": said.usage.map(usage)})
}

/// The deltas of one item, then the item as it stands.
fn building(index: usize, item: &Value, cuts: &Cuts) -> Vec<Value> {
    let mut out = vec![json!({"type": "response.output_item.added", "output_index": index,
        "item": {"type": item["type"], "status": "in_progress", "summary": [], "content": []}})];
    let mut part = |name: &str, at: (&str, usize), whole: &Value, member: &str| {
        for delta in cuts.of(whole.as_str().unwrap()) {
            out.push(json!({"type": format!("response.{name}.delta"), "output_index": index, at.0: at.1, "delta": delta}));
        }
        out.push(json!({"type": format!("response.{name}.done"), "output_index": index, at.0: at.1, member: whole}));
    };
    let list = |name: &str| item[name].as_array().cloned().unwrap_or_default();
    for (i, text) in list("summary").iter().enumerate() {
        part("reasoning_summary_text", ("summary_index", i), &text["text"], "text");
    }
    for (i, text) in list("content").iter().enumerate() {
        let at = ("content_index", i);
        match text["type"].as_str().unwrap() {
            "reasoning_text" => part("reasoning_text", at, &text["text"], "text"),
            "refusal" => part("refusal", at, &text["refusal"], "refusal"),
            _ => part("output_text", at, &text["text"], "text"),
        }
    }
    out.push(json!({"type": "response.output_item.done", "output_index": index, "item": item}));
    out
}

fn error(wrong: Wrong) -> Value {
    let (code, message) = match wrong {
        Wrong::RateLimited => ("rate_limit_exceeded", "Rate limit reached"),
        Wrong::Overloaded => ("server_error", "The server had an error"),
        Wrong::TooLong => ("context_length_exceeded", "Your input exceeds the context window of this model"),
    };
    json!({"code": code, "message": message})
}

fn failed(wrong: Wrong) -> Value {
    json!({"id": "resp_1", "object": "response", "status": "failed", "model": "m", "output": [], "error": error(wrong)})
}

fn named(events: Vec<Value>) -> Stream {
    Stream::events(
        events.into_iter().map(|data| (data["type"].as_str().map(str::to_owned), data.to_string())),
    )
}

impl<const FINAL: bool> Format for Responses<FINAL> {
    const STYLE: Style = Style::Responses;

    fn row() -> &'static Row {
        table::row("openai-responses").unwrap()
    }

    fn whole(said: &Said) -> Option<Vec<u8>> {
        Some(response(said, items(said)).to_string().into_bytes())
    }

    fn stream(said: &Said, cuts: &Cuts) -> Option<Stream> {
        let begun = json!({"id": "resp_1", "object": "response", "status": "in_progress", "model": "m", "output": []});
        let mut events = vec![json!({"type": "response.created", "response": begun})];
        let items = items(said);
        for (index, item) in items.iter().enumerate() {
            events.extend(building(index, item, cuts));
        }
        let last = response(said, if FINAL { items } else { vec![] });
        let how = if last["status"] == "completed" { "response.completed" } else { "response.incomplete" };
        events.push(json!({"type": how, "response": last}));
        Some(named(events))
    }

    fn error(wrong: Wrong) -> Option<Vec<u8>> {
        let body = if FINAL { failed(wrong) } else { json!({"error": error(wrong)}) };
        Some(body.to_string().into_bytes())
    }

    fn error_in_stream(wrong: Wrong) -> Option<Stream> {
        let event = if FINAL {
            json!({"type": "response.failed", "response": failed(wrong)})
        } else {
            let mut event = error(wrong);
            event["type"] = json!("error");
            event
        };
        Some(named(vec![event]))
    }
}
