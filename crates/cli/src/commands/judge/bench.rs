//! Questions put to judges: each family's variants become a run over samples that are the questions' own texts, so
//! that limits, budgets, resuming and storage are those of every other run.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use undersight_core::instance::dataset_hash;
use undersight_core::judgement::{inputs_hash, judgement_key};
use undersight_core::{
    Arm, Digest, Extraction, Family, Instance, JudgeSpec, Judgement, Micros, ModelName, Observer, Plan,
    Provenance, Run, Sample, SampleStatus, Selection, Task, Timing, Trial, TrialOutcome, Vote,
};
use undersight_dataset::CaseSet;
use undersight_generate::Prompted;
use undersight_judge::Judge;
use undersight_judge::trials::Question;
use undersight_ledger::{Ledger, Record};

use crate::commands::eval::slug;
use crate::engine::{self, Halt, Judging, Scope, Settled, Work, ledger_fail};
use crate::fail::Fail;

/// Provider of the arms that stand for calibration sets.
pub(crate) const CALIBRATION: &str = "calibration";

/// Questions of one variant: at most one for each case and task.
pub(super) struct Batch {
    run: Run,
    repeats: u32,
    tasks: Vec<Task>,
    /// A sample, what is asked about it, by task.
    places: Vec<(Arc<Prompted>, Sample, BTreeMap<Task, Question>)>,
}

impl Batch {
    /// The questions by variant, each variant asked `repeats` times where its family is the base.
    pub(super) fn all(set: &CaseSet, questions: Vec<Question>, repeats: u32) -> Result<Vec<Self>, Fail> {
        let mut groups: Vec<(String, Vec<Question>)> = Vec::new();
        for question in questions {
            let trial = &question.trial;
            // A case as it is serves all tasks; an altered text serves the one it was altered for.
            let name = match trial.family {
                Family::Base | Family::Repeat | Family::Rubric => trial.family.name().to_owned(),
                _ => format!("{}.{}.{}", trial.family, trial.variant, trial.task),
            };
            match groups.iter_mut().find(|(n, _)| *n == name) {
                Some((_, group)) => group.push(question),
                None => groups.push((name, vec![question])),
            }
        }
        groups.into_iter().map(|(name, group)| Self::of(set, &name, group, repeats)).collect()
    }

    fn of(set: &CaseSet, name: &str, questions: Vec<Question>, repeats: u32) -> Result<Self, Fail> {
        let model = format!("{CALIBRATION}/{}@{}+{name}", slug(&set.name), set.hash.short());
        let arm = Arm::of(ModelName::parse(&model).map_err(Fail::failed)?);
        let family = questions.first().map_or(Family::Base, |q| q.trial.family);
        let (hash, now) = (arm.hash(), crate::clock::now());
        let mut tasks: Vec<Task> = Vec::new();
        let mut places: Vec<(Arc<Prompted>, Sample, BTreeMap<Task, Question>)> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for question in questions {
            let task = question.trial.task;
            if !tasks.contains(&task) {
                tasks.push(task);
            }
            let at = *known.entry(question.trial.case.clone()).or_insert_with(|| {
                places.push(place(&arm, hash, &question, now));
                places.len() - 1
            });
            places[at].2.insert(task, question);
        }
        let dataset = dataset_hash(places.iter().map(|(p, ..)| &*p.instance));
        let run_name = format!("{CALIBRATION}.{}.{}.{name}", slug(&set.name), &set.hash.short()[..6]);
        // Half a set, or another version of a variant, is a run of its own.
        let texts = Digest::of("trials/v1", &places.iter().map(|(_, s, _)| s.key).collect::<Vec<_>>());
        let run_name = format!("{run_name}.{}", &texts.short()[..6]);
        let run = Run {
            id: Run::id_of(&hash, &dataset, &run_name),
            name: run_name,
            arm,
            dataset,
            dataset_name: set.name.clone(),
            created: now,
        };
        let repeats = if family == Family::Base { repeats } else { 1 };
        Ok(Self { run, repeats, tasks, places })
    }

    fn instances(&self) -> Vec<Arc<Instance>> {
        self.places.iter().map(|(p, ..)| Arc::clone(&p.instance)).collect()
    }

    fn scope(&self, judge: &JudgeSpec, tasks: &[Task]) -> Result<Option<Scope>, Fail> {
        let tasks: Vec<Task> =
            self.tasks.iter().copied().filter(|t| tasks.contains(t) && judge.judges(*t)).collect();
        if tasks.is_empty() {
            return Ok(None);
        }
        let judging = Judging::new(judge, &tasks)?.repeated(self.repeats);
        let prompts = self.places.iter().map(|(p, ..)| Arc::clone(p)).collect();
        Ok(Some(Scope::new(self.run.arm.hash(), prompts, 1, &judging, true)))
    }

    /// How many verdicts there are to be, and how many of them the store lacks.
    pub(super) fn todo(
        &self,
        judge: &JudgeSpec,
        tasks: &[Task],
        ledger: Option<&Ledger>,
    ) -> Result<(u64, u64), Fail> {
        let Some(scope) = self.scope(judge, tasks)? else { return Ok((0, 0)) };
        let settled = match ledger {
            Some(ledger) => scope.settled(ledger)?,
            None => Settled::nothing(),
        };
        let todo = scope.todo(&settled);
        Ok((todo.judgements, todo.judgements_left))
    }
}

