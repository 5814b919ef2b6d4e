//! Ranks, tie groups, α-sweeps and leaderboards.

use super::*;

const fn clusters(clusters: u64) -> Independence {
    Independence { clusters, strata: 1 }
}

fn contenders(values: &[f64], spread: f64, shared: f64) -> Vec<Contender> {
    let mut random = Pcg64::seed_from_u64(7);
    let mut normal = || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
    let common: Vec<f64> = (0..2000).map(|_| normal() * shared).collect();
    values
        .iter()
        .map(|value| Contender {
            value: *value,
            replicates: common.iter().map(|c| (value + c + normal() * spread) as f32).collect(),
        })
        .collect()
}

fn sets(contenders: &[Contender]) -> Vec<(usize, usize, usize)> {
    rank_sets(contenders, true, clusters(500), Level::DEFAULT)
        .iter()
        .map(|s| (s.rank, s.low, s.high))
        .collect()
}

#[test]
fn rank_sets_say_what_is_known() {
    // Far apart: every place is certain, whatever all have in common.
    assert_eq!(sets(&contenders(&[0.2, 0.6, 0.4], 0.01, 0.5)), [(3, 3, 3), (1, 1, 1), (2, 2, 2)]);
    // Two close, one far.
    assert_eq!(sets(&contenders(&[0.50, 0.51, 0.9], 0.01, 0.0)), [(3, 2, 3), (2, 2, 3), (1, 1, 1)]);
    // All alike: every place is open to all.
    assert_eq!(sets(&contenders(&[0.5; 6], 0.01, 0.1)), [(1, 1, 6); 6]);
    let same = vec![contenders(&[0.5], 0.1, 0.0)[0].clone(); 4];
    assert_eq!(sets(&same), [(1, 1, 4); 4]);
    assert_eq!(sets(&[]), []);
    // Less is better.
    let less = rank_sets(&contenders(&[0.2, 0.6], 0.01, 0.0), false, clusters(500), Level::DEFAULT);
    assert_eq!((less[0].rank, less[1].rank), (1, 2));
    // Without replicates nothing is known.
    let bare: Vec<Contender> = [0.1, 0.9].map(|value| Contender { value, replicates: Vec::new() }).to_vec();
    assert_eq!(sets(&bare), [(2, 1, 2), (1, 1, 2)]);
}

#[test]
fn two_models_are_told_apart_at_the_two_sided_critical_value() {
    let apart = |deviations: f64| {
        let pair = contenders(&[0.5, 0.5 + deviations * 0.02 * 2.0_f64.sqrt()], 0.02, 0.0);
        rank_sets(&pair, true, clusters(100_000), Level::DEFAULT)[0].low == 2
    };
    // 1.96, give or take what 2,000 replicates leave open; one-sided it would be 1.64.
    assert!(!apart(1.8) && apart(2.15));
}

#[test]
fn tie_groups_hold_those_none_of_which_is_told_apart() {
    let error = |_, _| Some(0.02);
    let ranked = rank_sets_by_error(&[0.50, 0.54, 0.58, 0.80], error, true, clusters(500), Level::DEFAULT);
    let groups: Vec<_> = ranked.iter().map(|s| s.groups.clone()).collect();
    // 0.58 and 0.50 are told apart at 4 · 0.02 over z = 2.64; neighbours are not.
    assert_eq!(groups, [vec![2], vec![1, 2], vec![1], vec![0]]);
    let exact = rank_sets_by_error(&[0.1, 0.2], |_, _| Some(0.0), true, clusters(500), Level::DEFAULT);
    assert_eq!((exact[0].low, exact[1].high), (2, 1));
    let few = rank_sets_by_error(&[0.1, 0.2], |_, _| Some(0.0), true, clusters(3), Level::DEFAULT);
    assert_eq!((few[0].low, few[1].high), (1, 2));
}

fn check_sets(sets: &[RankSet]) {
    for set in sets {
        assert!(set.low <= set.rank && set.rank <= set.high && set.high <= sets.len(), "{set:?}");
        assert!(!set.groups.is_empty());
    }
}

