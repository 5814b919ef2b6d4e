//! Plans that grow, runs that are found, scored, exported and deleted.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{
    World, bare_judgement, bare_sample, cause, judge, keep, plan, rich_judgement, rich_sample, run, selected,
};
use undersight_core::judgement::{inputs_hash, judgement_key};
use undersight_core::{
    CauseKind, Instance, Item, JudgementStatus, Label, NanoUsd, Plan, Provenance, Sample, SampleStatus,
    Selection, Task, Verdict,
};
use undersight_ledger::{Detail, LedgerError, Mode, Record, StoredSample};

#[test]
fn a_plan_only_grows() {
    let world = World::new(6, 2);
    let (other, third) = (judge("sim/other"), judge("sim/third"));
    let limit = |n| Selection { limit: Some(n), ..Selection::default() };
    let grow = |k, limited, judges: &[_], range| {
        let plan = Plan { selection: limit(limited), ..plan(k, judges) };
        world.ledger.put_run(&world.run, &plan, &selected(&world.arm, &world.instances, range)).unwrap();
    };
    let small = run("small", &world.arm, &world.instances);
    world.plan_run(&world.ledger, &small, 1, &[], 4..6);
    let ords = |run| world.ledger.run_instances(run).unwrap().iter().map(|p| p.ord).collect::<Vec<_>>();
    assert_eq!(ords(small.id), [4, 5]);
    world.plan_run(&world.ledger, &small, 1, &[], 0..2);
    assert_eq!(ords(small.id), [0, 1, 4, 5]);
    assert_eq!(world.ledger.run_instances(small.id).unwrap()[2].instance, world.instances[4]);

    grow(5, 6, &[&other, &third], 0..6);
    grow(3, 2, &[&world.judge], 0..2);
    let found = world.ledger.plan(world.run.id).unwrap();
    assert_eq!(found.k, 5);
    assert_eq!(found.selection, Selection::default(), "nothing was added to the first selection");
    let judges: Vec<_> = found.judges.iter().collect();
    assert_eq!(judges, [&other, &third, &world.judge], "the one used last is last");
    assert_eq!(world.ledger.selections(world.run.id).unwrap(), [Selection::default()]);
    grow(1, 9, &[&other], 0..0);
    assert_eq!(world.ledger.judges(world.run.id).unwrap().last(), Some(&other));
    assert_eq!(world.ledger.run_instances(world.run.id).unwrap().len(), 6);
}

#[test]
fn names_are_unique_and_runs_are_found() {
    let world = World::new(2, 1);
    let other = run("first", &common::arm("vllm/other"), &world.instances);
    let taken = world.ledger.put_run(&other, &plan(1, &[]), &[]).unwrap_err();
    assert!(taken.to_string().contains("\"first\" belongs to another run, of model vllm/small"), "{taken}");
    let homeless = run("homeless", &world.arm, &common::instances(1));
    let refused = world.ledger.put_run(&homeless, &plan(1, &[]), &[]).unwrap_err();
    assert!(refused.to_string().contains("is not in the store"), "{refused}");

    assert_eq!(world.ledger.find_run("first").unwrap(), world.run);
    assert_eq!(world.ledger.find_run(&world.run.id.short()).unwrap(), world.run);
    assert_eq!(world.ledger.find_run("fir").unwrap(), world.run);
    assert_eq!(world.ledger.run_named("first").unwrap().as_ref(), Some(&world.run));
    assert_eq!(world.ledger.run_named("firs").unwrap(), None);
    let unknown = world.ledger.find_run("frst").unwrap_err();
    assert_eq!(
        (unknown.to_string().as_str(), unknown.hint().as_deref()),
        ("there is no run \"frst\"", Some("did you mean first?"))
    );
    assert_eq!(
        world.ledger.find_run("entirely else").unwrap_err().hint().as_deref(),
        Some("there are first")
    );
    assert!(matches!(world.ledger.plan(other.id), Err(LedgerError::UnknownRun { .. })));
}

