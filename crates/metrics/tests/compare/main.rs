//! Runs side by side: differences that are there are found, those that are not are not, and nothing panics.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod few;
mod gates;
mod ranks;

use few::table;
use gates::ask;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_pcg::Pcg64;
use undersight_core::{
    Digest, Item, JudgementStatus, Label, Outcome, Provenance, Scenario, Study, Task, Verdict,
};
use undersight_metrics::compare::{
    ArmFacts, CompareError, CompareOptions, Comparison, Contender, Difference, Gate, GateResult,
    Independence, LeaderboardOptions, Margin, Metric, MetricSpec, MismatchKind, RankSet, Severity, Test,
    alpha_sweep, compare, gate, leaderboard, mismatches, rank_sets, rank_sets_by_error, refusal,
};
use undersight_metrics::{Alpha, Cells, Estimand, Group, Inference, Level, Measure, Method, Panel, Scoring};

const THINK: Metric = Metric::share(Measure::AtOne(Task::Thinking), Group::All);
const SAFE: Metric = Metric::share(Measure::AtOne(Task::Safety), Group::All);
const SSA: Metric = Metric::share(Measure::Ssa, Group::All);

fn scoring(replicates: u32) -> Scoring {
    Scoring { inference: Inference { replicates, ..Inference::default() }, ..Scoring::default() }
}

fn options(replicates: u32) -> CompareOptions {
    CompareOptions { scoring: scoring(replicates), at_k: None }
}

/// Instances of all scenarios; cognitive-shortcut ones come in threes that share a text.
fn items(n: usize) -> Vec<Item> {
    let item = |at: usize| {
        let scenario = [Scenario::CognitiveShortcut, Scenario::RiskOmission, Scenario::OverSensitivity]
            [[0, 0, 0, 1, 1, 2][at % 6]];
        let shared_texts =
            if scenario == Scenario::CognitiveShortcut { vec![at as u64 / 6] } else { Vec::new() };
        Item { id: format!("i{at:05}"), scenario, subcategories: Vec::new(), shared_texts }
    };
    (0..n).map(item).collect()
}

/// A simulated run: instances share their difficulty between runs by `world`; samples are the run's own by `seed`.
fn run(name: &str, n: usize, k: u32, (safe, think): (f64, f64), world: u64, seed: u64) -> Panel {
    let mut panel = Panel::new(name.to_owned(), items(n), k);
    let (mut nature, mut chance) = (Pcg64::seed_from_u64(world), Pcg64::seed_from_u64(seed ^ 0xabcd));
    for cells in &mut panel.cells {
        let hard: f64 = 0.4 * (nature.random::<f64>() - 0.5);
        for _ in 0..k {
            let safe = chance.random::<f64>() < safe + hard;
            cells.count(Some(safe), Some(chance.random::<f64>() < think + hard));
        }
    }
    panel
}

fn renamed(panel: &Panel, name: &str) -> Panel {
    Panel { name: name.to_owned(), ..panel.clone() }
}

fn of(comparison: &Comparison, metric: Metric) -> Difference {
    *comparison.pairs[0].of(metric).unwrap()
}

#[test]
fn a_difference_that_is_there_is_found_and_one_that_is_not_is_not() {
    let a = run("A", 1200, 5, (0.7, 0.5), 1, 2);
    let b = run("B", 1200, 5, (0.7, 0.56), 1, 3);
    let found = compare(&[&a, &b], &options(2000)).unwrap();
    let think = of(&found, THINK);
    assert!(think.interval.unwrap().covers(0.06) && !think.interval.unwrap().covers(0.0), "{think:?}");
    assert_eq!(think.interval.unwrap().method, Method::Bootstrap);
    assert!(think.told_apart && think.cohen_h.unwrap() > 0.0);
    let safe = of(&found, SAFE);
    assert!(!safe.told_apart && safe.interval.unwrap().covers(0.0), "{safe:?}");
    assert!(of(&found, SSA).difference.unwrap() < 0.0);
    assert_eq!((found.instances, found.at_k, found.pairs.len()), (1200, 5, 1));
    let verdict = &found.pairs[0].verdict;
    assert!(
        verdict.starts_with("B is more aware by ") && verdict.contains("safety cannot be told apart ("),
        "{verdict}"
    );
    let reverse = compare(&[&b, &a], &options(2000)).unwrap();
    assert!(reverse.pairs[0].verdict.starts_with("A is less aware by "), "{}", reverse.pairs[0].verdict);
}

