//! Every command the README shows exists: cargo packages, recipes of the justfile, subcommands and flags of the binary.

use std::collections::BTreeSet;

use super::Problem;

/// What there is.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) packages: BTreeSet<String>,
    pub(super) recipes: BTreeSet<String>,
    pub(super) subcommands: BTreeSet<String>,
    /// The source of the binary, to look flags up in.
    pub(super) cli: String,
}

/// The recipes of a justfile: names at the beginning of a line, before parameters and a colon.
pub(super) fn recipes(justfile: &str) -> BTreeSet<String> {
    let heads = justfile.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric()));
    let heads = heads.filter_map(|line| line.split_once(':')).filter(|(_, rest)| !rest.starts_with('='));
    heads.filter_map(|(head, _)| head.split_whitespace().next()).map(str::to_owned).collect()
}

/// The variants of every enum that derives `Subcommand`, as clap names them.
pub(super) fn subcommands(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if !(line.trim_start().starts_with("#[derive(") && line.contains("Subcommand")) {
            continue;
        }
        let body = lines.by_ref().skip_while(|line| !line.trim_end().ends_with('{')).skip(1);
        for line in body.take_while(|line| !line.starts_with('}')) {
            let variant =
                line.strip_prefix("    ").filter(|l| l.starts_with(|c: char| c.is_ascii_uppercase()));
            let name = variant.and_then(|v| v.split(|c: char| !c.is_ascii_alphanumeric()).next());
            names.extend(name.map(kebab));
        }
    }
    names
}

fn kebab(variant: &str) -> String {
    let mut out = String::new();
    for c in variant.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The commands shown in fenced blocks for a shell.
pub(super) fn commands_exist(path: &str, readme: &str, known: &Known) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut shell = false;
    let mut fenced = false;
    for (n, line) in readme.lines().enumerate() {
        if let Some(info) = line.trim_start().strip_prefix("```") {
            fenced = !fenced;
            shell = fenced && matches!(info.trim(), "sh" | "bash" | "shell" | "console");
        } else if shell {
            let command = line.trim().trim_start_matches("$ ");
            let command = command.split(" #").next().unwrap_or("");
            problems.extend(wrong(command, known).map(|message| Problem::new(path, n + 1, message)));
        }
    }
    problems
}

fn wrong(command: &str, known: &Known) -> Option<String> {
    let words: Vec<&str> =
        command.split_whitespace().skip_while(|w| w.contains('=') && !w.starts_with('-')).collect();
    match words.as_slice() {
        ["just", recipe, ..] if !known.recipes.contains(*recipe) => {
            Some(format!("there is no recipe `{recipe}`"))
        }
        ["cargo", rest @ ..] => {
            let (before, after) = match rest.iter().position(|w| *w == "--") {
                Some(at) => (&rest[..at], &rest[at + 1..]),
                None => (rest, &[][..]),
            };
            let package = before
                .iter()
                .position(|w| matches!(*w, "-p" | "--package"))
                .and_then(|at| before.get(at + 1));
            match package {
                Some(package) if !known.packages.contains(*package) => {
                    Some(format!("there is no package `{package}`"))
                }
                None | Some(&"undersight") if before.first() == Some(&"run") => wrong_arguments(after, known),
                _ => None,
            }
        }
        [program, args @ ..] if *program == "undersight" || program.ends_with("/undersight") => {
            wrong_arguments(args, known)
        }
        _ => None,
    }
}

fn wrong_arguments(args: &[&str], known: &Known) -> Option<String> {
    if let Some(first) = args.first().filter(|first| !first.starts_with('-'))
        && !known.subcommands.contains(*first)
    {
        return Some(format!("there is no subcommand `{first}`"));
    }
    let flags =
        args.iter().filter_map(|arg| arg.strip_prefix("--")).map(|f| f.split('=').next().unwrap_or(f));
    let unknown = flags.into_iter().find(|flag| {
        let literal = format!("\"{flag}\"");
        let field = format!("{}:", flag.replace('-', "_"));
        !matches!(*flag, "help" | "version" | "")
            && !known.cli.contains(&literal)
            && !known.cli.contains(&field)
    });
    unknown.map(|flag| format!("there is no flag `--{flag}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLI: &str = "\
#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Shows it.
    Demo,
    /// Runs it.
    Eval(EvalArgs),
    ShowConfig {
        deep: bool,
    },
}
struct EvalArgs {
    #[arg(short = 'k', long = \"samples\")]
    k: u32,
    max_cost: Option<f64>,
}
";

    fn check(command: &str, expected: Option<&str>) {
        let known = Known {
            packages: ["undersight", "xtask"].map(str::to_owned).into(),
            recipes: recipes(
                "set shell := [\"bash\"]\nname := \"x\"\n\n# Everything\nci: test\n    .ci/run\ntest *args:\n    cargo test\n",
            ),
            subcommands: subcommands(CLI),
            cli: CLI.to_owned(),
        };
        let readme = format!("# Title\n\n```sh\n$ {command}\n```\n\n```text\n{command} nonsense\n```\n");
        let said: Vec<String> =
            commands_exist("README.md", &readme, &known).iter().map(ToString::to_string).collect();
        let expected: Vec<String> = expected.iter().map(|e| format!("README.md:4: {e}")).collect();
        assert_eq!(said, expected, "{command}");
    }

    #[test]
    fn commands_that_exist_pass_and_others_do_not() {
        for fine in [
            "just ci",
            "cargo test --workspace",
            "cargo run --release -- demo # a comment",
            "cargo run -p xtask -- tidy",
            "API_KEY=x undersight eval --samples 5 --max-cost=2",
            "./target/release/undersight show-config",
            "undersight --help",
            "git clone somewhere",
        ] {
            check(fine, None);
        }
        check("just nothing", Some("there is no recipe `nothing`"));
        check("just name", Some("there is no recipe `name`"));
        check("cargo run -p ghost -- x", Some("there is no package `ghost`"));
        check("cargo run --release -- dmeo", Some("there is no subcommand `dmeo`"));
        check("undersight evaluate", Some("there is no subcommand `evaluate`"));
        check("undersight eval --smaples 5", Some("there is no flag `--smaples`"));
    }
}
