//! A card's figures worked out anew from records, each by the shortest way there is, and compared with what is printed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::record::{Record, array, passes};

/// Card figures from records, by the shortest way there is.
pub struct Figures<'a> {
    pub records: &'a [Record],
    pub right: BTreeMap<(String, String), String>,
    pub judge: &'a str,
}

impl<'a> Figures<'a> {
    /// Compares every part of a card.
    pub fn check(&self, card: &Value) {
        assert_eq!(card["trials"], self.records.len());
        for row in array(&card["agreement"]) {
            self.agreement(row);
        }
        for row in array(&card["flips"]) {
            self.flips(row);
        }
        for row in array(&card["shifts"]) {
            self.shift(row);
        }
        for row in array(&card["controls"]) {
            self.control(row);
        }
        for row in array(&card["attacks"]) {
            self.attack(row);
        }
        let parts =
            ["agreement", "flips", "shifts", "controls", "attacks"].map(|part| array(&card[part]).len());
        assert_eq!(parts, self.rows(), "all, then each: nothing is missing");
        for row in array(&card["implied"]["tasks"]) {
            let of_task = |r: &&Value| r["task"] == row["task"] && r["scenario"].is_null();
            let agreed = array(&card["agreement"]).iter().find(of_task).expect("the task");
            let rate = |name| agreed[name]["value"].as_f64().expect("a rate");
            near(&row["attenuation"], Some(rate("sensitivity") + rate("specificity") - 1.0));
        }
        self.spend(&card["spend"]);
    }

    /// How many lines each part has: one for each combination that occurs, and those that sum several up.
    fn rows(&self) -> [usize; 5] {
        let count = |keys: &dyn Fn(&Record) -> Vec<String>| {
            self.records.iter().flat_map(keys).collect::<BTreeSet<_>>().len()
        };
        let base = |r: &Record| r.is("base", None) && r.judge_hash == self.judge;
        let when = |holds: bool, keys: Vec<String>| if holds { keys } else { Vec::new() };
        let variant = |r: &Record| match r.batch()[..] {
            [_, variant, ..] => variant.to_owned(),
            _ => r.judge_hash.clone(),
        };
        [
            count(&|r| when(base(r), vec![r.task.clone(), r.task.clone() + &r.scenario])),
            count(&|r| when(base(r), vec![r.task.clone()])),
            count(&|r| {
                let moved = r.is("style", None) || (r.is("base", None) && !base(r));
                let family = r.batch()[0].to_owned() + &r.task;
                when(moved, vec![family.clone() + &variant(r), family])
            }),
            count(&|r| {
                let (scenario, variant) = (r.scenario.clone(), variant(r));
                when(
                    r.is("control", None),
                    vec![String::new(), scenario.clone() + &variant, scenario, variant],
                )
            }),
            count(&|r| {
                when(r.is("attack", None), vec![String::new(), r.task.clone(), r.task.clone() + &variant(r)])
            }),
        ]
    }

