//! What the statistical primitives promise beyond reference values: degenerate input, invariants, nothing that panics.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use undersight_metrics::stats::{
    Correction, Range, benjamini_hochberg, benjamini_yekutieli, beta_1_1, beta_cdf, beta_quantile,
    binomial_cdf, binomial_pmf, clopper_pearson, cluster_se, cohen_h, cohen_kappa, gwet_ac1, holm, icc,
    iid_se, krippendorff_alpha, mcnemar_exact, mcnemar_mid, normal_cdf, normal_quantile, observed_agreement,
    odds_ratio_discordant, pass_at, pass_hat, scott_pi, t_quantile, variance_components, wilson,
};

const NAN: f64 = f64::NAN;

#[track_caller]
fn near(got: f64, wanted: f64) {
    assert!((got - wanted).abs() <= 1e-12 * wanted.abs().max(1.0), "{got:e} is not {wanted:e}");
}

type Interval = fn(f64, f64, f64) -> Option<Range>;
const INTERVALS: [Interval; 3] = [wilson, clopper_pearson, beta_1_1];

#[test]
fn intervals_refuse_what_makes_no_sense() {
    let cases = [
        (-1.0, 5.0, 0.95),
        (6.0, 5.0, 0.95),
        (NAN, 5.0, 0.95),
        (1.0, NAN, 0.95),
        (1.0, f64::INFINITY, 0.95),
        (1.0, 5.0, 0.0),
        (1.0, 5.0, 1.0),
        (1.0, 5.0, NAN),
        (0.0, -1.0, 0.95),
    ];
    for (passes, n, level) in cases {
        for interval in INTERVALS {
            assert_eq!(interval(passes, n, level), None, "{passes} of {n} at {level}");
        }
    }
}

#[test]
fn nothing_observed_leaves_the_prior_and_no_other_interval() {
    assert_eq!(wilson(0.0, 0.0, 0.95), None);
    assert_eq!(clopper_pearson(0.0, 0.0, 0.95), None);
    let prior = beta_1_1(0.0, 0.0, 0.95).unwrap();
    near(prior.low, 0.025);
    near(prior.high, 0.975);
}

#[test]
fn none_and_all_passing_reach_the_end_exactly() {
    for interval in [wilson, clopper_pearson] {
        for n in [0.3, 1.0, 7.5, 2000.0] {
            let none = interval(0.0, n, 0.95).unwrap();
            let all = interval(n, n, 0.95).unwrap();
            assert_eq!((none.low.to_bits(), all.high.to_bits()), (0.0_f64.to_bits(), 1.0_f64.to_bits()));
            assert!(none.high < 1.0 && all.low > 0.0);
        }
    }
}

