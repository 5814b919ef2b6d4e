//! The statistical primitives against independent packages: the vectors of `testkit/scripts/statistics_oracles.py`, and
//! the material kept beside the repository.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde::Deserialize;
use serde_json::Value;
use undersight_metrics::stats::{
    Components, Correction, Range, benjamini_hochberg, benjamini_yekutieli, beta_1_1, beta_cdf,
    beta_quantile, binomial_cdf, binomial_pmf, clopper_pearson, cluster_se, cohen_h, cohen_kappa, gwet_ac1,
    holm, icc, iid_se, krippendorff_alpha, mcnemar_exact, mcnemar_mid, normal_cdf, normal_p_two_sided,
    normal_quantile, observed_agreement, odds_ratio_discordant, pass_at, pass_hat, scott_pi, t_quantile,
    variance_components, wilson,
};

const EXACT: f64 = 1e-9;

/// Relative to the larger of the wanted value and `floor`, below which the package's own digits end.
#[track_caller]
fn near(what: &str, got: f64, wanted: f64, tolerance: f64, floor: f64) {
    let scale = wanted.abs().max(floor);
    assert!((got - wanted).abs() <= tolerance * scale, "{what}: {got:e} is not {wanted:e}");
}

/// A value of order one.
#[track_caller]
fn same(what: &str, got: impl Into<Option<f64>>, wanted: f64) {
    near(what, got.into().unwrap_or(f64::NAN), wanted, EXACT, 1.0);
}

#[track_caller]
fn ends(what: &str, got: Option<Range>, wanted: [f64; 2]) {
    let Range { low, high } = got.unwrap();
    same(what, low, wanted[0]);
    same(what, high, wanted[1]);
}

/// Runs a check over every case of one member of the vector file.
fn each<T: for<'de> Deserialize<'de>>(member: &str, check: impl Fn(&str, T)) {
    let all: Value = serde_json::from_str(include_str!("vectors/statistics.json")).unwrap();
    let cases = all[member].as_array().unwrap();
    assert!(cases.len() > 10, "{member} has {} cases", cases.len());
    for case in cases {
        check(&format!("{member} {case}"), T::deserialize(case).unwrap());
    }
}

#[test]
fn errors_of_means_are_statsmodels() {
    #[derive(Deserialize)]
    struct Case {
        values: Vec<f64>,
        groups: Vec<usize>,
        iid: f64,
        none: f64,
        small: f64,
    }
    each("clustered_se", |what, case: Case| {
        same(what, iid_se(&case.values), case.iid);
        same(what, cluster_se(&case.values, &case.groups, Correction::None), case.none);
        same(what, cluster_se(&case.values, &case.groups, Correction::Small), case.small);
    });
}

#[test]
fn components_follow_from_the_mean_squares_of_statsmodels() {
    #[derive(Deserialize)]
    struct Case {
        groups: Vec<(u32, u32)>,
        between: f64,
        within: f64,
        icc: f64,
    }
    each("components", |what, case: Case| {
        let Components { between, within } = variance_components(&case.groups).unwrap();
        same(what, between, case.between);
        same(what, within, case.within);
        same(what, icc(&case.groups), case.icc);
    });
}

#[test]
fn intervals_are_those_of_statsmodels_and_scipy() {
    #[derive(Deserialize)]
    struct Case {
        passes: f64,
        n: f64,
        level: f64,
        wilson: [f64; 2],
        clopper_pearson: [f64; 2],
        beta_1_1: [f64; 2],
    }
    each("intervals", |what, case: Case| {
        ends(what, wilson(case.passes, case.n, case.level), case.wilson);
        ends(what, clopper_pearson(case.passes, case.n, case.level), case.clopper_pearson);
        ends(what, beta_1_1(case.passes, case.n, case.level), case.beta_1_1);
    });
}

#[test]
fn distributions_are_those_of_scipy_in_the_tails_too() {
    #[derive(Deserialize)]
    struct Normal {
        z: f64,
        cdf: f64,
        two_sided: f64,
    }
    each("normal", |what, case: Normal| {
        near(what, normal_cdf(case.z), case.cdf, 1e-12, 0.0);
        near(what, normal_p_two_sided(case.z), case.two_sided, 1e-12, 0.0);
    });
    #[derive(Deserialize)]
    struct Binomial {
        k: u64,
        n: u64,
        p: f64,
        pmf: f64,
        cdf: f64,
    }
    each("binomials", |what, case: Binomial| {
        near(what, binomial_pmf(case.k, case.n, case.p), case.pmf, 1e-10, 0.0);
        near(what, binomial_cdf(case.k, case.n, case.p), case.cdf, 1e-10, 0.0);
    });
}

