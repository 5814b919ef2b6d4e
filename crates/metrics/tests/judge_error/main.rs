//! A judge's error: draws, people beside each other and beside a judge, corrections against reference packages, and
//! everything refused.

#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test fails by panicking, on exactly known numbers"
)]

mod assignments;
mod draws;
mod people;
mod refusals;
mod uneven;

use std::collections::HashSet;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_pcg::Pcg64;
use serde_json::Value;
use undersight_core::{
    HumanLabel, Item, JudgementStatus, Label, Outcome, SampleStatus, Scenario, Study, Task, Verdict,
};
use undersight_metrics::judge_error::{
    Correction, CorrectionError, CorrectionOptions, Corrections, DrawPlan, Drawn, Lambda, Method, agreement,
    at_k_refusal, correct, ppi_mean, rogan_gladen,
};
use undersight_metrics::{Level, Missing};

const K: u32 = 5;
const TASKS: [Task; 2] = [Task::Safety, Task::Thinking];

fn oracle(name: &str) -> Option<Value> {
    let path = testkit::shared_data("oracles/statistics.json")?;
    let all: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    Some(all[name].clone())
}

#[track_caller]
fn near(got: f64, wanted: f64, tolerance: f64) {
    assert!((got - wanted).abs() <= tolerance, "{got} is not {wanted}");
}

fn label(task: Task, scenario: Scenario, passes: bool) -> Label {
    let allowed = Label::allowed(task, scenario);
    if passes { allowed[0] } else { allowed[allowed.len() - 1] }
}

/// Samples drawn by scenario, shared out proportionally; none where there is nothing to draw.
fn draw(study: &Study, n: usize, seed: u64) -> Vec<Drawn> {
    let plan = DrawPlan { seed, ..DrawPlan::default() };
    undersight_metrics::judge_error::draw(study, &[], n, &plan).map(|draw| draw.samples).unwrap_or_default()
}

/// A run and the truth of its samples.
struct World {
    study: Study,
    truth: Vec<[bool; 2]>,
}

/// Instances per scenario, true rates by task, and the judge's sensitivity and specificity.
#[derive(Clone, Copy)]
struct Shape {
    items: [usize; 3],
    rates: [f64; 2],
    judge: [f64; 2],
}

const LARGE: Shape = Shape { items: [400, 1200, 600], rates: [0.8, 0.4], judge: [0.85, 0.9] };
const PERFECT: Shape = Shape { judge: [1.0, 1.0], ..LARGE };

impl World {
    fn new(shape: Shape, seed: u64) -> Self {
        let mut random = Pcg64::seed_from_u64(seed);
        let mut items = Vec::new();
        for (scenario, count) in Scenario::ALL.into_iter().zip(shape.items) {
            for i in 0..count {
                let shared_texts =
                    if scenario == Scenario::CognitiveShortcut { vec![i as u64 / 2] } else { Vec::new() };
                let id = format!("{}-{i}", scenario.abbreviation());
                items.push(Item { id, scenario, subcategories: Vec::new(), shared_texts });
            }
        }
        let (mut outcomes, mut truth) = (Vec::new(), Vec::new());
        for (item, it) in items.iter().enumerate() {
            // Half of the instances all alike, half each sample for itself: an intraclass correlation of one half.
            let alike = random.random_bool(0.5).then(|| shape.rates.map(|rate| random.random_bool(rate)));
            for index in 0..K {
                let truly = alike.unwrap_or_else(|| shape.rates.map(|rate| random.random_bool(rate)));
                let judged = truly.map(|t| t == random.random_bool(shape.judge[usize::from(!t)]));
                let verdict = |t: usize| {
                    Some(Verdict {
                        status: JudgementStatus::Ok,
                        label: Some(label(TASKS[t], it.scenario, judged[t])),
                    })
                };
                outcomes.push(Outcome {
                    status: Some(SampleStatus::Ok),
                    safety: verdict(0),
                    thinking: verdict(1),
                    ..Outcome::missing(item, index)
                });
                truth.push(truly);
            }
        }
        Self { study: Study { name: "run".to_owned(), items, k: K, outcomes }, truth }
    }

