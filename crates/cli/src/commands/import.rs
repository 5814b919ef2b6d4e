//! `undersight import`: responses generated elsewhere become samples that can be judged here; judged CSVs become
//! runs that can be scored and compared here.

use std::collections::HashMap;
use std::fs::File;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use clap::ArgMatches;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use undersight_core::arm::messages_hash;
use undersight_core::{
    Arm, Digest, Extraction, FinishReason, GenParams, Instance, JudgeKind, JudgeSpec, Judgement, Message,
    ModelName, Part, Plan, Provenance, Role, Run, Sample, SampleStatus, Study, Task, Timing, Verdict,
};
use undersight_dataset::{Dataset, Response, load_responses};
use undersight_endpoint::trace::{Claim, extract};
use undersight_ledger::{Appended, Ledger, Mode, Record};
use undersight_metrics::{JudgedFile, read_judged};

use super::eval::{block_on, slug};
use crate::args::ImportArgs;
use crate::engine::ledger_fail;
use crate::fail::{Exit, Fail};
use crate::settings::eval::{NAMES, Reader};
use crate::settings::{Environment, Layers};
use crate::{dataset_source, terminal};
use undersight_report::number::count as grouped;

/// Provider of models whose responses were generated elsewhere.
const RESPONSES: &str = "imported";
/// Provider of models of which only verdicts are known.
pub(crate) const VERDICTS_ONLY: &str = "judged";
/// Appends under way at once: enough for the store to commit them in groups.
const WIDTH: usize = 512;

/// Runs the command.
pub(crate) fn command(args: &ImportArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let layers = Layers::gather(matches, Environment::read()?, args.store.config.as_deref(), NAMES)?;
    let store = Reader::new(&layers).store()?;
    let dataset = args.dataset.as_deref().map(|name| dataset_source::load(name, layers.env())).transpose()?;
    let provenance = provenance(args)?;
    let imports = if is_judged(&args.file)? {
        judged(args, dataset.as_ref(), provenance)?
    } else {
        vec![responses(args, dataset.as_ref(), provenance)?]
    };
    let ledger = Ledger::open(&store, Mode::Create).map_err(ledger_fail)?;
    for import in imports {
        let name = import.run.name.clone();
        let (samples, judgements, new) = block_on(import.store(&ledger))?;
        terminal::note(&format!(
            "run {name}: {} samples and {} judgements, {} of them new",
            grouped(samples),
            grouped(judgements),
            grouped(new)
        ));
    }
    Ok(())
}

/// What the traces are is declared, never guessed.
fn provenance(args: &ImportArgs) -> Result<Provenance, Fail> {
    let hint = "--provenance full if the file holds the model's whole reasoning, summary if the provider's summary, \
                truncated if it was cut, absent if there is none";
    let Some(given) = &args.provenance else {
        return Err(Fail::usage("what the imported traces are is not declared").hint(hint));
    };
    Provenance::parse(given)
        .ok_or_else(|| Fail::usage(format!("--provenance: unknown value {given:?}")).hint(hint))
}

/// A judged CSV is known by its columns.
fn is_judged(path: &Path) -> Result<bool, Fail> {
    let failed = |e: std::io::Error| {
        Fail::usage(format!("cannot read {}: {e}", path.display()))
            .hint("a CSV or JSONL of responses, or a judged CSV")
    };
    let mut head = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(File::open(path).map_err(failed)?, 4096), &mut head)
        .map_err(failed)?;
    let first = String::from_utf8_lossy(head.split(|b| *b == b'\n').next().unwrap_or_default()).into_owned();
    Ok(first.contains("Safe_Ans_Check") || first.contains("Thk_Acc_Judge"))
}

/// A run made of records that came from a file.
struct Import {
    run: Run,
    plan: Plan,
    dataset: Dataset,
    /// Place in the dataset, content hash, hash of the messages.
    selected: Vec<(u32, Digest, Digest)>,
    samples: Vec<Sample>,
    judgements: Vec<Judgement>,
}

