//! Through LiteLLM's proxy, installed on demand (`just interop-litellm`), with our fake provider behind it, in each wire
//! format the proxy speaks: traces pass, errors of either keep their meaning, refusals for a while are survived.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};

use testkit::litellm::LiteLlm;
use testkit::server::Kind;
use testkit::{Config, Dialect, FakeServer, Fault, RetryAfter};
use undersight_core::{CauseKind, FinishReason, GenParams, Message, ModelName, Provenance, Retry, Role};
use undersight_endpoint::providers::table::complete;
use undersight_endpoint::{Answered, Budget, ChatRequest, Endpoint, Failed, Options, connect};

/// One of the proxy's routes, and what it loses. Behind all of them are chat completions.
struct Route {
    provider: &'static str,
    /// In place of the `v1` that the proxy's address ends in.
    version: &'static str,
    /// Whether reasoning apart from the content is passed on.
    thoughts: bool,
    /// Whether the wait that an upstream asks for is passed on.
    upstream_wait: bool,
    /// Whether the proxy's own rate limit names a wait.
    own_wait: bool,
    /// Whether tokens are counted in a stream.
    counts_streams: bool,
    /// The model a reply names, whole and streamed.
    names: [Option<&'static str>; 2],
}

const CHAT: Route = Route {
    provider: "vllm",
    version: "v1",
    thoughts: true,
    upstream_wait: true,
    own_wait: true,
    counts_streams: true,
    names: [Some(LiteLlm::MODEL); 2],
};
/// The same, by the proxy's own row.
const OWN: Route = Route { provider: "litellm", ..CHAT };
/// A whole reply names the proxy's model, a stream the upstream's.
const RESPONSES: Route = Route {
    provider: "openai-responses",
    names: [Some(LiteLlm::MODEL), Some(LiteLlm::UPSTREAM_MODEL)],
    ..CHAT
};
/// Its errors come without any header of a wait: the usual backoff stands in.
const MESSAGES: Route = Route { provider: "anthropic", upstream_wait: false, own_wait: false, ..CHAT };
/// It drops thoughts, says that a stream was 0 tokens, and never names the model.
const GEMINI: Route = Route {
    provider: "google",
    version: "v1beta",
    thoughts: false,
    upstream_wait: false,
    counts_streams: false,
    names: [None; 2],
    ..CHAT
};

/// A route, the proxy's model that reaches the upstream, and whether replies are streamed.
struct Way {
    route: Route,
    model: &'static str,
    stream: bool,
}

impl Way {
    /// Whether the upstream's codes are passed on, quoted; otherwise only its words are.
    fn keeps_codes(&self) -> bool {
        self.model == LiteLlm::MODEL
    }

    /// Whether the reasoning of such a reply gets through: tags in a stream do, unrecognised; in a whole reply the proxy
    /// takes them for reasoning, but a closing tag alone for nothing.
    fn keeps_trace(&self, case: &Case) -> bool {
        match case.faults {
            [Some(Fault::Tags)] => self.route.thoughts || self.stream,
            [Some(Fault::StrayClose)] => true,
            _ => self.route.thoughts,
        }
    }
}

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

const fn way(route: Route, model: &'static str, stream: bool) -> Way {
    Way { route, model, stream }
}

const WAYS: [Way; 10] = [
    way(CHAT, LiteLlm::MODEL, false),
    way(CHAT, LiteLlm::MODEL, true),
    way(OWN, "by-openai", false),
    way(OWN, "by-openai", true),
    way(RESPONSES, LiteLlm::MODEL, false),
    way(RESPONSES, LiteLlm::MODEL, true),
    way(MESSAGES, LiteLlm::MODEL, false),
    way(MESSAGES, LiteLlm::MODEL, true),
    way(GEMINI, LiteLlm::MODEL, false),
    way(GEMINI, LiteLlm::MODEL, true),
];

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
            .flat_map(|way| {
                let quota = way.keeps_codes().then_some(Some(Fault::NoCredit));
                cases(way.stream).flat_map(|case| case.faults.iter().copied()).chain(quota)
            })
            .collect(),
        retry_after: std::time::Duration::from_millis(300),
        ..Config::default()
    })
}

