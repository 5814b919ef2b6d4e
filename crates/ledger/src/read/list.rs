//! The list of runs, with what is stored of each.

use std::collections::{BTreeMap, HashSet};

use rusqlite::Connection;
use undersight_core::{Digest, JudgementStatus, Micros, ModelName, NanoUsd, Run, SampleStatus, Task};

use super::asked::{Asked, Inputs};
use super::{Columns, runs};
use crate::{Ledger, LedgerError};

/// A line of the list of runs. Runs of one arm may share records, and then each counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// The run's id.
    pub id: Digest,
    /// Its name.
    pub name: String,
    /// The model it asks.
    pub model: ModelName,
    /// Hash of its dataset.
    pub dataset: Digest,
    /// Where the dataset came from.
    pub dataset_name: String,
    /// Samples planned for each instance.
    pub k: u32,
    /// Instances selected.
    pub instances: u64,
    /// Samples stored, by how they ended; only the attempts that count.
    pub samples: BTreeMap<SampleStatus, u64>,
    /// Judgements stored by its judges on its instances as annotated, by how they ended; only the attempts that count.
    pub judgements: BTreeMap<JudgementStatus, u64>,
    /// When it was first planned.
    pub created: Micros,
    /// When a record was last stored.
    pub last_activity: Option<Micros>,
    /// What all attempts cost, as far as known.
    pub cost: Option<NanoUsd>,
}

impl Ledger {
    /// All runs, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn runs(&self) -> Result<Vec<RunSummary>, LedgerError> {
        self.read(|conn| {
            let mut query = conn.prepare(&format!("{} ORDER BY r.created, r.name", runs::RUN))?;
            let rows = query.query_map([], |row| runs::run(&mut Columns::of(row)))?;
            let mut inputs = Inputs::default();
            rows.map(|run| summary(conn, run?, &mut inputs)).collect()
        })
    }
}

fn summary(conn: &Connection, run: Run, inputs: &mut Inputs) -> Result<RunSummary, LedgerError> {
    let k = runs::k(conn, &run.id)?;
    let instances: i64 =
        conn.query_row("SELECT count(*) FROM run_instance WHERE run = ?1", [run.id.as_bytes()], |row| {
            row.get(0)
        })?;
    let mut totals = Totals::default();
    let samples = samples(conn, &run.id, &mut totals)?;
    let judgements = judgements(conn, &run.id, inputs, &mut totals)?;
    Ok(RunSummary {
        id: run.id,
        name: run.name,
        model: run.arm.model,
        dataset: run.dataset,
        dataset_name: run.dataset_name,
        k,
        instances: instances.cast_unsigned(),
        samples,
        judgements,
        created: run.created,
        last_activity: totals.last.map(Micros),
        cost: totals.cost,
    })
}

/// What is added up over samples and judgements alike.
#[derive(Default)]
struct Totals {
    last: Option<i64>,
    cost: Option<NanoUsd>,
}

impl Totals {
    fn add(&mut self, stored: Option<i64>, cost: Option<NanoUsd>) {
        self.last = self.last.max(stored);
        if let Some(cost) = cost {
            self.cost = Some(self.cost.unwrap_or_default().plus(cost));
        }
    }
}

fn samples(
    conn: &Connection,
    run: &Digest,
    totals: &mut Totals,
) -> Result<BTreeMap<SampleStatus, u64>, LedgerError> {
    let mut query = conn.prepare_cached(
        "SELECT s.status, sum(s.current), max(s.stored), count(s.cost), total(s.cost) FROM run r
         JOIN sample s ON s.arm = r.arm AND s.idx < r.k
         WHERE r.id = ?1 AND s.messages IN (SELECT messages FROM run_instance WHERE run = ?1) GROUP BY s.status",
    )?;
    let mut rows = query.query([run.as_bytes()])?;
    let mut counts = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let mut c = Columns::of(row);
        let (status, count) = (c.named(SampleStatus::parse)?, c.get::<i64>()?.cast_unsigned());
        if count > 0 {
            counts.insert(status, count);
        }
        let (stored, priced) = (c.get()?, c.get::<i64>()? > 0);
        #[expect(clippy::cast_possible_truncation, reason = "a sum of integers, saturating")]
        let cost = NanoUsd(c.get::<f64>()? as i64);
        totals.add(stored, priced.then_some(cost));
    }
    Ok(counts)
}

/// Row by row: only here is it known which judgements are the run's own, and which of another version of its dataset.
fn judgements(
    conn: &Connection,
    run: &Digest,
    inputs: &mut Inputs,
    totals: &mut Totals,
) -> Result<BTreeMap<JudgementStatus, u64>, LedgerError> {
    let mut query = conn.prepare_cached(
        "SELECT s.messages, j.task, j.inputs, j.status, j.current, j.stored, j.cost FROM run r
         JOIN sample s ON s.arm = r.arm AND s.idx < r.k AND s.current
         JOIN judgement j ON j.sample = s.key
         WHERE r.id = ?1 AND s.messages IN (SELECT messages FROM run_instance WHERE run = ?1)
         AND j.judge IN (SELECT judge FROM run_judge WHERE run = ?1)",
    )?;
    let mut rows = query.query([run.as_bytes()])?;
    let mut own: Option<HashSet<Asked>> = None;
    let mut counts = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let mut c = Columns::of(row);
        let asked = Asked { messages: c.digest()?, task: c.named(Task::parse)?, inputs: c.digest()? };
        let known = match own.take() {
            Some(known) => known,
            None => inputs.of_run(conn, run)?,
        };
        if own.insert(known).contains(&asked) {
            let status = c.named(JudgementStatus::parse)?;
            if c.get()? {
                *counts.entry(status).or_insert(0) += 1;
            }
            totals.add(c.get()?, c.money()?);
        }
    }
    Ok(counts)
}
