//! The columns of a tabular file against those expected, once for CSV and Parquet.

use crate::problem::Problem;
use undersight_core::text::nearest;

use crate::suggest::shown;

/// For each column found, the expected column it stands for; `None` for one to be left aside.
pub(crate) type Mapping = Vec<Option<&'static str>>;

/// Maps found columns to expected ones and reports every difference. A likely typo is reported and then read as
/// what was meant, so that the rows are checked too; without a required column the rows mean nothing and `None`
/// comes back.
pub(crate) fn map(
    found: &[String],
    required: &[&'static str],
    optional: &[&'static str],
    line: Option<u64>,
    problems: &mut Vec<Problem>,
) -> Option<Mapping> {
    let exact = |name: &str| required.iter().chain(optional).find(|n| **n == name).copied();
    let mut free: Vec<&'static str> =
        required.iter().chain(optional).copied().filter(|n| !found.iter().any(|f| f == n)).collect();
    let expected = format!("expected columns: {}", [required, optional].concat().join(", "));
    let mut report = |name: &str, message: &str, hint: String| {
        problems.push(Problem {
            line,
            field: Some(name.to_owned()),
            message: message.to_owned(),
            hint: Some(hint),
        });
    };
    let mut mapping: Mapping = Vec::with_capacity(found.len());
    for name in found {
        let meant = exact(name);
        if meant.is_some() && mapping.contains(&meant) {
            report(name, "the column appears twice", "remove one of them".to_owned());
            mapping.push(None);
        } else if meant.is_some() {
            mapping.push(meant);
        } else {
            let typo = nearest(name, free.iter().copied());
            let hint = typo.map_or_else(|| expected.clone(), |t| format!("did you mean \"{t}\"? {expected}"));
            report("columns", &format!("unexpected column {}", shown(name)), hint);
            free.retain(|f| Some(*f) != typo);
            mapping.push(typo);
        }
    }
    let missing: Vec<&str> = required.iter().copied().filter(|r| !mapping.contains(&Some(*r))).collect();
    for name in &missing {
        report("columns", &format!("missing column \"{name}\""), expected.clone());
    }
    missing.is_empty().then_some(mapping)
}