    fn labels(&self, drawn: &[Drawn]) -> Vec<HumanLabel> {
        let of = |d: &Drawn| {
            let (item, truth) =
                (&self.study.items[d.item], self.truth[d.item * K as usize + d.index as usize]);
            TASKS
                .into_iter()
                .zip(truth)
                .map(|(task, passes)| HumanLabel {
                    id: item.id.clone(),
                    index: d.index,
                    task,
                    label: label(task, item.scenario, passes),
                    probability: Some(d.probability),
                    run: None,
                    annotator: None,
                    time: None,
                    guideline: None,
                    draw: None,
                    comment: None,
                    adjudicated: false,
                })
                .collect::<Vec<_>>()
        };
        drawn.iter().flat_map(of).collect()
    }

    fn correct(&self, labels: &[HumanLabel]) -> Result<Corrections, CorrectionError> {
        correct(&self.study, labels, CorrectionOptions::default())
    }
}

fn all(c: &Corrections) -> Vec<&Result<Correction, CorrectionError>> {
    let values = c.rates.iter().map(|r| &r.values).chain([&c.ssa.values]);
    values.flat_map(|v| v.scenarios.iter().map(|(_, r)| r).chain([&v.overall])).chain([&c.f]).collect()
}

#[test]
fn rogan_gladen_is_lang_and_reiczigels() {
    let Some(oracle) = oracle("rogan_gladen") else { return };
    assert_eq!(oracle["args"], "p=.34,q0=.92,q1=.85,n=2000,m0=120,m1=80");
    let got = rogan_gladen(0.34, 0.92, 0.85, 2000.0, 120.0, 80.0, 0.95).unwrap();
    near(got.point, oracle["point"].as_f64().unwrap(), 1e-12);
    near(got.low, oracle["ci"][0].as_f64().unwrap(), 1e-9);
    near(got.high, oracle["ci"][1].as_f64().unwrap(), 1e-9);
}

#[test]
fn rogan_gladen_at_the_edges() {
    let got = |p, q0, q1, n, m0, m1| rogan_gladen(p, q0, q1, n, m0, m1, 0.95);
    for none in [
        got(0.5, 0.5, 0.5, 100.0, 50.0, 50.0),
        got(0.5, 0.2, 0.3, 100.0, 50.0, 50.0),
        got(1.1, 0.9, 0.9, 100.0, 50.0, 50.0),
        got(f64::NAN, 0.9, 0.9, 100.0, 50.0, 50.0),
        got(0.5, 0.9, 0.9, 0.0, 50.0, 50.0),
        got(0.5, 0.9, 0.9, 100.0, f64::INFINITY, 50.0),
        rogan_gladen(0.5, 0.9, 0.9, 100.0, 50.0, 50.0, 1.0),
    ] {
        assert_eq!(none, None);
    }
    let clipped = got(0.01, 0.9, 0.9, 1000.0, 50.0, 50.0).unwrap();
    assert_eq!((clipped.point, clipped.low), (0.0, 0.0));
    let perfect = got(0.4, 1.0, 1.0, 1000.0, 50.0, 50.0).unwrap();
    near(perfect.point, 0.4, 1e-12);
    assert!(perfect.low < 0.4 && 0.4 < perfect.high);
}

#[test]
fn ppi_means_are_ppi_pythons() {
    let Some(oracle) = oracle("ppi") else { return };
    let y = [1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0].repeat(5);
    let yhat = [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0].repeat(5);
    let unlabelled = [vec![1.0; 62], vec![0.0; 38]].concat().repeat(4);
    for (lambda, point, ci) in [(Lambda::Tuned, "ppi_pp", "ci_pp"), (Lambda::Fixed(1.0), "ppi", "ci")] {
        let got = ppi_mean(&y, &yhat, &unlabelled, 0.95, lambda).unwrap();
        near(got.point, oracle[point].as_f64().unwrap(), 1e-12);
        near(got.low, oracle[ci][0].as_f64().unwrap(), 1e-9);
        near(got.high, oracle[ci][1].as_f64().unwrap(), 1e-9);
    }
    let labels_alone = ppi_mean(&y, &yhat, &unlabelled, 0.95, Lambda::Fixed(0.0)).unwrap();
    near(labels_alone.point, 0.6, 1e-12);
    assert_eq!(ppi_mean(&y, &yhat[1..], &unlabelled, 0.95, Lambda::Tuned), None);
    assert_eq!(ppi_mean(&y, &yhat, &[], 0.95, Lambda::Tuned), None);
    assert_eq!(ppi_mean(&y, &yhat, &[f64::NAN], 0.95, Lambda::Tuned), None);
    assert_eq!(ppi_mean(&y, &yhat, &unlabelled, 0.0, Lambda::Tuned), None);
}

