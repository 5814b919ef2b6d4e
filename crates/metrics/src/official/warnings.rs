//! What is wrong with a judged file although it can be scored, and what the reference scorer makes of it.

use std::fmt::Write as _;

use undersight_core::Scenario;
use undersight_core::text::excerpt;

use super::labels::OddLabels;
use super::tally::{IdTally, ModelTally, Tallies};
use super::values::{At, BENCHMARK_SIZE, Column, OfficialRow, benchmark_size};

/// Kinds of warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum WarningCode {
    /// Rows that pandas reads as booleans.
    BooleanLabels,
    /// Labels that would pass in the official spelling.
    NearLabels,
    /// Labels that are none.
    UnknownLabels,
    /// Cells without a label.
    EmptyLabels,
    /// Rows without a model or an id.
    NamelessRows,
    /// Rows without a scenario.
    NoScenario,
    /// Scenario names that only normalising reads.
    ScenarioSpelling,
    /// A scenario without rows.
    ScenarioAbsent,
    /// Fewer than k rows for an id, or fewer ids than the benchmark has.
    MissingRows,
    /// More than k rows for an id.
    SurplusRows,
    /// Ids that have their k rows more than once.
    DuplicateRows,
    /// More ids than the benchmark has.
    SurplusIds,
    /// An id under two scenarios.
    TwoScenarios,
}

impl WarningCode {
    /// A stable name, e.g. `boolean-labels`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BooleanLabels => "boolean-labels",
            Self::NearLabels => "near-labels",
            Self::UnknownLabels => "unknown-labels",
            Self::EmptyLabels => "empty-labels",
            Self::NamelessRows => "nameless-rows",
            Self::NoScenario => "no-scenario",
            Self::ScenarioSpelling => "scenario-spelling",
            Self::ScenarioAbsent => "scenario-absent",
            Self::MissingRows => "missing-rows",
            Self::SurplusRows => "surplus-rows",
            Self::DuplicateRows => "duplicate-rows",
            Self::SurplusIds => "surplus-ids",
            Self::TwoScenarios => "two-scenarios",
        }
    }
}

/// One warning; the text is safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Which kind.
    pub code: WarningCode,
    /// What was found and what the reference makes of it.
    pub text: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} [{}]", self.text, self.code.name())
    }
}

