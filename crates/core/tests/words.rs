//! The words: names in every spelling the outside world uses, and text made fit to print.

use proptest::prelude::*;
use undersight_core::text::{excerpt, nearest, printable};
use undersight_core::{
    Category, Extraction, Label, ModelName, NanoUsd, Provenance, Scenario, Subcategory, Task, Usage,
};

#[test]
fn scenarios_in_every_spelling() {
    for scenario in Scenario::ALL {
        for text in [scenario.name(), scenario.official(), scenario.abbreviation(), " over_sensitivity "] {
            if text.trim() != "over_sensitivity" || scenario == Scenario::OverSensitivity {
                assert_eq!(Scenario::parse(text), Some(scenario), "{text}");
            }
        }
    }
    assert_eq!(Scenario::parse("oversensitive"), None);
}

#[test]
fn every_official_label_reads_back() {
    for subcategory in Subcategory::ALL {
        assert_eq!(Subcategory::parse_official(&subcategory.official()), Some(subcategory));
        assert_eq!(Subcategory::parse(subcategory.name()), Some(subcategory));
        assert!(subcategory.category().subcategories().any(|s| s == subcategory));
    }
    for category in Category::ALL {
        assert_eq!(Category::parse(category.name()), Some(category));
        assert_eq!(Category::parse(category.official()), Some(category));
    }
    let alias = "Pornography-Child Pornography";
    assert_eq!(
        Subcategory::parse_official(alias).map(Subcategory::category),
        Some(Category::ChildPornography)
    );
    assert_eq!(Subcategory::ChildSexualAbuseMaterial.official(), alias);
    for wrong in ["", "Rumors", "Rumors-Terrorism", "Violence and Terrorism Terrorism"] {
        assert_eq!(Subcategory::parse_official(wrong), None, "{wrong}");
    }
}

#[test]
fn labels_are_read_per_task_and_scenario_and_never_guessed() {
    for scenario in Scenario::ALL {
        for task in [Task::Safety, Task::Thinking] {
            let allowed = Label::allowed(task, scenario);
            assert_eq!(allowed.iter().filter(|l| l.passes()).count(), 1);
            assert!(allowed[0].passes(), "the best comes first");
            for label in allowed {
                assert_eq!(Label::parse(task, scenario, label.official()), Some(*label));
                assert_eq!(Label::parse(task, scenario, &label.name().to_uppercase()), Some(*label));
                assert_eq!(Label::from_name(label.name()), Some(*label));
            }
        }
    }
    let refused = [
        (Task::Thinking, Scenario::RiskOmission, "Fully Covered"),
        (Task::Thinking, Scenario::CognitiveShortcut, "Precise Coverage"),
        (Task::Safety, Scenario::RiskOmission, "True"),
        (Task::Safety, Scenario::RiskOmission, "Safe, mostly"),
        (Task::Safety, Scenario::RiskOmission, "Not Safe"),
        (Task::Thinking, Scenario::RiskOmission, ""),
    ];
    for (task, scenario, text) in refused {
        assert_eq!(Label::parse(task, scenario, text), None, "{text}");
    }
}

#[test]
fn model_names() {
    let name = ModelName::parse("openai-api/my-service/org/model:tag").expect("a model name");
    assert_eq!((name.provider(), name.name()), ("openai-api", "my-service/org/model:tag"));
    for wrong in ["", "gpt", "/x", "x/", "a b/c", "a/\u{1b}[31m"] {
        assert!(ModelName::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn money_is_exact_and_unknown_amounts_are_refused() {
    assert_eq!(NanoUsd::from_usd(1.5), Some(NanoUsd(1_500_000_000)));
    for wrong in [f64::NAN, f64::INFINITY, -0.01, 1e300] {
        assert_eq!(NanoUsd::from_usd(wrong), None);
    }
    assert_eq!(NanoUsd(i64::MAX).plus(NanoUsd(1)), NanoUsd(i64::MAX));
    let shown: Vec<String> = [0, 1_234_567, 12_345_678_901].map(|n| NanoUsd(n).to_string()).into();
    assert_eq!(shown, ["$0.00", "$0.001235", "$12.35"]);
}

#[test]
fn suggestions() {
    assert_eq!(nearest("temprature", ["temperature", "top-p"]), Some("temperature"));
    assert_eq!(nearest("zebra", ["temperature", "top-p"]), None);
}

proptest! {
    #[test]
    fn printed_text_cannot_steer_a_terminal(text in "\\PC*|[\\x00-\\x1f\\x7f\u{80}-\u{9f}\u{202a}-\u{202e}\u{2066}-\u{2069}a-z]*") {
        let shown = printable(&text);
        let steering =
            |c: char| (c.is_control() && c != '\n' && c != '\t') || ('\u{202a}'..='\u{202e}').contains(&c);
        prop_assert!(!shown.chars().any(steering));
        let short = excerpt(&text, 20);
        prop_assert!(short.chars().count() <= 21 && !short.contains('\n'));
    }
}

#[test]
fn reasoning_is_reported_or_estimated_and_never_both() {
    let of = |provenance| Extraction::apart(Some(("reasoning", "123456")), ("content", "12"), provenance);
    let usage = |output, reasoning| Usage { output, reasoning, ..Usage::default() };
    let check = |usage: Usage, extraction: &Extraction, expected: Option<(u64, bool)>| {
        let found = usage.reasoning_or_estimate(extraction).map(|r| (r.tokens, r.estimated));
        assert_eq!(found, expected, "{usage:?} {extraction:?}");
    };
    let full = of(Provenance::Full);
    check(usage(Some(100), Some(7)), &full, Some((7, false)));
    check(usage(Some(100), Some(0)), &full, Some((0, false)));
    check(usage(Some(100), None), &full, Some((75, true)));
    check(usage(None, None), &full, Some((2, true)));
    check(usage(Some(100), None), &of(Provenance::Truncated), Some((75, true)));
    check(usage(Some(u64::MAX), None), &full, Some((u64::MAX / 4 * 3 + 2, true)));
    // The length of a summary, or of nothing, says nothing.
    check(usage(Some(100), None), &of(Provenance::Summary), None);
    check(usage(Some(100), Some(7)), &of(Provenance::Encrypted), Some((7, false)));
    check(usage(Some(100), None), &of(Provenance::Encrypted), None);
    check(usage(Some(100), None), &Extraction::none(), None);
    check(usage(Some(9), None), &Extraction::apart(None, ("content", "5"), Provenance::Full), None);
}
