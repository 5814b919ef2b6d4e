//! Rows of text as a grid: a table where it fits, else a list; or Markdown. Every cell is made printable first.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use crate::cell::Cell;
use crate::number::NONE;

/// Where a grid goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A terminal, or a file read like one; columns available, where known.
    Terminal {
        /// Columns available; `None` is as wide as it takes.
        width: Option<u16>,
    },
    /// Markdown.
    Markdown,
}

/// Rows laid out.
pub(crate) struct Drawn {
    pub(crate) text: String,
    /// Whether what surrounds a number stands below it, not behind it.
    pub(crate) stacked: bool,
}

/// Lays out rows of texts under headers. A table wider than the terminal becomes a list of its rows. Ends with a
/// newline.
#[must_use]
pub fn grid<H: AsRef<str>, C: AsRef<str>>(headers: &[H], rows: &[Vec<C>], layout: Layout) -> String {
    let rows: Vec<Vec<Cell>> =
        rows.iter().map(|row| row.iter().map(|cell| Cell::new(cell.as_ref())).collect()).collect();
    cells(headers, &rows, layout)
}

/// Likewise rows of cells: what surrounds a number stands below it in a table, and behind it elsewhere.
#[must_use]
pub fn cells<H: AsRef<str>>(headers: &[H], rows: &[Vec<Cell>], layout: Layout) -> String {
    lay_out(headers, rows, layout).text
}

pub(crate) fn lay_out<H: AsRef<str>>(headers: &[H], rows: &[Vec<Cell>], layout: Layout) -> Drawn {
    let headers: Vec<String> = headers.iter().map(|h| Cell::new(h.as_ref()).inline()).collect();
    let written = |write: fn(&Cell) -> String| -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(write).collect()).collect()
    };
    let inline = |text| Drawn { text, stacked: false };
    match layout {
        Layout::Markdown => inline(markdown(&headers, &written(Cell::inline))),
        Layout::Terminal { width } => {
            let text = draw(&headers, &written(Cell::stacked));
            if fits(&text, width) {
                Drawn { text, stacked: true }
            } else {
                inline(list(&headers, &written(Cell::inline)))
            }
        }
    }
}

/// Whether a text is no wider than the terminal.
pub(crate) fn fits(text: &str, width: Option<u16>) -> bool {
    width.is_none_or(|width| text.lines().all(|line| line.chars().count() <= usize::from(width)))
}

/// Columns of numbers stand to the right.
fn numeric(rows: &[Vec<String>], column: usize) -> bool {
    let mut cells = rows.iter().filter_map(|r| r.get(column)).filter(|c| !c.is_empty()).peekable();
    let number = |c: &str| c.strip_prefix('−').unwrap_or(c).starts_with(|d: char| d.is_ascii_digit());
    cells.peek().is_some() && cells.all(|c| c.starts_with(NONE) || number(c))
}

fn draw(headers: &[String], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_header(headers);
    table.add_rows(rows);
    for at in 0..headers.len() {
        if let Some(column) = table.column_mut(at) {
            // Two spaces between columns and no margin: wide tables fit where they can.
            column.set_padding((0, u16::from(at + 1 < headers.len())));
            if numeric(rows, at) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    let mut out = String::new();
    for line in table.lines() {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn list(headers: &[String], rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    for row in rows {
        for (i, (header, cell)) in headers.iter().zip(row).enumerate() {
            match (i, header.as_str()) {
                (0, _) => out.push_str(cell),
                (_, "") => {
                    out.push_str("  ");
                    out.push_str(cell);
                }
                (_, header) => {
                    out.push_str("  ");
                    out.push_str(header);
                    out.push_str(": ");
                    out.push_str(cell);
                }
            }
            out.push('\n');
        }
    }
    out
}

/// Text that Markdown shows as it is.
#[must_use]
pub fn escape_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn markdown(headers: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<_> = cells.iter().map(|c| escape_markdown(c)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rules: Vec<_> = (0..headers.len()).map(|at| if numeric(rows, at) { "---:" } else { "---" }).collect();
    let mut out = line(headers);
    out.push_str(&format!("| {} |\n", rules.join(" | ")));
    rows.iter().for_each(|row| out.push_str(&line(row)));
    out
}
