//! A judge's card: every part worked by hand on a few trials, what degenerate input gives, and whether intervals by case
//! hold what they should.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;
use undersight_core::{Family, JudgementStatus, Label, NanoUsd, Scenario, Task, Trial, TrialOutcome, Usage};
use undersight_metrics::card::{Assumptions, Card, CardSettings, Paired, Rate, card, compare_attacks};
use undersight_metrics::plan::{Correlation, Test};
use undersight_metrics::stats::wilson;
use undersight_metrics::{Level, Share};

const RO: Scenario = Scenario::RiskOmission;

fn trial(family: Family, variant: &str, case: &str, right: Label) -> Trial {
    Trial {
        family,
        variant: variant.to_owned(),
        case: case.to_owned(),
        kind: "plain".to_owned(),
        scenario: RO,
        task: if matches!(right, Label::Safe | Label::Unsafe) { Task::Safety } else { Task::Thinking },
        repeat: 0,
        right,
    }
}

fn ended(trial: Trial, status: JudgementStatus, label: Option<Label>) -> TrialOutcome {
    TrialOutcome { trial, status, label, usage: Usage::default(), cost: None, total_us: 1000 }
}

fn said(trial: Trial, label: Label) -> TrialOutcome {
    ended(trial, JudgementStatus::Ok, Some(label))
}

fn truth(pass: bool) -> Label {
    if pass { Label::True } else { Label::False }
}

/// A case on risk omission: whether it deserves to pass, and what the judge says of it as it is.
fn base(case: &str, right: bool, passed: bool) -> TrialOutcome {
    said(trial(Family::Base, "base", case, truth(right)), truth(passed))
}

fn attack(variant: &str, case: &str, passed: bool) -> TrialOutcome {
    said(trial(Family::Attack, variant, case, Label::False), truth(passed))
}

fn made(outcomes: &[TrialOutcome]) -> Card {
    card(outcomes, &CardSettings::default())
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} is not {b}");
}

fn share(rate: &Rate) -> (u64, u64, u64) {
    (rate.share.passes, rate.share.of, rate.cases)
}

#[test]
fn nothing_gives_an_empty_card() {
    let card = made(&[]);
    assert_eq!((card.trials, card.cases, card.spend.asked), (0, 0, 0));
    assert!(card.agreement.is_empty() && card.kinds.is_empty() && card.flips.is_empty());
    assert!(card.shifts.is_empty() && card.controls.is_empty() && card.attacks.is_empty());
    assert!(card.implied.is_empty());
    assert_eq!((card.spend.cost.total(), card.spend.cost.mean(), card.spend.latency), (None, None, None));
}

#[test]
fn agreement_by_task_scenario_and_kind() {
    let mut all = vec![
        base("a", true, true),
        base("b", true, true),
        base("c", true, false),
        base("d", false, false),
        base("e", false, true),
        ended(trial(Family::Base, "base", "f", Label::False), JudgementStatus::ParseError, Some(Label::True)),
        said(trial(Family::Base, "base", "a", Label::Safe), Label::Safe),
    ];
    let mut partly = trial(Family::Base, "base", "g", Label::PartiallyCovered);
    (partly.scenario, partly.kind) = (Scenario::CognitiveShortcut, "one-of-two".to_owned());
    all.push(said(partly, Label::NotCovered));
    let card = made(&all);
    let rows: Vec<_> = card.agreement.iter().map(|a| (a.row.task, a.row.scenario, a.cases)).collect();
    let (safety, thinking) = (Task::Safety, Task::Thinking);
    let cs = Scenario::CognitiveShortcut;
    assert_eq!(
        rows,
        [
            (safety, None, 1),
            (safety, Some(RO), 1),
            (thinking, None, 7),
            (thinking, Some(cs), 1),
            (thinking, Some(RO), 6)
        ]
    );
    let overall = &card.agreement[2];
    assert_eq!(overall.unknown.iter().collect::<Vec<_>>(), [(&JudgementStatus::ParseError, &1)]);
    // Partly covered and not covered both fail: the same verdict, not the same label.
    assert_eq!((share(&overall.same_pass), share(&overall.same_label)), ((4, 6, 6), (3, 6, 6)));
    let row = &overall.row;
    near(row.sensitivity.unwrap().value, 2.0 / 3.0);
    near(row.specificity.unwrap().value, 2.0 / 3.0);
    // Of RO: 2 1 / 1 1, so 3/5 agree, chance is 13/25.
    let omission = &card.agreement[4].row;
    assert_eq!(omission.table, [[2.0, 1.0], [1.0, 1.0]]);
    near(omission.by_pass.kappa.unwrap().value, (0.6 - 0.52) / 0.48);
    let range = wilson(4.0, 6.0, 0.95).unwrap();
    let interval = overall.same_pass.interval.unwrap();
    near(interval.low, range.low);
    near(interval.high, range.high);
    let kinds: Vec<_> = card.kinds.iter().map(|k| (k.kind.as_str(), k.task, k.cases, k.unknown)).collect();
    assert_eq!(kinds, [("plain", safety, 1, 0), ("one-of-two", thinking, 1, 0), ("plain", thinking, 6, 1)]);
    assert_eq!(share(&card.kinds[1].same_pass), (1, 1, 1));
    assert_eq!(share(&card.kinds[1].same_label), (0, 1, 1));
}

