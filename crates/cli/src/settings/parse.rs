//! Parsers of single values. Each error says what was expected, in words.

use std::str::FromStr;
use std::time::Duration;

use undersight_core::{Category, ModelName, NanoUsd, Scenario, Task, text::nearest};
use undersight_metrics::{Alpha, Clustering, Level, Method, Missing};

/// More samples of one instance than this are a slip of the finger.
pub(crate) const MOST_SAMPLES: u32 = 1_000;

pub(crate) fn text(value: &str) -> Result<String, String> {
    Ok(value.to_owned())
}

pub(crate) fn boolean(value: &str) -> Result<bool, String> {
    match value {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

fn integer<T: FromStr>(value: &str, expected: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("expected {expected}"))
}

pub(crate) fn whole<T: FromStr>(value: &str) -> Result<T, String> {
    integer(value, "a whole number")
}

/// Seeds stay within what canonical JSON holds exactly.
pub(crate) fn seed(value: &str) -> Result<u64, String> {
    let expected = "a whole number from 0 to 9007199254740991";
    integer(value, expected)
        .and_then(|n: u64| if n < 1 << 53 { Ok(n) } else { Err(format!("expected {expected}")) })
}

/// Samples per instance.
pub(crate) fn samples(value: &str) -> Result<u32, String> {
    let expected = format!("a whole number from 1 to {MOST_SAMPLES}");
    let k: u32 = integer(value, &expected)?;
    if (1..=MOST_SAMPLES).contains(&k) { Ok(k) } else { Err(format!("expected {expected}")) }
}

/// A name people type: not empty, nothing in it that a terminal or a table would trip over.
pub(crate) fn run_name(value: &str) -> Result<String, String> {
    let fine = !value.is_empty()
        && value.trim() == value
        && !value.starts_with('-')
        && !value.contains(char::is_control);
    if fine {
        Ok(value.to_owned())
    } else {
        Err("expected a name without control characters or outer spaces".to_owned())
    }
}

pub(crate) fn positive(value: &str) -> Result<u32, String> {
    integer::<std::num::NonZeroU32>(value, "a whole number from 1").map(Into::into)
}

fn number(value: &str, low: f64, high: f64) -> Result<f64, String> {
    let parsed: f64 = integer(value, &format!("a number from {low} to {high}"))?;
    if (low..=high).contains(&parsed) {
        Ok(parsed)
    } else {
        Err(format!("expected a number from {low} to {high}"))
    }
}

pub(crate) fn temperature(value: &str) -> Result<f64, String> {
    number(value, 0.0, 2.0)
}

pub(crate) fn unit(value: &str) -> Result<f64, String> {
    number(value, 0.0, 1.0)
}

/// A correlation.
pub(crate) fn signed_unit(value: &str) -> Result<f64, String> {
    number(value, -1.0, 1.0)
}

pub(crate) fn alpha(value: &str) -> Result<Alpha, String> {
    unit(value).and_then(|number| Alpha::new(number).map_err(|e| e.to_string()))
}

pub(crate) fn seconds(value: &str) -> Result<Duration, String> {
    number(value, 0.001, 86_400.0).map(Duration::from_secs_f64)
}

pub(crate) fn usd(value: &str) -> Result<NanoUsd, String> {
    let dollars = number(value.trim_start_matches('$'), 0.0, 1e9)?;
    NanoUsd::from_usd(dollars).ok_or_else(|| "expected an amount in US dollars".to_owned())
}

pub(crate) fn model(value: &str) -> Result<ModelName, String> {
    ModelName::parse(value.strip_prefix(REPLAYED).unwrap_or(value))
        .map_err(|_| "expected provider/name, such as openai/o3 or sim/risk-aware".to_owned())
}

/// What a model is written with that a recording answers for: it is the same model, the same arm and the same run.
pub(crate) const REPLAYED: &str = "replay/";

/// The model that is written so, if it is.
pub(crate) fn replayed(value: &str) -> Option<ModelName> {
    ModelName::parse(value.strip_prefix(REPLAYED)?).ok()
}

/// A judge by name, or the file that describes it.
pub(crate) fn judge(value: &str) -> Result<String, String> {
    let value = value.strip_prefix(REPLAYED).unwrap_or(value);
    if undersight_judge::recipe::is_file(value) || ModelName::parse(value).is_ok() {
        return Ok(value.to_owned());
    }
    Err("expected provider/name, such as openai/gpt-4.1 or sim/judge, or a judge file ending in .toml"
        .to_owned())
}

/// Tasks, separated by commas.
pub(crate) fn tasks(value: &str) -> Result<Vec<Task>, String> {
    let mut tasks = Vec::new();
    for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let task = Task::parse(name).ok_or_else(|| {
            format!("unknown task {name:?}; expected safety, thinking and handling, with commas")
        })?;
        if !tasks.contains(&task) {
            tasks.push(task);
        }
    }
    if tasks.is_empty() {
        Err("expected safety, thinking and handling, with commas".to_owned())
    } else {
        Ok(tasks)
    }
}

pub(crate) fn scenario(value: &str) -> Result<Scenario, String> {
    Scenario::parse(value).ok_or_else(|| {
        "expected over-sensitivity (OS), cognitive-shortcut (CS) or risk-omission (RO)".to_owned()
    })
}

pub(crate) fn category(value: &str) -> Result<Category, String> {
    Category::parse(value).ok_or_else(|| {
        let names = Category::ALL.map(Category::name);
        match nearest(value, names) {
            Some(name) => format!("unknown category {value:?}; did you mean {name:?}?"),
            None => format!("unknown category {value:?}; expected one of: {}", names.join("; ")),
        }
    })
}

pub(crate) fn missing(value: &str) -> Result<Missing, String> {
    Missing::parse(value).ok_or_else(|| "expected fail or exclude".to_owned())
}

pub(crate) fn level(value: &str) -> Result<Level, String> {
    let expected = "expected a number between 0 and 1, such as 0.95".to_owned();
    value.parse().ok().and_then(|number| Level::new(number).ok()).ok_or(expected)
}

pub(crate) fn interval(value: &str) -> Result<Method, String> {
    Method::parse(value).ok_or_else(|| {
        let names = Method::CHOICES.map(Method::name);
        match nearest(value, names) {
            Some(name) => format!("unknown method {value:?}; did you mean {name:?}?"),
            None => format!("expected one of: {}", names.join(", ")),
        }
    })
}

/// More replicates than this change nothing anyone could see.
const MOST_REPLICATES: u32 = 100_000;

pub(crate) fn replicates(value: &str) -> Result<u32, String> {
    let expected = format!("a whole number from 100 to {MOST_REPLICATES}, or 0 for none");
    let n: u32 = integer(value, &expected)?;
    if n == 0 || (100..=MOST_REPLICATES).contains(&n) { Ok(n) } else { Err(format!("expected {expected}")) }
}

pub(crate) fn clustering(value: &str) -> Result<Clustering, String> {
    Clustering::parse(value).ok_or_else(|| "expected shared-texts or instances".to_owned())
}

/// A number of points out of 100.
pub(crate) fn points(value: &str) -> Result<f64, String> {
    number(value, 0.0, 100.0)
}
