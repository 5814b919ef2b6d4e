//! The engine: generation and judging, overlapped. A sample is judged as soon as it is durable; work flows forward
//! only, over a bounded channel; the first reason to stop wins and what is in flight is finished.

mod docket;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc;
use undersight_core::judgement::judgement_key;
use undersight_core::sample::sample_key;
use undersight_core::{
    CurrentInputs, Digest, Event, Instance, JudgeSpec, JudgementKey, Observer, Retry, Sample, SampleKey,
    Stage, Task,
};
use undersight_endpoint::{Budget, Fatal, Shortfall};
use undersight_generate::{Generated, Generator, Job, Prompted, jobs};
use undersight_judge::{Desk, Judge};
use undersight_ledger::{Appended, Ledger, LedgerError, Record};

use crate::fail::{Exit, Fail};

/// What one run covers, judged by whom: enough to know what is left to do.
pub(crate) struct Scope {
    arm: Digest,
    prompts: Vec<Arc<Prompted>>,
    /// What the judge is shown of each prompt's instance, by task: hashed once, not once a sample.
    inputs: Vec<Vec<(Task, Digest)>>,
    k: u32,
    judge: Digest,
    repeats: u32,
    retry_errors: bool,
}

/// What is judged, by whom: as much as keys depend on.
pub(crate) struct Judging {
    judge: Digest,
    annotated: bool,
    tasks: Vec<Task>,
    repeats: u32,
}

impl Judging {
    /// Of the tasks asked for, those that the judge judges.
    pub(crate) fn new(spec: &JudgeSpec, asked: &[Task]) -> Result<Self, Fail> {
        let tasks: Vec<Task> = asked.iter().copied().filter(|task| spec.judges(*task)).collect();
        if tasks.is_empty() {
            let names = |tasks: &[Task]| tasks.iter().map(|t| t.name()).collect::<Vec<_>>().join(", ");
            return Err(Fail::usage(format!("{} does not judge {}", spec.model, names(asked)))
                .hint("--tasks names what is judged; a guard model judges safety alone"));
        }
        Ok(Self { judge: spec.hash(), annotated: spec.annotated, tasks, repeats: 1 })
    }

    /// Each judgement so many times, to see whether the judge says the same again.
    pub(crate) fn repeated(self, repeats: u32) -> Self {
        Self { repeats, ..self }
    }

    /// What is judged.
    pub(crate) fn tasks(&self) -> &[Task] {
        &self.tasks
    }
}

/// A run with everything needed to do it.
pub(crate) struct Work {
    /// Name of the run, for people.
    pub(crate) name: String,
    /// What it covers.
    pub(crate) scope: Scope,
    /// Generates what is missing; `None` judges only what is stored.
    pub(crate) generator: Option<Generator>,
    /// Judges it.
    pub(crate) judge: Arc<Judge>,
}

/// What the store already settles.
pub(crate) struct Settled {
    samples: HashSet<SampleKey>,
    judgements: HashSet<JudgementKey>,
    /// Samples that are there to be judged.
    readable: HashSet<SampleKey>,
}

impl Settled {
    /// As of an empty store.
    pub(crate) fn nothing() -> Self {
        Self { samples: HashSet::new(), judgements: HashSet::new(), readable: HashSet::new() }
    }
}

/// How much is planned, and how much of it is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Todo {
    pub(crate) samples: u64,
    pub(crate) samples_left: u64,
    pub(crate) judgements: u64,
    pub(crate) judgements_left: u64,
}

impl Scope {
    /// Samples 0 to k − 1 of an arm for some prompts, and what is to be judged of them. Whether errors count as settled
    /// is `retry_errors`.
    pub(crate) fn new(
        arm: Digest,
        prompts: Vec<Arc<Prompted>>,
        k: u32,
        judging: &Judging,
        retry_errors: bool,
    ) -> Self {
        let Judging { judge, annotated, tasks, repeats } = judging;
        let (judge, annotated, repeats) = (*judge, *annotated, *repeats);
        // Instances that share a query share samples, and with them the verdicts that rest on the query alone.
        let mut seen = HashSet::new();
        let hashes = |p: &Arc<Prompted>| {
            let inputs = CurrentInputs::of(&p.instance);
            let asked = tasks.iter().map(|task| (*task, inputs.get(*task, annotated)));
            asked.filter(|(task, inputs)| seen.insert((p.messages_hash, *task, *inputs))).collect()
        };
        Self { arm, inputs: prompts.iter().map(hashes).collect(), prompts, k, judge, repeats, retry_errors }
    }

    /// The selected instances and what is sent for them.
    pub(crate) fn prompts(&self) -> &[Arc<Prompted>] {
        &self.prompts
    }

    /// Samples per instance.
    pub(crate) const fn k(&self) -> u32 {
        self.k
    }

