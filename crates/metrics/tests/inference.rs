//! Standard errors, intervals and the bootstrap: against functions checked elsewhere, against each other, and against
//! simulated populations.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use testkit::population::Population;
use undersight_core::{Scenario, Study, Task};
use undersight_metrics::inference::linear;
use undersight_metrics::stats::{Correction, cluster_se};
use undersight_metrics::{
    Alpha, Clustering, Estimand, Group, Inference, Level, Measure, Method, Missing, Panel, Quantity, Scores,
    Scoring, resample, score_panels, scores,
};

const SAFE: Measure = Measure::AtOne(Task::Safety);
const THINK: Measure = Measure::AtOne(Task::Thinking);

fn drawn(share: f64, k: u32, seed: u64) -> Study {
    Population::TYPICAL.draw(&Population::items(share), k, seed)
}

fn scored(study: &Study, change: impl Fn(&mut Inference)) -> Scores {
    let mut inference = Inference { replicates: 2_000, ..Inference::default() };
    change(&mut inference);
    scores(study, &Scoring { inference, ..Scoring::default() })
}

fn members(panel: &Panel, group: Group) -> Vec<usize> {
    (0..panel.items.len()).filter(|i| group.has(&panel.items[*i])).collect()
}

#[test]
fn in_one_scenario_it_is_the_clustered_standard_error_of_a_mean() {
    let panel = Panel::of(&drawn(0.1, 4, 1));
    for scenario in Scenario::ALL {
        let members = members(&panel, Group::Scenario(scenario));
        let (mut values, mut groups) = (Vec::new(), Vec::new());
        for item in &members {
            let tally = panel.cells[*item].of(Task::Thinking);
            for at in 0..tally.total() {
                values.push(f64::from(u8::from(at < tally.yes)));
                groups.push(panel.clusters[*item]);
            }
        }
        let line = linear(&panel, &members, THINK, Missing::Fail, &Inference::default());
        let wanted = cluster_se(&values, &groups, Correction::Small).unwrap();
        assert!((line.se().unwrap() - wanted).abs() < 1e-12, "{scenario:?}: {:?} {wanted}", line.se());
    }
}

#[test]
fn the_bootstrap_spreads_as_the_linearisation_says() {
    let panel = Panel::of(&drawn(0.5, 5, 2));
    let inference = Inference { replicates: 4_000, ..Inference::default() };
    let measures =
        [SAFE, THINK, Measure::Ssa, Measure::Lucky, Measure::Escape, Measure::AllOf(Task::Safety, 5)];
    let groups = [Group::All, Group::Scenario(Scenario::CognitiveShortcut)];
    for missing in [Missing::Fail, Missing::Exclude] {
        let drawn = resample(&[&panel], &groups, &measures.map(Quantity::Share), missing, &inference);
        for group in groups {
            for measure in measures {
                let values = drawn.of(0, group, Quantity::Share(measure));
                assert_eq!(values.len(), 4_000);
                let n = 4_000.0;
                let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
                let sd = (values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n).sqrt();
                let line = linear(&panel, &members(&panel, group), measure, missing, &inference);
                let (value, se) = (line.value().unwrap(), line.se().unwrap());
                assert!((mean - value).abs() < 0.15 * se, "{measure} {group:?}: mean {mean}, value {value}");
                assert!((sd / se - 1.0).abs() < 0.08, "{measure} {group:?}: sd {sd}, se {se}");
            }
        }
    }
}

#[test]
fn draws_belong_to_the_instances_and_the_seed() {
    let panels = [3, 4].map(|seed| Panel::of(&drawn(0.1, 3, seed)));
    let inference = Inference { replicates: 333, ..Inference::default() };
    let quantities = [Quantity::Share(SAFE), Quantity::F(Alpha::DEFAULT, THINK, SAFE)];
    let of = |panels: &[&Panel], at: usize, inference: &Inference| {
        resample(panels, &[Group::All], &quantities, Missing::Fail, inference).of(
            at,
            Group::All,
            quantities[0],
        )
    };
    let alone = of(&[&panels[1]], 0, &inference);
    assert_eq!(of(&[&panels[0], &panels[1]], 1, &inference), alone, "beside another panel");
    assert_ne!(of(&[&panels[1]], 0, &Inference { seed: 1, ..inference }), alone, "another seed");
    let scoring = Scoring { inference, ..Scoring::default() };
    let together = score_panels(&panels, &scoring);
    for (panel, scores) in panels.iter().zip(together) {
        assert_eq!(scores, undersight_metrics::score_panel(panel, &scoring));
    }
}

