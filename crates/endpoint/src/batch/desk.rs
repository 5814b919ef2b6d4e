//! The desk of one batched model: gathers calls into batches, hands them in, waits, and gives every call its answer.
//! One task gathers; each batch is followed by a task of its own. Everything ends when the client is dropped: what the
//! provider has stays in the book.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep, timeout};
use undersight_core::{Batch, BatchEnd, CauseKind, Digest, Micros};

use super::courier::Refusal;
use super::provider::{Item, Provider, Standing, Traced};
use super::{BatchBook, Batching, BookError, News};
use crate::budget::Budget;
use crate::client::{Decision, now};
use crate::retry::{Jitter, RetryPolicy};
use crate::transport::Broken;

/// Looks in a row that may fail before the calls do.
const BLIND: u32 = 20;

/// A call that waits to be handed in.
pub(super) struct Queued {
    pub(super) tag: Digest,
    pub(super) body: Bytes,
    pub(super) reply: Reply,
}

pub(super) type Reply = oneshot::Sender<Outcome>;

/// What becomes of a call.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// The provider answered.
    Answered(Answer),
    /// The batch has no answer for it: to be called live.
    Straggler,
    /// The batch came to nothing: to be handed in anew.
    Again,
    /// It cannot be known or done.
    Failed(Broken),
}

/// An answer from a batch.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    /// `BATCH/ITEM`.
    pub(super) id: String,
    pub(super) body: Vec<u8>,
    pub(super) started: Micros,
    pub(super) total: Duration,
}

type Waiting = HashMap<Digest, Vec<Reply>>;

/// What the tasks of one model share.
pub(super) struct Desk {
    pub(super) provider: Provider,
    pub(super) batching: Batching,
    pub(super) url: String,
    pub(super) policy: RetryPolicy,
    pub(super) budget: Arc<Budget>,
    /// Calls by the batch they wait for.
    active: Mutex<HashMap<String, Waiting>>,
    /// Names of the batches at the provider that are followed.
    followed: Mutex<Vec<String>>,
    /// Requests that no batch answers.
    live: Mutex<HashSet<Digest>>,
    begun: AtomicU32,
    jitter: Jitter,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A book that fails ends the calls: without it nothing may be handed in.
fn unbooked(error: &BookError) -> Outcome {
    let message = format!("batches cannot be written down: {error}");
    Outcome::Failed(Broken { kind: CauseKind::Stopped, message, decision: Decision::Never })
}

impl Desk {
    pub(super) fn new(
        provider: Provider,
        batching: Batching,
        url: String,
        policy: RetryPolicy,
        budget: Arc<Budget>,
    ) -> Self {
        Self {
            provider,
            batching,
            url,
            policy,
            budget,
            active: Mutex::default(),
            followed: Mutex::default(),
            live: Mutex::default(),
            begun: AtomicU32::new(0),
            jitter: Jitter::seeded(u64::from(std::process::id())),
        }
    }

    fn tell(&self, news: News) {
        (self.batching.tell)(news);
    }

    /// Whether no batch has an answer for a request.
    pub(super) fn is_live(&self, tag: &Digest) -> bool {
        lock(&self.live).contains(tag)
    }

    /// The request is not looked for in batches any more.
    pub(super) fn call_live(&self, tag: Digest) {
        lock(&self.live).insert(tag);
    }

