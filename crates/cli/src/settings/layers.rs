//! Where settings come from: flag, environment, `.env`, config file, default; in that order, each value
//! remembering its layer. Everything arrives as text and is parsed once, so a bad value is reported the same way
//! wherever it came from.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;
use undersight_core::text::nearest;

use crate::fail::Fail;

/// The file looked for in the working directory when `--config` is not given.
const DEFAULT_CONFIG: &str = "undersight.toml";

/// Which layer a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Layer {
    Flag,
    Env,
    DotEnv,
    Config(PathBuf),
    Default,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Env => f.write_str("environment"),
            Self::DotEnv => f.write_str(".env"),
            Self::Config(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value and its layer.
#[derive(Debug, Clone)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) layer: Layer,
}

/// The environment: the process's own, and below it `.env`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    process: HashMap<String, String>,
    dotenv: HashMap<String, String>,
}

impl Environment {
    /// Reads the process environment and `.env` in the working directory.
    pub(crate) fn read() -> Result<Self, Fail> {
        let process = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let path = Path::new(".env");
        let mut dotenv = HashMap::new();
        if path.is_file() {
            let pairs = dotenvy::from_path_iter(path)
                .map_err(|e| Fail::usage(format!(".env: cannot be read: {e}")))?;
            for pair in pairs {
                // The error would quote the line, which may hold a key.
                let (name, value) = pair.map_err(|_| {
                    Fail::usage(".env: a line is not NAME=value").hint("quote values that hold spaces or #")
                })?;
                dotenv.insert(name, value);
            }
        }
        Ok(Self { process, dotenv })
    }

    /// A variable, from the process first; empty counts as unset.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.sourced(name).map(|(value, _)| value)
    }

    fn sourced(&self, name: &str) -> Option<(String, Layer)> {
        let find = |vars: &HashMap<String, String>| vars.get(name).filter(|v| !v.is_empty()).cloned();
        find(&self.process)
            .map(|v| (v, Layer::Env))
            .or_else(|| find(&self.dotenv).map(|v| (v, Layer::DotEnv)))
    }
}

/// All layers of one command.
pub(crate) struct Layers {
    flags: BTreeMap<String, Vec<String>>,
    env: Environment,
    config: Config,
    unused: Vec<&'static str>,
}

/// A config file: its values, and the line each stands on.
#[derive(Debug, Default)]
struct Config {
    path: PathBuf,
    table: toml::Table,
    lines: HashMap<String, usize>,
}

impl Config {
    fn place(&self, key: &str) -> String {
        match self.lines.get(key) {
            Some(line) => format!("{}:{line}", self.path.display()),
            None => self.path.display().to_string(),
        }
    }
}

impl Layers {
    /// Gathers the layers. `names` are the settings a config file may hold.
    pub(crate) fn gather(
        matches: &ArgMatches,
        env: Environment,
        config: Option<&Path>,
        names: &[&str],
    ) -> Result<Self, Fail> {
        let mut flags = BTreeMap::new();
        for id in matches.ids().map(clap::Id::as_str) {
            if matches.value_source(id) == Some(ValueSource::CommandLine)
                && let Some(values) = flag_values(matches, id)
            {
                flags.insert(id.replace('_', "-"), values);
            }
        }
        Ok(Self { flags, env, config: read_config(config, names)?, unused: Vec::new() })
    }

    /// Takes settings for unset that the command makes nothing of: one that is there for other commands does no harm.
    #[must_use]
    pub(crate) fn ignoring(mut self, unused: impl IntoIterator<Item = &'static str>) -> Self {
        self.unused.extend(unused);
        self
    }

    /// The environment layer, for keys and base URLs.
    pub(crate) const fn env(&self) -> &Environment {
        &self.env
    }

    /// The raw values of a setting from the highest layer that has it.
    fn raw(&self, name: &str) -> Result<Option<(Vec<String>, Layer)>, Fail> {
        if self.unused.contains(&name) {
            return Ok(None);
        }
        if let Some(values) = self.flags.get(name) {
            return Ok(Some((values.clone(), Layer::Flag)));
        }
        let variable = variable(name);
        if let Some((value, layer)) = self.env.sourced(&variable) {
            return Ok(Some((vec![value], layer)));
        }
        let Some(value) = self.config.table.get(name) else { return Ok(None) };
        let values = config_values(value).ok_or_else(|| {
            let place = self.config.place(name);
            Fail::usage(format!("{place}: `{name}`: expected a string, number, boolean or a list of them"))
        })?;
        Ok(Some((values, Layer::Config(self.config.path.clone()))))
    }

