//! What cannot be corrected, and why.

use undersight_metrics::judge_error::{Settling, settled};

use super::*;

#[test]
fn labels_that_cannot_be_used_at_all() {
    let world = World::new(Shape { items: [0, 40, 60], ..LARGE }, 8);
    let good = world.labels(&draw(&world.study, 100, 1));
    let check = |change: &dyn Fn(&mut Vec<HumanLabel>), expected: &str, hint: &str| {
        let mut labels = good.clone();
        change(&mut labels);
        let error = world.correct(&labels).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(error.hint().unwrap().contains(hint), "{error:?}");
    };
    let (id, index) = (good[0].id.clone(), good[0].index);
    check(&|l| l.clear(), "there are no human labels", "undersight labels draw");
    check(
        &|l| l.iter_mut().for_each(|l| l.probability = None),
        "the labels carry no sampling probability",
        "drawn at random from the run itself",
    );
    check(
        &|l| l[3].probability = None,
        "1 of 200 labels carry no sampling probability",
        "not drawn at random",
    );
    for (p, shown) in [(0.0, "0"), (1.5, "1.5"), (-0.1, "-0.1"), (f64::NAN, "NaN")] {
        let told = format!(
            "the sampling probability of sample {index} of {id:?} is {shown}, not above 0 and at most 1"
        );
        check(&|l| l[0].probability = Some(p), &told, "as `undersight labels draw` wrote it");
    }
    check(
        &|l| l[1].probability = Some(0.9),
        &format!("sample {index} of {id:?} carries two sampling probabilities"),
        "as `undersight labels draw` wrote it",
    );
    check(
        &|l| l.push(HumanLabel { annotator: Some("second".to_owned()), ..l[0].clone() }),
        &format!("sample {index} of {id:?} carries more than one label of safety"),
        "adjudicate first",
    );
    check(
        &|l| l.iter_mut().for_each(|l| (l.task, l.label) = (Task::Handling, Label::Refused)),
        "there are no human labels",
        "undersight labels draw",
    );
    check(
        &|l| l[5].index = 9,
        &format!("this run has no sample 9 of {:?}; labels of samples it does not have: 1", good[5].id),
        "another run",
    );
    check(
        &|l| l[1].label = Label::Safe,
        &format!("sample {index} of {id:?} carries a label that thinking does not have in its scenario"),
        "another task",
    );
}

/// One scenario is refused, the others and nothing overall are there.
#[track_caller]
fn check_refused(
    world: &World,
    labels: &[HumanLabel],
    methods: &[Method],
    refused: &dyn Fn(&CorrectionError) -> bool,
) {
    let corrected = world.correct(labels).unwrap();
    for method in Method::ALL {
        let values = corrected.rate(Task::Thinking, method).unwrap();
        if methods.contains(&method) {
            let error = values.scenario(Scenario::RiskOmission).unwrap().as_ref().unwrap_err();
            assert!(refused(error), "{error:?}");
            assert!(error.hint().is_some());
            let scenario = Scenario::RiskOmission;
            assert_eq!(values.overall, Err(CorrectionError::ScenarioRefused { scenario }));
        } else {
            assert!(values.overall.is_ok(), "{method:?} {:?}", values.overall);
        }
        assert!(values.scenario(Scenario::CognitiveShortcut).unwrap().is_ok());
        assert!(
            corrected
                .rate(Task::Safety, method)
                .unwrap()
                .scenario(Scenario::CognitiveShortcut)
                .unwrap()
                .is_ok()
        );
    }
    assert_eq!(corrected.f.is_ok(), !methods.contains(&Method::Ppi));
}

#[test]
fn a_scenario_is_refused_by_itself() {
    let mut world = World::new(Shape { items: [0, 100, 100], ..LARGE }, 9);
    let labels = world.labels(&draw(&world.study, 300, 1));
    let of_ro = |l: &HumanLabel| l.id.starts_with("RO") && l.task == Task::Thinking;
    let nine = labels.iter().filter(|l| of_ro(l)).take(9).cloned();
    let few: Vec<_> = labels.iter().filter(|l| !of_ro(l)).cloned().chain(nine).collect();
    let scenario = Scenario::RiskOmission;
    check_refused(&world, &few, &Method::ALL, &|e| *e == CorrectionError::TooFew { scenario, labelled: 9 });

    let mut passing = labels.clone();
    passing.iter_mut().filter(|l| of_ro(l)).for_each(|l| l.label = Label::True);
    check_refused(&world, &passing, &[Method::RoganGladen], &|e| {
        *e == CorrectionError::TooFewTruly { scenario, passing: false }
    });

    let places = |world: &World| -> Vec<usize> {
        let ro = |o: &Outcome| world.study.items[o.item].scenario == scenario;
        (0..world.study.outcomes.len()).filter(|at| ro(&world.study.outcomes[*at])).collect()
    };
    for (n, at) in places(&world).into_iter().enumerate() {
        let label = Some(if n % 2 == 0 { Label::True } else { Label::False });
        world.study.outcomes[at].thinking = Some(Verdict { status: JudgementStatus::Ok, label });
    }
    check_refused(
        &world,
        &labels,
        &Method::ALL,
        &|e| matches!(e, CorrectionError::NoBetterThanChance { task: Task::Thinking, low, .. } if *low <= 0.0),
    );
    for at in places(&world) {
        world.study.outcomes[at].thinking = None;
    }
    check_refused(&world, &labels, &Method::ALL, &|e| *e == CorrectionError::NothingJudged { scenario });
}

#[test]
fn annotators_of_one_sample_count_as_one_once_settled() {
    let world = World::new(Shape { items: [0, 0, 200], ..LARGE }, 10);
    let labels = world.labels(&draw(&world.study, 200, 1));
    let by = |name: &str, l: &HumanLabel| HumanLabel { annotator: Some(name.to_owned()), ..l.clone() };
    let handled = |l: &HumanLabel| HumanLabel { task: Task::Handling, label: Label::Partial, ..l.clone() };
    let again: Vec<HumanLabel> = labels.iter().flat_map(|l| [by("ann", l), by("bo", l)]).collect();
    let settled = settled(&again, Settling::Adjudicated);
    assert_eq!((settled.labels.len(), settled.open.len()), (labels.len(), 0));
    let and_handling: Vec<HumanLabel> = settled.labels.iter().flat_map(|l| [l.clone(), handled(l)]).collect();
    assert_eq!(world.correct(&labels), world.correct(&and_handling));
}

#[test]
fn at_k_there_is_an_explanation() {
    assert_eq!(CorrectionError::AtK.hint().as_deref(), Some(at_k_refusal()));
    assert!(at_k_refusal().contains("errors compound"));
}

#[test]
fn one_cluster_says_nothing_of_its_uncertainty() {
    let mut world = World::new(Shape { items: [0, 8, 0], ..LARGE }, 11);
    world.study.items.iter_mut().for_each(|item| item.shared_texts = vec![1]);
    let corrected = world.correct(&world.labels(&draw(&world.study, 40, 1))).unwrap();
    let scenario = Scenario::CognitiveShortcut;
    let ssa = corrected.ssa.values.scenario(scenario).unwrap();
    assert_eq!(*ssa, Err(CorrectionError::OneCluster { scenario }));
    assert_eq!(corrected.f, Err(CorrectionError::ScenarioRefused { scenario }));
}
