//! What a judge is made from: a model name with parameters, or a judge file. Everything that determines its verdicts is
//! in its specification; where its models are reached is not.

mod file;

use std::path::PathBuf;

use undersight_core::{
    Digest, GenParams, JudgeKind, JudgeSpec, LabelMap, MemberSpec, ModelName, PanelRule, PanelSpec, Task,
    VerdictFormat,
};

use undersight_endpoint::providers::table::complete;

use crate::gullible::{self, Gullible, GullibleError};
use crate::lexical;
use crate::oracle::{self, Oracle, OracleError};
use crate::prompt::{Prompts, PromptsError};

pub use file::is_file;

/// A judge before it is connected.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub(crate) spec: JudgeSpec,
    pub(crate) body: Body,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Lexical,
    Oracle(Oracle),
    Gullible(Gullible, Prompts),
    Model {
        prompts: Prompts,
        base_url: Option<String>,
    },
    /// In the order of the specification's members.
    Panel(Vec<Recipe>),
}

/// How a judge that is one model is to work; what is unset is left to the provider or to our defaults.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Decoding parameters.
    pub params: GenParams,
    /// Base of the request seeds.
    pub seed: Option<u64>,
    /// What it is told; our shielded prompts unless set.
    pub prompts: Option<Prompts>,
    /// What it judges; everything its prompts are for unless set.
    pub tasks: Vec<Task>,
    /// Words of its own that stand for labels.
    pub labels: LabelMap,
    /// Whether a JSON schema is sent along.
    pub structured: Option<bool>,
    /// Characters of the judged text it is shown at most.
    pub max_chars: Option<u32>,
    /// Where its API is.
    pub base_url: Option<String>,
}

/// Why no judge can be made of this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// No such judge among ours.
    #[error("no simulated judge is called {0:?}")]
    UnknownSim(String),
    /// The settings of the oracle judge.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// The settings of the gullible judge.
    #[error(transparent)]
    Gullible(#[from] GullibleError),
    /// The prompts.
    #[error(transparent)]
    Prompts(#[from] PromptsError),
    /// A setting that a simulated judge does not have.
    #[error("{judge} takes no {setting}")]
    NotSimulated {
        /// The judge.
        judge: ModelName,
        /// The setting.
        setting: &'static str,
    },
    /// A task that the judge's prompts are not for.
    #[error("{judge} is told nothing about {}", tasks.iter().map(|t| t.name()).collect::<Vec<_>>().join(" and "))]
    Tasks {
        /// The judge.
        judge: ModelName,
        /// The tasks.
        tasks: Vec<Task>,
    },
    /// The judge file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Something in a judge file.
    #[error("{}{}: {message}", path.display(), line.map(|l| format!(", line {l}")).unwrap_or_default())]
    File {
        /// Which.
        path: PathBuf,
        /// Where, from 1.
        line: Option<usize>,
        /// What is wrong, naming the field.
        message: String,
        /// What to do.
        hint: String,
    },
}

impl RecipeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownSim(_) => {
                "the simulated judges are sim/judge, sim/oracle-judge?sensitivity=0.9&specificity=0.8&seed=1 and sim/gullible-judge"
                    .to_owned()
            }
            Self::Oracle(_) => {
                "write sim/oracle-judge?sensitivity=0.9&specificity=0.8&seed=1: rates from 0 to 1, each setting once".to_owned()
            }
            Self::Gullible(error) => error.hint().to_owned(),
            Self::Prompts(error) => error.hint(),
            Self::NotSimulated { .. } => "leave it out".to_owned(),
            Self::Tasks { .. } => {
                "leave `tasks` out for everything its prompts are for; a guard judges safety alone".to_owned()
            }
            Self::Unreadable { .. } => {
                "a judge is provider/name, or a .toml file that describes one (docs/judges.md)".to_owned()
            }
            Self::File { hint, .. } => hint.clone(),
        }
    }
}

impl Recipe {
    /// The judge a model name stands for: `sim/judge`, `sim/oracle-judge…` and `sim/gullible-judge…` work in-process;
    /// any other model is asked through an endpoint.
    ///
    /// # Errors
    /// See [`RecipeError`].
    pub fn model(model: &ModelName, settings: Settings) -> Result<Self, RecipeError> {
        if model.is_simulated() { simulated(model, settings) } else { asked(model, settings) }
    }

