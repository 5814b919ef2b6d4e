//! What thinking judgements rest on: whether the quotes that credit a model with awareness stand in its trace, how late
//! awareness came, and whether it led to the answer. Judgements are counted one by one, as the ledger streams them.

use std::sync::Arc;

use undersight_core::{Category, Evidence, Item, JudgementStatus, Label, RiskFinding, Scenario, Task};

use crate::estimate::Estimate;
use crate::group::Group;
use crate::inference::bootstrap::quantile;
use crate::inference::{Inference, Interval, Method, linear};
use crate::measure::Measure;
use crate::measured::estimates;
use crate::panel::Panel;
use crate::scores::Scoring;
use crate::share::Missing;
use crate::stats::wilson;

/// A thinking judgement as evidence is counted.
#[derive(Debug, Clone, Copy)]
pub struct EvidenceRow<'a> {
    /// Index into the items.
    pub item: usize,
    /// How it ended.
    pub status: JudgementStatus,
    /// Its label; of an unsupported one, what the judge claimed.
    pub label: Option<Label>,
    /// What was found of each annotated risk.
    pub risks: &'a [RiskFinding],
}

/// The quotes given for recognised risks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quotes {
    /// Found in the trace.
    pub verified: u64,
    /// Not in the trace.
    pub unverified: u64,
    /// No quote was given.
    pub none: u64,
}

impl Quotes {
    /// Recognised risks.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.verified + self.unverified + self.none
    }

    const fn count(&mut self, quote: Option<&Evidence>) {
        match quote {
            Some(Evidence { verified: true, .. }) => self.verified += 1,
            Some(_) => self.unverified += 1,
            None => self.none += 1,
        }
    }
}

/// How late awareness came: per sample, where its first verified quote stands in the trace, 0 (at once) to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lateness {
    /// Samples with a verified quote whose place is known.
    pub samples: u64,
    /// The median (type 7, like the quartiles).
    pub median: f64,
    /// The lower and the upper quartile.
    pub quartiles: (f64, f64),
    /// Around the median: Woodruff's order statistics, clusters accounted for.
    pub interval: Option<Interval>,
    /// Samples whose awareness came in the last quarter of the trace.
    pub last_quarter: Estimate,
}

/// The evidence of a group.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EvidenceGroup {
    /// Judgements there are, however they ended.
    pub judgements: u64,
    /// Of the judgements with a label, those whose evidence is not in the trace and that therefore count as unknown.
    pub unsupported: Estimate,
    /// Of the judgements that stand and pass, those without any verified quote.
    pub unproven: Estimate,
    /// Quotes for recognised risks, of judgements that stand and of unsupported ones.
    pub quotes: Quotes,
    /// The verified share of these.
    pub verified: Estimate,
    /// Of the risks on which a judgement that stands says something, those recognised.
    pub recognised: Estimate,
    /// Of the recognised risks of judgements that stand, those that shaped what the trace decides to answer; open where
    /// the judge does not say.
    pub led: Estimate,
    /// `None` where no quote has a place.
    pub lateness: Option<Lateness>,
}

/// The evidence of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceStats {
    /// How the intervals were made.
    pub inference: Inference,
    /// All judgements.
    pub overall: EvidenceGroup,
    /// The scenarios that have any.
    pub scenarios: Vec<(Scenario, EvidenceGroup)>,
    /// Recognised risks by category, where any was judged.
    pub categories: Vec<(Category, Estimate)>,
}

/// Where the last quarter of a trace begins.
const LATE: f64 = 0.75;

/// Shares of whatever was counted of an item: judgements, risks or samples.
const SHARE: Measure = Measure::AtOne(Task::Safety);

/// Thinking judgements being counted. Its memory grows with the instances and, by sixteen
/// bytes, with the samples.
#[derive(Debug)]
pub struct EvidenceTally {
    unsupported: Panel,
    unproven: Panel,
    verified: Panel,
    recognised: Panel,
    led: Panel,
    /// In the order of [`Category::ALL`].
    categories: [Panel; Category::ALL.len()],
    counts: [(u64, Quotes); Scenario::ALL.len()],
    /// Item and lateness of every sample that has one.
    late: Vec<(usize, f64)>,
}

impl EvidenceTally {
    /// Nothing counted yet, of judgements on these items.
    #[must_use]
    pub fn new(items: &[Item]) -> Self {
        let blank = Panel::new(String::new(), items.to_vec(), 0);
        let panel = || blank.beside(String::new());
        Self {
            unsupported: panel(),
            unproven: panel(),
            verified: panel(),
            recognised: panel(),
            led: panel(),
            categories: Category::ALL.map(|_| panel()),
            counts: Default::default(),
            late: Vec::new(),
        }
    }

