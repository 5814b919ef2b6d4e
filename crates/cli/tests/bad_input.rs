//! Bad input: each case has one message that says what is wrong, where, and what to do, and its exit code.

mod common;

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use common::Place;
use testkit::{Config, FakeServer, Fault};

const HEADER: &str = "id,query,risk_summary,dataset_name,label";
const PRIVACY: &str = "Invasion of Privacy and Confidentiality-Invasion of Personal Privacy";

fn check(name: &str, place: &Place, args: &[&str], code: i32) {
    let ran = place.run(args).expect(code);
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, ran.snapshot());
    });
}

fn validate(name: &str, file: &str, content: impl AsRef<[u8]>) {
    let place = Place::new();
    place.write(file, content);
    check(name, &place, &["dataset", "validate", file], 2);
}

#[test]
fn dataset_files() {
    let row = |id: &str| format!("{id},May I share a note?,personal data,Risk Omission,{PRIVACY}\n");
    validate("empty-file", "other.csv", "");
    validate(
        "wrong-columns",
        "data.csv",
        "id,question,risk_summary,dataset_name,label\na,b,c,Risk Omission,d\n",
    );
    validate("broken-line", "data.csv", format!("{HEADER}\n{}b,only two\n{}", row("a"), row("c")));
    validate(
        "unknown-scenario-and-category",
        "data.csv",
        format!("{HEADER}\na,q,r,Risk Omision,{PRIVACY}\nb,q2,r,Risk Omission,Invasion of Privacy-Nothing\n"),
    );
    validate("duplicate-id", "data.csv", format!("{HEADER}\n{}{}", row("a"), row("a")));
    validate("empty-query", "data.csv", format!("{HEADER}\na,  ,r,Risk Omission,{PRIVACY}\n"));
    validate("unknown-member", "data.jsonl", "{\"id\":\"a\",\"scenaro\":\"risk-omission\"}\nnot json\n");
    validate(
        "not-utf-8",
        "data.csv",
        [format!("{HEADER}\n").as_bytes(), b"a,\xff\xfe,r,Risk Omission,x\n"].concat(),
    );
}

#[test]
fn a_file_that_is_not_there() {
    check("no-such-file", &Place::new(), &["eval", "--dataset", "absent.csv", "--model", "sim/careless"], 2);
}

#[test]
fn settings() {
    let place = Place::new();
    check("no-model", &place, &["eval"], 2);
    check("no-judge", &place, &["eval", "--model", "openai/example"], 2);
    check("no-key", &place, &["eval", "--model", "openai/example", "--judge", "sim/judge"], 2);
    check("unknown-provider", &place, &["eval", "--model", "opena/example", "--judge", "sim/judge"], 2);
    check("unknown-simulation", &place, &["eval", "--model", "sim/carelss"], 2);
    check("bad-temperature", &place, &["eval", "--model", "sim/careless", "--temperature", "hot"], 2);
    check("no-official-file", &place, &["eval", "--model", "sim/careless", "--dataset", "bsa"], 2);
    check("unknown-id", &place, &["eval", "--model", "sim/careless", "--id", "starter-os-items-l"], 2);
    place.write("undersight.toml", "model = \"sim/careless\"\ntemprature = 0.5\n");
    check("unknown-config-setting", &place, &["eval"], 2);
    place.write("undersight.toml", "model = \n");
    check("broken-config", &place, &["eval"], 2);
    place.write("undersight.toml", "openai-api-key = \"sk-planted\"\n");
    let ran = place.run(&["eval"]).expect(2);
    assert!(!ran.snapshot().contains("sk-planted"));
}

/// An `eval` of three samples against a server.
fn eval(name: &str, url: &str, code: i32) {
    let place = Place::new();
    let args = [
        "eval",
        "--model",
        "vllm/example",
        "--judge",
        "sim/judge",
        "--model-base-url",
        url,
        "--limit",
        "40",
        "--samples",
        "1",
        "--max-connections",
        "4",
        "--max-retries",
        "1",
    ];
    check(name, &place, &args, code);
}

