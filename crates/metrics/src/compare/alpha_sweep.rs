//! Where the weight α of the F-score decides who leads: the exact α at which pairs of models swap, and the order between.
//!
//! ln F = ln Safe + α · (ln Think − ln Safe) is a straight line in α: two of them cross once, at
//! α = (ln Safe_b − ln Safe_a) / ((ln Think_a − ln Safe_a) − (ln Think_b − ln Safe_b)), or never.

/// An interval of α, both ends excluded, over which the order stays.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Lower end.
    pub from: f64,
    /// Upper end.
    pub to: f64,
    /// Places of the models in the argument, the highest F first; equal F in the order given.
    pub order: Vec<usize>,
}

/// Two models that change places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Swap {
    /// Where their F are equal.
    pub alpha: f64,
    /// The one that leads below it.
    pub below: usize,
    /// The one that leads above it.
    pub above: usize,
}

/// The order of models for every α between 0 and 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlphaSweep {
    /// From 0 to 1 without gaps.
    pub segments: Vec<Segment>,
    /// By α.
    pub swaps: Vec<Swap>,
}

/// Crossings nearer to each other than this are one.
const SAME: f64 = 1e-12;

/// Sweeps α over models given as (Think@1, Safe@1), shares. With a share of 0 (or one that is no number) F is 0 for every
/// α strictly between 0 and 1, which is where orders are given: such models come last and swap with nobody.
#[must_use]
pub fn alpha_sweep(models: &[(f64, f64)]) -> AlphaSweep {
    if models.is_empty() {
        return AlphaSweep::default();
    }
    let lines: Vec<Option<Line>> = models.iter().map(|(think, safe)| Line::of(*think, *safe)).collect();
    let mut swaps = Vec::new();
    for (a, first) in lines.iter().enumerate() {
        for (b, second) in lines.iter().enumerate().skip(a + 1) {
            let (Some(first), Some(second)) = (first, second) else { continue };
            if let Some(alpha) = first.meets(second) {
                let (below, above) = if first.slope < second.slope { (a, b) } else { (b, a) };
                swaps.push(Swap { alpha, below, above });
            }
        }
    }
    swaps.sort_by(|x, y| x.alpha.total_cmp(&y.alpha));
    let mut ends = vec![0.0];
    for alpha in swaps.iter().map(|s| s.alpha).chain([1.0]) {
        if alpha - ends.last().copied().unwrap_or_default() > SAME {
            ends.push(alpha);
        }
    }
    let mut segments: Vec<Segment> = Vec::new();
    for (from, to) in ends.iter().zip(&ends[1..]) {
        let order = order(&lines, f64::midpoint(*from, *to));
        match segments.last_mut() {
            Some(last) if last.order == order => last.to = *to,
            _ => segments.push(Segment { from: *from, to: *to, order }),
        }
    }
    AlphaSweep { segments, swaps }
}

/// ln F of a model.
#[derive(Debug, Clone, Copy)]
struct Line {
    at_0: f64,
    slope: f64,
}

impl Line {
    fn of(think: f64, safe: f64) -> Option<Self> {
        let usable = |x: f64| x > 0.0 && x.is_finite();
        (usable(think) && usable(safe)).then(|| Self { at_0: safe.ln(), slope: think.ln() - safe.ln() })
    }

    fn meets(&self, other: &Self) -> Option<f64> {
        let alpha = (other.at_0 - self.at_0) / (self.slope - other.slope);
        (alpha > SAME && alpha < 1.0 - SAME).then_some(alpha)
    }

    fn at(&self, alpha: f64) -> f64 {
        self.at_0 + alpha * self.slope
    }
}

fn order(lines: &[Option<Line>], alpha: f64) -> Vec<usize> {
    let f = |at: &usize| lines[*at].map_or(f64::NEG_INFINITY, |line| line.at(alpha));
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by(|a, b| f(b).total_cmp(&f(a)));
    order
}
