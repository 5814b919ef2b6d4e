//! Development only: a fake provider, real counterparts, generated datasets and snapshot filters for every crate's
//! tests. Nothing shipped depends on it.

pub mod aimock;
pub mod bsa;
#[cfg(unix)]
pub mod engine;
pub mod env;
pub mod filters;
pub mod litellm;
pub mod population;
pub mod proxy;
pub mod server;

mod counterpart;

pub use env::{InCi, repository, shared_data, skip, test_python};
pub use filters::Filters;
pub use proxy::{Trouble, TroubleProxy};
pub use server::{Batches, Config, Dialect, FakeServer, Fault, Habit, Manners, RetryAfter};
