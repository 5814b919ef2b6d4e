//! The dataset crate through its public surface, one binary.

#![allow(clippy::unwrap_used, reason = "helpers of tests are outside the functions clippy takes for tests")]

mod cases;
mod labels;
mod official;
mod parquet;
mod problems;
mod responses;
mod roundtrip;
mod select;
mod starter;
mod strategies;
