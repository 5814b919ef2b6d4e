//! The variance of a difference against simulation, and what it takes to show one.

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_pcg::Pcg64;
use undersight_metrics::plan::{
    Contrast, Corrected, JudgeErrors, Target, Test, detectable, instances_needed, power, samples_needed,
};
use undersight_metrics::{Estimand, Level};

use super::{BETWEEN, MEAN, WITHIN, rate};

pub(super) fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)
}

/// The mean of k samples of instances with these rates.
fn mean(rates: impl Iterator<Item = f64>, k: u32, random: &mut Pcg64) -> f64 {
    let (mut passes, mut all) = (0.0, 0.0);
    for rate in rates {
        for _ in 0..k {
            passes += f64::from(u8::from(random.random_bool(rate)));
            all += 1.0;
        }
    }
    passes / all
}

#[test]
fn variances_of_differences_agree_with_simulation() {
    const REPEATS: usize = 800;
    let (n, k, truth) = (40, 3, 0.6);
    let mut random = Pcg64::seed_from_u64(6);
    let fixed: Vec<[f64; 2]> = (0..80).map(|_| [rate(&mut random), rate(&mut random)]).collect();
    let differences: Vec<f64> = fixed.iter().map(|[a, b]| a - b).collect();
    let within: f64 = fixed.iter().flatten().map(|r| r * (1.0 - r)).sum::<f64>() / 80.0;
    let paired = Contrast { between: 2.0 * BETWEEN * (1.0 - truth), shared: 0.0, within: 2.0 * WITHIN };
    let unpaired = Contrast { between: 2.0 * BETWEEN, ..paired };
    let these = Contrast { between: variance(&differences), shared: 0.0, within };
    let population = Target::default();
    let of_80 = Target { estimand: Estimand::FixedInstances, available: Some(80) };
    let of_40 = Target { estimand: Estimand::FixedInstances, available: None };
    type Draw<'a> = &'a dyn Fn(&mut Pcg64) -> Vec<[f64; 2]>;
    let fresh: Draw<'_> = &|random| (0..n).map(|_| [rate(random), rate(random)]).collect();
    let correlated: Draw<'_> = &|random| {
        let again = |random: &mut Pcg64, a| if random.random_bool(truth) { a } else { rate(random) };
        (0..n)
            .map(|_| {
                let a = rate(random);
                [a, again(random, a)]
            })
            .collect()
    };
    let drawn: Draw<'_> = &|random| {
        let mut left = fixed.clone();
        (0..n).map(|_| left.swap_remove(random.random_range(0..left.len()))).collect()
    };
    let same: Draw<'_> = &|_| fixed[..n].to_vec();
    let first: f64 = fixed[..n].iter().flatten().map(|r| r * (1.0 - r)).sum::<f64>() / n as f64;
    let these_40 = Contrast { within: first, ..these };
    for (draw, contrast, target) in [
        (correlated, paired, population),
        (fresh, unpaired, population),
        (drawn, these, of_80),
        (same, these_40, of_40),
    ] {
        let found: Vec<f64> = (0..REPEATS)
            .map(|_| {
                let rates = draw(&mut random);
                mean(rates.iter().map(|r| r[0]), k, &mut random)
                    - mean(rates.iter().map(|r| r[1]), k, &mut random)
            })
            .collect();
        let (found, planned) = (variance(&found), contrast.variance(n as u64, k, &target));
        // The relative error of a variance over 800 repeats is √(2/799) = 0.05.
        assert!((found / planned - 1.0).abs() < 0.2, "{target:?}: simulated {found}, planned {planned}");
    }
}

