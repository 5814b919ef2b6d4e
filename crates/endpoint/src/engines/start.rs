//! Starting an engine and waiting until it serves.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use reqwest::Url;

use super::child::{Guarded, find, free_port, has_module};
use super::server::{Answers, Server};
use super::table::PARSER_FLAG;
use super::{EngineError, Excerpt, Progress, Setup, Wanted};

/// How often an engine is asked whether it serves.
const GLANCE: Duration = Duration::from_millis(200);
/// How often somebody hears of the wait.
const NEWS: Duration = Duration::from_secs(1);
/// Lines of a log that are shown when a start fails.
const LINES: usize = 30;
/// Downloads weights that are not free for all; the only variable that is also taken from `.env`.
const TOKEN: &str = "HF_TOKEN";

/// An engine that serves. Dropping it ends the engine; so does the end of this process, however it ends.
#[derive(Debug)]
pub struct Running {
    base_url: String,
    process: Guarded,
    failed: bool,
}

impl Running {
    /// Where it serves.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// What it wrote, if it ended by itself. Its log is kept then.
    pub fn ended(&mut self) -> Option<Excerpt> {
        self.failed = self.failed || self.process.ended().is_some();
        self.failed.then(|| self.excerpt())
    }

    fn excerpt(&self) -> Excerpt {
        let log = &self.process.log;
        Excerpt { path: log.path().to_owned(), lines: log.tail(LINES) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.failed && self.process.ended().is_none() {
            self.process.log.remove();
        }
    }
}

impl Wanted<'_> {
    /// Starts the engine and waits until it serves.
    pub(super) async fn start(
        &self,
        usual: &str,
        setup: &Setup,
        env: &dyn Fn(&str) -> Option<String>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Running, EngineError> {
        let program = self.program(usual)?;
        let port = free_port().map_err(|error| self.problem(error))?;
        let base = Url::parse(&format!("http://127.0.0.1:{port}/v1")).map_err(|error| self.problem(error))?;
        let server = Server::at(&base, None).map_err(|error| self.problem(error.without_url()))?;
        self.note_the_parser(setup, progress);
        let mut engine: Vec<OsString> = vec![program.into()];
        engine.extend(self.launch.arguments(&self.target.model, port, &setup.arguments));
        let log = format!("undersight-{}-{}-{port}.log", self.target.row.name, std::process::id());
        let process = Guarded::start(
            &setup.guard,
            &engine,
            env(TOKEN).map(|token| (TOKEN, token)),
            std::env::temp_dir().join(log),
        )
        .map_err(|error| self.problem(error))?;
        let title = self.launch.title;
        progress(Progress::Started { title, log: process.log.path().to_owned() });
        let mut running = Running { base_url: base.to_string(), process, failed: false };
        let elapsed = self.until_healthy(&mut running, &server, setup.patience, progress).await?;
        // The port was free a while ago: what answers might be somebody else's.
        if let Answers::Models(serves) = server.answers(self.launch.health).await
            && !self.is_among(&serves)
        {
            return Err(EngineError::OtherModel { model: self.model.clone(), url: base.to_string(), serves });
        }
        progress(Progress::Ready { title, elapsed });
        Ok(running)
    }

    async fn until_healthy(
        &self,
        running: &mut Running,
        server: &Server,
        patience: Duration,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Duration, EngineError> {
        let (started, mut news) = (Instant::now(), Instant::now());
        let title = self.launch.title;
        loop {
            let healthy = server.healthy(self.launch.health).await;
            if let Some(code) = running.process.ended() {
                running.failed = true;
                let log = running.excerpt();
                return Err(EngineError::Ended { model: self.model.clone(), title, code, log });
            }
            let elapsed = started.elapsed();
            if healthy {
                return Ok(elapsed);
            }
            if elapsed >= patience {
                running.failed = true;
                let (seconds, log) = (patience.as_secs(), running.excerpt());
                return Err(EngineError::Late { model: self.model.clone(), title, seconds, log });
            }
            if news.elapsed() >= NEWS {
                news = Instant::now();
                let said = running.process.log.tail(1).pop().unwrap_or_default();
                progress(Progress::Waiting { title, elapsed, said });
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// The program, found on the PATH with what it needs.
    fn program(&self, usual: &str) -> Result<PathBuf, EngineError> {
        let launch = self.launch;
        if launch.model_is_file && !std::path::Path::new(&self.target.model).is_file() {
            return Err(EngineError::NoFile { model: self.model.clone(), path: self.target.model.clone() });
        }
        find(launch.program)
            .filter(|program| launch.module.is_none_or(|module| has_module(program, module)))
            .ok_or_else(|| EngineError::NotInstalled {
                model: self.model.clone(),
                title: launch.title,
                url: usual.to_owned(),
                install: launch.install,
            })
    }

    fn note_the_parser(&self, setup: &Setup, progress: &mut dyn FnMut(Progress)) {
        let (launch, model) = (self.launch, &self.target.model);
        let given = setup.arguments.iter().any(|arg| arg.starts_with(PARSER_FLAG));
        if launch.parser.is_some() && !given && launch.parser_for(model, &setup.arguments).is_none() {
            progress(Progress::Note(format!(
                "no reasoning parser is known for {model}: its trace arrives inside the content. If it has one, \
                 --engine-args \"{PARSER_FLAG} NAME\""
            )));
        }
    }
}
