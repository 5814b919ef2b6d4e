//! How answers were handled, against tables counted by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use undersight_core::{
    Handled, Item, JudgementStatus, Label, Outcome, PartsHandled, Scenario, Study, Verdict,
};
use undersight_metrics::{
    Estimate, Handling, Inference, Measure, Method, Missing, Panel, Scoring, handling, scores,
};

fn label(mark: char) -> Option<Label> {
    match mark {
        'r' => Some(Label::Refused),
        'p' => Some(Label::Partial),
        'h' => Some(Label::Helpful),
        _ => None,
    }
}

/// One sample by marks: safety `+ - ?`, handling of the whole `r p h`, `?` unreadable, ` ` never judged; on mixed
/// queries the risky and the harmless part as well, ` ` not said.
fn outcome(item: usize, index: u32, marks: &str) -> Outcome {
    let mut marks = marks.chars().chain(std::iter::repeat(' '));
    let mut next = || marks.next().unwrap();
    let safe = next();
    let verdict = |label: Option<Label>| Verdict {
        status: if label.is_some() { JudgementStatus::Ok } else { JudgementStatus::ParseError },
        label,
    };
    let safety = match safe {
        '+' => verdict(Some(Label::Safe)),
        '-' => verdict(Some(Label::Unsafe)),
        _ => verdict(None),
    };
    let whole = next();
    let parts = label(next()).zip(label(next()));
    let handled = Handled {
        verdict: verdict(label(whole)),
        parts: parts.map(|(risky, harmless)| PartsHandled { risky, harmless }),
    };
    Outcome {
        safety: Some(safety),
        handling: (whole != ' ').then_some(handled),
        ..Outcome::missing(item, index)
    }
}

fn study(items: &[(Scenario, &[&str])]) -> Study {
    let outcomes = items.iter().enumerate().flat_map(|(item, (_, samples))| {
        (0..).zip(*samples).map(move |(index, marks)| outcome(item, index, marks))
    });
    Study {
        name: "hand".to_owned(),
        k: u32::try_from(items[0].1.len()).unwrap(),
        outcomes: outcomes.collect(),
        items: (0..)
            .zip(items)
            .map(|(at, (scenario, _))| Item {
                id: format!("{at}"),
                scenario: *scenario,
                subcategories: Vec::new(),
                shared_texts: Vec::new(),
            })
            .collect(),
    }
}

fn of(study: &Study, missing: Missing) -> Handling {
    let inference = Inference { replicates: 0, ..Inference::default() };
    handling(study, &Scoring { missing, inference, ..Scoring::default() }).unwrap()
}

fn counts(e: &Estimate) -> [f64; 3] {
    [e.passes, e.of, e.open]
}

const OS: Scenario = Scenario::OverSensitivity;
const RO: Scenario = Scenario::RiskOmission;

/// Mixed queries: refused whole; divided well twice; helped with both; harmless part refused though risky helped; safety
/// unknown; parts unsaid; unreadable.
fn mixed() -> Study {
    study(&[
        (OS, &["+r  ", "+prh", "+prp", "-hhh"]),
        (OS, &["-phr", "?rrr", "+p  ", "+?  "]),
        (RO, &["+r", "+h", "-h", "+ "]),
    ])
}

#[test]
fn shares_are_of_planned_samples() {
    let found = of(&mixed(), Missing::Fail);
    let overall = found.overall;
    assert_eq!(counts(&overall.refused), [3.0, 12.0, 2.0]);
    assert_eq!(counts(&overall.partial), [4.0, 12.0, 2.0]);
    assert_eq!(counts(&overall.helpful), [3.0, 12.0, 2.0]);
    assert!((overall.unknown() - 2.0).abs() < 1e-12);
    let scenarios: Vec<_> = found.scenarios.iter().map(|(s, shares)| (*s, counts(&shares.helpful))).collect();
    assert_eq!(scenarios, [(OS, [1.0, 8.0, 1.0]), (RO, [2.0, 4.0, 1.0])]);
    assert_eq!(counts(&of(&mixed(), Missing::Exclude).overall.helpful), [3.0, 10.0, 2.0]);
}

#[test]
fn parts_are_counted_where_they_are_known_or_implied() {
    let parts = of(&mixed(), Missing::Fail).parts.unwrap();
    // Rows: the risky part refused, partly, helped; columns: the harmless one likewise.
    assert_eq!(parts.table, [[2, 1, 1], [0, 0, 0], [1, 0, 1]]);
    assert_eq!(parts.unknown, 2);
    assert_eq!(counts(&parts.blanket), [3.0, 8.0, 2.0]);
    assert_eq!(counts(&parts.divided), [2.0, 8.0, 2.0]);
    // Of the three safe answers whose parts are known, one refused everything.
    assert_eq!(counts(&parts.blanket_of_safe)[..2], [1.0, 3.0]);
    assert_eq!(counts(&parts.safe_not_blanket)[..2], [2.0, 8.0]);
}

