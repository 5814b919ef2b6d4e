//! Engines of local models, started where nothing answers and ended with the command: what the terminal shows of it.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::ProgressBar;
use undersight_core::{ModelName, text};
use undersight_endpoint::engines::{self, EngineError, Excerpt, Progress, Running, Setup};

use crate::fail::{Exit, Fail};
use crate::settings::Environment;
use crate::settings::eval::EngineSettings;
use crate::terminal;

/// How often a log that is no terminal hears of the wait.
const NEWS: Duration = Duration::from_secs(30);
/// Characters of an engine's words on one line.
const SAID: usize = 90;

/// A model that may need an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Local {
    pub(crate) model: ModelName,
    pub(crate) base_url: Option<String>,
    pub(crate) judges: bool,
}

/// The engines this command started. Dropping it ends them.
#[derive(Debug, Default)]
pub(crate) struct Engines(Vec<(ModelName, Running)>);

impl Engines {
    /// Starts what nothing answers for, one engine a model.
    pub(crate) async fn start(
        wanted: &[Local],
        settings: &EngineSettings,
        env: &Environment,
    ) -> Result<Self, Fail> {
        let own = std::env::current_exe()
            .map_err(|error| Fail::failed(format!("the path of this program is not known: {error}")))?;
        let guard: Vec<OsString> = vec![own.into(), "engine-guard".into(), "--".into()];
        let mut started = Self::default();
        for (i, local) in wanted.iter().enumerate() {
            let twin = |other: &Local| other.model == local.model && other.base_url == local.base_url;
            if wanted[..i].iter().any(twin) {
                continue;
            }
            let setup = Setup {
                base_urls: local.base_url.iter().cloned().collect(),
                start: settings.start,
                arguments: settings.arguments.clone(),
                patience: settings.patience,
                guard: guard.clone(),
            };
            let mut shown = Shown::new(&local.model);
            let mut step = |step| shown.step(step);
            let running = engines::ensure(&local.model, &setup, &|name| env.get(name), &mut step)
                .await
                .map_err(|error| failed(error, local.judges))?;
            started.0.extend(running.map(|running| (local.model.clone(), running)));
        }
        Ok(started)
    }

    /// Where the engine of a model serves, if one was started for it.
    pub(crate) fn url(&self, model: &ModelName) -> Option<&str> {
        self.0.iter().find(|(served, _)| served == model).map(|(_, running)| running.base_url())
    }
}

impl Drop for Engines {
    fn drop(&mut self) {
        for (model, running) in &mut self.0 {
            if let Some(log) = running.ended() {
                terminal::note(&format!("warning: the engine of {model} ended before its work was done"));
                show(&log);
            }
        }
    }
}

/// Runs an engine for as long as whoever started it holds the other end of standard input.
#[cfg(unix)]
pub(crate) fn guard(command: &[OsString]) -> ExitCode {
    match engines::guard(command, engines::GRACE) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            terminal::note(&format!("error: the guard of an engine cannot be set up: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// There is none here.
#[cfg(not(unix))]
pub(crate) fn guard(_: &[OsString]) -> ExitCode {
    terminal::note("error: engines cannot be started on this system");
    ExitCode::FAILURE
}

fn failed(error: EngineError, judges: bool) -> Fail {
    if let Some(log) = error.log() {
        show(log);
    }
    let exit = if error.log().is_some() { Exit::Failed } else { Exit::Usage };
    let fail = Fail::advised(exit, error);
    if judges { fail.about_the_judge() } else { fail }
}

/// The end of a log; its lines come cleaned.
fn show(log: &Excerpt) {
    for line in &log.lines {
        terminal::note(&format!("  | {line}"));
    }
    terminal::note(&format!("the whole log: {}", text::printable(&log.path.to_string_lossy())));
}

/// One start as it is shown: a line that changes on a terminal, a few lines elsewhere.
struct Shown<'a> {
    model: &'a ModelName,
    line: Option<ProgressBar>,
    said: Duration,
}

impl<'a> Shown<'a> {
    const fn new(model: &'a ModelName) -> Self {
        Self { model, line: None, said: Duration::ZERO }
    }

    fn step(&mut self, step: Progress) {
        match step {
            Progress::Note(note) => terminal::note(&format!("warning: {}", text::printable(&note))),
            Progress::Started { title, log } => {
                let log = text::printable(&log.to_string_lossy());
                terminal::note(&format!("starting {title} for {}; its log: {log}", self.model));
                self.line = std::io::stderr().is_terminal().then(ProgressBar::new_spinner);
            }
            Progress::Waiting { title, elapsed, said } => {
                let said = text::excerpt(&said, SAID);
                let news = format!("starting {title} for {}: {} s, {said}", self.model, elapsed.as_secs());
                match &self.line {
                    Some(line) => {
                        line.set_message(news);
                        line.tick();
                    }
                    None if elapsed >= self.said + NEWS => {
                        self.said = elapsed;
                        terminal::note(&news);
                    }
                    None => {}
                }
            }
            Progress::Ready { title, elapsed } => {
                self.clear();
                terminal::note(&format!("{title} serves {} after {} s", self.model, elapsed.as_secs()));
            }
        }
    }

    fn clear(&mut self) {
        if let Some(line) = self.line.take() {
            line.finish_and_clear();
        }
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}
