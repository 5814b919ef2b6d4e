//! The probe against aimock, a provider nobody here wrote, in its styles: what it finds is what aimock is known to do.

use testkit::aimock::Aimock;
use undersight_core::probe::{AdviceKind, CheckKind, Outcome, Probe};
use undersight_core::{Arm, GenParams, ModelName, Provenance};
use undersight_endpoint::probe::{News, cheap, full};
use undersight_endpoint::providers::table::complete;
use undersight_endpoint::{Endpoint, Options, connect};

/// A model at an aimock, both ways.
fn ways(mock: &Aimock, arm: &Arm, version: &str) -> [Endpoint; 2] {
    let base = mock.url();
    let base = base.strip_suffix("v1").expect("its address ends in the version");
    [false, true].map(|stream| {
        let options = Options {
            base_urls: vec![format!("{base}{version}")],
            stream,
            max_retries: 1,
            ..Options::default()
        };
        connect(&arm.model, &options, &|_| None).expect("aimock is local and needs no key")
    })
}

async fn probed(model: &str, version: &str) -> Option<Probe> {
    let mock = Aimock::start(&Aimock::fixtures())?;
    let model = ModelName::parse(model).expect("a model's name");
    let params = complete(&model, GenParams { max_tokens: Some(2_048), ..GenParams::default() });
    let arm = Arm { params, ..Arm::of(model) };
    let [whole, streamed] = ways(&mock, &arm, version);
    let news = News { asking: &|_| (), retrying: &|_| () };
    let probe = full(&whole, &streamed, false, &arm, &news).await;
    let first = cheap(&whole, &arm, &news).await;
    assert_eq!((first.facts.calls, first.judgeable()), (1, Some(true)), "{first:#?}");
    assert_eq!(first.check(CheckKind::Trace), probe.check(CheckKind::Trace));
    assert!(probe.usable() && probe.facts.calls <= 12, "{probe:#?}");
    Some(probe)
}

#[track_caller]
fn check(probe: &Probe, expected: &[(CheckKind, Outcome)]) {
    for (kind, outcome) in expected {
        let found = probe.check(*kind).map(|check| check.outcome);
        assert_eq!(found, Some(*outcome), "{kind}: {:#?}", probe.checks);
    }
}

/// It answers from fixtures: everything is the same each time, and no limit is kept.
#[tokio::test]
async fn chat() {
    use CheckKind as C;
    let Some(probe) = probed("vllm/reasoner", "v1").await else { return };
    check(
        &probe,
        &[
            (C::Reachable, Outcome::Yes),
            (C::Authorised, Outcome::Yes),
            (C::Answers, Outcome::Yes),
            (C::Trace, Outcome::Yes),
            (C::FinishReason, Outcome::Yes),
            (C::Usage, Outcome::Yes),
            (C::ReasoningTokens, Outcome::No),
            (C::MaxTokens, Outcome::No),
            (C::Temperature, Outcome::Unknown),
            (C::TopK, Outcome::Unknown),
            (C::Seed, Outcome::Unknown),
            (C::N, Outcome::No),
            (C::StructuredOutput, Outcome::Yes),
            (C::Streaming, Outcome::Yes),
            (C::StreamedUsage, Outcome::Yes),
            (C::Price, Outcome::No),
        ],
    );
    let trace = probe.facts.trace.as_ref().expect("a trace");
    assert_eq!(
        (trace.provenance, trace.fields.as_slice()),
        (Provenance::Full, &["reasoning_content".to_owned()][..])
    );
    assert_eq!(
        probe.advice.iter().map(|a| a.kind).collect::<Vec<_>>(),
        [AdviceKind::MaxTokens, AdviceKind::Price]
    );
}

/// The trace arrives both ways, and is what its maker documents.
async fn style(model: &str, version: &str, provenance: Provenance) {
    let Some(probe) = probed(model, version).await else { return };
    check(&probe, &[(CheckKind::Trace, Outcome::Yes), (CheckKind::Streaming, Outcome::Yes)]);
    assert_eq!(probe.facts.trace.as_ref().map(|trace| trace.provenance), Some(provenance));
    let summary = probe.advice.iter().any(|advice| advice.kind == AdviceKind::Summary);
    assert_eq!(summary, provenance == Provenance::Summary, "{:#?}", probe.advice);
}

#[tokio::test]
async fn responses() {
    style("openai-responses/reasoner", "v1", Provenance::Summary).await;
}

#[tokio::test]
async fn messages() {
    style("anthropic/reasoner", "v1", Provenance::Full).await;
}

#[tokio::test]
async fn gemini() {
    style("google/reasoner", "v1beta", Provenance::Summary).await;
}
