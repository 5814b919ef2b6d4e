//! `undersight eval --export-batch` and `--import-batch`: samples by way of files, for engines that run without a server.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use undersight_core::text::excerpt;
use undersight_core::{Arm, Digest};
use undersight_endpoint::Endpoint;
use undersight_endpoint::batch::offline::{Results, Writer};
use undersight_generate::{jobs, prompts, request};
use undersight_ledger::{Ledger, Mode};
use undersight_report::number::count;

use super::eval::Evaluation;
use crate::engine::{Judging, ledger_fail};
use crate::fail::{Exit, Fail};
use crate::terminal;

/// Names and lines that are listed.
const LISTED: usize = 5;

/// The one model such files are for.
fn only<'a>(arms: &'a [Arm], flag: &str) -> Result<&'a Arm, Fail> {
    match arms {
        [arm] => Ok(arm),
        _ => Err(Fail::usage(format!("{flag} is for one model at a time"))
            .hint("an engine runs one model; export and import them one by one")),
    }
}

impl Evaluation<'_> {
    /// Stores the plan and writes the requests of its open samples; nothing is called.
    pub(crate) fn export_batch(&self, path: &Path) -> Result<(), Fail> {
        let arm = only(&self.settings.arms, "--export-batch")?;
        self.connections.honoured(arm)?;
        let writer = Writer::new(&arm.model).map_err(|e| Fail::advised(Exit::Usage, e))?;
        let cannot = |e: std::io::Error| {
            Fail::usage(format!("cannot write {}: {e}", path.display()))
                .hint("an existing file is not overwritten")
        };
        let mut out = BufWriter::new(File::create_new(path).map_err(cannot)?);
        let ledger = Ledger::open(&self.settings.store, Mode::Create).map_err(ledger_fail)?;
        let judging = Judging::new(self.judge.spec(), &self.settings.judge.tasks)?;
        let mut written = 0;
        for run in self.planned(Some(&ledger))? {
            let _lock = ledger.lock_run(run.id).map_err(ledger_fail)?;
            let scope = self.scope(&run.arm, &judging);
            self.store_plan(&ledger, &run, self.judge.spec(), scope.prompts())?;
            let settled = scope.settled(&ledger)?;
            for job in scope.open_jobs(&settled) {
                let line = writer.line(&job.key, &request(&run.arm, &job));
                let line = line.map_err(|e| Fail::advised(Exit::Usage, e))?;
                out.write_all(&line).map_err(cannot)?;
                written += 1;
            }
        }
        out.into_inner().map_err(|e| cannot(e.into_error()))?.sync_all().map_err(cannot)?;
        terminal::note(&format!(
            "{} requests for {} written to {}; nothing was called\nnext: run them (vLLM: vllm run-batch -i {} -o OUT.jsonl --model MODEL), then this command with \
             --import-batch OUT.jsonl instead of --export-batch",
            count(written),
            arm.model,
            path.display(),
            path.display(),
        ));
        Ok(())
    }

    /// An endpoint that answers from an engine's output, once it has been said what the output lacks.
    pub(crate) fn imported(&self, paths: &[PathBuf]) -> Result<Endpoint, Fail> {
        let arm = only(&self.settings.arms, "--import-batch")?;
        let results = Results::read(paths).map_err(|e| {
            Fail::usage(format!("the output cannot be read: {e}"))
                .hint("--import-batch names files that exist")
        })?;
        let planned: HashSet<Digest> =
            jobs(arm.hash(), &prompts(arm, &self.instances()), self.settings.k).map(|job| job.key).collect();
        for problem in results.problems.iter().take(LISTED) {
            let message = excerpt(&problem.message, 160);
            terminal::note(&format!("warning: {}:{}: {message}", problem.path.display(), problem.line));
        }
        if results.problems.len() > LISTED {
            let more = (results.problems.len() - LISTED) as u64;
            terminal::note(&format!("warning: {} more lines cannot be read", count(more)));
        }
        let all = results.answered().chain(results.failed.keys());
        let mut strange: Vec<String> =
            all.filter(|tag| !planned.contains(tag)).map(Digest::to_string).collect();
        strange.sort_unstable();
        if !strange.is_empty() {
            let named: Vec<&str> = strange.iter().take(LISTED).map(|tag| &tag[..12]).collect();
            terminal::note(&format!(
                "warning: {} results are of no sample of this plan ({}{}); is everything but --import-batch as it was exported?",
                count(strange.len() as u64),
                named.join(", "),
                if strange.len() > LISTED { ", …" } else { "" },
            ));
        }
        let failed = results.failed.iter().filter(|(tag, _)| planned.contains(tag)).min();
        if let Some((tag, why)) = failed {
            let n = results.failed.keys().filter(|tag| planned.contains(tag)).count() as u64;
            terminal::note(&format!(
                "warning: the engine failed on {} requests (sample {}: {}); a later run generates them live",
                count(n),
                tag.short(),
                excerpt(why, 160),
            ));
        }
        self.connections.offline(arm, Arc::new(results))
    }
}
