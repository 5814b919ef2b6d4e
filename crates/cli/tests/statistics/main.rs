//! The commands about numbers, through the real binary and on simulated runs: snapshots where people read, JSON where
//! programs do.

#[path = "../common/mod.rs"]
mod common;

mod compare;
mod gate;
mod labels;
mod leaderboard;
mod people;
mod plan;
mod score;

use common::{Place, Ran};
use serde_json::Value;

/// A place with a run of 24 instances × 3 for each simulated model, named after it.
fn runs(models: &[&str]) -> Place {
    let place = Place::new();
    for model in models {
        eval(&place, model, model, "");
    }
    place
}

/// Makes a run of 24 instances × 3; what is given more wins.
fn eval(place: &Place, model: &str, name: &str, more: &str) {
    // Its table is not looked at.
    let base = ["--limit", "24", "--samples", "3", "--seed", "1", "--replicates", "0"];
    let more = words(more);
    let kept = base.chunks_exact(2).filter(|pair| !more.contains(&pair[0])).flatten().copied();
    let model = format!("sim/{model}");
    let args =
        ["eval", "--model", &model, "--name", name].into_iter().chain(kept).chain(more.iter().copied());
    place.run(&args.collect::<Vec<_>>()).expect(0);
}

/// A command line as a person writes it, without quotes.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn run(place: &Place, line: &str) -> Ran {
    place.run(&words(line))
}

/// With fewer replicates than usual, unless the line says how many or its command has none: nothing asserted of
/// documents rests on them, and builds for tests are slow at them.
fn json(place: &Place, line: &str) -> Value {
    let fixed = ["plan ", "labels "].iter().any(|command| line.starts_with(command));
    let few: &[&str] = if fixed || line.contains("--replicates") { &[] } else { &["--replicates", "200"] };
    place.json(&[&words(line)[..], few, &["--json"]].concat())
}

#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The values of one member, in order.
fn texts<'a>(rows: &'a Value, member: &str) -> Vec<&'a str> {
    list(rows).iter().filter_map(|row| row[member].as_str()).collect()
}

/// The one of a list with this text as a member.
#[track_caller]
fn find<'a>(rows: &'a Value, member: &str, text: &str) -> &'a Value {
    list(rows).iter().find(|row| row[member] == text).unwrap_or_else(|| panic!("no {text} in {rows:#}"))
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

/// What a command prints, and that it ends so.
#[track_caller]
fn prints(name: &str, place: &Place, line: &str, code: i32) {
    snapshot(name, &format!("$ undersight {line}\n{}", run(place, line).expect(code).snapshot()));
}

/// Commands that are refused, each with nothing on stdout and its reason on stderr.
#[track_caller]
fn refusals(name: &str, place: &Place, code: i32, lines: &[&str]) {
    let mut log = String::new();
    for line in lines {
        let ran = run(place, line).expect(code);
        assert_eq!(ran.stdout, "", "{line}");
        log += &format!("$ undersight {line}\n{}\n", without_digests(&ran.stderr));
    }
    snapshot(name, &log);
}

/// Short digests of judges and datasets replaced: they change with what they stand for.
fn without_digests(text: &str) -> String {
    let is_digest = |word: &str| word.len() == 8 && word.bytes().all(|b| b.is_ascii_hexdigit());
    text.split_inclusive(|c: char| !c.is_ascii_alphanumeric())
        .map(|part| {
            let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            if is_digest(word) { part.replace(word, "[digest]") } else { part.to_owned() }
        })
        .collect()
}
