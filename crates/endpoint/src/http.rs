//! One call over HTTP: bytes out, bytes in, under three timeouts and a size limit; then read or classified.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Response, Url};
use tokio::time::{Instant, timeout};
use undersight_core::text::excerpt;
use undersight_core::{Cause, CauseKind, RawExchange, Timing};

use crate::classify::{Classified, Meaning, classify};
use crate::client::{CallError, ChatRequest, Client, Decision, Reply, now};
use crate::providers::openai::{WireReply, streamed, whole};
use crate::providers::request;
use crate::providers::table::Row;
use crate::secret::{ApiKey, Redactor};
use crate::sse;

/// To connect.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes a reply may have, decompressed.
pub const MAX_BODY: usize = 64 << 20;
/// After the closing mark of a stream: how long the end of the body is waited for, so that the connection can be
/// used again.
const DRAIN: Duration = Duration::from_millis(200);

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To the first byte of a stream. A whole reply has no byte before it is complete: there the total applies.
    pub first_byte: Duration,
    /// For everything.
    pub total: Duration,
}

/// A chat endpoint behind HTTP.
pub struct HttpClient {
    http: reqwest::Client,
    /// Address and headers of every call.
    template: reqwest::Request,
    shown: String,
    row: &'static Row,
    model: String,
    redactor: Redactor,
    timeouts: Timeouts,
    stream: bool,
}

/// What arrived, however far it came.
#[derive(Default)]
struct Arrived {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    first_byte: Option<Duration>,
}

/// A call that broke before its reply was complete.
type Broken = (CauseKind, String, Decision);

/// A pool of connections to one host: HTTP/1.1, no redirects, and no proxy when the host is this machine.
///
/// # Errors
/// When TLS cannot be set up.
pub(crate) fn pool(base: &Url) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .gzip(true);
    if is_local(base) { builder.no_proxy() } else { builder }.build()
}

/// Whether a URL points at this machine.
pub(crate) fn is_local(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_matches(['[', ']']);
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
    })
}

/// The URL without user, password, query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    let mut clean = url.clone();
    clean.set_query(None);
    clean.set_fragment(None);
    // These fail only for URLs without a host, which are refused earlier.
    let _ = clean.set_username("");
    let _ = clean.set_password(None);
    clean.into()
}

impl HttpClient {
    /// A client for `model` (the provider's name for it) at `target`, the full address of the chat endpoint.
    ///
    /// # Errors
    /// When the address cannot be requested.
    pub(crate) fn new(
        http: reqwest::Client,
        target: &Url,
        key: Option<&ApiKey>,
        row: &'static Row,
        model: String,
        timeouts: Timeouts,
        stream: bool,
    ) -> Result<Self, reqwest::Error> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accept = if stream { "text/event-stream, application/json" } else { "application/json" };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers
            .insert(USER_AGENT, HeaderValue::from_static(concat!("undersight/", env!("CARGO_PKG_VERSION"))));
        if let Some(bearer) = key.and_then(ApiKey::bearer) {
            headers.insert(AUTHORIZATION, bearer);
        }
        let password = target.password().map(str::to_owned);
        let redactor =
            Redactor::new(key, password.into_iter().chain(target.query_pairs().map(|(_, v)| v.into())));
        // The builder turns a user and password in the URL into a header, which a key then replaces.
        let template = http.post(target.clone()).headers(headers).build()?;
        Ok(Self { http, template, shown: shown(target), row, model, redactor, timeouts, stream })
    }

    async fn exchange(&self, request: &ChatRequest) -> Result<Reply, Box<CallError>> {
        let mut timing = Timing { started: now(), first_byte_us: None, total_us: 0 };
        let clock = Instant::now();
        let body = match request::write(self.row, &self.model, request, self.stream) {
            Ok(body) => Bytes::from(body),
            Err(error) => {
                let broken = (
                    CauseKind::BadRequest,
                    format!("the request cannot be written: {error}"),
                    Decision::Never,
                );
                return Err(self.broken(broken, RawExchange::default(), timing, None, None));
            }
        };
        let mut arrived = Arrived::default();
        let sent = timeout(self.timeouts.total, self.send(body.clone(), clock, &mut arrived)).await;
        timing.total_us = micros(clock.elapsed());
        timing.first_byte_us = arrived.first_byte.map(micros);
        let raw = RawExchange { request: body.into(), response: self.redactor.bytes(arrived.body) };
        let request_id = request_id(&arrived.headers).map(|id| self.redactor.text(&id));
        let status = Some(arrived.status).filter(|s| *s != 0);
        let broken = match sent {
            Ok(Ok(())) => None,
            Ok(Err(broken)) => Some(broken),
            Err(_) => Some((
                CauseKind::Timeout,
                format!("no complete reply within {} s", self.timeouts.total.as_secs_f64()),
                Decision::Transient,
            )),
        };
        if let Some(broken) = broken {
            return Err(self.broken(broken, raw, timing, request_id, status));
        }
        match self.read(arrived.status, &arrived.headers, &raw.response, request) {
            Ok(wire) => Ok(wire.into_reply(timing, request_id, raw, None)),
            Err((cause, decision)) => {
                let cause = Cause { message: self.redactor.text(&cause.message), ..cause };
                Err(Box::new(CallError { cause, decision, raw, timing, request_id }))
            }
        }
    }

    /// Sends, and receives into `arrived`.
    async fn send(&self, body: Bytes, clock: Instant, arrived: &mut Arrived) -> Result<(), Broken> {
        let Some(mut request) = self.template.try_clone() else {
            return Err((
                CauseKind::BadRequest,
                "the request cannot be repeated".to_owned(),
                Decision::Never,
            ));
        };
        *request.body_mut() = Some(body.into());
        let patience = if self.stream { self.timeouts.first_byte } else { self.timeouts.total };
        let first = timeout(patience, async {
            let mut response = self.http.execute(request).await.map_err(|e| not_sent(&e))?;
            arrived.status = response.status().as_u16();
            arrived.headers = std::mem::take(response.headers_mut());
            let chunk = response.chunk().await.map_err(|e| cut(&e))?;
            Ok::<_, Broken>((response, chunk))
        });
        let (mut response, chunk) = first.await.map_err(|_| {
            let message = format!("no first byte within {} s", patience.as_secs_f64());
            (CauseKind::Timeout, message, Decision::Transient)
        })??;
        arrived.first_byte = Some(clock.elapsed());
        let Some(chunk) = chunk else { return Ok(()) };
        append(&mut arrived.body, &chunk)?;
        while !(self.stream && sse::finished(&arrived.body)) {
            match response.chunk().await.map_err(|e| cut(&e))? {
                Some(chunk) => append(&mut arrived.body, &chunk)?,
                None => return Ok(()),
            }
        }
        drain(response, &mut arrived.body).await
    }

    /// Makes sense of a complete body.
    fn read(
        &self,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        request: &ChatRequest,
    ) -> Result<WireReply, (Cause, Decision)> {
        let classified = if (200..300).contains(&status) {
            let declared = headers
                .get(CONTENT_TYPE)
                .is_some_and(|v| v.as_bytes().to_ascii_lowercase().starts_with(b"text/event-stream"));
            // Some servers declare a stream and send one JSON object, mostly an error.
            let object = body.trim_ascii_start().first() == Some(&b'{');
            let read = if sse::looks_like_stream(body) || (declared && !object) { streamed } else { whole };
            match read(body, request.trace) {
                Ok(wire) => return Ok(wire),
                Err(classified) => *classified,
            }
        } else {
            classify(status, headers, body, SystemTime::now())
        };
        let Classified { cause, meaning } = classified;
        match meaning {
            Meaning::Blocked => Ok(WireReply::withheld()),
            Meaning::Failure(decision) => Err((cause, decision)),
        }
    }

    fn broken(
        &self,
        (kind, message, decision): Broken,
        raw: RawExchange,
        timing: Timing,
        request_id: Option<String>,
        http_status: Option<u16>,
    ) -> Box<CallError> {
        let message = excerpt(&self.redactor.text(&message), 500);
        Box::new(CallError { cause: Cause { kind, http_status, message }, decision, raw, timing, request_id })
    }
}

