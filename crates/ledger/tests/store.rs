//! Opening: what is there, what is not, and what each message says.

#![allow(clippy::unwrap_used, reason = "helpers for tests")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use common::{World, keep, rich_sample};
use rusqlite::Connection;
use tempfile::TempDir;
use undersight_ledger::{FORMAT, Ledger, LedgerError, Mode, Record};

fn sqlite(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

fn store(path: &Path) {
    drop(Ledger::open(path.to_str().unwrap(), Mode::Create).unwrap());
}

#[test]
fn what_cannot_be_opened_is_named() {
    let check = |prepare: &dyn Fn(&Path), modes: &[Mode], message: &str, hint: &str| {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("it.sqlite");
        prepare(&path);
        for mode in modes {
            let error = Ledger::open(&format!("sqlite:{}", path.display()), *mode).unwrap_err();
            let (said, hinted) = (error.to_string(), error.hint().unwrap_or_default());
            assert!(said.contains(message), "{mode:?}: {said:?} should contain {message:?}");
            assert!(hinted.contains(hint), "{mode:?}: {hinted:?} should contain {hint:?}");
        }
    };
    let (all, reading) = ([Mode::Create, Mode::Existing, Mode::ReadOnly], [Mode::Existing, Mode::ReadOnly]);
    check(&|_| {}, &reading, "there is no store at", "--store");
    check(&|path| fs::write(path, "").unwrap(), &reading, "there is no store at", "--store");
    check(&|path| sqlite(path, "VACUUM"), &reading, "there is no store at", "--store");
    check(&|path| fs::create_dir(path).unwrap(), &all, "is a directory", "name a file in it");
    check(&|path| fs::write(path, "id,query\n1,hello\n").unwrap(), &all, "not an SQLite database", "--store");
    check(&|path| fs::write(path, [7; 8192]).unwrap(), &all, "not an SQLite database", "--store");
    check(
        &|path| sqlite(path, "CREATE TABLE notes (text)"),
        &all,
        "but not an Undersight store",
        "another path",
    );
    let newer = |path: &Path| {
        store(path);
        sqlite(path, "PRAGMA user_version = 99");
    };
    check(
        &newer,
        &all,
        &format!("written by a newer version (format 99; this version reads {FORMAT})"),
        "use the version",
    );
    let unknown = |path: &Path| {
        store(path);
        sqlite(path, "PRAGMA user_version = 0");
    };
    check(&unknown, &all, "unknown format (0)", "copy");
}

#[test]
fn a_directory_is_never_made_up() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("no/such/it.sqlite");
    let error = Ledger::open(path.to_str().unwrap(), Mode::Create).unwrap_err();
    assert_eq!(error, LedgerError::MissingDir { path: path.clone() });
    assert!(error.hint().unwrap().starts_with("create it first: mkdir -p"));
    assert!(!path.parent().unwrap().exists());
}

#[test]
fn locations() {
    for other in ["postgres://host/db", "postgresql:db", "mysql://x", "https://x/y", "sqlite:", "", "a\0b"] {
        let error = Ledger::open(other, Mode::Create).unwrap_err();
        assert_eq!(error, LedgerError::Unsupported { location: other.into() });
        assert!(error.hint().unwrap().contains("sqlite:PATH"));
    }
    let dir = TempDir::new().unwrap();
    for (i, prefix) in ["", "sqlite:", "sqlite://"].iter().enumerate() {
        let path = dir.path().join(format!("odd ?#% name {i}:x.sqlite"));
        for mode in [Mode::Create, Mode::Create, Mode::Existing, Mode::ReadOnly] {
            let ledger = Ledger::open(&format!("{prefix}{}", path.display()), mode).unwrap();
            assert_eq!((ledger.path(), ledger.runs().unwrap().len()), (&*path, 0));
        }
    }
}

#[test]
fn a_new_store_says_its_format_and_leaves_one_file() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("it.sqlite");
    store(&path);
    let conn = Connection::open(&path).unwrap();
    let format: String =
        conn.query_row("SELECT value FROM meta WHERE name = 'format'", [], |r| r.get(0)).unwrap();
    let version: i64 = conn.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap();
    let journal: String = conn.query_row("PRAGMA journal_mode", [], |r| r.get(0)).unwrap();
    assert_eq!((format, version, journal.as_str()), (FORMAT.to_string(), FORMAT, "wal"));
    drop(conn);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the log is tidied away on closing");
}

#[tokio::test]
async fn reading_only_reads_beside_a_writer_and_refuses_to_write() {
    let world = World::new(2, 1);
    let sample = rich_sample(&world.arm, &world.instances[0], 0);
    let reader = Ledger::open(&world.location(), Mode::ReadOnly).unwrap();
    assert_eq!(reader.sample(sample.key).unwrap(), None);
    keep(&world.ledger, Record::Sample(Arc::new(sample.clone()))).await;
    assert_eq!(reader.sample(sample.key).unwrap().as_ref(), Some(&sample));

    let refusal = Err(LedgerError::OpenedReadOnly);
    assert_eq!(reader.append(Record::Sample(Arc::new(sample))).await, refusal.clone());
    assert_eq!(reader.lock_run(world.run.id).map(drop), refusal.clone().map(drop));
    assert_eq!(reader.delete_run(world.run.id), refusal.clone().map(drop));
    assert_eq!(reader.put_run(&world.run, &common::plan(9, &[]), &[]), refusal.map(drop));
}

#[tokio::test]
async fn a_damaged_value_is_an_error_not_a_guess() {
    let world = World::new(1, 1);
    let sample = rich_sample(&world.arm, &world.instances[0], 0);
    keep(&world.ledger, Record::Sample(Arc::new(sample.clone()))).await;
    let check = |change: &str, column: &str| {
        let conn = Connection::open(world.ledger.path()).unwrap();
        conn.execute_batch(&format!(
            "BEGIN; CREATE TABLE saved AS SELECT * FROM sample; UPDATE sample SET {change}; COMMIT"
        ))
        .unwrap();
        let error = world.ledger.sample(sample.key).unwrap_err();
        assert!(matches!(&error, LedgerError::Damaged { detail } if detail.contains(column)), "{error}");
        conn.execute_batch(&format!(
            "UPDATE sample SET {column} = (SELECT {column} FROM saved); DROP TABLE saved"
        ))
        .unwrap();
        assert_eq!(world.ledger.sample(sample.key).unwrap().as_ref(), Some(&sample));
    };
    check("status = 'fine'", "status");
    check("provenance = ''", "provenance");
    check("parts = '[{]'", "parts");
    check("raw = x'00'", "raw");
    check("raw = x'28b52ffd200111000042'", "raw");
    check("requested_model = 'nameless'", "requested_model");
    check("finish = 'other'", "finish");
}
