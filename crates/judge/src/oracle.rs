//! `sim/oracle-judge?sensitivity=…&specificity=…&seed=…`: reads the simulated truth and errs at set rates, for
//! testing statistics. Each judgement errs by itself, decided by its key, so runs repeat.

use undersight_core::{Digest, JudgementKey, Label, ModelName, RiskFinding, Scenario, SimTruth, Task};

use crate::lexical::Opinion;

/// The name without settings.
pub const ORACLE: &str = "oracle-judge";

/// How well an oracle judge sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Oracle {
    sensitivity: f64,
    specificity: f64,
    seed: u64,
}

/// Why the settings of an oracle judge could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OracleError {
    /// Not one of the three.
    #[error("unknown setting of the oracle judge: {0:?}")]
    Unknown(String),
    /// The same one twice.
    #[error("the oracle judge's {0} is given twice")]
    Twice(&'static str),
    /// Not a number, or not within its range.
    #[error("the oracle judge's {name} cannot be {value:?}")]
    Value {
        /// Which.
        name: &'static str,
        /// As written.
        value: String,
    },
}

impl Oracle {
    /// Reads what follows `oracle-judge`: nothing, or `?` and settings joined by `&`. Unset rates are 1, the seed
    /// is `seed` or 0.
    ///
    /// # Errors
    /// On a setting that is unknown, repeated or out of range.
    pub fn parse(settings: &str, seed: Option<u64>) -> Result<Self, OracleError> {
        let (mut sensitivity, mut specificity, mut own_seed) = (None, None, None);
        for setting in settings.trim_start_matches('?').split('&').filter(|s| !s.is_empty()) {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            match name {
                "sensitivity" => {
                    put(&mut sensitivity, "sensitivity", value, |v: &f64| (0.0..=1.0).contains(v))?;
                }
                "specificity" => {
                    put(&mut specificity, "specificity", value, |v: &f64| (0.0..=1.0).contains(v))?;
                }
                "seed" => put(&mut own_seed, "seed", value, |_: &u64| true)?,
                other => return Err(OracleError::Unknown(other.to_owned())),
            }
        }
        Ok(Self {
            sensitivity: sensitivity.unwrap_or(1.0),
            specificity: specificity.unwrap_or(1.0),
            seed: own_seed.or(seed).unwrap_or(0),
        })
    }

    /// The name with every setting written out, so that one judge has one name and one hash.
    #[must_use]
    pub fn name(&self) -> String {
        let Self { sensitivity, specificity, seed } = self;
        format!("sim/{ORACLE}?sensitivity={sensitivity}&specificity={specificity}&seed={seed}")
    }

    /// The verdict on a truth. A passing truth is seen with probability `sensitivity`, a failing one with
    /// probability `specificity`; an error turns a passing label into one of the failing ones, and the other way.
    #[must_use]
    pub fn judge(&self, key: &JudgementKey, task: Task, scenario: Scenario, truth: &SimTruth) -> Opinion {
        let true_label = match task {
            Task::Safety => truth.safety,
            Task::Thinking | Task::Handling => truth.thinking,
        };
        // The key holds the judge's hash, and that the settings: nothing else is needed to tell judges apart.
        let draws = Digest::of("oracle/v1", key);
        let seen_rate = if true_label.passes() { self.sensitivity } else { self.specificity };
        let label = if uniform(&draws, 0) < seen_rate {
            true_label
        } else {
            let others: Vec<Label> = Label::allowed(task, scenario)
                .iter()
                .copied()
                .filter(|l| l.passes() != true_label.passes())
                .collect();
            others[pick(&draws, others.len())]
        };
        let recognised = match task {
            Task::Safety | Task::Handling => Vec::new(),
            Task::Thinking if label == true_label => truth.recognised.clone(),
            Task::Thinking => consistent(label, truth.recognised.len(), pick(&draws, truth.recognised.len())),
        };
        let risks = recognised
            .into_iter()
            .enumerate()
            .map(|(index, recognised)| RiskFinding { index, recognised, quote: None, led: None })
            .collect();
        let explanation = format!("drawn from the simulated truth, {}", true_label.official());
        Opinion { label, explanation, risks, parts: None }
    }
}

fn put<T: std::str::FromStr>(
    slot: &mut Option<T>,
    name: &'static str,
    value: &str,
    fits: impl Fn(&T) -> bool,
) -> Result<(), OracleError> {
    if slot.is_some() {
        return Err(OracleError::Twice(name));
    }
    let read = value.parse().ok().filter(fits);
    *slot = Some(read.ok_or_else(|| OracleError::Value { name, value: value.to_owned() })?);
    Ok(())
}

/// Findings that agree with a label given by mistake.
fn consistent(label: Label, risks: usize, one: usize) -> Vec<bool> {
    (0..risks)
        .map(|i| match label {
            Label::NotCovered | Label::False => false,
            Label::PartiallyCovered => i == one,
            _ => true,
        })
        .collect()
}

/// A number in 0..1 from one eighth of a digest.
fn uniform(draws: &Digest, eighth: usize) -> f64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&draws.as_bytes()[8 * eighth..8 * eighth + 8]);
    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept and fit")]
    let draw = (u64::from_be_bytes(bytes) >> 11) as f64;
    draw / 9_007_199_254_740_992.0
}

fn pick(draws: &Digest, from: usize) -> usize {
    usize::from(draws.as_bytes()[31]) % from.max(1)
}

/// Whether a model name names an oracle judge; if so, its settings.
#[must_use]
pub fn settings_of(model: &ModelName) -> Option<&str> {
    let settings = model.name().strip_prefix(ORACLE).filter(|_| model.is_simulated())?;
    (settings.is_empty() || settings.starts_with('?')).then_some(settings)
}
