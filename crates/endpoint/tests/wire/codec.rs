//! Replies as real servers send them, whole and streamed.

use proptest::prelude::*;
use serde_json::{Value, json};
use undersight_core::arm::TraceHint;
use undersight_core::{Cause, CauseKind, FinishReason, GenParams, Message, NanoUsd, Provenance, Role, Usage};
use undersight_endpoint::providers::table;
use undersight_endpoint::providers::wire::{Ask, Reading, Style, WireReply};
use undersight_endpoint::{ChatRequest, ResponseSchema};

fn reading(hint: Option<TraceHint>) -> Reading<'static> {
    Reading { row: table::row("openrouter").unwrap(), model: "m", hint, max_tokens: None }
}

fn read_reply(body: &[u8], hint: Option<TraceHint>) -> Result<WireReply, Cause> {
    Style::Chat.wire().whole(body, &reading(hint)).map_err(|c| c.cause)
}

fn read_stream(bytes: &[u8], hint: Option<TraceHint>) -> Result<WireReply, Cause> {
    Style::Chat.wire().streamed(bytes, &reading(hint)).map_err(|c| c.cause)
}

struct Expect {
    trace: &'static str,
    answer: &'static str,
    provenance: Provenance,
    finish: FinishReason,
}

fn expect(trace: &'static str, answer: &'static str, provenance: Provenance) -> Expect {
    Expect { trace, answer, provenance, finish: FinishReason::Stop }
}

fn check(name: &str, found: &WireReply, expected: &Expect) {
    assert_eq!(found.extraction.trace(), expected.trace, "{name}: trace");
    assert_eq!(found.extraction.answer(), expected.answer, "{name}: answer");
    assert_eq!(found.extraction.provenance, expected.provenance, "{name}: provenance");
    assert_eq!(found.finish, expected.finish, "{name}: finish");
    assert!(found.extraction.covers(), "{name}: spans cover the parts");
}

/// A body around a message.
fn whole(message: &Value, finish: &str) -> Vec<u8> {
    json!({"id": "x", "object": "chat.completion", "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}]})
    .to_string()
    .into_bytes()
}

/// The same message as a stream of one delta a member.
fn stream(message: &Value, finish: &str) -> Vec<u8> {
    let mut out = String::from(": ping\r\n\r\n");
    let mut push = |delta: Value, finish: Option<&str>| {
        let chunk = json!({"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
        out.push_str(&format!("data: {chunk}\r\n\r\n"));
    };
    push(json!({"role": "assistant", "content": ""}), None);
    for (name, value) in message.as_object().unwrap() {
        push(json!({name: value, "tool_calls": null}), None);
    }
    push(json!({"content": null}), Some(finish));
    out.push_str("data: [DONE]\r\n\r\n");
    out.into_bytes()
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn messages() -> Vec<(&'static str, Value, &'static str, Expect)> {
    use Provenance::{Absent, Encrypted, Full, Summary, Truncated};
    let length = |e: Expect| Expect { finish: FinishReason::Length, ..e };
    vec![
        ("plain", json!({"content": "5"}), "stop", expect("", "5", Absent)),
        ("reasoning", json!({"reasoning": "R", "content": "5"}), "stop", expect("R", "5", Full)),
        (
            "reasoning_content",
            json!({"reasoning_content": "R", "content": "5"}),
            "stop",
            expect("R", "5", Full),
        ),
        (
            "cut, content null",
            json!({"content": null, "reasoning": "R"}),
            "length",
            length(expect("R", "", Truncated)),
        ),
        (
            "cut, content empty",
            json!({"content": "", "reasoning_content": "R"}),
            "length",
            length(expect("R", "", Truncated)),
        ),
        (
            "cut, content missing",
            json!({"reasoning_content": "R"}),
            "length",
            length(expect("R", "", Truncated)),
        ),
        ("tags in content", json!({"content": "<think>R</think>5"}), "stop", expect("R", "5", Full)),
        (
            "only a closing tag",
            json!({"content": "R</think>5", "reasoning": null}),
            "stop",
            expect("R", "5", Full),
        ),
        (
            "both members, same text",
            json!({"reasoning": "R r", "reasoning_content": "R r", "content": "5"}),
            "stop",
            expect("R r", "5", Full),
        ),
        (
            "details repeat the text",
            json!({"reasoning": "R\nr", "content": "5", "reasoning_details": [
                {"type": "reasoning.text", "text": "R", "index": 0}, {"type": "reasoning.text", "text": "r", "index": 1}]}),
            "stop",
            expect("R\nr", "5", Full),
        ),
        (
            "summary",
            json!({"reasoning": "S", "content": "5", "reasoning_details": [
                {"type": "reasoning.summary", "summary": "S", "index": 0},
                {"type": "reasoning.encrypted", "data": "abc", "index": 1}]}),
            "stop",
            expect("S", "5", Summary),
        ),
        (
            "details alone",
            json!({"reasoning": null, "content": "5", "reasoning_details": [{"type": "reasoning.text", "text": "R", "signature": null}]}),
            "stop",
            expect("R", "5", Full),
        ),
        (
            "summarised by Google",
            json!({"reasoning": "S", "content": "5", "reasoning_details": [
                {"type": "reasoning.text", "text": "S", "format": "google-gemini-v1"}]}),
            "stop",
            expect("S", "5", Summary),
        ),
        (
            "encrypted",
            json!({"content": "5", "reasoning_details": [{"type": "reasoning.encrypted", "data": "gAAAA"}]}),
            "stop",
            expect("", "5", Encrypted),
        ),
        (
            "thinking blocks beside reasoning_content",
            json!({"reasoning_content": "R", "content": "5", "thinking_blocks": [{"type": "thinking", "thinking": "R", "signature": "s"}]}),
            "stop",
            expect("R", "5", Full),
        ),
        (
            "content parts",
            json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "R"}]},
                {"type": "text", "text": "5"}, {"type": "text", "text": "6"}]}),
            "stop",
            expect("R", "56", Full),
        ),
        ("refusal", json!({"content": null, "refusal": "no"}), "stop", expect("", "no", Absent)),
        ("nothing", json!({"content": null}), "stop", expect("", "", Absent)),
        (
            "odd members",
            json!({"content": "5", "reasoning": {"x": [1]}, "refusal": 3}),
            "stop",
            expect("", "5", Absent),
        ),
    ]
}

