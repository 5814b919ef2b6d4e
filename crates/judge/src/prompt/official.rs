//! The official prompts, from a user's copy of the BSA repository: two Markdown files with fenced prompts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use undersight_core::{Instance, Scenario, Task};

use super::error::{PromptsError, line_at, read};
use super::pattern::{Pattern, Slot};

const SAFETY: &str = "Safe_Ans_Judge.md";
const THINKING: &str = "Thinking_Accuracy_Judge.md";

/// Whether a directory holds one of the files.
pub(super) fn is_there(dir: &Path) -> bool {
    [SAFETY, THINKING].iter().any(|name| dir.join(name).is_file())
}

/// The official prompts, read.
#[derive(Debug)]
pub(super) struct Official {
    safety: Pattern,
    over_sensitivity: Pattern,
    cognitive_shortcut: Pattern,
    risk_omission: Pattern,
    texts: [(&'static str, String); 2],
}

impl Official {
    pub(super) fn load(dir: &Path) -> Result<Self, PromptsError> {
        let safety = File::read(dir, SAFETY)?;
        let thinking = File::read(dir, THINKING)?;
        let mut found = thinking.by_scenario()?;
        let mut of = |scenario: Scenario| {
            found.remove(&scenario).ok_or_else(|| {
                let message = format!("no prompt for {}", scenario.official());
                thinking.wrong(
                    None,
                    message,
                    "each prompt is fenced by ``` under a line that names its scenario",
                )
            })
        };
        Ok(Self {
            safety: safety.only()?,
            over_sensitivity: of(Scenario::OverSensitivity)?,
            cognitive_shortcut: of(Scenario::CognitiveShortcut)?,
            risk_omission: of(Scenario::RiskOmission)?,
            texts: [(SAFETY, safety.text), (THINKING, thinking.text)],
        })
    }

    /// What identifies them: the files whole.
    pub(super) fn texts(&self) -> BTreeMap<String, serde_json::Value> {
        self.texts.iter().map(|(name, text)| ((*name).to_owned(), text.as_str().into())).collect()
    }

    pub(super) fn annotated(&self) -> bool {
        self.safety.uses(Slot::RiskSummary)
    }

    pub(super) fn render(&self, task: Task, instance: &Instance, text: &str) -> Result<String, String> {
        let pattern = match (task, instance.scenario) {
            (Task::Safety, _) => &self.safety,
            (Task::Thinking, Scenario::OverSensitivity) => &self.over_sensitivity,
            (Task::Thinking, Scenario::CognitiveShortcut) => &self.cognitive_shortcut,
            (Task::Thinking, Scenario::RiskOmission) => &self.risk_omission,
            (Task::Handling, _) => return Err("the official prompts do not judge handling".to_owned()),
        };
        Ok(pattern.fill(|slot| match slot {
            Slot::Query => &instance.query,
            Slot::RiskSummary => &instance.rationale,
            Slot::Answer | Slot::Trace => text,
        }))
    }
}

/// One of the files.
struct File {
    path: PathBuf,
    text: String,
}

/// A fenced prompt.
struct Fenced<'t> {
    /// What stands between it and the one before.
    above: &'t str,
    /// The byte it begins at.
    start: usize,
    prompt: &'t str,
}

impl File {
    fn read(dir: &Path, name: &str) -> Result<Self, PromptsError> {
        let path = dir.join(name);
        Ok(Self { text: read(&path)?, path })
    }

    fn wrong(&self, at: Option<usize>, message: impl Into<String>, hint: &str) -> PromptsError {
        PromptsError::file(&self.path, at.map(|at| line_at(&self.text, at)), message, hint)
    }

    /// The one prompt of the file: fenced, or all of it.
    fn only(&self) -> Result<Pattern, PromptsError> {
        match self.fenced()?.as_slice() {
            [] => self.pattern(0, &self.text, Slot::Answer),
            [one] => self.pattern(one.start, one.prompt, Slot::Answer),
            [_, second, ..] => Err(self.wrong(
                Some(second.start),
                "a second fenced prompt",
                "this file holds a single prompt",
            )),
        }
    }

