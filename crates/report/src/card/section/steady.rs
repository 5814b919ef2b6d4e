//! How steady a judge is: asked the same again, asked in other words, shown another style.

use undersight_core::Family;
use undersight_metrics::Level;
use undersight_metrics::card::{Flips, Shift};

use super::{Figure, Piece, Section, bar, bars, name, of_task, rates, table, tasks};
use crate::number::count;

pub(super) fn flips(flips: &[Flips], level: Level) -> Option<Section> {
    let row = |f: &Flips| {
        vec![
            Figure::text(f.task.name()),
            Figure::count(f.cases).resting_on(vec![
                Piece::whole(f.verdicts),
                Piece::text(" verdicts; "),
                Piece::whole(f.left_out),
                Piece::text(" cases left out, "),
                Piece::whole(f.unsettled),
                Piece::text(" unsettled"),
            ]),
            Figure::count(f.most),
            Figure::share(f.by_pass.pairwise, f.by_pass.interval),
            Figure::rate(&f.by_pass.ever),
            Figure::share(f.by_label.pairwise, f.by_label.interval),
            Figure::rate(&f.by_label.ever),
        ]
    };
    let headers = ["Task", "Cases", "Asked", "Flip rate", "Ever flips", "Of labels", "Labels ever"];
    let drawn = flips.iter().map(|f| bar(f.task.name().to_owned(), f.by_pass.pairwise, f.by_pass.interval));
    let mut notes = vec![
        "Flip rate: the chance that two verdicts on the very same question differ, averaged over cases. Ever flips: cases \
         whose verdicts are not all the same, which grows with the times asked."
            .to_owned(),
    ];
    let (left_out, unsettled) = flips.iter().fold((0, 0), |(a, b), f| (a + f.left_out, b + f.unsettled));
    if left_out + unsettled > 0 {
        notes.push(format!(
            "Left out with fewer than two standing verdicts: {}. With some verdicts that stand and some that do not: {}.",
            cases_of(left_out),
            cases_of(unsettled)
        ));
    }
    (!flips.is_empty()).then(|| Section {
        id: "flips",
        title: "Asked again",
        bars: bars("Flip rate when asked the same again", level, drawn),
        tables: vec![table("Identical questions", &headers, flips.iter().map(row).collect())],
        notes,
    })
}

fn cases_of(n: u64) -> String {
    format!("{} case{}", count(n), if n == 1 { "" } else { "s" })
}

pub(super) fn shifts(shifts: &[Shift], level: Level) -> Option<Section> {
    let row = |s: &Shift| {
        let mut cells = vec![name(s.variant.as_deref()), Figure::with_unknown(s.trials, s.unknown)];
        cells.extend(rates(s.task, Figure::rate(&s.pass_flips), Figure::rate(&s.label_flips)));
        cells.extend([Figure::paired(&s.pass), Figure::p(&s.pass)]);
        cells
    };
    let mut tables = Vec::new();
    for (family, what) in [(Family::Rubric, "Reworded rubric"), (Family::Style, "Restyled text")] {
        let own: Vec<Shift> = shifts.iter().filter(|s| s.family == family).cloned().collect();
        for (task, rows) in tasks(&own, |s| s.task) {
            let lines = rows.into_iter().map(row).collect();
            let headers =
                [&["Variant", "Trials"], rates(task, "Flips", "Of labels").as_slice(), &["Shift", "p"]]
                    .concat();
            tables.push(table(format!("{what}: {}", of_task(task)), &headers, lines));
        }
    }
    let notes = vec![
        "Flips: verdicts other than that on the same case as it is. Shift: the share of passes so less the share as it is, in \
         points; above 0 the variant wins verdicts. Flips beyond the flip rate when asked the same again are the variant's."
            .to_owned(),
        "p: McNemar's exact test of the shift (over several variants, the sign test by case), which may miss a little of what \
         intervals see; below it adjusted by Holm over \
         the variants of the table."
            .to_owned(),
    ];
    let drawn = shifts.iter().map(|s| {
        let label = format!("{}, {}, {}", s.variant.as_deref().unwrap_or("all variants"), s.family, s.task);
        bar(label, s.pass_flips.value(), s.pass_flips.interval)
    });
    (!tables.is_empty()).then(|| Section {
        id: "shifts",
        title: "Reworded and restyled",
        bars: bars("Verdicts that flip", level, drawn),
        tables,
        notes,
    })
}
