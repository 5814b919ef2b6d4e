//! The one place where a record becomes an instance: every format hands its rows in as drafts, and the rules that
//! hold for all of them are checked here.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use undersight_core::{Digest, Instance, OsParts, Risk, Scenario};

use crate::problem::Problem;
use crate::suggest::shown;

/// A member of a record as it was found.
#[derive(Debug)]
pub(crate) enum Given<T> {
    Value(T),
    Absent,
    /// Wrong in a way already reported.
    Unreadable,
}

impl<T> Given<T> {
    pub(crate) fn as_ref(&self) -> Given<&T> {
        match self {
            Self::Value(value) => Given::Value(value),
            Self::Absent => Given::Absent,
            Self::Unreadable => Given::Unreadable,
        }
    }

    pub(crate) fn and_then<U>(self, read: impl FnOnce(T) -> Given<U>) -> Given<U> {
        match self {
            Self::Value(value) => read(value),
            Self::Absent => Given::Absent,
            Self::Unreadable => Given::Unreadable,
        }
    }

    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Unreadable => None,
        }
    }
}

/// What a schema calls things, for messages.
pub(crate) struct Names {
    pub(crate) scenario: &'static str,
    pub(crate) rationale: &'static str,
    pub(crate) risks: &'static str,
    pub(crate) two_rationales: &'static str,
}

/// A record before the rules that hold for every schema.
pub(crate) struct Draft {
    pub(crate) id: Given<String>,
    pub(crate) query: Given<String>,
    pub(crate) scenario: Given<Scenario>,
    pub(crate) rationale: Given<String>,
    /// `None` inside for a risk already reported as wrong.
    pub(crate) risks: Given<Vec<Option<Risk>>>,
    pub(crate) parts: Given<OsParts>,
}

/// Collects the problems of one record.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<(String, String, Option<String>)>);

impl Report {
    pub(crate) fn add(&mut self, field: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.0.push((field.to_owned(), message.into(), Some(hint.into())));
    }

    /// The value, or `None` with "missing" reported where there is none.
    fn require<T>(&mut self, field: &str, given: Given<T>) -> Option<T> {
        if matches!(given, Given::Absent) {
            self.add(field, "missing", "every instance needs it");
        }
        given.value()
    }

    fn require_text(&mut self, field: &str, given: Given<String>) -> Option<String> {
        let text = self.require(field, given)?;
        if text.trim().is_empty() {
            self.add(field, "empty", "write the text or remove the instance");
            return None;
        }
        Some(text)
    }
}

/// Gathers instances, problems and warnings of a file.
#[derive(Default)]
pub(crate) struct Collector {
    instances: Vec<Instance>,
    pub(crate) problems: Vec<Problem>,
    warnings: Vec<Problem>,
    lines_by_id: HashMap<String, u64>,
    first_by_query: HashMap<Digest, (u64, String)>,
}

impl Collector {
    /// Takes one record: an instance, which comes back, if nothing is wrong with it.
    pub(crate) fn push(
        &mut self,
        line: u64,
        draft: Draft,
        names: &Names,
        mut report: Report,
    ) -> Option<&Instance> {
        if let Given::Value(id) = &draft.id {
            match self.lines_by_id.entry(id.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(line);
                }
                Entry::Occupied(first) => {
                    let message = format!("duplicate id {}, first on line {}", shown(id), first.get());
                    report.add("id", message, "ids are unique within a dataset");
                }
            }
        }
        let instance = check(draft, names, &mut report);
        let sound = report.0.is_empty();
        self.problems.extend(report.0.into_iter().map(|(field, message, hint)| Problem {
            line: Some(line),
            field: Some(field),
            message,
            hint,
        }));
        let instance = instance.filter(|_| sound)?;
        self.note_same_query(line, &instance);
        self.instances.push(instance);
        self.instances.last()
    }

    /// Reports a record that could not be taken apart at all.
    pub(crate) fn broken(&mut self, line: u64, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem { line: Some(line), ..Problem::of_file(message, hint) });
    }

    fn note_same_query(&mut self, line: u64, instance: &Instance) {
        match self.first_by_query.entry(Digest::of_bytes(instance.query.as_bytes())) {
            Entry::Vacant(entry) => {
                entry.insert((line, instance.id.clone()));
            }
            Entry::Occupied(entry) => {
                let (first, id) = entry.get();
                let (own, other) = (shown(&instance.id), shown(id));
                self.warnings.push(Problem {
                    line: Some(line),
                    field: Some("query".to_owned()),
                    message: format!("{own} has the same query as {other} on line {first}"),
                    hint: Some("intended? their samples are drawn once and shared".to_owned()),
                });
            }
        }
    }

    /// Everything gathered: instances with warnings, or all problems.
    pub(crate) fn finish(mut self) -> Result<(Vec<Instance>, Vec<Problem>), Vec<Problem>> {
        if self.problems.is_empty() && self.instances.is_empty() {
            self.problems.push(Problem::of_file("there is no instance in the file", "add at least one"));
        }
        if self.problems.is_empty() { Ok((self.instances, self.warnings)) } else { Err(self.problems) }
    }
}

