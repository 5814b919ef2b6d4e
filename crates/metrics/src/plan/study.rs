//! The whole answer to "how large a study?": components, needs at each k for each correlation, and the best split.

use super::budget::{Best, Budget, Design, best_split};
use super::components::{Mix, Pilot, components};
use super::error::PlanError;
use super::judge::{Corrected, JudgeErrors, JudgeNoise};
use super::paired::{PairedPilot, paired};
use super::power::{Contrast, Correlation, Need, Pairing, Target, Test, needs, samples_needed};
use crate::judge_error::FEWEST_LABELLED;
use crate::measure::Measure;
use crate::panel::Panel;
use crate::share::Missing;

/// What is to be planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What is measured.
    pub measure: Measure,
    /// What unknown outcomes of the pilot count as.
    pub missing: Missing,
    /// The scenarios' shares of the study; `None` is as in the pilot.
    pub mix: Option<Mix>,
    /// The true difference to be shown, a share: 0.03 is 3 points.
    pub difference: f64,
    /// The test.
    pub test: Test,
    /// Numbers of samples per instance to answer for.
    pub samples: Vec<u32>,
    /// What the difference is about, and how many instances there are.
    pub target: Target,
    /// Whether both arms run over the same instances; two pilots say the correlation themselves.
    pub pairing: Pairing,
    /// What is known of the judge's error.
    pub judge: Option<JudgeNoise>,
    /// What may be spent.
    pub budget: Option<Budget>,
}

impl Request {
    /// Numbers of samples unless told.
    pub const SAMPLES: [u32; 6] = [1, 2, 3, 5, 8, 10];

    /// The usual test and numbers of samples, for a measure and a difference.
    #[must_use]
    pub fn new(measure: Measure, difference: f64) -> Self {
        Self {
            measure,
            missing: Missing::default(),
            mix: None,
            difference,
            test: Test::default(),
            samples: Self::SAMPLES.to_vec(),
            target: Target::default(),
            pairing: Pairing::Paired(Correlation::DEFAULT),
            judge: None,
            budget: None,
        }
    }
}

/// What the plan rests on.
#[derive(Debug, Clone, PartialEq)]
pub enum Evidence {
    /// One pilot: how the arms go together is assumed.
    One(Pilot),
    /// Two pilots over the same instances.
    Two(Box<PairedPilot>),
}

impl Evidence {
    /// The measured share, the mean of both where there are two.
    fn share(&self) -> f64 {
        match self {
            Self::One(pilot) => pilot.overall.share,
            Self::Two(pair) => f64::midpoint(pair.overall.a.share, pair.overall.b.share),
        }
    }

    /// The mean variance within instances of an arm.
    fn within(&self) -> f64 {
        match self {
            Self::One(pilot) => pilot.overall.within.value,
            Self::Two(pair) => pair.overall.within.value / 2.0,
        }
    }

    /// Two pilots say how they go together, unless the arms are to run over instances of their own.
    fn contrast(&self, pairing: Pairing) -> Contrast {
        match (self, pairing) {
            (Self::One(pilot), _) => Contrast::of(pilot, pairing),
            (Self::Two(pair), Pairing::Paired(_)) => Contrast::of_pair(pair),
            (Self::Two(pair), Pairing::Unpaired) => Contrast::of_apart(pair),
        }
    }

    fn corrected(&self, pairing: Pairing, errors: JudgeErrors) -> Corrected {
        match (self, pairing) {
            (Self::One(pilot), _) => Corrected::of(pilot, errors, pairing),
            (Self::Two(pair), Pairing::Paired(_)) => Corrected::of_pair(pair, errors),
            (Self::Two(pair), Pairing::Unpaired) => Corrected::of_apart(pair, errors),
        }
    }

    fn scenarios(&self) -> usize {
        match self {
            Self::One(pilot) => pilot.scenarios.len(),
            Self::Two(pair) => pair.scenarios.len(),
        }
    }
}