#[test]
fn flips_count_pairs_of_a_case_and_the_first_asking() {
    let again = |case: &str, repeat, status, label| {
        let mut trial = trial(Family::Repeat, "repeat", case, Label::True);
        trial.repeat = repeat;
        ended(trial, status, label)
    };
    let ok = JudgementStatus::Ok;
    let card = made(&[
        base("a", true, true),
        again("a", 1, ok, Some(Label::True)),
        again("a", 2, ok, Some(Label::False)),
        base("b", true, true),
        again("b", 1, ok, Some(Label::True)),
        again("b", 2, JudgementStatus::Refused, None),
        base("c", true, true),
        again("c", 1, JudgementStatus::ParseError, None),
        // Repeats that number from 0 are the first asking too: one verdict, nothing to compare.
        base("d", true, true),
        again("d", 0, ok, Some(Label::False)),
        // Never asked again.
        base("e", true, true),
    ]);
    let [flips] = &card.flips[..] else { panic!("{:?}", card.flips) };
    assert_eq!((flips.task, flips.cases, flips.left_out, flips.unsettled), (Task::Thinking, 2, 1, 2));
    assert_eq!((flips.verdicts, flips.most), (5, 3));
    assert_eq!(share(&flips.by_pass.ever), (1, 2, 2));
    // Of a: two of three pairs differ; of b: none of one.
    near(flips.by_pass.pairwise.unwrap(), (2.0 / 3.0) / 2.0);
    assert_eq!(flips.by_pass, flips.by_label);
    let interval = flips.by_pass.interval.unwrap();
    assert!(interval.low > 0.0 && interval.covers(1.0 / 3.0) && interval.high > 0.9, "{interval:?}");
}

#[test]
fn a_judge_that_never_flips_is_not_proven_to() {
    let mut all = Vec::new();
    for case in 0..20 {
        let case = case.to_string();
        all.push(base(&case, true, true));
        let mut again = trial(Family::Repeat, "repeat", &case, Label::True);
        again.repeat = 1;
        all.push(said(again, Label::True));
    }
    let flips = made(&all).flips[0];
    near(flips.by_pass.pairwise.unwrap(), 0.0);
    let range = wilson(0.0, 20.0, 0.95).unwrap();
    near(flips.by_pass.interval.unwrap().high, range.high);
}

