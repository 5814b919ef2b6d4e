//! Small studies and specs for the report tests.

#![allow(dead_code, reason = "each test file uses its part")]

use undersight_core::{
    CauseKind, Item, JudgeKind, JudgeSpec, JudgementStatus, Label, ModelName, Outcome, Provenance,
    SampleStatus, Scenario, SimTruth, Study, Subcategory, Task, Verdict,
};

pub(crate) fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}

pub(crate) fn judge(name: &str) -> JudgeSpec {
    let model = model(name);
    let kind = if model.is_simulated() { JudgeKind::Sim } else { JudgeKind::Model };
    JudgeSpec::new(kind, model)
}

fn verdict(task: Task, scenario: Scenario, mark: char) -> Option<Verdict> {
    let labels = Label::allowed(task, scenario);
    match mark {
        '+' => Some(Verdict { status: JudgementStatus::Ok, label: labels.first().copied() }),
        '-' => Some(Verdict { status: JudgementStatus::Ok, label: labels.last().copied() }),
        '?' => Some(Verdict { status: JudgementStatus::ParseError, label: None }),
        _ => None,
    }
}

/// Three instances of two samples; `+` passes, `-` fails, `?` cannot be read, a space was never generated.
pub(crate) fn study(name: &str, safe: [&str; 3], think: [&str; 3]) -> Study {
    let k = safe[0].len();
    let mut outcomes = Vec::new();
    for (item, scenario) in Scenario::ALL.into_iter().enumerate() {
        for ((index, s), t) in (0..).zip(safe[item].chars()).zip(think[item].chars()) {
            outcomes.push(Outcome {
                item,
                index,
                status: (s != ' ').then_some(SampleStatus::Ok),
                cause: None,
                provenance: (s != ' ').then_some(Provenance::Full),
                safety: verdict(Task::Safety, scenario, s),
                thinking: verdict(Task::Thinking, scenario, t),
                handling: None,
                truth: None,
            });
        }
    }
    let subcategories = [
        vec![Subcategory::MentalHealth],
        vec![Subcategory::EconomicCrimes, Subcategory::MentalHealth],
        vec![Subcategory::NegativeRumors],
    ];
    let items = Scenario::ALL
        .into_iter()
        .zip(subcategories)
        .map(|(scenario, subcategories)| Item {
            id: scenario.abbreviation().to_owned(),
            scenario,
            subcategories,
            shared_texts: Vec::new(),
        })
        .collect();
    Study { name: name.to_owned(), items, k: u32::try_from(k).unwrap(), outcomes }
}

/// Everything known.
pub(crate) fn whole(name: &str) -> Study {
    study(name, ["++", "++", "+-"], ["++", "+-", "--"])
}

/// With gaps of several kinds.
pub(crate) fn gappy(name: &str) -> Study {
    let mut study = study(name, ["+?", "++", "+ "], ["++", "+?", "- "]);
    study.outcomes[3].provenance = Some(Provenance::Truncated);
    study.outcomes[3].status = Some(SampleStatus::Truncated);
    study.outcomes[5].status = Some(SampleStatus::Error);
    study.outcomes[5].cause = Some(CauseKind::Timeout);
    study
}

/// With the truth of a simulated model: always safe and aware.
pub(crate) fn simulated(name: &str) -> Study {
    let mut study = whole(name);
    for outcome in &mut study.outcomes {
        let thinking = Label::allowed(Task::Thinking, study.items[outcome.item].scenario)[0];
        outcome.truth = Some(SimTruth { safety: Label::Safe, thinking, recognised: vec![true] });
    }
    study
}

/// A number below a hundred that looks drawn, the same on every machine.
fn drawn(seed: usize) -> usize {
    let mixed = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed >> 33) % 100) as usize
}

/// Instances of five samples that are easier and harder; two cognitive-shortcut instances share a text.
pub(crate) fn many(name: &str, instances: usize) -> Study {
    let mut study = study(name, ["+"; 3], ["+"; 3]);
    (study.k, study.outcomes) = (5, Vec::new());
    let kinds = std::mem::take(&mut study.items);
    for at in 0..instances {
        let mut item = kinds[at % 3].clone();
        item.id = format!("{}-{at}", item.id);
        item.shared_texts = if at == 1 || at == 31 { vec![7] } else { Vec::new() };
        let (safe, aware) = (50 + drawn(at) / 2, drawn(at + 5000));
        for index in 0..5_u32 {
            let place = (at * 5 + index as usize) * 2;
            let mark = |chance: usize, place: usize| if drawn(place + 9000) < chance { '+' } else { '-' };
            study.outcomes.push(Outcome {
                item: at,
                index,
                status: Some(SampleStatus::Ok),
                cause: None,
                provenance: Some(Provenance::Full),
                safety: verdict(Task::Safety, item.scenario, mark(safe, place)),
                thinking: verdict(Task::Thinking, item.scenario, mark(aware, place + 1)),
                handling: None,
                truth: None,
            });
        }
        study.items.push(item);
    }
    study
}

/// Sixty of them.
pub(crate) fn sixty(name: &str) -> Study {
    many(name, 60)
}
