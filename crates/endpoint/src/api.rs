//! A model's API as a client: a request written in its wire format, sent, and what came back read or classified, with
//! every secret taken out before anything leaves.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use undersight_core::text::excerpt;
use undersight_core::{Cause, CauseKind, ModelName, RawExchange, Timing};

use crate::classify::{Classified, Meaning, classify};
use crate::client::{CallError, ChatRequest, Client, Decision, Exchange, Reply};
use crate::providers::table::Target;
use crate::providers::wire::{Ask, Reading, WireReply};
use crate::recordings::Recorder;
use crate::secret::Redactor;
use crate::transport::{Arrived, Broken, Transport};

/// How one model is spoken to, whatever way the bytes travel.
#[derive(Debug, Clone)]
pub(crate) struct Codec {
    pub(crate) target: Target,
    pub(crate) redactor: Redactor,
    pub(crate) stream: bool,
    /// Keeps every exchange, where that is wanted.
    pub(crate) recorder: Option<Arc<Recorder>>,
    /// Whose exchanges these are in a recording.
    pub(crate) model: ModelName,
}

impl Codec {
    fn ask<'a>(&'a self, request: &'a ChatRequest) -> Ask<'a> {
        Ask { row: self.target.row, model: &self.target.model, request, stream: self.stream }
    }

    /// The body of a request.
    pub(crate) fn write(&self, request: &ChatRequest) -> Result<Vec<u8>, Broken> {
        self.target.row.style.wire().write(&self.ask(request)).map_err(|error| Broken {
            kind: CauseKind::BadRequest,
            message: format!("the request cannot be written: {error}"),
            decision: Decision::Never,
        })
    }

    /// Makes sense of what arrived for a request.
    pub(crate) fn settle(
        &self,
        request: &ChatRequest,
        body: Vec<u8>,
        url: &str,
        arrived: Arrived,
    ) -> Result<Reply, Box<CallError>> {
        let timing = Timing {
            started: arrived.started,
            first_byte_us: arrived.first_byte.map(micros),
            total_us: micros(arrived.total),
        };
        let exchange = Exchange {
            url: arrived.replayed.clone().unwrap_or_else(|| url.to_owned()),
            timing,
            request_id: request_id(&arrived.headers).map(|id| self.redactor.text(&id)),
            raw: RawExchange { request: body, response: self.redactor.bytes(arrived.body) },
            headers: self.redactor.headers(arrived.headers),
            batched: false,
        };
        let broken =
            arrived.broken.map(|b| Broken { message: excerpt(&self.redactor.text(&b.message), 500), ..b });
        if let Some(recorder) = &self.recorder {
            recorder.keep(&self.model, request.tag.as_ref(), &exchange, arrived.status, broken.as_ref());
        }
        if let Some(Broken { kind, message, decision }) = broken {
            let http_status = Some(arrived.status).filter(|s| *s != 0);
            return Err(Box::new(CallError {
                cause: Cause { kind, http_status, message },
                decision,
                exchange,
            }));
        }
        match self.read(arrived.status, &exchange.headers, &exchange.raw.response, request) {
            Ok(wire) => Ok(wire.into_reply(exchange, None)),
            Err((cause, decision)) => {
                let replayed = arrived.replayed.is_some() && matches!(decision, Decision::RateLimited(_));
                let decision = if replayed { Decision::Transient } else { decision };
                let cause = Cause { message: self.redactor.text(&cause.message), ..cause };
                Err(Box::new(CallError { cause, decision, exchange }))
            }
        }
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
            let wire = self.target.row.style.wire();
            let declared = headers.get(CONTENT_TYPE).map_or(&b""[..], |v| v.as_bytes());
            let reading = Reading::of(&self.ask(request));
            let read = if wire.is_stream(declared, body) {
                wire.streamed(body, &reading)
            } else {
                wire.whole(body, &reading)
            };
            match read {
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
}

/// A model behind its API.
pub(crate) struct ApiClient {
    codec: Codec,
    transport: Box<dyn Transport>,
}

impl ApiClient {
    pub(crate) fn new(codec: Codec, transport: Box<dyn Transport>) -> Self {
        Self { codec, transport }
    }

    async fn exchange(&self, request: &ChatRequest) -> Result<Reply, Box<CallError>> {
        let url = self.transport.url();
        let (body, arrived) = match self.codec.write(request) {
            Ok(body) => {
                let body = Bytes::from(body);
                (body.clone(), self.transport.send(body, request.tag.as_ref()).await)
            }
            Err(broken) => (Bytes::new(), Arrived { broken: Some(broken), ..Arrived::default() }),
        };
        self.codec.settle(request, body.into(), url, arrived)
    }
}

impl Client for ApiClient {
    fn call<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<Reply, Box<CallError>>> {
        Box::pin(self.exchange(request))
    }

    fn url(&self) -> &str {
        self.transport.url()
    }
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    const NAMES: [HeaderName; 3] = [
        HeaderName::from_static("x-request-id"),
        HeaderName::from_static("request-id"),
        HeaderName::from_static("x-amzn-requestid"),
    ];
    NAMES.iter().find_map(|name| headers.get(name)?.to_str().ok()).map(|id| id.chars().take(128).collect())
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