proptest! {
    #[test]
    fn an_interval_holds_its_share_grows_with_the_level_and_mirrors(
        n in 0.01..1e6_f64, share in 0.0..=1.0_f64, level in 0.05..0.99_f64,
    ) {
        for interval in INTERVALS {
            let passes = n * share;
            let inner = interval(passes, n, level).unwrap();
            let outer = interval(passes, n, level + 0.005).unwrap();
            prop_assert!(0.0 <= inner.low && inner.low <= inner.high && inner.high <= 1.0);
            prop_assert!(outer.low <= inner.low && inner.high <= outer.high);
            let mirrored = interval(n - passes, n, level).unwrap();
            prop_assert!((mirrored.low - (1.0 - inner.high)).abs() < 1e-9);
        }
        let exact = clopper_pearson(n * share, n, level).unwrap();
        prop_assert!(exact.low <= share && share <= exact.high);
        prop_assert!(exact.contains(share) && !exact.contains(exact.high + 1e-6));
    }

    #[test]
    fn a_quantile_undoes_its_distribution(p in 1e-9..0.999_999_f64, a in 0.05..1e5_f64, b in 0.05..1e5_f64) {
        let x = beta_quantile(p, a, b);
        prop_assert!((0.0..=1.0).contains(&x));
        // Where x has run out of digits next to 1, the distribution function cannot be undone.
        if x < 0.99 {
            prop_assert!((beta_cdf(x, a, b) / p - 1.0).abs() < 1e-8);
        }
        prop_assert!((normal_cdf(normal_quantile(p)) / p - 1.0).abs() < 1e-12);
        prop_assert_eq!(t_quantile(0.5 + 0.5 * p, a), -t_quantile(1.0 - (0.5 + 0.5 * p), a));
    }

    #[test]
    fn adjusted_values_stay_in_order_and_above_the_raw(p in prop::collection::vec(0.0..=1.0_f64, 0..30)) {
        for adjust in [holm, benjamini_hochberg, benjamini_yekutieli] {
            let adjusted = adjust(&p);
            prop_assert_eq!(adjusted.len(), p.len());
            for (i, &raw) in p.iter().enumerate() {
                prop_assert!(raw <= adjusted[i] && adjusted[i] <= 1.0);
                for (j, &other) in p.iter().enumerate() {
                    prop_assert!(raw > other || adjusted[i] <= adjusted[j]);
                }
            }
        }
    }

    #[test]
    fn all_of_k_never_exceeds_any_of_k_and_falls_with_k(n in 1..300_u32, c in 0..300_u32) {
        let c = c.min(n);
        let share = f64::from(c) / f64::from(n);
        let mut last = 1.0;
        for k in 1..=n {
            let hat = pass_hat(c, n, k).unwrap();
            prop_assert!(hat <= last + 1e-15 && hat <= share + 1e-12 && share <= pass_at(c, n, k).unwrap() + 1e-12);
            last = hat;
        }
        prop_assert_eq!(last, f64::from(u8::from(c == n)));
    }

    #[test]
    fn no_table_and_no_ratings_panic(
        table in prop::collection::vec(prop::collection::vec(prop::num::f64::ANY, 0..4), 0..4),
        ratings in prop::collection::vec(prop::collection::vec(prop::option::of(0..4_usize), 0..4), 0..6),
    ) {
        for value in [observed_agreement(&table), scott_pi(&table), krippendorff_alpha(&ratings, 3)] {
            prop_assert!(value.is_none_or(|v| v <= 1.0 + 1e-9));
        }
        for found in [cohen_kappa(&table), gwet_ac1(&table)].into_iter().flatten() {
            prop_assert!(found.value <= 1.0 + 1e-9 && found.se >= 0.0);
        }
    }
}

#[test]
fn quantiles_are_infinite_at_the_ends_and_no_number_outside() {
    for quantile in [normal_quantile, |p| t_quantile(p, 3.0), |p| t_quantile(p, 1e9)] {
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert!(quantile(0.5).abs() < 1e-300);
        for p in [-0.1, 1.1, NAN] {
            assert!(quantile(p).is_nan());
        }
    }
    near(t_quantile(0.975, f64::INFINITY), normal_quantile(0.975));
    for df in [0.0, -1.0, NAN] {
        assert!(t_quantile(0.9, df).is_nan());
    }
    assert_eq!((beta_quantile(0.0, 2.0, 3.0), beta_quantile(1.0, 2.0, 3.0)), (0.0, 1.0));
    assert_eq!((beta_cdf(0.0, 2.0, 3.0), beta_cdf(1.0, 2.0, 3.0)), (0.0, 1.0));
    for (p, a, b) in
        [(NAN, 1.0, 1.0), (0.5, 0.0, 1.0), (0.5, 1.0, NAN), (2.0, 1.0, 1.0), (0.5, f64::INFINITY, 1.0)]
    {
        assert!(beta_quantile(p, a, b).is_nan() && beta_cdf(p, a, b).is_nan());
    }
}

#[test]
fn parameters_beyond_all_measure_come_to_an_end() {
    for (a, b) in [(1e308, 1e308), (1e15, 3e15), (1e-300, 1e-300), (1e-300, 1e300), (f64::MIN_POSITIVE, 1.0)]
    {
        for p in [1e-300, 0.3, 0.5, 1.0 - f64::EPSILON] {
            for value in [beta_quantile(p, a, b), beta_cdf(p, a, b)] {
                assert!(value.is_nan() || (0.0..=1.0).contains(&value), "{p} {a} {b}: {value}");
            }
        }
    }
    assert!((beta_quantile(0.5, 1e15, 3e15) - 0.25).abs() < 1e-9);
    for interval in INTERVALS {
        assert!(interval(1e308, 1.7e308, 0.95).is_some());
    }
    assert!(t_quantile(0.975, 1e-3) > 1e100);
}