    /// Gathers and hands in, until the run is stopped.
    pub(super) async fn run(self: Arc<Self>, mut queue: mpsc::UnboundedReceiver<Queued>) {
        let mut followers = JoinSet::new();
        let working = async {
            let mut next = None;
            while let Some(group) = self.gather(&mut queue, &mut next).await {
                while followers.try_join_next().is_some() {}
                if let Err(error) = self.dispatch(group, &mut followers).await {
                    self.tell(News::Trouble(error.to_string()));
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = working => {}
            () = self.budget.wait_halted() => {}
        }
        let ids = std::mem::take(&mut *lock(&self.followed));
        if !ids.is_empty() {
            self.tell(News::Left { ids });
        }
        // Their calls hear that nothing more will come.
        followers.abort_all();
        lock(&self.active).clear();
    }

    /// What has come: a full batch, or what is there when it has been quiet.
    async fn gather(
        &self,
        queue: &mut mpsc::UnboundedReceiver<Queued>,
        next: &mut Option<Queued>,
    ) -> Option<Vec<Queued>> {
        let (requests, bytes) = self.provider.limits();
        let requests = self.batching.size.clamp(1, requests);
        let first = match next.take() {
            Some(queued) => queued,
            None => queue.recv().await?,
        };
        let mut held = first.body.len() + Provider::FRAME;
        let mut group = vec![first];
        while group.len() < requests {
            let Ok(Some(queued)) = timeout(self.batching.pace.gather, queue.recv()).await else { break };
            held += queued.body.len() + Provider::FRAME;
            if held > bytes {
                *next = Some(queued);
                break;
            }
            group.push(queued);
        }
        Some(group)
    }

    /// Lets what is under way already wait for that, and hands in the rest.
    async fn dispatch(
        self: &Arc<Self>,
        group: Vec<Queued>,
        followers: &mut JoinSet<()>,
    ) -> Result<(), BookError> {
        let tags: Vec<Digest> = group.iter().map(|queued| queued.tag).collect();
        let url = self.url.clone();
        let found: HashMap<Digest, Batch> =
            self.booked(move |book| book.find(&url, &tags)).await?.into_iter().collect();
        let mut waiting = Waiting::new();
        let mut items = Vec::new();
        for Queued { tag, body, reply } in group {
            if let Some(batch) = found.get(&tag) {
                self.attach(batch, tag, reply, followers);
            } else {
                let calls = waiting.entry(tag).or_default();
                if calls.is_empty() {
                    items.push((tag, body));
                }
                calls.push(reply);
            }
        }
        if items.is_empty() {
            return Ok(());
        }
        let tags: Vec<Digest> = items.iter().map(|(tag, _)| *tag).collect();
        let created = now();
        let batch = Batch {
            nonce: Digest::of("batch/v1", &(&tags, created, std::process::id())).to_string()[..32].to_owned(),
            url: self.url.clone(),
            provider_id: None,
            items: u32::try_from(items.len()).unwrap_or(u32::MAX),
            created,
            end: None,
        };
        let intended = batch.clone();
        self.booked(move |book| book.intend(&intended, &tags)).await?;
        lock(&self.active).insert(batch.nonce.clone(), waiting);
        followers.spawn(Arc::clone(self).follow(batch, Some(items)));
        Ok(())
    }

    /// Lets a call wait for a batch that holds it; a batch nobody follows is followed.
    fn attach(self: &Arc<Self>, batch: &Batch, tag: Digest, reply: Reply, followers: &mut JoinSet<()>) {
        let mut active = lock(&self.active);
        let new = !active.contains_key(&batch.nonce);
        active.entry(batch.nonce.clone()).or_default().entry(tag).or_default().push(reply);
        if new {
            followers.spawn(Arc::clone(self).follow(batch.clone(), None));
        }
    }

    /// Asks the book where blocking is allowed.
    async fn booked<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn BatchBook) -> Result<T, BookError> + Send + 'static,
    ) -> Result<T, BookError> {
        let book = Arc::clone(&self.batching.book);
        let asked = spawn_blocking(move || ask(&*book)).await;
        asked.unwrap_or_else(|error| Err(BookError(format!("the book broke: {error}"))))
    }

    /// One batch from wherever it stands to its end.
    async fn follow(self: Arc<Self>, batch: Batch, items: Option<Vec<(Digest, Bytes)>>) {
        let n = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let mut waiting = None;
        let rest = match self.to_results(&batch, n, items).await {
            Ok((id, how, files)) => {
                // Whoever comes from here on follows the batch anew.
                let calls = waiting.insert(lock(&self.active).remove(&batch.nonce).unwrap_or_default());
                let rest = self.collect(&batch, n, (&id, how, &files), calls).await;
                lock(&self.followed).retain(|followed| *followed != id);
                rest
            }
            Err(outcome) => outcome,
        };
        let waiting = waiting.or_else(|| lock(&self.active).remove(&batch.nonce)).unwrap_or_default();
        for (tag, calls) in waiting {
            if matches!(rest, Outcome::Straggler) {
                self.call_live(tag);
            }
            for call in calls {
                let _ = call.send(rest.clone());
            }
        }
    }

