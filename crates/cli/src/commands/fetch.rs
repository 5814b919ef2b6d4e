//! `undersight dataset fetch bsa`: the official file, resumable and checked against its pinned SHA-256. It is
//! downloaded by the user, under its own licence, and never part of this project.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::header::RANGE;
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use undersight_core::{Digest, text};
use undersight_dataset::{OFFICIAL_BYTES, OFFICIAL_SHA256};

use super::eval::block_on;
use crate::fail::Fail;
use crate::settings::Environment;
use crate::{dataset_source, terminal};

/// Nothing longer than this is the file.
const LARGEST: u64 = 64 << 20;
/// The repository on Hugging Face, spelled so.
const HUB_REPOSITORY: &str = "OpenStellarTeam/BeyongSafeAnswer_Benchmark";
const HUB: &str = "https://huggingface.co";
const GITHUB_FILE: &str = "https://raw.githubusercontent.com/OpenStellarTeam/BSA/main/data/dataset.csv";
/// A longer silence than this ends an attempt; the next one resumes.
const STALL: Duration = Duration::from_secs(30);
const ATTEMPTS: u32 = 4;

/// Runs the command.
pub(crate) fn command(from: &str, output: Option<PathBuf>, sha256: Option<&str>) -> Result<(), Fail> {
    let env = Environment::read()?;
    let expected: Digest =
        sha256.unwrap_or(OFFICIAL_SHA256).parse().map_err(|e| Fail::usage(format!("--sha256: {e}")))?;
    let target = output.map_or_else(|| dataset_source::bsa_path(&env), Ok)?;
    if target.is_file() && sha256_of(&target)? == expected {
        terminal::note(&format!("already there, checksum right: {}", target.display()));
        return Ok(());
    }
    block_on(async {
        let client = Client::builder()
            .user_agent(concat!("undersight/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(15))
            .read_timeout(STALL)
            .build()
            .map_err(|e| Fail::failed(format!("the HTTP client cannot start: {e}")))?;
        let source = Source::find(&client, from, &env, expected).await?;
        download(&client, &source, &target, expected).await
    })?;
    terminal::note(&format!("stored {} (sha256 {expected})", target.display()));
    terminal::note("licence CC BY-NC 4.0, OpenStellarTeam; use it with `--dataset bsa`");
    Ok(())
}

/// A file's address, and the token that may be sent there.
struct Source {
    url: String,
    token: Option<SecretString>,
}

#[derive(Deserialize)]
struct TreeEntry {
    path: String,
    #[serde(default)]
    size: u64,
    lfs: Option<TreeLfs>,
}

#[derive(Deserialize)]
struct TreeLfs {
    oid: String,
}

impl Source {
    async fn find(client: &Client, from: &str, env: &Environment, expected: Digest) -> Result<Self, Fail> {
        match from {
            "huggingface" => Self::on_the_hub(client, env, expected).await,
            "github" => Ok(Self { url: GITHUB_FILE.to_owned(), token: None }),
            url if url.starts_with("http://") || url.starts_with("https://") => {
                Ok(Self { url: url.to_owned(), token: None })
            }
            other => Err(Fail::usage(format!("--from: unknown source {other:?}"))
                .hint("huggingface, github, or the URL of a mirror of dataset.csv")),
        }
    }

    /// Asks the hub for the repository's files and takes the one with the pinned checksum or size.
    async fn on_the_hub(client: &Client, env: &Environment, expected: Digest) -> Result<Self, Fail> {
        let endpoint = env.get("HF_ENDPOINT").unwrap_or_else(|| HUB.to_owned());
        let endpoint = endpoint.trim_end_matches('/');
        let token = env.get("HF_TOKEN").map(SecretString::from);
        let url = format!("{endpoint}/api/datasets/{HUB_REPOSITORY}/tree/main?recursive=true");
        let response =
            authorised(client.get(&url), token.as_ref()).send().await.map_err(|e| unreachable(&url, &e))?;
        let status = response.status();
        if !status.is_success() {
            return Err(refused(&url, status));
        }
        let listing = response.bytes().await.map_err(|e| unreachable(&url, &e))?;
        let entries: Vec<TreeEntry> = serde_json::from_slice(&listing).map_err(|_| {
            Fail::failed(format!("{url}: the reply is not a list of files")).hint(mirror_hint())
        })?;
        let wanted = |entry: &&TreeEntry| {
            entry.lfs.as_ref().is_some_and(|lfs| lfs.oid == expected.to_string())
                || entry.size == OFFICIAL_BYTES
        };
        let entry = entries.iter().find(wanted).ok_or_else(|| {
            Fail::failed(format!("{HUB_REPOSITORY} holds no file of the pinned size or checksum"))
                .hint(mirror_hint())
        })?;
        let path = entry.path.replace('%', "%25").replace(' ', "%20").replace('#', "%23").replace('?', "%3F");
        Ok(Self { url: format!("{endpoint}/datasets/{HUB_REPOSITORY}/resolve/main/{path}"), token })
    }
}

fn authorised(request: reqwest::RequestBuilder, token: Option<&SecretString>) -> reqwest::RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token.expose_secret()),
        None => request,
    }
}

