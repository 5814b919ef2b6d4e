//! Settings become connections: models and judges, with the limits, prices and purse that one command shares.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use undersight_core::{Arm, GenParams, ModelName};
use undersight_endpoint::batch::Batching;
use undersight_endpoint::batch::offline::{self, Results};
use undersight_endpoint::providers::table::unsent;
use undersight_endpoint::{Budget, ConnectError, Endpoint, Options, PriceTable, Recorder, connect};
use undersight_judge::{Judge, Recipe};

use crate::batches::Batches;
use crate::engines::{Engines, Local};
use crate::fail::{Exit, Fail};
use crate::settings::Environment;
use crate::settings::eval::EndpointSettings;
use crate::terminal;

/// Concurrency a host may grow to when `--max-connections` does not fix it.
const ADAPTIVE_CEILING: usize = 256;

/// Everything that connections to models share within one command.
pub(crate) struct Connections<'a> {
    settings: &'a EndpointSettings,
    env: &'a Environment,
    options: Options,
    engines: OnceLock<Engines>,
    /// The most servers of one model.
    servers: AtomicUsize,
    pub(crate) budget: Arc<Budget>,
    pub(crate) batches: Batches,
}

impl<'a> Connections<'a> {
    pub(crate) fn new(settings: &'a EndpointSettings, env: &'a Environment) -> Result<Self, Fail> {
        let prices = match &settings.prices {
            Some(path) => PriceTable::with_file(path.as_ref()).map_err(|e| Fail::advised(Exit::Usage, e))?,
            None => PriceTable::embedded(),
        };
        let budget = Arc::new(Budget::new(settings.max_cost));
        let record = settings.record.as_ref().map(|dir| {
            let cannot = |e| Fail::usage(format!("{dir} cannot be recorded into: {e}"));
            Recorder::new(dir.as_ref()).map(Arc::new).map_err(cannot)
        });
        let options = Options {
            record: record.transpose()?,
            max_connections: settings.max_connections,
            rpm: settings.rpm,
            tpm: settings.tpm,
            max_retries: settings.max_retries,
            timeout: settings.timeout,
            stream: settings.stream,
            prices: Arc::new(prices),
            budget: Arc::clone(&budget),
            ..Options::default()
        };
        let (engines, servers) = (OnceLock::new(), AtomicUsize::new(1));
        let batches = Batches::new(settings.batches);
        Ok(Self { settings, env, options, engines, servers, budget, batches })
    }

    fn open(
        &self,
        model: &ModelName,
        base_url: Option<&str>,
        batch: Option<Batching>,
    ) -> Result<Endpoint, ConnectError> {
        self.open_with(model, base_url, Options { batch, ..self.options.clone() })
    }

    fn open_with(
        &self,
        model: &ModelName,
        base_url: Option<&str>,
        options: Options,
    ) -> Result<Endpoint, ConnectError> {
        let started = || self.engines.get().and_then(|engines| engines.url(model));
        let options = Options {
            base_urls: base_url.or_else(started).map(str::to_owned).into_iter().collect(),
            replay: self.replay(model).map(Into::into),
            ..options
        };
        let endpoint = connect(model, &options, &|name| self.env.get(name))?;
        self.servers.fetch_max(endpoint.urls().count(), Ordering::Relaxed);
        Ok(endpoint)
    }

    /// The recordings that answer for a model.
    fn replay(&self, model: &ModelName) -> Option<&String> {
        let replayed = &self.settings.replayed;
        self.settings.replay.as_ref().filter(|_| replayed.is_empty() || replayed.contains(model))
    }

