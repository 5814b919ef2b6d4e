//! Recorded exchanges: what was sent and what came back, one file a call, so that a run can be repeated offline and
//! byte for byte. A file is found by the tag of the call; of several attempts the last one is kept, because that is the
//! one the record was made of, and no wait has to be sat through again.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use undersight_core::{CauseKind, Digest, Micros, ModelName};

use crate::client::{Decision, Exchange};
use crate::transport::{Arrived, Broken, Transport};

const SCHEMA: &str = "undersight.recording/v1";

/// One exchange as it is kept. Headers are those that mean something to us; nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Recording {
    schema: String,
    model: ModelName,
    url: String,
    tag: Digest,
    started: Micros,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_byte_us: Option<i64>,
    total_us: i64,
    request: Body,
    /// 0 when no reply began.
    status: u16,
    headers: Vec<(String, String)>,
    response: Body,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    broken: Option<RecordedBreak>,
}

/// Bytes, readable where they are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Body {
    Text(String),
    Base64(String),
}

impl Body {
    fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.into_bytes()),
            Self::Base64(text) => STANDARD.decode(text).ok(),
        }
    }
}

/// Why an exchange broke off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RecordedBreak {
    kind: CauseKind,
    message: String,
    again: bool,
}

/// Whether a header is worth keeping: it names a type, a wait, a limit, an id or an error.
fn kept(name: &str) -> bool {
    matches!(name, "content-type" | "date" | "x-amzn-errortype")
        || asks_to_wait(name)
        || ["request-id", "requestid"].iter().any(|part| name.contains(part))
}

fn asks_to_wait(name: &str) -> bool {
    name.contains("retry-after") || name.contains("ratelimit")
}

/// Where the recording of a call is.
fn place(dir: &Path, model: &ModelName, tag: &Digest) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' };
    let folder: String = model.as_str().chars().map(plain).collect();
    // No name made of dots alone leads out of the folder.
    dir.join(format!("m-{folder}")).join(format!("{tag}.json"))
}

/// The tag of a call, or one made of what it sends.
fn tag_of(tag: Option<&Digest>, body: &[u8]) -> Digest {
    tag.copied().unwrap_or_else(|| Digest::of_bytes(body))
}

/// Keeps exchanges in a folder.
#[derive(Debug)]
pub struct Recorder {
    dir: PathBuf,
    /// How many could not be written, and why the first could not.
    failed: Mutex<Option<(u64, String)>>,
}

impl Recorder {
    /// A recorder into a folder, which is made if need be.
    ///
    /// # Errors
    /// When it cannot be made or written to.
    pub fn new(dir: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let trial = dir.join(format!(".trial-{}", std::process::id()));
        std::fs::write(&trial, b"")?;
        std::fs::remove_file(&trial)?;
        Ok(Self { dir: dir.to_owned(), failed: Mutex::new(None) })
    }

    /// How many exchanges could not be kept so far, and why not. The replies themselves are never lost over it.
    #[must_use]
    pub fn failures(&self) -> Option<(u64, String)> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps one exchange, its secrets taken out already.
    pub(crate) fn keep(
        &self,
        model: &ModelName,
        tag: Option<&Digest>,
        exchange: &Exchange,
        status: u16,
        broken: Option<&Broken>,
    ) {
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let recording = Recording {
            schema: SCHEMA.to_owned(),
            model: model.clone(),
            url: exchange.url.clone(),
            tag: tag_of(tag, &exchange.raw.request),
            started: exchange.timing.started,
            first_byte_us: exchange.timing.first_byte_us,
            total_us: exchange.timing.total_us,
            request: Body::of(&exchange.raw.request),
            status,
            headers: exchange.headers.iter().filter(|(n, _)| kept(n.as_str())).filter_map(text).collect(),
            response: Body::of(&exchange.raw.response),
            broken: broken.map(|b| RecordedBreak {
                kind: b.kind,
                message: b.message.clone(),
                again: b.decision != Decision::Never,
            }),
        };
        if let Err(error) = self.write(model, &recording) {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert_with(|| (0, error.to_string())).0 += 1;
        }
    }

    fn write(&self, model: &ModelName, recording: &Recording) -> std::io::Result<()> {
        let path = place(&self.dir, model, &recording.tag);
        std::fs::create_dir_all(path.parent().unwrap_or(&self.dir))?;
        let mut text = serde_json::to_vec_pretty(recording)?;
        text.push(b'\n');
        // It appears under its name whole or not at all.
        let unfinished = path.with_extension(format!("{}.part", std::process::id()));
        std::fs::write(&unfinished, text)?;
        std::fs::rename(unfinished, path)
    }
}

/// A folder of recordings in the place of a model's API.
#[derive(Debug, Clone)]
pub(crate) struct Replay {
    dir: PathBuf,
    model: ModelName,
    shown: String,
}

impl Replay {
    pub(crate) fn new(dir: &Path, model: &ModelName) -> Self {
        Self { dir: dir.to_owned(), model: model.clone(), shown: format!("replay:{}", dir.display()) }
    }

    fn find(&self, tag: Digest, body: &[u8]) -> Result<Arrived, String> {
        let path = place(&self.dir, &self.model, &tag);
        let text = std::fs::read(&path).map_err(|error| {
            format!(
                "no recording of this call of {}: {} ({error}); repeat the run with the settings it was recorded with, or record it with --record",
                self.model,
                path.display()
            )
        })?;
        let unusable = |why: &str| format!("the recording {} {why}", path.display());
        let recording: Recording =
            serde_json::from_slice(&text).map_err(|e| unusable(&format!("cannot be read: {e}")))?;
        if recording.schema != SCHEMA {
            return Err(unusable("was made by another version of this program"));
        }
        let asked = recording.request.bytes().unwrap_or_default();
        if !same(&asked, body) {
            return Err(unusable("is of another request; was it made with other settings (--stream, say)?"));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &recording.headers {
            let parsed = (name.parse::<HeaderName>(), value.parse::<HeaderValue>());
            // Nobody has to be waited for any more.
            if let (Ok(name), Ok(value)) = parsed
                && !asks_to_wait(name.as_str())
            {
                headers.insert(name, value);
            }
        }
        let duration = |us: i64| Duration::from_micros(u64::try_from(us).unwrap_or(0));
        Ok(Arrived {
            status: recording.status,
            headers,
            body: recording.response.bytes().ok_or_else(|| unusable("holds no readable reply"))?,
            started: recording.started,
            first_byte: recording.first_byte_us.map(duration),
            total: duration(recording.total_us),
            broken: recording.broken.map(|b| Broken {
                kind: b.kind,
                message: b.message,
                decision: if b.again { Decision::Transient } else { Decision::Never },
            }),
            replayed: Some(recording.url),
        })
    }
}

/// Whether two request bodies ask the same, however they are spelt.
fn same(recorded: &[u8], now: &[u8]) -> bool {
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).ok();
    recorded == now || json(recorded).is_some_and(|recorded| Some(recorded) == json(now))
}

impl Transport for Replay {
    fn send<'a>(&'a self, body: Bytes, tag: Option<&'a Digest>) -> BoxFuture<'a, Arrived> {
        let tag = tag_of(tag, &body);
        Box::pin(async move {
            self.find(tag, &body).unwrap_or_else(|message| Arrived {
                broken: Some(Broken { kind: CauseKind::Unreachable, message, decision: Decision::Never }),
                ..Arrived::default()
            })
        })
    }

    fn url(&self) -> &str {
        &self.shown
    }
}
