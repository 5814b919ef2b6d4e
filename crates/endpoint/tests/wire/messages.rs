//! Anthropic-style messages as the wild sends them, beyond what the suite puts into words: other servers, odd orders,
//! refusals, and what a request holds.

use serde_json::{Value, json};
use undersight_core::{CauseKind, FinishReason, GenParams, Message, Provenance, Role, Usage};
use undersight_endpoint::providers::table;
use undersight_endpoint::providers::wire::{Ask, Reading, Style, WireReply};
use undersight_endpoint::{ChatRequest, ResponseSchema};

fn reading(model: &'static str) -> Reading<'static> {
    Reading { row: table::row("anthropic").unwrap(), model, hint: None, max_tokens: None }
}

fn whole(model: &'static str, body: &Value) -> WireReply {
    Style::Messages.wire().whole(body.to_string().as_bytes(), &reading(model)).unwrap()
}

fn stream(events: &[Value]) -> Vec<u8> {
    events
        .iter()
        .map(|e| format!("event: {}\ndata: {e}\n\n", e["type"].as_str().unwrap()))
        .collect::<String>()
        .into()
}

fn check(name: &str, found: &WireReply, said: (&str, &str), provenance: Provenance, finish: FinishReason) {
    let read = &found.extraction;
    assert_eq!((read.trace().as_str(), read.answer().as_str()), said, "{name}");
    assert_eq!((read.provenance, &found.finish), (provenance, &finish), "{name}");
    assert!(read.covers(), "{name}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn whole_replies_of_many_servers() {
    use Provenance::{Absent, Encrypted, Full, Summary, Truncated};
    let thinking = |text: &str| json!({"type": "thinking", "thinking": text, "signature": "abc"});
    let text = |text: &str| json!({"type": "text", "text": text});
    let body = |model: &str, content: Value, stop: &str| {
        json!({"type": "message", "model": model, "content": content, "stop_reason": stop,
            "usage": {"input_tokens": 23, "output_tokens": 60}})
    };
    let stop = || FinishReason::Stop;
    let cases = [
        (
            "vLLM",
            "qwen3",
            json!([thinking("2 and 3"), text("5")]),
            "end_turn",
            ("2 and 3", "5"),
            Full,
            stop(),
        ),
        (
            "llama.cpp: no signature",
            "m",
            json!([{"type": "thinking", "thinking": "R", "signature": ""}, text("5")]),
            "end_turn",
            ("R", "5"),
            Full,
            stop(),
        ),
        (
            "LiteLLM: null",
            "m",
            json!([{"type": "thinking", "thinking": "R", "signature": null}, text("5")]),
            "end_turn",
            ("R", "5"),
            Full,
            stop(),
        ),
        (
            "Claude 4",
            "claude-opus-4-1",
            json!([thinking("R"), text("5")]),
            "end_turn",
            ("R", "5"),
            Summary,
            stop(),
        ),
        (
            "Claude 3.7",
            "claude-3-7-sonnet-latest",
            json!([thinking("R"), text("5")]),
            "end_turn",
            ("R", "5"),
            Full,
            stop(),
        ),
        (
            "thought left out",
            "claude-opus-4-7",
            json!([thinking(""), text("5")]),
            "end_turn",
            ("", "5"),
            Encrypted,
            stop(),
        ),
        (
            "cited",
            "claude-opus-4-1",
            json!([thinking("R"), text("It is "), text("5"), text(".")]),
            "end_turn",
            ("R", "It is 5."),
            Summary,
            stop(),
        ),
        (
            "redacted",
            "claude-opus-4-1",
            json!([{"type": "redacted_thinking", "data": "xyz"}, text("5")]),
            "end_turn",
            ("", "5"),
            Encrypted,
            stop(),
        ),
        (
            "half redacted",
            "claude-opus-4-1",
            json!([thinking("R"), {"type": "redacted_thinking", "data": "xyz"}, text("5")]),
            "end_turn",
            ("R", "5"),
            Summary,
            stop(),
        ),
        (
            "cut in the thought",
            "m",
            json!([thinking("R and")]),
            "max_tokens",
            ("R and", ""),
            Truncated,
            FinishReason::Length,
        ),
        (
            "context full",
            "m",
            json!([text("5 and")]),
            "model_context_window_exceeded",
            ("", "5 and"),
            Absent,
            FinishReason::Length,
        ),
        (
            "refused",
            "claude-opus-4-1",
            json!([text("I can")]),
            "refusal",
            ("", "I can"),
            Absent,
            FinishReason::ContentFilter,
        ),
        ("aimock's filter", "m", json!([]), "content_filter", ("", ""), Absent, FinishReason::ContentFilter),
        (
            "thought after text",
            "m",
            json!([text("A"), thinking("R"), text("B")]),
            "end_turn",
            ("R", "A\nB"),
            Full,
            stop(),
        ),
        ("tags", "m", json!([text("<think>R</think>5")]), "end_turn", ("R", "5"), Full, stop()),
        (
            "paused",
            "m",
            json!([text("5")]),
            "pause_turn",
            ("", "5"),
            Absent,
            FinishReason::Other("pause_turn".to_owned()),
        ),
        (
            "a tool",
            "m",
            json!([text("5"), {"type": "tool_use", "name": "x", "input": {}}]),
            "end_turn",
            ("", "5"),
            Absent,
            stop(),
        ),
    ];
    for (name, model, content, reason, said, provenance, finish) in cases {
        let found = whole(model, &body(model, content, reason));
        assert_eq!(found.blocked, finish == FinishReason::ContentFilter, "{name}");
        check(name, &found, said, provenance, finish);
    }
}

#[test]
fn tokens_are_summed_where_they_are_told_apart() {
    let told = json!({"content": [{"type": "text", "text": "5"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "cache_read_input_tokens": 22, "cache_creation_input_tokens": 4, "output_tokens": 9}});
    let sum = Usage { input: Some(27), output: Some(9), reasoning: None, cached: Some(22) };
    assert_eq!(whole("m", &told).usage, sum);
    let mut thought = told;
    thought["usage"]["output_tokens_details"] = json!({"thinking_tokens": 6});
    assert_eq!(whole("m", &thought).usage, Usage { reasoning: Some(6), ..sum });
}

#[test]
fn streams_out_of_order_are_put_in_order() {
    // llama.cpp signs and closes the thought after the text has begun; LiteLLM begins with counts of zero.
    let events = [
        json!({"type": "message_start", "message": {"model": "m", "content": [], "usage": {"input_tokens": 0, "output_tokens": 0}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "R"}}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "A"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "S"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "B"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"input_tokens": 7, "output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ];
    let wire = Style::Messages.wire();
    let found = wire.streamed(&stream(&events), &reading("m")).unwrap();
    check("interleaved", &found, ("RS", "AB"), Provenance::Full, FinishReason::Stop);
    assert_eq!((found.usage.input, found.usage.output), (Some(7), Some(9)));

    assert_eq!(wire.streamed(&stream(&events[..11]), &reading("m")).unwrap(), found, "all but the end mark");
    let sealed = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}});
    let left_out = [&events[..2], &[sealed], &events[9..]].concat();
    let found = wire.streamed(&stream(&left_out), &reading("claude-opus-5")).unwrap();
    check("left out", &found, ("", ""), Provenance::Encrypted, FinishReason::Stop);

    for cut in [2, 5, 10] {
        let broken = wire.streamed(&stream(&events[..cut]), &reading("m")).unwrap_err();
        assert_eq!(broken.cause.kind, CauseKind::Disconnected, "after {cut} events");
    }
    let busy = [
        &events[..3],
        &[json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})],
    ];
    assert_eq!(
        wire.streamed(&stream(&busy.concat()), &reading("m")).unwrap_err().cause.kind,
        CauseKind::Server
    );
}

