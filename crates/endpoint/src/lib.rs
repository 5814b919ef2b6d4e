//! Model clients: everything between a chat request and a readable reply. Every call to a model goes through an
//! [`Endpoint`], which [`connect`] makes from a model's name.

pub mod budget;
pub mod client;
pub mod connect;
pub mod endpoint;
pub mod http;
pub mod limiter;
pub mod prices;
pub mod providers;
pub mod retry;
pub mod secret;
pub mod sim;
pub mod trace;

mod classify;
mod sse;
mod wait;

pub use budget::Budget;
pub use classify::{Classified, Meaning, classify};
pub use client::{CallError, ChatRequest, Client, Decision, Reply, ResponseSchema, SideChannel};
pub use connect::{ConnectError, Hosts, Options, connect, install_crypto};
pub use endpoint::{Answered, Endpoint, Failed, Fatal};
pub use limiter::{Limiter, LimiterStats};
pub use prices::{PriceError, PriceTable};
pub use retry::RetryPolicy;
pub use wait::{MAX_WAIT, requested_wait};
