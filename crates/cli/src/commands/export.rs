//! `undersight export`: a run's samples with their verdicts, or its judgements, to JSONL, CSV or Parquet; or the
//! official judged CSV.

use std::io::Write;
use std::path::Path;

use clap::ArgMatches;
use undersight_core::{Digest, JudgeSpec, Run};
use undersight_ledger::{Detail, Ledger, LedgerError, Mode};
use undersight_report::{
    JudgeName, JudgementRow, Judgements, RecordFormat, RecordWriter, SampleRow, Samples, judged,
};

use super::dataset::create;
use super::runs::open;
use crate::args::ExportArgs;
use crate::arms::judge_hash;
use crate::engine::ledger_fail;
use crate::fail::Fail;
use crate::terminal;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Records(RecordFormat),
    Judged,
}

impl Form {
    fn of(format: Option<&str>, output: &Path) -> Result<Self, Fail> {
        let extension = output.extension().and_then(|e| e.to_str());
        match format.or(extension).unwrap_or("jsonl") {
            "judged" => Ok(Self::Judged),
            name => RecordFormat::parse(name).map(Self::Records).ok_or_else(|| {
                Fail::usage(format!("unknown export format {name:?}"))
                    .hint("--format jsonl, csv, parquet or judged")
            }),
        }
    }
}

const BOOLEANS: &str = "note: every thinking label here is True or False; the reference scorer reads such a column as \
    booleans and fails every sample; `undersight score --judged` does not";

/// Why an export ended early.
enum Broken {
    Store(LedgerError),
    Output(std::io::Error),
}

impl From<LedgerError> for Broken {
    fn from(error: LedgerError) -> Self {
        Self::Store(error)
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

/// Runs the command.
pub(crate) fn command(args: &ExportArgs, matches: &ArgMatches) -> Result<(), Fail> {
    let form = Form::of(args.format.as_deref(), &args.output)?;
    if form == Form::Judged && args.judgements {
        return Err(Fail::usage("--judgements does not go with the judged format, which has a row a sample")
            .hint("--format jsonl, csv or parquet has a row a judgement"));
    }
    let ledger = open(&args.store, matches, Mode::ReadOnly)?;
    let run = ledger.find_run(&args.run).map_err(ledger_fail)?;
    let judges = ledger.judges(run.id).map_err(ledger_fail)?;
    let judge = judge_hash(&ledger, &run, args.judge.as_deref())?;
    let to_stdout = args.output.as_os_str() == "-";
    let out: Box<dyn Write + Send> =
        if to_stdout { Box::new(std::io::stdout()) } else { Box::new(create(&args.output, args.force)?) };
    let only = judge.filter(|_| args.judge.is_some());
    let export = Export { ledger: &ledger, run: &run, judges: &judges, judge, only };
    let result = match form {
        Form::Judged => export.judged(out),
        Form::Records(format) if args.judgements => export.judgements(format, out),
        Form::Records(format) => export.samples(format, out),
    };
    match result {
        Ok(rows) => {
            if !to_stdout {
                terminal::note(&format!("wrote {rows} rows to {}", args.output.display()));
            }
            Ok(())
        }
        Err(Broken::Store(error)) => Err(ledger_fail(error)),
        Err(Broken::Output(error)) if to_stdout && error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(Broken::Output(error)) => Err(Fail::failed(format!("{}: {error}", args.output.display()))),
    }
}

struct Export<'a> {
    ledger: &'a Ledger,
    run: &'a Run,
    judges: &'a [JudgeSpec],
    /// Whose verdicts stand beside a sample.
    judge: Option<Digest>,
    /// The judge that was asked for by name, if one was.
    only: Option<Digest>,
}

impl Export<'_> {
    fn judge_name(&self, hash: Digest) -> Option<JudgeName<'_>> {
        self.judges.iter().find(|j| j.hash() == hash).map(JudgeName::from)
    }

    fn samples(&self, format: RecordFormat, out: Box<dyn Write + Send>) -> Result<u64, Broken> {
        let judge = self.judge.and_then(|hash| self.judge_name(hash));
        let mut writer = RecordWriter::<Samples, _>::new(format, out)?;
        let mut rows = 0;
        self.ledger.for_each_sample::<Broken>(self.run.id, Detail::Light, |stored| {
            let row =
                SampleRow::new(&self.run.name, &stored.sample, &stored.instance, &stored.judgements, judge);
            rows += 1;
            Ok(writer.write(&row)?)
        })?;
        writer.finish()?.flush()?;
        Ok(rows)
    }

    fn judgements(&self, format: RecordFormat, out: Box<dyn Write + Send>) -> Result<u64, Broken> {
        let mut writer = RecordWriter::<Judgements, _>::new(format, out)?;
        let mut rows = 0;
        self.ledger.for_each_sample::<Broken>(self.run.id, Detail::Light, |stored| {
            for judgement in &stored.judgements {
                let wanted = self.only.is_none_or(|only| only == judgement.judge);
                let Some(judge) = self.judge_name(judgement.judge).filter(|_| wanted) else { continue };
                let (run, instance) = (self.run.name.as_str(), stored.instance.as_ref());
                writer.write(&JudgementRow {
                    run,
                    instance,
                    index: stored.sample.index,
                    judgement,
                    judge,
                })?;
                rows += 1;
            }
            Ok(())
        })?;
        writer.finish()?.flush()?;
        Ok(rows)
    }

    fn judged(&self, out: Box<dyn Write + Send>) -> Result<u64, Broken> {
        let study = self.ledger.outcomes(self.run.id, self.judge, None)?;
        judged::write([&study], out)?;
        if judged::reads_as_booleans(&study) {
            terminal::note(BOOLEANS);
        }
        Ok(study.outcomes.iter().filter(|o| o.status.is_some()).count() as u64)
    }
}
