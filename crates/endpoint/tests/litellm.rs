//! Through LiteLLM's proxy, installed on demand (`just interop-litellm`), with our fake provider behind it: traces
//! pass, errors of either keep their meaning, refusals for a while are survived.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};

use testkit::litellm::LiteLlm;
use testkit::server::Kind;
use testkit::{Config, Dialect, FakeServer, Fault, RetryAfter};
use undersight_core::{CauseKind, FinishReason, GenParams, Message, ModelName, Provenance, Retry, Role};
use undersight_endpoint::{Answered, Budget, ChatRequest, Endpoint, Failed, Options, connect};

/// What the upstream is scripted to do, and what arrives here in the end.
struct Case {
    faults: &'static [Option<Fault>],
    arrives: Arrives,
    retried: &'static [CauseKind],
}

enum Arrives {
    /// The whole trace and the whole answer.
    Whole,
    /// The whole trace, and no answer.
    TraceOnly,
    /// Half the trace.
    HalfTrace,
    /// The filter's refusal; with a bill where it is a reply.
    Blocked { billed: bool },
    /// A failure for this request alone.
    Failure(CauseKind),
}

const LIMITED: Option<Fault> = Some(Fault::RateLimited(RetryAfter::Millis));

const CASES: &[Case] = &[
    Case { faults: &[None], arrives: Arrives::Whole, retried: &[] },
    Case { faults: &[Some(Fault::Tags)], arrives: Arrives::Whole, retried: &[] },
    Case { faults: &[Some(Fault::StrayClose)], arrives: Arrives::Whole, retried: &[] },
    Case { faults: &[Some(Fault::Truncated)], arrives: Arrives::HalfTrace, retried: &[] },
    Case { faults: &[Some(Fault::Empty)], arrives: Arrives::TraceOnly, retried: &[] },
    Case { faults: &[Some(Fault::Blocked)], arrives: Arrives::Blocked { billed: true }, retried: &[] },
    Case { faults: &[Some(Fault::Refused)], arrives: Arrives::Blocked { billed: false }, retried: &[] },
    Case { faults: &[LIMITED, None], arrives: Arrives::Whole, retried: &[CauseKind::RateLimited] },
    Case {
        faults: &[Some(Fault::ServerError), Some(Fault::Unavailable), None],
        arrives: Arrives::Whole,
        retried: &[CauseKind::Server, CauseKind::Server],
    },
    Case {
        faults: &[Some(Fault::Overloaded), Some(Fault::Cut), None],
        arrives: Arrives::Whole,
        retried: &[CauseKind::Server, CauseKind::Server],
    },
    Case {
        faults: &[Some(Fault::ContextLength)],
        arrives: Arrives::Failure(CauseKind::ContextLength),
        retried: &[],
    },
];

/// Only for whole replies: a stream that ends too soon is given a normal end by the proxy, which nobody can tell.
const WHOLE_ONLY: &[Case] = &[Case {
    faults: &[Some(Fault::Malformed), Some(Fault::Html), None],
    arrives: Arrives::Whole,
    retried: &[CauseKind::Server, CauseKind::Server],
}];

/// The proxy's models that reach the upstream, and whether replies are streamed.
const WAYS: [(&str, bool); 4] =
    [("by-vllm", false), ("by-vllm", true), ("by-openai", false), ("by-openai", true)];

fn cases(stream: bool) -> impl Iterator<Item = &'static Case> {
    CASES.iter().chain(WHOLE_ONLY.iter().filter(move |_| !stream))
}

fn upstream(dialect: Dialect) -> FakeServer {
    FakeServer::start(Config {
        dialect,
        key: Some(LiteLlm::UPSTREAM_KEY.to_owned()),
        models: Some(vec![LiteLlm::UPSTREAM_MODEL.to_owned()]),
        script: WAYS
            .iter()
            .flat_map(|(_, stream)| cases(*stream))
            .flat_map(|case| case.faults.iter().copied())
            .chain([Some(Fault::NoCredit)])
            .collect(),
        retry_after: std::time::Duration::from_millis(300),
        ..Config::default()
    })
}

