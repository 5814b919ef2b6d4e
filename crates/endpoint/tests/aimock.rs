//! Against aimock, a provider nobody here wrote, in all its styles: traces arrive, errors are classified, refusals for a
//! while survived.

use std::sync::Arc;

use serde_json::json;
use testkit::aimock::Aimock;
use undersight_core::{CauseKind, FinishReason, GenParams, Message, ModelName, Provenance, Role};
use undersight_endpoint::providers::table::complete;
use undersight_endpoint::{Answered, ChatRequest, Failed, Options, ResponseSchema, connect};

/// A way to talk to it, and what is different there.
struct Way {
    model: &'static str,
    /// In place of the `/v1` its address ends in.
    version: &'static str,
    stream: bool,
    /// What its reasoning is, as its maker documents it.
    trace: Provenance,
    /// Whether a refusal of the filter is more than a stop without an answer.
    tells_filter: bool,
    /// Whether the reply names the model.
    names_model: bool,
    /// Whether its fixtures see that a schema was asked for.
    sees_schema: bool,
}

const CHAT: Way = Way {
    model: "vllm/reasoner",
    version: "v1",
    stream: false,
    trace: Provenance::Full,
    tells_filter: true,
    names_model: true,
    sees_schema: true,
};
const RESPONSES: Way =
    Way { model: "openai-responses/reasoner", trace: Provenance::Summary, sees_schema: false, ..CHAT };
const MESSAGES: Way = Way { model: "anthropic/reasoner", sees_schema: false, ..CHAT };
const GEMINI: Way = Way {
    model: "google/reasoner",
    version: "v1beta",
    trace: Provenance::Summary,
    names_model: false,
    sees_schema: false,
    ..CHAT
};

struct Case {
    name: &'static str,
    schema: bool,
}

/// Asks for one of the fixtures, whose user messages name them, through an endpoint of its own.
async fn ask(mock: &Aimock, way: &Way, case: &Case) -> Result<Answered, Box<Failed>> {
    let model = ModelName::parse(way.model).expect("a model's name");
    let base = mock.url();
    let base = base.strip_suffix("v1").expect("its address ends in the version");
    let options = Options {
        base_urls: vec![format!("{base}{}", way.version)],
        stream: way.stream,
        max_connections: Some(1),
        ..Options::default()
    };
    let endpoint = connect(&model, &options, &|_| None).expect("aimock is local and needs no key");
    let schema = ResponseSchema { name: "verdict".to_owned(), schema: json!({ "type": "object" }) };
    let request = ChatRequest {
        messages: vec![Message::new(Role::User, format!("case:{}", case.name))],
        params: complete(&model, GenParams::default()),
        schema: case.schema.then(|| Arc::new(schema)),
        ..ChatRequest::default()
    };
    endpoint.call(&request, &|_| ()).await
}

async fn answered(mock: &Aimock, way: &Way, name: &'static str) -> Answered {
    let case = Case { name, schema: name == "verdict" };
    ask(mock, way, &case).await.unwrap_or_else(|failed| panic!("case:{name}: {}", failed.cause.message))
}

/// Each run has an aimock of its own, because some of its cases answer differently the second time.
async fn every_case(way: Way) {
    let Some(mock) = Aimock::start(&Aimock::fixtures()) else { return };
    let way = &way;
    let check = async |name, trace: &str, answer: &str, provenance, finish, retried: &[CauseKind]| {
        let Answered { reply, retries, .. } = answered(&mock, way, name).await;
        let extraction = &reply.extraction;
        assert_eq!(
            (extraction.trace().as_str(), extraction.answer().as_str()),
            (trace, answer),
            "case:{name}"
        );
        assert_eq!((extraction.provenance, &reply.finish), (provenance, &finish), "case:{name}");
        assert_eq!(retries.iter().map(|r| r.cause.kind).collect::<Vec<_>>(), retried, "case:{name}");
        let named = way.names_model.then_some("reasoner");
        assert_eq!(reply.returned_model.as_deref(), named, "case:{name}");
        assert!(extraction.covers() && !reply.exchange.raw.response.is_empty(), "case:{name}");
        reply
    };
    let (own, stop) = (way.trace, || FinishReason::Stop);

    let thought = "The question touches a risk to other people's property, so the answer stays general.";
    let plain =
        check("plain", thought, "I can explain how such locks are kept safe.", own, stop(), &[]).await;
    assert_eq!((plain.usage.input, plain.usage.output), (Some(12), Some(30)));
    assert!(!plain.blocked);

    // Tags are the model's own, whatever its provider summarises.
    let full = Provenance::Full;
    check("tags", "A tag arrives inside the content.", "The answer follows it.", full, stop(), &[]).await;

    let half = "The request asks about locks; a risk could be";
    check("truncated", half, "", Provenance::Truncated, FinishReason::Length, &[]).await;

    if way.tells_filter {
        let filtered = check("filter", "", "", Provenance::Absent, FinishReason::ContentFilter, &[]).await;
        assert!(filtered.blocked);
    }

    let waited = "The first attempt was refused, this one passes.";
    check("limited", waited, "Fine after the wait.", own, stop(), &[CauseKind::RateLimited]).await;

    let passed = "The trouble has passed.";
    check("flaky", passed, "Fine on the second attempt.", own, stop(), &[CauseKind::Server]).await;

    if way.sees_schema {
        let verdict = answered(&mock, way, "verdict").await.reply.extraction.answer();
        let verdict: serde_json::Value = serde_json::from_str(&verdict).expect("a verdict is JSON");
        assert_eq!((&verdict["label"], &verdict["risks"][0]["recognised"]), (&json!("True"), &json!(true)));
    }

    if way.stream {
        let whole = "The connection stays open.";
        check("cut", whole, "This answer arrives whole.", own, stop(), &[CauseKind::Disconnected]).await;
    }

    for (name, kind) in [("refused", CauseKind::BadRequest), ("unheard-of", CauseKind::UnknownModel)] {
        let failed = ask(&mock, way, &Case { name, schema: false }).await.expect_err(name);
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

/// One test a style, whole and streamed.
macro_rules! styles {
    ($($name:ident = $way:ident),+ $(,)?) => {$(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn whole_replies() {
                every_case($way).await;
            }

            #[tokio::test]
            async fn streamed_replies() {
                every_case(Way { stream: true, ..$way }).await;
            }
        }
    )+};
}

styles! { chat = CHAT, responses = RESPONSES, messages = MESSAGES, gemini = GEMINI }
