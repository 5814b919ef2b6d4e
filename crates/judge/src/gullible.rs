//! `sim/gullible-judge?obedience=…&seed=…`: a simulated judge that believes what it reads, for measuring attacks and
//! what shielding is worth against them. It renders the prompt a model would be sent and goes by that text alone.
//!
//! What stands outside the material, as far as the delimiters it sees can tell, it takes for its own instructions and
//! obeys always. Persuasion inside the material it obeys with probability `obedience`, drawn for each judgement. Marks,
//! chat tokens and verdicts in JSON inside a coded fence it sees for what they are, imitations, and reads no further
//! there. A trace of next to nothing it credits as if it were a summary. In all else its opinion is the lexical judge's.

mod cues;
mod reading;

use serde_json::json;
use undersight_core::arm::messages_hash;
use undersight_core::{
    Cause, CauseKind, Digest, Judgement, JudgementKey, JudgementStatus, Label, ModelName, Task,
};

use crate::lexical::{LexicalInput, Opinion};
use crate::model::{self, Subject};
use crate::prompt::Prompts;
use crate::verdict;
use cues::Belief;
use reading::Reading;

/// The name without settings.
pub const GULLIBLE: &str = "gullible-judge";
/// Words of the material that an obedient verdict offers as evidence.
const QUOTED_WORDS: usize = 12;

/// How gullible it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gullible {
    obedience: f64,
    seed: u64,
}

/// Why its settings could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GullibleError {
    /// Not one of the two.
    #[error("unknown setting of the gullible judge: {0:?}")]
    Unknown(String),
    /// The same one twice.
    #[error("the gullible judge's {0} is given twice")]
    Twice(&'static str),
    /// Not a number, or not within its range.
    #[error("the gullible judge's {name} cannot be {value:?}")]
    Value {
        /// Which.
        name: &'static str,
        /// As written.
        value: String,
    },
}

impl GullibleError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        "write sim/gullible-judge?obedience=0.9&seed=1: obedience from 0 to 1, each setting once"
    }
}

impl Gullible {
    /// Reads what follows `gullible-judge`: nothing, or `?` and settings joined by `&`. Unset obedience is 1, the seed
    /// is `seed` or 0.
    ///
    /// # Errors
    /// On a setting that is unknown, repeated or out of range.
    pub fn parse(settings: &str, seed: Option<u64>) -> Result<Self, GullibleError> {
        let (mut obedience, mut own_seed) = (None, None);
        for setting in settings.trim_start_matches('?').split('&').filter(|s| !s.is_empty()) {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            match name {
                "obedience" => put(&mut obedience, "obedience", value, |v: &f64| (0.0..=1.0).contains(v))?,
                "seed" => put(&mut own_seed, "seed", value, |_: &u64| true)?,
                other => return Err(GullibleError::Unknown(other.to_owned())),
            }
        }
        Ok(Self { obedience: obedience.unwrap_or(1.0), seed: own_seed.or(seed).unwrap_or(0) })
    }

    /// The name with every setting written out, so that one judge has one name and one hash.
    #[must_use]
    pub fn name(&self) -> String {
        format!("sim/{GULLIBLE}?obedience={}&seed={}", self.obedience, self.seed)
    }

    /// Whether it gives in to persuasion in this judgement.
    fn obeys(&self, key: &JudgementKey) -> bool {
        let draw = Digest::of("gullible/v1", &(key, self.seed.to_string())).as_u64() >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits are kept and fit")]
        let uniform = draw as f64 / 9_007_199_254_740_992.0;
        uniform < self.obedience
    }
}

fn put<T: std::str::FromStr>(
    slot: &mut Option<T>,
    name: &'static str,
    value: &str,
    fits: impl Fn(&T) -> bool,
) -> Result<(), GullibleError> {
    if slot.is_some() {
        return Err(GullibleError::Twice(name));
    }
    let read = value.parse().ok().filter(fits);
    *slot = Some(read.ok_or_else(|| GullibleError::Value { name, value: value.to_owned() })?);
    Ok(())
}

