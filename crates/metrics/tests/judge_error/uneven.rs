//! Corrections by labels drawn with unequal probabilities within scenarios: without bias, and with intervals that hold.

use undersight_metrics::judge_error::{Allocation, Strata, draw as draw_by};

use super::*;

/// A second, better judge, so that disagreement points at errors.
fn second(world: &World, seed: u64) -> Study {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut other = world.study.clone();
    for (outcome, truth) in other.outcomes.iter_mut().zip(&world.truth) {
        let scenario = world.study.items[outcome.item].scenario;
        let mut verdict = |t: usize| {
            let passes = truth[t] == random.random_bool(0.95);
            Some(Verdict { status: JudgementStatus::Ok, label: Some(label(TASKS[t], scenario, passes)) })
        };
        (outcome.safety, outcome.thinking) = (verdict(0), verdict(1));
    }
    other
}

#[test]
fn corrections_hold_under_every_plan() {
    let label = Strata { label: true, disagreement: false };
    let plans = [
        (Strata::default(), Allocation::Proportional),
        (Strata::default(), Allocation::Emphasis),
        (label, Allocation::Equal),
        (Strata { disagreement: true, ..label }, Allocation::Emphasis),
    ];
    let shape = Shape { items: [0, 0, 200], ..LARGE };
    let truths = [0.8, 0.8, 0.4, 0.4, 0.8 * 0.6];
    for (by, allocation) in plans {
        let (mut sums, mut held, runs) = ([0.0; 5], [0.0; 5], 150_u32);
        for seed in 0..u64::from(runs) {
            let world = World::new(shape, 1000 + seed);
            let plan = DrawPlan { by, allocation, seed };
            let drawn = draw_by(&world.study, &[second(&world, seed)], 200, &plan).unwrap().samples;
            let corrected = world.correct(&world.labels(&drawn)).unwrap();
            let rates = TASKS.into_iter().flat_map(|t| Method::ALL.map(|m| corrected.rate(t, m).unwrap()));
            for (i, values) in rates.chain([&corrected.ssa.values]).enumerate() {
                let c = values.overall.as_ref().unwrap();
                sums[i] += c.value / f64::from(runs);
                held[i] += f64::from(u8::from(c.low <= truths[i] && truths[i] <= c.high)) / f64::from(runs);
            }
        }
        for i in 0..5 {
            near(sums[i], truths[i], 0.015);
            // Three standard errors of 95 % over as many runs below it.
            assert!(held[i] >= 0.895, "{by:?} {allocation:?} {i}: {held:?}");
        }
    }
}

#[test]
fn agreement_says_where_it_is_of_its_labels_alone() {
    let world = World::new(Shape { items: [40, 60, 50], ..LARGE }, 5);
    for (allocation, uneven) in
        [(Allocation::Proportional, false), (Allocation::Equal, false), (Allocation::Emphasis, true)]
    {
        let plan = DrawPlan { allocation, seed: 1, ..DrawPlan::default() };
        let drawn = draw_by(&world.study, &[second(&world, 5)], 300, &plan).unwrap().samples;
        let rows = agreement(&world.study, &world.labels(&drawn), Level::DEFAULT).rows;
        assert!(rows.iter().all(|row| row.uneven == uneven && row.weighted), "{allocation:?}");
    }
}

#[test]
fn labels_by_plan_leave_out_nothing() {
    let world = World::new(Shape { items: [40, 60, 50], ..LARGE }, 5);
    let n = world.truth.len() as f64;
    let plan = DrawPlan {
        by: Strata { label: true, disagreement: true },
        allocation: Allocation::Emphasis,
        seed: 1,
    };
    let drawn = draw_by(&world.study, &[second(&world, 5)], usize::MAX, &plan).unwrap().samples;
    let corrected = world.correct(&world.labels(&drawn)).unwrap();
    for (t, task) in TASKS.into_iter().enumerate() {
        let human = world.truth.iter().filter(|truth| truth[t]).count() as f64 / n;
        near(corrected.rate(task, Method::Ppi).unwrap().overall.as_ref().unwrap().value, human, 1e-12);
    }
}
