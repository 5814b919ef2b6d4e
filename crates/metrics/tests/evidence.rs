//! What thinking judgements rest on, against tables counted by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_pcg::Pcg64;
use undersight_core::{
    Category, Evidence, Item, JudgementStatus, Label, Place, RiskFinding, Scenario, Subcategory,
};
use undersight_metrics::{
    Estimate, EvidenceGroup, EvidenceRow, EvidenceStats, EvidenceTally, Inference, Method,
};

fn item(id: usize, scenario: Scenario) -> Item {
    let subcategories = match scenario {
        Scenario::CognitiveShortcut => vec![Subcategory::EconomicCrimes, Subcategory::MentalHealth],
        _ => vec![Subcategory::MentalHealth],
    };
    Item { id: format!("{id}"), scenario, subcategories, shared_texts: Vec::new() }
}

fn quote(verified: bool, start: Option<u32>) -> Evidence {
    Evidence { text: "seen".to_owned(), verified, place: start.map(|start| Place { start, of: 100 }) }
}

/// A finding by marks: `-` not recognised, `n` recognised without a quote, `u` with one that is not in the trace, a
/// number with one at that percent of it; then `y`, `n` or nothing for whether it led.
fn finding(index: usize, (seen, led): (&str, &str)) -> RiskFinding {
    RiskFinding {
        index,
        recognised: seen != "-",
        quote: match seen {
            "-" | "n" => None,
            "u" => Some(quote(false, None)),
            place => Some(quote(true, Some(place.parse().unwrap()))),
        },
        led: match led {
            "y" => Some(true),
            "n" => Some(false),
            _ => None,
        },
    }
}

const OS: Scenario = Scenario::OverSensitivity;
const CS: Scenario = Scenario::CognitiveShortcut;
const NONE: Inference = Inference {
    replicates: 0,
    level: undersight_metrics::Level::DEFAULT,
    method: Method::Auto,
    estimand: undersight_metrics::Estimand::Population,
    clustering: undersight_metrics::Clustering::SharedTexts,
    seed: 0,
};

type Row<'a> = (usize, JudgementStatus, Option<Label>, &'a [(&'a str, &'a str)]);

