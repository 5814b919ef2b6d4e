//! Components and correlations are recovered, and add up to the standard errors of estimates.

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use undersight_core::{Scenario, Task};
use undersight_metrics::inference::linear;
use undersight_metrics::plan::{
    Component, Contrast, Corrected, Correlation, JudgeErrors, JudgeNoise, Mix, Pairing, Spread, components,
    paired,
};
use undersight_metrics::{Clustering, Inference, Level, Measure, Missing};

use super::power::variance;
use super::{BETWEEN, CS, MEAN, OS, RO, THINK, WITHIN, items, mix, pilot, rate, simple};

/// Within four standard errors, which must not be larger than `widest`.
fn near(found: Component, truth: f64, widest: f64) {
    let se = found.se.unwrap();
    assert!(se > 0.0 && se < widest, "standard error {se}");
    assert!((found.value - truth).abs() < 4.0 * se, "{found:?} is far from {truth}");
    let (low, high) = found.interval(Level::DEFAULT).unwrap();
    assert!(low < found.value && found.value < high);
}

#[test]
fn components_are_recovered_from_simulated_pilots() {
    let mut random = Pcg64::seed_from_u64(1);
    // Pairs of CS instances share a text, and with it their rate; the others are alone. OS does not vary between them.
    let scenarios: Vec<_> = (0..1500).map(|at| [OS, CS, RO][at / 500]).collect();
    let shared: Vec<_> = (0..1500).map(|_| rate(&mut random)).collect();
    let of = |at: usize| match scenarios[at] {
        Scenario::OverSensitivity => MEAN,
        Scenario::CognitiveShortcut => shared[at / 2],
        Scenario::RiskOmission => shared[at],
    };
    let rates: Vec<f64> = (0..1500).map(of).collect();
    let with_texts =
        items(&scenarios, |at| if scenarios[at] == CS { vec![at as u64 / 2] } else { Vec::new() });
    let panel = pilot(with_texts, &rates, 5, &mut random);
    // The study has another mix than the pilot.
    let mix = Mix::of_counts(&[(OS, 200), (CS, 1200), (RO, 600)]).unwrap();
    for measure in [THINK, Measure::AtOne(Task::Safety)] {
        let found = components(&panel, measure, Missing::Fail, &mix).unwrap();
        let truths = [(0.0, MEAN * (1.0 - MEAN), 0.0), (BETWEEN, WITHIN, BETWEEN), (BETWEEN, WITHIN, 0.0)];
        for (stratum, (between, within, shared)) in found.scenarios.iter().zip(truths) {
            near(stratum.spread.between, between, 0.008);
            near(stratum.spread.within, within, 0.008);
            if shared > 0.0 {
                near(stratum.spread.shared, shared, 0.01);
                near(stratum.spread.design_effect.unwrap(), 1.5, 0.1);
                assert_eq!(stratum.spread.clusters, 250);
            } else {
                assert!(stratum.spread.shared.value.abs() < 1e-12, "{stratum:?}");
            }
            assert_eq!(stratum.spread.instances, 500);
        }
        near(found.overall.between, 0.9 * BETWEEN, 0.006);
        near(found.overall.within, 0.9 * WITHIN + 0.1 * 0.24, 0.006);
        near(found.overall.shared, 0.6 * BETWEEN, 0.008);
        near(found.overall.icc.unwrap(), 0.036 / 0.24, 0.02);
        // Four standard errors of 0.010, most of it from the 250 pairs.
        assert!((found.overall.share - MEAN).abs() < 0.041);
    }
}

#[test]
fn two_pilots_tell_the_correlation_of_the_instances() {
    for (seed, truth) in [(2, 0.0), (3, 0.7), (4, 1.0)] {
        let mut random = Pcg64::seed_from_u64(seed);
        let first: Vec<f64> = (0..700).map(|_| rate(&mut random)).collect();
        // The same rate with probability ρ, else a fresh one: correlated by ρ.
        let second: Vec<f64> =
            first.iter().map(|r| if random.random_bool(truth) { *r } else { rate(&mut random) }).collect();
        let items = items(&[RO; 700], |_| Vec::new());
        let a = pilot(items.clone(), &first, 3, &mut random);
        let b = pilot(items, &second, 4, &mut random);
        let found = paired(&a, &b, THINK, Missing::Fail, &mix(&a)).unwrap();
        near(found.overall.between, 2.0 * BETWEEN * (1.0 - truth), 0.015);
        near(found.overall.within, 2.0 * WITHIN, 0.015);
        let correlation = found.overall.correlation.unwrap();
        near(correlation, truth, 0.12);
        assert!(correlation.value <= 1.0);
        assert_eq!(found.k, [3, 4]);
        // The variance between instances that a difference is planned with is that of one arm, at this correlation.
        let one = components(&a, THINK, Missing::Fail, &mix(&a)).unwrap();
        let assumed = Contrast::of(&one, Pairing::Paired(Correlation::new(truth).unwrap()));
        assert!((assumed.between - Contrast::of_pair(&found).between).abs() < 0.025);
        let apart = Contrast::of_apart(&found);
        assert!((apart.between - 2.0 * BETWEEN).abs() < 0.025, "{apart:?}");
    }
}

