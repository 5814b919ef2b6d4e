//! What is to be reached: datasets, runs and their plans, which only ever grow.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use undersight_core::{Digest, Instance, JudgeSpec, Plan, Run};

use crate::append::json;
use crate::read::runs;
use crate::{Ledger, LedgerError, writer};

impl Ledger {
    /// Keeps a dataset and its instances, in order; does nothing when it is there.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub fn put_dataset(
        &self,
        name: &str,
        hash: Digest,
        instances: &[Arc<Instance>],
    ) -> Result<(), LedgerError> {
        let known = self.read(|conn| {
            let sql = "SELECT EXISTS (SELECT 1 FROM dataset WHERE hash = ?1)";
            conn.query_row(sql, [hash.as_bytes()], |r| r.get(0)).map_err(LedgerError::from)
        })?;
        if known {
            return Ok(());
        }
        let (name, instances) = (name.to_owned(), instances.to_vec());
        self.write(move |conn| put_dataset(conn, &name, hash, &instances))
    }

    /// Plans a run, or lets its plan grow: k becomes the larger, the instances the union, a selection that adds any is
    /// kept beside the earlier ones, and the judges named now become the latest. Its dataset must have been put. Selected are an instance's place in the dataset (from 0), its
    /// content hash, and the hash of the messages the arm sends for it.
    ///
    /// # Errors
    /// When the name belongs to another run, the dataset is not there, or nothing can be stored.
    pub fn put_run(
        &self,
        run: &Run,
        plan: &Plan,
        selected: &[(u32, Digest, Digest)],
    ) -> Result<(), LedgerError> {
        let (run, plan, selected) = (run.clone(), plan.clone(), selected.to_vec());
        self.write(move |conn| put_run(conn, &run, &plan, &selected))
    }
}

fn put_dataset(
    conn: &mut Connection,
    name: &str,
    hash: Digest,
    instances: &[Arc<Instance>],
) -> Result<(), LedgerError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let new = tx.execute(
        "INSERT OR IGNORE INTO dataset (hash, name, n, created) VALUES (?1, ?2, ?3, ?4)",
        params![hash.as_bytes(), name, i64::try_from(instances.len()).unwrap_or(i64::MAX), writer::now()],
    )?;
    if new == 0 {
        return Ok(());
    }
    {
        let mut instance =
            tx.prepare("INSERT OR IGNORE INTO instance (hash, id, scenario, json) VALUES (?1, ?2, ?3, ?4)")?;
        let mut place =
            tx.prepare("INSERT INTO dataset_instance (dataset, ord, instance) VALUES (?1, ?2, ?3)")?;
        for (ord, i) in (0_i64..).zip(instances) {
            let content = i.content_hash();
            instance.execute(params![content.as_bytes(), i.id, i.scenario.name(), json(&**i)?])?;
            place.execute(params![hash.as_bytes(), ord, content.as_bytes()])?;
        }
    }
    Ok(tx.commit()?)
}

fn put_run(
    conn: &mut Connection,
    run: &Run,
    plan: &Plan,
    selected: &[(u32, Digest, Digest)],
) -> Result<(), LedgerError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    refuse_taken_name(&tx, run)?;
    let arm = run.arm.hash();
    let id = run.id.as_bytes();
    tx.execute(
        "INSERT OR IGNORE INTO arm (hash, json) VALUES (?1, ?2)",
        params![arm.as_bytes(), json(&run.arm)?],
    )?;
    let new = tx.execute(
        "INSERT INTO run (id, name, arm, dataset, dataset_name, created, k, selection)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET k = max(k, excluded.k)",
        params![
            id,
            run.name,
            arm.as_bytes(),
            run.dataset.as_bytes(),
            run.dataset_name,
            run.created.0,
            plan.k,
            json(std::slice::from_ref(&plan.selection))?
        ],
    );
    new.map_err(|e| unknown_dataset(e.into(), run))?;
    let mut grown = 0;
    {
        let mut insert = tx.prepare(
            "INSERT OR IGNORE INTO run_instance (run, ord, instance, messages) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for (ord, instance, messages) in selected {
            grown += insert.execute(params![id, ord, instance.as_bytes(), messages.as_bytes()])?;
        }
    }
    // A command that asks for less than the run covers says nothing new about its selection.
    if grown > 0 {
        let mut selections = runs::selections(&tx, &run.id)?;
        selections.retain(|earlier| *earlier != plan.selection);
        selections.push(plan.selection.clone());
        tx.execute("UPDATE run SET selection = ?2 WHERE id = ?1", params![id, json(&selections)?])?;
    }
    for judge in &plan.judges {
        // Members first, so that the panel is the latest of them.
        for member in judge.members() {
            put_members(&tx, &run.id, &member.judge)?;
        }
        put_judge(&tx, &run.id, judge)?;
    }
    Ok(tx.commit()?)
}

/// The judges whose verdicts a panel counts judge the run too, each for itself.
fn put_members(tx: &Transaction<'_>, run: &Digest, judge: &JudgeSpec) -> Result<(), LedgerError> {
    for member in judge.members() {
        put_members(tx, run, &member.judge)?;
    }
    put_judge(tx, run, judge)
}

/// The judge becomes the run's latest.
fn put_judge(tx: &Transaction<'_>, run: &Digest, judge: &JudgeSpec) -> Result<(), LedgerError> {
    let hash = judge.hash();
    tx.execute(
        "INSERT OR IGNORE INTO judge (hash, json) VALUES (?1, ?2)",
        params![hash.as_bytes(), json(judge)?],
    )?;
    tx.execute(
        "INSERT OR REPLACE INTO run_judge (run, judge, ord)
         VALUES (?1, ?2, (SELECT coalesce(max(ord) + 1, 0) FROM run_judge WHERE run = ?1))",
        params![run.as_bytes(), hash.as_bytes()],
    )?;
    Ok(())
}

fn refuse_taken_name(tx: &Transaction<'_>, run: &Run) -> Result<(), LedgerError> {
    let other: Option<(String, [u8; 32])> = tx
        .query_row(
            "SELECT json_extract(arm.json, '$.model'), run.dataset FROM run JOIN arm ON arm.hash = run.arm
             WHERE run.name = ?1 AND run.id <> ?2",
            params![run.name, run.id.as_bytes()],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
        .optional()?;
    match other {
        None => Ok(()),
        Some((model, dataset)) => Err(LedgerError::NameTaken {
            name: run.name.clone(),
            model,
            dataset: Digest::from_bytes(dataset).short(),
        }),
    }
}

fn unknown_dataset(error: LedgerError, run: &Run) -> LedgerError {
    match error {
        LedgerError::Refused { .. } => LedgerError::Refused {
            detail: format!("the dataset {} of run {:?} is not in the store", run.dataset.short(), run.name),
        },
        other => other,
    }
}
