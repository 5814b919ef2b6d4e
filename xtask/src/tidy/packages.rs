//! The members agree on what they share, and the default build is the binary alone.

use std::collections::{BTreeMap, BTreeSet};

use super::Problem;
use super::workspace::Workspace;

/// One version, edition, Rust version and licence; `cargo build` builds the binary.
pub(super) fn consistent(workspace: &Workspace) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(first) = workspace.member("undersight") {
        for member in &workspace.members {
            let (theirs, ours) = (&member.common, &first.common);
            for (what, is, should) in [
                ("version", &theirs.version, &ours.version),
                ("edition", &theirs.edition, &ours.edition),
                ("rust-version", &theirs.rust_version, &ours.rust_version),
                ("license", &theirs.licence, &ours.licence),
            ] {
                if is != should {
                    let message = format!("{what} is {is:?} where the binary has {should:?}");
                    problems.push(Problem::new(&member.manifest, 1, message));
                }
            }
        }
    }
    if workspace.defaults != ["undersight"] {
        let message = format!("default-members should build the binary alone, not {:?}", workspace.defaults);
        problems.push(Problem::new("Cargo.toml", 1, message));
    }
    problems
}

/// Packages linked into the binary in several incompatible versions: worth knowing, seldom ours to change.
pub(super) fn duplicates(workspace: &Workspace) -> Vec<String> {
    let Some(binary) = workspace.member("undersight") else { return Vec::new() };
    let linked = workspace.linked_into(&binary.id);
    let mut versions: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in linked.keys().filter_map(|id| workspace.packages.get(*id)) {
        versions.entry(&package.name).or_default().insert(compatible(&package.version));
    }
    let several = versions.iter().filter(|(_, found)| found.len() > 1);
    several.map(|(name, found)| format!("{name} is linked in versions {}", join(found))).collect()
}

/// The part of a version that says what it is compatible with: `1`, `0.8`.
fn compatible(version: &str) -> String {
    let mut parts = version.split('.');
    match (parts.next(), parts.next()) {
        (Some("0"), Some(minor)) => format!("0.{minor}"),
        (Some(major), _) => major.to_owned(),
        _ => version.to_owned(),
    }
}

fn join(found: &BTreeSet<String>) -> String {
    found.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::workspace::made_up::{member, workspace};
    use super::*;

    #[test]
    fn members_that_differ_are_named() {
        assert_eq!(consistent(&workspace(vec![member("undersight", &[]), member("xtask", &[])], &[])), []);
        let mut odd = member("odd", &[]);
        odd.common.version = "2.0.0".to_owned();
        odd.common.edition = "2021".to_owned();
        let mut made_up = workspace(vec![member("undersight", &[]), odd], &[]);
        made_up.defaults.push("odd".to_owned());
        let said: Vec<String> = consistent(&made_up).iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "odd/Cargo.toml:1: version is \"2.0.0\" where the binary has \"1.0.0\"",
                "odd/Cargo.toml:1: edition is \"2021\" where the binary has \"2024\"",
                "Cargo.toml:1: default-members should build the binary alone, not [\"undersight\", \"odd\"]",
            ]
        );
    }

    #[test]
    fn incompatible_versions_are_noted() {
        let packages: &[(&str, &str, &[&str])] = &[
            ("undersight", "MIT", &["a@1.0.0", "a@1.4.0", "b@0.2.0", "b@0.3.1"]),
            ("a@1.0.0", "MIT", &[]),
            ("a@1.4.0", "MIT", &[]),
            ("b@0.2.0", "MIT", &[]),
            ("b@0.3.1", "MIT", &[]),
        ];
        let notes = duplicates(&workspace(vec![member("undersight", &[])], packages));
        assert_eq!(notes, ["b is linked in versions 0.2, 0.3"]);
    }
}
