//! Simulated reasoning models, in-process: `sim/<profile>[?setting=value&…]`. A sample is drawn from stated rates,
//! written, put into OpenAI-shaped bytes and read back by the same reader as any reply, so that whatever is simulated
//! takes the real path. The truth travels beside the bytes, never in them. Settings and rates: `docs/simulation.md`.

mod attempts;
mod client;
mod compose;
mod draw;
mod phrases;
mod profile;
mod settings;
#[cfg(test)]
mod tests;
mod wire;
mod words;

pub use client::SimClient;
pub use profile::{PROFILES, Profile, Rates};
pub use settings::{Settings, SimError};