#[test]
fn the_binomial_distribution_sums_to_one() {
    for (n, p) in [(0, 0.3), (1, 0.0), (7, 1.0), (30, 0.25), (100, 0.999)] {
        let mut sum = 0.0;
        for k in 0..=n {
            sum += binomial_pmf(k, n, p);
            near(binomial_cdf(k, n, p), sum);
        }
        near(sum, 1.0);
        assert_eq!((binomial_pmf(n + 1, n, p), binomial_cdf(n + 1, n, p)), (0.0, 1.0));
    }
    assert!(binomial_pmf(1, 2, NAN).is_nan() && binomial_cdf(1, 2, 1.5).is_nan());
}

#[test]
fn k_is_drawn_from_what_there_is() {
    for (c, n, k) in [(3, 5, 0), (3, 5, 6), (6, 5, 1), (0, 0, 1)] {
        assert_eq!((pass_hat(c, n, k), pass_at(c, n, k)), (None, None));
    }
    assert_eq!((pass_hat(0, 5, 2), pass_at(0, 5, 2)), (Some(0.0), Some(0.0)));
    assert_eq!((pass_hat(5, 5, 2), pass_at(5, 5, 2)), (Some(1.0), Some(1.0)));
    near(pass_hat(u32::MAX - 1, u32::MAX, 5).unwrap(), 1.0 - 5.0 / f64::from(u32::MAX));
}

#[test]
fn an_error_needs_two_of_what_varies() {
    for correction in [Correction::None, Correction::Small] {
        let se = |values: &[f64], groups: &[usize]| cluster_se(values, groups, correction);
        assert_eq!(se(&[], &[]), None);
        assert_eq!(se(&[1.0, 0.0], &[4, 4]), None);
        assert_eq!(se(&[1.0, 0.0], &[4]), None);
        assert_eq!(se(&[1.0, NAN], &[0, 1]), None);
        assert_eq!(se(&[1.0, 1.0], &[usize::MAX, 0]), Some(0.0));
    }
    assert_eq!((iid_se(&[]), iid_se(&[1.0]), iid_se(&[1.0, f64::INFINITY])), (None, None, None));
    assert_eq!(iid_se(&[1.0, 1.0]), Some(0.0));
}

#[test]
fn clusters_of_one_are_no_clusters() {
    let values = [1.0, 0.0, 0.0, 1.0, 1.0, 0.3];
    let apart = cluster_se(&values, &[9, 2, 5, 3, 7, 1], Correction::Small);
    near(apart.unwrap(), iid_se(&values).unwrap());
}

#[test]
fn the_intraclass_correlation_knows_its_limits() {
    near(icc(&[(5, 5), (0, 5), (5, 5), (0, 3)]).unwrap(), 1.0);
    near(icc(&[(1, 2), (1, 2), (1, 2)]).unwrap(), -1.0);
    // An instance without samples changes nothing.
    assert_eq!(icc(&[(3, 5), (1, 5), (0, 0)]), icc(&[(3, 5), (1, 5)]));
    for none in [&[][..], &[(3, 5)], &[(1, 1), (0, 1)], &[(6, 5), (1, 5)], &[(0, 0), (1, 5)]] {
        assert!(variance_components(none).is_none() && icc(none).is_none(), "{none:?}");
    }
    // Nothing varies: the components are known, their quotient is not.
    assert!(variance_components(&[(5, 5), (5, 5)]).is_some());
    assert_eq!(icc(&[(5, 5), (5, 5)]), None);
}

