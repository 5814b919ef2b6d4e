//! What a run took: money and tokens by stage and model, and of how much that is not known.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::Connection;
use undersight_core::{
    Digest, Extraction, JudgeKind, JudgeSpec, JudgementStatus, ModelName, NanoUsd, Provenance, Stage, Task,
    Usage,
};

use super::Columns;
use super::asked::{Asked, Inputs};
use crate::{Ledger, LedgerError};

/// What one model took in one stage of a run, over all attempts that were stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// The stage.
    pub stage: Stage,
    /// The model that was asked.
    pub model: ModelName,
    /// Samples or judgements for which it was called.
    pub records: u64,
    /// What they cost, as far as known; `None` when that is known of none.
    pub cost: Option<NanoUsd>,
    /// Of these records, those whose cost is not known.
    pub unpriced: u64,
    /// Their tokens, as far as known, each with the number of records of which it is not.
    pub input: Tally,
    /// Of replies, reasoning included.
    pub output: Tally,
    /// Of reasoning, as reported.
    pub reasoning: Tally,
    /// Of reasoning, estimated where none were reported and a trace is there.
    pub reasoning_estimated: Option<u64>,
}

/// A sum of what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// The sum; `None` when nothing is known.
    pub sum: Option<u64>,
    /// Records that do not say.
    pub unknown: u64,
}

impl Tally {
    fn add(&mut self, tokens: Option<u64>) {
        match tokens {
            Some(tokens) => self.sum = Some(self.sum.unwrap_or(0).saturating_add(tokens)),
            None => self.unknown += 1,
        }
    }
}

impl Spend {
    fn new(stage: Stage, model: ModelName) -> Self {
        Self {
            stage,
            model,
            records: 0,
            cost: None,
            unpriced: 0,
            input: Tally::default(),
            output: Tally::default(),
            reasoning: Tally::default(),
            reasoning_estimated: None,
        }
    }

    fn add(&mut self, cost: Option<NanoUsd>, usage: Usage) {
        self.records += 1;
        match cost {
            Some(cost) => self.cost = Some(self.cost.unwrap_or_default().plus(cost)),
            None => self.unpriced += 1,
        }
        self.input.add(usage.input);
        self.output.add(usage.output);
        self.reasoning.add(usage.reasoning);
    }
}

impl Ledger {
    /// What a run took, by stage and model; nothing for verdicts that no model was called for. Reads every sample
    /// whose reasoning tokens have to be estimated.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn spend(&self, run: Digest) -> Result<Vec<Spend>, LedgerError> {
        self.read(|conn| {
            let mut spend = Parts::new();
            samples(conn, &run, &mut spend)?;
            judgements(conn, &run, &mut spend)?;
            Ok(spend.into_values().collect())
        })
    }
}

type Parts = BTreeMap<(Stage, String), Spend>;

fn part(parts: &mut Parts, stage: Stage, model: ModelName) -> &mut Spend {
    parts.entry((stage, model.to_string())).or_insert_with(|| Spend::new(stage, model))
}

fn samples(conn: &Connection, run: &Digest, parts: &mut Parts) -> Result<(), LedgerError> {
    let mut query = conn.prepare_cached(
        "SELECT s.requested_model, s.cost, s.tokens_input, s.tokens_output, s.tokens_reasoning, s.tokens_cached,
                s.provenance, CASE WHEN s.tokens_reasoning IS NULL THEN s.spans END,
                CASE WHEN s.tokens_reasoning IS NULL THEN s.parts END
         FROM run r JOIN sample s ON s.arm = r.arm AND s.idx < r.k
         WHERE r.id = ?1 AND s.messages IN (SELECT messages FROM run_instance WHERE run = ?1)",
    )?;
    let mut rows = query.query([run.as_bytes()])?;
    while let Some(row) = rows.next()? {
        let mut c = Columns::of(row);
        let model = c.named(|name| ModelName::parse(name).ok())?;
        let (cost, usage) = (c.money()?, c.usage()?);
        let provenance = c.named(Provenance::parse)?;
        let (spans, texts) = (c.maybe_json()?, c.maybe_json()?);
        let spend = part(parts, Stage::Generate, model);
        spend.add(cost, usage);
        if let (Some(spans), Some(texts)) = (spans, texts) {
            let extraction = Extraction { parts: texts, spans, provenance };
            if let Some(guess) = usage.reasoning_or_estimate(&extraction).filter(|guess| guess.estimated) {
                let sum = spend.reasoning_estimated.unwrap_or(0).saturating_add(guess.tokens);
                spend.reasoning_estimated = Some(sum);
            }
        }
    }
    Ok(())
}

/// The models among the judges of a run.
fn judging_models(conn: &Connection, run: &Digest) -> Result<HashMap<Digest, ModelName>, LedgerError> {
    let mut query = conn.prepare_cached(
        "SELECT j.hash, j.json FROM run_judge rj JOIN judge j ON j.hash = rj.judge WHERE rj.run = ?1",
    )?;
    let rows = query.query_map([run.as_bytes()], |row| {
        let mut c = Columns::of(row);
        let (hash, judge): (Digest, JudgeSpec) = (c.digest()?, c.json()?);
        Ok((judge.kind == JudgeKind::Model).then_some((hash, judge.model)))
    })?;
    rows.filter_map(Result::transpose).map(|judge| Ok(judge?)).collect()
}

/// Those the list of runs counts, as far as a model was called for them.
fn judgements(conn: &Connection, run: &Digest, parts: &mut Parts) -> Result<(), LedgerError> {
    let models = judging_models(conn, run)?;
    if models.is_empty() {
        return Ok(());
    }
    let own: HashSet<Asked> = Inputs::default().of_run(conn, run)?;
    let mut query = conn.prepare_cached(
        "SELECT s.messages, j.task, j.inputs, j.judge, j.status, j.cost, j.tokens_input, j.tokens_output,
                j.tokens_reasoning, j.tokens_cached
         FROM run r
         JOIN sample s ON s.arm = r.arm AND s.idx < r.k AND s.current
         JOIN judgement j ON j.sample = s.key
         WHERE r.id = ?1 AND s.messages IN (SELECT messages FROM run_instance WHERE run = ?1)",
    )?;
    let mut rows = query.query([run.as_bytes()])?;
    while let Some(row) = rows.next()? {
        let mut c = Columns::of(row);
        let asked = Asked { messages: c.digest()?, task: c.named(Task::parse)?, inputs: c.digest()? };
        let (model, status) = (models.get(&c.digest()?), c.named(JudgementStatus::parse)?);
        let called = !matches!(status, JudgementStatus::Skipped | JudgementStatus::Unsupported);
        if let Some(model) = model.filter(|_| called && own.contains(&asked)) {
            part(parts, Stage::Judge, model.clone()).add(c.money()?, c.usage()?);
        }
    }
    Ok(())
}
