//! Batches against aimock, a provider nobody here wrote: its files and batches take ours, and each line is answered by
//! one stock sentence.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use testkit::aimock::Aimock;
use undersight_core::{Digest, Message, ModelName, Role};
use undersight_endpoint::batch::{BatchBook, Batching, MemoryBook, News, Pace};
use undersight_endpoint::{ChatRequest, Options, connect};

#[tokio::test]
async fn batches_are_taken_and_answered() {
    let Some(mock) = Aimock::start(&Aimock::fixtures()) else { return };
    let book: Arc<dyn BatchBook> = Arc::new(MemoryBook::default());
    for (model, first) in [("openai/reasoner", 0), ("openai-responses/reasoner", 10), ("openai/reasoner", 0)]
    {
        let news: Arc<Mutex<Vec<News>>> = Arc::default();
        let told = Arc::clone(&news);
        let batching = Batching {
            book: Arc::clone(&book),
            size: 100,
            pace: Pace::of(Duration::from_millis(20)),
            tell: Arc::new(move |said| told.lock().unwrap().push(said)),
        };
        let options = Options { base_urls: vec![mock.url()], batch: Some(batching), ..Options::default() };
        let endpoint = connect(&ModelName::parse(model).unwrap(), &options, &|_| None).unwrap();
        let requests: Vec<ChatRequest> = (first..first + 5_u8)
            .map(|i| ChatRequest {
                messages: vec![Message::new(Role::User, format!("what is {i} + 3?"))],
                tag: Some(Digest::of_bytes(&[i])),
                ..ChatRequest::default()
            })
            .collect();
        let answers = join_all(requests.iter().map(|request| endpoint.call(request, &|_| ()))).await;
        for answer in answers {
            let reply = answer.unwrap_or_else(|failed| panic!("{model}: {}", failed.cause.message)).reply;
            assert_eq!(reply.extraction.answer(), "Mock batch completion", "{model}");
            assert!(reply.exchange.batched, "{model}");
        }
        // The last answer may be there before the word that it was the last.
        let whole = |said: &News| matches!(said, News::Collected { answered: 5, live: 0, .. });
        let told = || news.lock().unwrap().iter().any(whole);
        for _ in 0..1_000 {
            if told() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(told(), "{model}: {:?}", news.lock().unwrap());
    }
    let sent = book.sent_to(&format!("{}/chat/completions", mock.url())).unwrap();
    assert_eq!(sent.len(), 1, "the same requests again came from the same batch");
}
