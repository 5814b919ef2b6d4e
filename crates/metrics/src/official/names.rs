//! Model names and ids as small numbers, and the order in which the reference takes them.

use rustc_hash::FxHashMap;

/// Names in the order they were first seen.
#[derive(Debug, Default)]
pub(crate) struct Names {
    index: FxHashMap<Box<str>, u32>,
    names: Vec<Box<str>>,
}

impl Names {
    /// The number of a name.
    pub(crate) fn intern(&mut self, name: &str) -> u32 {
        if let Some(&at) = self.index.get(name) {
            return at;
        }
        let at = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.into());
        self.index.insert(name.into(), at);
        at
    }

    pub(crate) fn get(&self, at: u32) -> &str {
        self.names.get(at as usize).map_or("", |n| n)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        (0..).zip(self.names.iter().map(|n| &**n))
    }

    /// The position of each name in the reference's order: by text, or by number when pandas reads all as integers.
    pub(crate) fn ranks(&self) -> Vec<u32> {
        let numbers: Option<Vec<i64>> = self.names.iter().map(|n| n.parse().ok()).collect();
        let mut order: Vec<u32> = (0..).take(self.names.len()).collect();
        match numbers {
            Some(numbers) => order.sort_by_key(|at| numbers[*at as usize]),
            None => order.sort_by(|a, b| self.get(*a).cmp(self.get(*b))),
        }
        let mut ranks = vec![0; order.len()];
        for (rank, at) in (0..).zip(&order) {
            ranks[*at as usize] = rank;
        }
        ranks
    }
}
