//! Killed in the middle of a panel: no vote that was stored is asked for again.

use std::collections::HashSet;
use std::time::Duration;

use testkit::Config;
use undersight_core::Digest;
use undersight_ledger::{Detail, Ledger, LedgerError, Mode};

use super::{Bench, SAMPLES, panel};

/// The requests that paid for what the store holds of judges, members of panels included.
fn stored(bench: &Bench) -> HashSet<Digest> {
    let store = bench.place.path("undersight.db");
    let ledger = Ledger::open(store.to_str().expect("UTF-8"), Mode::Existing).expect("readable after a kill");
    let mut requests = HashSet::new();
    for run in ledger.runs().expect("readable after a kill") {
        let keep = |sample: undersight_ledger::StoredSample| {
            let paid = sample.judgements.iter().filter(|j| !j.raw.request.is_empty());
            requests.extend(paid.map(|j| Digest::of_bytes(&j.raw.request)));
            Ok(())
        };
        ledger.for_each_sample::<LedgerError>(run.id, Detail::Whole, keep).expect("readable after a kill");
    }
    requests
}

#[test]
fn a_panel_goes_on_where_it_was_killed() {
    let bench = Bench::new(Config { latency: Duration::from_millis(15), ..Config::default() });
    bench.eval("--judge sim/judge --max-connections 32").expect(0);
    bench.write("trio.toml", &panel("ask_all = true", &["a", "b", "c"]));
    let line = bench.line("judge one --judge trio.toml --max-connections 4 --replicates 0");
    let args: Vec<&str> = line.iter().map(String::as_str).collect();
    let (mut paid, mut seen, mut cut) = (HashSet::new(), bench.server.journal().len(), 0);
    for kill in 0..4 {
        let mut child = bench.place.spawn(&args);
        while kill < 3 && bench.server.journal().len() < seen + 40 {
            std::thread::sleep(Duration::from_millis(2));
        }
        if kill < 3 {
            child.kill().expect("a child can be killed");
        }
        let ended = child.wait().expect("a child can be waited for");
        let journal = bench.server.journal();
        let again = journal[seen..].iter().filter(|entry| paid.contains(&entry.sha)).count();
        assert_eq!(again, 0, "stored votes were asked for again after {kill} kills");
        seen = journal.len();
        let now = stored(&bench);
        assert!(paid.is_subset(&now), "a stored vote was lost after {kill} kills");
        cut += usize::from(!ended.success());
        paid = now;
    }
    assert_eq!(cut, 3, "each kill was in time");
    assert_eq!(paid.len() as u64, 3 * 2 * SAMPLES, "three votes on answer and trace of each sample");
}
