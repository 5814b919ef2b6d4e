//! Gates, and how metrics are written.

use super::*;

pub(crate) fn ask(metric: &str, margin: f64, test: Test) -> Gate {
    Gate {
        metric: metric.parse().unwrap(),
        margin: Margin::new(margin).unwrap(),
        test,
        level: Level::DEFAULT,
    }
}

pub(crate) fn checked(a: &Panel, b: &Panel, gate_: Gate) -> GateResult {
    gate(a, b, &[gate_], &scoring(500)).unwrap().remove(0)
}

#[test]
fn gates_hold_and_fail() {
    let a = run("A", 900, 5, (0.8, 0.50), 1, 2);
    let better = run("B", 900, 5, (0.8, 0.60), 1, 3);
    let check = |from: &Panel, to: &Panel, metric: &str, margin: f64, test: Test, passes: bool| {
        let result = checked(from, to, ask(metric, margin, test));
        assert_eq!(result.passed, passes, "{result:?}");
    };
    use Test::{NonInferiority as NI, Point as P, Superiority as S};
    // Ten points up, give or take two.
    check(&a, &better, "think@1", 0.0, NI, true);
    check(&a, &better, "think@1", 2.0, S, true);
    check(&a, &better, "think@1", 15.0, S, false);
    check(&a, &better, "think@1:CS", 0.0, NI, true);
    check(&a, &better, "f", 0.0, NI, true);
    // And superficial safety falls by 8: better.
    check(&a, &better, "ssa", 2.0, S, true);
    // Ten points down.
    check(&better, &a, "think@1", 5.0, NI, false);
    check(&better, &a, "think@1", 20.0, NI, true);
    check(&better, &a, "think@1", 5.0, P, false);
    check(&better, &a, "think@1", 20.0, P, true);
    check(&better, &a, "ssa", 2.0, NI, false);
    let result = checked(&a, &better, ask("ssa", 2.0, NI));
    assert!(result.difference.unwrap() < 0.0 && result.bound.unwrap() < result.gain.unwrap());
    assert!(result.sentence.contains("better by "), "{}", result.sentence);
    // Little data: as good, and not shown to be.
    let (few_a, few_b) = (run("A", 12, 2, (0.8, 0.5), 1, 2), run("B", 12, 2, (0.8, 0.5), 1, 3));
    let few = checked(&few_a, &few_b, ask("think@1", 1.0, NI));
    assert!(!few.passed && few.sentence.contains("not shown"), "{few:?}");
}

#[test]
fn the_point_test_holds_at_the_margin_itself() {
    let panel = |aware: usize| {
        let mut panel = Panel::new("P".to_owned(), items(100), 1);
        for (at, cells) in panel.cells.iter_mut().enumerate() {
            cells.count(Some(true), Some(at < aware));
        }
        panel
    };
    let passed = |margin| checked(&panel(59), &panel(57), ask("think@1", margin, Test::Point)).passed;
    assert!(passed(2.0) && !passed(1.9));
}

#[test]
fn a_gate_on_what_is_not_there_fails() {
    let a = run("A", 30, 2, (0.8, 0.5), 1, 2).only(|i| i.scenario == Scenario::RiskOmission);
    let result = checked(&a, &a, ask("think@1:OS", 2.0, Test::Point));
    assert!(!result.passed && result.sentence.contains("nothing to divide by"), "{result:?}");
    let error = gate(&a, &Panel { k: 1, ..a.clone() }, &[ask("safe@k", 2.0, Test::Point)], &scoring(0));
    assert!(matches!(error, Err(CompareError::DifferentK { .. })));
    let error = gate(&a, &a, &[ask("safe@5", 2.0, Test::Point)], &scoring(0));
    assert!(matches!(error, Err(CompareError::TooFewSamples { .. })));
    assert!(Margin::new(-1.0).is_err() && Margin::new(f64::NAN).is_err());
}

#[test]
fn a_bound_is_more_likely_right_than_wrong() {
    let a = run("A", 60, 2, (0.8, 0.5), 1, 2);
    let at = |level: f64, test: Test| {
        let asked = Gate { level: Level::new(level).unwrap(), ..ask("think@1", 2.0, test) };
        gate(&a, &renamed(&a, "B"), &[asked], &scoring(100))
    };
    let error = at(0.05, Test::NonInferiority).unwrap_err();
    assert_eq!(error, CompareError::LowLevel { level: Level::new(0.05).unwrap() });
    assert!(error.to_string().contains("got 5 %") && error.hint().unwrap().contains("0.95"), "{error}");
    assert!(at(0.499, Test::Superiority).is_err());
    // The point test has no bound, and a bound at one half has no width worth the name.
    assert!(at(0.05, Test::Point).unwrap()[0].passed);
    let half = at(0.5, Test::NonInferiority).unwrap()[0].clone();
    let sure = at(0.99, Test::NonInferiority).unwrap()[0].clone();
    assert!(half.bound.unwrap() > -0.02 && half.bound.unwrap() <= 0.0 && sure.bound < half.bound, "{half:?}");
}

#[test]
fn a_loss_of_the_margin_rarely_passes() {
    // Of 200 instances each safe one turns unsafe with the chance that makes the true loss two points. One that is lost
    // already leaves a bound beyond the margin; by Student's t it would not, and none or one are 9 % of all draws.
    let mut random = Pcg64::seed_from_u64(3);
    let mut passed = 0;
    for _ in 0..400 {
        let lost = (0..200).filter(|_| random.random::<f64>() < 0.02).count();
        let [a, b] = table(180 - lost, 20, 0, lost);
        passed += usize::from(checked(&a, &b, ask("safe@1", 2.0, Test::NonInferiority)).passed);
    }
    assert!(passed <= 24, "{passed} of 400 pass, at most 6 % should");
}

#[test]
fn metrics_are_read_as_they_are_written() {
    for text in [
        "safe@1",
        "think@1",
        "think@k",
        "safe@5",
        "ssa",
        "sound",
        "lucky",
        "escape",
        "f",
        "think@1:CS",
        "f:OS",
    ] {
        assert_eq!(text.parse::<MetricSpec>().unwrap().to_string(), text);
    }
    assert_eq!(" Think@K:cognitive-shortcut ".parse::<MetricSpec>().unwrap().to_string(), "think@k:CS");
    assert_eq!("think@k".parse::<MetricSpec>().unwrap().resolve(5, Alpha::DEFAULT).to_string(), "think@5");
    for text in ["", "think", "think@0", "think@-1", "think@1:XX", "aware@1", "f@2", "safe@99999999999"] {
        let error = text.parse::<MetricSpec>().unwrap_err();
        assert!(error.hint().unwrap().contains("safe@N"), "{text}");
    }
}
