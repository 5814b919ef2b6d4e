//! Settings become connections: models and judges, with the limits, prices and purse that one command shares.

use std::sync::Arc;

use undersight_core::{Arm, GenParams, ModelName};
use undersight_endpoint::{Budget, ConnectError, Endpoint, Options, PriceTable, connect};
use undersight_judge::{Judge, Recipe};

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
    pub(crate) budget: Arc<Budget>,
}

impl<'a> Connections<'a> {
    pub(crate) fn new(settings: &'a EndpointSettings, env: &'a Environment) -> Result<Self, Fail> {
        let prices = match &settings.prices {
            Some(path) => PriceTable::with_file(path.as_ref()).map_err(|e| Fail::advised(Exit::Usage, e))?,
            None => PriceTable::embedded(),
        };
        let budget = Arc::new(Budget::new(settings.max_cost));
        let options = Options {
            max_connections: settings.max_connections,
            max_retries: settings.max_retries,
            timeout: settings.timeout,
            stream: settings.stream,
            prices: Arc::new(prices),
            budget: Arc::clone(&budget),
            ..Options::default()
        };
        Ok(Self { settings, env, options, budget })
    }

    fn open(&self, model: &ModelName, base_url: Option<&str>) -> Result<Endpoint, ConnectError> {
        let options = Options { base_url: base_url.map(str::to_owned), ..self.options.clone() };
        connect(model, &options, &|name| self.env.get(name))
    }

    fn to(
        &self,
        model: &ModelName,
        base_url: Option<&str>,
        params: &GenParams,
        seed: Option<u64>,
    ) -> Result<Endpoint, Fail> {
        let endpoint = self.open(model, base_url).map_err(|e| Fail::advised(Exit::Usage, e))?;
        let unsent = endpoint.target().map(|t| t.row.unsent(params, seed.is_some())).unwrap_or_default();
        if !unsent.is_empty() {
            return Err(Fail::usage(format!("{} does not take {}", model.provider(), unsent.join(" or ")))
                .hint("leave it out: an arm that claims a setting nobody honoured would mislead"));
        }
        self.check_price(model)?;
        Ok(endpoint)
    }

    fn check_price(&self, model: &ModelName) -> Result<(), Fail> {
        if self.settings.max_cost.is_none() || model.is_simulated() || self.options.prices.knows(model) {
            return Ok(());
        }
        Err(Fail::usage(format!("--max-cost cannot be kept: no price is known for {model}"))
            .hint("give it in a file, --prices FILE: version = \"1\", then [[price]] with model, input and output in USD per million tokens"))
    }

    /// Everything that can be checked without a key, for a plan.
    fn check(&self, model: &ModelName, base_url: Option<&str>) -> Result<(), Fail> {
        self.check_price(model)?;
        match self.open(model, base_url) {
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
        self.check(&arm.model, self.settings.model_base_url.as_deref())
    }

    /// Checks the models of a judge without needing their keys.
    pub(crate) fn check_judge(&self, recipe: &Recipe) -> Result<(), Fail> {
        for leaf in recipe.leaves().into_iter().filter(|leaf| leaf.needs_endpoint()) {
            self.check(&leaf.spec().model, leaf.base_url()).map_err(Fail::about_the_judge)?;
        }
        Ok(())
    }

    /// The price table in force.
    pub(crate) fn prices(&self) -> Arc<PriceTable> {
        Arc::clone(&self.options.prices)
    }

    /// The model under test.
    pub(crate) fn model(&self, arm: &Arm) -> Result<Endpoint, Fail> {
        self.to(&arm.model, self.settings.model_base_url.as_deref(), &arm.params, arm.seed)
    }

    /// The judge, with every model it asks.
    pub(crate) fn judge(&self, recipe: &Recipe) -> Result<Judge, Fail> {
        Judge::connect(recipe, &mut |leaf| {
            let spec = leaf.spec();
            self.to(&spec.model, leaf.base_url(), &spec.params, spec.seed).map_err(Fail::about_the_judge)
        })
    }

    /// How many samples may be under way in a stage: enough to keep every connection busy while others wait for
    /// the disk.
    pub(crate) fn width(&self) -> usize {
        self.settings.max_connections.unwrap_or(ADAPTIVE_CEILING).saturating_mul(2).clamp(8, 8_192)
    }
}
