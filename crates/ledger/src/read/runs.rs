//! Runs: the list, finding one by name or id, its plan and its instances.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};
use undersight_core::text::nearest;
use undersight_core::{
    Arm, Digest, Instance, JudgeSpec, JudgementStatus, Micros, ModelName, NanoUsd, Plan, Run, SampleStatus,
    Selection,
};

use super::Columns;
use crate::{Ledger, LedgerError};

/// An instance a run covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its place in the dataset, from 0.
    pub ord: u32,
    /// The instance.
    pub instance: Arc<Instance>,
    /// Hash of the messages the arm sends for it.
    pub messages: Digest,
}

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
    /// Judgements stored by its judges, by how they ended; only the attempts that count.
    pub judgements: BTreeMap<JudgementStatus, u64>,
    /// When it was first planned.
    pub created: Micros,
    /// When a record was last stored.
    pub last_activity: Option<Micros>,
    /// What all attempts cost, as far as known.
    pub cost: Option<NanoUsd>,
}

/// Names given in a hint, the latest first.
const LISTED: usize = 8;

const RUN: &str = "SELECT r.id, r.name, a.json, r.dataset, r.dataset_name, r.created FROM run r JOIN arm a ON a.hash = r.arm";

impl Ledger {
    /// All runs, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn runs(&self) -> Result<Vec<RunSummary>, LedgerError> {
        self.read(|conn| {
            let mut query = conn.prepare(&format!("{RUN} ORDER BY r.created, r.name"))?;
            let rows = query.query_map([], |row| run(&mut Columns::of(row)))?;
            rows.map(|run| summary(conn, run?)).collect()
        })
    }

    /// The run of a name, or whose id begins so.
    ///
    /// # Errors
    /// When there is none (the error lists the nearest names) or several, or the store cannot be read.
    pub fn find_run(&self, name_or_id: &str) -> Result<Run, LedgerError> {
        self.read(|conn| {
            let mut query = conn.prepare("SELECT id, name FROM run ORDER BY created DESC, name")?;
            let rows = query.query_map([], |row| Ok((Digest::from_bytes(row.get(0)?), row.get(1)?)))?;
            let all: Vec<(Digest, String)> = rows.collect::<Result<_, _>>()?;
            load(conn, &choose(&all, name_or_id)?)
        })
    }

    /// The run of exactly this name, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn run_named(&self, name: &str) -> Result<Option<Run>, LedgerError> {
        self.read(|conn| {
            let mut query = conn.prepare(&format!("{RUN} WHERE r.name = ?1"))?;
            Ok(query.query_row([name], |row| run(&mut Columns::of(row))).optional()?)
        })
    }

    /// The run with an id.
    ///
    /// # Errors
    /// When there is none, or the store cannot be read.
    pub fn run(&self, id: Digest) -> Result<Run, LedgerError> {
        self.read(|conn| load(conn, &id))
    }

    /// A run's plan as it has grown. Its selection is what the last command that added instances asked for;
    /// [`Ledger::selections`] is what all of them did, [`Ledger::run_instances`] what the run covers.
    ///
    /// # Errors
    /// When there is no such run, or the store cannot be read.
    pub fn plan(&self, run: Digest) -> Result<Plan, LedgerError> {
        self.read(|conn| {
            let selection = selections(conn, &run)?.pop().unwrap_or_default();
            Ok(Plan { k: k(conn, &run)?, selection, judges: judges(conn, &run)? })
        })
    }

    /// What the commands that added instances to a run asked for, oldest first, each once: the run covers their union.
    ///
    /// # Errors
    /// When there is no such run, or the store cannot be read.
    pub fn selections(&self, run: Digest) -> Result<Vec<Selection>, LedgerError> {
        self.read(|conn| selections(conn, &run))
    }

    /// The instances a run covers, in the order of its dataset.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn run_instances(&self, run: Digest) -> Result<Vec<Planned>, LedgerError> {
        self.read(|conn| covered(conn, &run))
    }

    /// The judges used on a run, the latest last.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn judges(&self, run: Digest) -> Result<Vec<JudgeSpec>, LedgerError> {
        self.read(|conn| judges(conn, &run))
    }

    /// The latest judge that has settled anything of a run: one whose every call failed has nothing to score by. Where
    /// no judge has settled anything, the latest that was stored trying.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn latest_judge(&self, run: Digest) -> Result<Option<JudgeSpec>, LedgerError> {
        self.read(|conn| latest_judge(conn, &run))
    }
}

