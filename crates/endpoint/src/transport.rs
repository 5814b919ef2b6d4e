//! Bytes out, bytes in: one request over HTTP under three timeouts and a size limit. Knows addresses and credentials,
//! not what the bytes mean.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Response, Url};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};
use undersight_core::{CauseKind, Digest, Micros};

use crate::auth::Credentials;
use crate::client::{Decision, now};
use crate::providers::wire::Wire;

/// To connect.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes a reply may have, decompressed.
pub const MAX_BODY: usize = 64 << 20;
/// Bytes of a reply that are always granted.
const FREE: usize = 1 << 20;
/// KiB that all replies under way in this process may hold beyond that, together: a hundred hostile servers at once
/// must not fill the memory either.
const SHARED_KIB: usize = 1 << 19;
static SHARED: Semaphore = Semaphore::const_new(SHARED_KIB);
/// Bytes that are kept of a reply that was too large: what it began with says enough.
const KEPT: usize = 64 << 10;
/// After the closing mark of a stream: how long the end of the body is waited for, so that the connection can be
/// used again.
const DRAIN: Duration = Duration::from_millis(200);

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeouts {
    /// To the first byte of a stream. A whole reply has no byte before it is complete: there the total applies.
    pub(crate) first_byte: Duration,
    /// For everything.
    pub(crate) total: Duration,
}

/// A way to a model's API. One exchange, no retries.
pub(crate) trait Transport: Send + Sync {
    /// Sends a body and receives what comes.
    fn send<'a>(&'a self, body: Bytes, tag: Option<&'a Digest>) -> BoxFuture<'a, Arrived>;

    /// Where requests go, without credentials.
    fn url(&self) -> &str;
}

/// What arrived, however far it came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrived {
    /// 0 when no reply began.
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) started: Micros,
    pub(crate) first_byte: Option<Duration>,
    pub(crate) total: Duration,
    /// Why it is not complete, if it is not.
    pub(crate) broken: Option<Broken>,
    /// Where it came from once, when it is a recording: nobody is to be waited for then.
    pub(crate) replayed: Option<String>,
}

/// What broke an exchange before its reply was complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) kind: CauseKind,
    pub(crate) message: String,
    pub(crate) decision: Decision,
}

fn broken(kind: CauseKind, message: impl Into<String>, decision: Decision) -> Broken {
    Broken { kind, message: message.into(), decision }
}

/// HTTP to one address.
pub(crate) struct Http {
    http: reqwest::Client,
    /// Address and headers of every call.
    template: reqwest::Request,
    shown: String,
    credentials: Credentials,
    wire: &'static dyn Wire,
    timeouts: Timeouts,
    stream: bool,
}

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

impl Http {
    /// A way to `address`, the full address of the API.
    ///
    /// # Errors
    /// When the address cannot be requested.
    pub(crate) fn new(
        http: reqwest::Client,
        address: &Url,
        headers: &[(&'static str, &'static str)],
        credentials: Credentials,
        wire: &'static dyn Wire,
        timeouts: Timeouts,
        stream: bool,
    ) -> Result<Self, reqwest::Error> {
        let mut all = HeaderMap::new();
        all.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accept = if stream { "text/event-stream, application/json" } else { "application/json" };
        all.insert(ACCEPT, HeaderValue::from_static(accept));
        all.insert(USER_AGENT, HeaderValue::from_static(concat!("undersight/", env!("CARGO_PKG_VERSION"))));
        for (name, value) in headers {
            all.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        all.extend(credentials.headers());
        // The builder turns a user and password in the URL into a header, which a key then replaces.
        let template = http.post(address.clone()).headers(all).build()?;
        Ok(Self { http, template, shown: shown(address), credentials, wire, timeouts, stream })
    }

    /// Sends, and receives into `arrived`.
    async fn exchange(&self, body: Bytes, clock: Instant, arrived: &mut Arrived) -> Result<(), Broken> {
        let Some(mut request) = self.template.try_clone() else {
            return Err(broken(CauseKind::BadRequest, "the request cannot be repeated", Decision::Never));
        };
        self.credentials
            .sign(&mut request, &body)
            .map_err(|message| broken(CauseKind::Auth, message, Decision::Never))?;
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
            broken(CauseKind::Timeout, message, Decision::Transient)
        })??;
        arrived.first_byte = Some(clock.elapsed());
        let Some(chunk) = chunk else { return Ok(()) };
        let mut incoming = Incoming { body: &mut arrived.body, held: None };
        incoming.append(&chunk)?;
        while !(self.stream && self.wire.finished(incoming.body)) {
            match response.chunk().await.map_err(|e| cut(&e))? {
                Some(chunk) => incoming.append(&chunk)?,
                None => return Ok(()),
            }
        }
        drain(response, &mut incoming).await
    }
}

