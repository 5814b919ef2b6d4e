//! Failures as people see them: one message, hints below it, and an exit code. Everything that ends a command
//! early becomes one of these at the edge.

use std::fmt;

/// The exit codes, documented in the README and in `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It could not be done.
    Failed = 1,
    /// Wrong flags, settings or input files.
    Usage = 2,
    /// Stopped at a limit or with errors left; run again to continue.
    Incomplete = 3,
    /// A gate was not passed.
    Gate = 100,
    /// Interrupted.
    Interrupted = 130,
}

/// What went wrong, what to do about it, and the exit code.
#[derive(Debug)]
pub(crate) struct Fail {
    pub(crate) exit: Exit,
    message: String,
    hints: Vec<String>,
}

impl Fail {
    pub(crate) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string(), hints: Vec::new() }
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Adds one thing to do, when there is one to say.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hints.extend(hint.into().0);
        self
    }

    /// Endpoints speak of the model they call; here that is the judge.
    pub(crate) fn about_the_judge(mut self) -> Self {
        for hint in &mut self.hints {
            *hint = hint.replace("--model-base-url", "--judge-base-url");
        }
        self
    }

    /// An error of a library, with what it advises.
    pub(crate) fn advised(exit: Exit, error: impl Advice) -> Self {
        let hint = error.advice();
        Self::new(exit, error).hint(hint)
    }
}

/// One thing to do, or none.
pub(crate) struct Hint(Option<String>);

impl From<&str> for Hint {
    fn from(text: &str) -> Self {
        Self(Some(text.to_owned()))
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Self(Some(text))
    }
}

impl From<Option<&str>> for Hint {
    fn from(text: Option<&str>) -> Self {
        Self(text.map(str::to_owned))
    }
}

impl From<Option<String>> for Hint {
    fn from(text: Option<String>) -> Self {
        Self(text)
    }
}

/// Errors that say what to do about them.
pub(crate) trait Advice: fmt::Display {
    fn advice(&self) -> Hint;
}

macro_rules! advice {
    ($($error:ty),+ $(,)?) => { $(
        impl Advice for $error {
            fn advice(&self) -> Hint {
                self.hint().into()
            }
        }
    )+ };
}

advice!(
    undersight_dataset::LoadError,
    undersight_dataset::SelectError,
    undersight_dataset::WriteError,
    undersight_endpoint::ConnectError,
    undersight_endpoint::batch::offline::OfflineError,
    undersight_endpoint::PriceError,
    undersight_endpoint::engines::EngineError,
    undersight_judge::PromptsError,
    undersight_judge::RecipeError,
    undersight_ledger::LedgerError,
    undersight_metrics::JudgedError,
    undersight_metrics::compare::CompareError,
    undersight_metrics::compare::NotAMargin,
    undersight_metrics::compare::NotAMetric,
    undersight_metrics::judge_error::AssignError,
    undersight_metrics::judge_error::CorrectionError,
    undersight_metrics::judge_error::DrawError,
    undersight_metrics::plan::PlanError,
    undersight_metrics::published::PublishedError,
);

impl fmt::Display for Fail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", undersight_core::text::printable(&self.message))?;
        for hint in &self.hints {
            write!(f, "\nhint: {}", undersight_core::text::printable(hint))?;
        }
        Ok(())
    }
}
