//! The settings of `eval` and `judge`: every name in one table, every value parsed, with its layer for
//! `--show-config`.

use std::cell::RefCell;
use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use undersight_core::arm::TraceHint;
use undersight_core::{Arm, GenParams, ModelName, NanoUsd, Selection, Task};
use undersight_endpoint::engines::arguments;
use undersight_endpoint::providers::table::{complete, unsent};
use undersight_judge::recipe::is_file;
use undersight_judge::{Prompts, Recipe, Settings};
use undersight_metrics::{Alpha, Estimand, Inference, Missing, Scoring};

use super::layers::Layer;
use super::{DEFAULT_STORE, Layers, Sourced, parse};
use crate::batches::BatchSettings;
use crate::fail::{Exit, Fail};

/// Every setting a config file or `UNDERSIGHT_<NAME>` may hold.
pub(crate) const NAMES: &[&str] = &[
    "model",
    "dataset",
    "samples",
    "name",
    "judge",
    "judge-temperature",
    "judge-max-tokens",
    "judge-reasoning-effort",
    "judge-seed",
    "judge-prompts",
    "tasks",
    "limit",
    "selection-seed",
    "scenario",
    "category",
    "id",
    "seed",
    "temperature",
    "top-p",
    "top-k",
    "max-tokens",
    "reasoning-effort",
    "thinking-budget",
    "system-prompt",
    "template-opens-thought",
    "allow-unsupported",
    "allow-no-trace",
    "model-base-url",
    "judge-base-url",
    "max-connections",
    "rpm",
    "tpm",
    "max-retries",
    "timeout",
    "stream",
    "no-engine",
    "engine-args",
    "engine-timeout",
    "batch",
    "judge-batch",
    "batch-size",
    "batch-wait",
    "record",
    "replay",
    "max-cost",
    "prices",
    "no-retry-errors",
    "alpha",
    "missing",
    "level",
    "interval",
    "replicates",
    "bootstrap-seed",
    "fixed-instances",
    "clusters",
    "store",
];

/// Those among them of scores and their intervals.
pub(crate) const SCORING: &[&str] =
    &["alpha", "missing", "level", "interval", "replicates", "bootstrap-seed", "fixed-instances", "clusters"];

/// Whether and how engines of local models are started.
#[derive(Debug, Clone)]
pub(crate) struct EngineSettings {
    pub(crate) start: bool,
    pub(crate) arguments: Vec<String>,
    pub(crate) patience: Duration,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self { start: true, arguments: Vec::new(), patience: Duration::from_secs(900) }
    }
}

/// How endpoints are reached and paid.
#[derive(Debug, Clone)]
pub(crate) struct EndpointSettings {
    /// One or several, with commas.
    pub(crate) model_base_url: Option<String>,
    pub(crate) max_connections: Option<usize>,
    /// Calls and tokens a minute, per host and model.
    pub(crate) rpm: Option<u64>,
    pub(crate) tpm: Option<u64>,
    pub(crate) max_retries: u32,
    pub(crate) timeout: Duration,
    pub(crate) stream: bool,
    pub(crate) engines: EngineSettings,
    pub(crate) batches: BatchSettings,
    pub(crate) record: Option<String>,
    pub(crate) replay: Option<String>,
    /// The models that recordings answer for; all of them where none is named.
    pub(crate) replayed: Vec<ModelName>,
    pub(crate) max_cost: Option<NanoUsd>,
    pub(crate) prices: Option<String>,
}

/// Which judge, and what it judges.
#[derive(Debug, Clone)]
pub(crate) struct JudgeSettings {
    pub(crate) recipe: Option<Recipe>,
    pub(crate) tasks: Vec<Task>,
}

/// What `eval` does.
#[derive(Debug, Clone)]
pub(crate) struct EvalSettings {
    pub(crate) arms: Vec<Arm>,
    pub(crate) dataset: String,
    pub(crate) k: u32,
    pub(crate) name: Option<String>,
    pub(crate) selection: Selection,
    pub(crate) judge: JudgeSettings,
    pub(crate) endpoint: EndpointSettings,
    pub(crate) retry_errors: bool,
    /// Whether a model is sampled whose trace cannot be judged.
    pub(crate) allow_no_trace: bool,
    pub(crate) scoring: Scoring,
    pub(crate) store: String,
}