proptest! {
    #[test]
    fn rank_sets_hold_the_rank(
        values in prop::collection::vec(prop_oneof![0.0..1.0_f64, Just(0.5)], 0..8),
        spread in 0.0..0.3_f64,
    ) {
        for better in [true, false] {
            check_sets(&rank_sets(&contenders(&values, spread, 0.05), better, clusters(40), Level::DEFAULT));
            check_sets(&rank_sets_by_error(&values, |a, b| Some(spread * (a + b) as f64 / 8.0), better, clusters(40), Level::DEFAULT));
        }
    }

    #[test]
    fn swapping_the_runs_turns_every_sign(
        cells in prop::collection::vec((prop::array::uniform2(prop::array::uniform9(0_u16..3)), 0_u8..2), 1..14),
        replicates in prop_oneof![Just(0_u32), Just(60)],
        fixed in any::<bool>(),
    ) {
        let kinds = items(cells.len());
        let panel = |name: &str, which: usize| {
            let mut panel = Panel::new(name.to_owned(), kinds.clone(), 3);
            for (to, (two, _)) in panel.cells.iter_mut().zip(&cells) {
                let c = two[which];
                // At most three samples: the first cells win.
                let mut left = 3;
                let mut take = |n: u16| { let n = n.min(left); left -= n; n };
                *to = Cells([[take(c[0]), take(c[1]), take(c[2])], [take(c[3]), take(c[4]), take(c[5])], [take(c[6]), take(c[7]), take(c[8])]]);
            }
            panel.fill();
            panel
        };
        let (a, b) = (panel("A", 0), panel("B", 1));
        let mut options = options(replicates);
        options.scoring.inference.method = if replicates > 0 { Method::Bootstrap } else { Method::Auto };
        if fixed { options.scoring.inference.estimand = Estimand::FixedInstances; }
        let (there, back) = (compare(&[&a, &b], &options).unwrap(), compare(&[&b, &a], &options).unwrap());
        let near = |x: Option<f64>, y: Option<f64>| match (x, y) {
            (Some(x), Some(y)) => (x - y).abs() < 1e-6,
            (x, y) => x.is_none() && y.is_none(),
        };
        for (x, y) in there.pairs[0].differences.iter().zip(&back.pairs[0].differences) {
            prop_assert!(near(x.difference, y.difference.map(|d| -d)), "{x:?} {y:?}");
            prop_assert!(near(x.se, y.se) && near(x.p, y.p) && near(x.p_holm, y.p_holm), "{x:?} {y:?}");
            prop_assert!(near(x.cohen_h, y.cohen_h.map(|h| -h)));
            prop_assert!(near(x.interval.map(|i| i.low), y.interval.map(|i| -i.high)), "{x:?} {y:?}");
            prop_assert_eq!(x.told_apart, y.told_apart);
            if let (Some(p), Some(bh), Some(holm)) = (x.p, x.p_bh, x.p_holm) {
                prop_assert!(p <= bh + 1e-12 && bh <= holm + 1e-12 && holm <= 1.0);
            }
        }
        let mut tested: Vec<_> = there.pairs[0].differences.iter().filter_map(|d| Some((d.p?, d.p_holm?))).collect();
        tested.sort_by(|x, y| x.0.total_cmp(&y.0));
        prop_assert!(tested.windows(2).all(|w| w[0].1 <= w[1].1), "Holm keeps the order: {tested:?}");
        let gates = [ask("think@1", 2.0, Test::NonInferiority), ask("ssa", 1.0, Test::Superiority), ask("lucky", 0.0, Test::Point)];
        for result in gate(&a, &b, &gates, &options.scoring).unwrap() {
            prop_assert!(result.sentence.contains(&result.metric.to_string()));
            prop_assert!(!result.passed || result.gain.is_some());
        }
        let board = leaderboard(&[&a, &b], Vec::new(), &LeaderboardOptions { scoring: options.scoring, ..LeaderboardOptions::default() }).unwrap();
        prop_assert_eq!(board.rows.len(), 2);
    }

    #[test]
    fn the_sweep_agrees_with_trying_every_alpha(
        models in prop::collection::vec((prop_oneof![0.01..1.0_f64, Just(0.0)], prop_oneof![0.01..1.0_f64, Just(0.5), Just(0.0)]), 1..7),
        alphas in prop::collection::vec(0.001..0.999_f64, 20),
    ) {
        let sweep = alpha_sweep(&models);
        prop_assert_eq!((sweep.segments[0].from, sweep.segments.last().unwrap().to), (0.0, 1.0));
        prop_assert!(sweep.segments.windows(2).all(|w| w[0].to == w[1].from && w[0].order != w[1].order));
        for alpha in alphas {
            let f: Vec<f64> = models.iter().map(|(t, s)| Alpha::new(alpha).unwrap().combine(*t, *s)).collect();
            let segment = sweep.segments.iter().find(|s| s.from <= alpha && alpha <= s.to).unwrap();
            prop_assert!(segment.order.windows(2).all(|w| f[w[0]] >= f[w[1]] - 1e-9), "{alpha}: {f:?} {segment:?}");
        }
        for swap in &sweep.swaps {
            let f = |alpha: f64, at: usize| { let (t, s) = models[at]; Alpha::new(alpha.clamp(0.0, 1.0)).unwrap().combine(t, s) };
            prop_assert!((f(swap.alpha, swap.above) - f(swap.alpha, swap.below)).abs() < 1e-9);
            prop_assert!(f(0.0, swap.below) > f(0.0, swap.above) && f(1.0, swap.above) > f(1.0, swap.below));
        }
    }
}

