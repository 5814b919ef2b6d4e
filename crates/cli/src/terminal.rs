//! The only place that writes to stdout and stderr. A closed pipe ends output quietly.

use std::io::Write;

use crate::fail::Fail;

/// Writes a result to stdout.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Fail> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Fail::failed(format!("standard output: {e}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line for people to stderr.
pub(crate) fn note(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