    /// Counts a judgement. One of an item that is not there is left out.
    pub fn add(&mut self, row: EvidenceRow<'_>) {
        let items = Arc::clone(&self.unsupported.items);
        let Some(item) = items.get(row.item) else { return };
        let scenario = item.scenario as usize;
        self.counts[scenario].0 += 1;
        let stands = row.status == JudgementStatus::Ok;
        if !stands && row.status != JudgementStatus::Unsupported {
            return;
        }
        count(&mut self.unsupported, row.item, Some(!stands));
        for finding in row.risks.iter().filter(|f| f.recognised) {
            self.counts[scenario].1.count(finding.quote.as_ref());
            count(&mut self.verified, row.item, Some(verified(finding).is_some()));
        }
        if !stands {
            return;
        }
        if row.label.is_some_and(Label::passes) {
            let proven = row.risks.iter().any(|f| verified(f).is_some());
            count(&mut self.unproven, row.item, Some(!proven));
        }
        for finding in row.risks {
            count(&mut self.recognised, row.item, Some(finding.recognised));
            if finding.recognised {
                count(&mut self.led, row.item, finding.led);
            }
            if let Some(kind) = item.subcategories.get(finding.index) {
                let category = kind.category();
                let panels = Category::ALL.into_iter().zip(&mut self.categories);
                panels
                    .filter(|(c, _)| *c == category)
                    .for_each(|(_, panel)| count(panel, row.item, Some(finding.recognised)));
            }
        }
        let places = row.risks.iter().filter_map(verified).filter_map(|quote| quote.place);
        let first = places.map(|place| place.lateness().clamp(0.0, 1.0)).min_by(f64::total_cmp);
        self.late.extend(first.map(|lateness| (row.item, lateness)));
    }

    /// What was counted. Shares are of what is known; their intervals are made like those of scores.
    #[must_use]
    pub fn stats(&self, inference: &Inference) -> EvidenceStats {
        let present: Vec<Scenario> =
            Scenario::ALL.into_iter().filter(|s| self.counts[*s as usize].0 > 0).collect();
        let mut groups = vec![Group::All];
        groups.extend(present.iter().map(|s| Group::Scenario(*s)));
        let scoring = Scoring { missing: Missing::Exclude, inference: *inference, ..Scoring::default() };
        let late = self.panel_of_late(|lateness| lateness >= LATE);
        let panels = [&self.unsupported, &self.unproven, &self.verified, &self.recognised, &self.led, &late];
        let shares = estimates(panels, &groups, [SHARE], &scoring);
        let mut found = groups.iter().zip(shares).map(|(group, shares)| {
            let (judgements, quotes) = self.counted(*group);
            let [[unsupported], [unproven], [verified], [recognised], [led], [last_quarter]] = shares;
            let lateness = self.lateness(*group, last_quarter, inference);
            EvidenceGroup { judgements, unsupported, unproven, quotes, verified, recognised, led, lateness }
        });
        let overall = found.next().unwrap_or_default();
        let categories = estimates(self.categories.each_ref(), &[Group::All], [SHARE], &scoring);
        let categories = Category::ALL.into_iter().zip(categories.into_iter().flatten().flatten());
        EvidenceStats {
            inference: *inference,
            overall,
            scenarios: present.iter().copied().zip(found).collect(),
            categories: categories.filter(|(_, share)| share.of > 0.0).collect(),
        }
    }

    fn counted(&self, group: Group) -> (u64, Quotes) {
        let of =
            Scenario::ALL.into_iter().filter(|s| matches!(group, Group::All) || group == Group::Scenario(*s));
        of.fold((0, Quotes::default()), |(judgements, quotes), scenario| {
            let (more, q) = self.counts[scenario as usize];
            let quotes = Quotes {
                verified: quotes.verified + q.verified,
                unverified: quotes.unverified + q.unverified,
                none: quotes.none + q.none,
            };
            (judgements + more, quotes)
        })
    }

    /// The samples whose lateness is known, by a question about it.
    fn panel_of_late(&self, ask: impl Fn(f64) -> bool) -> Panel {
        let mut panel = self.unsupported.beside(String::new());
        for (item, lateness) in &self.late {
            count(&mut panel, *item, Some(ask(*lateness)));
        }
        panel
    }

    fn lateness(&self, group: Group, last_quarter: Estimate, inference: &Inference) -> Option<Lateness> {
        let items = &self.unsupported.items;
        let of_group = self.late.iter().filter(|(item, _)| group.has(&items[*item]));
        let mut values: Vec<f64> = of_group.map(|(_, lateness)| *lateness).collect();
        let median = quantile(&mut values, 0.5)?;
        let quartiles = (quantile(&mut values, 0.25)?, quantile(&mut values, 0.75)?);
        values.sort_unstable_by(f64::total_cmp);
        let below = self.panel_of_late(|lateness| lateness <= median);
        let interval = median_interval(&below, group, &values, inference)
            .map(|(low, high)| Interval::of_share(low.min(median), high.max(median), Method::Woodruff));
        Some(Lateness { samples: values.len() as u64, median, quartiles, interval, last_quarter })
    }
}

/// An interval for the median of sorted values (Woodruff 1952): the order statistics at Wilson's limits of one half, over
/// the effective sample size that the share at or below the median has.
fn median_interval(below: &Panel, group: Group, values: &[f64], inference: &Inference) -> Option<(f64, f64)> {
    let line = linear(below, &group.members(below), SHARE, Missing::Exclude, inference);
    let size = line.effective(inference.level)?;
    let range = wilson(size / 2.0, size, inference.level.get())?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "places among the values"
    )]
    let place = |share: f64| (share * values.len() as f64).floor() as usize;
    let low = place(range.low).saturating_sub(1);
    // As far from the upper end.
    let high = values.len().saturating_sub(1 + low);
    Some((*values.get(low)?, *values.get(high)?))
}

/// The quote that proves that a risk was recognised.
fn verified(finding: &RiskFinding) -> Option<&Evidence> {
    finding.quote.as_ref().filter(|quote| finding.recognised && quote.verified)
}

fn count(panel: &mut Panel, item: usize, observed: Option<bool>) {
    if let Some(cells) = panel.cells.get_mut(item) {
        cells.count(observed, None);
    }
}
