//! Model clients: everything between a chat request and a readable reply. Every call to a model goes through an
//! [`Endpoint`], which [`connect`] makes from a model's name.

mod api;
mod auth;
pub mod batch;
pub mod budget;
pub mod client;
pub mod connect;
pub mod endpoint;
pub mod engines;
mod gate;
pub mod governor;
pub mod limiter;
pub mod prices;
pub mod probe;
pub mod providers;
pub mod rate;
pub mod recordings;
pub mod retry;
pub mod secret;
pub mod sim;
pub mod trace;

mod classify;
mod sse;
mod transport;
mod wait;

pub use budget::{Budget, Shortfall};
pub use classify::{Classified, Meaning, classify};
pub use client::{CallError, ChatRequest, Client, Decision, Exchange, Reply, ResponseSchema, SideChannel};
pub use connect::{ConnectError, Hosts, Options, connect, install_crypto};
pub use endpoint::{Answered, Endpoint, Failed, Fatal, Member, SetAside};
pub use gate::Gate;
pub use governor::{Governor, Tokens};
pub use limiter::{Limiter, LimiterStats};
pub use prices::{PriceError, PriceTable};
pub use rate::{Allowance, Counted, RateHeaders};
pub use recordings::Recorder;
pub use retry::RetryPolicy;
pub use transport::MAX_BODY;
pub use wait::{MAX_WAIT, requested_wait};
