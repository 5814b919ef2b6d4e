//! The table of engines: how each is started on a loopback port, where it says that it is ready, and what the usual
//! complaints in its log mean.

use std::ffi::OsString;

use super::families;
use crate::providers::table::Engine;

/// How one engine is started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Launch {
    /// As people call it.
    pub(crate) title: &'static str,
    /// The program looked for on the PATH.
    pub(crate) program: &'static str,
    /// What follows it, up to the model.
    before_model: &'static [&'static str],
    /// What always follows the model.
    after_model: &'static [&'static str],
    /// A Python module that has to be there for the program to be of use.
    pub(crate) module: Option<&'static str>,
    /// Whether the model is a file that has to exist.
    pub(crate) model_is_file: bool,
    /// How the parser of a model's family is found, where the engine has to be told.
    pub(crate) parser: Option<fn(&str) -> Option<&'static str>>,
    /// Where it answers 200 once it serves.
    pub(crate) health: &'static str,
    /// How to get it.
    pub(crate) install: &'static str,
}

/// Tells an engine how the trace is taken out of the content.
pub(crate) const PARSER_FLAG: &str = "--reasoning-parser";
/// Flags that are ours to set: the engine is looked for where we put it.
const OURS: &[&str] = &["--host", "--port"];

/// The row of an engine.
pub(crate) const fn launch(engine: Engine) -> &'static Launch {
    match engine {
        Engine::Vllm => &Launch {
            title: "vLLM",
            program: "vllm",
            before_model: &["serve"],
            after_model: &[],
            module: None,
            model_is_file: false,
            parser: Some(families::vllm),
            health: "/health",
            install: "pip install vllm",
        },
        Engine::Sglang => &Launch {
            title: "SGLang",
            program: "python3",
            before_model: &["-m", "sglang.launch_server", "--model-path"],
            after_model: &[],
            module: Some("sglang"),
            model_is_file: false,
            parser: Some(families::sglang),
            health: "/health",
            install: "pip install sglang",
        },
        Engine::LlamaCpp => &Launch {
            title: "llama.cpp",
            program: "llama-server",
            before_model: &["-m"],
            // The server's own templates decide where the thought ends; this puts it into a field of its own.
            after_model: &["--jinja", "--reasoning-format", "deepseek"],
            module: None,
            model_is_file: true,
            parser: None,
            health: "/health",
            install: "see the releases of llama.cpp",
        },
        Engine::Transformers => &Launch {
            title: "transformers",
            program: "transformers",
            before_model: &["serve"],
            after_model: &[],
            module: None,
            model_is_file: false,
            parser: None,
            health: "/health",
            install: "pip install 'transformers[serving]' torch",
        },
    }
}

impl Launch {
    /// The reasoning parser to start a model with; `None` when the engine takes none, the user gives one, or the
    /// family is unknown.
    pub(crate) fn parser_for(&self, model: &str, extra: &[String]) -> Option<&'static str> {
        let given = extra.iter().any(|arg| names_flag(arg, PARSER_FLAG));
        self.parser.filter(|_| !given).and_then(|find| find(model))
    }

    /// Everything after the program.
    pub(crate) fn arguments(&self, model: &str, port: u16, extra: &[String]) -> Vec<OsString> {
        let mut all: Vec<OsString> = self.before_model.iter().map(Into::into).collect();
        all.push(model.into());
        all.extend(self.after_model.iter().map(Into::into));
        all.extend(["--host", "127.0.0.1", "--port"].map(Into::into));
        all.push(port.to_string().into());
        if let Some(parser) = self.parser_for(model, extra) {
            all.extend([PARSER_FLAG, parser].map(Into::into));
        }
        all.extend(extra.iter().map(Into::into));
        all
    }
}

/// The first of the arguments that only we may set.
pub(crate) fn reserved(extra: &[String]) -> Option<&'static str> {
    OURS.iter().copied().find(|flag| extra.iter().any(|arg| names_flag(arg, flag)))
}

fn names_flag(arg: &str, flag: &str) -> bool {
    arg.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

/// What complaints in a log mean, the first found counts.
const COMPLAINTS: &[(&[&str], &str)] = &[
    (
        &["address already in use", "couldn't bind", "could not bind"],
        "the port was taken meanwhile: run the same command again",
    ),
    (
        &[
            "unrecognized arguments",
            "invalid choice",
            "invalid argument",
            "no such option",
            "unknown argument",
        ],
        "the engine does not know an argument: look at --engine-args, or at the version of the engine",
    ),
    (
        &["gated repo", "401 client error", "403 client error"],
        "the model's files are not free to download: accept its terms, then set HF_TOKEN",
    ),
    (
        &[
            "out of memory",
            "outofmemory",
            "cannot allocate memory",
            "bad_alloc",
            "free memory on device",
            "memory for the cache blocks",
            "available kv cache memory",
            "failed to allocate",
        ],
        "not enough memory: end what else uses the device, take a smaller model, or shorten the context (for vLLM --engine-args \"--max-model-len 8192\")",
    ),
    (
        &[
            "repository not found",
            "not a valid model identifier",
            "is not a local folder",
            "incorrect path_or_model_id",
            "repo id must",
            "does not appear to have a file named",
            "couldn't connect to",
            "no such file or directory",
            "failed to load model",
            "error loading model",
        ],
        "the engine found no such model: check the name or the path",
    ),
];

/// What to do about a log that ends so.
pub(crate) fn advice(log: &str) -> Option<&'static str> {
    let log = log.to_lowercase();
    COMPLAINTS.iter().find(|(signs, _)| signs.iter().any(|sign| log.contains(sign))).map(|(_, hint)| *hint)
}
