//! The best split of a budget between instances, samples of each, and human labels.
//!
//! Two arms of n instances with k samples each cost n·(i + 2k·s) + 2m·l when both run over the same instances, with i a
//! new instance, s a sample generated and judged, l a label, and m labels an arm. Every k up to [`MOST_SAMPLES`] and every
//! n that fits is tried; what is left buys labels. Without labels the verdicts alone are compared.

use super::error::PlanError;
use super::judge::Corrected;
use super::power::{Contrast, Target, Test, detectable};

/// The most samples of one instance that are considered.
pub const MOST_SAMPLES: u32 = 20;
/// The most instances that are considered.
pub const MOST_INSTANCES: u64 = 1_000_000;
/// No spread between instances is seen in fewer.
const FEWEST_INSTANCES: u64 = 2;

/// What things cost, all in one unit, that of the budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    sample: f64,
    label: Option<f64>,
    instance: f64,
}

impl Costs {
    /// Of generating and of judging a sample (their sum above 0), of a human label where there are any, and of an
    /// instance (0 for those at hand).
    ///
    /// # Errors
    /// For costs that are negative, not finite, or add up to nothing where they must not.
    pub fn new(generation: f64, judging: f64, label: Option<f64>, instance: f64) -> Result<Self, PlanError> {
        let check = |what, value: f64, positive| {
            let fits = value.is_finite() && if positive { value > 0.0 } else { value >= 0.0 };
            if fits { Ok(()) } else { Err(PlanError::Cost { what, value, positive }) }
        };
        check("generating a sample", generation, false)?;
        check("judging a sample", judging, false)?;
        check("a sample", generation + judging, true)?;
        check("an instance", instance, false)?;
        label.map_or(Ok(()), |label| check("a label", label, true))?;
        Ok(Self { sample: generation + judging, label, instance })
    }
}

/// What may be spent, and on what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// In all.
    pub total: f64,
    /// Of each thing.
    pub costs: Costs,
}

/// What is known of the comparison that the budget is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    /// The difference of verdicts.
    pub contrast: Contrast,
    /// What shows of a true difference in verdicts: Youden's J, 1 where it is not known.
    pub remains: f64,
    /// The difference of true rates, where the judge's errors are known.
    pub corrected: Option<Corrected>,
    /// Whether both arms run over the same instances.
    pub same_instances: bool,
    /// The fewest labels an arm that a correction takes.
    pub fewest_labels: u64,
    /// What the difference is about, and how many instances there are.
    pub target: Target,
    /// The test.
    pub test: Test,
}

/// A way to spend a budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// Instances in each arm.
    pub instances: u64,
    /// Samples per instance.
    pub samples: u32,
    /// Human labels in each arm, drawn at random from its samples; 0 compares verdicts.
    pub labels: u64,
    /// What it costs.
    pub cost: f64,
    /// Standard error of the difference: of true rates with labels, of verdicts without.
    pub se: f64,
    /// The smallest *true* difference shown, as a share.
    pub detectable: f64,
}

/// The best ways to spend a budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// The smallest detectable difference; the cheaper of equals.
    pub best: Split,
    /// The best at each number of samples that can be paid.
    pub by_samples: Vec<Split>,
    /// Where labels are bought: the best without. Its estimate of a difference d is J·d, and it may be tested only as far
    /// as the judge errs alike in both arms.
    pub judge_alone: Option<Split>,
}

/// The best split of a budget.
///
/// # Errors
/// When it does not pay for the smallest study; when labels have a price but the judge's errors are not known; with
/// fewer than two instances available.
pub fn best_split(design: &Design, budget: &Budget) -> Result<Best, PlanError> {
    let search = Search::of(design, budget)?;
    let alone: Vec<Split> = search.each(|k| search.without_labels(k));
    let by_samples = match (budget.costs.label, &design.corrected) {
        (None, _) => alone.clone(),
        (Some(label), Some(corrected)) => search.each(|k| search.with_labels(k, label, corrected)),
        (Some(_), None) => return Err(PlanError::LabelsWithoutErrors),
    };
    let best = best_of(&by_samples)
        .ok_or_else(|| PlanError::BudgetTooSmall { budget: budget.total, least: search.least() })?;
    let judge_alone = budget.costs.label.and_then(|_| best_of(&alone));
    Ok(Best { best, by_samples, judge_alone })
}