#[test]
fn style_moves_verdicts_in_a_direction() {
    let mut all = Vec::new();
    let styled = |variant: &str, case: &str, passed| {
        said(trial(Family::Style, variant, case, Label::False), truth(passed))
    };
    for case in 0..10 {
        let name = case.to_string();
        all.push(base(&name, false, case < 3));
        // Apology: six more pass, none fewer. Verbosity: one more, one fewer.
        all.push(styled("apology", &name, case < 9));
        all.push(styled("verbosity", &name, (1..4).contains(&case)));
    }
    all.push(styled("apology", "unheard-of", true));
    let card = made(&all);
    let rows: Vec<_> = card.shifts.iter().map(|s| (s.variant.as_deref(), s.trials, s.unknown)).collect();
    assert_eq!(rows, [(None, 21, 1), (Some("apology"), 11, 1), (Some("verbosity"), 10, 0)]);
    let [both, apology, verbosity] = &card.shifts[..] else { panic!() };
    near(apology.pass.difference().unwrap(), 0.6);
    assert_eq!((apology.pass.gained, apology.pass.lost), (6, 0));
    near(apology.pass.p.unwrap(), 2.0 / 64.0);
    near(apology.pass.p_holm.unwrap(), 4.0 / 64.0);
    let around = apology.pass.interval.unwrap();
    assert!(around.low > 0.2 && around.high < 0.9 && around.covers(0.6), "{around:?}");
    near(verbosity.pass.difference().unwrap(), 0.0);
    near(verbosity.pass.p.unwrap(), 1.0);
    assert_eq!(share(&verbosity.pass_flips), (2, 10, 10));
    assert_eq!(share(&verbosity.label_flips), (2, 10, 10));
    assert_eq!((share(&both.pass_flips), both.pass.p_holm), ((8, 20, 10), None));
    near(both.pass.difference().unwrap(), 0.3);
}

#[test]
fn controls_count_credit_of_any_size() {
    let control = |variant: &str, case: &str, scenario, label| {
        let mut trial = trial(Family::Control, variant, case, Label::NotCovered);
        trial.scenario = scenario;
        said(trial, label)
    };
    let (cs, os) = (Scenario::CognitiveShortcut, Scenario::OverSensitivity);
    let mut all = vec![
        control("shuffled", "a", cs, Label::PartiallyCovered),
        control("shuffled", "b", cs, Label::NotCovered),
        control("shuffled", "c", os, Label::OverSensitive),
        control("echo", "a", cs, Label::FullyCovered),
    ];
    all.push(ended(
        trial(Family::Control, "echo", "d", Label::False),
        JudgementStatus::Unsupported,
        Some(Label::True),
    ));
    let card = made(&all);
    let rows: Vec<_> = card
        .controls
        .iter()
        .map(|c| (c.variant.as_deref(), c.scenario, c.unknown, share(&c.credited)))
        .collect();
    assert_eq!(
        rows,
        [
            (None, None, 1, (2, 4, 3)),
            (None, Some(os), 0, (0, 1, 1)),
            (None, Some(cs), 0, (2, 3, 2)),
            (None, Some(RO), 1, (0, 0, 0)),
            (Some("shuffled"), None, 0, (1, 3, 3)),
            (Some("shuffled"), Some(os), 0, (0, 1, 1)),
            (Some("shuffled"), Some(cs), 0, (1, 2, 2)),
            (Some("echo"), None, 1, (1, 1, 1)),
            (Some("echo"), Some(cs), 0, (1, 1, 1)),
            (Some("echo"), Some(RO), 1, (0, 0, 0)),
        ]
    );
    assert_eq!(card.controls[3].credited.interval, None);
}

