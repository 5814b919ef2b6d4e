//! What a reply makes of a request's parameters: nothing, or what a good server would.

use bytes::Bytes;
use serde_json::Value;
use undersight_core::Digest;

use super::Manners;
use super::chat::start;
use super::reply::{BYTES_PER_TOKEN, Said};

/// What is made of one request.
#[derive(Debug)]
pub(super) struct Asked {
    /// Decides on the text.
    pub(super) hash: u64,
    /// Bytes the reply may have.
    bytes: Option<usize>,
    /// Replies wanted.
    n: usize,
}

impl Asked {
    /// Reads the parameters, where anything is made of them; `count` numbers the requests.
    pub(super) fn of(manners: Manners, body: &[u8], hash: u64, count: u64) -> Self {
        let plain = Self { hash, bytes: None, n: 1 };
        match manners {
            Manners::ByBytes => plain,
            Manners::Restless => Self { hash: hash.wrapping_add(count), ..plain },
            Manners::Obedient => Self::obeyed(serde_json::from_slice(body).unwrap_or_default(), hash),
        }
    }

    fn obeyed(mut request: Value, hash: u64) -> Self {
        let number = |name: &str| request[name].as_u64().and_then(|n| usize::try_from(n).ok());
        let bytes = number("max_tokens").or(number("max_completion_tokens")).map(|n| n * BYTES_PER_TOKEN);
        let n = number("n").unwrap_or(1);
        let greedy = request["temperature"].as_f64() == Some(0.0) || request["top_k"] == 1;
        let seeded = request.as_object_mut().and_then(|members| members.remove("seed")).is_some();
        let hash =
            if greedy && seeded { Digest::of_bytes(request.to_string().as_bytes()).as_u64() } else { hash };
        Self { hash, bytes, n }
    }

    /// Cut off where the limit is.
    pub(super) fn limited<'a>(&self, said: Said<'a>) -> Said<'a> {
        let Some(bytes) = self.bytes else { return said };
        let (trace, content) = (said.trace.unwrap_or(""), said.content.unwrap_or(""));
        if trace.len() + content.len() <= bytes {
            return said;
        }
        match bytes.checked_sub(trace.len()) {
            Some(left) if left > 0 => Said { content: Some(start(content, left)), finish: "length", ..said },
            _ => Said { trace: Some(start(trace, bytes)), content: None, finish: "length" },
        }
    }

    /// As many choices as are wanted.
    pub(super) fn repeated(&self, body: Bytes) -> Bytes {
        if self.n == 1 {
            return body;
        }
        let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let first = body["choices"][0].clone();
        body["choices"] = (0..self.n)
            .map(|index| {
                let mut choice = first.clone();
                choice["index"] = index.into();
                choice
            })
            .collect();
        body.to_string().into()
    }
}