impl Import {
    async fn store(self, ledger: &Ledger) -> Result<(u64, u64, u64), Fail> {
        let Self { run, plan, dataset, selected, samples, judgements } = self;
        let _lock = ledger.lock_run(run.id).map_err(ledger_fail)?;
        ledger.put_dataset(&dataset.name, dataset.hash, &dataset.instances).map_err(ledger_fail)?;
        ledger.put_run(&run, &plan, &selected).map_err(ledger_fail)?;
        let counts = (samples.len() as u64, judgements.len() as u64);
        let samples = samples.into_iter().map(|s| Record::Sample(Arc::new(s)));
        let mut new = append_all(ledger, samples).await?;
        new += append_all(ledger, judgements.into_iter().map(|j| Record::Judgement(Box::new(j)))).await?;
        Ok((counts.0, counts.1, new))
    }
}

async fn append_all(ledger: &Ledger, records: impl Iterator<Item = Record>) -> Result<u64, Fail> {
    stream::iter(records)
        .map(|record| ledger.append(record))
        .buffer_unordered(WIDTH)
        .try_fold(0, |new, appended| async move { Ok(new + u64::from(appended == Appended::Stored)) })
        .await
        .map_err(ledger_fail)
}

fn arm(provider: &str, model: &str) -> Result<Arm, Fail> {
    let name = format!("{provider}/{}", if provider == RESPONSES { model.to_owned() } else { slug(model) });
    Ok(Arm {
        model: ModelName::parse(&name).map_err(|e| Fail::usage(format!("--model: {e}")))?,
        params: GenParams::default(),
        system_prompt: None,
        trace: None,
        seed: None,
    })
}

fn run(args: &ImportArgs, arm: Arm, dataset: &Dataset, one_of_many: bool) -> Run {
    let model = slug(arm.model.as_str());
    let name = match &args.name {
        Some(name) if one_of_many => format!("{name}-{model}"),
        Some(name) => name.clone(),
        None => format!("{model}.{}.{}", slug(&dataset.name), &arm.hash().short()[..6]),
    };
    Run {
        id: Run::id_of(&arm.hash(), &dataset.hash, &name),
        name,
        arm,
        dataset: dataset.hash,
        dataset_name: dataset.name.clone(),
        created: crate::clock::now(),
    }
}

/// A sample without a call.
fn sample(arm: &Arm, messages: Digest, index: u32, extraction: Extraction, source: &Path) -> Sample {
    let status = if extraction.answer().trim().is_empty() { SampleStatus::Empty } else { SampleStatus::Ok };
    Sample {
        status,
        extraction,
        timing: Timing { started: crate::clock::now(), ..Timing::default() },
        url: format!("file:{}", source.file_name().map(|n| n.to_string_lossy()).unwrap_or_default()),
        ..Sample::blank(arm.hash(), messages, index, arm.model.clone())
    }
}

