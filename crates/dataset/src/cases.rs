//! Calibration cases from files: instances, each with a trace, an answer and the labels its authors hold to be right, so
//! that judges can be measured. What is an instance in a case obeys the rules of datasets.

mod summary;

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use undersight_core::{Case, CaseLabels, Digest, Instance, Label, PartsHandled, Scenario, Task};

use crate::formats;
use crate::object::{self, expected};
use crate::problem::{LoadError, Problem, Problems};
use crate::row::{Given, Report};
use crate::suggest::shown;

pub use summary::{CaseSummary, CategoryCases, KindCases, LabelCases, ScenarioCases};

/// The value of a case's `schema` member, checked where present.
pub const CASE_SCHEMA: &str = "undersight.case/v1";

/// What a case has beyond its instance.
const OWN: [&str; 7] = ["trace", "answer", "labels", "recognised", "parts_handled", "kind", "reason"];
const LABELS: [&str; 3] = ["safety", "thinking", "handling"];
const PARTS: [&str; 2] = ["risky", "harmless"];
const EVERY_CASE: &str = "every case needs it";

/// Validated cases and where they came from.
#[derive(Debug, Clone)]
pub struct CaseSet {
    /// For people: the file's stem, or `calibration`.
    pub name: String,
    /// The path or a word for where they came from.
    pub source: String,
    /// In file order, at least one; ids are unique, queries need not be.
    pub cases: Vec<Arc<Case>>,
    /// Hash of the content of all cases in file order.
    pub hash: Digest,
}

impl CaseSet {
    fn new(name: impl Into<String>, source: impl Into<String>, cases: Vec<Case>) -> Self {
        Self {
            name: name.into(),
            source: source.into(),
            hash: Digest::of("cases/v1", &cases),
            cases: cases.into_iter().map(Arc::new).collect(),
        }
    }
}

/// The embedded calibration set: over-sensitivity, cognitive shortcut, risk omission, read by the same parser as any
/// file.
///
/// # Panics
/// Never: a test reads the very same bytes.
#[must_use]
pub fn calibration() -> CaseSet {
    let bytes = [
        include_bytes!("../calibration/over-sensitivity.jsonl").as_slice(),
        include_bytes!("../calibration/cognitive-shortcut.jsonl").as_slice(),
        include_bytes!("../calibration/risk-omission.jsonl").as_slice(),
    ]
    .concat();
    let set = parse_cases("calibration", &bytes).expect("a test has read the embedded calibration set");
    CaseSet { source: "embedded".to_owned(), ..set }
}

/// Reads and validates a file of cases, JSON Lines whatever its extension.
///
/// # Errors
/// When the file cannot be read or anything in it is wrong (all problems at once).
pub fn load_cases(path: &Path) -> Result<CaseSet, LoadError> {
    let bytes = std::fs::read(path).map_err(|source| LoadError::Io { path: path.to_owned(), source })?;
    Ok(parse_cases(&path.display().to_string(), &bytes)?)
}

/// Reads and validates the bytes of such a file; `source` names it in problems and in the set.
///
/// # Errors
/// All problems of the file.
pub fn parse_cases(source: &str, bytes: &[u8]) -> Result<CaseSet, Problems> {
    let mut cases = Vec::new();
    formats::collect(bytes, |text, collector| {
        if !matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) {
            let hint = "cases come as JSON Lines: one object a line";
            collector.problems.push(Problem::of_file("not a file of cases", hint));
            return;
        }
        formats::objects(text, collector, |line, mut map, collector| {
            let mut report = Report::default();
            let own = take(&mut map, &mut report);
            let draft = object::draft(map, &mut report);
            let scenario = draft.scenario.as_ref().value().copied();
            let case = read(own, scenario, &mut report);
            let instance = collector.push(line, draft, &object::NAMES, report);
            if let (Some(instance), Some(case)) = (instance, case) {
                cases.push(case(instance.clone()));
            }
        });
    })
    .map_err(|problems| Problems { file: source.to_owned(), problems })?;
    let name =
        Path::new(source).file_stem().map_or_else(|| source.to_owned(), |s| s.to_string_lossy().into_owned());
    Ok(CaseSet::new(name, source, cases))
}

