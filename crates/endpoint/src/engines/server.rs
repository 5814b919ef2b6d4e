//! What a server that may already be there says: whether it is up, and which models it has.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde_json::Value;

use crate::transport::pool;

/// How long an answer may take; a server on this machine needs no time for these.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a list of models that are read.
const LIST_BYTES: usize = 1 << 20;

/// What answers at a base URL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// Nothing.
    Nothing,
    /// Something that is no engine.
    SomethingElse,
    /// An engine that lists its models.
    Models(Vec<String>),
    /// An engine that does not say which models it has.
    Silent,
}

/// A server to ask.
#[derive(Debug)]
pub(crate) struct Server {
    http: reqwest::Client,
    base: Url,
    key: Option<String>,
}

impl Server {
    pub(crate) fn at(base: &Url, key: Option<String>) -> Result<Self, reqwest::Error> {
        Ok(Self { http: pool(base)?, base: base.clone(), key })
    }

    /// Whether it says that it is well.
    pub(crate) async fn healthy(&self, path: &str) -> bool {
        let mut url = self.base.clone();
        url.set_path(path);
        self.get(url).await.is_ok_and(|response| response.status() == StatusCode::OK)
    }

    /// What is there.
    pub(crate) async fn answers(&self, health: &str) -> Answers {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/models", self.base.path().trim_end_matches('/')));
        let response = match self.get(url).await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return Answers::Nothing,
            // It took the connection: busy, maybe, but somebody is there.
            Err(error) if error.is_timeout() => return Answers::Silent,
            Err(_) => return Answers::SomethingElse,
        };
        match response.status() {
            StatusCode::OK => match list(response).await {
                Some(models) if !models.is_empty() => Answers::Models(models),
                Some(_) => Answers::Silent,
                None => Answers::SomethingElse,
            },
            // One that wants a key, or is still loading.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::SERVICE_UNAVAILABLE => {
                Answers::Silent
            }
            // transformers' server cannot list its models without the network.
            _ if self.healthy(health).await => Answers::Silent,
            _ => Answers::SomethingElse,
        }
    }

    async fn get(&self, url: Url) -> Result<reqwest::Response, reqwest::Error> {
        let request = self.http.get(url).timeout(PATIENCE);
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
        .send()
        .await
    }
}

async fn list(mut response: reqwest::Response) -> Option<Vec<String>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LIST_BYTES {
            return None;
        }
    }
    let reply: Value = serde_json::from_slice(&bytes).ok()?;
    let models = reply.get("data")?.as_array()?;
    Some(models.iter().filter_map(|model| Some(model.get("id")?.as_str()?.to_owned())).collect())
}
