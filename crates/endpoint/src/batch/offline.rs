//! Batches without a provider: requests written to a file that an offline engine reads (vLLM's `run-batch` and others
//! take OpenAI's format), and its output read back as if a provider had answered.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use undersight_core::{Cause, CauseKind, Digest, ModelName};

use super::openai;
use crate::api::Codec;
use crate::budget::Budget;
use crate::client::{CallError, ChatRequest, Client, Decision, Exchange, Reply, now};
use crate::endpoint::{Endpoint, Member};
use crate::gate::Gate;
use crate::limiter::Limiter;
use crate::prices::PriceTable;
use crate::providers::table;
use crate::retry::RetryPolicy;
use crate::secret::Redactor;
use crate::transport::{Arrived, MAX_BODY};

/// Bytes a line may have; it wraps one reply.
const LONGEST: u64 = (MAX_BODY + (64 << 10)) as u64;
/// Lines that are read at a time.
const WIDTH: usize = 16;

/// Why a model's requests do not go into such a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfflineError {
    /// Nobody's model, or a simulated one.
    #[error("{0} is no model of a provider")]
    NoProvider(ModelName),
    /// Another format.
    #[error("requests to {model} are in the format of {style}, which batch files do not hold")]
    Format {
        /// The model.
        model: ModelName,
        /// What its requests are written in.
        style: &'static str,
    },
    /// It cannot be written.
    #[error("{0}")]
    Unwritten(String),
}

impl OfflineError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoProvider(_) => "offline engines run models such as vllm/Qwen/Qwen3-8B",
            Self::Format { .. } => {
                "batch files are for OpenAI-style requests: vllm/…, sglang/…, openai/… and the like"
            }
            Self::Unwritten(_) => "leave out what the message names",
        }
    }
}

/// Writes requests to one model.
#[derive(Debug)]
pub struct Writer {
    codec: Codec,
    endpoint: &'static str,
}

impl Writer {
    /// For a model; neither its address nor a key is needed.
    ///
    /// # Errors
    /// When its requests do not go into a batch file.
    pub fn new(model: &ModelName) -> Result<Self, OfflineError> {
        let target = table::find(model).ok_or_else(|| OfflineError::NoProvider(model.clone()))?;
        let style = target.row.style;
        let endpoint = openai::endpoint(style)
            .ok_or_else(|| OfflineError::Format { model: model.clone(), style: style.title() })?;
        let codec = Codec {
            target,
            redactor: Redactor::default(),
            stream: false,
            recorder: None,
            model: model.clone(),
        };
        Ok(Self { codec, endpoint })
    }

    /// One line, its end included: `custom_id` is the request's tag.
    ///
    /// # Errors
    /// When the request cannot be written.
    pub fn line(&self, tag: &Digest, request: &ChatRequest) -> Result<Vec<u8>, OfflineError> {
        let body = self.codec.write(request).map_err(|broken| OfflineError::Unwritten(broken.message))?;
        let mut line = Vec::with_capacity(body.len() + 200);
        openai::line(&mut line, tag, self.endpoint, &body);
        Ok(line)
    }
}

/// A line that is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// Its line, from 1.
    pub line: u64,
    /// What is wrong.
    pub message: String,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    file: usize,
    at: u64,
    bytes: u64,
}

/// The output of an engine: where each result is, and what is none.
#[derive(Debug, Default)]
pub struct Results {
    files: Vec<PathBuf>,
    places: HashMap<Digest, Place>,
    /// Requests that the engine could not answer, with what it says.
    pub failed: HashMap<Digest, String>,
    /// Lines that cannot be read.
    pub problems: Vec<Problem>,
}

