//! One record becomes one row: encoding, and the rule that a key has at most one terminal attempt.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params, params_from_iter};
use serde::Serialize;
use undersight_core::{Cause, Digest, FinishReason, Judgement, RawExchange, Sample, Usage};
use zstd::bulk::Compressor;

use crate::{Appended, LedgerError, Record};

/// Bodies are small and many: the fastest level that still codes entropy.
const LEVEL: i32 = 1;

/// Turns records into rows. Holds the compressor and its buffers, which are costly to set up for each record.
pub(crate) struct Encoder {
    zstd: Compressor<'static>,
    plain: Vec<u8>,
    packed: Vec<u8>,
}

impl Encoder {
    pub(crate) fn new() -> Result<Self, LedgerError> {
        let zstd = Compressor::new(LEVEL).map_err(|e| LedgerError::Other { detail: e.to_string() })?;
        Ok(Self { zstd, plain: Vec::new(), packed: Vec::new() })
    }

    /// Stores a record within the transaction under way, unless its key is settled.
    pub(crate) fn append(
        &mut self,
        tx: &mut Transaction<'_>,
        record: &Record,
        now: i64,
    ) -> Result<Appended, LedgerError> {
        let (key, lookup, supersede) = match record {
            Record::Sample(s) => (
                vec![s.key.as_bytes()],
                "SELECT attempt, terminal FROM sample WHERE key = ?1 ORDER BY attempt DESC LIMIT 1",
                "UPDATE sample SET current = 0 WHERE key = ?1 AND current",
            ),
            Record::Judgement(j) => (
                vec![j.key.as_bytes(), j.sample.as_bytes()],
                "SELECT attempt, terminal FROM judgement WHERE key = ?1 AND sample = ?2 ORDER BY attempt DESC LIMIT 1",
                "UPDATE judgement SET current = 0 WHERE key = ?1 AND sample = ?2 AND current",
            ),
        };
        let last: Option<(i64, bool)> = tx
            .prepare_cached(lookup)?
            .query_row(params_from_iter(&key), |r| Ok((r.get(0)?, r.get(1)?)))
            .optional()?;
        match last {
            None => self.insert(tx, record, 0, now)?,
            Some((_, true)) => return Ok(Appended::Duplicate),
            Some((attempt, false)) => {
                // Both or neither, even where the record is refused and the transaction goes on.
                let both = tx.savepoint()?;
                both.execute(supersede, params_from_iter(&key))?;
                self.insert(&both, record, attempt + 1, now)?;
                both.commit()?;
            }
        }
        Ok(Appended::Stored)
    }

    fn insert(
        &mut self,
        conn: &Connection,
        record: &Record,
        attempt: i64,
        now: i64,
    ) -> Result<(), LedgerError> {
        match record {
            Record::Sample(sample) => self.sample(conn, sample, attempt, now),
            Record::Judgement(judgement) => self.judgement(conn, judgement, attempt, now),
        }
    }