fn mirror_hint() -> String {
    "try `--from github`, or give the URL of a mirror".to_owned()
}

fn unreachable(url: &str, error: &reqwest::Error) -> Fail {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        reason = inner.to_string();
        source = inner.source();
    }
    Fail::failed(format!("{url}: {}", text::excerpt(&reason, 200))).hint(mirror_hint())
}

fn refused(url: &str, status: StatusCode) -> Fail {
    let fail = Fail::failed(format!("{url}: HTTP {status}"));
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            fail.hint("set HF_TOKEN to a token that may read the repository")
        }
        _ => fail.hint(mirror_hint()),
    }
}

/// Downloads into `TARGET.part`, resuming what is there, and moves it into place once the checksum is right.
async fn download(client: &Client, source: &Source, target: &Path, expected: Digest) -> Result<(), Fail> {
    if let Some(dir) = target.parent().filter(|d| !d.as_os_str().is_empty()) {
        std::fs::create_dir_all(dir).map_err(|e| Fail::failed(format!("{}: {e}", dir.display())))?;
    }
    let part = target.with_extension("csv.part");
    let bar = bar();
    let mut last = None;
    for attempt in 0..ATTEMPTS {
        tokio::time::sleep(Duration::from_millis(250) * attempt).await;
        match fetch_rest(client, source, &part, &bar).await {
            Ok(()) => {
                if sha256_of(&part)? == expected {
                    bar.finish_and_clear();
                    return std::fs::rename(&part, target)
                        .map_err(|e| Fail::failed(format!("{}: {e}", target.display())));
                }
                // A stale part may have been continued with other bytes: once more, from the start.
                remove(&part)?;
                last = Some(
                    Fail::failed(format!("{}: the checksum is wrong; nothing was kept", source.url))
                        .hint(format!("expected sha256 {expected}; the file may have changed upstream"))
                        .hint(mirror_hint()),
                );
            }
            Err(Attempt::Broken(fail)) => last = Some(fail),
            Err(Attempt::Final(fail)) => return Err(fail),
        }
    }
    let kept = part.is_file().then(|| "what arrived is kept; the same command resumes".to_owned());
    Err(last.unwrap_or_else(|| Fail::failed("the download did not finish")).hint(kept))
}

enum Attempt {
    /// Worth another try.
    Broken(Fail),
    /// Not worth one.
    Final(Fail),
}

async fn fetch_rest(client: &Client, source: &Source, part: &Path, bar: &ProgressBar) -> Result<(), Attempt> {
    let have = std::fs::metadata(part).map_or(0, |m| m.len());
    let mut request = authorised(client.get(&source.url), source.token.as_ref());
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let response = request.send().await.map_err(|e| Attempt::Broken(unreachable(&source.url, &e)))?;
    let resumed = match response.status() {
        StatusCode::PARTIAL_CONTENT => true,
        // Nothing is left to send: the checksum decides.
        StatusCode::RANGE_NOT_SATISFIABLE => return Ok(()),
        status if status.is_success() => false,
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            return Err(Attempt::Broken(refused(&source.url, status)));
        }
        status => return Err(Attempt::Final(refused(&source.url, status))),
    };
    let local = |e: std::io::Error| Attempt::Final(Fail::failed(format!("{}: {e}", part.display())));
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .write(true)
        .append(resumed)
        .truncate(!resumed)
        .open(part)
        .map_err(local)?;
    let mut written = if resumed { have } else { 0 };
    bar.set_length(written + response.content_length().unwrap_or(OFFICIAL_BYTES.saturating_sub(written)));
    bar.set_position(written);
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|e| Attempt::Broken(unreachable(&source.url, &e)))?;
        written += chunk.len() as u64;
        if written > LARGEST {
            drop(file);
            remove(part).map_err(Attempt::Final)?;
            return Err(Attempt::Final(
                Fail::failed(format!("{}: larger than the file could be; nothing was kept", source.url))
                    .hint(mirror_hint()),
            ));
        }
        file.write_all(&chunk).map_err(local)?;
        bar.set_position(written);
    }
    file.sync_all().map_err(local)
}

fn bar() -> ProgressBar {
    let terminal = std::io::stderr().is_terminal();
    let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} eta {eta}")
    {
        bar.set_style(style);
    }
    bar
}

fn remove(path: &Path) -> Result<(), Fail> {
    std::fs::remove_file(path).map_err(|e| Fail::failed(format!("{}: {e}", path.display())))
}

fn sha256_of(path: &Path) -> Result<Digest, Fail> {
    let failed = |e: std::io::Error| Fail::failed(format!("{}: {e}", path.display()));
    std::fs::read(path).map(|bytes| Digest::of_bytes(&bytes)).map_err(failed)
}
