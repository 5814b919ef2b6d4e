//! Batches of the fake provider, OpenAI's and Anthropic's: handed in, looked at, fetched. Simulated: every item is
//! answered by what answers single requests, and a batch is over after a set number of looks.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, Method, Uri, header};
use bytes::Bytes;
use serde_json::{Value, json};
use undersight_core::Digest;

use super::chat::Planned;
use super::handle::Shared;
use super::{Kind, reply};

/// A step on the way of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The file of requests is uploaded.
    Upload,
    /// A batch is made.
    Create,
    /// It is looked at.
    Look,
    /// The batches there are are listed.
    List,
    /// Results are fetched.
    Fetch,
}

/// What goes wrong with a step, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// 429.
    RateLimited,
    /// 500, and nothing was done.
    ServerError,
    /// No answer, and nothing was done.
    Lost,
    /// It was done, but no answer comes.
    Unheard,
    /// It was done, but the answer is a 500.
    Undone,
    /// The answer breaks off in the middle.
    Cut,
}

/// What becomes of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Its request is refused.
    Errored,
    /// Its time ran out.
    Expired,
    /// It is in no result.
    Missing,
    /// Its line of the results is broken.
    Garbled,
}

/// How batches end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ending {
    /// All of it was done.
    #[default]
    Completed,
    /// Somebody cancelled it: items with a fate were not done.
    Cancelled,
    /// Its time ran out, likewise.
    Expired,
    /// The file was refused, none of it done.
    Refused,
}

/// What batches are like.
#[derive(Debug, Clone, Default)]
pub struct Batches {
    /// Looks at a batch before it is over.
    pub looks: u32,
    /// What goes wrong, each once, in this order for each step.
    pub trouble: Vec<(Step, Trouble)>,
    /// Items, by their place in a batch, that fare otherwise.
    pub fates: Vec<(usize, Fate)>,
    /// How they end.
    pub ending: Ending,
}

#[derive(Debug, Clone)]
struct Batch {
    id: String,
    made: SystemTime,
    nonce: Value,
    items: Vec<String>,
    results: String,
    errors: String,
    looks: u32,
    anthropic: bool,
}

/// Files and batches so far.
#[derive(Debug, Default)]
pub(super) struct State(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<String, Bytes>,
    batches: Vec<Batch>,
    met: Vec<usize>,
}

/// What is asked about batches.
enum Asked<'a> {
    Upload,
    Create { anthropic: bool },
    Look { id: &'a str },
    List { anthropic: bool },
    File { id: &'a str },
    Results { id: &'a str },
}

impl Asked<'_> {
    const fn step(&self) -> Step {
        match self {
            Self::Upload => Step::Upload,
            Self::Create { .. } => Step::Create,
            Self::Look { .. } => Step::Look,
            Self::List { .. } => Step::List,
            Self::File { .. } | Self::Results { .. } => Step::Fetch,
        }
    }
}

fn asked<'a>(method: &Method, path: &'a str) -> Option<Asked<'a>> {
    let path = path.strip_prefix("/v1")?;
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let post = method == Method::POST;
    Some(match (post, parts.as_slice()) {
        (true, ["files"]) => Asked::Upload,
        (true, ["batches"]) => Asked::Create { anthropic: false },
        (true, ["messages", "batches"]) => Asked::Create { anthropic: true },
        (false, ["batches"]) => Asked::List { anthropic: false },
        (false, ["messages", "batches"]) => Asked::List { anthropic: true },
        (false, ["batches", id] | ["messages", "batches", id]) => Asked::Look { id },
        (false, ["files", id, "content"]) => Asked::File { id },
        (false, ["messages", "batches", id, "results"]) => Asked::Results { id },
        _ => return None,
    })
}

impl State {
    /// The requests of every batch that was taken, by their `custom_id`.
    pub(super) fn taken(&self) -> Vec<Vec<String>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.batches.iter().map(|batch| batch.items.clone()).collect()
    }

    /// What goes wrong with this step, if something does.
    fn trouble(&self, planned: &[(Step, Trouble)], step: Step) -> Option<Trouble> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = (0..planned.len()).find(|i| planned[*i].0 == step && !kept.met.contains(i))?;
        kept.met.push(next);
        Some(planned[next].1)
    }
}