    /// Until there are results to fetch: the provider's name of the batch, how it ended, and its files.
    async fn to_results(
        &self,
        batch: &Batch,
        n: u32,
        items: Option<Vec<(Digest, Bytes)>>,
    ) -> Result<(String, String, Vec<String>), Outcome> {
        let sent = items.is_some();
        let id = match (&batch.provider_id, items) {
            (Some(id), _) => id.clone(),
            (None, Some(items)) => self.submit(batch, items).await?,
            (None, None) => self.find(batch).await?,
        };
        lock(&self.followed).push(id.clone());
        let items = u64::from(batch.items);
        self.tell(if sent {
            News::Sent { n, id: id.clone(), items }
        } else {
            News::Resumed { n, id: id.clone(), items }
        });
        let ended = self.wait(batch, n, &id, sent).await;
        if ended.is_err() {
            lock(&self.followed).retain(|followed| *followed != id);
        }
        let (how, files) = ended?;
        Ok((id, how, files))
    }

    /// Hands a batch in, once: where it may have arrived although no answer came, the provider's list decides.
    async fn submit(&self, batch: &Batch, items: Vec<(Digest, Bytes)>) -> Result<String, Outcome> {
        let bundle = self.provider.bundle(&batch.nonce, items);
        let mut attempt = 0;
        loop {
            let refused = match self.provider.submit(&batch.nonce, bundle.clone()).await {
                Ok(id) => {
                    self.took(batch, &id).await?;
                    return Ok(id);
                }
                Err(refused) => refused,
            };
            if refused.unsure
                && let Some(id) = self.resolve(batch, now()).await?
            {
                return Ok(id);
            }
            let broken = refused.refusal.broken;
            let Some(wait) = self.policy.next(attempt, broken.decision, self.jitter.draw()) else {
                self.void(batch).await?;
                return Err(Outcome::Failed(broken));
            };
            attempt += 1;
            sleep(wait).await;
        }
    }

    /// Finds a batch whose answer never came, because this process or one before it ended.
    async fn find(&self, batch: &Batch) -> Result<String, Outcome> {
        if let Some(id) = self.resolve(batch, batch.created).await? {
            return Ok(id);
        }
        self.void(batch).await?;
        Err(Outcome::Again)
    }

    /// Asks the provider's list for a batch that was last handed in at `since`; `None` when it never arrived.
    async fn resolve(&self, batch: &Batch, since: Micros) -> Result<Option<String>, Outcome> {
        let url = self.url.clone();
        let sent = self.booked(move |book| book.sent_to(&url)).await.map_err(|e| unbooked(&e))?;
        let known: Vec<String> = sent.into_iter().filter_map(|other| other.provider_id).collect();
        let holds = |tag: &Digest| {
            lock(&self.active).get(&batch.nonce).is_some_and(|waiting| waiting.contains_key(tag))
        };
        let (mut pause, mut blind) = (self.batching.pace.look, 0);
        loop {
            let age = Duration::from_micros(u64::try_from(now().0 - since.0).unwrap_or(0));
            match self.provider.trace(batch, &known, &holds).await {
                Ok(Traced::Found(id)) => {
                    self.took(batch, &id).await?;
                    return Ok(Some(id));
                }
                Ok(Traced::Absent) => match self.batching.pace.settle.checked_sub(age) {
                    Some(left) if !left.is_zero() => sleep(left).await,
                    _ => return Ok(None),
                },
                Ok(Traced::Perhaps) => {
                    blind = 0;
                    pause = self.pause(pause, None).await;
                }
                Err(refusal) => {
                    blind += 1;
                    pause = self.endure(refusal, blind, pause).await?;
                }
            }
        }
    }

    /// Looks at a batch until it is over.
    async fn wait(
        &self,
        batch: &Batch,
        n: u32,
        id: &str,
        fresh: bool,
    ) -> Result<(String, Vec<String>), Outcome> {
        let (mut pause, mut blind) = (self.batching.pace.look, 0);
        if fresh {
            pause = self.pause(pause, None).await;
        }
        loop {
            match self.provider.look(id).await {
                Ok(Standing::Ended { how, files }) => return Ok((how, files)),
                Ok(Standing::Refused(why)) => {
                    self.void(batch).await?;
                    let message = format!("the batch was refused: {}", self.provider.shown(&why));
                    let kind = CauseKind::BadRequest;
                    return Err(Outcome::Failed(Broken { kind, message, decision: Decision::Never }));
                }
                Ok(Standing::Working { done }) => {
                    blind = 0;
                    let of = self.begun.load(Ordering::Relaxed);
                    self.tell(News::Working { n, of, done, items: u64::from(batch.items) });
                    pause = self.pause(pause, None).await;
                }
                Err(refusal) if refusal.status == 404 => return Err(self.gone(batch, id).await?),
                Err(refusal) => {
                    blind += 1;
                    pause = self.endure(refusal, blind, pause).await?;
                }
            }
        }
    }