#[test]
fn quantiles_have_twelve_digits() {
    #[derive(Deserialize)]
    struct Normal {
        p: f64,
        z: f64,
    }
    each("normal_quantiles", |what, case: Normal| {
        near(what, normal_quantile(case.p), case.z, 1e-12, 0.0);
    });
    #[derive(Deserialize)]
    struct Student {
        p: f64,
        df: f64,
        t: f64,
    }
    each("t_quantiles", |what, case: Student| near(what, t_quantile(case.p, case.df), case.t, 1e-12, 0.0));
    #[derive(Deserialize)]
    struct Beta {
        p: f64,
        a: f64,
        b: f64,
        x: f64,
        at: f64,
        cdf: f64,
    }
    each("betas", |what, case: Beta| {
        near(what, beta_quantile(case.p, case.a, case.b), case.x, 1e-12, 0.0);
        near(what, beta_cdf(case.at, case.a, case.b), case.cdf, 1e-9, 1e-300);
    });
}

#[test]
fn k_of_n_is_the_quotient_of_binomial_coefficients() {
    #[derive(Deserialize)]
    struct Case {
        c: u32,
        n: u32,
        k: u32,
        hat: f64,
        at: f64,
    }
    each("pass_k", |what, case: Case| {
        near(what, pass_hat(case.c, case.n, case.k).unwrap(), case.hat, 1e-12, 0.0);
        same(what, pass_at(case.c, case.n, case.k), case.at);
    });
}

#[test]
fn paired_tests_are_those_of_statsmodels() {
    #[derive(Deserialize)]
    struct Case {
        b: u64,
        c: u64,
        exact: f64,
        mid: f64,
        odds: Option<[f64; 3]>,
    }
    each("discordant", |what, case: Case| {
        near(what, mcnemar_exact(case.b, case.c), case.exact, EXACT, 1e-300);
        near(what, mcnemar_mid(case.b, case.c), case.mid, EXACT, 1e-300);
        if let Some([value, low, high]) = case.odds {
            let odds = odds_ratio_discordant(case.b, case.c, 0.95).unwrap();
            near(what, odds.value, value, EXACT, 0.0);
            near(what, odds.range.low, low, EXACT, 0.0);
            near(what, odds.range.high, high, EXACT, 0.0);
        }
    });
}

#[test]
fn families_of_tests_are_adjusted_as_by_statsmodels() {
    #[derive(Deserialize)]
    struct Case {
        p: Vec<f64>,
        holm: Vec<f64>,
        fdr_bh: Vec<f64>,
        fdr_by: Vec<f64>,
    }
    each("families", |what, case: Case| {
        adjusted(what, &holm(&case.p), &case.holm, EXACT);
        adjusted(what, &benjamini_hochberg(&case.p), &case.fdr_bh, EXACT);
        adjusted(what, &benjamini_yekutieli(&case.p), &case.fdr_by, EXACT);
    });
}

#[track_caller]
fn adjusted(what: &str, got: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(got.len(), wanted.len());
    for (got, wanted) in got.iter().zip(wanted) {
        near(what, *got, *wanted, tolerance, 1.0);
    }
}

#[test]
fn agreement_is_that_of_statsmodels_irrcac_and_krippendorff() {
    #[derive(Deserialize)]
    struct Table {
        table: Vec<Vec<f64>>,
        agreed: f64,
        kappa: f64,
        kappa_se: f64,
        ac1: f64,
        ac1_se: f64,
        pi: f64,
    }
    each("tables", |what, case: Table| {
        let kappa = cohen_kappa(&case.table).unwrap();
        let ac1 = gwet_ac1(&case.table).unwrap();
        same(what, observed_agreement(&case.table), case.agreed);
        same(what, kappa.value, case.kappa);
        same(what, kappa.se, case.kappa_se);
        same(what, ac1.value, case.ac1);
        same(what, ac1.se, case.ac1_se);
        same(what, scott_pi(&case.table), case.pi);
    });
    #[derive(Deserialize)]
    struct Ratings {
        categories: usize,
        ratings: Vec<Vec<i64>>,
        alpha: f64,
    }
    each("ratings", |what, case: Ratings| {
        let given = |row: &Vec<i64>| row.iter().map(|rating| usize::try_from(*rating).ok()).collect();
        let ratings: Vec<Vec<Option<usize>>> = case.ratings.iter().map(given).collect();
        same(what, krippendorff_alpha(&ratings, case.categories), case.alpha);
    });
}

