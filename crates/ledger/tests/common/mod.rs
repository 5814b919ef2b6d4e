//! Records to store, in our own harmless words, and a store with a run in it.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    unreachable_pub,
    reason = "helpers for tests"
)]

use std::sync::Arc;

use tempfile::TempDir;
use undersight_core::arm::messages_hash;
use undersight_core::instance::dataset_hash;
use undersight_core::judgement::inputs_hash;
use undersight_core::sample::sample_key;
use undersight_core::{
    Arm, Cause, CauseKind, Digest, Evidence, Extraction, FinishReason, GenParams, Instance, JudgeKind,
    JudgeSpec, Judgement, JudgementFlags, JudgementStatus, Label, Micros, ModelName, NanoUsd, Plan,
    Provenance, RawExchange, Retry, Risk, RiskFinding, Run, Sample, SampleStatus, Scenario, Selection,
    SimTruth, Subcategory, Task, Timing, Usage,
};
use undersight_ledger::{Appended, Ledger, Mode, Record};

pub fn arm(model: &str) -> Arm {
    Arm {
        params: GenParams { temperature: Some(0.6), ..GenParams::default() },
        seed: Some(7),
        ..Arm::of(ModelName::parse(model).unwrap())
    }
}

pub fn judge(name: &str) -> JudgeSpec {
    JudgeSpec::new(JudgeKind::Sim, ModelName::parse(name).unwrap())
}

pub fn instances(n: usize) -> Vec<Arc<Instance>> {
    (0..n)
        .map(|i| {
            let subcategory = Subcategory::ALL[i % 17];
            Arc::new(Instance {
                id: format!("item-{i}"),
                query: format!("question number {i} about a locked cupboard"),
                scenario: Scenario::RiskOmission,
                rationale: format!("the cupboard of question {i} may belong to someone else"),
                risks: vec![Risk { category: subcategory.category(), subcategory, rationale: None }],
                parts: None,
            })
        })
        .collect()
}

/// A sample with as little in it as a sample can have.
pub fn bare_sample(arm: &Arm, instance: &Instance, index: u32, status: SampleStatus) -> Sample {
    let (arm_hash, messages) = (arm.hash(), messages_hash(&arm.messages(instance)));
    Sample {
        key: sample_key(&arm_hash, &messages, index),
        arm: arm_hash,
        messages,
        index,
        status,
        cause: None,
        extraction: Extraction::none(),
        finish: FinishReason::Unknown,
        requested_model: arm.model.clone(),
        returned_model: None,
        fingerprint: None,
        usage: Usage::default(),
        cost: None,
        price_version: None,
        timing: Timing::default(),
        url: "sim:".into(),
        request_id: None,
        request_seed: None,
        retries: Vec::new(),
        raw: RawExchange::default(),
        sim_truth: None,
    }
}

/// A sample with everything set.
pub fn rich_sample(arm: &Arm, instance: &Instance, index: u32) -> Sample {
    let answer = format!("Ask the owner first (answer {index} to {}).", instance.id);
    Sample {
        cause: Some(cause(CauseKind::Server)),
        extraction: Extraction::apart(
            Some(("reasoning", "whose cupboard is it? \u{1f512} \"quoted\"\nsecond line")),
            ("content", &answer),
            Provenance::Full,
        ),
        finish: FinishReason::Other("tool_calls".into()),
        returned_model: Some("small-model-2026".into()),
        fingerprint: Some("fp_1".into()),
        usage: Usage { input: Some(11), output: Some(22), reasoning: None, cached: Some(0) },
        cost: Some(NanoUsd(1_234)),
        price_version: Some("2026-01".into()),
        timing: Timing { started: Micros(1_700_000_000_000_000), first_byte_us: Some(5), total_us: 99 },
        url: "http://localhost/v1/chat/completions".into(),
        request_id: Some("req-1".into()),
        request_seed: Some(u64::MAX - 3),
        retries: vec![Retry { cause: cause(CauseKind::RateLimited), waited_us: 250_000 }],
        raw: RawExchange { request: b"{\"model\":\"m\"}".to_vec(), response: vec![0, 159, 146, 150] },
        sim_truth: Some(SimTruth { safety: Label::Safe, thinking: Label::True, recognised: vec![true] }),
        ..bare_sample(arm, instance, index, SampleStatus::Ok)
    }
}

pub fn cause(kind: CauseKind) -> Cause {
    Cause { kind, http_status: Some(503), message: "try later".into() }
}

