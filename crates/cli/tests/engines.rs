//! Local models: a server that answers is called, else an engine is started, watched and ended, whatever happens to the
//! command. The engines are simulated; `transformers.rs` beside this file has a real one.
#![cfg(target_os = "linux")]

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Place, Ran};
use testkit::engine::{Mode, SimEngine};
use testkit::server::Kind;
use testkit::{Config, FakeServer};

/// Generous: for whatever is waited for on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The engines there can be, by the names of their programs.
const PROGRAMS: [&str; 4] = ["vllm", "python3", "llama-server", "transformers"];

#[test]
#[ignore = "the simulated engine itself, started by the tests below"]
fn simulated_engine() {
    testkit::engine::run();
}

struct Bench {
    place: Place,
    engine: SimEngine,
}

impl Bench {
    fn new() -> Self {
        let place = Place::new();
        let engine = SimEngine::install(&place.path("bin"), &PROGRAMS, "simulated_engine").expect("files");
        std::fs::create_dir(place.path("tmp")).expect("a directory");
        Self { place, engine }
    }

    fn command(&self, mode: Mode, more: &[&str]) -> Command {
        let mut args = vec!["eval", "--limit", "2", "-k", "2", "--json"];
        if !more.contains(&"--judge") {
            args.extend(["--judge", "sim/judge"]);
        }
        args.extend(more);
        let mut command = self.place.command(&args);
        command.envs(self.engine.env(mode)).env("TMPDIR", self.place.path("tmp"));
        command
    }

    fn run(&self, mode: Mode, more: &[&str]) -> Ran {
        let output = self.command(mode, more).output().expect("the binary starts");
        self.place.ran(&output)
    }

    fn spawn(&self, mode: Mode, more: &[&str]) -> Child {
        self.command(mode, more)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts")
    }

    /// The logs that are still there.
    fn logs(&self) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(self.place.path("tmp")).expect("a directory");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }

    /// The one engine that was started, without its port.
    #[track_caller]
    fn only_start(&self) -> String {
        let started = self.engine.started();
        let [line] = started.as_slice() else { panic!("one engine is started: {started:?}") };
        let words: Vec<&str> = line.split(' ').collect();
        let port = words.iter().position(|word| *word == "--port").expect("a port") + 1;
        words
            .iter()
            .enumerate()
            .map(|(i, word)| if i == port { "PORT" } else { word })
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[track_caller]
    fn nothing_is_left(&self) {
        until("every engine and its children end", || self.engine.alive().is_empty());
    }
}

#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One start: what is asked for, and the command line that comes of it.
#[track_caller]
fn starts(model: &str, more: &[&str], line: &str) {
    let bench = Bench::new();
    bench.place.write("weights.gguf", "no weights");
    let ran = bench.run(Mode::Well, &[&["--model", model], more].concat()).expect(0);
    assert_eq!(bench.only_start(), line);
    assert!(ran.stderr.contains(&format!("serves {model} after")), "{}", ran.stderr);
    assert_eq!(bench.engine.alive(), Vec::<u32>::new(), "it is ended with the command");
    assert_eq!(bench.logs(), Vec::<std::path::PathBuf>::new(), "its log is of no use any more");
}

#[test]
fn an_engine_is_started_with_what_its_model_needs() {
    let at = "--host 127.0.0.1 --port PORT";
    starts("vllm/Qwen/Qwen3-8B", &[], &format!("vllm serve Qwen/Qwen3-8B {at} --reasoning-parser qwen3"));
    starts("transformers/some/dir", &[], &format!("transformers serve some/dir {at}"));
    starts(
        "llama-cpp/weights.gguf",
        &[],
        &format!("llama-server -m weights.gguf --jinja --reasoning-format deepseek {at}"),
    );
    starts(
        "vllm/mine/Qwen3-8B",
        &["--engine-args", "--reasoning-parser=deepseek_r1 --max-model-len '512'"],
        &format!("vllm serve mine/Qwen3-8B {at} --reasoning-parser=deepseek_r1 --max-model-len 512"),
    );
}

