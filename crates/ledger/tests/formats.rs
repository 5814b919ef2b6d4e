//! Every format that ever was is read: one store of each lies in `fixtures/`.

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{World, bare_judgement, bare_sample, cause, keep, rich_judgement, rich_sample};
use tempfile::TempDir;
use undersight_core::{
    ByHand, CauseKind, Details, Digest, JudgementStatus, Label, PartsHandled, Sample, SampleStatus, Task,
    Vote,
};
use undersight_ledger::{Detail, FORMAT, Ledger, LedgerError, Mode, Record, StoredSample};

fn fixture(format: i64) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/v{format}.ledger"))
}

/// What the store of a format holds, in order of storing.
fn records(world: &World, format: i64) -> Vec<Record> {
    let (arm, of) = (&world.arm, &world.instances);
    let failed =
        Sample { cause: Some(cause(CauseKind::Server)), ..bare_sample(arm, &of[1], 0, SampleStatus::Error) };
    let samples = [rich_sample(arm, &of[0], 0), failed, bare_sample(arm, &of[1], 0, SampleStatus::Blocked)];
    let mut judgements = vec![
        rich_judgement(&samples[0], &of[0], &world.judge, Task::Safety),
        rich_judgement(&samples[0], &of[0], &world.judge, Task::Thinking),
        bare_judgement(&samples[2], &of[1], &world.judge, Task::Safety, JudgementStatus::Skipped),
    ];
    if format >= 2 {
        let vote = Vote {
            judge: Digest::of_bytes(b"member"),
            repeat: 1,
            status: JudgementStatus::Ok,
            label: Some(Label::Partial),
            weight: 0.5,
        };
        let parts = PartsHandled { risky: Label::Refused, harmless: Label::Helpful };
        let by_hand = ByHand {
            annotator: Some("ada".into()),
            guideline: Some("v2".into()),
            drawn: Some(0.25),
            draw: None,
            adjudicated: true,
        };
        judgements[1].details =
            Details { votes: vec![vote], parts: Some(parts), excerpted: true, by_hand: Some(by_hand) };
    }
    let samples = samples.into_iter().map(|s| Record::Sample(Arc::new(s)));
    samples.chain(judgements.into_iter().map(|j| Record::Judgement(Box::new(j)))).collect()
}

#[test]
fn there_is_a_store_of_every_format() {
    for format in 1..=FORMAT {
        assert!(
            fixture(format).exists(),
            "write it: cargo test -p undersight-ledger --test formats -- --ignored"
        );
    }
}

/// Proves beside the format that keys and hashes are what they were.
#[test]
fn every_format_reads_as_it_was_written() {
    // Read only (which changes nothing), then brought to the current format, then read only again.
    let check = |format: i64| {
        let world = World::new(2, 1);
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("it.sqlite");
        std::fs::copy(fixture(format), &path).unwrap();
        let stored = || -> i64 {
            let conn = rusqlite::Connection::open(&path).unwrap();
            conn.query_row("PRAGMA user_version", [], |r| r.get(0)).unwrap()
        };
        for (mode, now) in [(Mode::ReadOnly, format), (Mode::Existing, FORMAT), (Mode::ReadOnly, FORMAT)] {
            let ledger = Ledger::open(path.to_str().unwrap(), mode).unwrap();
            assert_eq!(ledger.find_run("first").unwrap(), world.run);
            assert_eq!(
                ledger.run_instances(world.run.id).unwrap(),
                world.ledger.run_instances(world.run.id).unwrap()
            );
            let mut found = Vec::new();
            ledger
                .for_each_sample(
                    world.run.id,
                    Detail::Whole,
                    |StoredSample { sample, judgements, .. }| {
                        found.push(Record::Sample(Arc::new(sample)));
                        found.extend(judgements.into_iter().map(|j| Record::Judgement(Box::new(j))));
                        Ok::<_, LedgerError>(())
                    },
                )
                .unwrap();
            let all = records(&world, format);
            let expected = [0, 3, 4, 2, 5].map(|i| all[i].clone());
            assert_eq!(found, expected);
            let Record::Sample(settled) = &all[2] else { panic!("a sample") };
            assert_eq!(ledger.sample_attempts(settled.key).unwrap().len(), 2);
            let study = ledger.outcomes(world.run.id, None, None).unwrap();
            assert!(study.outcomes.iter().all(|o| o.safety.is_some()));
            drop(ledger);
            assert_eq!(stored(), now);
        }
    };
    (1..=FORMAT).for_each(check);
}

#[tokio::test]
#[ignore = "writes the fixture of the current format, once"]
async fn write_the_fixture() {
    let world = World::new(2, 1);
    for record in records(&world, FORMAT) {
        keep(&world.ledger, record).await;
    }
    let World { ledger, dir, .. } = world;
    let path = ledger.path().to_path_buf();
    drop(ledger);
    // Small pages, so that little is kept in the repository.
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM").unwrap();
    drop(conn);
    std::fs::copy(path, fixture(FORMAT)).unwrap();
    drop(dir);
}