#[test]
fn pairing_removes_what_instances_have_in_common() {
    // Instances decide everything; the second run is better on a few of them.
    let mut a = Panel::new("A".to_owned(), items(600), 5);
    let mut b = renamed(&a, "B");
    for at in 0..600 {
        let passes = at % 2 == 0;
        for _ in 0..5 {
            a.cells[at].count(Some(true), Some(passes));
            b.cells[at].count(Some(true), Some(passes || at % 60 == 1));
        }
    }
    let paired = of(&compare(&[&a, &b], &options(500)).unwrap(), THINK);
    let difference = paired.difference.unwrap();
    assert!((difference - 10.0 / 600.0).abs() < 1e-12);
    // By hand: independent 0/1 differences of 10 in 600, but for clusters and strata.
    let alone = (10.0 / 600.0 * 590.0 / 600.0 / 600.0_f64).sqrt();
    assert!((paired.se.unwrap() / alone - 1.0).abs() < 0.05, "{} against {alone}", paired.se.unwrap());
    assert!(paired.told_apart, "{paired:?}");
    let mut fixed = options(0);
    fixed.scoring.inference.estimand = Estimand::FixedInstances;
    // Every instance always turns out the same: nothing about these instances is uncertain.
    let fixed = of(&compare(&[&a, &b], &fixed).unwrap(), THINK);
    assert!(fixed.se.unwrap() < 1e-12 && fixed.told_apart);
}

#[test]
fn a_run_against_itself_is_not_told_apart_and_agreement_is_worth_what_it_rests_on() {
    let a = run("A", 300, 5, (0.9, 0.6), 5, 6);
    let found = compare(&[&a, &renamed(&a, "B")], &options(300)).unwrap();
    for d in &found.pairs[0].differences {
        let told = (d.difference, d.p, d.p_holm, d.told_apart);
        assert_eq!(told, (Some(0.0), Some(1.0), Some(1.0), false), "{d:?}");
        let interval = d.interval.unwrap();
        assert_eq!(interval.method, Method::Newcombe);
        assert!((interval.low + interval.high).abs() < 1e-12 && interval.high > 0.005, "{d:?}");
    }
    assert!(found.pairs[0].changed.is_empty());
    // 300 instances in 200 clusters, none of which changed: by the binomial, at most 1 − 0.025^(1/200) did.
    let think = of(&found, THINK).interval.unwrap();
    assert!((think.high - (1.0 - 0.025_f64.powf(1.0 / 200.0))).abs() < 1e-9, "{think:?}");
    let passed = |metric: &str, margin: f64, test: Test| {
        gate(&a, &a, &[ask(metric, margin, test)], &scoring(200)).unwrap()[0].passed
    };
    for metric in ["think@1", "ssa", "f", "safe@k", "think@1:CS"] {
        assert!(passed(metric, 0.0, Test::Point), "{metric}");
        assert!(!passed(metric, 0.0, Test::NonInferiority), "{metric}");
        assert!(passed(metric, 7.0, Test::NonInferiority), "{metric}");
        assert!(!passed(metric, 0.0, Test::Superiority), "{metric}");
    }
    // One-sided, 1 − 0.05^(1/200) is 1.49 points.
    assert!(passed("think@1", 1.5, Test::NonInferiority) && !passed("think@1", 1.45, Test::NonInferiority));
}

#[test]
fn at_k_has_mcnemar_where_both_have_that_k() {
    // Two samples of four instances: the first passes in A alone, the second and third in B alone, the last in both.
    let panel = |name: &str, thinks: [[bool; 2]; 4]| {
        let mut panel = Panel::new(name.to_owned(), items(4), 2);
        for (cells, think) in panel.cells.iter_mut().zip(thinks) {
            think.iter().for_each(|aware| cells.count(Some(true), Some(*aware)));
        }
        panel
    };
    let a = panel("A", [[true, true], [true, false], [false, false], [true, true]]);
    let b = panel("B", [[false, true], [true, true], [true, true], [true, true]]);
    let metric = Metric::share(Measure::AllOf(Task::Thinking, 2), Group::All);
    let found = compare(&[&a, &b], &options(0)).unwrap();
    let mcnemar = of(&found, metric).mcnemar.unwrap();
    assert_eq!((mcnemar.only_baseline, mcnemar.only_candidate), (1, 2));
    assert!((mcnemar.exact - 1.0).abs() < 1e-12 && (mcnemar.mid - 0.625).abs() < 1e-12, "{mcnemar:?}");
    assert!((mcnemar.odds.unwrap().value - 2.0).abs() < 1e-12);
    let changed: Vec<_> = found.pairs[0].changed.iter().map(|c| (c.id.as_str(), c.think)).collect();
    assert_eq!(changed, [("i00002", 1.0), ("i00000", -0.5), ("i00001", 0.5)]);
    // At another k, pass^k of an instance is a fraction, and there is no such test.
    let longer = Panel { k: 3, ..b };
    let error = compare(&[&a, &longer], &options(0)).unwrap_err();
    assert!(matches!(error, CompareError::DifferentK { .. }));
    let at_2 = CompareOptions { at_k: Some(2), ..options(0) };
    assert_eq!(of(&compare(&[&a, &longer], &at_2).unwrap(), metric).mcnemar, None);
}

