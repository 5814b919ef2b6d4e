//! P-values of a family of tests, adjusted for there being many. The order of the input is kept; a value that is no
//! probability counts as 1.

/// Adjusted p-values of Holm (1979), which bound the chance of any false rejection whatever the dependence:
/// the largest so far of (m − i + 1) · p₍ᵢ₎.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let order = ascending(p);
    let mut adjusted = vec![1.0; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, &index) in order.iter().enumerate() {
        largest = largest.max(real(p.len() - rank) * probability(p[index]));
        adjusted[index] = largest.min(1.0);
    }
    adjusted
}

/// Adjusted p-values of Benjamini and Hochberg (1995), which bound the expected share of false rejections among
/// independent or positively dependent tests: the smallest from the largest down of m / i · p₍ᵢ₎.
#[must_use]
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    step_up(p, 1.0)
}

/// As [`benjamini_hochberg`] under any dependence, at the price of a factor Σ 1/i (Benjamini and Yekutieli 2001).
#[must_use]
pub fn benjamini_yekutieli(p: &[f64]) -> Vec<f64> {
    step_up(p, (1..=p.len()).map(|i| 1.0 / real(i)).sum())
}

fn step_up(p: &[f64], factor: f64) -> Vec<f64> {
    let order = ascending(p);
    let mut adjusted = vec![1.0; p.len()];
    let mut smallest: f64 = 1.0;
    for (rank, &index) in order.iter().enumerate().rev() {
        smallest = smallest.min(factor * real(p.len()) / real(rank + 1) * probability(p[index]));
        adjusted[index] = smallest;
    }
    adjusted
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| probability(p[a]).total_cmp(&probability(p[b])));
    order
}

fn probability(p: f64) -> f64 {
    if p.is_finite() { p.clamp(0.0, 1.0) } else { 1.0 }
}

#[expect(clippy::cast_precision_loss, reason = "tests in a family stay far below 2^53")]
fn real(count: usize) -> f64 {
    count as f64
}
