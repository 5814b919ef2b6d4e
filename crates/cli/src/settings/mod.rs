//! Settings: what the command line, the environment and the config file mean together, parsed.

pub(crate) mod eval;
pub(crate) mod layers;
pub(crate) mod parse;

pub(crate) use layers::{Environment, Layers, Sourced};

/// The store when none is given.
pub(crate) const DEFAULT_STORE: &str = "sqlite:undersight.db";
