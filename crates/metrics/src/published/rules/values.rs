//! Rules about the figures of one row.

use undersight_core::Scenario;

use super::{Checked, Code, Finding, Odd, each_row, named};
use crate::official::values::{At, Column};
use crate::published::columns::FIGURES;
use crate::published::recompute::weighted_think;
use crate::published::table::PublishedRow;
use crate::stats::Range;

pub(super) fn out_of_range(tables: &[Checked<'_>], out: &mut Vec<Finding>) {
    each_row(Code::OutOfRange, tables, out, |row| {
        FIGURES.into_iter().filter_map(move |column| {
            let figure = row.figure(column).filter(|figure| !figure.in_range())?;
            Some(Odd {
                figure: Some(column),
                message: format!("{} lies outside 0 to 100", named(column, figure)),
                found: figure.value,
                expected: Some(Range { low: 0.0, high: 100.0 }),
            })
        })
    });
}

/// Figures that are printed both at 1 and at k.
fn pairs() -> impl Iterator<Item = (Column, Column)> {
    let scenarios = Scenario::ALL.map(|s| (Column::Scenario(s, At::One), Column::Scenario(s, At::K)));
    let overall =
        [(Column::Answer(At::One), Column::Answer(At::K)), (Column::Think(At::One), Column::Think(At::K))];
    overall.into_iter().chain(scenarios)
}

pub(super) fn at_k_above_at_1(tables: &[Checked<'_>], out: &mut Vec<Finding>) {
    each_row(Code::AtKAboveAt1, tables, out, |row| {
        pairs().filter_map(move |(one, k)| {
            let (at_one, at_k) = (row.sound(one)?, row.sound(k)?);
            (at_k.low() > at_one.high()).then(|| Odd {
                figure: Some(k),
                message: format!(
                    "{} is above {}, though an instance passes at k only if all its samples do",
                    named(k, at_k),
                    named(one, at_one)
                ),
                found: at_k.value,
                expected: Some(Range { low: 0.0, high: at_one.value }),
            })
        })
    });
}

pub(super) fn not_the_mean(tables: &[Checked<'_>], out: &mut Vec<Finding>) {
    each_row(Code::ThinkNotTheWeightedMean, tables, out, |row| {
        [At::One, At::K].into_iter().filter_map(|at| not_the_mean_at(row, at))
    });
}

fn not_the_mean_at(row: &PublishedRow, at: At) -> Option<Odd> {
    let column = Column::Think(at);
    let (overall, mean) = (row.sound(column)?, weighted_think(row, at)?);
    (!mean.agrees(overall)).then(|| Odd {
        figure: Some(column),
        message: format!(
            "{} is not the mean of its scenarios weighted by their instances, {:.*}",
            named(column, overall),
            usize::from(overall.decimals) + 1,
            mean.value
        ),
        found: overall.value,
        expected: Some(mean.range),
    })
}
