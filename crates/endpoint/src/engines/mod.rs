//! Managed local servers: a model of a local engine is called where a server answers, and otherwise the engine found
//! on this machine is started for it and ended afterwards.

#[cfg(unix)]
mod child;
mod error;
mod families;
#[cfg(unix)]
mod guard;
#[cfg(unix)]
mod log;
mod server;
#[cfg(unix)]
mod start;
mod table;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use undersight_core::ModelName;

use crate::connect::given;
use crate::providers::table::{Engine, Target, find};
use crate::transport::{is_local, shown};
use server::{Answers, Server};
use table::Launch;

pub use error::{EngineError, Excerpt};
#[cfg(unix)]
pub use guard::guard;
#[cfg(unix)]
pub use start::Running;

/// How long an engine has to end by itself before it is made to.
pub const GRACE: Duration = Duration::from_secs(10);

/// How engines are found and started.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where the model's servers are, given explicitly.
    pub base_urls: Vec<String>,
    /// Whether an engine may be started.
    pub start: bool,
    /// Further arguments of the engine.
    pub arguments: Vec<String>,
    /// How long it may take until it serves.
    pub patience: Duration,
    /// The command line that runs [`guard`] over the one that is put after it.
    pub guard: Vec<OsString>,
}

/// What a start is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Something a person should know.
    Note(String),
    /// The engine's process is there.
    Started {
        /// The engine.
        title: &'static str,
        /// Where it writes.
        log: PathBuf,
    },
    /// It does not serve yet.
    Waiting {
        /// The engine.
        title: &'static str,
        /// For so long.
        elapsed: Duration,
        /// What it wrote last, cleaned of everything a terminal would act on.
        said: String,
    },
    /// It serves.
    Ready {
        /// The engine.
        title: &'static str,
        /// After so long.
        elapsed: Duration,
    },
}

/// A model that a local engine can serve, and where a server of it would be.
struct Wanted<'a> {
    model: &'a ModelName,
    target: Target,
    engine: Engine,
    launch: &'static Launch,
}

/// Makes sure that something serves a model, and returns the engine if one had to be started for that. `None` when the
/// model is none of a local engine, a base URL was given, or a server already answers at the usual place. `env` looks a
/// variable up, wherever variables come from.
///
/// # Errors
/// When the server that answers has other models, or no engine can be brought to serve.
#[cfg(unix)]
pub async fn ensure(
    model: &ModelName,
    setup: &Setup,
    env: &dyn Fn(&str) -> Option<String>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<Running>, EngineError> {
    let Some((wanted, url)) = missing(model, setup, env).await? else { return Ok(None) };
    wanted.start(&url, setup, env, progress).await.map(Some)
}

/// An engine cannot be started here.
#[cfg(not(unix))]
#[derive(Debug)]
pub enum Running {}

#[cfg(not(unix))]
impl Running {
    /// Where it serves.
    #[must_use]
    pub fn base_url(&self) -> &str {
        match *self {}
    }

    /// What it wrote, if it ended by itself.
    pub fn ended(&mut self) -> Option<Excerpt> {
        match *self {}
    }
}

/// As on Unix, except that nothing can be started.
///
/// # Errors
/// When no server answers, or one with other models.
#[cfg(not(unix))]
pub async fn ensure(
    model: &ModelName,
    setup: &Setup,
    env: &dyn Fn(&str) -> Option<String>,
    _progress: &mut dyn FnMut(Progress),
) -> Result<Option<Running>, EngineError> {
    match missing(model, setup, env).await? {
        Some((_, url)) => Err(EngineError::NotHere { url }),
        None => Ok(None),
    }
}

/// Whether a model is a local engine's, wherever that runs.
#[must_use]
pub fn serves(model: &ModelName) -> bool {
    find(model).is_some_and(|target| target.row.engine.is_some())
}

/// The model whose engine has to be started, and where none answered.
async fn missing<'a>(
    model: &'a ModelName,
    setup: &Setup,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<(Wanted<'a>, String)>, EngineError> {
    let Some(target) = find(model) else { return Ok(None) };
    let Some(engine) = target.row.engine else { return Ok(None) };
    let wanted = Wanted { model, target, engine, launch: table::launch(engine) };
    // An address that was given is called as it is: what is wrong with it, the first call says.
    if given(&wanted.target, &setup.base_urls, env).is_some() {
        return Ok(None);
    }
    let usual = wanted.target.row.base_url.and_then(|url| Url::parse(url).ok());
    let Some(base) = usual.filter(is_local) else { return Ok(None) };
    match wanted.asked(&base, env).await? {
        Answers::Models(serves) if !wanted.is_among(&serves) => {
            Err(EngineError::OtherModel { model: model.clone(), url: shown(&base), serves })
        }
        Answers::Nothing | Answers::SomethingElse if setup.start => Ok(Some((wanted, shown(&base)))),
        _ => Ok(None),
    }
}

impl Wanted<'_> {
    fn problem(&self, problem: impl ToString) -> EngineError {
        EngineError::Setup { title: self.launch.title, problem: problem.to_string() }
    }

    /// What answers there.
    async fn asked(&self, base: &Url, env: &dyn Fn(&str) -> Option<String>) -> Result<Answers, EngineError> {
        let key = self.target.key_vars.iter().find_map(|var| env(var));
        let server = Server::at(base, key).map_err(|error| self.problem(error.without_url()))?;
        Ok(server.answers(self.launch.health).await)
    }

    /// Whether the model is one of those a server lists.
    fn is_among(&self, serves: &[String]) -> bool {
        let file = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        let model = &self.target.model;
        serves.iter().any(|served| match self.engine {
            // It lists a file by its path or by its name alone.
            Engine::LlamaCpp => file(served) == file(model),
            Engine::Vllm | Engine::Sglang | Engine::Transformers => served == model,
        })
    }
}

/// Arguments as a shell would split them.
///
/// # Errors
/// When quotes are left open, or an argument is ours to set.
pub fn arguments(text: &str) -> Result<Vec<String>, String> {
    let arguments = shlex::split(text).ok_or("a quote is not closed")?;
    match table::reserved(&arguments) {
        Some(flag) => Err(format!("{flag} is chosen for each engine that is started")),
        None => Ok(arguments),
    }
}
