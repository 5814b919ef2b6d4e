//! A server that only exists on paper: what it answers and how long it takes is a function of the number of the call.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use undersight_core::{Cause, CauseKind, ModelName, Timing, Usage};
use undersight_endpoint::providers::table;
use undersight_endpoint::providers::wire::{Reading, Style};
use undersight_endpoint::{
    Budget, CallError, ChatRequest, Client, Decision, Endpoint, Exchange, Gate, Governor, Limiter, Member,
    PriceTable, Reply, RetryPolicy,
};

/// How a call goes.
pub(crate) struct Play {
    pub(crate) takes: Duration,
    pub(crate) end: Result<Usage, (CauseKind, Decision)>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Play {
    pub(crate) fn answer(takes: Duration) -> Self {
        Self { takes, end: Ok(tokens(10, 10)), headers: Vec::new() }
    }

    pub(crate) fn failure(kind: CauseKind, decision: Decision) -> Self {
        Self { takes: Duration::from_millis(1), end: Err((kind, decision)), headers: Vec::new() }
    }
}

pub(crate) fn tokens(input: u64, output: u64) -> Usage {
    Usage { input: Some(input), output: Some(output), ..Usage::default() }
}

pub(crate) type Calls = Arc<Mutex<Vec<Instant>>>;

pub(crate) struct Played {
    url: String,
    calls: Calls,
    /// How many calls are worked on at a time; the others queue.
    workers: Semaphore,
    script: Box<dyn Fn(usize) -> Play + Send + Sync>,
}

impl Played {
    pub(crate) fn new(
        host: &str,
        script: impl Fn(usize) -> Play + Send + Sync + 'static,
    ) -> (Box<Self>, Calls) {
        Self::with_workers(host, Semaphore::MAX_PERMITS, script)
    }

    pub(crate) fn with_workers(
        host: &str,
        workers: usize,
        script: impl Fn(usize) -> Play + Send + Sync + 'static,
    ) -> (Box<Self>, Calls) {
        let calls = Calls::default();
        let url = format!("http://{host}/v1/chat/completions");
        let workers = Semaphore::new(workers);
        (Box::new(Self { url, calls: Arc::clone(&calls), workers, script: Box::new(script) }), calls)
    }
}

impl Client for Played {
    fn call<'a>(&'a self, _: &'a ChatRequest) -> BoxFuture<'a, Result<Reply, Box<CallError>>> {
        Box::pin(async {
            let number = {
                let mut calls = self.calls.lock().unwrap();
                calls.push(Instant::now());
                calls.len() - 1
            };
            let play = (self.script)(number);
            let start = Instant::now();
            {
                let _worker = self.workers.acquire().await;
                sleep(play.takes).await;
            }
            let mut headers = HeaderMap::new();
            for (name, value) in play.headers {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
            }
            let total_us = i64::try_from(start.elapsed().as_micros()).unwrap();
            let exchange = Exchange {
                url: self.url.clone(),
                headers,
                timing: Timing { total_us, ..Timing::default() },
                ..Exchange::default()
            };
            match play.end {
                Ok(usage) => Ok(Reply { usage, ..answer(exchange) }),
                Err((kind, decision)) => Err(Box::new(CallError {
                    cause: Cause { kind, http_status: None, message: "played".to_owned() },
                    decision,
                    exchange,
                })),
            }
        })
    }

    fn url(&self) -> &str {
        &self.url
    }
}

fn answer(exchange: Exchange) -> Reply {
    let body = br#"{"choices":[{"message":{"content":"5"},"finish_reason":"stop"}]}"#;
    let row = table::row("vllm").unwrap();
    let reading = Reading { row, model: "m", hint: None, max_tokens: None };
    Style::Chat.wire().whole(body, &reading).unwrap().into_reply(exchange, None)
}

pub(crate) fn member(client: Box<Played>, at_a_time: usize, governor: Option<&Arc<Governor>>) -> Member {
    Member::new(client, Gate::new(Limiter::fixed(at_a_time), governor.cloned()))
}

pub(crate) fn endpoint(members: Vec<Member>) -> Endpoint {
    let budget = Arc::new(Budget::new(None));
    priced(members, budget, PriceTable::empty())
}

pub(crate) fn priced(members: Vec<Member>, budget: Arc<Budget>, prices: PriceTable) -> Endpoint {
    let model = ModelName::parse("openai/m").unwrap();
    Endpoint::of(model, members, RetryPolicy::default(), budget, Arc::new(prices))
}
