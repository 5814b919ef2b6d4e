//! Requests around a batch, over HTTP: small JSON there and back, one large upload, result files as they arrive.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Method, Response, Url};
use serde_json::Value;
use tokio::time::timeout;
use undersight_core::CauseKind;
use undersight_core::text::excerpt;

use super::lines::Lines;
use crate::classify::{Meaning, classify};
use crate::client::Decision;
use crate::secret::Redactor;
use crate::transport::{Broken, MAX_BODY, not_sent};

/// Bytes an answer that is no result file may have.
const MAX_ANSWER: usize = 16 << 20;
/// Silence within a result file that ends its reading.
const SILENCE: Duration = Duration::from_secs(120);

/// What the provider said instead of doing it.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// 0 when no answer came.
    pub(crate) status: u16,
    pub(crate) broken: Broken,
}

impl Refusal {
    /// Whether the provider may have done it all the same.
    pub(crate) fn may_have_arrived(&self) -> bool {
        let unsent = matches!(self.broken.kind, CauseKind::Unreachable | CauseKind::BadRequest);
        self.status >= 500 || self.status == 408 || (self.status < 400 && !unsent)
    }

    /// An answer that makes no sense.
    pub(crate) fn unreadable(status: u16, message: impl Into<String>) -> Self {
        let (kind, decision) = (CauseKind::Malformed, Decision::Transient);
        Self { status, broken: Broken { kind, message: message.into(), decision } }
    }
}

/// The way to one API.
pub(crate) struct Courier {
    http: reqwest::Client,
    root: Url,
    headers: HeaderMap,
    redactor: Redactor,
    patience: Duration,
}

impl Courier {
    /// Below `root`, with these headers on every request.
    pub(crate) fn new(
        http: reqwest::Client,
        root: Url,
        fixed: &[(&'static str, &'static str)],
        credentials: HeaderMap,
        redactor: Redactor,
        patience: Duration,
    ) -> Self {
        let mut headers = HeaderMap::new();
        headers
            .insert(USER_AGENT, HeaderValue::from_static(concat!("undersight/", env!("CARGO_PKG_VERSION"))));
        for (name, value) in fixed {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers.extend(credentials);
        Self { http, root, headers, redactor, patience }
    }

    fn at(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.root.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Asks for a document.
    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Refusal> {
        let request = self.http.request(Method::GET, self.at(path, query));
        self.document(request).await
    }

    /// Sends a body, and asks for what comes of it.
    pub(crate) async fn post(&self, path: &[&str], kind: &str, body: Bytes) -> Result<Value, Refusal> {
        let request = self.http.request(Method::POST, self.at(path, &[])).header(CONTENT_TYPE, kind);
        self.document(request.body(body)).await
    }

    async fn document(&self, request: reqwest::RequestBuilder) -> Result<Value, Refusal> {
        let exchange = async {
            let mut response = self.send(request).await?;
            let status = response.status().as_u16();
            let body = self.all(&mut response, MAX_ANSWER).await?;
            serde_json::from_slice(&body)
                .map_err(|error| Refusal::unreadable(status, format!("the answer is no JSON: {error}")))
        };
        timeout(self.patience, exchange).await.unwrap_or_else(|_| Err(self.late()))
    }

    /// Sends, and turns everything but a success into a refusal.
    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, Refusal> {
        let sent = request.headers(self.headers.clone()).send().await;
        let mut response = sent.map_err(|e| Refusal { status: 0, broken: self.redacted(not_sent(&e)) })?;
        let status = response.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(response);
        }
        let body = self.all(&mut response, 1 << 20).await.unwrap_or_default();
        let found = classify(status, response.headers(), &body, SystemTime::now());
        let decision = match found.meaning {
            Meaning::Failure(decision) => decision,
            Meaning::Blocked => Decision::Never,
        };
        let broken = Broken { kind: found.cause.kind, message: found.cause.message, decision };
        Err(Refusal { status, broken: self.redacted(broken) })
    }

    async fn all(&self, response: &mut Response, bound: usize) -> Result<Vec<u8>, Refusal> {
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.cut(status, &e))? {
            if body.len() + chunk.len() > bound {
                return Err(Refusal::unreadable(status, format!("the answer exceeds {} MiB", bound >> 20)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Reads a result file, giving each of its lines.
    pub(crate) async fn lines(
        &self,
        path: &[&str],
        each: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<(), Refusal> {
        let request = self.http.request(Method::GET, self.at(path, &[]));
        let mut response = timeout(self.patience, self.send(request)).await.map_err(|_| self.late())??;
        let status = response.status().as_u16();
        // A line wraps one reply.
        let mut lines = Lines::new(MAX_BODY + (64 << 10));
        loop {
            let chunk = timeout(SILENCE, response.chunk()).await.map_err(|_| self.late())?;
            match chunk.map_err(|e| self.cut(status, &e))? {
                Some(chunk) => lines.feed(&chunk, each),
                None => break,
            }
        }
        lines.finish(each);
        Ok(())
    }

    /// A text of the provider's without secrets, fit to be shown.
    pub(crate) fn shown(&self, text: &str) -> String {
        excerpt(&self.redactor.text(text), 500)
    }

    fn late(&self) -> Refusal {
        let message = format!("no complete answer within {} s", self.patience.as_secs_f64());
        Refusal {
            status: 0,
            broken: Broken { kind: CauseKind::Timeout, message, decision: Decision::Transient },
        }
    }

    fn cut(&self, status: u16, error: &reqwest::Error) -> Refusal {
        let broken = not_sent(error);
        let broken = Broken { kind: CauseKind::Disconnected, decision: Decision::Transient, ..broken };
        Refusal { status, broken: self.redacted(broken) }
    }

    fn redacted(&self, broken: Broken) -> Broken {
        Broken { message: self.shown(&broken.message), ..broken }
    }
}
