//! Prices and the purse.

use std::sync::Arc;

use undersight_core::{ModelName, NanoUsd, Usage};
use undersight_endpoint::{Budget, PriceError, PriceTable};

const TABLE: &str = r#"
version = "t"
[[price]]
model = "p/m*"
input = 1.0
output = 2.0
[[price]]
model = "p/m-large*"
input = 10.0
cached = 5.0
output = 20.0
[[price]]
model = "p/m-large-x"
input = 100.0
output = 200.0
"#;

fn tokens(input: u64, output: u64, cached: Option<u64>) -> Usage {
    Usage { input: Some(input), output: Some(output), reasoning: None, cached }
}

#[test]
fn costs_are_exact() {
    let table = PriceTable::parse(TABLE).unwrap();
    let check = |model: &str, usage: Usage, nano: Option<i64>| {
        let model = ModelName::parse(model).unwrap();
        assert_eq!(table.cost(&model, &usage), nano.map(NanoUsd), "{model} {usage:?}");
    };
    check("p/m", tokens(1000, 500, None), Some(2_000_000));
    check("p/m-small", tokens(1, 0, None), Some(1_000));
    check("p/m-large-2", tokens(100, 10, Some(40)), Some(1_000_000));
    check("p/m-large-x", tokens(100, 10, Some(40)), Some(12_000_000));
    check("p/m", tokens(10, 0, Some(99)), Some(10_000));
    check("q/m", tokens(1, 1, None), None);
    check("p/m", Usage { input: Some(1), ..Usage::default() }, None);
    check("sim/aware", Usage::default(), Some(0));
    check("p/m", tokens(u64::MAX, u64::MAX, None), None);
}

#[test]
fn a_file_goes_before_the_embedded_table() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("prices.toml");
    std::fs::write(
        &path,
        "version = \"mine\"\n[[price]]\nmodel = \"openai/gpt-4.1\"\ninput = 1.0\noutput = 1.0\n",
    )
    .unwrap();
    let table = PriceTable::with_file(&path).unwrap();
    let embedded = PriceTable::embedded();
    let model = |name: &str| ModelName::parse(name).unwrap();
    let usage = tokens(1_000_000, 0, None);
    assert_eq!(table.cost(&model("openai/gpt-4.1"), &usage), Some(NanoUsd(1_000_000_000)));
    assert_eq!(embedded.cost(&model("openai/gpt-4.1"), &usage), Some(NanoUsd(2_000_000_000)));
    assert_eq!(table.cost(&model("openai/o4-mini"), &usage), embedded.cost(&model("openai/o4-mini"), &usage));
    assert!(embedded.knows(&model("openai/gpt-4o-mini-2024-07-18")));
    assert!(table.version().starts_with("mine+"));
    assert_ne!(embedded.version(), PriceTable::empty().version());
}

#[test]
fn bad_tables_say_why() {
    for (text, words) in [
        ("", "version"),
        ("version = \"x\"\n[[price]]\nmodel = \"p/m\"\ninput = 1.0\n", "output"),
        ("version = \"x\"\n[[price]]\nmodel = \"p/m\"\ninput = -1.0\noutput = 1.0\n", "price -1"),
        ("version = \"x\"\n[[price]]\nmodel = \"p/m\"\ninput = nan\noutput = 1.0\n", "price NaN"),
        ("version = \"x\"\nprices = 3\n", "prices"),
        ("version = \"x\"\n[[price]]\nmodel = \"p/m\"\ninput = 1\noutput = 1\nbatch = 2\n", "cost 2 times"),
    ] {
        let error = PriceTable::parse(text).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.hint().is_empty());
    }
    let missing = PriceTable::with_file(std::path::Path::new("/nowhere/prices.toml")).unwrap_err();
    assert!(matches!(missing, PriceError::File { .. }), "{missing}");
}

#[test]
fn batched_calls_cost_their_share() {
    let text = "version = \"t\"\n\
        [[price]]\nmodel = \"openai/m\"\ninput = 1.0\noutput = 3.0\n\
        [[price]]\nmodel = \"openai/full\"\ninput = 1.0\noutput = 3.0\nbatch = 1\n\
        [[price]]\nmodel = \"openai/third\"\ninput = 1.0\noutput = 3.0\nbatch = 0.3\n\
        [[price]]\nmodel = \"vllm/m\"\ninput = 1.0\noutput = 3.0\n";
    let table = PriceTable::parse(text).unwrap();
    let check = |model: &str, nano: i64| {
        let model = ModelName::parse(model).unwrap();
        let usage = tokens(1_000, 333, None);
        assert_eq!(table.cost(&model, &usage), Some(NanoUsd(1_999_000)), "{model}");
        assert_eq!(table.batched_cost(&model, &usage), Some(NanoUsd(nano)), "{model}");
    };
    check("openai/m", 999_500);
    check("openai/full", 1_999_000);
    check("openai/third", 599_700);
    check("vllm/m", 1_999_000);
}

#[test]
fn bounds_are_never_below_a_cost() {
    let table = PriceTable::parse(TABLE).unwrap();
    let model = |name: &str| ModelName::parse(name).unwrap();
    assert_eq!(table.bound(&model("p/m"), 1_000, 500), Some(NanoUsd(2_000_000)));
    assert_eq!(table.bound(&model("p/m-large-2"), 100, 10), Some(NanoUsd(1_200_000)), "nothing is cached");
    assert_eq!(table.bound(&model("p/m"), u64::MAX, u64::MAX), Some(NanoUsd(i64::MAX)));
    assert_eq!(table.bound(&model("sim/aware"), 9, 9), Some(NanoUsd(0)));
    assert_eq!(table.bound(&model("q/m"), 1, 1), None);
}

#[tokio::test]
async fn the_purse_empties_and_the_switch_stops() {
    let budget = Arc::new(Budget::new(Some(NanoUsd(10))));
    assert!(!budget.halted());
    for (cost, exhausted) in [(9, false), (-5, false), (1, true)] {
        budget.reserve(NanoUsd(1)).await.unwrap().spend(NanoUsd(cost));
        assert_eq!(budget.exhausted(), exhausted, "{cost}");
    }
    assert!(budget.halted() && !budget.stopped());
    assert_eq!(budget.spent(), NanoUsd(10));
    let bottomless = Arc::new(Budget::new(None));
    for cost in [i64::MAX, 1] {
        bottomless.reserve(NanoUsd(cost)).await.unwrap().spend(NanoUsd(cost));
    }
    assert!(!bottomless.halted());
    bottomless.stop();
    assert!(bottomless.halted() && bottomless.stopped());
}
