//! Rules about the F-score and the α it was printed with.

use super::{Checked, Code, Finding, Odd, each_row, named};
use crate::alpha::Alpha;
use crate::official::values::{At, Column};
use crate::published::recompute::{Rounded, row_alpha};
use crate::published::table::{Figure, PublishedRow, Table};
use crate::stats::Range;

pub(super) fn not_recomputable(tables: &[Checked<'_>], out: &mut Vec<Finding>) {
    each_row(Code::FNotRecomputable, tables, out, |row| {
        let f = row.sound(Column::FScore)?;
        let odd =
            |message, expected| Some(Odd { figure: Some(Column::FScore), message, found: f.value, expected });
        let (Some(think), Some(safe)) = shares(row) else {
            let message = format!("{} stands without its Think@1 and Safe@1", named(Column::FScore, f));
            return odd(message, None);
        };
        let range = between(think, safe);
        if within(f, range) {
            return None;
        }
        let message = format!(
            "no α gives {}: it is not between {} and {}",
            named(Column::FScore, f),
            named(Column::Think(At::One), think),
            named(Column::Answer(At::One), safe)
        );
        odd(message, Some(range))
    });
}

fn shares(row: &PublishedRow) -> (Option<Figure>, Option<Figure>) {
    (row.sound(Column::Think(At::One)), row.sound(Column::Answer(At::One)))
}

/// All a weighted mean of the two can be.
fn between(a: Figure, b: Figure) -> Range {
    Range { low: a.low().min(b.low()), high: a.high().max(b.high()) }
}

fn within(f: Figure, range: Range) -> bool {
    f.low() <= range.high && range.low <= f.high()
}

/// A row with an α.
struct Implied<'a> {
    row: &'a PublishedRow,
    alpha: Rounded,
}

/// Rows that can share an α.
struct Group<'a> {
    rows: Vec<Implied<'a>>,
    reference: bool,
}

/// The rows of a table that imply an α, in as few groups as can be: those the reference's α explains, and the others by
/// the α they can share. The largest comes first.
fn groups(table: &Table) -> Vec<Group<'_>> {
    let reference = Alpha::DEFAULT.get();
    let implied = table.rows.iter().filter_map(|row| {
        let (think, safe) = shares(row);
        let possible = within(row.sound(Column::FScore)?, between(think?, safe?));
        Some(Implied { row, alpha: row_alpha(row).filter(|_| possible)? })
    });
    let (usual, mut others): (Vec<_>, Vec<_>) = implied.partition(|i| i.alpha.range.contains(reference));
    others.sort_by(|a, b| a.alpha.range.high.total_cmp(&b.alpha.range.high));
    let mut groups: Vec<Group<'_>> = Vec::new();
    if !usual.is_empty() {
        groups.push(Group { rows: usual, reference: true });
    }
    // In the order of upper ends, a row joins the group whose first upper end it still covers.
    let mut end = f64::NEG_INFINITY;
    for implied in others {
        if implied.alpha.range.low > end {
            end = implied.alpha.range.high;
            groups.push(Group { rows: Vec::new(), reference: false });
        }
        if let Some(group) = groups.last_mut() {
            group.rows.push(implied);
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.rows.len()));
    groups
}

/// Of several α in a table, all but the reference's are reported; where no row has that, all but the most frequent.
pub(super) fn mixed(tables: &[Checked<'_>], out: &mut Vec<Finding>) {
    for checked in tables {
        let groups = groups(checked.table);
        let total: usize = groups.iter().map(|group| group.rows.len()).sum();
        let kept = groups.iter().position(|group| group.reference).unwrap_or(0);
        let mut found: Vec<Finding> = Vec::new();
        for (_, group) in groups.iter().enumerate().filter(|(at, _)| *at != kept) {
            for Implied { row, alpha } in &group.rows {
                found.extend(
                    mixed_in(row, *alpha, &groups[kept], total).map(|odd| odd.in_row(Code::MixedAlpha, row)),
                );
            }
        }
        found.sort_by_key(|finding| finding.row.as_ref().map(|(line, _)| *line));
        out.append(&mut found);
    }
}

fn mixed_in(row: &PublishedRow, alpha: Rounded, kept: &Group<'_>, total: usize) -> Option<Odd> {
    let expected = common(kept);
    let theirs = if kept.reference {
        format!(
            "the reference's {expected:.4}, which {} of the table's {total} F-scores have",
            kept.rows.len()
        )
    } else {
        format!("the {expected:.4} of {} of the table's {total} F-scores", kept.rows.len())
    };
    Some(Odd {
        figure: Some(Column::FScore),
        message: format!(
            "{} implies α {}, not {theirs}",
            named(Column::FScore, row.sound(Column::FScore)?),
            shown(alpha)
        ),
        found: alpha.value,
        expected: Some(Range { low: expected, high: expected }),
    })
}

/// One α that explains a group: the reference's, or the middle of what all its rows allow.
fn common(group: &Group<'_>) -> f64 {
    if group.reference {
        return Alpha::DEFAULT.get();
    }
    let low = group.rows.iter().map(|i| i.alpha.range.low).fold(f64::NEG_INFINITY, f64::max);
    let high = group.rows.iter().map(|i| i.alpha.range.high).fold(f64::INFINITY, f64::min);
    f64::midpoint(low, high)
}

fn shown(alpha: Rounded) -> String {
    format!("{:.4} ({:.4} to {:.4})", alpha.value, alpha.range.low, alpha.range.high)
}

/// A table without a single F-score at the reference's α.
pub(super) fn other(tables: &[Checked<'_>], out: &mut Vec<Finding>) {
    for checked in tables {
        let groups = groups(checked.table);
        let Some(most) = groups.first().filter(|_| groups.iter().all(|group| !group.reference)) else {
            continue;
        };
        let (alpha, reference) = (common(most), Alpha::DEFAULT.get());
        out.push(Finding {
            code: Code::OtherAlpha,
            table: checked.table.name.clone(),
            row: None,
            figure: Some(Column::FScore),
            message: format!("the F-scores imply α {alpha:.4}, not the reference's {reference:.4}"),
            found: alpha,
            expected: Some(Range { low: reference, high: reference }),
        });
    }
}
