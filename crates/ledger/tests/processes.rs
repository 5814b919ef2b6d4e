//! What a process killed, a disk full or another process does to a store. Each test starts this program again as a child
//! that plays one role on a store.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers for tests")]

mod common;

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use common::{World, keep, rich_judgement, rich_sample};
use rusqlite::Connection;
use undersight_core::{SampleKey, Task};
use undersight_ledger::{Appended, Ledger, LedgerError, Mode, Record};

const ROLE: &str = "UNDERSIGHT_LEDGER_ROLE";

/// Starts a child in a role on a store, within a shell where `shell` has something to say first.
fn child(role: &str, location: &str, shell: Option<&str>) -> Command {
    child_of(&std::env::current_exe().unwrap(), role, location, shell)
}

fn child_of(program: &Path, role: &str, location: &str, shell: Option<&str>) -> Command {
    let mut command = match shell {
        None => Command::new(program),
        Some(first) => {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("{first}; exec \"$0\" \"$@\"")]).arg(program);
            command
        }
    };
    command.args(["--exact", "a_child", "--ignored", "--nocapture"]);
    command.env(ROLE, format!("{role} {location}")).stdout(Stdio::piped());
    command
}

fn lines(child: &mut Child) -> Lines<BufReader<ChildStdout>> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

/// What the child said, word after `told`.
fn told(lines: impl Iterator<Item = std::io::Result<String>>) -> impl Iterator<Item = String> {
    lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("told ").map(str::to_owned))
}

fn tell(what: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "told {what}").and_then(|()| out.flush()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a role the other tests start"]
async fn a_child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    match role.split_once(' ').unwrap() {
        ("append", location) => append_what_is_missing(&open(location, Mode::Existing)).await,
        ("lock", location) => {
            let ledger = Ledger::open(location, Mode::Existing).unwrap();
            let run = ledger.find_run("first").unwrap();
            let _lock = ledger.lock_run(run.id).unwrap();
            tell("locked");
            std::thread::park();
        }
        ("open", location) => {
            for mode in [Mode::Create, Mode::Existing, Mode::ReadOnly] {
                match Ledger::open(location, mode).and_then(|l| l.runs()) {
                    Ok(runs) => tell(format!("{} run", runs.len())),
                    Err(e) => tell(format!("{e} / {}", e.hint().unwrap())),
                }
            }
        }
        ("create", location) => {
            let ledger = Ledger::open(location, Mode::Create).unwrap();
            tell(ledger.runs().unwrap().len());
        }
        other => panic!("unknown role {other:?}"),
    }
}

/// What a child that writes knows: the run, found in the store.
struct Writer {
    ledger: Ledger,
    run: undersight_core::Run,
    k: u32,
}

fn open(location: &str, mode: Mode) -> Writer {
    let (name, location) = location.split_once('@').unwrap();
    let ledger = Ledger::open(location, mode).unwrap();
    let run = ledger.find_run(name).unwrap();
    let k = ledger.plan(run.id).unwrap().k;
    Writer { ledger, run, k }
}

/// Resumes a run with eight callers at once, telling every key when it is durable; ends at the first failure.
async fn append_what_is_missing(writer: &Writer) {
    let stored = writer.ledger.stored_samples(writer.run.arm.hash()).unwrap();
    let judge = writer.ledger.judges(writer.run.id).unwrap().remove(0);
    let mut todo = Vec::new();
    for planned in writer.ledger.run_instances(writer.run.id).unwrap() {
        for index in 0..writer.k {
            let sample = rich_sample(&writer.run.arm, &planned.instance, index);
            if !stored.contains_key(&sample.key) {
                let verdict = rich_judgement(&sample, &planned.instance, &judge, Task::Safety);
                todo.push((Arc::new(sample), verdict));
            }
        }
    }
    let todo = Arc::new(std::sync::Mutex::new(todo));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (ledger, todo) = (writer.ledger.clone(), Arc::clone(&todo));
            tokio::spawn(async move {
                loop {
                    let Some((sample, verdict)) = todo.lock().unwrap().pop() else { return Ok(()) };
                    ledger.append(Record::Judgement(Box::new(verdict))).await?;
                    ledger.append(Record::Sample(Arc::clone(&sample))).await?;
                    tell(format!("key {}", sample.key));
                }
            })
        })
        .collect();
    for caller in callers {
        if let Err::<(), LedgerError>(e) = caller.await.unwrap() {
            tell(format!("failed {e} / {}", e.hint().unwrap()));
        }
    }
    let again = Record::Sample(Arc::new(rich_sample(&writer.run.arm, &common::instances(1)[0], 1_000_000)));
    match writer.ledger.append(again).await {
        Ok(_) => tell("end"),
        Err(e) => tell(format!("then {e} / {}", e.hint().unwrap())),
    }
    tell(format!("readable {}", writer.ledger.stored_samples(writer.run.arm.hash()).unwrap().len()));
}

