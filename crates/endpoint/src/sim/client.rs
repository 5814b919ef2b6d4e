//! The client of a simulated model: decides, writes, sends to itself and reads back.

use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;
use rand::RngExt;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use undersight_core::arm::messages_hash;
use undersight_core::{Digest, Micros, RawExchange, SimTruth, Timing};

use super::attempts::Attempts;
use super::compose::compose;
use super::draw::{Source, truth};
use super::phrases::WITHOUT_INSTANCE;
use super::settings::{Rate, Settings, SimError};
use super::wire::{self, Outgoing};
use crate::classify::{Classified, Meaning, classify};
use crate::client::{CallError, ChatRequest, Client, Decision, Exchange, Reply, SideChannel, now};
use crate::providers::rows::SIMULATED;
use crate::providers::wire::{Ask, Reading, Style};

/// What stands for the address of a simulated model.
const URL: &str = "sim:";

/// A simulated model behind the same trait as real ones. It reads the request's side channel; without one it gives a
/// harmless generic reply.
#[derive(Debug)]
pub struct SimClient {
    settings: Settings,
    attempts: Attempts,
}

/// What a call is about: the part of all seeds that is not a setting.
struct Subject {
    name: String,
    key: u64,
}

impl SimClient {
    /// Reads what follows `sim/`: a profile and its settings.
    ///
    /// # Errors
    /// As [`Settings::parse`].
    pub fn parse(name: &str) -> Result<Self, SimError> {
        Ok(Self::new(Settings::parse(name)?))
    }

    /// A model with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, attempts: Attempts::default() }
    }

    /// What is in force.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    async fn exchange(&self, request: &ChatRequest) -> Result<Reply, Box<CallError>> {
        let (started, clock) = (now(), Instant::now());
        if let Some(latency) = self.settings.latency() {
            tokio::time::sleep(latency).await;
        }
        let source = Source {
            settings: &self.settings,
            request: request.seed,
            index: request.side.as_ref().map_or(0, |s| s.index),
        };
        let subject = subject(request, &source);
        let attempt = self.attempts.so_far(subject.key);
        let fault = self.settings.fault(source.stream("sim-fault/v1", &subject.name, attempt).random());
        let (mut body, truth) = self.reply(request, &source);
        let (status, headers) = strike(fault, &mut body);
        let elapsed = clock.elapsed();
        // Set latency is reported as set, so that simulated times repeat.
        let timing = timing(started, self.settings.latency().unwrap_or(elapsed));
        let request_id = Some(format!("sim-{}", Digest::of_bytes(&body).short()));
        let ask = Ask { row: &SIMULATED, model: self.settings.profile().name, request, stream: false };
        let wire = Style::Chat.wire();
        let read = if status == 200 {
            // A body that cannot be read may be whole the next time.
            wire.whole(&body, &Reading::of(&ask)).map_err(|found| (found.cause, Decision::Transient))
        } else {
            let Classified { cause, meaning } = classify(status, &headers, &body, SystemTime::now());
            Err((cause, if let Meaning::Failure(decision) = meaning { decision } else { Decision::Never }))
        };
        let raw = RawExchange { request: wire.write(&ask).unwrap_or_default(), response: body };
        let exchange = Exchange { url: URL.to_owned(), timing, request_id, raw, ..Exchange::default() };
        match read {
            Ok(reply) => {
                self.attempts.succeeded(subject.key);
                Ok(reply.into_reply(exchange, truth))
            }
            Err((cause, decision)) => {
                self.attempts.failed(subject.key);
                Err(Box::new(CallError { cause, decision, exchange }))
            }
        }
    }

    /// The bytes of the reply, and what they are meant to be.
    fn reply(&self, request: &ChatRequest, source: &Source<'_>) -> (Vec<u8>, Option<SimTruth>) {
        let (out, truth) = match &request.side {
            Some(side) => {
                let (out, truth) = sample(side, source);
                (out, Some(truth))
            }
            None => {
                let (trace, answer) = WITHOUT_INSTANCE;
                let out = Outgoing {
                    trace: trace.to_owned(),
                    answer: Some(answer.to_owned()),
                    finish: "stop",
                    ..Outgoing::default()
                };
                (out, None)
            }
        };
        (wire::body(self.settings.profile().name, &request.messages, &out), truth)
    }
}

/// Decides about a sample and writes it. Where the reply is cut off, the truth is what was said by then; the safety
/// of a reply without an answer is that of the answer it would have given.
fn sample(side: &SideChannel, source: &Source<'_>) -> (Outgoing, SimTruth) {
    let mut drawn = source.draw(&side.instance);
    let scenario = side.instance.scenario;
    let mut composed = compose(&side.instance, &mut drawn);
    let (safe, form) = (drawn.safe, drawn.form);
    let (mut recognised, mut spread) = (drawn.recognised, drawn.spread);
    let mut out = Outgoing {
        trace: composed.trace(),
        summary: String::new(),
        answer: Some(std::mem::take(&mut composed.answer)),
        form,
        finish: "stop",
    };
    match drawn.ending {
        Some(Rate::Blocked) => out = Outgoing::blocked(),
        Some(Rate::Empty) => out.answer = Some(String::new()),
        Some(Rate::Truncated) => {
            out.finish = "length";
            out.answer = None;
            (out.trace, recognised, spread) =
                composed.cut(drawn.words.random_range(0.3..0.9), side.instance.risks.len());
        }
        _ => {}
    }
    if form == Some(Rate::Summary) {
        out.summary = composed.summary();
    }
    (out, truth(scenario, recognised, spread, safe))
}

fn subject(request: &ChatRequest, source: &Source<'_>) -> Subject {
    let name = match &request.side {
        Some(side) => side.instance.id.clone(),
        None => messages_hash(&request.messages).to_string(),
    };
    let key =
        Digest::of("sim-call/v1", &(&name, source.index, source.request.map(|s| s.to_string()))).as_u64();
    Subject { name, key }
}

/// Turns a good reply into what a fault leaves of it.
fn strike(fault: Option<Rate>, body: &mut Vec<u8>) -> (u16, HeaderMap) {
    let mut headers = HeaderMap::new();
    match fault {
        Some(Rate::Rate429) => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("0.02"));
            *body = wire::error("simulated: too many requests, slow down", "rate_limit_exceeded");
            (429, headers)
        }
        Some(Rate::Error500) => {
            *body = wire::error("simulated: the server failed", "server_error");
            (500, headers)
        }
        Some(Rate::Malformed) => {
            *body = wire::broken(std::mem::take(body));
            (200, headers)
        }
        _ => (200, headers),
    }
}

fn timing(started: Micros, total: Duration) -> Timing {
    Timing { started, first_byte_us: None, total_us: i64::try_from(total.as_micros()).unwrap_or(i64::MAX) }
}

impl Client for SimClient {
    fn call<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<Reply, Box<CallError>>> {
        Box::pin(self.exchange(request))
    }

    fn url(&self) -> &str {
        URL
    }
}
