//! What is drawn for labelling, by every plan: how many of each stratum, with which probability, and without bias.

use std::collections::HashMap;

use undersight_metrics::judge_error::{Allocation, Draw, DrawError, Strata, draw as draw_by};

use super::*;

/// Samples of a draw by scenario, in the order of [`Scenario::ALL`].
fn shares(study: &Study, drawn: &[Drawn]) -> [usize; 3] {
    Scenario::ALL.map(|s| drawn.iter().filter(|d| study.items[d.item].scenario == s).count())
}

/// Verdicts of another judge of the same samples.
fn second(study: &Study, agrees: f64, seed: u64) -> Study {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut other = Study { name: "second".to_owned(), ..study.clone() };
    for outcome in &mut other.outcomes {
        let scenario = study.items[outcome.item].scenario;
        let mut turned = |verdict: Option<Verdict>, task| {
            let verdict = verdict.filter(|_| random.random_bool(0.9))?;
            let passes = verdict.passes()? == random.random_bool(agrees);
            Some(Verdict { label: Some(label(task, scenario, passes)), ..verdict })
        };
        outcome.safety = turned(outcome.safety, TASKS[0]);
        outcome.thinking = turned(outcome.thinking, TASKS[1]);
    }
    other
}

const PLANS: [(Strata, Allocation); 8] = [
    (Strata { label: false, disagreement: false }, Allocation::Proportional),
    (Strata { label: false, disagreement: false }, Allocation::Equal),
    (Strata { label: false, disagreement: false }, Allocation::Emphasis),
    (Strata { label: false, disagreement: true }, Allocation::Proportional),
    (Strata { label: true, disagreement: false }, Allocation::Proportional),
    (Strata { label: true, disagreement: false }, Allocation::Equal),
    (Strata { label: true, disagreement: true }, Allocation::Equal),
    (Strata { label: true, disagreement: true }, Allocation::Emphasis),
];

#[test]
fn draws_are_shared_out_without_replacement() {
    let shape = Shape { items: [20, 120, 60], ..LARGE };
    let mut study = World::new(shape, 1).study;
    for (allocation, n, expected) in [
        (Allocation::Proportional, 100, [10, 60, 30]),
        (Allocation::Proportional, 4, [1, 2, 1]),
        (Allocation::Proportional, 5000, [100, 600, 300]),
        (Allocation::Equal, 100, [34, 33, 33]),
        (Allocation::Equal, 400, [100, 150, 150]),
        (Allocation::Equal, 3, [1, 1, 1]),
    ] {
        let plan = DrawPlan { allocation, seed: 7, ..DrawPlan::default() };
        let Draw { samples: drawn, strata } = draw_by(&study, &[], n, &plan).unwrap();
        assert_eq!(shares(&study, &drawn), expected, "{allocation:?} {n}");
        assert_eq!(strata.iter().map(|s| s.drawn).collect::<Vec<_>>(), expected);
        assert_eq!(strata.iter().map(|s| s.size).collect::<Vec<_>>(), [100, 600, 300]);
        let places: HashSet<(usize, u32)> = drawn.iter().map(|d| (d.item, d.index)).collect();
        assert_eq!(places.len(), drawn.len(), "none twice");
        let in_order = drawn.windows(2).all(|w| (w[0].item, w[0].index) < (w[1].item, w[1].index));
        assert!(!in_order || drawn.len() < 5, "in a random order");
        for d in &drawn {
            let place = Scenario::ALL.iter().position(|s| *s == study.items[d.item].scenario).unwrap();
            near(d.probability, expected[place] as f64 / [100.0, 600.0, 300.0][place], 1e-15);
        }
    }
    assert_eq!(draw(&study, 50, 3), draw(&study, 50, 3));
    assert_ne!(draw(&study, 50, 3), draw(&study, 50, 4));
    // Only samples with something to correct, and one verdict will do.
    for outcome in &mut study.outcomes {
        outcome.safety = None;
        if outcome.index > 0 {
            outcome.thinking = None;
        }
    }
    assert!(draw(&study, 1000, 3).iter().all(|d| d.index == 0 && d.probability == 1.0));
    assert_eq!(draw(&study, 1000, 3).len(), 200);
}

