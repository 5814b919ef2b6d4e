//! Labels in the store: a person is a judge of kind human, and a label is a judgement by hand. A label changed later is
//! kept beside the earlier one; the latest counts.

use std::collections::HashMap;
use std::fmt::Write as _;

use undersight_core::judgement::inputs_hash;
use undersight_core::{
    ByHand, Details, Digest, HumanLabel, JudgeKind, JudgeSpec, Judgement, JudgementStatus, ModelName, Plan,
    Run, Task, Timing,
};
use undersight_ledger::{Ledger, LedgerError, Planned, Record};

use crate::engine::ledger_fail;
use crate::fail::Fail;

/// What an import did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Imported {
    pub(super) new: usize,
    pub(super) changed: usize,
    pub(super) known: usize,
}

/// A sample of a run by instance and index, with a task and a person.
type Place = (usize, u32, Task, Digest);

/// Keeps labels of a run's samples.
pub(super) async fn put(ledger: &Ledger, run: &Run, labels: &[HumanLabel]) -> Result<Imported, Fail> {
    let planned = ledger.run_instances(run.id).map_err(ledger_fail)?;
    let items: HashMap<&str, usize> =
        planned.iter().enumerate().map(|(at, p)| (p.instance.id.as_str(), at)).collect();
    let mut latest = latest(ledger, run)?;
    let mut plan: Plan = ledger.plan(run.id).map_err(ledger_fail)?;
    plan.judges = Vec::new();
    for label in labels {
        let person = person(label)?;
        if !plan.judges.contains(&person) {
            plan.judges.push(person);
        }
    }
    ledger.put_run(run, &plan, &[]).map_err(ledger_fail)?;
    let mut done = Imported::default();
    for label in labels {
        let Some(&item) = items.get(label.id.as_str()) else { continue };
        let person = person(label)?;
        let place = (item, label.index, label.task, person.hash());
        let repeat = match latest.get(&place) {
            Some((_, known)) if same(known, label) || older(label, known) => {
                done.known += 1;
                continue;
            }
            Some((repeat, _)) => {
                done.changed += 1;
                repeat + 1
            }
            None => {
                done.new += 1;
                0
            }
        };
        let judgement = judgement(run, &planned[item], label, &person, repeat);
        latest.insert(place, (repeat, judgement.clone()));
        ledger.append(Record::Judgement(Box::new(judgement))).await.map_err(ledger_fail)?;
    }
    Ok(done)
}

/// The latest label of each person for each task of each sample.
pub(super) fn get(ledger: &Ledger, run: &Run) -> Result<Vec<HumanLabel>, Fail> {
    let planned = ledger.run_instances(run.id).map_err(ledger_fail)?;
    let mut latest: Vec<(Place, (u32, Judgement))> = latest(ledger, run)?.into_iter().collect();
    latest.sort_by_key(|((item, index, task, person), _)| (*item, *index, *task, *person));
    let label = |((item, index, task, _), (_, judgement)): (Place, (u32, Judgement))| {
        let ByHand { annotator, guideline, drawn, draw, adjudicated } = judgement.details.by_hand?;
        Some(HumanLabel {
            id: planned[item].instance.id.clone(),
            index,
            task,
            label: judgement.label?,
            probability: drawn,
            draw,
            run: Some(run.id.to_string()),
            annotator,
            time: Some(judgement.timing.started).filter(|t| t.0 != 0),
            guideline,
            comment: judgement.explanation,
            adjudicated,
        })
    };
    Ok(latest.into_iter().filter_map(label).collect())
}

fn latest(ledger: &Ledger, run: &Run) -> Result<HashMap<Place, (u32, Judgement)>, Fail> {
    let mut latest: HashMap<Place, (u32, Judgement)> = HashMap::new();
    let judges = ledger.judges(run.id).map_err(ledger_fail)?;
    for person in judges.iter().filter(|j| j.kind == JudgeKind::Human) {
        let hash = person.hash();
        for task in Task::ALL {
            let keep = |item, index, judgement: Judgement| {
                let place = (item, index, *task, hash);
                if latest.get(&place).is_none_or(|(repeat, _)| *repeat < judgement.repeat) {
                    latest.insert(place, (judgement.repeat, judgement));
                }
                Ok::<_, LedgerError>(())
            };
            ledger.for_each_judgement(run.id, hash, *task, keep).map_err(ledger_fail)?;
        }
    }
    Ok(latest)
}

/// Whoever gave a label, whatever guideline was followed: a label under a later one takes the earlier's place. Whoever
/// settles disagreements is another judge than the same person labelling.
fn person(label: &HumanLabel) -> Result<JudgeSpec, Fail> {
    let role = if label.adjudicated { "adjudicated" } else { "human" };
    let name = label.annotator.as_deref().unwrap_or("unnamed");
    let name = name.chars().fold(String::new(), |mut out, c| {
        if c.is_whitespace() || c.is_control() || c == '%' {
            let _ = write!(out, "%{:02X}", u32::from(c));
        } else {
            out.push(c);
        }
        out
    });
    let name = ModelName::parse(&format!("{role}/{name}")).map_err(Fail::usage)?;
    Ok(JudgeSpec::new(JudgeKind::Human, name))
}

/// Whether a label was given before the one that is known, as far as both say when.
fn older(label: &HumanLabel, known: &Judgement) -> bool {
    label.time.is_some_and(|time| time < known.timing.started)
}

fn same(known: &Judgement, label: &HumanLabel) -> bool {
    let by_hand = known.details.by_hand.clone().unwrap_or_default();
    known.label == Some(label.label)
        && known.explanation == label.comment
        && by_hand.drawn == label.probability
        && by_hand.draw == label.draw
        && by_hand.guideline == label.guideline
        && label.time.is_none_or(|time| time == known.timing.started)
}

fn judgement(run: &Run, planned: &Planned, label: &HumanLabel, person: &JudgeSpec, repeat: u32) -> Judgement {
    let sample = undersight_core::sample::sample_key(&run.arm.hash(), &planned.messages, label.index);
    let instance = &planned.instance;
    let inputs = inputs_hash(label.task, instance, false);
    Judgement {
        status: JudgementStatus::Ok,
        label: Some(label.label),
        explanation: label.comment.clone(),
        raw_verdict: label.label.official().to_owned(),
        timing: Timing { started: label.time.unwrap_or_default(), ..Timing::default() },
        details: Details {
            by_hand: Some(ByHand {
                annotator: label.annotator.clone(),
                guideline: label.guideline.clone(),
                drawn: label.probability,
                draw: label.draw.clone(),
                adjudicated: label.adjudicated,
            }),
            ..Details::default()
        },
        ..Judgement::blank(sample, person.hash(), (label.task, inputs), instance.scenario, repeat)
    }
}