#[test]
fn shared_texts_widen_and_fixed_instances_narrow() {
    let study = drawn(1.0, 5, 5);
    let width = |change: fn(&mut Inference)| {
        let scores = scored(&study, change);
        let cs = scores.scenario(Scenario::CognitiveShortcut).unwrap().think.at_1;
        cs.interval.unwrap().width()
    };
    let usual = width(|_| {});
    assert!(width(|i| i.clustering = Clustering::Instances) < 0.95 * usual);
    assert!(width(|i| i.estimand = Estimand::FixedInstances) < 0.7 * usual);
    assert!(width(|i| i.level = Level::new(0.8).unwrap()) < 0.75 * usual);
}

#[test]
fn the_method_asked_for_is_the_one_used_and_small_groups_choose_theirs() {
    let large = drawn(1.0, 5, 6);
    let method =
        |change: fn(&mut Inference)| scored(&large, change).overall.safe.at_1.interval.unwrap().method;
    assert_eq!(method(|_| {}), Method::Bootstrap);
    assert_eq!(method(|i| i.method = Method::Normal), Method::Normal);
    assert_eq!(method(|i| i.method = Method::Wilson), Method::Wilson);
    assert_eq!(method(|i| i.method = Method::Beta), Method::Beta);
    assert_eq!(method(|i| i.method = Method::Exact), Method::Exact);
    assert_eq!(method(|i| i.replicates = 0), Method::Wilson);
    let small = scored(&drawn(0.05, 5, 7), |_| {});
    assert!(matches!(small.overall.think.at_1.interval.unwrap().method, Method::Wilson));
    assert_eq!(
        small.scenario(Scenario::CognitiveShortcut).unwrap().think.at_k.interval.unwrap().method,
        Method::Exact
    );
}

#[test]
fn leaving_out_what_is_missing_at_random_does_not_bias() {
    let (mut complete, mut left) = ([0.0; 3], [0.0; 3]);
    for seed in 0..40 {
        let mut study = drawn(0.2, 5, 100 + seed);
        let scoring = |missing| Scoring {
            missing,
            inference: Inference { replicates: 0, ..Inference::default() },
            ..Scoring::default()
        };
        let three = |s: Scores| {
            [s.overall.think.at_k, s.overall.ssa, s.overall.safe.at_1].map(|e| e.value().unwrap() / 40.0)
        };
        let add = |sum: &mut [f64; 3], more: [f64; 3]| sum.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        add(&mut complete, three(scores(&study, &scoring(Missing::Fail))));
        for (at, outcome) in study.outcomes.iter_mut().enumerate() {
            let lost = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(seed) >> 40;
            if lost.is_multiple_of(12) {
                outcome.thinking = None;
            }
            if lost % 12 == 1 {
                outcome.safety = None;
            }
        }
        add(&mut left, three(scores(&study, &scoring(Missing::Exclude))));
    }
    for (whole, rest) in complete.into_iter().zip(left) {
        assert!((whole - rest).abs() < 0.012, "{complete:?} {left:?}");
    }
}

#[test]
fn an_f_score_is_never_certain_by_accident() {
    let mut study = drawn(0.1, 5, 8);
    for outcome in &mut study.outcomes {
        outcome.thinking = outcome.truth.as_ref().and(outcome.thinking).map(|mut verdict| {
            verdict.label =
                undersight_core::Label::allowed(Task::Thinking, study.items[outcome.item].scenario)
                    .last()
                    .copied();
            verdict
        });
    }
    for replicates in [0, 500] {
        let f = scored(&study, |i| i.replicates = replicates).f;
        assert_eq!(f.value, Some(0.0));
        let interval = f.interval.unwrap();
        assert!(interval.low <= 0.0 && interval.high > 0.01, "{interval:?}");
    }
}
