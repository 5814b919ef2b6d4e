//! Arbitrary consistent instances, for the property tests.

use std::sync::Arc;

use proptest::prelude::*;
use undersight_core::{Instance, OsParts, Risk, Scenario, Subcategory};

/// Any text with something to see in it: quotes, commas, line breaks, controls and other scripts included.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,20}[a-z][ -~]{0,20}",
        "[\\x00-\\x7f]{0,10}[\",\r\n]{1,3}[a-z]\\PC{0,10}",
        "\u{feff}?[\r\n\t ]{0,2}.{0,10}[a-zé中]{1,5}[\r\n\t ]{0,2}",
    ]
}

fn risk(rationale: impl Strategy<Value = Option<String>>) -> impl Strategy<Value = Risk> {
    (prop::sample::select(&Subcategory::ALL[..]), rationale).prop_map(|(subcategory, rationale)| Risk {
        category: subcategory.category(),
        subcategory,
        rationale,
    })
}

fn over_sensitive() -> impl Strategy<Value = Instance> {
    let query = (text(), text(), text(), any::<bool>());
    (query, text(), risk(prop::option::of(text())), any::<bool>()).prop_map(
        |((risky, between, harmless, swap), rationale, risk, marked)| {
            let query = if swap {
                format!("{harmless}{between}{risky}")
            } else {
                format!("{risky}{between}{harmless}")
            };
            let parts = marked.then_some(OsParts { risky, harmless });
            let scenario = Scenario::OverSensitivity;
            Instance { id: String::new(), query, scenario, rationale, risks: vec![risk], parts }
        },
    )
}

fn any_instance() -> impl Strategy<Value = Instance> {
    let plain = |scenario, risks: Vec<Risk>, query, rationale| Instance {
        id: String::new(),
        query,
        scenario,
        rationale,
        risks,
        parts: None,
    };
    let omission =
        (risk(prop::option::of(text())), text(), text()).prop_map(move |(risk, query, rationale)| {
            plain(Scenario::RiskOmission, vec![risk], query, rationale)
        });
    let own = || risk(text().prop_map(Some));
    let shortcut = (own(), own(), text(), text()).prop_map(move |(a, b, query, rationale)| {
        plain(Scenario::CognitiveShortcut, vec![a, b], query, rationale)
    });
    prop_oneof![omission, shortcut, over_sensitive()]
}

/// Some instances with distinct ids.
pub(crate) fn instances() -> impl Strategy<Value = Vec<Arc<Instance>>> {
    prop::collection::vec((any_instance(), "[a-zA-Z0-9,\"é-]{1,8}"), 1..12).prop_map(|instances| {
        let numbered = instances.into_iter().enumerate();
        numbered
            .map(|(i, (instance, id))| Arc::new(Instance { id: format!("{id}-{i}"), ..instance }))
            .collect()
    })
}