impl Transport for Http {
    fn send<'a>(&'a self, body: Bytes, _tag: Option<&'a Digest>) -> BoxFuture<'a, Arrived> {
        Box::pin(async move {
            let mut arrived = Arrived { started: now(), ..Arrived::default() };
            let clock = Instant::now();
            let sent = timeout(self.timeouts.total, self.exchange(body, clock, &mut arrived)).await;
            arrived.total = clock.elapsed();
            if matches!(&sent, Ok(Err(broken)) if broken.kind == CauseKind::TooLarge) {
                arrived.body.truncate(KEPT);
                arrived.body.shrink_to_fit();
            }
            arrived.broken = match sent {
                Ok(ended) => ended.err(),
                Err(_) => Some(broken(
                    CauseKind::Timeout,
                    format!("no complete reply within {} s", self.timeouts.total.as_secs_f64()),
                    Decision::Transient,
                )),
            };
            arrived
        })
    }

    fn url(&self) -> &str {
        &self.shown
    }
}

/// A body on its way in, within its own limit and that of the process.
struct Incoming<'a> {
    body: &'a mut Vec<u8>,
    held: Option<SemaphorePermit<'static>>,
}

impl Incoming<'_> {
    fn append(&mut self, chunk: &[u8]) -> Result<(), Broken> {
        let size = self.body.len() + chunk.len();
        if size > MAX_BODY {
            let message = format!("the reply exceeds {} MiB", MAX_BODY >> 20);
            return Err(broken(CauseKind::TooLarge, message, Decision::Never));
        }
        let wanted = size.saturating_sub(FREE).div_ceil(1024);
        let more = wanted.saturating_sub(self.held.as_ref().map_or(0, SemaphorePermit::num_permits));
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            let Ok(permit) = SHARED.try_acquire_many(more) else {
                let message = format!("the replies under way hold {} MiB together", SHARED_KIB >> 10);
                return Err(broken(CauseKind::TooLarge, message, Decision::Transient));
            };
            match &mut self.held {
                Some(held) => held.merge(permit),
                None => self.held = Some(permit),
            }
        }
        self.body.extend_from_slice(chunk);
        Ok(())
    }
}

/// Reads what follows the closing mark, at most a blank line, so that the connection goes back to the pool.
async fn drain(mut response: Response, incoming: &mut Incoming<'_>) -> Result<(), Broken> {
    let rest = async {
        // However the connection ends now, the reply is complete.
        while let Ok(Some(chunk)) = response.chunk().await {
            incoming.append(&chunk)?;
        }
        Ok(())
    };
    timeout(DRAIN, rest).await.unwrap_or(Ok(()))
}

pub(crate) fn not_sent(error: &reqwest::Error) -> Broken {
    let (kind, decision) = if error.is_builder() {
        (CauseKind::BadRequest, Decision::Never)
    } else if error.is_timeout() {
        (CauseKind::Timeout, Decision::Transient)
    } else if error.is_connect() {
        (CauseKind::Unreachable, Decision::Transient)
    } else {
        (CauseKind::Disconnected, Decision::Transient)
    };
    broken(kind, innermost(error), decision)
}

fn cut(error: &reqwest::Error) -> Broken {
    let message = format!("the connection broke while the reply was arriving: {}", innermost(error));
    broken(CauseKind::Disconnected, message, Decision::Transient)
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
