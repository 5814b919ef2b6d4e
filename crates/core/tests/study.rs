//! Studies: taking a part of one.

use undersight_core::{Item, Outcome, Scenario, Study};

#[test]
fn a_part_keeps_its_items_in_order_and_only_their_outcomes() {
    let item = |id: &str| Item {
        id: id.to_owned(),
        scenario: Scenario::RiskOmission,
        subcategories: Vec::new(),
        shared_texts: Vec::new(),
    };
    let outcomes = (0..3).flat_map(|item| (0..2).map(move |index| Outcome::missing(item, index))).collect();
    let study = Study { name: "all".to_owned(), items: ["a", "b", "c"].map(item).to_vec(), k: 2, outcomes };
    let part = study.clone().only(|item| item.id != "b");
    assert_eq!(part.items.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    let places: Vec<(usize, u32)> = part.outcomes.iter().map(|o| (o.item, o.index)).collect();
    assert_eq!(places, [(0, 0), (0, 1), (1, 0), (1, 1)]);
    assert_eq!((part.k, part.name.as_str()), (2, "all"));
    assert_eq!(study.clone().only(|_| true), study);
    assert!(study.only(|_| false).outcomes.is_empty());
}