impl Client for HttpClient {
    fn call<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<Reply, Box<CallError>>> {
        Box::pin(self.exchange(request))
    }

    fn url(&self) -> &str {
        &self.shown
    }
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient")
            .field("url", &self.shown)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

fn append(body: &mut Vec<u8>, chunk: &[u8]) -> Result<(), Broken> {
    if body.len() + chunk.len() > MAX_BODY {
        return Err((
            CauseKind::TooLarge,
            format!("the reply exceeds {} MiB", MAX_BODY >> 20),
            Decision::Never,
        ));
    }
    body.extend_from_slice(chunk);
    Ok(())
}

/// Reads what follows the closing mark, at most a blank line, so that the connection goes back to the pool.
async fn drain(mut response: Response, body: &mut Vec<u8>) -> Result<(), Broken> {
    let rest = async {
        // However the connection ends now, the reply is complete.
        while let Ok(Some(chunk)) = response.chunk().await {
            append(body, &chunk)?;
        }
        Ok(())
    };
    timeout(DRAIN, rest).await.unwrap_or(Ok(()))
}

fn not_sent(error: &reqwest::Error) -> Broken {
    let (kind, decision) = if error.is_builder() {
        (CauseKind::BadRequest, Decision::Never)
    } else if error.is_timeout() {
        (CauseKind::Timeout, Decision::Transient)
    } else if error.is_connect() {
        (CauseKind::Unreachable, Decision::Transient)
    } else {
        (CauseKind::Disconnected, Decision::Transient)
    };
    (kind, innermost(error), decision)
}

fn cut(error: &reqwest::Error) -> Broken {
    let message = format!("the connection broke while the reply was arriving: {}", innermost(error));
    (CauseKind::Disconnected, message, Decision::Transient)
}

/// The words of the last two causes: the outer ones only repeat the address, which may hold secrets.
fn innermost(error: &reqwest::Error) -> String {
    let mut chain = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        chain.push(inner.to_string());
        source = inner.source();
    }
    chain.dedup();
    match chain.len() {
        0 => "the request failed".to_owned(),
        n => chain.split_off(n.saturating_sub(2)).join(": "),
    }
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    const NAMES: [HeaderName; 2] =
        [HeaderName::from_static("x-request-id"), HeaderName::from_static("request-id")];
    NAMES.iter().find_map(|name| headers.get(name)?.to_str().ok()).map(|id| id.chars().take(128).collect())
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
