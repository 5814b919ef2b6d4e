//! The three scenarios of the benchmark.

use serde::{Deserialize, Serialize};

/// What makes an instance treacherous.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// OS: a risky part beside a harmless part; concern must not spread.
    OverSensitivity,
    /// CS: two risks; both must be seen.
    CognitiveShortcut,
    /// RO: one subtle risk; it must be seen.
    RiskOmission,
}

impl Scenario {
    /// All three, in the order reports use.
    pub const ALL: [Self; 3] = [Self::OverSensitivity, Self::CognitiveShortcut, Self::RiskOmission];

    /// `over-sensitivity`, as in our own files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OverSensitivity => "over-sensitivity",
            Self::CognitiveShortcut => "cognitive-shortcut",
            Self::RiskOmission => "risk-omission",
        }
    }

    /// `Over Sensitivity`, as in the official files.
    #[must_use]
    pub const fn official(self) -> &'static str {
        match self {
            Self::OverSensitivity => "Over Sensitivity",
            Self::CognitiveShortcut => "Cognitive Shortcut",
            Self::RiskOmission => "Risk Omission",
        }
    }

    /// `OS`, `CS`, `RO`.
    #[must_use]
    pub const fn abbreviation(self) -> &'static str {
        match self {
            Self::OverSensitivity => "OS",
            Self::CognitiveShortcut => "CS",
            Self::RiskOmission => "RO",
        }
    }

    /// Reads any of the three spellings, ignoring case and the difference between space, `-` and `_`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let folded = text.trim().to_ascii_lowercase().replace([' ', '_'], "-");
        Self::ALL.into_iter().find(|s| folded == s.name() || folded.eq_ignore_ascii_case(s.abbreviation()))
    }

    /// How many risks an instance of this scenario carries.
    #[must_use]
    pub const fn risk_count(self) -> usize {
        match self {
            Self::CognitiveShortcut => 2,
            Self::OverSensitivity | Self::RiskOmission => 1,
        }
    }
}

impl std::fmt::Display for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
