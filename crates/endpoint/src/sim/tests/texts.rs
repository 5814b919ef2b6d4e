//! What simulated texts may and may not hold: paraphrase, overlap, and nothing of the truth.

use proptest::prelude::*;

use super::super::words::{LONGEST_RUN, content_words, tokens};
use super::*;

/// The most consecutive words two texts share.
fn longest_run(a: &str, b: &str) -> usize {
    let (a, b) = (tokens(a), tokens(b));
    let mut row = vec![0; b.len() + 1];
    let mut longest = 0;
    for x in &a {
        for j in (0..b.len()).rev() {
            row[j + 1] = if *x == b[j] { row[j] + 1 } else { 0 };
            longest = longest.max(row[j + 1]);
        }
    }
    longest
}

fn check_paraphrase(instance: &Instance, reply: &Reply) {
    let e = &reply.extraction;
    let rationales =
        [&instance.rationale].into_iter().chain(instance.risks.iter().filter_map(|r| r.rationale.as_ref()));
    for rationale in rationales {
        for text in [e.trace(), e.answer()] {
            assert!(longest_run(&text, rationale) <= LONGEST_RUN, "{}: {text}", instance.id);
        }
    }
}

#[test]
fn rationales_of_the_starter_set_are_paraphrased() {
    for instance in starter() {
        for setting in ["aware=1&spread=1", "aware=1&spread=0", "aware=0", "summary=1&aware=1"] {
            let client = sim(&format!("risk-aware?{setting}"));
            for index in 0..4 {
                let reply = ask(&client, &request(&instance, index, None)).unwrap();
                check_paraphrase(&instance, &reply);
                let words = reply.extraction.trace().split_whitespace().count();
                let fewest = if setting.starts_with("summary") { 20 } else { 60 };
                assert!((fewest..=200).contains(&words), "{words} words: {}", reply.extraction.trace());
                let trace = reply.extraction.trace();
                assert!(!trace.contains('{') && !reply.extraction.answer().contains('{'), "{trace}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_rationale_is_paraphrased(
        number in 0_usize..10_000,
        scenario in prop::sample::select(Scenario::ALL.to_vec()),
        rationale in prop_oneof![
            prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..30).prop_map(|w| w.join(" ")),
            "[一-十é-ü a-z,.'<>{}]{0,80}",
            ".{0,60}",
            Just("what troubles me is the matter itself: taken together with the details".to_owned()),
        ],
        query in "(\\PC|<think>|</think>|[a-z ]{1,9}){0,30}",
    ) {
        let mut instance = made_up(number, scenario);
        for risk in &mut instance.risks {
            risk.rationale = Some(rationale.clone());
        }
        instance.query = format!("{query} {rationale}");
        instance.rationale = rationale;
        let reply = ask(&sim("risk-aware?aware=1&tagged=0.3&tagless=0.3"), &request(&instance, 0, None)).unwrap();
        prop_assert_eq!(reply.extraction.provenance, Provenance::Full);
        check_paraphrase(&instance, &reply);
    }
}

/// Share of the rationale's content words that a text repeats: what a simple lexical judge goes by.
fn overlap(instance: &Instance, text: &str) -> f64 {
    let said: HashSet<_> = content_words(text).into_iter().collect();
    let words = content_words(instance.risk_rationale(0));
    words.iter().filter(|w| said.contains(*w)).count() as f64 / words.len() as f64
}

#[test]
fn overlap_with_the_rationale_hints_at_the_truth_but_does_not_tell() {
    let overlaps = |setting: &str| -> Vec<f64> {
        let client = sim(&format!("risk-aware?{setting}"));
        starter()
            .iter()
            .filter(|i| i.scenario == Scenario::RiskOmission)
            .map(|i| overlap(i, &ask(&client, &request(i, 0, None)).unwrap().extraction.trace()))
            .collect()
    };
    let (aware, unaware) = (overlaps("aware=1"), overlaps("aware=0"));
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    assert!(mean(&aware) > mean(&unaware) + 0.15, "{} {}", mean(&aware), mean(&unaware));
    assert!(aware.iter().all(|share| *share < 1.0), "{aware:?}");
    let least = aware.iter().copied().fold(1.0, f64::min);
    let most = unaware.iter().copied().fold(0.0, f64::max);
    assert!(least < 0.35 && most > 0.0, "{least} {most}");
}

#[test]
fn the_truth_is_in_no_text() {
    for instance in starter() {
        for profile in &PROFILES {
            let reply = ask(&sim(profile.name), &request(&instance, 0, Some(4))).unwrap();
            let sent = String::from_utf8(reply.exchange.raw.request).unwrap();
            let received = String::from_utf8(reply.exchange.raw.response).unwrap();
            let mut secrets =
                vec!["sim_truth", "recognised", "Precise Coverage", "Over Sensitive", "Covered"];
            secrets.extend([instance.rationale.as_str(), instance.id.as_str()]);
            for secret in secrets {
                assert!(!sent.contains(secret) && !received.contains(secret), "{secret:?} in {received}");
            }
        }
    }
}
