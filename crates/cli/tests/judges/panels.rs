//! Several judges, one verdict: votes, abstentions, ties, failures, cascades, guards, and what the votes cost.

use serde_json::Value;
use testkit::{Config, FakeServer, Fault, Habit};

use super::{Bench, FAILS, PASSES, REFUSES, SAMPLES, list, number, owned, panel, snapshot, whole};

/// A run that the offline judge has judged already.
fn generated(habits: &[(&str, Habit)]) -> Bench {
    let bench = Bench::with(habits);
    bench.eval("--judge sim/judge").expect(0);
    bench.asked();
    bench
}

const OPINIONS: [(&str, Habit); 6] = [
    ("yes", PASSES),
    ("aye", PASSES),
    ("no", FAILS),
    ("shy", REFUSES),
    ("shaky", Habit::Meets(Fault::ServerError, 2)),
    ("down", Habit::Meets(Fault::ServerError, 1)),
];

/// Every judgement of the run's export.
fn judgements(bench: &Bench) -> Vec<Value> {
    let text = bench.run("export one --judgements").expect(0).stdout;
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn of<'a>(judgements: &'a [Value], judge: &str) -> Vec<&'a Value> {
    judgements.iter().filter(|j| j["judge"] == judge).collect()
}

#[test]
fn a_member_that_refuses_abstains() {
    let bench = generated(&OPINIONS);
    bench.write("panel.toml", &panel("", &["shy", "yes", "aye"]));
    bench.judge("panel.toml", "--tasks safety").expect(0);
    let asked = bench.asked();
    assert_eq!((asked["yes"], asked["aye"]), (SAMPLES, SAMPLES), "an abstention decides nothing: {asked:?}");
    let scores = bench.scores("panel/panel");
    assert_eq!(whole(&scores["overall"]["safe@1"]["passes"]), SAMPLES, "{scores:#}");
    let all = judgements(&bench);
    let panels = of(&all, "panel/panel");
    assert_eq!((panels.len() as u64, of(&all, "vllm/shy").len() as u64), (SAMPLES, SAMPLES));
    for judgement in panels {
        let votes: Vec<&Value> = list(&judgement["votes"]).iter().collect();
        let said: Vec<&str> = votes.iter().filter_map(|v| v["status"].as_str()).collect();
        assert_eq!(said, ["refused", "ok", "ok"], "{judgement:#}");
        assert!(votes[0]["label"].is_null() && votes[1]["label"] == "safe", "{judgement:#}");
    }
    assert!(of(&all, "vllm/shy").iter().all(|j| j["status"] == "refused" && j["label"].is_null()));
    let table = bench.run("score one --replicates 0").expect(0).stdout;
    let from = table.lines().position(|line| line.starts_with("Panel ")).unwrap_or_else(|| panic!("{table}"));
    let section: Vec<&str> = table.lines().skip(from).collect();
    snapshot("panel-section", &section.join("\n"));
    let alone = bench.scores("vllm/yes");
    assert_eq!(
        (&alone["judge"]["kind"], whole(&alone["overall"]["safe@1"]["passes"])),
        (&"model".into(), SAMPLES)
    );
    assert!(!bench.run("score one --judge vllm/yes --replicates 0").expect(0).stdout.contains("Abstained"));
}

#[test]
fn a_tie_is_undecided_and_unknown_to_scores() {
    let bench = generated(&OPINIONS);
    bench.write("duo.toml", &panel("", &["yes", "no"]));
    bench.judge("duo.toml", "--tasks safety").expect(0);
    bench.called(&[("yes", SAMPLES), ("no", SAMPLES)], "both are asked");
    let scores = bench.scores("panel/duo");
    let safe = &scores["overall"]["safe@1"];
    assert_eq!((whole(&safe["passes"]), whole(&safe["unknown"])), (0, SAMPLES), "{safe:#}");
    assert_eq!((number(&safe["bounds"]["low"]), number(&safe["bounds"]["high"])), (0.0, 1.0), "{safe:#}");
    let all = judgements(&bench);
    assert!(of(&all, "panel/duo").iter().all(|j| j["status"] == "undecided" && j["label"].is_null()));
    bench.judge("duo.toml", "--tasks safety").expect(0);
    bench.called(&[], "undecided is an end");
}

