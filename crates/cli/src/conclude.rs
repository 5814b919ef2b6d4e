//! How a command that ran the engine ends: the scores of what it covered, what went wrong, and an exit code.

use std::collections::HashSet;

use undersight_core::{Digest, Run};
use undersight_ledger::Ledger;
use undersight_metrics::Scoring;
use undersight_report::number::count;

use crate::engine::{Ended, Halt, Scope};
use crate::fail::{Exit, Fail};
use crate::render::{Scored, ScoredRun};
use crate::terminal;

/// What a command covered of a run; the run itself may have grown beyond it.
pub(crate) struct Covered {
    ids: HashSet<String>,
    k: u32,
}

impl Covered {
    pub(crate) fn of(scope: &Scope) -> Self {
        Self { ids: scope.prompts().iter().map(|p| p.instance.id.clone()).collect(), k: scope.k() }
    }

    pub(crate) const fn k(&self) -> u32 {
        self.k
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }
}

/// A run as far as the command took it.
pub(crate) struct FinishedRun {
    pub(crate) run: Run,
    pub(crate) covered: Covered,
    pub(crate) ended: Ended,
}

/// What a command that ran the engine leaves to report on.
pub(crate) struct Finished {
    pub(crate) ledger: Ledger,
    pub(crate) runs: Vec<FinishedRun>,
    pub(crate) judge: Digest,
    pub(crate) halt: Halt,
    retry_errors: bool,
}

impl Finished {
    pub(crate) const fn new(ledger: Ledger, judge: Digest, halt: Halt, retry_errors: bool) -> Self {
        Self { ledger, runs: Vec::new(), judge, halt, retry_errors }
    }

    /// Scores what the command covered.
    pub(crate) fn scored(&self, scoring: Scoring) -> Result<Scored, Fail> {
        let runs =
            self.runs.iter().map(|r| Scored::covered(&self.ledger, &r.run, &r.covered, self.judge, &scoring));
        Ok(Scored { runs: runs.collect::<Result<_, _>>()? })
    }
}

/// Prints the scores and turns the way the runs ended into an exit code.
pub(crate) fn conclude(mut finished: Finished, scoring: Scoring, json: bool) -> Result<(), Fail> {
    let mut scored = finished.scored(scoring)?;
    let broken = !finished.halt.interrupted() && finished.halt.failed();
    // Where everything was stopped before the judge said anything there is nothing to show.
    scored.runs.retain(|run| run.has_samples() && !(broken && run.verdicts() == 0));
    let anything = !scored.runs.is_empty();
    if anything {
        terminal::print(&scored.table_or_json(json)?)?;
        for warning in scored.runs.iter().filter_map(ScoredRun::without_verdict) {
            terminal::note(&warning);
        }
        for (run, planned) in scored.grown() {
            terminal::note(&format!("{run}: {planned}; `undersight score {run}` scores all of it"));
        }
    }
    let failures = finished.runs.iter_mut().filter_map(|run| run.ended.failure.take());
    let mut failures: Vec<Fail> = failures.chain(finished.halt.take_failure()).collect();
    if finished.halt.interrupted() {
        return Err(Fail::new(Exit::Interrupted, "interrupted; everything finished is stored")
            .hint("the same command resumes"));
    }
    if let Some(last) = failures.pop() {
        for failure in failures {
            terminal::note(&failure.to_string());
        }
        return Err(if anything {
            last.hint("what was stored is kept; the same command resumes")
        } else {
            last
        });
    }
    let left: u64 = finished.runs.iter().map(|run| run.ended.left).sum();
    match left {
        0 => Ok(()),
        left if finished.halt.out_of_budget() => Err(finished
            .halt
            .explain_budget(Fail::new(
                Exit::Incomplete,
                format!(
                    "stopped at --max-cost, with work left ({} samples or judgements could be done now); everything finished is stored",
                    count(left)
                ),
            ))
            .hint("the same command goes on, with --max-cost to spend anew")),
        left => Err(Fail::new(
            Exit::Incomplete,
            format!("{} samples or judgements ended in an error", count(left)),
        )
        .hint(if finished.retry_errors {
            "the same command tries them again"
        } else {
            "the same command without --no-retry-errors tries them again"
        })
        .hint("`undersight runs show RUN` lists the causes")),
    }
}
