//! Batches of a command: written down in its store, told of on its terminal.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use undersight_core::{Batch, BatchEnd, Digest, Event, Observer};
use undersight_endpoint::batch::{BatchBook, Batching, BookError, News, Pace};
use undersight_ledger::{Ledger, LedgerError};
use undersight_report::number::count;

/// The store's batches. Models are connected to before there is a store, so it comes later.
#[derive(Default)]
struct StoreBook(OnceLock<(Ledger, Observer)>);

impl StoreBook {
    fn ask<T>(&self, ask: impl FnOnce(&Ledger) -> Result<T, LedgerError>) -> Result<T, BookError> {
        let (ledger, _) = self.0.get().ok_or_else(|| BookError("there is no store yet".to_owned()))?;
        ask(ledger).map_err(|error| BookError(error.to_string()))
    }
}

impl BatchBook for StoreBook {
    fn intend(&self, batch: &Batch, tags: &[Digest]) -> Result<(), BookError> {
        self.ask(|ledger| ledger.put_batch(batch, tags))
    }

    fn submitted(&self, nonce: &str, provider_id: &str) -> Result<(), BookError> {
        self.ask(|ledger| ledger.name_batch(nonce, provider_id))
    }

    fn ended(&self, nonce: &str, end: BatchEnd) -> Result<(), BookError> {
        self.ask(|ledger| ledger.end_batch(nonce, end))
    }

    fn sent_to(&self, url: &str) -> Result<Vec<Batch>, BookError> {
        self.ask(|ledger| ledger.batches(url))
    }

    fn find(&self, url: &str, tags: &[Digest]) -> Result<Vec<(Digest, Batch)>, BookError> {
        self.ask(|ledger| ledger.batches_of(url, tags))
    }
}

/// Which stages go through batches, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchSettings {
    pub(crate) samples: bool,
    pub(crate) judgements: bool,
    pub(crate) size: usize,
    pub(crate) wait: Duration,
}

impl BatchSettings {
    /// Nothing goes through batches.
    pub(crate) const fn none() -> Self {
        Self { samples: false, judgements: false, size: 0, wait: Duration::ZERO }
    }
}

/// The batches of one command.
#[derive(Clone)]
pub(crate) struct Batches {
    settings: BatchSettings,
    book: Arc<StoreBook>,
}

impl Batches {
    pub(crate) fn new(settings: BatchSettings) -> Self {
        Self { settings, book: Arc::default() }
    }

    /// Where they are written down and told of, from now on.
    pub(crate) fn keep_in(&self, ledger: &Ledger, observer: &Observer) {
        // The first store of a command is its only one.
        let _ = self.book.0.set((ledger.clone(), Arc::clone(observer)));
    }

    /// For the model under test.
    pub(crate) fn of_samples(&self) -> Option<Batching> {
        self.settings.samples.then(|| self.batching("samples"))
    }

    /// For the judge.
    pub(crate) fn of_judgements(&self) -> Option<Batching> {
        self.settings.judgements.then(|| self.batching("judgements"))
    }

    /// How many calls should be under way at a time, where there are batches to fill: two of them.
    pub(crate) fn width(&self) -> Option<usize> {
        let any = self.settings.samples || self.settings.judgements;
        any.then(|| self.settings.size.saturating_mul(2).min(100_000))
    }

    fn batching(&self, what: &'static str) -> Batching {
        let book = Arc::clone(&self.book);
        Batching {
            book: Arc::clone(&self.book) as Arc<dyn BatchBook>,
            size: self.settings.size,
            pace: Pace::of(self.settings.wait),
            tell: Arc::new(move |news| {
                if let Some((_, observer)) = book.0.get() {
                    observer(event(what, news));
                }
            }),
        }
    }
}

/// News as people read it.
fn event(what: &str, news: News) -> Event {
    match news {
        News::Sent { n, id, items } => Event::Note(format!(
            "{what}: batch {n} handed in, {} requests ({id}); the provider takes up to 24 hours, and the same command finds it again",
            count(items)
        )),
        News::Resumed { n, id, items } => Event::Note(format!(
            "{what}: batch {n} is an earlier one of {} requests ({id}); waiting for it",
            count(items)
        )),
        News::Working { n, of, done, items } => {
            Event::Note(format!("{what}: batch {n} of {of}: {} of {} done", count(done), count(items)))
        }
        News::Collected { n, how, answered, live: 0, .. } => {
            Event::Note(format!("{what}: batch {n} {how}: {} answers", count(answered)))
        }
        News::Collected { n, how, answered, live, why } => {
            let why = why.map_or_else(String::new, |why| format!(" (the first: {why})"));
            Event::Warning(format!(
                "{what}: batch {n} {how}: {} answers; {} requests have none{why} and are called one by one",
                count(answered),
                count(live)
            ))
        }
        News::Left { ids } => Event::Stopping(format!(
            "{what}: the provider goes on with {} ({}); the same command collects what comes of it",
            if ids.len() == 1 { "the batch" } else { "the batches" },
            ids.join(", ")
        )),
        News::Trouble(message) => Event::Warning(format!("{what}: {message}")),
    }
}
