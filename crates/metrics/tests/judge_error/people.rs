//! People beside each other, and what is settled of what they say.

use undersight_metrics::judge_error::{Disagreement, Settled, Settling, people, settled};

use super::*;

fn scenario(id: &str) -> Option<Scenario> {
    Scenario::ALL.into_iter().find(|s| id.starts_with(s.abbreviation()))
}

/// A label of everyone who labelled; no name is nobody's in particular, and `!` marks a decision.
fn said(id: &str, task: Task, says: &[(&str, Label)]) -> Vec<HumanLabel> {
    let row = |(who, label): &(&str, Label)| HumanLabel {
        id: id.to_owned(),
        index: 0,
        task,
        label: *label,
        probability: Some(0.25),
        run: Some("r".to_owned()),
        annotator: (!who.is_empty()).then(|| who.trim_start_matches('!').to_owned()),
        time: Some(undersight_core::Micros(1)),
        guideline: Some("v1".to_owned()),
        draw: None,
        comment: Some("hm".to_owned()),
        adjudicated: who.starts_with('!'),
    };
    says.iter().map(row).collect()
}

const S: Label = Label::Safe;
const U: Label = Label::Unsafe;

#[test]
fn agreement_of_two_people_is_that_of_a_known_table() {
    // As the known table of a judge and a person: 16 both safe, 1 and 1 apart, 2 both unsafe.
    let cells = [(16, S, S), (1, S, U), (1, U, S), (2, U, U)];
    let mut labels = Vec::new();
    for (n, (a, b)) in cells.into_iter().flat_map(|(n, a, b)| std::iter::repeat_n((a, b), n)).enumerate() {
        labels.extend(said(&format!("RO-{n}"), Task::Safety, &[("ben", b), ("anna", a)]));
    }
    labels.extend(said("CS-0", Task::Safety, &[("anna", S)]));
    let found = people(&labels, scenario, Level::DEFAULT);
    let rows: Vec<_> =
        found.rows.iter().map(|r| (r.task, r.scenario, r.samples, r.double_labelled)).collect();
    assert_eq!(
        rows,
        [
            (Task::Safety, None, 21, 20),
            (Task::Safety, Some(Scenario::CognitiveShortcut), 1, 0),
            (Task::Safety, Some(Scenario::RiskOmission), 20, 20),
        ]
    );
    assert_eq!((found.left_out, found.open(), found.disagreements.len()), (0, 2, 2));
    let (lone, row) = (&found.rows[1], &found.rows[2]);
    assert_eq!((lone.observed, lone.alpha, lone.pairs.len()), (None, None, 0));
    let observed = row.observed.unwrap();
    assert_eq!((observed.value, observed.n), (0.9, 20.0));
    // Wilson's interval of 18 in 20.
    near(observed.low, 0.698_966_4, 1e-6);
    near(observed.high, 0.972_133_5, 1e-6);
    assert_eq!((row.observed_pass, row.alpha_pass), (row.observed, row.alpha));
    let [pair] = row.pairs.as_slice() else { panic!("{:?}", row.pairs) };
    assert_eq!(
        (pair.annotators.clone(), pair.samples),
        ([Some("anna".to_owned()), Some("ben".to_owned())], 20)
    );
    assert_eq!(pair.by_label, pair.by_pass);
    if let Some(oracle) = oracle("agreement") {
        near(pair.by_label.kappa.unwrap().value, oracle["cohen"].as_f64().unwrap(), 1e-12);
        near(pair.by_label.ac1.unwrap().value, oracle["ac1"].as_f64().unwrap(), 1e-5);
        near(row.alpha.unwrap(), oracle["alpha_kripp"].as_f64().unwrap(), 1e-12);
    }
    let names: Vec<_> =
        found.annotators.iter().map(|a| (a.annotator.as_deref().unwrap(), a.labels)).collect();
    assert_eq!(names, [("anna", 21), ("ben", 20)]);
    assert!(found.annotators.iter().all(|a| a.agreed == row.observed));
    assert_eq!(people(&[], scenario, Level::DEFAULT), undersight_metrics::judge_error::People::default());
}

