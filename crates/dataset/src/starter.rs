//! The starter set, embedded: written for Undersight, under CC BY 4.0.

use crate::{Dataset, Format, parse};

/// The embedded starter set, read by the same parser as any file.
///
/// # Panics
/// Never: a test reads the very same bytes.
#[must_use]
pub fn starter() -> Dataset {
    let bytes = include_bytes!("../starter/starter.jsonl");
    let dataset = parse(Format::Jsonl, "starter", bytes).expect("a test has read the embedded starter set");
    Dataset { source: "embedded".to_owned(), ..dataset }
}
