//! Calls through batches, against a simulated provider that loses, refuses, delays and garbles: every call is answered,
//! and no request is handed in a second time, wherever the client is killed.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up should fail")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use testkit::server::{Ending, Fate, Kind, Step, Trouble};
use testkit::{Batches, Config, FakeServer};
use undersight_core::{Batch, CauseKind, Digest, Message, Micros, ModelName, Role};
use undersight_endpoint::batch::{BatchBook, Batching, MemoryBook, News, Pace};
use undersight_endpoint::{Answered, Budget, ChatRequest, ConnectError, Endpoint, Failed, Options, connect};

const KEY: &str = "sk-planted-0123456789";
const STYLES: [&str; 1] = ["openai/fake"];

struct Bench {
    model: &'static str,
    server: FakeServer,
    book: Arc<MemoryBook>,
    news: Arc<Mutex<Vec<News>>>,
    budget: Arc<Budget>,
    size: usize,
}

impl Bench {
    fn new(model: &'static str, batches: Batches) -> Self {
        let retry_after = Duration::from_millis(5);
        let config = Config { key: Some(KEY.to_owned()), batches, retry_after, ..Config::default() };
        Self {
            model,
            server: FakeServer::start(config),
            book: Arc::default(),
            news: Arc::default(),
            budget: Arc::new(Budget::new(None)),
            size: 1_000,
        }
    }

    /// What a process has: everything but the book and the provider is new.
    fn endpoint(&self) -> Endpoint {
        let (news, budget) = (Arc::clone(&self.news), Arc::clone(&self.budget));
        let batching = Batching {
            book: Arc::clone(&self.book) as Arc<dyn BatchBook>,
            size: self.size,
            pace: Pace::of(Duration::from_millis(10)),
            tell: Arc::new(move |said| news.lock().unwrap().push(said)),
        };
        self.connected(Options { batch: Some(batching), budget, ..Options::default() })
    }

    fn connected(&self, options: Options) -> Endpoint {
        let options = Options { base_urls: vec![self.server.url()], ..options };
        let env = |name: &str| name.ends_with("_API_KEY").then(|| KEY.to_owned());
        connect(&ModelName::parse(self.model).unwrap(), &options, &env).unwrap()
    }

    /// How often each of these requests was taken in a batch.
    fn taken(&self, n: u8) -> Vec<usize> {
        let batches = self.server.batched();
        let count = |i: u8| batches.iter().flatten().filter(|id| **id == tag(i).to_string()).count();
        (0..n).map(count).collect()
    }

    fn news(&self) -> Vec<News> {
        self.news.lock().unwrap().clone()
    }

