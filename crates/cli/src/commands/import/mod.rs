//! `undersight import`: responses generated elsewhere become samples that can be judged here; judged CSVs become
//! runs that can be scored and compared here.

mod judged;
mod origin;
mod responses;

use std::collections::HashSet;
use std::sync::Arc;

use clap::ArgMatches;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use undersight_core::{Digest, Judgement, Plan, Provenance, Run, Sample};
use undersight_dataset::Dataset;
use undersight_ledger::{Appended, Ledger, LedgerError, Mode, Record};
use undersight_report::number::count as grouped;

pub(crate) use self::origin::VERDICTS_ONLY;
use self::origin::{Request, Source};
use super::eval::block_on;
use crate::args::ImportArgs;
use crate::engine::ledger_fail;
use crate::fail::Fail;
use crate::settings::eval::{NAMES, Reader};
use crate::settings::{Environment, Layers, parse};
use crate::{dataset_source, terminal};

/// Appends under way at once: enough for the store to commit them in groups.
const WIDTH: usize = 512;
/// Runs the command.
pub(crate) fn command(args: &ImportArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let layers = Layers::gather(matches, Environment::read()?, args.store.config.as_deref(), NAMES)?;
    let store = Reader::new(&layers).store()?;
    let dataset = args.dataset.as_deref().map(|name| dataset_source::load(name, layers.env())).transpose()?;
    let name = args.name.as_deref().map(parse::run_name).transpose();
    let name =
        name.map_err(|e| Fail::usage(format!("--name: {e}")).hint("a word or two, to tell runs apart"))?;
    let request = Request { args, name, source: Source::read(&args.file)?, provenance: provenance(args)? };
    let imports = if request.source.is_judged() {
        judged::read(&request, dataset.as_ref())?
    } else {
        vec![responses::read(&request, dataset.as_ref())?]
    };
    refuse_equal_names(&imports)?;
    let ledger = Ledger::open(&store, Mode::Create).map_err(ledger_fail)?;
    for import in imports {
        let (name, notes) = (import.run.name.clone(), import.notes.clone());
        let (samples, judgements, new) = block_on(import.store(&ledger))?;
        terminal::note(&format!(
            "run {name}: {} samples and {} judgements, {} of them new",
            grouped(samples),
            grouped(judgements),
            grouped(new)
        ));
        notes.iter().for_each(|note| terminal::note(note));
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

/// Before anything is stored: model names may differ only in what a run's name cannot hold.
fn refuse_equal_names(imports: &[Import]) -> Result<(), Fail> {
    let mut seen = HashSet::new();
    match imports.iter().find(|import| !seen.insert(import.run.name.as_str())) {
        None => Ok(()),
        Some(import) => {
            Err(Fail::usage(format!("two models of the file would both be run {}", import.run.name))
                .hint("leave --name out: the names are then made distinct"))
        }
    }
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
    /// To be told once it is stored.
    notes: Vec<String>,
}

impl Import {
    /// Stores everything; returns how many samples and judgements there are, and how many of both are new.
    async fn store(self, ledger: &Ledger) -> Result<(u64, u64, u64), Fail> {
        let Self { run, plan, dataset, selected, samples, judgements, notes: _ } = self;
        let _lock = ledger.lock_run(run.id).map_err(ledger_fail)?;
        ledger.put_dataset(&dataset.name, dataset.hash, &dataset.instances).map_err(ledger_fail)?;
        ledger.put_run(&run, &plan, &selected).map_err(other_run)?;
        let counts = (samples.len() as u64, judgements.len() as u64);
        let samples = samples.into_iter().map(|s| Record::Sample(Arc::new(s)));
        let mut new = append_all(ledger, samples).await?;
        new += append_all(ledger, judgements.into_iter().map(|j| Record::Judgement(Box::new(j)))).await?;
        Ok((counts.0, counts.1, new))
    }
}

fn other_run(error: LedgerError) -> Fail {
    let taken = matches!(error, LedgerError::NameTaken { .. });
    let fail = ledger_fail(error);
    if taken {
        fail.hint(
            "a run holds one file: another content, --model, --provenance or --dataset makes another run",
        )
    } else {
        fail
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
