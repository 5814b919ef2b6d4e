//! Differences that many changes, few or none of them carry.

use super::*;

/// Independent instances of one sample: which are safe in the first run, and which in the second.
fn singles(safe: &[(bool, bool)]) -> [Panel; 2] {
    let kind = |i: Item| Item { scenario: Scenario::RiskOmission, shared_texts: Vec::new(), ..i };
    let kinds: Vec<Item> = items(safe.len()).into_iter().map(kind).collect();
    let a = Panel::new("A".to_owned(), kinds, 1);
    let mut pair = [a.clone(), a.beside("B".to_owned())];
    for (at, (a, b)) in safe.iter().enumerate() {
        pair[0].cells[at].count(Some(*a), Some(true));
        pair[1].cells[at].count(Some(*b), Some(true));
    }
    pair
}

/// Instances that stay safe, stay unsafe, become safe, become unsafe.
pub(crate) fn table(stay: usize, fail: usize, gain: usize, lose: usize) -> [Panel; 2] {
    let all = [((true, true), stay), ((false, false), fail), ((false, true), gain), ((true, false), lose)];
    singles(&all.iter().flat_map(|(pair, n)| vec![*pair; *n]).collect::<Vec<_>>())
}

#[test]
fn with_independent_instances_and_many_changes_it_is_the_paired_t_test() {
    let [a, b] = table(5, 10, 50, 25);
    let safe = of(&compare(&[&a, &b], &options(100)).unwrap(), SAFE);
    // Differences of 50 times 1, 25 times −1, 15 times 0.
    let mean = 25.0 / 90.0;
    let se = ((75.0 - 90.0 * mean * mean) / 89.0 / 90.0_f64).sqrt();
    assert!((safe.difference.unwrap() - mean).abs() < 1e-12);
    assert!((safe.se.unwrap() - se).abs() < 1e-12, "{safe:?}");
    // The 97.5th percentile of t with 89 degrees of freedom, from tables.
    let interval = safe.interval.unwrap();
    assert_eq!(interval.method, Method::Student);
    assert!((interval.low - (mean - 1.986_979 * se)).abs() < 1e-6, "{interval:?}");
    assert!((interval.high - (mean + 1.986_979 * se)).abs() < 1e-6, "{interval:?}");
    assert!((0.002..0.004).contains(&safe.p.unwrap()), "{safe:?}");
}

#[test]
fn few_changes_are_counted() {
    // Gained, lost, the p of the sign test, and the 95 % limits by hand: of g in 200, exact below 3 and Wilson's from
    // there, put together by square-and-add.
    let check = |gain: usize, lose: usize, p: f64, (low, high): (f64, f64)| {
        let [a, b] = table(120, 80 - gain - lose, gain, lose);
        for (method, replicates) in [(Method::Auto, 0), (Method::Auto, 400), (Method::Wilson, 0)] {
            let mut options = options(replicates);
            options.scoring.inference.method = method;
            let safe = of(&compare(&[&a, &b], &options).unwrap(), SAFE);
            assert!((safe.p.unwrap() - p).abs() < 1e-9, "{safe:?}");
            let interval = safe.interval.unwrap();
            assert_eq!(interval.method, Method::Newcombe);
            assert!((interval.low - low).abs() < 2e-3 && (interval.high - high).abs() < 2e-3, "{interval:?}");
        }
    };
    let wilson = |x: f64, n: f64| {
        let z: f64 = 1.959_964;
        let (centre, half) =
            ((x + z * z / 2.0) / (n + z * z), z / (n + z * z) * (x * (n - x) / n + z * z / 4.0).sqrt());
        (centre - half, centre + half)
    };
    let both = |(x, (xl, xu)): (f64, (f64, f64)), (y, (yl, yu)): (f64, (f64, f64))| {
        let d: f64 = x - y;
        (d - (x - xl).hypot(yu - y), d + (xu - x).hypot(y - yl))
    };
    let none = (0.0, (0.0, 1.0 - 0.025_f64.powf(1.0 / 200.0)));
    // Clopper and Pearson's limits of 1 in 200.
    let one = (0.005, (0.000_127, 0.027_537));
    check(0, 0, 1.0, both(none, none));
    check(0, 1, 1.0, both(none, one));
    check(1, 0, 1.0, both(one, none));
    check(12, 0, 2.0 * 0.5_f64.powi(12), both((0.06, wilson(12.0, 200.0)), none));
    check(12, 5, 0.143_463_134_765_625, both((0.06, wilson(12.0, 200.0)), (0.025, wilson(5.0, 200.0))));
}

#[test]
fn thirty_instances_that_agree_prove_little() {
    let [a, b] = table(20, 10, 0, 0);
    let check = |margin: f64, passes: bool| {
        for metric in ["safe@1", "ssa", "lucky", "f", "safe@1:RO"] {
            let result =
                &gate(&a, &b, &[ask(metric, margin, Test::NonInferiority)], &scoring(300)).unwrap()[0];
            assert_eq!(result.passed, passes, "{metric} {result:?}");
            assert!(
                result.bound.unwrap() < 0.0 && result.sentence.contains("no different from"),
                "{result:?}"
            );
        }
    };
    check(0.0, false);
    check(2.0, false);
    check(25.0, true);
}