#[test]
fn agreement_of_a_known_table() {
    // Safety over one scenario: 16 both safe, 1 only the person, 1 only the judge, 2 neither.
    let mut world = World::new(Shape { items: [0, 0, 4], ..PERFECT }, 1);
    let cells = [(16, true, true), (1, true, false), (1, false, true), (2, false, false)];
    let cells = cells.into_iter().flat_map(|(n, human, judge)| std::iter::repeat_n((human, judge), n));
    for ((outcome, truth), (human, judge)) in world.study.outcomes.iter_mut().zip(&mut world.truth).zip(cells)
    {
        outcome.safety = Some(Verdict {
            status: JudgementStatus::Ok,
            label: Some(if judge { Label::Safe } else { Label::Unsafe }),
        });
        truth[0] = human;
    }
    let labels = world.labels(&draw(&world.study, 20, 1));
    let found = agreement(&world.study, &labels, Level::DEFAULT);
    let tasks: Vec<_> = found.rows.iter().map(|r| (r.task, r.scenario)).collect();
    let scenarios = [None, Some(Scenario::RiskOmission)];
    assert_eq!(tasks, TASKS.map(|t| scenarios.map(|s| (t, s))).concat());
    let row = &found.rows[1];
    assert_eq!(row.table, [[16.0, 1.0], [1.0, 2.0]]);
    let c = row.confusion;
    assert_eq!((c.true_pass, c.false_fail, c.false_pass, c.true_fail, c.unknown), (16, 1, 1, 2, 0));
    assert_eq!(row.by_label, row.by_pass);
    near(row.prevalence.unwrap().value, 17.0 / 20.0, 1e-12);
    near(row.sensitivity.unwrap().value, 16.0 / 17.0, 1e-12);
    near(row.specificity.unwrap().value, 2.0 / 3.0, 1e-12);
    near(row.specificity.unwrap().low, 0.207_659_601, 1e-9);
    near(row.specificity.unwrap().high, 0.938_508_055, 1e-9);
    assert_eq!((row.double_labelled, row.between_people), (0, None));
    assert!(row.weighted);
    // A perfect judge of traces, over the labels of all scenarios.
    let thinking = &found.rows[2];
    assert_eq!(thinking.labels.len(), 7);
    near(thinking.by_label.kappa.unwrap().value, 1.0, 1e-12);
    if let Some(oracle) = oracle("agreement") {
        near(row.by_pass.observed.unwrap(), oracle["agree"].as_f64().unwrap(), 1e-12);
        near(row.by_pass.kappa.unwrap().value, oracle["cohen"].as_f64().unwrap(), 1e-12);
        near(row.by_pass.alpha.unwrap(), oracle["alpha_kripp"].as_f64().unwrap(), 1e-12);
        near(row.by_pass.ac1.unwrap().value, oracle["ac1"].as_f64().unwrap(), 1e-5);
    }
}

#[test]
fn several_annotators_and_odd_labels() {
    let mut world = World::new(Shape { items: [0, 0, 10], ..PERFECT }, 2);
    world.study.outcomes[0].thinking = None;
    let mut drawn = draw(&world.study, 50, 1);
    drawn.sort_by_key(|d| (d.item, d.index));
    let labels = world.labels(&drawn);
    let of = |task: Task| labels.iter().filter(move |l| l.task == task).cloned();
    let second = |l: HumanLabel| HumanLabel { annotator: Some("second".to_owned()), probability: None, ..l };
    let mut labels: Vec<_> = of(Task::Thinking).chain(of(Task::Thinking).take(20).map(second)).collect();
    labels.push(HumanLabel { id: "nobody".to_owned(), ..labels[0].clone() });
    labels.push(HumanLabel { label: Label::FullyCovered, ..labels[0].clone() });
    let found = agreement(&world.study, &labels, Level::DEFAULT);
    let row = &found.rows[0];
    assert_eq!(found.left_out, 2);
    assert_eq!((row.double_labelled, row.between_people), (20, Some(1.0)));
    assert_eq!((row.confusion.unknown, row.confusion.same_label), (2, 68));
    assert!(!row.weighted);
    assert_eq!(agreement(&world.study, &[], Level::DEFAULT).rows, []);
}

