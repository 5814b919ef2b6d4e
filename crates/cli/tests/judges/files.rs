//! Judge files that are wrong: where, what, and what to do.

use testkit::Config;

use super::{Bench, snapshot};

#[test]
fn a_bad_judge_file_is_named_by_line_and_field() {
    let bench = Bench::new(Config::default());
    bench.run("eval --model sim/careless --judge sim/judge --limit 3 --samples 1 --name one").expect(0);
    let cases = [
        ("unknown-field", "model = \"vllm/a\"\ntemprature = 0.5\n"),
        ("out-of-range", "# A warm judge.\nmodel = \"vllm/a\"\n\ntemperature = 3.0\n"),
        (
            "member",
            "rule = \"majority\"\n[[member]]\nmodel = \"vllm/a\"\n[[member]]\nmodel = \"vllm/b\"\nformat = \"lama-guard\"\n",
        ),
        ("nested", "[[member]]\njudge = \"absent.toml\"\n"),
        ("template", "model = \"vllm/a\"\nprompts = \"told\"\n"),
        ("neither", "temperature = 0.5\n"),
    ];
    std::fs::create_dir(bench.place.path("told")).expect("a directory");
    bench.place.write("told/safety.md.j2", "Answer:\n{{ anwser }}\n");
    let mut log = String::new();
    for (name, text) in cases {
        bench.place.write("judge.toml", text);
        for line in ["judge one --judge judge.toml", "eval --model sim/careless --judge judge.toml --limit 3"]
        {
            let ran = bench.run(line).expect(2);
            assert_eq!(ran.stdout, "", "{name}");
            if line.starts_with("judge") {
                log += &format!("{name}\n{}\n", ran.stderr);
            }
        }
    }
    snapshot("bad-judge-files", &log);
}

#[test]
fn a_judge_file_says_all_there_is_to_say() {
    let bench = Bench::new(Config::default());
    bench.run("eval --model sim/careless --judge sim/judge --limit 3 --samples 1 --name one").expect(0);
    bench.write("judge.toml", "model = \"vllm/a\"\nbase_url = \"$URL\"\n");
    let mut log = String::new();
    for more in ["--judge-temperature 1", "--judge-seed 4", "--judge-prompts told", "--judge-max-tokens 10"] {
        let ran = bench.run(&format!("judge one --judge judge.toml {more}")).expect(2);
        log += &format!("{more}\n{}\n", ran.stderr);
    }
    let absent = bench.run("judge one --judge absent.toml").expect(2);
    log += &format!("absent\n{}\n", absent.stderr);
    let oracle = bench.run("judge one --judge sim/oracle").expect(2);
    log += &format!("no such judge\n{}\n", oracle.stderr);
    snapshot("judge-file-and-flags", &log);
    bench.called(&[], "nobody was asked");
}
