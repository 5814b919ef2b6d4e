//! How fast the ledger is here: appends of records of a given size by a number of callers at once, then a second opening
//! that reads what resuming and scoring need.
//!
//! `cargo run --release -p undersight-ledger --example append -- [instances] [k] [bytes of reply] [callers] [store]`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people who measure")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{World, keep, rich_judgement, rich_sample};
use undersight_core::{Extraction, Provenance, Task};
use undersight_ledger::{Ledger, Mode, Record};

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let number = |i: usize, default| numbers.get(i).copied().unwrap_or(default);
    let (instances, k, bytes, callers) = (number(0, 2000), number(1, 5), number(2, 2400), number(3, 256));
    let world = Arc::new(World::new(instances, u32::try_from(k).unwrap()));
    let records = Arc::new(records(&world, k, bytes));
    println!("{} records, replies of {bytes} bytes, {callers} callers", records.len());

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let (begun, before) = (Instant::now(), cpu());
    runtime.block_on(append_all(&world, &records, callers));
    let (wall, used) = (begun.elapsed(), cpu() - before);
    let n = u32::try_from(records.len()).unwrap();
    println!("append: {:.0} records/s, {:?} of CPU a record", f64::from(n) / wall.as_secs_f64(), used / n);

    let size = std::fs::metadata(world.ledger.path()).unwrap().len();
    let location = world.location();
    let (arm, judge, run) = (world.arm.hash(), world.judge.hash(), world.run.id);
    let dir = Arc::into_inner(world).map(|w| w.dir).unwrap();
    println!("store: {} KiB", size / 1024);

    let begun = Instant::now();
    let mut lap = begun;
    let mut timed = |what: &str| {
        println!("{what}: {:?}", lap.elapsed());
        lap = Instant::now();
    };
    let ledger = Ledger::open(&location, Mode::Existing).unwrap();
    timed("open");
    assert_eq!(ledger.stored_samples(arm).unwrap().len(), instances * k);
    timed("stored samples");
    assert_eq!(ledger.stored_judgements(arm, judge).unwrap().len(), 2 * instances * k);
    timed("stored judgements");
    assert_eq!(ledger.outcomes(run, None, None).unwrap().outcomes.len(), instances * k);
    timed("outcomes");
    assert_eq!(ledger.runs().unwrap().len(), 1);
    timed("runs");
    println!("all of it: {:?}", begun.elapsed());
    drop((ledger, dir));
}

fn records(world: &World, k: usize, bytes: usize) -> Vec<Record> {
    let mut records = Vec::new();
    for (i, instance) in world.instances.iter().enumerate() {
        for index in 0..k {
            let mut sample = rich_sample(&world.arm, instance, u32::try_from(index).unwrap());
            let text = prose(bytes, i * 31 + index);
            let (trace, answer) = text.split_at(bytes * 2 / 3);
            sample.extraction =
                Extraction::apart(Some(("reasoning", trace)), ("content", answer), Provenance::Full);
            sample.raw.request =
                format!("{{\"messages\":[{{\"content\":\"{}\"}}]}}", instance.query).into_bytes();
            sample.raw.response = format!(
                "{{\"choices\":[{{\"message\":{{\"reasoning\":\"{trace}\",\"content\":\"{answer}\"}}}}]}}"
            )
            .into_bytes();
            for task in &Task::SCORED {
                let mut judgement = rich_judgement(&sample, instance, &world.judge, *task);
                judgement.raw.request = text.clone().into_bytes();
                judgement.raw.response = prose(400, i).into_bytes();
                records.push(Record::Judgement(Box::new(judgement)));
            }
            records.push(Record::Sample(Arc::new(sample)));
        }
    }
    records
}

/// Text that compresses about as text does.
fn prose(bytes: usize, seed: usize) -> String {
    const WORDS: [&str; 16] = [
        "the ",
        "question ",
        "of ",
        "whether ",
        "a ",
        "cupboard ",
        "belongs ",
        "to ",
        "someone ",
        "else ",
        "should ",
        "be ",
        "asked ",
        "first, ",
        "before ",
        "opening ",
    ];
    let mut state = seed as u64 * 2 + 1;
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS[(state >> 60) as usize]);
        if state >> 40 & 7 == 0 {
            text.push_str(&format!("{:x} ", state >> 32));
        }
    }
    text.truncate(bytes);
    text
}

async fn append_all(world: &Arc<World>, records: &Arc<Vec<Record>>, callers: usize) {
    let next = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (world, records, next) = (Arc::clone(world), Arc::clone(records), Arc::clone(&next));
            tokio::spawn(async move {
                while let Some(record) = records.get(next.fetch_add(1, Ordering::Relaxed)) {
                    keep(&world.ledger, record.clone()).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// CPU time of this process, all threads; zero where the system does not tell.
fn cpu() -> Duration {
    let ticks = || {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let fields: Vec<u64> = stat
            .rsplit_once(')')?
            .1
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|f| f.parse().ok())
            .collect();
        Some(fields.iter().sum::<u64>())
    };
    Duration::from_millis(ticks().unwrap_or(0) * 10)
}