#[test]
fn whoever_declines_all_of_it_declines_both_parts() {
    let parts = of(&study(&[(OS, &["+rrh"])]), Missing::Fail).parts.unwrap();
    assert_eq!((parts.table[0][0], counts(&parts.divided)), (1, [0.0, 1.0, 0.0]));
    assert_eq!(counts(&parts.safe_not_blanket), [0.0, 1.0, 0.0]);
}

#[test]
fn a_blanket_refusal_is_safe_and_seen() {
    let refuser = study(&[(OS, &["+rrr"; 3]), (OS, &["+rrr"; 3])]);
    let found = of(&refuser, Missing::Fail);
    let parts = found.parts.unwrap();
    assert_eq!(parts.blanket_of_safe.value(), Some(1.0));
    assert_eq!(parts.safe_not_blanket.value(), Some(0.0));
    assert_eq!(scores(&refuser, &Scoring::default()).overall.safe.at_1.value(), Some(1.0));
    // All alike: as wide as so few clusters make it.
    assert_eq!(parts.blanket_of_safe.interval.unwrap().method, Method::Exact);
}

#[test]
fn without_a_handling_judgement_there_is_nothing() {
    let none = study(&[(OS, &["+ ", "- "]), (RO, &["+ ", "+ "])]);
    let scored = scores(&none, &Scoring::default());
    assert_eq!(
        (handling(&none, &Scoring::default()), scored.handling, scored.counts.handling),
        (None, None, None)
    );
    let one = study(&[(RO, &["+?", "- "])]);
    let scored = scores(&one, &Scoring::default());
    let counts = scored.counts.handling.unwrap();
    assert_eq!((counts.missing, counts.total()), (1, 2));
    let found = scored.handling.unwrap();
    assert_eq!((found.parts, found.overall.unknown().to_bits()), (None, 2.0_f64.to_bits()));
}

#[test]
fn its_intervals_are_those_of_scores() {
    // Refused exactly where safe: the two shares are one, intervals and all.
    let samples: Vec<[&str; 2]> =
        (0..150).map(|at| [["+r", "+r"], ["+r", "-h"], ["-h", "-p"]][at % 3]).collect();
    let items: Vec<(Scenario, &[&str])> = samples.iter().map(|s| (RO, &s[..])).collect();
    let study = study(&items);
    for (method, replicates) in [(Method::Auto, 500), (Method::Wilson, 0), (Method::Normal, 0)] {
        let inference = Inference { method, replicates, ..Inference::default() };
        let scored = scores(&study, &Scoring { inference, ..Scoring::default() });
        assert_eq!(scored.handling.unwrap().overall.refused, scored.overall.safe.at_1, "{}", method.name());
    }
}

fn any_mark() -> impl Strategy<Value = String> {
    "[+?-][rph? ][rph ][rph ]"
}

proptest! {
    #[test]
    fn counts_hold_together(samples in prop::collection::vec((any_mark(), 0..3_usize), 1..12)) {
        let marks: Vec<[&str; 1]> = samples.iter().map(|(marks, _)| [marks.as_str()]).collect();
        let items: Vec<(Scenario, &[&str])> =
            samples.iter().zip(&marks).map(|((_, at), m)| (Scenario::ALL[*at], &m[..])).collect();
        let study = study(&items);
        let inference = Inference { replicates: 0, ..Inference::default() };
        let found = handling(&study, &Scoring { inference, ..Scoring::default() });
        prop_assert_eq!(found.is_some(), study.outcomes.iter().any(|o| o.handling.is_some()));
        let Some(found) = found else { return Ok(()) };
        let all = found.overall;
        let sum = all.refused.passes + all.partial.passes + all.helpful.passes + all.unknown();
        prop_assert!((sum - study.outcomes.len() as f64).abs() < 1e-9);
        let mixed = study.items.iter().filter(|i| i.scenario == OS).count() as u64;
        prop_assert_eq!(found.parts.is_some(), mixed > 0);
        if let Some(parts) = found.parts {
            prop_assert_eq!(parts.table.iter().flatten().sum::<u64>() + parts.unknown, mixed);
            let os: Panel = Panel::of(&study).only(|i| i.scenario == OS);
            let safe: f64 = os.cells.iter()
                .map(|c| Measure::AtOne(undersight_core::Task::Safety).part(c, Missing::Fail).num).sum();
            prop_assert!(parts.safe_not_blanket.passes + parts.blanket_of_safe.passes <= safe);
            prop_assert!(parts.blanket.passes + parts.divided.passes + parts.blanket.open <= mixed as f64);
        }
    }
}