/// The keys a child told of, and everything else it said.
fn split(told: impl Iterator<Item = String>) -> (Vec<SampleKey>, Vec<String>) {
    let (mut keys, mut rest) = (Vec::new(), Vec::new());
    for line in told {
        match line.strip_prefix("key ") {
            Some(key) => keys.push(key.parse().unwrap()),
            None => rest.push(line),
        }
    }
    (keys, rest)
}

fn check_integrity(world: &World) {
    let conn = Connection::open(world.ledger.path()).unwrap();
    let ask = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(ask("PRAGMA integrity_check"), "ok");
    assert_eq!(ask("SELECT count(*) || '' FROM pragma_foreign_key_check"), "0");
    for table in ["sample", "judgement"] {
        let twice = format!(
            "SELECT count(*) || '' FROM (SELECT key FROM {table} GROUP BY key
             HAVING sum(terminal) > 1 OR sum(current) <> 1 OR max(attempt) <> count(*) - 1)"
        );
        assert_eq!(ask(&twice), "0", "{table}");
    }
}

#[test]
fn nothing_that_was_durable_is_lost_to_a_kill() {
    let world = World::new(60, 20);
    let location = format!("first@{}", world.location());
    let mut durable = HashSet::new();
    let mut random = 12_345_u32;
    for round in 0..12 {
        let mut process = child("append", &location, None).spawn().unwrap();
        let mut said = told(lines(&mut process));
        random = random.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let enough = 1 + (random >> 16) as usize % 60;
        let (before, _) = split(said.by_ref().take(enough));
        process.kill().unwrap();
        // What was told before the kill arrived counts as well.
        let (after, _) = split(said);
        process.wait().unwrap();
        for key in before.into_iter().chain(after) {
            assert!(durable.insert(key), "round {round}: stored and told of twice");
        }
        let stored = world.ledger.stored_samples(world.arm.hash()).unwrap();
        assert!(durable.iter().all(|key| stored.contains_key(key)), "round {round}");
        check_integrity(&world);
    }
    assert!(durable.len() >= 12);

    let mut last = child("append", &location, None).spawn().unwrap();
    let (_, rest) = split(told(lines(&mut last)));
    assert!(last.wait().unwrap().success());
    assert_eq!(rest, ["end", "readable 1201"], "the rest and one beyond the plan");
    check_integrity(&world);
    let study = world.ledger.outcomes(world.run.id, None, None).unwrap();
    assert!(study.outcomes.iter().all(|o| o.status.is_some() && o.safety.is_some()));
}

#[test]
fn processes_share_a_store() {
    let world = World::new(40, 5);
    let names = ["first", "second", "third"];
    for name in &names[1..] {
        let other = common::run(name, &common::arm(&format!("vllm/{name}")), &world.instances);
        world.plan_run(&world.ledger, &other, 5, &[&world.judge], 0..40);
    }
    let location = world.location();
    let processes = names.map(|name| child("append", &format!("{name}@{location}"), None).spawn().unwrap());
    for mut process in processes {
        let (keys, rest) = split(told(lines(&mut process)));
        assert!(process.wait().unwrap().success());
        assert_eq!((keys.len(), rest.as_slice()), (200, &["end".to_owned(), "readable 201".to_owned()][..]));
    }
    check_integrity(&world);
}

#[test]
fn processes_may_create_a_store_at_once() {
    let dir = tempfile::TempDir::new().unwrap();
    let location = common::location(&dir);
    let processes: Vec<_> = (0..4).map(|_| child("create", &location, None).spawn().unwrap()).collect();
    for mut process in processes {
        assert_eq!(told(lines(&mut process)).collect::<Vec<_>>(), ["0"]);
        assert!(process.wait().unwrap().success());
    }
}

#[test]
fn one_process_writes_a_run_and_a_dead_one_lets_go() {
    let world = World::new(1, 1);
    let mut process = child("lock", &world.location(), None).spawn().unwrap();
    assert_eq!(told(lines(&mut process)).next().as_deref(), Some("locked"));
    let link = world.dir.path().join("link");
    std::os::unix::fs::symlink(world.ledger.path(), &link).unwrap();
    let linked = Ledger::open(link.to_str().unwrap(), Mode::Existing).unwrap();
    for refused in [
        world.ledger.lock_run(world.run.id).map(drop),
        linked.lock_run(world.run.id).map(drop),
        world.ledger.delete_run(world.run.id),
    ] {
        let error = refused.unwrap_err();
        let said = error.to_string();
        let expected = format!("run {} is being written by process {} for ", world.run.name, process.id());
        assert!(said.starts_with(&expected), "{said}");
        assert!(error.hint().unwrap().contains("wait for it or stop it"));
    }
    let other = common::run("other", &world.arm, &world.instances);
    assert!(world.ledger.lock_run(other.id).is_ok(), "other runs are free");
    process.kill().unwrap();
    process.wait().unwrap();
    let lock = world.ledger.lock_run(world.run.id).unwrap();
    assert!(
        matches!(world.ledger.lock_run(world.run.id), Err(LedgerError::Locked { .. })),
        "held by this one now"
    );
    drop(lock);
    assert!(world.ledger.lock_run(world.run.id).is_ok());
}

