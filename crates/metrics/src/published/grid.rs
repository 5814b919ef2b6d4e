//! The grid figures lie on: shares of n instances with k samples each are multiples of 1/(n·k) at 1 and of 1/n at k. So
//! a figure can be impossible, and figures at 1 give away k.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::columns::{FIGURES, at, instances};
use super::table::{Figure, PublishedRow};
use crate::official::values::{At, Column};

/// The largest k looked for where none is stated: the grids of more samples are too fine to tell.
const MOST_SAMPLES: u32 = 8;
/// A row is taken to have another k than it should only if chance would let its figures fit that k this rarely.
const ROW_CHANCE: f64 = 0.02;
/// A table's k is inferred only if it is this many times likelier than any other, and than none.
const CLEAR: f64 = 1e3;
/// Rows that do not fit the k of their table.
const ERROR: f64 = 0.01;

/// Whether a figure is a multiple of 100/`parts` within rounding.
pub(super) fn on_grid(figure: Figure, parts: f64) -> bool {
    let nearest = (figure.value * parts / 100.0).round() * 100.0 / parts;
    (nearest - figure.value).abs() <= figure.rounding()
}

/// The multiples of 100/`parts` below and above a value.
pub(super) fn neighbours(value: f64, parts: f64) -> (f64, f64) {
    let below = (value * parts / 100.0).floor();
    (below * 100.0 / parts, (below + 1.0).min(parts) * 100.0 / parts)
}

/// Parts that a figure's whole is divided into: n·k at 1, n at k. `None` where k is needed and not known.
pub(super) fn parts(column: Column, k: Option<u32>) -> Option<f64> {
    let n = f64::from(instances(column)?);
    match at(column)? {
        At::One => Some(n * f64::from(k?)),
        At::K => Some(n),
    }
}

fn at_one(row: &PublishedRow) -> impl Iterator<Item = (Column, Figure)> {
    let columns = FIGURES.into_iter().filter(|column| at(*column) == Some(At::One));
    columns.filter_map(|column| Some((column, row.sound(column)?)))
}

/// Whether all figures at 1 fit k samples an instance.
fn fits(row: &PublishedRow, k: u32) -> bool {
    at_one(row).all(|(column, figure)| parts(column, Some(k)).is_some_and(|parts| on_grid(figure, parts)))
}

/// The probability that figures drawn at random, and independently, would all fit k. Nothing and everything fit any k, and
/// overall Think follows from its scenarios: they tell nothing.
fn chance(row: &PublishedRow, k: u32) -> f64 {
    at_one(row)
        .filter(|(column, _)| *column != Column::Think(At::One))
        .filter(|(_, figure)| figure.low() > 0.0 && figure.high() < 100.0)
        .filter_map(|(column, figure)| Some(2.0 * figure.rounding() * parts(column, Some(k))? / 100.0))
        .map(|share| share.min(1.0))
        .product()
}

/// The k of a table's rows: what is stated or inferred for each, and what most have.
#[derive(Debug)]
pub(super) struct Ks {
    /// Samples an instance in most rows.
    pub(super) main: Option<u32>,
    /// One a row.
    pub(super) rows: Vec<RowK>,
}

/// The k of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowK {
    /// As stated or transcribed.
    pub(super) stated: Option<u32>,
    /// As its figures have it: the k expected of it unless they rule it out and fit another.
    pub(super) k: Option<u32>,
}

impl Ks {
    pub(super) fn of(rows: &[PublishedRow]) -> Self {
        let main = main_k(rows);
        let rows = rows.iter().map(|row| {
            let stated = row.samples();
            let expected = stated.or(main);
            let misfit = expected.is_some_and(|k| !fits(row, k));
            let other = || (1..=MOST_SAMPLES).find(|k| fits(row, *k) && chance(row, *k) <= ROW_CHANCE);
            RowK { stated, k: if misfit { other().or(expected) } else { expected } }
        });
        Self { main, rows: rows.collect() }
    }

    /// How many rows have this k.
    pub(super) fn count(&self, k: u32) -> usize {
        self.rows.iter().filter(|row| row.k == Some(k)).count()
    }
}

/// The k most often stated; where none is, the likeliest, if it is clearly so. The likelihoods are of figures at random
/// on the grid of k, with a few rows in error, against figures at random anywhere.
fn main_k(rows: &[PublishedRow]) -> Option<u32> {
    let mut votes = BTreeMap::new();
    for stated in rows.iter().filter_map(PublishedRow::samples) {
        *votes.entry(stated).or_insert(0) += 1;
    }
    if let Some((most, _)) = votes.into_iter().max_by_key(|(k, votes)| (*votes, Reverse(*k))) {
        return Some(most);
    }
    let mut evidence: Vec<(f64, u32)> = (1..=MOST_SAMPLES)
        .map(|k| {
            (rows.iter().map(|row| if fits(row, k) { -chance(row, k).ln() } else { ERROR.ln() }).sum(), k)
        })
        .collect();
    evidence.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    match evidence.as_slice() {
        [(best, k), (second, _), ..] if best - second.max(0.0) >= CLEAR.ln() => Some(*k),
        _ => None,
    }
}
