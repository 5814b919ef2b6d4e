//! Deleting a run, and with it what no other run needs.

use rusqlite::{Connection, TransactionBehavior};
use undersight_core::Digest;

use crate::{Ledger, LedgerError};

/// Deletes what only the run needed, in an order that keeps references whole. A sample is needed while any other run
/// of its arm covers its messages, whatever that run's k, which may grow; a judgement while such a run names its
/// judge. Arms and judges stay: they are small, and looking for other uses of them would read every record.
const STEPS: [&str; 5] = [
    "DELETE FROM judgement WHERE id IN (
        SELECT j.id FROM sample s JOIN judgement j ON j.sample = s.key
        WHERE s.arm = :arm AND s.current AND s.messages IN (SELECT messages FROM run_instance WHERE run = :run)
        AND (s.messages, j.judge) NOT IN (
            SELECT other.messages, rj.judge FROM run r
            JOIN run_instance other ON other.run = r.id
            JOIN run_judge rj ON rj.run = r.id
            WHERE r.arm = :arm AND r.id <> :run))",
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

/// Gives free pages back to the system.
fn vacuum(conn: &Connection) -> Result<(), LedgerError> {
    let mut statement = conn.prepare("PRAGMA incremental_vacuum")?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