#[test]
fn a_decision_counts_in_place_of_what_it_is_about() {
    let world = World::new(Shape { items: [0, 0, 10], ..PERFECT }, 2);
    let truth = world.labels(&draw(&world.study, 50, 1));
    let by = |name: &str, l: &HumanLabel| HumanLabel { annotator: Some(name.to_owned()), ..l.clone() };
    let turned = |l: &HumanLabel| {
        let passes = !l.label.passes();
        HumanLabel { label: label(l.task, Scenario::RiskOmission, passes), ..l.clone() }
    };
    let of = |decided: bool| -> Vec<HumanLabel> {
        let decision = |l| HumanLabel { adjudicated: decided, ..by(if decided { "ann" } else { "cy" }, l) };
        truth.iter().flat_map(|l| [by("ann", l), by("bo", &turned(l)), decision(l)]).collect()
    };
    let rows = |labels: &[HumanLabel]| agreement(&world.study, labels, Level::DEFAULT).rows;
    for (with, without) in rows(&of(true)).iter().zip(rows(&truth)) {
        assert_eq!((with.double_labelled, without.double_labelled), (50, 0));
        assert!(with.between_people.unwrap() < 0.0);
        assert_eq!(
            (&with.table, with.by_label, with.sensitivity),
            (&without.table, without.by_label, without.sensitivity)
        );
    }
    assert_eq!(rows(&of(false))[0].table.iter().flatten().sum::<f64>(), 150.0);
}

#[test]
fn a_perfect_judge_leaves_every_value_as_it_is() {
    let world = World::new(PERFECT, 3);
    let corrected = world.correct(&world.labels(&draw(&world.study, 600, 1))).unwrap();
    for got in all(&corrected) {
        let c = got.as_ref().unwrap();
        near(c.value, c.naive, 1e-12);
        assert!(c.low < c.value && c.value < c.high && c.se > 0.0, "{c:?}");
    }
    let counts: Vec<f64> = corrected.ssa.tables.iter().map(|(_, t)| t.iter().flatten().sum()).collect();
    counts.iter().zip([2000.0, 6000.0, 3000.0]).for_each(|(got, wanted)| near(*got, wanted, 1e-6));
    assert!(
        corrected.ssa.tables.iter().all(|(_, t)| (0..4).all(|i| (0..4).all(|j| i == j || t[i][j] == 0.0)))
    );
}

#[test]
fn a_known_bias_is_taken_away() {
    let world = World::new(LARGE, 4);
    let corrected = world.correct(&world.labels(&draw(&world.study, 6000, 1))).unwrap();
    for (task, rate) in TASKS.into_iter().zip(LARGE.rates) {
        for method in Method::ALL {
            let values = corrected.rate(task, method).unwrap();
            let c = values.overall.as_ref().unwrap();
            near(c.value, rate, 0.02);
            near(c.naive, rate * 0.85 + (1.0 - rate) * 0.1, 0.02);
            assert_eq!((c.labelled, values.scenarios.len()), (6000, 3));
        }
    }
    near(corrected.ssa.values.overall.as_ref().unwrap().value, 0.8 * 0.6, 0.02);
    let alpha = undersight_metrics::Alpha::DEFAULT;
    near(corrected.f.as_ref().unwrap().value, alpha.combine(0.4, 0.8), 0.02);
}

/// Exact where everything is labelled and the judge errs: the human rate itself, whatever the method but Rogan–Gladen's
/// interval.
#[test]
fn labelling_everything_gives_the_human_rate() {
    let world = World::new(Shape { items: [40, 60, 50], ..LARGE }, 5);
    let corrected = world.correct(&world.labels(&draw(&world.study, usize::MAX, 1))).unwrap();
    for (t, task) in TASKS.into_iter().enumerate() {
        let n = world.truth.len() as f64;
        let human = world.truth.iter().filter(|truth| truth[t]).count() as f64 / n;
        for method in Method::ALL {
            near(corrected.rate(task, method).unwrap().overall.as_ref().unwrap().value, human, 1e-12);
        }
    }
    let ssa = world.truth.iter().filter(|t| t[0] && !t[1]).count() as f64 / world.truth.len() as f64;
    near(corrected.ssa.values.overall.as_ref().unwrap().value, ssa, 1e-12);
}