    fn sample(&mut self, conn: &Connection, s: &Sample, attempt: i64, now: i64) -> Result<(), LedgerError> {
        let raw = self.pack(&s.raw)?;
        let usage = counts(&s.usage);
        conn.prepare_cached(
            "INSERT INTO sample (key, attempt, current, arm, messages, idx, status, provenance, cause_kind, cost,
                stored, sim_truth, finish, started, first_byte_us, total_us, tokens_input, tokens_output,
                tokens_reasoning, tokens_cached, price_version, requested_model, returned_model, fingerprint, url,
                request_id, request_seed, cause, retries, spans, parts, raw)
             VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31)",
        )?
        .execute(params![
            s.key.as_bytes(),
            attempt,
            s.arm.as_bytes(),
            s.messages.as_bytes(),
            s.index,
            s.status.name(),
            s.extraction.provenance.name(),
            cause_kind(s.cause.as_ref()),
            s.cost.map(|c| c.0),
            now,
            s.sim_truth.as_ref().map(json).transpose()?,
            finish_text(&s.finish),
            s.timing.started.0,
            s.timing.first_byte_us,
            s.timing.total_us,
            usage[0],
            usage[1],
            usage[2],
            usage[3],
            s.price_version,
            s.requested_model.as_str(),
            s.returned_model,
            s.fingerprint,
            s.url,
            s.request_id,
            s.request_seed.map(u64::cast_signed),
            s.cause.as_ref().map(json).transpose()?,
            some(&s.retries).map(json).transpose()?,
            json(&s.extraction.spans)?,
            json(&s.extraction.parts)?,
            raw,
        ])?;
        Ok(())
    }

    fn judgement(
        &mut self,
        conn: &Connection,
        j: &Judgement,
        attempt: i64,
        now: i64,
    ) -> Result<(), LedgerError> {
        let raw = self.pack(&j.raw)?;
        let usage = counts(&j.usage);
        conn.prepare_cached(
            "INSERT INTO judgement (key, attempt, current, sample, judge, task, repeat, inputs, status, label,
                cause_kind, cost, stored, scenario, truncated_trace, repaired, reasks, parser_version, prompt_hash,
                started, first_byte_us, total_us, tokens_input, tokens_output, tokens_reasoning, tokens_cached,
                returned_model, cause, risks, explanation, raw_verdict, raw, details)
             VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32)",
        )?
        .execute(params![
            j.key.as_bytes(),
            attempt,
            j.sample.as_bytes(),
            j.judge.as_bytes(),
            j.task.name(),
            j.repeat,
            j.inputs.as_bytes(),
            j.status.name(),
            j.label.map(undersight_core::Label::name),
            cause_kind(j.cause.as_ref()),
            j.cost.map(|c| c.0),
            now,
            j.scenario.name(),
            j.flags.truncated_trace,
            j.flags.repaired,
            j.flags.reasks,
            j.parser_version,
            j.prompt_hash.as_ref().map(Digest::as_bytes),
            j.timing.started.0,
            j.timing.first_byte_us,
            j.timing.total_us,
            usage[0],
            usage[1],
            usage[2],
            usage[3],
            j.returned_model,
            j.cause.as_ref().map(json).transpose()?,
            some(&j.risks).map(json).transpose()?,
            j.explanation,
            j.raw_verdict,
            raw,
            (!j.details.is_empty()).then(|| json(&j.details)).transpose()?,
        ])?;
        Ok(())
    }

    /// Request and response in one frame, which is faster and smaller than two; nothing for two empty bodies.
    fn pack(&mut self, raw: &RawExchange) -> Result<Option<&[u8]>, LedgerError> {
        if raw.request.is_empty() && raw.response.is_empty() {
            return Ok(None);
        }
        let refused =
            |detail: String| LedgerError::Refused { detail: format!("cannot compress a body: {detail}") };
        let length = u32::try_from(raw.request.len()).map_err(|e| refused(e.to_string()))?;
        self.plain.clear();
        self.plain.extend_from_slice(&length.to_le_bytes());
        self.plain.extend_from_slice(&raw.request);
        self.plain.extend_from_slice(&raw.response);
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(self.plain.len()));
        self.zstd.compress_to_buffer(&self.plain, &mut self.packed).map_err(|e| refused(e.to_string()))?;
        Ok(Some(&self.packed))
    }
}

/// JSON text of one of our own types.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(|e| LedgerError::Refused { detail: e.to_string() })
}

fn some<T>(list: &[T]) -> Option<&[T]> {
    (!list.is_empty()).then_some(list)
}

fn cause_kind(cause: Option<&Cause>) -> Option<&'static str> {
    cause.map(|c| c.kind.name())
}

/// A count beyond 63 bits is no count: it is stored as unknown.
fn counts(usage: &Usage) -> [Option<i64>; 4] {
    [usage.input, usage.output, usage.reasoning, usage.cached]
        .map(|count| count.and_then(|n| i64::try_from(n).ok()))
}

/// `stop`, `length`, `content-filter`, `unknown`, or `other:` and the provider's word.
fn finish_text(finish: &FinishReason) -> std::borrow::Cow<'static, str> {
    match finish {
        FinishReason::Stop => "stop".into(),
        FinishReason::Length => "length".into(),
        FinishReason::ContentFilter => "content-filter".into(),
        FinishReason::Unknown => "unknown".into(),
        FinishReason::Other(word) => format!("other:{word}").into(),
    }
}

/// Reads [`finish_text`].
pub(crate) fn finish_from(text: &str) -> Option<FinishReason> {
    match text {
        "stop" => Some(FinishReason::Stop),
        "length" => Some(FinishReason::Length),
        "content-filter" => Some(FinishReason::ContentFilter),
        "unknown" => Some(FinishReason::Unknown),
        other => other.strip_prefix("other:").map(|w| FinishReason::Other(w.to_owned())),
    }
}