impl Shared {
    /// Answers what is asked about batches; `None` for everything else.
    pub(super) fn batch(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Option<Planned> {
        let asked = asked(method, uri.path())?;
        let error = |status: u16, code: &str| {
            let body = reply::error(self.config.dialect, status, code, code, code);
            Planned::new(Kind::Other, status, body)
        };
        let trouble = self.batches.trouble(&self.config.batches.trouble, asked.step());
        match trouble {
            Some(Trouble::RateLimited) => {
                let wait = self.config.retry_after.as_millis().to_string();
                let refused = error(429, "rate_limit_exceeded");
                return Some(Planned { header: Some(("retry-after-ms", wait)), ..refused });
            }
            Some(Trouble::ServerError) => return Some(error(500, "server_error")),
            Some(Trouble::Lost) => return Some(Planned::new(Kind::Other, 0, Bytes::new())),
            _ => {}
        }
        let done = self.done(&asked, headers, body).unwrap_or_else(|| error(404, "not_found"));
        Some(match trouble {
            Some(Trouble::Unheard) => Planned { status: 0, ..done },
            Some(Trouble::Undone) => error(500, "server_error"),
            Some(Trouble::Cut) => Planned { cut: true, ..done },
            _ => done,
        })
    }

    fn done(&self, asked: &Asked<'_>, headers: &HeaderMap, body: &Bytes) -> Option<Planned> {
        let ok = |body: Bytes| Some(Planned::new(Kind::Other, 200, body));
        let document = |value: Value| ok(value.to_string().into());
        match *asked {
            Asked::Upload => {
                let file = uploaded(headers, body)?;
                let mut kept = self.batches.0.lock().unwrap_or_else(PoisonError::into_inner);
                let id = format!("file-{}", kept.files.len());
                kept.files.insert(id.clone(), file);
                document(json!({ "id": id, "object": "file", "purpose": "batch" }))
            }
            Asked::Create { anthropic } => {
                let batch = self.create(anthropic, body)?;
                let shown = self.shown(&batch);
                self.batches.0.lock().unwrap_or_else(PoisonError::into_inner).batches.push(batch);
                document(shown)
            }
            Asked::Look { id } => {
                let mut kept = self.batches.0.lock().unwrap_or_else(PoisonError::into_inner);
                let batch = kept.batches.iter_mut().find(|batch| batch.id == id)?;
                batch.looks = batch.looks.saturating_add(1);
                document(self.shown(batch))
            }
            Asked::List { anthropic } => {
                let kept = self.batches.0.lock().unwrap_or_else(PoisonError::into_inner);
                let listed = kept.batches.iter().rev().filter(|batch| batch.anthropic == anthropic);
                let listed: Vec<Value> = listed.map(|batch| self.shown(batch)).collect();
                document(json!({ "object": "list", "data": listed, "has_more": false }))
            }
            Asked::File { id } => {
                let kept = self.batches.0.lock().unwrap_or_else(PoisonError::into_inner);
                let (kind, batch) = id.split_once('-')?;
                let batch = kept.batches.iter().find(|other| other.id == batch)?;
                ok(match kind {
                    "output" => batch.results.clone().into(),
                    "error" => batch.errors.clone().into(),
                    _ => return None,
                })
            }
            Asked::Results { id } => {
                let kept = self.batches.0.lock().unwrap_or_else(PoisonError::into_inner);
                let batch = kept.batches.iter().find(|batch| batch.id == id)?;
                ok(batch.results.clone().into())
            }
        }
    }

    fn create(&self, anthropic: bool, body: &Bytes) -> Option<Batch> {
        let asked: Value = serde_json::from_slice(body).ok()?;
        let requests: Vec<(String, Value)> = if anthropic {
            let requests = asked["requests"].as_array()?.iter();
            requests
                .map(|r| Some((r["custom_id"].as_str()?.to_owned(), r["params"].clone())))
                .collect::<Option<_>>()?
        } else {
            let kept = self.batches.0.lock().unwrap_or_else(PoisonError::into_inner);
            let file = kept.files.get(asked["input_file_id"].as_str()?)?.clone();
            drop(kept);
            let lines = file.split(|b| *b == b'\n').filter(|line| !line.is_empty());
            let read = |line: &[u8]| {
                let line: Value = serde_json::from_slice(line).ok()?;
                (line["method"] == "POST" && line["url"] == asked["endpoint"])
                    .then(|| Some((line["custom_id"].as_str()?.to_owned(), line["body"].clone())))?
            };
            lines.map(read).collect::<Option<_>>()?
        };
        let taken = self.batches.0.lock().unwrap_or_else(PoisonError::into_inner).batches.len();
        let mut batch = Batch {
            id: format!("batch_{taken}"),
            made: SystemTime::now(),
            nonce: asked["metadata"].clone(),
            items: requests.iter().map(|(id, _)| id.clone()).collect(),
            results: String::new(),
            errors: String::new(),
            looks: 0,
            anthropic,
        };
        for (place, (id, request)) in requests.iter().enumerate() {
            let fate = self.config.batches.fates.iter().find(|(at, _)| *at == place).map(|(_, fate)| *fate);
            self.answer_item(&mut batch, id, request, fate);
        }
        Some(batch)
    }

    fn answer_item(&self, batch: &mut Batch, id: &str, request: &Value, fate: Option<Fate>) {
        let text = request.to_string();
        let planned = self.chat(text.as_bytes(), Digest::of_bytes(text.as_bytes()).as_u64());
        let body: Value = serde_json::from_slice(&planned.body).unwrap_or_default();
        let refused =
            json!({ "type": "error", "error": { "type": "invalid_request_error", "message": "refused" } });
        let line = match (batch.anthropic, fate) {
            (_, Some(Fate::Missing)) => return,
            (_, Some(Fate::Garbled)) => {
                let _ = writeln!(batch.results, "{{\"custom_id\":\"{id}\",\"res");
                return;
            }
            (true, None) => json!({ "type": "succeeded", "message": message(&body) }),
            (true, Some(Fate::Errored)) => json!({ "type": "errored", "error": refused }),
            (true, Some(Fate::Expired)) => json!({ "type": "expired" }),
            (false, None) => json!({ "status_code": planned.status, "request_id": "r", "body": body }),
            (false, Some(Fate::Errored)) => json!({ "status_code": 400, "request_id": "r", "body": refused }),
            (false, Some(Fate::Expired)) => {
                let error =
                    json!({ "code": "batch_expired", "message": "this request could not be done in time" });
                let line =
                    json!({ "id": format!("item_{id}"), "custom_id": id, "response": null, "error": error });
                let _ = writeln!(batch.errors, "{line}");
                return;
            }
        };
        let (out, line) = if batch.anthropic {
            (&mut batch.results, json!({ "custom_id": id, "result": line }))
        } else {
            let out = if fate.is_none() { &mut batch.results } else { &mut batch.errors };
            (
                out,
                json!({ "id": format!("item_{}", &id[..8]), "custom_id": id, "response": line, "error": null }),
            )
        };
        let _ = writeln!(out, "{line}");
    }

    /// A batch as the API shows it.
    fn shown(&self, batch: &Batch) -> Value {
        let over = batch.looks > self.config.batches.looks;
        let (total, left) = (batch.items.len(), if over { 0 } else { batch.items.len() });
        let fated = self.config.batches.fates.iter().filter(|(at, _)| *at < total).count();
        let failed = if over { fated } else { 0 };
        let done = total - left - failed;
        if batch.anthropic {
            let made = jiff::Timestamp::try_from(batch.made).unwrap_or_default();
            return json!({
                "id": batch.id, "type": "message_batch", "created_at": made.to_string(),
                "processing_status": if over { "ended" } else { "in_progress" },
                "request_counts": { "processing": left, "succeeded": done, "errored": failed, "canceled": 0, "expired": 0 },
            });
        }
        let status = match (over, self.config.batches.ending) {
            (false, _) => "in_progress",
            (true, Ending::Completed) => "completed",
            (true, Ending::Cancelled) => "cancelled",
            (true, Ending::Expired) => "expired",
            (true, Ending::Refused) => "failed",
        };
        let file = |kind: &str, there: bool| (over && there).then(|| format!("{kind}-{}", batch.id));
        let errors =
            (status == "failed").then(|| json!({ "data": [{ "message": "the file is not to our taste" }] }));
        json!({
            "id": batch.id, "object": "batch", "status": status, "metadata": batch.nonce, "errors": errors,
            "created_at": batch.made.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            "output_file_id": file("output", status != "failed"),
            "error_file_id": file("error", !batch.errors.is_empty()),
            "request_counts": { "total": total, "completed": done, "failed": failed },
        })
    }

    /// A single message, in Anthropic's format.
    pub(super) fn message(&self, body: &[u8], hash: u64) -> Planned {
        let planned = self.chat(body, hash);
        let Some(completion) =
            (planned.status == 200).then(|| serde_json::from_slice(&planned.body).ok()).flatten()
        else {
            return planned;
        };
        Planned { body: message(&completion).to_string().into(), ..planned }
    }
}

/// A completion as a message.
fn message(completion: &Value) -> Value {
    let said = &completion["choices"][0]["message"];
    let mut content = Vec::new();
    if let Some(trace) = said["reasoning_content"].as_str() {
        content.push(json!({ "type": "thinking", "thinking": trace, "signature": "c2lnbmVk" }));
    }
    content.push(json!({ "type": "text", "text": said["content"] }));
    json!({
        "id": "msg_0", "type": "message", "role": "assistant", "model": completion["model"], "content": content,
        "stop_reason": "end_turn", "stop_sequence": null,
        "usage": { "input_tokens": completion["usage"]["prompt_tokens"], "output_tokens": completion["usage"]["completion_tokens"] },
    })
}

/// The file in a form.
fn uploaded(headers: &HeaderMap, body: &Bytes) -> Option<Bytes> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let boundary = format!("\r\n--{}", kind.split_once("boundary=")?.1);
    let find = |from: usize, what: &[u8]| {
        body[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
    };
    find(0, b"name=\"purpose\"\r\n\r\nbatch\r\n")?;
    let part = find(0, b"name=\"file\"; filename=")?;
    let start = find(part, b"\r\n\r\n")? + 4;
    let end = find(start, boundary.as_bytes())?;
    Some(body.slice(start..end))
}
