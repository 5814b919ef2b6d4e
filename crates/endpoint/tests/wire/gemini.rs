//! Gemini replies as the wild sends them, beyond what the suite puts into words: filters, counts, arrays, and what a
//! request holds.

use reqwest::Url;
use serde_json::{Value, json};
use undersight_core::{CauseKind, FinishReason, GenParams, Message, Provenance, Role, Usage};
use undersight_endpoint::providers::table;
use undersight_endpoint::providers::wire::{Ask, Reading, Style, WireReply};
use undersight_endpoint::{ChatRequest, ResponseSchema};

fn reading() -> Reading<'static> {
    Reading { row: table::row("google").unwrap(), model: "gemini-2.5-pro", hint: None, max_tokens: None }
}

fn whole(body: &Value) -> WireReply {
    Style::Gemini.wire().whole(body.to_string().as_bytes(), &reading()).unwrap()
}

fn said(parts: &Value, finish: &str) -> Value {
    json!({"candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": finish}], "modelVersion": "gemini-2.5-pro"})
}

#[test]
fn endings_have_many_names() {
    use FinishReason::{ContentFilter, Length, Other, Stop};
    for (word, finish) in [
        ("STOP", Stop),
        ("MAX_TOKENS", Length),
        ("SAFETY", ContentFilter),
        ("RECITATION", ContentFilter),
        ("BLOCKLIST", ContentFilter),
        ("PROHIBITED_CONTENT", ContentFilter),
        ("SPII", ContentFilter),
        ("LANGUAGE", Other("language".to_owned())),
        ("MALFORMED_FUNCTION_CALL", Other("malformed_function_call".to_owned())),
    ] {
        let found = whole(&said(&json!([{"text": "5"}]), word));
        assert_eq!(found.blocked, finish == ContentFilter, "{word}");
        assert_eq!((found.finish, found.extraction.answer().as_str()), (finish, "5"), "{word}");
    }
}

#[test]
fn a_refused_prompt_is_blocked_and_not_an_error() {
    let refused = json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 7},
        "modelVersion": "gemini-2.5-pro"});
    let found = whole(&refused);
    assert!(found.blocked && found.extraction.answer().is_empty());
    assert_eq!((found.finish, found.usage.input), (FinishReason::ContentFilter, Some(7)));
    let streamed = format!("data: {refused}\n\n");
    assert!(Style::Gemini.wire().streamed(streamed.as_bytes(), &reading()).unwrap().blocked);
    let nothing = Style::Gemini.wire().whole(b"{\"usageMetadata\": {}}", &reading()).unwrap_err();
    assert_eq!(nothing.cause.kind, CauseKind::Malformed);
}

