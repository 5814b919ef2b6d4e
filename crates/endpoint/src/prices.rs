//! What calls cost: a versioned table of prices, embedded and overridable by a file, in exact integer money.

use std::path::Path;

use serde::Deserialize;
use undersight_core::{ModelName, NanoUsd, Usage};

use crate::providers::table;

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
    /// Of a batched call: the share of these prices, in millionths.
    batch: i64,
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
    /// A share that is none.
    #[error("the price table lets batches of {model} cost {value} times as much")]
    Batch {
        /// The row.
        model: String,
        /// What it says.
        value: f64,
    },
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
                "write version = \"…\" and [[price]] rows with model, input, output and perhaps cached, in dollars per million tokens, and batch, the share of them a batched call costs"
            }
            Self::Batch { .. } => "batch is the share of the prices that a batched call costs, from 0 to 1",
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
    batch: Option<f64>,
    /// For people: when the price was looked up.
    #[serde(default, rename = "as_of")]
    _as_of: Option<String>,
}

const MILLION: i64 = 1_000_000;

/// Nano-dollars times a million.
fn per_million(tokens: u64, price: i64) -> u128 {
    u128::from(tokens) * u128::from(price.unsigned_abs())
}

/// Every batch API there is charges half, where its prices are documented at all.
fn half_price_in_batches(pattern: &str) -> bool {
    let provider = pattern.split('/').next().unwrap_or_default();
    table::row(provider).is_some_and(|row| row.batch.is_some())
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
                let usual = half_price_in_batches(&row.model);
                let share = row.batch.unwrap_or(if usual { 0.5 } else { 1.0 });
                let batch = NanoUsd::from_usd(share / 1e3).filter(|n| n.0 <= MILLION);
                Ok(Price {
                    batch: batch
                        .map(|n| n.0)
                        .ok_or_else(|| PriceError::Batch { model: row.model.clone(), value: share })?,
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
        self.total(model, usage, |_| MILLION)
    }

    /// The same for a call that was part of a batch.
    #[must_use]
    pub fn batched_cost(&self, model: &ModelName, usage: &Usage) -> Option<NanoUsd> {
        self.total(model, usage, |price| price.batch)
    }

    /// What a call with at most so many tokens may cost at most, however they are counted; `None` without a price.
    #[must_use]
    pub fn bound(&self, model: &ModelName, input: u64, output: u64) -> Option<NanoUsd> {
        if model.is_simulated() {
            return Some(NanoUsd(0));
        }
        let price = self.row(model)?;
        let total = per_million(input, price.input.max(price.cached)) + per_million(output, price.output);
        Some(NanoUsd(i64::try_from(total.div_ceil(MILLION.unsigned_abs().into())).unwrap_or(i64::MAX)))
    }

    fn total(&self, model: &ModelName, usage: &Usage, share: impl Fn(&Price) -> i64) -> Option<NanoUsd> {
        if model.is_simulated() {
            return Some(NanoUsd(0));
        }
        let price = self.row(model)?;
        let (input, output) = (usage.input?, usage.output?);
        let cached = usage.cached.unwrap_or(0).min(input);
        let total = per_million(input - cached, price.input)
            + per_million(cached, price.cached)
            + per_million(output, price.output);
        let million = u128::from(MILLION.unsigned_abs());
        // Prices are below 2^50, tokens below 2^64, and the share is at most a million: the product fits.
        let share = u128::from(share(price).unsigned_abs());
        let total = total / million * share + total % million * share / million;
        i64::try_from((total + million / 2) / million).ok().map(NanoUsd)
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