#[test]
fn messages_read_alike_whole_and_streamed() {
    for (name, message, finish, expected) in messages() {
        let at_once = read_reply(&whole(&message, finish), None).unwrap();
        check(name, &at_once, &expected);
        let streamed = read_stream(&stream(&message, finish), None).unwrap();
        assert_eq!(streamed, at_once, "{name}: streamed");
    }
}

#[test]
fn a_template_that_opens_the_thought_is_heeded() {
    let body = whole(&json!({"content": "2 and 3 make"}), "length");
    let expected =
        Expect { finish: FinishReason::Length, ..expect("2 and 3 make", "", Provenance::Truncated) };
    check("hint", &read_reply(&body, Some(TraceHint::TemplateOpens)).unwrap(), &expected);
}

#[test]
fn documented_summaries_are_summaries() {
    for (model, provenance) in [
        ("anthropic/claude-sonnet-4", Provenance::Summary),
        ("claude-sonnet-4-20250514", Provenance::Summary),
        ("anthropic/claude-3.7-sonnet", Provenance::Full),
        ("google/gemini-2.5-pro", Provenance::Summary),
        ("openai/o3", Provenance::Summary),
        ("openai/gpt-oss-120b", Provenance::Full),
        ("deepseek/deepseek-r1", Provenance::Full),
        ("my-claude-like-model", Provenance::Full),
    ] {
        let body = json!({"model": model, "choices": [{"message": {"reasoning": "R", "content": "5"}, "finish_reason": "stop"}]});
        let reply = read_reply(body.to_string().as_bytes(), None).unwrap();
        assert_eq!(reply.extraction.provenance, provenance, "{model}");
    }
}

fn usage(usage: &Value, message: &Value) -> (Usage, Option<NanoUsd>) {
    let body = json!({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage});
    let reply = read_reply(body.to_string().as_bytes(), None).unwrap();
    (reply.usage, reply.billed)
}