fn run(c: &mut Columns<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: c.digest()?,
        name: c.get()?,
        arm: c.json::<Arm>()?,
        dataset: c.digest()?,
        dataset_name: c.get()?,
        created: Micros(c.get()?),
    })
}

/// The run with an id.
pub(crate) fn load(conn: &Connection, id: &Digest) -> Result<Run, LedgerError> {
    conn.query_row(&format!("{RUN} WHERE r.id = ?1"), [id.as_bytes()], |row| run(&mut Columns::of(row)))
        .optional()?
        .ok_or_else(|| unknown(id))
}

pub(crate) fn covered(conn: &Connection, run: &Digest) -> Result<Vec<Planned>, LedgerError> {
    let mut query = conn.prepare(
        "SELECT ri.ord, i.json, ri.messages FROM run_instance ri JOIN instance i ON i.hash = ri.instance
         WHERE ri.run = ?1 ORDER BY ri.ord",
    )?;
    let rows = query.query_map([run.as_bytes()], |row| {
        let mut c = Columns::of(row);
        Ok(Planned { ord: c.get()?, instance: Arc::new(c.json()?), messages: c.digest()? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How selections are kept: a list, or a single one as the first stores have it.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Selections {
    List(Vec<Selection>),
    One(Selection),
}

pub(crate) fn selections(conn: &Connection, run: &Digest) -> Result<Vec<Selection>, LedgerError> {
    let found = conn
        .query_row("SELECT selection FROM run WHERE id = ?1", [run.as_bytes()], |row| {
            Columns::of(row).json::<Selections>()
        })
        .optional()?
        .ok_or_else(|| unknown(run))?;
    Ok(match found {
        Selections::List(list) => list,
        Selections::One(one) => vec![one],
    })
}

/// The samples planned for each instance.
pub(crate) fn k(conn: &Connection, run: &Digest) -> Result<u32, LedgerError> {
    Ok(conn.query_row("SELECT k FROM run WHERE id = ?1", [run.as_bytes()], |row| row.get(0))?)
}

pub(crate) fn judges(conn: &Connection, run: &Digest) -> Result<Vec<JudgeSpec>, LedgerError> {
    let mut query = conn.prepare(
        "SELECT j.json FROM run_judge rj JOIN judge j ON j.hash = rj.judge WHERE rj.run = ?1 ORDER BY rj.ord",
    )?;
    let rows = query.query_map([run.as_bytes()], |row| Columns::of(row).json())?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn latest_judge(conn: &Connection, run: &Digest) -> Result<Option<JudgeSpec>, LedgerError> {
    let mut used = conn.prepare_cached(
        "SELECT EXISTS (
            SELECT 1 FROM run r JOIN sample s ON s.arm = r.arm AND s.idx < r.k AND s.current
            CROSS JOIN judgement j ON j.sample = s.key AND j.judge = ?2 AND j.current AND j.terminal >= ?3
            WHERE r.id = ?1 AND s.messages IN (SELECT messages FROM run_instance WHERE run = ?1))",
    )?;
    let judges = judges(conn, run)?;
    for settled in [true, false] {
        for judge in judges.iter().rev() {
            if used.query_row(rusqlite::params![run.as_bytes(), judge.hash().as_bytes(), settled], |r| {
                r.get(0)
            })? {
                return Ok(Some(judge.clone()));
            }
        }
    }
    Ok(None)
}

fn unknown(id: &Digest) -> LedgerError {
    LedgerError::UnknownRun { asked: id.short(), near: None, known: Vec::new() }
}

fn summary(conn: &Connection, run: Run) -> Result<RunSummary, LedgerError> {
    let k = k(conn, &run.id)?;
    let instances: i64 =
        conn.query_row("SELECT count(*) FROM run_instance WHERE run = ?1", [run.id.as_bytes()], |row| {
            row.get(0)
        })?;
    let mut totals = Totals::default();
    let samples = totals.of(
        conn,
        "SELECT s.status, sum(s.current), max(s.stored), count(s.cost), total(s.cost) FROM run r
         JOIN sample s ON s.arm = r.arm AND s.idx < r.k
         WHERE r.id = ?1 AND s.messages IN (SELECT messages FROM run_instance WHERE run = ?1) GROUP BY s.status",
        &run.id,
        SampleStatus::parse,
    )?;
    let judgements = totals.of(
        conn,
        "SELECT j.status, sum(j.current), max(j.stored), count(j.cost), total(j.cost) FROM run r
         JOIN sample s ON s.arm = r.arm AND s.idx < r.k AND s.current
         JOIN judgement j ON j.sample = s.key
         WHERE r.id = ?1 AND s.messages IN (SELECT messages FROM run_instance WHERE run = ?1) AND j.judge IN (SELECT judge FROM run_judge WHERE run = ?1) GROUP BY j.status",
        &run.id,
        JudgementStatus::parse,
    )?;
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
    fn of<S: Ord>(
        &mut self,
        conn: &Connection,
        sql: &str,
        run: &Digest,
        parse: impl Fn(&str) -> Option<S>,
    ) -> Result<BTreeMap<S, u64>, LedgerError> {
        let mut counts = BTreeMap::new();
        let mut query = conn.prepare_cached(sql)?;
        let mut rows = query.query([run.as_bytes()])?;
        while let Some(row) = rows.next()? {
            let mut c = Columns::of(row);
            let (status, count) = (c.named(&parse)?, c.get::<i64>()?.cast_unsigned());
            if count > 0 {
                counts.insert(status, count);
            }
            self.last = self.last.max(c.get()?);
            if c.get::<i64>()? > 0 {
                #[expect(clippy::cast_possible_truncation, reason = "a sum of integers, saturating")]
                let cost = NanoUsd(c.get::<f64>()? as i64);
                self.cost = Some(self.cost.unwrap_or_default().plus(cost));
            }
        }
        Ok(counts)
    }
}

/// The run meant by a name or the beginning of an id.
fn choose(all: &[(Digest, String)], asked: &str) -> Result<Digest, LedgerError> {
    if let Some((id, _)) = all.iter().find(|(_, name)| name == asked) {
        return Ok(*id);
    }
    let prefix = asked.to_ascii_lowercase();
    let begun: Vec<_> =
        all.iter().filter(|(id, _)| prefix.len() >= 4 && id.to_string().starts_with(&prefix)).collect();
    match begun.as_slice() {
        [(id, _)] => Ok(*id),
        [] => {
            let names = || all.iter().map(|(_, name)| name.as_str());
            Err(LedgerError::UnknownRun {
                asked: asked.to_owned(),
                near: nearest(asked, names()).map(str::to_owned),
                known: names().take(LISTED).map(str::to_owned).collect(),
            })
        }
        several => Err(LedgerError::AmbiguousRun {
            asked: asked.to_owned(),
            runs: several.iter().map(|(id, name)| format!("{name} ({})", id.short())).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(first: u8, second: u8) -> Digest {
        let mut bytes = [7; 32];
        (bytes[0], bytes[1]) = (first, second);
        Digest::from_bytes(bytes)
    }

    #[test]
    fn runs_are_found_by_name_or_prefix() {
        let (ab1, ab2) = (digest(0xab, 0x10), digest(0xab, 0x11));
        let all =
            [(ab1, "o3-bsa".to_owned()), (ab2, "qwen-bsa".to_owned()), (digest(1, 2), "demo".to_owned())];
        let check = |asked: &str, expected: Result<Digest, LedgerError>| {
            assert_eq!(choose(&all, asked), expected, "{asked}");
        };
        let unknown = |asked: &str, near: Option<&str>| {
            let known = ["o3-bsa", "qwen-bsa", "demo"].map(str::to_owned).to_vec();
            Err(LedgerError::UnknownRun { asked: asked.into(), near: near.map(str::to_owned), known })
        };
        check("demo", Ok(digest(1, 2)));
        check("AB10", Ok(ab1));
        check("ab11", Ok(ab2));
        check("qwen-bsb", unknown("qwen-bsb", Some("qwen-bsa")));
        check("ab1", unknown("ab1", None));
        check("0102070", Ok(digest(1, 2)));
        let twins = [(digest(1, 1), "a".to_owned()), (digest(1, 1), "b".to_owned())];
        assert!(
            matches!(choose(&twins, "0101"), Err(LedgerError::AmbiguousRun { runs, .. }) if runs.len() == 2)
        );
        assert!(matches!(choose(&[], "x"), Err(LedgerError::UnknownRun { known, .. }) if known.is_empty()));
    }
}
