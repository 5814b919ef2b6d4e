//! Runs: finding one by name or id, its plan and its instances.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};
use undersight_core::text::nearest;
use undersight_core::{
    Arm, Digest, Instance, JudgeKind, JudgeSpec, MemberSpec, Micros, Plan, Run, Selection,
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

/// Names given in a hint, the latest first.
const LISTED: usize = 8;

pub(crate) const RUN: &str = "SELECT r.id, r.name, a.json, r.dataset, r.dataset_name, r.created FROM run r JOIN arm a ON a.hash = r.arm";

impl Ledger {
    /// The run of a name, else the one whose name begins so, else the one whose id does.
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

    /// The latest judge of a run with a verdict that stands: one whose every reply was unreadable, or whose every call
    /// failed, has nothing to score by. Where no judge has one, the latest that settled anything; where none did, the latest
    /// that was stored trying. People are left aside, since they label some of
    /// it, and so are the members of a panel as far as they were asked for the panel alone.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn latest_judge(&self, run: Digest) -> Result<Option<JudgeSpec>, LedgerError> {
        self.read(|conn| latest_judge(conn, &run))
    }
}

pub(crate) fn run(c: &mut Columns<'_>) -> rusqlite::Result<Run> {
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
            CROSS JOIN judgement j ON j.sample = s.key AND j.judge = ?2 AND j.current
                AND (CASE ?3 WHEN 2 THEN j.status = 'ok' WHEN 1 THEN j.terminal ELSE 1 END)
            WHERE r.id = ?1 AND s.messages IN (SELECT messages FROM run_instance WHERE run = ?1))",
    )?;
    let judges = judges(conn, run)?;
    // Verdicts that stand count before verdicts that settle nothing, and these before errors.
    for standing in [2, 1, 0] {
        let mut latest = judges.iter().rev().filter(|j| j.kind != JudgeKind::Human).peekable();
        while let Some(judge) = latest.next() {
            if used.query_row(rusqlite::params![run.as_bytes(), judge.hash().as_bytes(), standing], |r| {
                r.get(0)
            })? {
                return Ok(Some(judge.clone()));
            }
            // The members of a panel stand right before it: they were asked for the panel, not for themselves.
            let members = all_members(judge);
            while latest.next_if(|j| members.contains(&j.hash())).is_some() {}
        }
    }
    Ok(None)
}

/// The members of a panel through all levels; none of any other judge.
fn all_members(judge: &JudgeSpec) -> Vec<Digest> {
    let below = |m: &MemberSpec| {
        let mut all = all_members(&m.judge);
        all.push(m.judge.hash());
        all
    };
    judge.members().iter().flat_map(below).collect()
}

fn unknown(id: &Digest) -> LedgerError {
    LedgerError::UnknownRun { asked: id.short(), near: None, known: Vec::new() }
}

/// The run meant by a name, or by the beginning of a name or an id.
fn choose(all: &[(Digest, String)], asked: &str) -> Result<Digest, LedgerError> {
    if let Some((id, _)) = all.iter().find(|(_, name)| name == asked) {
        return Ok(*id);
    }
    let mut begun: Vec<_> =
        all.iter().filter(|(_, name)| !asked.is_empty() && name.starts_with(asked)).collect();
    if begun.is_empty() && asked.len() >= 4 {
        let prefix = asked.to_ascii_lowercase();
        begun.extend(all.iter().filter(|(id, _)| id.to_string().starts_with(&prefix)));
    }
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
        check("d", Ok(digest(1, 2)));
        check("o3-b", Ok(ab1));
        check("O3", unknown("O3", None));
        check("", unknown("", None));
        check("AB10", Ok(ab1));
        check("ab11", Ok(ab2));
        check("qwen-bsb", unknown("qwen-bsb", Some("qwen-bsa")));
        check("ab1", unknown("ab1", None));
        check("0102070", Ok(digest(1, 2)));
        let shadowed =
            [(ab1, "o3".to_owned()), (ab2, "o3-bsa".to_owned()), (digest(1, 2), "ab10-run".to_owned())];
        assert_eq!(choose(&shadowed, "o3"), Ok(ab1), "an exact name wins");
        assert_eq!(choose(&shadowed, "ab10"), Ok(digest(1, 2)), "a name wins over an id");
        let several = choose(&shadowed, "o").unwrap_err();
        assert_eq!(several.to_string(), "\"o\" begins the names or ids of 2 runs");
        assert_eq!(
            several.hint(),
            Some(format!("give more of it: o3 ({}), o3-bsa ({})", ab1.short(), ab2.short()))
        );
        let twins = [(digest(1, 1), "a".to_owned()), (digest(1, 1), "b".to_owned())];
        assert!(
            matches!(choose(&twins, "0101"), Err(LedgerError::AmbiguousRun { runs, .. }) if runs.len() == 2)
        );
        assert!(matches!(choose(&[], "x"), Err(LedgerError::UnknownRun { known, .. }) if known.is_empty()));
    }
}
