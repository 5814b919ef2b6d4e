//! The first promise: killed at any instant, nothing that was stored is lost and nothing stored is paid for twice.
//! 2,000 × 5 against a real HTTP server whose request log survives, SIGKILLed twenty times.

mod common;

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use common::{Place, arg, benchmarks};
use rand::{RngExt, SeedableRng};
use testkit::{Config, FakeServer};
use undersight_core::Digest;
use undersight_ledger::{Detail, Ledger, LedgerError, Mode};

const KILLS: usize = 20;
const K: usize = 5;
const INSTANCES: usize = 2_000;

/// What the store holds, as hashes of the requests that paid for it.
struct Stored {
    samples: Vec<Digest>,
    judgements: Vec<Digest>,
}

fn stored(store: &Path) -> Stored {
    let mut stored = Stored { samples: Vec::new(), judgements: Vec::new() };
    let Ok(ledger) = Ledger::open(arg(store), Mode::Existing) else { return stored };
    for run in ledger.runs().expect("readable after a kill") {
        ledger
            .for_each_sample::<LedgerError>(run.id, Detail::Whole, |sample| {
                stored.samples.push(Digest::of_bytes(&sample.sample.raw.request));
                stored.judgements.extend(sample.judgements.iter().map(|j| Digest::of_bytes(&j.raw.request)));
                Ok(())
            })
            .expect("readable after a kill");
    }
    stored
}

#[test]
fn killed_twenty_times_and_nothing_is_lost_or_paid_twice() {
    let place = Place::new();
    for (name, dataset) in benchmarks(&place) {
        check(&place, name, &dataset);
    }
}

fn check(place: &Place, name: &str, dataset: &Path) {
    let server = FakeServer::start(Config { latency: Duration::from_millis(20), ..Config::default() });
    let store = place.path(&format!("{name}.db"));
    let (location, url) = (format!("sqlite:{}", arg(&store)), server.url());
    let args = [
        "eval",
        "--dataset",
        arg(dataset),
        "--model",
        "vllm/fake",
        "--judge",
        "vllm/fake-judge",
        "--model-base-url",
        &url,
        "--judge-base-url",
        &url,
        "--samples",
        "5",
        "--seed",
        "1",
        "--max-connections",
        "64",
        "--store",
        &location,
        "--json",
    ];
    let mut rng = rand_pcg::Pcg64Mcg::seed_from_u64(20);
    let (mut kills, mut seen, mut paid) = (0, 0, HashSet::new());
    loop {
        let mut child =
            place.command(&args).stdout(std::process::Stdio::null()).spawn().expect("the binary starts");
        if kills < KILLS {
            std::thread::sleep(Duration::from_millis(rng.random_range(150..1_200)));
            child.kill().expect("a child can be killed");
        }
        let status = child.wait().expect("a child can be waited for");
        let journal = server.journal();
        let repeated = journal[seen..].iter().filter(|entry| paid.contains(&entry.sha)).count();
        assert_eq!(repeated, 0, "{name}: calls whose result was stored were made again after {kills} kills");
        seen = journal.len();
        let now = stored(&store);
        let held: HashSet<Digest> = now.samples.iter().chain(&now.judgements).copied().collect();
        assert!(paid.is_subset(&held), "{name}: something stored was lost after {kills} kills");
        paid = held;
        if kills >= KILLS {
            assert!(status.success(), "{name}: the last run ends by itself: {status}");
            break;
        }
        kills += 1;
    }
    let end = stored(&store);
    let distinct = |keys: &[Digest]| keys.iter().collect::<HashSet<_>>().len();
    assert_eq!((end.samples.len(), distinct(&end.samples)), (INSTANCES * K, INSTANCES * K));
    assert_eq!((end.judgements.len(), distinct(&end.judgements)), (2 * INSTANCES * K, 2 * INSTANCES * K));
}
