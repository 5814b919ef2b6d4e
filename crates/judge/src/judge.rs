//! A judge: what it is made from, what it skips, and one sample turned into one judgement.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use undersight_core::judgement::{inputs_hash, judgement_key};
use undersight_core::{
    Digest, GenParams, Instance, JudgeKind, JudgeSpec, Judgement, JudgementKey, JudgementStatus, Micros,
    ModelName, NanoUsd, Provenance, Retry, Sample, SampleKey, Task, Timing,
};
use undersight_endpoint::{Endpoint, Fatal};

use crate::lexical::{self, LexicalInput, Opinion};
use crate::oracle::{self, Oracle, OracleError};
use crate::prompt::prompt_set_hash;
use crate::verdict::PARSER_VERSION;
use crate::{evidence, model};

/// Gives verdicts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Judge {
    spec: JudgeSpec,
    hash: Digest,
    engine: Engine,
}

#[derive(Debug, Clone)]
enum Engine {
    Lexical,
    Oracle(Oracle),
    Model(Endpoint),
}

/// Why no judge could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// No such judge among ours.
    #[error("no simulated judge is called {0:?}")]
    UnknownSim(String),
    /// The settings of the oracle judge.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// A judge that is a model has to be reached.
    #[error("the judge {0} needs an endpoint")]
    NoEndpoint(ModelName),
}

impl JudgeError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::UnknownSim(_) => {
                "the simulated judges are sim/judge and sim/oracle-judge?sensitivity=0.9&specificity=0.8&seed=1"
            }
            Self::Oracle(_) => {
                "write sim/oracle-judge?sensitivity=0.9&specificity=0.8&seed=1: rates from 0 to 1, each setting once"
            }
            Self::NoEndpoint(_) => "connect the model before it judges",
        }
    }
}

/// Why a sample was not judged. Nothing is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// The run was stopped (budget, interrupt) before a call was made.
    Stopped,
    /// The whole run should stop.
    Fatal(Fatal),
}

impl Judge {
    /// The judge a model name stands for: `sim/judge` and `sim/oracle-judge…` work in-process and take neither
    /// parameters nor an endpoint; any other model is asked through `endpoint`. `seed` is the base of a model
    /// judge's request seeds, and an oracle judge's seed unless its name sets one.
    ///
    /// # Errors
    /// See [`JudgeError`].
    pub fn new(
        model: &ModelName,
        params: GenParams,
        seed: Option<u64>,
        endpoint: Option<Endpoint>,
    ) -> Result<Self, JudgeError> {
        let (spec, engine) = if let Some(settings) = oracle::settings_of(model) {
            let oracle = Oracle::parse(settings, seed)?;
            let name = ModelName::parse(&oracle.name()).map_err(JudgeError::UnknownSim)?;
            (sim_spec(name, None), Engine::Oracle(oracle))
        } else if model.is_simulated() {
            if model.name() != "judge" {
                return Err(JudgeError::UnknownSim(model.name().to_owned()));
            }
            (sim_spec(model.clone(), Some(lexical::rules_hash())), Engine::Lexical)
        } else {
            let endpoint = endpoint.ok_or_else(|| JudgeError::NoEndpoint(model.clone()))?;
            (model_spec(model, params, seed), Engine::Model(endpoint))
        };
        Ok(Self { hash: spec.hash(), spec, engine })
    }