    /// Hash of the arm.
    pub(crate) const fn arm(&self) -> Digest {
        self.arm
    }

    /// Reads what the store already holds of it.
    pub(crate) fn settled(&self, ledger: &Ledger) -> Result<Settled, Fail> {
        self.settled_with(ledger, self.retry_errors)
    }

    fn settled_with(&self, ledger: &Ledger, retry_errors: bool) -> Result<Settled, Fail> {
        let readable: HashSet<SampleKey> =
            ledger.stored_samples(self.arm).map_err(ledger_fail)?.into_keys().collect();
        let mut judgements = ledger.stored_judgements(self.arm, self.judge).map_err(ledger_fail)?;
        let mut samples = readable.clone();
        if !retry_errors {
            samples.extend(ledger.failed_samples(self.arm).map_err(ledger_fail)?);
            judgements.extend(ledger.failed_judgements(self.arm, self.judge).map_err(ledger_fail)?);
        }
        Ok(Settled { samples, judgements, readable })
    }

    /// The samples that are to be generated.
    pub(crate) fn open_jobs(&self, settled: &Settled) -> impl Iterator<Item = Job> {
        jobs(self.arm, &self.prompts, self.k).filter(|job| !settled.samples.contains(&job.key))
    }

    /// How much is planned and left.
    pub(crate) fn todo(&self, settled: &Settled) -> Todo {
        let (mut samples, mut samples_left) = (0, 0);
        for job in jobs(self.arm, &self.prompts, self.k) {
            samples += 1;
            samples_left += u64::from(!settled.samples.contains(&job.key));
        }
        let (mut judgements, mut judgements_left) = (0, 0);
        for (key, place) in self.places() {
            judgements += self.inputs[place].len() as u64 * u64::from(self.repeats);
            judgements_left += self.open_tasks(settled, &key, place).count() as u64;
        }
        Todo { samples, samples_left, judgements, judgements_left }
    }

    /// How much of what could be done now is not settled, errors included: samples where they are generated, and
    /// verdicts on samples that are there.
    fn left(&self, ledger: &Ledger, generating: bool) -> Result<u64, Fail> {
        let settled = self.settled_with(ledger, true)?;
        let samples = if generating {
            jobs(self.arm, &self.prompts, self.k).filter(|job| !settled.samples.contains(&job.key)).count()
        } else {
            0
        };
        let readable = self.places().filter(|(key, _)| settled.readable.contains(key));
        let verdicts =
            readable.map(|(key, place)| self.open_tasks(&settled, &key, place).count()).sum::<usize>();
        Ok((samples + verdicts) as u64)
    }

    /// Every sample's key with the place of its prompt.
    fn places(&self) -> impl Iterator<Item = (SampleKey, usize)> {
        (0..self.k).flat_map(move |index| {
            let key = move |p: &Arc<Prompted>| sample_key(&self.arm, &p.messages_hash, index);
            self.prompts.iter().map(key).zip(0..)
        })
    }

    /// The tasks of a sample that are not settled, with the number of the repeat.
    fn open_tasks(
        &self,
        settled: &Settled,
        sample: &SampleKey,
        place: usize,
    ) -> impl Iterator<Item = (Task, u32)> {
        let places = self.inputs[place].iter().flat_map(|place| (0..self.repeats).map(move |r| (place, r)));
        places.filter_map(move |((task, inputs), repeat)| {
            let key = judgement_key(sample, &self.judge, *task, inputs, repeat);
            (!settled.judgements.contains(&key)).then_some((*task, repeat))
        })
    }
}

/// Why and whether to stop: shared by all runs of one command.
#[derive(Clone)]
pub(crate) struct Halt {
    budget: Arc<Budget>,
    first: Arc<Mutex<Option<Fail>>>,
    interrupted: Arc<AtomicBool>,
}