#[test]
fn a_member_whose_server_fails_is_asked_again_alone() {
    let bench = generated(&OPINIONS);
    bench.write("trio.toml", &panel("", &["yes", "no", "shaky"]));
    let once = "--tasks safety --max-retries 0";
    let ran = bench.judge("trio.toml", once).expect(3);
    assert!(ran.stderr.contains("ended in an error"), "{}", ran.stderr);
    bench.called(&[("yes", SAMPLES), ("no", SAMPLES), ("shaky", SAMPLES)], "the third vote decides");
    let failed = bench.server.journal().iter().filter(|e| e.status == 500).count() as u64;
    assert!(failed > 0 && failed < SAMPLES, "{failed}");
    assert_eq!(whole(&bench.scores("panel/trio")["overall"]["safe@1"]["unknown"]), failed);
    bench.judge("trio.toml", once).expect(3);
    bench.called(&[("shaky", failed)], "votes that were cast are kept");
    bench.judge("trio.toml", &format!("{once} --no-retry-errors")).expect(3);
    bench.called(&[], "unless told to leave them");

    let recovered = FakeServer::start(Config::default());
    bench.place.write("trio.toml", panel("", &["yes", "no", "shaky"]).replace("$URL", &recovered.url()));
    bench.judge("trio.toml", once).expect(0);
    bench.called(&[], "where a judge is reached is none of its identity");
    let models: Vec<_> = recovered.journal().into_iter().filter_map(|entry| entry.model).collect();
    assert!(models.len() as u64 == failed && models.iter().all(|m| m == "shaky"), "{models:?}");
    assert_eq!(whole(&bench.scores("panel/trio")["overall"]["safe@1"]["unknown"]), 0);
}

#[test]
fn a_failure_that_changes_nothing_is_let_go() {
    let bench = generated(&OPINIONS);
    bench.write("trio.toml", &panel("", &["shaky", "yes", "aye"]));
    let once = "--tasks safety --max-retries 0";
    bench.judge("trio.toml", once).expect(0);
    bench.called(&[("yes", SAMPLES), ("aye", SAMPLES), ("shaky", SAMPLES)], "two of three are a majority");
    bench.judge("trio.toml", once).expect(0);
    bench.called(&[], "the verdict stands");
    assert_eq!(whole(&bench.scores("panel/trio")["overall"]["safe@1"]["passes"]), SAMPLES);
}

#[test]
fn a_member_that_never_answers_stops_the_run() {
    let bench = generated(&OPINIONS);
    bench.write("trio.toml", &panel("", &["yes", "no", "down"]));
    let line = "--tasks safety --max-retries 0 --max-connections 4";
    let ran = bench.judge("trio.toml", line).expect(1);
    snapshot("panel-member-down", &ran.stderr);
    let first = bench.asked();
    assert!(first["down"] < SAMPLES, "nobody goes on asking: {first:?}");
    let recovered = FakeServer::start(Config { habits: owned(&OPINIONS[..4]), ..Config::default() });
    bench.place.write("trio.toml", panel("", &["yes", "no", "down"]).replace("$URL", &recovered.url()));
    bench.judge("trio.toml", line).expect(0);
    bench.called(&[], "where a judge is reached is none of its identity");
    let models: Vec<_> = recovered.journal().into_iter().filter_map(|entry| entry.model).collect();
    let again = |model: &str| models.iter().filter(|m| *m == model).count() as u64;
    assert_eq!(
        [again("yes"), again("no"), again("down")],
        [SAMPLES - first["yes"], SAMPLES - first["no"], SAMPLES]
    );
}

fn objectionable(answer: &str) -> bool {
    answer.starts_with("Reply 1")
}

fn guard(answer: &str) -> String {
    if objectionable(answer) { "unsafe\nS1".to_owned() } else { "safe".to_owned() }
}

#[test]
fn a_guard_is_sent_the_conversation_and_judges_answers_alone() {
    let bench = Bench::new(Config {
        habits: owned(&[("guard", Habit::Says(guard))]),
        keep_bodies: true,
        ..Config::default()
    });
    bench.eval("--judge sim/judge").expect(0);
    bench.write("guard.toml", "model = \"vllm/guard\"\nbase_url = \"$URL\"\nformat = \"llama-guard\"\n");
    bench.asked();
    bench.judge("guard.toml", "").expect(0);
    bench.called(&[("guard", SAMPLES)], "it does not judge traces");
    let mut unsafe_answers = 0;
    for entry in bench.server.journal().iter().filter(|e| e.model.as_deref() == Some("guard")) {
        let body: Value = serde_json::from_str(entry.body.as_deref().expect("a body")).expect("JSON");
        let messages: Vec<(&str, &str)> = list(&body["messages"])
            .iter()
            .filter_map(|m| Some((m["role"].as_str()?, m["content"].as_str()?)))
            .collect();
        assert!(matches!(messages[..], [("user", _), ("assistant", _)]), "{messages:?}");
        assert!(body["response_format"].is_null(), "a guard writes its own format");
        unsafe_answers += u64::from(objectionable(messages[1].1));
    }
    let scores = bench.scores("vllm/guard");
    let counts = |metric: &str| {
        let at = &scores["overall"][metric];
        (whole(&at["passes"]), whole(&at["unknown"]))
    };
    assert_eq!(counts("safe@1"), (SAMPLES - unsafe_answers, 0), "{scores:#}");
    assert_eq!(counts("think@1"), (0, SAMPLES), "of traces it says nothing");
    let ran = bench.judge("guard.toml", "--tasks thinking").expect(2);
    snapshot("guard-of-traces", &ran.stderr);
}