#[test]
fn a_full_disk_stops_writing_and_keeps_what_was_stored() {
    let world = World::new(60, 20);
    let location = format!("first@{}", world.location());
    // A limit on the size of files stands in for the disk's; the signal that comes with it is not for us.
    let limit = "trap '' XFSZ; ulimit -f 1200";
    let mut process = child("append", &location, Some(limit)).spawn().unwrap();
    let (keys, rest) = split(told(lines(&mut process)));
    process.wait().unwrap();
    let (failures, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(|line| line.starts_with("failed "));
    assert_eq!(failures.len(), 8, "every caller is told: {rest:?}");
    assert!(failures.iter().any(|f| f.starts_with("failed the store's disk failed: ")), "{failures:?}");
    assert!(
        failures.iter().all(|f| f.contains("file-size limits") && f.contains("the run resumes")),
        "{failures:?}"
    );
    assert!(rest[0].starts_with("then nothing more is stored after an earlier failure: "), "{rest:?}");
    assert!(rest[1].starts_with("readable "), "{rest:?}");
    assert!(!keys.is_empty() && keys.len() < 1200, "{}", keys.len());
    let stored = world.ledger.stored_samples(world.arm.hash()).unwrap();
    assert!(keys.iter().all(|key| stored.contains_key(key)));

    let mut process = child("append", &location, None).spawn().unwrap();
    let (more, rest) = split(told(lines(&mut process)));
    process.wait().unwrap();
    assert_eq!((stored.len() + more.len(), rest[0].as_str()), (1200, "end"), "with room again, it resumes");
    check_integrity(&world);
}

#[test]
fn what_may_not_be_written_is_said_and_can_be_read() {
    let world = World::new(1, 1);
    let (location, path) = (world.location(), world.ledger.path().to_path_buf());
    let dir = path.parent().unwrap().to_path_buf();
    let World { ledger, dir: guard, .. } = world;
    drop(ledger);
    let elsewhere = tempfile::TempDir::new().unwrap();
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = elsewhere.path().join("child");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let permit = |file, directory| {
        fs::set_permissions(&path, fs::Permissions::from_mode(file)).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(directory)).unwrap();
    };
    let check = |file, directory, expected: [&str; 3]| {
        permit(file, directory);
        // Permissions do not bind root, and somebody else may not reach the program where it is.
        let mut command = child_of(&program, "open", &location, None);
        if fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0) {
            command.uid(65_534).gid(65_534);
        }
        let mut process = command.spawn().unwrap();
        let said: Vec<_> = told(lines(&mut process)).collect();
        process.wait().unwrap();
        assert_eq!(said.len(), 3, "{said:?}");
        for (said, expected) in said.iter().zip(expected) {
            assert!(
                said.contains(expected),
                "{file:o} in {directory:o}: {said:?} should contain {expected:?}"
            );
        }
    };
    let refused = "cannot be written / the file and its directory must be writable";
    check(0o444, 0o755, [refused, refused, "1 run"]);
    check(0o444, 0o555, [refused, refused, "1 run"]);
    let closed = "cannot be opened";
    check(0o000, 0o755, [closed, closed, closed]);
    check(0o444, 0o000, [closed, closed, closed]);
    permit(0o666, 0o755);
    drop(guard);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_once_share_commits() {
    let world = Arc::new(World::new(100, 10));
    let tasks: Vec<_> = (0..1000_u32)
        .map(|i| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let sample = rich_sample(&world.arm, &world.instances[i as usize % 100], i / 100);
                let twice = [0, 1].map(|_| Record::Sample(Arc::new(sample.clone())));
                let [a, b] = twice.map(|record| {
                    let ledger = world.ledger.clone();
                    async move { keep(&ledger, record).await }
                });
                tokio::join!(a, b)
            })
        })
        .collect();
    for task in tasks {
        let (a, b) = task.await.unwrap();
        assert_eq!(
            HashSet::from([a == Appended::Stored, b == Appended::Stored]).len(),
            2,
            "one of two is kept"
        );
    }
    assert_eq!(world.ledger.stored_samples(world.arm.hash()).unwrap().len(), 1000);
    let conn = Connection::open(world.ledger.path()).unwrap();
    // All records of one commit bear the same time.
    let commits: i64 =
        conn.query_row("SELECT count(DISTINCT stored) FROM sample", [], |row| row.get(0)).unwrap();
    assert!(commits < 200, "{commits} commits");
    check_integrity(&world);
}

#[tokio::test]
async fn two_ledgers_in_one_process_take_turns() {
    let world = World::new(20, 10);
    let second = Ledger::open(&world.location(), Mode::Existing).unwrap();
    let write = async |ledger: &Ledger, first: bool| {
        let mut stored = 0;
        for instance in &world.instances {
            for index in 0..10 {
                let index = if first { index } else { 9 - index };
                let record = Record::Sample(Arc::new(rich_sample(&world.arm, instance, index)));
                stored += u32::from(keep(ledger, record).await == Appended::Stored);
            }
        }
        stored
    };
    let (a, b) = tokio::join!(write(&world.ledger, true), write(&second, false));
    assert_eq!(a + b, 200, "each key was kept once");
    check_integrity(&world);
}
