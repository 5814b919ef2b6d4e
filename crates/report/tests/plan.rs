//! A plan as a person and as a program sees it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use insta::assert_snapshot;
use serde_json::{Value, json};
use undersight_core::{Item, Scenario, Task};
use undersight_metrics::plan::{
    Budget, Correlation, Costs, JudgeErrors, JudgeNoise, Pairing, Request, StudyPlan, Target, plan,
};
use undersight_metrics::{Estimand, Measure, Panel};
use undersight_report::Layout;
use undersight_report::plan::{json, table};

const WIDE: Layout = Layout::Terminal { width: None };

/// Forty instances of each scenario with three samples, of which a fixed pattern is aware; neighbours in CS share texts.
fn pilot(name: &str, shift: usize) -> Panel {
    let item = |(scenario, at): (Scenario, u64)| Item {
        id: format!("{scenario}-{at}"),
        scenario,
        subcategories: Vec::new(),
        shared_texts: if scenario == Scenario::CognitiveShortcut { vec![at / 2] } else { Vec::new() },
    };
    let items = Scenario::ALL.into_iter().flat_map(|s| (0..40).map(move |at| item((s, at)))).collect();
    let mut panel = Panel::new(name.to_owned(), items, 3);
    for (at, cells) in panel.cells.iter_mut().enumerate() {
        let passes = (at * at / 3 + shift * (at % 3)) % 4;
        (0..3).for_each(|sample| cells.count(Some(true), Some(sample < passes)));
    }
    panel
}

fn request() -> Request {
    Request { samples: vec![1, 3, 5], ..Request::new(Measure::AtOne(Task::Thinking), 0.05) }
}

fn full() -> StudyPlan {
    let request = Request {
        target: Target { available: Some(900), ..Target::default() },
        judge: Some(JudgeNoise::Errors(JudgeErrors::new(0.95, 0.9).unwrap())),
        budget: Some(Budget { total: 150.0, costs: Costs::new(0.02, 0.005, Some(0.5), 0.0).unwrap() }),
        ..request()
    };
    plan(&pilot("first", 0), None, &request).unwrap()
}

