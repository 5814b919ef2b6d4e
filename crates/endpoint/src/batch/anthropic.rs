//! Anthropic's message batches: requests in one body, results as lines. The API takes no name of ours, so a batch whose
//! id never arrived is found by its size, its time, and what its results are called.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use undersight_core::{Batch, Digest};

use super::courier::{Courier, Refusal};
use super::provider::{Item, NotSubmitted, Standing, Traced, id_of};

/// How far the provider's clock may be behind ours, in microseconds.
const SKEW_US: i64 = 3_600_000_000;
const BATCHES: [&str; 2] = ["messages", "batches"];

/// The API.
pub(crate) struct Anthropic {
    pub(crate) courier: Courier,
}

/// A line of the results.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    custom_id: Cow<'a, str>,
    #[serde(borrow)]
    result: Outcome<'a>,
}

#[derive(Deserialize)]
struct Outcome<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    error: Option<Value>,
}

fn item(line: &[u8]) -> Option<Item> {
    let Line { custom_id, result } = serde_json::from_slice(line).ok()?;
    let tag = custom_id.parse().ok()?;
    let body = match (&*result.kind, result.message) {
        ("succeeded", Some(message)) => Ok(message.get().as_bytes().to_vec()),
        (kind, _) => {
            // The error is wrapped in the envelope that a refused call has.
            let error = result.error.as_ref();
            let said = error.and_then(|e| e.pointer("/error/message").or_else(|| e.get("message")));
            Err(said.and_then(Value::as_str).unwrap_or(kind).to_owned())
        }
    };
    Some(Item { tag, id: custom_id.into_owned(), body })
}

impl Anthropic {
    pub(super) fn bundle(items: Vec<(Digest, Bytes)>) -> Bytes {
        let mut body = b"{\"requests\":[".to_vec();
        for (i, (tag, params)) in items.into_iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            body.extend_from_slice(format!("{comma}{{\"custom_id\":\"{tag}\",\"params\":").as_bytes());
            body.extend_from_slice(&params);
            body.push(b'}');
        }
        body.extend_from_slice(b"]}");
        body.into()
    }

    pub(super) async fn submit(&self, bundle: Bytes) -> Result<String, NotSubmitted> {
        let made = self.courier.post(&BATCHES, "application/json", bundle).await;
        made.and_then(|batch| id_of(&batch)).map_err(|refusal| {
            let unsure = refusal.may_have_arrived();
            NotSubmitted { refusal, unsure }
        })
    }

    pub(super) async fn trace(
        &self,
        batch: &Batch,
        known: &[String],
        holds: &(dyn Fn(&Digest) -> bool + Sync),
    ) -> Result<Traced, Refusal> {
        let page = self.courier.get(&BATCHES, &[("limit", "1000")]).await?;
        let mut perhaps = false;
        for listed in page.get("data").and_then(Value::as_array).into_iter().flatten() {
            let id = id_of(listed)?;
            let created = listed.get("created_at").and_then(Value::as_str);
            let created = created.and_then(|at| at.parse::<jiff::Timestamp>().ok());
            let early = created.is_some_and(|at| at.as_microsecond() < batch.created.0 - SKEW_US);
            if early || known.contains(&id) || counted(listed).0 != u64::from(batch.items) {
                continue;
            }
            if listed.get("processing_status").and_then(Value::as_str) != Some("ended") {
                perhaps = true;
                continue;
            }
            let mut ours = false;
            let mut read = |item: Item| ours |= holds(&item.tag);
            match self.results(&id, &mut read).await {
                Ok(()) if ours => return Ok(Traced::Found(id)),
                // Another's whose results are gone is not waited for.
                Err(refusal) if refusal.status != 404 => return Err(refusal),
                _ => {}
            }
        }
        Ok(if perhaps { Traced::Perhaps } else { Traced::Absent })
    }

    pub(super) async fn look(&self, id: &str) -> Result<Standing, Refusal> {
        let batch = self.courier.get(&[BATCHES[0], BATCHES[1], id], &[]).await?;
        match batch.get("processing_status").and_then(Value::as_str) {
            Some("ended") => Ok(Standing::Ended { how: "ended".to_owned(), files: Vec::new() }),
            Some(_) => Ok(Standing::Working { done: counted(&batch).1 }),
            None => Err(Refusal::unreadable(200, "the answer names no status")),
        }
    }

    pub(super) async fn results(&self, id: &str, each: &mut (dyn FnMut(Item) + Send)) -> Result<(), Refusal> {
        let mut read = |line: &[u8]| {
            if let Some(item) = item(line) {
                each(item);
            }
        };
        self.courier.lines(&[BATCHES[0], BATCHES[1], id, "results"], &mut read).await
    }
}

/// All requests of a batch, and those that are done.
fn counted(batch: &Value) -> (u64, u64) {
    let count =
        |name: &str| batch.pointer(&format!("/request_counts/{name}")).and_then(Value::as_u64).unwrap_or(0);
    let done = ["succeeded", "errored", "canceled", "expired"].into_iter().map(count).sum::<u64>();
    (done + count("processing"), done)
}
