//! Rules on the text of every file that is, or is about to be, tracked.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Problem;

/// A file of ours.
#[derive(Debug, Clone)]
pub(super) struct SourceFile {
    /// From the root, with forward slashes.
    pub(super) path: String,
    pub(super) text: String,
}

/// No Rust file is longer.
const MAX_LINES: usize = 500;

/// Rust files that may be longer, and why.
pub(super) const LONG_FILES: &[(&str, &str)] = &[];

/// Written in halves so that this file does not find itself.
const LEFT_OVERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("db", "g!("),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
];

/// Roots of personal directories, written likewise.
const HOMES: &[&str] =
    &[concat!("/ho", "me/"), concat!("/Use", "rs/"), concat!("/ro", "ot/"), concat!("\\Use", "rs\\")];

/// Every text file git tracks or would track. Without git, every file outside of build outputs.
pub(super) fn load(root: &Path) -> Result<Vec<SourceFile>, String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output();
    let paths = match listed {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split('\0')
            .filter(|p| !p.is_empty())
            .map(str::to_owned)
            .collect(),
        _ => walk(root)?,
    };
    // A listed file may have been deleted, and one that is not text is none of our business.
    let read = |path: String| {
        let text = std::fs::read_to_string(root.join(&path)).ok()?;
        Some(SourceFile { path, text })
    };
    Ok(paths.into_iter().filter_map(read).collect())
}

fn walk(root: &Path) -> Result<Vec<String>, String> {
    let mut paths = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(root.join(&folder)).map_err(|e| format!("cannot list a folder: {e}"))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let path = folder.join(&name);
            if entry.path().is_file() {
                paths.push(path.display().to_string().replace('\\', "/"));
            } else if !matches!(name.to_str(), Some("target" | "node_modules" | ".git")) {
                folders.push(path);
            }
        }
    }
    Ok(paths)
}

fn is_rust(file: &SourceFile) -> bool {
    file.path.ends_with(".rs")
}

/// The first line of a Rust file says what it is for.
pub(super) fn opens_with_its_purpose(file: &SourceFile) -> Option<Problem> {
    let silent = is_rust(file) && !file.text.starts_with("//! ");
    silent.then(|| Problem::new(&file.path, 1, "the first line should be `//!` and say what the file is for"))
}

/// Rust files stay below the limit, or have a reason.
pub(super) fn short_enough(file: &SourceFile, exceptions: &[(&str, &str)]) -> Option<Problem> {
    let lines = file.text.lines().count();
    let excepted = exceptions.iter().any(|(path, _)| *path == file.path);
    (is_rust(file) && lines > MAX_LINES && !excepted)
        .then(|| Problem::new(&file.path, lines, format!("{lines} lines, more than {MAX_LINES}")))
}

/// An exception that is no longer needed goes.
pub(super) fn no_stale_exceptions(files: &[SourceFile], exceptions: &[(&str, &str)]) -> Vec<Problem> {
    let long = |path: &str| files.iter().any(|f| f.path == path && f.text.lines().count() > MAX_LINES);
    let stale = exceptions.iter().filter(|(path, reason)| !long(path) || reason.is_empty());
    stale
        .map(|(path, _)| Problem::new(*path, 1, "is excepted from the limit on lines without need or reason"))
        .collect()
}

/// Nothing is left for later, and nothing from debugging.
pub(super) fn nothing_left_over(file: &SourceFile) -> Vec<Problem> {
    let found = |line: &str| LEFT_OVERS.iter().find(|word| has_word(line, word)).copied();
    let lines = file.text.lines().enumerate();
    lines
        .filter_map(|(n, line)| Some(Problem::new(&file.path, n + 1, format!("{} left over", found(line)?))))
        .collect()
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
        let open_ended = word.ends_with('(') || !line[at + word.len()..].starts_with(part_of_word);
        open_ended && !line[..at].ends_with(part_of_word)
    })
}

/// Paths that only exist on this machine: the repository's own, when it is specific enough to be recognised.
pub(super) fn machine_paths(root: &Path) -> Vec<String> {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    let specific = root.components().count() > 2;
    specific.then(|| root.display().to_string()).into_iter().collect()
}

