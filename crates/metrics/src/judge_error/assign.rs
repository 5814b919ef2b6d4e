//! Who labels what: every drawn sample to one person, a random share of them to two.

use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_pcg::Pcg64;

use super::Drawn;

/// Why samples cannot be assigned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AssignError {
    /// Nobody is there.
    #[error("there are no annotators")]
    NoAnnotators,
    /// The same name twice, or none.
    #[error("annotator {0:?} is named twice or is no name")]
    Name(String),
    /// No share.
    #[error("{0} is no share of samples to be labelled twice")]
    Share(f64),
    /// One person cannot label twice.
    #[error("labelling samples twice takes two annotators")]
    OneAnnotator,
}

impl AssignError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoAnnotators | Self::OneAnnotator => "name more annotators",
            Self::Name(_) => "give every annotator a name of their own, without white space around it",
            Self::Share(_) => "a share is a number from 0 to 1",
        })
    }
}

/// Assigns samples in their order: each to one annotator, and a simple random `double` (0..1, rounded to whole samples) of
/// them to a second one, whose row follows. Everyone gets the same number within one. Deterministic by seed.
///
/// # Errors
/// When there are no annotators, or too few for `double`; when names or `double` are none.
pub fn assign<'a>(
    drawn: &[Drawn],
    annotators: &'a [String],
    double: f64,
    seed: u64,
) -> Result<Vec<(Drawn, &'a str)>, AssignError> {
    if !(0.0..=1.0).contains(&double) {
        return Err(AssignError::Share(double));
    }
    for (at, name) in annotators.iter().enumerate() {
        if name.is_empty() || name.trim() != name || annotators[..at].contains(name) {
            return Err(AssignError::Name(name.clone()));
        }
    }
    match annotators.len() {
        0 => return Err(AssignError::NoAnnotators),
        1 if double > 0.0 => return Err(AssignError::OneAnnotator),
        _ => {}
    }
    let mut random = Pcg64::seed_from_u64(seed);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count that stays far below 2^53"
    )]
    let twice = (drawn.len() as f64 * double).round() as usize;
    let mut places: Vec<usize> = (0..drawn.len()).collect();
    places.shuffle(&mut random);
    let mut people = vec![1; drawn.len()];
    places.iter().take(twice).for_each(|at| people[*at] = 2);
    let mut loads = vec![0_usize; annotators.len()];
    let mut assigned = Vec::with_capacity(drawn.len() + twice);
    for (sample, people) in drawn.iter().zip(people) {
        // Whoever has least is next, chance deciding between equals: loads never differ by more than one.
        let mut order: Vec<(usize, u64, usize)> =
            loads.iter().enumerate().map(|(who, load)| (*load, random.random(), who)).collect();
        order.sort_unstable();
        for (_, _, who) in order.into_iter().take(people) {
            loads[who] += 1;
            assigned.push((*sample, annotators[who].as_str()));
        }
    }
    Ok(assigned)
}
