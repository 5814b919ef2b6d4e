//! What calls cost: a versioned table of prices, embedded and overridable by a file, in exact integer money.

use std::path::Path;

use serde::Deserialize;
use undersight_core::{ModelName, NanoUsd, Usage};

/// Prices by model. The key of a look-up is `provider/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTable {
    version: String,
    rows: Vec<Price>,
}

/// Nano-dollars per million tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Price {
    pattern: String,
    input: i64,
    cached: i64,
    output: i64,
}

/// Why a price table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// The file cannot be read.
    #[error("cannot read the price table {path}: {error}")]
    File {
        /// Where it is.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// Not a price table.
    #[error("the price table cannot be understood: {0}")]
    Syntax(String),
    /// A price that is none.
    #[error("the price table gives {model} the price {value}")]
    Price {
        /// The row.
        model: String,
        /// What it says.
        value: f64,
    },
}

impl PriceError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::File { .. } => "check the path of the price table",
            Self::Syntax(_) => {
                "write version = \"…\" and [[price]] rows with model, input, output and perhaps cached, in dollars per million tokens"
            }
            Self::Price { .. } => "prices are dollars per million tokens, zero or more",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    #[serde(default)]
    price: Vec<FileRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRow {
    model: String,
    input: f64,
    cached: Option<f64>,
    output: f64,
    /// For people: when the price was looked up.
    #[serde(default, rename = "as_of")]
    _as_of: Option<String>,
}

impl PriceTable {
    /// The table that comes with the program.
    #[must_use]
    pub fn embedded() -> Self {
        // A test reads it, so the fallback is never met.
        Self::parse(include_str!("prices.toml")).unwrap_or_else(|_| Self::empty())
    }

    /// No prices.
    #[must_use]
    pub fn empty() -> Self {
        Self { version: "none".to_owned(), rows: Vec::new() }
    }

    /// Reads a table.
    ///
    /// # Errors
    /// When it is no price table.
    pub fn parse(text: &str) -> Result<Self, PriceError> {
        let file: File = toml::from_str(text).map_err(|e| PriceError::Syntax(e.to_string()))?;
        let rows = file
            .price
            .into_iter()
            .map(|row| {
                let nano = |value: f64| {
                    NanoUsd::from_usd(value)
                        .filter(|n| n.0 < 1_000_000_000_000_000)
                        .map(|n| n.0)
                        .ok_or_else(|| PriceError::Price { model: row.model.clone(), value })
                };
                Ok(Price {
                    input: nano(row.input)?,
                    cached: nano(row.cached.unwrap_or(row.input))?,
                    output: nano(row.output)?,
                    pattern: row.model,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { version: file.version, rows })
    }

    /// The embedded table with the rows of a file before its own.
    ///
    /// # Errors
    /// When the file cannot be read or is no price table.
    pub fn with_file(path: &Path) -> Result<Self, PriceError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| PriceError::File { path: path.display().to_string(), error })?;
        let mut table = Self::parse(&text)?;
        let embedded = Self::embedded();
        table.version = format!("{}+{}", table.version, embedded.version);
        table.rows.extend(embedded.rows);
        Ok(table)
    }

    /// Recorded beside every cost computed with it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether calls to this model can be priced.
    #[must_use]
    pub fn knows(&self, model: &ModelName) -> bool {
        model.is_simulated() || self.row(model).is_some()
    }

    /// What a call cost; `None` when the price or the tokens are unknown. Simulated models are free.
    #[must_use]
    pub fn cost(&self, model: &ModelName, usage: &Usage) -> Option<NanoUsd> {
        if model.is_simulated() {
            return Some(NanoUsd(0));
        }
        let price = self.row(model)?;
        let (input, output) = (usage.input?, usage.output?);
        let cached = usage.cached.unwrap_or(0).min(input);
        let per_million = |tokens: u64, price: i64| i128::from(tokens) * i128::from(price);
        let total = per_million(input - cached, price.input)
            + per_million(cached, price.cached)
            + per_million(output, price.output);
        i64::try_from((total + 500_000) / 1_000_000).ok().map(NanoUsd)
    }

    /// The row that names the model, else the first with the longest matching pattern.
    fn row(&self, model: &ModelName) -> Option<&Price> {
        let name = model.as_str();
        self.rows.iter().find(|row| row.pattern == name).or_else(|| {
            let fits =
                |row: &&Price| row.pattern.strip_suffix('*').is_some_and(|start| name.starts_with(start));
            // `max_by_key` would take the last of equals; files come first and win.
            self.rows.iter().filter(fits).rev().max_by_key(|row| row.pattern.len())
        })
    }
}
