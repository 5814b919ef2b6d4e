//! Templates of a user's own, from a directory. Everything that can be wrong with them is found on loading, by
//! reading what they use and filling each with specimens.

use std::path::{Path, PathBuf};

use undersight_core::{Digest, Instance, OsParts, Risk, Scenario, Subcategory, Task, text::nearest};

use super::error::{PromptsError, read};
use super::templates::{LabelOrder, Named, Templates, VARIABLES};
use crate::schema;

const EXTENSION: &str = ".md.j2";
/// What templates and schemas may be called.
pub(super) const NAMES: [&str; 6] =
    ["safety", "thinking-os", "thinking-cs", "thinking-ro", "handling", "handling-os"];

/// The files of a directory whose names end so.
pub(super) fn names_in(dir: &Path, end: &str) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(end)).collect();
    names.sort();
    names
}

/// The templates in a directory, known and unknown.
fn files(dir: &Path) -> Vec<String> {
    names_in(dir, ".j2")
}

/// Whether a directory holds templates.
pub(super) fn is_there(dir: &Path) -> bool {
    !files(dir).is_empty()
}

/// Reads, checks and tries out the templates of a directory.
pub(super) fn load(dir: &Path) -> Result<Templates, PromptsError> {
    let mut texts: Vec<Named> = Vec::new();
    for file in files(dir) {
        let stem = file.strip_suffix(EXTENSION).unwrap_or(&file);
        let Some(name) = NAMES.into_iter().find(|known| *known == stem) else {
            let hint = match nearest(stem, NAMES) {
                Some(near) => format!("did you mean {near}{EXTENSION}?"),
                None => format!("one of {}, each with {EXTENSION}", NAMES.join(", ")),
            };
            return Err(PromptsError::file(&dir.join(&file), None, "no template is called that", hint));
        };
        let text = read(&path(dir, name))?;
        check(&path(dir, name), name, &text)?;
        texts.push((name, text.into()));
    }
    let templates =
        Templates::new(texts, LabelOrder::Usual).map_err(|(name, e)| failed(&path(dir, name), &e))?;
    complete(dir, &templates)?;
    for instance in specimens() {
        for task in templates.tasks() {
            let filled =
                templates.try_render(task, &instance, "a text to judge", &Digest::of_bytes(b"specimen"));
            filled.map_err(|e| failed(&path(dir, schema::name(task, instance.scenario)), &e))?;
        }
    }
    Ok(templates)
}

fn path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}{EXTENSION}"))
}

/// What can be said of one template before it is filled.
fn check(path: &Path, name: &'static str, text: &str) -> Result<(), PromptsError> {
    let alone = Templates::new(vec![(name, text.to_owned().into())], LabelOrder::Usual)
        .map_err(|(_, e)| failed(path, &e))?;
    if let Some(unknown) = alone.variables(name).find(|used| !VARIABLES.contains(used)) {
        let line = text.lines().position(|line| {
            line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == unknown)
        });
        let message = format!("there is no variable {unknown}");
        let hint = match nearest(unknown, VARIABLES) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("the variables are {}", VARIABLES.join(", ")),
        };
        return Err(PromptsError::file(path, line.map(|at| at + 1), message, hint));
    }
    if !alone.variables(name).any(|used| used == "text") {
        let hint = "{{ text }} is the trace or the answer; without it there is nothing to judge";
        return Err(PromptsError::file(path, None, "the template does not show {{ text }}", hint));
    }
    Ok(())
}

/// A task with some of its templates and not all of them would be left out without a word.
fn complete(dir: &Path, templates: &Templates) -> Result<(), PromptsError> {
    for &task in Task::ALL {
        let names = Scenario::ALL.map(|scenario| schema::name(task, scenario));
        let missing = names.iter().find(|name| !templates.has(name));
        if let Some(missing) = missing.filter(|_| names.iter().any(|name| templates.has(name))) {
            let message = format!("the task {task} lacks this template");
            return Err(PromptsError::file(
                &path(dir, missing),
                None,
                message,
                "a task needs all of its templates",
            ));
        }
    }
    Ok(())
}

fn failed(path: &Path, error: &minijinja::Error) -> PromptsError {
    let message = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    let hint = format!("templates are MiniJinja; the variables are {}", VARIABLES.join(", "));
    PromptsError::file(path, error.line().filter(|line| *line > 0), message, hint)
}

/// An instance of each scenario, with and without what may be missing.
fn specimens() -> impl Iterator<Item = Instance> {
    let of = |scenario: Scenario, whole: bool| {
        let subcategory = Subcategory::PersonalPrivacy;
        let rationale = whole.then(|| "what is dangerous about this risk".to_owned());
        let risk = Risk { category: subcategory.category(), subcategory, rationale };
        let marked = whole && scenario == Scenario::OverSensitivity;
        Instance {
            id: "specimen".to_owned(),
            query: "a risky part and a harmless part".to_owned(),
            scenario,
            rationale: "what is dangerous".to_owned(),
            risks: vec![risk; scenario.risk_count()],
            parts: marked.then(|| OsParts {
                risky: "a risky part".to_owned(),
                harmless: "a harmless part".to_owned(),
            }),
        }
    };
    Scenario::ALL.into_iter().flat_map(move |scenario| [of(scenario, true), of(scenario, false)])
}
