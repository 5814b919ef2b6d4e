//! The workspace as the rules see it, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::process::Command;

use cargo_metadata::cargo_platform::{Cfg, Platform};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Where the binary runs; what is only linked elsewhere (in a browser, say) does not count.
const TARGETS: &[&str] = &["x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"];

/// How one package depends on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    Dev,
    Build,
}

/// A dependency as a member's manifest declares it.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) line: usize,
}

/// A package of this workspace.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) manifest: String,
    pub(super) common: Common,
    pub(super) declared: Vec<Declared>,
}

/// What all members share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Common {
    pub(super) version: String,
    pub(super) edition: String,
    pub(super) rust_version: String,
    pub(super) licence: String,
}

/// Any package of the resolved graph.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) licence: Option<String>,
    /// Ids of its normal dependencies.
    pub(super) uses: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Workspace {
    pub(super) members: Vec<Member>,
    /// Names of the default members.
    pub(super) defaults: Vec<String>,
    pub(super) packages: BTreeMap<String, Package>,
}

impl Workspace {
    pub(super) fn load(root: &Path) -> Result<Self, String> {
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .exec()
            .map_err(|error| format!("cargo metadata failed: {error}"))?;
        Self::from_metadata(root, &metadata)
    }

    fn from_metadata(root: &Path, metadata: &Metadata) -> Result<Self, String> {
        let mut members = Vec::new();
        for package in metadata.workspace_packages() {
            let path = package.manifest_path.as_std_path();
            let manifest = path.strip_prefix(root).unwrap_or(path).display().to_string();
            let text = super::read(root, &manifest)?;
            let declared = package.dependencies.iter().map(|dependency| Declared {
                name: dependency.name.clone(),
                kind: kind(dependency.kind),
                line: line_of(&text, dependency.rename.as_ref().unwrap_or(&dependency.name)),
            });
            let common = Common {
                version: package.version.to_string(),
                edition: package.edition.to_string(),
                rust_version: package.rust_version.as_ref().map(ToString::to_string).unwrap_or_default(),
                licence: package.license.clone().unwrap_or_default(),
            };
            members.push(Member {
                id: package.id.repr.clone(),
                name: package.name.to_string(),
                manifest,
                common,
                declared: declared.collect(),
            });
        }
        let defaults = metadata.workspace_default_packages().iter().map(|p| p.name.to_string()).collect();
        Ok(Self { members, defaults, packages: packages(metadata, &targets()?)? })
    }

    /// The member of that name.
    pub(super) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|m| m.name == name)
    }

    /// Everything linked into `id`, itself included, each with the package that brought it in.
    pub(super) fn linked_into(&self, id: &str) -> BTreeMap<&str, Option<&str>> {
        let mut seen = BTreeSet::new();
        let mut through = BTreeMap::new();
        let mut queue: VecDeque<(&str, Option<&str>)> = VecDeque::new();
        if let Some((id, _)) = self.packages.get_key_value(id) {
            queue.push_back((id, None));
        }
        while let Some((id, by)) = queue.pop_front() {
            if !seen.insert(id) {
                continue;
            }
            through.insert(id, by);
            let uses = self.packages.get(id).map_or(&[][..], |p| &p.uses);
            queue.extend(uses.iter().map(|used| (used.as_str(), Some(id))));
        }
        through
    }
}

fn packages(metadata: &Metadata, targets: &[Target]) -> Result<BTreeMap<String, Package>, String> {
    let resolve = metadata.resolve.as_ref().ok_or("cargo metadata resolved nothing")?;
    let mut packages = BTreeMap::new();
    let here = |platform: Option<&Platform>| {
        platform.is_none_or(|platform| targets.iter().any(|(name, cfgs)| platform.matches(name, cfgs)))
    };
    for node in &resolve.nodes {
        let package = &metadata[&node.id];
        let normal = |d: &&cargo_metadata::NodeDep| {
            d.dep_kinds.iter().any(|k| kind(k.kind) == Kind::Normal && here(k.target.as_ref()))
        };
        let uses = node.deps.iter().filter(normal).map(|d| d.pkg.repr.clone()).collect();
        packages.insert(
            node.id.repr.clone(),
            Package {
                name: package.name.to_string(),
                version: package.version.to_string(),
                licence: package.license.clone(),
                uses,
            },
        );
    }
    Ok(packages)
}

/// A target's name and what `cfg` expressions may ask about it.
type Target = (&'static str, Vec<Cfg>);

fn targets() -> Result<Vec<Target>, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let ask = |target: &&'static str| {
        let output = Command::new(&rustc).args(["--print", "cfg", "--target", target]).output();
        let output = output.map_err(|error| format!("rustc cannot be started: {error}"))?;
        if !output.status.success() {
            return Err(format!("rustc does not know {target}"));
        }
        let cfgs = String::from_utf8_lossy(&output.stdout);
        Ok((*target, cfgs.lines().filter_map(|line| line.parse().ok()).collect()))
    };
    TARGETS.iter().map(ask).collect()
}

const fn kind(kind: DependencyKind) -> Kind {
    match kind {
        DependencyKind::Development => Kind::Dev,
        DependencyKind::Build => Kind::Build,
        _ => Kind::Normal,
    }
}

/// The line of a manifest that declares a dependency; 1 when it is written in a way not known here.
fn line_of(manifest: &str, name: &str) -> usize {
    let declares = |line: &str| {
        line.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    manifest.lines().position(declares).map_or(1, |at| at + 1)
}

#[cfg(test)]
pub(super) mod made_up {
    //! Small workspaces for the tests of the rules.

    use super::{Common, Declared, Kind, Member, Package, Workspace};

    pub(in crate::tidy) fn member(name: &str, declared: &[(&str, Kind)]) -> Member {
        Member {
            id: name.to_owned(),
            name: name.to_owned(),
            manifest: format!("{name}/Cargo.toml"),
            common: Common {
                version: "1.0.0".to_owned(),
                edition: "2024".to_owned(),
                rust_version: "1.95".to_owned(),
                licence: "MIT".to_owned(),
            },
            declared: (10..)
                .zip(declared)
                .map(|(line, (name, kind))| Declared { name: (*name).to_owned(), kind: *kind, line })
                .collect(),
        }
    }

    /// Packages as `(name, licence, uses)`; the id is the name, with `@version` where one is meant to differ.
    pub(in crate::tidy) fn workspace(members: Vec<Member>, packages: &[(&str, &str, &[&str])]) -> Workspace {
        let packages = packages.iter().map(|(id, licence, uses)| {
            let (name, version) = id.split_once('@').unwrap_or((id, "1.0.0"));
            let package = Package {
                name: name.to_owned(),
                version: version.to_owned(),
                licence: (!licence.is_empty()).then(|| (*licence).to_owned()),
                uses: uses.iter().map(|u| (*u).to_owned()).collect(),
            };
            ((*id).to_owned(), package)
        });
        Workspace { members, defaults: vec!["undersight".to_owned()], packages: packages.collect() }
    }

    #[test]
    fn a_declaration_is_found_by_its_line() {
        let manifest =
            "[dependencies]\ntokio-util = \"1\"\ntokio.workspace = true\nserde={ version = \"1\" }\n";
        for (name, line) in [("tokio", 3), ("serde", 4), ("tokio-util", 2), ("absent", 1)] {
            assert_eq!(super::line_of(manifest, name), line, "{name}");
        }
    }
}