impl Halt {
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self { budget, first: Arc::default(), interrupted: Arc::default() }
    }

    /// Stops everything for this reason, unless there was one before.
    fn fail(&self, fail: Fail) {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fail);
        self.budget.stop();
    }

    /// A person asked to stop.
    pub(crate) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
        self.budget.stop();
    }

    pub(crate) fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Whether nothing new is to be started.
    pub(crate) fn stopped(&self) -> bool {
        self.budget.stopped()
    }

    /// Whether the purse is empty: what costs nothing may go on.
    pub(crate) fn out_of_budget(&self) -> bool {
        self.budget.exhausted()
    }

    /// Says what did not fit into what was left, where that is what ended the work.
    pub(crate) fn explain_budget(&self, fail: Fail) -> Fail {
        match self.budget.shortfall() {
            Some(Shortfall { needed, left }) => fail.hint(format!(
                "the next call may cost up to {needed}, and {left} is left: set --max-tokens (for the judge \
                 --judge-max-tokens) to bound a reply, or raise --max-cost"
            )),
            None => fail,
        }
    }

    /// Whether there is such a reason.
    pub(crate) fn failed(&self) -> bool {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The reason, once everything has ended.
    pub(crate) fn take_failure(&self) -> Option<Fail> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Wrong names are wrong usage; everything else that can happen to a store is a failure.
pub(crate) fn ledger_fail(error: LedgerError) -> Fail {
    let exit = match error {
        LedgerError::Missing { .. }
        | LedgerError::Unsupported { .. }
        | LedgerError::UnknownRun { .. }
        | LedgerError::AmbiguousRun { .. }
        | LedgerError::NameTaken { .. }
        | LedgerError::SamplesNotPlanned { .. } => Exit::Usage,
        _ => Exit::Failed,
    };
    Fail::advised(exit, error)
}

/// A fatal failure of a model, as people are told of it.
fn fatal(cause: Fatal) -> Fail {
    Fail::failed(cause.message).hint(cause.hint)
}

struct ToJudge {
    instance: Arc<Instance>,
    sample: Arc<Sample>,
    tasks: Vec<(Task, u32)>,
}

/// What both stages share.
#[derive(Clone)]
struct Shared {
    work: Arc<Work>,
    /// Why the model under test cannot go on; its samples so far are judged all the same.
    model_failure: Arc<OnceLock<Fail>>,
    settled: Arc<Settled>,
    ledger: Ledger,
    observer: Observer,
    halt: Halt,
}

impl Shared {
    fn retrying(&self, stage: Stage) -> impl Fn(&Retry) + Sync + '_ {
        move |retry| {
            (self.observer)(Event::Retrying { stage, cause: retry.cause.kind, wait_us: retry.waited_us });
        }
    }

    /// Stores a record; `None` when that failed and everything stops.
    async fn keep(&self, record: Record) -> Option<Appended> {
        self.ledger.append(record).await.map_err(|error| self.halt.fail(ledger_fail(error))).ok()
    }

    /// A stored sample as judges need it, without its raw exchange; read where blocking is allowed.
    async fn stored(&self, key: SampleKey) -> Option<Arc<Sample>> {
        let ledger = self.ledger.clone();
        let read = tokio::task::spawn_blocking(move || ledger.sample_without_raw(key)).await;
        match read.map_err(|e| Fail::failed(format!("reading the store broke: {e}"))) {
            Ok(Ok(Some(sample))) => return Some(Arc::new(sample)),
            Ok(Ok(None)) => self.halt.fail(Fail::failed(format!("sample {} left the store", key.short()))),
            Ok(Err(error)) => self.halt.fail(ledger_fail(error)),
            Err(fail) => self.halt.fail(fail),
        }
        None
    }

    /// A sample with the instance at a place, and what is left to judge of it.
    fn to_judge(&self, sample: &Arc<Sample>, place: usize) -> ToJudge {
        let scope = &self.work.scope;
        ToJudge {
            instance: Arc::clone(&scope.prompts[place].instance),
            sample: Arc::clone(sample),
            tasks: scope.open_tasks(&self.settled, &sample.key, place).collect(),
        }
    }

    /// Whether judging should start nothing new; verdicts that cost nothing go on with an empty purse.
    fn judging_over(&self) -> bool {
        self.halt.stopped() || (self.halt.out_of_budget() && self.work.judge.calls())
    }

    /// Whether generation should start nothing new.
    fn generation_over(&self) -> bool {
        self.halt.stopped() || self.halt.out_of_budget() || self.model_failure.get().is_some()
    }
}

/// How the work of one run ended.
pub(crate) struct Ended {
    /// Why the model could not go on, if it could not.
    pub(crate) failure: Option<Fail>,
    /// Samples and judgements of this work that are not settled.
    pub(crate) left: u64,
}

/// Does the work: returns when everything is done or stopped; `halt` then says why everything was stopped.
pub(crate) async fn run(
    work: Work,
    width: usize,
    ledger: Ledger,
    observer: Observer,
    halt: Halt,
) -> Result<Ended, Fail> {
    let settled = work.scope.settled(&ledger)?;
    let todo = work.scope.todo(&settled);
    observer(Event::Started {
        run: work.name.clone(),
        samples: if work.generator.is_some() { todo.samples } else { 0 },
        samples_stored: if work.generator.is_some() { todo.samples - todo.samples_left } else { 0 },
        judgements: todo.judgements,
        judgements_stored: todo.judgements - todo.judgements_left,
    });
    let (work, settled, model_failure) = (Arc::new(work), Arc::new(settled), Arc::default());
    let shared = Shared { work, model_failure, settled, ledger, observer, halt };
    let (send, receive) = mpsc::channel(width);
    let generating = tokio::spawn(generate_stage(shared.clone(), send.clone(), width));
    let feeding = tokio::spawn(feed_stored(shared.clone(), send, todo.judgements_left));
    let judging = tokio::spawn(judge_stage(shared.clone(), receive, width));
    for stage in [generating, feeding, judging] {
        stage.await.map_err(|e| Fail::failed(format!("a stage of the engine broke: {e}")))?;
    }
    (shared.observer)(Event::Finished);
    let left = match (todo.samples_left, todo.judgements_left) {
        (0, 0) if shared.work.scope.retry_errors => 0,
        _ => shared.work.scope.left(&shared.ledger, shared.work.generator.is_some())?,
    };
    let failure = Arc::into_inner(shared.model_failure).and_then(OnceLock::into_inner);
    Ok(Ended { failure, left })
}