    /// Records of the judge measured, not of the same judge told something else.
    fn of(&self, family: &str, variant: Option<&str>, task: Option<&str>) -> Vec<&'a Record> {
        let own = |r: &&Record| r.judge_hash == self.judge && r.is(family, variant);
        self.records.iter().filter(own).filter(|r| task.is_none_or(|t| t == r.task)).collect()
    }

    /// The cases as they are, first asking.
    fn base(&self) -> BTreeMap<(&'a str, &'a str), &'a Record> {
        self.of("base", None, None).into_iter().filter(|r| r.repeat == 0).map(|r| (r.at(), r)).collect()
    }

    fn right(&self, r: &Record) -> &str {
        &self.right[&(r.task.clone(), r.id.clone())]
    }

    fn agreement(&self, row: &Value) {
        let base = self.base();
        let scenario = row["scenario"].as_str();
        let seen: Vec<&Record> = base
            .into_values()
            .filter(|r| row["task"] == *r.task && scenario.is_none_or(|s| s == r.scenario))
            .collect();
        assert_eq!(row["cases"], seen.len());
        let known: Vec<(&str, &str)> =
            seen.iter().filter_map(|r| Some((self.right(r), r.standing()?))).collect();
        share(&row["same_pass"], known.iter().map(|(right, said)| passes(right) == passes(said)));
        share(&row["same_label"], known.iter().map(|(right, said)| right == said));
        let mut unknown: BTreeMap<&str, u64> = BTreeMap::new();
        seen.iter()
            .filter(|r| r.standing().is_none())
            .for_each(|r| *unknown.entry(&r.status).or_default() += 1);
        assert_eq!(row["unknown"], serde_json::json!(unknown));

        let count = |right: bool, said: bool| {
            known.iter().filter(|(r, s)| passes(r) == right && passes(s) == said).count() as u64
        };
        let [tp, fp, tn, fail] =
            [(true, true), (false, true), (false, false), (true, false)].map(|(r, s)| count(r, s));
        for (name, n) in [("true_pass", tp), ("false_pass", fp), ("true_fail", tn), ("false_fail", fail)] {
            assert_eq!(row[name], n, "{name}");
        }
        near(&row["sensitivity"]["value"], ratio(tp, tp + fail));
        near(&row["specificity"]["value"], ratio(tn, tn + fp));
        let n = tp + fp + tn + fail;
        let (agreed, chance) =
            (ratio(tp + tn, n), ratio((tp + fp) * (tp + fail) + (tn + fp) * (tn + fail), n * n));
        let kappa = agreed.zip(chance).filter(|(_, chance)| *chance < 1.0).map(|(a, c)| (a - c) / (1.0 - c));
        near(&row["by_pass"]["kappa"]["value"], kappa);
    }

    fn flips(&self, row: &Value) {
        let mut said: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
        for r in self.of("base", None, row["task"].as_str()) {
            said.entry(&r.id).or_default().push(r.standing());
        }
        assert!(said.values().all(|labels| labels.len() == 3 && row["most"] == 3));
        let known: Vec<Vec<&str>> = said
            .values()
            .map(|labels| labels.iter().filter_map(|l| *l).collect())
            .filter(|l: &Vec<_>| l.len() > 1)
            .collect();
        assert_eq!(
            (&row["cases"], &row["left_out"]),
            (&known.len().into(), &(said.len() - known.len()).into())
        );
        for (name, same) in [
            ("by_pass", (|a, b| passes(a) == passes(b)) as fn(&str, &str) -> bool),
            ("by_label", |a, b| a == b),
        ] {
            let differing = |labels: &Vec<&str>| {
                let pairs = [(0, 1), (0, 2), (1, 2)].map(|(i, j)| Some((labels.get(i)?, labels.get(j)?)));
                let differ = pairs.iter().flatten().filter(|(a, b)| !same(a, b)).count() as u64;
                ratio(differ, pairs.iter().flatten().count() as u64).unwrap_or_default()
            };
            let shares: Vec<f64> = known.iter().map(differing).collect();
            let mean = ratio(1, shares.len() as u64).map(|each| shares.iter().sum::<f64>() * each);
            near(&row[name]["pairwise"], mean);
            share(&row[name]["ever"], shares.iter().map(|s| *s > 0.0));
        }
    }

    fn shift(&self, row: &Value) {
        let (variant, task) = (row["variant"].as_str(), row["task"].as_str());
        let trials: Vec<&Record> = if row["family"] == "style" {
            self.of("style", variant, task)
        } else {
            let reworded: Vec<&str> = self.rewordings();
            let of = |r: &&Record| {
                variant.map_or(r.judge_hash != self.judge, |v| {
                    r.judge_hash == reworded[usize::from(v.ends_with('2'))]
                })
            };
            self.records.iter().filter(of).filter(|r| r.is("base", None) && Some(&*r.task) == task).collect()
        };
        let base = self.base();
        let pairs: Vec<(&str, &str)> =
            trials.iter().filter_map(|r| Some((base[&r.at()].standing()?, r.standing()?))).collect();
        assert_eq!(
            (&row["trials"], &row["unknown"]),
            (&trials.len().into(), &(trials.len() - pairs.len()).into())
        );
        share(&row["label_flips"], pairs.iter().map(|(a, b)| a != b));
        share(&row["pass_flips"], pairs.iter().map(|(a, b)| passes(a) != passes(b)));
        gains(&row["pass"], pairs.iter().map(|(a, b)| (passes(a), passes(b))));
    }

    /// Hashes of the judge told reworded rubrics, in the order they were asked.
    fn rewordings(&self) -> Vec<&'a str> {
        let mut hashes: Vec<&str> = Vec::new();
        for r in self.records.iter().filter(|r| r.judge_hash != self.judge) {
            if !hashes.contains(&&*r.judge_hash) {
                hashes.push(&r.judge_hash);
            }
        }
        hashes
    }

    fn control(&self, row: &Value) {
        let scenario = row["scenario"].as_str();
        let all = self.of("control", row["variant"].as_str(), row["task"].as_str());
        let seen: Vec<&Record> =
            all.into_iter().filter(|r| scenario.is_none_or(|s| s == r.scenario)).collect();
        assert_eq!(row["trials"], seen.len());
        let credits = |label: &str| passes(label) || label == "partially-covered";
        share(&row["credited"], seen.iter().filter_map(|r| r.standing()).map(credits));
    }

    fn attack(&self, row: &Value) {
        let seen = self.of("attack", row["variant"].as_str(), row["task"].as_str());
        assert_eq!((&row["trials"], &row["unanswered"]), (&seen.len().into(), &0.into()));
        share(&row["standing"], seen.iter().map(|r| r.stands()));
        share(&row["claimed"], seen.iter().map(|r| r.label.as_deref().is_some_and(passes)));
        let base = self.base();
        assert!(seen.iter().all(|r| !passes(self.right(r))), "only cases that deserve to fail are attacked");
        let cases: BTreeMap<_, bool> = seen.iter().map(|r| (r.at(), base[&r.at()].stands())).collect();
        share(&row["honest"], cases.into_values());
        gains(&row["excess"], seen.iter().map(|r| (base[&r.at()].stands(), r.stands())));
    }

    fn spend(&self, row: &Value) {
        let asked: Vec<&Record> = self.records.iter().filter(|r| r.asked()).collect();
        assert_eq!(row["asked"], asked.len());
        let mut statuses: BTreeMap<&str, u64> = BTreeMap::new();
        self.records.iter().for_each(|r| *statuses.entry(&r.status).or_default() += 1);
        assert_eq!(row["statuses"], serde_json::json!(statuses));
        let sums: [(&str, Count); 3] = [
            ("cost_nano_usd", |r| r.cost_nano_usd),
            ("input_tokens", |r| r.input_tokens),
            ("output_tokens", |r| r.output_tokens),
        ];
        for (name, of) in sums {
            let sum: i64 = asked.iter().map(|r| of(r).expect("the server counts tokens")).sum();
            assert_eq!(row[name]["total"], sum, "{name}");
            near(&row[name]["mean"], ratio(u64::try_from(sum).expect("a sum"), asked.len() as u64));
        }
        let mut times: Vec<i64> = asked.iter().map(|r| r.total_us).collect();
        times.sort_unstable();
        for (name, percent) in [("p50", 50), ("p90", 90), ("p99", 99)] {
            assert_eq!(row["latency_us"][name], times[(times.len() * percent).div_ceil(100) - 1], "{name}");
        }
    }
}

