//! A proxy that makes trouble between a client and a server: one kind a request, by a script. Runs in a thread of its
//! own, on loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use flate2::{Compress, Compression, FlushCompress};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// What happens to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    Pass,
    /// The reply comes late.
    Latency(Duration),
    /// The connection is reset in the middle of the body.
    Reset,
    /// The request is taken and never answered; the connection stays open.
    HalfOpen,
    /// The reply comes byte by byte, with this wait after each.
    Drip(Duration),
    /// A few megabytes that unpack to 16 GiB.
    GzipBomb,
    /// A body of 8 GiB, declared as such.
    Huge,
    /// A stream of comments that never ends.
    EndlessComments,
    /// A stream of words that never ends.
    EndlessWords,
    /// The first letter of the answer is no UTF-8.
    InvalidUtf8,
    /// The reply is declared to be of this type.
    Type(&'static str),
    /// The client is sent to this address.
    Redirect(String),
}

/// A running proxy; dropping it closes every connection.
#[derive(Debug)]
pub struct TroubleProxy {
    address: SocketAddr,
    seen: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TroubleProxy {
    /// Starts before `upstream`. The script is used up request by request, its last entry again and again.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn start(upstream: SocketAddr, script: Vec<Trouble>) -> Self {
        Self::try_start(upstream, script).expect("the proxy starts")
    }

    fn try_start(upstream: SocketAddr, script: Vec<Trouble>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let seen = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new(Shared { upstream, script, seen: Arc::clone(&seen) });
        let thread = std::thread::Builder::new().name("trouble-proxy".to_owned()).spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = accept(listener, shared) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        })?;
        Ok(Self { address, seen, stop: Some(stop), thread: Some(thread) })
    }

    /// The base URL a client is given.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// How many requests have come.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.seen.load(Ordering::Relaxed)
    }
}

impl Drop for TroubleProxy {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Shared {
    upstream: SocketAddr,
    script: Vec<Trouble>,
    seen: Arc<AtomicUsize>,
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // A client that hangs up is the point of some of this.
            let _ = serve(client, &shared).await;
        });
    }
}

/// One request on one connection, which is closed afterwards.
async fn serve(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let Some(request) = read_request(&mut client).await? else { return Ok(()) };
    let n = shared.seen.fetch_add(1, Ordering::Relaxed);
    let trouble = shared.script.get(n).or(shared.script.last()).unwrap_or(&Trouble::Pass);
    match trouble {
        Trouble::HalfOpen => std::future::pending().await,
        Trouble::GzipBomb | Trouble::Huge | Trouble::EndlessComments | Trouble::EndlessWords => {
            endless(&mut client, trouble).await
        }
        Trouble::Redirect(to) => {
            let reply = format!(
                "HTTP/1.1 307 Temporary Redirect\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
            );
            client.write_all(reply.as_bytes()).await
        }
        _ => spoilt(&mut client, trouble, forward(shared.upstream, &request).await?).await,
    }
}

/// A real reply, spoilt on the way.
async fn spoilt(client: &mut TcpStream, trouble: &Trouble, mut reply: Vec<u8>) -> io::Result<()> {
    match trouble {
        Trouble::Latency(wait) => tokio::time::sleep(*wait).await,
        Trouble::Reset => {
            client.write_all(&reply[..reply.len() * 2 / 3]).await?;
            client.flush().await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
            // Without lingering, closing resets the connection.
            return client.set_zero_linger();
        }
        Trouble::Drip(wait) => {
            for byte in reply {
                client.write_all(&[byte]).await?;
                tokio::time::sleep(*wait).await;
            }
            return Ok(());
        }
        Trouble::InvalidUtf8 => {
            if let Some(at) = find(&reply, b"\"content\":\"") {
                reply[at + 11] = 0xff;
            }
        }
        Trouble::Type(declared) => {
            let text = String::from_utf8_lossy(&reply);
            let changed = format!("content-type: {declared}");
            reply = text.replacen("content-type: application/json", &changed, 1).into_bytes();
        }
        _ => {}
    }
    client.write_all(&reply).await
}

/// A reply that goes on for as long as anybody listens, or very long.
async fn endless(client: &mut TcpStream, trouble: &Trouble) -> io::Result<()> {
    match trouble {
        Trouble::GzipBomb => {
            let head = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
            forever(client, head, &gzip_start(), zeros(), 16 << 10).await
        }
        Trouble::Huge => {
            let head = format!("content-type: application/json\r\ncontent-length: {}\r\n", 8_u64 << 30);
            forever(client, &head, b"{\"choices\":[", &[b' '; 64 << 10], 128 << 10).await
        }
        Trouble::EndlessComments => {
            forever(client, STREAM, b"", &b": still thinking\n\n".repeat(4096), usize::MAX).await
        }
        _ => {
            let word = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"and \"}}]}\n\n";
            forever(client, STREAM, b"", &word.repeat(1024), usize::MAX).await
        }
    }
}

const STREAM: &str = "content-type: text/event-stream\r\n";

/// A reply that begins well and goes on for as long as anybody listens, or so many pieces.
async fn forever(
    client: &mut TcpStream,
    head: &str,
    start: &[u8],
    piece: &[u8],
    pieces: usize,
) -> io::Result<()> {
    client.write_all(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{head}\r\n").as_bytes()).await?;
    client.write_all(start).await?;
    for _ in 0..pieces {
        client.write_all(piece).await?;
    }
    Ok(())
}

/// The header of a gzip file.
fn gzip_start() -> [u8; 10] {
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]
}

/// A mebibyte of zeros, deflated so that it can follow itself.
fn zeros() -> &'static [u8] {
    static ZEROS: OnceLock<Vec<u8>> = OnceLock::new();
    ZEROS.get_or_init(|| {
        let mut out = Vec::with_capacity(64 << 10);
        let mut deflate = Compress::new(Compression::best(), false);
        deflate.compress_vec(&vec![0; 1 << 20], &mut out, FlushCompress::Full).expect("zeros deflate");
        out
    })
}

/// What the server says, on a connection of its own that it closes.
async fn forward(upstream: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(upstream).await?;
    let line = find(request, b"\r\n").unwrap_or(0) + 2;
    server.write_all(&request[..line]).await?;
    server.write_all(b"connection: close\r\n").await?;
    server.write_all(&request[line..]).await?;
    let mut reply = Vec::new();
    server.read_to_end(&mut reply).await?;
    Ok(reply)
}

/// Head and body of a request; `None` when the client said nothing.
async fn read_request(client: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    loop {
        if let Some(head) = find(&bytes, b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if bytes.len() >= head + 4 + length.unwrap_or(0) {
                return Ok(Some(bytes));
            }
        }
        match client.read(&mut buffer).await? {
            0 => return Ok(None),
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
