//! Money as integer nano-USD, so that sums are exact.

use serde::{Deserialize, Serialize};

/// Billionths of a US dollar. Unknown cost is `None`, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(pub i64);

impl NanoUsd {
    /// From dollars, rounded to the nearest billionth; `None` when not finite, negative or too large.
    #[must_use]
    pub fn from_usd(usd: f64) -> Option<Self> {
        let nano = (usd * 1e9).round();
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
        (0.0..9.0e18).contains(&nano).then_some(Self(nano as i64))
    }

    /// In dollars, for display only.
    #[must_use]
    pub fn usd(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "display only")]
        let nano = self.0 as f64;
        nano / 1e9
    }

    /// Saturating sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::fmt::Display for NanoUsd {
    /// `$1.23`, or more digits below a cent.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let usd = self.usd();
        if self.0 != 0 && usd < 0.01 { write!(f, "${usd:.6}") } else { write!(f, "${usd:.2}") }
    }
}
