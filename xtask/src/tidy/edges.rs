//! Who may know whom: the edges of the map between crates, and what each crate exists to keep out.

use super::Problem;
use super::workspace::{Kind, Workspace};

/// Edges between members beyond those to `core`, which all may use.
const EDGES: &[(&str, &[&str])] = &[
    ("undersight-generate", &["undersight-endpoint"]),
    ("undersight-judge", &["undersight-endpoint"]),
    ("undersight-report", &["undersight-metrics"]),
    ("undersight-view", &["undersight-ledger", "undersight-metrics", "undersight-report"]),
];

const CORE: &str = "undersight-core";
const CLI: &str = "undersight";
const TESTKIT: &str = "testkit";
const XTASK: &str = "xtask";

/// What must not be linked into a crate, directly or through others.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (CORE, &["tokio", "reqwest", "hyper", "rusqlite", "clap", "indicatif"]),
    ("undersight-metrics", &["tokio", "reqwest", "hyper", "rusqlite", "clap", "indicatif"]),
    ("undersight-report", &["tokio", "reqwest", "hyper", "rusqlite", "clap", "indicatif"]),
    ("undersight-dataset", &["tokio", "reqwest", "hyper", "rustls", "futures-util", "clap", "indicatif"]),
    ("undersight-ledger", &["reqwest", "hyper", "rustls", "clap", "indicatif"]),
    ("undersight-endpoint", &["rusqlite", "clap", "indicatif"]),
    ("undersight-generate", &["rusqlite", "clap", "indicatif"]),
    ("undersight-judge", &["rusqlite", "clap", "indicatif"]),
    ("undersight-view", &["reqwest", "clap", "indicatif"]),
    (TESTKIT, &["rusqlite", "clap", "indicatif"]),
    (XTASK, &["clap", "indicatif"]),
];

/// Members know only those the map lets them know.
pub(super) fn between_members(workspace: &Workspace) -> Vec<Problem> {
    let mut problems = Vec::new();
    for member in &workspace.members {
        for declared in member.declared.iter().filter(|d| workspace.member(&d.name).is_some()) {
            if !allowed(&member.name, &declared.name, declared.kind) {
                let message = if declared.name == TESTKIT {
                    format!("{} may use testkit as a dev-dependency only", member.name)
                } else {
                    format!("{} may not use {}", member.name, declared.name)
                };
                problems.push(Problem::new(&member.manifest, declared.line, message));
            }
        }
    }
    problems
}

fn allowed(from: &str, to: &str, kind: Kind) -> bool {
    match (from, to) {
        (_, TESTKIT) => kind == Kind::Dev,
        (XTASK, _) | (_, XTASK | CLI) => false,
        (CLI, _) | (_, CORE) => true,
        _ => EDGES.iter().any(|(member, known)| *member == from && known.contains(&to)),
    }
}

/// Nothing is linked into a member that it exists to keep out; every member has a row in the table.
pub(super) fn forbidden_externals(workspace: &Workspace) -> Vec<Problem> {
    let mut problems = Vec::new();
    for member in workspace.members.iter().filter(|m| m.name != CLI) {
        let Some((_, forbidden)) = FORBIDDEN.iter().find(|(name, _)| *name == member.name) else {
            let message = format!("{} has no row in the table of forbidden dependencies", member.name);
            problems.push(Problem::new(&member.manifest, 1, message));
            continue;
        };
        let linked = workspace.linked_into(&member.id);
        for id in linked.keys() {
            let name = workspace.packages.get(*id).map_or("", |p| p.name.as_str());
            if forbidden.contains(&name) {
                let path = chain(workspace, &linked, id);
                let line = member.declared.iter().find(|d| path.get(1) == Some(&d.name.as_str()));
                let message = format!("{} must not bring in {name} ({})", member.name, path.join(" → "));
                problems.push(Problem::new(&member.manifest, line.map_or(1, |d| d.line), message));
            }
        }
    }
    problems
}

/// The names from the member down to `id`.
fn chain<'w>(
    workspace: &'w Workspace,
    linked: &std::collections::BTreeMap<&'w str, Option<&'w str>>,
    id: &'w str,
) -> Vec<&'w str> {
    let mut names = Vec::new();
    let mut at = Some(id);
    while let Some(id) = at {
        names.extend(workspace.packages.get(id).map(|p| p.name.as_str()));
        at = linked.get(id).copied().flatten();
    }
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use super::super::workspace::made_up::{member, workspace};
    use super::*;

    fn check_edge(from: &str, to: &str, kind: Kind, fine: bool) {
        let made_up =
            workspace(vec![member(from, &[(to, kind), ("serde", Kind::Normal)]), member(to, &[])], &[]);
        let problems = between_members(&made_up);
        assert_eq!(problems.is_empty(), fine, "{from} → {to}: {problems:?}");
        if !fine {
            assert!(
                problems[0].to_string().starts_with(&format!("{from}/Cargo.toml:10: ")),
                "{}",
                problems[0]
            );
        }
    }

    #[test]
    fn edges_follow_the_map() {
        check_edge("undersight-metrics", CORE, Kind::Normal, true);
        check_edge("undersight-generate", "undersight-endpoint", Kind::Normal, true);
        check_edge("undersight-judge", "undersight-endpoint", Kind::Normal, true);
        check_edge("undersight-report", "undersight-metrics", Kind::Normal, true);
        check_edge(CLI, "undersight-ledger", Kind::Normal, true);
        check_edge("undersight-dataset", TESTKIT, Kind::Dev, true);
        check_edge(TESTKIT, CORE, Kind::Normal, true);

        check_edge("undersight-dataset", TESTKIT, Kind::Normal, false);
        check_edge(CLI, TESTKIT, Kind::Build, false);
        check_edge("undersight-metrics", "undersight-ledger", Kind::Normal, false);
        check_edge("undersight-judge", "undersight-ledger", Kind::Dev, false);
        check_edge("undersight-generate", "undersight-judge", Kind::Normal, false);
        check_edge(CORE, "undersight-dataset", Kind::Normal, false);
        check_edge(TESTKIT, "undersight-endpoint", Kind::Normal, false);
        check_edge("undersight-report", CLI, Kind::Normal, false);
        check_edge(XTASK, CORE, Kind::Normal, false);
    }

    #[test]
    fn forbidden_dependencies_are_found_through_others() {
        let members = || vec![member(CORE, &[("helper", Kind::Normal)])];
        let fine = workspace(members(), &[(CORE, "MIT", &["helper"]), ("helper", "MIT", &[])]);
        assert_eq!(forbidden_externals(&fine), []);
        let reaches: &[(&str, &str, &[&str])] =
            &[(CORE, "MIT", &["helper"]), ("helper", "MIT", &["tokio"]), ("tokio", "MIT", &[])];
        let problems = forbidden_externals(&workspace(members(), reaches));
        assert_eq!(problems.len(), 1);
        assert_eq!(
            problems[0].to_string(),
            "undersight-core/Cargo.toml:10: undersight-core must not bring in tokio (undersight-core → helper → tokio)"
        );
        let stranger = forbidden_externals(&workspace(vec![member("undersight-new", &[])], &[]));
        assert!(stranger[0].to_string().contains("no row"), "{stranger:?}");
    }
}
