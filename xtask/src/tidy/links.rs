//! Relative links of the documents lead to files that exist.

use std::path::{Component, Path, PathBuf};

use super::Problem;
use super::files::SourceFile;

/// The documents whose links are followed.
pub(super) fn is_document(path: &str) -> bool {
    let in_docs = path.strip_prefix("docs/").is_some_and(|name| !name.contains('/') && has_extension(name));
    in_docs || matches!(path, "README.md" | "CONTRIBUTING.md" | "ARCHITECTURE.md")
}

fn has_extension(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == "md")
}

/// Every relative link outside of code leads to a path for which `exists` holds.
pub(super) fn lead_somewhere(file: &SourceFile, exists: impl Fn(&Path) -> bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut fenced = false;
    for (n, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let broken = targets(line).into_iter().filter(|target| {
                path_of(&file.path, target).is_some_and(|path| !path.as_deref().is_some_and(&exists))
            });
            problems.extend(
                broken.map(|target| {
                    Problem::new(&file.path, n + 1, format!("the link {target} leads nowhere"))
                }),
            );
        }
    }
    problems
}

/// What inline links and reference definitions of a line point to.
fn targets(line: &str) -> Vec<&str> {
    let prose: Vec<(usize, &str)> = outside_code(line);
    let mut found = Vec::new();
    for (at, _) in line.match_indices("](") {
        if prose.iter().any(|(start, part)| (*start..start + part.len()).contains(&at)) {
            let rest = &line[at + 2..];
            found.extend(rest.split([')', ' ']).next().filter(|target| !target.is_empty()));
        }
    }
    if let Some((_, target)) = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
        found.extend(target.split_whitespace().next());
    }
    found
}

/// The stretches of a line that are not between backticks, with where they start.
fn outside_code(line: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let mut parts = Vec::new();
    for (i, part) in line.split('`').enumerate() {
        if i % 2 == 0 {
            parts.push((at, part));
        }
        at += part.len() + 1;
    }
    parts
}

/// The path from the root that a link means: `None` for one that leaves the repository by its scheme or stays within
/// the page, `Some(None)` for one that climbs out of the root.
fn path_of(document: &str, target: &str) -> Option<Option<PathBuf>> {
    let target = target.trim_start_matches('<').trim_end_matches('>');
    let path = target.split('#').next().unwrap_or("");
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return None;
    }
    let joined = Path::new(document).parent().unwrap_or(Path::new("")).join(path);
    let mut clean = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => clean.push(name),
            Component::ParentDir if clean.pop() => {}
            _ => return Some(None),
        }
    }
    Some(Some(clean))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[&str]) {
        let file = SourceFile { path: path.to_owned(), text: text.to_owned() };
        let there = ["README.md", "docs", "docs/import.md"].map(Path::new);
        let said: Vec<String> =
            lead_somewhere(&file, |path| there.contains(&path)).iter().map(ToString::to_string).collect();
        assert_eq!(said, expected, "{text}");
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        check("README.md", "see [a](docs/import.md), [b](docs/import.md#top \"title\") and [c](docs/)", &[]);
        check("docs/import.md", "[up](../README.md) [here](import.md) [this](#below)", &[]);
        check("README.md", "[away](https://example.org/x.md) [mail](mailto:a@example.org)", &[]);
        check("README.md", "`[code](gone.md)`\n```\n[fenced](gone.md)\n```\n", &[]);
        check("README.md", "[a]\n\n[a]: docs/import.md\n", &[]);
    }

    #[test]
    fn links_that_lead_nowhere_are_named() {
        let told = |line, target| format!("README.md:{line}: the link {target} leads nowhere");
        check("README.md", "one\n`x` [two](gone.md)", &[&told(2, "gone.md")]);
        check(
            "README.md",
            "[a](import.md) [b](docs/gone.md#x)",
            &[&told(1, "import.md"), &told(1, "docs/gone.md#x")],
        );
        check(
            "README.md",
            "[out](../README.md) [root](/README.md)",
            &[&told(1, "../README.md"), &told(1, "/README.md")],
        );
        check("README.md", "```\n```\n[a]: gone.md", &[&told(3, "gone.md")]);
        check(
            "docs/import.md",
            "[a](docs/import.md)",
            &["docs/import.md:1: the link docs/import.md leads nowhere"],
        );
    }

    #[test]
    fn documents_are_the_pages_for_people() {
        for (path, expected) in [
            ("README.md", true),
            ("CONTRIBUTING.md", true),
            ("ARCHITECTURE.md", true),
            ("docs/import.md", true),
            ("docs/picture.svg", false),
            ("docs/deeper/page.md", false),
            ("crates/core/README.md", false),
        ] {
            assert_eq!(is_document(path), expected, "{path}");
        }
    }
}
