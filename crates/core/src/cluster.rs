//! Which instances depend on each other: cognitive-shortcut instances that share a sub-risk text, directly or through
//! others, are one unit for every statement about uncertainty.

use std::collections::HashMap;

use crate::{Digest, Instance, Item, Scenario};

/// What stands for a sub-risk text where only sameness matters; white space around it is left aside.
#[must_use]
pub fn text_mark(text: &str) -> u64 {
    Digest::of("risk-text/v1", &text.trim()).as_u64()
}

/// The marks of an instance's sub-risk texts; none but cognitive-shortcut instances have any.
#[must_use]
pub fn shared_texts(instance: &Instance) -> Vec<u64> {
    if instance.scenario != Scenario::CognitiveShortcut {
        return Vec::new();
    }
    instance.risks.iter().filter_map(|risk| risk.rationale.as_deref()).map(text_mark).collect()
}

/// The cluster of each item, numbered from 0 in the order of first appearance: connected components of items by
/// shared text marks within a scenario. An item that shares none is a cluster of its own.
#[must_use]
pub fn clusters(items: &[Item]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..items.len()).collect();
    let mut owners: HashMap<(Scenario, u64), usize> = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        for mark in &item.shared_texts {
            let owner = *owners.entry((item.scenario, *mark)).or_insert(at);
            let (a, b) = (root(&mut parents, at), root(&mut parents, owner));
            parents[a.max(b)] = a.min(b);
        }
    }
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    (0..items.len())
        .map(|at| {
            let next = numbers.len();
            *numbers.entry(root(&mut parents, at)).or_insert(next)
        })
        .collect()
}

/// The representative of an item's component, shortening the way to it.
fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}
