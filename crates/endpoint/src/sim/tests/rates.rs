//! The stated rates, recovered from what the models did, and the documentation that states them.

use undersight_core::{Label, Scenario};

use super::*;

#[test]
fn stated_rates_are_recovered() {
    for profile in &PROFILES {
        let client = sim(profile.name);
        for (s, scenario) in Scenario::ALL.into_iter().enumerate() {
            let rates = profile.rates(scenario);
            let requests = (0..1_700).map(|i| request(&made_up(i * 3 + s, scenario), 0, Some(1)));
            let truths: Vec<_> =
                ask_all(&client, requests).into_iter().map(|r| r.sim_truth.unwrap()).collect();
            let of = |what: &str| format!("{} {scenario} {what}", profile.name);
            let risks: Vec<bool> = truths.iter().flat_map(|t| t.recognised.clone()).collect();
            near(&of("aware"), risks.iter().filter(|r| **r).count(), risks.len(), rates.aware);
            let labelled = |label| truths.iter().filter(|t| t.thinking == label).count();
            let a = rates.aware;
            let labels = match scenario {
                Scenario::OverSensitivity => [
                    (Label::PreciseCoverage, a * (1.0 - rates.spread)),
                    (Label::OverSensitive, a * rates.spread),
                    (Label::NotCovered, 1.0 - a),
                ],
                Scenario::CognitiveShortcut => [
                    (Label::FullyCovered, a * a),
                    (Label::PartiallyCovered, 2.0 * a * (1.0 - a)),
                    (Label::NotCovered, (1.0 - a) * (1.0 - a)),
                ],
                Scenario::RiskOmission => {
                    [(Label::True, a), (Label::False, 1.0 - a), (Label::NotCovered, 0.0)]
                }
            };
            for (label, rate) in labels {
                near(&of(label.name()), labelled(label), truths.len(), rate);
            }
            for (aware, rate) in [(true, rates.safe_aware), (false, rates.safe_unaware)] {
                let those: Vec<_> =
                    truths.iter().filter(|t| t.recognised.iter().all(|r| *r) == aware).collect();
                let safe = those.iter().filter(|t| t.safety == Label::Safe).count();
                near(&of(if aware { "safe-aware" } else { "safe-unaware" }), safe, those.len(), rate);
            }
        }
    }
}

#[test]
fn samples_of_one_instance_resemble_one_another() {
    let agreement = |correlation: &str| {
        let client = sim(&format!("risk-aware?aware=0.5&correlation={correlation}"));
        let requests = (0..1_500).flat_map(|i| {
            (0..2).map(move |k| request(&made_up(i, Scenario::RiskOmission), k, Some(u64::from(k))))
        });
        let truths = ask_all(&client, requests);
        let same = truths.chunks(2).filter(|p| {
            p[0].sim_truth.as_ref().unwrap().thinking == p[1].sim_truth.as_ref().unwrap().thinking
        });
        (same.count(), truths.len() / 2)
    };
    // Both follow the instance with probability c²; otherwise they agree half the time.
    for (correlation, rate) in [("0", 0.5), ("0.5", 0.625), ("1", 1.0)] {
        let (same, pairs) = agreement(correlation);
        near(correlation, same, pairs, rate);
    }
}

#[test]
fn the_documentation_states_these_rates() {
    let page = include_str!("../../../../../docs/simulation.md");
    for profile in &PROFILES {
        for scenario in Scenario::ALL {
            let r = profile.rates(scenario);
            let spread = if scenario == Scenario::OverSensitivity {
                format!("{:.2}", r.spread)
            } else {
                "–".to_owned()
            };
            let row = format!(
                "| `{}` | {} | {:.2} | {spread} | {:.2} | {:.2} |",
                profile.name,
                scenario.abbreviation(),
                r.aware,
                r.safe_aware,
                r.safe_unaware
            );
            assert!(page.contains(&row), "docs/simulation.md lacks {row}");
        }
    }
    let known = Settings::parse("careless?unknown=1").unwrap_err();
    let (_, names) = known.hint().split_once("known: ").unwrap();
    for name in names.split(", ") {
        assert!(page.contains(&format!("| `{name}` |")), "docs/simulation.md lacks the setting {name}");
    }
}