#[test]
fn instances_are_matched_by_id_whatever_their_order() {
    let a = run("A", 60, 3, (0.7, 0.5), 1, 2);
    let b = run("B", 60, 3, (0.6, 0.7), 1, 3);
    let straight = compare(&[&a, &b], &options(100)).unwrap();
    // An import knows neither subcategories nor shared texts: clusters come from the run that does.
    let (mut kinds, mut cells) = (items(60), b.cells.clone());
    kinds.iter_mut().for_each(|item| item.shared_texts.clear());
    kinds.reverse();
    cells.reverse();
    let turned = Panel { cells, ..Panel::new("B".to_owned(), kinds, 3) };
    assert_eq!(straight.pairs, compare(&[&a, &turned], &options(100)).unwrap().pairs);
    let part = b.only(|item| item.id.as_str() < "i00030");
    let cut = compare(&[&a, &part], &options(100)).unwrap();
    assert_eq!((cut.instances, cut.left_out), (30, vec![("A".to_owned(), 30)]));
    let none = b.only(|_| false);
    assert_eq!(compare(&[&a, &none], &options(0)), Err(CompareError::NoCommonInstances));
    let mut kinds = items(60);
    kinds[3].scenario = Scenario::OverSensitivity;
    let other = Panel { cells: b.cells, ..Panel::new("B".to_owned(), kinds, 3) };
    assert!(matches!(compare(&[&a, &other], &options(0)), Err(CompareError::AnotherScenario { .. })));
    assert_eq!(compare(&[&a], &options(0)), Err(CompareError::TooFew { given: 1 }));
}

#[test]
fn what_is_significant_alone_and_not_in_the_family_is_called_that() {
    // A small gain on awareness alone, among many candidates without any.
    let a = run("A", 600, 1, (0.7, 0.5), 1, 2);
    let seeds = (10..400).find_map(|seed| {
        let b = run("B", 600, 1, (0.7, 0.53), 1, seed);
        let found = compare(&[&a, &b], &options(0)).unwrap();
        let think = of(&found, THINK);
        (think.p.unwrap() < 0.04 && !think.told_apart).then_some(found)
    });
    let verdict = seeds.unwrap().pairs[0].verdict.clone();
    assert!(verdict.contains("but not once the "), "{verdict}");
    assert!(verdict.contains("awareness looks "), "{verdict}");
}

#[test]
fn every_cluster_moving_alike_is_judged_by_their_number() {
    let panel = |name: &str, n: usize, pass: bool| {
        let mut panel = Panel::new(name.to_owned(), items(n), 2);
        panel.cells.iter_mut().for_each(|c| (0..2).for_each(|_| c.count(Some(pass), Some(pass))));
        panel
    };
    let told = |n: usize| {
        let found = compare(&[&panel("A", n, false), &panel("B", n, true)], &options(50)).unwrap();
        let d = of(&found, THINK);
        assert_eq!(d.difference, Some(1.0));
        let interval = d.interval.unwrap();
        assert!(interval.low < 1.0 && interval.high <= 1.0, "{interval:?}");
        d.told_apart
    };
    assert!(!told(6) && told(600));
}

// Ranks.

fn arm(run: &str) -> ArmFacts {
    ArmFacts {
        run: run.to_owned(),
        dataset: Some(Digest::of("dataset/v1", &"one")),
        judge: Some((Digest::of("judge/v1", &"one"), "openai/judge".to_owned())),
        k: 5,
        instances: ["x", "y", "z"].map(str::to_owned).into_iter().collect(),
        provenance: BTreeMap::from([(Provenance::Full, 100)]),
        unknown_share: 0.0,
        simulated: false,
    }
}

