//! Attacks on a judge alone: how often they succeed, and how another judge fares under the same.

use serde_json::{Map, Value, json};
use undersight_core::Task;
use undersight_metrics::card::{AttackComparison, ComparedAttack, Paired};

use super::figure::{Figure, Piece};
use super::section::{ALL, Section, Table, attack_notes, attack_tables, of_task};
use super::{CardHead, CardReport, head, json, notes};
use crate::grid::Layout;
use crate::number::count;
use crate::table::notes::below;
use crate::view::judge_title;

/// Another judge under the same attacks.
#[derive(Debug, Clone, Copy)]
pub struct Rival<'a> {
    /// Who.
    pub head: CardHead<'a>,
    /// The comparison: the rival first (before), the judge of the report second (after).
    pub comparison: &'a AttackComparison,
}

/// The attacks of a card as tables with notes, and those of a rival beside them.
#[must_use]
pub fn attack_table(report: &CardReport<'_>, rival: Option<&Rival<'_>>, layout: Layout) -> String {
    let mut out = head(&report.head, layout);
    let attacks = &report.card.attacks;
    let own = Section {
        id: "attacks",
        title: "Attacks",
        bars: None,
        tables: attack_tables(attacks),
        notes: if attacks.is_empty() {
            vec!["No attack was tried.".to_owned()]
        } else {
            attack_notes(attacks)
        },
    };
    own.write(&mut out, layout);
    if let Some(rival) = rival {
        compared(report, rival).write(&mut out, layout);
    }
    out.push_str(&below(&notes(&report.head), layout));
    out
}

fn compared(report: &CardReport<'_>, rival: &Rival<'_>) -> Section {
    let rows = &rival.comparison.rows;
    let row = |r: &&ComparedAttack| {
        let share = |p: &Paired, n| Figure::share(p.share(n).value(), None);
        let of = |p: &Paired| [share(p, p.before), share(p, p.after), Figure::paired(p)];
        let mut cells = vec![
            Figure::text(r.variant.as_deref().unwrap_or(ALL)),
            Figure::count(r.standing.pairs)
                .resting_on(vec![Piece::whole(r.standing.cases), Piece::text(" cases")]),
        ];
        cells.extend(of(&r.standing));
        cells.extend([Figure::p(&r.standing), Figure::paired(&r.claimed)]);
        cells
    };
    let headers = ["Attack", "Pairs", "Rival", "This", "Difference", "p", "Claimed"].map(str::to_owned);
    let tables = std::iter::once(None).chain(Task::ALL.iter().copied().map(Some)).filter_map(|task| {
        let own: Vec<&ComparedAttack> = rows.iter().filter(|r| r.task == task).collect();
        let what = task.map_or("all tasks together", of_task);
        (!own.is_empty()).then(|| Table {
            caption: format!("Success under the same attacks: {what}"),
            headers: headers.to_vec(),
            rows: own.iter().map(row).collect(),
        })
    });
    let prompts = |head: &CardHead<'_>| head.prompts.map_or_else(String::new, |p| format!(" ({p})"));
    let mut notes = vec![
        format!(
            "This: {}{}. Rival: {}{}.",
            judge_title(report.head.judge),
            prompts(&report.head),
            judge_title(rival.head.judge),
            prompts(&rival.head)
        ),
        "Difference: this less rival, in points, over attacks that came to an end with both; below 0 this judge withstands more. Claimed: the \
         same difference of passing labels, whether they stand or not. p: the exact sign test by case; below it adjusted by \
         Holm over the attacks of the table."
            .to_owned(),
    ];
    if rival.comparison.left_out > 0 {
        notes.push(format!(
            "Attacks that came to an end with one of them only, left out: {}.",
            count(rival.comparison.left_out)
        ));
    }
    Section { id: "compared", title: "Beside another judge", bars: None, tables: tables.collect(), notes }
}

/// `undersight.judge-attack/v1`.
#[must_use]
pub fn attack_json(report: &CardReport<'_>, rival: Option<&Rival<'_>>) -> Value {
    let mut document = Map::new();
    document.insert("schema".to_owned(), Value::from("undersight.judge-attack/v1"));
    document.extend(json::about(&report.head));
    document.insert("level".to_owned(), Value::from(report.card.settings.level.get()));
    document.insert("attacks".to_owned(), Value::from(json::attacks(report.card)));
    let rival = rival.map(|rival| {
        let level = rival.comparison.level;
        let row = |r: &ComparedAttack| {
            json!({
                "variant": r.variant,
                "task": r.task,
                "standing": json::paired(&r.standing, level),
                "claimed": json::paired(&r.claimed, level),
            })
        };
        let mut about = json::about(&rival.head);
        about.insert("left_out".to_owned(), Value::from(rival.comparison.left_out));
        about.insert("rows".to_owned(), rival.comparison.rows.iter().map(row).collect());
        Value::Object(about)
    });
    document.insert("rival".to_owned(), Value::from(rival));
    Value::Object(document)
}
