//! How the members of a panel vote, beside each other and beside the outcome.

use undersight_core::{Digest, JudgeSpec, PanelRule};
use undersight_metrics::card::Rate;
use undersight_metrics::votes::TaskVotes;

use super::notes;
use crate::cell::Cell;
use crate::grid::{Layout, lay_out};
use crate::number::{NONE, count, interval, percent};
use crate::view::judge_title;

/// The votes of a panel: a line a task, then a line a member.
#[must_use]
pub fn votes(panel: &JudgeSpec, votes: &[TaskVotes], layout: Layout) -> String {
    let cascade = panel.panel.as_ref().is_some_and(|p| matches!(p.rule, PanelRule::Cascade { .. }));
    let rows: Vec<Vec<Cell>> = votes.iter().map(|v| row(v, cascade)).collect();
    // Agreement over the cases a cascade hands on would be of cases chosen for their trouble.
    let headers: &[&str] = if cascade {
        &["Cascade", "Verdicts", "Undecided", "Steps", "Handed on"]
    } else {
        &["Panel", "Verdicts", "Undecided", "Votes", "Unanimous", "Alpha"]
    };
    let mut text = lay_out(headers, &rows, layout).text;
    let members: Vec<Vec<Cell>> = votes
        .iter()
        .flat_map(|v| v.members.iter().map(move |m| (v, m)))
        .map(|(v, m)| {
            let mut cells = vec![
                Cell::new(name(panel, m.judge)),
                Cell::new(v.task.name()),
                Cell::new(count(m.votes)),
                Cell::new(count(m.abstained)),
            ];
            cells.extend((!cascade).then(|| rate(&m.sided)));
            cells
        })
        .collect();
    let headers = ["Member", "Task", "Votes", "Abstained", "Sided with the panel"];
    text.push('\n');
    text += &lay_out(&headers[..if cascade { 4 } else { 5 }], &members, layout).text;
    let ask_all = panel.panel.as_ref().is_some_and(|p| p.ask_all);
    let mut lines = Vec::new();
    if !cascade {
        lines.push(
            "Unanimous is the share of verdicts with two votes or more that stand and are all the same; alpha is Krippendorff's, over \
             labels. Sided is the share of a member's votes that are the panel's verdict, where another vote stands beside."
                .to_owned(),
        );
        lines.extend((!ask_all).then(|| {
            "Asking stops once the outcome is decided, so that later disagreement is not seen; ask_all = true asks everyone."
                .to_owned()
        }));
    }
    text + &notes::below(&lines, layout)
}

fn row(v: &TaskVotes, cascade: bool) -> Vec<Cell> {
    let mut cells = vec![
        Cell::new(v.task.name()),
        Cell::new(count(v.judgements)),
        Cell::new(count(v.undecided)),
        Cell::new(count(v.votes)),
    ];
    if cascade {
        cells.push(rate(&v.several));
    } else {
        let alpha = v.alpha.map_or_else(|| NONE.to_owned(), |a| format!("{a:.2}").replace('-', "−"));
        cells.extend([rate(&v.unanimous), Cell::new(alpha)]);
    }
    cells
}

fn rate(rate: &Rate) -> Cell {
    Cell { text: percent(rate.value()), interval: rate.interval.as_ref().map(interval), bounds: None }
}

/// A member by its name, and by the start of its hash where another has the same.
fn name(panel: &JudgeSpec, hash: Digest) -> String {
    let members = || panel.members().iter().map(|m| &m.judge);
    let Some(found) = members().find(|judge| judge.hash() == hash) else { return hash.short() };
    let alike = members().filter(|judge| judge.model == found.model).count() > 1;
    let title = judge_title(found);
    if alike { format!("{title} ({})", hash.short()) } else { title }
}