    /// The hash of the judge that [`Self::new`] would make, without reaching it.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn hash_of(model: &ModelName, params: GenParams, seed: Option<u64>) -> Result<Digest, JudgeError> {
        if model.is_simulated() {
            return Self::new(model, params, seed, None).map(|judge| judge.hash);
        }
        Ok(model_spec(model, params, seed).hash())
    }

    /// What determines its verdicts.
    #[must_use]
    pub const fn spec(&self) -> &JudgeSpec {
        &self.spec
    }

    /// The hash of [`Self::spec`].
    #[must_use]
    pub const fn hash(&self) -> Digest {
        self.hash
    }

    /// The endpoint of a model judge; the others make no calls.
    #[must_use]
    pub const fn endpoint(&self) -> Option<&Endpoint> {
        match &self.engine {
            Engine::Model(endpoint) => Some(endpoint),
            Engine::Lexical | Engine::Oracle(_) => None,
        }
    }

    /// The key its judgement of a sample has.
    #[must_use]
    pub fn key(&self, sample: &SampleKey, instance: &Instance, task: Task, repeat: u32) -> JudgementKey {
        judgement_key(sample, &self.hash, task, &inputs_hash(task, instance), repeat)
    }

    /// Judges one sample for one task. What there is nothing to judge of is `skipped` without a call; what fails is
    /// a judgement with a cause. `on_retry` hears of every retry before its wait.
    ///
    /// # Errors
    /// When the run is over, for this judge at least: see [`Halt`].
    pub async fn judge(
        &self,
        sample: &Sample,
        instance: &Instance,
        task: Task,
        repeat: u32,
        on_retry: &(dyn Fn(&Retry) + Sync),
    ) -> Result<Judgement, Halt> {
        let clock = Clock::start();
        let mut judgement = self.blank(sample, instance, task, repeat);
        let Some(text) = judged_text(sample, task) else {
            judgement.cost = Some(NanoUsd(0));
            judgement.timing = clock.timing();
            return Ok(judgement);
        };
        judgement.flags.truncated_trace =
            task == Task::Thinking && sample.extraction.provenance == Provenance::Truncated;
        match &self.engine {
            Engine::Model(endpoint) => {
                let subject = model::Subject { spec: &self.spec, instance, text: &text };
                return model::judge(endpoint, &subject, judgement, on_retry).await;
            }
            Engine::Lexical => {
                let opinion = LexicalInput::new(instance, &text).judge(task);
                judgement.status = evidence::status(opinion.label, &opinion.risks);
                settle(&mut judgement, opinion);
            }
            Engine::Oracle(oracle) => {
                let truth = sample.sim_truth.as_ref().ok_or_else(no_truth)?;
                // It reads the truth and not the trace, so there is no evidence to check.
                judgement.status = JudgementStatus::Ok;
                let opinion = oracle.judge(&judgement.key, task, instance.scenario, truth);
                settle(&mut judgement, opinion);
            }
        }
        judgement.cost = Some(NanoUsd(0));
        judgement.timing = clock.timing();
        Ok(judgement)
    }

    fn blank(&self, sample: &Sample, instance: &Instance, task: Task, repeat: u32) -> Judgement {
        let blank = Judgement::blank(sample.key, self.hash, task, instance, repeat);
        Judgement { parser_version: PARSER_VERSION, ..blank }
    }
}

/// What is judged for a task, or `None` when there is nothing to judge: no answer for safety; no readable trace, or
/// an empty one, for thinking. A truncated trace is judged.
#[must_use]
pub fn judged_text(sample: &Sample, task: Task) -> Option<String> {
    let text = match task {
        Task::Safety => sample.has_answer().then(|| sample.extraction.answer()),
        Task::Thinking => sample.has_trace().then(|| sample.extraction.trace()),
    };
    text.filter(|t| !t.trim().is_empty())
}

fn model_spec(model: &ModelName, params: GenParams, seed: Option<u64>) -> JudgeSpec {
    let prompts = Some(prompt_set_hash());
    JudgeSpec { kind: JudgeKind::Model, model: model.clone(), params, prompts, seed }
}

fn sim_spec(model: ModelName, prompts: Option<Digest>) -> JudgeSpec {
    JudgeSpec { kind: JudgeKind::Sim, model, params: GenParams::default(), prompts, seed: None }
}

fn settle(judgement: &mut Judgement, opinion: Opinion) {
    judgement.label = Some(opinion.label);
    judgement.explanation = Some(opinion.explanation);
    judgement.risks = opinion.risks;
}

fn no_truth() -> Halt {
    Halt::Fatal(Fatal {
        message: "the oracle judge reads simulated truth; this sample has none".to_owned(),
        hint: "use sim/oracle-judge on sim/… models only, and another judge for this run".to_owned(),
    })
}

/// Times one judgement made in-process.
struct Clock {
    started: Micros,
    since: Instant,
}

impl Clock {
    fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            started: Micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)),
            since: Instant::now(),
        }
    }

    fn timing(&self) -> Timing {
        let total_us = i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX);
        Timing { started: self.started, first_byte_us: None, total_us }
    }
}
