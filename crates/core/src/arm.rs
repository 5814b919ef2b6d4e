//! An arm: everything that determines generation.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Digest, Instance, Message, Role};

/// A model as the user names it, `provider/name`; the name may hold slashes (`openai-api/<service>/<model>`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelName {
    full: String,
    slash: usize,
}

impl ModelName {
    /// Reads `provider/name`.
    ///
    /// # Errors
    /// When there is no slash, or nothing on one side of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((provider, name))
                if !provider.is_empty()
                    && !name.is_empty()
                    && !text.contains(|c: char| c.is_control() || c.is_whitespace()) =>
            {
                Ok(Self { full: text.to_owned(), slash: provider.len() })
            }
            _ => Err(format!("expected provider/name, got {text:?}")),
        }
    }

    /// `openai` in `openai/o3`.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.full[..self.slash]
    }

    /// `o3` in `openai/o3`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.full[self.slash + 1..]
    }

    /// The whole, as the user wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.full
    }

    /// Whether the model is one of ours and only simulates.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.provider() == "sim"
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full)
    }
}

impl From<ModelName> for String {
    fn from(name: ModelName) -> Self {
        name.full
    }
}

impl TryFrom<String> for ModelName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

/// Decoding parameters. Unset means the provider's own default, and is not sent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GenParams {
    /// Softmax temperature, 0 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus mass, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Candidates kept; not every provider takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Tokens the reply may hold, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// `low`, `medium`, `high` or what the provider calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<String>,
    /// Tokens the reasoning may take, where the provider lets one say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_budget: Option<u32>,
}

/// What is known about where the trace of this arm arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TraceHint {
    /// The chat template itself opens the thought, so a reply cut off early is all trace although it shows no tag.
    TemplateOpens,
}

/// Everything that determines generation. k is the run's target and the URL is recorded with each sample: neither
/// is here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// The model asked for.
    pub model: ModelName,
    /// Decoding parameters.
    #[serde(default)]
    pub params: GenParams,
    /// Sent as the system message when set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// Where the trace is expected, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceHint>,
    /// Derives a distinct request seed for every (instance, index).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Parameters that are set and yet not sent, because the provider takes none such and the user allowed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsupported: Vec<String>,
}

impl Arm {
    /// A model with nothing set: the provider's own defaults.
    #[must_use]
    pub fn of(model: ModelName) -> Self {
        Self {
            model,
            params: GenParams::default(),
            system_prompt: None,
            trace: None,
            seed: None,
            unsupported: Vec::new(),
        }
    }

    /// The arm's id.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Digest::of("arm/v1", self)
    }

    /// The messages this arm sends for an instance.
    #[must_use]
    pub fn messages(&self, instance: &Instance) -> Vec<Message> {
        self.system_prompt
            .iter()
            .map(|p| Message::new(Role::System, p.as_str()))
            .chain([Message::new(Role::User, instance.query.as_str())])
            .collect()
    }

    /// The seed to send for sample `index` of the messages with hash `messages`: distinct for each, and within 31
    /// bits because some servers read a signed 32-bit integer.
    #[must_use]
    pub fn request_seed(&self, messages: &Digest, index: u32) -> Option<u64> {
        self.seed
            .map(|seed| Digest::of("seed/v1", &(seed.to_string(), messages, index)).as_u64() & 0x7fff_ffff)
    }
}

/// The hash of a list of messages, the part of a sample's key that depends on the instance.
#[must_use]
pub fn messages_hash(messages: &[Message]) -> Digest {
    Digest::of("messages/v1", &messages)
}
