//! Judgements: which are settled, and those of one sample whole.

use std::collections::{HashMap, HashSet};

use rusqlite::params;
use undersight_core::{
    CurrentInputs, Digest, Judgement, JudgementFlags, JudgementKey, JudgementStatus, Label, SampleKey,
    Scenario, Task,
};

use super::{Columns, runs};
use crate::{Detail, Ledger, LedgerError};

impl Ledger {
    /// The keys of the settled judgements by a judge of an arm's samples.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn stored_judgements(
        &self,
        arm: Digest,
        judge: Digest,
    ) -> Result<HashSet<JudgementKey>, LedgerError> {
        self.judgement_keys(arm, judge, "j.terminal")
    }

    /// The keys of the judgements by a judge of an arm's samples of which there is nothing but errors.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn failed_judgements(
        &self,
        arm: Digest,
        judge: Digest,
    ) -> Result<HashSet<JudgementKey>, LedgerError> {
        self.judgement_keys(arm, judge, "NOT j.terminal")
    }

    fn judgement_keys(
        &self,
        arm: Digest,
        judge: Digest,
        which: &str,
    ) -> Result<HashSet<JudgementKey>, LedgerError> {
        self.read(|conn| {
            let mut query = conn.prepare_cached(&format!(
                "SELECT j.key FROM sample s CROSS JOIN judgement j ON j.sample = s.key
                 WHERE s.arm = ?1 AND s.current AND j.judge = ?2 AND j.current AND {which}"
            ))?;
            let rows =
                query.query_map([arm.as_bytes(), judge.as_bytes()], |row| Columns::of(row).digest())?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The judgements of a sample that count, whole: by one judge, or by all of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn judgements_of(
        &self,
        sample: SampleKey,
        judge: Option<Digest>,
    ) -> Result<Vec<Judgement>, LedgerError> {
        self.read(|conn| {
            let mut all = of_sample(conn, &sample, Detail::Whole)?;
            all.retain(|j| judge.is_none_or(|wanted| j.judge == wanted));
            Ok(all)
        })
    }

    /// The judgement of a key that counts, without its raw exchange, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn judgement(&self, sample: SampleKey, key: JudgementKey) -> Result<Option<Judgement>, LedgerError> {
        self.read(|conn| {
            let mut query = conn.prepare_cached(&format!(
                "SELECT {} FROM judgement j WHERE j.sample = ?1 AND j.key = ?2 AND j.current",
                columns(Detail::Light)
            ))?;
            let mut rows = query
                .query_map([sample.as_bytes(), key.as_bytes()], |row| judgement(&mut Columns::of(row)))?;
            Ok(rows.next().transpose()?)
        })
    }

    /// Gives `each` the judgements of a run's samples by one judge on a task that count, every repeat, without their raw
    /// exchanges, with the place of the instance in the run's study and the index of the sample. Only those on current
    /// annotations.
    ///
    /// # Errors
    /// When there is no such run, the store cannot be read, or `each` fails.
    pub fn for_each_judgement<E: From<LedgerError>>(
        &self,
        run: Digest,
        judge: Digest,
        task: Task,
        mut each: impl FnMut(usize, u32, Judgement) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read(|conn| {
            let arm = runs::load(conn, &run)?.arm.hash();
            let k = runs::k(conn, &run)?;
            let mut places: HashMap<Digest, Vec<(usize, CurrentInputs)>> = HashMap::new();
            for (item, planned) in runs::covered(conn, &run)?.iter().enumerate() {
                let inputs = CurrentInputs::of(&planned.instance);
                places.entry(planned.messages).or_default().push((item, inputs));
            }
            let mut query = conn
                .prepare_cached(&format!(
                    "SELECT s.messages, s.idx, {} FROM sample s JOIN judgement j ON j.sample = s.key
                     WHERE s.arm = ?1 AND s.idx < ?2 AND s.current AND j.judge = ?3 AND j.task = ?4 AND j.current",
                    columns(Detail::Light)
                ))
                .map_err(LedgerError::from)?;
            let mut rows = query
                .query(params![arm.as_bytes(), k, judge.as_bytes(), task.name()])
                .map_err(LedgerError::from)?;
            while let Some(row) = rows.next().map_err(LedgerError::from)? {
                let mut c = Columns::of(row);
                let messages = c.digest().map_err(LedgerError::from)?;
                let index = c.get().map_err(LedgerError::from)?;
                let found = judgement(&mut c).map_err(LedgerError::from)?;
                for (item, inputs) in places.get(&messages).into_iter().flatten() {
                    if inputs.fit(task, &found.inputs) {
                        each(*item, index, found.clone())?;
                    }
                }
            }
            Ok(())
        })
    }
}

/// The judgements of a sample that count, oldest first.
pub(crate) fn of_sample(
    conn: &rusqlite::Connection,
    sample: &SampleKey,
    detail: Detail,
) -> Result<Vec<Judgement>, LedgerError> {
    let mut query = conn.prepare_cached(&format!(
        "SELECT {} FROM judgement j WHERE j.sample = ?1 AND j.current ORDER BY j.id",
        columns(detail)
    ))?;
    let rows = query.query_map([sample.as_bytes()], |row| judgement(&mut Columns::of(row)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What [`judgement`] reads, from a judgement called `j`.
fn columns(detail: Detail) -> String {
    let raw = if detail == Detail::Whole { "j.raw" } else { "NULL" };
    format!(
        "j.key, j.sample, j.judge, j.task, j.repeat, j.inputs, j.status, j.label, j.cost, j.scenario,
         j.truncated_trace, j.repaired, j.reasks, j.parser_version, j.prompt_hash, j.started, j.first_byte_us,
         j.total_us, j.tokens_input, j.tokens_output, j.tokens_reasoning, j.tokens_cached, j.returned_model, j.cause,
         j.risks, j.explanation, j.raw_verdict, j.details, {raw}"
    )
}

fn judgement(c: &mut Columns<'_>) -> rusqlite::Result<Judgement> {
    Ok(Judgement {
        key: c.digest()?,
        sample: c.digest()?,
        judge: c.digest()?,
        task: c.named(Task::parse)?,
        repeat: c.get()?,
        inputs: c.digest()?,
        status: c.named(JudgementStatus::parse)?,
        label: c.maybe_named(Label::from_name)?,
        cost: c.money()?,
        scenario: c.named(Scenario::parse)?,
        flags: JudgementFlags { truncated_trace: c.get()?, repaired: c.get()?, reasks: c.get()? },
        parser_version: c.get()?,
        prompt_hash: c.maybe_digest()?,
        timing: c.timing()?,
        usage: c.usage()?,
        returned_model: c.get()?,
        cause: c.maybe_json()?,
        risks: c.maybe_json()?.unwrap_or_default(),
        explanation: c.get()?,
        raw_verdict: c.get()?,
        details: c.maybe_json()?.unwrap_or_default(),
        raw: c.raw()?,
    })
}