    /// One value, parsed.
    pub(crate) fn get<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<Sourced<T>>, Fail> {
        let Some((values, layer)) = self.raw(name)? else { return Ok(None) };
        let [value] = values.as_slice() else {
            let place = self.place(name, &layer);
            return Err(Fail::usage(format!("{place}: expected one value, got {}", values.len())));
        };
        let value = parse(value).map_err(|message| {
            let shown = undersight_core::text::excerpt(value, 80);
            Fail::usage(format!("{}: {message}, got `{shown}`", self.place(name, &layer)))
        })?;
        Ok(Some(Sourced { value, layer }))
    }

    /// One value, or a default.
    pub(crate) fn get_or<T>(
        &self,
        name: &str,
        default: T,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Sourced<T>, Fail> {
        Ok(self.get(name, parse)?.unwrap_or(Sourced { value: default, layer: Layer::Default }))
    }

    /// Several values: repeated flags, a comma-separated variable, a list in the config file.
    pub(crate) fn get_all<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Sourced<Vec<T>>, Fail> {
        let Some((values, layer)) = self.raw(name)? else {
            return Ok(Sourced { value: Vec::new(), layer: Layer::Default });
        };
        let split = matches!(layer, Layer::Env | Layer::DotEnv);
        let pieces = values.iter().flat_map(|v| {
            if split { v.split(',').map(str::trim).collect::<Vec<_>>() } else { vec![v.as_str()] }
        });
        let value = pieces
            .filter(|piece| !piece.is_empty())
            .map(|piece| {
                parse(piece)
                    .map_err(|message| Fail::usage(format!("{}: {message}", self.place(name, &layer))))
            })
            .collect::<Result<_, _>>()?;
        Ok(Sourced { value, layer })
    }

    /// How a person finds a value again.
    fn place(&self, name: &str, layer: &Layer) -> String {
        match layer {
            Layer::Flag => format!("--{name}"),
            Layer::Env => variable(name),
            Layer::DotEnv => format!(".env: {}", variable(name)),
            Layer::Config(_) => format!("{}: `{name}`", self.config.place(name)),
            Layer::Default => format!("default of --{name}"),
        }
    }
}

/// `UNDERSIGHT_MAX_TOKENS` for `max-tokens`.
fn variable(name: &str) -> String {
    format!("UNDERSIGHT_{}", name.replace('-', "_").to_uppercase())
}

fn flag_values(matches: &ArgMatches, id: &str) -> Option<Vec<String>> {
    if let Ok(Some(values)) = matches.try_get_many::<String>(id) {
        return Some(values.cloned().collect());
    }
    if let Ok(Some(flag)) = matches.try_get_one::<bool>(id) {
        return Some(vec![flag.to_string()]);
    }
    None
}

fn config_values(value: &toml::Value) -> Option<Vec<String>> {
    let scalar = |value: &toml::Value| match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => Some(value.to_string()),
        _ => None,
    };
    match value {
        toml::Value::Array(items) => items.iter().map(scalar).collect(),
        other => scalar(other).map(|v| vec![v]),
    }
}

fn read_config(given: Option<&Path>, names: &[&str]) -> Result<Config, Fail> {
    let path = given.unwrap_or_else(|| Path::new(DEFAULT_CONFIG)).to_owned();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if given.is_none() && e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => {
            return Err(Fail::usage(format!("config file {}: {e}", path.display())));
        }
    };
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
        let line = e.span().map_or(1, |s| text[..s.start.min(text.len())].matches('\n').count() + 1);
        Fail::usage(format!("{}:{line}: {}", path.display(), e.message()))
    })?;
    let lines = (1..)
        .zip(text.lines())
        .filter_map(|(n, line)| Some((line.split_once('=')?.0.trim().trim_matches('"').to_owned(), n)))
        .collect();
    let config = Config { path, table, lines };
    for key in config.table.keys() {
        let place = config.place(key);
        if key.contains("api-key") || key.contains("api_key") {
            return Err(Fail::usage(format!("{place}: `{key}`: keys do not belong in a config file"))
                .hint("set <PROVIDER>_API_KEY in the environment or in .env"));
        }
        if !names.contains(&key.as_str()) {
            return Err(Fail::usage(format!("{place}: unknown setting `{key}`")).hint(
                nearest(key, names.iter().copied())
                    .map(|n| format!("did you mean `{n}`?"))
                    .or_else(|| Some("settings are the long flags of `undersight eval --help`".to_owned())),
            ));
        }
    }
    Ok(config)
}