/// The rules of every schema. All are tried; `None` where one failed, with the reason in the report.
fn check(draft: Draft, names: &Names, report: &mut Report) -> Option<Instance> {
    let id = report.require_text("id", draft.id);
    if id.as_ref().is_some_and(|id| id.trim() != id || id.chars().any(char::is_control)) {
        report.add("id", "white space around it or control characters in it", "use a plain name");
    }
    let query = report.require_text("query", draft.query);
    let scenario = report.require(names.scenario, draft.scenario);
    let risks = report.require(names.risks, draft.risks);
    if let (Some(scenario), Some(risks)) = (scenario, &risks) {
        check_risks(scenario, risks, names, report);
    }
    let risks: Option<Vec<Risk>> = risks.and_then(|risks| risks.into_iter().collect());
    let rationale = compose(draft.rationale, risks.as_deref(), names, report);
    let parts = draft.parts.value();
    if let Some(parts) = &parts {
        if scenario.is_some_and(|s| s != Scenario::OverSensitivity) {
            report.add("parts", "marked on another scenario", "only over-sensitivity has parts");
        } else if let Some(query) = &query {
            check_parts(query, parts, report);
        }
    }
    Some(Instance {
        id: id?,
        query: query?,
        scenario: scenario?,
        rationale: rationale?,
        risks: risks?,
        parts,
    })
}

fn check_risks(scenario: Scenario, risks: &[Option<Risk>], names: &Names, report: &mut Report) {
    let expected = scenario.risk_count();
    if risks.len() != expected {
        let message = format!("{} given, {scenario} has {expected}", risks.len());
        report.add(
            names.risks,
            message,
            "over-sensitivity and risk-omission have one risk, cognitive-shortcut two",
        );
    }
    if scenario == Scenario::CognitiveShortcut {
        let without: Vec<String> = (risks.iter().enumerate())
            .filter(|(_, risk)| risk.as_ref().is_some_and(|r| r.rationale.is_none()))
            .map(|(i, _)| (i + 1).to_string())
            .collect();
        if !without.is_empty() {
            let message = format!("no rationale of its own for risk {}", without.join(" and "));
            report.add(names.rationale, message, names.two_rationales);
        }
    }
}

/// The instance's rationale: as given, or the risks' own, a line each, where every risk has one.
fn compose(
    given: Given<String>,
    risks: Option<&[Risk]>,
    names: &Names,
    report: &mut Report,
) -> Option<String> {
    if !matches!(given, Given::Absent) {
        return report.require_text(names.rationale, given);
    }
    let own: Option<Vec<&str>> = risks?.iter().map(|r| r.rationale.as_deref()).collect();
    if own.is_none() {
        report.add(names.rationale, "missing", "write it for the instance or for each of its risks");
    }
    own.map(|texts| texts.join("\n"))
}

fn check_parts(query: &str, parts: &OsParts, report: &mut Report) {
    let mut found = true;
    for (field, text) in [("parts.risky", &parts.risky), ("parts.harmless", &parts.harmless)] {
        if text.trim().is_empty() || !query.contains(text.as_str()) {
            report.add(field, "not found in the query", "copy the part verbatim, white space included");
            found = false;
        }
    }
    if found && !disjoint(query, &parts.risky, &parts.harmless) {
        report.add("parts", "the two parts overlap", "mark two separate stretches of the query");
    }
}

/// Whether `a` and `b` occur in `text` without sharing a byte: one of them must be found wholly after the other,
/// and its earliest end leaves the most room.
fn disjoint(text: &str, a: &str, b: &str) -> bool {
    let after = |first: &str, second: &str| {
        text.find(first).is_some_and(|at| text[at + first.len()..].contains(second))
    };
    after(a, b) || after(b, a)
}
