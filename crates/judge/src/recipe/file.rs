//! A judge file: TOML that describes one judge, or several and the rule that makes one verdict of theirs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use undersight_core::{
    Escalate, GenParams, Label, LabelMap, ModelName, PanelRule, Scenario, Task, VerdictFormat, text::nearest,
};

use super::{Recipe, RecipeError, Settings};
use crate::prompt::{Prompts, PromptsError};

/// Panels within panels end somewhere.
const MAX_DEPTH: usize = 4;
const MOST_VOTES: u32 = 99;
const MOST_WEIGHT: f64 = 1e6;

/// Whether a judge was given as a file: a name that ends in `.toml`.
#[must_use]
pub fn is_file(judge: &str) -> bool {
    Path::new(judge).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct JudgeFile {
    // One judge.
    model: Option<Spanned<String>>,
    base_url: Option<String>,
    temperature: Option<Spanned<f64>>,
    top_p: Option<Spanned<f64>>,
    top_k: Option<Spanned<u32>>,
    max_tokens: Option<Spanned<u32>>,
    reasoning_effort: Option<String>,
    thinking_budget: Option<Spanned<u32>>,
    seed: Option<u64>,
    prompts: Option<Spanned<String>>,
    format: Option<Spanned<String>>,
    tasks: Vec<Spanned<String>>,
    labels: BTreeMap<String, BTreeMap<String, Spanned<String>>>,
    structured: Option<bool>,
    max_chars: Option<Spanned<u32>>,
    // A member of a panel.
    judge: Option<Spanned<String>>,
    weight: Option<Spanned<f64>>,
    votes: Option<Spanned<u32>>,
    // A panel.
    name: Option<Spanned<String>>,
    rule: Option<Spanned<String>>,
    escalate: Option<Spanned<Vec<Spanned<String>>>>,
    ask_all: Option<bool>,
    member: Vec<Spanned<JudgeFile>>,
}

impl JudgeFile {
    /// The fields that were given, of those that say what one judge is.
    fn of_one_judge(&self) -> Vec<&'static str> {
        [
            ("base_url", self.base_url.is_some()),
            ("temperature", self.temperature.is_some()),
            ("top_p", self.top_p.is_some()),
            ("top_k", self.top_k.is_some()),
            ("max_tokens", self.max_tokens.is_some()),
            ("reasoning_effort", self.reasoning_effort.is_some()),
            ("thinking_budget", self.thinking_budget.is_some()),
            ("seed", self.seed.is_some()),
            ("prompts", self.prompts.is_some()),
            ("format", self.format.is_some()),
            ("tasks", !self.tasks.is_empty()),
            ("labels", !self.labels.is_empty()),
            ("structured", self.structured.is_some()),
            ("max_chars", self.max_chars.is_some()),
        ]
        .into_iter()
        .filter_map(|(field, given)| given.then_some(field))
        .collect()
    }

    /// The fields that were given, of those that say how several are counted.
    fn of_a_panel(&self) -> Vec<&'static str> {
        [
            ("name", self.name.is_some()),
            ("rule", self.rule.is_some()),
            ("escalate", self.escalate.is_some()),
            ("ask_all", self.ask_all.is_some()),
            ("member", !self.member.is_empty()),
        ]
        .into_iter()
        .filter_map(|(field, given)| given.then_some(field))
        .collect()
    }
}

impl Recipe {
    /// Reads a judge file. Paths in it are relative to it.
    ///
    /// # Errors
    /// When a file cannot be read, or with the first thing wrong in one, by line and field.
    pub fn load(path: &Path) -> Result<Self, RecipeError> {
        load(path, 0)
    }
}

fn load(path: &Path, depth: usize) -> Result<Recipe, RecipeError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| RecipeError::Unreadable { path: path.to_owned(), reason: e.to_string() })?;
    let source = Source { path, text: &text, depth };
    let file: JudgeFile = toml::from_str(&text).map_err(|e| {
        let message = e.message().lines().next().unwrap_or("not valid TOML").to_owned();
        source.wrong(e.span(), message, "docs/judges.md lists the fields of a judge file")
    })?;
    for (field, given) in [("judge", file.judge.is_some()), ("weight", file.weight.is_some())] {
        if given {
            let message = format!("`{field}` belongs to a [[member]]");
            return Err(source.wrong(None, message, "a file of one judge has `model`"));
        }
    }
    source.recipe(&file)
}

/// A file being read.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
    depth: usize,
}

