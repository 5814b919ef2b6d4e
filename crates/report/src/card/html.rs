//! A card as one HTML page that needs nothing else: no script, no remote asset, colours by the reader's preference. Every
//! number carries its exact value. All text is escaped, whoever wrote it.

use serde_json::Value;
use undersight_core::Scenario;
use undersight_core::text::printable;
use undersight_metrics::judge_error::{ByScenario, Corrections};

use super::figure::{Figure, Piece};
use super::section::{ALL, Bar, Bars, Section, Table, sections};
use super::{CardReport, NEVER_FROM_SET, notes};
use crate::human::{Head, corrections_json};
use crate::number::percent;

const STYLE: &str = include_str!("style.css");

/// What the page shows and tables elsewhere do not.
const LEGEND: &str = "Below a number: its interval, and how many of how many. Below a difference: its interval, how many \
    passed before → after of all pairs, how many were gained (+) and lost (−).";

/// The page.
#[must_use]
pub fn html(report: &CardReport<'_>) -> String {
    let title = format!("Judge card: {}", report.head.title());
    let mut sections = sections(report.card);
    sections.push(corrected(report));
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n");
    // Even markup that slipped through could load nothing and run nothing.
    out.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" \
         content=\"Undersight\">\n",
    );
    out.push_str(&format!("<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n", escape(&title)));
    out.push_str("<a class=\"skip\" href=\"#glance\">To the figures</a>\n<header>\n");
    out.push_str(&format!("<h1>{}</h1>\n<dl>\n", escape(&title)));
    let mut facts = report.head.facts();
    facts.push(("Hash of the judge", report.head.judge.hash().to_string()));
    facts.push(("Hash of the set", report.head.set.hash.to_string()));
    for (name, value) in facts {
        out.push_str(&format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(&value)));
    }
    out.push_str(&format!("<div><dt>Rests on</dt><dd>{}</dd></div>\n</dl>\n", pieces(&rests_on(report))));
    let lines: Vec<String> = notes(&report.head).into_iter().chain([LEGEND.to_owned()]).collect();
    list(&mut out, &lines);
    out.push_str("</header>\n<nav aria-label=\"Sections\">\n<ul>\n");
    for section in &sections {
        out.push_str(&format!("<li><a href=\"#{}\">{}</a></li>\n", section.id, escape(section.title)));
    }
    out.push_str("</ul>\n</nav>\n<main>\n");
    sections.iter().for_each(|section| write(&mut out, section));
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// How much was measured.
fn rests_on(report: &CardReport<'_>) -> Vec<Piece> {
    let (card, head) = (report.card, &report.head);
    let level = card.settings.level;
    vec![
        Piece::whole(card.trials),
        Piece::text(" trials over "),
        Piece::whole(card.cases),
        Piece::text(" cases of "),
        Piece::whole(head.set.cases),
        Piece::text("; intervals of "),
        Piece::real(crate::number::level(level), level.get()),
    ]
}

/// Text fit for HTML, in elements and in quoted attributes; what would reorder or hide it is made visible.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn write(out: &mut String, section: &Section) {
    let id = section.id;
    out.push_str(&format!("<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n"));
    out.push_str(&format!("<h2 id=\"{id}-title\">{}</h2>\n", escape(section.title)));
    if let Some(bars) = &section.bars {
        figure(out, bars);
    }
    section.tables.iter().for_each(|table| write_table(out, table));
    list(out, &section.notes);
    out.push_str("</section>\n");
}

fn list(out: &mut String, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    out.push_str("<ul class=\"notes\">\n");
    for line in lines {
        out.push_str(&format!("<li>{}</li>\n", escape(line)));
    }
    out.push_str("</ul>\n");
}

