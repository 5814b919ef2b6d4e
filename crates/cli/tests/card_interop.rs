//! A judge's card from end to end: a judge behind aimock, a server nobody here wrote, is asked; what it said is kept; the
//! card is printed again without it; and its figures are worked out anew from the exported records.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::Place;
use serde::Deserialize;
use serde_json::Value;
use testkit::aimock::Aimock;
use testkit::repository;

const STORE: &str = "sqlite:cards.db";
const KEY: &str = "sk-interop";
const KEYS: [(&str, &str); 2] = [("OPENAI_API_KEY", KEY), ("INTEROP_API_KEY", KEY)];
/// Dollars per million tokens, so that a prompt token is 1,500 nano-dollars and one of the reply 6,000.
const PRICES: &str = "version = \"interop\"\n[[price]]\nmodel = \"openai*\"\ninput = 1.5\noutput = 6.0\n";

/// One line of the record export.
#[derive(Debug, Clone, Deserialize)]
struct Record {
    run: String,
    id: String,
    scenario: String,
    judge: String,
    judge_hash: String,
    task: String,
    repeat: u32,
    status: String,
    label: Option<String>,
    reasks: u64,
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    cost_nano_usd: Option<i64>,
    total_us: i64,
}

impl Record {
    /// `base`; or family, variant and task of altered texts.
    fn batch(&self) -> Vec<&str> {
        let parts: Vec<&str> = self.run.split('.').collect();
        parts[3..parts.len() - 1].to_vec()
    }

    fn is(&self, family: &str, variant: Option<&str>) -> bool {
        let batch = self.batch();
        batch[0] == family && variant.is_none_or(|v| batch[1] == v)
    }

    fn asked(&self) -> bool {
        self.status != "skipped"
    }

    fn standing(&self) -> Option<&str> {
        self.label.as_deref().filter(|_| self.status == "ok")
    }

    fn stands(&self) -> bool {
        self.standing().is_some_and(passes)
    }

    fn at(&self) -> (&str, &str) {
        (&self.task, &self.id)
    }
}

fn passes(label: &str) -> bool {
    matches!(label, "safe" | "precise-coverage" | "fully-covered" | "true" | "helpful")
}

/// The labels of the embedded cases, by task and case, read from the files they come from.
fn right_labels() -> BTreeMap<(String, String), String> {
    let mut right = BTreeMap::new();
    for name in ["over-sensitivity", "cognitive-shortcut", "risk-omission"] {
        let path = repository().join(format!("crates/dataset/calibration/{name}.jsonl"));
        for line in std::fs::read_to_string(path).expect("the cases").lines().filter(|l| !l.trim().is_empty())
        {
            let case: Value = serde_json::from_str(line).expect("a case is JSON");
            for (task, label) in case["labels"].as_object().expect("labels") {
                let label = text(label).to_lowercase().replace(' ', "-");
                right.insert((task.clone(), text(&case["id"]).to_owned()), label);
            }
        }
    }
    right
}

/// What a command printed; it must have succeeded.
fn printed(place: &Place, args: &[&str]) -> String {
    let output = place.command(args).envs(KEYS).output().expect("the binary starts");
    assert!(output.status.success(), "{}", place.ran(&output).snapshot());
    String::from_utf8(output.stdout).expect("text")
}

/// A card as JSON, but for the day it was made on.
fn undated(card: &str) -> String {
    card.lines().filter(|line| !line.trim_start().starts_with("\"date\":")).collect::<Vec<_>>().join("\n")
}

/// Every judgement in the store.
fn exported(place: &Place) -> Vec<Record> {
    let runs = printed(place, &["runs", "list", "--json", "--store", STORE]);
    let runs: Value = serde_json::from_str(&runs).expect("JSON");
    let mut records = Vec::new();
    for run in array(&runs["runs"]) {
        let lines = printed(place, &["export", text(&run["name"]), "--judgements", "--store", STORE]);
        records.extend(lines.lines().map(|line| serde_json::from_str::<Record>(line).expect("a record")));
    }
    records
}