/// The answer under one assumption of how the arms go together.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The assumed correlation; `None` where it was measured, or where instances differ.
    pub assumed: Option<Correlation>,
    /// What the variance of the difference is made of.
    pub contrast: Contrast,
    /// For each number of samples.
    pub needs: Vec<Need>,
    /// The fewest samples on all available instances; `None` where their number is not given, or no k is enough.
    pub samples_on_all: Option<u32>,
}

/// The judge's part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgePart {
    /// As given.
    pub noise: JudgeNoise,
    /// What it adds to the variance of one verdict; contained in `within`.
    pub variance: f64,
    /// Its share of `within`, at most 1; `None` where that is 0.
    pub of_within: Option<f64>,
}

/// A plan.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyPlan {
    /// What was asked.
    pub request: Request,
    /// What it rests on.
    pub evidence: Evidence,
    /// The judge's part, where something is known of it.
    pub judge: Option<JudgePart>,
    /// What shows of a true difference: Youden's J; 1 where it is not known.
    pub remains: f64,
    /// The answer; with one pilot and paired arms, the asked-for correlation first and then those always shown.
    pub outlooks: Vec<Outlook>,
    /// The best split of the budget.
    pub split: Option<Best>,
}

/// Plans a study from a pilot, or from two over the same instances.
///
/// # Errors
/// Where the components cannot be told ([`components`], [`paired`]), and for differences and budgets that make no sense.
pub fn plan(pilot: &Panel, other: Option<&Panel>, request: &Request) -> Result<StudyPlan, PlanError> {
    let mix = request.mix.map_or_else(|| Mix::of(pilot), Ok)?;
    let evidence = match other {
        None => Evidence::One(components(pilot, request.measure, request.missing, &mix)?),
        Some(other) => Evidence::Two(Box::new(paired(pilot, other, request.measure, request.missing, &mix)?)),
    };
    let judge = request.judge.map(|noise| {
        let (variance, within) = (noise.variance(evidence.share()), evidence.within());
        JudgePart { noise, variance, of_within: (within > 0.0).then(|| (variance / within).min(1.0)) }
    });
    let remains = request.judge.and_then(|j| j.youden()).unwrap_or(1.0);
    let outlooks = assumptions(&evidence, request.pairing)
        .into_iter()
        .map(|(assumed, pairing)| outlook(&evidence, request, remains, assumed, pairing))
        .collect::<Result<Vec<_>, _>>()?;
    let split = match &request.budget {
        None => None,
        Some(budget) => Some(best_split(&design(&evidence, request, remains), budget)?),
    };
    Ok(StudyPlan { request: request.clone(), evidence, judge, remains, outlooks, split })
}

fn assumptions(evidence: &Evidence, pairing: Pairing) -> Vec<(Option<Correlation>, Pairing)> {
    let (Evidence::One(_), Pairing::Paired(asked)) = (evidence, pairing) else {
        return vec![(None, pairing)];
    };
    std::iter::once(asked)
        .chain(Correlation::SHOWN.into_iter().filter(|shown| *shown != asked))
        .map(|correlation| (Some(correlation), Pairing::Paired(correlation)))
        .collect()
}

fn outlook(
    evidence: &Evidence,
    request: &Request,
    remains: f64,
    assumed: Option<Correlation>,
    pairing: Pairing,
) -> Result<Outlook, PlanError> {
    let Request { difference, test, target, samples, .. } = request;
    let contrast = evidence.contrast(pairing);
    let needs = needs(&contrast, samples, *difference, remains, test, target)?;
    let samples_on_all = match target.available {
        None => None,
        Some(all) => samples_needed(&contrast, all, difference * remains, test, target)?,
    };
    Ok(Outlook { assumed, contrast, needs, samples_on_all })
}

fn design(evidence: &Evidence, request: &Request, remains: f64) -> Design {
    let corrected = match request.judge {
        Some(JudgeNoise::Errors(errors)) => Some(evidence.corrected(request.pairing, errors)),
        _ => None,
    };
    Design {
        contrast: evidence.contrast(request.pairing),
        remains,
        corrected,
        same_instances: matches!(request.pairing, Pairing::Paired(_)),
        fewest_labels: (FEWEST_LABELLED * evidence.scenarios()) as u64,
        target: request.target,
        test: request.test,
    }
}