#[test]
fn only_what_is_set_and_taken_is_sent() {
    let bare = ChatRequest {
        messages: vec![
            Message::new(Role::System, "be brief"),
            Message::new(Role::User, "q"),
            Message::new(Role::Assistant, "a"),
            Message::new(Role::User, "r"),
        ],
        ..ChatRequest::default()
    };
    let row = table::row("anthropic").unwrap();
    let write = |request: &ChatRequest, stream: bool| -> Value {
        let body = Style::Messages.wire().write(&Ask { row, model: "m", request, stream }).unwrap();
        serde_json::from_slice(&body).unwrap()
    };
    let turns = json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "r"}]);
    assert_eq!(write(&bare, false), json!({"model": "m", "system": "be brief", "messages": turns}));
    assert_eq!(
        write(&bare, true),
        json!({"model": "m", "system": "be brief", "messages": turns, "stream": true})
    );
    let schema = ResponseSchema { name: "verdict".to_owned(), schema: json!({"type": "object"}) };
    let set = |params| ChatRequest {
        params,
        messages: vec![Message::new(Role::User, "q")],
        ..ChatRequest::default()
    };
    let params = |budget, effort: Option<&str>| GenParams {
        max_tokens: Some(4096),
        top_k: Some(5),
        thinking_budget: budget,
        reasoning_effort: effort.map(str::to_owned),
        ..GenParams::default()
    };
    let mut with_schema = set(params(None, Some("high")));
    with_schema.schema = Some(schema.into());
    for (request, rest) in [
        (set(params(Some(2048), None)), json!({"thinking": {"budget_tokens": 2048, "type": "enabled"}})),
        (
            with_schema,
            json!({"output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
                "thinking": {"type": "adaptive", "display": "summarized"}}),
        ),
    ] {
        let mut expected = json!({"model": "m", "messages": [{"role": "user", "content": "q"}], "top_k": 5, "max_tokens": 4096});
        expected.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        assert_eq!(write(&request, false), expected);
    }
}

