//! Writes a generated file of the official file's shape to standard output, for benchmarks.

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let seed = std::env::args().nth(1).and_then(|seed| seed.parse().ok()).unwrap_or(1);
    match std::io::stdout().write_all(&testkit::bsa::official_like(seed)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