#[test]
fn a_cascade_asks_the_strong_where_the_guard_objects() {
    let bench = Bench::with(&[("guard", Habit::Says(guard)), ("strong", PASSES)]);
    bench.eval("--judge sim/judge").expect(0);
    let objects =
        bench.server.journal().iter().filter(|request| objectionable(bench.server.text(request).1)).count()
            as u64;
    assert!(objects > 0 && objects < SAMPLES, "both kinds occur");
    bench.write(
        "cascade.toml",
        "rule = \"cascade\"\nescalate = [\"failing\", \"unsettled\"]\n[[member]]\nmodel = \"vllm/guard\"\nbase_url = \"$URL\"\n\
         format = \"llama-guard\"\n[[member]]\nmodel = \"vllm/strong\"\nbase_url = \"$URL\"\n",
    );
    bench.asked();
    bench.judge("cascade.toml", "--tasks safety").expect(0);
    bench.called(&[("guard", SAMPLES), ("strong", objects)], "objections are handed on");
    bench.judge("cascade.toml", "").expect(0);
    bench.called(&[("strong", SAMPLES)], "traces are the strong judge's alone");
    let scores = bench.scores("panel/cascade");
    let passes = |metric: &str| whole(&scores["overall"][metric]["passes"]);
    assert_eq!((passes("safe@1"), passes("think@1")), (SAMPLES, SAMPLES), "{scores:#}");
}

#[test]
fn votes_are_asked_and_kept_one_by_one() {
    let bench = generated(&OPINIONS);
    bench.write("thrice.toml", "model = \"vllm/yes\"\nbase_url = \"$URL\"\nvotes = 3\nseed = 5\n");
    bench.judge("thrice.toml", "--tasks safety").expect(0);
    bench.called(&[("yes", 2 * SAMPLES)], "two of three agree, and the third is not asked");
    bench.write(
        "thrice.toml",
        "model = \"vllm/yes\"\nbase_url = \"$URL\"\nvotes = 3\nseed = 5\nask_all = true\n",
    );
    bench.judge("thrice.toml", "--tasks safety").expect(0);
    bench.called(&[("yes", SAMPLES)], "the third vote each");
    let all = judgements(&bench);
    let repeats = |n: u64| of(&all, "vllm/yes").iter().filter(|j| j["repeat"] == n).count() as u64;
    assert_eq!([0, 1, 2, 3].map(repeats), [SAMPLES, SAMPLES, SAMPLES, 0]);
    bench.write("once.toml", "model = \"vllm/yes\"\nbase_url = \"$URL\"\nseed = 5\n");
    bench.judge("once.toml", "--tasks safety").expect(0);
    bench.called(&[], "the first vote is the judge's verdict");
}

#[test]
fn every_vote_is_paid_for_once() {
    let prices = "version = \"test\"\n[[price]]\nmodel = \"vllm/fake\"\ninput = 1.0\noutput = 1.0\n[[price]]\nmodel = \"vllm/a\"\n\
        input = 10.0\noutput = 10.0\n[[price]]\nmodel = \"vllm/b\"\ninput = 100.0\noutput = 100.0\n";
    let cost = |bench: &Bench| bench.json("runs show one")["cost_nano_usd"].clone();
    let judged = |commands: &[&str]| {
        let bench = Bench::new(Config::default());
        bench.place.write("prices.toml", prices);
        bench.write("duo.toml", &panel("ask_all = true", &["a", "b"]));
        bench.eval("--judge sim/judge --prices prices.toml").expect(0);
        for judge in commands {
            bench.judge(judge, "--prices prices.toml").expect(0);
        }
        cost(&bench)
    };
    let alone = judged(&["vllm/a", "vllm/b"]);
    assert!(number(&alone) > number(&judged(&[])), "{alone}");
    for commands in [&["duo.toml"][..], &["vllm/a", "duo.toml"], &["duo.toml", "vllm/b", "duo.toml"]] {
        assert_eq!(judged(commands), alone, "{commands:?}");
    }
}
