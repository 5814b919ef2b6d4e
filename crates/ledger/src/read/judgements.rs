//! Judgements: which are settled, and those of one sample whole.

use std::collections::HashSet;

use undersight_core::{
    Digest, Judgement, JudgementFlags, JudgementKey, JudgementStatus, Label, SampleKey, Scenario, Task,
};

use super::Columns;
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
}

/// The judgements of a sample that count, oldest first.
pub(crate) fn of_sample(
    conn: &rusqlite::Connection,
    sample: &SampleKey,
    detail: Detail,
) -> Result<Vec<Judgement>, LedgerError> {
    let mut query = conn.prepare_cached(&format!(
        "SELECT key, sample, judge, task, repeat, inputs, status, label, cost, scenario, truncated_trace, repaired,
            reasks, parser_version, prompt_hash, started, first_byte_us, total_us, tokens_input, tokens_output,
            tokens_reasoning, tokens_cached, returned_model, cause, risks, explanation, raw_verdict, {}
         FROM judgement j WHERE j.sample = ?1 AND j.current ORDER BY j.id",
        detail.raw()
    ))?;
    let rows = query.query_map([sample.as_bytes()], |row| judgement(&mut Columns::of(row)))?;
    Ok(rows.collect::<Result<_, _>>()?)
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
        raw: c.raw()?,
    })
}
