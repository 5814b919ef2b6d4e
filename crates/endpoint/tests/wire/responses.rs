//! OpenAI's Responses as real servers send them, and what is asked of them.

use serde_json::{Value, json};
use undersight_core::{CauseKind, FinishReason, GenParams, Message, Provenance, Role, Usage};
use undersight_endpoint::providers::table;
use undersight_endpoint::providers::wire::{Ask, Reading, Style, WireReply};
use undersight_endpoint::{ChatRequest, ResponseSchema};

const CAP: u32 = 40;

fn reading(model: &str) -> Reading<'_> {
    Reading { row: table::row("openai-responses").unwrap(), model, hint: None, max_tokens: Some(CAP) }
}

fn whole(body: &Value) -> Result<WireReply, CauseKind> {
    Style::Responses.wire().whole(body.to_string().as_bytes(), &reading("m")).map_err(|e| e.cause.kind)
}

/// Data only, as LiteLLM, llama.cpp and transformers have it; with a `[DONE]` nobody documents.
fn stream(events: &[Value]) -> Vec<u8> {
    let events: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    events.into_bytes()
}

fn streamed(events: &[Value]) -> Result<WireReply, CauseKind> {
    Style::Responses.wire().streamed(&stream(events), &reading("m")).map_err(|e| e.cause.kind)
}

struct Case {
    name: &'static str,
    body: Value,
    /// What came before the event that carries the body; `response.completed` whatever the status.
    before: Vec<Value>,
    read: (&'static str, &'static str, Provenance, FinishReason),
}