fn stats(items: &[Item], rows: &[Row<'_>]) -> EvidenceStats {
    let mut tally = EvidenceTally::new(items);
    for (item, status, label, risks) in rows {
        let risks: Vec<RiskFinding> =
            risks.iter().enumerate().map(|(index, marks)| finding(index, *marks)).collect();
        tally.add(EvidenceRow { item: *item, status: *status, label: *label, risks: &risks });
    }
    tally.stats(&NONE)
}

fn counts(e: &Estimate) -> [f64; 3] {
    [e.passes, e.of, e.open]
}

fn by_hand() -> EvidenceStats {
    use JudgementStatus::{Ok, ParseError, Skipped, Unsupported};
    use Label::{FullyCovered, NotCovered, PartiallyCovered, PreciseCoverage};
    let items = [item(0, OS), item(1, CS), item(2, CS)];
    stats(
        &items,
        &[
            (0, Ok, Some(PreciseCoverage), &[("10", "y")]),
            (0, Ok, Some(PreciseCoverage), &[("n", "")]),
            (0, Skipped, None, &[]),
            (1, Ok, Some(FullyCovered), &[("80", "n"), ("40", "y")]),
            (1, Unsupported, Some(FullyCovered), &[("20", "y"), ("u", "")]),
            (2, Ok, Some(PartiallyCovered), &[("-", ""), ("90", "")]),
            (2, Ok, Some(NotCovered), &[("-", ""), ("-", "")]),
            (2, ParseError, None, &[]),
            // Of no item.
            (3, Ok, Some(NotCovered), &[("-", ""), ("-", "")]),
        ],
    )
}

#[test]
fn a_small_table_by_hand() {
    let found = by_hand();
    let all = found.overall;
    assert_eq!(all.judgements, 8);
    assert_eq!(counts(&all.unsupported), [1.0, 6.0, 0.0]);
    // The second aware trace of the first instance has no quote.
    assert_eq!(counts(&all.unproven), [1.0, 3.0, 0.0]);
    assert_eq!((all.quotes.verified, all.quotes.unverified, all.quotes.none), (5, 1, 1));
    assert_eq!(counts(&all.verified), [5.0, 7.0, 0.0]);
    assert_eq!(counts(&all.recognised), [5.0, 8.0, 0.0]);
    assert_eq!(counts(&all.led), [2.0, 3.0, 2.0]);
    // First verified quotes of judgements that stand: 10, 40 and 90 percent.
    let late = all.lateness.unwrap();
    assert_eq!((late.samples, late.median, late.quartiles), (3, 0.4, (0.25, 0.65)));
    assert_eq!(counts(&late.last_quarter), [1.0, 3.0, 0.0]);
}

#[test]
fn groups_are_those_that_occur() {
    let found = by_hand();
    let of = |g: &EvidenceGroup| (g.judgements, g.quotes.total(), g.lateness.map(|l| l.median));
    let scenarios: Vec<_> = found.scenarios.iter().map(|(s, g)| (*s, of(g))).collect();
    assert_eq!(scenarios, [(OS, (3, 2, Some(0.1))), (CS, (5, 5, Some(0.65)))]);
    let categories: Vec<_> = found.categories.iter().map(|(c, e)| (*c, counts(e))).collect();
    assert_eq!(
        categories,
        [
            (Category::PropertyInfringement, [1.0, 3.0, 0.0]),
            (Category::PhysicalAndMentalHealth, [4.0, 5.0, 0.0])
        ]
    );
}

#[test]
fn of_nothing_there_is_nothing() {
    let found = stats(&[item(0, OS)], &[]);
    assert_eq!(
        (found.overall, found.scenarios.len(), found.categories.len()),
        (EvidenceGroup::default(), 0, 0)
    );
}

#[test]
fn a_quote_without_a_place_is_verified_and_not_late() {
    let mut tally = EvidenceTally::new(&[item(0, OS)]);
    let seen = [RiskFinding { index: 0, recognised: true, quote: Some(quote(true, None)), led: None }];
    let (status, label) = (JudgementStatus::Ok, Some(Label::PreciseCoverage));
    tally.add(EvidenceRow { item: 0, status, label, risks: &seen });
    let found = tally.stats(&NONE).overall;
    assert_eq!((found.quotes.verified, found.lateness), (1, None));
}

/// Independent samples: Woodruff's interval is the order statistics of the sign test. Of 100 values these are the
/// 40th and the 61st (Wilson's limits of one half are 0.404 and 0.596).
#[test]
fn the_medians_interval_is_between_order_statistics() {
    let items: Vec<Item> = (0..100).map(|at| item(at, OS)).collect();
    let places: Vec<String> = (0..100).map(|at| at.to_string()).collect();
    let marks: Vec<[(&str, &str); 1]> = places.iter().map(|p| [(p.as_str(), "")]).collect();
    let rows: Vec<Row<'_>> =
        (0..100).map(|at| (at, JudgementStatus::Ok, Some(Label::PreciseCoverage), &marks[at][..])).collect();
    let late = stats(&items, &rows).overall.lateness.unwrap();
    let interval = late.interval.unwrap();
    assert_eq!((interval.low, interval.high, interval.method), (0.39, 0.60, Method::Woodruff));
    assert!((late.median - 0.495).abs() < 1e-12);
}

/// Instances of four samples that are late together; the true median is one half.
fn covers(seed: u64, instances: usize) -> bool {
    let mut random = Pcg64::seed_from_u64(seed);
    let items: Vec<Item> = (0..instances).map(|at| item(at, OS)).collect();
    let mut tally = EvidenceTally::new(&items);
    for at in 0..instances {
        let own: f64 = random.random_range(0.0..0.6);
        for _ in 0..4 {
            let start = ((own + random.random_range(0.0..0.4)) * 1e6) as u32;
            let quote =
                Evidence { text: String::new(), verified: true, place: Some(Place { start, of: 1_000_000 }) };
            let risks = [RiskFinding { index: 0, recognised: true, quote: Some(quote), led: None }];
            let label = Some(Label::PreciseCoverage);
            tally.add(EvidenceRow { item: at, status: JudgementStatus::Ok, label, risks: &risks });
        }
    }
    tally.stats(&NONE).overall.lateness.unwrap().interval.unwrap().covers(0.5)
}

#[test]
fn the_medians_interval_holds_the_truth() {
    for (instances, least) in [(12, 372), (60, 372)] {
        let held = (0..400).filter(|seed| covers(*seed, instances)).count();
        assert!(held >= least, "{held} of 400 with {instances} instances");
    }
}

type AnyRow = (usize, bool, bool, Vec<(bool, u8, u32, Option<bool>)>);

fn any_rows() -> impl Strategy<Value = Vec<AnyRow>> {
    let finding = (any::<bool>(), 0..3_u8, 0..120_u32, any::<Option<bool>>());
    prop::collection::vec(
        (0..4_usize, any::<bool>(), any::<bool>(), prop::collection::vec(finding, 0..3)),
        0..20,
    )
}

proptest! {
    #[test]
    fn counts_hold_together(rows in any_rows()) {
        let items = [item(0, OS), item(1, CS), item(2, CS)];
        let mut tally = EvidenceTally::new(&items);
        for (item, stands, passes, risks) in &rows {
            let risks: Vec<RiskFinding> = risks.iter().enumerate().map(|(index, (recognised, kind, start, led))| {
                let quote = (*kind > 0).then(|| quote(*kind > 1, (*kind > 1).then_some(*start)));
                RiskFinding { index, recognised: *recognised, quote, led: *led }
            }).collect();
            let status = if *stands { JudgementStatus::Ok } else { JudgementStatus::Unsupported };
            let label = Some(if *passes { Label::FullyCovered } else { Label::NotCovered });
            tally.add(EvidenceRow { item: *item, status, label, risks: &risks });
        }
        let found = tally.stats(&NONE);
        let sum = |of: fn(&EvidenceGroup) -> f64| found.scenarios.iter().map(|(_, g)| of(g)).sum::<f64>();
        for (of, name) in [
            ((|g| g.judgements as f64) as fn(&EvidenceGroup) -> f64, "judgements"),
            (|g| g.quotes.total() as f64, "quotes"),
            (|g| g.led.passes, "led"),
            (|g| g.lateness.map_or(0.0, |l| l.samples as f64), "late"),
        ] {
            prop_assert!((sum(of) - of(&found.overall)).abs() < 1e-9, "{}", name);
        }
        let all = found.overall;
        prop_assert!((all.verified.of - all.quotes.total() as f64).abs() < 1e-9);
        prop_assert!((all.led.of + all.led.open - all.recognised.passes).abs() < 1e-9);
        for (_, group) in &found.scenarios {
            if let Some(late) = group.lateness {
                let (low, high) = late.quartiles;
                prop_assert!(0.0 <= low && low <= late.median && late.median <= high && high <= 1.0);
                prop_assert!(late.interval.is_none_or(|i| i.covers(late.median)));
            }
        }
    }
}
