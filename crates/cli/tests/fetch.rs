//! `dataset fetch bsa` against a loopback hub: listing, resuming after a cut, checksum, token.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use common::Place;
use undersight_core::Digest;

/// A hub that serves one file, cutting the first `cuts` transfers in the middle.
struct Hub {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Hub {
    fn start(file: Vec<u8>, cuts: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut left = cuts;
            for stream in listener.incoming().map_while(Result::ok) {
                let head = read_head(&stream);
                serve(stream, &head, &file, &mut left);
                log.lock().expect("no panics").push(head);
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panics").clone()
    }
}

fn read_head(stream: &TcpStream) -> String {
    let mut head = String::new();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        head += &line;
        head.push('\n');
    }
    head
}

fn serve(mut stream: TcpStream, head: &str, file: &[u8], cuts: &mut usize) {
    let mut reply = |status: &str, extra: &str, length: usize, body: &[u8]| {
        let _ = write!(
            stream,
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{extra}connection: close\r\n\r\n"
        );
        let _ = stream.write_all(body);
    };
    if head.contains("/tree/main") {
        let oid = Digest::of_bytes(file);
        let list = format!(
            r#"[{{"path":"README.md","size":10}},{{"path":"data/test.csv","size":1,"lfs":{{"oid":"{oid}"}}}}]"#
        );
        return reply("200 OK", "content-type: application/json\r\n", list.len(), list.as_bytes());
    }
    let start = head
        .lines()
        .find_map(|l| {
            l.to_ascii_lowercase().strip_prefix("range: bytes=").map(|r| r.trim_end_matches('-').to_owned())
        })
        .and_then(|from| from.parse::<usize>().ok())
        .unwrap_or(0);
    let rest = &file[start.min(file.len())..];
    let sent = if *cuts > 0 { &rest[..rest.len() / 2] } else { rest };
    *cuts = cuts.saturating_sub(1);
    match start {
        0 => reply("200 OK", "", rest.len(), sent),
        _ => reply("206 Partial Content", &format!("content-range: bytes {start}-/*\r\n"), rest.len(), sent),
    }
}

#[test]
fn resumes_after_cuts_and_checks_the_sum() {
    let place = Place::new();
    let file = testkit::bsa::official_like(3);
    let sum = Digest::of_bytes(&file).to_string();
    let hub = Hub::start(file.clone(), 2);
    let env = [("HF_ENDPOINT", hub.url.as_str()), ("HF_TOKEN", "hf_planted_token")];
    let ran = place.run_with(&["dataset", "fetch", "bsa", "--sha256", &sum], &env).expect(0);
    assert!(!ran.snapshot().contains("hf_planted_token"));
    let stored = place.path(".cache/undersight/bsa.csv");
    assert!(std::fs::read(&stored).expect("the file is in place") == file);
    assert!(!place.path(".cache/undersight/bsa.csv.part").exists());

    let requests = hub.requests();
    assert_eq!(requests.len(), 4, "one listing, two cut transfers, one rest: {requests:#?}");
    assert!(
        requests.iter().all(|r| r.to_ascii_lowercase().contains("authorization: bearer hf_planted_token"))
    );
    assert!(
        requests[1].starts_with(
            "GET /datasets/OpenStellarTeam/BeyongSafeAnswer_Benchmark/resolve/main/data/test.csv"
        )
    );
    let half = file.len() / 2;
    assert!(requests[2].contains(&format!("bytes={half}-")), "{}", requests[2]);

    place.run_with(&["dataset", "fetch", "bsa", "--sha256", &sum], &env).expect(0);
    assert_eq!(hub.requests().len(), 4, "a file that is there is not fetched again");
    let stats = place.json(&["dataset", "stats", "bsa", "--json"]);
    assert_eq!(stats["stats"]["instances"], 2_000);
}

#[test]
fn a_wrong_sum_keeps_nothing() {
    let place = Place::new();
    let hub = Hub::start(b"id,query\n".to_vec(), 0);
    let url = format!("{}/dataset.csv", hub.url);
    let ran = place.run(&["dataset", "fetch", "bsa", "--from", &url, "--output", "got.csv"]).expect(1);
    assert!(ran.stderr.contains("checksum"), "{}", ran.stderr);
    assert!(!place.path("got.csv").exists() && !place.path("got.csv.part").exists());
}

#[test]
fn an_unreachable_hub_is_told_with_a_way_out() {
    let place = Place::new();
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    let endpoint = format!("http://{closed}");
    let ran = place.run_with(&["dataset", "fetch", "bsa"], &[("HF_ENDPOINT", &endpoint)]).expect(1);
    assert!(ran.stderr.contains("hint: try `--from github`"), "{}", ran.stderr);
}
