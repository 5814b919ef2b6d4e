//! `undersight plan`.

use crate::{eval, find, json, list, number, prints, refusals, run, runs};

#[test]
fn from_one_pilot() {
    let place = runs(&["careless"]);
    prints("plan-one", &place, "plan careless --difference 20", 0);
    let document = json(&place, "plan careless --difference 20");
    assert_eq!(document["schema"], "undersight.plan/v1");
    assert_eq!((&document["measure"], &document["available"]), (&"think@1".into(), &24.into()));
    assert!((number(&document["difference"]) - 0.2).abs() < 1e-12);
    let markdown = run(&place, "plan careless --difference 20 --format markdown").expect(0).stdout;
    assert!(markdown.contains("| --- |"), "{markdown}");
}

#[test]
fn two_pilots_measure_what_one_assumes() {
    let place = runs(&["risk-aware", "superficial"]);
    prints("plan-two", &place, "plan risk-aware superficial --difference 20 --metric ssa", 0);
    let document = json(&place, "plan risk-aware superficial --metric ssa");
    assert_eq!(list(&document["pilot"]["runs"]).len(), 2);
    assert_eq!(document["paired"], true);
}

#[test]
fn a_budget_is_split() {
    let place = runs(&["careless"]);
    let budget = "plan careless --difference 20 --budget 50 --sample-cost 0.02";
    prints("plan-budget", &place, budget, 0);
    let labelled = "--label-cost 0.5 --sensitivity 0.9 --specificity 0.95";
    prints("plan-budget-labels", &place, &format!("{budget} {labelled} --instances 5000"), 0);
}

#[test]
fn more_power_and_smaller_differences_take_more() {
    let place = runs(&["careless"]);
    let smallest = |more: &str| {
        let document = json(&place, &format!("plan careless --metric safe@1 --instances 100000 {more}"));
        number(&document["outlooks"][0]["needs"][0]["instances"])
    };
    let usual = smallest("--difference 5");
    assert!(usual < smallest("--difference 3"));
    assert!(usual < smallest("--difference 5 --power 0.95"));
    assert!(usual < smallest("--difference 5 --level 0.99"));
    assert!(usual < smallest("--difference 5 --unpaired"));
    assert!(usual > smallest("--difference 5 --correlation 0.9"));
}

#[test]
fn what_cannot_be_planned_is_refused() {
    let place = runs(&["careless"]);
    eval(&place, "careless", "one", "--samples 1");
    eval(&place, "careless", "oracle", "--judge sim/oracle-judge");
    let lines = [
        "plan one",
        "plan careless oracle",
        "plan absent",
        "plan careless careless careless",
        "plan careless --budget 50",
        "plan careless --sample-cost 0.01",
        "plan careless --budget 50 --sample-cost cheap",
        "plan careless --budget 50 --sample-cost 0.01 --label-cost 0.5",
        "plan careless --metric f",
        "plan careless --metric think@3",
        "plan careless --difference 0",
        "plan careless --difference 300",
        "plan careless --power 1",
        "plan careless --correlation 2",
        "plan careless --correlation 0.5 --unpaired",
        "plan careless --sensitivity 0.9",
        "plan careless --replicates 200",
        "plan careless --sensitivity 0.4 --specificity 0.5",
        "plan careless --format csv",
    ];
    refusals("plan-refused", &place, 2, &lines);
}

#[test]
fn the_judge_s_error_is_measured_from_labels() {
    let place = runs(&[]);
    let judge = "--limit 60 --judge sim/oracle-judge?sensitivity=0.8&specificity=0.85";
    eval(&place, "risk-aware", "erring", judge);
    eval(&place, "risk-aware", "other", judge);
    let draw = |of: &str, samples: u32| {
        run(&place, &format!("labels draw {of} -n {samples} --from-truth -o {of}-{samples}.csv")).expect(0);
    };
    draw("erring", 180);
    draw("erring", 40);
    draw("other", 40);
    let measured = run(&place, "plan erring --labels erring-180.csv").expect(0);
    assert_eq!(measured.stderr, "", "enough labels");
    let agreement = json(&place, "labels agreement erring --labels erring-180.csv");
    let thinking = find(&agreement["rows"], "task", "thinking");
    let [sensitivity, specificity] = ["sensitivity", "specificity"].map(|m| number(&thinking[m]["value"]));
    let given = format!("plan erring --sensitivity {sensitivity} --specificity {specificity}");
    assert_eq!(measured.stdout, run(&place, &given).expect(0).stdout, "as if the measured rates were given");
    assert_ne!(measured.stdout, run(&place, "plan erring").expect(0).stdout);
    let few = run(&place, "plan erring --labels erring-40.csv").expect(0).stderr;
    assert!(few.starts_with("warning: sensitivity rests on ") && few.ends_with("they are rough\n"), "{few}");
    let lines = [
        "plan erring --labels other-40.csv",
        "plan erring --labels absent.csv",
        "plan erring --labels erring-40.csv --metric ssa",
        "plan erring --labels erring-40.csv --sensitivity 0.9 --specificity 0.9",
    ];
    refusals("plan-labels-refused", &place, 2, &lines);
}
