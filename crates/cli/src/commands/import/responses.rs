//! Responses generated elsewhere → one run of samples to be judged.

use std::collections::HashMap;

use undersight_core::text::excerpt;
use undersight_core::{Extraction, FinishReason, Part, Plan, Provenance, Sample, SampleStatus, Selection};
use undersight_dataset::{Dataset, Response, Responses, load_responses};
use undersight_endpoint::trace::{Claim, extract};

use super::Import;
use super::origin::{RESPONSES, Request, asked};
use crate::fail::{Exit, Fail};
use crate::settings::parse::MOST_SAMPLES;

/// Members left aside that are named.
const LISTED: usize = 60;

/// Reads the file as responses to a dataset; rows of one id are its samples, in file order.
pub(super) fn read(request: &Request<'_>, dataset: Option<&Dataset>) -> Result<Import, Fail> {
    let dataset = dataset.ok_or_else(|| {
        Fail::usage("responses need the dataset they answer").hint("--dataset bsa, or a file")
    })?;
    let model = request.args.model.as_deref().filter(|model| !model.trim().is_empty()).ok_or_else(|| {
        Fail::usage("responses need the model they came from").hint("--model provider/name")
    })?;
    let Responses { rows, left_aside } =
        load_responses(&request.args.file, &dataset.instances).map_err(|e| Fail::advised(Exit::Usage, e))?;
    let mut by_id: HashMap<&str, Vec<&Response>> = HashMap::new();
    for row in &rows {
        by_id.entry(row.id.as_str()).or_default().push(row);
    }
    let k = samples_an_instance(&by_id)?;
    let origin = request.origin(RESPONSES, model)?;
    let (mut selected, mut samples) = (Vec::new(), Vec::new());
    for (ord, instance) in (0_u32..).zip(&dataset.instances) {
        let Some(rows) = by_id.get(instance.id.as_str()) else { continue };
        let messages = asked(&instance.id);
        selected.push((ord, instance.content_hash(), messages));
        for (index, row) in (0_u32..).zip(rows) {
            let extraction = divide(row, request.provenance);
            let empty = extraction.answer().trim().is_empty();
            let status = if empty { SampleStatus::Empty } else { SampleStatus::Ok };
            samples.push(origin.sample(messages, index, status, extraction));
        }
    }
    let notes = [aside(&left_aside), traceless(&samples, request.provenance)];
    Ok(Import {
        run: request.run(&origin, dataset, false),
        plan: Plan { k, selection: Selection::default(), judges: Vec::new() },
        dataset: dataset.clone(),
        selected,
        samples,
        judgements: Vec::new(),
        notes: notes.into_iter().flatten().collect(),
    })
}

/// What the file holds besides: nobody should believe that it was kept.
fn aside(names: &[String]) -> Option<String> {
    let mut shown: Vec<String> = names.iter().take(LISTED).map(|name| excerpt(name, 40)).collect();
    if names.len() > LISTED {
        shown.push(format!("and {} more", names.len() - LISTED));
    }
    (!names.is_empty()).then(|| format!("left aside: {}", shown.join(", ")))
}

/// A trace was declared; where no row has one, it probably stands in a member that is not read.
fn traceless(samples: &[Sample], declared: Provenance) -> Option<String> {
    let silent = samples.iter().all(|sample| sample.extraction.trace().is_empty());
    (silent && declared != Provenance::Absent).then(|| {
        format!(
            "warning: no row has a trace, though they were declared {}\n  hint: a trace is read from \
             reasoning_content, reasoning or trace, or from tags in the answer; without one, --provenance absent",
            declared.name()
        )
    })
}

/// As many as the id with most rows has.
fn samples_an_instance(by_id: &HashMap<&str, Vec<&Response>>) -> Result<u32, Fail> {
    let most = by_id.iter().map(|(id, rows)| (rows.len(), *id)).max().unwrap_or_default();
    match u32::try_from(most.0) {
        Ok(k) if k <= MOST_SAMPLES => Ok(k),
        _ => Err(Fail::usage(format!(
            "id {} has {} responses, of at most {MOST_SAMPLES}",
            undersight_core::text::excerpt(most.1, 60),
            most.0
        ))
        .hint("the rows of an id are its samples: is the id column right?")),
    }
}

/// Trace and answer of a response; what the trace is was declared, unless there is none.
fn divide(row: &Response, declared: Provenance) -> Extraction {
    let part = |field: &str, text: &str| Part { field: field.to_owned(), text: text.to_owned() };
    let parts = row
        .reasoning
        .iter()
        .map(|text| part("reasoning_content", text))
        .chain([part("content", &row.answer)])
        .collect();
    let mut extraction = extract(parts, &FinishReason::Unknown, None, Claim::Own);
    if extraction.provenance.readable() {
        extraction.provenance = declared;
    }
    extraction
}
