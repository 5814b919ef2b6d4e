//! Agreement with the right labels: rates, coefficients, counts, and kinds of case.

use undersight_core::Task;
use undersight_metrics::card::{Agreed, Card};
use undersight_metrics::judge_error::Measures;

use super::{Figure, Section, Table, cases, of_task, rates, scope, statuses, table, tasks};

pub(super) fn agreement(card: &Card) -> Option<Section> {
    let mut tables = Vec::new();
    for (task, rows) in tasks(&card.agreement, |a| a.row.task) {
        tables.extend(agreement_tables(task, &rows));
        let kinds: Vec<Vec<Figure>> = card
            .kinds
            .iter()
            .filter(|k| k.task == task)
            .map(|k| {
                let cases = Figure::with_unknown(k.cases, k.unknown);
                let rates = rates(task, Figure::rate(&k.same_pass), Figure::rate(&k.same_label));
                [Figure::text(&k.kind), cases].into_iter().chain(rates).collect()
            })
            .collect();
        if !kinds.is_empty() {
            let headers =
                [&["Kind of case", "Cases"], rates(task, "Right verdict", "Right label").as_slice()].concat();
            tables.push(table(format!("By kind of case: {}", of_task(task)), &headers, kinds));
        }
    }
    let notes = vec![
        "Right verdict: passes what the label passes and fails what it fails. Sensitivity: passed, of what deserves to pass. \
         Specificity: failed, of what deserves to fail. κ, AC1 and α correct agreement for chance, of pass and fail and of \
         the labels."
            .to_owned(),
        "Cases without a standing verdict count as neither right nor wrong. Counts of labels: a line is the right label, a \
         column what the judge says."
            .to_owned(),
    ];
    (!tables.is_empty()).then_some(Section { id: "agreement", title: "Agreement", bars: None, tables, notes })
}

fn agreement_tables(task: Task, rows: &[&Agreed]) -> Vec<Table> {
    let lines = |of: &dyn Fn(&Agreed) -> Vec<Figure>| {
        rows.iter()
            .map(|a| std::iter::once(scope(a.row.scenario)).chain(of(a)).collect())
            .collect::<Vec<Vec<Figure>>>()
    };
    let unknown = |a: &Agreed| a.unknown.values().sum();
    let what = of_task(task);
    let mut tables = vec![
        table(
            format!("Verdicts beside the right ones: {what}"),
            &[
                &["Scenario", "Cases"],
                rates(task, "Right verdict", "Right label").as_slice(),
                &["Sensitivity", "Specificity"],
            ]
            .concat(),
            lines(&|a| {
                let mut cells = vec![Figure::with_unknown(a.cases, unknown(a))];
                cells.extend(rates(task, Figure::rate(&a.same_pass), Figure::rate(&a.same_label)));
                cells.extend([a.row.sensitivity, a.row.specificity].map(Figure::measured));
                cells
            }),
        ),
        table(
            format!("Agreement beyond chance: {what}"),
            &[
                &["Scenario", "κ", "AC1", "α"],
                rates(task, [].as_slice(), &["κ of labels", "AC1 of labels", "α of labels"])
                    .concat()
                    .as_slice(),
            ]
            .concat(),
            lines(&|a| {
                let of = |m: &Measures| {
                    [Figure::coefficient(m.kappa), Figure::coefficient(m.ac1), Figure::ratio(m.alpha, None)]
                };
                rates(task, of(&a.row.by_pass), of(&a.row.by_label)).concat()
            }),
        ),
        table(
            format!("Pass and fail: {what}"),
            &[
                "Scenario",
                "Should pass",
                "Passed",
                "Failed wrongly",
                "Failed",
                "Passed wrongly",
                "No verdict",
            ],
            lines(&|a| {
                let c = &a.row.confusion;
                let mut cells = vec![Figure::measured(a.row.prevalence)];
                cells.extend([c.true_pass, c.false_fail, c.true_fail, c.false_pass].map(Figure::count));
                cells.push(statuses(&a.unknown));
                cells
            }),
        ),
    ];
    for a in rows {
        // Two labels are pass and fail, which stand above.
        let Some(scenario) = a.row.scenario.filter(|_| a.row.labels.len() > 2) else { continue };
        let headers: Vec<&str> =
            std::iter::once("Right label").chain(a.row.labels.iter().map(|l| l.name())).collect();
        let lines = a.row.labels.iter().zip(&a.row.table).map(|(label, line)| {
            let counts = line.iter().map(|n| Figure::count(cases(*n)));
            std::iter::once(Figure::text(label.name())).chain(counts).collect()
        });
        tables.push(table(format!("Labels: {what}, {}", scenario.name()), &headers, lines.collect()));
    }
    tables
}
