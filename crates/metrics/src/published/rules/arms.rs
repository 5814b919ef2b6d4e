//! The rule about one arm printed in several places.

use std::collections::BTreeMap;

use super::{Checked, Code, Finding, Odd, named};
use crate::official::values::{At, Column};
use crate::published::columns::FIGURES;
use crate::published::recompute::row_alpha;
use crate::published::table::PublishedRow;
use crate::stats::Range;

/// Compares every row with the first of the same model, arm, decoding settings and k, figure by figure; and every
/// F-score that agrees with that one's (or has no such row) with those of the same model and shares under other
/// settings, since the shares alone determine it.
pub(super) fn two_values(tables: &[Checked<'_>], out: &mut Vec<Finding>) {
    let mut models: BTreeMap<String, Vec<&PublishedRow>> = BTreeMap::new();
    for row in tables.iter().flat_map(|checked| &checked.table.rows) {
        let earlier = models.entry(row.model.to_lowercase()).or_default();
        let twin = earlier.iter().find(|other| same_arm(other, row));
        let odd: Vec<Odd> = twin
            .map(|twin| FIGURES.into_iter().filter_map(|column| differing(twin, row, column)).collect())
            .unwrap_or_default();
        let f_told = odd.iter().any(|odd| odd.figure == Some(Column::FScore));
        let others = earlier.iter().filter(|other| !f_told && !same_arm(other, row));
        let other = others.filter_map(|other| other_f(other, row)).next();
        out.extend(odd.into_iter().chain(other).map(|odd| odd.in_row(Code::SameArmTwoValues, row)));
        earlier.push(row);
    }
}

fn same_arm(a: &PublishedRow, b: &PublishedRow) -> bool {
    let lower = |row: &PublishedRow| row.treatment().map(str::to_lowercase);
    let one_k = a.samples().zip(b.samples()).is_none_or(|(a, b)| a == b);
    one_k && a.decoding == b.decoding && lower(a) == lower(b)
}

fn differing(earlier: &PublishedRow, row: &PublishedRow, column: Column) -> Option<Odd> {
    let (theirs, ours) = (earlier.sound(column)?, row.sound(column)?);
    (!theirs.agrees(ours)).then(|| Odd {
        figure: Some(column),
        message: format!(
            "{} here, but {theirs} in {}, line {}",
            named(column, ours),
            earlier.table,
            earlier.line
        ),
        found: ours.value,
        expected: Some(Range { low: theirs.low(), high: theirs.high() }),
    })
}

/// F-scores of the same Safe@1 and Think@1 that no common α gives.
fn other_f(earlier: &PublishedRow, row: &PublishedRow) -> Option<Odd> {
    let same = |column| Some(earlier.sound(column)?.agrees(row.sound(column)?));
    let shares = same(Column::Answer(At::One))? && same(Column::Think(At::One))?;
    let (theirs, ours) = (row_alpha(earlier)?.range, row_alpha(row)?.range);
    let apart = theirs.low > ours.high || ours.low > theirs.high;
    let mut odd = differing(earlier, row, Column::FScore).filter(|_| shares && apart)?;
    odd.message.push_str(", of the same Safe@1 and Think@1");
    Some(odd)
}