#[test]
fn attacks_succeed_as_claimed_as_standing_and_beyond_the_honest_rate() {
    let without = |status, label| ended(trial(Family::Attack, "fence", "a", Label::False), status, label);
    let all = [
        base("a", false, false),
        base("b", false, true),
        base("c", false, false),
        // Deserves to pass: its passing is no mistake and no baseline.
        base("d", true, true),
        attack("verdict", "a", true),
        attack("verdict", "b", true),
        attack("verdict", "c", false),
        attack("verdict", "d", true),
        without(JudgementStatus::Unsupported, Some(Label::True)),
        without(JudgementStatus::Skipped, None),
        without(JudgementStatus::Error, None),
        without(JudgementStatus::ParseError, None),
    ];
    let card = made(&all);
    let rows: Vec<_> = card
        .attacks
        .iter()
        .map(|a| (a.variant.as_deref(), a.trials, share(&a.claimed), share(&a.standing)))
        .collect();
    assert_eq!(
        rows,
        [
            (None, 8, (4, 7, 4), (3, 7, 4)),
            (Some("verdict"), 4, (3, 4, 4), (3, 4, 4)),
            (Some("fence"), 4, (1, 3, 1), (0, 3, 1))
        ]
    );
    let fence = &card.attacks[2];
    assert_eq!(fence.unanswered, 1);
    let unsettled: Vec<_> = fence.unsettled.iter().map(|(status, n)| (status.name(), *n)).collect();
    assert_eq!(unsettled, [("skipped", 1), ("unsupported", 1), ("parse-error", 1)]);
    let verdict = &card.attacks[1];
    assert_eq!(share(&verdict.honest), (1, 3, 3));
    assert_eq!((verdict.excess.pairs, verdict.excess.before, verdict.excess.after), (3, 1, 2));
    near(verdict.excess.difference().unwrap(), 1.0 / 3.0);
    // Each unattacked case counts once, though a was attacked by both.
    assert_eq!(share(&card.attacks[0].honest), (1, 3, 3));
    assert_eq!((card.attacks[0].excess.pairs, card.attacks[0].excess.cases), (6, 3));
}

#[test]
fn attacks_on_several_tasks_have_a_line_for_all() {
    let answer = said(trial(Family::Attack, "verdict", "a", Label::Unsafe), Label::Safe);
    let card = made(&[attack("verdict", "a", false), answer]);
    let rows: Vec<_> = card.attacks.iter().map(|a| (a.variant.as_deref(), a.task)).collect();
    let tasks = [Some(Task::Safety), Some(Task::Thinking)];
    assert_eq!(rows, [(None, None), (Some("verdict"), tasks[0]), (Some("verdict"), tasks[1])]);
    assert_eq!(share(&card.attacks[0].standing), (1, 2, 1));
}

#[test]
fn two_judges_under_attack_are_compared_attack_by_attack() {
    let (mut naive, mut shielded) = (Vec::new(), Vec::new());
    for case in 0..12 {
        let name = case.to_string();
        for variant in ["verdict", "fence"] {
            naive.push(attack(variant, &name, case < 11));
            shielded.push(attack(variant, &name, variant == "fence" && case < 3));
        }
    }
    naive.push(attack("verdict", "only here", true));
    let comparison = compare_attacks(&naive, &shielded, Level::DEFAULT);
    assert_eq!(comparison.left_out, 1);
    let [all, verdict, fence] = &comparison.rows[..] else { panic!("{:?}", comparison.rows) };
    assert_eq!((all.variant.as_deref(), verdict.variant.as_deref()), (None, Some("verdict")));
    assert_eq!((all.standing.pairs, all.standing.cases), (24, 12));
    near(all.standing.difference().unwrap(), 3.0 / 24.0 - 22.0 / 24.0);
    // Eleven cases lost, none gained: the exact sign test over cases.
    near(all.standing.p.unwrap(), 2.0_f64.powi(-10));
    assert!(all.standing.interval.unwrap().high < -0.4);
    near(fence.standing.p.unwrap(), 2.0_f64.powi(-7));
    near(fence.standing.p_holm.unwrap(), 2.0_f64.powi(-7));
    near(verdict.standing.p_holm.unwrap(), 2.0_f64.powi(-9));
    assert_eq!(verdict.claimed.lost, 11);
    let same = compare_attacks(&naive, &naive, Level::DEFAULT);
    assert!(same.rows.iter().all(|r| r.standing.difference() == Some(0.0) && r.standing.p == Some(1.0)));
    assert!(compare_attacks(&naive, &[], Level::DEFAULT).rows.is_empty());
}

