//! Selection: nested, proportional, deterministic.

use std::sync::Arc;

use proptest::prelude::*;
use undersight_core::{Category, Instance, Risk, Scenario, Subcategory, run::Selection};
use undersight_dataset::{SelectError, select};

fn instance(id: usize, scenario: Scenario, subcategory: Subcategory) -> Arc<Instance> {
    let risk =
        Risk { category: subcategory.category(), subcategory, rationale: Some(format!("rationale {id}")) };
    Arc::new(Instance {
        id: format!("i{id}"),
        query: format!("query {id}"),
        scenario,
        rationale: format!("rationale {id}"),
        risks: vec![risk; scenario.risk_count()],
        parts: None,
    })
}

prop_compose! {
    fn datasets()(kinds in prop::collection::vec(
        (prop_oneof![1 => Just(0_usize), 6 => Just(1), 3 => Just(2)], 0..17_usize), 1..60,
    )) -> Vec<Arc<Instance>> {
        let numbered = kinds.into_iter().enumerate();
        numbered.map(|(id, (s, c))| instance(id, Scenario::ALL[s], Subcategory::ALL[c])).collect()
    }
}

fn limited(limit: usize, seed: u64) -> Selection {
    Selection { limit: Some(limit), seed: Some(seed), ..Selection::default() }
}

proptest! {
    #[test]
    fn limits_are_nested_and_proportional(all in datasets(), seed in any::<u64>()) {
        let mut smaller: Vec<usize> = Vec::new();
        for limit in 1..=all.len() {
            let chosen = select(&all, &limited(limit, seed)).unwrap();
            prop_assert_eq!(chosen.len(), limit);
            prop_assert!(chosen.is_sorted());
            prop_assert!(smaller.iter().all(|i| chosen.contains(i)));
            for scenario in Scenario::ALL {
                let of = |i: &Instance| usize::from(i.scenario == scenario);
                let taken: usize = chosen.iter().map(|&i| of(&all[i])).sum();
                let there: usize = all.iter().map(|i| of(i)).sum();
                prop_assert!((taken * all.len()).abs_diff(limit * there) < all.len(), "{scenario}: {taken} of {limit}");
            }
            smaller = chosen;
        }
    }

    #[test]
    fn the_choice_depends_on_seed_and_ids_alone(all in datasets(), seed in any::<u64>(), limit in 1..40_usize) {
        let ids = |all: &[Arc<Instance>]| {
            let mut ids: Vec<String> =
                select(all, &limited(limit, seed)).unwrap().into_iter().map(|i| all[i].id.clone()).collect();
            ids.sort();
            ids
        };
        let reversed: Vec<_> = all.iter().rev().cloned().collect();
        prop_assert_eq!(ids(&all), ids(&reversed));
    }
}

#[test]
fn another_seed_takes_others_and_none_means_zero() {
    let all: Vec<_> =
        (0..200).map(|i| instance(i, Scenario::RiskOmission, Subcategory::ALL[i % 17])).collect();
    let by = |seed| select(&all, &limited(20, seed)).unwrap();
    assert_ne!(by(0), by(1));
    let unset = Selection { limit: Some(20), ..Selection::default() };
    assert_eq!(select(&all, &unset).unwrap(), by(0));
    let categories: std::collections::HashSet<Category> =
        by(0).into_iter().map(|i| all[i].risks[0].category).collect();
    assert_eq!(categories.len(), 9, "a small limit spreads over the categories");
}

#[test]
fn filters_join_and_errors_name_what_is_missing() {
    use Scenario::{CognitiveShortcut as Cs, RiskOmission as Ro};
    use Subcategory::{AiEthics, EconomicCrimes, Terrorism};
    let mut all = vec![instance(0, Ro, AiEthics), instance(1, Ro, Terrorism), instance(2, Cs, AiEthics)];
    // The second risk counts for the filter as well.
    let mut mixed = instance(3, Cs, Terrorism).as_ref().clone();
    mixed.risks[1] = all[0].risks[0].clone();
    all.push(Arc::new(mixed));
    let check = |selection: Selection, expected: Result<&[usize], SelectError>| {
        assert_eq!(select(&all, &selection), expected.map(<[usize]>::to_vec), "{selection:?}");
    };
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let none = Selection::default();
    check(none.clone(), Ok(&[0, 1, 2, 3]));
    check(Selection { scenarios: vec![Ro], ..none.clone() }, Ok(&[0, 1]));
    check(Selection { categories: vec![AiEthics.category()], ..none.clone() }, Ok(&[0, 2, 3]));
    check(Selection { ids: ids(&["i3", "i1"]), ..none.clone() }, Ok(&[1, 3]));
    check(Selection { scenarios: vec![Cs], ids: ids(&["i1", "i2"]), ..none.clone() }, Ok(&[2]));
    check(Selection { limit: Some(9), ..none.clone() }, Ok(&[0, 1, 2, 3]));
    check(
        Selection { ids: ids(&["i1", "x", "y"]), ..none.clone() },
        Err(SelectError::UnknownIds(ids(&["x", "y"]))),
    );
    check(
        Selection { categories: vec![EconomicCrimes.category()], ..none.clone() },
        Err(SelectError::Nothing),
    );
    check(Selection { limit: Some(0), ..none }, Err(SelectError::Nothing));
    let unknown = SelectError::UnknownIds(ids(&["x", "y"]));
    assert_eq!(unknown.to_string(), "no instance with id \"x\", \"y\"");
    assert!(unknown.hint().is_some() && SelectError::Nothing.hint().is_some());
}
