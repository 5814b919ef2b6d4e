//! A scripted server on loopback: raw bytes out, requests recorded.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use undersight_core::{Message, ModelName, Retry, Role};
use undersight_endpoint::{Answered, ChatRequest, Endpoint, Failed, Options, connect};

/// One reply: pieces of raw bytes, written apart.
#[derive(Clone)]
pub(crate) struct Script {
    pieces: Vec<Vec<u8>>,
    /// Never answers at all.
    mute: bool,
    /// Hangs up afterwards.
    close: bool,
}

impl Script {
    /// Bytes as they are; then the connection is closed.
    pub(crate) fn raw(pieces: Vec<Vec<u8>>) -> Self {
        Self { pieces, mute: false, close: true }
    }

    pub(crate) fn mute() -> Self {
        Self { pieces: Vec::new(), mute: true, close: false }
    }

    /// A whole reply with a length.
    pub(crate) fn whole(status: &str, headers: &str, body: &str) -> Self {
        let text = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        Self { pieces: vec![text.into_bytes()], mute: false, close: false }
    }

    pub(crate) fn json(status: &str, body: &str) -> Self {
        Self::whole(status, "content-type: application/json\r\n", body)
    }

    /// A chunked event stream, its body cut into the given pieces.
    pub(crate) fn stream(pieces: &[&[u8]]) -> Self {
        Self::chunked("text/event-stream", pieces)
    }

    /// A chunked body of this type, cut into the given pieces.
    pub(crate) fn chunked(content_type: &str, pieces: &[&[u8]]) -> Self {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n");
        let mut out = vec![head.into_bytes()];
        for piece in pieces.iter().filter(|p| !p.is_empty()) {
            let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
            chunk.extend_from_slice(piece);
            chunk.extend_from_slice(b"\r\n");
            out.push(chunk);
        }
        out.push(b"0\r\n\r\n".to_vec());
        Self { pieces: out, mute: false, close: false }
    }
}

/// The server; replies in order, the last one again and again.
pub(crate) struct Server {
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Server {
    pub(crate) async fn start(scripts: Vec<Script>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let (log, count) = (Arc::clone(&seen), Arc::clone(&connections));
        let scripts = Arc::new(scripts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *count.lock().unwrap() += 1;
                tokio::spawn(serve(stream, Arc::clone(&scripts), Arc::clone(&log)));
            }
        });
        Self { base, seen, connections }
    }

    /// The requests so far: head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    pub(crate) fn endpoint(&self, change: impl FnOnce(&mut Options)) -> Endpoint {
        endpoint("vllm/m", &self.base, change)
    }
}

pub(crate) const KEY: &str = "sk-planted-0123456789abcdef";

pub(crate) fn endpoint(model: &str, base: &str, change: impl FnOnce(&mut Options)) -> Endpoint {
    let mut options = Options { base_urls: vec![base.to_owned()], ..Options::default() };
    change(&mut options);
    let env = |name: &str| name.ends_with("_API_KEY").then(|| KEY.to_owned());
    connect(&ModelName::parse(model).unwrap(), &options, &env).unwrap()
}

pub(crate) fn question() -> ChatRequest {
    ChatRequest { messages: vec![Message::new(Role::User, "what is 2 + 3?")], ..ChatRequest::default() }
}

pub(crate) async fn ask(endpoint: &Endpoint) -> Result<Answered, Box<Failed>> {
    endpoint.call(&question(), &|_: &Retry| {}).await
}

async fn serve(mut stream: TcpStream, scripts: Arc<Vec<Script>>, log: Arc<Mutex<Vec<String>>>) {
    while let Some(request) = read_request(&mut stream).await {
        let turn = {
            let mut log = log.lock().unwrap();
            log.push(request);
            log.len() - 1
        };
        let Some(script) = scripts.get(turn).or(scripts.last()) else { return };
        if script.mute {
            std::future::pending::<()>().await;
        }
        for piece in &script.pieces {
            if stream.write_all(piece).await.is_err() {
                return;
            }
            // Lets the client read between the pieces.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if script.close {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(head) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let length = text
                .lines()
                .find_map(|l| l.strip_prefix("content-length: "))
                .and_then(|l| l.parse::<usize>().ok())
                .unwrap_or(0);
            if bytes.len() >= head + 4 + length {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        match stream.read(&mut buffer).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&buffer[..n]),
            _ => return None,
        }
    }
}
