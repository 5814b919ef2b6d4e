//! Responses generated elsewhere, read so that they can be judged here: CSV or JSON Lines with `id` and `answer`,
//! optionally `question` (checked against the dataset) and the trace. Other members are left aside, and named.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use undersight_core::Instance;

use crate::flat::{self, Members, Row, problem};
use crate::problem::{LoadError, Problem, Problems};
use crate::suggest::shown;

/// One response. Rows of one instance are its samples, in file order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Which instance it answers.
    pub id: String,
    /// The answer; tags of a thought may still be in it.
    pub answer: String,
    /// The trace, where it was kept apart.
    pub reasoning: Option<String>,
}

/// What a file of responses holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Responses {
    /// At least one, in file order.
    pub rows: Vec<Response>,
    /// Members of the file that say nothing here.
    pub left_aside: Vec<String>,
}

const MEMBERS: Members = Members {
    required: &["id", "answer"],
    optional: &["question", "reasoning_content", "reasoning", "trace"],
    texts: (&TRACES, "a trace is one string"),
    empty: &[],
    hint: "expected id, answer and optionally question, reasoning_content (or reasoning, or trace)",
};
/// The names a trace goes by: those of providers, and ours.
const TRACES: [&str; 3] = ["reasoning_content", "reasoning", "trace"];

/// Reads a file of responses to instances of a dataset.
///
/// # Errors
/// When the file cannot be read, or with everything wrong in it: missing members, unknown ids, other questions.
pub fn load_responses(path: &Path, instances: &[Arc<Instance>]) -> Result<Responses, LoadError> {
    let by_id: HashMap<&str, &Instance> = instances.iter().map(|i| (i.id.as_str(), i.as_ref())).collect();
    let mut responses = Vec::new();
    let mut problems = Vec::new();
    let mut left_aside = BTreeSet::new();
    for row in flat::read(path, &MEMBERS)? {
        match row.and_then(|(line, row)| Ok((response(line, &row, &by_id)?, row))) {
            Ok((response, row)) => {
                responses.push(response);
                left_aside.extend(row.into_keys().filter(|name| !MEMBERS.knows(name)));
            }
            Err(problem) => problems.push(problem),
        }
    }
    if responses.is_empty() && problems.is_empty() {
        problems.push(Problem::of_file("there is no response in the file", MEMBERS.hint));
    }
    if problems.is_empty() {
        Ok(Responses { rows: responses, left_aside: left_aside.into_iter().collect() })
    } else {
        Err(Problems { file: path.display().to_string(), problems }.into())
    }
}

fn response(line: u64, row: &Row, by_id: &HashMap<&str, &Instance>) -> Result<Response, Problem> {
    let (id, answer) = (MEMBERS.take(line, row, "id")?, MEMBERS.take(line, row, "answer")?);
    let Some(instance) = by_id.get(id.as_str()) else {
        let message = format!("unknown id {}", shown(&id));
        return Err(problem(line, Some("id"), message, "ids must be those of --dataset"));
    };
    if row.get("question").is_some_and(|q| !q.trim().is_empty() && q.trim() != instance.query.trim()) {
        let hint = "the responses answer another version of the dataset; pass the right --dataset, or leave the column out";
        return Err(problem(line, Some("question"), "differs from the query of this id", hint));
    }
    Ok(Response { id, answer, reasoning: reasoning(line, row)? })
}

/// The trace, by whichever name it goes.
fn reasoning(line: u64, row: &Row) -> Result<Option<String>, Problem> {
    let texts = TRACES.iter().filter_map(|name| Some((*name, row.get(*name)?)));
    let mut texts = texts.filter(|(_, text)| !text.is_empty());
    let Some((first, text)) = texts.next() else { return Ok(None) };
    match texts.find(|(_, other)| *other != text) {
        None => Ok(Some(text.clone())),
        Some((name, _)) => {
            let message = format!("differs from {first}, which holds the trace too");
            Err(problem(line, Some(name), message, "leave one of the two out"))
        }
    }
}