fn endpoint(proxy: &LiteLlm, way: &Way, model: &str, key: Option<&str>, budget: Arc<Budget>) -> Endpoint {
    let model = ModelName::parse(&format!("{}/{model}", way.route.provider)).expect("a model's name");
    let base = proxy.url();
    let base = base.strip_suffix("v1").expect("its address ends in the version");
    let options = Options {
        base_urls: vec![format!("{base}{}", way.route.version)],
        stream: way.stream,
        max_connections: Some(1),
        budget,
        ..Options::default()
    };
    connect(&model, &options, &|var| key.filter(|_| var.ends_with("_API_KEY")).map(str::to_owned))
        .expect("a local server needs no key")
}

fn usual(proxy: &LiteLlm, way: &Way, model: &str) -> Endpoint {
    endpoint(proxy, way, model, Some(LiteLlm::KEY), Arc::new(Budget::new(None)))
}

fn request(endpoint: &Endpoint) -> ChatRequest {
    ChatRequest {
        params: complete(endpoint.model(), GenParams::default()),
        messages: vec![Message::new(Role::User, "what should one think of here?")],
        ..ChatRequest::default()
    }
}

fn kinds(retries: &[Retry]) -> Vec<CauseKind> {
    retries.iter().map(|r| r.cause.kind).collect()
}

async fn check(server: &FakeServer, endpoint: &Endpoint, way: &Way, case: &Case) {
    let result = endpoint.call(&request(endpoint), &|_| ()).await;
    let outcome = match &result {
        Ok(answered) => String::from_utf8_lossy(&answered.reply.exchange.raw.response),
        Err(failed) => failed.cause.message.as_str().into(),
    };
    let seen = format!("{} stream={} {:?}: {outcome}", endpoint.model(), way.stream, case.faults);
    let last = server.journal().pop().filter(|entry| entry.kind == Kind::Generate).expect(&seen);
    let (trace, answer) = server.text(&last);
    let half = &trace[..trace.floor_char_boundary(trace.len() / 2)];
    let tokens = |text: &str| text.len().div_ceil(4) as u64;
    let (sent, provenance, finish) = match case.arrives {
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
    let (expected, provenance) =
        if way.keeps_trace(case) { (sent, provenance) } else { (("", sent.1), Provenance::Absent) };
    let Answered { reply, retries, .. } = result.unwrap_or_else(|_| panic!("{seen}"));
    let got = (reply.extraction.trace(), reply.extraction.answer());
    // Views are trimmed; the filler is cut wherever its size wants it.
    assert_eq!((got.0.as_str(), got.1.as_str()), (expected.0.trim(), expected.1.trim()), "{seen}");
    assert_eq!((reply.extraction.provenance, reply.finish), (provenance, finish), "{seen}");
    assert!(reply.extraction.covers() && !reply.exchange.raw.response.is_empty(), "{seen}");
    assert_eq!(reply.blocked, matches!(case.arrives, Arrives::Blocked { .. }), "{seen}");
    assert_eq!(kinds(&retries), case.retried, "{seen}");
    if way.route.upstream_wait {
        for retry in retries.iter().filter(|r| r.cause.kind == CauseKind::RateLimited) {
            // The upstream's own header, which the proxy renames; a tenth more spreads the calls.
            assert!((300_000..=330_000).contains(&retry.waited_us), "{seen}");
        }
    }
    if matches!(case.arrives, Arrives::Blocked { billed: false }) {
        assert_eq!((reply.usage.input, reply.usage.output), (None, None), "{seen}");
        return;
    }
    assert_eq!(reply.returned_model.as_deref(), named(way), "{seen}");
    let counted = way.route.counts_streams || !way.stream;
    assert_eq!(reply.usage.input.is_some(), counted, "{seen}");
    if !matches!(case.faults, [Some(Fault::Tags | Fault::StrayClose)]) {
        let output = tokens(sent.0) + tokens(sent.1);
        assert_eq!(reply.usage.output, counted.then_some(output), "{seen}");
    }
}

/// The model that a reply names.
fn named(way: &Way) -> Option<&'static str> {
    let named = way.route.names[usize::from(way.stream)];
    named.map(|name| if name == LiteLlm::MODEL { way.model } else { name })
}

