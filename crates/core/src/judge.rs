//! A judge's specification: everything that determines its verdicts, hashed into the key of each judgement.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sample::names;
use crate::{Digest, GenParams, Label, ModelName, Task};

names! {
    /// What gives the verdict.
    JudgeKind {
        /// A language model.
        Model = "model",
        /// Several judges.
        Panel = "panel",
        /// A person.
        Human = "human",
        /// Verdicts read from a file.
        Imported = "imported",
        /// One of our own simulated judges.
        Sim = "sim",
    }
}

/// Everything that determines a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgeSpec {
    /// Model, sim, imported, …
    pub kind: JudgeKind,
    /// `provider/name`; `panel/<name>` for panels; for imported verdicts `imported/<file stem>@<start of the file's
    /// hash>`; `human/<annotator>` for people.
    pub model: ModelName,
    /// Decoding parameters of a model judge; the sensitivity and specificity of an oracle are in its name.
    #[serde(default)]
    pub params: GenParams,
    /// Hash over all prompts of the judge, unset where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<Digest>,
    /// Base of the request seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How its verdicts are written; unset is our own JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<VerdictFormat>,
    /// What it judges; empty is everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    /// Words of the judge that stand for a label, by task, folded to lower case; beside the labels' own names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: LabelMap,
    /// Whether a JSON schema is sent along; unset is wherever the provider takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured: Option<bool>,
    /// Longer texts are cut to head and tail of so many characters together; unset sends them whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_chars: Option<u32>,
    /// Whether it is shown the annotation with answers too, and not only with traces.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub annotated: bool,
    /// Of a panel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panel: Option<Box<PanelSpec>>,
}

/// Words that stand for labels, by task.
pub type LabelMap = BTreeMap<Task, BTreeMap<String, Label>>;

impl JudgeSpec {
    /// A judge of a kind and name, everything else unset.
    #[must_use]
    pub fn new(kind: JudgeKind, model: ModelName) -> Self {
        Self {
            kind,
            model,
            params: GenParams::default(),
            prompts: None,
            seed: None,
            format: None,
            tasks: Vec::new(),
            labels: LabelMap::new(),
            structured: None,
            max_chars: None,
            annotated: false,
            panel: None,
        }
    }

    /// The judge's id.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Digest::of("judge/v1", self)
    }

    /// Whether it judges a task.
    #[must_use]
    pub fn judges(&self, task: Task) -> bool {
        self.tasks.is_empty() || self.tasks.contains(&task)
    }

    /// How its verdicts are written.
    #[must_use]
    pub fn format(&self) -> VerdictFormat {
        self.format.unwrap_or(VerdictFormat::Json)
    }

    /// The members of a panel; none of any other judge.
    #[must_use]
    pub fn members(&self) -> &[MemberSpec] {
        self.panel.as_ref().map_or(&[], |panel| &panel.members)
    }

    /// The judges that give verdicts of their own: the members of a panel, through all levels, or this one.
    #[must_use]
    pub fn leaves(&self) -> Vec<&Self> {
        match &self.panel {
            None => vec![self],
            Some(panel) => panel.members.iter().flat_map(|m| m.judge.leaves()).collect(),
        }
    }

    /// Whether the model under test has a say in its own verdicts, as far as names tell: the last part of a name is
    /// the model's own, whoever serves it (`openai/o3`, `openrouter/openai/o3`).
    #[must_use]
    pub fn includes_model(&self, model: &ModelName) -> bool {
        let own = |name: &ModelName| name.name().rsplit('/').next().unwrap_or_default().to_lowercase();
        self.leaves().iter().any(|judge| {
            judge.model == *model
                || (judge.kind == JudgeKind::Model
                    && !model.is_simulated()
                    && own(&judge.model) == own(model))
        })
    }
}

names! {
    /// How a judge writes its verdicts.
    VerdictFormat {
        /// One JSON object of our own shape.
        Json = "json",
        /// The JSON the official prompts of the BSA repository ask for.
        Official = "official",
        /// Meta's Llama Guard: `safe`, or `unsafe` and the codes of hazards.
        LlamaGuard = "llama-guard",
        /// Alibaba's Qwen3Guard: `Safety: …`, `Categories: …`, `Refusal: …`.
        Qwen3Guard = "qwen3guard",
        /// AllenAI's WildGuard: three questions answered yes or no.
        WildGuard = "wildguard",
        /// Google's ShieldGemma: `Yes` or `No` to a policy's violation.
        ShieldGemma = "shieldgemma",
    }
}

impl VerdictFormat {
    /// Whether it is a guard model's, which judges the safety of answers and nothing else.
    #[must_use]
    pub const fn is_guard(self) -> bool {
        !matches!(self, Self::Json | Self::Official)
    }
}

/// Several judges and the rule that makes one verdict of theirs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PanelSpec {
    /// The rule.
    pub rule: PanelRule,
    /// Every member is asked, even when the outcome is decided.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ask_all: bool,
    /// In the order they are asked.
    pub members: Vec<MemberSpec>,
}

/// A member of a panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberSpec {
    /// The judge.
    pub judge: JudgeSpec,
    /// What each of its votes weighs, above 0; unset is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// How often it is asked, each answer a vote; unset is once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub votes: Option<u32>,
}

/// How votes become a verdict. Abstentions (no usable verdict) count for nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PanelRule {
    /// The label of more than half of the votes cast, each vote counting as one.
    Majority,
    /// The label of all votes cast.
    Unanimous,
    /// The label of more than half of the weight cast.
    Weighted,
    /// The first member's verdict stands unless it asks for escalation; then the next member's, and so on.
    Cascade {
        /// What hands a case on.
        escalate: Vec<Escalate>,
    },
}

names! {
    /// What hands a case of a cascade on to the next judge.
    Escalate {
        /// No usable verdict: anything but `ok`.
        Unsettled = "unsettled",
        /// A verdict that passes: safe or aware.
        Passing = "passing",
        /// A verdict that fails: unsafe or unaware.
        Failing = "failing",
        /// A verdict that needed repair or a second asking.
        Shaky = "shaky",
    }
}