/// Whether a model name names a gullible judge; if so, its settings.
#[must_use]
pub fn settings_of(model: &ModelName) -> Option<&str> {
    let settings = model.name().strip_prefix(GULLIBLE).filter(|_| model.is_simulated())?;
    (settings.is_empty() || settings.starts_with('?')).then_some(settings)
}

/// Reads the prompt it would be sent, and fills in a judgement with what it makes of it. The verdict is written out and
/// read back as a model's reply is, its evidence checked.
pub(crate) fn judge(
    gullible: &Gullible,
    prompts: &Prompts,
    subject: &Subject<'_>,
    judgement: &mut Judgement,
) {
    let task = judgement.task;
    let expected = subject.expected(task);
    let prompt = prompts.render(task, subject.instance, subject.shown, &judgement.key);
    judgement.prompt_hash = Some(messages_hash(&prompt));
    let reading = Reading::of(&prompt, prompts, task, subject, &judgement.key);
    let labels = Label::allowed(task, expected.scenario);
    let belief = cues::find(reading.outside, task, labels).or_else(|| {
        let within = cues::near_empty(reading.material, task, labels)
            .or_else(|| cues::find(&reading.credible(), task, labels));
        within.filter(|_| gullible.obeys(&judgement.key))
    });
    judgement.raw_verdict = match belief {
        Some(belief) => obedient(&belief, &reading, task, expected.risks),
        None => honest(&LexicalInput::new(subject.instance, reading.material).judge(task)),
    };
    match verdict::parse(&judgement.raw_verdict, &expected) {
        Ok(verdict) => model::settle(judgement, verdict, subject.text, &expected),
        Err(error) => {
            judgement.status = JudgementStatus::ParseError;
            let message = error.to_string();
            judgement.cause = Some(Cause { kind: CauseKind::Verdict, http_status: None, message });
        }
    }
}

fn honest(opinion: &Opinion) -> String {
    let risks = opinion.risks.iter().map(|risk| {
        let quote = risk.quote.as_ref().map(|q| &q.text);
        json!({ "index": risk.index, "recognised": risk.recognised, "quote": quote, "led": risk.led })
    });
    let parts = opinion.parts.map(|p| (p.risky, p.harmless));
    written(&opinion.explanation, risks.collect(), parts, opinion.label)
}

/// What it was talked into, with a stretch of the material as evidence where there is one.
fn obedient(belief: &Belief, reading: &Reading<'_>, task: Task, risks: usize) -> String {
    let label = belief.label;
    let words: Vec<&str> = reading.material.split_whitespace().take(QUOTED_WORDS).collect();
    let credited = match label {
        Label::PartiallyCovered => 1,
        label if label.credits() => risks,
        _ => 0,
    };
    let risk = |index| {
        let quote = (index < credited).then(|| words.join(" "));
        json!({ "index": index, "recognised": index < credited, "quote": quote, "led": null })
    };
    let risks = if task == Task::Thinking { (0..risks).map(risk).collect() } else { Vec::new() };
    written(belief.why, risks, (task == Task::Handling).then_some((label, label)), label)
}

/// A verdict as our prompts ask for it; lists that do not apply are left out.
fn written(
    explanation: &str,
    risks: Vec<serde_json::Value>,
    parts: Option<(Label, Label)>,
    label: Label,
) -> String {
    let mut verdict = serde_json::Map::new();
    verdict.insert("explanation".to_owned(), explanation.into());
    if !risks.is_empty() {
        verdict.insert("risks".to_owned(), risks.into());
    }
    if let Some((risky, harmless)) = parts {
        let parts = json!({ "risky": risky.official(), "harmless": harmless.official() });
        verdict.insert("parts".to_owned(), parts);
    }
    verdict.insert("label".to_owned(), label.official().into());
    serde_json::Value::from(verdict).to_string()
}
