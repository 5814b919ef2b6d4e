//! Cuts panels to the instances they share and puts them in one order, so that they can be paired.

use std::collections::HashMap;

use undersight_core::Item;

use super::error::CompareError;
use crate::panel::Panel;

/// The panels over their common instances, in the order of the first. Of each instance the description that knows most
/// is given to all, so that all have the same clusters.
///
/// # Errors
/// When nothing is common, or an instance has two scenarios.
pub fn align(panels: &[&Panel]) -> Result<Vec<Panel>, CompareError> {
    let Some((first, _)) = panels.split_first() else { return Ok(Vec::new()) };
    let places: Vec<HashMap<&str, usize>> = panels.iter().map(|p| by_id(p)).collect();
    let common: Vec<(&str, Vec<usize>)> = first
        .items
        .iter()
        .filter_map(|item| {
            let at: Option<Vec<usize>> =
                places.iter().map(|place| place.get(item.id.as_str()).copied()).collect();
            Some((item.id.as_str(), at?))
        })
        .collect();
    if common.is_empty() {
        return Err(CompareError::NoCommonInstances);
    }
    let mut items = Vec::with_capacity(common.len());
    for (id, at) in &common {
        let same: Vec<&Item> = panels.iter().zip(at).map(|(p, at)| &p.items[*at]).collect();
        if let Some(other) = same.iter().position(|item| item.scenario != same[0].scenario) {
            return Err(CompareError::AnotherScenario {
                id: (*id).to_owned(),
                run: first.name.clone(),
                other: panels[other].name.clone(),
            });
        }
        items.push(richest(&same).clone());
    }
    let mut model = Panel::new(String::new(), items, 0);
    Ok(panels
        .iter()
        .enumerate()
        .map(|(panel, of)| {
            model.name.clone_from(&of.name);
            model.k = of.k;
            model.cells = common.iter().map(|(_, at)| of.cells[at[panel]]).collect();
            model.clone()
        })
        .collect())
}

fn by_id(panel: &Panel) -> HashMap<&str, usize> {
    panel.items.iter().enumerate().rev().map(|(at, item)| (item.id.as_str(), at)).collect()
}

fn richest<'a>(same: &[&'a Item]) -> &'a Item {
    let known = |item: &&&Item| (item.shared_texts.len(), item.subcategories.len());
    let mut best = same[0];
    for item in same {
        if known(&item) > known(&&best) {
            best = item;
        }
    }
    best
}

/// Refuses a run beside itself: it would tie with itself, and each of its tests cost the others some of theirs.
pub(super) fn each_once(panels: &[&Panel]) -> Result<(), CompareError> {
    let same = |a: &Panel, b: &Panel| a.name == b.name && a.k == b.k && a.cells == b.cells && a.pairs_with(b);
    let twice = panels.iter().enumerate().find(|(at, a)| panels[..*at].iter().any(|b| same(a, b)));
    twice.map_or(Ok(()), |(_, panel)| Err(CompareError::SameRunTwice { run: panel.name.clone() }))
}

/// The k at which all panels are compared: their own where it is the same, or the one that was named.
///
/// # Errors
/// When their own differ and none is named, or a panel has fewer samples than the one named.
pub(super) fn common_k(panels: &[&Panel], at_k: Option<u32>) -> Result<u32, CompareError> {
    let ks: Vec<(String, u32)> = panels.iter().map(|p| (p.name.clone(), p.k)).collect();
    of_ks(&ks, at_k)
}

/// As [`common_k`], from names and their k.
pub(super) fn of_ks(ks: &[(String, u32)], at_k: Option<u32>) -> Result<u32, CompareError> {
    let first = ks.first().map_or(1, |(_, k)| *k);
    match at_k {
        Some(at_k) => match ks.iter().find(|(_, k)| *k < at_k) {
            Some((run, k)) => Err(CompareError::TooFewSamples { run: run.clone(), k: *k, at_k }),
            None => Ok(at_k.max(1)),
        },
        None if ks.iter().all(|(_, k)| *k == first) => Ok(first),
        None => Err(CompareError::DifferentK { ks: ks.to_vec() }),
    }
}
