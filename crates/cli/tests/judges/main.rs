//! Judges through the real binary: who is asked what, and never twice; panels, guards, tasks, repeats, cards and attacks.
//! The server on loopback counts calls by model.

#[path = "../common/mod.rs"]
mod common;

mod card;
mod evidence;
mod files;
mod panels;
mod resume;
mod swap;

use std::cell::Cell;
use std::collections::BTreeMap;

use common::{Place, Ran};
use serde_json::Value;
use testkit::{Config, FakeServer, Habit};

/// A place to run in and the server every model is on. `$URL` in a command line stands for the server's.
struct Bench {
    place: Place,
    server: FakeServer,
    seen: Cell<usize>,
}

impl Bench {
    fn new(config: Config) -> Self {
        Self { place: Place::new(), server: FakeServer::start(config), seen: Cell::new(0) }
    }

    fn with(habits: &[(&str, Habit)]) -> Self {
        Self::new(Config { habits: owned(habits), ..Config::default() })
    }

    fn line(&self, line: &str) -> Vec<String> {
        line.split_whitespace().map(|word| word.replace("$URL", &self.server.url())).collect()
    }

    fn run(&self, line: &str) -> Ran {
        let words = self.line(line);
        self.place.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn json(&self, line: &str) -> Value {
        let words = self.line(line);
        self.place.json(&words.iter().map(String::as_str).chain(["--json"]).collect::<Vec<_>>())
    }

    /// Writes a file in which `$URL` stands for the server's.
    fn write(&self, name: &str, text: &str) {
        self.place.write(name, text.replace("$URL", &self.server.url()));
    }

    /// Generates and judges 20 instances × 2 as the run `one`.
    fn eval(&self, more: &str) -> Ran {
        self.run(&format!("{EVAL} {more}"))
    }

    /// Judges the run again; a judge file says itself where its models are.
    fn judge(&self, judge: &str, more: &str) -> Ran {
        let url = if judge.ends_with(".toml") { "" } else { "--judge-base-url $URL" };
        self.run(&format!("judge one --judge {judge} {url} --replicates 0 {more}"))
    }

    /// The scores of the run by a judge.
    fn scores(&self, judge: &str) -> Value {
        self.json(&format!("score one --judge {judge} --replicates 0"))["runs"][0].clone()
    }

    /// How often each model was called since this was asked last.
    fn asked(&self) -> BTreeMap<String, u64> {
        let journal = self.server.journal();
        let mut calls = BTreeMap::new();
        for entry in &journal[self.seen.replace(journal.len())..] {
            *calls.entry(entry.model.clone().unwrap_or_else(|| entry.path.clone())).or_default() += 1;
        }
        calls
    }

    /// Fails the test unless exactly these calls were made since this was asked last.
    #[track_caller]
    fn called(&self, expected: &[(&str, u64)], why: &str) {
        let expected: BTreeMap<String, u64> = expected.iter().map(|(m, n)| ((*m).to_owned(), *n)).collect();
        assert_eq!(self.asked(), expected, "{why}");
    }
}

const EVAL: &str = "eval --model vllm/fake --model-base-url $URL --judge-base-url $URL --limit 20 --samples 2 --seed 1 \
    --name one --replicates 0";
/// Samples of that run.
const SAMPLES: u64 = 40;

fn owned(habits: &[(&str, Habit)]) -> Vec<(String, Habit)> {
    habits.iter().map(|(model, habit)| ((*model).to_owned(), *habit)).collect()
}

/// Judges with an opinion of their own.
const PASSES: Habit = Habit::Verdict(0);
const FAILS: Habit = Habit::Verdict(1);
const REFUSES: Habit = Habit::Says(|_| "I'm sorry, but I can't help with that.".to_owned());

/// A panel file with members on the server; `settings` stands above them.
fn panel(settings: &str, members: &[&str]) -> String {
    let member = |model: &&str| format!("[[member]]\nmodel = \"vllm/{model}\"\nbase_url = \"$URL\"\n");
    format!("{settings}\n{}", members.iter().map(member).collect::<String>())
}

#[track_caller]
fn whole(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no whole number: {value}"))
}

#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}
