//! The rule about one arm printed in several places.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{Checked, Code, Finding, Odd, named};
use crate::official::values::{At, Column};
use crate::published::columns::FIGURES;
use crate::published::recompute::row_alpha;
use crate::published::table::PublishedRow;
use crate::stats::Range;

/// Compares every row with the first of the same model, arm, decoding settings and k, figure by figure; and every
/// F-score with the first of the same model and shares, whatever the settings, since the shares alone determine it.
pub(super) fn two_values(tables: &[Checked<'_>], out: &mut Vec<Finding>) {
    let mut first: BTreeMap<String, Vec<&PublishedRow>> = BTreeMap::new();
    for row in tables.iter().flat_map(|checked| &checked.table.rows) {
        match first.entry(row.model.to_lowercase()) {
            Entry::Vacant(model) => {
                model.insert(vec![row]);
            }
            Entry::Occupied(mut model) => {
                if let Some(earlier) = model.get().iter().find(|earlier| same_arm(earlier, row)) {
                    let odd = FIGURES.into_iter().filter_map(|column| differing(earlier, row, column));
                    out.extend(odd.map(|odd| odd.in_row(Code::SameArmTwoValues, row)));
                } else {
                    let odd = model.get().iter().find_map(|earlier| other_f(earlier, row));
                    out.extend(odd.map(|odd| odd.in_row(Code::SameArmTwoValues, row)));
                    model.get_mut().push(row);
                }
            }
        }
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