    /// A panel of judges. `members` are in the order they are asked, each with its weight and votes.
    #[must_use]
    pub fn panel(
        name: ModelName,
        rule: PanelRule,
        ask_all: bool,
        members: Vec<(Self, Option<f64>, Option<u32>)>,
    ) -> Self {
        let (mut specs, mut recipes) = (Vec::new(), Vec::new());
        for (recipe, weight, votes) in members {
            let (weight, votes) = (weight.filter(|w| *w != 1.0), votes.filter(|n| *n != 1));
            specs.push(MemberSpec { judge: recipe.spec.clone(), weight, votes });
            recipes.push(recipe);
        }
        let judged = |task: &Task| specs.iter().any(|m| m.judge.judges(*task));
        let tasks: Vec<Task> = Task::ALL.iter().copied().filter(judged).collect();
        let spec = JudgeSpec {
            tasks: normal(&tasks),
            annotated: specs.iter().any(|m| m.judge.annotated),
            panel: Some(Box::new(PanelSpec { rule, ask_all, members: specs })),
            ..JudgeSpec::new(JudgeKind::Panel, name)
        };
        Self { spec, body: Body::Panel(recipes) }
    }

    /// What determines its verdicts.
    #[must_use]
    pub const fn spec(&self) -> &JudgeSpec {
        &self.spec
    }

    /// The judge's id.
    #[must_use]
    pub fn hash(&self) -> Digest {
        self.spec.hash()
    }

    /// The judges with verdicts of their own: the members of a panel through all levels, or this one.
    #[must_use]
    pub fn leaves(&self) -> Vec<&Self> {
        match &self.body {
            Body::Panel(members) => members.iter().flat_map(Self::leaves).collect(),
            _ => vec![self],
        }
    }

    /// The same, each with how often it is asked for one verdict at most.
    #[must_use]
    pub fn asks(&self) -> Vec<(&Self, u32)> {
        let Body::Panel(members) = &self.body else { return vec![(self, 1)] };
        members
            .iter()
            .zip(self.spec.members())
            .flat_map(|(recipe, member)| {
                let votes = member.votes.unwrap_or(1);
                recipe.asks().into_iter().map(move |(leaf, times)| (leaf, times.saturating_mul(votes)))
            })
            .collect()
    }

    /// Whether it is asked through an endpoint; a panel's members may be.
    #[must_use]
    pub const fn needs_endpoint(&self) -> bool {
        matches!(self.body, Body::Model { .. })
    }

    /// Where its API is, if it says so.
    #[must_use]
    pub fn base_url(&self) -> Option<&str> {
        match &self.body {
            Body::Model { base_url, .. } => base_url.as_deref(),
            _ => None,
        }
    }

    /// What a judge that is told something is told.
    #[must_use]
    pub const fn prompts(&self) -> Option<&Prompts> {
        match &self.body {
            Body::Model { prompts, .. } | Body::Gullible(_, prompts) => Some(prompts),
            _ => None,
        }
    }

    /// The same judge told something else in place of our shielded prompts; of a panel, every member that is told these.
    /// `None` where nobody is: other words for other prompts would not mean the same.
    #[must_use]
    pub fn told(&self, prompts: &Prompts) -> Option<Self> {
        let mut changed = self.clone();
        match &mut changed.body {
            Body::Model { prompts: told, .. } | Body::Gullible(_, told) => {
                if told.hash() != Prompts::shielded().hash() {
                    return None;
                }
                *told = prompts.clone();
            }
            Body::Lexical | Body::Oracle(_) => return None,
            Body::Panel(members) => {
                let told: Vec<Option<Self>> = members.iter().map(|m| m.told(prompts)).collect();
                if told.iter().all(Option::is_none) {
                    return None;
                }
                let seats = self.spec.members().iter().zip(members.drain(..)).zip(told);
                let seats =
                    seats.map(|((seat, member), told)| (told.unwrap_or(member), seat.weight, seat.votes));
                let panel = self.spec.panel.as_ref()?;
                let name = self.spec.model.clone();
                return Some(Self::panel(name, panel.rule.clone(), panel.ask_all, seats.collect()));
            }
        }
        changed.spec.prompts = Some(prompts.hash());
        changed.spec.annotated = prompts.annotated();
        Some(changed)
    }
}

