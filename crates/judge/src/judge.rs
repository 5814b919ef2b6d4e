//! A judge: what it is made from, what it skips, and one sample turned into one judgement.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use undersight_core::judgement::{inputs_hash, judgement_key};
use undersight_core::{
    Digest, Instance, JudgeSpec, Judgement, JudgementKey, JudgementStatus, Micros, NanoUsd, Provenance,
    Retry, Sample, SampleKey, Task, Timing,
};
use undersight_endpoint::{Endpoint, Fatal};

use crate::docket::Docket;
use crate::excerpt::excerpt;
use crate::gullible::Gullible;
use crate::lexical::{LexicalInput, Opinion};
use crate::oracle::Oracle;
use crate::prompt::Prompts;
use crate::recipe::{Body, Recipe};
use crate::verdict::PARSER_VERSION;
use crate::{evidence, gullible, model, panel};

/// Gives verdicts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Judge {
    spec: Arc<JudgeSpec>,
    hash: Digest,
    engine: Engine,
}

#[derive(Debug, Clone)]
enum Engine {
    Lexical,
    Oracle(Oracle),
    Gullible(Gullible, Prompts),
    Model(Prompts, Endpoint),
    Panel(Arc<[Judge]>),
}

/// What a judge is lent for its work.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Hears of every retry before its wait.
    pub on_retry: &'a (dyn Fn(&Retry) + Sync),
    /// Keeps the votes of panels.
    pub docket: &'a dyn Docket,
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
    /// Connects a recipe: `endpoint` is asked for each model in it.
    ///
    /// # Errors
    /// Those of `endpoint`.
    pub fn connect<E>(
        recipe: &Recipe,
        endpoint: &mut dyn FnMut(&Recipe) -> Result<Endpoint, E>,
    ) -> Result<Self, E> {
        let engine = match &recipe.body {
            Body::Lexical => Engine::Lexical,
            Body::Oracle(oracle) => Engine::Oracle(*oracle),
            Body::Gullible(gullible, prompts) => Engine::Gullible(*gullible, prompts.clone()),
            Body::Model { prompts, .. } => Engine::Model(prompts.clone(), endpoint(recipe)?),
            Body::Panel(members) => {
                Engine::Panel(members.iter().map(|m| Self::connect(m, endpoint)).collect::<Result<_, E>>()?)
            }
        };
        Ok(Self { hash: recipe.spec.hash(), spec: Arc::new(recipe.spec.clone()), engine })
    }

    /// What determines its verdicts.
    #[must_use]
    pub fn spec(&self) -> &JudgeSpec {
        &self.spec
    }

    /// The hash of [`Self::spec`].
    #[must_use]
    pub const fn hash(&self) -> Digest {
        self.hash
    }

    /// Whether verdicts may cost something: a model is asked, or one of a panel's members is.
    #[must_use]
    pub fn calls(&self) -> bool {
        match &self.engine {
            Engine::Model(..) => true,
            Engine::Panel(members) => members.iter().any(Self::calls),
            Engine::Lexical | Engine::Oracle(_) | Engine::Gullible(..) => false,
        }
    }

    /// Whether it judges a task.
    #[must_use]
    pub fn judges(&self, task: Task) -> bool {
        self.spec.judges(task)
    }

    /// The key its judgement of a sample has.
    #[must_use]
    pub fn key(&self, sample: &SampleKey, instance: &Instance, task: Task, repeat: u32) -> JudgementKey {
        let inputs = inputs_hash(task, instance, self.spec.annotated);
        judgement_key(sample, &self.hash, task, &inputs, repeat)
    }

    /// Judges one sample for one task. What there is nothing to judge of is `skipped` without a call; what fails is
    /// a judgement with a cause.
    ///
    /// # Errors
    /// When the run is over, for this judge at least: see [`Halt`].
    pub async fn judge(
        &self,
        sample: &Sample,
        instance: &Instance,
        task: Task,
        repeat: u32,
        desk: &Desk<'_>,
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
        if let Engine::Panel(members) = &self.engine {
            let Some(spec) = &self.spec.panel else { return Ok(judgement) };
            return panel::judge(spec, members, (sample, instance, task), judgement, desk).await;
        }
        let (shown, cut) = excerpt(&text, self.spec.max_chars);
        judgement.details.excerpted = cut;
        let subject = model::Subject { spec: &self.spec, instance, text: &text, shown: &shown };
        match &self.engine {
            Engine::Panel(_) => {}
            Engine::Model(prompts, endpoint) => {
                return model::judge(endpoint, prompts, &subject, judgement, desk.on_retry).await;
            }
            Engine::Gullible(gullible, prompts) => {
                gullible::judge(gullible, prompts, &subject, &mut judgement);
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
        let inputs = inputs_hash(task, instance, self.spec.annotated);
        let blank = Judgement::blank(sample.key, self.hash, (task, inputs), instance.scenario, repeat);
        Judgement { parser_version: PARSER_VERSION, ..blank }
    }
}

/// What is judged for a task, or `None` when there is nothing to judge: no answer for safety; no readable trace, or
/// an empty one, for thinking. A truncated trace is judged.
#[must_use]
pub fn judged_text(sample: &Sample, task: Task) -> Option<String> {
    let text = match task {
        Task::Safety | Task::Handling => sample.has_answer().then(|| sample.extraction.answer()),
        Task::Thinking => sample.has_trace().then(|| sample.extraction.trace()),
    };
    text.filter(|t| !t.trim().is_empty())
}

fn settle(judgement: &mut Judgement, opinion: Opinion) {
    judgement.label = Some(opinion.label);
    judgement.explanation = Some(opinion.explanation);
    judgement.risks = opinion.risks;
    judgement.details.parts = opinion.parts;
}

fn no_truth() -> Halt {
    Halt::Fatal(Fatal {
        message: "the oracle judge reads simulated truth; this sample has none".to_owned(),
        hint: "use sim/oracle-judge on sim/… models only, and another judge for this run".to_owned(),
    })
}

/// Times one judgement made in-process.
pub(crate) struct Clock {
    started: Micros,
    since: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            started: Micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)),
            since: Instant::now(),
        }
    }

    pub(crate) fn timing(&self) -> Timing {
        let total_us = i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX);
        Timing { started: self.started, first_byte_us: None, total_us }
    }
}
