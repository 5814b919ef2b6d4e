//! The endpoint over its public surface: codec, classification, connecting, limits, retries, and real loopback HTTP.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up should fail")]

mod balance;
mod budget;
mod classify;
mod codec;
mod connect;
mod documented;
mod endpoint;
mod gemini;
mod governor;
mod limiter;
mod loopback;
mod messages;
mod played;
mod prices;
mod responses;
mod rows;
mod secrets;
mod server;
mod suite;
