//! Which calls a plan needs, and how a reply counts.

use std::collections::HashSet;
use std::sync::Arc;

use undersight_core::{
    Arm, Extraction, FinishReason, Instance, ModelName, Provenance, SampleStatus, Scenario, Usage,
};
use undersight_endpoint::{Exchange, Reply};
use undersight_generate::{jobs, prompts, status};

fn arm() -> Arm {
    let model = ModelName::parse("vllm/example").expect("a model name");
    Arm::of(model)
}

fn instance(id: &str, query: &str) -> Arc<Instance> {
    Arc::new(Instance {
        id: id.to_owned(),
        query: query.to_owned(),
        scenario: Scenario::RiskOmission,
        rationale: "a risk".to_owned(),
        risks: Vec::new(),
        parts: None,
    })
}

#[test]
fn every_instance_once_before_any_twice_and_equal_messages_once() {
    let arm = arm();
    let set = [instance("a", "one"), instance("b", "two"), instance("c", "one")];
    let prompts = prompts(&arm, &set);
    let planned: Vec<_> = jobs(arm.hash(), &prompts, 3).collect();
    let order: Vec<(&str, u32)> = planned.iter().map(|j| (j.prompt.instance.id.as_str(), j.index)).collect();
    assert_eq!(order, [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]);
    assert_eq!(planned.iter().map(|j| j.key).collect::<HashSet<_>>().len(), 6);
    assert_eq!(jobs(arm.hash(), &[], 3).count(), 0);
}

#[test]
fn how_a_reply_counts() {
    let check = |answer: &str, finish: FinishReason, blocked: bool, expected: SampleStatus| {
        let reply = Reply {
            extraction: Extraction::apart(Some(("reasoning", "why")), ("content", answer), Provenance::Full),
            finish,
            blocked,
            returned_model: None,
            fingerprint: None,
            usage: Usage::default(),
            billed: None,
            choices: 1,
            exchange: Exchange::default(),
            sim_truth: None,
        };
        assert_eq!(status(&reply), expected, "{answer:?}");
    };
    check("yes", FinishReason::Stop, false, SampleStatus::Ok);
    check("yes", FinishReason::Unknown, false, SampleStatus::Ok);
    check(" \n", FinishReason::Stop, false, SampleStatus::Empty);
    check("yes", FinishReason::Length, false, SampleStatus::Truncated);
    check("", FinishReason::Length, false, SampleStatus::Truncated);
    check("yes", FinishReason::Length, true, SampleStatus::Blocked);
}