fn message(text: &str) -> Value {
    json!({"type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

fn thought(text: &str) -> Value {
    json!({"id": "rs_1", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": text}], "encrypted_content": null, "status": null})
}

fn body(status: &str, output: &Value, output_tokens: u64) -> Value {
    json!({"object": "response", "status": status, "model": "m", "output": output, "incomplete_details": null, "error": null,
        "usage": {"input_tokens": 23, "output_tokens": output_tokens, "total_tokens": 23 + output_tokens,
            "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}})
}

fn delta(kind: &str, output_index: u64, index: (&str, u64), delta: &str) -> Value {
    json!({"type": format!("response.{kind}.delta"), "item_id": "i", "output_index": output_index, index.0: index.1, "delta": delta})
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn wild() -> Vec<Case> {
    use FinishReason::{ContentFilter, Length, Stop};
    use Provenance::{Absent, Encrypted, Full, Summary, Truncated};
    let content = ("content_index", 0);
    let mut cut = body("incomplete", &json!([thought("2 and 3 make")]), 40);
    cut["incomplete_details"] = json!({"reason": "max_output_tokens"});
    let mut filtered = body("incomplete", &json!([]), 4);
    filtered["incomplete_details"] = json!({"reason": "content_filter"});
    let mut upstream = body(
        "completed",
        &json!([{"type": "reasoning", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": "S", "annotations": []}], "encrypted_content": "[{}]"}, message("5")]),
        12,
    );
    upstream["model"] = json!("claude-sonnet-4-20250514");
    let summary = |texts: &[&str]| -> Vec<Value> {
        texts.iter().map(|text| json!({"type": "summary_text", "text": text})).collect()
    };
    vec![
        Case {
            name: "vLLM",
            body: body("completed", &json!([thought("2 and 3 make 5.\n"), message("\n\n5")]), 14),
            before: vec![
                delta("reasoning_text", 0, content, "2 and 3 make 5.\n"),
                delta("output_text", 1, content, "\n\n5"),
            ],
            read: ("2 and 3 make 5.", "5", Full, Stop),
        },
        Case {
            name: "vLLM, cut off, reasoning only",
            body: cut,
            before: vec![delta("reasoning_text", 0, content, "2 and 3 make")],
            read: ("2 and 3 make", "", Truncated, Length),
        },
        Case {
            name: "llama.cpp, cut off and yet completed",
            body: body("completed", &json!([thought("2 and 3 make")]), 40),
            before: vec![],
            read: ("2 and 3 make", "", Truncated, Length),
        },
        Case {
            name: "transformers, cut off and yet completed, with an empty message",
            body: body("completed", &json!([thought("2 and 3 make"), message("")]), 40),
            before: vec![delta("reasoning_text", 0, content, "2 and 3 make")],
            read: ("2 and 3 make", "", Truncated, Length),
        },
        Case {
            name: "LiteLLM before vLLM",
            body: body("completed", &json!([thought("R"), message("5")]), 14),
            before: vec![delta("reasoning_text", 0, content, "R"), delta("output_text", 0, content, "5")],
            read: ("R", "5", Full, Stop),
        },
        Case {
            name: "LiteLLM before Anthropic: whole as output_text, streamed as a summary",
            body: upstream,
            before: vec![
                delta("reasoning_summary_text", 0, ("summary_index", 0), "S"),
                delta("output_text", 1, content, "5"),
            ],
            read: ("S", "5", Summary, Stop),
        },
        Case {
            name: "a filter, as LiteLLM passes it on",
            body: filtered,
            before: vec![],
            read: ("", "", Absent, ContentFilter),
        },
        Case {
            name: "aimock",
            body: body(
                "completed",
                &json!([{"type": "reasoning", "summary": summary(&["S"])}, message("5")]),
                14,
            ),
            before: vec![],
            read: ("S", "5", Summary, Stop),
        },
        Case {
            name: "aimock, cut off without a reason",
            body: body(
                "incomplete",
                &json!([{"type": "reasoning", "summary": summary(&["S"])}, message("")]),
                10,
            ),
            before: vec![],
            read: ("S", "", Truncated, Length),
        },
        Case {
            name: "aimock, filtered: failed, without an error",
            body: body("failed", &json!([message("")]), 1),
            before: vec![],
            read: ("", "", Absent, ContentFilter),
        },
        Case {
            name: "OpenAI, a summary of several parts beside the encrypted original",
            body: body(
                "completed",
                &json!([{"type": "reasoning", "summary": summary(&["A", "B"]), "encrypted_content": "gAAA"}, message("5")]),
                14,
            ),
            before: vec![],
            read: ("A\nB", "5", Summary, Stop),
        },
        Case {
            name: "OpenAI, encrypted alone",
            body: body(
                "completed",
                &json!([{"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}, message("5")]),
                14,
            ),
            before: vec![],
            read: ("", "5", Encrypted, Stop),
        },
        Case {
            name: "OpenAI, an empty reasoning item",
            body: body("completed", &json!([{"type": "reasoning", "summary": []}, message("5")]), 14),
            before: vec![],
            read: ("", "5", Absent, Stop),
        },
        Case {
            name: "its own text beside a summary of it",
            body: body(
                "completed",
                &json!([{"type": "reasoning", "summary": summary(&["S"]),
                "content": [{"type": "reasoning_text", "text": "R"}]}, message("5")]),
                14,
            ),
            before: vec![],
            read: ("R", "5", Full, Stop),
        },
        Case {
            name: "several messages, of several parts, and an item that is neither",
            body: body(
                "completed",
                &json!([message("First"), thought("R"), {"type": "web_search_call", "status": "completed"},
                {"type": "message", "content": [{"type": "output_text", "text": "Sec"}, {"type": "output_text", "text": "ond"}]}]),
                14,
            ),
            before: vec![],
            read: ("R", "First\nSecond", Full, Stop),
        },
        Case {
            name: "tags in the message",
            body: body("completed", &json!([message("<think>R</think>5")]), 14),
            before: vec![],
            read: ("R", "5", Full, Stop),
        },
    ]
}

#[test]
fn wild_shapes_read_alike_whole_and_streamed() {
    for Case { name, body, before, read: (trace, answer, provenance, finish) } in wild() {
        let at_once = whole(&body).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let found = &at_once.extraction;
        assert_eq!((found.trace().as_str(), found.answer().as_str()), (trace, answer), "{name}");
        assert_eq!((found.provenance, &at_once.finish), (provenance, &finish), "{name}");
        assert_eq!(at_once.blocked, finish == FinishReason::ContentFilter, "{name}");
        // A count of 0 beside a trace is untrue; beside none it may be.
        let unshown = provenance == Provenance::Absent;
        assert_eq!(at_once.usage.reasoning, unshown.then_some(0), "{name}");

        let mut events = vec![
            json!({"type": "response.created", "response": {"status": "in_progress", "model": "m", "output": []}}),
        ];
        events.extend(before);
        events.push(json!({"type": "response.completed", "response": body}));
        assert_eq!(streamed(&events), Ok(at_once), "{name}: streamed");
    }
}

#[test]
fn pieces_find_their_places_and_stand_in_for_what_the_end_leaves_out() {
    let summary =
        |output, index, text| delta("reasoning_summary_text", output, ("summary_index", index), text);
    let text = |output, index, text| delta("output_text", output, ("content_index", index), text);
    let interleaved = [
        summary(0, 0, "A"),
        text(1, 0, "5"),
        summary(0, 1, "B"),
        summary(0, 0, "a"),
        text(1, 1, "!"),
        text(1, 0, "."),
        json!({"type": "response.some_news", "output_index": 7, "delta": {"x": 1}}),
    ];
    let done =
        |name: &str, output: Value| json!({"type": name, "response": {"model": "m-2", "output": output}});
    let ends = [
        ("nothing repeated", done("response.completed", json!([])), "Aa\nB", "5.!", FinishReason::Stop),
        (
            "the end repeats the message",
            done("response.completed", json!([message("5.!")])),
            "Aa\nB",
            "5.!",
            FinishReason::Stop,
        ),
        (
            "the end knows better",
            done("response.completed", json!([message("6")])),
            "Aa\nB",
            "6",
            FinishReason::Stop,
        ),
        (
            "the event alone says how",
            done("response.incomplete", json!([])),
            "Aa\nB",
            "5.!",
            FinishReason::Length,
        ),
        ("no response at all", json!({"type": "response.completed"}), "Aa\nB", "5.!", FinishReason::Stop),
    ];
    for (name, end, trace, answer, finish) in ends {
        let events: Vec<Value> = interleaved.iter().cloned().chain([end]).collect();
        let found = streamed(&events).unwrap();
        assert_eq!(
            (found.extraction.trace().as_str(), found.extraction.answer().as_str()),
            (trace, answer),
            "{name}"
        );
        assert_eq!((found.extraction.provenance, &found.finish), (Provenance::Summary, &finish), "{name}");
    }
}

#[test]
fn what_is_said_twice_is_read_once() {
    let text = |piece| delta("output_text", 0, ("content_index", 0), piece);
    let text_done =
        json!({"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "5."});
    let part_done = json!({"type": "response.content_part.done", "output_index": 0, "content_index": 0, "part": {"text": "5."}});
    let item_done =
        |item: Value| json!({"type": "response.output_item.done", "output_index": 0, "item": item});
    let other = json!({"type": "some_call", "content": [{"type": "output_text", "text": "not said"}]});
    for (name, events, answer) in [
        ("deltas, then the text", vec![text("5"), text("."), text_done.clone()], "5."),
        ("the text alone", vec![text_done.clone()], "5."),
        ("everything", vec![text("5"), text_done, part_done, item_done(message("5."))], "5."),
        (
            "an item that leaves its text out",
            vec![text("5."), item_done(json!({"type": "message", "content": []}))],
            "5.",
        ),
        ("an item with an empty text", vec![text("5."), item_done(message(""))], "5."),
        ("an item that is no message", vec![item_done(other)], ""),
    ] {
        let begun =
            json!({"type": "response.created", "response": {"status": "in_progress", "model": "m-3"}});
        let end = json!({"type": "response.completed", "response": {"status": "completed"}});
        let events: Vec<Value> = [begun].into_iter().chain(events).chain([end]).collect();
        let found = streamed(&events).unwrap();
        assert_eq!(found.extraction.answer(), answer, "{name}");
        assert_eq!(found.returned_model.as_deref(), Some("m-3"), "{name}");
    }
}

#[test]
fn the_end_is_known_when_it_comes() {
    let finished = |bytes: &[u8]| Style::Responses.wire().finished(bytes);
    for (kind, last) in [
        ("response.completed", true),
        ("response.incomplete", true),
        ("response.failed", true),
        ("error", true),
        ("response.output_text.delta", false),
        ("response.output_item.done", false),
    ] {
        let event = format!("data: {}", json!({"type": kind, "delta": "\"type\":\"response.completed\""}));
        for end in ["", "\n", "\r\n\r\n", "\n\n: keep-alive\n\n"] {
            assert_eq!(finished(format!("{event}{end}").as_bytes()), last, "{kind} {end:?}");
        }
        assert!(!finished(&event.as_bytes()[..event.len() - 1]), "{kind}, in the middle");
    }
    assert!(finished(b"data: [DONE]\n\n"));
    // A stream that only its mark ends is read as far as it came.
    let mut bytes = stream(&[
        json!({"type": "response.created", "response": {"status": "in_progress", "model": "m"}}),
        delta("output_text", 0, ("content_index", 0), "5"),
    ]);
    let read = |bytes: &[u8]| Style::Responses.wire().streamed(bytes, &reading("m"));
    assert_eq!(read(&bytes).unwrap_err().cause.kind, CauseKind::Disconnected);
    bytes.extend_from_slice(b"data: [DONE]\n\n");
    let found = read(&bytes).unwrap();
    assert_eq!((found.extraction.answer().as_str(), found.finish), ("5", FinishReason::Unknown));
}

#[test]
fn what_is_no_response_is_an_error_with_its_cause() {
    for (body, kind) in [
        (json!({"error": {"message": "busy", "type": "server_error", "code": null}}), CauseKind::Server),
        (
            json!({"status": "failed", "output": [], "error": {"code": "rate_limit_exceeded", "message": "slow down"}}),
            CauseKind::RateLimited,
        ),
        (json!({"status": "in_progress", "output": []}), CauseKind::Malformed),
        (json!({"choices": [{"message": {"content": "5"}}]}), CauseKind::Malformed),
        (json!({}), CauseKind::Malformed),
    ] {
        assert_eq!(whole(&body).map(|_| ()), Err(kind), "{body}");
    }
    let flagged = json!({"status": "failed", "output": [], "error": {"code": "invalid_prompt",
        "message": "Invalid prompt: your prompt was flagged as potentially violating our usage policy."}});
    assert_eq!(whole(&flagged), Ok(WireReply::withheld()));
    for (event, kind) in [
        (
            json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": null}),
            CauseKind::RateLimited,
        ),
        (
            json!({"type": "error", "error": {"code": "context_length_exceeded", "message": "x"}, "status": 400}),
            CauseKind::ContextLength,
        ),
        (json!({"error": {"code": 502, "message": "the upstream is gone"}}), CauseKind::Server),
        (
            json!({"type": "response.failed", "response": {"status": "failed", "output": [], "error": null}}),
            CauseKind::Server,
        ),
        (json!({"type": "response.failed"}), CauseKind::Server),
    ] {
        let begun = delta("output_text", 0, ("content_index", 0), "5");
        assert_eq!(streamed(&[begun, event.clone()]).map(|_| ()), Err(kind), "{event}");
    }
}

#[test]
fn counts_are_read() {
    let mut body = body("completed", &json!([thought("R"), message("5")]), 14);
    body["usage"]["input_tokens_details"]["cached_tokens"] = json!(8);
    body["usage"]["output_tokens_details"]["reasoning_tokens"] = json!(6);
    let expected = Usage { input: Some(23), output: Some(14), reasoning: Some(6), cached: Some(8) };
    assert_eq!(whole(&body).unwrap().usage, expected);
    body["usage"] = json!(null);
    assert_eq!(whole(&body).unwrap().usage, Usage::default());
}

#[test]
fn only_what_is_set_and_taken_is_sent() {
    let bare = ChatRequest {
        messages: vec![Message::new(Role::System, "be brief"), Message::new(Role::User, "what is 2 + 3?")],
        ..ChatRequest::default()
    };
    let set = ChatRequest {
        params: GenParams {
            temperature: Some(0.5),
            top_p: Some(0.9),
            top_k: Some(20),
            max_tokens: Some(7),
            reasoning_effort: Some("high".to_owned()),
            thinking_budget: Some(9),
        },
        seed: Some(3),
        schema: Some(ResponseSchema { name: "verdict".to_owned(), schema: json!({"type": "object"}) }.into()),
        n: Some(2),
        ..bare.clone()
    };
    let row = table::row("openai-responses").unwrap();
    let sent = |model: &str, request: &ChatRequest, stream: bool| -> Value {
        let ask = Ask { row, model, request, stream };
        serde_json::from_slice(&Style::Responses.wire().write(&ask).unwrap()).unwrap()
    };
    let input =
        json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "what is 2 + 3?"}]);
    let plain = json!({"model": "gpt-4.1", "input": input, "store": false, "stream": false});
    assert_eq!(sent("gpt-4.1", &bare, false), plain);
    let reasoning = json!({"model": "gpt-5", "input": input, "store": false, "stream": true,
        "reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"]});
    assert_eq!(sent("gpt-5", &bare, true), reasoning);
    let all = json!({"model": "o3", "input": input, "store": false, "stream": false,
        "temperature": 0.5, "top_p": 0.9, "max_output_tokens": 7,
        "reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"],
        "text": {"format": {"type": "json_schema", "name": "verdict", "strict": true, "schema": {"type": "object"}}}});
    assert_eq!(sent("o3", &set, false), all);
    assert_eq!(row.unsent(&set.params, true), ["top-k", "thinking-budget", "seed"]);

    for (model, asked) in [
        ("o1", true),
        ("o4-mini-2025-04-16", true),
        ("gpt-5.2", true),
        ("gpt-5.2-chat-latest", true),
        ("openai/gpt-5-mini", true),
        ("gpt-5-chat-latest", false),
        ("gpt-5.3-codex-spark", false),
        ("gpt-4o", false),
        ("gpt-oss-120b", false),
        ("chatgpt-4o-latest", false),
        ("Qwen/Qwen3-8B", false),
        ("olmo-2", false),
    ] {
        let body = sent(model, &bare, false);
        assert_eq!(body.get("reasoning").is_some(), asked, "{model}");
        assert_eq!(body.get("include").is_some(), asked, "{model}");
    }
}

#[test]
fn it_is_found_below_the_base() {
    for (base, expected) in [
        ("https://api.openai.com/v1", "https://api.openai.com/v1/responses"),
        ("http://localhost:8000/v1/", "http://localhost:8000/v1/responses"),
        ("http://localhost:8000/v1/responses", "http://localhost:8000/v1/responses"),
        (
            "https://host/openai/v1?api-version=preview",
            "https://host/openai/v1/responses?api-version=preview",
        ),
    ] {
        let base = base.parse().unwrap();
        assert_eq!(Style::Responses.wire().address(&base, "m", false).as_str(), expected);
    }
}