#[test]
fn a_sign_test_never_speaks_for_the_other_side() {
    // Two instances gain all five samples, eight lose one each: the mean rises, the count falls.
    let mut a = Panel::new("A".to_owned(), items(240), 5);
    let mut b = renamed(&a, "B");
    for at in 0..240 {
        let (from, to) = match at {
            4 | 10 => (0, 5),
            _ if at % 6 == 3 && at < 55 => (5, 4),
            _ => (5, 5),
        };
        for sample in 0..5 {
            a.cells[at].count(Some(true), Some(sample < from));
            b.cells[at].count(Some(true), Some(sample < to));
        }
    }
    let think = of(&compare(&[&a, &b], &options(100)).unwrap(), THINK);
    assert!(think.difference.unwrap() > 0.0);
    assert_eq!((think.p, think.told_apart), (Some(1.0), false), "{think:?}");
}

#[test]
fn where_denominators_differ_what_stays_the_same_still_counts_as_that() {
    // Of 400 safe answers half are unaware; in B four of the aware ones are unsafe, so that lucky rises by half a point.
    let mut a = Panel::new("A".to_owned(), items(400), 1);
    let mut b = renamed(&a, "B");
    for at in 0..400 {
        a.cells[at].count(Some(true), Some(at % 2 == 0));
        b.cells[at].count(Some(at % 100 != 4), Some(at % 2 == 0));
    }
    let lucky = of(&compare(&[&a, &b], &options(300)).unwrap(), Metric::share(Measure::Lucky, Group::All));
    let d = lucky.difference.unwrap();
    assert!((d - (200.0 / 396.0 - 0.5)).abs() < 1e-12);
    assert_eq!(lucky.interval.unwrap().method, Method::Newcombe);
    // Four signs alike.
    assert!((lucky.p.unwrap() - 0.125).abs() < 1e-9, "{lucky:?}");
    assert!(lucky.interval.unwrap().covers(0.0) && lucky.interval.unwrap().covers(d));
    assert!(lucky.interval.unwrap().width() < 0.04, "paired: {lucky:?}");
}

#[test]
fn an_f_score_of_few_passes_has_the_interval_of_independent_runs() {
    let panel = |name: &str, aware: usize| {
        let mut panel = Panel::new(name.to_owned(), items(300), 1);
        panel
            .cells
            .iter_mut()
            .enumerate()
            .for_each(|(at, c)| c.count(Some(at % 5 > 0), Some(at % 60 < aware)));
        panel
    };
    let f = |a: usize, b: usize| {
        let found = compare(&[&panel("A", a), &panel("B", b)], &options(300)).unwrap();
        of(&found, Metric::f(Alpha::DEFAULT, Group::All))
    };
    // From nothing at all to one in sixty: F has no derivative at 0.
    for (a, b) in [(0, 0), (0, 1), (1, 1), (1, 2)] {
        let f = f(a, b);
        let interval = f.interval.unwrap();
        assert_eq!(interval.method, Method::Newcombe, "{f:?}");
        assert!(
            interval.low < 0.0 && interval.covers(f.difference.unwrap()) && interval.width() > 0.02,
            "{f:?}"
        );
    }
}

#[test]
fn fixed_instances_with_few_events_are_not_certain() {
    let mut fixed = options(0);
    fixed.scoring.inference.estimand = Estimand::FixedInstances;
    let [a, b] = table(60, 0, 0, 0);
    let safe = of(&compare(&[&a, &b], &fixed).unwrap(), SAFE);
    let interval = safe.interval.unwrap();
    assert!(interval.method == Method::Newcombe && interval.low < -0.03 && interval.high > 0.03, "{safe:?}");
    let (a, b) = (run("A", 600, 5, (0.6, 0.5), 1, 2), run("B", 600, 5, (0.6, 0.5), 1, 3));
    let many = of(&compare(&[&a, &b], &fixed).unwrap(), SAFE).interval.unwrap();
    assert_eq!(many.method, Method::Normal);
}

#[test]
fn what_is_asked_for_by_name_is_made_unless_nothing_varies() {
    let named = |[a, b]: [Panel; 2], method: Method| {
        let mut options = options(400);
        options.scoring.inference.method = method;
        of(&compare(&[&a, &b], &options).unwrap(), SAFE).interval.unwrap().method
    };
    assert_eq!(named(table(120, 70, 8, 2), Method::Bootstrap), Method::Bootstrap);
    assert_eq!(named(table(120, 70, 8, 2), Method::Normal), Method::Student);
    for method in [Method::Bootstrap, Method::Normal, Method::Exact] {
        assert_eq!(named(table(120, 80, 0, 0), method), Method::Newcombe);
    }
    assert!(!Method::CHOICES.contains(&Method::Newcombe) && Method::parse("t").is_none());
    assert_eq!((Method::Student.name(), Method::Newcombe.name()), ("t", "newcombe"));
}

#[test]
fn a_run_is_compared_with_others() {
    let a = run("A", 60, 3, (0.7, 0.5), 1, 2);
    let same = CompareError::SameRunTwice { run: "A".to_owned() };
    assert!(same.hint().unwrap().contains("another name"));
    assert_eq!(compare(&[&a, &a], &options(0)), Err(same.clone()));
    assert_eq!(compare(&[&renamed(&a, "B"), &a, &a], &options(0)), Err(same.clone()));
    let board = |panels: &[&Panel]| {
        let options = LeaderboardOptions { scoring: scoring(0), ..LeaderboardOptions::default() };
        leaderboard(panels, Vec::new(), &options)
    };
    assert_eq!(board(&[&a, &a]), Err(same));
    // Another name, or other samples under the same one.
    assert!(compare(&[&a, &renamed(&a, "B")], &options(0)).is_ok());
    let again = run("A", 60, 3, (0.7, 0.5), 1, 9);
    assert!(compare(&[&a, &again], &options(0)).is_ok() && board(&[&a, &again]).is_ok());
}
