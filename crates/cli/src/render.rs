//! Scores read from the store and handed to `report`: which format, how wide, what to say around a table.

use std::io::IsTerminal;

use serde_json::{Value, json};
use undersight_core::{Digest, JudgeKind, Judgement, JudgementStatus, Run, Study, Task, text};
use undersight_ledger::{Ledger, LedgerError};
use undersight_metrics::{
    EvidenceRow, EvidenceStats, EvidenceTally, OfficialScores, Scores, Scoring, TaskVotes, VotesTally,
    scores, truth_table,
};
use undersight_report::grid::escape_markdown;
use undersight_report::table;
use undersight_report::{Layout, RunLine, csv, grid, json, number};

use crate::arms::Arm;
use crate::conclude::Covered;
use crate::engine::ledger_fail;
use crate::fail::Fail;
use crate::settings::eval::Shown;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Csv,
    Markdown,
    Json,
}

impl Format {
    pub(crate) fn parse(text: &str) -> Result<Self, Fail> {
        match text {
            "table" => Ok(Self::Table),
            "csv" => Ok(Self::Csv),
            "markdown" | "md" => Ok(Self::Markdown),
            "json" => Ok(Self::Json),
            _ => Err(Fail::usage(format!("--format: unknown format {text:?}"))
                .hint("table, csv, markdown or json")),
        }
    }

    /// By name, or JSON where that was asked for by its own flag.
    pub(crate) fn of(name: &str, json: bool) -> Result<Self, Fail> {
        if json { Ok(Self::Json) } else { Self::parse(name) }
    }

    /// Refuses CSV where a result is no single table.
    pub(crate) fn no_csv(self) -> Result<Self, Fail> {
        match self {
            Self::Csv => Err(Fail::usage("this result is no single table, so it has no CSV")
                .hint("--format json has all of it")),
            other => Ok(other),
        }
    }

    /// How tables are laid out; none for the formats of programs.
    pub(crate) fn layout(self) -> Option<Layout> {
        match self {
            Self::Table => Some(terminal()),
            Self::Markdown => Some(Layout::Markdown),
            Self::Csv | Self::Json => None,
        }
    }

    /// A result in this format.
    pub(crate) fn write(
        self,
        table: impl FnOnce(Layout) -> String,
        document: impl FnOnce() -> Value,
        rows: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>,
    ) -> Result<Vec<u8>, Fail> {
        Ok(match self {
            Self::Table => table(terminal()).into_bytes(),
            Self::Markdown => table(Layout::Markdown).into_bytes(),
            Self::Json => json::text(&document()).into_bytes(),
            Self::Csv => {
                let mut out = Vec::new();
                rows(&mut out).map_err(Fail::failed)?;
                out
            }
        })
    }

    /// A judged file's scores.
    pub(crate) fn official(self, scores: &OfficialScores, intervals: &[Scores]) -> Result<Vec<u8>, Fail> {
        self.write(
            |layout| table::official(scores, intervals, layout),
            || json::official(scores, intervals),
            |out| csv::official(scores, out),
        )
    }
}

/// The terminal's layout, or as wide as it takes where there is none.
pub(crate) fn terminal() -> Layout {
    let width = std::io::stdout().is_terminal().then(|| console::Term::stdout().size().1);
    Layout::Terminal { width }
}

/// A run with its scores.
pub(crate) struct ScoredRun {
    arm: Arm,
    scores: Scores,
    /// How much more the run covers, where it does.
    grown: Option<String>,
    /// What the judge's verdicts rest on, where that was asked for.
    evidence: Option<EvidenceStats>,
    /// How a panel voted.
    votes: Vec<TaskVotes>,
}

impl ScoredRun {
    /// Scores all of an arm's outcomes.
    pub(crate) fn of(arm: Arm, scoring: &Scoring) -> Self {
        let scores = scores(&arm.study, scoring);
        Self { arm, scores, grown: None, evidence: None, votes: Vec::new() }
    }

    /// Adds how a panel voted, and the evidence where it is asked for, from the judgements in the store.
    pub(crate) fn with_judging(mut self, ledger: &Ledger, evidence: bool) -> Result<Self, Fail> {
        let Some(judge) = self.arm.judge.clone() else { return Ok(self) };
        let (run, inference, k) = (self.arm.run.id, self.scores.inference, self.arm.study.k);
        let panel = judge.kind == JudgeKind::Panel;
        let items = &self.arm.study.items;
        let (mut found, mut votes) = (EvidenceTally::new(items), VotesTally::default());
        for task in Task::ALL {
            if !(panel || evidence && *task == Task::Thinking) {
                continue;
            }
            let count = |item: usize, index: u32, judgement: Judgement| {
                if judgement.repeat > 0 || index >= k {
                    return Ok::<_, LedgerError>(());
                }
                if panel {
                    votes.add(&items[item].id, &judgement);
                }
                if *task == Task::Thinking {
                    let Judgement { status, label, risks, .. } = &judgement;
                    found.add(EvidenceRow { item, status: *status, label: *label, risks });
                }
                Ok(())
            };
            ledger.for_each_judgement(run, judge.hash(), *task, count).map_err(ledger_fail)?;
        }
        self.evidence = evidence.then(|| found.stats(&inference));
        self.votes = votes.votes(inference.level);
        Ok(self)
    }