/// A question's text as a sample. The text is what tells samples apart: an altered variant is never taken for an
/// earlier one.
fn place(
    arm: &Arm,
    hash: Digest,
    question: &Question,
    now: Micros,
) -> (Arc<Prompted>, Sample, BTreeMap<Task, Question>) {
    let Question { trial, instance, trace, answer } = question;
    let messages_hash = Digest::of("trial/v1", &(&trial.case, &instance.query, trace, answer));
    let extraction = Extraction::apart(Some((CALIBRATION, trace)), (CALIBRATION, answer), Provenance::Full);
    let status = if answer.trim().is_empty() { SampleStatus::Empty } else { SampleStatus::Ok };
    let sample = Sample {
        status,
        extraction,
        timing: Timing { started: now, ..Timing::default() },
        url: format!("{CALIBRATION}:"),
        ..Sample::blank(hash, messages_hash, 0, arm.model.clone())
    };
    let messages = Arc::new(arm.messages(instance));
    let prompted = Prompted { instance: Arc::clone(instance), messages, messages_hash };
    (Arc::new(prompted), sample, BTreeMap::new())
}

/// Where questions are put, and how.
pub(super) struct Bench<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) halt: &'a Halt,
    pub(super) observer: &'a Observer,
    pub(super) width: usize,
    pub(super) tasks: &'a [Task],
}

impl Bench<'_> {
    /// Puts the questions of a batch that the store has no answer to; returns how many stay without one.
    pub(super) async fn ask(&self, batch: &Batch, judge: &Arc<Judge>) -> Result<u64, Fail> {
        let Some(scope) = batch.scope(judge.spec(), self.tasks)? else { return Ok(0) };
        self.plan(batch, judge).await?;
        let work = Work { name: batch.run.name.clone(), scope, generator: None, judge: Arc::clone(judge) };
        let observer = Arc::clone(self.observer);
        let ended = engine::run(work, self.width, self.ledger.clone(), observer, self.halt.clone()).await?;
        match ended.failure {
            Some(failure) => Err(failure),
            None => Ok(ended.left),
        }
    }

    async fn plan(&self, batch: &Batch, judge: &Judge) -> Result<(), Fail> {
        let plan = Plan { k: 1, selection: Selection::default(), judges: vec![judge.spec().clone()] };
        let selected: Vec<(u32, Digest, Digest)> = (0..)
            .zip(&batch.places)
            .map(|(ord, (p, ..))| (ord, p.instance.content_hash(), p.messages_hash))
            .collect();
        let run = &batch.run;
        self.ledger
            .put_dataset(&run.dataset_name, run.dataset, &batch.instances())
            .and_then(|()| self.ledger.put_run(run, &plan, &selected))
            .map_err(ledger_fail)?;
        for (_, sample, _) in &batch.places {
            self.ledger.append(Record::Sample(Arc::new(sample.clone()))).await.map_err(ledger_fail)?;
        }
        Ok(())
    }

    /// What became of a batch, from the store alone. `renamed` says what it counts as: the base under a reworded
    /// rubric is another family than the base.
    pub(super) fn outcomes(
        &self,
        batch: &Batch,
        judge: &JudgeSpec,
        renamed: Option<(Family, &str)>,
    ) -> Result<Vec<TrialOutcome>, Fail> {
        let mut found = Vec::new();
        for (prompted, sample, asked) in &batch.places {
            for (task, question) in asked.iter().filter(|(t, _)| self.tasks.contains(t) && judge.judges(**t))
            {
                let inputs = inputs_hash(*task, &prompted.instance, judge.annotated);
                for repeat in 0..batch.repeats {
                    let key = judgement_key(&sample.key, &judge.hash(), *task, &inputs, repeat);
                    let judgement = self.ledger.judgement(sample.key, key).map_err(ledger_fail)?;
                    found.extend(judgement.map(|judgement| (question.trial.clone(), judgement)));
                }
            }
        }
        found
            .into_iter()
            .map(|(mut trial, judgement)| {
                trial.repeat = judgement.repeat;
                match renamed {
                    Some((family, variant)) => (trial.family, trial.variant) = (family, variant.to_owned()),
                    // The first asking is the base, the others tell whether it is said again.
                    None if judgement.repeat > 0 => {
                        (trial.family, trial.variant) = (Family::Repeat, Family::Repeat.name().to_owned());
                    }
                    None => {}
                }
                self.outcome(trial, &judgement)
            })
            .collect()
    }

    /// A panel's judgement costs what its votes did, and takes as long.
    fn outcome(&self, trial: Trial, judgement: &Judgement) -> Result<TrialOutcome, Fail> {
        let mut outcome = TrialOutcome {
            trial,
            status: judgement.status,
            label: judgement.label,
            usage: judgement.usage,
            cost: judgement.cost,
            // A panel itself only waits for its votes.
            total_us: if judgement.details.votes.is_empty() { judgement.timing.total_us } else { 0 },
        };
        if !judgement.details.votes.is_empty() {
            let cast = self.ledger.judgements_of(judgement.sample, None).map_err(ledger_fail)?;
            for vote in votes_below(judgement, &cast) {
                outcome.usage = outcome.usage.plus(vote.usage);
                outcome.cost = outcome.cost.zip(vote.cost).map(|(a, b)| a.plus(b));
                outcome.total_us = outcome.total_us.saturating_add(vote.timing.total_us);
            }
        }
        Ok(outcome)
    }
}

/// The judgements with verdicts of their own that a panel's rests on, through all levels, among those of the sample.
fn votes_below<'j>(panel: &Judgement, cast: &'j [Judgement]) -> Vec<&'j Judgement> {
    let of =
        |v: &Vote| cast.iter().find(|j| j.task == panel.task && j.judge == v.judge && j.repeat == v.repeat);
    let mut all = Vec::new();
    for vote in panel.details.votes.iter().filter_map(of) {
        if vote.details.votes.is_empty() {
            all.push(vote);
        } else {
            all.extend(votes_below(vote, cast));
        }
    }
    all
}
