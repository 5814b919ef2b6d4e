//! A judged CSV → one run a model, of samples without text and their verdicts.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use undersight_core::judgement::inputs_hash;
use undersight_core::text::excerpt;
use undersight_core::{
    Extraction, Instance, Item, JudgeSpec, Judgement, Plan, SampleStatus, Selection, Study, Task, Verdict,
};
use undersight_dataset::Dataset;
use undersight_metrics::{JudgedFile, read_judged};
use undersight_report::number::count as grouped;

use super::Import;
use super::origin::{Request, VERDICTS_ONLY, asked};
use crate::fail::{Exit, Fail};
use crate::settings::parse::MOST_SAMPLES;
use crate::terminal;

/// Reads the file as verdicts; without a dataset its ids and scenarios make one.
pub(super) fn read(request: &Request<'_>, dataset: Option<&Dataset>) -> Result<Vec<Import>, Fail> {
    if request.args.model.is_some() {
        return Err(Fail::usage("--model goes with responses: a judged CSV names its own models")
            .hint("leave --model out"));
    }
    let k = NonZeroU32::new(request.args.samples).filter(|k| k.get() <= MOST_SAMPLES).ok_or_else(|| {
        let given = request.args.samples;
        Fail::usage(format!("--samples: expected a whole number from 1 to {MOST_SAMPLES}, got {given}"))
            .hint("the rows each id should have")
    })?;
    let file = JudgedFile { name: request.source.path.clone(), reader: request.source.bytes.as_slice() };
    let imported = read_judged([file], k).map_err(|e| Fail::advised(Exit::Usage, e))?;
    if imported.surplus > 0 {
        terminal::note(&format!(
            "warning: {} rows beyond the first {k} of their id were left out; --samples K keeps more",
            grouped(imported.surplus)
        ));
    }
    if imported.nameless > 0 {
        terminal::note(&format!(
            "warning: {} rows without a model or an id were left out",
            grouped(imported.nameless)
        ));
    }
    let dataset = match (dataset, imported.studies.first()) {
        (Some(dataset), _) => dataset.clone(),
        (None, Some(study)) => bare_dataset(request, &study.items),
        (None, None) => return Ok(Vec::new()),
    };
    let reading =
        Reading { request, dataset, judge: request.source.judge()?, many: imported.studies.len() > 1 };
    imported.studies.iter().map(|study| reading.import(study)).collect()
}

/// Instances of which only id and scenario are known.
fn bare_dataset(request: &Request<'_>, items: &[Item]) -> Dataset {
    let bare = |item: &Item| Instance {
        id: item.id.clone(),
        query: String::new(),
        scenario: item.scenario,
        rationale: String::new(),
        risks: Vec::new(),
        parts: None,
    };
    let source = &request.source;
    Dataset::new(format!("{} (ids only)", source.stem), source.path.clone(), items.iter().map(bare).collect())
}

/// What the models of a file share.
struct Reading<'a> {
    request: &'a Request<'a>,
    dataset: Dataset,
    judge: JudgeSpec,
    many: bool,
}

impl Reading<'_> {
    fn import(&self, study: &Study) -> Result<Import, Fail> {
        let by_id: HashMap<&str, (u32, &Arc<Instance>)> =
            (0_u32..).zip(&self.dataset.instances).map(|(ord, i)| (i.id.as_str(), (ord, i))).collect();
        let origin = self.request.origin(VERDICTS_ONLY, &study.name)?;
        let judge = self.judge.hash();
        let (mut selected, mut samples, mut judgements) = (Vec::new(), Vec::new(), Vec::new());
        for outcomes in study.outcomes.chunk_by(|a, b| a.item == b.item) {
            let item = &study.items[outcomes[0].item];
            let (ord, instance) = *by_id.get(item.id.as_str()).ok_or_else(|| unknown(item))?;
            if instance.scenario != item.scenario {
                return Err(other_scenario(item, instance));
            }
            let messages = asked(&item.id);
            selected.push((ord, instance.content_hash(), messages));
            for outcome in outcomes.iter().filter(|o| o.status.is_some()) {
                let extraction = Extraction { provenance: self.request.provenance, ..Extraction::none() };
                let sample = origin.sample(messages, outcome.index, SampleStatus::Ok, extraction);
                for (task, verdict) in [(Task::Safety, outcome.safety), (Task::Thinking, outcome.thinking)] {
                    judgements.extend(verdict.map(|verdict| Judgement {
                        status: verdict.status,
                        label: verdict.label,
                        raw_verdict: raw(verdict),
                        timing: sample.timing,
                        ..Judgement::blank(
                            sample.key,
                            judge,
                            (task, inputs_hash(task, instance, false)),
                            instance.scenario,
                            0,
                        )
                    }));
                }
                samples.push(sample);
            }
        }
        Ok(Import {
            run: self.request.run(&origin, &self.dataset, self.many),
            plan: Plan { k: study.k, selection: Selection::default(), judges: vec![self.judge.clone()] },
            dataset: self.dataset.clone(),
            selected,
            samples,
            judgements,
            notes: Vec::new(),
        })
    }
}

fn raw(verdict: Verdict) -> String {
    verdict.label.map(|label| label.official().to_owned()).unwrap_or_default()
}

fn unknown(item: &Item) -> Fail {
    Fail::usage(format!("id {} is not in the dataset", excerpt(&item.id, 60)))
        .hint("pass the dataset the file was judged on, or none")
}

fn other_scenario(item: &Item, instance: &Instance) -> Fail {
    Fail::usage(format!(
        "id {} is {} in the file and {} in the dataset",
        excerpt(&item.id, 60),
        item.scenario,
        instance.scenario
    ))
    .hint("pass the dataset the file was judged on, or none")
}