/// Failures that end a run: the proxy's own and those it passes on.
async fn fatal(proxy: &LiteLlm, way: &Way) {
    use CauseKind as K;
    let key = Some(LiteLlm::KEY);
    for (model, key, kind, words) in [
        // Scripted once.
        (way.model, key, K::Quota, "used up"),
        (way.model, None, K::Auth, "No api key passed in"),
        (way.model, Some("sk-of-another-place"), K::Auth, "No connected db"),
        ("refused-upstream", key, K::Auth, "model group 'refused-upstream'"),
        ("absent", key, K::UnknownModel, "Invalid model name"),
        ("unknown-upstream", key, K::UnknownModel, "does not exist"),
    ] {
        let endpoint = endpoint(proxy, way, model, key, Arc::new(Budget::new(None)));
        let failed = endpoint.call(&request(&endpoint), &|_| ()).await.expect_err(model);
        let seen = format!("{} stream={}: {}", endpoint.model(), way.stream, failed.cause.message);
        assert_eq!((failed.cause.kind, failed.retries.len()), (kind, 0), "{seen}");
        assert!(failed.cause.message.contains(words), "{seen}");
        let fatal = failed.fatal.unwrap_or_else(|| panic!("{seen}: would fail for every instance"));
        assert!(!fatal.hint.is_empty(), "{seen}");
    }
}

/// The proxy's own rate limit: the wait it asks for is taken over, not waited for here.
async fn rationed(proxy: &LiteLlm, way: &Way) {
    const ASKED_US: RangeInclusive<i64> = 60_000_000..=66_000_000;
    let budget = Arc::new(Budget::new(None));
    let endpoint = endpoint(proxy, way, "rationed", Some(LiteLlm::KEY), Arc::clone(&budget));
    let heard = Mutex::new(Vec::new());
    let stop = |retry: &Retry| {
        heard.lock().expect("no panic while held").push(retry.clone());
        budget.stop();
    };
    // Two a minute pass; one more than that, should a minute begin in between.
    for _ in 0..5 {
        let Err(failed) = endpoint.call(&request(&endpoint), &stop).await else { continue };
        assert_eq!((failed.cause.kind, failed.fatal), (CauseKind::Stopped, None), "{}", endpoint.model());
        let heard = heard.lock().expect("no panic while held");
        assert_eq!(kinds(&heard), [CauseKind::RateLimited], "{}", endpoint.model());
        assert!(heard[0].cause.message.contains("RPM limit=2"), "{heard:?}");
        if way.route.own_wait {
            assert!(ASKED_US.contains(&heard[0].waited_us), "{heard:?}");
        }
        return;
    }
    panic!("five calls passed a limit of two a minute");
}

async fn every_way(dialect: Dialect) {
    let server = upstream(dialect);
    let Some(proxy) = LiteLlm::start(&server.url()) else { return };
    for way in &WAYS {
        let endpoint = usual(&proxy, way, way.model);
        for case in cases(way.stream) {
            check(&server, &endpoint, way, case).await;
        }
        if way.keeps_codes() {
            fatal(&proxy, way).await;
        }
    }

    let once = || WAYS.iter().filter(|way| way.keeps_codes());
    for way in once() {
        rationed(&proxy, way).await;
    }
    let calls = server.count(Kind::Generate);
    for way in once().filter(|way| !way.stream) {
        let nowhere = usual(&proxy, way, "nowhere");
        let failed = nowhere.call(&request(&nowhere), &|_| ()).await.expect_err("nothing listens there");
        assert_eq!((failed.cause.kind, failed.fatal), (CauseKind::Server, None), "{}", failed.cause.message);
    }
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