fn endpoint(proxy: &LiteLlm, model: &str, stream: bool, key: Option<&str>, budget: Arc<Budget>) -> Endpoint {
    let model = ModelName::parse(&format!("vllm/{model}")).expect("a model's name");
    let options = Options {
        base_url: Some(proxy.url()),
        stream,
        max_connections: Some(1),
        budget,
        ..Options::default()
    };
    connect(&model, &options, &|var| key.filter(|_| var == "VLLM_API_KEY").map(str::to_owned))
        .expect("a local server needs no key")
}

fn usual(proxy: &LiteLlm, model: &str, stream: bool) -> Endpoint {
    endpoint(proxy, model, stream, Some(LiteLlm::KEY), Arc::new(Budget::new(None)))
}

fn request() -> ChatRequest {
    ChatRequest {
        messages: vec![Message::new(Role::User, "what should one think of here?")],
        params: GenParams::default(),
        seed: None,
        schema: None,
        trace: None,
        side: None,
    }
}

fn kinds(retries: &[Retry]) -> Vec<CauseKind> {
    retries.iter().map(|r| r.cause.kind).collect()
}

async fn check(server: &FakeServer, endpoint: &Endpoint, stream: bool, case: &Case) {
    let result = endpoint.call(&request(), &|_| ()).await;
    let outcome = match &result {
        Ok(answered) => String::from_utf8_lossy(&answered.reply.raw.response),
        Err(failed) => failed.cause.message.as_str().into(),
    };
    let seen = format!("{} stream={stream} {:?}: {outcome}", endpoint.model(), case.faults);
    let last = server.journal().pop().filter(|entry| entry.kind == Kind::Generate).expect(&seen);
    let (trace, answer) = server.text(&last);
    let half = &trace[..trace.floor_char_boundary(trace.len() / 2)];
    let tokens = |text: &str| text.len().div_ceil(4) as u64;
    let (expected, provenance, finish) = match case.arrives {
        Arrives::Whole => ((trace, answer), Provenance::Full, FinishReason::Stop),
        Arrives::TraceOnly => ((trace, ""), Provenance::Full, FinishReason::Stop),
        Arrives::HalfTrace => ((half, ""), Provenance::Truncated, FinishReason::Length),
        Arrives::Blocked { .. } => (("", ""), Provenance::Absent, FinishReason::ContentFilter),
        Arrives::Failure(kind) => {
            let Failed { cause, retries, fatal, .. } = *result.expect_err(&seen);
            assert_eq!((cause.kind, kinds(&retries), fatal), (kind, case.retried.to_vec(), None), "{seen}");
            return;
        }
    };
    let Answered { reply, retries, .. } = result.unwrap_or_else(|_| panic!("{seen}"));
    let got = (reply.extraction.trace(), reply.extraction.answer());
    // Views are trimmed; the filler is cut wherever its size wants it.
    assert_eq!((got.0.as_str(), got.1.as_str()), (expected.0.trim(), expected.1.trim()), "{seen}");
    assert_eq!((reply.extraction.provenance, reply.finish), (provenance, finish), "{seen}");
    assert!(reply.extraction.covers() && !reply.raw.response.is_empty(), "{seen}");
    assert_eq!(reply.blocked, matches!(case.arrives, Arrives::Blocked { .. }), "{seen}");
    assert_eq!(kinds(&retries), case.retried, "{seen}");
    for retry in retries.iter().filter(|r| r.cause.kind == CauseKind::RateLimited) {
        // The upstream's own header, which the proxy renames; a tenth more spreads the calls.
        assert!((300_000..=330_000).contains(&retry.waited_us), "{seen}");
    }
    if matches!(case.arrives, Arrives::Blocked { billed: false }) {
        assert_eq!((reply.usage.input, reply.usage.output), (None, None), "{seen}");
    } else {
        assert_eq!(reply.returned_model.as_deref(), Some(endpoint.model().name()), "{seen}");
        assert!(reply.usage.input.is_some(), "{seen}");
        let tagged = matches!(case.faults, [Some(Fault::Tags | Fault::StrayClose)]);
        if !tagged {
            let output = tokens(expected.0) + tokens(expected.1);
            assert_eq!(reply.usage.output, Some(output), "{seen}");
        }
    }
}

