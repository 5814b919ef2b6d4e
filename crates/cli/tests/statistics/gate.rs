//! `undersight gate`: exit codes and reports for continuous integration.

use crate::common::Place;
use crate::{eval, json, list, number, prints, refusals, run, runs, snapshot, texts};

fn read(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.path(name)).expect("the report")
}

/// The names of a document's elements in order, each start closed by its own end: well-formed enough for a CI server.
fn elements(xml: &str) -> Vec<String> {
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").expect("a declaration").trim();
    let (mut open, mut names) = (Vec::<String>::new(), Vec::new());
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("each tag ends");
        assert!(!text.contains('>'), "a bare > in {text:?}");
        for entity in text.split('&').skip(1).chain(tag.split('&').skip(1)) {
            let known = ["amp;", "lt;", "gt;", "quot;", "apos;"];
            assert!(known.iter().any(|name| entity.starts_with(name)), "&{entity}");
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.split([' ', '/']).next().unwrap_or_default().to_owned();
        names.push(name.clone());
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    names
}

#[test]
fn passed_and_failed() {
    let place = runs(&["careless", "superficial"]);
    let gate = "gate --baseline careless --candidate superficial --metric safe@1 --margin 2";
    prints("gate-passed", &place, &format!("{gate} --junit pass.xml --markdown pass.md"), 0);
    snapshot("gate-passed-markdown", &read(&place, "pass.md"));
    let junit = read(&place, "pass.xml");
    assert_eq!(elements(&junit), ["testsuites", "testsuite", "testcase", "system-out"]);
    assert!(junit.contains("failures=\"0\""), "{junit}");

    let back =
        "gate --baseline superficial --candidate careless --metric safe@1 --metric ssa --metric safe@1:CS";
    prints("gate-failed", &place, &format!("{back} --margin 2 --junit fail.xml --markdown fail.md"), 100);
    snapshot("gate-failed-junit", &read(&place, "fail.xml"));
    snapshot("gate-failed-markdown", &read(&place, "fail.md"));
    let names = elements(&read(&place, "fail.xml"));
    assert_eq!(names.iter().filter(|name| *name == "testcase").count(), 3);
    let failed = names.iter().filter(|name| *name == "failure").count();
    let document = json(&place, &format!("{back} --margin 2"));
    assert_eq!(document["schema"], "undersight.gate/v1");
    assert_eq!(document["passed"], false);
    assert_eq!(texts(&document["gates"], "metric"), ["safe@1", "ssa", "safe@1:CS"]);
    assert_eq!(list(&document["gates"]).iter().filter(|gate| gate["passed"] == false).count(), failed);
}

#[test]
fn a_run_against_itself_needs_a_margin_or_certainty() {
    let place = runs(&["careless"]);
    eval(&place, "careless", "again", "--seed 2");
    let code = |more: &str| {
        let line = format!("gate --baseline careless --candidate again --metric think@1 {more}");
        run(&place, &line).code
    };
    assert_eq!(code("--margin 50"), Some(0));
    assert_eq!(code("--margin 50 --test superiority"), Some(100));
    assert_eq!(code("--margin 100 --test point"), Some(0));
}

#[test]
fn the_tests_ask_for_more_and_more() {
    let place = runs(&["careless", "superficial"]);
    let passed = |test: &str, margin: u32| {
        let line = format!(
            "gate --baseline careless --candidate superficial --metric safe@1 --margin {margin} --test {test}"
        );
        let document = json(&place, &line);
        (document["passed"] == true, number(&document["gates"][0]["gain"]))
    };
    let (_, gain) = passed("point", 0);
    assert!((0.6..0.65).contains(&gain), "{gain}");
    assert!(passed("superiority", 40).0 && !passed("superiority", 60).0);
    assert!(passed("non-inferiority", 0).0);
}

#[test]
fn names_are_escaped() {
    let place = runs(&["careless"]);
    eval(&place, "superficial", "a<b>&\"c\"|*d*", "");
    let line =
        "gate --baseline careless --candidate a<b>&\"c\"|*d* --metric safe@1 --junit g.xml --markdown g.md";
    run(&place, line).expect(0);
    assert!(elements(&read(&place, "g.xml")).contains(&"testcase".to_owned()));
    assert!(!read(&place, "g.md").contains("<b>"), "{}", read(&place, "g.md"));
}

#[test]
fn what_cannot_be_gated_is_refused() {
    let place = runs(&["careless", "superficial"]);
    eval(&place, "careless", "one", "--samples 1");
    let gate = "gate --baseline careless --candidate superficial";
    let lines = [
        gate.to_owned(),
        format!("{gate} --metric thinking"),
        format!("{gate} --metric think@9"),
        format!("{gate} --metric think@1 --margin few"),
        format!("{gate} --metric think@1 --margin 101"),
        format!("{gate} --metric think@1 --margin=-1"),
        format!("{gate} --metric think@1 --test t"),
        format!("{gate} --metric think@1 --interval wilson"),
        "gate --baseline careless --metric think@1".to_owned(),
        "gate --baseline careless --candidate absent --metric think@1".to_owned(),
        "gate --baseline one --candidate superficial --metric safe@k".to_owned(),
    ];
    refusals("gate-refused", &place, 2, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let line = "gate --baseline one --candidate superficial --metric safe@1";
    run(&place, line).expect(0);
    let ran = run(&place, &format!("{gate} --metric safe@1 --junit absent/g.xml")).expect(1);
    assert!(ran.stderr.starts_with("error: cannot write absent/g.xml: "), "{}", ran.stderr);
}

#[test]
fn what_the_runs_differ_in_is_said_everywhere() {
    let place = runs(&["superficial"]);
    eval(&place, "superficial", "fewer", "--limit 15");
    let gate = "gate --baseline superficial --candidate fewer --metric safe@1 --margin 50";
    let ran = run(&place, &format!("{gate} --junit g.xml --markdown g.md")).expect(0);
    let differ = "the runs have different instances (superficial: 24; fewer: 15)";
    let warning = format!("warning: {differ}: compared on the 15 that all have\n");
    assert_eq!(ran.stderr, warning);
    let marked = format!("ⁱ {differ}");
    for text in [&ran.stdout, &read(&place, "g.md")] {
        assert!(text.contains(&marked) && text.contains("Baselineⁱ"), "{text}");
    }
    let junit = read(&place, "g.xml");
    elements(&junit);
    assert!(junit.contains(&format!("<system-out>selection: {differ}")), "{junit}");
    let document = json(&place, gate);
    assert_eq!(texts(&document["mismatches"], "kind"), ["selection"]);
    assert_eq!(document["gates"][0]["instances"], 15);
}