#[test]
fn usage_is_read_and_untrue_zeros_are_unknown() {
    let thinking = json!({"reasoning": "R", "content": "5"});
    let plain = json!({"content": "5"});
    let full = |reasoning| Usage { input: Some(23), output: Some(14), reasoning, cached: None };
    let cases = [
        (json!(null), &plain, Usage::default()),
        (json!({}), &plain, Usage::default()),
        (json!({"prompt_tokens": 23, "completion_tokens": 14}), &plain, full(None)),
        (
            json!({"prompt_tokens": 23, "completion_tokens": 14, "completion_tokens_details": {"reasoning_tokens": 0}, "prompt_tokens_details": null}),
            &thinking,
            full(None),
        ),
        (
            json!({"prompt_tokens": 23, "completion_tokens": 14, "completion_tokens_details": {"reasoning_tokens": 0}}),
            &plain,
            full(Some(0)),
        ),
        (
            json!({"prompt_tokens": 23, "completion_tokens": 14.0, "completion_tokens_details": {"reasoning_tokens": 6}}),
            &thinking,
            full(Some(6)),
        ),
        (
            json!({"prompt_tokens": 23, "completion_tokens": 14, "prompt_tokens_details": {"cached_tokens": 8}}),
            &plain,
            Usage { cached: Some(8), ..full(None) },
        ),
        (
            json!({"prompt_tokens": 23, "completion_tokens": 14, "prompt_cache_hit_tokens": 9}),
            &plain,
            Usage { cached: Some(9), ..full(None) },
        ),
        (json!({"prompt_tokens": 0, "completion_tokens": 0}), &plain, Usage::default()),
        (json!({"prompt_tokens": "many", "completion_tokens": -1}), &plain, Usage::default()),
        (
            json!({"prompt_tokens": 23, "input_tokens": 23, "completion_tokens": 14, "output_tokens": 14}),
            &plain,
            full(None),
        ),
    ];
    for (value, message, expected) in cases {
        assert_eq!(usage(&value, message), (expected, None), "{value}");
    }
    let billed = usage(&json!({"prompt_tokens": 23, "completion_tokens": 14, "cost": 0.000_015}), &plain).1;
    assert_eq!(billed, Some(NanoUsd(15_000)));
}

#[test]
fn streams_of_every_habit_are_read() {
    let reasoning = r#"{"choices":[{"index":0,"delta":{"reasoning":"R"},"finish_reason":null}]}"#;
    let content = r#"{"choices":[{"index":0,"delta":{"content":"5"},"finish_reason":null}]}"#;
    let role = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}"#;
    let stop = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let counted = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":3}}"#;
    let usage_alone = r#"{"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3}}"#;
    let usage_null = r#"{"choices":[{"index":0,"delta":{"content":"5"}}],"usage":null}"#;
    let other_choice = r#"{"choices":[{"index":1,"delta":{"content":"not this"},"finish_reason":"length"}]}"#;
    let counts = Usage { input: Some(2), output: Some(3), ..Usage::default() };
    for (name, events, usage) in [
        ("usual", vec![role, reasoning, content, stop, usage_alone, "[DONE]"], counts),
        ("no end mark", vec![role, reasoning, content, counted], counts),
        ("role after reasoning", vec![reasoning, role, content, stop, "[DONE]"], Usage::default()),
        ("usage before the end", vec![reasoning, usage_null, counted, "[DONE]"], counts),
        ("no finish reason but the mark", vec![reasoning, content, "[DONE]"], Usage::default()),
        ("another choice between", vec![reasoning, other_choice, content, stop, "[DONE]"], Usage::default()),
        ("things after the mark", vec![reasoning, content, stop, "[DONE]", "garbage"], Usage::default()),
    ] {
        let finish = if name.starts_with("no finish") { FinishReason::Unknown } else { FinishReason::Stop };
        for end in ["\n\n", "\r\n\r\n", "\n\n: keep-alive\n\n"] {
            let bytes: String = events.iter().map(|e| format!("data: {e}{end}")).collect();
            let reply = read_stream(bytes.as_bytes(), None).unwrap();
            check(name, &reply, &Expect { finish: finish.clone(), ..expect("R", "5", Provenance::Full) });
            assert_eq!(reply.usage, usage, "{name}");
        }
    }
}

