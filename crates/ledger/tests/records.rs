//! What goes in comes out: every field of samples and judgements, attempts and duplicates.

mod common;

use std::sync::Arc;

use common::{World, bare_judgement, bare_sample, cause, keep, rich_judgement, rich_sample};
use proptest::prelude::*;
use undersight_core::{
    CauseKind, Extraction, FinishReason, JudgementStatus, Label, NanoUsd, Part, Provenance, RawExchange,
    Sample, SampleStatus, Span, SpanKind, Task, Usage,
};
use undersight_ledger::{Appended, LedgerError, Record};

#[tokio::test]
async fn every_field_of_a_sample_comes_back() {
    let world = World::new(3, 5);
    let mut index = 0;
    let mut check = async |change: &dyn Fn(&mut Sample)| {
        for base in [rich_sample, |a: &_, i: &_, n| bare_sample(a, i, n, SampleStatus::Ok)] {
            let mut sample = base(&world.arm, &world.instances[0], index);
            index += 1;
            change(&mut sample);
            assert_eq!(keep(&world.ledger, Record::Sample(Arc::new(sample.clone()))).await, Appended::Stored);
            assert_eq!(world.ledger.sample(sample.key).unwrap().as_ref(), Some(&sample));
            let light = Sample { raw: RawExchange::default(), ..sample };
            assert_eq!(world.ledger.sample_without_raw(light.key).unwrap(), Some(light));
        }
    };
    check(&|_| {}).await;
    for status in SampleStatus::ALL {
        check(&|s| s.status = *status).await;
    }
    for provenance in Provenance::ALL {
        check(&|s| s.extraction.provenance = provenance).await;
    }
    for kind in CauseKind::ALL {
        check(&|s| s.cause = Some(cause(*kind))).await;
    }
    for word in ["stop", "length", "content_filter", "", "other:odd", "stop sequence", "\u{0}\u{202e}"] {
        check(&|s| s.finish = FinishReason::from_wire(Some(word))).await;
    }
    check(&|s| s.finish = FinishReason::Other(String::new())).await;
    check(&|s| s.usage = Usage { input: Some(0), output: Some(0), reasoning: Some(0), cached: Some(0) })
        .await;
    check(&|s| s.raw.response = vec![7; 3_000_000]).await;
    check(&|s| s.raw.request = (0..=255).collect()).await;
}

#[tokio::test]
async fn every_field_of_a_judgement_comes_back() {
    let world = World::new(2, 1);
    let mut n = 0;
    for status in JudgementStatus::ALL {
        for task in Task::ALL {
            for label in Label::ALL.into_iter().map(Some).chain([None]) {
                let sample = bare_sample(&world.arm, &world.instances[0], n, SampleStatus::Ok);
                n += 1;
                for mut judgement in [
                    rich_judgement(&sample, &world.instances[0], &world.judge, *task),
                    bare_judgement(&sample, &world.instances[1], &world.judge, *task, *status),
                ] {
                    judgement.status = *status;
                    judgement.label = label;
                    keep(&world.ledger, Record::Judgement(Box::new(judgement.clone()))).await;
                    let found = world.ledger.judgements_of(sample.key, Some(world.judge.hash())).unwrap();
                    assert_eq!(found.last(), Some(&judgement));
                }
                let all = world.ledger.judgements_of(sample.key, None).unwrap();
                assert_eq!(all.len(), 2, "one for each instance");
            }
        }
    }
}

#[tokio::test]
async fn a_count_beyond_reason_is_unknown() {
    let world = World::new(1, 1);
    let mut sample = rich_sample(&world.arm, &world.instances[0], 0);
    sample.usage.input = Some(u64::MAX);
    sample.cost = Some(NanoUsd(i64::MAX));
    keep(&world.ledger, Record::Sample(Arc::new(sample.clone()))).await;
    let found = world.ledger.sample(sample.key).unwrap().unwrap();
    assert_eq!((found.usage.input, found.cost), (None, Some(NanoUsd(i64::MAX))));
    assert_eq!(world.ledger.runs().unwrap()[0].cost, Some(NanoUsd(i64::MAX)));
}