    /// The news once so many batches were collected: the last answer may be there before the word that it was the last.
    async fn news_of(&self, batches: usize) -> Vec<News> {
        for _ in 0..1_000 {
            let news = self.news();
            if news.iter().filter(|said| matches!(said, News::Collected { .. })).count() >= batches {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.news()
    }
}

fn tag(i: u8) -> Digest {
    Digest::of_bytes(&[i])
}

fn request(i: u8) -> ChatRequest {
    let mut request = ChatRequest {
        messages: vec![Message::new(Role::User, format!("what is {i} + 3?"))],
        tag: Some(tag(i)),
        ..ChatRequest::default()
    };
    request.params.max_tokens = Some(100);
    request
}

async fn ask(endpoint: &Endpoint, n: u8) -> Vec<Result<Answered, Box<Failed>>> {
    let requests: Vec<ChatRequest> = (0..n).map(request).collect();
    let calls = join_all(requests.iter().map(|request| endpoint.call(request, &|_| ())));
    tokio::time::timeout(Duration::from_secs(60), calls).await.expect("nothing waits forever")
}

/// All answered; whether by a batch.
#[track_caller]
fn batched(answers: Vec<Result<Answered, Box<Failed>>>, what: &str) -> Vec<bool> {
    let one = |answer: Result<Answered, Box<Failed>>| match answer {
        Ok(answered) => answered.reply.exchange.batched,
        Err(failed) => panic!("{what}: {}", failed.cause.message),
    };
    answers.into_iter().map(one).collect()
}

#[tokio::test]
async fn a_batch_answers_as_live_calls_do() {
    for model in STYLES {
        let bench = Bench { size: 3, ..Bench::new(model, Batches { looks: 2, ..Batches::default() }) };
        let live = bench.connected(Options::default());
        let (through, direct) = (ask(&bench.endpoint(), 7).await, ask(&live, 7).await);
        for (through, direct) in through.into_iter().zip(direct) {
            let (through, direct) = (through.unwrap().reply, direct.unwrap().reply);
            assert_eq!(through.extraction, direct.extraction, "{model}");
            assert_eq!((through.usage, &through.finish), (direct.usage, &direct.finish), "{model}");
            assert_eq!(through.returned_model, direct.returned_model, "{model}");
            let (through, direct) = (through.exchange, direct.exchange);
            assert_eq!((through.batched, direct.batched), (true, false), "{model}");
            assert_eq!(through.raw.request, direct.raw.request, "{model}: what was sent is recorded");
            let body = |raw: &[u8]| serde_json::from_slice::<serde_json::Value>(raw).unwrap();
            assert_eq!(body(&through.raw.response), body(&direct.raw.response), "{model}");
            assert_eq!(through.url, direct.url, "{model}");
            let id = through.request_id.unwrap();
            assert!(id.starts_with("batch_"), "{model}: {id}");
        }
        let sizes: Vec<usize> = bench.server.batched().iter().map(Vec::len).collect();
        assert_eq!(sizes, [3, 3, 1], "{model}: no batch exceeds the size asked for");
        let news = bench.news_of(3).await;
        let heard = |wanted: fn(&News) -> bool| news.iter().filter(|said| wanted(said)).count();
        assert_eq!(heard(|said| matches!(said, News::Sent { .. })), 3, "{model}: {news:?}");
        assert!(heard(|said| matches!(said, News::Working { .. })) >= 3, "{model}: {news:?}");
        let whole = |said: &News| matches!(said, News::Collected { live: 0, why: None, .. });
        assert_eq!(heard(whole), 3, "{model}: {news:?}");
        assert!(!format!("{news:?}").contains(KEY));
    }
}

#[tokio::test]
async fn what_a_batch_leaves_is_called_live() {
    let check = async |model, fate, ending| {
        let batches = Batches { fates: vec![(1, fate), (3, fate)], ending, ..Batches::default() };
        let bench = Bench::new(model, batches);
        let endpoint = bench.endpoint();
        let what = format!("{model} {fate:?} {ending:?}");
        assert_eq!(batched(ask(&endpoint, 5).await, &what), [true, false, true, false, true], "{what}");
        let live = bench.server.count(Kind::Generate);
        assert_eq!(live, 2, "{what}: only those");
        let told = bench.news_of(1).await.into_iter().find_map(|said| match said {
            News::Collected { answered, live, .. } => Some((answered, live)),
            _ => None,
        });
        assert_eq!(told, Some((3, 2)), "{what}");
        // Another process has them from the same batch, and the rest live again.
        assert_eq!(
            batched(ask(&bench.endpoint(), 5).await, &what),
            [true, false, true, false, true],
            "{what}"
        );
        assert_eq!(bench.taken(5), [1; 5], "{what}");
    };
    for model in STYLES {
        for fate in [Fate::Errored, Fate::Expired, Fate::Missing, Fate::Garbled] {
            check(model, fate, Ending::Completed).await;
        }
        check(model, Fate::Missing, Ending::Cancelled).await;
        check(model, Fate::Expired, Ending::Expired).await;
    }
}

/// Trouble that passes while the client lives.
#[tokio::test]
async fn trouble_passes() {
    let kinds = [Trouble::RateLimited, Trouble::ServerError, Trouble::Undone, Trouble::Cut];
    for model in STYLES {
        for step in [Step::Upload, Step::Create, Step::Look, Step::Fetch] {
            for trouble in kinds {
                let batches = Batches { looks: 1, trouble: vec![(step, trouble)], ..Batches::default() };
                let bench = Bench::new(model, batches);
                let what = format!("{model} {step:?} {trouble:?}");
                assert_eq!(batched(ask(&bench.endpoint(), 4).await, &what), [true; 4], "{what}");
                assert_eq!(bench.taken(4), [1; 4], "{what}: handed in once");
            }
        }
    }
}

/// Killed within every step, before and after the provider did what was asked; a killed client is one that is gone
/// with all it knew.
#[tokio::test]
async fn killed_anywhere_nothing_is_handed_in_twice() {
    for model in STYLES {
        for step in [Step::Upload, Step::Create, Step::Look, Step::Fetch] {
            if step == Step::Upload && model == "anthropic/fake" {
                continue;
            }
            for trouble in [Trouble::Lost, Trouble::Unheard] {
                let batches = Batches { looks: 2, trouble: vec![(step, trouble)], ..Batches::default() };
                let bench = Bench::new(model, batches);
                let what = format!("{model} {step:?} {trouble:?}");
                let endpoint = bench.endpoint();
                let asking = tokio::spawn(async move { ask(&endpoint, 6).await.len() });
                while bench.server.journal().iter().all(|entry| entry.status != 0) {
                    assert!(!asking.is_finished(), "{what}: it hangs");
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                asking.abort();
                assert!(asking.await.is_err(), "{what}: killed");
                assert_eq!(batched(ask(&bench.endpoint(), 6).await, &what), [true; 6], "{what}");
                assert_eq!(bench.taken(6), [1; 6], "{what}: handed in once");
                // The same again: nothing new is handed in, and nothing is called live.
                assert_eq!(batched(ask(&bench.endpoint(), 6).await, &what), [true; 6], "{what}");
                assert_eq!((bench.taken(6), bench.server.count(Kind::Generate)), (vec![1; 6], 0), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_stop_leaves_the_batch_with_the_provider() {
    for model in STYLES {
        let bench = Bench::new(model, Batches { looks: 3, ..Batches::default() });
        let endpoint = bench.endpoint();
        let asking = tokio::spawn(async move { ask(&endpoint, 3).await });
        while !bench.news().iter().any(|said| matches!(said, News::Working { .. })) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bench.budget.stop();
        for answer in asking.await.unwrap() {
            let failed = answer.expect_err("stopped");
            assert_eq!((failed.cause.kind, failed.fatal), (CauseKind::Stopped, None), "{model}");
        }
        let left = News::Left { ids: vec!["batch_0".to_owned()] };
        assert_eq!(bench.news().last(), Some(&left), "{model}");
        let next = Bench { budget: Arc::new(Budget::new(None)), ..bench };
        assert_eq!(batched(ask(&next.endpoint(), 3).await, model), [true; 3], "{model}");
        assert_eq!(next.taken(3), [1; 3], "{model}");
    }
}

#[tokio::test]
async fn a_refused_batch_says_why_and_frees_its_requests() {
    let bench = Bench::new("openai/fake", Batches { ending: Ending::Refused, ..Batches::default() });
    for times in 1..=2 {
        for answer in ask(&bench.endpoint(), 2).await {
            let failed = answer.expect_err("refused");
            assert_eq!(failed.cause.kind, CauseKind::BadRequest);
            assert!(failed.cause.message.contains("not to our taste"), "{}", failed.cause.message);
        }
        assert_eq!(bench.server.batched().len(), times, "it can be handed in again");
    }
    assert_eq!(bench.server.count(Kind::Generate), 0, "and none of it is called live at full price");
}

#[tokio::test]
async fn what_the_provider_no_longer_keeps_is_handed_in_anew() {
    for model in STYLES {
        let bench = Bench::new(model, Batches::default());
        let batch = Batch {
            nonce: "forgotten".to_owned(),
            url: bench.connected(Options::default()).url().to_owned(),
            provider_id: Some("batch_99".to_owned()),
            items: 2,
            created: Micros(0),
            end: None,
        };
        bench.book.intend(&batch, &[tag(0), tag(1)]).unwrap();
        assert_eq!(batched(ask(&bench.endpoint(), 3).await, model), [true; 3], "{model}");
        assert_eq!(bench.taken(3), [1; 3], "{model}");
        assert!(bench.news().iter().any(|said| matches!(said, News::Trouble(_))), "{model}");
    }
}

#[tokio::test]
async fn calls_without_a_tag_go_live() {
    let bench = Bench::new("openai/fake", Batches::default());
    let answered = bench.endpoint().call(&ChatRequest { tag: None, ..request(1) }, &|_| ()).await.unwrap();
    assert!(!answered.reply.exchange.batched);
    assert_eq!(bench.server.batched().len(), 0);
}

#[test]
fn models_without_batches_are_refused() {
    for model in ["sim/careless", "vllm/fake", "google/fake"] {
        let book: Arc<dyn BatchBook> = Arc::new(MemoryBook::default());
        let pace = Pace::of(Duration::from_secs(1));
        let batch = Some(Batching { book, size: 10, pace, tell: Arc::new(|_| ()) });
        let options =
            Options { batch, base_urls: vec!["http://127.0.0.1:9/v1".to_owned()], ..Options::default() };
        let refused = connect(&ModelName::parse(model).unwrap(), &options, &|_| None).unwrap_err();
        assert!(matches!(refused, ConnectError::NoBatches { .. }), "{model}: {refused}");
        assert!(refused.hint().contains("anthropic"), "{model}: {}", refused.hint());
    }
}