async fn generate_stage(shared: Shared, send: mpsc::Sender<ToJudge>, width: usize) {
    let work = Arc::clone(&shared.work);
    let Some(generator) = work.generator.as_ref() else { return };
    let scope = &work.scope;
    let mut sharers: HashMap<Digest, Vec<usize>> = HashMap::with_capacity(scope.prompts.len());
    for (place, prompt) in scope.prompts.iter().enumerate() {
        sharers.entry(prompt.messages_hash).or_default().push(place);
    }
    let (shared, sharers, send) = (&shared, &sharers, &send);
    stream::iter(jobs(scope.arm, &scope.prompts, scope.k))
        .filter(|job| std::future::ready(!shared.settled.samples.contains(&job.key)))
        .take_while(|_| std::future::ready(!shared.generation_over()))
        .for_each_concurrent(width, |job| async move {
            if let Some(sample) = generate_one(shared, generator, &job).await {
                for &place in &sharers[&job.prompt.messages_hash] {
                    let item = shared.to_judge(&sample, place);
                    if send.send(item).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await;
}

/// Generates and stores one sample; `Some` when it is durable and can be judged.
async fn generate_one(shared: &Shared, generator: &Generator, job: &Job) -> Option<Arc<Sample>> {
    let sample = match generator.generate(job, &shared.retrying(Stage::Generate)).await {
        Generated::Sample(sample) => sample,
        Generated::Stopped => return None,
        Generated::Fatal(cause) => {
            let _ = shared.model_failure.set(fatal(cause));
            return None;
        }
    };
    let (status, usage, cost) = (sample.status, sample.usage, sample.cost);
    let sample = Arc::new(*sample);
    let sample = match shared.keep(Record::Sample(Arc::clone(&sample))).await? {
        Appended::Stored => sample,
        // Another process was first: what is stored is what is judged.
        Appended::Duplicate => shared.stored(job.key).await?,
    };
    (shared.observer)(Event::SampleStored { status, usage, cost });
    sample.status.terminal().then_some(sample)
}

/// Sends stored samples whose judgements are missing, one at a time, so that memory does not grow with the run.
async fn feed_stored(shared: Shared, send: mpsc::Sender<ToJudge>, open: u64) {
    if open == 0 {
        return;
    }
    let scope = &shared.work.scope;
    for (key, place) in scope.places() {
        let open = scope.open_tasks(&shared.settled, &key, place).next().is_some();
        if !open || !shared.settled.readable.contains(&key) {
            continue;
        }
        if shared.judging_over() {
            return;
        }
        let Some(sample) = shared.stored(key).await else { return };
        if send.send(shared.to_judge(&sample, place)).await.is_err() {
            return;
        }
    }
}

async fn judge_stage(shared: Shared, mut receive: mpsc::Receiver<ToJudge>, width: usize) {
    let shared = &shared;
    stream::poll_fn(move |context| receive.poll_recv(context))
        .for_each_concurrent(width, |item| async move {
            let item = &item;
            stream::iter(item.tasks.iter().copied())
                .for_each_concurrent(None, |task| judge_one(shared, item, task))
                .await;
        })
        .await;
}

async fn judge_one(shared: &Shared, item: &ToJudge, (task, repeat): (Task, u32)) {
    if shared.judging_over() {
        return;
    }
    let on_retry = shared.retrying(Stage::Judge);
    let desk = Desk { on_retry: &on_retry, docket: shared };
    match shared.work.judge.judge(&item.sample, &item.instance, task, repeat, &desk).await {
        Err(undersight_judge::Halt::Fatal(cause)) => shared.halt.fail(fatal(cause).about_the_judge()),
        Err(undersight_judge::Halt::Stopped) => {}
        Ok(judgement) => {
            let (status, usage, cost) = (judgement.status, judgement.usage, judgement.cost);
            if shared.keep(Record::Judgement(Box::new(judgement))).await.is_some() {
                (shared.observer)(Event::JudgementStored { status, usage, cost });
            }
        }
    }
}
