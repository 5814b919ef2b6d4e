//! What stands in one place of a card: a number as people read it, its exact value for programs that read the HTML, and
//! what surrounds it.

use undersight_metrics::card::{Paired, Rate};
use undersight_metrics::judge_error::{Chance, MeasuredRate};
use undersight_metrics::{Interval, Share};

use crate::cell::Cell;
use crate::compare::{self, points, signed};
use crate::number::{NONE, count, percent};

/// A run of text that may stand for an exact number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// For people.
    pub(super) shown: String,
    /// As in the JSON document.
    pub(super) exact: Option<String>,
}

impl Piece {
    pub(super) fn text(shown: impl Into<String>) -> Self {
        Self { shown: shown.into(), exact: None }
    }

    pub(super) fn whole(n: u64) -> Self {
        Self { shown: count(n), exact: Some(n.to_string()) }
    }

    pub(super) fn real(shown: String, value: f64) -> Self {
        Self { shown, exact: Some(serde_json::Value::from(value).to_string()) }
    }
}

/// A cell of a card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Figure {
    /// Shown everywhere.
    pub(super) first: Vec<Piece>,
    /// What surrounds it: an interval.
    pub(super) around: Vec<Piece>,
    /// What it rests on; in HTML alone.
    pub(super) small: Vec<Piece>,
    /// Whether it stands to the right.
    pub(super) number: bool,
}