#[test]
fn servers() {
    let refused = FakeServer::start(Config { key: Some("right".to_owned()), ..Config::default() });
    eval("refused-key", &refused.url(), 1);
    assert!(refused.journal().len() <= 8, "the run stops after the first calls, not after 40");
    let other = FakeServer::start(Config { models: Some(vec!["another".to_owned()]), ..Config::default() });
    eval("unknown-model", &other.url(), 1);
    assert!(other.journal().len() <= 8);
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    eval("unreachable-host", &format!("http://{closed}/v1"), 1);
    let html = FakeServer::start(Config { rates: vec![(Fault::Html, 1.0)], ..Config::default() });
    eval("non-json-reply", &html.url(), 1);
}

#[test]
fn stores() {
    let place = Place::new();
    place.write(
        "text.db",
        "this is not a store, but long enough to be read as a database header would be, surely",
    );
    let eval = |store: &'static str| {
        ["eval", "--model", "sim/careless", "--limit", "3", "--samples", "1", "--store", store]
    };
    check("not-a-store", &place, &eval("sqlite:text.db"), 1);
    check("other-store", &place, &eval("postgres://localhost/x"), 2);
    check("no-store", &place, &["runs", "list"], 2);
    check("unknown-run", &place, &["score", "absent"], 2);
    check("no-directory", &place, &eval("sqlite:absent/run.db"), 1);

    place.run(&eval("sqlite:newer.db")).expect(0);
    let conn = rusqlite::Connection::open(place.path("newer.db")).expect("a store is SQLite");
    conn.pragma_update(None, "user_version", 99).expect("a writable store");
    drop(conn);
    check("newer-store", &place, &eval("sqlite:newer.db"), 1);
}

/// Runs as a user to whom permissions mean something: this one, or nobody where this one is root.
fn run_as_ordinary_user(place: &Place, args: &[&str]) -> std::process::Output {
    let probe = place.write("probe", "");
    std::fs::set_permissions(&probe, Permissions::from_mode(0o000)).expect("own file");
    let root = std::fs::OpenOptions::new().write(true).open(&probe).is_ok();
    if !root {
        return place.command(args).output().expect("the binary starts");
    }
    // Nobody may not be able to reach the build folder.
    let binary = place.path("undersight");
    std::fs::copy(env!("CARGO_BIN_EXE_undersight"), &binary).expect("room for a copy");
    std::fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).expect("own directory");
    let mut command = std::process::Command::new(&binary);
    command.args(args).current_dir(place.path("")).env_clear().uid(65_534).gid(65_534);
    command.output().expect("the copy starts")
}

#[test]
fn a_read_only_store() {
    let place = Place::new();
    let args =
        ["eval", "--model", "sim/careless", "--limit", "3", "--samples", "1", "--store", "sqlite:ro.db"];
    place.run(&args).expect(0);
    std::fs::set_permissions(place.path("ro.db"), Permissions::from_mode(0o444)).expect("own file");
    std::fs::set_permissions(place.path(""), Permissions::from_mode(0o555)).expect("own directory");
    let ran = place.ran(&run_as_ordinary_user(&place, &args)).expect(1);
    std::fs::set_permissions(place.path(""), Permissions::from_mode(0o755)).expect("own directory");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("read-only-store", ran.snapshot());
    });
    let list = place.json(&["runs", "list", "--json", "--store", "sqlite:ro.db"]);
    assert_eq!(list["runs"][0]["samples"]["ok"], 3, "what is stored stays readable");
}

/// A disk that is full is played by the limit on the size of a file.
#[test]
fn a_full_disk_loses_nothing() {
    let place = Place::new();
    let eval = "eval --model sim/careless --samples 20 --store sqlite:full.db";
    let script = format!("trap '' XFSZ; ulimit -f 3000; exec {} {eval}", env!("CARGO_BIN_EXE_undersight"));
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(place.path(""))
        .output()
        .expect("a shell");
    let ran = place.ran(&output).expect(1);
    assert!(
        ran.stderr.contains("the store's disk failed") && ran.stderr.contains("hint: check the disk"),
        "{}",
        ran.stderr
    );
    let stored = |place: &Place| {
        let runs = place.json(&["runs", "list", "--json", "--store", "sqlite:full.db"]);
        runs["runs"][0]["samples"]
            .as_object()
            .map(|s| s.values().filter_map(serde_json::Value::as_u64).sum::<u64>())
    };
    let kept = stored(&place).expect("the store is readable");
    assert!(kept > 0 && kept < 1_200, "{kept}");
    place.run(&eval.split(' ').collect::<Vec<_>>()).expect(0);
    assert_eq!(stored(&place), Some(1_200), "it goes on where it was");
}