impl Source<'_> {
    fn wrong(
        &self,
        span: Option<std::ops::Range<usize>>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> RecipeError {
        let line = span.map(|s| self.text[..s.start.min(self.text.len())].matches('\n').count() + 1);
        RecipeError::File { path: self.path.to_owned(), line, message: message.into(), hint: hint.into() }
    }

    /// Where a field is first set.
    fn at(&self, field: &str) -> Option<std::ops::Range<usize>> {
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            let name = line.trim_start().trim_start_matches('[');
            let rest = name.strip_prefix(field).map(str::trim_start);
            if rest.is_some_and(|rest| rest.starts_with(['=', '.', ']'])) {
                return Some(start..start + line.len());
            }
            start += line.len();
        }
        None
    }

    fn stem(&self) -> String {
        self.path
            .file_stem()
            .map_or_else(|| "panel".to_owned(), |s| s.to_string_lossy().replace(char::is_whitespace, "-"))
    }

    fn beside(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn recipe(&self, file: &JudgeFile) -> Result<Recipe, RecipeError> {
        match (&file.model, file.member.is_empty()) {
            (Some(model), true) => self.with_votes(self.single(file, model)?, file),
            (None, false) => self.panel(file),
            (Some(model), false) => Err(self.wrong(
                Some(model.span()),
                "a file is one judge (`model`) or a panel (`[[member]]`), not both",
                "make the model a member",
            )),
            (None, true) => Err(self.wrong(
                None,
                "neither `model` nor a `[[member]]`",
                "one judge: model = \"provider/name\"; a panel: rule = \"majority\" and a [[member]] each",
            )),
        }
    }

    /// One judge asked several times is a panel of one.
    fn with_votes(&self, recipe: Recipe, file: &JudgeFile) -> Result<Recipe, RecipeError> {
        let votes = self.votes(file)?;
        let of_votes = |field: &&&str| votes.is_some() && matches!(**field, "name" | "ask_all");
        if let Some(field) = file.of_a_panel().iter().find(|field| !of_votes(field)) {
            return Err(self.wrong(self.at(field), format!("`{field}` belongs to a panel"), "leave it out"));
        }
        let Some(votes) = votes else { return Ok(recipe) };
        let name = self.panel_name(file)?;
        let ask_all = file.ask_all.unwrap_or(false);
        Ok(Recipe::panel(name, PanelRule::Majority, ask_all, vec![(recipe, None, Some(votes))]))
    }

    fn votes(&self, file: &JudgeFile) -> Result<Option<u32>, RecipeError> {
        let Some(votes) = &file.votes else { return Ok(None) };
        match *votes.get_ref() {
            n if (1..=MOST_VOTES).contains(&n) => Ok(Some(n).filter(|n| *n > 1)),
            n => Err(self.wrong(
                Some(votes.span()),
                format!("votes: {n} is out of range"),
                format!("from 1 to {MOST_VOTES}"),
            )),
        }
    }

    fn panel_name(&self, file: &JudgeFile) -> Result<ModelName, RecipeError> {
        let name = file.name.as_ref().map_or_else(|| self.stem(), |n| n.get_ref().clone());
        ModelName::parse(&format!("panel/{name}")).map_err(|_| {
            let span = file.name.as_ref().map(Spanned::span);
            self.wrong(span, "name: expected a word", "letters, digits and dashes")
        })
    }

    fn single(&self, file: &JudgeFile, model: &Spanned<String>) -> Result<Recipe, RecipeError> {
        let name = ModelName::parse(model.get_ref()).map_err(|e| {
            self.wrong(Some(model.span()), format!("model: {e}"), "model = \"provider/name\"")
        })?;
        let settings = Settings {
            params: self.params(file)?,
            seed: file.seed,
            prompts: self.prompts(file)?,
            tasks: file
                .tasks
                .iter()
                .map(|t| self.task(t.get_ref(), Some(t.span())))
                .collect::<Result<_, _>>()?,
            labels: self.labels(file)?,
            structured: file.structured,
            max_chars: self.at_least(file.max_chars.as_ref(), "max_chars", 100)?,
            base_url: file.base_url.clone(),
        };
        Recipe::model(&name, settings).map_err(|e| self.wrong(Some(model.span()), e.to_string(), e.hint()))
    }

    fn params(&self, file: &JudgeFile) -> Result<GenParams, RecipeError> {
        let within = |value: Option<&Spanned<f64>>, field: &str, max: f64| match value {
            Some(v) if !(0.0..=max).contains(v.get_ref()) => Err(self.wrong(
                Some(v.span()),
                format!("{field}: {} is out of range", v.get_ref()),
                format!("from 0 to {max}"),
            )),
            v => Ok(v.map(|v| *v.get_ref())),
        };
        Ok(GenParams {
            temperature: within(file.temperature.as_ref(), "temperature", 2.0)?,
            top_p: within(file.top_p.as_ref(), "top_p", 1.0)?,
            top_k: self.at_least(file.top_k.as_ref(), "top_k", 1)?,
            max_tokens: self.at_least(file.max_tokens.as_ref(), "max_tokens", 1)?,
            reasoning_effort: file.reasoning_effort.clone(),
            thinking_budget: self.at_least(file.thinking_budget.as_ref(), "thinking_budget", 1)?,
        })
    }

    fn at_least(
        &self,
        value: Option<&Spanned<u32>>,
        field: &str,
        least: u32,
    ) -> Result<Option<u32>, RecipeError> {
        match value {
            Some(v) if *v.get_ref() < least => Err(self.wrong(
                Some(v.span()),
                format!("{field}: {} is too small", v.get_ref()),
                format!("at least {least}"),
            )),
            v => Ok(v.map(|v| *v.get_ref())),
        }
    }

    /// `prompts` and `format` together: a set of ours by name, a guard's own, or a directory.
    fn prompts(&self, file: &JudgeFile) -> Result<Option<Prompts>, RecipeError> {
        let prompts = match file.prompts.as_ref().map(Spanned::get_ref).map(String::as_str) {
            None => None,
            Some("shielded") => Some(Prompts::shielded()),
            Some("naive") => Some(Prompts::naive()),
            Some(dir) => {
                let span = file.prompts.as_ref().map(Spanned::span);
                let found = Prompts::load(&self.beside(dir));
                Some(found.map_err(|e| self.wrong(span, format!("prompts: {e}"), e.hint()))?)
            }
        };
        let Some(format) = &file.format else { return Ok(prompts) };
        let known = VerdictFormat::parse(format.get_ref()).ok_or_else(|| {
            let names = VerdictFormat::ALL.iter().map(|f| f.name());
            self.unknown("format", format, names)
        })?;
        match prompts {
            None if known.is_guard() => Ok(Some(Prompts::guard(known))),
            None if known == VerdictFormat::Json => Ok(None),
            None => Err(self.wrong(
                Some(format.span()),
                format!("format: {known} needs its prompts"),
                "prompts = \"DIR\", the directory Prompt of a copy of the BSA repository",
            )),
            Some(prompts) => {
                let written = prompts.written_in(known);
                let wrong =
                    |e: PromptsError| self.wrong(Some(format.span()), format!("format: {e}"), e.hint());
                Ok(Some(written.map_err(wrong)?))
            }
        }
    }

    fn unknown<'n>(
        &self,
        field: &str,
        given: &Spanned<String>,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> RecipeError {
        let text = given.get_ref();
        let hint = match nearest(text, names.clone()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("one of {}", names.collect::<Vec<_>>().join(", ")),
        };
        self.wrong(Some(given.span()), format!("{field}: unknown value {text:?}"), hint)
    }

    fn task(&self, text: &str, span: Option<std::ops::Range<usize>>) -> Result<Task, RecipeError> {
        Task::parse(text)
            .ok_or_else(|| self.wrong(span, format!("unknown task {text:?}"), "safety, thinking or handling"))
    }

    fn labels(&self, file: &JudgeFile) -> Result<LabelMap, RecipeError> {
        let mut map = LabelMap::new();
        for (task, words) in &file.labels {
            let task = self.task(task, None)?;
            for (word, label) in words {
                let known = Scenario::ALL.iter().find_map(|s| Label::parse(task, *s, label.get_ref()));
                let known = known.ok_or_else(|| {
                    let names = Scenario::ALL.iter().flat_map(|s| Label::allowed(task, *s));
                    let names: Vec<&str> = names.map(|l| l.name()).collect();
                    self.wrong(
                        Some(label.span()),
                        format!("labels.{task}: {:?} is no label", label.get_ref()),
                        format!("one of {}", names.join(", ")),
                    )
                })?;
                let folded = word.trim().to_lowercase();
                let before = map.entry(task).or_default().insert(folded, known);
                if before.is_some_and(|before| before != known) {
                    let message = format!("labels.{task}: {word:?} stands for two labels");
                    return Err(self.wrong(Some(label.span()), message, "words are read in any case"));
                }
            }
        }
        Ok(map)
    }

    fn panel(&self, file: &JudgeFile) -> Result<Recipe, RecipeError> {
        if self.depth >= MAX_DEPTH {
            return Err(self.wrong(None, "panels within panels within panels", "name the judges themselves"));
        }
        if let Some(field) = file.of_one_judge().first() {
            let message = format!("`{field}` belongs to one judge, and a panel is several");
            return Err(self.wrong(self.at(field), message, "put it into each [[member]] it is meant for"));
        }
        let rule = self.rule(file)?;
        let mut members: Vec<(Recipe, Option<f64>, Option<u32>)> = Vec::with_capacity(file.member.len());
        for member in &file.member {
            let seated = self.member(member, &rule)?;
            // Two seats of one judge would count one verdict twice.
            if members.iter().any(|(other, ..)| other.hash() == seated.0.hash()) {
                let hint =
                    "ask it several times with `votes`; where a judge is reached makes no other judge of it";
                return Err(self.wrong(
                    Some(member.span()),
                    "this member is the same judge as one above",
                    hint,
                ));
            }
            members.push(seated);
        }
        if let Some(votes) = &file.votes {
            return Err(self.wrong(
                Some(votes.span()),
                "`votes` belongs to a member",
                "move it to its [[member]]",
            ));
        }
        Ok(Recipe::panel(self.panel_name(file)?, rule, file.ask_all.unwrap_or(false), members))
    }

    fn rule(&self, file: &JudgeFile) -> Result<PanelRule, RecipeError> {
        const RULES: [&str; 4] = ["majority", "unanimous", "weighted", "cascade"];
        let rule = match &file.rule {
            None => PanelRule::Majority,
            Some(rule) => match rule.get_ref().as_str() {
                "majority" => PanelRule::Majority,
                "unanimous" => PanelRule::Unanimous,
                "weighted" => PanelRule::Weighted,
                "cascade" => PanelRule::Cascade { escalate: self.escalations(file)? },
                _ => return Err(self.unknown("rule", rule, RULES.into_iter())),
            },
        };
        match (&rule, &file.escalate) {
            (PanelRule::Cascade { .. }, _) | (_, None) => Ok(rule),
            (_, Some(given)) => {
                Err(self.wrong(Some(given.span()), "`escalate` belongs to a cascade", "rule = \"cascade\""))
            }
        }
    }

    fn escalations(&self, file: &JudgeFile) -> Result<Vec<Escalate>, RecipeError> {
        let Some(given) = &file.escalate else { return Ok(vec![Escalate::Unsettled]) };
        let mut escalate = Vec::new();
        for word in given.get_ref() {
            let names = Escalate::ALL.iter().map(|e| e.name());
            escalate
                .push(Escalate::parse(word.get_ref()).ok_or_else(|| self.unknown("escalate", word, names))?);
        }
        escalate.sort_unstable();
        escalate.dedup();
        if escalate.is_empty() {
            let hint = "escalate = [\"unsettled\", \"failing\"]";
            return Err(self.wrong(Some(given.span()), "escalate: nothing would ever be handed on", hint));
        }
        Ok(escalate)
    }

    fn member(
        &self,
        member: &Spanned<JudgeFile>,
        rule: &PanelRule,
    ) -> Result<(Recipe, Option<f64>, Option<u32>), RecipeError> {
        let (file, span) = (member.get_ref(), Some(member.span()));
        let recipe = match (&file.judge, &file.model, file.member.is_empty()) {
            (Some(judge), None, true) if is_file(judge.get_ref()) => {
                if let Some(field) = file.of_one_judge().iter().chain(&file.of_a_panel()).next() {
                    let message = format!("`{field}` does not go with a judge file");
                    let hint = "the file is all that determines the judge: put it there";
                    return Err(self.wrong(span, message, hint));
                }
                load(&self.beside(judge.get_ref()), self.depth + 1)?
            }
            (Some(model), None, true) | (None, Some(model), true) => {
                if let Some(field) = file.of_a_panel().first() {
                    let hint = "a member that is a panel is a judge file of its own";
                    return Err(self.wrong(span, format!("`{field}` belongs to a panel"), hint));
                }
                self.single(file, model)?
            }
            _ => {
                let hint = "judge = \"FILE.toml\" or model = \"provider/name\", with its settings beside it";
                return Err(self.wrong(span, "a member has either `judge` or `model`", hint));
            }
        };
        let weight = match &file.weight {
            Some(w) if !(*w.get_ref() > 0.0 && *w.get_ref() <= MOST_WEIGHT) => {
                return Err(self.wrong(
                    Some(w.span()),
                    format!("weight: {} is no weight", w.get_ref()),
                    format!("above 0 and at most {MOST_WEIGHT}"),
                ));
            }
            Some(w) if *rule != PanelRule::Weighted => {
                return Err(self.wrong(
                    Some(w.span()),
                    "weights count only under rule = \"weighted\"",
                    "leave it out",
                ));
            }
            w => w.as_ref().map(|w| *w.get_ref()),
        };
        let votes = self.votes(file)?;
        if votes.is_some() && matches!(rule, PanelRule::Cascade { .. }) {
            let hint = "give the member a judge file of its own with votes in it";
            return Err(self.wrong(
                file.votes.as_ref().map(Spanned::span),
                "a step of a cascade has one verdict",
                hint,
            ));
        }
        Ok((recipe, weight, votes))
    }
}