#[test]
fn a_larger_draw_contains_every_smaller_one() {
    let study = World::new(Shape { items: [6, 30, 15], ..LARGE }, 1).study;
    let others = [second(&study, 0.8, 1)];
    for (by, allocation) in PLANS {
        let plan = DrawPlan { by, allocation, seed: 3 };
        let drawn = |n| draw_by(&study, &others, n, &plan).map(|draw| draw.samples);
        let (fewest, most) = (drawn(study.outcomes.len()).unwrap().len(), study.outcomes.len());
        assert_eq!(fewest, most, "all have a verdict");
        let mut before: HashSet<(usize, u32)> = HashSet::new();
        for n in 0..=most {
            let Ok(samples) = drawn(n) else { continue };
            assert_eq!(samples.len(), n);
            let now: HashSet<_> = samples.iter().map(|d| (d.item, d.index)).collect();
            assert!(before.is_subset(&now), "{plan:?} {n}");
            before = now;
        }
        assert_eq!(before.len(), most);
    }
}

#[test]
fn strata_are_what_they_say() {
    let study = World::new(Shape { items: [20, 120, 60], ..LARGE }, 1).study;
    let others = [second(&study, 0.9, 1), second(&study, 0.9, 2)];
    let passes = |v: Option<Verdict>| v.and_then(Verdict::passes);
    let disputed = |d: &Drawn| {
        let at = d.item * K as usize + d.index as usize;
        let all: Vec<&Outcome> = others.iter().chain([&study]).map(|s| &s.outcomes[at]).collect();
        [|o: &Outcome| o.safety, |o: &Outcome| o.thinking]
            .into_iter()
            .any(|of| [true, false].iter().all(|wanted| all.iter().any(|o| passes(of(o)) == Some(*wanted))))
    };
    for (by, allocation) in PLANS {
        let plan = DrawPlan { by, allocation, seed: 5 };
        let Draw { samples, strata } = draw_by(&study, &others, 200, &plan).unwrap();
        assert_eq!((samples.len(), strata.iter().map(|s| s.drawn).sum::<usize>()), (200, 200));
        assert_eq!(strata.iter().map(|s| s.size).sum::<usize>(), 1000);
        let mut counts: HashMap<usize, usize> = HashMap::new();
        for d in &samples {
            let outcome = &study.outcomes[d.item * K as usize + d.index as usize];
            let labels = [outcome.safety, outcome.thinking].map(|v| v.and_then(|v| v.label));
            let mine = |s: &undersight_metrics::judge_error::Stratum| {
                s.scenario == study.items[d.item].scenario
                    && s.labels.is_none_or(|of| of == labels)
                    && s.disagree.is_none_or(|of| of == disputed(d))
            };
            let at = strata.iter().position(mine).unwrap();
            assert_eq!(strata.iter().filter(|s| mine(s)).count(), 1);
            near(d.probability, strata[at].drawn as f64 / strata[at].size as f64, 1e-15);
            *counts.entry(at).or_default() += 1;
        }
        assert!(strata.iter().enumerate().all(|(at, s)| counts[&at] == s.drawn && s.drawn > 0));
        let by_disagreement = by.disagreement || allocation == Allocation::Emphasis;
        assert!(
            strata.iter().all(|s| s.labels.is_some() == by.label && s.disagree.is_some() == by_disagreement)
        );
        if allocation == Allocation::Emphasis {
            assert_eq!(samples.iter().filter(|d| disputed(d)).count(), 100, "half of them");
        }
        if (by.label, allocation) == (true, Allocation::Equal) {
            let smallest = strata.iter().filter(|s| s.drawn < s.size).map(|s| s.drawn);
            let (least, most) = (smallest.clone().min().unwrap(), smallest.max().unwrap());
            assert!(most - least <= 1, "{strata:?}");
        }
    }
    // Where judges hardly disagree the other half fills up.
    let alike = [Study { name: "again".to_owned(), ..study.clone() }];
    let plan = DrawPlan { allocation: Allocation::Emphasis, ..DrawPlan::default() };
    let Draw { samples, strata } = draw_by(&study, &alike, 200, &plan).unwrap();
    assert_eq!((samples.len(), strata.len()), (200, 3));
    assert!(strata.iter().all(|s| s.disagree == Some(false)));
}