#[test]
fn a_server_that_answers_is_used_instead() {
    let model = "sglang/deepseek-ai/DeepSeek-R1-0528";
    let line = "python3 -m sglang.launch_server --model-path deepseek-ai/DeepSeek-R1-0528 --host 127.0.0.1 --port PORT \
                --reasoning-parser deepseek-r1";
    starts(model, &[], line);
    // Where SGLang listens when nobody says otherwise: no other test uses it.
    let models = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let config = |names| Config { port: 30_000, models: models(names), ..Config::default() };
    {
        let _server = FakeServer::start(config(&["deepseek-ai/DeepSeek-R1-0528"]));
        let bench = Bench::new();
        bench.run(Mode::Well, &["--model", model]).expect(0);
        assert_eq!(bench.engine.started(), Vec::<String>::new());
    }
    let _server = FakeServer::start(config(&["another/model"]));
    let bench = Bench::new();
    let ran = bench.run(Mode::Well, &["--model", model]).expect(2);
    let message = format!("does not serve {model}: it has another/model");
    assert!(ran.stderr.contains(&message), "{}", ran.stderr);
    assert_eq!(bench.engine.started(), Vec::<String>::new());
}

#[test]
fn a_server_named_by_its_url_is_called_as_it_is() {
    let server =
        FakeServer::start(Config { models: Some(vec!["other.gguf".to_owned()]), ..Config::default() });
    let bench = Bench::new();
    let url = server.url();
    let ran = bench.run(Mode::Well, &["--model", "llama-cpp/mine.gguf", "--model-base-url", &url]).expect(1);
    assert!(ran.stderr.contains("does not know llama-cpp/mine.gguf"), "{}", ran.stderr);
    assert_eq!(server.count(Kind::Models), 0, "nothing is asked before the first call");
    assert_eq!(bench.engine.started(), Vec::<String>::new());
}

#[test]
fn none_is_started_when_none_is_wanted() {
    let bench = Bench::new();
    for more in [&["--no-engine", "--max-retries", "0"][..], &["--dry-run"], &["--show-config"]] {
        bench.run(Mode::Well, &[&["--model", "vllm/Qwen/Qwen3-8B"], more].concat());
        assert_eq!(bench.engine.started(), Vec::<String>::new(), "{more:?}");
    }
    // A run that is complete needs no engine either.
    let whole = ["--model", "vllm/Qwen/Qwen3-8B"];
    bench.run(Mode::Well, &whole).expect(0);
    bench.run(Mode::Well, &whole).expect(0);
    assert_eq!(bench.engine.started().len(), 1);
}

#[test]
fn a_judge_shares_the_engine_of_its_model() {
    let check = |judge: &str, engines: usize| {
        let bench = Bench::new();
        bench.run(Mode::Well, &["--model", "vllm/Qwen/Qwen3-8B", "--judge", judge]).expect(0);
        assert_eq!(bench.engine.started().len(), engines, "{judge}");
        bench.nothing_is_left();
    };
    check("vllm/Qwen/Qwen3-8B", 1);
    check("vllm/openai/gpt-oss-20b", 2);
}

#[test]
fn judging_alone_starts_the_judges_engine() {
    let bench = Bench::new();
    bench.run(Mode::Well, &["--model", "sim/superficial", "--name", "stored"]).expect(0);
    for _ in 0..2 {
        let mut command = bench.place.command(&["judge", "stored", "--judge", "vllm/Qwen/Qwen3-8B"]);
        let output =
            command.envs(bench.engine.env(Mode::Well)).env("TMPDIR", bench.place.path("tmp")).output();
        bench.place.ran(&output.expect("the binary starts")).expect(0);
        // The second time every verdict is there.
        assert_eq!(bench.engine.started().len(), 1);
    }
    bench.nothing_is_left();
}

#[test]
fn an_engine_gets_no_keys_of_others() {
    let bench = Bench::new();
    let set = [
        "OPENAI_API_KEY",
        "AWS_SESSION_TOKEN",
        "UNDERSIGHT_PRICES_OF_MINE",
        "HF_TOKEN",
        "CUDA_VISIBLE_DEVICES",
    ];
    let output = bench
        .command(Mode::Well, &["--model", "vllm/Qwen/Qwen3-8B"])
        .envs(set.map(|name| (name, "0")))
        .output()
        .expect("the binary starts");
    bench.place.ran(&output).expect(0);
    let got = bench.engine.variables();
    let passed: Vec<&str> = set.into_iter().filter(|name| got.iter().any(|got| got == name)).collect();
    assert_eq!(passed, ["HF_TOKEN", "CUDA_VISIBLE_DEVICES"]);
}