#[test]
fn labels_add_the_variance_that_simulation_shows() {
    const REPEATS: usize = 800;
    let (n, k, labels) = (60, 2, 40);
    let errors = JudgeErrors::new(0.85, 0.75).unwrap();
    let judged = errors.judged(MEAN);
    let lambda = MEAN * (1.0 - MEAN) * errors.youden() / (judged * (1.0 - judged));
    let contrast = Contrast { between: BETWEEN, shared: 0.0, within: WITHIN };
    let one = Corrected { contrast, residual: errors.residual(MEAN) };
    let mut random = Pcg64::seed_from_u64(7);
    let found: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let mut samples = Vec::new();
            for _ in 0..n {
                let rate = rate(&mut random);
                for _ in 0..k {
                    let truth = random.random_bool(rate);
                    let pass = if truth { errors.sensitivity() } else { 1.0 - errors.specificity() };
                    samples.push([truth, random.random_bool(pass)].map(|b| f64::from(u8::from(b))));
                }
            }
            let all = samples.iter().map(|s| s[1]).sum::<f64>() / samples.len() as f64;
            let error: f64 = (0..labels)
                .map(|_| {
                    let [truth, verdict] = samples.swap_remove(random.random_range(0..samples.len()));
                    truth - lambda * verdict
                })
                .sum();
            lambda * all + error / labels as f64
        })
        .collect();
    let planned = one.variance(n, k, labels, &Target::default());
    assert!((found.iter().sum::<f64>() / REPEATS as f64 - MEAN).abs() < 0.01);
    assert!(
        (variance(&found) / planned - 1.0).abs() < 0.2,
        "simulated {}, planned {planned}",
        variance(&found)
    );
    // All labelled, the labels add nothing; a judge who says nearly nothing leaves p(1−p).
    let all = one.variance(n, k, n * u64::from(k), &Target::default());
    assert!((all - contrast.variance(n, k, &Target::default())).abs() < 1e-15);
    let (blind, sure) = (JudgeErrors::new(0.5, 0.5001).unwrap(), JudgeErrors::new(1.0, 1.0).unwrap());
    assert!((blind.residual(MEAN) - MEAN * (1.0 - MEAN)).abs() < 1e-6);
    assert!(sure.residual(MEAN).abs() < 1e-15 && sure.residual(0.0).abs() < 1e-15);
}

#[test]
fn needs_worked_out_by_hand() {
    let (test, like) = (Test::default(), Target::default());
    assert!((test.factor() - 2.801_585_218_8).abs() < 1e-9);
    let contrast = Contrast { between: 0.0, shared: 0.0, within: 0.5 };
    // 0.5 · 2.8015852² / 0.03² = 4360.49, and its third.
    assert_eq!(instances_needed(&contrast, 1, 0.03, &test, &like), Ok(Some(4361)));
    assert_eq!(instances_needed(&contrast, 3, 0.03, &test, &like), Ok(Some(1454)));
    let few = Target { available: Some(2000), ..like };
    assert_eq!(instances_needed(&contrast, 1, 0.03, &test, &few), Ok(None));
    assert_eq!(samples_needed(&contrast, 2000, 0.03, &test, &few), Ok(Some(3)));
    // No number of samples makes up for what lies between instances, unless these are all that matter.
    let between = Contrast { between: 1.0, ..contrast };
    assert_eq!(samples_needed(&between, 2000, 0.03, &test, &few), Ok(None));
    let fixed = Target { estimand: Estimand::FixedInstances, ..few };
    assert_eq!(samples_needed(&between, 2000, 0.03, &test, &fixed), Ok(Some(3)));
    // One standard error of 2.8 is found four times in five; no difference, one time in twenty.
    assert!((power(0.03, 0.03 / test.factor(), Level::DEFAULT) - 0.8).abs() < 1e-5);
    assert!((power(0.0, 0.1, Level::DEFAULT) - 0.05).abs() < 1e-12);
}

pub(super) fn contrasts() -> impl Strategy<Value = Contrast> {
    (0.0..0.5_f64, 0.0..0.2_f64, 0.001..0.5_f64).prop_map(|(between, shared, within)| Contrast {
        between,
        shared,
        within,
    })
}

pub(super) fn targets() -> impl Strategy<Value = Target> {
    (any::<bool>(), proptest::option::of(2..60_u64)).prop_map(|(fixed, available)| Target {
        estimand: if fixed { Estimand::FixedInstances } else { Estimand::Population },
        available,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn needs_are_enough_and_no_more(
        contrast in contrasts(), samples in 1..12_u32, shown in 0.005..0.3_f64, target in targets(),
    ) {
        let test = Test::default();
        let found = |n, k| detectable(contrast.se(n, k, &target), &test, 1.0);
        match instances_needed(&contrast, samples, shown, &test, &target).unwrap() {
            Some(n) => {
                prop_assert!(found(n, samples) <= shown * (1.0 + 1e-9));
                prop_assert!(n == 2 || found(n - 1, samples) > shown * (1.0 - 1e-9));
            }
            None => prop_assert!(found(target.available.unwrap(), samples) > shown * (1.0 - 1e-9)),
        }
        match samples_needed(&contrast, 50, shown, &test, &target).unwrap() {
            Some(k) => {
                prop_assert!(found(50, k) <= shown * (1.0 + 1e-9));
                prop_assert!(k == 1 || found(50, k - 1) > shown * (1.0 - 1e-9));
            }
            None => prop_assert!(found(50, u32::MAX) > shown * (1.0 - 1e-6)),
        }
        // More of anything is never worse.
        prop_assert!(found(51, samples) <= found(50, samples) && found(50, samples + 1) <= found(50, samples));
    }
}