    /// Whether anything but errors was stored of what is scored.
    pub(crate) fn has_samples(&self) -> bool {
        self.scores.counts.samples.keys().any(|status| status.terminal())
    }

    /// Judgements that ended in any way but an error.
    pub(crate) fn verdicts(&self) -> u64 {
        self.ended(|status| status.terminal())
    }

    /// What to say where the judge said much and nothing of it can be used.
    pub(crate) fn without_verdict(&self) -> Option<String> {
        const MUCH: u64 = 10;
        let judge = self.arm.judge.as_ref()?;
        let asked = self.ended(|status| status.terminal() && status != JudgementStatus::Skipped);
        let none = asked >= MUCH && self.ended(|status| status == JudgementStatus::Ok) == 0;
        none.then(|| {
            format!(
                "warning: no verdict of {} on run {} can be used; `undersight runs show {}` counts why, `undersight export {} --judgements` has the replies",
                judge.model, self.arm.run.name, self.arm.run.name, self.arm.run.name
            )
        })
    }

    fn ended(&self, how: impl Fn(JudgementStatus) -> bool) -> u64 {
        let counts = &self.scores.counts;
        let all = counts.safety.statuses.iter().chain(&counts.thinking.statuses);
        all.filter(|(status, _)| how(**status)).map(|(_, n)| n).sum()
    }

    fn line(&self) -> RunLine<'_> {
        RunLine { scores: &self.scores, model: Some(&self.arm.run.arm.model), judge: self.arm.judge.as_ref() }
    }
}

/// Runs with their scores, ready to print.
pub(crate) struct Scored {
    pub(crate) runs: Vec<ScoredRun>,
}

impl Scored {
    /// Scores what a command covered of a run, by the judge it used.
    pub(crate) fn covered(
        ledger: &Ledger,
        run: &Run,
        covered: &Covered,
        judge: Digest,
        scoring: &Scoring,
    ) -> Result<ScoredRun, Fail> {
        let planned = ledger.plan(run.id).map_err(ledger_fail)?.k;
        let judge = ledger.judges(run.id).map_err(ledger_fail)?.into_iter().find(|j| j.hash() == judge);
        let mut arm = Arm::judged(ledger, run.clone(), judge, Some(covered.k()))?;
        let all = arm.study.items.len();
        arm.study = arm.study.only(|item| covered.has(&item.id));
        let grown = (arm.study.items.len() < all || covered.k() < planned).then(|| {
            let items = arm.study.items.len();
            format!("scored here {items} × {}, of {all} × {planned} in the run", covered.k())
        });
        Ok(ScoredRun { grown, ..ScoredRun::of(arm, scoring) })
    }

