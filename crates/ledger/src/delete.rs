//! Deleting a run, and with it what no other run needs.

use std::collections::HashSet;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use undersight_core::{Digest, Task};

use crate::read::Columns;
use crate::read::asked::{Asked, Inputs};
use crate::{Ledger, LedgerError};

/// Deletes what only the run needed, in an order that keeps references whole; its judgements have gone before. A sample
/// is needed while any other run of its arm covers its messages, whatever that run's k, which may grow. Arms and judges
/// stay: they are small, and looking for other uses of them would read every record.
const STEPS: [&str; 4] = [
    "DELETE FROM sample
     WHERE arm = :arm AND messages IN (SELECT messages FROM run_instance WHERE run = :run)
     AND messages NOT IN (
        SELECT other.messages FROM run r JOIN run_instance other ON other.run = r.id
        WHERE r.arm = :arm AND r.id <> :run)",
    "DELETE FROM run WHERE id = :run AND arm = :arm",
    "DELETE FROM dataset WHERE hash = :dataset AND NOT EXISTS (SELECT 1 FROM run WHERE run.dataset = :dataset)",
    "DELETE FROM instance
     WHERE NOT EXISTS (SELECT 1 FROM dataset_instance di WHERE di.instance = instance.hash)
     AND NOT EXISTS (SELECT 1 FROM run_instance ri WHERE ri.instance = instance.hash)",
];

impl Ledger {
    /// Deletes a run, and the samples, judgements and instances that no other run needs; gives their space back.
    ///
    /// # Errors
    /// When another process writes the run, there is no such run, or the store cannot be written.
    pub fn delete_run(&self, id: Digest) -> Result<(), LedgerError> {
        let run = self.run(id)?;
        let _lock = self.lock_run(id)?;
        self.write(move |conn| {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (run, arm, dataset) = (run.id, run.arm.hash(), run.dataset);
            delete_judgements(&tx, &run, &arm)?;
            for sql in STEPS {
                let mut step = tx.prepare(sql)?;
                for (name, digest) in [(":run", &run), (":arm", &arm), (":dataset", &dataset)] {
                    if let Some(place) = step.parameter_index(name)? {
                        step.raw_bind_parameter(place, digest.as_bytes())?;
                    }
                }
                step.raw_execute()?;
            }
            tx.commit()?;
            vacuum(conn)
        })
    }
}

/// Deletes the judgements of the run's samples that no other run can use: none of their arm both names the judge and
/// asks it the same.
fn delete_judgements(tx: &Transaction<'_>, run: &Digest, arm: &Digest) -> Result<(), LedgerError> {
    let others = others(tx, run, arm)?;
    let mut delete = tx.prepare("DELETE FROM judgement WHERE id = ?1")?;
    for (id, judge, asked) in judgements(tx, run, arm)? {
        if !others.iter().any(|other| other.judges.contains(&judge) && other.asks.contains(&asked)) {
            delete.execute([id])?;
        }
    }
    Ok(())
}

/// The judges of a run that stays, and what it asks them.
struct Other {
    judges: HashSet<Digest>,
    asks: HashSet<Asked>,
}

/// Every other run of an arm.
fn others(tx: &Transaction<'_>, run: &Digest, arm: &Digest) -> Result<Vec<Other>, LedgerError> {
    let mut query = tx.prepare("SELECT id FROM run WHERE arm = ?1 AND id <> ?2")?;
    let ids = query.query_map(params![arm.as_bytes(), run.as_bytes()], |row| Columns::of(row).digest())?;
    let mut judges = tx.prepare("SELECT judge FROM run_judge WHERE run = ?1")?;
    let mut inputs = Inputs::default();
    let mut all = Vec::new();
    for id in ids {
        let id = id?;
        let named = judges.query_map([id.as_bytes()], |row| Columns::of(row).digest())?;
        all.push(Other { judges: named.collect::<Result<_, _>>()?, asks: inputs.of_run(tx, &id)? });
    }
    Ok(all)
}

/// Row, judge and what was asked of each judgement of a run's samples, its own or another run's.
fn judgements(
    tx: &Transaction<'_>,
    run: &Digest,
    arm: &Digest,
) -> Result<Vec<(i64, Digest, Asked)>, LedgerError> {
    let mut query = tx.prepare(
        "SELECT j.id, j.judge, s.messages, j.task, j.inputs FROM sample s JOIN judgement j ON j.sample = s.key
         WHERE s.arm = ?1 AND s.current AND s.messages IN (SELECT messages FROM run_instance WHERE run = ?2)",
    )?;
    let rows = query.query_map(params![arm.as_bytes(), run.as_bytes()], |row| {
        let mut c = Columns::of(row);
        let (id, judge, messages) = (c.get()?, c.digest()?, c.digest()?);
        Ok((id, judge, Asked { messages, task: c.named(Task::parse)?, inputs: c.digest()? }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Gives free pages back to the system.
fn vacuum(conn: &Connection) -> Result<(), LedgerError> {
    let mut statement = conn.prepare("PRAGMA incremental_vacuum")?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
