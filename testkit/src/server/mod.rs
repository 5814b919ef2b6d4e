//! A fake OpenAI-compatible provider on loopback: deterministic replies, faults on demand, and a journal of every
//! request that outlives client and server. Runs in a thread of its own, so that synchronous tests can use it.

mod batch;
mod chat;
mod config;
mod fault;
mod filler;
mod handle;
mod journal;
mod manners;
mod reply;
mod verdict;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use batch::{Batches, Ending, Fate, Step, Trouble};
pub use config::{Config, Dialect, Habit, Manners};
pub use fault::{Fault, RetryAfter};
pub use filler::QUOTES;
pub use journal::{Entry, Kind, read_journal};

use handle::Shared;

/// Room for prompts far longer than any model's context.
const MAX_REQUEST_BYTES: usize = 64 << 20;

/// A running server; dropping it closes every connection and stops it.
#[derive(Debug)]
pub struct FakeServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeServer {
    /// Starts on the port of the configuration (0: any free one).
    ///
    /// # Panics
    /// When the port or the journal file cannot be opened; see [`Self::try_start`].
    #[must_use]
    pub fn start(config: Config) -> Self {
        Self::try_start(config).expect("the fake provider starts")
    }

    /// As [`Self::start`], without panicking.
    ///
    /// # Errors
    /// When the port is taken, or the journal file cannot be opened.
    pub fn try_start(config: Config) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, config.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(config)?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("fake-provider".to_owned()).spawn(move || {
            runtime.block_on(serve(listener, for_thread, stopped));
            // Requests that hang on purpose end here.
            runtime.shutdown_background();
        })?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// The base URL a client is given, `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Host and port.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far, in order of arrival; empty when the configuration keeps none in memory.
    #[must_use]
    pub fn journal(&self) -> Vec<Entry> {
        self.shared.journal.entries()
    }

    /// Trace and answer that a plain reply to this request holds.
    #[must_use]
    pub fn text(&self, request: &Entry) -> (&str, &str) {
        let text = self.shared.text(request.sha.as_u64());
        (&text.trace, &text.answer)
    }

    /// The requests of every batch that was taken, by their `custom_id`.
    #[must_use]
    pub fn batched(&self) -> Vec<Vec<String>> {
        self.shared.batches.taken()
    }

    /// How many requests of a kind have arrived.
    #[must_use]
    pub fn count(&self, kind: Kind) -> u64 {
        self.shared.journal.count(kind)
    }

    /// Serves until the process ends.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    // Without it, Nagle's algorithm delays small replies by tens of milliseconds.
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    let app = Router::new()
        .fallback(handle::handle)
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(shared);
    tokio::select! {
        _ = async { axum::serve(listener, app).await } => {}
        _ = stopped => {}
    }
}