/// Failures that end a run: the proxy's own and those it passes on.
async fn fatal(proxy: &LiteLlm, model: &str, key: Option<&str>, kind: CauseKind, words: &str) {
    for stream in [false, true] {
        let endpoint = endpoint(proxy, model, stream, key, Arc::new(Budget::new(None)));
        let failed = endpoint.call(&request(), &|_| ()).await.expect_err(model);
        assert_eq!((failed.cause.kind, failed.retries.len()), (kind, 0), "{model}: {}", failed.cause.message);
        assert!(failed.cause.message.contains(words), "{model}: {}", failed.cause.message);
        let fatal = failed.fatal.unwrap_or_else(|| panic!("{model} would fail for every instance"));
        assert!(!fatal.hint.is_empty());
        if kind == CauseKind::Quota {
            // Scripted once.
            return;
        }
    }
}

/// The proxy's own rate limit: the wait it asks for is taken over, not waited for here.
async fn rationed(proxy: &LiteLlm, stream: bool) {
    const ASKED_US: RangeInclusive<i64> = 60_000_000..=66_000_000;
    let budget = Arc::new(Budget::new(None));
    let endpoint = endpoint(proxy, "rationed", stream, Some(LiteLlm::KEY), Arc::clone(&budget));
    let heard = Mutex::new(Vec::new());
    let stop = |retry: &Retry| {
        heard.lock().expect("no panic while held").push(retry.clone());
        budget.stop();
    };
    // Two a minute pass; one more than that, should a minute begin in between.
    for _ in 0..5 {
        let Err(failed) = endpoint.call(&request(), &stop).await else { continue };
        assert_eq!((failed.cause.kind, failed.fatal), (CauseKind::Stopped, None));
        let heard = heard.lock().expect("no panic while held");
        assert_eq!(kinds(&heard), [CauseKind::RateLimited]);
        assert!(heard[0].cause.message.contains("RPM limit=2"), "{heard:?}");
        assert!(ASKED_US.contains(&heard[0].waited_us), "{heard:?}");
        return;
    }
    panic!("five calls passed a limit of two a minute");
}

async fn every_way(dialect: Dialect) {
    let server = upstream(dialect);
    let Some(proxy) = LiteLlm::start(&server.url()) else { return };
    for (model, stream) in WAYS {
        let endpoint = usual(&proxy, model, stream);
        for case in cases(stream) {
            check(&server, &endpoint, stream, case).await;
        }
    }

    use CauseKind as K;
    let key = Some(LiteLlm::KEY);
    fatal(&proxy, "by-vllm", key, K::Quota, "used up").await;
    fatal(&proxy, "by-vllm", None, K::Auth, "No api key passed in").await;
    fatal(&proxy, "by-vllm", Some("sk-of-another-place"), K::Auth, "No connected db").await;
    fatal(&proxy, "refused-upstream", key, K::Auth, "model group 'refused-upstream'").await;
    fatal(&proxy, "absent", key, K::UnknownModel, "Invalid model name").await;
    fatal(&proxy, "unknown-upstream", key, K::UnknownModel, "does not exist").await;

    for stream in [false, true] {
        rationed(&proxy, stream).await;
    }
    let calls = server.count(Kind::Generate);
    let nowhere = usual(&proxy, "nowhere", false);
    let failed = nowhere.call(&request(), &|_| ()).await.expect_err("nothing listens there");
    assert_eq!((failed.cause.kind, failed.fatal), (K::Server, None), "{}", failed.cause.message);
    assert_eq!(server.count(Kind::Generate), calls);
}

#[tokio::test]
#[ignore = "opt-in: just interop-litellm installs the proxy"]
async fn before_a_vllm_server() {
    every_way(Dialect::Vllm).await;
}

#[tokio::test]
#[ignore = "opt-in: just interop-litellm installs the proxy"]
async fn before_an_openai_style_server() {
    every_way(Dialect::OpenAi).await;
}
