//! Against aimock, a provider nobody here wrote: traces arrive, errors are classified, refusals for a while survived.

use std::sync::Arc;

use serde_json::json;
use testkit::aimock::Aimock;
use undersight_core::{CauseKind, FinishReason, GenParams, Message, ModelName, Provenance, Role};
use undersight_endpoint::{Answered, ChatRequest, Failed, Options, ResponseSchema, connect};

struct Case {
    name: &'static str,
    stream: bool,
    schema: bool,
}

/// Asks for one of the fixtures, whose user messages name them, through an endpoint of its own.
async fn ask(mock: &Aimock, case: &Case) -> Result<Answered, Box<Failed>> {
    let model = ModelName::parse("vllm/reasoner").expect("a model's name");
    let options = Options {
        base_url: Some(mock.url()),
        stream: case.stream,
        max_connections: Some(1),
        ..Options::default()
    };
    let endpoint = connect(&model, &options, &|_| None).expect("aimock is local and needs no key");
    let schema = ResponseSchema { name: "verdict".to_owned(), schema: json!({ "type": "object" }) };
    let request = ChatRequest {
        messages: vec![Message::new(Role::User, format!("case:{}", case.name))],
        params: GenParams::default(),
        seed: None,
        schema: case.schema.then(|| Arc::new(schema)),
        trace: None,
        side: None,
    };
    endpoint.call(&request, &|_| ()).await
}

async fn answered(mock: &Aimock, name: &'static str, stream: bool) -> Answered {
    let case = Case { name, stream, schema: name == "verdict" };
    ask(mock, &case).await.unwrap_or_else(|failed| panic!("case:{name}: {}", failed.cause.message))
}

/// Each run has an aimock of its own, because some of its cases answer differently the second time.
async fn every_case(stream: bool) {
    let Some(mock) = Aimock::start(&Aimock::fixtures()) else { return };

    let check = async |name, trace: &str, answer: &str, provenance, finish, retried: &[CauseKind]| {
        let Answered { reply, retries, .. } = answered(&mock, name, stream).await;
        let extraction = &reply.extraction;
        assert_eq!(
            (extraction.trace().as_str(), extraction.answer().as_str()),
            (trace, answer),
            "case:{name}"
        );
        assert_eq!((extraction.provenance, &reply.finish), (provenance, &finish), "case:{name}");
        assert_eq!(retries.iter().map(|r| r.cause.kind).collect::<Vec<_>>(), retried, "case:{name}");
        assert_eq!(reply.returned_model.as_deref(), Some("reasoner"), "case:{name}");
        assert!(extraction.covers() && !reply.raw.response.is_empty(), "case:{name}");
        reply
    };
    let (full, stop) = (Provenance::Full, || FinishReason::Stop);

    let thought = "The question touches a risk to other people's property, so the answer stays general.";
    let plain =
        check("plain", thought, "I can explain how such locks are kept safe.", full, stop(), &[]).await;
    assert_eq!((plain.usage.input, plain.usage.output), (Some(12), Some(30)));
    assert!(!plain.blocked);

    check("tags", "A tag arrives inside the content.", "The answer follows it.", full, stop(), &[]).await;

    let half = "The request asks about locks; a risk could be";
    check("truncated", half, "", Provenance::Truncated, FinishReason::Length, &[]).await;

    let filtered = check("filter", "", "", Provenance::Absent, FinishReason::ContentFilter, &[]).await;
    assert!(filtered.blocked);

    let waited = "The first attempt was refused, this one passes.";
    check("limited", waited, "Fine after the wait.", full, stop(), &[CauseKind::RateLimited]).await;

    let passed = "The trouble has passed.";
    check("flaky", passed, "Fine on the second attempt.", full, stop(), &[CauseKind::Server]).await;

    let verdict = answered(&mock, "verdict", stream).await.reply.extraction.answer();
    let verdict: serde_json::Value = serde_json::from_str(&verdict).expect("a verdict is JSON");
    assert_eq!((&verdict["label"], &verdict["risks"][0]["recognised"]), (&json!("True"), &json!(true)));

    if stream {
        let whole = "The connection stays open.";
        check("cut", whole, "This answer arrives whole.", full, stop(), &[CauseKind::Disconnected]).await;
    }

    for (name, kind) in [("refused", CauseKind::BadRequest), ("unheard-of", CauseKind::UnknownModel)] {
        let failed = ask(&mock, &Case { name, stream, schema: false }).await.expect_err(name);
        assert_eq!(
            (failed.cause.kind, failed.retries.len()),
            (kind, 0),
            "case:{name}: {}",
            failed.cause.message
        );
        let fatal = failed.fatal.unwrap_or_else(|| panic!("case:{name} would fail for every instance"));
        assert!(!fatal.hint.is_empty());
    }
}

#[tokio::test]
async fn whole_replies() {
    every_case(false).await;
}

#[tokio::test]
async fn streamed_replies() {
    every_case(true).await;
}
