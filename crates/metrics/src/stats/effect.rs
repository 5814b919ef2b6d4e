//! Sizes of differences between shares.

use super::binomial::{Range, clopper_pearson};

/// Cohen's h of two shares, 2·asin√p₁ − 2·asin√p₂ (Cohen 1988): 0.2 small, 0.5 medium, 0.8 large, and as hard to detect
/// near 0 and 1 as in the middle. `None` unless both are between 0 and 1.
#[must_use]
pub fn cohen_h(p1: f64, p2: f64) -> Option<f64> {
    let angle = |p: f64| (0.0..=1.0).contains(&p).then(|| 2.0 * p.sqrt().asin());
    Some(angle(p1)? - angle(p2)?)
}

/// A conditional odds ratio; infinite where nothing speaks for the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OddsRatio {
    /// The ratio of the discordant counts.
    pub value: f64,
    /// Its exact interval.
    pub range: Range,
}

/// The odds ratio of paired binary outcomes, `b` / `c`, from the pairs where only the first (`b`) or only the second
/// (`c`) passes, with the exact conditional interval: the Clopper–Pearson ends of b/(b+c), as odds.
///
/// `None` of no discordant pair, or unless 0 < `level` < 1.
#[must_use]
pub fn odds_ratio_discordant(b: u64, c: u64, level: f64) -> Option<OddsRatio> {
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let (b, c) = (b as f64, c as f64);
    let share = clopper_pearson(b, b + c, level)?;
    let odds = |p: f64| p / (1.0 - p);
    Some(OddsRatio { value: b / c, range: Range { low: odds(share.low), high: odds(share.high) } })
}