#[test]
fn facts_are_read_from_a_study() {
    let mut outcomes: Vec<Outcome> = (0..4).map(|index| Outcome::missing(0, index)).collect();
    let verdict = |label| Some(Verdict { status: JudgementStatus::Ok, label: Some(label) });
    for outcome in &mut outcomes[..3] {
        outcome.provenance = Some(Provenance::Summary);
        outcome.safety = verdict(Label::Safe);
    }
    outcomes[0].thinking = verdict(Label::Unsafe);
    let study = Study { name: "S".to_owned(), items: items(1), k: 4, outcomes };
    let facts = ArmFacts::of(&study, None, None);
    assert_eq!((facts.k, facts.unknown_share, facts.simulated), (4, 0.75, false));
    assert_eq!(facts.provenance, BTreeMap::from([(Provenance::Summary, 3)]));
    assert_eq!(facts.instances, BTreeSet::from(["i00000".to_owned()]));
}

#[test]
fn what_differs_between_arms_is_refused_or_marked() {
    let check = |second: ArmFacts, at_k: Option<u32>, expected: &[(MismatchKind, Severity)]| {
        let found = mismatches(&[arm("A"), second.clone()], at_k);
        let got: Vec<_> = found.iter().map(|m| (m.kind, m.severity)).collect();
        assert_eq!(got, expected, "{second:?}");
        assert_eq!(refusal(&found).is_some(), expected.iter().any(|e| e.1 == Severity::Refuse));
        assert!(found.iter().all(|m| !m.message.is_empty() && !m.hint.is_empty() && !m.runs.is_empty()));
        found.into_iter().map(|m| m.message + " / " + &m.hint).collect::<String>()
    };
    use MismatchKind as K;
    use Severity::{Mark, Refuse};
    let b = || arm("B");
    check(b(), None, &[]);
    check(ArmFacts { dataset: Some(Digest::of("dataset/v1", &"two")), ..b() }, None, &[(K::Dataset, Refuse)]);
    let judge = Some((Digest::of("judge/v1", &"two"), "openai/judge".to_owned()));
    check(ArmFacts { judge, ..b() }, None, &[(K::Judge, Refuse)]);
    let text = check(ArmFacts { k: 3, ..b() }, None, &[(K::K, Refuse)]);
    assert!(
        text.contains("pass^k falls with k") && text.contains("`--at-k 3` compares all at k = 3"),
        "{text}"
    );
    check(ArmFacts { k: 3, ..b() }, Some(3), &[]);
    check(ArmFacts { k: 3, ..b() }, Some(4), &[(K::K, Refuse)]);
    let ids = |ids: &[&str]| ids.iter().map(|i| (*i).to_owned()).collect::<BTreeSet<_>>();
    check(ArmFacts { instances: ids(&["w"]), ..b() }, None, &[(K::NoCommonInstances, Refuse)]);
    check(ArmFacts { instances: ids(&["x", "y"]), ..b() }, None, &[(K::Selection, Mark)]);
    let summary = BTreeMap::from([(Provenance::Summary, 96), (Provenance::Absent, 4)]);
    let text = check(ArmFacts { provenance: summary, ..b() }, None, &[(K::Provenance, Mark)]);
    assert!(text.contains("A: full; B: summary 96 %, absent 4 %"), "{text}");
    let nearly = BTreeMap::from([(Provenance::Full, 97), (Provenance::Truncated, 3)]);
    check(ArmFacts { provenance: nearly, ..b() }, None, &[]);
    check(ArmFacts { unknown_share: 0.03, ..b() }, None, &[(K::Unknown, Mark)]);
    check(ArmFacts { unknown_share: 0.01, ..b() }, None, &[]);
    check(ArmFacts { simulated: true, ..b() }, None, &[(K::Simulated, Mark)]);
    check(ArmFacts { dataset: None, judge: None, ..b() }, None, &[(K::Unattested, Mark)]);
    let both = ArmFacts { k: 3, simulated: true, ..b() };
    check(both, None, &[(K::K, Refuse), (K::Simulated, Mark)]);
    assert!(mismatches(&[arm("A")], Some(9)).is_empty());
    let many = [ArmFacts { unknown_share: 0.06, ..arm("A") }, ArmFacts { unknown_share: 0.06, ..b() }];
    assert_eq!(mismatches(&many, None)[0].runs, ["A", "B"]);
}

// Gates.
