//! Whole plans from one pilot and from two, and what cannot be planned.

use undersight_core::Task;
use undersight_metrics::plan::{
    Budget, Contrast, Correlation, Costs, Evidence, JudgeErrors, JudgeNoise, Mix, Pairing, PlanError,
    Request, Target, Test, instances_needed, plan,
};
use undersight_metrics::{Level, Measure, Missing, Panel};

use super::{OS, RO, THINK, simple};

#[test]
fn a_plan_from_one_pilot_and_from_two() {
    let (a, b) = (simple(300, 3, 9), simple(300, 3, 10));
    let errors = JudgeErrors::new(0.9, 0.9).unwrap();
    let request = Request {
        target: Target { available: Some(2000), ..Target::default() },
        judge: Some(JudgeNoise::Errors(errors)),
        budget: Some(Budget { total: 10_000.0, costs: Costs::new(0.5, 0.1, Some(5.0), 0.0).unwrap() }),
        ..Request::new(THINK, 0.05)
    };
    let one = plan(&a, None, &request).unwrap();
    let assumed: Vec<_> = one.outlooks.iter().map(|o| o.assumed.map(Correlation::get)).collect();
    assert_eq!(assumed, [Some(0.5), Some(0.0), Some(0.8)]);
    let first = &one.outlooks[0];
    assert_eq!(first.needs.iter().map(|n| n.samples).collect::<Vec<_>>(), Request::SAMPLES);
    // A true difference of 5 points shows as 4.
    let expected = instances_needed(&first.contrast, 5, 0.05 * 0.8, &request.test, &request.target).unwrap();
    assert!(first.needs[3].instances == expected && expected.is_some());
    assert!(one.outlooks[2].needs[3].instances < expected && expected < one.outlooks[1].needs[3].instances);
    assert!(one.judge.unwrap().of_within.unwrap() < 1.0 && (one.remains - 0.8).abs() < 1e-12);
    let split = one.split.unwrap();
    assert!(split.best.labels >= 10 && split.judge_alone.unwrap().labels == 0);
    assert!(split.by_samples.len() == 20 && matches!(one.evidence, Evidence::One(_)));

    let two = plan(&a, Some(&b), &request).unwrap();
    assert!(two.outlooks.len() == 1 && two.outlooks[0].assumed.is_none());
    let Evidence::Two(pair) = &two.evidence else { panic!("two pilots") };
    assert_eq!(two.outlooks[0].contrast, Contrast::of_pair(pair));
    let apart = Request { pairing: Pairing::Unpaired, judge: None, budget: None, ..request };
    let apart = plan(&a, Some(&b), &apart).unwrap();
    assert!(apart.outlooks[0].contrast == Contrast::of_apart(pair) && apart.remains == 1.0);
}

#[test]
fn what_cannot_be_planned_says_why_and_what_to_do() {
    let good = simple(20, 2, 11);
    let request = Request::new(THINK, 0.03);
    let empty = Panel::new("empty".to_owned(), Vec::new(), 2);
    let mut same = Panel::new("same".to_owned(), good.items.to_vec(), 2);
    same.cells.iter_mut().for_each(|c| (0..2).for_each(|_| c.count(Some(true), Some(true))));
    let mut once = Panel::new("once".to_owned(), good.items.to_vec(), 2);
    once.cells.iter_mut().for_each(|c| c.count(Some(true), Some(true)));
    once.fill();
    let check = |found: Result<(), PlanError>, expected: PlanError| {
        let error = found.unwrap_err();
        assert_eq!(error, expected);
        assert!(error.hint().is_some() && !error.to_string().is_empty());
    };
    let of = |panel: &Panel, request: &Request| plan(panel, None, request).map(|_| ());
    check(of(&empty, &request), PlanError::NoInstances);
    check(of(&simple(20, 1, 12), &request), PlanError::OneSample);
    check(of(&simple(1, 2, 13), &request), PlanError::TooFewInstances { scenario: RO });
    check(of(&once, &Request { missing: Missing::Exclude, ..request.clone() }), PlanError::OneSample);
    check(of(&same, &request), PlanError::NothingVaries);
    let elsewhere = Mix::of_counts(&[(OS, 1), (RO, 1)]).unwrap();
    let mixed = Request { mix: Some(elsewhere), ..request.clone() };
    check(of(&good, &mixed), PlanError::TooFewInstances { scenario: OS });
    check(Mix::of_counts(&[(OS, 0)]).map(|_| ()), PlanError::NoInstances);
    for measure in [Measure::AllOf(Task::Safety, 2), Measure::Lucky, Measure::Flips(Task::Safety)] {
        check(of(&good, &Request { measure, ..request.clone() }), PlanError::NotPerSample { measure });
    }
    check(plan(&good, Some(&simple(19, 2, 14)), &request).map(|_| ()), PlanError::NotPaired);
    for difference in [0.0, -0.1, 1.5] {
        check(of(&good, &Request { difference, ..request.clone() }), PlanError::Difference(difference));
    }
    assert!(matches!(
        of(&good, &Request { difference: f64::NAN, ..request.clone() }),
        Err(PlanError::Difference(_))
    ));
    check(of(&good, &Request { samples: vec![0], ..request }), PlanError::NoSamples);
    check(Test::new(Level::DEFAULT, 1.0).map(|_| ()), PlanError::Power(1.0));
    check(Correlation::new(1.5).map(|_| ()), PlanError::Correlation(1.5));
    let rate = PlanError::Rate { what: "sensitivity", value: 1.2 };
    check(JudgeErrors::new(1.2, 0.5).map(|_| ()), rate);
    check(JudgeErrors::new(0.5, 0.5).map(|_| ()), PlanError::NoBetterThanChance { youden: 0.0 });
    check(JudgeNoise::flips(-0.1).map(|_| ()), PlanError::Rate { what: "the flip rate", value: -0.1 });
    let cost = |what, value, positive| PlanError::Cost { what, value, positive };
    check(Costs::new(0.0, 0.0, None, 1.0).map(|_| ()), cost("a sample", 0.0, true));
    check(Costs::new(-1.0, 2.0, None, 1.0).map(|_| ()), cost("generating a sample", -1.0, false));
    check(Costs::new(1.0, 2.0, Some(0.0), 1.0).map(|_| ()), cost("a label", 0.0, true));
    let budget = |total, label| Request {
        budget: Some(Budget { total, costs: Costs::new(2.0, 1.0, label, 0.0).unwrap() }),
        ..request.clone()
    };
    check(of(&good, &budget(5.0, None)), PlanError::BudgetTooSmall { budget: 5.0, least: 12.0 });
    check(of(&good, &budget(0.0, None)), cost("the study", 0.0, true));
    check(of(&good, &budget(500.0, Some(1.0))), PlanError::LabelsWithoutErrors);
    assert!(of(&good, &budget(12.0, None)).is_ok());
}
