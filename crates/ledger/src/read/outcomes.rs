//! What scoring needs of a run, in one pass over the store and without its text.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use undersight_core::{
    CauseKind, CurrentInputs, Details, Digest, Handled, Item, JudgementStatus, Label, Outcome, Provenance,
    SampleStatus, SimTruth, Study, Task, Verdict,
};

use super::{Columns, runs};
use crate::{Ledger, LedgerError};

impl Ledger {
    /// The outcomes of a run: by one judge ([`Ledger::latest_judge`] unless told) and for k samples an instance (the
    /// plan's unless told). Only first judgements count, and only those made on the instance's current annotation.
    ///
    /// # Errors
    /// When there is no such run, k is 0 or more than planned, or the store cannot be read.
    pub fn outcomes(&self, run: Digest, judge: Option<Digest>, k: Option<u32>) -> Result<Study, LedgerError> {
        self.read(|conn| study(conn, &run, judge, k))
    }
}

fn study(
    conn: &Connection,
    id: &Digest,
    judge: Option<Digest>,
    k: Option<u32>,
) -> Result<Study, LedgerError> {
    let run = runs::load(conn, id)?;
    let planned = runs::k(conn, id)?;
    let k = k.unwrap_or(planned);
    if k == 0 || k > planned {
        return Err(LedgerError::SamplesNotPlanned { run: run.name, asked: k, planned });
    }
    let judge = match judge {
        Some(judge) => Some(judge),
        None => runs::latest_judge(conn, id)?.map(|judge| judge.hash()),
    };
    let instances = runs::covered(conn, id)?;
    let inputs: Vec<CurrentInputs> = instances.iter().map(|p| CurrentInputs::of(&p.instance)).collect();
    let mut outcomes: Vec<Outcome> = (0..instances.len())
        .flat_map(|item| (0..k).map(move |index| Outcome::missing(item, index)))
        .collect();

    // Instances that send the same messages share their samples.
    let mut items: HashMap<Digest, Vec<usize>> = HashMap::with_capacity(instances.len());
    for (item, planned) in instances.iter().enumerate() {
        items.entry(planned.messages).or_default().push(item);
    }
    let mut query = conn.prepare_cached(
        "SELECT s.messages, s.idx, s.status, s.provenance, s.cause_kind, s.sim_truth, j.task, j.inputs, j.status, j.label,
            CASE WHEN j.task = 'handling' THEN j.details END
         FROM sample s
         LEFT JOIN judgement j ON j.sample = s.key AND j.judge = ?3 AND j.repeat = 0 AND j.current
         WHERE s.arm = ?1 AND s.idx < ?2 AND s.current",
    )?;
    let arm = run.arm.hash();
    let mut rows = query.query(params![arm.as_bytes(), k, judge.as_ref().map(Digest::as_bytes)])?;
    while let Some(row) = rows.next()? {
        let mut c = Columns::of(row);
        let Some(sharers) = items.get(&c.digest()?) else { continue };
        let found = Found::read(&mut c)?;
        for &item in sharers {
            let at = item * k as usize + found.index as usize;
            if let Some(outcome) = outcomes.get_mut(at) {
                found.tell(outcome, &inputs[item]);
            }
        }
    }
    let items = instances.iter().map(|p| Item::from(&*p.instance)).collect();
    Ok(Study { name: run.name, items, k, outcomes })
}

/// A row: a sample, and one judgement of it if there is any.
struct Found {
    index: u32,
    status: SampleStatus,
    provenance: Provenance,
    cause: Option<CauseKind>,
    truth: Option<SimTruth>,
    judged: Option<(Task, Digest, Verdict, Details)>,
}

impl Found {
    fn read(c: &mut Columns<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            index: c.get()?,
            status: c.named(SampleStatus::parse)?,
            provenance: c.named(Provenance::parse)?,
            cause: c.maybe_named(CauseKind::parse)?,
            truth: c.maybe_json()?,
            judged: match (c.maybe_named(Task::parse)?, c.maybe_digest()?) {
                (Some(task), Some(inputs)) => {
                    let status = c.named(JudgementStatus::parse)?;
                    let verdict = Verdict { status, label: c.maybe_named(Label::from_name)? };
                    Some((task, inputs, verdict, c.maybe_json()?.unwrap_or_default()))
                }
                _ => None,
            },
        })
    }

    /// Fills in what it says, given the hashes of the instance's current inputs.
    fn tell(&self, outcome: &mut Outcome, current: &CurrentInputs) {
        outcome.status = Some(self.status);
        outcome.provenance = Some(self.provenance);
        outcome.cause = self.cause;
        outcome.truth.clone_from(&self.truth);
        let Some((task, inputs, verdict, details)) = &self.judged else { return };
        if current.fit(*task, inputs) {
            match task {
                Task::Safety => outcome.safety = Some(*verdict),
                Task::Thinking => outcome.thinking = Some(*verdict),
                Task::Handling => {
                    outcome.handling = Some(Handled { verdict: *verdict, parts: details.parts });
                }
            }
        }
    }
}