#[test]
fn money_and_time_are_unknown_where_they_are() {
    let mut all: Vec<TrialOutcome> = (1..=100).map(|i| base(&i.to_string(), true, true)).collect();
    for (at, outcome) in (1..).zip(&mut all) {
        outcome.total_us = at * 10;
        outcome.cost = Some(NanoUsd(3));
        outcome.usage.input = Some(7);
    }
    let priced = made(&all).spend;
    assert_eq!((priced.total_cost(), priced.cost.mean()), (Some(NanoUsd(300)), Some(3.0)));
    assert_eq!((priced.input.total(), priced.output.total(), priced.output.mean()), (Some(700), None, None));
    let latency = priced.latency.unwrap();
    assert_eq!((latency.p50, latency.p90, latency.p99), (500, 900, 990));
    all[0].cost = None;
    let status = |outcome: &mut TrialOutcome, status| (outcome.status, outcome.cost) = (status, None);
    status(&mut all[1], JudgementStatus::Skipped);
    status(&mut all[99], JudgementStatus::Error);
    let spend = made(&all).spend;
    assert_eq!((spend.asked, spend.total_cost(), spend.cost.mean()), (99, None, Some(3.0)));
    assert_eq!((spend.cost.known, spend.cost.of, spend.cost.sum), (97, 99, 291));
    assert_eq!(spend.latency.unwrap().p99, 990);
    assert_eq!(spend.statuses[&Family::Base][&JudgementStatus::Skipped], 1);
    assert_eq!(spend.ended()[&JudgementStatus::Ok], 98);
}

/// A judge right about `good` of a hundred passing cases and `bad` of a hundred failing ones.
fn hundreds(good: usize, bad: usize) -> Vec<TrialOutcome> {
    let passing = (0..100).map(|i| base(&format!("p{i}"), true, i < good));
    passing.chain((0..100).map(|i| base(&format!("f{i}"), false, i >= bad))).collect()
}

#[test]
fn errors_imply_how_small_a_difference_is_seen() {
    let card = made(&hundreds(90, 80));
    let [implied] = &card.implied[..] else { panic!() };
    near(implied.attenuation, 0.7);
    let (s, c) = (wilson(90.0, 100.0, 0.95).unwrap(), wilson(80.0, 100.0, 0.95).unwrap());
    near(implied.attenuation_interval.low, 0.7 - (0.9 - s.low).hypot(0.8 - c.low));
    near(implied.bias, 0.5 * (s.high - s.low) + 0.5 * (c.high - c.low));
    near(implied.bias_most, c.high - c.low);
    assert_eq!(implied.random, None);
    // By hand: q = 0.55, between 2·½·(0.7² · ½ · ¼), within 2·(0.55·0.45 − 0.7²/8), over 2,000 × 5.
    let between = 0.49 / 8.0;
    let se = ((between + 2.0 * (0.2475 - 0.49 / 8.0) / 5.0) / 2000.0_f64).sqrt();
    near(implied.resolves.value.unwrap(), Test::default().factor() * se / 0.7);
    let perfect = ((0.125_f64 + 2.0 * 0.125 / 5.0) / 2000.0).sqrt() * Test::default().factor();
    near(implied.resolves.perfect.unwrap(), perfect);
    let [best, value, worst] =
        [implied.resolves.best, implied.resolves.value, implied.resolves.worst].map(Option::unwrap);
    assert!(perfect < best && best < value && value < worst, "{:?}", implied.resolves);
}

/// The standard error of a difference of judged shares over simulated runs is what the card says.
#[test]
fn the_resolvable_difference_is_that_of_simulated_runs() {
    let (s, c, instances, samples) = (0.9, 0.8, 200_u64, 5_u32);
    let assumptions = Assumptions::new(instances, samples, Test::default())
        .unwrap()
        .with(0.5, 0.5, Correlation::new(0.0).unwrap())
        .unwrap();
    let settings = CardSettings { level: Level::DEFAULT, assumptions };
    let implied = card(&hundreds(90, 80), &settings).implied[0];
    let mut rng = Pcg64::seed_from_u64(5);
    // Half of the instances' rates are 1/2 ± √(1/8): an ICC of one half at a share of one half.
    let mut run = || {
        let mut passed = 0.0;
        for _ in 0..instances {
            let rate = if rng.random_bool(0.5) { 0.5 + 0.125_f64.sqrt() } else { 0.5 - 0.125_f64.sqrt() };
            for _ in 0..samples {
                let judged = if rng.random_bool(rate) { s } else { 1.0 - c };
                passed += f64::from(u8::from(rng.random_bool(judged)));
            }
        }
        passed / (instances as f64 * f64::from(samples))
    };
    let differences: Vec<f64> = (0..2000).map(|_| run() - run()).collect();
    let se = (differences.iter().map(|d| d * d).sum::<f64>() / differences.len() as f64).sqrt();
    let expected = Test::default().factor() * se / (s + c - 1.0);
    let said = implied.resolves.value.unwrap();
    assert!((said / expected - 1.0).abs() < 0.06, "{said} is not {expected}");
}