/// No path of one machine or person.
pub(super) fn no_machine_paths(file: &SourceFile, machine: &[String]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (n, line) in file.text.lines().enumerate() {
        let homes = HOMES.iter().filter(|home| names_home(line, home)).copied();
        let roots = machine.iter().map(String::as_str).filter(|root| line.contains(*root));
        for found in homes.chain(roots) {
            problems.push(Problem::new(&file.path, n + 1, format!("a path of one machine: {found}…")));
        }
    }
    problems
}

/// The directory of someone: at the beginning of a path, and with a name after it.
fn names_home(line: &str, home: &str) -> bool {
    line.match_indices(home).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let begins = before.is_none_or(|c| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '}')))
            || home.starts_with('\\');
        begins && line[at + home.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '.')
    })
}

/// Lock files name packages and hashes, not the registry they happened to come from.
pub(super) fn no_registry_hosts(file: &SourceFile) -> Option<Problem> {
    let lock = file.path.ends_with("package-lock.json");
    let line = file.text.lines().position(|line| line.contains("\"resolved\":"))?;
    lock.then(|| Problem::new(&file.path, line + 1, "names a registry host; see .npmrc beside it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn rust_files_say_their_purpose_and_stay_short() {
        assert_eq!(opens_with_its_purpose(&file("a.rs", "//! What it does.\n")), None);
        assert_eq!(opens_with_its_purpose(&file("a.md", "# Title\n")), None);
        for silent in ["", "\n//! Late.\n", "// Not this.\n", "//!\n", "use std::fmt;\n"] {
            assert!(opens_with_its_purpose(&file("a.rs", silent)).is_some(), "{silent:?}");
        }
        let long = file("long.rs", &"\n".repeat(501));
        let excepted: &[(&str, &str)] = &[("long.rs", "a table")];
        assert_eq!(short_enough(&file("a.rs", &"\n".repeat(500)), &[]), None);
        assert_eq!(short_enough(&long, &[]).unwrap().to_string(), "long.rs:501: 501 lines, more than 500");
        assert_eq!(short_enough(&long, excepted), None);
        assert_eq!(no_stale_exceptions(std::slice::from_ref(&long), excepted), []);
        assert_eq!(no_stale_exceptions(&[file("long.rs", "")], excepted).len(), 1);
        assert_eq!(no_stale_exceptions(&[long], &[("long.rs", "")]).len(), 1);
    }

    #[test]
    fn left_overs_are_found_as_words() {
        let check = |line: &str, found: bool| {
            assert_eq!(
                !nothing_left_over(&file("a.rs", &format!("//! A.\n{line}\n"))).is_empty(),
                found,
                "{line}"
            );
        };
        check(concat!("// TO", "DO: later"), true);
        check(concat!("x(FIX", "ME)"), true);
        check(concat!("db", "g!(x)"), true);
        check(concat!("to", "do!()"), true);
        check("METHODOLOGY and todo lists", false);
        check(concat!("_TO", "DO"), false);
        check("let x = 1;", false);
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        let machine = vec!["/srv/checkout/project".to_owned()];
        let check = |line: &str, found: usize| {
            assert_eq!(no_machine_paths(&file("a.md", line), &machine).len(), found, "{line}");
        };
        check(concat!("see /ho", "me/someone/x"), 1);
        check(concat!("\"/Use", "rs/someone\""), 1);
        check(concat!("file:///ro", "ot/.cache"), 1);
        check(concat!("C:\\Use", "rs\\someone"), 1);
        check("at /srv/checkout/project/src", 1);
        check(concat!("https://example.org/ho", "me/page"), 0);
        check(concat!("${base}/ro", "ot/x"), 0);
        check(concat!("the directory /ho", "me/ itself"), 0);
        assert_eq!(machine_paths(Path::new("/")), Vec::<String>::new());
    }

    #[test]
    fn lock_files_name_no_host() {
        let line = "  \"resolved\": \"https://registry.example/a.tgz\",";
        assert!(no_registry_hosts(&file("x/package-lock.json", &format!("{{\n{line}\n}}"))).is_some());
        assert_eq!(no_registry_hosts(&file("x/package-lock.json", "{}")), None);
        assert_eq!(no_registry_hosts(&file("notes.md", line)), None);
    }
}