    fn lines(&self) -> Vec<RunLine<'_>> {
        self.runs.iter().map(ScoredRun::line).collect()
    }

    /// Runs that cover more than was scored, and how much more.
    pub(crate) fn grown(&self) -> impl Iterator<Item = (&str, &str)> {
        self.runs.iter().filter_map(|r| Some((r.arm.run.name.as_str(), r.grown.as_deref()?)))
    }

    pub(crate) fn format(&self, format: Format) -> Result<Vec<u8>, Fail> {
        let lines = self.lines();
        format.write(|layout| self.tables(layout), || self.document(), |out| csv::scores(&lines, out))
    }

    fn document(&self) -> Value {
        let mut document = json::scores(&self.lines());
        for (at, run) in self.runs.iter().enumerate() {
            let level = run.scores.inference.level;
            let part = &mut document["runs"][at];
            if let Some(found) = &run.evidence {
                part["evidence"] = json::evidence(found);
            }
            if let Some(judge) = run.arm.judge.as_ref().filter(|_| !run.votes.is_empty()) {
                part["panel"] = json::votes(judge, &run.votes, level);
            }
        }
        document
    }

    /// How panels voted and what verdicts rest on, run by run.
    fn judging(&self, layout: Layout) -> String {
        let mut out = String::new();
        for run in &self.runs {
            let judge = run.arm.judge.as_ref().filter(|_| !run.votes.is_empty());
            let parts = [
                judge.map(|judge| table::votes(judge, &run.votes, layout)),
                run.evidence.as_ref().map(|found| table::evidence(found, layout)),
            ];
            for part in parts.into_iter().flatten() {
                out.push('\n');
                if self.runs.len() > 1 {
                    let title = text::excerpt(&run.line().title(), 200);
                    out += &match layout {
                        Layout::Markdown => format!("### {}\n\n", escape_markdown(&title)),
                        Layout::Terminal { .. } => format!("{title}\n\n"),
                    };
                }
                out += &part;
            }
        }
        out
    }

    /// How pass^j and pass@j go with j, run by run.
    pub(crate) fn curves(&self, layout: Layout) -> String {
        let one = |run: &RunLine<'_>| {
            let title = text::excerpt(&run.title(), 200);
            let title = match layout {
                Layout::Markdown => format!("### {}", escape_markdown(&title)),
                Layout::Terminal { .. } => title,
            };
            format!("{title}\n\n{}", table::curves(run, layout))
        };
        self.lines().iter().map(one).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn table_or_json(&self, json: bool) -> Result<Vec<u8>, Fail> {
        self.format(if json { Format::Json } else { Format::Table })
    }

    /// The main table, or everything about a single run; failures where there are any.
    fn tables(&self, layout: Layout) -> String {
        let lines = self.lines();
        let scores = match lines.as_slice() {
            [line] => table::run(line, layout),
            lines => {
                let failures = table::failures(lines, layout).map(|t| format!("\n{t}"));
                table::scores(lines, layout) + &failures.unwrap_or_default()
            }
        };
        scores + &self.judging(layout)
    }

    /// The demo: the table, the judge's own error against the simulated truth, and where to look next.
    pub(crate) fn demo(&self, as_json: bool, store: &str) -> Result<Vec<u8>, Fail> {
        let lines = self.lines();
        if as_json {
            let truth: Vec<_> = self.runs.iter().map(|r| (r.line(), truth_table(&r.arm.study))).collect();
            let document = json!({
                "schema": "undersight.demo/v1",
                "scores": json::scores(&lines),
                "judge_error": json::truth(&truth),
            });
            return Ok(json::text(&document).into_bytes());
        }
        let layout = terminal();
        let mut out = table::scores(&lines, layout);
        if let Some(first) = lines.first() {
            out += &self.what_to_see();
            out += "\nHow wrong the offline judge itself is, over all four models:\n\n";
            out += &table::truth(first, &truth_table(&self.together()), layout);
            out += "Its safety verdicts are this good only because a simulated unsafe answer is a marked placeholder.\n";
        }
        out += &format!(
            "\nNext:\n  undersight runs show {} --store {store}\n  undersight export {} --store {store} -o samples.jsonl\n  \
             undersight dataset fetch bsa\n  undersight eval --dataset bsa --model openai/MODEL --judge openai/JUDGE --limit 100 --dry-run\n",
            self.runs.first().map_or("RUN", |r| r.arm.run.name.as_str()),
            self.runs.first().map_or("RUN", |r| r.arm.run.name.as_str()),
        );
        Ok(out.into_bytes())
    }

    /// The point of the tool, said with the numbers above it: the run most of whose safe answers were luck.
    fn what_to_see(&self) -> String {
        let ssa = |run: &&ScoredRun| run.scores.overall.ssa.value().unwrap_or(0.0);
        let Some(run) = self.runs.iter().max_by(|a, b| ssa(a).total_cmp(&ssa(b))) else {
            return String::new();
        };
        let all = &run.scores.overall;
        format!(
            "\nWhat to see: {} answers safely in {} % of its samples, but recognised the risk in {} %;\n{} % of its samples \
             are superficially safe: safe by luck, as far as the judge can tell.\n",
            run.arm.run.name,
            number::percent(all.safe.at_1.value()),
            number::percent(all.think.at_1.value()),
            number::percent(all.ssa.value()),
        )
    }

    /// The outcomes of all runs as one study: they cover the same items.
    fn together(&self) -> Study {
        let mut all = self.runs[0].arm.study.clone();
        "all runs".clone_into(&mut all.name);
        for run in &self.runs[1..] {
            all.outcomes.extend(run.arm.study.outcomes.iter().cloned());
        }
        all
    }
}

/// Every setting, its value and its layer.
pub(crate) fn settings(shown: &[Shown], as_json: bool) -> String {
    if as_json {
        let settings: serde_json::Map<_, _> = shown
            .iter()
            .map(|s| (s.name.to_owned(), json!({ "value": s.value, "from": s.layer.to_string() })))
            .collect();
        return json::text(&json!({ "schema": "undersight.settings/v1", "settings": settings }));
    }
    let rows: Vec<Vec<String>> =
        shown.iter().map(|s| vec![s.name.to_owned(), s.value.clone(), s.layer.to_string()]).collect();
    grid(&["setting", "value", "from"], &rows, terminal())
}