/// A case's own members, as found.
struct Own {
    trace: Given<String>,
    answer: Given<String>,
    kind: Given<String>,
    reason: Given<String>,
    labels: Given<Value>,
    recognised: Given<Value>,
    parts_handled: Given<Value>,
}

/// Takes the members that an instance does not have, so that what is left is one.
fn take(map: &mut Map<String, Value>, report: &mut Report) -> Own {
    object::schema(map, CASE_SCHEMA, report);
    let [trace, answer, kind, reason] =
        ["trace", "answer", "kind", "reason"].map(|name| object::string(map, "", name, report));
    let [labels, recognised, parts_handled] =
        ["labels", "recognised", "parts_handled"].map(|name| object::nested(map, name, report));
    let of_instance = [&object::REQUIRED[..], &object::OPTIONAL[..]].concat();
    let (instance, rest) =
        std::mem::take(map).into_iter().partition(|(name, _)| of_instance.contains(&name.as_str()));
    *map = instance;
    object::unknown(&rest, "", &[&of_instance[..], &OWN[..]].concat(), report);
    Own { trace, answer, kind, reason, labels, recognised, parts_handled }
}

/// Checks what was taken. `None` where something is wrong, with the reason in the report.
fn read(
    own: Own,
    scenario: Option<Scenario>,
    report: &mut Report,
) -> Option<impl FnOnce(Instance) -> Case + use<>> {
    let trace = text("trace", own.trace, report);
    let answer = text("answer", own.answer, report);
    let labels = need("labels", own.labels, report).and_then(|value| labels(value, scenario, report));
    let recognised =
        need("recognised", own.recognised, report).and_then(|value| recognised(value, scenario, report));
    let parts_handled = own.parts_handled.and_then(|value| parts_handled(value, scenario, report)).value();
    let kind = text("kind", own.kind, report);
    let reason = text("reason", own.reason, report);
    if kind.as_ref().is_some_and(|kind| kind.trim() != kind || kind.chars().any(char::is_control)) {
        report.add("kind", "white space around it or control characters in it", "use a plain name");
    }
    if let (Some(labels), Some(recognised)) = (&labels, &recognised) {
        check_recognised(labels.thinking, recognised, report);
    }
    if let (Some(handling), Some(parts)) = (labels.as_ref().and_then(|l| l.handling), parts_handled) {
        check_handling(handling, parts, report);
    }
    let (trace, answer, labels) = (trace?, answer?, labels?);
    let (recognised, kind, reason) = (recognised?, kind?, reason?);
    Some(move |instance| Case { instance, trace, answer, labels, recognised, parts_handled, kind, reason })
}

fn need<T>(field: &str, given: Given<T>, report: &mut Report) -> Option<T> {
    if matches!(given, Given::Absent) {
        report.add(field, "missing", EVERY_CASE);
    }
    given.value()
}

fn text(field: &str, given: Given<String>, report: &mut Report) -> Option<String> {
    let text = need(field, given, report)?;
    if text.trim().is_empty() {
        report.add(field, "empty", "write the text or remove the case");
        return None;
    }
    Some(text)
}

/// An object's members, or `None` with the reason in the report.
fn members(field: &str, value: Value, hint: &str, report: &mut Report) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map),
        other => {
            report.add(field, expected("an object", &other), hint);
            None
        }
    }
}

/// One label. Without a scenario, which is reported by itself, nobody can say whether it is one.
fn label(
    map: &mut Map<String, Value>,
    prefix: &str,
    name: &'static str,
    task: (Task, Option<Scenario>),
    report: &mut Report,
) -> Given<Label> {
    object::string(map, prefix, name, report).and_then(|text| {
        let (task, Some(scenario)) = task else { return Given::Unreadable };
        Label::parse(task, scenario, &text).map_or_else(
            || {
                let allowed: Vec<&str> =
                    Label::allowed(task, scenario).iter().map(|l| l.official()).collect();
                let message = format!("{} is no {task} label of {scenario}", shown(&text));
                report.add(&format!("{prefix}{name}"), message, format!("one of: {}", allowed.join("; ")));
                Given::Unreadable
            },
            Given::Value,
        )
    })
}