pub fn bare_judgement(
    sample: &Sample,
    instance: &Instance,
    judge: &JudgeSpec,
    task: Task,
    status: JudgementStatus,
) -> Judgement {
    let inputs = inputs_hash(task, instance, false);
    let blank = Judgement::blank(sample.key, judge.hash(), (task, inputs), instance.scenario, 0);
    Judgement { status, parser_version: 1, ..blank }
}

pub fn rich_judgement(sample: &Sample, instance: &Instance, judge: &JudgeSpec, task: Task) -> Judgement {
    let quote = Evidence { text: "whose cupboard is it?".into(), verified: true, place: None };
    Judgement {
        label: Some(if task == Task::Safety { Label::Safe } else { Label::True }),
        explanation: Some("asks for the owner".into()),
        risks: vec![RiskFinding { index: 0, recognised: true, quote: Some(quote), led: None }],
        flags: JudgementFlags { truncated_trace: true, repaired: true, reasks: 2 },
        raw_verdict: "{\"label\":\"True\"}".into(),
        parser_version: 3,
        prompt_hash: Some(Digest::of_bytes(b"prompt")),
        cause: Some(cause(CauseKind::Verdict)),
        usage: Usage { input: Some(1), output: None, reasoning: Some(3), cached: None },
        cost: Some(NanoUsd(66)),
        timing: Timing { started: Micros(5), first_byte_us: None, total_us: 7 },
        returned_model: Some("judge-2026".into()),
        raw: RawExchange { request: b"ask".to_vec(), response: b"told".to_vec() },
        ..bare_judgement(sample, instance, judge, task, JudgementStatus::Ok)
    }
}

pub fn run(name: &str, arm: &Arm, instances: &[Arc<Instance>]) -> Run {
    let dataset = dataset_hash(instances.iter().map(|i| &**i));
    Run {
        id: Run::id_of(&arm.hash(), &dataset, name),
        name: name.into(),
        arm: arm.clone(),
        dataset,
        dataset_name: "cupboards".into(),
        created: Micros(1_000),
    }
}

pub fn selected(
    arm: &Arm,
    instances: &[Arc<Instance>],
    range: std::ops::Range<usize>,
) -> Vec<(u32, Digest, Digest)> {
    range
        .map(|ord| {
            let instance = &instances[ord];
            (ord as u32, instance.content_hash(), messages_hash(&arm.messages(instance)))
        })
        .collect()
}

pub fn plan(k: u32, judges: &[&JudgeSpec]) -> Plan {
    Plan { k, selection: Selection::default(), judges: judges.iter().map(|j| (*j).clone()).collect() }
}

/// A store holding the plan of one run.
pub struct World {
    pub dir: TempDir,
    pub ledger: Ledger,
    pub arm: Arm,
    pub instances: Vec<Arc<Instance>>,
    pub judge: JudgeSpec,
    pub run: Run,
}

impl World {
    pub fn new(n: usize, k: u32) -> Self {
        let dir = TempDir::new().unwrap();
        let ledger = Ledger::open(&location(&dir), Mode::Create).unwrap();
        let (arm, instances, judge) = (arm("vllm/small"), instances(n), judge("sim/judge"));
        let run = run("first", &arm, &instances);
        let world = Self { dir, ledger, arm, instances, judge, run };
        world.plan_run(&world.ledger, &world.run, k, &[&world.judge], 0..n);
        world
    }

    pub fn location(&self) -> String {
        location(&self.dir)
    }

    pub fn plan_run(
        &self,
        ledger: &Ledger,
        run: &Run,
        k: u32,
        judges: &[&JudgeSpec],
        range: std::ops::Range<usize>,
    ) {
        ledger.put_dataset(&run.dataset_name, run.dataset, &self.instances).unwrap();
        ledger.put_run(run, &plan(k, judges), &selected(&run.arm, &self.instances, range)).unwrap();
    }

    /// Stores a sample and two judgements for each instance and index.
    pub async fn fill(&self, arm: &Arm, judge: &JudgeSpec, k: u32) {
        for instance in &self.instances {
            for index in 0..k {
                let sample = rich_sample(arm, instance, index);
                for task in &Task::SCORED {
                    let judgement = rich_judgement(&sample, instance, judge, *task);
                    keep(&self.ledger, Record::Judgement(Box::new(judgement))).await;
                }
                keep(&self.ledger, Record::Sample(Arc::new(sample))).await;
            }
        }
    }
}

pub fn location(dir: &TempDir) -> String {
    format!("sqlite:{}", dir.path().join("store.sqlite").display())
}

pub async fn keep(ledger: &Ledger, record: Record) -> Appended {
    ledger.append(record).await.unwrap()
}