#[test]
fn paired_tests_are_symmetric_and_hold_at_a_million() {
    for (b, c) in [(0, 0), (0, 1), (1, 1), (3, 9), (400_000, 600_000), (499_500, 500_500), (500_000, 500_000)]
    {
        let (exact, mid) = (mcnemar_exact(b, c), mcnemar_mid(b, c));
        assert_eq!((exact, mid), (mcnemar_exact(c, b), mcnemar_mid(c, b)));
        assert!(0.0 <= mid && mid <= exact && exact <= 1.0, "{b} {c}: {mid} {exact}");
    }
    for (got, wanted) in [(mcnemar_exact(0, 0), 1.0), (mcnemar_exact(0, 1), 1.0), (mcnemar_mid(0, 1), 0.5)] {
        near(got, wanted);
    }
    assert!(mcnemar_exact(u64::MAX, 0) < 1e-300);
}

#[test]
fn what_is_no_probability_counts_as_one() {
    for adjust in [holm, benjamini_hochberg, benjamini_yekutieli] {
        assert_eq!(adjust(&[0.001, NAN, f64::INFINITY]), adjust(&[0.001, 1.0, 1.0]));
        assert!(adjust(&[]).is_empty());
    }
}

#[test]
fn sizes_of_differences_have_ends() {
    near(cohen_h(1.0, 0.0).unwrap(), std::f64::consts::PI);
    assert_eq!((cohen_h(1.1, 0.0), cohen_h(0.5, NAN)), (None, None));
    assert_eq!(odds_ratio_discordant(0, 0, 0.95), None);
    assert_eq!(odds_ratio_discordant(3, 4, 1.0), None);
    let only_first = odds_ratio_discordant(5, 0, 0.95).unwrap();
    assert_eq!((only_first.value, only_first.range.high), (f64::INFINITY, f64::INFINITY));
    assert!(only_first.range.low > 0.5 && only_first.range.low < 1.0);
    let (one, other) = (odds_ratio_discordant(9, 4, 0.9).unwrap(), odds_ratio_discordant(4, 9, 0.9).unwrap());
    near(one.value * other.value, 1.0);
    near(one.range.low * other.range.high, 1.0);
}

#[test]
fn agreement_is_undefined_where_chance_explains_all() {
    let one = vec![vec![20.0, 0.0], vec![0.0, 0.0]];
    assert_eq!((cohen_kappa(&one), scott_pi(&one)), (None, None));
    near(gwet_ac1(&one).unwrap().value, 1.0);
    near(observed_agreement(&one).unwrap(), 1.0);
    let bad = [
        vec![],
        vec![vec![0.0, 0.0], vec![0.0, 0.0]],
        vec![vec![1.0, 2.0]],
        vec![vec![1.0], vec![2.0, 3.0]],
        vec![vec![1.0, -1.0], vec![0.0, 1.0]],
        vec![vec![1.0, NAN], vec![0.0, 1.0]],
        vec![vec![1.0, f64::INFINITY], vec![0.0, 1.0]],
    ];
    for table in &bad {
        assert_eq!((cohen_kappa(table), gwet_ac1(table), scott_pi(table)), (None, None, None), "{table:?}");
        assert_eq!(observed_agreement(table), None, "{table:?}");
    }
    assert_eq!(gwet_ac1(&[vec![5.0]]), None);
    assert_eq!(gwet_ac1(&[vec![1.0, 0.0], vec![0.0, 0.0]]), None);

    let perfect = vec![vec![7.0, 0.0], vec![0.0, 5.0]];
    for found in [cohen_kappa(&perfect), gwet_ac1(&perfect)] {
        near(found.unwrap().value, 1.0);
        near(found.unwrap().se, 0.0);
    }
}

#[test]
fn krippendorffs_alpha_needs_pairs_and_two_categories() {
    type Ratings<'a> = &'a [Vec<Option<usize>>];
    let (yes, no) = (Some(1), Some(0));
    let cases: [(Ratings<'_>, Option<f64>); 6] = [
        (&[], None),
        (&[vec![yes, None], vec![None, no]], None),
        (&[vec![yes, yes], vec![yes, yes]], None),
        (&[vec![yes, Some(2)], vec![no, no]], None),
        (&[vec![yes, yes], vec![no, no]], Some(1.0)),
        // A subject that one rater saw changes nothing.
        (&[vec![yes, yes, None], vec![no, no, None], vec![None, None, yes]], Some(1.0)),
    ];
    for (ratings, wanted) in cases {
        assert_eq!(krippendorff_alpha(ratings, 2), wanted, "{ratings:?}");
    }
}