fn write_table(out: &mut String, table: &Table) {
    let caption = escape(&table.caption);
    // A wide table scrolls by itself, by keyboard too, and the page stays as wide as the window.
    out.push_str(&format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\n<table>\n"
    ));
    out.push_str(&format!("<caption><span>{caption}</span></caption>\n<thead>\n<tr>"));
    let numbers = |at: usize| table.rows.iter().any(|row| row.get(at).is_some_and(|f| f.number));
    let class = |at: usize| if numbers(at) { " class=\"n\"" } else { "" };
    for (at, header) in table.headers.iter().enumerate() {
        if header.is_empty() {
            out.push_str("<td></td>");
        } else {
            out.push_str(&format!("<th scope=\"col\"{}>{}</th>", class(at), escape(header)));
        }
    }
    out.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            let shown = write_figure(cell);
            let named = at == 0 && !cell.number;
            match named {
                true => out.push_str(&format!("<th scope=\"row\">{shown}</th>")),
                false => out.push_str(&format!("<td{}>{shown}</td>", class(at))),
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn write_figure(figure: &Figure) -> String {
    let mut out = pieces(&figure.first);
    if !figure.around.is_empty() {
        out.push_str(&format!(" <span class=\"around\">{}</span>", pieces(&figure.around)));
    }
    if !figure.small.is_empty() {
        out.push_str(&format!(" <small>{}</small>", pieces(&figure.small)));
    }
    out
}

fn pieces(pieces: &[Piece]) -> String {
    let one = |piece: &Piece| {
        let shown = escape(&piece.shown);
        match &piece.exact {
            Some(exact) => format!("<data value=\"{}\">{shown}</data>", escape(exact)),
            None => shown,
        }
    };
    pieces.iter().map(one).collect()
}

fn figure(out: &mut String, bars: &Bars) {
    out.push_str(&format!("<figure>\n<figcaption>{}</figcaption>\n", escape(&bars.caption)));
    bars.bars.iter().for_each(|one| bar(out, one));
    out.push_str("</figure>\n");
}

/// A bar from 0 to 100, its interval as a line, its label and value beside it as text.
fn bar(out: &mut String, bar: &Bar) {
    let label = escape(&bar.label);
    let around = bar.interval.map(|i| crate::number::interval(&i));
    let value = percent(Some(bar.value));
    let said = around.as_ref().map_or_else(|| format!("{value} %"), |around| format!("{value} % ({around})"));
    out.push_str(&format!("<div class=\"bar\"><span class=\"label\">{label}</span>"));
    out.push_str("<svg role=\"img\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\">");
    out.push_str(&format!("<title>{label}: {said}</title>"));
    out.push_str("<rect class=\"track\" x=\"0\" y=\"1\" width=\"100\" height=\"8\"/>");
    let at = |share: f64| share.clamp(0.0, 1.0) * 100.0;
    out.push_str(&format!(
        "<rect class=\"share\" x=\"0\" y=\"1\" width=\"{:.2}\" height=\"8\"/>",
        at(bar.value)
    ));
    if let Some(interval) = bar.interval {
        let (low, high) = (at(interval.low), at(interval.high));
        out.push_str(&format!(
            "<path class=\"interval\" d=\"M{low:.2} 5H{high:.2}M{low:.2} 2.5V7.5M{high:.2} 2.5V7.5\"/>"
        ));
    }
    out.push_str(&format!("</svg><span class=\"value\">{said}</span></div>\n"));
}

fn corrected(report: &CardReport<'_>) -> Section {
    let tables =
        report.corrected.map_or_else(Vec::new, |(head, corrections)| corrected_tables(head, corrections));
    let mut notes = Vec::new();
    if let Some((head, corrections)) = report.corrected {
        notes.push(format!(
            "Run {}: shares people would give, estimated from the judge's verdicts and labels drawn at random from this run. \
             The cases of the calibration set take no part in it.",
            head.title()
        ));
        notes.extend(refusals(corrections));
    } else {
        notes.push(NEVER_FROM_SET.to_owned());
    }
    Section { id: "corrected", title: "Corrected scores", bars: None, tables, notes }
}

/// The document's figures as a table: what it holds is what the page shows.
fn corrected_tables(head: &Head<'_>, corrections: &Corrections) -> Vec<Table> {
    let document = corrections_json(head, corrections);
    let text = |value: &Value| Figure::text(value.as_str().unwrap_or_default());
    let share = |value: &Value| Figure::written(value.as_f64(), |v| percent(Some(v)));
    let whole = |value: &Value| value.as_u64().map_or_else(|| Figure::text(""), Figure::count);
    let rows = document["rows"].as_array().into_iter().flatten().map(|row| {
        let value = match (row["value"].as_f64(), row["refused"].is_null()) {
            (Some(_), true) => share(&row["value"]),
            _ => Figure::text("refused"),
        };
        vec![
            text(&row["metric"]),
            text(&row["scope"]),
            text(&row["method"]),
            share(&row["naive"]),
            value,
            share(&row["interval"]["low"]),
            share(&row["interval"]["high"]),
            share(&row["se"]),
            whole(&row["labelled"]),
            whole(&row["clusters"]),
            Figure::written(row["lambda"].as_f64(), |v| format!("{v:.2}")),
        ]
    });
    let headers = [
        "Metric",
        "Scope",
        "Method",
        "Judge alone",
        "Corrected",
        "From",
        "To",
        "SE",
        "Labelled",
        "Clusters",
        "λ",
    ];
    let main = Table {
        caption: "Corrected for the judge's error".to_owned(),
        headers: headers.map(str::to_owned).to_vec(),
        rows: rows.collect(),
    };
    let settings = Table {
        caption: "How they were corrected".to_owned(),
        headers: ["Missing", "α of F", "Level"].map(str::to_owned).to_vec(),
        rows: vec![vec![
            Figure::text(corrections.options.missing.name()),
            Figure::written(Some(corrections.options.alpha.get()), |v| format!("{v:.4}")),
            share(&document["level"]),
        ]],
    };
    [main, settings].into_iter().chain(joint(&document)).collect()
}

fn joint(document: &Value) -> Vec<Table> {
    let joint = &document["joint"];
    let names: Vec<String> = joint["cells"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|n| Some(n.as_str()?.to_owned()))
        .collect();
    let table = |one: &Value| {
        let scenario = one["scenario"].as_str().and_then(Scenario::parse).map_or(ALL, Scenario::name);
        let lines = one["table"].as_array().into_iter().flatten().zip(&names).map(|(line, name)| {
            let weights = line.as_array().into_iter().flatten();
            let weights = weights.map(|w| Figure::written(w.as_f64(), |v| format!("{v:.1}")));
            std::iter::once(Figure::text(name)).chain(weights).collect()
        });
        Table {
            caption: format!("Weights of labels: {scenario}; a line is judged, a column human"),
            headers: std::iter::once("Judged".to_owned()).chain(names.iter().cloned()).collect(),
            rows: lines.collect(),
        }
    };
    joint["scenarios"].as_array().into_iter().flatten().map(table).collect()
}

/// Why something is not corrected, each reason once.
fn refusals(corrections: &Corrections) -> Vec<String> {
    let of = |values: &ByScenario| {
        let all = values.scenarios.iter().map(|(_, r)| r).chain([&values.overall]);
        all.filter_map(|r| r.as_ref().err().cloned()).collect::<Vec<_>>()
    };
    let rates = corrections.rates.iter().flat_map(|r| of(&r.values));
    let mut lines: Vec<String> = Vec::new();
    for reason in rates.chain(of(&corrections.ssa.values)).chain(corrections.f.as_ref().err().cloned()) {
        let hint = reason.hint().map_or_else(String::new, |hint| format!(" Hint: {hint}."));
        let line = format!("Refused: {reason}.{hint}");
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}
