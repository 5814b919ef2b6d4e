//! A simulated engine: what a test puts on the PATH in place of vLLM, SGLang, llama-server or transformers. It takes
//! their flags, is healthy after a while, and answers as the fake provider does. No engine is involved.
//!
//! A test file that uses it has a test of its own that calls [`run`], and writes shell scripts named as the engines that
//! start it: so it is always there and as new as the test.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::{Config, Dialect, FakeServer, Fault};

/// The command line it was started with.
const ARGV: &str = "SIM_ENGINE_ARGV";
/// What it does.
const MODE: &str = "SIM_ENGINE_MODE";
/// The directory it writes into.
const DIRECTORY: &str = "SIM_ENGINE_DIR";
/// Ends a simulated engine that its test forgot.
const LIFE: Duration = Duration::from_secs(120);

/// How a simulated engine behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Healthy soon, ends when told to.
    Well,
    /// Complains in colours and ends at once.
    DiesEarly,
    /// Never listens.
    NeverHealthy,
    /// Listens, and does not hear a polite signal; its child does not either.
    Stubborn,
    /// Ends when it is asked the first time.
    DiesLater,
}

impl Mode {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Well, "well"),
        (Self::DiesEarly, "dies-early"),
        (Self::NeverHealthy, "never-healthy"),
        (Self::Stubborn, "stubborn"),
        (Self::DiesLater, "dies-later"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(mode, _)| *mode == self).map_or("", |(_, name)| name)
    }
}

/// A directory with a simulated engine in it, to be put on the PATH.
#[derive(Debug)]
pub struct SimEngine {
    directory: PathBuf,
}

impl SimEngine {
    /// Writes one under an engine's name. `test` is the test of the running test file that calls [`run`].
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn install(directory: &Path, names: &[&str], test: &str) -> std::io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let own = std::env::current_exe()?;
        for name in names {
            let script = format!(
                "#!/bin/sh\nexport {ARGV}=\"${{0##*/}} $*\"\nexec '{}' {test} --exact --ignored --nocapture\n",
                own.display()
            );
            let path = directory.join(name);
            std::fs::write(&path, script)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { directory: directory.to_owned() })
    }

    /// The variables a command under test gets.
    #[must_use]
    pub fn env(&self, mode: Mode) -> Vec<(&'static str, String)> {
        let directory = self.directory.display().to_string();
        vec![
            ("PATH", format!("{directory}:/usr/bin:/bin")),
            (DIRECTORY, directory),
            (MODE, mode.name().to_owned()),
        ]
    }

    /// The command lines of the engines that were started, in order.
    #[must_use]
    pub fn started(&self) -> Vec<String> {
        self.lines("started")
    }

    /// The names of the variables they got.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        self.lines("variables")
    }

    /// The processes there were: engines and their children.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        self.lines("processes").iter().filter_map(|line| line.parse().ok()).collect()
    }

    /// Those still alive.
    #[must_use]
    pub fn alive(&self) -> Vec<u32> {
        let lives = |pid: &u32| {
            // A zombie has ended: only nobody has asked for its exit code yet.
            std::fs::read_to_string(format!("/proc/{pid}/stat"))
                .is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| !rest.starts_with('Z')))
        };
        self.processes().into_iter().filter(lives).collect()
    }

    fn lines(&self, file: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.directory.join(file)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

/// Is the engine, where a script of [`SimEngine::install`] started this process; else does nothing.
///
/// # Panics
/// When the test set it up wrongly.
pub fn run() {
    let (Ok(argv), Ok(directory)) = (std::env::var(ARGV), std::env::var(DIRECTORY)) else { return };
    // A look whether the module is there.
    if argv.starts_with("python3 -c ") {
        std::process::exit(0);
    }
    let note = |file: &str, line: &str| {
        let path = Path::new(&directory).join(file);
        let mut file =
            std::fs::File::options().append(true).create(true).open(path).expect("a file of the test");
        writeln!(file, "{line}").expect("a file of the test");
    };
    note("started", &argv);
    for (name, _) in std::env::vars_os() {
        note("variables", &name.to_string_lossy());
    }
    note("processes", &std::process::id().to_string());
    let mode = std::env::var(MODE).unwrap_or_default();
    let mode = Mode::ALL.iter().find(|(_, name)| *name == mode).map_or(Mode::Well, |(mode, _)| *mode);
    let words: Vec<&str> = argv.split(' ').collect();
    let after = |flag: &str| words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1));
    let port: u16 = after("--port").and_then(|port| port.parse().ok()).expect("an engine is told its port");
    // As each takes it: `vllm serve MODEL`, `transformers serve MODEL`, `--model-path MODEL`, `-m MODEL`.
    let models = ["serve", "--model-path", "-m"].iter().filter_map(|flag| after(flag));
    let mut models = models.filter(|model| **model != "sglang.launch_server");
    let model = models.next().expect("an engine is told its model");
    act(mode, port, model, &note);
}

fn act(mode: Mode, port: u16, model: &str, note: &dyn Fn(&str, &str)) {
    let mut stderr = std::io::stderr();
    let _ = writeln!(stderr, "\u{1b}[1;32mINFO\u{1b}[0m simulated engine\u{7} loads {model}\u{1b}[2J");
    if mode == Mode::DiesEarly {
        let _ =
            writeln!(stderr, " 10%\r100%\n\u{1b}[31mRuntimeError\u{1b}[0m: simulated: CUDA out of memory");
        std::process::exit(3);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let _guard = runtime.enter();
    if mode == Mode::Stubborn {
        let deaf = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        std::mem::forget(deaf.expect("a signal that can be heard"));
        let child = Command::new("/bin/sh").args(["-c", "trap '' TERM; sleep 100 & wait; sleep 100"]).spawn();
        note("processes", &child.expect("a shell").id().to_string());
    }
    if mode != Mode::NeverHealthy {
        std::thread::sleep(Duration::from_millis(300));
        let models = Some(vec![model.to_owned()]);
        // What dies when it is first asked must not have answered before.
        let rates = if mode == Mode::DiesLater { vec![(Fault::Hang, 1.0)] } else { Vec::new() };
        let server =
            FakeServer::start(Config { port, models, rates, dialect: Dialect::Vllm, ..Config::default() });
        note("serves", &server.url());
        if mode == Mode::DiesLater {
            while server.count(crate::server::Kind::Generate) == 0 {
                std::thread::sleep(Duration::from_millis(5));
            }
            let _ = writeln!(stderr, "simulated: fatal error in a worker");
            std::process::exit(9);
        }
        std::thread::sleep(LIFE);
    }
    std::thread::sleep(LIFE);
}
