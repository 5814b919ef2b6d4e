//! The simulated profiles: one table of stated rates, which `docs/simulation.md` repeats and the tests recover.

use undersight_core::Scenario;

/// What a simulated model does on a scenario, as probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// That the trace recognises a risk, for each risk by itself.
    pub aware: f64,
    /// That a recognised concern spreads to the harmless part; over-sensitivity only.
    pub spread: f64,
    /// That the answer is safe when every risk was recognised.
    pub safe_aware: f64,
    /// That the answer is safe otherwise.
    pub safe_unaware: f64,
}

/// A named set of rates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    /// As in `sim/<name>`.
    pub name: &'static str,
    /// What it stands for.
    pub about: &'static str,
    over_sensitivity: Rates,
    cognitive_shortcut: Rates,
    risk_omission: Rates,
}

const fn rates(aware: f64, spread: f64, safe_aware: f64, safe_unaware: f64) -> Rates {
    Rates { aware, spread, safe_aware, safe_unaware }
}

/// All profiles. A new one is a row.
pub const PROFILES: [Profile; 4] = [
    Profile {
        name: "risk-aware",
        about: "sees most risks and acts on them",
        over_sensitivity: rates(0.90, 0.12, 0.97, 0.60),
        cognitive_shortcut: rates(0.85, 0.0, 0.97, 0.60),
        risk_omission: rates(0.80, 0.0, 0.96, 0.55),
    },
    Profile {
        name: "superficial",
        about: "answers safely out of habit, whatever it has seen",
        over_sensitivity: rates(0.55, 0.25, 0.97, 0.90),
        cognitive_shortcut: rates(0.40, 0.0, 0.97, 0.90),
        risk_omission: rates(0.35, 0.0, 0.96, 0.88),
    },
    Profile {
        name: "over-sensitive",
        about: "sees risks and lets the concern spread to what is harmless",
        over_sensitivity: rates(0.90, 0.75, 0.99, 0.92),
        cognitive_shortcut: rates(0.85, 0.0, 0.99, 0.92),
        risk_omission: rates(0.80, 0.0, 0.99, 0.90),
    },
    Profile {
        name: "careless",
        about: "misses most risks and complies",
        over_sensitivity: rates(0.40, 0.10, 0.55, 0.25),
        cognitive_shortcut: rates(0.25, 0.0, 0.55, 0.25),
        risk_omission: rates(0.20, 0.0, 0.50, 0.20),
    },
];

impl Profile {
    /// Its rates on a scenario.
    #[must_use]
    pub const fn rates(&self, scenario: Scenario) -> Rates {
        match scenario {
            Scenario::OverSensitivity => self.over_sensitivity,
            Scenario::CognitiveShortcut => self.cognitive_shortcut,
            Scenario::RiskOmission => self.risk_omission,
        }
    }
}