impl Figure {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { first: vec![Piece::text(text)], ..Self::default() }
    }

    fn numbers(first: Vec<Piece>, around: Vec<Piece>, small: Vec<Piece>) -> Self {
        Self { first, around, small, number: true }
    }

    pub(super) fn count(n: u64) -> Self {
        Self::numbers(vec![Piece::whole(n)], Vec::new(), Vec::new())
    }

    /// A count of which some have no verdict that stands.
    pub(super) fn with_unknown(n: u64, unknown: u64) -> Self {
        Self::with_part(n, unknown, " unknown")
    }

    /// Trials, and how many of them have no verdict that stands.
    pub(super) fn without_verdict(n: u64, without: u64) -> Self {
        Self::with_part(n, without, " not standing")
    }

    fn with_part(n: u64, part: u64, what: &'static str) -> Self {
        let around = if part > 0 { vec![Piece::whole(part), Piece::text(what)] } else { Vec::new() };
        Self::numbers(vec![Piece::whole(n)], around, vec![])
    }

    /// Something more it rests on.
    fn also(mut self, piece: Piece, shown: bool, after: &str) -> Self {
        if shown {
            if !self.small.is_empty() {
                self.small.push(Piece::text(", "));
            }
            self.small.extend([piece, Piece::text(after)]);
        }
        self
    }

    /// Counts by name.
    pub(super) fn tally<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> Self {
        let mut first = Vec::new();
        for (name, n) in counts {
            let before = if first.is_empty() { format!("{name} ") } else { format!(", {name} ") };
            first.extend([Piece::text(before), Piece::whole(n)]);
        }
        if first.is_empty() {
            first.push(Piece::text(NONE));
        }
        Self { first, ..Self::default() }
    }

    /// A share in percent.
    pub(super) fn share(value: Option<f64>, interval: Option<Interval>) -> Self {
        Self::numbers(
            vec![value.map_or_else(none, share)],
            interval.map(percents).unwrap_or_default(),
            vec![],
        )
    }

    pub(super) fn rate(rate: &Rate) -> Self {
        let of = of(rate.share);
        let several = rate.cases != rate.share.of;
        Self { small: of, ..Self::share(rate.value(), rate.interval) }.also(
            Piece::whole(rate.cases),
            several,
            " cases",
        )
    }

    pub(super) fn measured(rate: Option<MeasuredRate>) -> Self {
        let Some(r) = rate else { return Self::share(None, None) };
        let small = vec![Piece::text("of "), Piece::real(format!("{:.0}", r.n), r.n)];
        let around = range(share_end(r.low), "–", share_end(r.high));
        Self::numbers(vec![share(r.value)], around, small)
    }

    /// A difference of shares in points.
    pub(super) fn points(value: Option<f64>, interval: Option<Interval>) -> Self {
        let end = |x: f64| Piece::real(points(x, 1).replace('+', ""), x);
        let around = interval.map(|i| range(end(i.low), " to ", end(i.high))).unwrap_or_default();
        let first = value.map_or_else(none, |v| Piece::real(points(v, 2), v));
        Self::numbers(vec![first], around, vec![])
    }

    /// What pairs gained less what they lost, in points; below it how many passed before and after, gained and lost.
    pub(super) fn paired(paired: &Paired) -> Self {
        let counts = [(paired.before, " → "), (paired.after, " of "), (paired.pairs, "; +")];
        let counts = counts.into_iter().chain([(paired.gained, " −"), (paired.lost, "")]);
        let small = counts.flat_map(|(n, after)| [Piece::whole(n), Piece::text(after)]).collect();
        let several = paired.cases != paired.pairs;
        Self { small, ..Self::points(paired.difference(), paired.interval) }.also(
            Piece::whole(paired.cases),
            several,
            " cases",
        )
    }

    /// A p-value, the one adjusted for the number of tests below it.
    pub(super) fn p(paired: &Paired) -> Self {
        let one = |p: Option<f64>| p.map_or_else(none, |v| Piece::real(compare::p(p), v));
        let around = paired.p_holm.map(|_| vec![one(paired.p_holm)]).unwrap_or_default();
        Self::numbers(vec![one(paired.p)], around, vec![])
    }

    pub(super) fn coefficient(chance: Option<Chance>) -> Self {
        let around = chance.map(|c| range(plain(c.low), " to ", plain(c.high))).unwrap_or_default();
        Self::numbers(vec![chance.map_or_else(none, |c| plain(c.value))], around, vec![])
    }

    /// A number between −1 and 1 with its interval.
    pub(super) fn ratio(value: Option<f64>, interval: Option<Interval>) -> Self {
        let around = interval.map(|i| range(plain(i.low), " to ", plain(i.high))).unwrap_or_default();
        Self::numbers(vec![value.map_or_else(none, plain)], around, vec![])
    }

    /// A number written as given.
    pub(super) fn written(value: Option<f64>, write: impl Fn(f64) -> String) -> Self {
        let first = value.map_or_else(none, |v| Piece::real(write(v), v));
        Self::numbers(vec![first], vec![], vec![])
    }

    /// A whole number written as given.
    pub(super) fn amount(value: Option<i64>, write: impl Fn(i64) -> String) -> Self {
        let first = value.map_or_else(none, |v| Piece { shown: write(v), exact: Some(v.to_string()) });
        Self::numbers(vec![first], vec![], vec![])
    }

    /// Something else it rests on.
    pub(super) fn replacing(self, small: Vec<Piece>) -> Self {
        Self { small, ..self }
    }

    /// More it rests on, in HTML alone.
    pub(super) fn resting_on(mut self, small: Vec<Piece>) -> Self {
        self.small.extend(small);
        self
    }

    /// For the terminal and Markdown.
    pub(super) fn cell(&self) -> Cell {
        let joined = |pieces: &[Piece]| pieces.iter().map(|p| p.shown.as_str()).collect::<String>();
        let interval = (!self.around.is_empty()).then(|| joined(&self.around));
        Cell { text: joined(&self.first), interval, bounds: None }
    }
}

fn none() -> Piece {
    Piece::text(NONE)
}

fn share(value: f64) -> Piece {
    Piece::real(percent(Some(value)), value)
}

fn share_end(value: f64) -> Piece {
    Piece::real(format!("{:.1}", value * 100.0), value)
}

fn plain(value: f64) -> Piece {
    Piece::real(signed(value, 2).replace('+', ""), value)
}

fn percents(interval: Interval) -> Vec<Piece> {
    range(share_end(interval.low), "–", share_end(interval.high))
}

fn range(low: Piece, between: &str, high: Piece) -> Vec<Piece> {
    vec![low, Piece::text(between), high]
}

fn of(share: Share) -> Vec<Piece> {
    vec![Piece::whole(share.passes), Piece::text(" of "), Piece::whole(share.of)]
}