#[test]
fn a_card_is_paid_for_once_and_follows_from_its_records() {
    let Some(judge) = Aimock::judge() else { return };
    let (place, url) = (Place::new(), judge.url());
    place.write("prices.toml", PRICES);
    let common = ["--judge", "openai/judge", "--prices", "prices.toml", "--limit", "30", "--cards", STORE];
    let tasks = ["--tasks", "safety,thinking,handling", "--parts", "repeat,rubric,style,control,attack"];
    let ask = |more: &[&str]| printed(&place, &[&["judge", "card"], &common[..], &tasks, more].concat());
    let online = ["--judge-base-url", &url, "--format", "json"];

    let card = ask(&online);
    let requests = judge.requests();
    assert_eq!(undated(&ask(&online)), undated(&card), "the same command prints the same card");
    assert_eq!(judge.requests(), requests, "and asks for nothing");
    drop(judge);
    assert_eq!(
        undated(&ask(&["--format", "json", "--offline"])),
        undated(&card),
        "nor does it need the judge"
    );

    let records = exported(&place);
    let asks: u64 = records.iter().filter(|r| r.asked()).map(|r| 1 + r.reasks).sum();
    assert_eq!(asks, requests, "every request the server saw is a verdict or a re-ask in the store");
    for r in records.iter().filter(|r| r.asked()) {
        let tokens = r.input_tokens.zip(r.output_tokens);
        assert_eq!(tokens.map(|(i, o)| i * 1500 + o * 6000), r.cost_nano_usd, "{r:?}");
    }

    let card: Value = serde_json::from_str(&card).expect("JSON");
    let figures = Figures { records: &records, right: right_labels(), judge: text(&card["judge"]["hash"]) };
    figures.check(&card);
    a_judge_worth_measuring(&card, &records);

    let html = ask(&["--format", "html", "--offline"]);
    assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"), "{html:.300}");
    let markdown = ask(&["--format", "markdown", "--offline"]);
    assert!(markdown.starts_with("# Judge card\n") && markdown.contains("\n## "), "{markdown:.300}");
    for text in [&html, &markdown] {
        assert!(text.contains("openai/judge") && !text.contains(KEY));
    }
}

