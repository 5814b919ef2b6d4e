//! Shares that keep numerator and denominator, tallies that keep what is unknown, and what scores do with that.

use std::ops::AddAssign;

/// A share of a whole: `passes` of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// How many.
    pub passes: u64,
    /// Of how many.
    pub of: u64,
}

impl Share {
    /// Between 0 and 1; `None` of nothing.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        (self.of > 0).then(|| self.passes as f64 / self.of as f64)
    }
}

/// What a score does with samples whose outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// Unknown counts against: the denominator is the plan.
    #[default]
    Fail,
    /// Unknown is left out (complete cases): samples without the verdicts a metric needs, and at @k instances with fewer
    /// than k of them, whatever the rest says. Without bias where what is missing is missing at random; where it is not,
    /// the estimate may even lie outside its bounds, and the bounds are to be believed.
    Exclude,
}

impl Missing {
    /// `fail` or `exclude`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Exclude => "exclude",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Fail, Self::Exclude].into_iter().find(|m| m.name() == text)
    }
}

/// Counts of what holds, what does not, and what is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Known to hold.
    pub yes: u64,
    /// Known not to hold.
    pub no: u64,
    /// Unknown.
    pub open: u64,
}

impl Tally {
    /// Counts one observation.
    pub fn count(&mut self, observed: Option<bool>) {
        match observed {
            Some(true) => self.yes += 1,
            Some(false) => self.no += 1,
            None => self.open += 1,
        }
    }

    /// All three.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.yes + self.no + self.open
    }

    /// Whether all of them hold: false as soon as one is known not to, unknown while any is open or there are none.
    #[must_use]
    pub const fn all(self) -> Option<bool> {
        match self {
            Self { no: 1.., .. } => Some(false),
            Self { open: 1.., .. } | Self { yes: 0, .. } => None,
            _ => Some(true),
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.yes += other.yes;
        self.no += other.no;
        self.open += other.open;
    }
}
