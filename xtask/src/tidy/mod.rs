//! The rules of the workspace, each a small function from what is there to what is wrong with it.

mod edges;
mod files;
mod licences;
mod links;
mod packages;
mod readme;
mod workspace;

use std::fmt;
use std::path::Path;

use files::SourceFile;
use workspace::Workspace;

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    path: String,
    line: usize,
    message: String,
}

impl Problem {
    fn new(path: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// What a run of all rules found.
#[derive(Debug)]
pub(crate) struct Found {
    /// Files looked at.
    pub(crate) files: usize,
    /// Broken rules, by file and line.
    pub(crate) problems: Vec<Problem>,
    /// Worth knowing, not wrong.
    pub(crate) notes: Vec<String>,
}

/// Applies every rule to the repository at `root`.
///
/// # Errors
/// When cargo or a file the rules need cannot be read.
pub(crate) fn run(root: &Path) -> Result<Found, String> {
    let workspace = Workspace::load(root)?;
    let sources = files::load(root)?;
    let allowed = licences::allow_list(&read(root, "deny.toml")?)?;
    let mut problems = Vec::new();
    problems.extend(edges::between_members(&workspace));
    problems.extend(edges::forbidden_externals(&workspace));
    problems.extend(licences::of_the_binary(&workspace, &allowed));
    problems.extend(packages::consistent(&workspace));
    let machine = files::machine_paths(root);
    for source in &sources {
        problems.extend(files::opens_with_its_purpose(source));
        problems.extend(files::short_enough(source, files::LONG_FILES));
        problems.extend(files::nothing_left_over(source));
        problems.extend(files::no_machine_paths(source, &machine));
        problems.extend(files::no_registry_hosts(source));
    }
    for document in sources.iter().filter(|s| links::is_document(&s.path)) {
        problems.extend(links::lead_somewhere(document, |path| root.join(path).exists()));
    }
    problems.extend(files::no_stale_exceptions(&sources, files::LONG_FILES));
    problems.extend(check_readme(&workspace, &sources));
    problems.sort();
    Ok(Found { files: sources.len(), problems, notes: packages::duplicates(&workspace) })
}

fn check_readme(workspace: &Workspace, sources: &[SourceFile]) -> Vec<Problem> {
    let text = |path: &str| sources.iter().find(|s| s.path == path).map(|s| s.text.as_str());
    let Some(readme) = text("README.md") else {
        return vec![Problem::new("README.md", 1, "there is no README")];
    };
    let cli: String =
        sources.iter().filter(|s| s.path.starts_with("crates/cli/src/")).map(|s| s.text.as_str()).collect();
    let known = readme::Known {
        packages: workspace.members.iter().map(|m| m.name.clone()).collect(),
        recipes: readme::recipes(text("justfile").unwrap_or("")),
        subcommands: readme::subcommands(&cli),
        cli,
    };
    readme::commands_exist("README.md", readme, &known)
}

fn read(root: &Path, path: &str) -> Result<String, String> {
    std::fs::read_to_string(root.join(path)).map_err(|error| format!("cannot read {path}: {error}"))
}