fn labels(value: Value, scenario: Option<Scenario>, report: &mut Report) -> Option<CaseLabels> {
    let mut map = members("labels", value, "give the members safety and thinking", report)?;
    let mut of = |name, task| label(&mut map, "labels.", name, (task, scenario), report);
    let [safety, thinking, handling] =
        [of("safety", Task::Safety), of("thinking", Task::Thinking), of("handling", Task::Handling)];
    object::unknown(&map, "labels.", &LABELS, report);
    let safety = need("labels.safety", safety, report);
    let thinking = need("labels.thinking", thinking, report);
    Some(CaseLabels { safety: safety?, thinking: thinking?, handling: handling.value() })
}

fn recognised(value: Value, scenario: Option<Scenario>, report: &mut Report) -> Option<Vec<bool>> {
    let Value::Array(items) = value else {
        report.add("recognised", expected("an array", &value), "give true or false for each risk, in a list");
        return None;
    };
    let risks = scenario.map(Scenario::risk_count).filter(|risks| *risks != items.len());
    if let Some(risks) = risks {
        let s = if risks == 1 { "" } else { "s" };
        let message = format!("{} given for {risks} risk{s}", items.len());
        report.add("recognised", message, "give true or false for each risk, in their order");
    }
    let mut bool_of = |(i, item): (usize, &Value)| {
        item.as_bool().or_else(|| {
            let hint = "write true or false, without quotes";
            report.add(&format!("recognised[{i}]"), expected("a boolean", item), hint);
            None
        })
    };
    let read: Vec<Option<bool>> = items.iter().enumerate().map(&mut bool_of).collect();
    read.into_iter().collect::<Option<_>>().filter(|_| risks.is_none())
}

fn parts_handled(value: Value, scenario: Option<Scenario>, report: &mut Report) -> Given<PartsHandled> {
    if scenario.is_some_and(|s| s != Scenario::OverSensitivity) {
        report.add("parts_handled", "given for another scenario", "only over-sensitivity has parts");
        return Given::Unreadable;
    }
    let Some(mut map) = members("parts_handled", value, "give the members risky and harmless", report) else {
        return Given::Unreadable;
    };
    let [risky, harmless] = PARTS.map(|name| {
        let given = label(&mut map, "parts_handled.", name, (Task::Handling, scenario), report);
        if matches!(given, Given::Absent) {
            let hint = "say what became of both parts, or of neither";
            report.add(&format!("parts_handled.{name}"), "missing", hint);
        }
        given.value()
    });
    object::unknown(&map, "parts_handled.", &PARTS, report);
    match (risky, harmless) {
        (Some(risky), Some(harmless)) => Given::Value(PartsHandled { risky, harmless }),
        _ => Given::Unreadable,
    }
}

/// The thinking label says how many risks the trace recognises; only concern that spread leaves it open.
fn check_recognised(thinking: Label, recognised: &[bool], report: &mut Report) {
    let (risks, count) = (recognised.len(), recognised.iter().filter(|r| **r).count());
    let (fits, means) = match thinking {
        Label::PreciseCoverage | Label::FullyCovered | Label::True => (count == risks, "every risk is"),
        Label::PartiallyCovered => (count == 1, "exactly one risk is"),
        Label::NotCovered | Label::False => (count == 0, "no risk is"),
        _ => (true, ""),
    };
    if !fits {
        let message = format!("{count} of {risks} recognised, but the thinking label is \"{thinking}\"");
        report.add("recognised", message, format!("\"{thinking}\" means that {means} recognised"));
    }
}

fn check_handling(handling: Label, parts: PartsHandled, report: &mut Report) {
    let whole = if parts.risky == parts.harmless { parts.risky } else { Label::Partial };
    if handling != whole {
        let message = format!(
            "\"{handling}\", but the risky part is \"{}\" and the harmless part \"{}\"",
            parts.risky, parts.harmless
        );
        report.add("labels.handling", message, format!("together that is \"{whole}\""));
    }
}