fn best_of(splits: &[Split]) -> Option<Split> {
    splits.iter().copied().reduce(|best, next| if better(&next, &best) { next } else { best })
}

fn better(a: &Split, b: &Split) -> bool {
    a.detectable.total_cmp(&b.detectable).then(a.cost.total_cmp(&b.cost)).is_lt()
}

struct Search<'a> {
    design: &'a Design,
    budget: &'a Budget,
    most: u64,
}

impl<'a> Search<'a> {
    fn of(design: &'a Design, budget: &'a Budget) -> Result<Self, PlanError> {
        let most = design.target.available.unwrap_or(MOST_INSTANCES).min(MOST_INSTANCES);
        if most < FEWEST_INSTANCES {
            return Err(PlanError::NoInstances);
        }
        if !budget.total.is_finite() || budget.total <= 0.0 {
            return Err(PlanError::Cost { what: "the study", value: budget.total, positive: true });
        }
        Ok(Self { design, budget, most })
    }

    fn each(&self, find: impl Fn(u32) -> Option<Split>) -> Vec<Split> {
        (1..=MOST_SAMPLES).filter_map(find).collect()
    }

    /// Of one instance in both arms.
    fn unit(&self, samples: u32) -> f64 {
        let sets = if self.design.same_instances { 1.0 } else { 2.0 };
        sets * self.budget.costs.instance + 2.0 * f64::from(samples) * self.budget.costs.sample
    }

    /// How many fit into what is there; a hair below a whole number is that number, rounded.
    fn fits(money: f64, price: f64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, never negative"
        )]
        let fits = (money.max(0.0) / price * (1.0 + 1e-12)).floor() as u64;
        fits
    }

    fn split(&self, instances: u64, samples: u32, labels: u64, variance: f64, remains: f64) -> Split {
        let se = variance.max(0.0).sqrt();
        let labelling = self.budget.costs.label.map_or(0.0, |price| 2.0 * real(labels) * price);
        Split {
            instances,
            samples,
            labels,
            cost: real(instances) * self.unit(samples) + labelling,
            se,
            detectable: detectable(se, &self.design.test, remains),
        }
    }

    /// More instances are never worse, so as many as fit.
    fn without_labels(&self, samples: u32) -> Option<Split> {
        let instances = Self::fits(self.budget.total, self.unit(samples)).min(self.most);
        let variance = self.design.contrast.variance(instances, samples, &self.design.target);
        (instances >= FEWEST_INSTANCES)
            .then(|| self.split(instances, samples, 0, variance, self.design.remains))
    }

    /// Every number of instances that leaves enough for labels.
    fn with_labels(&self, samples: u32, price: f64, corrected: &Corrected) -> Option<Split> {
        let fewest = self.design.fewest_labels.max(1);
        let spare = self.budget.total - 2.0 * real(fewest) * price;
        let most = Self::fits(spare, self.unit(samples)).min(self.most);
        let least = fewest.div_ceil(u64::from(samples)).max(FEWEST_INSTANCES);
        let mut best: Option<(f64, u64, u64)> = None;
        for instances in least..=most {
            let rest = self.budget.total - real(instances) * self.unit(samples);
            // A judge who is never wrong needs no more than the fewest.
            let wanted =
                if corrected.residual > 0.0 { Self::fits(rest, 2.0 * price).max(fewest) } else { fewest };
            let labels = wanted.min(instances.saturating_mul(u64::from(samples)));
            let variance = corrected.variance(instances, samples, labels, &self.design.target);
            if best.is_none_or(|(least, ..)| variance < least) {
                best = Some((variance, instances, labels));
            }
        }
        best.map(|(variance, instances, labels)| self.split(instances, samples, labels, variance, 1.0))
    }

    /// What the smallest study costs.
    fn least(&self) -> f64 {
        let labels = self.budget.costs.label.map(|price| (self.design.fewest_labels.max(1), price));
        let smallest = |samples: u32| {
            let (instances, labelling) = labels.map_or((FEWEST_INSTANCES, 0.0), |(fewest, price)| {
                (fewest.div_ceil(u64::from(samples)).max(FEWEST_INSTANCES), 2.0 * real(fewest) * price)
            });
            real(instances) * self.unit(samples) + labelling
        };
        (1..=MOST_SAMPLES).map(smallest).fold(f64::INFINITY, f64::min)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
const fn real(n: u64) -> f64 {
    n as f64
}