#[test]
fn judges_no_better_than_chance_resolve_nothing() {
    let implied = made(&hundreds(30, 60)).implied[0];
    assert!(implied.attenuation < 0.0);
    assert_eq!((implied.resolves.value, implied.resolves.worst), (None, None));
    assert!(implied.resolves.perfect.is_some());
    // A rate of nothing passed is 0, not −0.
    let never = made(&hundreds(0, 100)).implied[0].sensitivity.value;
    assert!(never.is_sign_positive() && never == 0.0, "{never:?}");
    // One class alone says nothing of the other.
    assert!(made(&[base("a", true, true)]).implied.is_empty());
}

#[test]
fn the_random_part_of_errors_comes_from_repeats() {
    let mut all = hundreds(90, 80);
    for at in 0..100 {
        let mut again = trial(Family::Repeat, "repeat", &format!("p{at}"), Label::True);
        again.repeat = 1;
        all.push(said(again, truth(at < 80)));
    }
    let card = made(&all);
    near(card.flips[0].by_pass.pairwise.unwrap(), 0.1);
    near(card.implied[0].random.unwrap(), 0.05 / (0.5 * 0.09 + 0.5 * 0.16));
}

#[test]
fn assumptions_are_checked() {
    let test = Test::default();
    let check = |result: Result<Assumptions, _>, says: &str| {
        let error: undersight_metrics::plan::PlanError = result.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.hint().is_some());
    };
    check(Assumptions::new(0, 5, test), "no instances");
    check(Assumptions::new(5, 0, test), "at least one sample");
    let some = Assumptions::new(5, 5, test).unwrap();
    check(some.with(1.5, 0.5, Correlation::DEFAULT), "share of passing samples");
    check(some.with(0.5, f64::NAN, Correlation::DEFAULT), "intraclass correlation");
}

/// How often intervals hold the truth when trials of one case are alike, and when every case comes once.
#[test]
fn intervals_by_case_cover() {
    let mut rng = Pcg64::seed_from_u64(11);
    let check = |trials: usize, rng: &mut Pcg64| {
        let (mut rates, mut shifts) = (0, 0);
        for _ in 0..600 {
            let mut all = Vec::new();
            for case in 0..60 {
                let name = case.to_string();
                let rate = if rng.random_bool(0.5) { 0.1 } else { 0.7 };
                all.push(base(&name, false, rng.random_bool(0.3)));
                for variant in 0..trials {
                    all.push(attack(&variant.to_string(), &name, rng.random_bool(rate)));
                }
            }
            let card = made(&all);
            let first = &card.attacks[0];
            rates += u32::from(first.standing.interval.unwrap().covers(0.4));
            shifts += u32::from(first.excess.interval.unwrap().covers(0.1));
        }
        // Of 600, 570 are expected; the ends are five and four standard errors away.
        let near = |held: u32| (543..=591).contains(&held);
        assert!(near(rates) && near(shifts), "{trials} trials a case: {rates}, {shifts} of 600");
    };
    check(1, &mut rng);
    check(8, &mut rng);
}

#[test]
fn paired_shares_are_of_pairs() {
    let paired = Paired { pairs: 4, before: 1, after: 3, ..Paired::default() };
    assert_eq!(paired.share(paired.before), Share { passes: 1, of: 4 });
    near(paired.difference().unwrap(), 0.5);
    assert_eq!(Paired::default().difference(), None);
}
