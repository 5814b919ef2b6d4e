//! Repository chores: `cargo run -p xtask -- tidy` holds the workspace to its own rules.

mod tidy;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p xtask -- tidy";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => tidy::run(root),
        _ => Err(USAGE.to_owned()),
    };
    let mut stderr = std::io::stderr();
    match outcome {
        Ok(found) => {
            let mut stdout = std::io::stdout();
            for note in &found.notes {
                let _ = writeln!(stdout, "info: {note}");
            }
            for problem in &found.problems {
                let _ = writeln!(stderr, "{problem}");
            }
            let _ = writeln!(stdout, "tidy: {} files, {} problems", found.files, found.problems.len());
            if found.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(message) => {
            let _ = writeln!(stderr, "{message}");
            ExitCode::from(2)
        }
    }
}
