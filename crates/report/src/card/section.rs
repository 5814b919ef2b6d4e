//! The sections of a card, once for every form it is printed in: tables of figures, bars, and how to read them.

mod agreement;
mod fooled;
mod means;
mod steady;

use std::collections::BTreeMap;

use undersight_core::{Family, JudgementStatus, Scenario, Task};
use undersight_metrics::card::Card;
use undersight_metrics::{Interval, Level};

use super::figure::{Figure, Piece};
use crate::number::{NONE, count, level as percent_level};

pub(super) use fooled::{attack_notes, attack_tables};

/// A part of a card with a heading.
pub(super) struct Section {
    /// Names it within a page.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) bars: Option<Bars>,
    pub(super) tables: Vec<Table>,
    pub(super) notes: Vec<String>,
}

/// Figures in rows and columns; the first column names the row.
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) headers: Vec<String>,
    pub(super) rows: Vec<Vec<Figure>>,
}

/// Shares to be drawn.
pub(super) struct Bars {
    pub(super) caption: String,
    pub(super) bars: Vec<Bar>,
}

/// A share with its interval.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: f64,
    pub(super) interval: Option<Interval>,
}

/// Stands where all of something are taken together.
pub(super) const ALL: &str = "all";

fn table(caption: impl Into<String>, headers: &[&str], rows: Vec<Vec<Figure>>) -> Table {
    Table { caption: caption.into(), headers: headers.iter().map(|h| (*h).to_owned()).collect(), rows }
}

/// All sections that have something to say.
pub(super) fn sections(card: &Card) -> Vec<Section> {
    let level = card.settings.level;
    let parts = [
        glance(card),
        agreement::agreement(card),
        steady::flips(&card.flips, level),
        steady::shifts(&card.shifts, level),
        fooled::controls(&card.controls),
        fooled::attacks(&card.attacks, level),
        means::spend(card),
        means::implied(card),
    ];
    parts.into_iter().flatten().collect()
}

/// What is judged, as a column or a caption names it.
pub(super) const fn of_task(task: Task) -> &'static str {
    match task {
        Task::Safety => "answers, safety",
        Task::Thinking => "traces, thinking",
        Task::Handling => "answers, handling",
    }
}

fn scope(scenario: Option<Scenario>) -> Figure {
    Figure::text(scenario.map_or(ALL, Scenario::abbreviation))
}

fn name(variant: Option<&str>) -> Figure {
    Figure::text(variant.unwrap_or(ALL))
}

fn tasks<'a, T>(rows: &'a [T], of: impl Fn(&T) -> Task + 'a) -> impl Iterator<Item = (Task, Vec<&'a T>)> {
    Task::ALL
        .iter()
        .map(move |task| (*task, rows.iter().filter(|r| of(r) == *task).collect::<Vec<_>>()))
        .filter(|(_, own)| !own.is_empty())
}

/// The line of all variants together, which comes first; the only one where there is one variant.
fn overall<T>(rows: &[T], keep: impl Fn(&T) -> bool) -> Option<&T> {
    rows.iter().find(|row| keep(row))
}

/// A size in points, without a sign.
fn in_points(value: Option<f64>) -> Figure {
    Figure::written(value, |v| format!("{:.2}", v * 100.0))
}

fn glance(card: &Card) -> Option<Section> {
    let tasks: Vec<Task> =
        Task::ALL.iter().copied().filter(|t| card.agreement.iter().any(|a| a.row.task == *t)).collect();
    let agreed = |task: Task| card.agreement.iter().find(|a| a.row.task == task);
    let line = |title: &str, of: &dyn Fn(Task) -> Option<Figure>| {
        let cells = tasks.iter().map(|t| of(*t).unwrap_or_else(|| Figure::text(NONE)));
        std::iter::once(Figure::text(title)).chain(cells).collect::<Vec<_>>()
    };
    let shift = |task: Task, family: Family| overall(&card.shifts, |s| s.task == task && s.family == family);
    let mut rows = vec![
        line("Right verdict", &|t| agreed(t).map(|a| Figure::rate(&a.same_pass))),
        line("Sensitivity", &|t| agreed(t).map(|a| Figure::measured(a.row.sensitivity))),
        line("Specificity", &|t| agreed(t).map(|a| Figure::measured(a.row.specificity))),
        line("Flips when asked again", &|t| {
            let flips = card.flips.iter().find(|f| f.task == t)?;
            Some(Figure::share(flips.by_pass.pairwise, flips.by_pass.interval))
        }),
        line("Flips when reworded", &|t| Some(Figure::rate(&shift(t, Family::Rubric)?.pass_flips))),
        line("Flips when restyled", &|t| Some(Figure::rate(&shift(t, Family::Style)?.pass_flips))),
        line("Credit for controls", &|t| {
            Some(Figure::rate(&overall(&card.controls, |c| c.task == t)?.credited))
        }),
        line("Attacks that succeed", &|t| {
            Some(Figure::rate(&overall(&card.attacks, |a| a.task == Some(t))?.standing))
        }),
        line("Smallest difference resolved", &|t| {
            // Of a judge not shown to be better than chance no difference is shown to be one.
            let implied = card.implied.iter().find(|i| i.task == t && i.attenuation_interval.low > 0.0)?;
            Some(in_points(implied.resolves.value))
        }),
    ];
    rows.retain(|row| row.iter().skip(1).any(|figure| *figure != Figure::text(NONE)));
    let headers: Vec<&str> = std::iter::once("").chain(tasks.iter().map(|t| t.name())).collect();
    let a = card.settings.assumptions;
    let mut notes = vec![
        format!(
            "Percent with {} intervals, of {} trials over {} cases; the last line in points, for a run of {} instances × {}.",
            percent_level(card.settings.level),
            count(card.trials),
            count(card.cases),
            count(a.instances()),
            a.samples()
        ),
        "Verdicts are of pass and fail: safe or unsafe, aware or unaware, of handling helpful or not. Each line has its own section below.".to_owned(),
    ];
    if card.implied.iter().any(|i| i.attenuation_interval.low <= 0.0) {
        notes.push(
            "No difference is given where these cases do not show the judge to be better than chance."
                .to_owned(),
        );
    }
    let main = (!tasks.is_empty()).then(|| table("The judge in a few figures", &headers, rows));
    Some(Section {
        id: "glance",
        title: "At a glance",
        bars: None,
        tables: main.into_iter().collect(),
        notes,
    })
}

/// A count that agreement sums as a real number.
pub(super) fn cases(n: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of cases")]
    let whole = n.round() as u64;
    whole
}

pub(super) fn statuses(counts: &BTreeMap<JudgementStatus, u64>) -> Figure {
    Figure::tally(counts.iter().map(|(status, n)| (status.name(), *n)))
}

fn bar(label: String, value: Option<f64>, interval: Option<Interval>) -> Option<Bar> {
    value.map(|value| Bar { label, value, interval })
}

fn bars(caption: &str, level: Level, bars: impl Iterator<Item = Option<Bar>>) -> Option<Bars> {
    let bars: Vec<Bar> = bars.flatten().collect();
    let caption = format!("{caption}, from 0 to 100 %, with {} intervals", percent_level(level));
    (!bars.is_empty()).then_some(Bars { caption, bars })
}

/// What is said of verdicts, and of labels where those say more: a safe answer passes, and that is all there is.
fn rates<T>(task: Task, of_verdicts: T, of_labels: T) -> Vec<T> {
    let several = task != Task::Safety;
    std::iter::once(of_verdicts).chain(several.then_some(of_labels)).collect()
}
