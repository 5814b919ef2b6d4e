//! The licences of everything linked into the binary, held against the allow list of `deny.toml`.

use std::collections::BTreeSet;

use super::Problem;
use super::workspace::Workspace;

/// The allow list, `licenses.allow` of `deny.toml`.
pub(super) fn allow_list(deny: &str) -> Result<BTreeSet<String>, String> {
    let table: toml::Table = deny.parse().map_err(|error| format!("cannot read deny.toml: {error}"))?;
    let allow = table.get("licenses").and_then(|l| l.get("allow")).and_then(toml::Value::as_array);
    let names = allow.ok_or("deny.toml has no licenses.allow")?.iter().filter_map(toml::Value::as_str);
    Ok(names.map(str::to_owned).collect())
}

/// Everything linked into the shipped binary has an allowed licence.
pub(super) fn of_the_binary(workspace: &Workspace, allowed: &BTreeSet<String>) -> Vec<Problem> {
    let Some(binary) = workspace.member("undersight") else {
        return vec![Problem::new("Cargo.toml", 1, "the package undersight is gone")];
    };
    let linked = workspace.linked_into(&binary.id);
    let mut problems = Vec::new();
    for package in linked.keys().filter_map(|id| workspace.packages.get(*id)) {
        let name = format!("{} {}", package.name, package.version);
        let wrong = match &package.licence {
            None => Some(format!("{name} names no licence")),
            Some(expression) => match permits(expression, allowed) {
                Some(true) => None,
                Some(false) => Some(format!("{name} has the licence {expression}, which is not allowed")),
                None => Some(format!("{name} has a licence that cannot be read: {expression}")),
            },
        };
        problems.extend(wrong.map(|message| Problem::new("Cargo.lock", 1, message)));
    }
    problems
}

/// Whether an SPDX expression can be satisfied with the allowed licences; `None` when it is not one. A slash, the old
/// way of writing OR, is read as such.
fn permits(expression: &str, allowed: &BTreeSet<String>) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { tokens: &tokens, allowed };
    let permitted = parser.any()?;
    parser.tokens.is_empty().then_some(permitted)
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    allowed: &'a BTreeSet<String>,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.tokens.first() == Some(&token);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    /// Terms joined by OR.
    fn any(&mut self) -> Option<bool> {
        let mut permitted = self.all()?;
        while self.take("OR") {
            permitted |= self.all()?;
        }
        Some(permitted)
    }

    /// Licences joined by AND, which binds tighter.
    fn all(&mut self) -> Option<bool> {
        let mut permitted = self.one()?;
        while self.take("AND") {
            permitted &= self.one()?;
        }
        Some(permitted)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let permitted = self.any()?;
            return self.take(")").then_some(permitted);
        }
        let name = self.next().filter(|name| !matches!(*name, "OR" | "AND" | "WITH" | ")"))?;
        let name = if self.take("WITH") { format!("{name} WITH {}", self.next()?) } else { name.to_owned() };
        Some(self.allowed.contains(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::super::workspace::Kind;
    use super::super::workspace::made_up::{member, workspace};
    use super::*;

    fn allowed() -> BTreeSet<String> {
        let deny =
            "[licenses]\nallow = [\"MIT\", \"Apache-2.0\", \"Apache-2.0 WITH LLVM-exception\", \"ISC\"]\n";
        allow_list(deny).unwrap()
    }

    fn check(expression: &str, expected: Option<bool>) {
        assert_eq!(permits(expression, &allowed()), expected, "{expression}");
    }

    #[test]
    fn expressions_are_evaluated() {
        for fine in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "MIT AND ISC",
            "GPL-3.0 OR MIT AND ISC",
            "(MIT OR GPL-3.0) AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            check(fine, Some(true));
        }
        for not in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT OR ISC) AND GPL-3.0",
            "Apache-2.0 WITH Other-exception",
            "GPL-3.0 OR MIT AND AGPL-3.0",
        ] {
            check(not, Some(false));
        }
        for broken in ["", "MIT OR", "OR MIT", "(MIT", "MIT)", "MIT ISC", "MIT WITH"] {
            check(broken, None);
        }
    }

    #[test]
    fn only_what_is_linked_counts() {
        let members = vec![member("undersight", &[("good", Kind::Normal)])];
        let packages: &[(&str, &str, &[&str])] = &[
            ("undersight", "MIT", &["good"]),
            ("good", "MIT/Apache-2.0", &["bad", "silent"]),
            ("bad", "GPL-3.0", &[]),
            ("silent", "", &[]),
            ("elsewhere", "GPL-3.0", &[]),
        ];
        let problems = of_the_binary(&workspace(members, packages), &allowed());
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "Cargo.lock:1: bad 1.0.0 has the licence GPL-3.0, which is not allowed",
                "Cargo.lock:1: silent 1.0.0 names no licence",
            ]
        );
        assert!(allow_list("[licenses]\n").is_err());
    }
}