/// One line of `--show-config`.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) layer: Layer,
}

/// Reads settings and remembers what was read.
pub(crate) struct Reader<'a> {
    layers: &'a Layers,
    shown: RefCell<Vec<Shown>>,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(layers: &'a Layers) -> Self {
        Self { layers, shown: RefCell::new(Vec::new()) }
    }

    /// Everything read so far, in the order of reading.
    pub(crate) fn shown(self) -> Vec<Shown> {
        self.shown.into_inner()
    }

    fn show(&self, name: &'static str, value: String, layer: Layer) {
        self.shown.borrow_mut().push(Shown { name, value, layer });
    }

    fn optional<T: Debug>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Fail> {
        let found = self.layers.get(name, |text| Ok((parse(text)?, text.to_owned())))?;
        Ok(match found {
            Some(Sourced { value: (value, text), layer }) => {
                self.show(name, text, layer);
                Some(value)
            }
            None => {
                self.show(name, "-".to_owned(), Layer::Default);
                None
            }
        })
    }

    fn or<T: Debug + Clone>(
        &self,
        name: &'static str,
        default: (T, &str),
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Fail> {
        let default = (default.0, default.1.to_owned());
        let found = self.layers.get_or(name, default, |text| Ok((parse(text)?, text.to_owned())))?;
        self.show(name, found.value.1, found.layer);
        Ok(found.value.0)
    }

    fn all<T>(&self, name: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Fail> {
        let found = self.layers.get_all(name, |text| Ok((parse(text)?, text.to_owned())))?;
        let (values, texts): (Vec<T>, Vec<String>) = found.value.into_iter().unzip();
        self.show(name, if texts.is_empty() { "-".to_owned() } else { texts.join(", ") }, found.layer);
        Ok(values)
    }

    /// Base URLs, joined by commas, shown without the credentials they may hold.
    fn urls(&self, name: &'static str) -> Result<Option<String>, Fail> {
        let urls = self.all(name, parse::text)?.join(",");
        if urls.is_empty() {
            return Ok(None);
        }
        if let Some(shown) = self.shown.borrow_mut().last_mut() {
            shown.value = urls.split(',').map(without_credentials).collect::<Vec<_>>().join(",");
        }
        Ok(Some(urls))
    }

    /// Where runs are kept.
    pub(crate) fn store(&self) -> Result<String, Fail> {
        self.or("store", (DEFAULT_STORE.to_owned(), DEFAULT_STORE), parse::text)
    }

    /// α, the treatment of unknowns, and how intervals are made.
    pub(crate) fn scoring(&self) -> Result<Scoring, Fail> {
        let default = Inference::default();
        let fixed = |reader: &Self| {
            let fixed = reader.or("fixed-instances", (false, "false"), parse::boolean)?;
            Ok::<_, Fail>(if fixed { Estimand::FixedInstances } else { Estimand::Population })
        };
        Ok(Scoring {
            alpha: self.or("alpha", (Alpha::DEFAULT, "0.7639364807041505"), parse::alpha)?,
            missing: self.or("missing", (Missing::Fail, "fail"), parse::missing)?,
            inference: Inference {
                level: self.or("level", (default.level, "0.95"), parse::level)?,
                method: self.or("interval", (default.method, "auto"), parse::interval)?,
                replicates: self.or("replicates", (default.replicates, "10000"), parse::replicates)?,
                seed: self.or("bootstrap-seed", (default.seed, "0"), parse::seed)?,
                estimand: fixed(self)?,
                clustering: self.or("clusters", (default.clustering, "shared-texts"), parse::clustering)?,
            },
        })
    }

    /// The judge, by name with its settings or as a file that holds them.
    pub(crate) fn judge(&self) -> Result<JudgeSettings, Fail> {
        let given = self.optional("judge", parse::judge)?;
        let settings = Settings {
            params: GenParams {
                temperature: self.optional("judge-temperature", parse::temperature)?,
                max_tokens: self.optional("judge-max-tokens", parse::positive)?,
                reasoning_effort: self.optional("judge-reasoning-effort", parse::text)?,
                ..GenParams::default()
            },
            seed: self.optional("judge-seed", parse::seed)?,
            prompts: match self.optional("judge-prompts", parse::text)?.as_deref() {
                None => None,
                Some("shielded") => Some(Prompts::shielded()),
                Some("naive") => Some(Prompts::naive()),
                Some(dir) => Some(Prompts::load(Path::new(dir)).map_err(|e| Fail::advised(Exit::Usage, e))?),
            },
            base_url: self.urls("judge-base-url")?,
            ..Settings::default()
        };
        let advised = |e: undersight_judge::RecipeError| Fail::advised(Exit::Usage, e);
        let recipe = match given {
            None => None,
            Some(file) if is_file(&file) => {
                if let Some(flag) = given_beside(&settings) {
                    return Err(Fail::usage(format!("--{flag} does not go with a judge file"))
                        .hint("put it in the file: the file is all that determines the judge"));
                }
                Some(Recipe::load(Path::new(&file)).map_err(advised)?)
            }
            Some(name) => {
                let model = parse::model(&name).map_err(Fail::usage)?;
                // Settings for the usual judge, in a file or the environment, do not concern a simulated one.
                let settings = if model.is_simulated() {
                    Settings { params: GenParams::default(), base_url: None, ..settings }
                } else {
                    settings
                };
                Some(Recipe::model(&model, settings).map_err(advised)?)
            }
        };
        // A judge that says what it judges is asked for that, unless told otherwise.
        let own = recipe.as_ref().map_or(&[][..], |r: &Recipe| &r.spec().tasks);
        let own = if own.is_empty() { Task::SCORED.to_vec() } else { own.to_vec() };
        let names = own.iter().map(|t| t.name()).collect::<Vec<_>>().join(",");
        let tasks = self.or("tasks", (own, &names), parse::tasks)?;
        Ok(JudgeSettings { recipe, tasks })
    }

    /// The models written as recordings.
    fn replayed(&self) -> Result<Vec<ModelName>, Fail> {
        let given = |text: &str| Ok(text.to_owned());
        let mut texts = self.layers.get_all("model", given)?.value;
        texts.extend(self.layers.get("judge", given)?.map(|found| found.value));
        let replayed: Vec<ModelName> = texts.iter().filter_map(|text| parse::replayed(text)).collect();
        match (replayed.first(), self.layers.get("replay", given)?) {
            (Some(model), None) => Err(Fail::usage(format!("no recordings to answer for {model}"))
                .hint("--replay DIR names the folder that --record DIR filled")),
            _ => Ok(replayed),
        }
    }

    /// Endpoints and money.
    pub(crate) fn endpoint(&self) -> Result<EndpointSettings, Fail> {
        Ok(EndpointSettings {
            model_base_url: self.urls("model-base-url")?,
            max_connections: self.optional("max-connections", parse::positive)?.map(|n| n as usize),
            rpm: self.optional("rpm", parse::positive)?.map(u64::from),
            tpm: self.optional("tpm", parse::positive)?.map(u64::from),
            max_retries: self.or("max-retries", (5, "5"), parse::whole)?,
            timeout: self.or("timeout", (Duration::from_secs(900), "900"), parse::seconds)?,
            stream: self.or("stream", (false, "false"), parse::boolean)?,
            engines: self.engines()?,
            batches: BatchSettings {
                samples: self.or("batch", (false, "false"), parse::boolean)?,
                judgements: self.or("judge-batch", (false, "false"), parse::boolean)?,
                size: self.or("batch-size", (10_000, "10000"), parse::positive)? as usize,
                wait: self.or("batch-wait", (Duration::from_secs(20), "20"), parse::seconds)?,
            },
            record: self.optional("record", parse::text)?,
            replay: self.optional("replay", parse::text)?,
            replayed: self.replayed()?,
            max_cost: self.optional("max-cost", parse::usd)?,
            prices: self.optional("prices", parse::text)?,
        })
    }

    fn engines(&self) -> Result<EngineSettings, Fail> {
        Ok(EngineSettings {
            start: !self.or("no-engine", (false, "false"), parse::boolean)?,
            arguments: self.optional("engine-args", arguments)?.unwrap_or_default(),
            patience: self.or(
                "engine-timeout",
                (EngineSettings::default().patience, "900"),
                parse::seconds,
            )?,
        })
    }

    /// Whether errors are tried again.
    pub(crate) fn retry_errors(&self) -> Result<bool, Fail> {
        Ok(!self.or("no-retry-errors", (false, "false"), parse::boolean)?)
    }

    fn selection(&self) -> Result<Selection, Fail> {
        Ok(Selection {
            scenarios: self.all("scenario", parse::scenario)?,
            categories: self.all("category", parse::category)?,
            ids: self.all("id", parse::text)?,
            limit: self.optional("limit", parse::positive)?.map(|n| n as usize),
            seed: self.optional("selection-seed", parse::seed)?,
        })
    }

    /// The arms: a model each, the parameters shared.
    pub(crate) fn arms(&self) -> Result<Vec<Arm>, Fail> {
        let models = self.all("model", parse::model)?;
        let params = GenParams {
            temperature: self.optional("temperature", parse::temperature)?,
            top_p: self.optional("top-p", parse::unit)?,
            top_k: self.optional("top-k", parse::positive)?,
            max_tokens: self.optional("max-tokens", parse::positive)?,
            reasoning_effort: self.optional("reasoning-effort", parse::text)?,
            thinking_budget: self.optional("thinking-budget", parse::positive)?,
        };
        let seed = self.optional("seed", parse::seed)?;
        let opens = self.or("template-opens-thought", (false, "false"), parse::boolean)?;
        let system_prompt = self.optional("system-prompt", |path| {
            std::fs::read_to_string(path).map_err(|e| format!("the file cannot be read ({e})"))
        })?;
        let allowed = self.or("allow-unsupported", (false, "false"), parse::boolean)?;
        let arm = |model| Arm {
            unsupported: if allowed {
                unsent(&model, &params, seed.is_some()).into_iter().map(str::to_owned).collect()
            } else {
                Vec::new()
            },
            params: complete(&model, params.clone()),
            system_prompt: system_prompt.clone(),
            trace: opens.then_some(TraceHint::TemplateOpens),
            seed,
            ..Arm::of(model)
        };
        Ok(models.into_iter().map(arm).collect())
    }

    /// Everything `eval` needs.
    pub(crate) fn eval(&self) -> Result<EvalSettings, Fail> {
        let settings = EvalSettings {
            arms: self.arms()?,
            dataset: self.or("dataset", ("starter".to_owned(), "starter"), parse::text)?,
            k: self.or("samples", (5, "5"), parse::samples)?,
            name: self.optional("name", parse::run_name)?,
            selection: self.selection()?,
            judge: self.judge()?,
            endpoint: self.endpoint()?,
            allow_no_trace: self.or("allow-no-trace", (false, "false"), parse::boolean)?,
            retry_errors: self.retry_errors()?,
            scoring: self.scoring()?,
            store: self.store()?,
        };
        Ok(settings)
    }
}

/// The first of a judge's settings that was given.
fn given_beside(settings: &Settings) -> Option<&'static str> {
    [
        ("judge-temperature", settings.params.temperature.is_some()),
        ("judge-max-tokens", settings.params.max_tokens.is_some()),
        ("judge-reasoning-effort", settings.params.reasoning_effort.is_some()),
        ("judge-seed", settings.seed.is_some()),
        ("judge-prompts", settings.prompts.is_some()),
        ("judge-base-url", settings.base_url.is_some()),
    ]
    .into_iter()
    .find_map(|(flag, given)| given.then_some(flag))
}

/// A URL fit to print: no user, no password, no query.
fn without_credentials(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let host = host.rsplit('@').next().unwrap_or_default();
    let separator = if scheme.is_empty() { "" } else { "://" };
    match path {
        Some(path) => format!("{scheme}{separator}{host}/{path}"),
        None => format!("{scheme}{separator}{host}"),
    }
}