/// The figures above would agree on nothing, too: there has to be something in them.
fn a_judge_worth_measuring(card: &Value, records: &[Record]) {
    let statuses: BTreeSet<&str> = records.iter().map(|r| r.status.as_str()).collect();
    let all = ["ok", "parse-error", "refused", "skipped", "truncated", "unsupported"];
    assert_eq!(statuses, BTreeSet::from(all), "every way a verdict can end short of a failing server");
    assert!(records.iter().any(|r| r.status == "ok" && r.reasks > 0), "some verdicts come on re-asking");
    let inside = |value: &Value| assert!(value.as_f64().is_some_and(|v| v > 0.0 && v < 1.0), "{value}");
    for row in array(&card["agreement"]).iter().filter(|row| row["scenario"].is_null()) {
        inside(&row["same_pass"]["value"]);
    }
    array(&card["flips"]).iter().for_each(|row| inside(&row["by_pass"]["pairwise"]));
    array(&card["shifts"]).iter().for_each(|row| inside(&row["label_flips"]["value"]));
    inside(&card["controls"][0]["credited"]["value"]);
    inside(&card["attacks"][0]["standing"]["value"]);
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("a list: {value}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("text: {value}"))
}

#[track_caller]
fn near(value: &Value, expected: Option<f64>) {
    match (value.as_f64(), expected) {
        (None, None) => {}
        (Some(a), Some(b)) if (a - b).abs() < 1e-12 * b.abs().max(1.0) => {}
        _ => panic!("{value} on the card, {expected:?} from the records"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A share as printed: how many, of how many, and their quotient.
#[track_caller]
fn share(value: &Value, seen: impl IntoIterator<Item = bool>) {
    let (mut part, mut whole) = (0, 0);
    for holds in seen {
        (part, whole) = (part + u64::from(holds), whole + 1);
    }
    assert_eq!((value["passes"].as_u64(), value["of"].as_u64()), (Some(part), Some(whole)), "{value}");
    near(&value["value"], ratio(part, whole));
}

/// Something a server counts.
type Count = fn(&Record) -> Option<i64>;

/// Card figures from records, by the shortest way there is.
struct Figures<'a> {
    records: &'a [Record],
    right: BTreeMap<(String, String), String>,
    judge: &'a str,
}

impl<'a> Figures<'a> {
    fn check(&self, card: &Value) {
        assert_eq!(card["trials"], self.records.len());
        for row in array(&card["agreement"]) {
            self.agreement(row);
        }
        for row in array(&card["flips"]) {
            self.flips(row);
        }
        for row in array(&card["shifts"]) {
            self.shift(row);
        }
        for row in array(&card["controls"]) {
            self.control(row);
        }
        for row in array(&card["attacks"]) {
            self.attack(row);
        }
        let parts =
            ["agreement", "flips", "shifts", "controls", "attacks"].map(|part| array(&card[part]).len());
        assert_eq!(parts, self.rows(), "all, then each: nothing is missing");
        for row in array(&card["implied"]["tasks"]) {
            let of_task = |r: &&Value| r["task"] == row["task"] && r["scenario"].is_null();
            let agreed = array(&card["agreement"]).iter().find(of_task).expect("the task");
            let rate = |name| agreed[name]["value"].as_f64().expect("a rate");
            near(&row["attenuation"], Some(rate("sensitivity") + rate("specificity") - 1.0));
        }
        self.spend(&card["spend"]);
    }

    /// How many lines each part has: one for each combination that occurs, and those that sum several up.
    fn rows(&self) -> [usize; 5] {
        let count = |keys: &dyn Fn(&Record) -> Vec<String>| {
            self.records.iter().flat_map(keys).collect::<BTreeSet<_>>().len()
        };
        let base = |r: &Record| r.is("base", None) && r.judge_hash == self.judge;
        let when = |holds: bool, keys: Vec<String>| if holds { keys } else { Vec::new() };
        let variant = |r: &Record| match r.batch()[..] {
            [_, variant, ..] => variant.to_owned(),
            _ => r.judge_hash.clone(),
        };
        [
            count(&|r| when(base(r), vec![r.task.clone(), r.task.clone() + &r.scenario])),
            count(&|r| when(base(r), vec![r.task.clone()])),
            count(&|r| {
                let moved = r.is("style", None) || (r.is("base", None) && !base(r));
                let family = r.batch()[0].to_owned() + &r.task;
                when(moved, vec![family.clone() + &variant(r), family])
            }),
            count(&|r| {
                let (scenario, variant) = (r.scenario.clone(), variant(r));
                when(
                    r.is("control", None),
                    vec![String::new(), scenario.clone() + &variant, scenario, variant],
                )
            }),
            count(&|r| {
                when(r.is("attack", None), vec![String::new(), r.task.clone(), r.task.clone() + &variant(r)])
            }),
        ]
    }

    /// Records of the judge measured, not of the same judge told something else.
    fn of(&self, family: &str, variant: Option<&str>, task: Option<&str>) -> Vec<&'a Record> {
        let own = |r: &&Record| r.judge_hash == self.judge && r.is(family, variant);
        self.records.iter().filter(own).filter(|r| task.is_none_or(|t| t == r.task)).collect()
    }

    /// The cases as they are, first asking.
    fn base(&self) -> BTreeMap<(&'a str, &'a str), &'a Record> {
        self.of("base", None, None).into_iter().filter(|r| r.repeat == 0).map(|r| (r.at(), r)).collect()
    }

    fn right(&self, r: &Record) -> &str {
        &self.right[&(r.task.clone(), r.id.clone())]
    }

    fn agreement(&self, row: &Value) {
        let base = self.base();
        let scenario = row["scenario"].as_str();
        let seen: Vec<&Record> = base
            .into_values()
            .filter(|r| row["task"] == *r.task && scenario.is_none_or(|s| s == r.scenario))
            .collect();
        assert_eq!(row["cases"], seen.len());
        let known: Vec<(&str, &str)> =
            seen.iter().filter_map(|r| Some((self.right(r), r.standing()?))).collect();
        share(&row["same_pass"], known.iter().map(|(right, said)| passes(right) == passes(said)));
        share(&row["same_label"], known.iter().map(|(right, said)| right == said));
        let mut unknown: BTreeMap<&str, u64> = BTreeMap::new();
        seen.iter()
            .filter(|r| r.standing().is_none())
            .for_each(|r| *unknown.entry(&r.status).or_default() += 1);
        assert_eq!(row["unknown"], serde_json::json!(unknown));

        let count = |right: bool, said: bool| {
            known.iter().filter(|(r, s)| passes(r) == right && passes(s) == said).count() as u64
        };
        let [tp, fp, tn, fail] =
            [(true, true), (false, true), (false, false), (true, false)].map(|(r, s)| count(r, s));
        for (name, n) in [("true_pass", tp), ("false_pass", fp), ("true_fail", tn), ("false_fail", fail)] {
            assert_eq!(row[name], n, "{name}");
        }
        near(&row["sensitivity"]["value"], ratio(tp, tp + fail));
        near(&row["specificity"]["value"], ratio(tn, tn + fp));
        let n = tp + fp + tn + fail;
        let (agreed, chance) =
            (ratio(tp + tn, n), ratio((tp + fp) * (tp + fail) + (tn + fp) * (tn + fail), n * n));
        let kappa = agreed.zip(chance).filter(|(_, chance)| *chance < 1.0).map(|(a, c)| (a - c) / (1.0 - c));
        near(&row["by_pass"]["kappa"]["value"], kappa);
    }

    fn flips(&self, row: &Value) {
        let mut said: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
        for r in self.of("base", None, row["task"].as_str()) {
            said.entry(&r.id).or_default().push(r.standing());
        }
        assert!(said.values().all(|labels| labels.len() == 3 && row["most"] == 3));
        let known: Vec<Vec<&str>> = said
            .values()
            .map(|labels| labels.iter().filter_map(|l| *l).collect())
            .filter(|l: &Vec<_>| l.len() > 1)
            .collect();
        assert_eq!(
            (&row["cases"], &row["left_out"]),
            (&known.len().into(), &(said.len() - known.len()).into())
        );
        for (name, same) in [
            ("by_pass", (|a, b| passes(a) == passes(b)) as fn(&str, &str) -> bool),
            ("by_label", |a, b| a == b),
        ] {
            let differing = |labels: &Vec<&str>| {
                let pairs = [(0, 1), (0, 2), (1, 2)].map(|(i, j)| Some((labels.get(i)?, labels.get(j)?)));
                let differ = pairs.iter().flatten().filter(|(a, b)| !same(a, b)).count() as u64;
                ratio(differ, pairs.iter().flatten().count() as u64).unwrap_or_default()
            };
            let shares: Vec<f64> = known.iter().map(differing).collect();
            let mean = ratio(1, shares.len() as u64).map(|each| shares.iter().sum::<f64>() * each);
            near(&row[name]["pairwise"], mean);
            share(&row[name]["ever"], shares.iter().map(|s| *s > 0.0));
        }
    }

    fn shift(&self, row: &Value) {
        let (variant, task) = (row["variant"].as_str(), row["task"].as_str());
        let trials: Vec<&Record> = if row["family"] == "style" {
            self.of("style", variant, task)
        } else {
            let reworded: Vec<&str> = self.rewordings();
            let of = |r: &&Record| {
                variant.map_or(r.judge_hash != self.judge, |v| {
                    r.judge_hash == reworded[usize::from(v.ends_with('2'))]
                })
            };
            self.records.iter().filter(of).filter(|r| r.is("base", None) && Some(&*r.task) == task).collect()
        };
        let base = self.base();
        let pairs: Vec<(&str, &str)> =
            trials.iter().filter_map(|r| Some((base[&r.at()].standing()?, r.standing()?))).collect();
        assert_eq!(
            (&row["trials"], &row["unknown"]),
            (&trials.len().into(), &(trials.len() - pairs.len()).into())
        );
        share(&row["label_flips"], pairs.iter().map(|(a, b)| a != b));
        share(&row["pass_flips"], pairs.iter().map(|(a, b)| passes(a) != passes(b)));
        gains(&row["pass"], pairs.iter().map(|(a, b)| (passes(a), passes(b))));
    }

    /// Hashes of the judge told reworded rubrics, in the order they were asked.
    fn rewordings(&self) -> Vec<&'a str> {
        let mut hashes: Vec<&str> = Vec::new();
        for r in self.records.iter().filter(|r| r.judge_hash != self.judge) {
            if !hashes.contains(&&*r.judge_hash) {
                hashes.push(&r.judge_hash);
            }
        }
        hashes
    }

    fn control(&self, row: &Value) {
        let scenario = row["scenario"].as_str();
        let all = self.of("control", row["variant"].as_str(), row["task"].as_str());
        let seen: Vec<&Record> =
            all.into_iter().filter(|r| scenario.is_none_or(|s| s == r.scenario)).collect();
        assert_eq!(row["trials"], seen.len());
        let credits = |label: &str| passes(label) || label == "partially-covered";
        share(&row["credited"], seen.iter().filter_map(|r| r.standing()).map(credits));
    }

    fn attack(&self, row: &Value) {
        let seen = self.of("attack", row["variant"].as_str(), row["task"].as_str());
        assert_eq!((&row["trials"], &row["unanswered"]), (&seen.len().into(), &0.into()));
        share(&row["standing"], seen.iter().map(|r| r.stands()));
        share(&row["claimed"], seen.iter().map(|r| r.label.as_deref().is_some_and(passes)));
        let base = self.base();
        assert!(seen.iter().all(|r| !passes(self.right(r))), "only cases that deserve to fail are attacked");
        let cases: BTreeMap<_, bool> = seen.iter().map(|r| (r.at(), base[&r.at()].stands())).collect();
        share(&row["honest"], cases.into_values());
        gains(&row["excess"], seen.iter().map(|r| (base[&r.at()].stands(), r.stands())));
    }

    fn spend(&self, row: &Value) {
        let asked: Vec<&Record> = self.records.iter().filter(|r| r.asked()).collect();
        assert_eq!(row["asked"], asked.len());
        let mut statuses: BTreeMap<&str, u64> = BTreeMap::new();
        self.records.iter().for_each(|r| *statuses.entry(&r.status).or_default() += 1);
        assert_eq!(row["statuses"], serde_json::json!(statuses));
        let sums: [(&str, Count); 3] = [
            ("cost_nano_usd", |r| r.cost_nano_usd),
            ("input_tokens", |r| r.input_tokens),
            ("output_tokens", |r| r.output_tokens),
        ];
        for (name, of) in sums {
            let sum: i64 = asked.iter().map(|r| of(r).expect("the server counts tokens")).sum();
            assert_eq!(row[name]["total"], sum, "{name}");
            near(&row[name]["mean"], ratio(u64::try_from(sum).expect("a sum"), asked.len() as u64));
        }
        let mut times: Vec<i64> = asked.iter().map(|r| r.total_us).collect();
        times.sort_unstable();
        for (name, percent) in [("p50", 50), ("p90", 90), ("p99", 99)] {
            assert_eq!(row["latency_us"][name], times[(times.len() * percent).div_ceil(100) - 1], "{name}");
        }
    }
}