/// Tasks as a specification holds them: in one order, each once, and none for all.
fn normal(tasks: &[Task]) -> Vec<Task> {
    let all: Vec<Task> = Task::ALL.iter().copied().filter(|t| tasks.contains(t)).collect();
    if all.len() == Task::ALL.len() { Vec::new() } else { all }
}

/// What determines the verdicts of one judge: the prompts it is told and everything set.
fn specified(
    kind: JudgeKind,
    model: &ModelName,
    settings: &Settings,
    prompts: &Prompts,
) -> Result<JudgeSpec, RecipeError> {
    let Settings { params, seed, tasks, labels, structured, max_chars, .. } = settings;
    let judged = prompts.tasks();
    let untold: Vec<Task> =
        normal(tasks).into_iter().filter(|t| !judged.is_empty() && !judged.contains(t)).collect();
    if !untold.is_empty() {
        return Err(RecipeError::Tasks { judge: model.clone(), tasks: untold });
    }
    Ok(JudgeSpec {
        params: complete(model, params.clone()),
        prompts: Some(prompts.hash()),
        seed: *seed,
        format: Some(prompts.format()).filter(|f| *f != VerdictFormat::Json),
        tasks: if tasks.is_empty() { judged } else { normal(tasks) },
        labels: labels.clone(),
        structured: structured.filter(|structured| !structured),
        max_chars: *max_chars,
        annotated: prompts.annotated(),
        ..JudgeSpec::new(kind, model.clone())
    })
}

fn asked(model: &ModelName, settings: Settings) -> Result<Recipe, RecipeError> {
    let prompts = settings.prompts.clone().unwrap_or_else(Prompts::shielded);
    let spec = specified(JudgeKind::Model, model, &settings, &prompts)?;
    Ok(Recipe { spec, body: Body::Model { prompts, base_url: settings.base_url } })
}

fn simulated(model: &ModelName, settings: Settings) -> Result<Recipe, RecipeError> {
    let not = |set: bool, setting| {
        if set { Err(RecipeError::NotSimulated { judge: model.clone(), setting }) } else { Ok(()) }
    };
    not(settings.params != GenParams::default(), "decoding parameters")?;
    not(settings.base_url.is_some(), "base URL")?;
    not(!settings.labels.is_empty(), "label mapping")?;
    not(settings.max_chars.is_some(), "max_chars")?;
    not(settings.structured.is_some(), "structured output")?;
    let named = |name: &str| ModelName::parse(name).map_err(RecipeError::UnknownSim);
    if let Some(given) = gullible::settings_of(model) {
        let gullible = Gullible::parse(given, settings.seed)?;
        let prompts = settings.prompts.clone().unwrap_or_else(Prompts::shielded);
        not(prompts.format() != VerdictFormat::Json, "prompts that ask for other verdicts than ours")?;
        // The seed is in its name.
        let settings = Settings { seed: None, ..settings };
        let spec = specified(JudgeKind::Sim, &named(&gullible.name())?, &settings, &prompts)?;
        return Ok(Recipe { spec, body: Body::Gullible(gullible, prompts) });
    }
    not(settings.prompts.is_some(), "prompts")?;
    let sim = |name: &str, prompts, tasks| -> Result<JudgeSpec, RecipeError> {
        Ok(JudgeSpec { prompts, tasks, ..JudgeSpec::new(JudgeKind::Sim, named(name)?) })
    };
    if let Some(given) = oracle::settings_of(model) {
        let oracle = Oracle::parse(given, settings.seed)?;
        // Simulated models have no truth about handling.
        if settings.tasks.contains(&Task::Handling) {
            return Err(RecipeError::Tasks { judge: model.clone(), tasks: vec![Task::Handling] });
        }
        let tasks = if settings.tasks.is_empty() { Task::SCORED.to_vec() } else { normal(&settings.tasks) };
        return Ok(Recipe { spec: sim(&oracle.name(), None, tasks)?, body: Body::Oracle(oracle) });
    }
    if model.name() != "judge" {
        return Err(RecipeError::UnknownSim(model.name().to_owned()));
    }
    let spec = sim(model.as_str(), Some(lexical::rules_hash()), normal(&settings.tasks))?;
    Ok(Recipe { spec, body: Body::Lexical })
}