#[test]
fn thoughts_answers_and_counts() {
    use Provenance::{Absent, Full, Summary, Truncated};
    for (name, parts, finish, trace, answer, provenance) in [
        ("both", json!([{"text": "R", "thought": true}, {"text": "5"}]), "STOP", "R", "5", Summary),
        (
            "pieces",
            json!([{"text": "R", "thought": true}, {"text": "S", "thought": true}, {"text": "5"}, {"text": "6"}]),
            "STOP",
            "RS",
            "56",
            Summary,
        ),
        ("signed", json!([{"text": "5", "thoughtSignature": "abc"}]), "STOP", "", "5", Absent),
        ("LiteLLM drops thoughts", json!([{"text": "5"}]), "STOP", "", "5", Absent),
        ("cut", json!([{"text": "R and", "thought": true}]), "MAX_TOKENS", "R and", "", Truncated),
        ("tags", json!([{"text": "<think>R</think>5"}]), "STOP", "R", "5", Full),
        ("a call beside", json!([{"functionCall": {"name": "x"}}, {"text": "5"}]), "STOP", "", "5", Absent),
    ] {
        let found = whole(&said(&parts, finish)).extraction;
        assert_eq!((found.trace().as_str(), found.answer().as_str()), (trace, answer), "{name}");
        assert_eq!(found.provenance, provenance, "{name}");
    }
    let mut body = said(&json!([{"text": "R", "thought": true}, {"text": "5"}]), "STOP");
    body["usageMetadata"] = json!({"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 30,
        "cachedContentTokenCount": 4, "totalTokenCount": 41});
    let counts = Usage { input: Some(9), output: Some(32), reasoning: Some(30), cached: Some(4) };
    assert_eq!(whole(&body).usage, counts);
    let signed = json!([{"text": "5", "thoughtSignature": "abc"}]);
    for (thoughts, provenance) in
        [(json!(30), Provenance::Encrypted), (json!(0), Absent), (json!(null), Absent)]
    {
        let mut body = said(&signed, "STOP");
        body["usageMetadata"] = json!({"promptTokenCount": 9, "thoughtsTokenCount": thoughts});
        assert_eq!(whole(&body).extraction.provenance, provenance, "{thoughts} thoughts, kept back");
    }
    body["usageMetadata"] = json!({"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0});
    assert_eq!(whole(&body).usage, Usage::default(), "zeros that cannot be true");
    let mut nothing = said(&json!([]), "MAX_TOKENS");
    nothing["usageMetadata"] = body["usageMetadata"].clone();
    assert_eq!(
        whole(&nothing).usage,
        Usage::default(),
        "nor these, though nothing arrived: LiteLLM, streamed"
    );
    nothing["usageMetadata"]["promptTokenCount"] = json!(9);
    assert_eq!(whole(&nothing).usage.output, Some(0), "a prompt was counted, so was nothing");
}

#[test]
fn a_stream_may_be_one_array() {
    let wire = Style::Gemini.wire();
    let chunks = json!([
        {"candidates": [{"content": {"parts": [{"text": "R", "thought": true}]}}]},
        {"candidates": [{"content": {"parts": [{"text": "5"}]}, "finishReason": "STOP"}]},
    ])
    .to_string();
    assert!(wire.is_stream(b"application/json", chunks.as_bytes()));
    let found = wire.streamed(chunks.as_bytes(), &reading()).unwrap().extraction;
    assert_eq!((found.trace().as_str(), found.answer().as_str()), ("R", "5"));
    let torn = wire.streamed(&chunks.as_bytes()[..chunks.len() - 9], &reading()).unwrap_err();
    assert_eq!(torn.cause.kind, CauseKind::Disconnected);
    let error = r#"[{"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}]"#;
    assert_eq!(wire.streamed(error.as_bytes(), &reading()).unwrap_err().cause.kind, CauseKind::Server);
}

#[test]
fn addresses_name_the_model_and_the_method() {
    let check = |base: &str, model: &str, stream: bool, expected: &str| {
        let base = Url::parse(base).unwrap();
        assert_eq!(Style::Gemini.wire().address(&base, model, stream).as_str(), expected);
    };
    let v1 = "https://g.example/v1beta";
    check(v1, "gemini-2.5-pro", false, "https://g.example/v1beta/models/gemini-2.5-pro:generateContent");
    check(
        v1,
        "gemini-3-pro",
        true,
        "https://g.example/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse",
    );
    check(v1, "google/m", false, "https://g.example/v1beta/models/m:generateContent");
    check(v1, "models/m", false, "https://g.example/v1beta/models/m:generateContent");
    check(v1, "tunedModels/x", false, "https://g.example/v1beta/tunedModels/x:generateContent");
    check(
        "https://g.example/v1?x=1",
        "m",
        true,
        "https://g.example/v1/models/m:streamGenerateContent?x=1&alt=sse",
    );
}

#[test]
fn only_what_is_set_and_taken_is_sent() {
    let row = table::row("google").unwrap();
    let write = |request: &ChatRequest, stream: bool| -> Value {
        let body = Style::Gemini.wire().write(&Ask { row, model: "m", request, stream }).unwrap();
        serde_json::from_slice(&body).unwrap()
    };
    let bare = ChatRequest {
        messages: vec![
            Message::new(Role::System, "be brief"),
            Message::new(Role::User, "q"),
            Message::new(Role::Assistant, "a"),
        ],
        ..ChatRequest::default()
    };
    let expected = json!({
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "contents": [{"role": "user", "parts": [{"text": "q"}]}, {"role": "model", "parts": [{"text": "a"}]}],
        "generationConfig": {"thinkingConfig": {"includeThoughts": true}},
    });
    assert_eq!([write(&bare, false), write(&bare, true)], [expected.clone(), expected]);
    let schema = ResponseSchema { name: "verdict".to_owned(), schema: json!({"type": "object"}) };
    let set = ChatRequest {
        messages: vec![Message::new(Role::User, "q")],
        params: GenParams {
            temperature: Some(0.5),
            top_p: Some(0.9),
            top_k: Some(5),
            max_tokens: Some(100),
            reasoning_effort: None,
            thinking_budget: Some(64),
        },
        seed: Some(3),
        schema: Some(schema.into()),
        n: Some(2),
        ..ChatRequest::default()
    };
    let expected = json!({"temperature": 0.5, "topP": 0.9, "topK": 5, "maxOutputTokens": 100, "seed": 3,
        "candidateCount": 2, "thinkingConfig": {"thinkingBudget": 64, "includeThoughts": true},
        "responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}});
    assert_eq!(write(&set, false)["generationConfig"], expected);
}

#[test]
fn what_is_sent_of_thinking_depends_on_the_gemini() {
    let row = table::row("google").unwrap();
    let thinking = |model: &str, effort: Option<&str>, budget: Option<u32>| -> Value {
        let request = ChatRequest {
            params: GenParams {
                reasoning_effort: effort.map(str::to_owned),
                thinking_budget: budget,
                ..GenParams::default()
            },
            ..ChatRequest::default()
        };
        let body = Style::Gemini.wire().write(&Ask { row, model, request: &request, stream: false }).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        body["generationConfig"]["thinkingConfig"].clone()
    };
    for (model, effort, budget, expected) in [
        ("gemini-3-pro-preview", None, None, json!({"includeThoughts": true})),
        ("gemini-3-pro-preview", Some("low"), None, json!({"includeThoughts": true, "thinkingLevel": "low"})),
        ("gemini-flash-latest", Some("low"), None, json!({"includeThoughts": true, "thinkingLevel": "low"})),
        ("gemini-2.5-flash", Some("low"), None, json!({"includeThoughts": true, "thinkingBudget": 1024})),
        (
            "google/gemini-2.5-pro",
            Some("High"),
            None,
            json!({"includeThoughts": true, "thinkingBudget": 24_576}),
        ),
        ("gemini-2.5-pro", None, Some(64), json!({"includeThoughts": true, "thinkingBudget": 64})),
        ("gemini-2.5-pro", Some("most"), None, json!({"includeThoughts": true, "thinkingLevel": "most"})),
        ("gemini-2.0-flash", None, None, Value::Null),
        ("models/gemma-3-27b-it", None, None, Value::Null),
        ("gemini-1.5-pro", None, Some(64), json!({"thinkingBudget": 64})),
    ] {
        assert_eq!(thinking(model, effort, budget), expected, "{model} {effort:?} {budget:?}");
    }
}
