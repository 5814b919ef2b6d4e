//! The best split of a budget is the best of all splits.

use proptest::prelude::*;
use undersight_metrics::plan::{
    Best, Budget, Contrast, Corrected, Costs, Design, PlanError, Split, Target, Test, best_split, detectable,
};

use super::power::{contrasts, targets};

fn design(contrast: Contrast, residual: f64, target: Target, same_instances: bool) -> Design {
    Design {
        contrast,
        remains: 0.7,
        corrected: Some(Corrected { contrast, residual }),
        same_instances,
        fewest_labels: 5,
        target,
        test: Test::default(),
    }
}

/// Every way to spend a budget, one after the other.
fn exhaustive(
    design: &Design,
    total: f64,
    [sample, label, instance]: [f64; 3],
    labelled: bool,
) -> Option<f64> {
    let unit =
        |k: u32| 2.0 * f64::from(k) * sample + if design.same_instances { instance } else { 2.0 * instance };
    let corrected = design.corrected.unwrap();
    let mut best: Option<f64> = None;
    for k in 1..=20 {
        let mut n = 2;
        while n as f64 * unit(k) <= total && design.target.available.is_none_or(|all| n <= all) {
            if labelled {
                let mut m = design.fewest_labels;
                while m <= n * u64::from(k) && n as f64 * unit(k) + 2.0 * m as f64 * label <= total {
                    let se = corrected.variance(n, k, m, &design.target).sqrt();
                    let found = detectable(se, &design.test, 1.0);
                    best = Some(best.map_or(found, |b| b.min(found)));
                    m += 1;
                }
            } else {
                let found =
                    detectable(design.contrast.se(n, k, &design.target), &design.test, design.remains);
                best = Some(best.map_or(found, |b| b.min(found)));
            }
            n += 1;
        }
    }
    best
}

fn check_split(split: &Split, total: f64, target: &Target) {
    assert!(split.cost <= total * (1.0 + 1e-9), "{split:?} of {total}");
    assert!(target.available.is_none_or(|all| split.instances <= all), "{split:?}");
    assert!(split.labels <= split.instances * u64::from(split.samples), "{split:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_other_split_of_the_budget_is_better(
        contrast in contrasts(), residual in 0.0..0.5_f64, target in targets(), same in any::<bool>(),
        total in 20.0..120.0_f64, label in 0.2..3.0_f64, instance in 0.0..2.0_f64,
    ) {
        let design = design(contrast, residual, target, same);
        let split = |label, total| {
            best_split(&design, &Budget { total, costs: Costs::new(0.3, 0.2, label, instance).unwrap() })
        };
        let exact = exhaustive(&design, total, [0.5, label, instance], true);
        match split(Some(label), total) {
            Ok(Best { best, by_samples, judge_alone }) => {
                prop_assert!((best.detectable - exact.unwrap()).abs() < 1e-12);
                prop_assert!(by_samples.iter().all(|s| s.detectable >= best.detectable));
                by_samples.iter().chain(&judge_alone).for_each(|s| check_split(s, total, &target));
                let more = split(Some(label), total * 1.1).unwrap();
                prop_assert!(more.best.detectable <= best.detectable);
            }
            Err(error) => {
                let small = matches!(error, PlanError::BudgetTooSmall { least, .. } if least > total);
                prop_assert!(exact.is_none(), "{error}");
                prop_assert!(small || target.available.is_some(), "{error}");
            }
        }
        let alone = split(None, total).unwrap();
        let exact = exhaustive(&design, total, [0.5, label, instance], false).unwrap();
        prop_assert!((alone.best.detectable - exact).abs() < 1e-12);
        prop_assert!(alone.judge_alone.is_none() && alone.best.labels == 0);
        prop_assert!(split(None, total + 1.0).unwrap().best.detectable <= alone.best.detectable);
    }
}

#[test]
fn a_budget_goes_where_the_variance_is() {
    let split = |contrast, available, instance| {
        let target = Target { available, ..Target::default() };
        let costs = Costs::new(1.0, 1.0, None, instance).unwrap();
        best_split(&design(contrast, 0.1, target, true), &Budget { total: 4000.0, costs }).unwrap().best
    };
    let contrast = Contrast { between: 0.05, shared: 0.0, within: 0.3 };
    // Instances that cost nothing: one sample each, as many as can be paid.
    let free = split(contrast, None, 0.0);
    assert_eq!((free.instances, free.samples, free.cost), (1000, 1, 4000.0));
    // When they run out, the rest goes into samples.
    let few = split(contrast, Some(100), 0.0);
    assert_eq!((few.instances, few.samples), (100, 10));
    // When they are dear, k is near √(within · instance / (between · 2 samples)) = √(6 · 10) = 7.7.
    let dear = split(contrast, None, 40.0);
    assert!((7..=9).contains(&dear.samples), "{dear:?}");
}
