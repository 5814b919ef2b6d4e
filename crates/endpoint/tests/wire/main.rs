//! The endpoint over its public surface: codec, classification, connecting, limits, retries, and real loopback HTTP.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up should fail")]

mod classify;
mod codec;
mod connect;
mod endpoint;
mod limiter;
mod loopback;
mod prices;
mod secrets;
mod server;
