//! Who labels what: loads alike, two people where there are two, and the same again from the same seed.

use std::collections::BTreeMap;

use undersight_metrics::judge_error::{AssignError, assign};

use super::*;

fn samples(n: usize) -> Vec<Drawn> {
    (0..n).map(|item| Drawn { item, index: 0, probability: 0.5 }).collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn everyone_gets_the_same_number_within_one() {
    for (n, people, double, rows) in [
        (100, 3, 0.2, 120),
        (7, 2, 1.0, 14),
        (5, 4, 0.5, 8),
        (1, 3, 0.0, 1),
        (0, 2, 0.5, 0),
        (10, 1, 0.0, 10),
        (99, 5, 0.333, 132),
    ] {
        let people: Vec<String> = (0..people).map(|who| format!("p{who}")).collect();
        let drawn = samples(n);
        let assigned = assign(&drawn, &people, double, 9).unwrap();
        assert_eq!(assigned.len(), rows, "{n} {double}");
        let mut loads: BTreeMap<&str, usize> = people.iter().map(|p| (p.as_str(), 0)).collect();
        let mut of: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for (sample, who) in &assigned {
            *loads.get_mut(who).unwrap() += 1;
            of.entry(sample.item).or_default().push(who);
        }
        assert!(loads.values().max().unwrap() - loads.values().min().unwrap() <= 1, "{loads:?}");
        assert_eq!(of.len(), n, "everything is labelled");
        assert_eq!(of.values().filter(|who| who.len() == 2).count(), rows - n);
        assert!(of.values().all(|who| who.len() == 1 || (who.len() == 2 && who[0] != who[1])));
        assert!(assigned.windows(2).all(|w| w[0].0.item <= w[1].0.item), "in the order of the draw");
    }
}

#[test]
fn chance_decides_by_seed() {
    let (drawn, people) = (samples(60), names(&["anna", "ben", "cy"]));
    let with = |seed| assign(&drawn, &people, 0.3, seed).unwrap();
    assert_eq!(with(1), with(1));
    assert_ne!(with(1), with(2));
    // Every two people share samples, so that they can be compared.
    let mut pairs: BTreeMap<[&str; 2], usize> = BTreeMap::new();
    for w in with(1).windows(2).filter(|w| w[0].0.item == w[1].0.item) {
        let mut pair = [w[0].1, w[1].1];
        pair.sort_unstable();
        *pairs.entry(pair).or_default() += 1;
    }
    assert_eq!((pairs.len(), pairs.values().sum::<usize>()), (3, 18), "{pairs:?}");
    // Over seeds each sample is as likely to be labelled twice as any other.
    let mut twice = [0_usize; 60];
    for seed in 0..1000 {
        let assigned = with(seed);
        assigned.windows(2).filter(|w| w[0].0.item == w[1].0.item).for_each(|w| twice[w[0].0.item] += 1);
    }
    twice.into_iter().for_each(|n| near(n as f64 / 1000.0, 0.3, 5.0 * (0.21_f64 / 1000.0).sqrt()));
}

#[test]
fn what_cannot_be_assigned() {
    let drawn = samples(3);
    for (people, double, expected) in [
        (vec![], 0.0, AssignError::NoAnnotators),
        (names(&["anna"]), 0.1, AssignError::OneAnnotator),
        (names(&["anna", "anna"]), 0.1, AssignError::Name("anna".to_owned())),
        (names(&["anna", ""]), 0.1, AssignError::Name(String::new())),
        (names(&[" ben"]), 0.0, AssignError::Name(" ben".to_owned())),
        (names(&["anna", "ben"]), 1.1, AssignError::Share(1.1)),
        (names(&["anna", "ben"]), -0.1, AssignError::Share(-0.1)),
    ] {
        let error = assign(&drawn, &people, double, 0).unwrap_err();
        assert_eq!(error, expected);
        assert!(error.hint().is_some());
    }
    assert!(matches!(assign(&drawn, &names(&["a"]), f64::NAN, 0), Err(AssignError::Share(_))));
}
