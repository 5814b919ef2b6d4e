//! A batched model as a client: a call with a tag waits for its batch, one without goes live, and so does one whose
//! batch has no answer for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use undersight_core::{Cause, CauseKind, Digest};

use super::Batching;
use super::anthropic::Anthropic;
use super::courier::Courier;
use super::desk::{Answer, Desk, Outcome, Queued};
use super::openai::{self, OpenAi};
use super::provider::Provider;
use crate::api::{ApiClient, Codec};
use crate::budget::Budget;
use crate::client::{CallError, ChatRequest, Client, Decision, Exchange, Reply};
use crate::gate::Gate;
use crate::governor::Tokens;
use crate::providers::table::BatchApi;
use crate::retry::RetryPolicy;
use crate::transport::{Arrived, Broken};

/// How often a call is handed in anew because its batch came to nothing.
const ANEW: u32 = 3;

/// A model behind a batch API, with its live API for what the batches leave.
pub(crate) struct BatchClient {
    codec: Codec,
    live: ApiClient,
    /// The limits of the live API: calls that wait for a batch hold none of it.
    gate: Gate,
    desk: Arc<Desk>,
    task: Mutex<Option<Task>>,
}

struct Task {
    queue: mpsc::UnboundedSender<Queued>,
    handle: JoinHandle<()>,
}

/// The way to a provider's files and batches.
pub(crate) struct Way {
    /// The address of live calls.
    pub(crate) address: Url,
    pub(crate) http: reqwest::Client,
    pub(crate) credentials: HeaderMap,
    pub(crate) patience: Duration,
    pub(crate) policy: RetryPolicy,
    pub(crate) budget: Arc<Budget>,
}

impl BatchClient {
    /// `None` when the provider offers no batches of this wire format.
    pub(crate) fn new(
        codec: &Codec,
        live: ApiClient,
        gate: Gate,
        batching: Batching,
        way: Way,
    ) -> Option<Self> {
        let row = codec.target.row;
        let path = match row.batch? {
            BatchApi::OpenAi => openai::endpoint(row.style)?.trim_start_matches("/v1"),
            BatchApi::Anthropic => "/messages",
        };
        let mut root = way.address.clone();
        root.set_path(way.address.path().strip_suffix(path)?);
        let url = live.url().to_owned();
        let redactor = codec.redactor.clone();
        let courier = Courier::new(way.http, root, row.headers, way.credentials, redactor, way.patience);
        let provider = match row.batch? {
            BatchApi::OpenAi => Provider::OpenAi(OpenAi { courier, endpoint: openai::endpoint(row.style)? }),
            BatchApi::Anthropic => Provider::Anthropic(Anthropic { courier }),
        };
        let desk = Arc::new(Desk::new(provider, batching, url, way.policy, way.budget));
        // A batch holds whole replies.
        let codec = Codec { stream: false, ..codec.clone() };
        Some(Self { codec, live, gate, desk, task: Mutex::default() })
    }

    /// Hands a call in; the desk is opened by the first. `None` when the run was stopped.
    async fn hand_in(&self, tag: Digest, body: Bytes) -> Option<Outcome> {
        let (reply, answer) = oneshot::channel();
        {
            let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
            let task = task.get_or_insert_with(|| {
                let (queue, queued) = mpsc::unbounded_channel();
                Task { queue, handle: tokio::spawn(Arc::clone(&self.desk).run(queued)) }
            });
            task.queue.send(Queued { tag, body, reply }).ok()?;
        }
        answer.await.ok()
    }

    async fn through_batches(&self, tag: Digest, request: &ChatRequest) -> Result<Reply, Box<CallError>> {
        for _ in 0..ANEW {
            if self.desk.is_live(&tag) {
                return self.live(request).await;
            }
            let body = match self.codec.write(request) {
                Ok(body) => body,
                Err(unwritten) => return Err(self.failed(unwritten)),
            };
            match self.hand_in(tag, body.into()).await {
                Some(Outcome::Answered(answer)) => {
                    if let Ok(reply) = self.answered(request, answer) {
                        return Ok(reply);
                    }
                    // What cannot be read is as good as missing.
                    self.desk.call_live(tag);
                }
                Some(Outcome::Straggler) => self.desk.call_live(tag),
                Some(Outcome::Again) => {}
                Some(Outcome::Failed(failed)) => return Err(self.failed(failed)),
                None => break,
            }
        }
        if self.desk.is_live(&tag) {
            return self.live(request).await;
        }
        let message = "the run was stopped; what was handed in as a batch stays with the provider".to_owned();
        Err(self.failed(Broken { kind: CauseKind::Stopped, message, decision: Decision::Never }))
    }

    /// Nothing was exchanged for this call alone.
    fn failed(&self, Broken { kind, message, decision }: Broken) -> Box<CallError> {
        let cause = Cause { kind, http_status: None, message: self.codec.redactor.text(&message) };
        let exchange = Exchange { url: self.url().to_owned(), ..Exchange::default() };
        Box::new(CallError { cause, decision, exchange })
    }

    fn answered(&self, request: &ChatRequest, answer: Answer) -> Result<Reply, Box<CallError>> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let arrived = Arrived {
            status: 200,
            headers,
            body: answer.body,
            started: answer.started,
            total: answer.total,
            ..Arrived::default()
        };
        let body = self.codec.write(request).unwrap_or_default();
        let mut reply = self.codec.settle(request, body, self.url(), arrived)?;
        reply.exchange.batched = true;
        reply.exchange.request_id = Some(answer.id);
        Ok(reply)
    }

    async fn live(&self, request: &ChatRequest) -> Result<Reply, Box<CallError>> {
        let pass = self.gate.enter(Tokens::default()).await;
        let result = self.live.call(request).await;
        pass.finish(&result);
        result
    }
}

impl Client for BatchClient {
    fn call<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<Reply, Box<CallError>>> {
        Box::pin(async move {
            match request.tag {
                Some(tag) => self.through_batches(tag, request).await,
                None => self.live(request).await,
            }
        })
    }

    fn url(&self) -> &str {
        self.live.url()
    }
}

impl Drop for BatchClient {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            task.handle.abort();
        }
    }
}