    /// Reads the results and answers the calls; what is left to the others.
    async fn collect(
        &self,
        batch: &Batch,
        n: u32,
        (id, how, files): (&str, String, &[String]),
        waiting: &mut Waiting,
    ) -> Outcome {
        let begun = Instant::now();
        let behind = Duration::from_micros(u64::try_from(now().0 - batch.created.0).unwrap_or(0));
        let (mut answered, mut why, mut attempt) = (0, None, 0);
        loop {
            let mut each = |item: Item| match item.body {
                Ok(body) => {
                    let Some(calls) = waiting.remove(&item.tag) else { return };
                    answered += 1;
                    let answer = Answer {
                        id: format!("{id}/{}", item.id),
                        body,
                        started: batch.created,
                        total: behind + begun.elapsed(),
                    };
                    for call in calls {
                        let _ = call.send(Outcome::Answered(answer.clone()));
                    }
                }
                Err(said) if waiting.contains_key(&item.tag) => {
                    why.get_or_insert(said);
                }
                Err(_) => {}
            };
            let refusal = match self.provider.results(id, files, &mut each).await {
                Ok(()) => break,
                Err(refusal) => refusal,
            };
            if refusal.status == 404 {
                return self.gone(batch, id).await.unwrap_or_else(|outcome| outcome);
            }
            let broken = refusal.broken;
            match self.policy.next(attempt, broken.decision, self.jitter.draw()) {
                Some(pause) => sleep(pause).await,
                None => return Outcome::Failed(broken),
            }
            attempt += 1;
        }
        let nonce = batch.nonce.clone();
        if let Err(error) = self.booked(move |book| book.ended(&nonce, BatchEnd::Done)).await {
            self.tell(News::Trouble(error.to_string()));
        }
        let (live, why) = (waiting.len() as u64, why.map(|why| self.provider.shown(&why)));
        self.tell(News::Collected { n, how, answered, live, why });
        Outcome::Straggler
    }

    async fn took(&self, batch: &Batch, id: &str) -> Result<(), Outcome> {
        let (nonce, id) = (batch.nonce.clone(), id.to_owned());
        self.booked(move |book| book.submitted(&nonce, &id)).await.map_err(|e| unbooked(&e))
    }

    async fn void(&self, batch: &Batch) -> Result<(), Outcome> {
        let nonce = batch.nonce.clone();
        self.booked(move |book| book.ended(&nonce, BatchEnd::Void)).await.map_err(|e| unbooked(&e))
    }

    /// The provider no longer keeps it.
    async fn gone(&self, batch: &Batch, id: &str) -> Result<Outcome, Outcome> {
        self.void(batch).await?;
        self.tell(News::Trouble(format!(
            "the provider no longer keeps batch {id}; its requests are sent anew"
        )));
        Ok(Outcome::Again)
    }

    /// Bears with a failed look, within bounds; gives the next pause.
    async fn endure(&self, refusal: Refusal, blind: u32, pause: Duration) -> Result<Duration, Outcome> {
        let asked = match refusal.broken.decision {
            Decision::Never => return Err(Outcome::Failed(refusal.broken)),
            _ if blind >= BLIND => return Err(Outcome::Failed(refusal.broken)),
            Decision::Transient => None,
            Decision::RateLimited(asked) => asked,
        };
        if blind == 3 {
            self.tell(News::Trouble(format!("batches cannot be looked at: {}", refusal.broken.message)));
        }
        Ok(self.pause(pause, asked).await)
    }

    /// Waits, at least as long as asked; gives the next pause, which is longer.
    async fn pause(&self, pause: Duration, asked: Option<Duration>) -> Duration {
        sleep(pause.max(asked.unwrap_or_default())).await;
        pause.mul_f64(1.5).min(self.batching.pace.longest)
    }
}
