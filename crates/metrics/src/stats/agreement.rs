//! Agreement between raters about nominal categories, corrected for chance in several ways.
//!
//! Tables are square, `table[i][j]` being the count or weight of what the first rater put in category `i` and the second
//! in `j`. A table that is not square, has no category, holds a negative or non-finite cell, or sums to 0 gives `None`.

/// A coefficient and its large-sample standard error, subjects being independent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficient {
    /// 1 is perfect, 0 what chance gives.
    pub value: f64,
    /// Of `value`. Where cells are weights it is as good as their sum is a number of subjects.
    pub se: f64,
}

/// Cells as shares of the whole, and both raters' marginal shares.
struct Shares {
    total: f64,
    cells: Vec<Vec<f64>>,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Shares {
    fn of(table: &[Vec<f64>]) -> Option<Self> {
        let sound = |row: &Vec<f64>| row.len() == table.len() && row.iter().all(|cell| *cell >= 0.0);
        let total: f64 = table.iter().flatten().sum();
        if !table.iter().all(sound) || !total.is_finite() || total <= 0.0 {
            return None;
        }
        let cells: Vec<Vec<f64>> =
            table.iter().map(|row| row.iter().map(|cell| cell / total).collect()).collect();
        let first = cells.iter().map(|row| row.iter().sum()).collect();
        let second = (0..cells.len()).map(|j| cells.iter().map(|row| row[j]).sum()).collect();
        Some(Self { total, cells, first, second })
    }

    fn agreed(&self) -> f64 {
        self.cells.iter().enumerate().map(|(i, row)| row[i]).sum()
    }

    /// The mean of both raters' share of each category.
    fn pooled(&self) -> Vec<f64> {
        self.first.iter().zip(&self.second).map(|(a, b)| 0.5 * (a + b)).collect()
    }

    /// (agreed − chance) / (1 − chance), undefined where chance leaves nothing to explain.
    fn beyond(&self, chance: f64) -> Option<f64> {
        let room = 1.0 - chance;
        (room > 1e-12).then(|| (self.agreed() - chance) / room)
    }

    /// Such a coefficient with its delta-method error, where `pull(i, j)` is the derivative of chance by the cell and the
    /// variance is divided by `divisor`.
    fn coefficient(
        &self,
        chance: f64,
        divisor: f64,
        pull: impl Fn(usize, usize) -> f64,
    ) -> Option<Coefficient> {
        let value = self.beyond(chance)?;
        let slope = |i: usize, j: usize| f64::from(u8::from(i == j)) - (1.0 - value) * pull(i, j);
        let rows = || self.cells.iter().enumerate();
        let cells = || rows().flat_map(|(i, row)| row.iter().enumerate().map(move |(j, p)| (i, j, *p)));
        let mean: f64 = cells().map(|(i, j, p)| p * slope(i, j)).sum();
        let spread: f64 = cells().map(|(i, j, p)| p * (slope(i, j) - mean).powi(2)).sum();
        Some(Coefficient { value, se: (spread / divisor).sqrt() / (1.0 - chance) })
    }
}

/// The share of subjects that both raters put in the same category.
#[must_use]
pub fn observed_agreement(table: &[Vec<f64>]) -> Option<f64> {
    Shares::of(table).map(|shares| shares.agreed())
}

/// Cohen's κ (1960), chance being Σ pᵢ₊ p₊ᵢ, with the standard error of Fleiss, Cohen and Everitt (1969). Equal to
/// statsmodels' `cohens_kappa`. `None` where both raters use one and the same category only.
#[must_use]
pub fn cohen_kappa(table: &[Vec<f64>]) -> Option<Coefficient> {
    let shares = Shares::of(table)?;
    let chance = shares.first.iter().zip(&shares.second).map(|(a, b)| a * b).sum();
    shares.coefficient(chance, shares.total, |i, j| shares.second[i] + shares.first[j])
}

/// Gwet's AC1 (2008), chance being Σ πᵢ (1 − πᵢ) / (q − 1) with the raters' mean shares π and q categories, which stays
/// sensible where nearly all is in one category. Equal to irrCAC's `gwet` of raw ratings, whose variance divides by n − 1.
/// `None` with a single category or a single subject.
#[must_use]
pub fn gwet_ac1(table: &[Vec<f64>]) -> Option<Coefficient> {
    let shares = Shares::of(table)?;
    #[expect(clippy::cast_precision_loss, reason = "categories are few")]
    let others = table.len().checked_sub(2)? as f64 + 1.0;
    let pooled = shares.pooled();
    let chance = pooled.iter().map(|p| p * (1.0 - p)).sum::<f64>() / others;
    let divisor = shares.total - 1.0;
    if divisor <= 0.0 {
        return None;
    }
    shares.coefficient(chance, divisor, |i, j| 2.0 * (1.0 - 0.5 * (pooled[i] + pooled[j])) / others)
}

/// Scott's π (1955), chance being Σ πᵢ² with the raters' mean shares π: Fleiss' κ of two raters, which irrCAC calls
/// `fleiss`. `None` where both raters use one and the same category only.
#[must_use]
pub fn scott_pi(table: &[Vec<f64>]) -> Option<f64> {
    let shares = Shares::of(table)?;
    shares.beyond(shares.pooled().iter().map(|p| p * p).sum())
}

/// Krippendorff's α for nominal categories: 1 − observed / expected disagreement over pairable ratings, for any number
/// of raters and with ratings missing (Krippendorff 2011). `ratings` holds a row for each subject with a place for each
/// rater; categories are numbered below `categories`. Subjects with fewer than two ratings take no part.
///
/// `None` when a category is out of range, nothing is pairable, or only one category occurs.
#[must_use]
pub fn krippendorff_alpha(ratings: &[Vec<Option<usize>>], categories: usize) -> Option<f64> {
    let mut totals = vec![0.0; categories];
    let mut observed = 0.0;
    for row in ratings {
        let mut counts = vec![0.0; categories];
        for category in row.iter().flatten() {
            *counts.get_mut(*category)? += 1.0;
        }
        let given: f64 = counts.iter().sum();
        if given < 2.0 {
            continue;
        }
        observed += counts.iter().map(|count| count * (given - count)).sum::<f64>() / (given - 1.0);
        for (total, count) in totals.iter_mut().zip(&counts) {
            *total += count;
        }
    }
    let all: f64 = totals.iter().sum();
    let expected: f64 = totals.iter().map(|total| total * (all - total)).sum();
    (expected > 0.0).then(|| 1.0 - (all - 1.0) * observed / expected)
}
