//! Prompts: what a judge is told. A set of them is chosen once; each judgement fills it in with its material.

mod embedded;
mod error;
mod official;
mod own;
mod pattern;
mod schemas;
mod templates;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use undersight_core::{Digest, Instance, JudgementKey, Message, Role, Scenario, Task, VerdictFormat};

use undersight_endpoint::client::ResponseSchema;

use crate::schema;
use crate::verdict::{Expected, VerdictError};

pub use error::PromptsError;
use official::Official;
use templates::Templates;

/// How many rewordings of our prompts there are.
pub const REWORDINGS: usize = 2;

/// A set of prompts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Prompts(Arc<Set>);

#[derive(Debug)]
struct Set {
    name: String,
    hash: Digest,
    format: VerdictFormat,
    /// In the order of [`Task::ALL`].
    tasks: Vec<Task>,
    /// A user's own, by name.
    schemas: BTreeMap<&'static str, serde_json::Value>,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
    /// Ours, and a guard's.
    Embedded(Arc<Templates>),
    /// A user's.
    Own(Arc<Templates>),
    Official(Arc<Official>),
    /// Request and answer as the turns of a conversation.
    Turns,
}

impl Prompts {
    /// Our own, which fence what is judged with a code that stands nowhere in it.
    #[must_use]
    pub fn shielded() -> Self {
        static SET: OnceLock<Prompts> = OnceLock::new();
        SET.get_or_init(|| Self::embedded("shielded", VerdictFormat::Json, embedded::shielded())).clone()
    }

    /// The same rubric without fences or warnings, to measure what shielding is worth.
    #[must_use]
    pub fn naive() -> Self {
        static SET: OnceLock<Prompts> = OnceLock::new();
        SET.get_or_init(|| Self::embedded("naive", VerdictFormat::Json, embedded::naive())).clone()
    }

    /// Our own with the rubric in other words and the labels in another order, to measure how much hangs on the
    /// wording. There are [`REWORDINGS`]; `index` counts from 0, and round again.
    #[must_use]
    pub fn reworded(index: usize) -> Self {
        static SETS: [OnceLock<Prompts>; REWORDINGS] = [const { OnceLock::new() }; REWORDINGS];
        let index = index % REWORDINGS;
        let set = || {
            let name = format!("reworded-{}", index + 1);
            Self::embedded(&name, VerdictFormat::Json, embedded::reworded(index))
        };
        SETS[index].get_or_init(set).clone()
    }

    /// What a guard model expects: request and answer as turns of a conversation for those whose chat template does
    /// the rest, a prompt of ours in the documented structure for the others. Of a format that is no guard's, ours.
    #[must_use]
    pub fn guard(format: VerdictFormat) -> Self {
        let name = format.name();
        match format {
            VerdictFormat::Json | VerdictFormat::Official => Self::shielded(),
            VerdictFormat::LlamaGuard | VerdictFormat::Qwen3Guard => {
                Self::new(name, format, vec![Task::Safety], BTreeMap::new(), Body::Turns)
            }
            VerdictFormat::WildGuard => Self::embedded(name, format, embedded::wildguard()),
            VerdictFormat::ShieldGemma => Self::embedded(name, format, embedded::shieldgemma()),
        }
    }

    /// Prompts from a directory: the official ones of the BSA repository (its directory `Prompt`, or the repository
    /// itself), or templates of one's own. `docs/judges.md` says what either has to look like.
    ///
    /// # Errors
    /// See [`PromptsError`].
    pub fn load(dir: &Path) -> Result<Self, PromptsError> {
        let official = [dir.to_owned(), dir.join("Prompt")].into_iter().find(|d| official::is_there(d));
        match (official, own::is_there(dir)) {
            (Some(_), true) => Err(PromptsError::Both(dir.to_owned())),
            (None, false) => Err(PromptsError::NotFound(dir.to_owned())),
            (Some(official), false) => {
                let official = Arc::new(Official::load(&official)?);
                let (tasks, schemas) = (Task::SCORED.to_vec(), schemas::load(dir)?);
                Ok(Self::new("official", VerdictFormat::Official, tasks, schemas, Body::Official(official)))
            }
            (None, true) => {
                let templates = Arc::new(own::load(dir)?);
                let name = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
                let name = name.file_name().map_or_else(|| "own".into(), |n| n.to_string_lossy());
                let tasks = templates.tasks();
                let schemas = schemas::load(dir)?;
                Ok(Self::new(&name, VerdictFormat::Json, tasks, schemas, Body::Own(templates)))
            }
        }
    }

