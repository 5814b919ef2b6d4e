//! A server of another project, run as a child process for interop tests: found by the address it announces, asked
//! whether it is healthy, killed on drop.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// Room for a cold start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running counterpart.
#[derive(Debug)]
pub(crate) struct Counterpart {
    child: Child,
    address: String,
}

impl Counterpart {
    /// Starts a server that writes `marker` and its address in one line, and answers 200 on the path `health`.
    ///
    /// # Errors
    /// When the program cannot be started at all.
    ///
    /// # Panics
    /// When it starts but does not come up.
    pub(crate) fn start(command: &mut Command, marker: &'static str, health: &str) -> io::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        // Owned from here on, so that a panic below ends it too.
        let mut started = Self { child, address: String::new() };
        let (send, receive) = channel();
        if let Some(stdout) = started.child.stdout.take() {
            listen(stdout, marker, send.clone());
        }
        if let Some(stderr) = started.child.stderr.take() {
            listen(stderr, marker, send);
        }
        started.address = receive.recv_timeout(PATIENCE).expect("the server says where it listens");
        let reply = started.get(health).unwrap_or_else(|error| error.to_string());
        assert!(reply.starts_with("HTTP/1.1 200"), "{}{health}: {reply}", started.address);
        Ok(started)
    }

    /// The base URL a client is given.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// A reply, head and body, as it came.
    pub(crate) fn get(&self, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        Ok(reply)
    }
}

impl Drop for Counterpart {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads until the address appears, and goes on reading so that the pipe never fills.
fn listen(pipe: impl Read + Send + 'static, marker: &'static str, found: Sender<String>) {
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line);
            if let Some(address) =
                text.split_once(marker).and_then(|(_, rest)| rest.split_whitespace().next())
            {
                let _ = found.send(address.to_owned());
            }
            line.clear();
        }
    });
}