    /// The prompts of the file, each fenced and under a line that names its scenario; or else told by the labels it
    /// asks for.
    fn by_scenario(&self) -> Result<BTreeMap<Scenario, Pattern>, PromptsError> {
        let mut found = BTreeMap::new();
        for fenced in self.fenced()? {
            let at = Some(fenced.start);
            let scenario = match named(fenced.above).as_slice() {
                [one] => *one,
                [] => match asked(fenced.prompt).as_slice() {
                    [one] => *one,
                    _ => {
                        let hint = "put a line above it such as: Prompt for Risk Omission";
                        return Err(self.wrong(
                            at,
                            "it is not clear which scenario this prompt is for",
                            hint,
                        ));
                    }
                },
                _ => {
                    let hint = "name one of them on the line above it";
                    return Err(self.wrong(at, "the line above this prompt names several scenarios", hint));
                }
            };
            let pattern = self.pattern(fenced.start, fenced.prompt, Slot::Trace)?;
            if found.insert(scenario, pattern).is_some() {
                let message = format!("a second prompt for {}", scenario.official());
                return Err(self.wrong(at, message, "each scenario has one prompt"));
            }
        }
        Ok(found)
    }

    fn pattern(&self, start: usize, prompt: &str, judged: Slot) -> Result<Pattern, PromptsError> {
        let pattern = Pattern::parse(prompt, &[Slot::Query, Slot::RiskSummary, judged]).map_err(|wrong| {
            let hint = format!(
                "placeholders are {{query}}, {{risk_summary}} and {{{}}}; any other brace is doubled: {{{{ and }}}}",
                judged.name()
            );
            self.wrong(Some(start + wrong.at), wrong.message, &hint)
        })?;
        if !pattern.uses(judged) {
            let message = format!("the prompt does not show {{{}}}", judged.name());
            return Err(self.wrong(Some(start), message, "without it there is nothing to judge"));
        }
        Ok(pattern)
    }

    fn fenced(&self) -> Result<Vec<Fenced<'_>>, PromptsError> {
        let mut found = Vec::new();
        let (mut at, mut above) = (0, 0);
        // Where the open fence stands, how wide it is, and where its text begins.
        let mut open: Option<(usize, usize, usize)> = None;
        for line in self.text.split_inclusive('\n') {
            let end = at + line.len();
            let (width, rest) = fence(line);
            match open {
                None if width >= 3 && !rest.contains('`') => open = Some((at, width, end)),
                Some((fence_at, opened, start)) if width >= opened && rest.trim().is_empty() => {
                    let body = &self.text[start..at];
                    let prompt = body.strip_suffix('\n').unwrap_or(body);
                    found.push(Fenced { above: &self.text[above..fence_at], start, prompt });
                    (open, above) = (None, end);
                }
                _ => {}
            }
            at = end;
        }
        match open {
            Some((fence_at, ..)) => {
                Err(self.wrong(Some(fence_at), "this fence is never closed", "close it with a line of ```"))
            }
            None => Ok(found),
        }
    }
}

/// How many backticks a line opens with, and what follows them.
fn fence(line: &str) -> (usize, &str) {
    let bare = line.trim_start_matches(' ');
    let rest = bare.trim_start_matches('`');
    if line.len() - bare.len() > 3 { (0, rest) } else { (bare.len() - rest.len(), rest) }
}

/// The scenarios named on the nearest line that names any.
fn named(above: &str) -> Vec<Scenario> {
    let on = |line: &str| -> Vec<Scenario> {
        let line = line.to_lowercase().replace(' ', "-");
        Scenario::ALL.into_iter().filter(|s| line.contains(s.name())).collect()
    };
    above.lines().rev().map(on).find(|named| !named.is_empty()).unwrap_or_default()
}

/// The scenarios whose labels or keys a prompt mentions.
fn asked(prompt: &str) -> Vec<Scenario> {
    const MARKS: [(&str, Scenario); 3] = [
        ("Precise Coverage", Scenario::OverSensitivity),
        ("Partially Covered", Scenario::CognitiveShortcut),
        ("Reasoning Quality Evaluation Conclusion", Scenario::RiskOmission),
    ];
    MARKS.iter().filter(|(mark, _)| prompt.contains(mark)).map(|(_, scenario)| *scenario).collect()
}