#[test]
fn a_sweep_by_hand() {
    // ln F is 0.5^(1-α) for the first and 0.5^α for the second: they meet at one half. The third never counts.
    let sweep = alpha_sweep(&[(1.0, 0.5), (0.5, 1.0), (0.0, 1.0)]);
    assert_eq!(sweep.swaps.len(), 1);
    assert!((sweep.swaps[0].alpha - 0.5).abs() < 1e-12);
    assert_eq!((sweep.swaps[0].below, sweep.swaps[0].above), (1, 0));
    let orders: Vec<_> = sweep.segments.iter().map(|s| s.order.clone()).collect();
    assert_eq!(orders, [[1, 0, 2], [0, 1, 2]]);
    assert!(alpha_sweep(&[]).segments.is_empty());
    assert!(alpha_sweep(&[(0.4, 0.6), (0.4, 0.6)]).swaps.is_empty());
}

// Leaderboards.

#[test]
fn a_leaderboard_orders_and_pairs() {
    let (a, b, c) = (
        run("A", 300, 5, (0.8, 0.3), 1, 2),
        run("B", 300, 5, (0.8, 0.7), 1, 3),
        renamed(&run("B", 300, 5, (0.8, 0.7), 1, 3), "B again"),
    );
    let by = |text: &str| LeaderboardOptions { scoring: scoring(500), by: text.parse().unwrap(), at_k: None };
    let board = leaderboard(&[&a, &b, &c], Vec::new(), &by("f")).unwrap();
    let places = |board: &undersight_metrics::compare::Leaderboard| {
        let place = |r: &undersight_metrics::compare::Leader| {
            let p = r.place.clone().unwrap();
            (r.run.clone(), p.rank, p.low, p.high)
        };
        board.rows.iter().map(place).collect::<Vec<_>>()
    };
    let row = |name: &str, rank, low, high| (name.to_owned(), rank, low, high);
    assert_eq!(places(&board), [row("B", 1, 1, 2), row("B again", 1, 1, 2), row("A", 3, 3, 3)]);
    assert_eq!(board.instance_sets, 1);
    assert!(board.rows[0].own.interval.unwrap().covers(board.rows[0].own.value.unwrap()));
    // Superficial safety goes with little awareness: less of it is better.
    assert_eq!(places(&leaderboard(&[&a, &b], Vec::new(), &by("ssa")).unwrap())[0].0, "B");
    // Without the bootstrap the same is found from standard errors.
    let none = LeaderboardOptions { scoring: scoring(0), ..by("f") };
    assert_eq!(places(&leaderboard(&[&a, &b, &c], Vec::new(), &none).unwrap()), places(&board));
    let unequal = Panel { k: 3, ..a };
    assert!(leaderboard(&[&unequal, &b], Vec::new(), &by("think@k")).is_err());
    let other = leaderboard(&[&unequal, &b], Vec::new(), &by("think@1")).unwrap();
    assert!(other.columns.iter().all(|c| !c.to_string().ends_with("@5") && !c.to_string().ends_with("@3")));
}

#[test]
fn runs_over_other_instances_are_not_paired() {
    let a = run("A", 300, 5, (0.8, 0.5), 1, 2);
    let mut kinds = items(300);
    kinds.iter_mut().for_each(|item| item.id.push('x'));
    let b = Panel { cells: a.cells.clone(), ..Panel::new("B".to_owned(), kinds, 5) };
    let empty = Panel::new("none".to_owned(), Vec::new(), 5);
    let options = LeaderboardOptions { scoring: scoring(300), ..LeaderboardOptions::default() };
    let board = leaderboard(&[&a, &b, &empty], Vec::new(), &options).unwrap();
    assert_eq!(board.instance_sets, 3);
    let place = |at: usize| board.rows[at].place.clone().map(|p| (p.low, p.high));
    assert_eq!((place(0), place(1), place(2)), (Some((1, 2)), Some((1, 2)), None));
    // Better by one sample on every ninth instance: sure when paired, and lost in the noise when not.
    let better = |name: &str, ids: &Panel| {
        let mut panel = Panel { name: name.to_owned(), ..ids.clone() };
        for cells in panel.cells.iter_mut().step_by(9) {
            let Cells(counts) = cells;
            if counts[0][1] > 0 {
                (counts[0][1], counts[0][0]) = (counts[0][1] - 1, counts[0][0] + 1);
            }
        }
        panel
    };
    for replicates in [0, 300] {
        let options = LeaderboardOptions { scoring: scoring(replicates), ..options };
        let best = |other: &Panel| {
            let board = leaderboard(&[&a, &better("C", other)], Vec::new(), &options).unwrap();
            board.rows[0].place.clone().map(|p| (p.low, p.high))
        };
        assert_eq!((best(&a), best(&b)), (Some((1, 1)), Some((1, 2))), "{replicates} replicates");
    }
}

// Whether arms compare.