    /// The same prompts for a judge that writes its verdicts in another format. Templates of one's own may be for any
    /// format, a guard's if they judge safety; of all others the format is given.
    ///
    /// # Errors
    /// [`PromptsError::Format`] when these prompts do not ask for that.
    pub fn written_in(&self, format: VerdictFormat) -> Result<Self, PromptsError> {
        if format == self.format() {
            return Ok(self.clone());
        }
        let judged: &[Task] = match format {
            VerdictFormat::Json => Task::ALL,
            VerdictFormat::Official => &Task::SCORED,
            _ => &[Task::Safety],
        };
        let tasks: Vec<Task> = self.0.tasks.iter().copied().filter(|t| judged.contains(t)).collect();
        match &self.0.body {
            Body::Own(_) if !tasks.is_empty() => {
                let schemas = self.0.schemas.clone();
                Ok(Self::new(self.name(), format, tasks, schemas, self.0.body.clone()))
            }
            _ => Err(PromptsError::Format { prompts: self.name().to_owned(), format }),
        }
    }

    fn embedded(name: &str, format: VerdictFormat, templates: Templates) -> Self {
        let tasks = templates.tasks();
        Self::new(name, format, tasks, BTreeMap::new(), Body::Embedded(Arc::new(templates)))
    }

    fn new(
        name: &str,
        format: VerdictFormat,
        tasks: Vec<Task>,
        schemas: BTreeMap<&'static str, serde_json::Value>,
        body: Body,
    ) -> Self {
        let mut told: BTreeMap<String, serde_json::Value> = match &body {
            Body::Embedded(templates) | Body::Own(templates) => templates.texts(),
            Body::Official(official) => official.texts(),
            Body::Turns => BTreeMap::from([("turns".to_owned(), "user, assistant".into())]),
        };
        told.insert("format".to_owned(), format.name().into());
        for scenario in Scenario::ALL {
            for &task in &tasks {
                let name = schema::name(task, scenario);
                let ours = (format == VerdictFormat::Json).then(|| schema::schema(task, scenario));
                if let Some(schema) = schemas.get(name).cloned().or(ours) {
                    told.insert(format!("schema {name}"), schema);
                }
                let ours = Expected::ours(task, scenario, scenario.risk_count());
                let expected = Expected { format, ..ours };
                told.insert(format!("re-ask {name}"), VerdictError::NoVerdict.correction(&expected).into());
            }
        }
        Self(Arc::new(Set {
            name: name.to_owned(),
            hash: Digest::of("prompts/v1", &told),
            format,
            tasks,
            schemas,
            body,
        }))
    }

    /// The schema that goes along with a prompt: the user's own, else ours where verdicts are written our way.
    #[must_use]
    pub fn schema(&self, task: Task, scenario: Scenario) -> Option<Arc<ResponseSchema>> {
        let name = schema::name(task, scenario);
        match self.0.schemas.get(name) {
            Some(own) => Some(Arc::new(ResponseSchema { name: name.to_owned(), schema: own.clone() })),
            None => (self.format() == VerdictFormat::Json).then(|| schema::verdict_schema(task, scenario)),
        }
    }

    /// A short name: `shielded`, `naive`, `reworded-1`, `official`, a guard's, or the directory's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The hash over everything a judge is told: prompts, schemas, the wording of a re-ask.
    #[must_use]
    pub fn hash(&self) -> Digest {
        self.0.hash
    }

    /// How verdicts to these prompts are written.
    #[must_use]
    pub fn format(&self) -> VerdictFormat {
        self.0.format
    }

    /// Whether the judge of an answer is shown the annotation too.
    #[must_use]
    pub fn annotated(&self) -> bool {
        match &self.0.body {
            Body::Embedded(templates) | Body::Own(templates) => templates.annotated(),
            Body::Official(official) => official.annotated(),
            Body::Turns => false,
        }
    }

    /// Whether every prompt fences what is judged with a code of its own.
    #[must_use]
    pub fn shielded_by_fences(&self) -> bool {
        match &self.0.body {
            Body::Embedded(templates) | Body::Own(templates) => templates.fenced(),
            Body::Official(_) | Body::Turns => false,
        }
    }

    /// The tasks there are prompts for; empty is all.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        if self.0.tasks.len() == Task::ALL.len() { Vec::new() } else { self.0.tasks.clone() }
    }

    /// The messages for a judgement. `text` is what is judged, the trace or the answer; `key` is the judgement's key,
    /// from which the code of the fences is drawn so that runs repeat. For an estimate of size any text and any key
    /// will do. Of a task there is no prompt for, and should a template of the user's fail on this material, the
    /// message says so and asks for a reply without a verdict: nothing is judged by half a prompt.
    #[must_use]
    pub fn render(&self, task: Task, instance: &Instance, text: &str, key: &JudgementKey) -> Vec<Message> {
        let prompt = match &self.0.body {
            Body::Turns => {
                return vec![Message::new(Role::User, &instance.query), Message::new(Role::Assistant, text)];
            }
            Body::Embedded(templates) | Body::Own(templates) => templates.render(task, instance, text, key),
            Body::Official(official) => official.render(task, instance, text),
        };
        let prompt = prompt.unwrap_or_else(|reason| {
            format!(
                "The prompt for this case could not be made ({reason}). Reply with an empty JSON object: {{}}"
            )
        });
        vec![Message::new(Role::User, prompt)]
    }
}
