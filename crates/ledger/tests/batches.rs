//! Batches in the store: found by their requests, across closing and reopening; stores without any stay as they are.

mod common;

use common::World;
use undersight_core::{Batch, BatchEnd, Digest, Micros};
use undersight_ledger::{Ledger, LedgerError, Mode};

fn batch(nonce: &str, url: &str, items: u32) -> Batch {
    let (nonce, url) = (nonce.to_owned(), url.to_owned());
    Batch { nonce, url, provider_id: None, items, created: Micros(7), end: None }
}

fn tag(n: u8) -> Digest {
    Digest::of_bytes(&[n])
}

#[test]
fn batches_are_found_by_their_requests() {
    let World { ledger, dir, .. } = World::new(1, 1);
    let here = "http://here/v1";
    let found = |ledger: &Ledger, url: &str| {
        let found = ledger.batches_of(url, &[tag(0), tag(1), tag(2), tag(3)]).unwrap();
        found.into_iter().map(|(tag, batch)| (tag, batch.nonce)).collect::<Vec<_>>()
    };
    assert_eq!(found(&ledger, here), [], "a store without batches has none");
    assert_eq!(ledger.batches(here).unwrap(), []);

    ledger.put_batch(&batch("one", here, 2), &[tag(1), tag(2)]).unwrap();
    ledger.put_batch(&batch("elsewhere", "http://there/v1", 1), &[tag(3)]).unwrap();
    ledger.name_batch("one", "batch_1").unwrap();
    let one = |tag| (tag, "one".to_owned());
    assert_eq!(found(&ledger, here), [one(tag(1)), one(tag(2))]);
    assert_eq!(found(&ledger, "http://there/v1"), [(tag(3), "elsewhere".to_owned())]);

    // Whoever opens the store next sees the same.
    let path = ledger.path().to_path_buf();
    drop(ledger);
    let ledger = Ledger::open(path.to_str().unwrap(), Mode::Existing).unwrap();
    let named = Batch { provider_id: Some("batch_1".to_owned()), ..batch("one", here, 2) };
    assert_eq!(ledger.batches(here).unwrap(), std::slice::from_ref(&named));

    // A later batch counts before an earlier one, a void one not at all.
    ledger.put_batch(&batch("two", here, 1), &[tag(2)]).unwrap();
    assert_eq!(found(&ledger, here), [one(tag(1)), (tag(2), "two".to_owned())]);
    ledger.end_batch("two", BatchEnd::Void).unwrap();
    ledger.end_batch("one", BatchEnd::Done).unwrap();
    assert_eq!(found(&ledger, here), [one(tag(1)), one(tag(2))]);
    let done = Batch { end: Some(BatchEnd::Done), ..named };
    assert_eq!(ledger.batches_of(here, &[tag(1)]).unwrap(), [(tag(1), done)]);

    let unknown = ledger.name_batch("three", "batch_3").unwrap_err();
    assert!(matches!(unknown, LedgerError::Refused { .. }), "{unknown}");
    drop(dir);
}