/// The jackknife's standard errors are how far the components really scatter from pilot to pilot.
#[test]
fn standard_errors_of_components_are_what_repeats_show() {
    let mut found: [Vec<(f64, f64)>; 4] = Default::default();
    for seed in 0..80 {
        let panel = simple(40, 3, 1000 + seed);
        let overall = components(&panel, THINK, Missing::Fail, &mix(&panel)).unwrap().overall;
        let other = simple(40, 3, 2000 + seed);
        let pair = paired(&panel, &other, THINK, Missing::Fail, &mix(&panel)).unwrap().overall;
        for (list, component) in
            found.iter_mut().zip([overall.between, overall.within, overall.icc.unwrap(), pair.between])
        {
            list.push((component.value, component.se.unwrap()));
        }
    }
    for list in found {
        let values: Vec<f64> = list.iter().map(|(value, _)| *value).collect();
        let claimed = list.iter().map(|(_, se)| se * se).sum::<f64>() / list.len() as f64;
        // The relative error of a variance over 80 repeats is √(2/79) = 0.16.
        let ratio = claimed / variance(&values);
        assert!((0.55..1.8).contains(&ratio), "claimed {claimed}, seen {}", variance(&values));
    }
}

/// What the components say of the pilot's own mean is what its cluster-robust standard error says.
#[test]
fn components_add_up_to_the_standard_error() {
    let mut random = Pcg64::seed_from_u64(5);
    let rates: Vec<[f64; 2]> = (0..60).map(|_| [rate(&mut random), rate(&mut random)]).collect();
    let items = items(&[CS; 60], |at| vec![at as u64 / 3]);
    let [a, b] = [0, 1].map(|arm| {
        let own: Vec<f64> = rates.iter().map(|r| r[arm]).collect();
        pilot(items.clone(), &own, 4, &mut random)
    });
    let inference = Inference { clustering: Clustering::SharedTexts, ..Inference::default() };
    let all: Vec<usize> = (0..60).collect();
    let [x, y] = [&a, &b].map(|panel| linear(panel, &all, THINK, Missing::Fail, &inference));
    let pair = paired(&a, &b, THINK, Missing::Fail, &mix(&a)).unwrap();
    let total = |s: &Spread| (s.between.value + s.shared.value + s.within.value / 4.0) / 60.0;
    assert!((total(&pair.overall.a) - x.variance.unwrap()).abs() < 1e-12);
    assert!((total(&pair.overall.b) - y.variance.unwrap()).abs() < 1e-12);
    let direct: f64 = x.influence.iter().zip(&y.influence).map(|(x, y)| (x - y).powi(2)).sum();
    let d = &pair.overall;
    let planned = (d.between.value + d.shared.value + d.within.value / 4.0) / 60.0;
    assert!((planned - direct).abs() < 1e-12, "{planned} {direct}");
}

#[test]
fn true_components_follow_from_judged_ones() {
    let errors = JudgeErrors::new(0.9, 0.8).unwrap();
    let mut random = Pcg64::seed_from_u64(8);
    let rates: Vec<f64> = (0..1000).map(|_| errors.judged(rate(&mut random))).collect();
    let items = items(&[RO; 1000], |_| Vec::new());
    let [a, b] = [0, 1].map(|_| pilot(items.clone(), &rates, 5, &mut random));
    let one = components(&a, THINK, Missing::Fail, &mix(&a)).unwrap();
    let two = paired(&a, &b, THINK, Missing::Fail, &mix(&a)).unwrap();
    let check = |found: Corrected, between: f64| {
        assert!((found.contrast.between - between).abs() < 0.02, "{found:?}");
        assert!((found.contrast.within - 2.0 * WITHIN).abs() < 0.02, "{found:?}");
        assert!((found.residual - 2.0 * errors.residual(MEAN)).abs() < 0.02, "{found:?}");
    };
    check(Corrected::of(&one, errors, Pairing::Unpaired), 2.0 * BETWEEN);
    check(Corrected::of(&one, errors, Pairing::Paired(Correlation::DEFAULT)), BETWEEN);
    check(Corrected::of_apart(&two, errors), 2.0 * BETWEEN);
    check(Corrected::of_pair(&two, errors), 0.0);
    // The judge's noise is part of what varies within instances of its verdicts.
    let noise = JudgeNoise::Errors(errors).variance(one.overall.share);
    assert!((noise - (0.4 * 0.09 + 0.6 * 0.16)).abs() < 0.01 && noise < one.overall.within.value);
    assert_eq!(JudgeNoise::flips(0.1).unwrap().variance(0.3), 0.05);
    assert_eq!(JudgeNoise::flips(0.1).unwrap().youden(), None);
}
