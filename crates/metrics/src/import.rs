//! Judged files as studies, so that results judged elsewhere can be scored, compared and reported like our own.

use std::io::Read;
use std::num::NonZeroU32;

use rustc_hash::FxHashMap;
use undersight_core::text::excerpt;
use undersight_core::{Item, JudgementStatus, Label, Outcome, SampleStatus, Scenario, Study, Task, Verdict};

use crate::official::error::JudgedError;
use crate::official::input::{self, JudgedFile, is_missing};
use crate::official::names::Names;

/// Studies read from judged files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// One a model, sorted by name; all cover the union of ids, in the order of their first appearance.
    pub studies: Vec<Study>,
    /// Rows left out because their id already had k.
    pub surplus: u64,
    /// Rows left out because they name no model or no id.
    pub nameless: u64,
}

type Verdicts = (Option<Verdict>, Option<Verdict>);

/// An empty cell is a judgement that is not there; a text that is no label is one that could not be read.
fn verdict(task: Task, scenario: Scenario, text: &str) -> Option<Verdict> {
    if text.trim().is_empty() {
        return None;
    }
    let label = Label::parse(task, scenario, text);
    let status = if label.is_some() { JudgementStatus::Ok } else { JudgementStatus::ParseError };
    Some(Verdict { status, label })
}

/// Reads judged files, taken together, into one study a model. Labels and scenarios are read whatever their case and
/// spacing; the first k rows of an id count, in file order; ids a model lacks are missing samples.
///
/// # Errors
/// As [`crate::score`], and when an id appears under two scenarios.
pub fn read_judged<R: Read>(
    files: impl IntoIterator<Item = JudgedFile<R>>,
    k: NonZeroU32,
) -> Result<Imported, JudgedError> {
    let (mut models, mut ids) = (Names::default(), Names::default());
    let mut items: Vec<Item> = Vec::new();
    let mut cells: FxHashMap<(u32, u32), Vec<Verdicts>> = FxHashMap::default();
    let (mut surplus, mut nameless) = (0, 0);
    for file in files {
        input::read_rows(file, |file, _, row| {
            if is_missing(row.model) || is_missing(row.id) {
                nameless += 1;
                return Ok(());
            }
            let scenario = Scenario::parse(row.scenario).ok_or_else(|| JudgedError::Scenario {
                file: file.to_owned(),
                line: row.line,
                value: excerpt(row.scenario, 60),
                near: false,
            })?;
            let id = ids.intern(row.id);
            match items.get(id as usize) {
                None => {
                    items.push(Item {
                        id: row.id.to_owned(),
                        scenario,
                        subcategories: Vec::new(),
                        shared_texts: Vec::new(),
                    });
                }
                Some(item) if item.scenario != scenario => {
                    return Err(JudgedError::TwoScenarios {
                        file: file.to_owned(),
                        line: row.line,
                        id: excerpt(row.id, 60),
                    });
                }
                Some(_) => {}
            }
            let samples = cells.entry((models.intern(row.model), id)).or_default();
            if samples.len() < k.get() as usize {
                samples.push((
                    verdict(Task::Safety, scenario, row.safety),
                    verdict(Task::Thinking, scenario, row.thinking),
                ));
            } else {
                surplus += 1;
            }
            Ok(())
        })?;
    }
    if items.is_empty() {
        return Err(JudgedError::Empty);
    }
    let names =
        models.iter().map(|(at, name)| (name.to_owned(), at)).collect::<std::collections::BTreeMap<_, _>>();
    let studies = names
        .into_iter()
        .map(|(name, model)| Study {
            name,
            items: items.clone(),
            k: k.get(),
            outcomes: (0..)
                .zip(0..items.len())
                .flat_map(|(id, item)| outcomes(cells.get(&(model, id)), item, k))
                .collect(),
        })
        .collect();
    Ok(Imported { studies, surplus, nameless })
}

fn outcomes(samples: Option<&Vec<Verdicts>>, item: usize, k: NonZeroU32) -> impl Iterator<Item = Outcome> {
    (0..k.get()).map(move |index| {
        let sample = samples.and_then(|s| s.get(index as usize)).copied();
        let (safety, thinking) = sample.unwrap_or_default();
        Outcome {
            item,
            index,
            status: sample.map(|_| SampleStatus::Ok),
            cause: None,
            provenance: None,
            safety,
            thinking,
            handling: None,
            truth: None,
        }
    })
}