#[test]
fn sizes_of_differences_are_those_of_statsmodels() {
    #[derive(Deserialize)]
    struct Case {
        p1: f64,
        p2: f64,
        h: f64,
    }
    each("effects", |what, case: Case| same(what, cohen_h(case.p1, case.p2), case.h));
}

/// The material beside the repository, where it is.
fn beside() -> Option<Value> {
    let path = testkit::env::shared_data("oracles/statistics.json")?;
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

fn numbers<T: for<'de> Deserialize<'de>>(value: &Value) -> T {
    T::deserialize(value).unwrap()
}

#[test]
fn the_material_beside_agrees_on_rates_and_tests() {
    let Some(all) = beside() else { return };

    let means = &all["clustered_se"];
    let (values, groups): (Vec<f64>, Vec<usize>) = (numbers(&means["y"]), numbers(&means["g"]));
    same("iid", iid_se(&values), numbers(&means["iid_se"]));
    for member in ["miller", "statsmodels_nocorr"] {
        same(member, cluster_se(&values, &groups, Correction::None), numbers(&means[member]));
    }
    let corrected = cluster_se(&values, &groups, Correction::Small);
    same("statsmodels_corr", corrected, numbers(&means["statsmodels_corr"]));

    for (member, c) in [("n5_c5", 5), ("n5_c4", 4), ("n5_c3", 3)] {
        let wanted: [f64; 5] = numbers(&all["pass_hat_k"][member]);
        for (k, wanted) in (1..).zip(wanted) {
            same(member, pass_hat(c, 5, k), wanted);
        }
    }

    let binomial = &all["binom_7_of_20"];
    ends("wilson", wilson(7.0, 20.0, 0.95), numbers(&binomial["wilson"]));
    ends("cp", clopper_pearson(7.0, 20.0, 0.95), numbers(&binomial["cp"]));
    ends("beta11", beta_1_1(7.0, 20.0, 0.95), numbers(&binomial["beta11"]));

    let many = &all["multtest"];
    let p: Vec<f64> = numbers(&many["p"]);
    for (member, got) in
        [("holm", holm(&p)), ("fdr_bh", benjamini_hochberg(&p)), ("fdr_by", benjamini_yekutieli(&p))]
    {
        adjusted(member, &got, &numbers::<Vec<f64>>(&many[member]), 0.5e-6);
    }

    let table: [[u64; 2]; 2] = numbers(&all["mcnemar_exact"]["table"]);
    same("mcnemar", mcnemar_exact(table[0][1], table[1][0]), numbers(&all["mcnemar_exact"]["p"]));
}

#[test]
fn the_material_beside_agrees_on_agreement() {
    const ROUNDED: f64 = 0.5e-5;
    let Some(all) = beside() else { return };
    let wanted = &all["agreement"];
    let table: Vec<Vec<f64>> = numbers(&wanted["table"]);
    let ac1 = gwet_ac1(&table).unwrap();
    let cells = [((0, 0), 16), ((0, 1), 1), ((1, 0), 1), ((1, 1), 2)];
    let ratings: Vec<Vec<Option<usize>>> =
        cells.iter().flat_map(|&((a, b), times)| vec![vec![Some(a), Some(b)]; times]).collect();
    let alpha = krippendorff_alpha(&ratings, 2).unwrap();

    same("agree", observed_agreement(&table), numbers(&wanted["agree"]));
    same("cohen", cohen_kappa(&table).unwrap().value, numbers(&wanted["cohen"]));
    same("alpha_kripp", alpha, numbers(&wanted["alpha_kripp"]));
    near("alpha_irr", alpha, numbers(&wanted["alpha_irr"]), ROUNDED, 1.0);
    near("ac1", ac1.value, numbers(&wanted["ac1"]), ROUNDED, 1.0);
    near("ac1_se", ac1.se, numbers(&wanted["ac1_se"]), ROUNDED, 1.0);
    near("fleiss", scott_pi(&table).unwrap(), numbers(&wanted["fleiss"]), ROUNDED, 1.0);
}
