//! One request to one reply: reads it, decides what happens to it, writes the journal, then answers.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, Uri, header};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::Semaphore;
use undersight_core::Digest;

use super::chat::Planned;
use super::filler::{self, Text};
use super::journal::Journal;
use super::reply::{self, About, Said};
use super::{Config, Dialect, Entry, Kind};

/// Streamed bodies go out in pieces of this size, so that events and characters are split between them.
const PIECE: usize = 509;

/// What every request shares.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) texts: Vec<Text>,
    pub(super) chats: AtomicU64,
    pub(super) journal: Journal,
    pub(super) batches: super::batch::State,
    workers: Option<Semaphore>,
}

impl Shared {
    pub(super) fn new(config: Config) -> io::Result<Self> {
        let about = About { dialect: config.dialect, id: 0, model: "fake/reasoner", prompt_bytes: 4_000 };
        let frame = about.whole(Said { trace: Some(""), content: Some(""), finish: "stop" }).len();
        let texts = filler::variants(config.body_bytes.saturating_sub(frame));
        let journal = Journal::open(&config)?;
        let workers = config.workers.map(Semaphore::new);
        let batches = super::batch::State::default();
        Ok(Self { journal, config, texts, chats: AtomicU64::new(0), batches, workers })
    }
}

pub(super) async fn handle(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let sha = Digest::of_bytes(&body);
    let path = uri.path();
    let planned = if !authorised(&shared.config, &headers) {
        refused_key(shared.config.dialect)
    } else if method == Method::POST && path.ends_with("/chat/completions") {
        shared.chat(&body, sha.as_u64())
    } else if method == Method::POST && path.ends_with("/messages") {
        shared.message(&body, sha.as_u64())
    } else if let Some(planned) = shared.batch(&method, &uri, &headers, &body) {
        planned
    } else if method == Method::GET && path == "/health" {
        Planned::new(Kind::Other, 200, "{}".into())
    } else if method == Method::GET && path.ends_with("/models") {
        shared.models()
    } else {
        let message = format!("no such route: {method} {path}");
        Planned::new(
            Kind::Other,
            404,
            reply::error(shared.config.dialect, 404, "NotFound", "not_found", &message),
        )
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    shared.journal.append(Entry {
        n: 0,
        path: path.to_owned(),
        kind: planned.kind,
        sha,
        model: planned.model.clone(),
        body: shared.config.keep_bodies.then(|| String::from_utf8_lossy(&body).into_owned()),
        status: planned.status,
        t_us: i64::try_from(now.as_micros()).unwrap_or(i64::MAX),
    });
    // The semaphore is never closed.
    let _worker = match &shared.workers {
        Some(workers) => workers.acquire().await.ok(),
        None => None,
    };
    let delay = shared.config.latency + planned.delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if planned.status == 0 {
        std::future::pending::<()>().await;
    }
    respond(planned)
}

fn authorised(config: &Config, headers: &HeaderMap) -> bool {
    let Some(key) = &config.key else { return true };
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    sent.and_then(|value| value.strip_prefix("Bearer ")) == Some(key.as_str())
}

fn refused_key(dialect: Dialect) -> Planned {
    let body = match dialect {
        Dialect::Vllm => Bytes::from_static(b"{\"error\":\"Unauthorized\"}"),
        Dialect::OpenAi => reply::error(
            dialect,
            401,
            "invalid_request_error",
            "invalid_api_key",
            "incorrect API key provided",
        ),
    };
    Planned::new(Kind::Other, 401, body)
}

impl Shared {
    fn models(&self) -> Planned {
        let known = self.config.models.as_deref().unwrap_or(&[]);
        let data: Vec<_> =
            known.iter().map(|id| serde_json::json!({ "id": id, "object": "model" })).collect();
        let body = serde_json::json!({ "object": "list", "data": data }).to_string();
        Planned::new(Kind::Models, 200, body.into())
    }
}

fn respond(planned: Planned) -> Response<Body> {
    let Planned { status, content_type, header, body, cut, streamed, .. } = planned;
    let mut response = Response::builder().status(status).header(header::CONTENT_TYPE, content_type);
    if let Some((name, value)) = header {
        response = response.header(name, value);
    }
    if cut && !streamed {
        response = response.header(header::CONTENT_LENGTH, body.len());
    }
    let body = match (cut, streamed) {
        (false, false) => Body::from(body),
        (false, true) => Body::from_stream(in_pieces(body).map(Ok::<_, Infallible>)),
        (true, _) => {
            let broken = stream::once(async { Err(io::Error::from(io::ErrorKind::ConnectionAborted)) });
            let half = body.slice(..body.len() / 2);
            Body::from_stream(in_pieces(half).map(Ok).chain(broken))
        }
    };
    response.body(body).expect("status and headers are well formed")
}

fn in_pieces(body: Bytes) -> impl futures_util::Stream<Item = Bytes> + Send {
    stream::unfold(body, |mut left| async move {
        if left.is_empty() {
            return None;
        }
        // Lets the piece reach the socket on its own.
        tokio::task::yield_now().await;
        let piece = left.split_to(PIECE.min(left.len()));
        Some((piece, left))
    })
}