#[test]
fn what_cannot_be_drawn() {
    let study = World::new(Shape { items: [2, 4, 4], ..LARGE }, 1).study;
    let check = |study: &Study, others: &[Study], n, plan: DrawPlan, expected: DrawError, told: &str| {
        let error = draw_by(study, others, n, &plan).unwrap_err();
        assert_eq!(error, expected);
        assert_eq!(error.to_string(), told);
        assert!(error.hint().is_some());
    };
    let plan = DrawPlan::default();
    let few = |n, strata| DrawError::TooFew { n, strata };
    check(&study, &[], 2, plan, few(2, 3), "2 samples are fewer than the 3 strata to draw them from");
    check(&study, &[], 0, plan, few(0, 3), "0 samples are fewer than the 3 strata to draw them from");
    let none = Study { items: Vec::new(), outcomes: Vec::new(), ..study.clone() };
    check(&none, &[], 10, plan, DrawError::NothingJudged, "no sample of the run has a verdict yet");
    let emphasis = DrawPlan { allocation: Allocation::Emphasis, ..plan };
    let by = Strata { disagreement: true, ..Strata::default() };
    for plan in [emphasis, DrawPlan { by, ..plan }] {
        let told = "disagreement needs the verdicts of another judge, or of a repeat";
        check(&study, &[], 10, plan, DrawError::NothingToCompare, told);
        let told = "\"run\" does not have the same instances and samples";
        let mut other = study.clone();
        other.items[1].id = "another".to_owned();
        check(&study, &[study.clone(), other], 10, plan, DrawError::OtherRun { run: "run".to_owned() }, told);
    }
}

#[test]
fn each_sample_is_as_likely_as_stated() {
    let study = World::new(Shape { items: [0, 3, 1], ..LARGE }, 1).study;
    let mut counts = vec![0.0; study.outcomes.len()];
    let draws = 4000;
    for seed in 0..draws {
        for d in draw(&study, 8, seed) {
            near(d.probability, 0.4, 1e-15);
            counts[d.item * K as usize + d.index as usize] += 1.0 / f64::from(u32::try_from(draws).unwrap());
        }
    }
    // Five standard errors of a share.
    counts.into_iter().for_each(|share| near(share, 0.4, 5.0 * (0.24_f64 / 4000.0).sqrt()));
}

/// Horvitz and Thompson's mean of the truth, over draws, is the truth, whatever the plan.
#[test]
fn weighted_means_are_unbiased_under_every_plan() {
    let world = World::new(Shape { items: [8, 40, 20], ..LARGE }, 4);
    let others = [second(&world.study, 0.8, 1)];
    let all = world.truth.len() as f64;
    let value = |d: &Drawn| f64::from(u8::from(world.truth[d.item * K as usize + d.index as usize][1]));
    let truth = world.truth.iter().filter(|t| t[1]).count() as f64 / all;
    for (by, allocation) in PLANS {
        let means: Vec<f64> = (0..1500)
            .map(|seed| {
                let plan = DrawPlan { by, allocation, seed };
                let drawn = draw_by(&world.study, &others, 60, &plan).unwrap().samples;
                drawn.iter().map(|d| value(d) / d.probability).sum::<f64>() / all
            })
            .collect();
        let n = means.len() as f64;
        let mean = means.iter().sum::<f64>() / n;
        let spread = (means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        assert!(spread > 0.01, "draws differ: {spread}");
        near(mean, truth, 4.0 * spread / n.sqrt());
    }
}
