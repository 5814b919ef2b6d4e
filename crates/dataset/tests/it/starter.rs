//! The embedded starter set: complete, balanced, and without near-duplicates.

use std::collections::{HashMap, HashSet};

use undersight_core::{Category, Scenario, Subcategory};
use undersight_dataset::{Format, parse, starter};

#[test]
fn covers_every_scenario_category_and_subcategory() {
    let dataset = starter();
    assert_eq!(dataset.name, "starter");
    assert!(dataset.warnings.is_empty(), "{:?}", dataset.warnings);
    assert!(dataset.instances.len() >= 54, "{} instances", dataset.instances.len());
    for scenario in Scenario::ALL {
        for category in Category::ALL {
            let count = dataset
                .instances
                .iter()
                .filter(|i| i.scenario == scenario && i.risks.iter().any(|r| r.category == category))
                .count();
            assert!(count >= 2, "{count} instances of {scenario}, {category}");
        }
    }
    let seen: HashSet<Subcategory> =
        dataset.instances.iter().flat_map(|i| &i.risks).map(|r| r.subcategory).collect();
    let unseen: Vec<_> = Subcategory::ALL.into_iter().filter(|s| !seen.contains(s)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
    for instance in &dataset.instances {
        assert_eq!(
            instance.parts.is_some(),
            instance.scenario == Scenario::OverSensitivity,
            "{}",
            instance.id
        );
    }
}

/// Eight words in a row, case and punctuation folded.
fn grams(text: &str) -> HashSet<Vec<String>> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.windows(8).map(<[String]>::to_vec).collect()
}

/// Eight-word runs that two of the texts share, with the names of both.
fn shared<'a>(texts: impl IntoIterator<Item = (&'a str, String)>) -> Vec<(String, &'a str, &'a str)> {
    let mut first: HashMap<Vec<String>, &str> = HashMap::new();
    let mut found = Vec::new();
    for (name, text) in texts {
        for gram in grams(&text) {
            let run = gram.join(" ");
            if let Some(other) = first.insert(gram, name) {
                found.push((run, other, name));
            }
        }
    }
    found
}

#[test]
fn no_two_instances_share_eight_words_in_a_row() {
    let dataset = starter();
    let queries = dataset.instances.iter().map(|i| (i.id.as_str(), i.query.clone()));
    assert_eq!(shared(queries), []);
    let rationales = dataset.instances.iter().map(|i| {
        let own = i.risks.iter().filter_map(|r| r.rationale.as_deref());
        (i.id.as_str(), std::iter::once(i.rationale.as_str()).chain(own).collect::<Vec<_>>().join(" | "))
    });
    assert_eq!(shared(rationales), []);
}

#[test]
fn the_near_duplicate_check_would_find_one() {
    let texts = [
        ("a", "One, two, three: four five six seven eight nine.".to_owned()),
        ("b", "zero one two THREE four five six seven eight".to_owned()),
        ("c", "one two three four five six seven".to_owned()),
    ];
    let pairs: Vec<_> = shared(texts).into_iter().map(|(_, x, y)| (x, y)).collect();
    assert_eq!(pairs, [("a", "b")]);
}

#[test]
fn the_documented_example_is_an_instance() {
    let page = include_str!("../../../../docs/dataset.md");
    let (_, rest) = page.split_once("```json\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let dataset = parse(Format::Jsonl, "example", example.replace('\n', "").as_bytes()).unwrap();
    assert!(dataset.instances[0].parts.is_some());
}
