//! Which instances a run covers: filters, then a limit taken from one fixed stratified order, so that a smaller
//! limit always selects a part of what a larger one does.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use undersight_core::{Digest, Instance, Scenario, run::Selection};

use crate::suggest::shown;

/// Why nothing could be selected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Ids the dataset does not hold.
    #[error("no instance with id {}", list(.0))]
    UnknownIds(Vec<String>),
    /// The filters leave nothing.
    #[error("the selection leaves no instance")]
    Nothing,
}

impl SelectError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownIds(_) => "`undersight dataset show DATASET` lists the ids of a dataset",
            Self::Nothing => "widen the scenarios, categories or ids, or raise the limit",
        };
        Some(hint.to_owned())
    }
}

fn list(ids: &[String]) -> String {
    ids.iter().map(|id| shown(id)).collect::<Vec<_>>().join(", ")
}

/// The indices of the selected instances, in dataset order.
///
/// The limit takes the scenarios, and within them the categories (of the first risk), in proportion to what the
/// filters left: for every N each scenario is within one instance of its share. Which instances stand for a
/// stratum depends on the seed (0 unless given) and their ids alone.
///
/// # Errors
/// When an id is unknown, or nothing is left.
pub fn select(instances: &[Arc<Instance>], selection: &Selection) -> Result<Vec<usize>, SelectError> {
    let known: HashSet<&str> = instances.iter().map(|i| i.id.as_str()).collect();
    let unknown: Vec<String> =
        selection.ids.iter().filter(|id| !known.contains(id.as_str())).cloned().collect();
    if !unknown.is_empty() {
        return Err(SelectError::UnknownIds(unknown));
    }
    let ids: HashSet<&str> = selection.ids.iter().map(String::as_str).collect();
    let wanted = |i: &Instance| {
        (selection.scenarios.is_empty() || selection.scenarios.contains(&i.scenario))
            && (selection.categories.is_empty()
                || i.risks.iter().any(|r| selection.categories.contains(&r.category)))
            && (ids.is_empty() || ids.contains(i.id.as_str()))
    };
    let mut chosen: Vec<usize> = (0..instances.len()).filter(|&i| wanted(&instances[i])).collect();
    if let Some(limit) = selection.limit.filter(|limit| *limit < chosen.len()) {
        chosen = order(instances, &chosen, selection.seed.unwrap_or(0));
        chosen.truncate(limit);
        chosen.sort_unstable();
    }
    if chosen.is_empty() { Err(SelectError::Nothing) } else { Ok(chosen) }
}

/// All of `chosen` in the order in which a growing limit takes them.
fn order(instances: &[Arc<Instance>], chosen: &[usize], seed: u64) -> Vec<usize> {
    let mut strata: BTreeMap<Scenario, BTreeMap<_, Vec<_>>> = BTreeMap::new();
    for &i in chosen {
        let instance = &instances[i];
        let category = instance.risks.first().map(|risk| risk.category);
        // The seed as text: canonical JSON holds integers only up to 2^53.
        let rank = Digest::of("selection/v1", &(seed.to_string(), &instance.id));
        strata.entry(instance.scenario).or_default().entry(category).or_default().push((rank, i));
    }
    let by_rank = |mut stratum: Vec<(Digest, usize)>| {
        stratum.sort_unstable();
        stratum.into_iter().map(|(_, i)| i).collect()
    };
    interleave(strata.into_values().map(|s| interleave(s.into_values().map(by_rank).collect())).collect())
}

/// Merges strata so that in every prefix each is less than one away from its share. The j-th element of a stratum
/// may stand only where the share exceeds j − 1 and must not stand later than where it reaches j; taking the
/// earliest deadline among those that may always meets all of them.
fn interleave(strata: Vec<Vec<usize>>) -> Vec<usize> {
    let total: usize = strata.iter().map(Vec::len).sum();
    let mut taken = vec![0; strata.len()];
    (1..=total)
        .map_while(|at| {
            let next =
                (0..strata.len()).filter(|&s| taken[s] * total < at * strata[s].len()).min_by_key(|&s| {
                    (((taken[s] + 1) * total).div_ceil(strata[s].len()), Reverse(strata[s].len()))
                })?;
            taken[next] += 1;
            strata[next].get(taken[next] - 1).copied()
        })
        .collect()
}
