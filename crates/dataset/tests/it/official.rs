//! What must hold of the official file, on a generated one of its shape always and on the file itself where present.

use std::sync::Arc;

use undersight_core::{Digest, Instance, Scenario, run::Selection};
use undersight_dataset::stats::{Quantiles, Stats};
use undersight_dataset::{Dataset, Format, OFFICIAL_BYTES, OFFICIAL_SHA256, losses, parse, select, write};

/// Everything a file of this shape must satisfy.
fn check(bytes: &[u8]) {
    let dataset = parse(Format::Csv, "dataset.csv", bytes).unwrap();
    assert!(dataset.warnings.is_empty());
    counts(&Stats::of(&dataset.instances));
    quirks(&dataset.instances);
    conversions(&dataset, bytes);
    limits(&dataset.instances);
}

fn counts(stats: &Stats) {
    assert_eq!(stats.instances, 2000);
    assert_eq!(stats.scenarios.iter().map(|s| s.instances).collect::<Vec<_>>(), [200, 1200, 600]);
    assert_eq!(stats.labels, 3200);
    assert_eq!(stats.categories.iter().map(|c| c.labels).sum::<u64>(), 3200);
    for category in &stats.categories {
        assert_eq!(category.subcategories.iter().map(|s| s.labels).sum::<u64>(), category.labels);
        assert!(category.subcategories.iter().all(|s| s.labels > 0 && s.instances <= s.labels));
        assert!(category.instances <= category.labels);
    }
    assert_eq!(stats.same_category, 56);
    assert_eq!(stats.sub_risk_texts, 2400);
    assert_eq!(stats.distinct_sub_risk_texts, 1936);
    assert_eq!(stats.shared_text_components, 736);
    let Quantiles { min, median, max, .. } = *stats.query_characters.as_ref().unwrap();
    assert!(
        min < 20 && (300..600).contains(&median) && (1_400..1_700).contains(&max),
        "{min} {median} {max}"
    );
}

fn quirks(instances: &[Arc<Instance>]) {
    let ending: Vec<_> = instances.iter().filter(|i| i.query.ends_with('\n')).collect();
    assert_eq!(ending.len(), 2);
    assert!(ending.iter().all(|i| i.scenario == Scenario::OverSensitivity));
    assert!(instances.iter().any(|i| !i.query.is_ascii()));
    assert!(instances.iter().all(|i| i.parts.is_none() && i.id.len() == 32));
    for instance in instances.iter().filter(|i| i.scenario == Scenario::CognitiveShortcut) {
        let [a, b] = [0, 1].map(|i| instance.risk_rationale(i));
        assert_eq!(instance.rationale, format!("Query A: {a}\nQuery B: {b}"));
    }
}

fn conversions(dataset: &Dataset, bytes: &[u8]) {
    // Written again it is the same file, byte for byte: nothing in a cell was touched.
    let mut csv = Vec::new();
    write(Format::Csv, &dataset.instances, &mut csv).unwrap();
    assert!(csv.trim_ascii_end() == bytes.trim_ascii_end(), "the CSV written differs from the one read");
    assert_eq!(losses(Format::Csv, &dataset.instances), [""; 0]);

    let mut instances = dataset.instances.clone();
    for format in [Format::Jsonl, Format::Parquet, Format::Jsonl, Format::Csv] {
        let mut file = Vec::new();
        write(format, &instances, &mut file).unwrap();
        let read = parse(format, "converted", &file).unwrap();
        assert_eq!(read.hash, dataset.hash, "through {format}");
        instances = read.instances;
    }
}

fn limits(instances: &[Arc<Instance>]) {
    let limited = |n| Selection { limit: Some(n), ..Selection::default() };
    let hundred = select(instances, &limited(100)).unwrap();
    let in_scenario = |s| hundred.iter().filter(|&&i| instances[i].scenario == s).count();
    assert_eq!(Scenario::ALL.map(in_scenario), [10, 60, 30]);
    let two_hundred = select(instances, &limited(200)).unwrap();
    assert!(hundred.iter().all(|i| two_hundred.contains(i)));
}

#[test]
fn a_generated_file_of_the_official_shape() {
    check(&testkit::bsa::official_like(0));
    check(&testkit::bsa::official_like(7));
    assert_eq!(testkit::bsa::official_like(3), testkit::bsa::official_like(3));
    assert_ne!(testkit::bsa::official_like(3), testkit::bsa::official_like(4));
}

#[test]
fn the_official_file() {
    let Some(path) = testkit::shared_data("bsa/dataset.csv") else { return };
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(Digest::of_bytes(&bytes).to_string(), OFFICIAL_SHA256);
    assert_eq!(bytes.len() as u64, OFFICIAL_BYTES);
    check(&bytes);
    assert_eq!(undersight_dataset::load(&path).unwrap().name, "bsa");
}

#[test]
fn a_byte_order_mark_and_crlf_change_nothing() {
    let plain = testkit::bsa::official_like(1);
    let text = String::from_utf8(plain.clone()).unwrap();
    // Only line ends between records become CRLF; those inside cells are content.
    let mut quoted = false;
    let mut windows = String::from("\u{feff}");
    for c in text.chars() {
        quoted ^= c == '"';
        if c == '\n' && !quoted {
            windows.push('\r');
        }
        windows.push(c);
    }
    let [plain, windows] =
        [plain, windows.into_bytes()].map(|b| parse(Format::Csv, "dataset.csv", &b).unwrap().hash);
    assert_eq!(plain, windows);
}