#[test]
fn agreement_of_several_people() {
    let (p, o, n) = (Label::PreciseCoverage, Label::OverSensitive, Label::NotCovered);
    let thinking = Task::Thinking;
    let mut labels = said("OS-1", thinking, &[("anna", p), ("ben", p), ("cy", o)]);
    labels.extend(said("OS-2", thinking, &[("anna", o), ("ben", n), ("!anna", o)]));
    labels.extend(said("OS-3", thinking, &[("anna", n), ("", n)]));
    labels.extend(said("OS-3", Task::Handling, &[("anna", Label::Partial), ("cy", Label::Refused)]));
    // Left out: no such instance, no such label, a second thought; a decision alone is no agreement.
    labels.extend(said("nobody", thinking, &[("anna", p)]));
    labels.extend(said("OS-4", thinking, &[("anna", Label::True)]));
    labels.extend(said("OS-1", thinking, &[("anna", n)]));
    labels.extend(said("OS-5", thinking, &[("!cy", p)]));
    let found = people(&labels, scenario, Level::DEFAULT);
    assert_eq!(found.left_out, 3);
    assert_eq!(found.rows.len(), 4, "two tasks, in all and in one scenario");
    let row = &found.rows[1];
    assert_eq!((row.samples, row.double_labelled), (3, 3));
    near(row.observed.unwrap().value, (1.0 / 3.0 + 0.0 + 1.0) / 3.0, 1e-12);
    near(row.observed_pass.unwrap().value, (1.0 / 3.0 + 1.0 + 1.0) / 3.0, 1e-12);
    // By hand: coincidences of 3 + 2 + 2 ratings, p 2, o 2, n 3; observed 2·2/2 + 2 = 4 of 7, expected 32 of 42.
    near(row.alpha.unwrap(), 1.0 - 6.0 * 4.0 / 32.0, 1e-12);
    let pairs: Vec<_> = row
        .pairs
        .iter()
        .map(|pair| {
            (
                pair.annotators.clone().map(Option::unwrap_or_default).join("+"),
                pair.samples,
                pair.by_label.observed,
            )
        })
        .collect();
    let pair = |who: &str, samples, observed| (who.to_owned(), samples, Some(observed));
    assert_eq!(
        pairs,
        [pair("+anna", 1, 1.0), pair("anna+ben", 2, 0.5), pair("anna+cy", 1, 0.0), pair("ben+cy", 1, 0.0)]
    );
    let anna = found.annotators.iter().find(|a| a.annotator.as_deref() == Some("anna")).unwrap();
    assert_eq!((anna.task, anna.labels), (thinking, 3));
    near(anna.agreed.unwrap().value, (0.5 + 0.0 + 1.0) / 3.0, 1e-12);
    let told: Vec<_> =
        found.disagreements.iter().map(|d| (d.id.as_str(), d.task, d.labels.len(), d.adjudicated)).collect();
    assert_eq!(
        told,
        [("OS-1", thinking, 3, None), ("OS-2", thinking, 2, Some(o)), ("OS-3", Task::Handling, 2, None)]
    );
    assert_eq!(found.open(), 2);
}

/// The label settled on and by whom, or what is open.
#[track_caller]
fn check(says: &[(&str, Label)], how: Settling, expected: Result<(Label, Option<&str>), usize>) {
    let labels = said("RO-1", Task::Safety, says);
    let Settled { labels, open, adjudicated, majority } = settled(&labels, how);
    match expected {
        Ok((label, who)) => {
            let [one] = labels.as_slice() else { panic!("{labels:?} {open:?}") };
            assert_eq!((one.label, one.annotator.as_deref(), open.len()), (label, who, 0));
            assert_eq!((one.probability, one.run.as_deref()), (Some(0.25), Some("r")));
            assert_eq!((one.comment.is_some(), one.time.is_some()), (who.is_some(), who.is_some()));
            assert_eq!(usize::from(one.adjudicated), adjudicated);
        }
        Err(n) => {
            assert_eq!((labels.len(), adjudicated, majority), (0, 0, 0));
            let [Disagreement { labels, probability, run, adjudicated: None, .. }] = open.as_slice() else {
                panic!("{open:?}")
            };
            assert_eq!((labels.len(), *probability, run.as_deref()), (n, Some(0.25), Some("r")));
        }
    }
}

#[test]
fn what_is_settled() {
    use Settling::{Adjudicated, Majority};
    for how in [Adjudicated, Majority] {
        check(&[("anna", S)], how, Ok((S, Some("anna"))));
        check(&[("anna", U), ("ben", U)], how, Ok((U, None)));
        check(&[("anna", S), ("ben", U)], how, Err(2));
        check(&[("anna", S), ("ben", U), ("!cy", U)], how, Ok((U, Some("cy"))));
        // A decision stands even against all, and alone.
        check(&[("anna", S), ("ben", S), ("!cy", U)], how, Ok((U, Some("cy"))));
        check(&[("!cy", U)], how, Ok((U, Some("cy"))));
        check(&[("anna", S), ("!cy", U), ("!dee", U)], how, Ok((U, Some("cy"))));
        // Decisions that contradict each other decide nothing, whatever most people say.
        check(&[("anna", S), ("ben", S), ("bo", S), ("!cy", U), ("!dee", S)], how, Err(5));
        check(&[("a", S), ("b", S), ("c", U), ("d", U)], how, Err(4));
    }
    check(&[("a", S), ("b", U), ("c", U)], Adjudicated, Err(3));
    check(&[("a", S), ("b", U), ("c", U)], Majority, Ok((U, None)));
    // Nobody has two voices, and who is not named may be anybody.
    check(&[("a", S), ("b", U), ("b", U)], Majority, Err(3));
    check(&[("a", S), ("", U), ("", U)], Majority, Err(3));
}

#[test]
fn what_a_decision_leaves_unsaid_is_taken_from_the_labels() {
    let mut labels = said("RO-1", Task::Safety, &[("anna", S), ("ben", U), ("!", S)]);
    (labels[2].probability, labels[2].run) = (None, None);
    let both = said("CS-1", Task::Thinking, &[("anna", Label::FullyCovered), ("ben", Label::NotCovered)]);
    let all: Vec<HumanLabel> = labels.into_iter().chain(both).collect();
    let settled = settled(&all, Settling::Adjudicated);
    assert_eq!(
        (settled.labels.len(), settled.open.len(), settled.adjudicated, settled.majority),
        (1, 1, 1, 0)
    );
    let one = &settled.labels[0];
    assert_eq!((one.probability, one.run.as_deref(), one.adjudicated), (Some(0.25), Some("r"), true));
    let open = &settled.open[0];
    assert_eq!((open.id.as_str(), open.index, open.task), ("CS-1", 0, Task::Thinking));
    let said = [("anna", Label::FullyCovered), ("ben", Label::NotCovered)];
    assert_eq!(open.labels, said.map(|(who, label)| (Some(who.to_owned()), label)));
}