#[tokio::test]
async fn the_list_counts_what_counts() {
    let world = World::new(2, 2);
    let (arm, first) = (&world.arm, &world.instances[0]);
    let mut failed = bare_sample(arm, first, 0, SampleStatus::Error);
    failed.cost = Some(NanoUsd(10));
    let samples = [failed, rich_sample(arm, first, 0), bare_sample(arm, first, 1, SampleStatus::Error)];
    let beyond = rich_sample(arm, first, 2);
    for sample in samples.iter().chain([&beyond]) {
        keep(&world.ledger, Record::Sample(Arc::new(sample.clone()))).await;
    }
    let mut judgement = rich_judgement(&samples[1], first, &world.judge, Task::Safety);
    judgement.returned_model = None;
    keep(&world.ledger, Record::Judgement(Box::new(judgement))).await;
    let unplanned = run("second", &common::arm("vllm/other"), &world.instances);
    world.plan_run(&world.ledger, &unplanned, 3, &[], 0..1);

    let runs = world.ledger.runs().unwrap();
    assert_eq!(runs.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    let one = &runs[0];
    assert_eq!((one.k, one.instances, one.dataset_name.as_str()), (2, 2, "cupboards"));
    assert_eq!(one.samples, BTreeMap::from([(SampleStatus::Ok, 1), (SampleStatus::Error, 1)]));
    assert_eq!(one.judgements, BTreeMap::from([(JudgementStatus::Ok, 1)]));
    assert_eq!(one.cost, Some(NanoUsd(10 + 1_234 + 66)), "what failed was paid for as well");
    assert!(one.last_activity > Some(one.created));
    let two = &runs[1];
    assert_eq!((two.cost, two.last_activity, two.samples.len()), (None, None, 0), "unknown, not zero");

    let origins = world.ledger.origins(arm.hash()).unwrap();
    assert_eq!(origins.urls, BTreeMap::from([(beyond.url, 2)]));
    assert_eq!(origins.returned_models, BTreeMap::from([("small-model-2026".to_owned(), 2)]));
    let failures = world.ledger.failures(world.run.id, Some(world.judge.hash())).unwrap();
    assert_eq!(failures.samples, BTreeMap::from([(CauseKind::Server, 1)]));
    assert_eq!(failures.judgements, BTreeMap::from([(CauseKind::Verdict, 1)]));
    assert!(world.ledger.failures(world.run.id, Some(arm.hash())).unwrap().judgements.is_empty());
}

#[tokio::test]
async fn outcomes_follow_the_plan() {
    let world = World::new(3, 2);
    let (arm, of) = (&world.arm, &world.instances);
    let store = async |sample: &Sample| keep(&world.ledger, Record::Sample(Arc::new(sample.clone()))).await;
    let full = rich_sample(arm, &of[0], 0);
    let mut failed = bare_sample(arm, &of[0], 1, SampleStatus::Error);
    failed.cause = Some(cause(CauseKind::Timeout));
    let cut = bare_sample(arm, &of[2], 1, SampleStatus::Truncated);
    let beyond = rich_sample(arm, &of[2], 2);
    for sample in [&full, &failed, &cut, &beyond] {
        store(sample).await;
    }
    let told = async |sample: &Sample, by: &_, task, repeat, label, instance: &Instance| {
        let mut judgement = bare_judgement(sample, instance, by, task, JudgementStatus::Ok);
        (judgement.repeat, judgement.label) = (repeat, Some(label));
        judgement.key =
            judgement_key(&sample.key, &by.hash(), task, &inputs_hash(task, instance, false), repeat);
        keep(&world.ledger, Record::Judgement(Box::new(judgement))).await;
    };
    told(&full, &world.judge, Task::Safety, 0, Label::Safe, &of[0]).await;
    told(&full, &world.judge, Task::Safety, 1, Label::Unsafe, &of[0]).await;
    let corrected = Instance { rationale: "an earlier wording".into(), ..(*of[0]).clone() };
    told(&full, &world.judge, Task::Thinking, 0, Label::False, &corrected).await;
    let other = judge("sim/other");
    world.plan_run(&world.ledger, &world.run, 2, &[&other, &world.judge], 0..3);
    told(&full, &other, Task::Thinking, 0, Label::True, &of[0]).await;

    let study = world.ledger.outcomes(world.run.id, None, None).unwrap();
    assert_eq!((study.name.as_str(), study.k), ("first", 2));
    assert_eq!(study.items, of.iter().map(|i| Item::from(&**i)).collect::<Vec<_>>());
    let places: Vec<_> = study.outcomes.iter().map(|o| (o.item, o.index)).collect();
    assert_eq!(places, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
    let statuses: Vec<_> = study.outcomes.iter().map(|o| o.status).collect();
    let (ok, error) = (Some(SampleStatus::Ok), Some(SampleStatus::Error));
    assert_eq!(statuses, [ok, error, None, None, None, Some(SampleStatus::Truncated)]);
    let safe = Verdict { status: JudgementStatus::Ok, label: Some(Label::Safe) };
    let one = &study.outcomes[0];
    assert_eq!((one.safety, one.thinking), (Some(safe), None), "only what was judged as annotated now");
    assert_eq!((one.provenance, &one.truth), (Some(Provenance::Full), &full.sim_truth));
    assert_eq!(study.outcomes[1].cause, Some(CauseKind::Timeout));

    let by_other = world.ledger.outcomes(world.run.id, Some(other.hash()), Some(2)).unwrap();
    let aware = Verdict { status: JudgementStatus::Ok, label: Some(Label::True) };
    assert_eq!((by_other.outcomes[0].safety, by_other.outcomes[0].thinking), (None, Some(aware)));
    assert_eq!(world.ledger.outcomes(world.run.id, None, Some(1)).unwrap().outcomes.len(), 3);
    for asked in [0, 3, u32::MAX] {
        let refused = world.ledger.outcomes(world.run.id, None, Some(asked)).unwrap_err();
        assert_eq!(refused.to_string(), format!("k = {asked}: run first has 2 samples an instance"));
        assert!(refused.hint().unwrap().contains("planned with k = 2"), "{refused:?}");
    }
}

#[test]
fn every_selection_that_added_something_is_kept() {
    let world = World::new(6, 1);
    let run = run("parts", &world.arm, &world.instances);
    let ids =
        |ids: &[&str]| Selection { ids: ids.iter().map(|&i| i.to_owned()).collect(), ..Selection::default() };
    let limit = Selection { limit: Some(4), seed: Some(3), ..Selection::default() };
    let put = |selection: &Selection, range| {
        let plan = Plan { selection: selection.clone(), ..plan(1, &[]) };
        world.ledger.put_run(&run, &plan, &selected(&world.arm, &world.instances, range)).unwrap();
        world.ledger.selections(run.id).unwrap()
    };
    let (first, last) = (ids(&["item-0"]), ids(&["item-5"]));
    assert_eq!(put(&first, 0..1), std::slice::from_ref(&first));
    assert_eq!(put(&last, 5..6), [first.clone(), last.clone()]);
    assert_eq!(put(&first, 0..1), [first.clone(), last.clone()], "nothing new");
    assert_eq!(put(&limit, 0..4), [first, last, limit.clone()]);
    assert_eq!(world.ledger.plan(run.id).unwrap().selection, limit);
    assert_eq!(world.ledger.run_instances(run.id).unwrap().len(), 5);
}

#[tokio::test]
async fn a_judge_that_only_failed_is_not_the_one_to_score_by() {
    let world = World::new(1, 1);
    let failing = judge("sim/failing");
    let latest = || world.ledger.latest_judge(world.run.id).unwrap();
    world.plan_run(&world.ledger, &world.run, 1, &[&world.judge], 0..1);
    let sample = rich_sample(&world.arm, &world.instances[0], 0);
    keep(&world.ledger, Record::Sample(Arc::new(sample.clone()))).await;
    assert_eq!(latest(), None, "planned, but nothing was judged");
    let store = async |by, status| {
        let judgement = bare_judgement(&sample, &world.instances[0], by, Task::Safety, status);
        keep(&world.ledger, Record::Judgement(Box::new(judgement))).await;
    };
    world.plan_run(&world.ledger, &world.run, 1, &[&failing], 0..1);
    store(&failing, JudgementStatus::Error).await;
    assert_eq!(latest().as_ref(), Some(&failing), "what failed is shown where there is nothing else");
    store(&world.judge, JudgementStatus::Refused).await;
    assert_eq!(latest().as_ref(), Some(&world.judge));
    let study = world.ledger.outcomes(world.run.id, None, None).unwrap();
    assert_eq!(study.outcomes[0].safety.map(|v| v.status), Some(JudgementStatus::Refused));
    world.plan_run(&world.ledger, &world.run, 1, &[&failing], 0..1);
    store(&failing, JudgementStatus::ParseError).await;
    assert_eq!(latest().as_ref(), Some(&failing), "the later of two that settled something");
}

#[tokio::test]
async fn instances_that_ask_the_same_share_samples() {
    let mut world = World::new(1, 1);
    let twin = Instance {
        id: "twin".into(),
        rationale: "another view of it".into(),
        ..(*world.instances[0]).clone()
    };
    world.instances.push(Arc::new(twin));
    let twins = run("twins", &world.arm, &world.instances);
    world.plan_run(&world.ledger, &twins, 1, &[&world.judge], 0..2);
    let sample = rich_sample(&world.arm, &world.instances[0], 0);
    keep(&world.ledger, Record::Sample(Arc::new(sample.clone()))).await;
    let judgement = rich_judgement(&sample, &world.instances[1], &world.judge, Task::Thinking);
    keep(&world.ledger, Record::Judgement(Box::new(judgement.clone()))).await;
    let study = world.ledger.outcomes(twins.id, None, None).unwrap();
    let known: Vec<_> = study.outcomes.iter().map(|o| (o.status, o.thinking.is_some())).collect();
    assert_eq!(known, [(Some(SampleStatus::Ok), false), (Some(SampleStatus::Ok), true)]);
    assert_eq!(world.ledger.runs().unwrap()[1].samples[&SampleStatus::Ok], 1);
}

#[tokio::test]
async fn export_streams_in_plan_order() {
    let world = World::new(3, 2);
    let export = |detail| {
        let mut all: Vec<StoredSample> = Vec::new();
        let each = |stored| -> Result<(), LedgerError> {
            all.push(stored);
            Ok(())
        };
        world.ledger.for_each_sample(world.run.id, detail, each).unwrap();
        all
    };
    assert_eq!(export(Detail::Whole), []);
    // Stored in another order than planned, with an index beyond k.
    for index in [2, 1, 0] {
        for instance in world.instances.iter().rev() {
            let sample = rich_sample(&world.arm, instance, index);
            let judgement = rich_judgement(&sample, instance, &world.judge, Task::Safety);
            keep(&world.ledger, Record::Sample(Arc::new(sample))).await;
            keep(&world.ledger, Record::Judgement(Box::new(judgement))).await;
        }
    }
    let expected: Vec<_> =
        world.instances.iter().flat_map(|i| [0, 1].map(|n| rich_sample(&world.arm, i, n))).collect();
    let whole = export(Detail::Whole);
    assert_eq!(whole.iter().map(|s| &s.sample).collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
    assert!(whole.iter().all(|s| s.judgements.len() == 1 && s.judgements[0].sample == s.sample.key));
    assert_eq!(whole[5].instance, world.instances[2]);
    assert!(export(Detail::Light).iter().all(|s| s.sample.raw.response.is_empty()));

    let mut seen = 0;
    let stopped = world.ledger.for_each_sample(world.run.id, Detail::Light, |_| {
        seen += 1;
        if seen == 2 { Err(LedgerError::Closed) } else { Ok(()) }
    });
    assert_eq!((stopped, seen), (Err(LedgerError::Closed), 2));
}

#[tokio::test]
async fn deletion_takes_only_what_nobody_else_needs() {
    let world = World::new(4, 2);
    let other = judge("sim/other");
    let second = run("second", &world.arm, &world.instances);
    world.plan_run(&world.ledger, &second, 1, &[&other], 0..2);
    let third = run("third", &common::arm("vllm/other"), &world.instances);
    world.plan_run(&world.ledger, &third, 1, &[&world.judge], 0..4);
    world.fill(&world.arm, &world.judge, 2).await;
    world.fill(&world.arm, &other, 2).await;
    world.fill(&third.arm, &world.judge, 1).await;
    let counts = || {
        let arm = world.arm.hash();
        (
            world.ledger.stored_samples(arm).unwrap().len(),
            world.ledger.stored_judgements(arm, world.judge.hash()).unwrap().len(),
            world.ledger.stored_judgements(arm, other.hash()).unwrap().len(),
        )
    };
    let untouched = || {
        let study = world.ledger.outcomes(third.id, None, None).unwrap();
        study.outcomes.iter().all(|o| o.safety.is_some() && o.thinking.is_some())
    };
    assert_eq!((counts(), untouched()), ((8, 16, 16), true));

    let held = world.ledger.lock_run(world.run.id).unwrap();
    assert!(matches!(world.ledger.delete_run(world.run.id), Err(LedgerError::Locked { .. })));
    drop(held);
    world.ledger.delete_run(world.run.id).unwrap();
    assert_eq!((counts(), untouched()), ((4, 0, 8), true), "two instances, with any index, by its own judge");
    assert!(matches!(world.ledger.delete_run(world.run.id), Err(LedgerError::UnknownRun { .. })));
    world.ledger.delete_run(second.id).unwrap();
    assert_eq!((counts(), untouched()), ((0, 0, 0), true));
    assert_eq!(world.ledger.run_instances(third.id).unwrap().len(), 4);

    world.ledger.delete_run(third.id).unwrap();
    let reader = undersight_ledger::Ledger::open(&world.location(), Mode::ReadOnly).unwrap();
    assert_eq!(reader.runs().unwrap(), []);
    let left: i64 = rusqlite::Connection::open(world.ledger.path())
        .unwrap()
        .query_row(
            "SELECT (SELECT count(*) FROM sample) + (SELECT count(*) FROM judgement) + (SELECT count(*) FROM instance)
             + (SELECT count(*) FROM dataset) + (SELECT count(*) FROM dataset_instance)
             + (SELECT count(*) FROM run_instance) + (SELECT count(*) FROM run_judge)
             + (SELECT freelist_count FROM pragma_freelist_count)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(left, 0, "nothing is left, and the space is given back");
    world.plan_run(&world.ledger, &world.run, 1, &[&world.judge], 0..4);
    assert_eq!(world.ledger.run_instances(world.run.id).unwrap().len(), 4, "a deleted run can be made again");
}

#[tokio::test]
async fn versions_of_a_dataset_share_samples_but_not_judgements() {
    let world = World::new(3, 2);
    let corrected: Vec<_> = world
        .instances
        .iter()
        .map(|i| Arc::new(Instance { rationale: format!("corrected: {}", i.rationale), ..(**i).clone() }))
        .collect();
    let other = run("second", &world.arm, &corrected);
    world.ledger.put_dataset(&other.dataset_name, other.dataset, &corrected).unwrap();
    let chosen = selected(&world.arm, &corrected, 0..3);
    world.ledger.put_run(&other, &plan(2, &[&world.judge]), &chosen).unwrap();
    world.fill(&world.arm, &world.judge, 2).await;
    for instance in &corrected {
        let sample = bare_sample(&world.arm, instance, 0, SampleStatus::Ok);
        let judgement = rich_judgement(&sample, instance, &world.judge, Task::Thinking);
        keep(&world.ledger, Record::Judgement(Box::new(judgement))).await;
    }
    let listed = || {
        let runs = world.ledger.runs().unwrap();
        let each = |r: &undersight_ledger::RunSummary| {
            let ok = r.judgements.get(&JudgementStatus::Ok).copied().unwrap_or_default();
            (r.samples[&SampleStatus::Ok], ok, r.cost.unwrap().0)
        };
        runs.iter().map(each).collect::<Vec<_>>()
    };
    let stored = || world.ledger.stored_judgements(world.arm.hash(), world.judge.hash()).unwrap().len();
    let cost = |judgements: i64| 6 * 1_234 + judgements * 66;
    // The query is the same, so verdicts on answers belong to both.
    assert_eq!((listed(), stored()), (vec![(6, 12, cost(12)), (6, 6 + 3, cost(9))], 15));
    world.ledger.delete_run(world.run.id).unwrap();
    assert_eq!((listed(), stored()), (vec![(6, 9, cost(9))], 9), "what only the deleted run asked is gone");
}