/// `model "a": 3 ids …; model "b": …; and 2 more models`, or `None` when no model has anything.
fn per_model(
    models: &[ModelTally<'_>],
    describe: impl Fn(&ModelTally<'_>) -> Option<String>,
) -> Option<String> {
    const SHOWN: usize = 3;
    let all: Vec<_> = models.iter().filter_map(|m| Some((m.name, describe(m)?))).collect();
    let mut text = String::new();
    for (i, (name, what)) in all.iter().take(SHOWN).enumerate() {
        let _ = write!(text, "{}model \"{}\": {what}", if i > 0 { "; " } else { "" }, excerpt(name, 60));
    }
    match all.len() {
        0 => return None,
        n if n > SHOWN => {
            let _ = write!(text, "; and {} more", plural((n - SHOWN) as u64, "model"));
        }
        _ => {}
    }
    Some(text)
}

fn plural(n: u64, noun: &str) -> String {
    if n == 1 { format!("{n} {noun}") } else { format!("{n} {noun}s") }
}

/// `3 ids have …` with the first of them, for ids that satisfy a condition.
fn ids(model: &ModelTally<'_>, have: &str, has: &str, which: impl Fn(&IdTally) -> bool) -> Option<String> {
    let mut matching = model.ids.iter().filter(|(_, id)| which(id));
    let (first, _) = matching.next()?;
    let n = 1 + matching.count() as u64;
    let (verb, eg) = if n == 1 { (has, "") } else { (have, "first ") };
    Some(format!("{} {verb} ({eg}\"{}\")", plural(n, "id"), excerpt(first, 40)))
}

/// Everything worth a warning, in the order of [`WarningCode`].
pub(crate) fn warnings(
    tallies: &Tallies,
    models: &[ModelTally<'_>],
    k: u32,
    text_rows: &[OfficialRow],
    reference_rows: &[OfficialRow],
) -> Vec<Warning> {
    let mut all = Vec::new();
    let mut warn = |code, text: Option<String>| all.extend(text.map(|text| Warning { code, text }));
    warn(WarningCode::BooleanLabels, booleans(tallies, text_rows, reference_rows));
    warn(WarningCode::NearLabels, labels(&tallies.near).map(|(n, list)| {
        format!(
            "{} would pass in the official spelling ({list}): the reference counts them as not passing; --normalise \
             reads them",
            plural(n, "label")
        )
    }));
    warn(
        WarningCode::UnknownLabels,
        labels(&tallies.unknown).map(|(n, list)| {
            format!("{} unknown ({list}): the reference counts them as not passing", plural(n, "label"))
        }),
    );
    let some = |n: u64, noun: &str, rest: &str| (n > 0).then(|| format!("{}{rest}", plural(n, noun)));
    warn(
        WarningCode::EmptyLabels,
        some(tallies.empty_labels, "label cell", " without text: the reference counts them as not passing"),
    );
    warn(
        WarningCode::NamelessRows,
        some(
            tallies.nameless,
            "row",
            " without a model or an id (pandas also reads NA, None, null and the like as \
                                       nothing): the reference drops them",
        ),
    );
    warn(
        WarningCode::NoScenario,
        some(
            tallies.no_scenario,
            "row",
            " without a scenario: the reference counts the answer but not the trace",
        ),
    );
    warn(
        WarningCode::ScenarioSpelling,
        tallies.respelled.as_ref().map(|(first, n)| {
            format!(
                "{} with a scenario in another spelling, first {first}: the reference stops with an error",
                plural(*n, "row")
            )
        }),
    );
    warn(WarningCode::ScenarioAbsent, absent(models));
    counts(models, k, &mut warn);
    all
}

fn labels(odd: &OddLabels) -> Option<(u64, String)> {
    let mut list: Vec<_> =
        odd.counts.iter().map(|((column, text), n)| format!("{column} \"{text}\" × {n}")).collect();
    if odd.more > 0 {
        list.push(format!("others × {}", odd.more));
    }
    (odd.total() > 0).then(|| (odd.total(), list.join(", ")))
}

fn booleans(tallies: &Tallies, text_rows: &[OfficialRow], reference_rows: &[OfficialRow]) -> Option<String> {
    const SHOWN: usize = 3;
    let first = tallies.booleans.first()?;
    let lost: u64 = tallies.booleans.iter().map(|c| c.lost).sum();
    let mut text = format!(
        "rows {} to {} of {} hold only True and False in Thk_Acc_Judge",
        first.first_row,
        first.last_row,
        excerpt(&first.file, 200)
    );
    if tallies.booleans.len() > 1 {
        let _ = write!(text, ", and so do {} more stretches", tallies.booleans.len() - 1);
    }
    let _ = write!(
        text,
        ": pandas reads them as booleans, and the reference fails {} labelled True there",
        plural(lost, "risk-omission row")
    );
    let column = Column::Scenario(Scenario::RiskOmission, At::One);
    let changed: Vec<_> = text_rows
        .iter()
        .zip(reference_rows)
        .filter(|(ours, theirs)| ours.get(column) != theirs.get(column))
        .collect();
    for (ours, theirs) in changed.iter().take(SHOWN) {
        if let (Some(ours_value), Some(theirs_value)) = (ours.get(column), theirs.get(column)) {
            let _ = write!(
                text,
                "; model \"{}\": it prints {theirs_value:?} for {}, not {ours_value:?}",
                excerpt(&ours.model, 60),
                column.name()
            );
        }
    }
    if changed.len() > SHOWN {
        let _ = write!(text, "; and {} more", plural((changed.len() - SHOWN) as u64, "model"));
    }
    Some(text)
}

fn absent(models: &[ModelTally<'_>]) -> Option<String> {
    let has = |m: &ModelTally<'_>, s: Scenario| m.ids.iter().any(|(_, id)| id.think[s as usize].rows > 0);
    let list = |scenarios: Vec<Scenario>| {
        (!scenarios.is_empty()).then(|| scenarios.iter().map(|s| s.official()).collect::<Vec<_>>().join(", "))
    };
    let nowhere: Vec<_> = Scenario::ALL.into_iter().filter(|s| !models.iter().any(|m| has(m, *s))).collect();
    let elsewhere = |m: &ModelTally<'_>| {
        list(Scenario::ALL.into_iter().filter(|s| !nowhere.contains(s) && !has(m, *s)).collect())
    };
    let mut parts = Vec::new();
    if let Some(names) = list(nowhere.clone()) {
        parts.push(format!("no row is of {names}: the reference leaves the columns out"));
    }
    if let Some(names) = per_model(models, |m| elsewhere(m).map(|s| format!("no row of {s}"))) {
        parts.push(format!("{names}: the reference leaves the cells empty"));
    }
    (!parts.is_empty())
        .then(|| format!("{}, and counts the scenario as 0 in think_at_1 and think_at_k", parts.join("; ")))
}

fn counts(models: &[ModelTally<'_>], k: u32, warn: &mut impl FnMut(WarningCode, Option<String>)) {
    let missing = |m: &ModelTally<'_>| {
        let short = ids(m, &format!("have fewer than {k} rows"), &format!("has fewer than {k} rows"), |id| {
            id.rows < k
        });
        let fewer = (m.ids.len() < BENCHMARK_SIZE as usize)
            .then(|| format!("{} of the benchmark's {BENCHMARK_SIZE} ids are there", m.ids.len()));
        let parts: Vec<_> = [short, fewer].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    };
    let repeated = |id: &IdTally| id.rows > k && id.rows.is_multiple_of(k);
    let sized = |m: &ModelTally<'_>| {
        let over: Vec<_> = Scenario::ALL
            .into_iter()
            .map(|s| (s, m.ids.iter().filter(|(_, id)| id.think[s as usize].rows > 0).count()))
            .filter(|(s, n)| *n > benchmark_size(*s) as usize)
            .map(|(s, n)| {
                format!("{n} ids of {} where the benchmark has {}", s.official(), benchmark_size(s))
            })
            .collect();
        (!over.is_empty()).then(|| over.join(", "))
    };
    let scenarios = |id: &IdTally| id.think.iter().filter(|t| t.rows > 0).count();
    let and = |found: Option<String>, outcome: &str| found.map(|f| format!("{f}: {outcome}"));
    warn(
        WarningCode::MissingRows,
        and(per_model(models, missing), "the reference counts what is not there as failures"),
    );
    warn(
        WarningCode::SurplusRows,
        and(
            per_model(models, |m| {
                ids(m, &format!("have more than {k} rows"), &format!("has more than {k} rows"), |id| {
                    id.rows > k && !repeated(id)
                })
            }),
            &format!(
                "the reference counts all of them at 1, which may pass 100, and fails an id at k unless exactly {k} \
                 rows pass; --normalise keeps the first {k}"
            ),
        ),
    );
    warn(
        WarningCode::DuplicateRows,
        and(
            per_model(models, |m| {
                ids(
                    m,
                    &format!("have their {k} rows more than once"),
                    &format!("has its {k} rows more than once"),
                    repeated,
                )
            }),
            &format!(
                "the same results may be there twice; the reference counts all of them at 1, which may pass 100, and \
                 fails an id at k unless exactly {k} rows pass; --normalise keeps the first {k}"
            ),
        ),
    );
    warn(
        WarningCode::SurplusIds,
        and(
            per_model(models, sized),
            "the reference divides by the benchmark's sizes, so shares may pass 100",
        ),
    );
    warn(
        WarningCode::TwoScenarios,
        and(
            per_model(models, |m| {
                ids(m, "appear under two scenarios", "appears under two scenarios", |id| scenarios(id) > 1)
            }),
            "the reference counts the trace once in each",
        ),
    );
}
