//! A judge's card from end to end: a judge behind aimock, a server nobody here wrote, is asked; what it said is kept; the
//! card is printed again without it; and its figures are worked out anew from the exported records.
#![allow(unreachable_pub, reason = "modules of one test binary")]

#[path = "../common/mod.rs"]
mod common;
mod figures;
mod record;

use std::collections::BTreeSet;

use common::Place;
use figures::Figures;
use record::{Record, array, right_labels, text};
use serde_json::Value;
use testkit::aimock::Aimock;

const STORE: &str = "sqlite:cards.db";
const KEY: &str = "sk-interop";
const KEYS: [(&str, &str); 2] = [("OPENAI_API_KEY", KEY), ("INTEROP_API_KEY", KEY)];
/// Dollars per million tokens, so that a prompt token is 1,500 nano-dollars and one of the reply 6,000.
const PRICES: &str = "version = \"interop\"\n[[price]]\nmodel = \"openai*\"\ninput = 1.5\noutput = 6.0\n";

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

/// Requests that a judge must have seen for these.
fn asks<'a>(records: impl IntoIterator<Item = &'a Record>) -> u64 {
    records.into_iter().filter(|r| r.asked()).map(|r| 1 + r.reasks).sum()
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
    assert_eq!(
        asks(&records),
        requests,
        "every request the server saw is a verdict or a re-ask in the store"
    );
    for r in records.iter().filter(|r| r.asked()) {
        let tokens = r.input_tokens.zip(r.output_tokens);
        assert_eq!(tokens.map(|(i, o)| i * 1500 + o * 6000), r.cost_nano_usd, "{r:?}");
    }

    let card: Value = serde_json::from_str(&card).expect("JSON");
    let figures = Figures { records: &records, right: right_labels(), judge: text(&card["judge"]["hash"]) };
    figures.check(&card);
    a_judge_worth_measuring(&card, &records);

    let html = ask(&["--format", "html", "--offline"]);
    assert!(html.starts_with("<!DOCTYPE html>") && html.trim_end().ends_with("</html>"), "{html:.300}");
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

#[test]
fn a_budget_stops_the_asking_and_the_rest_is_asked_later() {
    let Some(judge) = Aimock::judge() else { return };
    let (place, url) = (Place::new(), judge.url());
    // Never asked again: a verdict that the budget stops between two asks is not kept.
    place.write("prices.toml", PRICES);
    let args =
        ["judge", "card", "--judge", "openai/steady", "--judge-base-url", &url, "--prices", "prices.toml"];
    let small = [
        "--judge-max-tokens",
        "500",
        "--limit",
        "6",
        "--parts",
        "repeat",
        "--max-connections",
        "2",
        "--format",
        "json",
        "--cards",
        STORE,
    ];
    let ask = [&args[..], &small].concat();
    let first = place.run_with(&[&ask[..], &["--max-cost", "0.02"]].concat(), &KEYS).expect(3);
    assert!(first.stderr.contains("error: stopped at --max-cost: "), "{}", first.snapshot());
    let trials = |card: &str| serde_json::from_str::<Value>(card).expect("JSON")["trials"].clone();
    let kept = exported(&place);
    assert_eq!(trials(&first.stdout), kept.len(), "the card is of what was asked");
    assert!(kept.len() < 36 && asks(&kept) == judge.requests(), "{} verdicts", kept.len());

    assert_eq!(trials(&printed(&place, &ask)), 36);
    assert_eq!(asks(&exported(&place)), judge.requests(), "nothing was asked twice");
}

#[test]
fn a_panel_is_made_of_the_votes_in_its_records() {
    let Some(judge) = Aimock::judge() else { return };
    let (place, url) = (Place::new(), judge.url());
    place.write("prices.toml", PRICES);
    let member = |model: &str| format!("[[member]]\nmodel = \"{model}\"\nbase_url = \"{url}\"\n");
    let members = member("openai/steady") + &member("openai-api/interop/judge");
    place.write("trio.toml", format!("rule = \"majority\"\n{members}[[member]]\nmodel = \"sim/judge\"\n"));
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
    assert_eq!(asks(called), requests, "the panel itself calls nobody");

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