    /// Whether any of these is a local engine's.
    pub(crate) fn may_start_engines<'m>(
        &self,
        mut models: impl Iterator<Item = &'m ModelName>,
        judge: Option<&Recipe>,
    ) -> bool {
        let may =
            |model: &ModelName| self.replay(model).is_none() && undersight_endpoint::engines::serves(model);
        let leaves = judge.map(Recipe::leaves).unwrap_or_default();
        models.any(may) || leaves.iter().any(|leaf| leaf.needs_endpoint() && may(&leaf.spec().model))
    }

    /// Starts the engines that nothing answers for, of models and the judge: once, before they are connected to.
    pub(crate) async fn start_engines(
        &self,
        models: &[&ModelName],
        judge: Option<&Recipe>,
    ) -> Result<(), Fail> {
        let arms = models.iter().map(|model| Local {
            model: (*model).clone(),
            base_url: self.settings.model_base_url.clone(),
            judges: false,
        });
        let leaves = judge.map(Recipe::leaves).unwrap_or_default();
        let judges = leaves.into_iter().filter(|leaf| leaf.needs_endpoint()).map(|leaf| Local {
            model: leaf.spec().model.clone(),
            base_url: leaf.base_url().map(str::to_owned),
            judges: true,
        });
        let wanted: Vec<Local> =
            arms.chain(judges).filter(|local| self.replay(&local.model).is_none()).collect();
        let engines = Engines::start(&wanted, &self.settings.engines, self.env).await?;
        // There are none yet: this is called once.
        let _ = self.engines.set(engines);
        Ok(())
    }

    /// A model whose every setting has to be honoured.
    fn as_told(
        &self,
        model: &ModelName,
        base_url: Option<&str>,
        params: &GenParams,
        seed: Option<u64>,
    ) -> Result<Endpoint, Fail> {
        all_taken(model, params, seed)?;
        self.check_price(model)?;
        let batch = self.batches.of_judgements();
        self.open(model, base_url, batch).map_err(|e| Fail::advised(Exit::Usage, e))
    }

    fn check_price(&self, model: &ModelName) -> Result<(), Fail> {
        if self.settings.max_cost.is_none() || model.is_simulated() || self.options.prices.knows(model) {
            return Ok(());
        }
        Err(Fail::usage(format!("--max-cost cannot be kept: no price is known for {model}"))
            .hint("give it in a file, --prices FILE: version = \"1\", then [[price]] with model, input and output in USD per million tokens"))
    }

    /// Everything that can be checked without a key, for a plan.
    fn check(&self, model: &ModelName, base_url: Option<&str>, batch: Option<Batching>) -> Result<(), Fail> {
        self.check_price(model)?;
        match self.open(model, base_url, batch) {
            Ok(_) => Ok(()),
            Err(ConnectError::NoKey { var, .. }) => {
                terminal::note(&format!("warning: {var} is not set; the run will need it"));
                Ok(())
            }
            Err(error) => Err(Fail::advised(Exit::Usage, error)),
        }
    }

    /// Checks the model under test without needing its key.
    pub(crate) fn check_model(&self, arm: &Arm) -> Result<(), Fail> {
        self.honoured(arm)?;
        self.check(&arm.model, self.settings.model_base_url.as_deref(), self.batches.of_samples())
    }

    /// Checks the models of a judge without needing their keys.
    pub(crate) fn check_judge(&self, recipe: &Recipe) -> Result<(), Fail> {
        for leaf in recipe.leaves().into_iter().filter(|leaf| leaf.needs_endpoint()) {
            let (spec, batch) = (leaf.spec(), self.batches.of_judgements());
            all_taken(&spec.model, &spec.params, spec.seed)
                .and_then(|()| self.check(&spec.model, leaf.base_url(), batch))
                .map_err(Fail::about_the_judge)?;
        }
        Ok(())
    }

    /// The price table in force.
    pub(crate) fn prices(&self) -> Arc<PriceTable> {
        Arc::clone(&self.options.prices)
    }

    /// Refuses an arm that sets what its provider does not take, unless it says so itself.
    pub(crate) fn honoured(&self, arm: &Arm) -> Result<(), Fail> {
        let unsent = unsent(&arm.model, &arm.params, arm.seed.is_some());
        let refused: Vec<&str> =
            unsent.into_iter().filter(|name| !arm.unsupported.iter().any(|u| u == name)).collect();
        if !refused.is_empty() {
            return Err(not_taken(&arm.model, &refused)
                .hint("--allow-unsupported goes on without it, and says so in the run's record"));
        }
        Ok(())
    }

    /// An engine's output in the place of the model under test.
    pub(crate) fn offline(&self, arm: &Arm, results: Arc<Results>) -> Result<Endpoint, Fail> {
        self.honoured(arm)?;
        offline::endpoint(&arm.model, results, self.prices(), Arc::clone(&self.budget))
            .map_err(|e| Fail::advised(Exit::Usage, e))
    }

    /// The model under test.
    pub(crate) fn model(&self, arm: &Arm) -> Result<Endpoint, Fail> {
        self.honoured(arm)?;
        self.check_price(&arm.model)?;
        self.open(&arm.model, self.settings.model_base_url.as_deref(), self.batches.of_samples())
            .map_err(|e| Fail::advised(Exit::Usage, e))
    }

    /// A model to be asked at once, never in a batch, streamed or whole.
    pub(crate) fn prober(&self, arm: &Arm, stream: bool) -> Result<Endpoint, Fail> {
        self.honoured(arm)?;
        self.check_price(&arm.model)?;
        let options = Options { stream, ..self.options.clone() };
        self.open_with(&arm.model, self.settings.model_base_url.as_deref(), options)
            .map_err(|e| Fail::advised(Exit::Usage, e))
    }

    /// Whether replies are asked for as streams.
    pub(crate) const fn streams(&self) -> bool {
        self.options.stream
    }

    /// Whether recordings answer for a model.
    pub(crate) fn replays(&self, model: &ModelName) -> bool {
        self.replay(model).is_some()
    }

    /// The judge, with every model it asks.
    pub(crate) fn judge(&self, recipe: &Recipe) -> Result<Judge, Fail> {
        Judge::connect(recipe, &mut |leaf| {
            let spec = leaf.spec();
            self.as_told(&spec.model, leaf.base_url(), &spec.params, spec.seed).map_err(Fail::about_the_judge)
        })
    }

    /// How many samples may be under way in a stage: enough to keep every connection to every server busy while
    /// others wait for the disk. To be asked once everything is connected.
    pub(crate) fn width(&self) -> usize {
        let connections = self.settings.max_connections.unwrap_or(ADAPTIVE_CEILING);
        let width = connections.saturating_mul(2 * self.servers.load(Ordering::Relaxed)).clamp(8, 8_192);
        self.batches.width().map_or(width, |calls| calls.max(width))
    }
}

/// Says what could not be recorded, once everything is over, whatever the command and however it ended.
impl Drop for Connections<'_> {
    fn drop(&mut self) {
        if let Some((n, why)) = self.options.record.as_ref().and_then(|recorder| recorder.failures()) {
            terminal::note(&format!(
                "warning: {n} exchanges could not be recorded ({why}); the recordings do not repeat this run whole"
            ));
        }
    }
}

/// Whether every setting of a judge is sent.
fn all_taken(model: &ModelName, params: &GenParams, seed: Option<u64>) -> Result<(), Fail> {
    let unsent = unsent(model, params, seed.is_some());
    if unsent.is_empty() { Ok(()) } else { Err(not_taken(model, &unsent)) }
}

/// A setting that would be claimed and not sent.
fn not_taken(model: &ModelName, names: &[&str]) -> Fail {
    Fail::usage(format!("{} does not take {}", model.provider(), names.join(" or ")))
        .hint("leave it out: an arm that claims a setting nobody honoured would mislead")
}
