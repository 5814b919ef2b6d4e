//! How many samples of each stratum are drawn. All rules hand out one sample at a time, so that parts never shrink as `n`
//! grows, which rounding by remainders does not promise.

use std::cmp::Ordering;

use super::Allocation;

/// Parts of `n`, or of all where that is less: one for each stratum that has samples, the rest by the rule.
pub(super) fn shares(sizes: &[usize], disputed: &[bool], n: usize, allocation: Allocation) -> Vec<usize> {
    let mut parts: Vec<usize> = sizes.iter().map(|size| (*size).min(1)).collect();
    let given: usize = parts.iter().sum();
    for _ in given..n.min(sizes.iter().sum()) {
        let room = |s: &usize| parts[*s] < sizes[*s];
        let open = || (0..sizes.len()).filter(room);
        let next = match allocation {
            Allocation::Proportional => due(open(), sizes, &parts),
            Allocation::Equal => open().min_by_key(|s| parts[*s]),
            Allocation::Emphasis => {
                let half = |of: bool| (0..sizes.len()).filter(move |s| disputed[*s] == of);
                let [others, ours] = [false, true].map(|of| half(of).map(|s| parts[s]).sum::<usize>());
                let first = ours <= others;
                let pick = |of: bool| due(half(of).filter(room), sizes, &parts);
                pick(first).or_else(|| pick(!first))
            }
        };
        let Some(next) = next else { break };
        parts[next] += 1;
    }
    parts
}

/// Whose turn it is by highest averages (Sainte-Laguë): that of the largest size / (2 part + 1).
fn due(open: impl Iterator<Item = usize>, sizes: &[usize], parts: &[usize]) -> Option<usize> {
    let quotient = |a: usize, b: usize| -> Ordering {
        (sizes[a] as u128 * (2 * parts[b] as u128 + 1)).cmp(&(sizes[b] as u128 * (2 * parts[a] as u128 + 1)))
    };
    open.max_by(|a, b| quotient(*a, *b).then(b.cmp(a)))
}