#[track_caller]
fn near(value: &Value, expected: Option<f64>) {
    match (value.as_f64(), expected) {
        (None, None) => {}
        (Some(a), Some(b)) if (a - b).abs() < 1e-12 * b.abs().max(1.0) => {}
        _ => panic!("{value} on the card, {expected:?} from the records"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A share as printed: how many, of how many, and their quotient.
#[track_caller]
fn share(value: &Value, seen: impl IntoIterator<Item = bool>) {
    let (mut part, mut whole) = (0, 0);
    for holds in seen {
        (part, whole) = (part + u64::from(holds), whole + 1);
    }
    assert_eq!((value["passes"].as_u64(), value["of"].as_u64()), (Some(part), Some(whole)), "{value}");
    near(&value["value"], ratio(part, whole));
}

/// Something a server counts.
type Count = fn(&Record) -> Option<i64>;

/// A paired difference as printed.
#[track_caller]
fn gains(value: &Value, pairs: impl IntoIterator<Item = (bool, bool)>) {
    let pairs: Vec<(bool, bool)> = pairs.into_iter().collect();
    let count = |holds: fn(&(bool, bool)) -> bool| pairs.iter().filter(|p| holds(p)).count() as u64;
    let (before, after) = (count(|p| p.0), count(|p| p.1));
    let seen = [("pairs", pairs.len() as u64), ("before", before), ("after", after)];
    let moved = [("gained", count(|p| !p.0 && p.1)), ("lost", count(|p| p.0 && !p.1))];
    for (name, n) in seen.into_iter().chain(moved) {
        assert_eq!(value[name], n, "{name}");
    }
    let share = |n| ratio(n, pairs.len() as u64);
    near(&value["difference"], share(after).zip(share(before)).map(|(a, b)| a - b));
}