#[test]
fn what_is_no_reply_is_an_error_with_a_reason() {
    let check = |body: &str, kind: CauseKind, words: &str| {
        let cause = read_reply(body.as_bytes(), None).unwrap_err();
        assert_eq!(cause.kind, kind, "{body}");
        assert!(cause.message.contains(words), "{body}: {}", cause.message);
    };
    check("", CauseKind::Malformed, "empty");
    check("<html><body>hello", CauseKind::Malformed, "web page");
    check("{\"choices\": [", CauseKind::Malformed, "cannot be read");
    check("{\"choices\": []}", CauseKind::Malformed, "no choices");
    check("{\"id\": 1}", CauseKind::Malformed, "no choices");
    check("[]", CauseKind::Malformed, "");
    check(
        r#"{"error": {"message": "upstream is busy", "code": 502}}"#,
        CauseKind::Server,
        "upstream is busy",
    );
    check(r#"{"error": {"message": "slow down", "code": 429}}"#, CauseKind::RateLimited, "slow down");
    check(r#"{"error": "Invalid model name passed in model=absent"}"#, CauseKind::UnknownModel, "absent");
    check(
        r#"{"choices": [{"error": {"message": "gone", "code": 503}, "message": {"content": "5"}}]}"#,
        CauseKind::Server,
        "gone",
    );

    let stream = |bytes: &str| read_stream(bytes.as_bytes(), None).unwrap_err().kind;
    assert_eq!(stream(""), CauseKind::Malformed);
    assert_eq!(stream("data: {\"choices\":[{\"delta\":{\"content\":\"5\"}}]}\n\n"), CauseKind::Disconnected);
    assert_eq!(stream("data: {\"choi\n\n"), CauseKind::Malformed);
    assert_eq!(stream("data: {\"error\":{\"message\":\"x\",\"code\":500}}\n\n"), CauseKind::Server);
}

#[test]
fn filters_block() {
    let body = whole(&json!({"content": null}), "content_filter");
    assert!(read_reply(&body, None).unwrap().blocked);
    let body = br#"{"error": {"code": "content_filter", "message": "filtered"}}"#;
    assert_eq!(read_reply(body, None).unwrap(), WireReply::withheld());
    assert!(!read_reply(&whole(&json!({"refusal": "no"}), "stop"), None).unwrap().blocked);
}

#[test]
fn only_what_is_set_and_taken_is_sent() {
    let bare = ChatRequest { messages: vec![Message::new(Role::User, "q")], ..ChatRequest::default() };
    let set = ChatRequest {
        params: GenParams {
            temperature: Some(0.5),
            top_p: Some(0.9),
            top_k: Some(20),
            max_tokens: Some(7),
            reasoning_effort: Some("high".to_owned()),
            thinking_budget: None,
        },
        seed: Some(3),
        schema: Some(ResponseSchema { name: "verdict".to_owned(), schema: json!({"type": "object"}) }.into()),
        ..bare.clone()
    };
    let keys = |provider: &str, request: &ChatRequest, stream: bool| -> String {
        let row = table::row(provider).unwrap();
        let ask = Ask { row, model: "m", request, stream };
        let body: Value = serde_json::from_slice(&Style::Chat.wire().write(&ask).unwrap()).unwrap();
        body.as_object().unwrap().keys().skip(2).cloned().collect::<Vec<_>>().join(" ")
    };
    for (provider, full) in [
        ("openai", "temperature top_p max_completion_tokens seed reasoning_effort response_format"),
        ("vllm", "temperature top_p top_k max_tokens seed reasoning_effort response_format"),
        ("ollama", "temperature top_p max_tokens seed reasoning_effort response_format"),
        ("openrouter", "temperature top_p top_k max_tokens seed reasoning response_format"),
        ("deepseek", "temperature top_p max_tokens reasoning_effort"),
        ("openai-api", "temperature top_p top_k max_tokens seed reasoning_effort"),
    ] {
        assert_eq!(keys(provider, &bare, false), "", "{provider}");
        assert_eq!(keys(provider, &bare, true), "stream stream_options", "{provider}");
        assert_eq!(keys(provider, &set, false), full, "{provider}");
    }
    let deepseek = table::row("deepseek").unwrap();
    assert_eq!(deepseek.unsent(&set.params, true), ["top-k", "seed"]);
    assert!(deepseek.unsent(&bare.params, false).is_empty());
}

fn pieces() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-z \\n<>/]{0,6}|</?think>|é|\u{1f600}", 0..6)
}

proptest! {
    #[test]
    fn any_division_into_deltas_reads_like_the_whole(
        reasoning in pieces(), content in pieces(), late_role in any::<bool>(), details in any::<bool>(),
    ) {
        let joined = |p: &[String]| p.concat();
        let mut message = json!({"reasoning": joined(&reasoning), "content": joined(&content)});
        if details {
            message["reasoning_details"] = json!([{"type": "reasoning.text", "index": 0, "text": joined(&reasoning)}]);
        }
        let at_once = read_reply(&whole(&message, "stop"), None).unwrap();
        let mut deltas = Vec::new();
        for piece in &reasoning {
            let mut delta = json!({"reasoning": piece});
            if details {
                delta["reasoning_details"] = json!([{"type": "reasoning.text", "index": 0, "text": piece}]);
            }
            deltas.push(delta);
        }
        deltas.insert(if late_role { deltas.len() } else { 0 }, json!({"role": "assistant", "content": ""}));
        deltas.extend(content.iter().map(|piece| json!({"content": piece})));
        let mut bytes: String = deltas
            .iter()
            .map(|d| format!("data: {}\n\n", json!({"model": "m", "choices": [{"index": 0, "delta": d}]})))
            .collect();
        bytes.push_str("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
        prop_assert_eq!(read_stream(bytes.as_bytes(), None).unwrap(), at_once);
    }

    #[test]
    fn no_bytes_can_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), tail in "\\PC{0,80}") {
        for body in [bytes, tail.clone().into_bytes(), format!("data: {tail}\n\n").into_bytes()] {
            for reply in [read_reply(&body, None), read_stream(&body, None)].into_iter().flatten() {
                prop_assert!(reply.extraction.covers());
            }
        }
    }
}
