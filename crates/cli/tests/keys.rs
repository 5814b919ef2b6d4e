//! Planted keys, sent to a server that repeats all it was sent: nothing a command writes or prints may hold one.

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use common::Place;
use undersight_ledger::{Detail, Ledger, LedgerError, Mode};

/// Every secret begins so, whatever variable or address it is in.
const PLANTED: &str = "planted";

/// How a provider's requests are authorised.
struct Case {
    model: &'static str,
    secrets: &'static [(&'static str, &'static str)],
}

const fn case(model: &'static str, secrets: &'static [(&'static str, &'static str)]) -> Case {
    Case { model, secrets }
}

const CASES: &[Case] = &[
    case("openai/m", &[("OPENAI_API_KEY", "planted-openai-0123456789")]),
    case("openai-responses/m", &[("OPENAI_API_KEY", "planted-openai-0123456789")]),
    case("vllm/m", &[("VLLM_API_KEY", "planted-vllm-0123456789")]),
    case("anthropic/m", &[("ANTHROPIC_API_KEY", "planted-anthropic-0123456789")]),
    case("google/m", &[("GEMINI_API_KEY", "planted-gemini-0123456789")]),
    case("azure/m", &[("AZURE_OPENAI_API_KEY", "planted-azure-0123456789")]),
    case("bedrock/m", &[("AWS_BEARER_TOKEN_BEDROCK", "planted-bedrock-0123456789")]),
    case(
        "bedrock/m",
        &[
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "planted-secret-0123456789"),
            ("AWS_SESSION_TOKEN", "planted-session-0123456789"),
            ("AWS_REGION", "eu-central-1"),
        ],
    ),
];

/// Repeats the head of every request in the body, the message and a header of an error that is tried again once.
fn echo(listener: &TcpListener) {
    for client in listener.incoming().flatten() {
        let _ = answer(client);
    }
}

fn answer(client: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(client);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        let lower = line.to_ascii_lowercase();
        length = lower.strip_prefix("content-length: ").map_or(length, |n| n.trim().parse().unwrap_or(0));
        head += &line;
    }
    reader.read_exact(&mut vec![0; length])?;
    assert!(length == 0 || head.contains(PLANTED), "the key is sent: {head}");
    let flat = head.replace("\r\n", " | ");
    let body = serde_json::json!({ "error": { "message": flat, "type": "server_error" } }).to_string();
    let reply = format!(
        "HTTP/1.1 500 Internal Server Error\r\nx-request-id: {flat}\r\nretry-after-ms: 1\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    reader.into_inner().write_all(reply.as_bytes())
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a folder").flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn holds(bytes: &[u8]) -> bool {
    bytes.windows(PLANTED.len()).any(|window| window.eq_ignore_ascii_case(PLANTED.as_bytes()))
}

/// What is compressed in the store.
fn stored(place: &Place) -> Vec<Vec<u8>> {
    let store = place.path("undersight.db");
    let ledger = Ledger::open(store.to_str().expect("a path"), Mode::ReadOnly).expect("a store");
    let mut found = Vec::new();
    for run in ledger.runs().expect("the runs") {
        ledger
            .for_each_sample(run.id, Detail::Whole, |stored| {
                let sample = stored.sample;
                found.extend([sample.raw.request.clone(), sample.raw.response.clone()]);
                found.push(format!("{sample:?}").into_bytes());
                Ok::<_, LedgerError>(())
            })
            .expect("the samples");
    }
    found
}

#[test]
fn nothing_written_or_printed_holds_a_key() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || echo(&listener));
    for case in CASES {
        let place = Place::new();
        // A secret in the address as well: some gateways want their key there.
        let url = format!("http://{address}/v1?key=planted-query-0123456789");
        let common = ["--model-base-url", &url, "--max-retries", "1"];
        let eval: Vec<&str> =
            ["eval", "--model", case.model, "--judge", "sim/judge", "--limit", "2", "--samples", "1"]
                .into_iter()
                .chain(["--record", "tape", "--max-tokens", "64"])
                .chain(common)
                .collect();
        let probe: Vec<&str> = ["probe", case.model].into_iter().chain(common).collect();
        let show: Vec<&str> = eval.iter().copied().chain(["--show-config"]).collect();
        let plan: Vec<&str> = eval.iter().copied().chain(["--dry-run"]).collect();
        let mut printed = String::new();
        for args in [&show, &plan, &eval, &probe] {
            printed += &place.run_with(args, case.secrets).snapshot();
        }
        for args in [&["runs", "list"][..], &["runs", "show", "1"], &["score"], &["score", "--json"]] {
            printed += &place.run_with(args, case.secrets).snapshot();
        }
        assert!(!holds(printed.as_bytes()), "{}: {printed}", case.model);
        let written = files(&place.path(""));
        assert!(written.iter().any(|file| file.starts_with(place.path("tape"))), "{}", case.model);
        for file in written {
            assert!(!holds(&std::fs::read(&file).expect("a file")), "{}: {}", case.model, file.display());
        }
        let records = stored(&place);
        assert!(!records.is_empty(), "{}", case.model);
        for record in records {
            let text = String::from_utf8_lossy(&record).into_owned();
            assert!(!holds(&record), "{}: {text}", case.model);
        }
    }
}