#[test]
fn what_goes_wrong_is_shown_with_the_log() {
    let check = |mode: Mode, more: &[&str], code: i32, words: &[&str]| {
        let bench = Bench::new();
        let ran = bench.run(mode, &[&["--model", "vllm/Qwen/Qwen3-8B"], more].concat()).expect(code);
        for word in words {
            assert!(ran.stderr.contains(word), "{mode:?}: {word}: {}", ran.stderr);
        }
        let odd = |c: char| c.is_control() && c != '\n';
        assert!(
            !ran.stderr.contains(odd),
            "{mode:?}: the log's control characters are gone: {:?}",
            ran.stderr
        );
        let logs = bench.logs();
        let [log] = logs.as_slice() else { panic!("{mode:?}: its log is kept: {logs:?}") };
        let name = log.file_name().expect("a name").to_string_lossy();
        assert!(ran.stderr.contains(&format!("the whole log: [DIR]/tmp/{name}")), "{mode:?}: {}", ran.stderr);
        assert_eq!(log.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
        bench.nothing_is_left();
    };
    check(
        Mode::DiesEarly,
        &[],
        1,
        &[
            "  | INFO simulated engine loads Qwen/Qwen3-8B",
            "  | 100%",
            "  | RuntimeError: simulated: CUDA out of memory",
            "error: vLLM ended before it served vllm/Qwen/Qwen3-8B (exit code 3)",
            "hint: not enough memory",
        ],
    );
    check(
        Mode::NeverHealthy,
        &["--engine-timeout", "1"],
        1,
        &["error: vLLM did not serve vllm/Qwen/Qwen3-8B within ", "hint:", "--engine-timeout"],
    );
    check(
        Mode::DiesLater,
        &["--max-retries", "0"],
        3,
        &["warning: the engine of vllm/Qwen/Qwen3-8B ended", "  | simulated: fatal error in a worker"],
    );
}

#[test]
fn what_cannot_be_started_says_why() {
    let check = |more: &[&str], words: &str| {
        let bench = Bench::new();
        let ran = bench.run(Mode::Well, more).expect(2);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
        assert_eq!(bench.engine.started(), Vec::<String>::new());
    };
    check(&["--model", "llama-cpp/absent.gguf"], "there is no file absent.gguf");
    check(&["--model", "vllm/m", "--engine-args", "--port 1"], "--port is chosen for each engine");
    check(&["--model", "vllm/m", "--engine-args", "--x 'open"], "a quote is not closed");
    let place = Place::new();
    let ran = place.run(&["eval", "--judge", "sim/judge", "--model", "vllm/m"]).expect(2);
    assert!(ran.stderr.contains("vLLM is not found on this machine to serve vllm/m"), "{}", ran.stderr);
}

/// Waits until an engine runs, does something to the command, and sees that nothing is left of either.
#[track_caller]
fn ended_by(act: impl Fn(&mut Child)) {
    let bench = Bench::new();
    let mut child = bench.spawn(Mode::NeverHealthy, &["--model", "vllm/Qwen/Qwen3-8B"]);
    until("an engine starts", || !bench.engine.processes().is_empty());
    act(&mut child);
    child.wait().expect("a child can be waited for");
    bench.nothing_is_left();
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("/bin/kill").args([name, &pid]).status().expect("kill runs").success());
}

#[test]
fn a_killed_command_leaves_no_engine() {
    ended_by(|child| child.kill().expect("a child can be killed"));
}

#[test]
fn an_interrupted_command_leaves_no_engine() {
    ended_by(|child| signal(child, "-INT"));
    ended_by(|child| signal(child, "-TERM"));
}

#[test]
fn an_engine_that_does_not_listen_is_ended_with_its_children() {
    let bench = Bench::new();
    bench.run(Mode::Stubborn, &["--model", "vllm/Qwen/Qwen3-8B"]).expect(0);
    assert_eq!(bench.engine.processes().len(), 2);
    bench.nothing_is_left();
}
