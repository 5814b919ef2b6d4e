//! How many tokens a call will use: what is likely, for limits per minute, and what is the most, for money.

use std::sync::{Mutex, PoisonError};

use undersight_core::Usage;

use crate::client::ChatRequest;
use crate::governor::Tokens;

/// Replies that are averaged.
const WINDOW: f64 = 64.0;
/// Expected of a reply before any was seen.
const UNSEEN: u64 = 1_000;
/// The most a reply may have where no limit is set and none longer was seen.
const UNLIMITED: u64 = 32_768;
/// What chat templates and APIs put around a message, at most.
const AROUND: u64 = 64;

/// The replies so far.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Replies>);

#[derive(Debug, Default)]
struct Replies {
    n: f64,
    mean: f64,
    largest: u64,
}

impl Seen {
    pub(super) fn reply(&self, usage: &Usage) {
        let Some(output) = usage.output else { return };
        let mut replies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        replies.largest = replies.largest.max(output);
        replies.n = (replies.n + 1.0).min(WINDOW);
        #[expect(clippy::cast_precision_loss, reason = "an average need not be exact")]
        let distance = output as f64 - replies.mean;
        replies.mean += distance / replies.n;
    }

    /// What is likely.
    pub(super) fn expected(&self, request: &ChatRequest) -> Tokens {
        let replies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mean of token counts")]
        let usual = if replies.n > 0.0 { replies.mean.ceil() as u64 } else { UNSEEN };
        let characters: usize = request.messages.iter().map(|m| m.content.chars().count()).sum();
        let output = request.params.max_tokens.map_or(usual, |max| usual.min(max.into()));
        Tokens { input: characters.div_ceil(4) as u64, output: output * copies(request) }
    }

    /// The most: two characters a token in plain text and a token a byte in any other, and the reply up to its limit.
    /// `limited` says that the provider takes the limit.
    pub(super) fn most(&self, request: &ChatRequest, limited: bool) -> Tokens {
        let largest = self.0.lock().unwrap_or_else(PoisonError::into_inner).largest;
        let schema = request.schema.as_ref().map_or(0, |s| s.schema.to_string().len() as u64);
        let messages = request.messages.iter().map(|message| {
            let plain = message.content.bytes().filter(u8::is_ascii).count();
            (message.content.len() - plain + plain.div_ceil(2)) as u64 + AROUND
        });
        let output = match request.params.max_tokens.filter(|_| limited) {
            // A provider that has gone beyond its limit may do so again.
            Some(max) => largest.max(max.into()),
            None => UNLIMITED.max(largest.saturating_mul(2)),
        };
        Tokens {
            input: messages.sum::<u64>() + schema + AROUND,
            output: output.saturating_mul(copies(request)),
        }
    }
}

fn copies(request: &ChatRequest) -> u64 {
    request.n.unwrap_or(1).max(1).into()
}