#[test]
fn the_order_of_labels_and_items_does_not_matter() {
    let world = World::new(Shape { items: [40, 120, 60], ..LARGE }, 6);
    let mut labels = world.labels(&draw(&world.study, 400, 1));
    let before = world.correct(&labels).unwrap();
    labels.reverse();
    let mut study = world.study;
    study.items.reverse();
    study.outcomes.reverse();
    for outcome in &mut study.outcomes {
        outcome.item = study.items.len() - 1 - outcome.item;
    }
    let after = correct(&study, &labels, CorrectionOptions::default()).unwrap();
    for (a, b) in all(&before).into_iter().zip(all(&after)) {
        let (a, b) = (a.as_ref().unwrap(), b.as_ref().unwrap());
        near(a.value, b.value, 1e-12);
        near(a.low, b.low, 1e-12);
        near(a.high, b.high, 1e-12);
        near(a.se, b.se, 1e-12);
    }
}

#[test]
fn what_is_unknown_fails_or_is_left_out() {
    let mut world = World::new(Shape { items: [0, 0, 400], ..PERFECT }, 7);
    for outcome in world.study.outcomes.iter_mut().filter(|o| o.index == 4) {
        outcome.thinking = None;
    }
    let labels = world.labels(&draw(&world.study, 500, 1));
    let with = |missing| {
        let options = CorrectionOptions { missing, ..CorrectionOptions::default() };
        correct(&world.study, &labels, options).unwrap()
    };
    let (fail, exclude) = (with(Missing::Fail), with(Missing::Exclude));
    for (f, e) in all(&fail).into_iter().zip(all(&exclude)).skip(4) {
        let (f, e) = (f.as_ref().unwrap(), e.as_ref().unwrap());
        assert!(f.value < e.value && f.low < e.low && f.high < e.high, "{f:?} {e:?}");
        near(f.naive, f.value, 1e-12);
    }
    for method in Method::ALL {
        let of = |c: &Corrections| *c.rate(Task::Thinking, method).unwrap().overall.as_ref().unwrap();
        let (f, e) = (of(&fail), of(&exclude));
        near(f.value, 0.8 * e.value, 1e-12);
        near(f.se, 0.8 * e.se, 1e-3);
    }
}

proptest! {
    #[test]
    fn whatever_the_verdicts_limits_are_in_order(
        items in prop::array::uniform3(0_usize..9),
        rates in prop::array::uniform2(0.0..=1.0),
        judge in prop::array::uniform2(0.0..=1.0),
        unknown in prop::array::uniform2(0.0..0.9),
        labelled in 0_usize..140,
        exclude: bool,
        seed: u64,
    ) {
        let mut world = World::new(Shape { items, rates, judge }, seed);
        let mut random = Pcg64::seed_from_u64(seed);
        for outcome in &mut world.study.outcomes {
            outcome.safety = outcome.safety.filter(|_| !random.random_bool(unknown[0]));
            outcome.thinking = outcome.thinking.filter(|_| !random.random_bool(unknown[1]));
        }
        let missing = if exclude { Missing::Exclude } else { Missing::Fail };
        let labels = world.labels(&draw(&world.study, labelled, seed));
        let options = CorrectionOptions { missing, ..CorrectionOptions::default() };
        match correct(&world.study, &labels, options) {
            Ok(corrections) => {
                for c in all(&corrections).into_iter().flatten() {
                    prop_assert!(0.0 <= c.low && c.low <= c.value && c.value <= c.high && c.high <= 1.0, "{c:?}");
                    prop_assert!(c.se.is_finite() && (0.0..=1.0).contains(&c.naive), "{c:?}");
                }
            }
            Err(error) => prop_assert_eq!(error, CorrectionError::NoLabels),
        }
        for row in agreement(&world.study, &labels, Level::DEFAULT).rows {
            let rates = [row.prevalence, row.sensitivity, row.specificity];
            for rate in rates.into_iter().flatten() {
                prop_assert!(0.0 <= rate.low && rate.low <= rate.value && rate.value <= rate.high && rate.high <= 1.0);
            }
        }
    }
}
