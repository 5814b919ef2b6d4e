//! Rules about the counts behind the figures: their grid and k.

use super::{Checked, Code, Finding, Odd, named};
use crate::official::values::{At, Column};
use crate::published::columns::{FIGURES, at};
use crate::published::grid::{Ks, RowK, neighbours, on_grid, parts};
use crate::published::table::PublishedRow;
use crate::stats::Range;

pub(super) fn off_grid(tables: &[Checked<'_>], out: &mut Vec<Finding>) {
    for checked in tables {
        for (row, k) in checked.table.rows.iter().zip(&checked.ks.rows) {
            let odd = FIGURES.into_iter().filter_map(|column| off_grid_at(row, column, k.k));
            out.extend(odd.map(|odd| odd.in_row(Code::OffGrid, row)));
        }
    }
}

fn off_grid_at(row: &PublishedRow, column: Column, k: Option<u32>) -> Option<Odd> {
    let figure = row.sound(column)?;
    let parts = parts(column, k)?;
    if on_grid(figure, parts) {
        return None;
    }
    let (below, above) = neighbours(figure.value, parts);
    let digits = usize::from(figure.decimals);
    let samples = match (at(column), k) {
        (Some(At::One), Some(k)) => format!(" (k = {k})"),
        _ => String::new(),
    };
    Some(Odd {
        figure: Some(column),
        message: format!(
            "{} is no multiple of 1/{}{samples} within rounding: the nearest are {below:.digits$} and {above:.digits$}",
            named(column, figure),
            grouped(parts)
        ),
        found: figure.value,
        expected: Some(Range { low: below, high: above }),
    })
}

/// `12,000`.
fn grouped(whole: f64) -> String {
    let digits = format!("{whole:.0}");
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub(super) fn k_mismatch(tables: &[Checked<'_>], out: &mut Vec<Finding>) {
    for checked in tables {
        for (row, k) in checked.table.rows.iter().zip(&checked.ks.rows) {
            out.extend(mismatch(row, *k, &checked.ks).map(|odd| odd.in_row(Code::KMismatch, row)));
        }
    }
}

fn mismatch(row: &PublishedRow, row_k: RowK, ks: &Ks) -> Option<Odd> {
    let k = row_k.k?;
    let others = || -> Option<(u32, String)> {
        let main = ks.main.filter(|main| *main != k)?;
        let has_k =
            FIGURES.into_iter().any(|column| at(column) == Some(At::K) && row.figure(column).is_some());
        has_k.then(|| {
            let most = format!("{} of the table's {} rows have k = {main}", ks.count(main), ks.rows.len());
            (main, format!("{most}: figures at different k do not compare"))
        })
    };
    let (expected, message) = match row_k.stated.filter(|stated| *stated != k) {
        Some(stated) => (stated, format!("the figures at 1 fit k = {k} and not k = {stated}, as stated")),
        None => {
            let (main, others) = others()?;
            let how = if row_k.stated.is_some() { "the row has" } else { "the figures at 1 fit" };
            (main, format!("{how} k = {k}, but {others}"))
        }
    };
    let expected = f64::from(expected);
    Some(Odd {
        figure: None,
        message,
        found: f64::from(k),
        expected: Some(Range { low: expected, high: expected }),
    })
}
