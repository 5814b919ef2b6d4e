//! Instances and an arm become samples: which calls a plan still needs, and one call turned into one record.

use std::collections::HashSet;
use std::sync::Arc;

use undersight_core::arm::messages_hash;
use undersight_core::sample::sample_key;
use undersight_core::{
    Arm, CauseKind, Digest, FinishReason, Instance, Message, Retry, Sample, SampleKey, SampleStatus,
};
use undersight_endpoint::{Answered, ChatRequest, Endpoint, Failed, Fatal, Reply, SideChannel};

/// An instance with what an arm sends for it.
#[derive(Debug, Clone)]
pub struct Prompted {
    /// The instance.
    pub instance: Arc<Instance>,
    /// What is sent.
    pub messages: Arc<Vec<Message>>,
    /// Its hash.
    pub messages_hash: Digest,
}

/// One sample to generate.
#[derive(Debug, Clone)]
pub struct Job {
    /// What is sent, and for which instance.
    pub prompt: Arc<Prompted>,
    /// 0 to k − 1.
    pub index: u32,
    /// The sample's key.
    pub key: SampleKey,
}

/// What an arm sends for each instance.
#[must_use]
pub fn prompts(arm: &Arm, instances: &[Arc<Instance>]) -> Vec<Arc<Prompted>> {
    instances
        .iter()
        .map(|instance| {
            let messages = arm.messages(instance);
            let messages_hash = messages_hash(&messages);
            Arc::new(Prompted { instance: Arc::clone(instance), messages: Arc::new(messages), messages_hash })
        })
        .collect()
}

/// All samples a plan asks for, index by index so that every instance is seen once before any is seen twice.
/// Instances whose messages are the same share their samples: only the first of them is asked.
pub fn jobs(arm: Digest, prompts: &[Arc<Prompted>], k: u32) -> impl Iterator<Item = Job> + use<> {
    let mut seen = HashSet::with_capacity(prompts.len());
    let asked: Vec<Arc<Prompted>> =
        prompts.iter().filter(|p| seen.insert(p.messages_hash)).cloned().collect();
    let places = asked.len();
    (0..k).flat_map(move |index| std::iter::repeat_n(index, places)).zip((0..places).cycle()).map(
        move |(index, i)| {
            let prompt = Arc::clone(&asked[i]);
            Job { key: sample_key(&arm, &prompt.messages_hash, index), prompt, index }
        },
    )
}

/// What is asked for a job.
#[must_use]
pub fn request(arm: &Arm, job: &Job) -> ChatRequest {
    // A seed that is not sent is none.
    let sent = !arm.unsupported.iter().any(|name| name == "seed");
    ChatRequest {
        messages: job.prompt.messages.as_ref().clone(),
        params: arm.params.clone(),
        seed: arm.request_seed(&job.prompt.messages_hash, job.index).filter(|_| sent),
        trace: arm.trace,
        side: arm
            .model
            .is_simulated()
            .then(|| SideChannel { instance: Arc::clone(&job.prompt.instance), index: job.index }),
        tag: Some(job.key),
        ..ChatRequest::default()
    }
}

/// Generates the samples of one arm.
#[derive(Clone)]
pub struct Generator {
    arm: Arc<Arm>,
    arm_hash: Digest,
    endpoint: Endpoint,
}

/// What came of one job.
pub enum Generated {
    /// A record, to be stored.
    Sample(Box<Sample>),
    /// The run was stopped before the call was made: nothing to store.
    Stopped,
    /// The whole run should stop; the attempt is not worth a record because nothing was answered.
    Fatal(Fatal),
}

impl Generator {
    /// A generator for `arm` that asks `endpoint`.
    #[must_use]
    pub fn new(arm: Arm, endpoint: Endpoint) -> Self {
        let arm_hash = arm.hash();
        Self { arm: Arc::new(arm), arm_hash, endpoint }
    }

    /// Makes the call of one job, retries included.
    pub async fn generate(&self, job: &Job, on_retry: &(dyn Fn(&Retry) + Sync)) -> Generated {
        let request = request(&self.arm, job);
        let seed = request.seed;
        match self.endpoint.call(&request, on_retry).await {
            Ok(answered) => Generated::Sample(Box::new(self.answered(job, seed, answered))),
            Err(failed) => match failed.fatal {
                Some(fatal) => Generated::Fatal(fatal),
                None if failed.cause.kind == CauseKind::Stopped => Generated::Stopped,
                None => Generated::Sample(Box::new(self.failed(job, seed, *failed))),
            },
        }
    }

    fn blank(&self, job: &Job, request_seed: Option<u64>) -> Sample {
        let blank = Sample::blank(self.arm_hash, job.prompt.messages_hash, job.index, self.arm.model.clone());
        Sample { request_seed, ..blank }
    }

    fn answered(&self, job: &Job, seed: Option<u64>, answered: Answered) -> Sample {
        let Answered { reply, retries, cost } = answered;
        Sample {
            status: status(&reply),
            extraction: reply.extraction,
            finish: reply.finish,
            returned_model: reply.returned_model,
            fingerprint: reply.fingerprint,
            usage: reply.usage,
            cost,
            // What the provider itself charged rests on no table.
            price_version: cost
                .filter(|_| reply.billed.is_none())
                .map(|_| self.endpoint.prices().version().to_owned()),
            timing: reply.exchange.timing,
            url: reply.exchange.url,
            request_id: reply.exchange.request_id,
            retries,
            raw: reply.exchange.raw,
            sim_truth: reply.sim_truth,
            ..self.blank(job, seed)
        }
    }

    fn failed(&self, job: &Job, seed: Option<u64>, failed: Failed) -> Sample {
        Sample {
            cause: Some(failed.cause),
            timing: failed.exchange.timing,
            url: failed.exchange.url,
            request_id: failed.exchange.request_id,
            retries: failed.retries,
            raw: failed.exchange.raw,
            ..self.blank(job, seed)
        }
    }
}

/// How a readable reply counts. The filter comes first: a withheld answer is `blocked` even when it was also cut.
#[must_use]
pub fn status(reply: &Reply) -> SampleStatus {
    if reply.blocked {
        SampleStatus::Blocked
    } else if reply.finish == FinishReason::Length {
        SampleStatus::Truncated
    } else if reply.extraction.answer().trim().is_empty() {
        SampleStatus::Empty
    } else {
        SampleStatus::Ok
    }
}