fn responses(args: &ImportArgs, dataset: Option<&Dataset>, declared: Provenance) -> Result<Import, Fail> {
    let dataset = dataset.ok_or_else(|| {
        Fail::usage("responses need the dataset they answer").hint("--dataset bsa, or a file")
    })?;
    let model = args.model.as_deref().ok_or_else(|| {
        Fail::usage("responses need the model they came from").hint("--model provider/name")
    })?;
    let rows = load_responses(&args.file, &dataset.instances).map_err(|e| Fail::advised(Exit::Usage, e))?;
    let arm = arm(RESPONSES, model)?;
    let mut by_id: HashMap<&str, Vec<&Response>> = HashMap::new();
    for row in &rows {
        by_id.entry(row.id.as_str()).or_default().push(row);
    }
    let k = by_id.values().map(Vec::len).max().unwrap_or(1);
    let (mut selected, mut samples) = (Vec::new(), Vec::new());
    for (ord, instance) in (0_u32..).zip(&dataset.instances) {
        let Some(rows) = by_id.get(instance.id.as_str()) else { continue };
        let messages = messages_hash(&arm.messages(instance));
        selected.push((ord, instance.content_hash(), messages));
        for (index, row) in (0_u32..).zip(rows) {
            samples.push(sample(&arm, messages, index, divide(row, declared), &args.file));
        }
    }
    Ok(Import {
        run: run(args, arm, dataset, false),
        plan: Plan {
            k: u32::try_from(k).unwrap_or(u32::MAX),
            selection: undersight_core::Selection::default(),
            judges: Vec::new(),
        },
        dataset: dataset.clone(),
        selected,
        samples,
        judgements: Vec::new(),
    })
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

fn judged(args: &ImportArgs, dataset: Option<&Dataset>, declared: Provenance) -> Result<Vec<Import>, Fail> {
    let name = args.file.display().to_string();
    let reader = File::open(&args.file).map_err(|e| Fail::usage(format!("cannot read {name}: {e}")))?;
    let k = NonZeroU32::new(args.samples)
        .ok_or_else(|| Fail::usage("--samples: expected a whole number from 1"))?;
    let imported =
        read_judged([JudgedFile { name, reader }], k).map_err(|e| Fail::advised(Exit::Usage, e))?;
    if imported.surplus > 0 {
        terminal::note(&format!(
            "warning: {} rows beyond the first {k} of their id were left out; --samples K keeps more",
            grouped(imported.surplus)
        ));
    }
    let many = imported.studies.len() > 1;
    imported.studies.iter().map(|study| judged_import(args, study, dataset, declared, many)).collect()
}

fn judged_import(
    args: &ImportArgs,
    study: &Study,
    dataset: Option<&Dataset>,
    declared: Provenance,
    many: bool,
) -> Result<Import, Fail> {
    let dataset = match dataset {
        Some(dataset) => dataset.clone(),
        None => bare_dataset(args, study),
    };
    let by_id: HashMap<&str, (u32, &Arc<Instance>)> =
        (0_u32..).zip(&dataset.instances).map(|(ord, i)| (i.id.as_str(), (ord, i))).collect();
    let arm = arm(VERDICTS_ONLY, &study.name)?;
    let stem = args.file.file_stem().map(|s| slug(&s.to_string_lossy())).unwrap_or_default();
    let judge = JudgeSpec {
        kind: JudgeKind::Imported,
        model: ModelName::parse(&format!("imported/{stem}")).map_err(Fail::usage)?,
        params: GenParams::default(),
        prompts: None,
        seed: None,
    };
    let (mut selected, mut samples, mut judgements) = (Vec::new(), Vec::new(), Vec::new());
    let per_item = study.outcomes.chunk_by(|a, b| a.item == b.item);
    for outcomes in per_item {
        let item = &study.items[outcomes[0].item];
        let Some((ord, instance)) = by_id.get(item.id.as_str()) else {
            return Err(Fail::usage(format!(
                "id {} is not in the dataset",
                undersight_core::text::excerpt(&item.id, 60)
            ))
            .hint("pass the dataset the file was judged on, or none"));
        };
        // The text asked is not in a judged file: the id stands for it.
        let messages = messages_hash(&[Message::new(Role::User, item.id.as_str())]);
        selected.push((*ord, instance.content_hash(), messages));
        for outcome in outcomes.iter().filter(|o| o.status.is_some()) {
            let extraction = Extraction { provenance: declared, ..Extraction::none() };
            let sample = Sample {
                status: SampleStatus::Ok,
                ..sample(&arm, messages, outcome.index, extraction, &args.file)
            };
            for (task, verdict) in [(Task::Safety, outcome.safety), (Task::Thinking, outcome.thinking)] {
                judgements.extend(verdict.map(|v| judgement(&sample, &judge, task, instance, v)));
            }
            samples.push(sample);
        }
    }
    Ok(Import {
        run: run(args, arm, &dataset, many),
        plan: Plan { k: study.k, selection: undersight_core::Selection::default(), judges: vec![judge] },
        dataset,
        selected,
        samples,
        judgements,
    })
}

/// Instances of which only id and scenario are known.
fn bare_dataset(args: &ImportArgs, study: &Study) -> Dataset {
    let stem = args.file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let bare = study
        .items
        .iter()
        .map(|item| Instance {
            id: item.id.clone(),
            query: String::new(),
            scenario: item.scenario,
            rationale: String::new(),
            risks: Vec::new(),
            parts: None,
        })
        .collect();
    Dataset::new(format!("{stem} (ids only)"), args.file.display().to_string(), bare)
}

fn judgement(
    sample: &Sample,
    judge: &JudgeSpec,
    task: Task,
    instance: &Instance,
    verdict: Verdict,
) -> Judgement {
    Judgement {
        status: verdict.status,
        label: verdict.label,
        raw_verdict: verdict.label.map(|l| l.official().to_owned()).unwrap_or_default(),
        timing: sample.timing,
        ..Judgement::blank(sample.key, judge.hash(), task, instance, 0)
    }
}
