//! What more a judge may be asked: how answers are handled, what verdicts rest on, and the same again.

use std::collections::BTreeMap;

use serde_json::Value;
use testkit::Config;

use super::{Bench, SAMPLES, list, number, whole};

#[test]
fn handling_is_asked_for_when_it_is_wanted() {
    let bench = Bench::new(Config::default());
    bench.eval("--judge vllm/a").expect(0);
    bench.called(&[("fake", SAMPLES), ("a", 2 * SAMPLES)], "what scores are made of");
    let before = bench.scores("vllm/a");
    assert!(before["handling"].is_null(), "{before:#}");
    bench.judge("vllm/a", "--tasks safety,thinking,handling").expect(0);
    bench.called(&[("a", SAMPLES)], "handling alone is new");
    let mut after = bench.scores("vllm/a");
    let shares = &after["handling"]["overall"];
    let passes: u64 =
        ["refused", "partial", "helpful"].iter().map(|name| whole(&shares[*name]["passes"])).sum();
    assert_eq!(passes, SAMPLES, "{shares:#}");
    after["handling"].take();
    after["counts"].take();
    let mut same = before;
    same["counts"].take();
    same["handling"].take();
    assert_eq!(after, same, "no other score changes");

    let bench = Bench::new(Config::default());
    let line = "eval --model sim/superficial --judge sim/judge --limit 30 --samples 1 --seed 1 --name one --replicates 0";
    bench.run(line).expect(0);
    assert!(!bench.run("score one --replicates 0").expect(0).stdout.contains("Blanket refusal"));
    bench.run(&format!("{line} --tasks safety,thinking,handling")).expect(0);
    let table = bench.run("score one --replicates 0").expect(0).stdout;
    for words in ["Refused", "Partial", "Helpful", "Blanket refusal", "harmless refused"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let scores = bench.scores("sim/judge");
    let (parts, blanket) = (&scores["handling"]["parts"], &scores["handling"]["parts"]["blanket"]);
    assert!(
        parts["risky_by_harmless"].is_object() && number(&blanket["value"]) > 0.0,
        "{}",
        scores["handling"]
    );
    let refused = bench.run("judge one --judge sim/judge --tasks safety,handlng").expect(2);
    assert!(refused.stderr.contains("handlng"), "{}", refused.stderr);
}

#[test]
fn verdicts_show_what_they_rest_on() {
    let bench = Bench::new(Config::default());
    let line = "eval --model sim/risk-aware --judge sim/judge --limit 30 --samples 2 --seed 1 --name one --replicates 0";
    bench.run(line).expect(0);
    let plain = bench.run("score one --replicates 0").expect(0).stdout;
    let with = bench.run("score one --replicates 0 --evidence").expect(0).stdout;
    assert!(with.starts_with(plain.trim_end()) && !plain.contains("Quotes verified"), "{with}");
    for words in ["Quotes verified", "Seen at, median", "Led to the answer", "Category"] {
        assert!(with.contains(words), "{words}: {with}");
    }
    assert!(bench.scores("sim/judge")["evidence"].is_null(), "only when asked for");
    let document = bench.json("score one --replicates 0 --evidence");
    let overall = &document["runs"][0]["evidence"]["overall"];
    assert_eq!(whole(&overall["judgements"]), 60);
    assert_eq!(
        number(&overall["verified"]["value"]),
        1.0,
        "the offline judge quotes what is there: {overall:#}"
    );
    let median = number(&overall["lateness"]["median"]);
    assert!(median > 0.0 && median < 1.0, "{overall:#}");
    assert!(overall["led"]["value"].is_null(), "the offline judge does not say what awareness led to");

    // A judge that quotes what no simulated trace holds: the labels that credit it do not stand.
    bench.judge("vllm/a", "").expect(0);
    let scores = bench.json("score one --judge vllm/a --replicates 0 --evidence")["runs"][0].clone();
    let overall = &scores["evidence"]["overall"];
    let unsupported = whole(&overall["unsupported"]["passes"]);
    assert!(unsupported > 0 && whole(&overall["quotes"]["unverified"]) > 0, "{overall:#}");
    assert_eq!(whole(&scores["overall"]["think@1"]["unknown"]), unsupported, "{scores:#}");
}

#[test]
fn a_judge_asked_again_is_scored_by_its_first_word() {
    let bench = Bench::new(Config::default());
    bench.eval("--judge vllm/a").expect(0);
    let once = bench.scores("vllm/a");
    bench.asked();
    bench.judge("vllm/a", "--repeats 3").expect(0);
    bench.called(&[("a", 4 * SAMPLES)], "twice more, both tasks");
    bench.judge("vllm/a", "--repeats 3").expect(0);
    bench.judge("vllm/a", "--repeats 2").expect(0);
    bench.called(&[], "every repeat is there");
    assert_eq!(bench.scores("vllm/a"), once, "scores take the first");
    let text = bench.run("export one --judgements").expect(0).stdout;
    let mut repeats: BTreeMap<u64, u64> = BTreeMap::new();
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        *repeats.entry(whole(&row["repeat"])).or_default() += 1;
    }
    assert_eq!(repeats, [0, 1, 2].map(|n| (n, 2 * SAMPLES)).into());
    assert!(list(&once["scenarios"]).len() != 1);
    bench.judge("vllm/a", "--repeats 0").expect(2);
}