#[test]
fn a_plan_from_one_pilot() {
    assert_snapshot!(table(&full(), WIDE), @r#"
    780 instances with 3 samples each show a difference of 5 points in think@1 (power 80 %, α 5 %), if ρ = 0.5.

    Scenario  Weight  Instances  think@1           Between            Within            Shared          Deff           ICC
    ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    all       100.00        120    27.78            0.0925            0.1111            0.0127          1.10          0.45
                                          0.0566 to 0.1285  0.0849 to 0.1373  0.0059 to 0.0195  1.05 to 1.15  0.32 to 0.59
    OS         33.33         40    28.33            0.0981            0.1083            0.0000          1.00          0.48
                                          0.0292 to 0.1670  0.0593 to 0.1573                                  0.21 to 0.74
    CS         33.33         40    25.83            0.0863            0.1083            0.0382          1.31          0.44
                                          0.0395 to 0.1331  0.0726 to 0.1441  0.0178 to 0.0586  1.18 to 1.45  0.30 to 0.59
    RO         33.33         40    29.17            0.0932            0.1167            0.0000          1.00          0.44
                                          0.0249 to 0.1616  0.0668 to 0.1666                                  0.17 to 0.71

    Pilot: first, k = 3; variances in squared shares, with 95 % jackknife intervals.
    Between instances, within instances (the model's sampling and the judge's noise), and what texts shared between instances add to the first. Deff: the design effect of shared texts at the pilot's k.
    Judge: sensitivity 0.95, specificity 0.90; its errors are a variance of 0.0811, 0.73 of the variance within, and a true difference d shows as 0.85 d, provided it errs alike in both arms.

    k  ρ = 0.5  ρ = 0  ρ = 0.8  Shown by 900
    ────────────────────────────────────────
    1        –      –        –          6.29
    3      780      –      505          4.65
    5      651      –      377          4.25

    Instances that show 5 points at k samples each, the same in both arms; the difference is about instances like these.
    ρ: how far both arms find the same instances hard, assumed; a pilot of the second arm would measure it.
    Shown by 900: the smallest difference in points that all instances show, ρ = 0.5. –: more than there are.

     k  Instances  Labels an arm    Cost    SE  Shown
    ─────────────────────────────────────────────────────────────────
     1        460            127  150.00  3.52   9.86  best
     3        900              0  135.00  1.41   4.65  without labels
     2        340            116  150.00  3.86  10.82
     3        280            108  150.00  4.11  11.50
     4        230            104  150.00  4.30  12.06
     5        200            100  150.00  4.48  12.54
     6        180             96  150.00  4.63  12.98
     7        160             94  150.00  4.77  13.37
     8        145             92  150.00  4.90  13.74
     9        140             87  150.00  5.03  14.09
    10        126             87  150.00  5.14  14.41
    11        120             84  150.00  5.25  14.72
    12        110             84  150.00  5.36  15.01
    13        103             83  149.95  5.46  15.29
    14        100             80  150.00  5.55  15.56
    15         96             78  150.00  5.65  15.82
    16         90             78  150.00  5.74  16.07
    17         87             76  149.95  5.82  16.32
    18         80             78  150.00  5.91  16.56
    19         80             74  150.00  5.99  16.78
    20         76             74  150.00  6.07  17.00

    SE of the difference and the smallest true difference shown, in points; cost of both arms, in US dollars.
    Labels are drawn at random from each arm's samples and correct its rate (PPI++), so that the difference is that of true rates, whatever the judge's errors.
    Without labels the difference is one of verdicts: an estimate of 0.85 of the true one, if the judge errs alike in both arms.
    "#);
}

#[test]
fn a_plan_from_two_pilots() {
    let found = plan(&pilot("first", 0), Some(&pilot("second", 1)), &request()).unwrap();
    assert_snapshot!(table(&found, WIDE), @r#"
    873 instances with 1 sample each show a difference of 5 points in think@1 (power 80 %, α 5 %).

    Scenario  Weight  Instances  first  second  Between                      Within  Shared                         ρ
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    all       100.00        120  27.78   61.11  -0.0167                      0.2778  -0.0110                     1.00
                                                -0.0373 to 0.0039  0.2365 to 0.3191  -0.0191 to -0.0030  0.84 to 1.00
    OS         33.33         40  28.33   60.83  -0.0120                      0.2667  0.0000                      1.00
                                                -0.0489 to 0.0249  0.1957 to 0.3376                      0.75 to 1.00
    CS         33.33         40  25.83   59.17  -0.0204                      0.2833  -0.0331                     1.00
                                                -0.0514 to 0.0106  0.2118 to 0.3548  -0.0573 to -0.0090  0.70 to 1.00
    RO         33.33         40  29.17   63.33  -0.0176                      0.2833  0.0000                      1.00
                                                -0.0562 to 0.0210  0.2110 to 0.3556                      0.66 to 1.00

    Pilots: first (k = 3) and second (k = 3); variances of their difference in squared shares, with 95 % jackknife intervals.
    Between instances with the sampling taken off, within instances (both arms added up), and what texts shared between instances add to the first. ρ: correlation of the instances' rates in the two arms.
    What is below 0 by chance counts as 0.

    k  Instances
    ────────────
    1        873
    3        291
    5        175

    Instances that show 5 points at k samples each, the same in both arms; the difference is about instances like these.
    "#);
}

#[test]
fn every_plan_answers_in_a_sentence() {
    let answer = |request: &Request| {
        let found = table(&plan(&pilot("first", 0), None, request).unwrap(), WIDE);
        found.lines().next().unwrap().to_owned()
    };
    let with = |available, difference| Request {
        target: Target { available: Some(available), ..Target::default() },
        difference,
        ..request()
    };
    let fixed = Target { estimand: Estimand::FixedInstances, available: Some(40) };
    let requests = [
        with(2000, 0.05),
        with(600, 0.05),
        with(440, 0.05),
        with(100, 0.01),
        Request { pairing: Pairing::Unpaired, ..request() },
        Request { target: fixed, ..request() },
        Request { samples: Vec::new(), ..request() },
    ];
    assert_snapshot!(requests.iter().map(answer).collect::<Vec<_>>().join("\n"), @r#"
    1,029 instances with 1 sample each show a difference of 5 points in think@1 (power 80 %, α 5 %), if ρ = 0.5.
    564 instances with 3 samples each show a difference of 5 points in think@1 (power 80 %, α 5 %), if ρ = 0.5.
    440 instances show a difference of 5 points in think@1 (power 80 %, α 5 %) with 7 samples each, if ρ = 0.5.
    100 instances do not show a difference of 1 point in think@1 (power 80 %, α 5 %), with however many samples, if ρ = 0.5.
    1,359 instances in each arm with 1 sample each show a difference of 5 points in think@1 (power 80 %, α 5 %).
    40 instances show a difference of 5 points in think@1 (power 80 %, α 5 %) with 18 samples each, if ρ = 0.5.
    No number of samples was asked about for a difference of 5 points in think@1 (power 80 %, α 5 %).
    "#);
}

#[test]
fn markdown_escapes_what_comes_from_outside() {
    let found = plan(&pilot("a|b<script>", 0), None, &request()).unwrap();
    let text = table(&found, Layout::Markdown);
    assert!(text.contains("a\\|b&lt;script&gt;") && !text.contains("<script>"), "{text}");
    assert!(text.contains("| Scenario | Weight |") && text.contains("\n- "), "{text}");
    // A terminal too narrow for a table gets a list.
    let narrow = table(&full(), Layout::Terminal { width: Some(40) });
    assert!(narrow.contains("  Between: "), "{narrow}");
}

#[test]
fn a_plan_as_json() {
    let document = json(&full());
    let at = |pointer: &str| document.pointer(pointer).cloned().unwrap_or(Value::Null);
    assert_eq!(at("/schema"), json!("undersight.plan/v1"));
    assert_eq!(at("/measure"), json!("think@1"));
    assert_eq!(at("/available"), json!(900));
    assert_eq!(at("/pilot/scenarios/cognitive-shortcut/spread/clusters"), json!(20));
    assert_eq!(at("/outlooks/0/correlation"), json!(0.5));
    assert_eq!(at("/outlooks/0/needs/2/samples"), json!(5));
    assert!(at("/split/best/labels").as_u64().unwrap() >= 30);
    assert_eq!(at("/split/judge_alone/labels"), json!(0));
    assert_eq!(at("/judge/flips"), Value::Null);
    let request = Request {
        judge: Some(JudgeNoise::flips(0.1).unwrap()),
        pairing: Pairing::Paired(Correlation::new(0.3).unwrap()),
        ..request()
    };
    let two = json(&plan(&pilot("first", 0), Some(&pilot("second", 1)), &request).unwrap());
    assert_eq!(two.pointer("/judge/flips"), Some(&json!(0.1)));
    assert_eq!(two.pointer("/outlooks/0/correlation"), Some(&Value::Null));
    assert_eq!(two.pointer("/pilot/runs"), Some(&json!(["first", "second"])));
    assert!(two.pointer("/pilot/overall/correlation/value").unwrap().is_number());
    assert_eq!(two.pointer("/split"), Some(&Value::Null));
}
