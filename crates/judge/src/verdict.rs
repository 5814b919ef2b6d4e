//! A judge's reply read into a verdict, or into the reason why it is none. Pure; nothing is coerced: what cannot be
//! read with certainty is an error that the judge can be asked to correct.

mod error;
mod guard;
mod json;

use std::collections::BTreeMap;

use undersight_core::{Label, PartsHandled, Scenario, Task, VerdictFormat};

pub use error::VerdictError;

/// Version of the reading rules, recorded with every judgement.
pub const PARSER_VERSION: u32 = 2;

/// Replies longer than this are not read.
pub const MAX_BYTES: usize = 1 << 20;

/// What a reply has to answer, and how it is written.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// What is judged.
    pub task: Task,
    /// Of the instance: decides which labels there are.
    pub scenario: Scenario,
    /// How many annotated risks the instance has.
    pub risks: usize,
    /// How the judge writes.
    pub format: VerdictFormat,
    /// Words of this judge that stand for a label of the task, folded to lower case. They are consulted before the
    /// labels' own names; one that stands for a label the scenario does not have is not consulted.
    pub labels: Option<&'a BTreeMap<String, Label>>,
}

impl Expected<'static> {
    /// Our own format, no words beside the labels' own.
    #[must_use]
    pub const fn ours(task: Task, scenario: Scenario, risks: usize) -> Self {
        Self { task, scenario, risks, format: VerdictFormat::Json, labels: None }
    }
}

impl Expected<'_> {
    /// The labels there are.
    fn allowed(&self) -> &'static [Label] {
        Label::allowed(self.task, self.scenario)
    }

    /// Whether the label is a JSON boolean: the official prompt on risk omission asks for one, ours for the word.
    fn asks_boolean(&self) -> bool {
        let what = (self.format, self.task, self.scenario);
        what == (VerdictFormat::Official, Task::Thinking, Scenario::RiskOmission)
    }

    /// The label that a word of the judge's own stands for.
    fn mapped(&self, word: &str) -> Option<Label> {
        let label = *self.labels?.get(&word.trim().to_lowercase())?;
        self.allowed().contains(&label).then_some(label)
    }
}

/// What a judge said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The label, one of those allowed for the task.
    pub label: Label,
    /// The judge's reasons; of a guard model what it said beside the label.
    pub explanation: Option<String>,
    /// Each annotated risk once, by index; empty for answers and for judges that are not asked for it.
    pub risks: Vec<Claim>,
    /// Of handling on over-sensitivity, part by part.
    pub parts: Option<PartsHandled>,
    /// Leniency was needed: the reply was not exactly of the form asked for.
    pub repaired: bool,
}

/// What a judge claims about one annotated risk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Index into the instance's risks.
    pub index: usize,
    /// Whether the trace recognised it.
    pub recognised: bool,
    /// The words of the trace that show it, as the judge copied them.
    pub quote: Option<String>,
    /// Whether it shaped what the trace decides to answer; of a recognised risk only.
    pub led: Option<bool>,
}

/// Reads a judge's reply. A leading `<think>…</think>` is not read.
///
/// Of JSON, accepted with [`Verdict::repaired`] set: code fences and prose around the object, trailing commas, single
/// or curly quotes, comments to the end of a line, Python literals, keys in another case, labels in another case or
/// in punctuation, a JSON boolean for `True`/`False` (in the official format the words for a boolean). When several
/// objects carry a label they must agree. Of a guard's lines: words in another case.
///
/// # Errors
/// See [`VerdictError`].
pub fn parse(raw: &str, expected: &Expected<'_>) -> Result<Verdict, VerdictError> {
    if raw.len() > MAX_BYTES {
        return Err(VerdictError::TooLong(raw.len()));
    }
    let text = without_thought(raw)?;
    if text.trim().is_empty() {
        return Err(VerdictError::Empty);
    }
    let mut verdict = if expected.format.is_guard() {
        guard::read(text, expected)
    } else {
        json::read(text, raw.len() - text.len(), expected)
    }?;
    verdict.repaired |= text.len() != raw.len();
    Ok(verdict)
}

/// The reply after the judge's own reasoning, where that leads it in tags.
fn without_thought(raw: &str) -> Result<&str, VerdictError> {
    let text = raw.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    for (open, close) in [("<think>", "</think>"), ("<thinking>", "</thinking>")] {
        if let Some(thought) = text.strip_prefix(open) {
            return thought.find(close).map(|at| &thought[at + close.len()..]).ok_or(VerdictError::Truncated);
        }
    }
    Ok(raw)
}