impl Results {
    /// Reads through files, holding no more than a line at a time. Of several results of one request the first counts.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(paths: &[PathBuf]) -> io::Result<Self> {
        let mut results = Self { files: paths.to_vec(), ..Self::default() };
        for (file, path) in paths.iter().enumerate() {
            results.read_one(file, path)?;
        }
        let answered = &results.places;
        results.failed.retain(|tag, _| !answered.contains_key(tag));
        Ok(results)
    }

    fn read_one(&mut self, file: usize, path: &Path) -> io::Result<()> {
        let mut reader = BufReader::new(File::open(path)?);
        let (mut at, mut text) = (0, Vec::new());
        for line in 1.. {
            text.clear();
            let bytes = reader.by_ref().take(LONGEST).read_until(b'\n', &mut text)? as u64;
            if bytes == 0 {
                return Ok(());
            }
            let problem = |message: String| Problem { path: path.to_owned(), line, message };
            if bytes == LONGEST && text.last() != Some(&b'\n') {
                let message = format!("is longer than {} MiB; nothing after it was read", LONGEST >> 20);
                self.problems.push(problem(message));
                return Ok(());
            }
            if !text.trim_ascii().is_empty() {
                match openai::item(text.trim_ascii()) {
                    Ok(item) => match item.body {
                        Ok(_) => drop(self.places.entry(item.tag).or_insert(Place { file, at, bytes })),
                        Err(why) => drop(self.failed.entry(item.tag).or_insert(why)),
                    },
                    Err(message) => self.problems.push(problem(message)),
                }
            }
            at += bytes;
        }
        Ok(())
    }

    /// The requests that have a result.
    pub fn answered(&self) -> impl Iterator<Item = &Digest> {
        self.places.keys()
    }

    fn line(&self, place: Place) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.files[place.file])?;
        file.seek(SeekFrom::Start(place.at))?;
        let mut line = Vec::new();
        file.take(place.bytes).read_to_end(&mut line)?;
        Ok(line)
    }
}

/// An endpoint that answers from results, and nothing else: what they lack is as if the run had been stopped before.
///
/// # Errors
/// When requests to the model do not go into a batch file.
pub fn endpoint(
    model: &ModelName,
    results: Arc<Results>,
    prices: Arc<PriceTable>,
    budget: Arc<Budget>,
) -> Result<Endpoint, OfflineError> {
    let Writer { codec, .. } = Writer::new(model)?;
    let target = codec.target.clone();
    let client = Box::new(OfflineClient { codec, results });
    let policy = RetryPolicy { max_retries: 0, ..RetryPolicy::default() };
    let member = Member::new(client, Gate::new(Limiter::fixed(WIDTH), None));
    Ok(Endpoint::build(model.clone(), vec![member], Some(target), policy, budget, prices))
}

struct OfflineClient {
    codec: Codec,
    results: Arc<Results>,
}

impl OfflineClient {
    async fn answer(&self, request: &ChatRequest) -> Result<Reply, Box<CallError>> {
        let place = request.tag.and_then(|tag| self.results.places.get(&tag).copied());
        let Some(place) = place else { return Err(none("the file has no result")) };
        let results = Arc::clone(&self.results);
        let line = tokio::task::spawn_blocking(move || results.line(place)).await;
        let line = match line {
            Ok(Ok(line)) => line,
            Ok(Err(error)) => return Err(none(&error.to_string())),
            Err(error) => return Err(none(&error.to_string())),
        };
        // It was read before; a file that changed since has no result any more.
        let Ok((id, body)) = openai::item(&line).and_then(|item| Ok((item.id, item.body?))) else {
            return Err(none("the file has changed"));
        };
        let name = self.results.files[place.file].file_name().unwrap_or_default().to_string_lossy();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let arrived = Arrived { status: 200, headers, body, started: now(), ..Arrived::default() };
        let sent = self.codec.write(request).unwrap_or_default();
        let mut reply = self.codec.settle(request, sent, &format!("{URL}{name}"), arrived)?;
        reply.exchange.batched = true;
        reply.exchange.request_id = Some(id);
        Ok(reply)
    }
}

/// What stands before a file's name where a URL would be.
const URL: &str = "batch-file:";

impl Client for OfflineClient {
    fn call<'a>(&'a self, request: &'a ChatRequest) -> BoxFuture<'a, Result<Reply, Box<CallError>>> {
        Box::pin(self.answer(request))
    }

    fn url(&self) -> &str {
        URL
    }
}

fn none(message: &str) -> Box<CallError> {
    let cause = Cause { kind: CauseKind::Stopped, http_status: None, message: message.to_owned() };
    Box::new(CallError { cause, decision: Decision::Never, exchange: Exchange::default() })
}