#[test]
fn what_is_sent_of_thinking_and_schemas_depends_on_the_claude() {
    let row = table::row("anthropic").unwrap();
    let members = |model: &str, effort: Option<&str>, budget: Option<u32>| -> Value {
        let request = ChatRequest {
            params: GenParams {
                reasoning_effort: effort.map(str::to_owned),
                thinking_budget: budget,
                ..GenParams::default()
            },
            schema: Some(ResponseSchema { name: "v".to_owned(), schema: json!({}) }.into()),
            ..ChatRequest::default()
        };
        let body =
            Style::Messages.wire().write(&Ask { row, model, request: &request, stream: false }).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        json!([body["thinking"], body["output_config"].get("format").is_some()])
    };
    let adaptive = json!({"type": "adaptive", "display": "summarized"});
    let enabled = json!({"type": "enabled", "budget_tokens": 2048});
    let nothing = Value::Null;
    for (model, effort, budget, thinking, schema) in [
        ("claude-3-7-sonnet-20250219", None, Some(2048), &enabled, false),
        ("claude-sonnet-4-20250514", None, None, &nothing, false),
        ("claude-opus-4-1", None, Some(2048), &enabled, false),
        ("claude-opus-4-5-20251101", Some("low"), None, &nothing, true),
        ("claude-opus-4-5-20251101", Some("low"), Some(2048), &enabled, true),
        ("claude-sonnet-4-6", Some("low"), None, &adaptive, true),
        ("claude-opus-4-7", None, None, &nothing, true),
        ("claude-opus-4-7", Some("high"), None, &adaptive, true),
        ("claude-opus-5", None, None, &adaptive, true),
        ("claude-mythos-preview", None, None, &adaptive, true),
        ("qwen3", None, None, &nothing, true),
        ("qwen3", Some("high"), None, &adaptive, true),
    ] {
        assert_eq!(
            members(model, effort, budget),
            json!([thinking, schema]),
            "{model} {effort:?} {budget:?}"
        );
    }
}

#[test]
fn a_limit_is_filled_in_and_leaves_room_beside_the_budget() {
    let model = undersight_core::ModelName::parse("anthropic/claude-x").unwrap();
    let filled = |budget| {
        let params = GenParams { thinking_budget: budget, ..GenParams::default() };
        table::complete(&model, params).max_tokens
    };
    assert_eq!(
        [filled(None), filled(Some(2_000)), filled(Some(20_000))],
        [Some(16_384), Some(16_384), Some(28_192)]
    );
}