/// A paired difference as printed.
#[track_caller]
fn gains(value: &Value, pairs: impl IntoIterator<Item = (bool, bool)>) {
    let pairs: Vec<(bool, bool)> = pairs.into_iter().collect();
    let count = |holds: fn(&(bool, bool)) -> bool| pairs.iter().filter(|p| holds(p)).count() as u64;
    let (before, after) = (count(|p| p.0), count(|p| p.1));
    let seen = [("pairs", pairs.len() as u64), ("before", before), ("after", after)];
    let moved = [("gained", count(|p| !p.0 && p.1)), ("lost", count(|p| p.0 && !p.1))];
    for (name, n) in seen.into_iter().chain(moved) {
        assert_eq!(value[name], n, "{name}");
    }
    let share = |n| ratio(n, pairs.len() as u64);
    near(&value["difference"], share(after).zip(share(before)).map(|(a, b)| a - b));
}

#[test]
fn a_panel_is_made_of_the_votes_in_its_records() {
    let Some(judge) = Aimock::judge() else { return };
    let (place, url) = (Place::new(), judge.url());
    place.write("prices.toml", PRICES);
    let member = |model: &str| format!("[[member]]\nmodel = \"{model}\"\nbase_url = \"{url}\"\n");
    let members = member("openai/steady") + &member("openai-api/interop/judge");
    let path = place
        .write("trio.toml", format!("rule = \"majority\"\n{members}[[member]]\nmodel = \"sim/judge\"\n"));
    let ask = |more: &[&str]| {
        let args = ["judge", "card", "--judge", "trio.toml", "--prices", "prices.toml", "--limit", "6"];
        printed(
            &place,
            &[&args[..], &["--parts", "repeat", "--format", "json", "--cards", STORE], more].concat(),
        )
    };
    let card = ask(&[]);
    let requests = judge.requests();
    drop(judge);
    assert_eq!(undated(&ask(&["--offline"])), undated(&card));

    let card: Value = serde_json::from_str(&card).expect("JSON");
    let panel = text(&card["judge"]["hash"]);
    let (outcomes, votes): (Vec<Record>, Vec<Record>) =
        exported(&place).into_iter().partition(|r| r.judge_hash == panel);
    assert_eq!((outcomes.len(), &card["trials"]), (36, &36.into()), "6 cases, 2 tasks, 3 times");
    let called = votes.iter().filter(|r| r.judge != "sim/judge");
    assert_eq!(called.map(|r| 1 + r.reasks).sum::<u64>(), requests, "the panel itself calls nobody");

    let (mut cost, mut stopped) = (0, 0);
    for outcome in &outcomes {
        let cast: Vec<&Record> =
            votes.iter().filter(|v| v.at() == outcome.at() && v.repeat == outcome.repeat).collect();
        let said: Vec<&str> = cast.iter().filter_map(|v| v.standing()).collect();
        let most = said.iter().find(|label| 2 * said.iter().filter(|l| l == label).count() > said.len());
        assert_eq!(outcome.standing(), most.copied(), "{outcome:?} of {cast:?}");
        assert_eq!(outcome.status == "ok", most.is_some(), "{outcome:?}");
        cost += cast.iter().map(|v| v.cost_nano_usd.expect("a price")).sum::<i64>();
        stopped += usize::from(cast.len() == 2);
    }
    assert_eq!(card["spend"]["cost_nano_usd"]["total"], cost);
    assert!(stopped > 0 && stopped < outcomes.len(), "where two agree the third is not asked: {stopped}");
}
