//! What a run asks its judges: of all judgements of its samples, only those on its instances as annotated are its own.
//! Runs over versions of a dataset share samples, but not what was judged.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use rusqlite::Connection;
use undersight_core::{CurrentInputs, Digest, Instance, Task};

use super::Columns;
use crate::LedgerError;

/// What determines a judgement besides sample index, judge and repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    /// Hash of the messages the sample answers.
    pub(crate) messages: Digest,
    pub(crate) task: Task,
    /// Hash of what the judge is shown of the instance.
    pub(crate) inputs: Digest,
}

/// The inputs hashes of instances by content hash: each is computed once, however many runs cover it.
#[derive(Default)]
pub(crate) struct Inputs(HashMap<Digest, Vec<(Task, Digest)>>);

impl Inputs {
    /// Everything a run asks its judges.
    pub(crate) fn of_run(&mut self, conn: &Connection, run: &Digest) -> Result<HashSet<Asked>, LedgerError> {
        let mut places = conn.prepare_cached("SELECT instance, messages FROM run_instance WHERE run = ?1")?;
        let mut rows = places.query([run.as_bytes()])?;
        let mut all = HashSet::new();
        while let Some(row) = rows.next()? {
            let mut c = Columns::of(row);
            let (instance, messages) = (c.digest()?, c.digest()?);
            all.extend(self.of_instance(conn, instance)?.iter().map(|&(task, inputs)| Asked {
                messages,
                task,
                inputs,
            }));
        }
        Ok(all)
    }

    fn of_instance(&mut self, conn: &Connection, hash: Digest) -> Result<&[(Task, Digest)], LedgerError> {
        Ok(match self.0.entry(hash) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let mut query = conn.prepare_cached("SELECT json FROM instance WHERE hash = ?1")?;
                let instance: Instance = query.query_row([hash.as_bytes()], |row| Columns::of(row).json())?;
                let inputs = CurrentInputs::of(&instance);
                let mut all: Vec<(Task, Digest)> = Vec::with_capacity(5);
                for &task in Task::ALL {
                    all.extend([false, true].map(|annotated| (task, inputs.get(task, annotated))));
                }
                all.dedup();
                place.insert(all)
            }
        })
    }
}
