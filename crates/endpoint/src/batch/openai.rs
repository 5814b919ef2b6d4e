//! OpenAI's batches: an uploaded file of requests, a batch over it, files of results.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use undersight_core::{Batch, Digest};

use super::courier::{Courier, Refusal};
use super::provider::{Item, NotSubmitted, Standing, Traced, id_of};
use crate::providers::wire::Style;

/// Pages of the list that are read at most, a hundred batches each.
const PAGES: usize = 50;
/// How far the provider's clock may be behind ours, in seconds.
const SKEW: i64 = 3_600;

/// The API.
pub(crate) struct OpenAi {
    pub(crate) courier: Courier,
    /// What each request is for: `/v1/chat/completions`.
    pub(crate) endpoint: &'static str,
}

/// The path that requests in a batch file name; `None` for formats that no such file holds.
pub(crate) const fn endpoint(style: Style) -> Option<&'static str> {
    match style {
        Style::Chat => Some("/v1/chat/completions"),
        Style::Responses => Some("/v1/responses"),
        Style::Messages | Style::Gemini | Style::Converse => None,
    }
}

/// One line of a batch file, its end included.
pub(crate) fn line(out: &mut Vec<u8>, tag: &Digest, endpoint: &str, body: &[u8]) {
    out.extend_from_slice(
        format!("{{\"custom_id\":\"{tag}\",\"method\":\"POST\",\"url\":\"{endpoint}\",\"body\":").as_bytes(),
    );
    out.extend_from_slice(body);
    out.extend_from_slice(b"}\n");
}

/// A line of a result file.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    custom_id: Cow<'a, str>,
    #[serde(borrow)]
    response: Option<Response<'a>>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Response<'a> {
    status_code: Option<u16>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// Reads a line of a result file.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn item(line: &[u8]) -> Result<Item, String> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|e| format!("no result: {e}"))?;
    let tag = line.custom_id.parse().map_err(|_| "its custom_id is none of ours".to_owned())?;
    let id = line.id.filter(|id| !id.is_empty()).unwrap_or(line.custom_id).into_owned();
    let said = |error: &Value| {
        let message = error.get("message").or_else(|| error.get("code")).and_then(Value::as_str);
        message.unwrap_or("it failed").to_owned()
    };
    let body = match (line.error.filter(|error| !error.is_null()), line.response) {
        (Some(error), _) => Err(said(&error)),
        (None, Some(Response { status_code, body: Some(body) })) => match status_code {
            Some(status) if !(200..300).contains(&status) => {
                let body: Value = serde_json::from_str(body.get()).unwrap_or_default();
                Err(body.get("error").map_or_else(|| format!("status {status}"), said))
            }
            _ => Ok(body.get().as_bytes().to_vec()),
        },
        (None, _) => Err("it has neither a response nor an error".to_owned()),
    };
    Ok(Item { tag, id, body })
}

impl OpenAi {
    /// The upload: a form with the purpose and the file, whose name holds the nonce.
    pub(super) fn bundle(&self, nonce: &str, items: Vec<(Digest, Bytes)>) -> Bytes {
        let mut form = format!(
            "--{nonce}\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--{nonce}\r\n\
             content-disposition: form-data; name=\"file\"; filename=\"undersight-{nonce}.jsonl\"\r\n\
             content-type: application/jsonl\r\n\r\n"
        )
        .into_bytes();
        for (tag, body) in items {
            line(&mut form, &tag, self.endpoint, &body);
        }
        form.extend_from_slice(format!("\r\n--{nonce}--\r\n").as_bytes());
        form.into()
    }

    pub(super) async fn submit(&self, nonce: &str, bundle: Bytes) -> Result<String, NotSubmitted> {
        let kind = format!("multipart/form-data; boundary={nonce}");
        let uploaded = self.courier.post(&["files"], &kind, bundle).await.and_then(|file| id_of(&file));
        // A file alone is no batch.
        let file = uploaded.map_err(|refusal| NotSubmitted { refusal, unsure: false })?;
        let asked = json!({
            "input_file_id": file,
            "endpoint": self.endpoint,
            "completion_window": "24h",
            "metadata": { "undersight": nonce },
        });
        let made = self.courier.post(&["batches"], "application/json", asked.to_string().into()).await;
        made.and_then(|batch| id_of(&batch)).map_err(|refusal| {
            let unsure = refusal.may_have_arrived();
            NotSubmitted { refusal, unsure }
        })
    }

    pub(super) async fn trace(&self, batch: &Batch) -> Result<Traced, Refusal> {
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let mut query = vec![("limit", "100")];
            query.extend(after.as_deref().map(|after| ("after", after)));
            let page = self.courier.get(&["batches"], &query).await?;
            let listed = page.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
            let ours = listed.iter().find(|b| {
                b.pointer("/metadata/undersight").and_then(Value::as_str) == Some(batch.nonce.as_str())
            });
            if let Some(ours) = ours {
                return id_of(ours).map(Traced::Found);
            }
            // The latest come first.
            let oldest = listed.last().and_then(|b| b.get("created_at")).and_then(Value::as_i64);
            let earlier = oldest.is_some_and(|at| at < batch.created.0 / 1_000_000 - SKEW);
            let more = page.get("has_more").and_then(Value::as_bool) == Some(true);
            let last = listed.last().and_then(|b| b.get("id")).and_then(Value::as_str);
            after = last.map(str::to_owned);
            if earlier || !more || after.is_none() {
                break;
            }
        }
        Ok(Traced::Absent)
    }

    pub(super) async fn look(&self, id: &str) -> Result<Standing, Refusal> {
        let batch = self.courier.get(&["batches", id], &[]).await?;
        let text = |name: &str| batch.get(name).and_then(Value::as_str).unwrap_or_default();
        let count = |name: &str| batch.pointer(&format!("/request_counts/{name}")).and_then(Value::as_u64);
        Ok(match text("status") {
            "completed" | "expired" | "cancelled" => Standing::Ended {
                how: text("status").to_owned(),
                // Some servers write an empty name where there is no file.
                files: ["output_file_id", "error_file_id"]
                    .into_iter()
                    .map(|name| text(name).to_owned())
                    .filter(|file| !file.is_empty())
                    .collect(),
            },
            "failed" => {
                let why = batch.pointer("/errors/data/0/message").and_then(Value::as_str);
                Standing::Refused(why.unwrap_or("the provider does not say why").to_owned())
            }
            "" => return Err(Refusal::unreadable(200, "the answer names no status")),
            _ => Standing::Working { done: count("completed").unwrap_or(0) + count("failed").unwrap_or(0) },
        })
    }

    pub(super) async fn results(
        &self,
        files: &[String],
        each: &mut (dyn FnMut(Item) + Send),
    ) -> Result<(), Refusal> {
        for file in files {
            let mut read = |line: &[u8]| {
                if let Ok(item) = item(line) {
                    each(item);
                }
            };
            self.courier.lines(&["files", file, "content"], &mut read).await?;
        }
        Ok(())
    }
}
