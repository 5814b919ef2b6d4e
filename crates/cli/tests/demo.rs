//! `undersight demo`: what a stranger sees first. Deterministic, so the whole of it is a snapshot.

mod common;

use common::Place;

#[test]
fn the_whole_demo() {
    let place = Place::new();
    let first = place.run(&["demo"]).expect(0).snapshot();
    let second = place.run(&["demo"]).expect(0).snapshot();
    assert_eq!(first, second, "made anew each time, and the same");
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("demo", first);
    });
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let stdout = Place::new().run(&["demo"]).expect(0).stdout;
    let shown = stdout.split("\nNext:").next().expect("a first part").trim_end();
    let readme = std::fs::read_to_string(testkit::repository().join("README.md")).expect("the README");
    assert!(readme.contains(shown), "paste this into README.md:\n{shown}");
}

#[test]
fn as_json_and_in_a_store_of_ones_own() {
    let place = Place::new();
    let demo = place.json(&["demo", "--json", "-k", "1", "--store", "sqlite:own.db"]);
    assert_eq!(demo["schema"], "undersight.demo/v1");
    assert_eq!(demo["scores"]["runs"].as_array().map(Vec::len), Some(4));
    assert!(place.path("own.db").exists() && !place.path("undersight-demo.db").exists());
}
