//! aimock, an independent fake provider from npm, as a counterpart for interop tests: started on loopback, killed on
//! drop. `.ci/run` installs it under `testkit/interop`; elsewhere tests skip without it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::{InCi, repository, skip};

const PROGRAM: &str = "testkit/interop/node_modules/@copilotkit/aimock/dist/cli.js";
const PATIENCE: Duration = Duration::from_secs(30);

/// A running aimock.
#[derive(Debug)]
pub struct Aimock {
    child: Child,
    address: String,
}

impl Aimock {
    /// The fixtures this repository brings: one case for each pathology, told by the user message.
    #[must_use]
    pub fn fixtures() -> PathBuf {
        repository().join("testkit/interop/fixtures.json")
    }

    /// Starts it with a fixture file and waits until it is healthy; `None`, with the reason printed, where node or
    /// the package is missing.
    ///
    /// # Panics
    /// In `.ci/run`, which installs both; and when it starts but does not come up.
    #[must_use]
    pub fn start(fixtures: &Path) -> Option<Self> {
        let program = repository().join(PROGRAM);
        if !program.is_file() {
            skip(InCi::MustRun, "aimock is not installed (npm ci in testkit/interop)");
            return None;
        }
        let spawned = Command::new("node")
            .arg(&program)
            .args(["--host", "127.0.0.1", "--port", "0", "--log-level", "info", "--fixtures"])
            .arg(fixtures)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let child = match spawned {
            Ok(child) => child,
            Err(error) => {
                skip(InCi::MustRun, &format!("node cannot be started: {error}"));
                return None;
            }
        };
        let mut started = Self { child, address: String::new() };
        started.address = started.announced().expect("aimock says where it listens");
        assert!(started.healthy(), "aimock answers on {}", started.address);
        Some(started)
    }

    /// The base URL a client is given.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Reads the log until the address appears, and goes on reading so that the pipe never fills.
    fn announced(&mut self) -> Option<String> {
        let stdout = self.child.stdout.take()?;
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("listening on http://") {
                    let _ = send.send(address.trim().to_owned());
                }
            }
        });
        receive.recv_timeout(PATIENCE).ok()
    }

    fn healthy(&self) -> bool {
        let ask = || {
            let mut stream = TcpStream::connect(&self.address)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            write!(stream, "GET /health HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
            let mut reply = String::new();
            stream.read_to_string(&mut reply)?;
            std::io::Result::Ok(reply)
        };
        ask().is_ok_and(|reply| reply.starts_with("HTTP/1.1 200"))
    }
}

impl Drop for Aimock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