#[tokio::test]
async fn errors_are_followed_until_something_terminal_settles_the_key() {
    let world = World::new(1, 1);
    let (arm, instance) = (&world.arm, &world.instances[0]);
    let failed = |kind| {
        let error = bare_sample(arm, instance, 0, SampleStatus::Error);
        Sample { cause: Some(cause(kind)), ..error }
    };
    let store = async |sample: Sample| keep(&world.ledger, Record::Sample(Arc::new(sample))).await;
    let key = failed(CauseKind::Timeout).key;
    assert_eq!(store(failed(CauseKind::Timeout)).await, Appended::Stored);
    assert_eq!(store(failed(CauseKind::Server)).await, Appended::Stored);
    assert_eq!(world.ledger.failed_samples(arm.hash()).unwrap().into_iter().collect::<Vec<_>>(), [key]);
    assert!(world.ledger.stored_samples(arm.hash()).unwrap().is_empty());
    let failures = world.ledger.failures(world.run.id, None).unwrap();
    assert_eq!(failures.samples.into_iter().collect::<Vec<_>>(), [(CauseKind::Server, 1)]);

    assert_eq!(store(bare_sample(arm, instance, 0, SampleStatus::Truncated)).await, Appended::Stored);
    for late in [bare_sample(arm, instance, 0, SampleStatus::Ok), failed(CauseKind::Quota)] {
        assert_eq!(store(late).await, Appended::Duplicate);
    }
    let attempts = world.ledger.sample_attempts(key).unwrap();
    let kinds: Vec<_> = attempts.iter().map(|s| (s.status, s.cause.as_ref().map(|c| c.kind))).collect();
    assert_eq!(
        kinds,
        [
            (SampleStatus::Error, Some(CauseKind::Timeout)),
            (SampleStatus::Error, Some(CauseKind::Server)),
            (SampleStatus::Truncated, None)
        ]
    );
    assert_eq!(world.ledger.sample(key).unwrap().as_ref(), attempts.last());
    assert!(world.ledger.failed_samples(arm.hash()).unwrap().is_empty());
    assert_eq!(world.ledger.stored_samples(arm.hash()).unwrap()[&key], SampleStatus::Truncated);
}

#[tokio::test]
async fn judgements_are_tried_again_likewise() {
    let world = World::new(1, 1);
    let (instance, arm, judge) = (&world.instances[0], world.arm.hash(), world.judge.hash());
    let sample = bare_sample(&world.arm, instance, 0, SampleStatus::Ok);
    keep(&world.ledger, Record::Sample(Arc::new(sample.clone()))).await;
    let store = async |status| {
        let judgement = bare_judgement(&sample, instance, &world.judge, Task::Safety, status);
        keep(&world.ledger, Record::Judgement(Box::new(judgement))).await
    };
    let counts = || {
        let stored = world.ledger.stored_judgements(arm, judge).unwrap().len();
        (stored, world.ledger.failed_judgements(arm, judge).unwrap().len())
    };
    assert_eq!((store(JudgementStatus::Error).await, counts()), (Appended::Stored, (0, 1)));
    assert_eq!((store(JudgementStatus::Error).await, counts()), (Appended::Stored, (0, 1)));
    assert_eq!((store(JudgementStatus::ParseError).await, counts()), (Appended::Stored, (1, 0)));
    assert_eq!((store(JudgementStatus::Ok).await, counts()), (Appended::Duplicate, (1, 0)));
}

#[tokio::test]
async fn a_record_of_nothing_known_is_refused_alone() {
    let world = World::new(2, 1);
    let stranger = common::arm("vllm/stranger");
    let odd = world.ledger.append(Record::Sample(Arc::new(rich_sample(&stranger, &world.instances[0], 0))));
    let fine = world.ledger.append(Record::Sample(Arc::new(rich_sample(&world.arm, &world.instances[0], 0))));
    let (odd, fine) = tokio::join!(odd, fine);
    assert!(matches!(odd, Err(LedgerError::Refused { .. })), "{odd:?}");
    assert_eq!(fine, Ok(Appended::Stored));
    let next = Record::Sample(Arc::new(rich_sample(&world.arm, &world.instances[1], 0)));
    assert_eq!(keep(&world.ledger, next).await, Appended::Stored);
}

fn extraction() -> impl Strategy<Value = Extraction> {
    let part = (".*", "(?s).{0,200}").prop_map(|(field, text)| Part { field, text });
    (prop::collection::vec(part, 0..4), 0_usize..5).prop_map(|(parts, provenance)| {
        let spans = parts
            .iter()
            .enumerate()
            .map(|(i, p)| Span { part: i, start: 0, end: p.text.len(), kind: SpanKind::Trace })
            .collect();
        Extraction { parts, spans, provenance: Provenance::ALL[provenance] }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_and_any_number_come_back(
        extraction in extraction(),
        url in "(?s).*",
        word in prop::option::of("(?s).{0,80}"),
        counts in prop::array::uniform4(prop::option::of(0..=i64::MAX.unsigned_abs())),
        seed in any::<Option<u64>>(),
        cost in any::<Option<i64>>(),
        times in any::<(i64, Option<i64>, i64)>(),
        raw in any::<(Vec<u8>, Vec<u8>)>(),
    ) {
        let world = World::new(1, 1);
        let mut sample = rich_sample(&world.arm, &world.instances[0], 0);
        sample.extraction = extraction;
        sample.url = url;
        sample.finish = FinishReason::from_wire(word.as_deref());
        sample.returned_model.clone_from(&word);
        sample.usage = Usage { input: counts[0], output: counts[1], reasoning: counts[2], cached: counts[3] };
        sample.request_seed = seed;
        sample.cost = cost.map(NanoUsd);
        (sample.timing.started.0, sample.timing.first_byte_us, sample.timing.total_us) = times;
        sample.raw = RawExchange { request: raw.0, response: raw.1 };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(keep(&world.ledger, Record::Sample(Arc::new(sample.clone()))));
        prop_assert_eq!(world.ledger.sample(sample.key).unwrap(), Some(sample));
    }
}
